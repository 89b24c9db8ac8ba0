"""What do OpenLineage events say of runs, jobs, datasets and columns, and what do they not say?"""

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.bench.openlineage_events import events
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Happened, Key, Link, Measured, Run, Use
from lineage.model.moment import parse
from lineage.model.naming import column, dataset
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import _openlineage_events, _openlineage_facets, _openlineage_runs, openlineage

SAMPLES = Path(__file__).resolve().parents[2] / "sources" / "openlineage"
RUN = "11111111-1111-4111-8111-111111111111"
ORDERS, CUSTOMERS, MART = (dataset("s3://lake", name) for name in ("orders", "customers", "mart"))


def outcomes(path, **labels):
    """Every record of a file with all that was read from it, so that none can be lost."""
    origin = Origin(str(path), labels)
    found = []
    for record in openlineage.records(file_input(path), origin):
        said = [record] if isinstance(record, Problem) else openlineage.read(record, origin)
        assert said, "a record must end as something"
        found.append(said)
    return found


def read(event, **labels):
    """What one event states, given as an object or as bytes."""
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return openlineage.read(Record(raw, 0, 1), Origin("x", labels))


def only(said, kind):
    """The facts of one kind."""
    return [one for one in said if isinstance(one, kind)]


def event(**fields):
    """A sound run event with some fields replaced."""
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-05-01T07:00:00Z",
        "producer": "p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN},
        "job": {"namespace": "etl", "name": "job"},
        "inputs": [],
        "outputs": [],
    } | fields


def of_dataset(**facets):
    """What an event says whose only output carries these facets."""
    output = {"namespace": "s3://lake", "name": "mart", "facets": facets}
    return read(event(outputs=[output]))


@pytest.mark.parametrize(
    "name", ["spark.ndjson", "airflow.ndjson", "dbt.json", "feast.json", "declared.json", "wrong.ndjson"]
)
def test_every_shape_of_file_is_recognised(name):
    """Lines, a pretty-printed list, one event, and a wrapper with `events`."""
    source, confidence = recognise(sample_of(file_input(SAMPLES / name)))

    assert (source.NAME, confidence >= 0.9) == ("openlineage", True)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete"}',
        '{"Records":[{"eventVersion":"1.08","eventTime":"2026-05-01T07:00:00Z","eventSource":"s3.amazonaws.com"}]}',
        '{"eventVersion":"1.08","eventTime":"2026-05-01T07:00:00Z","eventSource":"s3.amazonaws.com","eventName":"x"}',
        '{"metadata":{"dbt_schema_version":"x"},"nodes":{},"sources":{}}',
        '{"registered_models":[{"name":"churn"}]}',
        '{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://openlineage.io/spec/2-0-2/OpenLineage.json"}',
        '{"parent":{"_producer":"p","_schemaURL":"s","run":{"runId":"a"},"job":{"namespace":"n","name":"j"}}}',
        '{"events":[]}',
        "[]",
        "namespace,name\n",
        "",
    ],
)
def test_what_is_no_event_is_left_to_others(text):
    """Audit records, trails, manifests, REST answers, the spec's own schemas and single facets."""
    assert openlineage.recognises(Sample("x.json", text.encode())) == 0


def test_an_event_too_long_for_the_sample_is_recognised_by_its_field_names():
    """A Spark plan of 100 kB stands before the rest of the event."""
    raw = json.dumps(
        event(run={"runId": RUN, "facets": {"spark.logicalPlan": {"_producer": "p", "plan": "x" * 99_000}}})
    )

    assert openlineage.recognises(Sample("x.json", raw[:65_536].encode(), whole=False)) >= 0.9


def test_a_run_event_gives_run_job_datasets_and_how_they_were_used():
    """spark.ndjson, second line: `orders` was read in version 712, `customers` in its partition of the day."""
    said = outcomes(SAMPLES / "spark.ndjson")[1]
    (run,) = only(said, Run)

    assert run.key == Key(Kind.RUN, "etl", RUN)
    assert run.job == Key(Kind.JOB, "etl", "mart")
    assert (run.state, run.at) == (RunState.COMPLETE, parse("2026-05-01T10:05:00Z"))
    assert run.inputs == (
        Use(ORDERS, "712"),
        Use(CUSTOMERS, "day=2026-05-01"),
        Use(dataset("s3://lake", "calendar")),
    )
    assert run.outputs == (Use(MART),)
    assert run.parent == Key(Kind.RUN, "etl", "99999999-9999-4999-8999-999999999999")
    assert (run.streaming, run.individual, run.started, run.ended) == (False, False, None, None)
    assert run.attributes["nominal_start"] == "2026-05-01T00:00:00Z"
    assert run.attributes["root_run"] == "88888888-8888-4888-8888-888888888888"
    assert run.attributes["root_job"] == "etl/platform"
    assert run.attributes["code"]["version"] == "4f1c0de"
    (tree,) = [link for link in only(said, Link) if link.type is Relation.PARENT]
    assert (tree.source, tree.target) == (Key(Kind.JOB, "etl", "nightly"), run.job)


def test_what_an_event_says_of_its_job_are_attributes_without_secrets_and_masks():
    """spark.ndjson: the owner `***` is a masked text, the robot's token stands in the address of the code."""
    (job,) = [one for one in only(outcomes(SAMPLES / "spark.ndjson")[0], Entity) if one.key.kind is Kind.JOB]

    assert job.attributes == {
        "processing_type": "BATCH",
        "integration": "SPARK",
        "job_type": "JOB",
        "sql": "insert into mart select id, upper(mail) from orders",
        "owners": ["team-orders"],
        "owner_types": {"team-orders": "TEAM"},
        "code": {
            "type": "git",
            "url": "https://git.shop.example/jobs/mart.py",
            "repo": "https://git.shop.example/jobs.git",
            "path": "mart.py",
            "version": "4f1c0de",
            "pull_request": "17",
        },
        "description": "Builds the mart.",
        "tags": {"domain": "orders"},
    }


def test_an_owner_is_not_who_ran_it():
    """Only Airflow says who triggered a run; owners of jobs and DAGs are never taken for that person."""
    assert [run.actor for said in outcomes(SAMPLES / "spark.ndjson") for run in only(said, Run)] == [None] * 3


def test_column_lineage_gives_column_links_with_what_is_stated_and_one_link_a_dataset():
    """spark.ndjson: the mail is hashed and masked; nothing says whether `id` is, so nothing is said of it."""
    links = only(outcomes(SAMPLES / "spark.ndjson")[1], Link)
    columns = {
        (link.source.name, link.target.name): link.detail for link in links if link.type is Relation.COLUMN
    }
    flows = [link for link in links if link.type is Relation.DERIVED]

    assert columns == {
        ("orders#id", "mart#id"): {"transformation": "DIRECT IDENTITY"},
        ("orders#mail", "mart#mail_hash"): {
            "transformation": "DIRECT TRANSFORMATION",
            "description": "sha256(mail)",
            "masking": True,
        },
        ("orders#id", "mart#mail_hash"): {"transformation": "INDIRECT JOIN"},
        ("customers#country", "mart#country"): {"transformation": "IDENTITY", "description": "as is"},
        ("orders#day", "mart"): {"transformation": "INDIRECT FILTER", "context": "dataset"},
    }
    assert [(link.source, link.target, link.basis, link.rule) for link in flows] == [
        (ORDERS, MART, Basis.COLUMN_EXACT, "columnLineage"),
        (CUSTOMERS, MART, Basis.COLUMN_EXACT, "columnLineage"),
    ]
    assert {link.job for link in links if link.type is not Relation.PARENT} == {Key(Kind.JOB, "etl", "mart")}


def test_a_table_symlink_is_an_alias_and_a_location_is_none():
    """Several tables may lie in one place; the symlink's own namespace is kept."""
    said = outcomes(SAMPLES / "spark.ndjson")[0]

    assert only(said, Alias) == [Alias(ORDERS, dataset("hive://meta:9083", "shop.orders"), "symlink")]
    assert (
        next(one for one in only(said, Entity) if one.key == ORDERS).attributes["location"]
        == "s3://lake/warehouse/orders"
    )


def test_schema_and_tags_are_attributes_of_the_dataset():
    """spark.ndjson: two columns of `mart`, one of them tagged."""
    (mart,) = [one for one in only(outcomes(SAMPLES / "spark.ndjson")[1], Entity) if one.key == MART]

    assert mart.attributes == {
        "schema": [
            {"name": "id", "type": "bigint"},
            {"name": "mail", "type": "string", "description": "e-mail"},
        ],
        "column_tags": {"mail": {"pii": "true"}},
    }
    assert mart.at is None


def test_figures_and_verdicts_are_measured_at_the_time_of_the_event():
    """spark.ndjson: a `warn` that failed in a run that did not, counts of the input, sizes of the output."""
    said = only(outcomes(SAMPLES / "spark.ndjson")[1], Measured)

    assert {(one.subject.name, one.metric, one.value, one.unit) for one in said if one.success is None} == {
        ("orders", "rowCount", 1000.0, "rows"),
        ("orders", "bytes", 2048.0, "bytes"),
        ("orders", "nullCount", 3.0, ""),
        ("orders", "quantiles", 4.5, ""),
        ("mart", "rowCount", 990.0, "rows"),
        ("mart", "size", 4096.0, "bytes"),
        ("mart", "fileCount", 2.0, "files"),
    }
    (verdict,) = [one for one in said if one.success is not None]
    assert (verdict.metric, verdict.success, verdict.severity) == ("not_null", False, "warn")
    assert verdict.detail == {"column": "mail", "expected": "0", "actual": "3"}
    assert {(one.at, one.run.name) for one in said} == {(parse("2026-05-01T10:05:00Z"), RUN)}


def test_a_failure_keeps_its_message_without_password_and_its_time_to_the_nanosecond():
    """spark.ndjson, third line."""
    (run,) = only(outcomes(SAMPLES / "spark.ndjson")[2], Run)

    assert (run.state, run.at.text) == (RunState.FAIL, "2026-05-02T10:00:00.123456789Z")
    assert run.attributes["error"] == "cannot reach postgres://db:5432/x"
    assert run.attributes["extraction_error"] == {"failed": 1, "total": 2, "messages": ["no such table"]}


def test_of_the_environment_only_the_way_to_mlflow_is_kept():
    """spark.ndjson: the run id of MLflow is an attribute, the database password is nowhere."""
    said = outcomes(SAMPLES / "spark.ndjson")

    assert only(said[0], Run)[0].attributes["mlflow_run_id"] == "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    assert "hunter2" not in repr(said)
    assert "s3cret" not in repr(said)


def test_airflow_says_who_triggered_the_run_and_its_ids():
    """airflow.ndjson: alice triggered the first; the second's name is masked; carol owns the DAG and did nothing."""
    first, second = (only(said, Run)[0] for said in outcomes(SAMPLES / "airflow.ndjson"))

    assert first.actor == Key(Kind.ACTOR, "airflow", "alice")
    assert second.actor is None
    assert first.attributes == {
        "airflow_dag_id": "orders",
        "airflow_run_id": "manual__1",
        "airflow_run_type": "manual",
        "airflow_task_id": "load",
        "airflow_try_number": "2",
        "mlflow_run_id": "feedbeef",
    }


def test_airflow_assets_in_a_python_literal_become_inputs_and_outputs():
    """airflow.ndjson: a dict, an object's own form, and a name that is no address; nothing of it is run."""
    first, second = outcomes(SAMPLES / "airflow.ndjson")
    (run,) = only(first, Run)

    assert run.inputs == (Use(dataset("s3://raw", "orders.parquet")),)
    assert run.outputs == (Use(ORDERS), Use(dataset("airflow", "done")))
    assert {(link.source, link.target, link.rule) for link in only(first, Link)} == {
        (dataset("s3://raw", "orders.parquet"), run.job, "airflow.task.inlets"),
        (run.job, ORDERS, "airflow.task.outlets"),
        (run.job, dataset("airflow", "done"), "airflow.task.outlets"),
    }
    (problem,) = only(second, Problem)
    assert (problem.field, problem.fatal) == ("run.facets.airflow.task.inlets", False)
    assert only(second, Run)[0].inputs == ()


def test_dbt_verdicts_count_once():
    """dbt.json: one verdict stands in two facets, the run's tests and the start event; a skipped test has none."""
    start, end = outcomes(SAMPLES / "dbt.json")
    orders = dataset("duckdb://shop.duckdb", "shop.main.orders")

    assert only(start, Measured) == []
    assert [(one.subject, one.metric, one.success, one.severity) for one in only(end, Measured)] == [
        (orders, "unique", False, "warn"),
        (Key(Kind.JOB, "etl", "shop.orders.test"), "custom_sql", True, "error"),
        (Key(Kind.JOB, "etl", "shop.orders.test"), "later", None, ""),
    ]
    assert only(end, Run)[0].state is RunState.COMPLETE
    assert only(end, Run)[0].attributes == {"dbt_invocation_id": "596330e0", "dbt_project": "shop"}
    assert only(end, Alias) == []


def test_a_feast_source_is_the_same_as_the_place_it_names():
    """feast.json: a path is joined; a salted hash, a table without a server, and a database are not."""
    (said,) = outcomes(SAMPLES / "feast.json")

    assert only(said, Alias) == [
        Alias(dataset("shopdev", "orders_src"), dataset("s3://lake", "features/orders/"), "data-source-uri"),
        Alias(dataset("mart", "clicks"), dataset("s3://lake", "clicks.parquet"), "data-source-uri"),
    ]
    said_of = {one.key.name: one.attributes for one in only(said, Entity)}
    assert said_of["orders_plain"] == {"data_source": "postgres://db:5432/shop"}
    assert said_of["orders_view"]["owners"] == ["dana@shop.example"]
    assert said_of["orders_view"]["feast"]["object"] == "feature-view"


def test_a_job_event_declares_and_replaces():
    """declared.json, first event: no run; links have the event's time and say that they replace earlier ones."""
    said = outcomes(SAMPLES / "declared.json")[0]
    job = Key(Kind.JOB, "etl", "declared")
    place = {name: dataset("s3://lake", name) for name in ("in", "out", "made", "rules")}

    assert only(said, Run) == []
    assert {(link.source, link.target, link.type, link.basis) for link in only(said, Link)} == {
        (place["in"], job, Relation.INPUT, Basis.DECLARED),
        (job, place["out"], Relation.OUTPUT, Basis.DECLARED),
        (place["in"], place["out"], Relation.DERIVED, Basis.DECLARED),
        (column(place["in"], "amount"), column(place["out"], "total"), Relation.COLUMN, Basis.COLUMN_EXACT),
        (job, place["made"], Relation.OUTPUT, Basis.DECLARED),
        (place["rules"], job, Relation.INPUT, Basis.DECLARED),
    }
    assert {link.at for link in only(said, Link)} == {parse("2026-05-01T06:00:00Z")}
    assert {link.detail["mode"] for link in only(said, Link)} == {"replace"}


def test_a_dataset_event_renames_and_deletes_a_facet():
    """declared.json, second event: the old name ended, data flows on under the new one, the description is gone."""
    said = outcomes(SAMPLES / "declared.json")[1]
    old, new = dataset("s3://lake", "old_name"), dataset("s3://lake", "new_name")
    at = parse("2026-05-01T06:30:00Z")

    assert Entity(new, {"lifecycle": "RENAME", "description": None}, at) in said
    assert Entity(old, {"renamed_to": "s3://lake/new_name"}, at, ended=at) in said
    assert {(link.source, link.target, link.rule, link.job) for link in only(said, Link)} == {
        (dataset("s3://lake", "base"), new, "lineage", None),
        (old, new, "lifecycleStateChange", None),
    }
    assert [(one.type, one.subject, one.at) for one in only(said, Happened)] == [("rename", new, at)]
    assert only(said, Alias) == []


@pytest.mark.parametrize(("state", "dropped"), [("START", False), ("FAIL", False), ("COMPLETE", True)])
def test_a_table_is_gone_only_when_the_drop_succeeded(state, dropped):
    """Spark writes the facet at the start too, and a failed drop drops nothing."""
    output = {
        "namespace": "s3://lake",
        "name": "mart",
        "facets": {"lifecycleStateChange": {"lifecycleStateChange": "DROP"}},
    }
    said = read(event(eventType=state, outputs=[output]))

    assert bool([one for one in only(said, Entity) if one.ended]) is dropped
    assert bool(only(said, Happened)) is dropped


def test_a_long_lived_job_is_marked_so():
    """STREAMING and SERVICE runs without an end are no gap."""
    for kind, streaming in (("STREAMING", True), ("service", True), ("BATCH", False)):
        job = {"namespace": "etl", "name": "job", "facets": {"jobType": {"processingType": kind}}}
        assert only(read(event(job=job)), Run)[0].streaming is streaming


def test_wrong_records_name_what_is_wrong_and_good_ones_stand():
    """wrong.ndjson, line by line: what stops a record, what is only left out, and what is quite in order."""
    told = [
        [
            (one.code, one.field, one.value[:20], one.fatal)
            if isinstance(one, Problem)
            else type(one).__name__
            for one in said
        ]
        for said in outcomes(SAMPLES / "wrong.ndjson")
    ]

    assert told[0] == ["Run"]
    assert [told[line][0][0] for line in (1, 2)] == ["duplicate-key", "duplicate-key"]
    assert told[3] == [("bad-time", "eventTime", "{{ any(result) }}", True)]
    assert told[4] == [("missing-field", "run.runId", "", True)]
    assert told[5] == [("missing-field", "job.name", "", True)]
    assert told[6][0][0] == "not-a-number"
    assert told[7][0][0] == "malformed-json"
    assert told[8] == [("bad-value", "eventType", "PAUSED", False), "Run"]
    assert told[9] == [
        ("missing-field", "inputs[0].namespace", "", False),
        ("bad-type", "inputs[1]", "7", False),
        "Run",
        ("bad-type", "job.facets.sql", "select 1", False),
        ("bad-type", "inputs.facets.schema", "x", False),
        ("bad-type", "inputs.inputFacets.dataQualityMetrics.rowCount", "many", False),
        "Measured",
        ("bad-type", "run.facets", "[1]", False),
    ]
    assert told[10] == ["Run"]
    assert [one[0][0] for one in told[11:13]] == ["not-an-event", "not-an-event"]
    assert told[13] == ["Run"]


def test_an_event_without_a_state_is_seen_and_an_odd_spelling_is_folded():
    """wrong.ndjson: `eventType` is optional; `complete` means COMPLETE."""
    said = outcomes(SAMPLES / "wrong.ndjson")

    assert only(said[10], Run)[0].state is RunState.OTHER
    assert only(said[13], Run)[0].state is RunState.COMPLETE


def test_a_time_without_zone_is_utc_or_that_of_the_label_and_marked():
    """The label `timezone` names what the file does not say."""
    bare = event(eventTime="2026-05-01T07:00:00")

    assert (only(read(bare), Run)[0].at.lo, only(read(bare), Run)[0].at.assumed) == (
        parse("2026-05-01T07:00:00Z").lo,
        True,
    )
    assert only(read(bare, timezone="Europe/Berlin"), Run)[0].at.lo == parse("2026-05-01T05:00:00Z").lo


@pytest.mark.parametrize(
    "twice",
    [
        {"run": '{"runId":"a","runId":"b"}'},
        {"job": '{"namespace":"etl","name":"a","name":"b"}'},
        {"inputs": '[{"namespace":"n","name":"a","name":"b"}]'},
        {"outputs": '[],"outputs":[{"namespace":"n","name":"a"}]'},
        {"eventType": '"START","eventType":"FAIL"'},
    ],
)
@pytest.mark.parametrize("blank", ["", " "])
def test_a_key_that_stands_twice_is_refused(twice, blank):
    """Two readers of such a record would see two different things; that holds with blanks and without."""
    parts = {name: json.dumps(value) for name, value in event().items()} | twice
    raw = "{" + f",{blank}".join(f'"{name}":{blank}{value}' for name, value in parts.items()) + "}"

    assert [one.code for one in read(raw.encode())] == ["duplicate-key"]


def test_bytes_that_are_no_text_are_refused_wherever_they_stand():
    """Even in a facet that nobody reads."""
    raw = (
        json.dumps(event(run={"runId": RUN, "facets": {"own": {"x": "?"}}}))
        .encode()
        .replace(b'"?"', b'"\xff"')
    )

    assert [one.code for one in read(raw)] == ["bad-encoding"]


@pytest.mark.parametrize("bad", ["\ud83d", "\0"])
@pytest.mark.parametrize("place", ["run", "job", "dataset", "facet"])
def test_what_no_text_can_hold_is_made_visible_and_the_event_stands(bad, place):
    """A producer cut a text between the halves of an emoji, or wrote NUL: neither UTF-8 nor SQLite can hold that."""
    text = f"name {bad}"
    output = {"namespace": "s3://lake", "name": text if place == "dataset" else "mart"}
    output["facets"] = {"documentation": {"description": text if place == "facet" else "x"}}
    job = {"namespace": "etl", "name": text if place == "job" else "job"}
    run = {"runId": text if place == "run" else RUN}
    said = read(event(run=run, job=job, outputs=[output]))

    assert len(only(said, Run)) == 1
    assert "\0" not in repr(said)
    assert "\\x00" not in repr(said)
    assert json.dumps(repr(said), ensure_ascii=False).encode()
    assert "name " in repr(said)


def test_other_scripts_and_escapes_are_read_as_they_are():
    """Names are not always ASCII, and Python escapes what is not."""
    for raw in (
        json.dumps(event(job={"namespace": "etl", "name": "größe/表"}), ensure_ascii=plain).encode()
        for plain in (True, False)
    ):
        assert only(read(raw), Run)[0].job.name == "größe/表"


def test_a_run_event_without_its_run_is_no_job_event():
    """Only an event that says so, or has no state, declares a job."""
    broken = event()
    del broken["run"]

    assert [(one.code, one.field) for one in read(broken)] == [("missing-field", "run.runId")]
    assert [type(one) for one in read(broken | {"schemaURL": "x#/$defs/JobEvent"})] == [Entity]


def test_both_ways_to_state_lineage_give_one_link():
    """The older facet and the newer say the same of one source: the exact basis stands."""
    said = of_dataset(
        columnLineage={
            "fields": {"a": {"inputFields": [{"namespace": "s3://lake", "name": "orders", "field": "a"}]}}
        },
        lineage={"inputs": [{"namespace": "s3://lake", "name": "orders", "type": "DATASET"}]},
    )

    assert [(link.source, link.basis) for link in only(said, Link) if link.type is Relation.DERIVED] == [
        (ORDERS, Basis.COLUMN_EXACT)
    ]


def test_a_table_that_feeds_itself_has_no_link_to_itself():
    """An incremental load reads its own target; its columns are no sources of themselves."""
    fields = {"a": {"inputFields": [{"namespace": "s3://lake", "name": "mart", "field": "a"}]}}

    assert only(of_dataset(columnLineage={"fields": fields}), Link) == []


def test_a_deleted_lineage_facet_states_no_lineage():
    """`_deleted` takes a facet back."""
    fields = {"a": {"inputFields": [{"namespace": "s3://lake", "name": "orders", "field": "a"}]}}

    assert only(of_dataset(columnLineage={"_deleted": True, "fields": fields}), Link) == []


def test_one_file_an_event_compressed_or_with_a_byte_order_mark(tmp_path):
    """The file transport of the Python client; whatever the archive did to it."""
    raw = json.dumps(event(), indent=1).encode()
    marked, packed, wide = (tmp_path / name for name in ("marked.json", "packed.json.gz", "wide.json"))
    marked.write_bytes(b"\xef\xbb\xbf" + raw)
    packed.write_bytes(gzip.compress(raw))
    wide.write_bytes(raw.decode().encode("utf-16"))

    for path in (marked, packed, wide):
        assert [type(one) for (one,) in outcomes(path)] == [Run]


def test_a_batch_on_a_line_is_cut_into_its_events(tmp_path):
    """A proxy logs what it was sent: single events and batches."""
    path = tmp_path / "proxy.ndjson"
    batch = json.dumps([event(run={"runId": "a"}), event(run={"runId": "b"})])
    path.write_text(f"{json.dumps(event())}\n{batch}\n")

    assert [only(said, Run)[0].key.name for said in outcomes(path)] == [RUN, "a", "b"]


def test_order_and_what_was_read_before_change_nothing(monkeypatch):
    """The same bytes give equal facts in any order, with an empty memory and a full one."""
    lines = [line.rstrip(b"\n") for line in events(400, seed=7)]
    first = [read(line) for line in lines]
    for memory in (
        _openlineage_events._JOBS,
        _openlineage_events._SIDES,
        _openlineage_events._TOGETHER,
        _openlineage_facets._KNOWN,
        _openlineage_runs._SAID,
    ):
        memory.clear()
    monkeypatch.setattr(_openlineage_events, "REMEMBERED", 3)
    monkeypatch.setattr(_openlineage_events, "OF_ONE_JOB", 1)
    order = list(range(len(lines)))
    random.Random(1).shuffle(order)

    again = {place: read(lines[place]) for place in order}
    assert [again[place] for place in range(len(lines))] == first
    assert {type(one) for said in first for one in said} == {Run, Entity, Link, Measured}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        [
            "eventTime",
            "eventType",
            "run",
            "job",
            "dataset",
            "inputs",
            "outputs",
            "producer",
            "schemaURL",
            "runFacet",
            "jobFacet",
            "datasetFacet",
        ]
    ),
    st.sampled_from(
        [
            "schema",
            "columnLineage",
            "lineage",
            "symlinks",
            "dataSource",
            "parent",
            "airflow",
            "test",
            "sql",
            "ownership",
            "dataQualityMetrics",
            "version",
            "tags",
            "nominalTime",
            "jobType",
            "catalog",
            "feast_entity",
        ]
    ),
)
def test_no_value_makes_the_reader_fail(value, place, facet):
    """Whatever stands in a field, the record ends as facts or problems."""
    changed = event()
    if place == "runFacet":
        changed["run"] = {"runId": RUN, "facets": {facet: value}}
    elif place == "jobFacet":
        changed["job"] = {"namespace": "etl", "name": "job", "facets": {facet: value}}
    elif place == "datasetFacet":
        changed["outputs"] = [
            {"namespace": "n", "name": "d", "facets": {facet: value}, "outputFacets": {facet: value}}
        ]
    else:
        changed[place] = value

    said = read(changed)
    assert said
    assert all(
        isinstance(one, (Run, Entity, Link, Alias, Measured, Happened, Problem, Filtered)) for one in said
    )


def test_bundles_hold_what_the_single_facts_say():
    """An import takes recurring facts together; what a record says is the same."""
    for line in events(60, seed=3):
        record = Record(line.rstrip(b"\n"))
        bundled = openlineage.read_bundled(record, Origin("x"))
        assert list(_openlineage_facets.flat(bundled)) == openlineage.read(record, Origin("x"))


def test_the_stream_of_the_benchmark_is_the_same_for_a_seed():
    """Seeded, some 3 KB an event, in the two ways that Java and Python write JSON, and every event sound."""
    lines = list(events(300, seed=5))

    assert lines == list(events(300, seed=5))
    assert lines != list(events(300, seed=6))
    assert 2500 < sum(map(len, lines)) / 300 < 3300
    assert {line[13:15] for line in lines} == {b'"2', b' "'}
    assert not [one for line in lines for one in read(line.rstrip(b"\n")) if isinstance(one, Problem)]


def corpus_files(corpus):
    """The folders of real events, without the spec's schemas and single facets."""
    folder = corpus / "ops" / "openlineage"
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in found if not {"schema", "spec-tests"} & set(path.parts)]


def test_every_real_event_is_accounted_for(corpus):
    """117 files: all recognised; 26 templates of Marquez's seed and one event without run id stop, all else stands."""
    counted = Counter()
    for path in [*corpus_files(corpus), corpus / "ops" / "airflow" / "ol-airflow.ndjson"]:
        assert openlineage.recognises(sample_of(file_input(path))) >= 0.9, path
        for said in outcomes(path):
            fatal = [one.code for one in said if isinstance(one, Problem) and one.fatal]
            counted[fatal[0] if fatal else "stands"] += 1

    assert counted == {"bad-time": 26, "missing-field": 1, "stands": 135}


def test_nothing_else_in_the_corpus_is_taken_for_events(corpus):
    """The spec's schemas, single facets, and all files of other systems; dbt's expected events are events."""
    taken = []
    for path in sorted(corpus.rglob("*")):
        if (
            path.is_file()
            and path not in corpus_files(corpus)
            and path.suffix in {".json", ".ndjson", ".jsonl", ".log", ".yaml"}
        ):
            sample = sample_of(file_input(path))
            if openlineage.recognises(sample):
                taken.append(path.relative_to(corpus / "ops").as_posix())

    assert taken == [
        "airflow/ol-airflow.ndjson",
        "dbt/ol-fail/result.json",
        "dbt/ol-large/result.json",
        "dbt/ol-snapshot/result.json",
        "openlineage/spec-tests/example_full_event.json",
    ]


def test_real_airflow_events_give_back_their_assets(corpus):
    """ol-airflow.ndjson: `inputs` and `outputs` are empty in all 5 lines; `grep -o outlets` shows s3://shop-lake/orders."""
    runs = [only(said, Run)[0] for said in outcomes(corpus / "ops" / "airflow" / "ol-airflow.ndjson")]

    used = {
        (run.job.name, tuple(use.key for use in run.inputs), tuple(use.key for use in run.outputs))
        for run in runs
    }
    raw, lake = dataset("s3://shop-raw", "orders.parquet"), dataset("s3://shop-lake", "orders")
    assert used == {
        ("orders_daily.extract", (), (raw,)),
        ("orders_daily.load", (raw,), (lake,)),
        ("orders_daily", (), ()),
    }


def test_real_spark_column_lineage(corpus):
    """CLL/events/8.json, by `jq .outputs[0].facets.columnLineage`: `agg` comes from c by AGGREGATION, and 3 others."""
    (said,) = outcomes(corpus / "ops" / "openlineage" / "compat-tests" / "CLL" / "events" / "8.json")
    into = {
        link.source.name: link.detail["transformation"]
        for link in only(said, Link)
        if link.target == column(dataset("file", "/tmp/cll_test/tbl1"), "agg")
    }

    assert into == {
        "/tmp/cll_test/cll_source2#c": "DIRECT AGGREGATION",
        "/tmp/cll_test/cll_source2#a": "INDIRECT JOIN; INDIRECT FILTER",
        "/tmp/cll_test/cll_source1#a": "INDIRECT GROUP_BY; INDIRECT JOIN; INDIRECT FILTER",
        "/tmp/cll_test/cll_source1#b": "INDIRECT GROUP_BY",
    }


def test_real_feast_source_meets_its_file(corpus):
    """produced/feast: `customer_orders_src` of `shopdev` lies at data/customer_orders.parquet (dataSource.uri)."""
    folder = corpus / "ops" / "openlineage" / "produced" / "feast"
    aliases = {alias for path in folder.iterdir() for said in outcomes(path) for alias in only(said, Alias)}

    assert {(alias.key, alias.other, alias.rule) for alias in aliases} == {
        (
            dataset("shopdev", "customer_orders_src"),
            dataset("file", "data/customer_orders.parquet"),
            "data-source-uri",
        )
    }


def test_real_dbt_verdicts(corpus):
    """dbt-ol-jaffle.ndjson, by jq over the terminal events: the assertions of each dataset, counted once."""
    path = corpus / "ops" / "openlineage" / "produced" / "dbt-ol-jaffle.ndjson"
    expected = Counter()
    for line in path.read_text().splitlines():
        raw = json.loads(line) if line.strip() else {}
        if raw.get("eventType") in {"COMPLETE", "FAIL"}:
            for one in raw["inputs"]:
                for check in one["facets"].get("dataQualityAssertions", {}).get("assertions", ()):
                    expected[one["name"], check["name"], check["success"]] += 1

    found = Counter(
        (one.subject.name, one.detail["name"], one.success)
        for said in outcomes(path)
        for one in only(said, Measured)
    )
    assert found == expected
    assert expected
