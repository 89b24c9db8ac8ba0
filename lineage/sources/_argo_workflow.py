"""What does an Argo workflow say: which job it is a run of, how its steps ended, what they read and made?

Argo Workflows docs/fields.md (WorkflowStatus, NodeStatus, ArtifactLocation) and docs/workflow-creator.md. Only an
object that the server has stored is a run; a manifest is the definition of a job. An attempt that was retried is part
of its Retry node: its failure is not the step's. Kubeflow's own driver and launcher pods (`system-*`) are no steps.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Key
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import Kind
from lineage.source import Filtered
from lineage.sources._model_claims import items, mapping, notes_of, redacted, scalar
from lineage.sources._pipeline_names import pipeline_run
from lineage.sources._pipeline_view import Step, View, kept, whole_run
from lineage.sources._withheld import table
from lineage.text import MalformedError, loads

KINDS = frozenset({"Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"})
GROUP = "argoproj.io"

_LABEL = "workflows.argoproj.io/"
_PIPELINES = "pipelines.kubeflow.org/"
_LARGEST = 128 << 20
"""Bytes of unpacked nodes beyond which they are not read."""
_COMPILED = ("components-", "implementations-", "kubernetes-comp-")
"""Arguments that hold parts of a pipeline compiled by version 2 of the SDK, and no parameter of anybody's."""
_STEPS = frozenset({"Pod", "Retry", "HTTP", "Plugin", "Container", "Skipped"})
_SUFFIX = re.compile(r"-[a-z0-9]{5}$|-\d{10}$|-\d+-\d+$")
_STOPPED = re.compile(r"(?i)stopped with strategy|terminated|workflow shutdown")
_KEPT_LABELS = (
    "cron-workflow",
    "resubmitted-from-workflow",
    "workflow-template",
    "cluster-workflow-template",
    "submit-from-ui",
)


def is_workflow(value: Any) -> bool:
    """Tell whether `value` is an object of Argo Workflows."""
    body = mapping(value)
    group = scalar(body.get("apiVersion")).partition("/")[0]
    return scalar(body.get("kind")) in KINDS and group == GROUP


def workflow(
    view: View, body: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> Iterator[Fact | Filtered]:
    """Say what a workflow is or did; `known` is what the pipeline service's record says of the same run."""
    metadata = mapping(body.get("metadata"))
    labels, notes = notes_of(metadata.get("labels")), notes_of(metadata.get("annotations"))
    known = known or {}
    job = _job(view, body, labels, notes, known)
    if job is None:
        yield Filtered("nameless")
        return
    status = mapping(body.get("status"))
    spec = mapping(body.get("spec"))
    inner = mapping(spec.get("workflowSpec")) if "workflowSpec" in spec else spec
    # A compiled manifest carries an empty status: only what the server or the controller filled in is a run.
    ran = known or metadata.get("uid") or any(status.get(name) for name in ("phase", "startedAt", "nodes"))
    if scalar(body.get("kind") or "Workflow") != "Workflow" or not ran:
        yield _definition(job, inner, spec, labels)
        return
    key = _key(view, metadata, labels, known)
    phase = scalar(status.get("phase")) or scalar(known.get("status"))
    stopped = scalar(spec.get("shutdown")) or _STOPPED.search(scalar(status.get("message")))
    if phase in {"Failed", "Error"} and stopped:
        phase = "Terminated"
    created = view.time(
        metadata.get("creationTimestamp") or known.get("created_at"), "metadata.creationTimestamp"
    )
    yield _definition(job, inner, spec, labels)
    yield from whole_run(
        view,
        key,
        job,
        phase,
        list(_steps(view, status, metadata)),
        started=view.time(status.get("startedAt"), "status.startedAt"),
        ended=view.time(status.get("finishedAt") or known.get("finished_at"), "status.finishedAt"),
        created=created,
        actor=_creator(labels),
        attributes={
            "name": scalar(known.get("name")) or scalar(metadata.get("name")),
            "workflow": scalar(metadata.get("name")),
            "kubernetes_namespace": scalar(metadata.get("namespace")),
            "workflow_uid": scalar(metadata.get("uid")),
            "service_account": scalar(known.get("service_account")) or scalar(spec.get("serviceAccountName")),
            "message": redacted(scalar(status.get("message")))[:500],
            **{name: labels.get(_LABEL + name, "") for name in _KEPT_LABELS},
            **({"user_basis": "label workflows.argoproj.io/creator"} if _creator(labels) else {}),
            **table("params", _parameters(spec)),
        },
    )


def _key(view: View, metadata: Mapping[str, Any], labels: Mapping[str, str], known: Mapping[str, Any]) -> Key:
    run = scalar(known.get("id")) or labels.get("pipeline/runid", "")
    if run:
        return pipeline_run(run)
    name = f"{scalar(metadata.get('namespace')) or 'default'}/{scalar(metadata.get('name'))}"
    return Key(Kind.RUN, view.workflows, scalar(metadata.get("uid")) or name)


def _job(
    view: View,
    body: Mapping[str, Any],
    labels: Mapping[str, str],
    notes: Mapping[str, str],
    known: Mapping[str, Any],
) -> Key | None:
    """Return the job: of Kubeflow the pipeline by its name, else the template, schedule or prefix in its namespace."""
    metadata = mapping(body.get("metadata"))
    own = scalar(metadata.get("name"))
    prefix = scalar(metadata.get("generateName")).rstrip("-")
    compiled = any(name.startswith(_PIPELINES) for name in (*notes, *labels)) or any(
        scalar(mapping(template).get("name")).startswith("system-")
        for template in items(mapping(body.get("spec")).get("templates"))
    )
    if known or compiled or "pipeline/runid" in labels:
        name = pipeline_name(notes) or scalar(known.get("pipeline_name")) or prefix or _SUFFIX.sub("", own)
        return Key(Kind.JOB, view.pipelines, name) if name else None
    if scalar(body.get("kind")) in {"CronWorkflow", "WorkflowTemplate"}:
        name = own
    elif scalar(body.get("kind")) == "ClusterWorkflowTemplate":
        return Key(Kind.JOB, view.workflows, f"cluster/{own}") if own else None
    else:
        reference = mapping(mapping(body.get("spec")).get("workflowTemplateRef"))
        if scalar(reference.get("clusterScope")) == "true" and reference.get("name"):
            return Key(Kind.JOB, view.workflows, f"cluster/{scalar(reference['name'])}")
        name = (
            labels.get(f"{_LABEL}cron-workflow", "")
            or scalar(reference.get("name"))
            or labels.get(f"{_LABEL}workflow-template", "")
            or prefix
            or _SUFFIX.sub("", own)
        )
    namespace = scalar(metadata.get("namespace")) or "default"
    return Key(Kind.JOB, view.workflows, f"{namespace}/{name}") if name else None


def pipeline_name(notes: Mapping[str, str]) -> str:
    """Return the pipeline's name that the SDK (version 1) writes on a workflow; empty when there is none."""
    try:
        return scalar(mapping(loads(notes.get(f"{_PIPELINES}pipeline_spec", "{}"))).get("name"))
    except MalformedError:
        return ""


def _creator(labels: Mapping[str, str]) -> Key | None:
    """Return who submitted the workflow, which Argo's server notes where single sign-on is on.

    A label cannot hold `@`: Argo writes `.at.` in its place.
    """
    email = labels.get(f"{_LABEL}creator-email", "")
    if email.count(".at.") == 1:
        email = email.replace(".at.", "@")
    name = (
        email or labels.get(f"{_LABEL}creator-preferred-username", "") or labels.get(f"{_LABEL}creator", "")
    )
    return Key(Kind.ACTOR, "argo", name) if name else None


def _definition(
    job: Key, spec: Mapping[str, Any], outer: Mapping[str, Any], labels: Mapping[str, str]
) -> Entity:
    templates = [mapping(template) for template in items(spec.get("templates"))]
    images = {
        scalar(mapping(template.get(kind)).get("image"))
        for template in templates
        for kind in ("container", "script")
    }
    schedules = [scalar(one) for one in items(outer.get("schedules"))] or [scalar(outer.get("schedule"))]
    return Entity(
        job,
        kept(
            {
                "templates": sorted({scalar(template.get("name")) for template in templates} - {""}),
                "images": sorted(redacted(image) for image in images - {""}),
                "schedule": ", ".join(filter(None, schedules)),
                "timezone": scalar(outer.get("timezone")),
                "sdk": labels.get(f"{_PIPELINES}kfp_sdk_version", ""),
            }
        ),
    )


def _parameters(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        scalar(mapping(entry).get("name")): scalar(mapping(entry).get("value"))
        for entry in items(mapping(spec.get("arguments")).get("parameters"))
        if mapping(entry).get("name")
        and "value" in mapping(entry)
        and not scalar(mapping(entry)["name"]).startswith(_COMPILED)
    }


def _steps(view: View, status: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Step]:
    packed = _unpacked(scalar(status.get("compressedNodes")))
    nodes = {name: mapping(node) for name, node in mapping(status.get("nodes") or packed).items()}
    if not nodes and (status.get("compressedNodes") or status.get("offloadNodeStatusVersion")):
        reason = "the steps cannot be read from the object: Argo may keep them in its own database"
        view.note("steps-not-shown", reason, "status.nodes", scalar(metadata.get("name")))
    attempts = {
        scalar(child): number
        for number, node in nodes.items()
        if scalar(node.get("type")) == "Retry"
        for child in items(node.get("children"))
    }
    store = mapping(mapping(status.get("artifactRepositoryRef")).get("artifactRepository"))
    for number, node in sorted(nodes.items()):
        template = scalar(node.get("templateName"))
        if scalar(node.get("type")) not in _STEPS or number in attempts or template.startswith("system-"):
            continue
        held = [node]
        tries = [nodes[child] for child in map(scalar, items(node.get("children"))) if child in nodes]
        if scalar(node.get("type")) == "Retry":
            held += tries
        else:
            tries = []
        step = Step(
            template or scalar(node.get("displayName")) or scalar(node.get("name")) or number,
            scalar(node.get("id")) or number,
            scalar(node.get("phase")),
            view.time(node.get("startedAt"), f"status.nodes.{number}.startedAt"),
            view.time(node.get("finishedAt"), f"status.nodes.{number}.finishedAt"),
            attributes={
                "name": scalar(node.get("displayName")),
                "message": redacted(scalar(node.get("message")))[:500],
                "attempts": len(tries) or "",
                **table("params", _values(node, "inputs")),
                **table("results", _values(node, "outputs")),
            },
        )
        if mapping(node.get("memoizationStatus")).get("hit") in (True, "true"):
            step.status = "Cached"
        for one in held:
            step.inputs += _artifacts(one, "inputs", store)
        if step.status.lower() in {"succeeded", "cached", "running"}:
            for one in held:
                step.outputs += _artifacts(one, "outputs", store)
        yield step


def _unpacked(text: str) -> Any:
    """Return the nodes of a large workflow, which Argo keeps as gzip in base64; None for what cannot be unpacked."""
    try:
        unpacking = zlib.decompressobj(wbits=31)
        raw = unpacking.decompress(base64.b64decode(text, validate=True), _LARGEST)
        return loads(raw) if raw and unpacking.eof else None
    except (ValueError, zlib.error, MalformedError):
        return None


def _values(node: Mapping[str, Any], side: str) -> dict[str, Any]:
    return {
        scalar(mapping(entry).get("name")): scalar(mapping(entry).get("value"))
        for entry in items(mapping(node.get(side)).get("parameters"))
        if mapping(entry).get("name")
    }


def _artifacts(node: Mapping[str, Any], side: str, store: Mapping[str, Any]) -> Iterator[Key]:
    for entry in items(mapping(node.get(side)).get("artifacts")):
        if scalar(mapping(entry).get("name")) == "main-logs":
            continue
        uri = location(mapping(entry), store)
        if uri:
            yield dataset_at(uri)


def location(artifact: Mapping[str, Any], store: Mapping[str, Any]) -> str:
    """Return where an artifact lies; a key alone lies in the workflow's artifact repository `store`.

    >>> location({"s3": {"key": "runs/a.tgz"}}, {"s3": {"bucket": "lake"}})
    's3://lake/runs/a.tgz'
    >>> location({"raw": {"data": "x"}}, {})
    ''
    """
    for kind, scheme in (("s3", "s3"), ("gcs", "gs"), ("oss", "oss")):
        held = mapping(artifact.get(kind))
        bucket = scalar(held.get("bucket")) or scalar(mapping(store.get(kind)).get("bucket"))
        if held.get("key") and bucket:
            return redacted(f"{scheme}://{bucket}/{scalar(held['key']).lstrip('/')}")
    azure = {**mapping(store.get("azure")), **mapping(artifact.get("azure"))}
    if mapping(artifact.get("azure")).get("blob") and azure.get("container") and azure.get("endpoint"):
        end = scalar(azure["endpoint"]).rstrip("/")
        return redacted(f"{end}/{scalar(azure['container'])}/{scalar(azure['blob']).lstrip('/')}")
    hdfs = mapping(artifact.get("hdfs"))
    if hdfs.get("path"):
        host = scalar((items(hdfs.get("addresses")) or [""])[0])
        return f"hdfs://{host}/{scalar(hdfs['path']).lstrip('/')}"
    for kind, field in (("http", "url"), ("git", "repo"), ("artifactory", "url")):
        held = mapping(artifact.get(kind))
        if held.get(field):
            return redacted(scalar(held[field]))
    return ""
