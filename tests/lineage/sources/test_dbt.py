"""What dbt's artifacts say, from a small project written by hand and from real artifacts of many versions."""

import gzip
import json
from collections import Counter
from hashlib import md5
from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Key, Link, Measured, Run
from lineage.model.moment import to_iso
from lineage.model.naming import column, dataset
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import dbt
from lineage.workspace import Workspace

TARGET = Path(__file__).parents[2] / "sources" / "dbt" / "target"
HERE = "dbt:snowflake:churn"
FEATURES = dataset(HERE, "LAKE.churn.features_v2")
COUNTRIES = dataset(HERE, "LAKE.churn.countries")
CALLS = dataset(HERE, "RAW.phone.calls_v1")
FEATURES_JOB = Key(Kind.JOB, "dbt:churn", "model.churn.features.v2")


class Given:
    """An input in memory: a document, or a folder of inputs."""

    path = None

    def __init__(self, name, value=b"", files=None):
        self.name = name
        self.raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.size = len(self.raw)
        self.files = files or {}

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(sorted(self.files.items()))


def folder(path, **changed):
    """The folder at `path`, with some of its documents changed."""
    files = {
        file.relative_to(path).as_posix(): file_input(file) for file in path.rglob("*") if file.is_file()
    }
    for name, value in changed.items():
        files[f"{name}.json"] = Given(f"{name}.json", value)
    return Given(path.name, files=files)


def said(given, **labels):
    """What every record of `given` says, by the record's place."""
    origin = Origin("somewhere/target", labels)
    found = {}
    for item in dbt.records(given, origin):
        if isinstance(item, Problem):
            found.setdefault(item.row, []).append(item)
        else:
            assert item.row not in found
            found[item.row] = list(dbt.read(item, origin))
            assert found[item.row], item.row
    return found


def only(found, kind):
    """Every fact of one kind, in order."""
    return [fact for facts in found.values() for fact in facts if isinstance(fact, kind)]


def document(name):
    """One of the sample's documents, to be changed."""
    return json.loads((TARGET / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def sample():
    """What the sample folder says."""
    return said(folder(TARGET))


def test_a_model_is_a_job_between_its_tables(sample):
    """Its inputs are the seed and, through the ephemeral model, the source; each is also linked to the output."""
    facts = sample["manifest.json#model.churn.features.v2"]
    links = {(link.source, link.type, link.target, link.job) for link in facts if isinstance(link, Link)}
    assert links == {
        (COUNTRIES, Relation.INPUT, FEATURES_JOB, FEATURES_JOB),
        (CALLS, Relation.INPUT, FEATURES_JOB, FEATURES_JOB),
        (FEATURES_JOB, Relation.OUTPUT, FEATURES, FEATURES_JOB),
        (COUNTRIES, Relation.DERIVED, FEATURES, FEATURES_JOB),
        (CALLS, Relation.DERIVED, FEATURES, FEATURES_JOB),
    }
    assert {link.basis for link in facts if isinstance(link, Link)} == {Basis.DECLARED}
    assert {to_iso(link.at.lo) for link in facts if isinstance(link, Link)} == {"2026-06-01T03:00:01.500000Z"}


def test_what_is_said_of_a_model_has_no_secret_and_no_home_folder(sample):
    """Owner, group, tags and meta are kept; a password in `meta` and the folder of an absolute path are not."""
    job, table = only({"": sample["manifest.json#model.churn.features.v2"]}, Entity)[:2]
    assert (job.key, table.key) == (FEATURES_JOB, FEATURES)
    assert job.attributes == {
        "dbt": "model.churn.features.v2",
        "dbt_type": "model",
        "materialized": "incremental",
        "path": "features.sql",
        "description": "One row a customer",
        "tags": ["daily", "ml"],
        "meta": {"owner": "ann@halden.example", "tier": 1},
        "owner": "ann@halden.example",
        "group": "retention",
        "version": 2,
        "language": "sql",
        "project": "churn",
        "adapter": "snowflake",
    }
    described = [fact for fact in only(sample, Entity) if fact.key == column(FEATURES, "calls_30d")]
    assert described[0].attributes == {"type": "int", "description": "Calls in 30 days"}


def test_nothing_private_is_in_a_record():
    """Records hold no environment but dbt Cloud's ids, no arguments, and no folder of the machine dbt ran on."""
    origin = Origin("target")
    for item in dbt.records(folder(TARGET), origin):
        assert isinstance(item, Record)
        if "features.v2" not in item.row:
            assert b"hunter2" not in item.raw
            assert b"/home/ann" not in item.raw


def test_an_ephemeral_model_has_no_table(sample):
    """It is a job without links: no dataset that nobody writes."""
    facts = sample["manifest.json#model.churn.stg_calls"]
    assert [(type(fact), fact.key.name) for fact in facts] == [(Entity, "model.churn.stg_calls")]


def test_a_parent_that_the_manifest_does_not_hold_is_a_problem(sample):
    """A trimmed manifest loses an edge, and says so; the rest of the node stands."""
    facts = sample["manifest.json#model.churn.orphan"]
    problem = facts[0]
    assert (problem.code, problem.value, problem.fatal) == ("unknown-parent", "model.elsewhere.gone", False)
    assert len([fact for fact in facts if isinstance(fact, Entity)]) == 2


def test_tests_are_no_lineage(sample):
    """The manifest's records of tests are left out with that reason, and no link touches one."""
    left = Counter(
        fact.reason for row, facts in sample.items() for fact in facts if isinstance(fact, Filtered)
    )
    assert left == {"test": 4, "no-op": 1}
    ends = {end.name for link in only(sample, Link) for end in (link.source, link.target)}
    assert not [name for name in ends if name.startswith("test.")]


def test_an_ml_exposure_is_a_model_fed_by_tables(sample):
    """A metric and an ephemeral model are looked through: the tables behind them feed the model."""
    facts = sample["manifest.json#exposure.churn.churn_scorer"]
    model = Key(Kind.MODEL, "dbt:churn", "churn_scorer")
    assert facts[0].key == model
    assert {name: facts[0].attributes[name] for name in ("exposure", "owner", "url", "maturity")} == {
        "exposure": "ml",
        "owner": "Ann Lind <ann@halden.example>",
        "url": "https://mlflow.halden.example/#/models/churn",
        "maturity": "high",
    }
    links = {(link.source, link.type, link.target, link.basis) for link in facts[1:]}
    assert links == {
        (FEATURES, Relation.INPUT, model, Basis.DECLARED),
        (CALLS, Relation.INPUT, model, Basis.DECLARED),
    }
    board = sample["manifest.json#exposure.churn.board"]
    assert board[0].key == Key(Kind.JOB, "dbt:churn", "exposure.churn.board")
    assert board[0].attributes["owner"] == "bi@halden.example, ops@halden.example"


def test_where_a_source_lies(sample):
    """An external location is the table; a template is filled; an address of the whole group holds the table."""
    found = {
        (fact.key.name, fact.other[1:], fact.relation, fact.rule)
        for fact in only(sample, Alias)
        if fact.rule != "dbt-relation"
    }
    assert found == {
        ("RAW.phone.calls_v1", ("s3://halden-lake", "phone/calls/"), "same", "dbt-external"),
        ("RAW.files.cells", ("s3://halden-lake", "files/cells.parquet"), "same", "dbt-meta-uri"),
        ("RAW.shared.towers", ("s3://halden-lake", "shared"), "part-of", "dbt-meta-uri"),
    }


def test_a_table_without_its_server_is_only_a_candidate(sample):
    """Snowflake's account is in no artifact; with the label that names it the key is exact and nothing is guessed."""
    plain = {
        (fact.other, fact.relation)
        for fact in only(sample, Alias)
        if fact.key == COUNTRIES and fact.relation == "candidate"
    }
    assert plain == {(dataset("snowflake", "LAKE.churn.countries"), "candidate")}
    exact = said(folder(TARGET), dbt_namespace="snowflake://halden-prod")
    assert dataset("snowflake://halden-prod", "LAKE.churn.countries") in {
        fact.key for fact in only(exact, Entity)
    }
    assert "candidate" not in {fact.relation for fact in only(exact, Alias)}


def test_runs_end_as_dbt_says(sample):
    """Success is complete, an error is a failure, skipped is neither; some failed batches are a failure, as for dbt."""
    runs = {run.job.name: run for run in only(sample, Run)}
    assert {name: run.state for name, run in runs.items()} == {
        "seed.churn.countries": RunState.COMPLETE,
        "model.churn.features.v2": RunState.FAIL,
        "snapshot.churn.features_history": RunState.OTHER,
        "model.churn.orphan": RunState.FAIL,
        "operation.churn.churn-on-run-end-0": RunState.COMPLETE,
        "model.churn.stg_calls": RunState.OTHER,
    }
    seed = runs["seed.churn.countries"]
    assert seed.key == Key(Kind.RUN, "dbt:churn", "aaaaaaaa-0000-4000-8000-000000000001")
    assert (to_iso(seed.started.lo), to_iso(seed.ended.lo)) == (
        "2026-06-01T03:00:02Z",
        "2026-06-01T03:00:03Z",
    )
    assert seed.attributes == {
        "dbt_invocation_id": "aaaaaaaa-0000-4000-8000-000000000001",
        "dbt_status": "success",
        "dbt_command": "build",
        "dbt_target": "prod",
        "dbt_version": "1.9.1",
        "dbt_cloud": {"DBT_CLOUD_RUN_ID": "771"},
        "rows_affected": 7,
        "query_id": "01b2",
        "message": "INSERT 7",
    }
    skipped = runs["snapshot.churn.features_history"]
    assert (skipped.attributes["skipped"], skipped.started, skipped.ended) == (True, None, None)
    assert runs["model.churn.orphan"].attributes["batches"] == {"successful": 1, "failed": 2}
    failed = runs["model.churn.features.v2"]
    assert failed.attributes["error"] == "Database Error in ~/churn/models/features.sql at postgres://db/x"
    assert to_iso(failed.at.lo) == "2026-06-01T03:05:00Z"


def test_an_unknown_status_is_a_problem_and_no_failure(sample):
    """A newer dbt may have further states; nothing is claimed of them."""
    problem = sample["run_results.json#model.churn.stg_calls"][0]
    assert (problem.code, problem.value, problem.fatal) == ("unknown-status", "dreaming", False)


def test_verdicts_are_about_the_tested_table(sample):
    """A failure, a warning (bad data, too), a pass over two tables alike, and one that was skipped: no verdict."""
    verdicts = {
        fact.detail["test"].split(".")[2]: fact for fact in only(sample, Measured) if "test" in fact.detail
    }
    seen = {
        name: (fact.subject, fact.metric, fact.success, fact.value, fact.severity)
        for name, fact in verdicts.items()
    }
    assert seen == {
        "not_null_features_calls_30d": (FEATURES, "not_null", False, 3.0, "error"),
        "relationships_features_country": (FEATURES, "relationships", False, 2.0, "warn"),
        "totals_agree": (
            Key(Kind.JOB, "dbt:churn", "test.churn.totals_agree"),
            "totals_agree",
            True,
            0.0,
            "",
        ),
        "source_unique_phone_calls_id": (CALLS, "dbt_expectations.expect_unique", None, None, "error"),
        "features": (FEATURES_JOB, "unit_test", None, None, ""),
    }
    null = verdicts["not_null_features_calls_30d"]
    assert to_iso(null.at.lo) == "2026-06-01T03:01:01Z"
    assert null.detail == {
        "test": "test.churn.not_null_features_calls_30d.0123456789",
        "name": "not_null_features_calls_30d",
        "status": "fail",
        "column": "calls_30d",
        "dbt_invocation_id": "aaaaaaaa-0000-4000-8000-000000000001",
        "message": "Got 3 results, configured to fail if != 0",
    }


def test_without_the_manifest_a_verdict_stays_with_its_test():
    """`run_results.json` alone does not say what a test is about: no table is guessed from the test's name."""
    found = said(Given("run_results.json", (TARGET / "run_results.json").read_bytes()))
    failed = next(fact for fact in only(found, Measured) if fact.success is False)
    assert failed.subject == Key(Kind.JOB, "dbt:churn", "test.churn.not_null_features_calls_30d.0123456789")
    assert len(only(found, Run)) == 6


def test_a_manifest_of_another_invocation_is_believed_unless_the_test_read_another_table():
    """`dbt docs generate` after `dbt build` rewrites the manifest; the compiled query shows whether it still holds."""
    name = "test.churn.not_null_features_calls_30d.0123456789"
    row = f"run_results.json#{name}"
    changed = document("run_results")
    changed["metadata"]["invocation_id"] = "another"
    result = next(one for one in changed["results"] if one["unique_id"] == name)
    assert "joined_by" in said(folder(TARGET, run_results=changed))[row][0].detail

    result["compiled_code"] = 'select * from LAKE.churn."features_v2" where calls_30d is null'
    proven = said(folder(TARGET, run_results=changed))[row][0]
    assert (proven.subject, "joined_by" in proven.detail) == (FEATURES, False)

    result["compiled_code"] = 'select * from LAKE.dev_ann."features_v2" where calls_30d is null'
    other = said(folder(TARGET, run_results=changed))[row][0]
    assert (other.subject.kind, other.metric) == (Kind.JOB, "not_null")


def test_freshness_is_measured_in_seconds(sample):
    """A warning is a verdict with its limits; a query that failed has none."""
    warned, broken = [fact for fact in only(sample, Measured) if fact.metric == "freshness"]
    assert (warned.subject, warned.value, warned.unit, warned.success, warned.severity) == (
        CALLS,
        53398.0,
        "s",
        False,
        "warn",
    )
    assert to_iso(warned.at.lo) == "2026-06-01T02:49:58Z"
    assert (warned.detail["warn_after"], warned.detail["error_after"]) == ("PT12H", "P2D")
    assert (broken.value, broken.success, broken.detail["message"]) == (None, None, "no such table")
    assert to_iso(broken.at.lo) == "2026-06-01T02:50:00Z"


def test_the_catalogue_gives_types_and_sizes(sample):
    """Snowflake lists names in capitals: in the folder they are the manifest's table, with columns by position."""
    facts = sample["catalog.json#seed.churn.countries"]
    assert facts[0].key == COUNTRIES
    assert facts[0].attributes == {
        "dbt": "seed.churn.countries",
        "table_type": "BASE TABLE",
        "database_owner": "ETL",
        "schema": [
            {"name": "CODE", "type": "TEXT"},
            {"name": "NAME", "type": "TEXT", "description": "in English"},
        ],
        "stats": {"row_count": 7.0, "bytes": 2048},
    }
    assert [fact.key for fact in facts[1:3]] == [column(COUNTRIES, "CODE"), column(COUNTRIES, "NAME")]
    assert [(fact.metric, fact.value, fact.unit) for fact in facts[3:]] == [
        ("size", 2048.0, "bytes"),
        ("rowCount", 7.0, "rows"),
    ]


def test_a_catalogue_alone_meets_the_manifest(sample):
    """It names neither project nor adapter; the manifest says under which name such an artifact knows its table."""
    alone = said(Given("catalog.json", (TARGET / "catalog.json").read_bytes()))
    key = alone["seed.churn.countries"][0].key
    assert (COUNTRIES, key, "same") in {(fact.key, fact.other, fact.relation) for fact in only(sample, Alias)}
    names = {fact.other.name for fact in only(sample, Alias) if fact.key == FEATURES}
    assert "LAKE.CHURN.features_v2" in names


def test_an_old_project_is_named_by_its_digest():
    """Until 1.5 a manifest holds only the MD5 of the project's name: the package with that digest is the project."""
    old = document("manifest")
    del old["metadata"]["project_name"]
    old["metadata"]["project_id"] = md5(b"churn", usedforsecurity=False).hexdigest()
    old["nodes"]["model.zoo.cage"] = {
        "resource_type": "model",
        "package_name": "zoo",
        "schema": "zoo",
        "name": "cage",
    }
    found = said(Given("manifest.json", old))
    cage = [fact.key for fact in found["model.zoo.cage"] if isinstance(fact, Entity)]
    assert cage == [Key(Kind.JOB, "dbt:zoo", "model.zoo.cage"), dataset(HERE, "zoo.cage")]


def test_results_before_dbt_019_have_flags():
    """No metadata, the node inside the result, and flags for skipped, failed and warned."""
    old = {
        "generated_at": "2020-09-01T10:00:00.000000Z",
        "elapsed_time": 2.0,
        "results": [
            {"node": {"unique_id": "model.churn.a"}, "status": "CREATE VIEW", "error": None, "skip": False},
            {"node": {"unique_id": "model.churn.b"}, "status": "ERROR", "error": "boom", "skip": False},
            {"node": {"unique_id": "model.churn.c"}, "status": None, "error": None, "skip": True},
            {"node": {"unique_id": "test.churn.t"}, "status": 4, "error": None, "skip": False, "fail": True},
        ],
    }
    raw = json.dumps(old).encode()
    assert recognise(Sample("run_results.json", raw))[0] is dbt
    found = said(Given("run_results.json", raw))
    assert [run.state for run in only(found, Run)] == [RunState.COMPLETE, RunState.FAIL, RunState.OTHER]
    assert {run.key.name for run in only(found, Run)} == {"2020-09-01T10:00:00.000000Z"}
    assert [fact.success for fact in only(found, Measured)] == [False]


def test_freshness_before_dbt_019():
    """`sources.json` once was an object by unique id, with `state` for the status."""
    old = {
        "meta": {"generated_at": "2020-09-01T10:00:00Z", "elapsed_time": 1.0},
        "sources": {
            "source.churn.phone.calls": {
                "max_loaded_at": "2020-08-30T10:00:00Z",
                "snapshotted_at": "2020-09-01T09:59:59Z",
                "max_loaded_at_time_ago_in_s": 172799.0,
                "state": "error",
            },
            "source.churn.phone.cells": {"error": "no such table", "state": "runtime error"},
        },
    }
    found = only(said(Given("sources.json", old)), Measured)
    assert [(fact.value, fact.success, fact.severity) for fact in found] == [
        (172799.0, False, "error"),
        (None, None, ""),
    ]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"status": "success"}, "missing-field"),
        ({"unique_id": "model", "status": "success"}, "bad-value"),
        ({"unique_id": ["model"], "status": "success"}, "missing-field"),
    ],
)
def test_a_result_of_no_node_is_a_problem(result, code):
    """It is named with its field, and no run is made of it."""
    changed = document("run_results") | {"results": [result]}
    found = said(Given("run_results.json", changed))
    assert [fact.code for fact in only(found, Problem)] == [code]
    assert only(found, Run) == []


def test_times_that_are_none():
    """A broken time of a step falls back on the artifact's; without both there is no run, but a problem."""
    changed = document("run_results")
    changed["results"] = changed["results"][:1]
    changed["results"][0]["timing"] = [{"completed_at": "yesterday"}]
    found = said(Given("run_results.json", changed))
    assert [to_iso(run.at.lo) for run in only(found, Run)] == ["2026-06-01T03:05:00Z"]
    assert [(one.code, one.value, one.fatal) for one in only(found, Problem)] == [
        ("bad-time", "yesterday", False)
    ]
    del changed["metadata"]["generated_at"]
    found = said(Given("run_results.json", changed))
    assert (only(found, Run), only(found, Problem)[-1].fatal) == ([], True)


@pytest.mark.parametrize(
    "place", ["nodes", "sources", "exposures", "parent_map", "macros", "groups", "metadata"]
)
@pytest.mark.parametrize(
    "value", [None, [], "x", {"model.a.b": None}, {"model.a.b": {"config": [], "columns": 3}}]
)
def test_a_manifest_of_the_wrong_shape_never_raises(place, value):
    """Every part of a manifest may hold something else than it should."""
    for item in dbt.records(Given("manifest.json", document("manifest") | {place: value}), Origin("m")):
        if isinstance(item, Record):
            assert list(dbt.read(item, Origin("m"))) is not None


def test_files_that_cannot_be_read_are_problems():
    """Broken JSON, another value than an object, and another artifact under dbt's name: each names its file."""
    files = {
        "manifest.json": Given("manifest.json", b'{"metadata": '),
        "run_results.json": Given("run_results.json", b"[1]"),
        "catalog.json": Given("catalog.json", {"name": "a web application"}),
    }
    found = list(dbt.records(Given("target", files=files), Origin("target")))
    assert [(one.code, one.row) for one in found] == [
        ("not-recognised", "catalog.json#"),
        ("malformed-json", "manifest.json"),
        ("not-an-object", "run_results.json"),
    ]


def test_a_target_folder_is_one_input_and_others_are_not():
    """A stranger's file among them must not be swallowed: the files are then taken one by one."""
    own = ("compiled/churn/a.sql", "graph.gpickle", "manifest.json", "run_results.json")
    assert recognise(Sample("target", listing=own))[0] is dbt
    assert dbt.recognises(Sample("target", listing=(*own, "events.ndjson"))) == 0
    assert dbt.recognises(Sample("target", listing=("manifest.json", "compiled/a.sql"))) == 0
    assert dbt.recognises(Sample("target", listing=("catalog.json.gz", "manifest.json.gz"))) > 0


def test_each_artifact_is_known_by_its_content():
    """Also cut off after 64 KiB, and under any name; a package's manifest of another kind is not one."""
    for name in ("manifest", "run_results", "sources", "catalog"):
        raw = (TARGET / f"{name}.json").read_bytes()
        assert recognise(Sample("x.txt", raw))[0] is dbt
        assert dbt.recognises(Sample("x", raw[:500], whole=False)) > 0.9
    assert dbt.recognises(Sample("manifest.json", b'{"name": "app", "icons": []}')) == 0
    assert dbt.recognises(Sample("manifest.json", b'{"nodes": {}, "links": {}}')) == 0


def test_order_and_company_change_no_record_of_a_node():
    """A manifest alone and in its folder gives the same bytes, so that the second import is a duplicate."""
    alone = {item.raw for item in dbt.records(file_input(TARGET / "manifest.json"), Origin("a"))}
    inside = {
        item.raw for item in dbt.records(folder(TARGET), Origin("b")) if item.row.startswith("manifest.json#")
    }
    assert alone == inside


def test_development_and_production_do_not_flow_into_each_other(tmp_path):
    """One job of two manifests, `churn` and `dev_ann`: each output comes of its own schema's inputs only."""
    text = (TARGET / "manifest.json").read_text()
    (tmp_path / "prod.json").write_text(text)
    dev = text.replace('"schema": "churn"', '"schema": "dev_ann"').replace("LAKE.churn.", "LAKE.dev_ann.")
    (tmp_path / "dev.json").write_text(dev)
    with Workspace.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([tmp_path / "prod.json", tmp_path / "dev.json"])
        edges = workspace.trace(f"dataset|{HERE}|LAKE.churn.features_v2", up=9).items[0]["edges"]
    read = {edge["from"] for edge in edges if edge["type"] == "input"}
    assert read == {f"dataset|{HERE}|LAKE.churn.countries", "dataset|s3://halden-lake|phone/calls"}


def test_any_order_and_repetition_give_one_digest(tmp_path):
    """The folder, its files one by one, and both the other way round: the same facts."""
    files = sorted(TARGET.iterdir())
    digests = set()
    for number, paths in enumerate(([TARGET, *files], [*reversed(files), TARGET, TARGET])):
        with Workspace.open(tmp_path / f"{number}.trail") as workspace:
            for path in paths:
                workspace.import_([path])
            digests.add(workspace.digest().items[0]["digest"])
    assert len(digests) == 1


def real(corpus, name):
    """What a real file or folder of the corpus says."""
    path = corpus / "ops" / "dbt" / name
    return said(folder(path) if path.is_dir() else file_input(path))


def plain(corpus, name):
    """The JSON of a real file."""
    raw = (corpus / "ops" / "dbt" / name).read_bytes()
    return json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)


@pytest.mark.parametrize(
    ("name", "jobs", "edges", "filtered", "adapter"),
    [
        ("v4/manifest.json.gz", 8, 5, {"test": 18, "disabled": 2}, "bigquery"),
        ("v7/manifest.json.gz", 8, 8, {"test": 20}, "bigquery"),
        ("v9/manifest.json.gz", 37, 31, {"test": 21, "operation": 2}, "bigquery"),
        ("v11/manifest.json.gz", 38, 33, {"test": 20, "operation": 2}, "bigquery"),
        ("ol-fail/target/manifest.json", 4, 4, {}, "bigquery"),
        ("ol-large/target/manifest.json", 8, 8, {"test": 20}, "snowflake"),
        ("ol-snapshot/target/manifest.json", 3, 2, {"test": 3}, "postgres"),
    ],
)
def test_real_manifests_are_read_whole(corpus, name, jobs, edges, filtered, adapter):
    """Counted in the files with Python's json: nodes by resource_type, and distinct `depends_on.nodes` of models.

    v4 and v7: 5 models and 3 seeds; two tests of v4 stand in `nodes` with `config.enabled` false. v9: 34 models and 3
    seeds; v11: 35 and 3. ol-fail: third<-second, third<-parallel, parallel<-source, second<-first.
    """
    found = real(corpus, name)
    made = [fact for fact in only(found, Entity) if fact.key.kind is Kind.JOB]
    assert len(made) == jobs
    assert {fact.attributes["adapter"] for fact in made} == {adapter}
    assert Counter(fact.reason for fact in only(found, Filtered)) == filtered
    assert only(found, Problem) == []
    assert len([link for link in only(found, Link) if link.type is Relation.INPUT]) == edges


def test_real_edges_by_hand(corpus):
    """ol-fail, parent_map of `test_second_parallel_dbt_model`: the source `random-gcp-project.dbt_test1.source_table`.

    BigQuery needs no server, so these are the names in the events beside it (result.json, `inputs` and `outputs`).
    """
    found = real(corpus, "ol-fail/target")
    job = Key(Kind.JOB, "dbt:dbt_bigquery_test", "model.dbt_bigquery_test.test_second_parallel_dbt_model")
    inputs = [link.source for link in only(found, Link) if link.target == job]
    assert inputs == [dataset("bigquery", "random-gcp-project.dbt_test1.source_table")]
    events = plain(corpus, "ol-fail/result.json")
    named = {
        (one["namespace"], one["name"]) for event in events for one in event["inputs"] + event["outputs"]
    }
    assert named <= {fact.key[1:] for fact in only(found, Entity)}


def test_real_failure_and_skip(corpus):
    """ol-fail/run_results.json: `second_parallel` has status error, `third` skipped, the other two success."""
    runs = {run.job.name.split(".")[2]: run for run in only(real(corpus, "ol-fail/target"), Run)}
    assert {name: run.state for name, run in runs.items()} == {
        "test_first_dbt_model": RunState.COMPLETE,
        "test_second_dbt_model": RunState.COMPLETE,
        "test_second_parallel_dbt_model": RunState.FAIL,
        "test_third_dbt_model": RunState.OTHER,
    }
    first = runs["test_first_dbt_model"]
    assert (to_iso(first.started.lo), to_iso(first.ended.lo)) == (
        "2021-07-28T12:09:46.041017Z",
        "2021-07-28T12:09:47.994760Z",
    )


@pytest.mark.parametrize(
    ("name", "states", "verdicts"),
    [
        ("run_results-v1.json", {RunState.COMPLETE: 8}, {}),
        ("run_results-v4.json", {RunState.COMPLETE: 8, RunState.FAIL: 1}, {True: 20}),
        ("produced-jaffle-duckdb/run_results.json", {RunState.COMPLETE: 8}, {True: 20}),
        ("v12/run_results.json", {RunState.COMPLETE: 19}, {True: 27}),
        ("ol-large/target/run_results.json", {RunState.COMPLETE: 5}, {}),
        ("ol-snapshot/target/run_results.json", {RunState.COMPLETE: 1}, {}),
    ],
)
def test_real_results_have_no_false_failure(corpus, name, states, verdicts):
    """Statuses counted in the files by type of node; the one failure is `test_insert_overwrite` of v4."""
    found = real(corpus, name)
    assert Counter(run.state for run in only(found, Run)) == states
    assert Counter(fact.success for fact in only(found, Measured)) == verdicts
    assert only(found, Problem) == []
    results = plain(corpus, name)["results"]
    failed = {one["unique_id"] for one in results if one["status"] in ("error", "fail", "runtime error")}
    assert {run.job.name for run in only(found, Run) if run.state is RunState.FAIL} == failed


def test_every_result_of_v5_is_accounted_for(corpus):
    """58 results: each a run, a verdict, or left out with a reason; failed ones are those with status error or fail."""
    results = plain(corpus, "run_results-v5.json")["results"]
    found = real(corpus, "run_results-v5.json")
    assert len(found) == len(results) == 58
    assert only(found, Problem) == []
    bad = {one["unique_id"] for one in results if one["status"] in ("error", "fail", "runtime error")}
    failed = {run.job.name for run in only(found, Run) if run.state is RunState.FAIL}
    failed |= {fact.detail["test"] for fact in only(found, Measured) if fact.success is False}
    assert failed == bad


def test_real_verdicts_find_their_tables(corpus):
    """v12: 27 tests, each with `attached_node`; `..._stg_supplies_supply_uuid` is attached to model stg_supplies.

    Its node stands at database jaffle_shop, schema main, alias stg_supplies. 13 models and 6 seeds make
    19 tables; the 6 sources are the tables of the seeds, and the catalogue of the same invocation has no other.
    """
    found = real(corpus, "v12")
    verdicts = [fact for fact in only(found, Measured) if "test" in fact.detail]
    assert len(verdicts) == 27
    tables = {fact.key for fact in only(found, Entity) if fact.key.kind is Kind.DATASET}
    assert {fact.subject for fact in verdicts} <= tables
    assert len(tables) == 19
    supplies = [fact for fact in verdicts if "not_null_stg_supplies_supply_uuid" in fact.detail["test"]]
    assert supplies[0].subject == dataset("dbt:duckdb:jaffle_shop", "jaffle_shop.main.stg_supplies")
    assert (supplies[0].metric, supplies[0].detail["column"]) == ("not_null", "supply_uuid")


def test_real_seeds_are_joined_to_what_events_lose(corpus):
    """produced-jaffle-duckdb: parent_map has stg_orders <- seed raw_orders; dbt-ol's events have no such input.

    With the label that says which file it is, the tables have the very names of the events (`outputs`).
    """
    path = corpus / "ops" / "dbt" / "produced-jaffle-duckdb"
    found = said(folder(path), dbt_namespace="duckdb://jaffle_shop.duckdb")
    job = Key(Kind.JOB, "dbt:jaffle_shop", "model.jaffle_shop.stg_orders")
    inputs = [link.source for link in only(found, Link) if link.target == job]
    assert inputs == [dataset("duckdb://jaffle_shop.duckdb", "jaffle_shop.main.raw_orders")]
    lines = (corpus / "ops" / "openlineage" / "produced" / "dbt-ol-jaffle.ndjson").read_text().splitlines()
    named = {
        (one["namespace"], one["name"])
        for event in map(json.loads, lines)
        for one in event["inputs"] + event["outputs"]
    }
    assert named
    assert named <= {fact.key[1:] for fact in only(found, Entity)}


def test_real_catalogue(corpus):
    """catalog-v1-old.json: `customers` has 7 columns, customer_id INT64 first, and num_rows 100."""
    found = real(corpus, "catalog-v1-old.json")
    assert only(found, Problem) == []
    facts = found["model.jaffle_shop.customers"]
    assert len(facts[0].attributes["schema"]) == 7
    assert facts[0].attributes["schema"][0] == {"name": "customer_id", "type": "INT64"}
    rows = [fact.value for fact in facts if isinstance(fact, Measured) and fact.metric == "rowCount"]
    assert rows == [100.0]


def test_nothing_else_in_the_corpus_is_taken_for_dbt(corpus):
    """No other file, and of the folder of dbt not the OpenLineage templates called `result.json`."""
    taken = []
    for path in sorted((corpus / "ops").rglob("*")):
        own = path.is_relative_to(corpus / "ops" / "dbt") and path.name != "result.json"
        if path.is_file() and path.stat().st_size and not path.name.endswith(".zip"):
            rated = dbt.recognises(sample_of(file_input(path)))
            if bool(rated) != own:
                taken.append(path.name)
    assert taken == []
