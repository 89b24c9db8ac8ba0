import hashlib
import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Coverage, Entity, Happened, Key, Link, Run
from lineage.model.moment import exactly, parse, to_iso
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise, sources
from lineage.sources import airflow
from lineage.sources._airflow_names import run_id

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "airflow"
NS = "airflow-prod"


def made(path, script):
    """A database file made by one of the hand-written scripts."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((SAMPLES / script).read_text(encoding="utf-8"))
        connection.commit()
    return path


def said(path, namespace=NS, **labels):
    """Everything the database says: (row of the record, fact or problem)."""
    if namespace:
        labels["namespace"] = namespace
    origin = Origin(str(path), labels, folder=path.parent.name)
    found = []
    for record in airflow.records(file_input(path), origin):
        if isinstance(record, Problem):
            found.append((record.row, record))
            continue
        stated = list(airflow.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(airflow.read(Record(record.raw), origin)), "the record alone says the same"
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind, row=""):
    """What was said of one kind, in records whose row starts so."""
    return [fact for name, fact in found if isinstance(fact, kind) and name.startswith(row)]


def provider_id(date, *parts):
    """The run id as Airflow's provider and openlineage-python make it: UUIDv7 of the date, SHA-1 as its random part."""
    at = datetime.fromisoformat(date).replace(tzinfo=UTC)
    digest = hashlib.sha1(at.isoformat().encode() + ".".join(map(str, parts)).encode()).hexdigest()  # noqa: S324
    value = ((int(at.timestamp() * 1000) & 0xFFFFFFFFFFFF) << 80) | (int(digest, 16) >> 84)
    value = (value & ~(0xF000 << 64)) | (7 << 76)
    return str(uuid.UUID(int=(value & ~(0xC000 << 48)) | (0x8000 << 48)))


@pytest.fixture
def two(tmp_path):
    """What the database of Airflow 2.6 says."""
    return said(made(tmp_path / "two.db", "v2.sql"))


@pytest.fixture
def three(tmp_path):
    """What the database of Airflow 3 says."""
    return said(made(tmp_path / "three.db", "v3.sql"))


def test_it_is_known_by_its_tables(tmp_path):
    """A database with Airflow's three main tables is Airflow's, and one of MLflow's is not."""
    for script in ("v2.sql", "v3.sql"):
        known = recognise(sample_of(file_input(made(tmp_path / f"{script}.db", script))))
        assert known is not None
        assert known[0].NAME == "airflow"
    assert airflow.recognises(Sample("a.db", b"SQLite format 3\x00", tables=("runs", "experiments"))) == 0
    packed = made(tmp_path / "airflow.db", "v3.sql").read_bytes()
    for name in ("airflow.db", "x.db"):
        assert airflow.recognises(Sample(name, packed)) > 0.6, "in an archive its tables are out of sight"
    assert airflow.recognises(Sample("airflow.db", b"SQLite format 3\x00" + bytes(100))) > 0.6
    assert airflow.recognises(Sample("other.db", b"SQLite format 3\x00" + bytes(100))) == 0
    assert (
        airflow.recognises(Sample("airflow.db", b"SQLite format 3\x00" + bytes(52) + b"MDTR" + bytes(99)))
        == 0
    )
    assert airflow.recognises(Sample("task_instance dag_run.txt", b"dag_run task_instance")) == 0
    assert "airflow" in {source.NAME for source in sources()}


def test_runs_are_called_as_the_provider_calls_them(two, three):
    """The ids of runs and tries are those of Airflow's OpenLineage events: of the logical date, else of `run_after`."""
    runs = {fact.attributes["airflow_run_id"]: fact for fact in of(two, Run, "dag_run:")}
    manual = runs["manual__2023-06-02T09:30:00.123456+00:00"]
    assert manual.key == Key("run", NS, provider_id("2023-06-02T09:30:00.123456", NS, "train"))
    assert manual.job == Key("job", NS, "train")
    fit = of(two, Run, "task_instance:train/manual__2023-06-02T09:30:00.123456+00:00/fit")[0]
    assert fit.key.name == provider_id("2023-06-02T09:30:00.123456", NS, "train", "fit", 1, -1)
    assert (fit.job, fit.parent) == (Key("job", NS, "train.fit"), manual.key)
    undated, cleared, _ = of(three, Run, "dag_run:")
    assert undated.key.name == provider_id("2026-03-01T00:00:00", NS, "score", 0)
    assert cleared.key.name == provider_id("2026-03-02T00:00:00", NS, "score", 1)
    assert "airflow_logical_date" not in undated.attributes


def test_the_first_provider_did_not_count_clearings(tmp_path):
    """Its ids of DAG runs lack the number; which provider an Airflow of 2.9 or 2.10 had, only a person knows."""
    found = said(made(tmp_path / "airflow.db", "v3.sql"), openlineage_provider="1.14")
    cleared = of(found, Run, "dag_run:")[1]
    assert cleared.key.name == provider_id("2026-03-02T00:00:00", NS, "score")
    assert of(found, Run, "task_instance:score/asset")[0].parent == cleared.key


def test_ids_of_a_real_provider_are_found(corpus):
    """Each event of provider 1.14 bears the id made here; its runs are manual: dated by `data_interval_start`."""
    seen = 0
    for path in sorted((corpus / "ops/openlineage/compat-tests/airflow/events").iterdir()):
        event = json.loads(path.read_text())
        facets = event["run"]["facets"]
        about = facets.get("airflow") or facets.get("airflowDagRun")
        if not about:
            continue
        run, tried = about["dagRun"], about.get("taskInstance")
        named = (
            [run["dag_id"]]
            if tried is None
            else [run["dag_id"], about["task"]["task_id"], tried["try_number"], -1]
        )
        logical = parse(run["data_interval_start"])
        assert run_id(logical, event["job"]["namespace"], *named) == event["run"]["runId"], path
        seen += 1
    assert seen > 20


def test_states_are_what_the_run_came_to(two, three):
    """Failed is failed, running has no end, and a skipped task or one behind a failure never ran."""
    states = {fact.attributes["airflow_run_id"][:21]: fact for fact in of(two, Run, "dag_run:")}
    assert {name: str(fact.state) for name, fact in states.items()} == {
        "scheduled__2023-06-01": "fail",
        "manual__2023-06-02T09": "complete",
        "scheduled__2023-06-02": "running",
    }
    running = next(fact for fact in states.values() if fact.state == "running")
    assert running.ended is None
    reasons = {
        row.rpartition("+00:00/")[2]: fact.reason
        for row, fact in two
        if isinstance(fact, Filtered) and "task_" in row
    }
    assert reasons == {
        "publish/-1/0": "task-upstream-failed",
        "notify/-1/0": "task-skipped",
        "fit/-1/0": "task-not-started",
    }
    tries = {
        (fact.attributes["airflow_run_id"][:8], fact.attributes["airflow_try_number"]): str(fact.state)
        for fact in of(three, Run, "task_")
    }
    assert tries == {("manual__", "1"): "fail", ("manual__", "2"): "complete", ("asset_tr", "1"): "fail"}


def test_times_are_utc_as_airflow_keeps_them(two):
    """The database writes UTC without a zone: that is Airflow's rule, nothing is assumed."""
    fit = of(two, Run, "task_instance:train/scheduled__2023-06-01T00:00:00+00:00/fit")[0]
    assert (fit.started, fit.ended) == (parse("2023-06-02T00:06:00Z"), parse("2023-06-02T00:09:59Z"))
    assert fit.attributes["nominal_start"] == "2023-06-01T00:00:00Z"


def test_who_started_a_run_is_said_only_where_it_is_recorded(two, three):
    """By the audit line of the same date (2.x) or the triggering user (3.x); schedules, assets, `dags test`: nobody."""
    actors = {fact.attributes["airflow_run_id"][:14]: fact.actor for fact in of(two, Run, "dag_run:")}
    assert actors == {"manual__2023-0": Key("actor", "airflow", "nina"), "scheduled__202": None}
    assert [fact.actor for fact in of(three, Run, "dag_run:")] == [
        Key("actor", "airflow", "nina"),
        None,
        None,
    ]
    assert all(fact.actor is None for fact in of(two, Run, "task_") + of(three, Run, "task_"))
    owners = {fact.key.name: fact.attributes.get("owners") for fact in of(two, Entity, "dag:")}
    assert owners["train"] == ["data", "ml"]


def test_the_audit_log_says_who_did_what(two, three):
    """Triggered, paused, cleared, marked by hand; what tasks write under their owner's name is no act of the owner."""
    acts = [
        (fact.type, fact.subject.name, fact.actor and fact.actor[1:], to_iso(fact.at.lo))
        for fact in of(two, Happened, "log:")
    ]
    assert acts == [
        ("trigger", "train", ("airflow", "nina"), "2023-06-02T09:30:00.200000Z"),
        ("set-state", "train.fit", ("airflow", "omar"), "2023-06-02T10:00:00Z"),
        ("pause", "train", ("airflow-cli", "root"), "2023-06-02T10:06:00Z"),
    ]
    assert [fact.reason for fact in of(two, Filtered, "log:")] == [
        "task-state-by-airflow",
        "only-looked-at",
        "not-about-a-dag",
    ]
    bad = [fact for fact in of(two, Problem, "log:7") if fact.code == "bad-time"]
    assert [(fact.field, fact.value) for fact in bad] == [("dttm", "soon")]
    assert [(fact.type, fact.detail.get("run_id")) for fact in of(three, Happened, "log:")] == [
        ("trigger", None),
        ("clear", "asset_triggered__x"),
    ]


def test_assets_are_read_and_written(two, three):
    """Declared inlets, outlets and schedules; what a try updated; updates whose try is gone, and outside ones."""
    features, orders = (
        Key("dataset", "s3://lake", "churn/features"),
        Key("dataset", "postgres://db:5432", "shop/public/orders"),
    )
    links = {
        (fact.source[1:], fact.target[1:], str(fact.type), str(fact.basis))
        for fact in of(two, Link, "dag:")
        if fact.type != "parent"
    }
    assert links == {
        (orders[1:], (NS, "train.prepare"), "input", "declared"),
        ((NS, "train.prepare"), features[1:], "output", "declared"),
        (features[1:], (NS, "report"), "input", "declared"),
    }
    prepare = of(two, Run, "task_instance:train/manual__2023-06-02T09:30:00.123456+00:00/prepare")[0]
    assert [use.key for use in prepare.outputs] == [features]
    gone = of(two, Link, "dataset_event:2")[0]
    assert (gone.source.name, gone.target, gone.at) == (
        "train.prepare",
        features,
        parse("2023-05-01T00:05:00Z"),
    )
    outside = of(two, Happened, "dataset_event:3")[0]
    assert (outside.type, outside.subject, outside.actor) == ("update", orders, None)
    assert of(three, Run, "dag_run:")[1].attributes["airflow_started_by_assets"] == ["s3a://Lake/customers/"]
    assert {(fact.key.name, fact.other[1:]) for fact in of(three, Alias)} == {
        ("customers", ("s3a://Lake", "customers/")),
        ("scores", ("s3://lake", "scores")),
    }


def test_a_try_read_what_its_version_of_the_dag_declared(three):
    """Airflow 3 keeps the definition each try ran under: the inlet of an older version is not that of the newest."""
    inputs = {
        fact.attributes["airflow_run_id"][:8]: [use.key.name for use in fact.inputs]
        for fact in of(three, Run, "task_instance:")
    }
    assert inputs == {"manual__": ["old"], "asset_tr": ["customers/"]}


def test_a_try_whose_run_is_gone_is_a_problem(three):
    """Without the run there is no logical date, so the try cannot be named: said, with its place."""
    lost = of(three, Problem, "task_instance:score/purged_run")
    assert [(problem.code, problem.field) for problem in lost] == [("missing-field", "logical_date")]


def test_an_mlflow_run_in_the_configuration_is_found(three):
    """`dag_run.conf` of Airflow 3 is JSON: the run that it names is the join, the rest of it is left."""
    assert of(three, Run, "dag_run:")[0].attributes["mlflow_run_id"] == "0123456789abcdef0123456789abcdef"


def test_no_secret_and_no_pickle_leaves_the_database(tmp_path):
    """Passwords, connections, command lines, triggers' configurations and pickles are in no record."""
    for script in ("v2.sql", "v3.sql"):
        path = made(tmp_path / f"{script}.db", script)
        records = list(airflow.records(file_input(path), Origin(str(path), {"namespace": NS})))
        raw = b"".join(record.raw for record in records if isinstance(record, Record))
        assert b"hunter2" not in raw
        assert b"80059503" not in raw
        assert b"80057d942e" not in raw.lower()


def test_a_damaged_definition_costs_no_other(two):
    """A serialised DAG that cannot be unpacked is named; the DAG itself and all others are there."""
    bad = of(two, Problem, "serialized_dag:report")
    assert [(problem.code, problem.fatal) for problem in bad] == [("malformed-json", False)]
    report = next(fact for fact in of(two, Entity, "dag:report"))
    assert (report.attributes["paused"], report.attributes["active"]) == (True, False)


def test_without_a_label_the_installation_names_itself(tmp_path):
    """The namespace is not in the database: what is taken instead is said, and two installations never share it."""
    names = set()
    for script in ("v2.sql", "v3.sql"):
        found = said(made(tmp_path / f"{script}.db", script), namespace="")
        (problem,) = [fact for _, fact in found if isinstance(fact, Problem) and fact.code == "no-namespace"]
        assert not problem.fatal
        assert "--label namespace=NAME" in problem.reason
        names |= {fact.job.namespace for fact in of(found, Run)}
    expected = {
        hashlib.sha256(text).hexdigest()[:12]
        for text in (b"2023-01-02 03:04:05.000006", b"2026-01-02 03:04:05.000006")
    }
    assert names == {f"airflow:{name}" for name in expected}


def test_the_listing_is_dated_by_the_database(two):
    """The latest time that Airflow wrote: the end of the last audit line; what is years ahead is not believed."""
    (coverage,) = of(two, Coverage)
    assert (coverage.listing, coverage.what, coverage.complete) == (f"{NS}/dags", "job", True)
    assert coverage.since == exactly(parse("2023-06-02T10:06:00Z").lo)


def test_a_user_of_airflow_has_a_name_and_an_address(two):
    """`ab_user` says who stands behind a login."""
    (user,) = of(two, Entity, "ab_user:")
    assert user.key == Key("actor", "airflow", "nina")
    assert user.attributes == {"email": "nina@example.com", "name": "Nina Berg", "active": True}


def test_the_file_is_left_alone_and_a_log_beside_it_is_read(tmp_path):
    """A database in write-ahead mode with pages that still wait beside it: read as committed, no byte changed."""
    path = made(tmp_path / "airflow.db", "v3.sql")
    owner = sqlite3.connect(path)
    owner.execute("PRAGMA journal_mode = WAL")
    owner.execute("PRAGMA wal_autocheckpoint = 0")
    owner.execute("UPDATE dag SET owners = 'waiting'")
    owner.commit()
    before = {
        place.name: place.read_bytes() for place in tmp_path.iterdir() if not place.name.endswith("-shm")
    }
    assert before["airflow.db-wal"]
    found = said(path)
    assert next(fact for fact in of(found, Entity, "dag:score")).attributes["owners"] == ["waiting"]
    assert {
        place.name: place.read_bytes() for place in tmp_path.iterdir() if not place.name.endswith("-shm")
    } == before
    owner.close()


def test_tables_that_are_not_airflows_are_refused(tmp_path):
    """A database without Airflow's tables, or no database at all, is one problem."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE dag_run (id INTEGER)")
        connection.commit()
    (problem,) = [fact for _, fact in said(path)]
    assert (problem.code, problem.value) == ("not-airflow", "dag, task_instance")
    path.write_bytes(b"SQLite format 3\x00" + b"\x01" * 4000)
    (problem,) = [fact for _, fact in said(path)]
    assert problem.code == "unreadable-database"


@pytest.mark.parametrize("value", [b"\xff\xfe", 1e300, -1, "", "x" * 300, '{"__type": "asset"}', None, 2**62])
@pytest.mark.parametrize("script", ["v2.sql", "v3.sql"])
def test_any_value_in_any_column_costs_no_other_row(tmp_path, script, value):
    """SQLite holds anything anywhere: each record still ends as facts, a reason or a problem, and nothing raises."""
    path = made(tmp_path / "airflow.db", script)
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")') if not row[5]]
            row = connection.execute(f'SELECT max(rowid) FROM "{table}"').fetchone()[0]
            for column in columns:
                connection.execute(
                    f'UPDATE OR IGNORE "{table}" SET "{column}" = ? WHERE rowid = ?', (value, row)
                )
        connection.commit()
    runs = of(said(path), Run)
    assert len(runs) >= 4


@pytest.mark.parametrize(
    "value", [None, True, -(2**70), 1e308, "", "\u202e", "9" * 5000, [], {}, [{}], {"a": [1]}]
)
@pytest.mark.parametrize("script", ["v2.sql", "v3.sql"])
def test_any_value_in_any_field_of_a_record_is_read(tmp_path, script, value):
    """Evidence may come from elsewhere: whatever stands in a field, the record ends as something and nothing raises."""
    path = made(tmp_path / "airflow.db", script)
    origin = Origin(str(path), {"namespace": NS})
    for record in airflow.records(file_input(path), origin):
        body = json.loads(record.raw) if isinstance(record, Record) else {}
        for field, held in body.items():
            changed = [{**body, field: value}]
            if isinstance(held, dict):
                changed += [{**body, field: {**held, inner: value}} for inner in held]
            for one in changed:
                assert list(airflow.read(Record(json.dumps(one).encode()), origin))


def test_views_in_the_place_of_tables_are_not_read(tmp_path):
    """A view may call functions: only tables are."""
    path = made(tmp_path / "airflow.db", "v3.sql")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE asset")
        connection.execute("CREATE VIEW asset AS SELECT 1 AS id, 'x' AS uri, 'x' AS name")
        connection.commit()
    assert not any(fact.outputs for fact in of(said(path), Run))


def test_database_and_events_are_one(corpus, tmp_path):
    """The corpus' database and the events that the same Airflow sent: three runs, three jobs, two datasets, each once.

    `SELECT count(*) FROM dag_run` is 1 and of task_instance 2; the three run ids in ol-airflow.ndjson are those.
    """
    folder = tmp_path / "airflow"
    shutil.copytree(corpus / "ops" / "airflow", folder, copy_function=shutil.copyfile)
    digest = hashlib.sha256((folder / "airflow.db").read_bytes()).hexdigest()
    events = [json.loads(line) for line in (folder / "ol-airflow.ndjson").read_text().splitlines()]
    with lineage.open(tmp_path / "one.trail") as workspace:
        items = workspace.import_([folder], labels={"namespace": "airflow-dev"}).items
        assert {(item["source"], item["rejected"]) for item in items} == {("airflow", 0), ("openlineage", 0)}
        (database,) = [item for item in items if item["source"] == "airflow"]
        assert (database["read"], database["accepted"], database["filtered"]) == (10, 6, 4)
        runs = {item["run_id"]: item for item in workspace.runs().items}
        assert set(runs) == {event["run"]["runId"] for event in events}
        assert {item["state"] for item in runs.values()} == {"complete"}
        assert not any(item["problems"] for item in runs.values())
        load = runs["01a1f640-bc00-7a62-bc81-fb178c79a194"]
        assert load["started_at"] == "2026-11-23T04:52:27.223822Z"
        assert [use["id"] for use in load["inputs"]] == ["dataset|s3://shop-raw|orders.parquet"]
        assert [use["id"] for use in load["outputs"]] == ["dataset|s3://shop-lake|orders"]
        jobs = {item["name"] for item in workspace.entities("kind:job").items}
        assert jobs == {"orders_daily", "orders_daily.extract", "orders_daily.load"}
        assert workspace.entities("kind:dataset").total == 2
        (act,) = workspace.events().items
        assert (act["type"], act["actor"], act["at"]) == ("trigger", "root", "2026-11-23T04:52:08.904820Z")
        again = workspace.import_([folder], labels={"namespace": "airflow-dev"}).items
        assert sum(item["accepted"] + item["filtered"] for item in again) == 0
        assert workspace.rebuild().items[0]["digest"] == workspace.digest().items[0]["digest"]
    assert hashlib.sha256((folder / "airflow.db").read_bytes()).hexdigest() == digest
