"""How is one record about pipelines looked at: its names, its times, and what it says of runs, steps and artifacts?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lineage.model import moment
from lineage.model.facts import Alias, Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import LAST, Moment, to_iso
from lineage.model.naming import dataset, dataset_at
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Relation, RunState
from lineage.source import Origin, Problem
from lineage.sources._model_claims import mapping, redacted, scalar
from lineage.sources._withheld import table
from lineage.text import clip

_NEVER = ("0001-01-01", "1970-01-01T00:00:00")
"""Times that stand for none: Go's zero time, and the one that the pipeline service gives a run that goes on."""

NOT_RUN = frozenset({"skipped", "omitted"})
"""States of a step that never ran: it did not fail, and it made nothing."""

_STATES = {
    "pending": RunState.OTHER,
    "running": RunState.RUNNING,
    "succeeded": RunState.COMPLETE,
    "cached": RunState.COMPLETE,
    "skipped": RunState.OTHER,
    "omitted": RunState.OTHER,
    "failed": RunState.FAIL,
    "error": RunState.FAIL,
    "canceling": RunState.RUNNING,
    "cancelling": RunState.RUNNING,
    "terminating": RunState.RUNNING,
    "canceled": RunState.ABORT,
    "cancelled": RunState.ABORT,
    "terminated": RunState.ABORT,
    "paused": RunState.OTHER,
    "": RunState.OTHER,
    "runtime_state_unspecified": RunState.OTHER,
}


@dataclass(slots=True)
class Step:
    """One step of a run.

    Attributes:
        name: what it is called in the pipeline; number: what tells it from the other steps of the run.
        status: as the record writes it.
        made: what else it says, facts of its artifacts.
    """

    name: str
    number: str
    status: str
    started: Moment | None = None
    ended: Moment | None = None
    inputs: list[Key] = field(default_factory=list)
    outputs: list[Key] = field(default_factory=list)
    attributes: dict[str, Json] = field(default_factory=dict)
    made: list[Fact] = field(default_factory=list)


class View:
    """One record while it is read."""

    def __init__(self, origin: Origin) -> None:
        self.instance = origin.label("instance") or origin.label("cluster") or origin.folder or "unnamed"
        self.zone = origin.label("timezone")
        self.problems: list[Problem] = []

    @property
    def pipelines(self) -> str:
        """The namespace of the pipeline service's jobs."""
        return f"kubeflow-pipelines:{self.instance}"

    @property
    def workflows(self) -> str:
        """The namespace of Argo's own jobs."""
        return f"argo:{self.instance}"

    def artifact(self, number: str) -> Key:
        """Return the key of the artifact of that id, by which a run's tasks name it."""
        return dataset(f"{self.pipelines}/artifacts", number)

    def time(self, value: object, name: str) -> Moment | None:
        """Return a time; None when it is absent or stands for none, with a problem when it is unsound."""
        text = scalar(value).strip()
        if not text or text.startswith(_NEVER):
            return None
        try:
            return moment.parse(text, self.zone)
        except ValueError as error:
            self.note("bad-time", f"this is no time: {error}", name, text)
            return None

    def state(self, status: str) -> RunState:
        """Return the state that a status means; an unknown one is a problem."""
        known = _STATES.get(status.lower())
        if known is None:
            self.note("unknown-status", "the status is none of a run's", "status", status)
        return known or RunState.OTHER

    def note(self, code: str, reason: str, name: str, value: object) -> None:
        """Note a problem that does not stop the record."""
        self.problems.append(Problem(code, reason, name, clip(value), fatal=False))


def place(value: Any) -> str:
    """Return the URI in a text field, without credentials; empty when there is none."""
    return redacted(scalar(value).strip())


def kept(attributes: dict[str, Json]) -> dict[str, Json]:
    """Return the attributes that say something."""
    return {name: value for name, value in attributes.items() if value not in ("", {}, [], None)}


def times(created: Moment | None) -> dict[str, Json]:
    """Return when a thing was made as an attribute."""
    return {"created_at": to_iso(created.lo)} if created else {}


def whole_run(
    view: View,
    key: Key,
    job: Key,
    status: str,
    steps: list[Step],
    *,
    started: Moment | None,
    ended: Moment | None,
    attributes: dict[str, Json],
    actor: Key | None = None,
    created: Moment | None = None,
) -> Iterator[Fact]:
    """Say what a run and its steps did.

    Lineage runs through the steps; the run as a whole has read what its steps read and none of them made.
    """
    made = {output for step in steps for output in step.outputs}
    read = {one: None for step in steps for one in step.inputs if one not in made and _is_data(one)}
    yield _run(view, key, job, status, (started, ended, created), list(read), [], attributes, None, actor)
    named: dict[str, None] = {}
    for step in steps:
        own = Key(Kind.JOB, job.namespace, f"{job.name}.{step.name}")
        number = Key(Kind.RUN, key.namespace, f"{key.name}/{step.number}")
        if step.status.lower() in NOT_RUN:
            step.inputs, step.outputs = [], []
            step.attributes["skipped"] = True
        if step.status.lower() == "cached":
            step.attributes["cached"] = True
        if step.name not in named:
            named[step.name] = None
            yield Link(job, own, Relation.PARENT, Basis.OBSERVED, "pipeline step")
        yield from step.made
        spans = (step.started, step.ended, started or created)
        yield _run(
            view, number, own, step.status, spans, step.inputs, step.outputs, step.attributes, key, None
        )
        at = step.ended or step.started or started
        for one in step.inputs:
            if not _is_data(one):
                yield Link(
                    one, number, Relation.INPUT, Basis.OBSERVED, "task inputs", job=own, run=number, at=at
                )
        for one in step.outputs:
            if not _is_data(one):
                yield Link(
                    number, one, Relation.PRODUCED, Basis.OBSERVED, "task outputs", job=own, run=number, at=at
                )


def _run(
    view: View,
    key: Key,
    job: Key,
    status: str,
    spans: tuple[Moment | None, Moment | None, Moment | None],
    inputs: list[Key],
    outputs: list[Key],
    attributes: dict[str, Json],
    parent: Key | None,
    actor: Key | None,
) -> Run:
    state = view.state(status)
    started, ended, created = spans
    if started and ended and ended.lo < started.lo:
        view.note("end-before-start", "the run ends before it starts", "finishedAt", to_iso(ended.lo))
    at = (ended if state in TERMINAL else None) or started or created or ended or Moment(0, LAST)
    return Run(
        key,
        job,
        state,
        at,
        inputs=tuple(Use(one) for one in dict.fromkeys(inputs) if _is_data(one)),
        outputs=tuple(Use(one) for one in dict.fromkeys(outputs) if _is_data(one)),
        started=started,
        ended=ended if state in TERMINAL else None,
        individual=True,
        parent=parent,
        actor=actor,
        attributes=kept({"status": status, **attributes}),
    )


def _is_data(key: Key) -> bool:
    return key.kind is Kind.DATASET


def artifact(view: View, said: Any, pipeline: str = "") -> tuple[Key | None, list[Fact]]:
    """Return the key of an artifact of the pipeline service, and what is said of it.

    A model that a run's own record shows is a version known by its place; in a bare list of artifacts nothing tells
    which pipeline it is of, so there it is only the data at its place.
    """
    item = mapping(said)
    number = scalar(item.get("artifact_id") or item.get("artifactId"))
    uri = place(item.get("uri"))
    if not uri and item.get("storage_path"):
        provider = scalar(item.get("storage_provider")).lower()
        uri = f"{provider}://{place(item['storage_path'])}" if provider else ""
    kind = scalar(item.get("artifact_type") or item.get("type"))
    name = scalar(item.get("name"))
    if not number and not uri:
        return None, []
    created = view.time(item.get("created_at") or item.get("createdAt"), "created_at")
    attributes = {
        "artifact_id": number,
        "artifact_type": kind,
        "names": [name] if name else [],
        "uri": uri,
        "size": scalar(item.get("artifact_size")),
        "kubernetes_namespace": scalar(item.get("namespace")),
        **times(created),
        **table("tags", mapping(item.get("metadata"))),
    }
    if pipeline and number and kind.rpartition(".")[2] == "Model":
        model = f"{pipeline}/{name or 'model'}"
        key = Key(Kind.MODEL_VERSION, view.pipelines, f"{model}/{number}")
        version = {
            **attributes,
            "model": model,
            "version": number,
            "storage_location": uri,
            "unregistered": True,
            "deleted": False,
        }
        parent = Key(Kind.MODEL, view.pipelines, model)
        return key, [
            Entity(key, kept(version), created=created),
            Link(key, parent, Relation.VERSION_OF, Basis.DECLARED, "artifact type"),
        ]
    key = dataset_at(uri) if uri else view.artifact(number)
    found: list[Fact] = [Entity(key, kept(attributes), created=created)]
    if uri and number:
        found.append(Alias(view.artifact(number), key, "kubeflow-artifact-id"))
    return key, found
