"""What Helm's history, lists and stored releases say, without the values that lie beside it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Happened
from lineage.model.moment import to_iso
from lineage.source import Filtered, Origin, Problem, Record, recognise
from lineage.sources import _helm_release, helm
from lineage.text import dumps

SAMPLES = Path(__file__).parents[2] / "sources" / "helm"


class Text:
    """An input that is a text in memory."""

    name, path = "history.json", None

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size = len(raw)

    def open(self) -> BytesIO:
        """The bytes."""
        return BytesIO(self.raw)

    def members(self) -> Iterable[Any]:
        """Nothing."""
        return iter(())


def cut(given: Path | bytes, **labels: str) -> tuple[list[Any], Origin]:
    """The records of a file or text, and where it lay."""
    body = file_input(given) if isinstance(given, Path) else Text(given)
    name = given.name if isinstance(given, Path) else "history.json"
    origin = Origin(f"prod/{name}", labels, "prod")
    return list(helm.records(body, origin)), origin


def said(given: Path | bytes, **labels: str) -> list[Any]:
    """Everything that a file or text says."""
    items, origin = cut(given, **labels)
    found: list[Any] = []
    for item in items:
        found += helm.read(item, origin) if isinstance(item, Record) else [item]
    return found


def shown(found: list[Any]) -> list[tuple[Any, ...]]:
    """The happenings: type, revision, outcome, time."""
    return [
        (one.type, one.detail.get("revision"), str(one.outcome), to_iso(one.at.lo)[:16])
        for one in found
        if isinstance(one, Happened)
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_it_is_recognised_by_its_content(name: str) -> None:
    """Whatever the file is called."""
    best = recognise(sample_of(file_input(SAMPLES / name)))
    assert best is not None
    assert best[0].NAME == "helm"


def test_revisions_of_a_history() -> None:
    """Deployed and superseded ones came; the failed one did not; what is pending is left out with a reason."""
    found = said(SAMPLES / "iris.json", namespace="shop")
    assert shown(found) == [
        ("apply", "1", "done", "2026-06-01T09:00"),
        ("apply", "2", "done", "2026-06-02T09:00"),
        ("apply", "3", "failed", "2026-06-03T09:00"),
        ("apply", "4", "done", "2026-06-03T09:10"),
    ]
    assert [one for one in found if isinstance(one, Filtered)] == [Filtered("pending")]
    last = [one for one in found if isinstance(one, Happened)][-1]
    assert last.subject.name == "shop/releases/iris"
    assert (last.detail["rolled_back_to"], last.change["reason"]) == ("1", "Rollback to 1")
    assert all(one.actor is None for one in found if isinstance(one, Happened))


def test_a_list_of_all_releases_is_no_list_of_deployments() -> None:
    """Nobody knows which of a cluster's releases serve models: events, with Go's form of time read."""
    assert shown(said(SAMPLES / "list.json")) == [
        ("release-listed", "4", "done", "2026-06-03T09:10"),
        ("release-listed", "12", "done", "2026-05-01T09:00"),
    ]


def test_stored_releases_say_what_they_serve() -> None:
    """The model's place stands in the manifest; a release of a web server is left out; a broken one is a problem."""
    found = said(SAMPLES / "secrets.json")
    applied = [one for one in found if isinstance(one, Happened) and one.type == "apply"]
    uris = [one.workload.components[0].uri for one in applied if one.workload]
    assert uris == ["s3://models/churn/7", "s3://models/churn/8", "s3://models/churn/7"]
    assert shown(found)[-1] == ("delete", None, "done", "2026-06-05T10:00")
    assert [one.reason for one in found if isinstance(one, Filtered)] == ["no-model-evidence", "kind"]
    assert [(one.code, one.value) for one in found if isinstance(one, Problem)] == [
        ("bad-encoding", "sh.helm.release.v1.broken.v1")
    ]


@pytest.mark.parametrize("name", ["secrets.json", "get-all.txt"])
def test_no_value_is_kept(name: str) -> None:
    """Neither values, notes, rendered Secrets nor passwords of containers become part of a record."""
    items, _ = cut(SAMPLES / name)
    kept = b"".join(item.raw for item in items if isinstance(item, Record))
    assert b"churn/" in kept
    assert b"hunter2" not in kept
    assert base64.b64encode(b"hunter2") not in kept


def test_a_time_without_a_zone_is_marked() -> None:
    """`helm get all` writes the local time of whoever ran it."""
    (one,) = [
        one for one in said(SAMPLES / "get-all.txt", timezone="Europe/Berlin") if isinstance(one, Happened)
    ]
    assert (to_iso(one.at.lo), one.at.assumed) == ("2026-06-02T08:00:00Z", True)


def test_what_is_uninstalled_ended_at_some_time() -> None:
    """A history keeps no time of that: after its last revision, and not after it was seen."""
    row = {"revision": 1, "updated": "2026-06-01T09:00:00Z", "status": "uninstalled", "chart": "iris-1.0.0"}
    end = said(dumps([row]))[-1]
    assert (end.type, to_iso(end.at.lo), to_iso(end.at.hi)[:4]) == ("delete", "2026-06-01T09:00:00Z", "9999")
    end = said(dumps([row]), observed_at="2026-06-09T00:00:00Z")[-1]
    assert to_iso(end.at.hi) == "2026-06-09T00:00:00Z"


def bomb(raw: bytes) -> bytes:
    """A stored release that holds `raw`."""
    data = base64.b64encode(base64.b64encode(raw)).decode()
    return dumps(
        {"kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"name": "x"}, "data": {"release": data}}
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (gzip.compress(b" " * (_helm_release.MAX_RELEASE + 9)), "too-large"),
        (gzip.compress(b'{"name": "x"}')[:-9], "bad-encoding"),
        (b"\x1f\x8b\x08garbage and more of it", "bad-encoding"),
        (gzip.compress(b'{"name": "x", "name": "y"}'), "duplicate-key"),
        (gzip.compress(b'["x"]'), "missing-field"),
        (gzip.compress(b'{"name": 1, "version": [], "info": 3, "manifest": "a: ["}'), "missing-field"),
    ],
)
def test_hostile_releases_are_problems(raw: bytes, code: str) -> None:
    """A bomb, a cut or false gzip, doubled keys and wrong types: a problem, within the bounds."""
    assert code in [one.code for one in said(bomb(raw)) if isinstance(one, Problem)]


def test_the_register_of_a_release(tmp_path: Path) -> None:
    """Deployed, upgraded, rolled back, uninstalled: three episodes and a deletion, twice told and once counted."""
    folder = tmp_path / "prod"
    folder.mkdir()
    (folder / "secrets.json").write_bytes((SAMPLES / "secrets.json").read_bytes())
    (folder / "iris.json").write_bytes((SAMPLES / "iris.json").read_bytes())
    told = [
        {"revision": 2, "updated": "2026-06-02T10:00:00Z", "status": "superseded", "chart": "scorer-2.0.0"},
        {"revision": 3, "updated": "2026-06-03T10:00:00Z", "status": "deployed", "chart": "scorer-2.0.0"},
    ]
    (folder / "scorer.json").write_text(json.dumps(told))
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([folder], labels={"namespace": "shop"})
        items = workspace.deployments().items
        scorer = [item for item in items if item["endpoint"] == "scorer"]
        assert [item["action"] for item in scorer] == ["deploy", "deploy", "rollback", "delete"]
        assert {item["platform"] for item in items} == {"helm"}
        assert [item["models"][0]["uri"] for item in scorer[:3]] == [
            "s3://models/churn/7",
            "s3://models/churn/8",
            "s3://models/churn/7",
        ]
        assert len([item for item in items if item["endpoint"] == "iris"]) == 3
        failed = [item for item in workspace.events().items if item["outcome"] == "failed"]
        assert [item["detail"]["revision"] for item in failed] == ["3"]


def test_the_corpus(corpus: Path) -> None:
    """One revision: 1, deployed 2026-06-01T09:00:00Z, chart iris-1.0.0, app version 1 (read with jq)."""
    found = said(corpus / "ops/helm/history.json")
    assert shown(found) == [("apply", "1", "done", "2026-06-01T09:00")]
    assert found[1].workload.components[0].claims[1].value == "1"


def test_who_stored_a_revision_is_in_the_audit_log(tmp_path: Path) -> None:
    """Helm names nobody: the call that created the Secret of revision 2 does, and only of that revision.

    The log holds no object of it (level Metadata), a later update of the same Secret by a clean-up job is no deed of
    the release, and a Secret that is none of Helm's is left out.
    """

    def call(at: str, user: str, name: str, verb: str, number: int) -> dict[str, Any]:
        place = {"resource": "secrets", "namespace": "shop", "name": name, "apiVersion": "v1"}
        return {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": f"00000000-0000-4000-8000-{number:012d}",
            "stage": "ResponseComplete",
            "verb": verb,
            "user": {"username": user},
            "objectRef": place,
            "responseStatus": {"code": 201},
            "requestReceivedTimestamp": at,
            "stageTimestamp": at,
        }

    folder = tmp_path / "prod"
    folder.mkdir()
    (folder / "secrets.json").write_bytes((SAMPLES / "secrets.json").read_bytes())
    events = [
        call("2026-06-02T10:00:00.4Z", "ana@example.org", "sh.helm.release.v1.scorer.v2", "create", 1),
        call("2026-06-03T10:00:00.1Z", "ben@example.org", "sh.helm.release.v1.scorer.v2", "update", 2),
        call("2026-06-03T10:00:00.2Z", "ben@example.org", "other", "create", 3),
    ]
    (folder / "audit.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([folder])
        items = [item for item in workspace.deployments().items if item["endpoint"] == "scorer"]
        assert [(item["action"], item["deployed_by"]) for item in items] == [
            ("deploy", None),
            ("deploy", "ana@example.org"),
            ("rollback", None),
            ("delete", None),
        ]
        chain = {hop["rule"]: hop["evidence"][0]["file"] for hop in items[1]["identity_chain"]}
        assert chain["stored-by"].endswith("audit.log")
        assert items[1]["actor"] == "ana@example.org"


def test_blank_lines_are_looked_at_once() -> None:
    """A file of nothing but line ends, as a bomb unpacks to, is none of Helm's, and is seen to be at a glance."""
    assert helm.recognises(sample_of(Text(b"\n" * 65_536))) == 0
    assert helm.recognises(sample_of(Text(b" " * 65_536))) == 0
