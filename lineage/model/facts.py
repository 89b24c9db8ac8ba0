"""What can a record say? The few kinds of statements that every source speaks in.

A fact is what one evidence record states, normalised but not interpreted: names stand as the source wrote them, and
identity, time intervals and episodes are worked out later from the whole set (DESIGN 1, 2.2). Facts are made by the
hundred thousand, so they are msgspec structs: four times as quick to make as dataclasses and their own wire format.
A new field goes to the end with a default, so that facts written by an older version still read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from lineage.model.moment import Moment
from lineage.model.vocabulary import Basis, Kind, Outcome, Relation, RunState

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""


class Key(NamedTuple):
    """The name of a thing: its kind, the namespace it is named in, and its name there.

    Datasets follow OpenLineage's naming (namespace = the store, name = the place in it). Names of other kinds:

    - model `mlflow:<instance>/<workspace>` + model name; model-version: the same namespace + `<model>/<version>`
    - run: the namespace of its job + the run id; column: the dataset's namespace + `<dataset>#<column>`
    - target on Kubernetes: `kubernetes://<cluster>` + `<namespace>/<resource>/<name>`, resource as in the API's
      plural (`inferenceservices`); on SageMaker: `sagemaker://<account>/<region>` + the endpoint's name, or
      `inference-components/<name>`
    - actor: the system that authenticated (`kubernetes`, `mlflow`, `openlineage`, `people`, ...) + the principal
      exactly as recorded; a person of a people list: `people` + e-mail, or the name when there is none
    - job: the namespace its tool gives; a CI workflow or pipeline: `github:<owner>/<repository>`, `gitlab:<project>`;
      an Argo CD application: `argocd:<cluster>` + `<namespace>/<name>`
    - job of git: `git` + the repository's name; of DVC `dvc://<repository>` + the stage, with its files as datasets
    - GTO's models and versions: `gto:<repository>`; a stage is a target: `gto://<repository>` + `<artifact>/<stage>`
    - environment of a code host: the same namespace as its jobs + the environment's name
    - incident: the system it is kept in (`pagerduty:<account>`, `servicenow:<instance>`, ...) + its number
    - sla: the document's own namespace (service or contract id) + the name of the objective in it
    """

    kind: Kind
    namespace: str
    name: str


class Fact(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True, tag_field="fact"):
    """Any statement of a record."""


class Entity(Fact, frozen=True, gc=False):
    """A thing exists and had these attributes.

    Attributes:
        key: its name.
        attributes: what is said of it; a value of None = said to be absent.
        at: when this was so. For a record of a present-state listing, the time of the listing.
        listing: the listing (a snapshot of one source instance and kind) this stands in; empty for an event. A thing
            that a later *complete* listing of the same name no longer holds has ended in between.
        created: when it came into being, where the source says so.
        ended: when it ceased to be, where the source says so.
    """

    key: Key
    attributes: dict[str, Json] = {}
    at: Moment | None = None
    listing: str = ""
    created: Moment | None = None
    ended: Moment | None = None


class Alias(Fact, frozen=True, gc=False):
    """Two names concern the same thing.

    Attributes:
        relation: `same` (two names of one thing), `part-of` (`key` lies inside `other`) or `candidate` (alike, not
            proven: never merged without a person).
        rule: the rule that says so (`symlink`, `people-list`, `data-source-uri`, ...).
        since, until: for names that are valid only for a time (people lists).
    """

    key: Key
    other: Key
    rule: str
    relation: str = "same"
    confidence: float = 1.0
    since: Moment | None = None
    until: Moment | None = None


class Link(Fact, frozen=True, gc=False):
    """One thing stands in a relation to another; lineage flows from `source` to `target`.

    Attributes:
        rule: the rule or field that says so (`columnLineage`, `model_versions.run_id`, ...).
        job, run: the activity that made it so, where known. `exact` dataset links of a job (basis column-exact or
            declared, with `job`) replace the product of that job's inputs and outputs (sources-ops 1).
        at: when it was seen to be so; `ended`: when it ceased to be.
        detail: what else is said of it (transformation, masking, context, step).
    """

    source: Key
    target: Key
    type: Relation
    basis: Basis
    rule: str
    confidence: float = 1.0
    job: Key | None = None
    run: Key | None = None
    at: Moment | None = None
    ended: Moment | None = None
    detail: dict[str, Json] = {}


class Use(NamedTuple):
    """A dataset as a run used it: its key, and its version (digest, partition, delta version; empty = not said)."""

    key: Key
    version: str = ""


class Run(Fact, frozen=True, gc=False):
    """A run of a job was in a state at a time, reading and writing these datasets.

    Attributes:
        key: kind run; a run is known by (job, run id), because producers reuse run ids (sources-ops 1).
        state: as of `at`; terminal states outrank others whatever the order they arrive in.
        started, ended: where the record says so itself (an event's own time is `at`).
        individual: true when each run makes its own thing (a training run makes a model version), so that lineage
            runs through the run; false when runs repeat the same work and lineage runs through the job.
        streaming: a long-lived job: a start without an end is then no gap.
        parent: the run that started it.
        actor: who triggered it, only where the record says so (an owner is not an actor).
    """

    key: Key
    job: Key
    state: RunState
    at: Moment
    inputs: tuple[Use, ...] = ()
    outputs: tuple[Use, ...] = ()
    started: Moment | None = None
    ended: Moment | None = None
    individual: bool = False
    streaming: bool = False
    parent: Key | None = None
    actor: Key | None = None
    attributes: dict[str, Json] = {}


class Hop(NamedTuple):
    """One step of the chain from the recorded principal to a human: who, by which rule, and what field says so.

    `system` is what knows the principal by this name, where that is not the system of the actor himself.
    """

    principal: str
    rule: str
    field: str = ""
    system: str = ""


class Claim(NamedTuple):
    """Something a workload carries that may name a model version.

    `kind` is one of: `model-uri` (`models:/..`, `mlflow://..`, `runs:/..`), `registry-label`, `model-package`,
    `image` (whole reference), `artifact-uri`, `cloud-registry-id`, `run-id`, `logged-model-id`, `git-commit`,
    `template-annotation` (`<name>/<N>`), `version-label`, `name`; or a name that only another record explains:
    `sagemaker-config`, `sagemaker-model`. `where` is the path of the field in the record.
    """

    kind: str
    value: str
    where: str


class Component(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One part of a workload that can hold a model.

    Attributes:
        name: the field or container it stands in (`predictor`, `explainer`, `canary`, `default/classifier`).
        uri: where the model is read from; `image`: the container image; both as written.
        weight: its share of traffic, 0..1; None where the record does not say.
        claims: everything on it that may name a model version, in the order found.
    """

    name: str
    uri: str = ""
    image: str = ""
    weight: float | None = None
    claims: tuple[Claim, ...] = ()
    env: dict[str, str] = {}


class Workload(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a deployment target was told to run.

    Attributes:
        platform: kserve, knative, seldon, kubernetes, sagemaker, ... (CONTRACT.md).
        fingerprint: a digest of the part that decides what serves; equal fingerprints = nothing changed.
        resources: replicas, cpu, memory, gpu, image_digest and the like, as written.
        annotations, labels: those that name a change, an approval, an environment, a service or an SLA; not all.
        partial: true for a patch of which only the changed fields are known.
    """

    platform: str
    components: tuple[Component, ...] = ()
    fingerprint: str = ""
    resources: dict[str, Json] = {}
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    partial: bool = False


class Happened(Fact, frozen=True, gc=False):
    """Something happened to a thing.

    Attributes:
        type: `apply` (a target was told to run `workload`), `observe` (a listing showed it running), `delete`,
            `alias-set`, `stage-set`, `approve`, `register`, ... in the present tense of the product's words.
        id: the source's own id of the happening; two records of one id are one happening (a Kubernetes auditID).
        actor: the principal as authenticated; `chain`: further principals the record itself names, nearest first
            (impersonated user, session name, CI run, commit).
        effective: the identity the action ran under, when it differs from `actor` (impersonation).
        workload: for deployments; None = the record does not hold the object (audit level Metadata, truncated).
        change: ids that lead on: `commit`, `ticket`, `ci_run`, `reason`, `approved_by`, `approved_at`.
    """

    type: str
    subject: Key
    at: Moment
    id: str = ""
    outcome: Outcome = Outcome.DONE
    actor: Key | None = None
    actor_kind: str = ""
    effective: str = ""
    chain: tuple[Hop, ...] = ()
    workload: Workload | None = None
    listing: str = ""
    change: dict[str, str] = {}
    detail: dict[str, Json] = {}


class Objective(Fact, frozen=True, gc=False):
    """One objective of a service level agreement, in one version.

    Attributes:
        key: kind sla. Two records with one key are versions of the same objective.
        version: as the document says; empty where it says none.
        metric, comparator, target, unit: e.g. availability, `>=`, 0.995, `ratio`; latency, `<=`, 0.2, `s`. Ratios are
            0..1, times seconds.
        percentile: 0..1 where the metric is one (p95 = 0.95).
        window: ISO 8601 duration (`P28D`, `P1M`), with `rolling`; `zone`: the IANA zone of a calendar window.
        method: budgeting method (occurrences, timeslices, ratio-timeslices), where the document says.
        subjects: what it is about, as the document names it: service names, label selectors `key=value`, datasets.
        since, until: the interval it holds for, and `ground` why that is believed: annotation, contract, git, file,
            import (sources-ops 0.10); no `since` = not said by the document.
        document: where it stands, for people; `owner`: as the document says.
    """

    key: Key
    metric: str
    comparator: str
    target: float
    unit: str
    version: str = ""
    percentile: float | None = None
    window: str = ""
    rolling: bool = True
    zone: str = ""
    method: str = ""
    subjects: tuple[str, ...] = ()
    datasets: tuple[Key, ...] = ()
    since: Moment | None = None
    until: Moment | None = None
    ground: str = "import"
    document: str = ""
    owner: str = ""
    text: str = ""


class Measured(Fact, frozen=True, gc=False):
    """A value or a check of a thing at a time.

    Attributes:
        metric: what was measured or asserted (`rowCount`, `not_null`, `availability`).
        value, unit: the value found; None where only a verdict is given.
        success: the verdict of a check; None for a mere measurement.
        severity: error or warn, where the source says; detail: column, expected, actual and the like.
    """

    subject: Key
    metric: str
    at: Moment
    value: float | None = None
    unit: str = ""
    success: bool | None = None
    severity: str = ""
    run: Key | None = None
    detail: dict[str, Json] = {}


class Series(Fact, frozen=True, gc=False):
    """Values of one metric over time: what `Measured` says, for the thousands of samples of one record.

    Attributes:
        subject: kind monitor: the series itself, by its instance and its name with sorted labels
            (`prometheus:<instance>` + `http_requests_total{code="500",service="iris"}`).
        times: UTC microseconds, rising; values: as many; a sample that is not a number (a stale marker, NaN) is not
            among them and stands in `detail` as the number of those left out.
        unit: seconds, ratio, bytes, ...; empty = not said. counter: true for a total that only grows and may reset.
        step: microseconds between samples where the source says so; 0 = not said. A longer pause is a gap, and what
            was not measured counts neither as good nor as bad.
        labels: what the source says the series is about (`service`, `namespace`, `pod`, ...).
    """

    subject: Key
    metric: str
    times: tuple[int, ...]
    values: tuple[float, ...]
    unit: str = ""
    counter: bool = False
    step: int = 0
    labels: dict[str, str] = {}
    detail: dict[str, Json] = {}


class Grant(Fact, frozen=True, gc=False):
    """Somebody was allowed to do something, or forbidden.

    Attributes:
        grantee: the principal (kind actor) or group; that somebody is in a group is a grant whose role is the group.
        role: the role, policy or permission set as the source calls it (`ClusterRole/edit`).
        permissions: what it allows, in the source's own words (`update inferenceservices.serving.kserve.io`,
            `sagemaker:UpdateEndpoint`); empty = the record names the role only.
        where: what it holds for, as the source writes it (a namespace, an ARN pattern, `*`); `place`: the system
            (`kubernetes://<cluster>`, `aws:<account>`, ...).
        things: the things it names exactly.
        allowed: false for an explicit denial; `conditional`: the conditions as text, empty = none.
        since, until: the interval the record itself states; `at`, `listing`: as in `Entity`.
        by: who granted it, only where the record says so; `via`: the binding or group that hands it down.
    """

    grantee: Key
    role: str
    permissions: tuple[str, ...] = ()
    where: str = ""
    place: str = ""
    things: tuple[Key, ...] = ()
    allowed: bool = True
    conditional: str = ""
    since: Moment | None = None
    until: Moment | None = None
    at: Moment | None = None
    listing: str = ""
    by: Key | None = None
    via: str = ""
    detail: dict[str, Json] = {}


class Coverage(Fact, frozen=True, gc=False):
    """What a source was able to show, so that "none" is not taken for "not looked".

    Attributes:
        listing: the listing or log this is about (`Entity.listing`, `Happened.listing`, or a log's own name).
        what: the kinds covered, in words of the vocabulary (`model-version`, `target`, `run`).
        since, until: the span shown; for a listing both are the time of the listing.
        complete: true = everything of that kind in that scope was shown.
    """

    listing: str
    what: str
    since: Moment
    until: Moment
    complete: bool = False
    detail: dict[str, Json] = {}


AnyFact = Entity | Alias | Link | Run | Happened | Objective | Measured | Series | Grant | Coverage

Bundle = tuple[Entity | Link, ...]
"""Facts without a time of their own that recur together (the schema and columns of a job's output, run after run).

They hold at the time of the record's run. A source that keeps one such tuple and hands out the same object again spares
the importer a look at each fact; what a record says is the same with and without.
"""
