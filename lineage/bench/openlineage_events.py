"""Which OpenLineage events does a busy platform send? A seeded stream of them, to measure an import with.

About 300 jobs of three producers run again and again: what a job says of its tables is the same bytes each time, what
a run says of itself is not. Facets and their proportions follow the files of Spark, Airflow and dbt (sources-ops 1):
each has `_producer` and `_schemaURL`; Java writes compact JSON, Python writes blanks after `,` and `:`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 3, 1, tzinfo=UTC)
JOBS = 300
TABLES = 400

_SPEC = "https://openlineage.io/spec"
_TYPES = ("bigint", "string", "double", "timestamp", "boolean", "decimal(18,2)")
_WORDS = (
    "order",
    "customer",
    "session",
    "item",
    "price",
    "region",
    "channel",
    "device",
    "amount",
    "status",
    "day",
)
_PRODUCERS = (
    ("SPARK", "https://openlineage.example/tree/1.40.0/integration/spark", (",", ":")),
    ("AIRFLOW", "https://airflow.example/tree/providers-openlineage/2.20.3", (", ", ": ")),
    ("DBT", "https://openlineage.example/tree/1.54.0/integration/dbt", (", ", ": ")),
)


@dataclass(frozen=True)
class _Table:
    namespace: str
    name: str
    columns: tuple[tuple[str, str], ...]
    versioned: bool


@dataclass(frozen=True)
class _Job:
    integration: str
    producer: str
    separators: tuple[str, str]
    namespace: str
    name: str
    facets: dict[str, object]
    inputs: tuple[_Table, ...]
    outputs: tuple[_Table, ...]
    lineage: tuple[dict[str, object], ...]


@dataclass
class _Run:
    job: _Job
    id: str
    parent: str
    at: datetime
    states: list[str] = field(default_factory=list)


def events(count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield `count` events as lines with their newline: 0.8 to 7 KB, mean 3.1 KB; a seed gives the same bytes.

    >>> first = next(events(1))
    >>> sorted(json.loads(first))[:4]
    ['eventTime', 'eventType', 'inputs', 'job']
    """
    rng = Random(seed)
    tables = [_table(rng, number) for number in range(TABLES)]
    jobs = [_job(rng, number, tables) for number in range(JOBS)]
    parents = {integration: _uuid(rng) for integration, _, _ in _PRODUCERS}
    running: list[_Run] = []
    now = START
    for _ in range(count):
        now += timedelta(microseconds=rng.randrange(1_000, 4_000_000))
        if len(running) < 40:
            job = rng.choice(jobs)
            # A DAG run, a dbt invocation or a Spark application is the parent of some ten runs.
            if rng.random() < 0.1:
                parents[job.integration] = _uuid(rng)
            running.append(_run(rng, job, parents[job.integration], now))
        place = rng.randrange(len(running))
        run = running[place]
        state = run.states.pop(0)
        yield _line(rng, run, state, now)
        if not run.states:
            running[place] = running[-1]
            running.pop()


def _table(rng: Random, number: int) -> _Table:
    layer = ("raw", "clean", "features", "marts")[number * 4 // TABLES]
    name = f"{rng.choice(_WORDS)}_{rng.choice(_WORDS)}_{number}"
    columns = tuple(
        (f"{rng.choice(_WORDS)}_{position}", rng.choice(_TYPES)) for position in range(rng.randrange(2, 6))
    )
    if number % 3 == 0:
        return _Table(
            "postgres://warehouse.shop.example:5432", f"shop.{layer}.{name}", columns, versioned=False
        )
    return _Table(f"s3://shop-lake-{layer}", f"warehouse/{name}", columns, versioned=number % 5 == 0)


def _job(rng: Random, number: int, tables: list[_Table]) -> _Job:
    integration, producer, separators = _PRODUCERS[number % 3]
    target = rng.randrange(TABLES // 4, TABLES)
    inputs = tuple(tables[rng.randrange(target)] for _ in range(rng.choice((1, 1, 1, 2, 2))))
    outputs = (tables[target],)
    name = f"shop_platform.{outputs[0].name.replace('/', '.')}.build_{number}"
    selected = ", ".join(f"{rng.choice(_WORDS)}.{column}" for column, _ in outputs[0].columns)
    sources = " join ".join(table.name for table in inputs)
    query = f"insert into {outputs[0].name}\nselect {selected}\nfrom {sources}\nwhere day = '{{{{ ds }}}}'"
    facets: dict[str, object] = {
        "jobType": _facet(
            producer, "2-0-4/JobTypeJobFacet", processingType="BATCH", integration=integration, jobType="TASK"
        ),
        "sql": _facet(producer, "1-1-0/SQLJobFacet", query=query, dialect="spark"),
        "ownership": _facet(
            producer, "1-0-1/OwnershipJobFacet", owners=[{"name": f"team-{number % 12}", "type": "TEAM"}]
        ),
        "sourceCodeLocation": _facet(
            producer,
            "1-1-0/SourceCodeLocationJobFacet",
            type="git",
            url=f"https://git.shop.example/platform/jobs/{number}.py",
            repoUrl="https://git.shop.example/platform.git",
            path=f"jobs/{number}.py",
            version=f"{rng.getrandbits(160):040x}",
        ),
    }
    if number % 3:
        del facets["ownership"]
    if number % 2:
        del facets["sourceCodeLocation"]
    lineage = tuple(_columns(rng, producer, inputs, output) for output in outputs)
    namespace = f"{integration.lower()}-prod"
    return _Job(integration, producer, separators, namespace, name, facets, inputs, outputs, lineage)


def _columns(rng: Random, producer: str, inputs: tuple[_Table, ...], output: _Table) -> dict[str, object]:
    fields = {}
    for column, _ in output.columns:
        sources = []
        for table in rng.sample(inputs, min(len(inputs), rng.choice((1, 1, 1, 1, 2)))):
            source: dict[str, object] = {
                "namespace": table.namespace,
                "name": table.name,
                "field": rng.choice(table.columns)[0],
            }
            if "spark" in producer:
                subtype = rng.choice(("IDENTITY", "TRANSFORMATION"))
                source["transformations"] = [{"type": "DIRECT", "subtype": subtype, "masking": False}]
            sources.append(source)
        fields[column] = {"inputFields": sources}
    return _facet(producer, "1-2-0/ColumnLineageDatasetFacet", fields=fields)


def _facet(producer: str, schema: str, **fields: object) -> dict[str, object]:
    return {"_producer": producer, "_schemaURL": f"{_SPEC}/facets/{schema}.json", **fields}


def _run(rng: Random, job: _Job, parent: str, now: datetime) -> _Run:
    states = ["START"] + ["RUNNING"] * rng.choice((0, 0, 1, 2))
    states.append(rng.choices(("COMPLETE", "FAIL", "ABORT"), (94, 5, 1))[0])
    return _Run(job, _uuid(rng), parent, now, states)


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _line(rng: Random, run: _Run, state: str, now: datetime) -> bytes:
    job = run.job
    event = {
        "eventTime": now.isoformat().replace("+00:00", "Z" if job.integration != "AIRFLOW" else "+00:00"),
        "eventType": state,
        "inputs": [_input(rng, job, table, state) for table in job.inputs],
        "job": {
            "facets": job.facets if state != "RUNNING" else {},
            "name": job.name,
            "namespace": job.namespace,
        },
        "outputs": [
            _output(rng, job, table, facet, run, state)
            for table, facet in zip(job.outputs, job.lineage, strict=True)
        ],
        "producer": job.producer,
        "run": {"facets": _run_facets(job, run, state), "runId": run.id},
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    return json.dumps(event, separators=job.separators).encode() + b"\n"


def _run_facets(job: _Job, run: _Run, state: str) -> dict[str, object]:
    parent = {"namespace": job.namespace, "name": job.name.partition(".")[0]}
    day = run.at.replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    facets: dict[str, object] = {
        "parent": _facet(job.producer, "1-1-0/ParentRunFacet", run={"runId": run.parent}, job=parent),
        "nominalTime": _facet(
            job.producer, "1-0-1/NominalTimeRunFacet", nominalStartTime=day, nominalEndTime=day
        ),
        "processing_engine": _facet(
            job.producer, "1-1-1/ProcessingEngineRunFacet", name=job.integration.title(), version="3.5.1"
        ),
    }
    if state == "FAIL":
        trace = (
            "java.lang.RuntimeException: task 3 lost\n" + "\tat com.example.Stage.run(Stage.java:31)\n" * 3
        )
        facets["errorMessage"] = _facet(
            job.producer,
            "1-0-1/ErrorMessageRunFacet",
            message="task 3 lost after 4 attempts",
            programmingLanguage="JAVA",
            stackTrace=trace,
        )
    elif state == "RUNNING":
        del facets["nominalTime"], facets["processing_engine"]
    return facets


def _dataset(job: _Job, table: _Table) -> dict[str, object]:
    columns = [{"name": name, "type": kind} for name, kind in table.columns]
    facets: dict[str, object] = {"schema": _facet(job.producer, "1-2-0/SchemaDatasetFacet", fields=columns)}
    if job.integration != "AIRFLOW":
        facets["dataSource"] = _facet(
            job.producer, "1-0-1/DatasourceDatasetFacet", name=table.namespace, uri=table.namespace
        )
    return facets


def _input(rng: Random, job: _Job, table: _Table, state: str) -> dict[str, object]:
    dataset: dict[str, object] = {"name": table.name, "namespace": table.namespace}
    if state != "RUNNING":
        dataset["facets"] = _dataset(job, table)
    if state == "COMPLETE" and rng.random() < 0.15:
        column = table.columns[0][0]
        dataset["inputFacets"] = {
            "dataQualityMetrics": _facet(
                job.producer,
                "1-0-3/DataQualityMetricsInputDatasetFacet",
                rowCount=rng.randrange(10**6),
                columnMetrics={
                    column: {"nullCount": rng.randrange(9), "distinctCount": rng.randrange(10**5)}
                },
            ),
            "dataQualityAssertions": _facet(
                job.producer,
                "1-1-0/DataQualityAssertionsDatasetFacet",
                assertions=[{"assertion": "not_null", "success": rng.random() < 0.97, "column": column}],
            ),
        }
    return dataset


def _output(
    rng: Random, job: _Job, table: _Table, lineage: dict[str, object], run: _Run, state: str
) -> dict[str, object]:
    dataset: dict[str, object] = {"name": table.name, "namespace": table.namespace}
    if state == "RUNNING":
        return dataset
    facets = _dataset(job, table)
    dataset["facets"] = facets
    if state == "COMPLETE":
        facets["columnLineage"] = lineage
        dataset["outputFacets"] = {
            "outputStatistics": _facet(
                job.producer,
                "1-0-2/OutputStatisticsOutputDatasetFacet",
                rowCount=rng.randrange(10**6),
                size=rng.randrange(10**9),
            )
        }
    if table.versioned:
        facets["version"] = _facet(
            job.producer, "1-0-1/DatasetVersionDatasetFacet", datasetVersion=run.id.replace("-", "")[:19]
        )
    return dataset
