"""The sample company, written and imported once, and hand-made logs that are small enough to know by heart."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lineage
from lineage.workspace import Workspace
from resources.sample import __main__ as sample


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sample company's files."""
    folder = tmp_path_factory.mktemp("skarn") / "files"
    sample.write(folder)
    return folder


@pytest.fixture(scope="session")
def trail(sample_files: Path) -> Path:
    """A workspace with the sample company in it; nobody writes to it."""
    path = sample_files.parent / "audit.trail"
    with lineage.open(path) as workspace:
        workspace.import_([sample_files])
    return path


@pytest.fixture
def company_workspace(trail: Path) -> Iterator[Workspace]:
    """The sample company's workspace, open."""
    with lineage.open(trail) as workspace:
        yield workspace


def _audit_event(
    at: str,
    user: str,
    *,
    name: str = "scorer",
    uri: str = "s3://models/churn/1",
    verb: str = "create",
    code: int = 201,
    annotations: dict[str, str] | None = None,
    number: int = 0,
) -> dict[str, object]:
    """Return one call that told a cluster to serve `uri`, as an API server logs it (audit.k8s.io/v1)."""
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "fraud", "annotations": annotations or {}},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri}}},
    }
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"00000000-0000-4000-8000-{number:012d}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/serving.kserve.io/v1beta1/namespaces/fraud/inferenceservices/{name}",
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {
            "resource": "inferenceservices",
            "namespace": "fraud",
            "name": name,
            "apiGroup": "serving.kserve.io",
            "apiVersion": "v1beta1",
        },
        "responseStatus": {"code": code},
        "requestObject": body,
        "responseObject": body,
        "requestReceivedTimestamp": at,
        "stageTimestamp": at,
    }


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes records, one a line, imports them and returns the workspace's path."""

    def make(*records: object, name: str = "audit.log", **labels: str) -> Path:
        source = tmp_path / name
        lines = [line if isinstance(line, str) else json.dumps(line) for line in records]
        source.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        path = tmp_path / "made.trail"
        with lineage.open(path) as workspace:
            workspace.import_([source], labels=labels)
        return path

    return make


@pytest.fixture
def audit_event() -> Callable[..., object]:
    """A function that returns one call as an API server logs it."""
    return _audit_event
