import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Coverage, Entity, Happened, Key, Link, Run
from lineage.model.moment import exactly, to_iso
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import mlflow

SCRIPT = Path(__file__).resolve().parents[2] / "sources" / "mlflow" / "store.sql"
# SHA-256 of "1767225600000mlflow-artifacts:/0", experiment 0 of store.sql.
INSTANCE = hashlib.sha256(b"1767225600000mlflow-artifacts:/0").hexdigest()[:12]
NS = f"mlflow:{INSTANCE}/default"
RISK = f"mlflow:{INSTANCE}/risk"
# The latest time of store.sql that is not years ahead of all others: the deletion of fraud/4.
AT = exactly(1767404000000_000)


def hexed(number):
    """An id of store.sql."""
    return f"{number:032x}"


def version(name, namespace=NS):
    """The key of a version or logged model."""
    return Key("model-version", namespace, name)


def run_key(number, namespace=NS):
    """The key of a run of store.sql."""
    return Key("run", namespace, hexed(number))


def said(path, source=mlflow, **labels):
    """Everything a file says: facts, problems and reasons, each with the row of its record."""
    origin = Origin(str(path), labels, folder=path.parent.name)
    found = []
    for record in source.records(file_input(path), origin):
        if isinstance(record, Problem):
            found.append(("", record))
            continue
        stated = list(source.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(source.read(Record(record.raw), origin)), "the record alone says the same"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind, row=""):
    """What was said of one kind, in records whose row starts so."""
    return [fact for name, fact in found if isinstance(fact, kind) and name.startswith(row)]


def entity(found, key):
    """What was said of one thing."""
    return next(fact for fact in of(found, Entity) if fact.key == key)


@pytest.fixture
def store(tmp_path):
    """The hand-written store with every trap, as a database file."""
    path = tmp_path / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCRIPT.read_text(encoding="utf-8"))
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def found(store):
    """What the hand-written store says."""
    return said(store)


def test_a_version_carries_what_the_contract_promises(found):
    """CONTRACT.md: model, version, created_at, created_by with its basis, run_id, stage, aliases, uri, deleted."""
    first = entity(found, version("fraud/1"))
    stored = f"mlflow-artifacts:/1/models/m-{hexed(11)}/artifacts"

    assert first.attributes == {
        "model": "fraud",
        "version": "1",
        "created_at": "2026-01-02T01:06:40Z",
        "updated_at": "2026-01-03T01:00:00Z",
        "created_by": "ana.ops",
        "created_by_basis": "run tag mlflow.user (client-side)",
        "run_id": hexed(1),
        "git_commit": "1" * 40,
        "logged_model_id": f"m-{hexed(11)}",
        "uri": stored,
        "source": f"models:/m-{hexed(11)}",
        "storage_location": stored,
        "status": "READY",
        "description": "first",
        "deleted": False,
        "tags": {"approved_by": "carla", "image_digest": "sha256:00ff"},
        "stage": "Production",
        "aliases": ["blue", "champion"],
    }
    assert (first.at, first.listing) == (AT, f"{NS}/model-versions")


def test_a_version_says_who_registered_it_only_where_the_registry_does(found):
    """`user_id` is the registrar's where it is set; who copied a version is not who trained it."""
    assert entity(found, version("fraud/2")).attributes["created_by"] == "registrar"
    assert entity(found, version("fraud/2")).attributes["created_by_basis"] == "model_versions.user_id"
    assert "created_by" not in entity(found, version("fraud-prod/1")).attributes
    assert "created_by" not in entity(found, version("fraud/5")).attributes
    registered = {fact.subject.name: fact.actor for fact in of(found, Happened) if fact.type == "register"}
    assert registered["fraud/1"] is None
    assert registered["fraud/2"] == Key("actor", "mlflow", "registrar")


def test_a_deleted_version_is_still_known_with_its_run(found):
    """Deletion redacts source and run, the storage location stays: `runs:/<id>` or the logged model name the run."""
    third, fourth = (entity(found, version(f"fraud/{number}")) for number in (3, 4))

    for deleted, run, at in ((third, 4, 1767403000000), (fourth, 1, 1767404000000)):
        assert deleted.attributes["deleted"] is True
        assert deleted.attributes["run_id"] == hexed(run)
        assert deleted.attributes["run_id_basis"] == "model_versions.storage_location"
        assert deleted.attributes["stage"] is None
        assert deleted.ended == exactly(at * 1000)
        assert not any("REDACTED" in str(value) for value in deleted.attributes.values())
    assert third.attributes["uri"] == f"runs:/{hexed(4)}/net"
    assert [fact.at for fact in of(found, Happened) if fact.type == "delete"] == [third.ended, fourth.ended]


def test_links_lead_from_run_over_logged_model_to_version_and_copy(found):
    """Each edge of the registry, in the direction in which lineage flows."""
    links = {(str(link.type), link.source.name, link.target.name, link.rule) for link in of(found, Link)}
    run, logged = hexed(1), f"m-{hexed(11)}"

    assert {
        ("produced", run, logged, "inputs.MODEL_OUTPUT"),
        ("produced", run, logged, "logged_models.source_run_id"),
        ("produced", run, "fraud/1", "model_versions.run_id"),
        ("registered", logged, "fraud/1", "model_versions.source"),
        ("registered", logged, "fraud/1", "mlflow.modelVersions"),
        ("registered", logged, "fraud/4", "model_versions.storage_location"),
        ("copied", "fraud/1", "fraud-prod/1", "model_versions.source"),
        ("version-of", "fraud/1", "fraud", "model_versions.name"),
    } <= links
    assert ("registered", logged, "fraud-prod/1", "model_versions.storage_location") not in links


def test_a_model_that_a_run_reads_flows_into_the_run(found):
    """The store keeps RUN_INPUT -> MODEL_INPUT, run first: it is put right."""
    [read] = [link for link in of(found, Link) if link.rule == "inputs.MODEL_INPUT"]

    assert (read.source, read.target, read.type) == (version(f"m-{hexed(11)}"), run_key(6), "input")


def test_the_tag_of_versions_counts_each_once(found):
    """`mlflow.modelVersions` lists version 1 as a number and as text."""
    assert len([link for link in of(found, Link) if link.rule == "mlflow.modelVersions"]) == 1


def test_equal_names_of_two_workspaces_are_two_things(found):
    """Experiment and model `fraud` are in both workspaces."""
    assert entity(found, Key("model", NS, "fraud")).attributes["aliases"] == {"champion": "1", "blue": "1"}
    assert entity(found, Key("model", RISK, "fraud")).attributes["aliases"] == {"champion": "1"}
    assert entity(found, version("fraud/1", RISK)).attributes["uri"] == "s3://models/risk"
    assert of(found, Run, f"runs/{hexed(8)}")[0].job == Key("job", RISK, "fraud")


def test_prompts_are_no_models(found):
    """A prompt lives in the model tables, marked by a tag: it is left out with that reason."""
    prompts = [(row, fact.reason) for row, fact in found if isinstance(fact, Filtered)]

    assert prompts == [
        ("registered_models/default/greeting", "prompt"),
        ("model_versions/default/greeting/1", "prompt"),
    ]


def test_a_run_says_what_it_read_who_ran_it_and_on_which_code(found):
    """Inputs with digests, the user of the tag before the column, code, orchestrator and feature store."""
    [run] = of(found, Run, f"runs/{hexed(1)}")

    assert (run.key, run.job, run.state, run.individual) == (
        run_key(1),
        Key("job", NS, "fraud"),
        "complete",
        True,
    )
    assert [(use.key.namespace, use.key.name, use.version) for use in run.inputs] == [
        ("s3://lake", "tx/dt=2026-01-01/part-0.parquet", "aaaa0001"),
        (f"{NS}/delta", "main.crm.customers", "bbbb0002"),
    ]
    assert (to_iso(run.started.lo), to_iso(run.ended.lo)) == ("2026-01-02T00:00:00Z", "2026-01-02T01:00:00Z")
    assert run.actor == Key("actor", "mlflow", "ana.ops")
    attributes = run.attributes
    assert attributes["code"]["commit"] == "1" * 40
    assert attributes["feast"] == {"project": "fraud", "feature_service": "fraud_v2"}
    assert attributes["orchestrator"] == {"airflow_ctx_dag_id": "fraud_training"}
    assert [entry["context"] for entry in attributes["inputs"]] == ["training", "validation"]
    assert attributes["metrics"] == {"auc": 0.9, "loss": "NaN"}


def test_no_credential_reaches_an_attribute(found):
    """A password among the parameters and a token in the repository's address stay in the evidence only."""
    [run] = of(found, Run, f"runs/{hexed(1)}")

    assert run.attributes["params"] == {"depth": "6", "db.password": "(withheld)", "max_tokens": "512"}
    assert run.attributes["code"]["repository"] == "https://git.example/fraud.git"
    assert "webhook-secret" not in repr(found)


def test_nobody_is_named_where_the_client_sent_nothing(found):
    """`unknown` and an empty user are what MLflow stores for nobody."""
    assert {number: of(found, Run, f"runs/{hexed(number)}")[0].actor for number in (2, 3, 5)} == {
        2: None,
        3: None,
        5: None,
    }


@pytest.mark.parametrize(
    ("number", "state", "started", "ended"),
    [
        (2, "fail", None, 1767315600000),
        (3, "complete", None, None),
        (4, "abort", 1767315600000, 1767312000000),
        (5, "other", 1767312000000, None),
        (6, "running", 1767312000000, None),
    ],
)
def test_times_that_cannot_be_are_not_believed(found, number, state, started, ended):
    """0 was never set, seconds are not milliseconds; nothing of it is corrected."""
    [run] = of(found, Run, f"runs/{hexed(number)}")

    assert run.state == state
    assert run.started == (exactly(started * 1000) if started else None)
    assert run.ended == (exactly(ended * 1000) if ended else None)


def test_strange_times_are_problems_that_name_field_and_value(found):
    """Seconds, and an end before the start: the run is kept, the oddity is told."""
    problems = {
        (row, fact.code, fact.field, fact.value, fact.fatal)
        for row, fact in found
        if isinstance(fact, Problem)
    }

    assert (f"runs/{hexed(3)}", "suspect-time", "start_time", "1767312000", False) in problems
    assert (f"runs/{hexed(4)}", "end-before-start", "end_time", "1767312000000", False) in problems
    assert (
        "model_versions/default/fraud/5",
        "suspect-time",
        "creation_time",
        "1767321000",
        False,
    ) in problems
    assert not any(row == f"runs/{hexed(2)}" for row, *_ in problems), "a missing start is no mistake"


def test_a_child_names_its_parent_and_an_imported_run_its_old_id(found):
    """Parents stand in a tag only; export-import gives new ids."""
    assert of(found, Run, f"runs/{hexed(2)}")[0].parent == run_key(1)
    assert of(found, Run, f"runs/{hexed(7)}")[0].attributes["exported_run_id"] == hexed(777)


def test_a_purged_run_stays_as_a_stub_with_its_edges(found):
    """`mlflow gc` removed run 99: version 2, a child and an input still name it."""
    stub = entity(found, run_key(99))

    assert stub.attributes["purged"] is True
    assert stub.attributes["referred_by"] == ["inputs", "model-version fraud/2", f"run {hexed(5)}"]
    assert of(found, Run, f"runs/{hexed(99)}") == []
    [read] = [link for link in of(found, Link) if link.target == run_key(99)]
    assert (read.source.namespace, read.detail) == ("s3://lake", {"version": "aaaa0001"})


def test_one_place_is_one_dataset_and_one_name_is_not(found):
    """Four rows are two experiments' views of one file; `customers` is two places, `made` two unplaced datasets."""
    places = {fact.key[1:]: fact.attributes for fact in of(found, Entity, "datasets/")}

    assert set(places) == {
        ("s3://lake", "tx/dt=2026-01-01/part-0.parquet"),
        (f"{RISK}/local", "/home/eve/customers.csv"),
        (f"{NS}/delta", "main.crm.customers"),
        (f"{NS}/1", "made"),
        (f"{RISK}/2", "made"),
        (f"{NS}/1", "broken"),
    }
    shared = places["s3://lake", "tx/dt=2026-01-01/part-0.parquet"]
    assert shared["location"] == "s3://lake/tx/dt=2026-01-01/part-0.parquet"
    assert [entry["experiment_id"] for entry in shared["versions"]] == ["1", "2"]
    assert {entry["version"] for entry in shared["versions"]} == {"aaaa0001"}
    assert places[f"{NS}/delta", "main.crm.customers"]["versions"][0]["table_version"] == "7"


def test_a_dataset_name_is_never_proof_of_its_place(found):
    """MLflow's names and tables without a host are candidates, which only a person merges."""
    aliases = [alias for alias in of(found, Alias) if alias.rule != "mlflow-experiment-id"]

    assert {alias.relation for alias in aliases} == {"candidate"}
    assert {(alias.key.namespace, alias.key.name, alias.other.name) for alias in aliases} >= {
        (f"{NS}/datasets", "transactions", "tx/dt=2026-01-01/part-0.parquet"),
        ("delta", "main.crm.customers", "main.crm.customers"),
    }


def test_an_experiment_is_known_by_its_number_too(found):
    """It can be renamed; a deleted one has ended."""
    [alias] = of(found, Alias, "experiments/1")

    assert (alias.key, alias.other) == (Key("job", f"{NS}/experiments", "1"), Key("job", NS, "fraud"))
    assert entity(found, Key("job", NS, "old")).ended == exactly(1767398400000_000)


def test_an_evaluation_is_no_lineage(found):
    """Metrics on a dataset and evaluation datasets are `evaluated`, not a flow."""
    evaluated = [link for link in of(found, Link) if link.type == "evaluated"]

    assert {(link.source.name, link.target.name) for link in evaluated} == {
        ("tx/dt=2026-01-01/part-0.parquet", f"m-{hexed(11)}"),
        ("d-eval", hexed(1)),
    }
    golden = entity(found, Key("dataset", f"{NS}/evaluation-datasets", "d-eval")).attributes
    assert (golden["names"], golden["created_by"]) == (["golden"], "carla")


def test_a_failed_and_deleted_logged_model_is_kept(found):
    """Its status is a word, its deletion an end."""
    logged = entity(found, version(f"m-{hexed(12)}"))

    assert (logged.attributes["status"], logged.attributes["deleted"]) == ("FAILED", True)
    assert logged.ended == exactly(1767350000000_000)


def test_each_listing_says_that_it_is_whole_and_when(found):
    """So that a later import can tell what has vanished since."""
    listings = {fact.listing: fact for fact in of(found, Coverage)}

    assert set(listings) == {
        f"{namespace}/{name}"
        for namespace in (NS, RISK)
        for name in (
            "experiments",
            "runs",
            "registered-models",
            "model-versions",
            "logged-models",
            "evaluation-datasets",
        )
    }
    versions = listings[f"{NS}/model-versions"]
    assert (versions.since, versions.until, versions.complete) == (AT, AT, True)
    assert versions.detail["count"] == 6
    assert {fact.listing for fact in of(found, Entity) if fact.listing} <= set(listings)


def test_one_time_years_ahead_does_not_date_the_snapshot(found):
    """A client wrote an end in 2100: the store is as old as its other records."""
    assert {fact.at for fact in of(found, Entity)} == {AT}


def test_labels_name_instance_workspace_and_time(store):
    """What a person says wins over what was concluded."""
    found = said(store, instance="prod", observed_at="2026-02-01T00:00:00Z")

    assert {fact.key.namespace for fact in of(found, Entity, "registered_models")} == {
        "mlflow:prod/default",
        "mlflow:prod/risk",
    }
    assert {to_iso(fact.at.lo) for fact in of(found, Entity)} == {"2026-02-01T00:00:00Z"}


def test_a_label_that_is_no_time_is_told(store):
    """The import goes on with the store's own time."""
    found = said(store, observed_at="yesterday")

    assert [(fact.code, fact.value) for fact in of(found, Problem, "") if fact.code == "bad-label"] == [
        ("bad-label", "yesterday")
    ]
    assert entity(found, version("fraud/1")).at == AT


def test_the_file_is_not_touched(store):
    """Rule 12 of the design: byte-identical afterwards, and nothing is laid beside it."""
    before = store.read_bytes()
    said(store)

    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == ["mlflow.db"]


def test_a_path_with_odd_characters_opens(tmp_path, store):
    """`?`, `#` and `%` in a name are no part of an address."""
    odd = tmp_path / "a %41?b#c"
    odd.mkdir()
    path = Path(shutil.copy(store, odd / "ml flow.db"))

    assert len(of(said(path), Run)) == 8


def test_what_lies_in_the_write_ahead_log_is_read(tmp_path, store):
    """A server that still runs keeps its last changes beside the file: neither is written to."""
    live = sqlite3.connect(store)
    try:
        live.execute("PRAGMA journal_mode=WAL")
        live.execute(
            "INSERT INTO registered_models VALUES ('late', 1767316000000, 1767316000000, NULL, 'default')"
        )
        live.commit()
        before = {
            path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")
        }
        assert any(name.endswith("-wal") and content for name, content in before.items())
        found = said(store)
        after = {
            path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")
        }
    finally:
        live.close()

    assert entity(found, Key("model", NS, "late"))
    assert after == before


def test_a_member_of_an_archive_is_read(store):
    """Without a path of its own the database is unpacked first."""

    class Packed:
        name, path, size = "mlflow.db", None, store.stat().st_size

        def open(self):
            return store.open("rb")

        def members(self):
            return iter(())

    records = [
        record
        for record in mlflow.records(Packed(), Origin("a.zip!/mlflow.db"))
        if isinstance(record, Record)
    ]

    assert len([record for record in records if record.row.startswith("runs/")]) == 9


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda raw: b"encrypted, surely" + raw[17:], "unreadable-database"),
        (lambda raw: raw[:18] + b"\x09\x09" + raw[20:], "unreadable-database"),
        (lambda raw: raw[:5000], "unreadable-database"),
    ],
    ids=["encrypted", "newer", "cut"],
)
def test_an_unreadable_database_is_a_problem_with_a_reason(store, spoil, code):
    """Encrypted, of a newer SQLite, or cut off: never a traceback, never silence."""
    store.write_bytes(spoil(store.read_bytes()))

    assert code in {fact.code for fact in of(said(store), Problem)}


def test_a_damaged_table_costs_that_table_only(store):
    """Pages of `params` are overwritten: the rest is read, and the listing of runs is still there."""
    connection = sqlite3.connect(store)
    page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'params'").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    raw = bytearray(store.read_bytes())
    raw[(page - 1) * size : page * size] = b"\xff" * size
    store.write_bytes(raw)

    found = said(store)

    assert [
        (fact.code, fact.field) for fact in of(found, Problem, "") if fact.code == "unreadable-table"
    ] == [("unreadable-table", "params")]
    assert len(of(found, Run)) == 8


def test_a_database_of_somebody_else_says_so(tmp_path):
    """Another program's SQLite file."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.commit()
    connection.close()

    assert [fact.code for fact in of(said(path), Problem)] == ["not-mlflow"]
    assert mlflow.recognises(sample_of(file_input(path))) == 0.0


def test_a_store_of_1_30_is_read_by_what_it_has(store):
    """No datasets, inputs, aliases, logged models, storage locations or workspaces: what is there is read."""
    connection = sqlite3.connect(store)
    for table in (
        "datasets",
        "inputs",
        "input_tags",
        "logged_models",
        "logged_model_tags",
        "logged_model_params",
        "logged_model_metrics",
        "registered_model_aliases",
        "evaluation_datasets",
        "evaluation_dataset_tags",
        "entity_associations",
    ):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("DELETE FROM experiments WHERE workspace = 'risk'")
    connection.execute("DELETE FROM model_versions WHERE workspace = 'risk'")
    connection.execute("ALTER TABLE model_versions DROP COLUMN storage_location")
    for table in (
        "experiments",
        "registered_models",
        "registered_model_tags",
        "model_versions",
        "model_version_tags",
    ):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN workspace")
    connection.commit()
    connection.close()

    found = said(store)

    third = entity(found, version("fraud/3"))
    assert (third.attributes["deleted"], third.ended) == (True, exactly(1767403000000_000))
    assert "run_id" not in third.attributes
    assert entity(found, version("fraud/1")).attributes["uri"] == f"models:/m-{hexed(11)}"
    assert f"{NS}/logged-models" not in {fact.listing for fact in of(found, Coverage)}


def test_text_that_is_no_utf8_and_a_blob_do_not_stop_the_reading(store):
    """SQLite checks neither type nor encoding."""
    connection = sqlite3.connect(store)
    connection.execute("UPDATE runs SET name = CAST(x'ff41' AS TEXT), user_id = x'00ff' WHERE name = 'train'")
    connection.execute("UPDATE runs SET start_time = 'soon' WHERE name = 'score'")
    connection.commit()
    connection.close()

    found = said(store)

    assert of(found, Run, f"runs/{hexed(1)}")[0].attributes["name"] == "\ufffdA"
    assert ("bad-time", "soon") in {(fact.code, fact.value) for fact in of(found, Problem)}


def test_a_view_in_the_place_of_a_table_is_not_followed(store):
    """A file from outside can hold views that call functions: only tables are read."""
    connection = sqlite3.connect(store)
    connection.execute("ALTER TABLE params RENAME TO kept")
    connection.execute("CREATE VIEW params AS SELECT * FROM kept")
    connection.commit()
    connection.close()

    assert "params" not in of(said(store), Run, f"runs/{hexed(1)}")[0].attributes


def test_two_snapshots_show_a_moved_alias(store):
    """Nothing in the store dates the move (domain-anchors 1.3): the two listings do."""
    before = said(store, observed_at="2026-02-01T00:00:00Z")
    connection = sqlite3.connect(store)
    connection.execute("UPDATE registered_model_aliases SET version = 2 WHERE alias = 'champion'")
    connection.commit()
    connection.close()
    after = said(store, observed_at="2026-02-08T00:00:00Z")

    moved = [entity(each, Key("model", NS, "fraud")) for each in (before, after)]
    assert [(to_iso(each.at.lo), each.attributes["aliases"]["champion"]) for each in moved] == [
        ("2026-02-01T00:00:00Z", "1"),
        ("2026-02-08T00:00:00Z", "2"),
    ]
    assert moved[0].listing == moved[1].listing


def test_reading_twice_gives_the_same_bytes(store):
    """A second import of the same file adds nothing."""
    one, two = (
        [
            record.raw
            for record in mlflow.records(file_input(store), Origin("x"))
            if isinstance(record, Record)
        ]
        for _ in range(2)
    )
    assert one == two


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", 0.0),
        (b"SQLite format 3\x00" + bytes(52) + b"MTRL" + bytes(100), 0.0),
        (b"PK\x03\x04" + bytes(200), 0.0),
    ],
)
def test_what_is_no_mlflow_database_is_not_taken_for_one(head, expected):
    """Nothing, a database with another program's application id, an archive."""
    assert mlflow.recognises(Sample("x.db", head)) == expected


def test_the_store_is_recognised(store):
    """By what lies in its first 64 KiB."""
    best = recognise(sample_of(file_input(store)))
    assert best is not None
    assert best[0].NAME == "mlflow"
    assert best[1] >= 0.9


# The real databases: expected numbers were taken with the sqlite3 command line, queries in the docstrings.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "server-3.17",
            {"runs": 23, "experiments": 5, "models": 4, "versions": 8, "logged": 6, "filtered": 2},
        ),
        (
            "sqlite-2.9",
            {"runs": 12, "experiments": 3, "models": 1, "versions": 3, "logged": 0, "filtered": 0},
        ),
    ],
)
def test_every_row_of_a_real_store_is_accounted_for(corpus, name, expected):
    """`select count(*)` of runs, experiments, registered_models less the prompt, model_versions less its version."""
    path = corpus / "ml" / "mlflow" / name / "mlflow.db"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = said(path)
    kinds = Counter(str(fact.key.kind) for fact in of(found, Entity) if fact.listing)
    logged = sum(1 for fact in of(found, Entity) if fact.attributes.get("logged"))

    assert {
        "runs": len(of(found, Run)),
        "experiments": kinds["job"],
        "models": kinds["model"],
        "versions": kinds["model-version"] - logged,
        "logged": logged,
        "filtered": len(of(found, Filtered)),
    } == expected
    assert of(found, Problem) == []
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_the_known_facts_of_the_churn_model(corpus):
    """MANIFEST.md: live 1,2,3,4,6, deleted 5; 2 Production, 1 Archived; champion=3, challenger=4; prod/1 copies 3.

    5: `select storage_location from model_versions where version = 5` is `runs:/4cfcd3ef5b544e42be620d5835745e31/..`,
    last_updated_time 1781168400105.
    """
    found = said(corpus / "ml" / "mlflow" / "server-3.17" / "mlflow.db")
    versions = {
        fact.attributes["version"]: fact
        for fact in of(found, Entity)
        if fact.attributes.get("model") == "churn-classifier"
    }
    namespace = versions["1"].key.namespace

    assert {number for number, fact in versions.items() if not fact.attributes["deleted"]} == {
        "1",
        "2",
        "3",
        "4",
        "6",
    }
    assert {
        number: fact.attributes["stage"] for number, fact in versions.items() if fact.attributes["stage"]
    } == {
        "1": "Archived",
        "2": "Production",
    }
    assert entity(found, Key("model", namespace, "churn-classifier")).attributes["aliases"] == {
        "champion": "3",
        "challenger": "4",
    }
    assert versions["5"].attributes["run_id"] == "4cfcd3ef5b544e42be620d5835745e31"
    assert versions["5"].ended == exactly(1781168400105_000)
    [copied] = [link for link in of(found, Link) if link.type == "copied"]
    assert (copied.source.name, copied.target.name) == ("churn-classifier/3", "churn-classifier-prod/1")
    assert versions["3"].attributes["created_by"] == "svc-airflow"
    assert "created_by" not in versions["6"].attributes
    instance = hashlib.sha256(b"1772431104042mlflow-artifacts:/0").hexdigest()[:12]
    assert namespace == f"mlflow:{instance}/default"


def test_a_real_training_run(corpus):
    """Run 032758bb..: start 1772431507465, end 1772433628045, two inputs, one output, user tag svc-airflow."""
    found = said(corpus / "ml" / "mlflow" / "server-3.17" / "mlflow.db")
    [run] = of(found, Run, "runs/032758bbf0cc4dd4b87919668b99c066")

    assert (run.started, run.ended) == (exactly(1772431507465_000), exactly(1772433628045_000))
    assert run.job.name == "churn/nightly-training"
    assert [(f"{use.key.namespace}/{use.key.name}", use.version) for use in run.inputs] == [
        ("s3://halden-lake/features/customer_daily/dt=2026-03-02/part-0.parquet", "8bb5af50"),
        ("s3://halden-lake/features/customer_daily/dt=2026-03-02/holdout.parquet", "811e5086"),
    ]
    assert run.actor == Key("actor", "mlflow", "svc-airflow")
    assert run.attributes["code"]["commit"] == "db1760cea080b8e3606990e7f12bf7b47eebd39e"
    [made] = [link for link in of(found, Link, "runs/032758bb") if link.type == "produced"]
    assert made.target.name == "m-7d9ddf46dc6a47a5917a01af5e73fb1f"


def test_a_real_scoring_run_reads_the_champion(corpus):
    """Run 9ed422b2..: `inputs` has RUN_INPUT -> MODEL_INPUT m-39275c74803142a880591127b07f77e0."""
    found = said(corpus / "ml" / "mlflow" / "server-3.17" / "mlflow.db")
    [link] = [link for link in of(found, Link) if link.rule == "inputs.MODEL_INPUT"]

    assert link.source.name == "m-39275c74803142a880591127b07f77e0"
    assert link.target.name == "9ed422b2e63545658ca94a5c4acb1d63"


def test_a_deleted_version_of_2_9_names_its_run_by_its_files(corpus):
    """sqlite-2.9, demand-gbm/3: storage_location `/data/dev29/mlruns/1/f699b036../artifacts/model`."""
    found = said(corpus / "ml" / "mlflow" / "sqlite-2.9" / "mlflow.db")
    third = next(fact for fact in of(found, Entity) if fact.key.name == "demand-gbm/3")

    assert third.attributes["run_id"] == "f699b0368e434a94bf349279fe384cd4"
    assert third.attributes["created_by"] == "maria.rossi"
    assert third.ended == exactly(1768910400062_000)


@pytest.mark.parametrize("name", ["server-3.17", "sqlite-2.9"])
def test_the_real_databases_are_recognised(corpus, name):
    """Their schema lies beyond the first 64 KiB."""
    best = recognise(sample_of(file_input(corpus / "ml" / "mlflow" / name / "mlflow.db")))
    assert best is not None
    assert best[0].NAME == "mlflow"


def test_the_artifacts_are_not_ours(corpus):
    """MLmodel, conda.yaml and models are left to whoever reads those."""
    for path in sorted((corpus / "ml" / "mlflow" / "server-3.17" / "artifacts").rglob("*")):
        if path.is_file():
            best = recognise(sample_of(file_input(path)))
            assert best is None or not best[0].NAME.startswith("mlflow"), path.name


def test_every_record_is_canonical_json(store):
    """The evidence can be hashed and compared."""
    for record in mlflow.records(file_input(store), Origin("x")):
        assert isinstance(record, Record)
        value = json.loads(record.raw)
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        assert again == record.raw
