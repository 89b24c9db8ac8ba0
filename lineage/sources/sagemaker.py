"""What do SageMaker's registry, jobs and endpoints hold, as saved answers of its API or command line show them?

Read are answers of describe and list calls as JSON (one a file, a list of them, one a line, or one printed after
another) about model packages and their groups, models, endpoint configurations, endpoints, training, processing and
transform jobs, and lineage entities (query-lineage, list-associations, list-artifacts); see sources-ml 5.

An answer is a state: a version and its approval status, what an endpoint runs. Who put a model into service is in none
of them; that is CloudTrail's, and both speak of an endpoint by the same name, so that what CloudTrail tells and what an
answer shows is one change (`lineage.identity.sagemaker`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _json_stream as stream
from lineage.sources import _sagemaker_jobs as jobs
from lineage.sources import _sagemaker_lineage as entities
from lineage.sources import _sagemaker_registry as registry
from lineage.sources import _sagemaker_serving as serving
from lineage.sources._model_claims import scalar
from lineage.sources._sagemaker_answer import ARN, Answer, answer_of
from lineage.text import MalformedError, clip, loads

NAME = "sagemaker"
FORMAT = "Amazon SageMaker describe, list and query-lineage answers as JSON"
PROVES = ("who", "when", "what", "lineage")

_Reader = Callable[[Answer], Iterator[Fact | Problem | Filtered]]
_LISTS = (
    "ModelPackageSummaryList",
    "ModelPackageGroupSummaryList",
    "TrainingJobSummaries",
    "ProcessingJobSummaries",
    "TransformJobSummaries",
    "ArtifactSummaries",
    "AssociationSummaries",
    "ActionSummaries",
    "ContextSummaries",
    "Endpoints",
    "EndpointConfigs",
    "Models",
)
_IN_LISTS = tuple(f'"{name}"'.encode() for name in _LISTS)
_PLAIN_WORDS = frozenset({"Endpoints", "Models"})


def _left_out(reason: str) -> _Reader:
    def read(answer: Answer) -> Iterator[Fact | Problem | Filtered]:
        del answer
        yield Filtered(reason)

    return read


_READERS: tuple[tuple[str, str, _Reader], ...] = (
    ("ProcessingJobArn", "ProcessingJobName", jobs.processing),
    ("TransformJobArn", "TransformJobName", jobs.transform),
    ("TrainingJobArn", "TrainingJobName", jobs.training),
    ("ModelPackageArn", "", registry.package),
    ("ModelPackageGroupArn", "", registry.group),
    ("EndpointArn", "EndpointName", serving.endpoint),
    ("EndpointConfigArn", "EndpointConfigName", serving.config),
    ("ModelArn", "ModelName", serving.model),
    ("ArtifactArn", "", entities.artifact),
    ("ActionArn", "", _left_out("lineage-action")),
    ("ContextArn", "", _left_out("lineage-context")),
)
"""By which member an answer is known, which other it has to have, and what reads it; jobs may name other jobs."""

_KNOWN = re.compile(rf'"(?:{"|".join(arn for arn, _, _ in _READERS)}|SourceArn|Arn)"\s*:\s*"arn:aws')
_LISTED = re.compile(rf'"(?:{"|".join(name for name in _LISTS if name not in _PLAIN_WORDS)})"\s*:\s*\[')
_CALLS = re.compile(r'\\?"eventSource\\?"\s*:')


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are answers of SageMaker, by the ARNs in them and the members that hold them."""
    text = sample.text
    if sample.listing or text.lstrip()[:1] not in {"{", "["} or _CALLS.search(text):
        return 0.0
    if ":sagemaker:" in text and _KNOWN.search(text):
        return 0.9
    return 0.85 if _LISTED.search(text[:2_000]) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a file into its answers, and answers that list things into those."""
    for record in stream.values(given, *_LISTS):
        if isinstance(record, Record) and any(name in record.raw[:400] for name in _IN_LISTS):
            yield from framing.json_items(record, *_LISTS)
        else:
            yield record


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one answer, or one thing that an answer lists, states."""
    try:
        value = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if not isinstance(value, dict):
        yield Problem("not-sagemaker", "the record is no object", value=clip(repr(value)))
        return
    if isinstance(value.get("Vertices"), list) or isinstance(value.get("Edges"), list):
        yield from entities.queried(value)
        return
    if scalar(value.get("SourceArn")) and scalar(value.get("DestinationArn")):
        answer = Answer(value, "", "", "", origin)
        at = answer.time("CreationTime")
        yield from answer.problems
        yield from entities.association(value, at)
        return
    for member, needed, reader in _READERS:
        arn = scalar(value.get(member))
        if arn and (not needed or scalar(value.get(needed))):
            yield from _read(value, arn, reader, origin)
            return
    yield from _unknown(value)


def _read(value: dict[str, Any], arn: str, reader: _Reader, origin: Origin) -> Iterator[Any]:
    answer = answer_of(value, arn, origin)
    if isinstance(answer, Problem):
        yield answer
        return
    said = list(reader(answer))
    filtered = [one for one in said if isinstance(one, Filtered)]
    yield from answer.problems
    yield from filtered[:1] or said


def _unknown(value: dict[str, Any]) -> Iterator[Problem | Filtered]:
    names = [name for name, inner in value.items() if isinstance(inner, str) and ARN.fullmatch(inner)]
    if names:
        # What only echoes an ARN is the answer to a change; what else describes a thing is of a kind not read.
        yield Filtered("names-only" if len(value) <= 2 else "kind")
    elif set(value) & set(_LISTS):
        yield Filtered("nothing-listed")
    else:
        reason = "the record holds no answer of SageMaker"
        yield Problem("not-sagemaker", reason, value=clip(repr(value)))
