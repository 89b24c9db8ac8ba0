"""What do SageMaker's answers say of jobs: what was trained, processed or scored, from what and into what?

Each job runs once under a name of its own, so it is a run of the kind of job that it is. The role in an answer is what
the job may do, not who started it: that is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Json, Key, Run, Use
from lineage.model.moment import Moment
from lineage.model.naming import dataset_at
from lineage.model.vocabulary import TERMINAL, Kind, RunState
from lineage.source import Filtered, Problem
from lineage.sources._model_claims import items, mapping, redacted, scalar
from lineage.sources._sagemaker_answer import Answer
from lineage.sources._withheld import table
from lineage.text import clip

STATES = {
    "InProgress": RunState.RUNNING,
    "Stopping": RunState.RUNNING,
    "Completed": RunState.COMPLETE,
    "Failed": RunState.FAIL,
    "Stopped": RunState.ABORT,
}
PROCESSING, TRANSFORM = "processing-job/", "transform-job/"
"""What stands before the name of a run that is no training: names of jobs are unique within their kind only."""

Said = Fact | Problem | Filtered


def training(answer: Answer) -> Iterator[Said]:
    """Say what a training job read and made."""
    said = answer.said
    inputs = [
        (uri, scalar(mapping(channel).get("ChannelName")))
        for channel in items(said.get("InputDataConfig"))
        for uri in _sources(mapping(mapping(channel).get("DataSource")))
    ]
    artifact = scalar(mapping(said.get("ModelArtifacts")).get("S3ModelArtifacts"))
    algorithm, resources = mapping(said.get("AlgorithmSpecification")), mapping(said.get("ResourceConfig"))
    more: dict[str, Json] = {
        "image": scalar(algorithm.get("TrainingImage")) or scalar(algorithm.get("AlgorithmName")),
        "channels": {name: redacted(uri) for uri, name in inputs if name},
        "instance_type": scalar(resources.get("InstanceType")),
        "instances": resources.get("InstanceCount"),
        "artifact_uri": redacted(artifact),
        **table("params", mapping(said.get("HyperParameters"))),
        **table("metrics", _metrics(answer)),
    }
    yield from _run(answer, "TrainingJob", "", [uri for uri, _ in inputs], [artifact], more)


def processing(answer: Answer) -> Iterator[Said]:
    """Say what a processing job read and wrote."""
    said = answer.said
    inputs = [
        uri
        for entry in items(said.get("ProcessingInputs"))
        for uri in (
            scalar(mapping(mapping(entry).get("S3Input")).get("S3Uri")),
            *_defined(mapping(mapping(entry).get("DatasetDefinition"))),
        )
    ]
    outputs = [
        scalar(mapping(mapping(entry).get("S3Output")).get("S3Uri"))
        for entry in items(mapping(said.get("ProcessingOutputConfig")).get("Outputs"))
    ]
    image = scalar(mapping(said.get("AppSpecification")).get("ImageUri"))
    yield from _run(answer, "ProcessingJob", PROCESSING, inputs, outputs, {"image": image})


def transform(answer: Answer) -> Iterator[Said]:
    """Say what a batch transform scored, and with which model by name."""
    said = answer.said
    source = mapping(mapping(said.get("TransformInput")).get("DataSource"))
    output = scalar(mapping(said.get("TransformOutput")).get("S3OutputPath"))
    more: dict[str, Json] = {"model": answer.text("ModelName")}
    yield from _run(answer, "TransformJob", TRANSFORM, list(_sources(source)), [output], more)


def _sources(source: Mapping[str, Any]) -> Iterator[str]:
    yield scalar(mapping(source.get("S3DataSource")).get("S3Uri"))
    files = mapping(source.get("FileSystemDataSource"))
    if scalar(files.get("FileSystemId")):
        kind = scalar(files.get("FileSystemType")).lower() or "efs"
        path = scalar(files.get("DirectoryPath")).strip("/")
        yield f"{kind}://{scalar(files.get('FileSystemId'))}/{path}"


def _defined(definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a query's result was put: the tables behind it stand in the text of the query alone."""
    for kind in ("AthenaDatasetDefinition", "RedshiftDatasetDefinition"):
        yield scalar(mapping(definition.get(kind)).get("OutputS3Uri"))


def _metrics(answer: Answer) -> dict[str, Json]:
    return {
        scalar(entry.get("MetricName")): entry.get("Value")
        for entry in map(mapping, items(answer.said.get("FinalMetricDataList")))
        if scalar(entry.get("MetricName"))
    }


def _run(
    answer: Answer, kind: str, prefix: str, inputs: list[str], outputs: list[str], more: dict[str, Json]
) -> Iterator[Said]:
    name, status = answer.text(f"{kind}Name"), answer.text(f"{kind}Status")
    if not name or not status:
        yield Filtered("names-only")
        return
    state = STATES.get(status, RunState.OTHER)
    if status not in STATES:
        reason = "the status of the job is none of SageMaker's"
        yield Problem("unknown-status", reason, f"{kind}Status", clip(status), fatal=False)
    created = answer.time("CreationTime")
    start = "ProcessingStartTime" if kind == "ProcessingJob" else f"{kind.removesuffix('Job')}StartTime"
    started, ended = answer.time(start), answer.time(start.replace("Start", "End"))
    modified = answer.time("LastModifiedTime")
    if started and ended and ended.lo < started.lo:
        reason = "the job ends before it starts"
        yield Problem("end-before-start", reason, start.replace("Start", "End"), ended.text, fatal=False)
        ended = None
    at = _as_of(state, ended, modified, started, created)
    if at is None:
        yield Problem("missing-field", "the answer does not say when the job was made", "CreationTime")
        return
    experiment = mapping(answer.said.get("ExperimentConfig"))
    attributes: dict[str, Json] = {
        "name": name,
        "arn": answer.arn,
        "status": status,
        "failure_reason": clip(answer.text("FailureReason"), 500),
        "role": answer.text("RoleArn"),
        "experiment": scalar(experiment.get("ExperimentName")),
        "trial": scalar(experiment.get("TrialName")),
        **more,
    }
    key = Key(Kind.RUN, answer.place, prefix + name)
    job = Key(Kind.JOB, answer.place, f"{kind.removesuffix('Job').lower()}-jobs")
    yield Entity(key, {"arn": answer.arn}, at=at, created=created)
    yield Run(
        key,
        job,
        state,
        at,
        inputs=_uses(inputs),
        outputs=_uses(outputs) if state is RunState.COMPLETE or state is RunState.ABORT else (),
        started=started,
        ended=ended,
        individual=True,
        attributes={field: value for field, value in attributes.items() if value not in ("", {}, None)},
    )


def _as_of(state: RunState, ended: Moment | None, *others: Moment | None) -> Moment | None:
    if state in TERMINAL and ended is not None:
        return ended
    return next((moment for moment in others if moment is not None), ended)


def _uses(uris: list[str]) -> tuple[Use, ...]:
    return tuple(dict.fromkeys(Use(dataset_at(redacted(uri))) for uri in uris if uri))
