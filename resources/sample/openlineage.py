"""Which pipeline events did the company's Airflow and Spark send, month by month?

One file of gzipped JSON lines a month, as a collector writes them: in the order of arrival, which is not quite that of
the events, and with some lines twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from resources.sample.drawn import draw, gzipped, line, midnight, number
from resources.sample.openlineage_facets import (
    TIDEWAY,
    Activity,
    Dag,
    airflow_producer,
    asserted,
    column_lineage,
    facet,
    spark_producer,
    used,
    written,
)
from resources.sample.pipeline import (
    DATASETS,
    DELETED_TRAINING,
    FAILED_TRAININGS,
    REGIONS,
    UNFINISHED_TRAINING,
    by_hand,
    dag_run,
    rows,
    sunday_before,
    trained_on,
    training_dag,
)
from resources.sample.story import INCIDENT, LAKE, MODELS, Version, days, trainings

Json = dict[str, Any]

FAILED_EXTRACTS = {
    date(2025, 1, 19): "psycopg2.OperationalError: server closed the connection unexpectedly",
    date(2025, 4, 27): "psycopg2.errors.QueryCanceled: canceling statement due to statement timeout",
    date(2025, 11, 28): "psycopg2.errors.QueryCanceled: canceling statement due to statement timeout",
    date(2026, 3, 29): "airflow.exceptions.AirflowException: the interval holds an hour that does not exist",
    date(2026, 10, 6): "psycopg2.OperationalError: server closed the connection unexpectedly",
}
FAILED_STAGES = {
    date(2025, 7, 12): "org.apache.spark.SparkException: Job aborted due to stage failure: Executor lost",
    date(2026, 6, 2): "org.apache.hadoop.fs.s3a.AWSS3IOException: Reduce your request rate",
}
LOST_STAGE = date(2025, 8, 19)
"""The day on which the machine under a Spark application died: a START, and no end."""


def _dag(name: str, due: datetime, user: str = "") -> Dag:
    return name, dag_run(due, manual=bool(user)), due, user


def _whole(dag: Dag, end: datetime, ends: str = "COMPLETE") -> Activity:
    """Return the run of a DAG itself; Airflow sends these for the weekly and the training DAGs."""
    error = "" if ends != "FAIL" else f"Failed tasks: {dag[0]}.train"
    start = dag[2] + timedelta(seconds=2, microseconds=number(0, 999999, "whole", *dag[:2]))
    return Activity(dag[0], "AIRFLOW", start, end, dag, ends=ends, error=error)


def _daily(day: date) -> Iterator[Activity]:
    """Yield the night of `day`, which brings in the scans of the day before; a failed step is tried again later."""
    partition, due = day - timedelta(days=1), midnight(day) + timedelta(hours=1)
    dag = _dag("parcels_daily", due)
    start = due + timedelta(
        minutes=2, seconds=number(0, 50, "extract", day), microseconds=number(0, 999999, day)
    )
    if day in FAILED_EXTRACTS:
        yield _extract(partition, start, dag, FAILED_EXTRACTS[day])
        start += timedelta(minutes=41)
    yield _extract(partition, start, dag, attempt=2 if day in FAILED_EXTRACTS else 1)
    start += timedelta(minutes=9, seconds=number(0, 59, "stage", day))
    if day in FAILED_STAGES or day == LOST_STAGE:
        yield _stage_scans(partition, start, dag, FAILED_STAGES.get(day, ""), lost=day == LOST_STAGE)
        start += timedelta(minutes=55)
    yield _stage_scans(partition, start, dag)


def _extract(partition: date, start: datetime, dag: Dag, error: str = "", *, attempt: int = 1) -> Activity:
    producer = airflow_producer(start)
    source = used(producer, DATASETS["tms.public.scan_events"], "")
    raw = DATASETS["raw/scans"]
    same = {name: [(source, name, "IDENTITY")] for name, _ in raw.columns}
    output = used(
        producer,
        raw,
        partition,
        columnLineage=column_lineage(producer, same),
        outputFacets=written(producer, rows("raw/scans", partition)),
    )
    return Activity(
        "parcels_daily.extract_scans",
        "AIRFLOW",
        start,
        start + timedelta(minutes=6, seconds=number(0, 59, "extracted", partition)),
        dag,
        (source,),
        (output,),
        ends="FAIL" if error else "COMPLETE",
        error=error,
        source="dags/parcels_daily.py",
        attempt=attempt,
    )


def _stage_scans(
    partition: date, start: datetime, dag: Dag, error: str = "", *, lost: bool = False
) -> Activity:
    producer = spark_producer(start)
    source = used(producer, DATASETS["raw/scans"], partition)
    same = {name: [(source, name, "IDENTITY")] for name, _ in DATASETS["staging/scans"].columns}
    same["weight_kg"] = [(source, "weight_kg", "TRANSFORMATION")]
    output = used(
        producer,
        DATASETS["staging/scans"],
        partition,
        columnLineage=column_lineage(producer, same),
        outputFacets=written(producer, rows("staging/scans", partition), 8),
    )
    return Activity(
        "stage_scans.execute_insert_into_hadoop_fs_relation_command.staging_scans",
        "SPARK",
        start,
        start + timedelta(minutes=11, seconds=number(0, 59, "staged", partition)),
        dag,
        (source,),
        (output,),
        ends="" if lost else "FAIL" if error else "COMPLETE",
        error=error,
    )


def _weekly(monday: date) -> Iterator[Activity]:
    """Yield a Monday: the weather of the week, addresses, the check of the newest scans, and the features."""
    sunday, due = monday - timedelta(days=1), midnight(monday) + timedelta(hours=3)
    yield _weather(sunday, due - timedelta(minutes=20))
    yield from _addresses(sunday, due, _dag("addresses_weekly", due))
    dag = _dag("features_weekly", due + timedelta(hours=1))
    yield _check(sunday, due + timedelta(hours=1, minutes=3), dag)
    for place, model in enumerate(MODELS):
        yield _features(model, sunday, due + timedelta(hours=1, minutes=20 + 25 * place), dag)
    yield _whole(dag, due + timedelta(hours=2, minutes=26))


def _weather(sunday: date, start: datetime) -> Activity:
    output = used(TIDEWAY, DATASETS["weather"], sunday)
    output["outputFacets"] = written(TIDEWAY, rows("weather", sunday))
    return Activity("weather-eu-us", "TIDEWAY", start, start, _dag("", start), (), (output,))


def _addresses(sunday: date, due: datetime, dag: Dag) -> Iterator[Activity]:
    start = due + timedelta(minutes=1, microseconds=number(0, 999999, "addresses", sunday))
    producer = airflow_producer(start)
    table, raw = DATASETS["tms.public.addresses"], DATASETS["raw/addresses"]
    source = used(producer, table, "")
    same = {name: [(source, name, "IDENTITY")] for name, _ in raw.columns}
    copy = used(producer, raw, sunday, columnLineage=column_lineage(producer, same))
    copy["outputFacets"] = written(producer, rows("raw/addresses", sunday))
    end = start + timedelta(minutes=4)
    yield Activity(
        "addresses_weekly.extract_addresses",
        "AIRFLOW",
        start,
        end,
        dag,
        (source,),
        (copy,),
        source="dags/addresses_weekly.py",
    )
    start = end + timedelta(minutes=2)
    producer = spark_producer(start)
    source = used(producer, raw, sunday)
    same = {name: [(source, name, "IDENTITY")] for name, _ in raw.columns}
    same["recipient"] = [(source, "recipient", "MASKED")]
    lineage = column_lineage(producer, same)
    outputs = tuple(
        used(producer, DATASETS["staging/addresses"], region, columnLineage=lineage) for region in REGIONS
    )
    yield Activity(
        "stage_addresses.execute_insert_into_hadoop_fs_relation_command.staging_addresses",
        "SPARK",
        start,
        start + timedelta(minutes=5),
        dag,
        (source,),
        outputs,
    )


def _check(sunday: date, start: datetime, dag: Dag) -> Activity:
    """Return the check of the newest scans: it only warns, so that a broken delivery does not stop the night."""
    producer = airflow_producer(start)
    found = rows("staging/scans", sunday)
    broken = sunday == INCIDENT.partition
    nulls = found * 62 // 100 if broken else 0
    checks = asserted(
        producer,
        found,
        nulls,
        (
            ("row_count", "", not broken, "300000..600000", str(found)),
            ("not_null", "depot_id", not broken, "0", str(nulls)),
            ("freshness", "", True, "36h", "26h"),
        ),
    )
    source = used(producer, DATASETS["staging/scans"], sunday, inputFacets=checks)
    return Activity(
        "features_weekly.check_scans",
        "AIRFLOW",
        start,
        start + timedelta(minutes=2, seconds=number(0, 59, "checked", sunday)),
        dag,
        (source,),
        source="dags/features_weekly.py",
    )


_FEATURES: dict[str, dict[str, tuple[tuple[str, str, str], ...]]] = {
    "features/eta": {
        "parcel_id": (("staging/scans", "parcel_id", "IDENTITY"),),
        "depot_id": (("staging/scans", "depot_id", "IDENTITY"),),
        "hours_in_network": (("staging/scans", "scanned_at", "AGGREGATION"),),
        "depot_load": (("staging/scans", "parcel_id", "AGGREGATION"),),
        "wind_ms": (("weather", "wind_ms", "AGGREGATION"),),
        "rain_mm": (("weather", "rain_mm", "AGGREGATION"),),
    },
    "features/address": {
        "address_id": (("staging/addresses", "address_id", "IDENTITY"),),
        "tokens": (("staging/addresses", "written", "TRANSFORMATION"),),
        "country": (("staging/addresses", "country", "IDENTITY"),),
        "lat": (("staging/addresses", "lat", "IDENTITY"),),
        "lon": (("staging/addresses", "lon", "IDENTITY"),),
    },
    "features/depot_volume": {
        "depot_id": (("staging/scans", "depot_id", "IDENTITY"),),
        "day": (("staging/scans", "scanned_at", "TRANSFORMATION"),),
        "parcels": (("staging/scans", "parcel_id", "AGGREGATION"),),
        "weight_kg": (("staging/scans", "weight_kg", "AGGREGATION"),),
    },
}


def _features(model: str, sunday: date, start: datetime, dag: Dag) -> Activity:
    producer, short = spark_producer(start), MODELS[model].short
    name = f"features/{short}"
    read: dict[str, list[Json]] = {}
    for origins in _FEATURES[name].values():
        for origin, _, _ in origins:
            values: tuple[date | str, ...] = REGIONS if origin == "staging/addresses" else (sunday,)
            read[origin] = [used(producer, DATASETS[origin], value) for value in values]
    fields = {
        column: [(dataset, field, how) for origin, field, how in origins for dataset in read[origin]]
        for column, origins in _FEATURES[name].items()
    }
    output = used(
        producer,
        DATASETS[name],
        sunday,
        columnLineage=column_lineage(producer, fields),
        outputFacets=written(producer, rows(name, sunday), 4),
    )
    return Activity(
        f"features_{short}.execute_insert_into_hadoop_fs_relation_command.features_{short}",
        "SPARK",
        start,
        start + timedelta(minutes=14, seconds=number(0, 59, name, sunday)),
        dag,
        tuple(dataset for datasets in read.values() for dataset in datasets),
        (output,),
    )


def _training(model: str, start: datetime, version: Version | None) -> Iterator[Activity]:
    """Yield the making of a training set, and the training, of which Airflow itself sees only declared assets."""
    sunday, short = sunday_before(start), MODELS[model].short
    due = start.replace(second=0, microsecond=0) - timedelta(hours=1)
    dag = _dag(training_dag(model), due, version.user if version and by_hand(version) else "")
    made = due + timedelta(minutes=4)
    producer = spark_producer(made)
    source = used(producer, DATASETS[f"features/{short}"], sunday)
    outputs = []
    for suffix in ("", "_holdout"):
        dataset = DATASETS[f"training/{short}{suffix}"]
        known = {name for name, _ in DATASETS[f"features/{short}"].columns}
        first = dataset.columns[0][0]
        fields = {
            name: [(source, name, "IDENTITY") if name in known else (source, first, "TRANSFORMATION")]
            for name, _ in dataset.columns
        }
        lineage = column_lineage(producer, fields)
        counted = written(producer, rows(dataset.name, sunday), 2)
        outputs.append(used(producer, dataset, sunday, columnLineage=lineage, outputFacets=counted))
    yield Activity(
        f"training_set_{short}.execute_insert_into_hadoop_fs_relation_command.training_{short}",
        "SPARK",
        made,
        made + timedelta(minutes=17, seconds=number(0, 59, "set", model, sunday)),
        dag,
        (source,),
        tuple(outputs),
    )
    failed = (model, start.date()) in FAILED_TRAININGS
    ends = "" if (model, start.date()) == UNFINISHED_TRAINING else "FAIL" if failed else "COMPLETE"
    if ends:
        yield _whole(dag, start + timedelta(minutes=109), ends)
    read = tuple(f"{LAKE}/{name}" for name, _, _ in trained_on(model, start))
    yield Activity(
        f"{training_dag(model)}.train",
        "AIRFLOW",
        start - timedelta(seconds=9),
        start + timedelta(minutes=3 if failed else 106, seconds=number(0, 59, "trained", model, start)),
        dag,
        assets=(read, ()),
        ends=ends,
        error="MemoryError: Unable to allocate 31.2 GiB for an array" if failed else "",
        source=f"dags/{training_dag(model)}.py",
    )


def _redelivery() -> Iterator[Activity]:
    """Yield the repair of the broken delivery: its partition is written again, as it should have been."""
    start = INCIDENT.redelivered
    dag = _dag("parcels_daily", start.replace(second=0, microsecond=0), "atanaka")
    later = start + timedelta(minutes=9)
    for broken in (_extract(INCIDENT.partition, start, dag), _stage_scans(INCIDENT.partition, later, dag)):
        changed = facet(broken.producer, "lifecycleStateChange", lifecycleStateChange="OVERWRITE")
        output = broken.writes[0]
        whole = output | {
            "facets": output["facets"] | {"lifecycleStateChange": changed},
            "outputFacets": written(broken.producer, INCIDENT.usual_rows - 318),
        }
        yield replace(broken, writes=(whole,))


@cache
def activities() -> tuple[Activity, ...]:
    """Return every run of every job, in the order of their starts."""
    found: list[Activity] = []
    for day in days():
        found += _daily(day)
        if day.weekday() == 0:
            found += _weekly(day)
    for model, start, version in trainings():
        if (model, start.date()) != DELETED_TRAINING:
            found += _training(model, start, version)
    found += _redelivery()
    return tuple(sorted(found, key=lambda activity: (activity.start, activity.job)))


@cache
def months() -> dict[str, list[Json]]:
    """Return the events of each file, in the order of arrival: a few come late, a few twice."""
    sent = sorted(
        (event for activity in activities() for event in activity.events()),
        key=lambda pair: (pair[0], pair[1]["run"]["runId"], pair[1]["eventType"]),
    )
    files: dict[str, list[Json]] = defaultdict(list)
    for when, event in sent:
        files[f"openlineage/events-{when:%Y-%m}.ndjson.gz"].append(event)
    for name, events in files.items():
        chance = draw("order", name)
        for place in range(len(events) - 6):
            if chance.random() < 0.03:
                late = events.pop(place)
                events.insert(place + chance.randint(1, 5), late)
        for place in range(len(events) - 6, 0, -1):
            if chance.random() < 0.012:
                events.insert(place + chance.randint(0, 4), events[place])
    return dict(files)


def contents() -> dict[str, bytes]:
    """Return the bytes of each file."""
    return {name: gzipped(b"".join(map(line, events))) for name, events in months().items()}
