"""Which pipeline steps ran, when, how did they end, and what did they read and make? Kubeflow Pipelines and Argo.

Runs of the pipeline service's API (v1beta1 with the workflow as text, v2beta1 with tasks), its artifacts, compiled
pipelines (IR YAML or JSON), and Argo's own objects as `kubectl get` prints them. A dump with objects that serve models
is left to the reader of dumps. A run's id is a UUID, so it is the same run in ML Metadata and in the model registry;
jobs are told apart by the label `instance` (or `cluster`), else by the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._argo_workflow import KINDS, is_workflow, workflow
from lineage.sources._model_claims import items, mapping, scalar
from lineage.sources._pipeline_runs import is_v1, is_v2, v1_run, v2_run
from lineage.sources._pipeline_spec import pipeline_spec, spec_in
from lineage.sources._pipeline_view import View, artifact
from lineage.text import MalformedError, clip, load_yaml, loads

NAME = "kubeflow-pipelines"
PLACED = True
FORMAT = (
    "Kubeflow Pipelines runs, artifacts (API v1beta1, v2beta1) and compiled pipelines; Argo Workflows objects"
)
PROVES = ("who", "when", "what", "lineage")

_KIND = re.compile(r"""^(?:- |  )?["']?kind["']?:[ \t]*["']?(\w+)""", re.MULTILINE)
_JSON_KIND = re.compile(r'"kind"\s*:\s*"(\w+)"')
_ARGO = re.compile(r"""apiVersion["']?\s*:\s*["']?argoproj\.io/v1alpha1""")
_OTHER_LOGS = re.compile(r'auditID|audit\.k8s\.io/|protoPayload|"eventSource"|"eventType"|eventVersion')
_SERVING = re.compile(
    r"""apiVersion["']?\s*:\s*["']?(?:serving\.(?:kserve|knative|kubeflow|yatai|bentoml)\.|m[\w.]+\.seldon\.io/|nuclio\.io/)"""
)
_V1 = re.compile(r'"(?:workflow_manifest|resource_references)"\s*:')
_V2 = re.compile(r'"(?:pipeline_version_reference|run_details|state_history|runtime_config)"\s*:')
_PAGE = {"runs", "artifacts", "total_size", "next_page_token"}
_ARTIFACT = re.compile(r'"(?:artifact_type|storage_provider|storage_path)"\s*:')


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are runs, artifacts or definitions of pipelines."""
    text = sample.text
    if sample.listing or _OTHER_LOGS.search(text):
        return 0.0
    is_json = text.lstrip()[:1] in {"{", "["}
    if "pipelineInfo" in text and ("deploymentSpec" in text or "schemaVersion" in text):
        return 0.9
    if is_json and '"id"' in text and '"pipeline_spec"' in text and _V1.search(text):
        return 0.9
    if is_json and '"pipeline_runtime"' in text and '"workflow_manifest"' in text:
        return 0.9
    if is_json and '"run_id"' in text and _V2.search(text):
        return 0.9
    if is_json and '"artifact_id"' in text and (_ARTIFACT.search(text) or '"artifacts"' in text):
        return 0.85
    if _ARGO.search(text):
        kinds = set((_JSON_KIND if is_json else _KIND).findall(text))
        if kinds & KINDS:
            return 0.5 if _SERVING.search(text) else 0.88
    return 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into runs, artifacts or objects: the items of a list, lines, or YAML documents."""
    yield from framing.documents(given, "runs", "artifacts", "items")


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one run, artifact, definition or object states."""
    try:
        value = loads(record.raw) if record.raw.lstrip()[:1] in {b"{", b"["} else load_yaml(record.raw)
    except MalformedError as error:
        line = record.line + max(error.line - 1, 0) if record.line else error.line
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]), line=line)
        return
    listed = mapping(value).get("items")
    whole = isinstance(listed, list) and scalar(mapping(value).get("kind")).endswith("List")
    reason: Filtered | None = None
    said = False
    for number, body in enumerate(listed if isinstance(listed, list) and whole else [value]):
        view = View(origin)
        for found in _one(view, body):
            if isinstance(found, Filtered):
                reason = found
            else:
                said = True
                yield found
        row = f"/items/{number}" if whole else ""
        for problem in view.problems:
            yield Problem(problem.code, problem.reason, problem.field, problem.value, row=row, fatal=False)
    if not said:
        yield reason or Filtered("empty")


def _one(view: View, value: Any) -> Iterator[Fact | Problem | Filtered]:
    body = mapping(value)
    if not body:
        yield Problem("not-an-object", "this is no object of a pipeline", value=clip(value))
    elif is_workflow(body):
        yield from workflow(view, body)
    elif is_v2(body):
        yield from v2_run(view, body)
    elif is_v1(body):
        yield from v1_run(view, body)
    elif spec := spec_in(body):
        yield from pipeline_spec(view, spec)
    elif "artifact_id" in body:
        yield from artifact(view, body)[1]
    elif "platforms" in body:
        yield Filtered("platform-spec")
    elif "kind" in body:
        yield Filtered("kind")
    elif not items(body.get("runs") or body.get("artifacts")) and body.keys() <= _PAGE:
        yield Filtered("empty-list")
    else:
        yield Problem("not-a-run", "this is no run, artifact or definition of a pipeline", value=clip(value))
