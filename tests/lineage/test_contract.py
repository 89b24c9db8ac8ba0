"""What scripts depend on: every field that CONTRACT.md promises, in every item, with its type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage.cli import main
from lineage.workspace import Workspace

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
SHA = re.compile(r"[0-9a-f]{64}")
KINDS = {
    "dataset",
    "feature-view",
    "feature",
    "column",
    "job",
    "run",
    "model",
    "model-version",
    "target",
    "environment",
    "actor",
    "sla",
    "monitor",
    "incident",
}
ACTIONS = {"deploy", "redeploy", "rollback", "canary", "promote", "traffic", "delete", "change"}
RULES = {
    "model-uri",
    "registry-label",
    "model-package",
    "image-digest",
    "artifact-uri",
    "artifact-uri-below",
    "run-or-logged-model-id",
    "cloud-registry-id",
    "alias",
    "path-convention",
    "template-annotation",
    "image-tag",
    "git-commit",
    "confirmed",
    "unresolved",
}
CONFIDENCES = {"exact", "strong", "medium", "weak", "none"}
BASES = {"declared", "observed", "column-exact", "inferred-from-job-io", "inferred-by-name", "manual"}

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


def word(value: Any) -> bool:
    """A text, perhaps empty."""
    return isinstance(value, str)


def count(value: Any) -> bool:
    """A whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def number(value: Any) -> bool:
    """A number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def mapping(value: Any) -> bool:
    """An object."""
    return isinstance(value, dict)


def exact(value: Any) -> bool:
    """A time to the second or microsecond, in UTC."""
    return isinstance(value, str) and bool(ISO.fullmatch(value))


def time(value: Any) -> bool:
    """A time, or its two bounds."""
    if isinstance(value, dict):
        return value.keys() == {"not_before", "not_after"} and all(
            each is None or exact(each) for each in value.values()
        )
    return exact(value)


def sha(value: Any) -> bool:
    """A SHA-256 in hex."""
    return isinstance(value, str) and bool(SHA.fullmatch(value))


def maybe(check: Check) -> Check:
    """Null, or what passes the check."""
    return lambda value: value is None or check(value)


def listed(check: Check) -> Check:
    """A list of what passes the check."""
    return lambda value: isinstance(value, list) and all(check(each) for each in value)


def one_of(words: set[str]) -> Check:
    """One of these words."""
    return lambda value: value in words


def shaped(shape: dict[str, Check]) -> Check:
    """An object with these fields."""
    return lambda value: isinstance(value, dict) and not wrong_in(value, shape)


def wrong_in(item: dict[str, Any], shape: dict[str, Check]) -> list[str]:
    """What is missing or of the wrong type."""
    return [
        f"{name}: {item[name]!r}" if name in item else f"{name} is missing"
        for name, check in shape.items()
        if name not in item or not check(item[name])
    ]


def evidence(value: Any) -> bool:
    """A reference to a record: CONTRACT.md, 'An evidence reference'."""
    return (
        isinstance(value, dict)
        and text(value["source"])
        and text(value["file"])
        and (count(value.get("line")) or text(value.get("row")))
        and count(value["offset"])
        and sha(value["sha256"])
        and exact(value["imported_at"])
    )


MODEL = {
    "model": maybe(text),
    "version": maybe(text),
    "uri": maybe(text),
    "weight": maybe(number),
    "component": word,
    "run_id": maybe(text),
    "link_rule": one_of(RULES),
    "link_confidence": one_of(CONFIDENCES),
    "candidates": listed(text),
    "version_deleted": flag,
}
SLA = {
    "name": text,
    "version": maybe(text),
    "metric": text,
    "comparator": text,
    "target": number,
    "unit": text,
    "window": maybe(text),
    "effective_from": maybe(time),
    "effective_to": maybe(time),
    "basis": text,
    "document": text,
}
ENTITY = {
    "id": text,
    "kind": one_of(KINDS),
    "namespace": word,
    "name": text,
    "display": text,
    "aliases": listed(mapping),
    "first_seen": maybe(exact),
    "last_seen": maybe(exact),
    "ended": maybe(time),
    "attributes": mapping,
}
EDGE = {
    "from": text,
    "to": text,
    "type": text,
    "via_run": maybe(text),
    "basis": one_of(BASES),
    "confidence": lambda value: number(value) and 0 <= value <= 1,
    "rule": text,
    "valid_from": maybe(time),
    "valid_to": maybe(time),
    "evidence": lambda value: listed(evidence)(value) and bool(value),
}
HOP = {"principal": text, "rule": text, "evidence": listed(evidence)}
SHAPES: dict[str, dict[str, Check]] = {
    "sources": {"name": text, "format": text, "status": text, "facts": listed(text)},
    "imports": {"started_at": exact, "finished_at": maybe(exact), "files": listed(mapping)},
    "coverage": {"source": text, "from": maybe(exact), "to": maybe(exact), "complete": flag},
    "entities": ENTITY,
    "show": ENTITY | {"edges": listed(shaped(EDGE)), "events": listed(mapping), "checks": listed(mapping)},
    "trace": {"nodes": listed(shaped(ENTITY | {"depth": number})), "edges": listed(shaped(EDGE))},
    "paths": {"count": maybe(count), "paths": listed(listed(text))},
    "deployments": {
        "id": text,
        "action": one_of(ACTIONS),
        "outcome": one_of({"done"}),
        "target": text,
        "platform": text,
        "environment": text,
        "cluster": text,
        "namespace": text,
        "endpoint": text,
        "models": listed(shaped(MODEL)),
        "model": maybe(text),
        "model_version": maybe(text),
        "link_rule": maybe(one_of(RULES)),
        "link_confidence": maybe(one_of(CONFIDENCES)),
        "deployed_at": time,
        "ended_at": maybe(time),
        "ended_by": maybe(text),
        "actor": maybe(text),
        "actor_kind": maybe(text),
        "deployed_by": maybe(text),
        "identity_chain": listed(shaped(HOP)),
        "effective_identity": maybe(text),
        "on_behalf_of": maybe(text),
        "approved_by": listed(text),
        "approved_at": maybe(time),
        "change_ref": maybe(text),
        "reason": maybe(text),
        "replaces": maybe(text),
        "image_digest": maybe(text),
        "resources": mapping,
        "sla": listed(shaped(SLA)),
        "flags": listed(text),
    },
    "live": {
        "target": text,
        "platform": text,
        "environment": text,
        "model": maybe(text),
        "model_version": maybe(text),
        "uri": maybe(text),
        "models": listed(shaped(MODEL)),
        "since": maybe(time),
        "deployed_by": maybe(text),
        "sla": listed(shaped(SLA)),
        "candidates": listed(mapping),
    },
    "events": {
        "at": time,
        "type": text,
        "subject": text,
        "actor": maybe(text),
        "person": maybe(text),
        "outcome": one_of({"done", "denied", "failed", "dry-run"}),
        "detail": mapping,
    },
    "runs": {
        "run_id": text,
        "job": text,
        "state": text,
        "started_at": maybe(exact),
        "ended_at": maybe(exact),
        "actor": maybe(text),
        "code": mapping,
        "inputs": listed(mapping),
        "outputs": listed(mapping),
        "problems": listed(text),
    },
    "sla": {
        "name": text,
        "target": number,
        "subject": text,
        "window_from": maybe(exact),
        "window_to": maybe(exact),
        "value": maybe(number),
        "coverage": number,
        "met": maybe(flag),
        "method": maybe(text),
        "budget_left": maybe(number),
        "episodes": listed(mapping),
    },
    "access": {
        "principal": text,
        "system": text,
        "person": maybe(text),
        "could": listed(mapping),
        "did": listed(mapping),
        "right": maybe(one_of({"listed", "perhaps", "denied", "none", "not-imported"})),
        "unused": flag,
    },
    "suspects": {
        "rank": maybe(count),
        "score": number,
        "what": text,
        "at": maybe(exact),
        "path": listed(text),
        "why": listed(shaped({"factor": text, "weight": number, "text": text})),
        "ruled_out": flag,
    },
    "exposure": {
        "dataset": text,
        "model": text,
        "model_version": text,
        "target": maybe(text),
        "served_from": maybe(time),
        "served_to": maybe(time),
        "path": listed(mapping),
        "certain": flag,
    },
    "findings": {"code": text, "severity": text, "subject": text, "text": text, "sides": listed(mapping)},
    "digest": {"digest": sha, "facts": count, "entities": count, "edges": count},
    "verify": {"checked": mapping, "failed": listed(mapping), "root": sha, "anchors": listed(mapping)},
    "checkpoint": {"note": text, "origin": text, "tree_size": count, "root": sha, "at": time, "sha256": sha},
}
ARGUMENTS = {
    "show": ["eta-parcel 6"],
    "trace": ["eta-parcel 6"],
    "suspects": ["prod-eu/parcels/eta-parcel"],
    "exposure": ["raw/scans"],
    "paths": ["raw/scans", "prod-eu/parcels/eta-parcel"],
}
PROVEN = {"entities", "show", "deployments", "live", "events", "runs", "sla", "findings"}


def asked(trail: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The JSON answer of one command."""
    status = main(["-w", str(trail), *words, "--format", "json"])
    said = capsys.readouterr()
    assert status in {0, 1}, said.err
    found = json.loads(said.out)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("verb", SHAPES)
def test_an_answer_and_its_items_are_as_promised(
    verb: str, trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Envelope and items carry every promised field, each of its type, in every item; and evidence."""
    answer = asked(trail, capsys, verb, *ARGUMENTS.get(verb, []))

    assert list(answer) == ["complete", "shown", "total", "as_of", "known_at", "coverage", "items"]
    assert flag(answer["complete"])
    assert answer["shown"] == len(answer["items"]) > 0
    assert answer["total"] >= answer["shown"]
    assert answer["as_of"] is None
    assert answer["known_at"] is None
    for item in answer["items"]:
        assert not wrong_in(item, SHAPES[verb]), item
        assert listed(evidence)(item["evidence"]), item
        if verb in PROVEN and item.get("kind") != "actor" and item.get("code") != "alias-moved":
            assert item["evidence"], item


@pytest.mark.parametrize(
    "verb", ["entities", "show", "trace", "paths", "deployments", "live", "events", "runs", "sla"]
)
def test_an_answer_says_what_was_observed(verb: str, trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside every answer stands what the sources were able to show, so that silence is not taken for nothing."""
    coverage = asked(trail, capsys, verb, *ARGUMENTS.get(verb, []))["coverage"]

    assert {row["source"] for row in coverage} >= {"kubernetes-audit", "mlflow", "openlineage"}
    for row in coverage:
        assert not wrong_in(row, SHAPES["coverage"]), row


@pytest.mark.parametrize("verb", ["entities", "deployments", "live", "events", "runs", "sla", "findings"])
def test_a_limit_cuts_and_says_so(verb: str, trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under `--limit` the items are the first ones, the total stays, and the answer is not complete."""
    whole = asked(trail, capsys, verb)
    cut = asked(trail, capsys, verb, "--limit", "2")

    assert whole["complete"] is True
    assert whole["total"] == whole["shown"] > 2
    assert (cut["complete"], cut["shown"], cut["total"]) == (False, 2, whole["total"])
    assert cut["items"] == whole["items"][:2]


@pytest.mark.parametrize("verb", ["trace", "deployments", "live"])
def test_the_times_asked_for_are_echoed(verb: str, trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer names the valid and the recorded time it was asked for, in UTC."""
    words = [*ARGUMENTS.get(verb, []), "--as-of", "2026-06-01T12:00:00+02:00", "--known-at", "2999-01-01"]

    answer = asked(trail, capsys, verb, *words)

    assert (answer["as_of"], answer["known_at"]) == ("2026-06-01T10:00:00Z", "2999-01-01T00:00:00Z")


def test_nothing_was_known_before_the_first_import(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As known before anything was recorded, the register is empty."""
    answer = asked(trail, capsys, "deployments", "--known-at", "2020-01-01")

    assert (answer["total"], answer["items"]) == (0, [])


def test_an_import_says_what_became_of_each_file(
    sample_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read = accepted + duplicate + filtered + rejected, for every file; a second import accepts nothing."""
    place = tmp_path / "new.trail"
    shape: dict[str, Check] = {
        "file": text,
        "source": maybe(text),
        "format": maybe(text),
        **dict.fromkeys(
            ["read", "accepted", "duplicate", "filtered", "rejected", "problems", "bytes"], count
        ),
        "sha256": sha,
        "seconds": number,
    }

    first = asked(place, capsys, "import", str(sample_files / "k8s"))["items"]
    again = asked(place, capsys, "import", str(sample_files / "k8s"))["items"]

    for item in first + again:
        assert not wrong_in(item, shape), item
        assert item["read"] == sum(item[name] for name in ("accepted", "duplicate", "filtered", "rejected"))
    assert sum(item["accepted"] for item in first) > 0
    assert sum(item["accepted"] for item in again) == 0


def test_a_problem_names_file_line_field_value_and_reason(
    tmp_path: Path, sample_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad record is a problem with its place, its reason and its bytes; import and `problems` end with status 1."""
    log = tmp_path / "broken.log"
    good = (sample_files / "k8s/prod-us/audit-2025.log").read_bytes().splitlines(keepends=True)
    log.write_bytes(good[0] + b'{"kind":"Event","apiVersion":"audit.k8s.io/v1", broken}\n' + good[1])
    place = tmp_path / "new.trail"

    assert main(["-w", str(place), "import", str(log)]) == 1
    capsys.readouterr()
    assert main(["-w", str(place), "problems", "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)

    (problem,) = answer["items"]
    shape: dict[str, Check] = {
        "file": text,
        "line": count,
        "offset": count,
        "field": word,
        "value": word,
        "reason": text,
        "code": text,
    }
    assert not wrong_in(problem, shape), problem
    assert (problem["file"], problem["line"], problem["offset"]) == (str(log), 2, len(good[0]))
    assert evidence(problem["evidence"][0])


def test_an_uncertain_time_is_given_by_its_bounds(
    imported: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a service seen only in a listing no start is claimed: two bounds in the field, and words beside it."""
    seen = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": {
                    "name": "scorer",
                    "namespace": "fraud",
                    "uid": "5d3f2f0e-0000-4000-8000-000000000001",
                    "creationTimestamp": "2026-01-05T10:00:00Z",
                    "generation": 4,
                },
                "spec": {"predictor": {"model": {"storageUri": "s3://models/churn/3"}}},
                "status": {"observedGeneration": 4},
            }
        ],
    }
    place = imported(
        json.dumps(seen), name="services.json", cluster="prod", observed_at="2026-02-01T00:00:00Z"
    )

    (item,) = asked(place, capsys, "deployments")["items"]

    assert item["deployed_at"] == {
        "not_before": "2026-01-05T10:00:00Z",
        "not_after": "2026-02-01T00:00:00Z",
    }
    assert item["_text"] == "deployed_at: between 2026-01-05T10:00:00Z and 2026-02-01T00:00:00Z"
    (undecided,) = asked(place, capsys, "live", "--as-of", "2026-01-20")["items"]
    assert undecided["since"] is None
    assert [each["since"] for each in undecided["candidates"]] == [item["deployed_at"], None]


def test_a_notebook_gets_tables_and_graphs(company_workspace: Workspace) -> None:
    """`to_pandas` has one row an item, `to_networkx` every node and edge of a trace."""
    register = company_workspace.deployments()
    frame = register.to_pandas()
    trace = company_workspace.trace("eta-parcel 6", up=9)
    graph = trace.to_networkx()

    assert len(frame) == register.total
    assert list(frame["target"]) == [item["target"] for item in register.items]
    assert graph.number_of_nodes() == len(trace.items[0]["nodes"])
    assert graph.number_of_edges() == len(trace.items[0]["edges"])
    assert all("kind" in said for _, said in graph.nodes(data=True))


def test_lineage_is_opened_by_one_word(tmp_path: Path) -> None:
    """`lineage.open` makes a workspace that answers, empty."""
    with lineage.open(tmp_path / "new.trail") as workspace:
        assert workspace.deployments().items == []
        assert list(workspace.deployments().to_pandas()) == []
