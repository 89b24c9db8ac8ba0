import gzip
import hashlib
import json
from pathlib import Path

import pytest
import zstandard

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Key, Run
from lineage.model.moment import from_milliseconds
from lineage.opening import FolderInput
from lineage.source import Origin, Problem, Record, Sample, recognise, sources
from lineage.sources import spark_eventlog
from lineage.sources._spark_plan import snake

SAMPLE = (
    Path(__file__).resolve().parents[2]
    / "sources"
    / "spark_eventlog"
    / "application_1767225600000_0001_1.inprogress"
)
APP = "application_1767225600000_0001"
BEGAN = 1767225600000


def said(path, **labels):
    """Everything a log says: (row of the record, fact or problem)."""
    given = FolderInput(path, path.name) if path.is_dir() else file_input(path)
    origin = Origin(str(path), labels, folder=path.parent.name)
    found = []
    for record in spark_eventlog.records(given, origin):
        if isinstance(record, Problem):
            found.append((record.row, record))
            continue
        stated = list(spark_eventlog.read(record, origin))
        assert stated, f"{record.row} ends as nothing"
        assert stated == list(spark_eventlog.read(Record(record.raw), origin)), (
            "the record alone says the same"
        )
        found += [(record.row, fact) for fact in stated]
    return found


def of(found, kind):
    """What was said of one kind."""
    return [fact for _, fact in found if isinstance(fact, kind)]


def run(found, number):
    """The run of one query of the sample, or of the application."""
    name = f"{APP}/1" if number is None else f"{APP}/1#{number}"
    return next(fact for fact in of(found, Run) if fact.key.name == name)


def places(uses):
    """Datasets as namespace and name."""
    return [use.key[1:] for use in uses]


@pytest.fixture
def found():
    """What the hand-written log says."""
    return said(SAMPLE)


def test_it_is_known_by_its_first_line(tmp_path):
    """Plain, gzip, zstd and rolled; other JSON lines and other zstd files are not."""
    body = SAMPLE.read_bytes()
    plain, packed, dense = tmp_path / APP, tmp_path / f"{APP}.gz", tmp_path / f"{APP}.zstd"
    plain.write_bytes(body)
    packed.write_bytes(gzip.compress(body))
    dense.write_bytes(zstandard.compress(body))
    for path in (plain, packed, dense):
        known = recognise(sample_of(file_input(path)))
        assert known is not None
        assert known[0].NAME == "spark-eventlog"
    listing = (f"appstatus_{APP}", f"events_1_{APP}", f"events_2_{APP}.zstd")
    assert spark_eventlog.recognises(Sample(f"eventlog_v2_{APP}", listing=listing)) > 0.9
    assert spark_eventlog.recognises(Sample("logs", listing=(*listing, "readme.txt"))) == 0
    assert spark_eventlog.recognises(Sample("a", b'{"Event":"push","ref":"x"}\n')) == 0
    assert spark_eventlog.recognises(Sample("a.zstd", zstandard.compress(b"nothing of Spark's"))) == 0
    assert spark_eventlog.recognises(Sample("a.zstd", b"\x28\xb5\x2f\xfdgarbage")) == 0
    assert "spark-eventlog" in {source.NAME for source in sources()}


def test_an_application_without_an_end_still_runs(found):
    """No `ApplicationEnd`: it is neither failed nor complete; its user and what started it are as Spark wrote them."""
    application = run(found, None)
    assert (str(application.state), application.ended) == ("running", None)
    assert application.job == Key("job", "lake-prod", "daily_features")
    assert application.actor == Key("actor", "spark", "svc-etl")
    assert application.started == from_milliseconds(BEGAN)
    assert application.parent == Key("run", "airflow-prod", "01a1f640-bc00-7e4f-9965-5fb050519a76")
    assert application.attributes["spark_application_id"] == APP
    assert str(run(found, 5).state) == "running"


def test_what_a_query_reads_and_writes(found):
    """Scans and the node that inserts, by the paths they print; a metastore's table is another name of its path."""
    query = run(found, 0)
    assert places(query.inputs) == [
        ("s3a://raw", "a/dt=2026-01-01"),
        ("s3a://raw", "a/dt=2026-01-02"),
        ("hdfs://nn:8020", "user/hive/warehouse/shop.db/orders"),
    ]
    assert places(query.outputs) == [("s3a://lake", "features/daily")]
    assert (str(query.state), query.ended) == ("complete", from_milliseconds(BEGAN + 2000))
    (alias,) = of(found, Alias)
    assert (alias.key[1:], alias.other[1:]) == (
        ("hive://ms:9083", "shop.orders"),
        ("hdfs://nn:8020", "user/hive/warehouse/shop.db/orders"),
    )


def test_tables_of_a_catalogue_in_folders_have_a_place(found):
    """Iceberg's `hadoop` catalogue keeps each table in a folder of its warehouse."""
    query = run(found, 1)
    assert places(query.outputs) == [("s3a://lake", "ice/shop/scores")]
    assert places(query.inputs) == [("s3a://lake", "ice/shop/clicks")]


def test_what_names_no_place_is_said_and_not_guessed(found):
    """A JDBC scan hides its address, and of forty paths Spark printed one: both are problems, no dataset."""
    words = {fact.value for fact in of(found, Problem) if fact.code == "no-place"}
    assert words == {
        "Scan JDBCRelation(public.customers) [numPartitions=1]",
        "39 more of 40 paths, which Spark left out",
    }
    assert not any(fact.fatal for fact in of(found, Problem))


def test_what_the_program_reads_without_writing_is_read_by_the_application(found):
    """A count over a cache reads what was cached; what the program made itself (an RDD) is nobody's dataset."""
    assert places(run(found, None).inputs) == [("s3a://lake", "cached")]
    assert len([fact for fact in of(found, Run) if fact.key.name.endswith("#2")]) == 0


def test_a_failed_query_has_written_nothing(found):
    """By its error, or in a log before 3.4 by its last job; a task that failed and was tried again is no failure."""
    failed = run(found, 3)
    assert (str(failed.state), failed.outputs) == ("fail", ())
    assert places(failed.inputs) == [("s3a://lake", "silver")]
    assert failed.attributes["intended_outputs"] == ["s3a://lake/gold"]
    assert failed.attributes["error"].startswith("java.io.IOException: denied for https://host/x")
    old = run(found, 4)
    assert (str(old.state), old.outputs, places(old.inputs)) == (
        "fail",
        (),
        [("hive://ms:9083", "shop.orders2")],
    )
    assert run(found, None).attributes["failed_queries"] == 2


def test_jobs_are_named_as_openlineage_names_them(found):
    """`<application>.<command>.<last two steps>`, in snake case, under the namespace that the settings hold."""
    names = {fact.job.name for fact in of(found, Run)}
    assert names >= {
        "daily_features.adaptive_spark_plan.features_daily",
        "daily_features.execute_insert_into_hive_table.shop_totals",
    }


def test_names_are_those_of_real_events(corpus):
    """The name that real Spark integrations gave an application is the one made here of its own (its properties)."""
    seen = {}
    for path in sorted((corpus / "ops/openlineage/compat-tests").glob("spark*/events/*")):
        for event in json.loads(f"[{path.read_text()}]"):
            facets = event["run"]["facets"]
            name = facets.get("spark_properties", {}).get("properties", {}).get("spark.app.name")
            name = facets.get("spark_applicationDetails", {}).get("appName") or name
            if name:
                seen[name] = event["job"]["name"].partition(".")[0]
    assert len(seen) > 1
    assert {name: snake(name) for name in seen} == seen


def test_no_secret_and_no_value_of_the_data_is_kept():
    """Keys of the storage, credentials in addresses and the values of filters are in no record."""
    raw = b"".join(
        record.raw
        for record in spark_eventlog.records(file_input(SAMPLE), Origin(str(SAMPLE)))
        if isinstance(record, Record)
    )
    assert b"hunter2" not in raw
    assert b"eve@example.com" not in raw


def test_records_stand_where_the_query_begins():
    """Line and offset are those of the event that starts it."""
    body = SAMPLE.read_bytes()
    for record in spark_eventlog.records(file_input(SAMPLE), Origin(str(SAMPLE))):
        assert isinstance(record, Record)
        line = body.splitlines()[record.line - 1]
        assert body[record.offset : record.offset + len(line)] == line
        event = json.loads(line)
        assert event["Event"].endswith(
            "ApplicationStart" if record.row == "application" else "SQLExecutionStart"
        )


@pytest.mark.parametrize(
    ("end", "state"), [({}, "complete"), ({"ExitCode": 1}, "fail"), ({"ExitCode": 0}, "complete")]
)
def test_how_an_application_ended(tmp_path, end, state):
    """Spark says no more than that it ended, unless it wrote an exit code; a failed query is no failed application."""
    path = tmp_path / APP
    path.write_bytes(
        SAMPLE.read_bytes()
        + json.dumps({"Event": "SparkListenerApplicationEnd", "Timestamp": BEGAN + 9000, **end}).encode()
    )
    ended = said(path)
    assert str(run(ended, None).state) == state
    assert str(run(ended, 5).state) == "other", "a query without an end did not fail"


def test_a_rolled_log_is_read_in_the_order_of_its_numbers(tmp_path):
    """Ten after two; a compacted file stands for those before it; the whole says what the one file says."""
    folder = tmp_path / f"eventlog_v2_{APP}_1"
    folder.mkdir()
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    (folder / f"appstatus_{APP}_1.inprogress").write_bytes(b"")
    (folder / f"events_1_{APP}_1").write_bytes(
        b'{"Event":"SparkListenerApplicationStart","App ID":"stale"}\n'
    )
    (folder / f"events_2_{APP}_1.compact").write_bytes(b"".join(lines[:6]))
    (folder / f"events_3_{APP}_1.zstd").write_bytes(zstandard.compress(b"".join(lines[6:10])))
    (folder / f"events_10_{APP}_1").write_bytes(b"".join(lines[10:]))
    assert [fact for _, fact in said(folder)] == [fact for _, fact in said(SAMPLE)]
    assert {row.partition("#")[0] for row, fact in said(folder) if isinstance(fact, Run)} == {
        f"events_2_{APP}_1.compact",
        f"events_3_{APP}_1.zstd",
        f"events_10_{APP}_1",
    }


@pytest.mark.parametrize(
    ("name", "head"), [("lz4", b"LZ4Block\x25"), ("snappy", b"\x82SNAPPY\x00\x00"), ("lzf", b"ZV\x01\x00")]
)
def test_a_compression_that_is_not_read_is_named(tmp_path, name, head):
    """One problem that names it and says what to do."""
    path = tmp_path / f"{APP}.{name}"
    path.write_bytes(head + b"\x00" * 50)
    known = recognise(sample_of(file_input(path)))
    assert known is not None
    assert known[0].NAME == "spark-eventlog"
    ((_, problem),) = said(path)
    assert problem.code == "unsupported-compression"
    assert name in problem.reason


def test_a_damaged_zstd_keeps_what_stands_before_the_damage(tmp_path):
    """The lines before it are read, and where it breaks is said; a log that grows has no last frame's end."""
    body = SAMPLE.read_bytes()
    lines = body.splitlines(keepends=True)
    path = tmp_path / f"{APP}.zstd"
    rest = bytearray(zstandard.compress(b"".join(lines[8:])))
    rest[40:80] = b"\xff" * 40
    path.write_bytes(zstandard.compress(b"".join(lines[:8])) + rest)
    broken = said(path)
    assert [fact.code for fact in of(broken, Problem) if fact.fatal] == ["cut-file"]
    assert len(of(broken, Run)) == 2
    growing = zstandard.ZstdCompressor().compressobj()
    path.write_bytes(growing.compress(body) + growing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    assert len(of(said(path), Run)) == len(of(said(SAMPLE), Run))


def test_a_zstd_bomb_is_stopped(tmp_path, monkeypatch):
    """What unpacks to more than an honest log can hold breaks off there."""
    monkeypatch.setattr(spark_eventlog, "_MIN_ROOM", 1 << 20)
    monkeypatch.setattr(spark_eventlog, "_MAX_RATIO", 10)
    path = tmp_path / f"{APP}.zstd"
    path.write_bytes(zstandard.compress(SAMPLE.read_bytes() + b"\n" * (8 << 20)))
    problems = [fact for fact in of(said(path), Problem) if fact.fatal]
    assert [problem.code for problem in problems] == ["cut-file"]


def test_a_bad_line_costs_no_other(tmp_path):
    """Cut, no JSON, no event: each with its line; the rest says what it said."""
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    path = tmp_path / APP
    path.write_bytes(
        b"".join([*lines[:5], b'{"Event":"SparkListenerJobEnd","Job\n', b"[1]\n", b"\xc3(\n", *lines[5:]])
    )
    found = said(path)
    bad = [(fact.code, fact.line) for fact in of(found, Problem) if fact.fatal]
    assert bad == [("malformed-json", 6), ("not-an-event", 7), ("bad-encoding", 8)]
    assert {fact.key for fact in of(found, Run)} == {fact.key for fact in of(said(SAMPLE), Run)}


@pytest.mark.parametrize("value", [None, True, -1, 1e300, "", "x" * 5000, [], {}, [[{}]], {"a": {"b": []}}])
def test_any_value_in_any_field_raises_nothing(tmp_path, value):
    """Each field of each event, one after the other, is something else: a fact, a reason or a problem follows."""
    lines = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    path = tmp_path / APP
    for number, event in enumerate(lines):
        for name in event:
            changed = [*lines[:number], {**event, name: value}, *lines[number + 1 :]]
            path.write_text("\n".join(map(json.dumps, changed)))
            assert said(path)


def test_a_plan_nested_without_end_is_no_danger(tmp_path):
    """Refused as too deep, or walked without recursion."""
    path = tmp_path / APP
    deep = '{"nodeName":"a","simpleString":"a","children":[' * 3000 + "]}" * 3000
    start = '{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":9,"time":1,'
    event = f'{start}"sparkPlanInfo":{deep}}}'
    path.write_bytes(SAMPLE.read_bytes() + event.encode())
    assert [fact.code for fact in of(said(path), Problem) if fact.fatal] == ["too-deep"]


def test_the_corpus_log_is_read(corpus, tmp_path):
    """Spark 3.5.9: `zcat | grep SQLExecutionStart` shows two queries, file:/data/bronze and from it /data/silver."""
    place = corpus / "ops" / "spark-eventlog"
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()}
    with lineage.open(tmp_path / "one.trail") as workspace:
        (item,) = workspace.import_([place]).items
        assert (item["source"], item["read"], item["accepted"], item["rejected"], item["problems"]) == (
            "spark-eventlog",
            3,
            3,
            0,
            0,
        )
        runs = {row["run_id"]: row for row in workspace.runs().items}
        assert {name: (row["state"], row["started_at"], row["actor"]) for name, row in runs.items()} == {
            "local-1795407494264": ("complete", "2026-11-23T04:18:11.321000Z", "root"),
            "local-1795407494264#0": ("complete", "2026-11-23T04:18:27.829000Z", "root"),
            "local-1795407494264#1": ("complete", "2026-11-23T04:18:40.743000Z", "root"),
        }
        second = runs["local-1795407494264#1"]
        assert [use["id"] for use in second["inputs"]] == ["dataset|file|/data/bronze"]
        assert [use["id"] for use in second["outputs"]] == ["dataset|file|/data/silver"]
        trace = {node["id"] for node in workspace.trace("dataset|file|/data/silver").items[0]["nodes"]}
        assert "dataset|file|/data/bronze" in trace
        assert sum(again["accepted"] for again in workspace.import_([place]).items) == 0
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()} == digests
