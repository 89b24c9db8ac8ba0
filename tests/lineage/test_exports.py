"""What leaves for other tools is what standards say, holds the lineage in full, and has the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import networkx as nx
import pytest
from referencing import Registry, Resource

import lineage
from lineage.cli import main
from lineage.errors import QuestionError
from lineage.exports import FORMATS
from lineage.exports.lineage import Lineage
from lineage.workspace import Workspace

SCHEMAS = Path(__file__).parent / "schemas"
MODEL = "eta-parcel 6"
PROV_RELATIONS = {
    "used": {"prov:activity", "prov:entity"},
    "wasGeneratedBy": {"prov:entity", "prov:activity"},
    "wasDerivedFrom": {"prov:generatedEntity", "prov:usedEntity"},
    "wasInfluencedBy": {"prov:influencee", "prov:influencer"},
}


def exported(workspace: Workspace, form: str, tmp_path: Path, selector: str = MODEL) -> bytes:
    """The bytes of an export; the answer names their hash."""
    path = tmp_path / f"out.{form}"
    item = workspace.export(selector, path, form).items[0]
    body = path.read_bytes()
    assert item["sha256"] == hashlib.sha256(body).hexdigest()
    return body


@pytest.fixture
def traced(company_workspace: Workspace) -> dict[str, Any]:
    """The lineage as the question answers it."""
    return company_workspace.trace(MODEL, ever=True).items[0]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bytes_each_time(form: str, sample_files: Path, trail: Path, tmp_path: Path) -> None:
    """From one workspace twice, whatever the clock says."""
    bodies = []
    for turn in range(2):
        with lineage.open(trail) as workspace:
            (tmp_path / str(turn)).mkdir()
            bodies.append(exported(workspace, form, tmp_path / str(turn)))
    assert bodies[0] == bodies[1]
    assert bodies[0]


def test_prov_json_is_well_formed(
    company_workspace: Workspace, traced: dict[str, Any], tmp_path: Path
) -> None:
    """PROV-JSON 2013: known relations with the arguments PROV-DM demands, each naming an element of the right kind."""
    document = json.loads(exported(company_workspace, "prov", tmp_path))
    elements = {name: kind for kind in ("entity", "activity", "agent") for name in document.get(kind, {})}
    assert len(elements) == len(traced["nodes"]) + 1
    count = 0
    for relation in document.keys() - {"prefix", "entity", "activity", "agent"}:
        for said in document[relation].values():
            count += 1
            assert said.keys() >= PROV_RELATIONS[relation]
            for argument in PROV_RELATIONS[relation]:
                assert said[argument] in elements
                kind = argument.removeprefix("prov:")
                assert elements[said[argument]] == kind or kind not in {"activity", "entity"}
            assert re.fullmatch(r"(.*:.* sha256:[0-9a-f]{64}(; )?)+", said["mt:evidence"])
    assert count == len(traced["edges"])


def test_the_bill_of_materials_is_valid_cyclonedx(company_workspace: Workspace, tmp_path: Path) -> None:
    """Against the schema of 1.7 itself, offline; every reference names a component or service."""
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json"))]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    schema = next(one for one in schemas if "bom-1.7" in one["$id"])
    document = json.loads(exported(company_workspace, "cyclonedx", tmp_path))
    validator = jsonschema.Draft7Validator(schema, registry=registry)
    assert [error.message for error in validator.iter_errors(document)] == []
    refs = [part["bom-ref"] for part in [*document["components"], *document["services"]]]
    assert len(set(refs)) == len(refs)
    needed = {entry["ref"]: entry["dependsOn"] for entry in document["dependencies"]}
    assert needed.keys() <= set(refs)
    assert {name for names in needed.values() for name in names} <= set(refs)
    model = next(ref for ref in refs if ref.startswith("model-version|") and ref.endswith("6"))
    assert any("training/eta" in name for name in needed[model])
    document["components"][0]["bogus"] = 1
    assert list(validator.iter_errors(document))


def test_openlineage_events_are_what_the_spec_demands_and_can_be_read_back(
    company_workspace: Workspace, tmp_path: Path
) -> None:
    """A JobEvent needs eventTime, producer, schemaURL and job, and has no run; our own import reads it."""
    body = exported(company_workspace, "openlineage", tmp_path)
    events = [json.loads(line) for line in body.splitlines()]
    assert events
    for event in events:
        assert event.keys() == {"eventTime", "producer", "schemaURL", "job", "inputs", "outputs"}
        assert event["schemaURL"].endswith("2-0-2/OpenLineage.json#/$defs/JobEvent")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["eventTime"])
        for thing in (event["job"], *event["inputs"], *event["outputs"]):
            assert thing.keys() == {"namespace", "name"}
            assert thing["namespace"]
            assert thing["name"]
    back = tmp_path / "back.ndjson"
    back.write_bytes(body)
    with lineage.open(tmp_path / "back.trail") as again:
        (item,) = again.import_([back]).items
        assert (item["accepted"], item["problems"]) == (len(events), 0)


def test_graphml_opens_with_every_thing_and_edge(
    company_workspace: Workspace, traced: dict[str, Any], tmp_path: Path
) -> None:
    """Read back by another reader of GraphML, it holds the nodes and edges of the lineage."""
    graph = nx.parse_graphml(exported(company_workspace, "graphml", tmp_path).decode(), force_multigraph=True)
    assert set(graph.nodes) == {node["id"] for node in traced["nodes"]}
    assert graph.number_of_edges() == len(traced["edges"])


def test_csv_holds_every_edge(company_workspace: Workspace, traced: dict[str, Any], tmp_path: Path) -> None:
    """One line an edge, with its evidence."""
    rows = list(csv.DictReader(io.StringIO(exported(company_workspace, "csv", tmp_path).decode())))
    assert sorted((row["from"], row["type"], row["to"]) for row in rows) == sorted(
        (edge["from"], edge["type"], edge["to"]) for edge in traced["edges"]
    )
    assert all("sha256:" in row["evidence"] for row in rows)


def texts(value: Any) -> set[str]:
    """Every text in a JSON document."""
    if isinstance(value, dict):
        return {text for inner in value.values() for text in texts(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in texts(inner)}
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names_stay_text(form: str) -> None:
    """NUL, markup, formulas, half a surrogate pair: text of the format, or replaced where it has no place."""
    name = "=cmd|'/C calc'!A0\x00<script>]]>\ud800\u202e"
    node = {
        "kind": "dataset",
        "namespace": name,
        "name": name,
        "display": name,
        "attributes": {},
        "evidence": [],
    }
    job = {**node, "id": "job|x|" + name, "kind": "job"}
    edge = {
        "from": name,
        "to": job["id"],
        "type": "input",
        "basis": "observed",
        "rule": name,
        "confidence": 1,
        "valid_from": None,
        "valid_to": None,
        "evidence": [],
    }
    workspace = {"workspace": "x", "tree_size": 1, "root": "00", "checkpoint_at": None}
    body = FORMATS[form](Lineage(({**node, "id": name}, job), (edge,), workspace, "1", name))
    text = body.decode()
    if form == "csv":
        assert text.splitlines()[1].startswith("\"'=") or text.splitlines()[1].startswith("'=")
    elif form == "graphml":
        assert len(nx.parse_graphml(text)) == 2
        assert "<script>" not in text
    else:
        for line in text.splitlines() if form == "openlineage" else [text]:
            assert name in texts(json.loads(line))


def test_what_cannot_be_exported_is_said(
    trail: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No format, an unknown one, a selector that names nothing: one line and status 2; no file appears."""
    path = tmp_path / "x"
    for words in (["export", MODEL, "-o", str(path)], ["export", MODEL, "--format", "pdf", "-o", str(path)]):
        assert main(["-w", str(trail), *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    with lineage.open(trail) as workspace, pytest.raises(QuestionError):
        workspace.export("no such thing", path, "prov")
    assert not path.exists()
    assert main(["-w", str(trail), "export", MODEL, "--format", "graphml", "-o", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["file"] == str(path)
