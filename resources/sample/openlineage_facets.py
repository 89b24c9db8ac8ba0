"""How do Airflow, Spark and a small ingest tool of a supplier write an OpenLineage event?

Facets and their versions are those the producers of the day send; two producers were upgraded on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from resources.sample.drawn import commit, number, uuid7
from resources.sample.pipeline import METASTORE, Dataset

Json = dict[str, Any]

AIRFLOW_NAMESPACE, SPARK_NAMESPACE, TIDEWAY_NAMESPACE = "skarn-airflow", "skarn-spark", "tideway-ingest"
REPOSITORY = "https://git.skarn.example/data/pipelines"
_SPEC = "https://openlineage.io/spec"
_RUN_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_UPGRADED = date(2025, 9, 15)
_FACETS = {
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
    "dataQualityMetrics": ("1-0-3", "DataQualityMetricsInputDatasetFacet"),
    "dataSource": ("1-0-1", "DatasourceDatasetFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "jobType": ("2-0-3", "JobTypeJobFacet"),
    "lifecycleStateChange": ("1-0-1", "LifecycleStateChangeDatasetFacet"),
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "ownership": ("1-0-1", "OwnershipJobFacet"),
    "parent": ("1-1-0", "ParentRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "schema": ("1-1-1", "SchemaDatasetFacet"),
    "sourceCodeLocation": ("1-1-0", "SourceCodeLocationJobFacet"),
    "symlinks": ("1-0-1", "SymlinksDatasetFacet"),
}


def airflow_producer(when: datetime) -> str:
    """Return the producer of Airflow's events: its OpenLineage provider."""
    version = "2.6.1" if when.date() >= _UPGRADED else "1.14.0"
    return f"https://github.com/apache/airflow/tree/providers-openlineage/{version}"


def spark_producer(when: datetime) -> str:
    """Return the producer of Spark's events: the OpenLineage listener."""
    version = "1.37.0" if when.date() >= _UPGRADED else "1.24.2"
    return f"https://github.com/OpenLineage/OpenLineage/tree/{version}/integration/spark"


TIDEWAY = "https://docs.tideway.example/ingest/2.4"


def facet(producer: str, name: str, /, **fields: Any) -> Json:
    """Return the body of a facet."""
    version, schema = _FACETS.get(name, ("", ""))
    url = (
        f"{_SPEC}/facets/{version}/{schema}.json#/$defs/{schema}"
        if version
        else f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"
    )
    return {"_producer": producer, "_schemaURL": url, **fields}


Dag = tuple[str, str, datetime, str]
"""A DAG and one run of it: its name, Airflow's name of the run, when it was due, who started it by hand."""


def dag_run_id(dag: Dag) -> str:
    """Return the run id of a DAG run."""
    return uuid7(dag[2], "dag", *dag[:2])


@dataclass(frozen=True, slots=True)
class Activity:
    """One run of one job.

    Attributes:
        integration: AIRFLOW, SPARK or TIDEWAY.
        job: a task, a Spark command, or a DAG itself.
        reads, writes: what it uses: dataset and partition; `columns`: which column of the output comes from which.
        assets: what the task declares instead, as Airflow writes it when it cannot see for itself.
        ends: COMPLETE, FAIL, or nothing when the machine under it died.
    """

    job: str
    integration: str
    start: datetime
    end: datetime
    dag: Dag
    reads: tuple[Json, ...] = ()
    writes: tuple[Json, ...] = ()
    assets: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    ends: str = "COMPLETE"
    error: str = ""
    source: str = ""
    attempt: int = 1

    @property
    def producer(self) -> str:
        """The producer of its events."""
        return {"AIRFLOW": airflow_producer(self.start), "SPARK": spark_producer(self.start)}.get(
            self.integration, TIDEWAY
        )

    @property
    def run_id(self) -> str:
        """Its run id; a DAG's is known to its tasks before they start."""
        return dag_run_id(self.dag) if self.job == self.dag[0] else uuid7(self.start, self.job, self.start)

    def events(self) -> list[tuple[datetime, Json]]:
        """Return its events with their times; the supplier's tool tells only of the end."""
        times = [] if self.integration == "TIDEWAY" else [("START", self.start)]
        times += [(self.ends, self.end)] if self.ends else []
        found = []
        for kind, moment in times:
            when = moment + timedelta(microseconds=number(0, 2_999_999, self.job, self.start, kind))
            found.append((when, self._event(kind, when)))
        return found

    def _event(self, kind: str, when: datetime) -> Json:
        offset = "Z" if self.integration == "SPARK" else "+00:00"
        timespec = "milliseconds" if self.integration == "SPARK" else "microseconds"
        complete = kind == "COMPLETE"
        return {
            "eventTime": when.replace(tzinfo=None).isoformat(timespec=timespec) + offset,
            "producer": self.producer,
            "schemaURL": _RUN_EVENT,
            "eventType": kind,
            "run": {"runId": self.run_id, "facets": self._run_facets(kind)},
            "job": {"namespace": self.namespace, "name": self.job, "facets": self._job_facets()},
            "inputs": [_trimmed(read, complete=complete) for read in self.reads],
            "outputs": [_trimmed(write, complete=complete) for write in self.writes],
        }

    @property
    def namespace(self) -> str:
        """The namespace of its job."""
        return {"AIRFLOW": AIRFLOW_NAMESPACE, "SPARK": SPARK_NAMESPACE}.get(
            self.integration, TIDEWAY_NAMESPACE
        )

    def _run_facets(self, kind: str) -> Json:
        made: Json = {}
        name, dag_run, due, user = self.dag
        if name and self.job != name:
            parent = {"namespace": AIRFLOW_NAMESPACE, "name": name}
            made["parent"] = facet(self.producer, "parent", run={"runId": dag_run_id(self.dag)}, job=parent)
        if self.integration == "AIRFLOW":
            made["nominalTime"] = facet(self.producer, "nominalTime", nominalStartTime=due.isoformat())
            engine = {"name": "Airflow", "version": "2.11.0" if self.start.date() >= _UPGRADED else "2.10.3"}
            whole = "airflowDagRun" if self.job == name else "airflow"
            made[whole] = self._airflow(name, dag_run, due, user)
        elif self.integration == "SPARK":
            engine = {"name": "spark", "version": "3.5.6" if self.start.date() >= _UPGRADED else "3.5.3"}
        else:
            engine = {"name": "tideway", "version": "2.4.0"}
        made["processing_engine"] = facet(self.producer, "processing_engine", **engine)
        if kind == "FAIL":
            language = "JAVA" if self.integration == "SPARK" else "PYTHON"
            made["errorMessage"] = facet(
                self.producer, "errorMessage", message=self.error, programmingLanguage=language
            )
        return made

    def _airflow(self, dag: str, dag_run: str, due: datetime, user: str) -> Json:
        inlets, outlets = (
            str([{"uri": uri, "extra": {}} for uri in uris]) if uris else "[]" for uris in self.assets
        )
        run = {
            "conf": {},
            "dag_id": dag,
            "data_interval_start": due.isoformat(),
            "data_interval_end": due.isoformat(),
            "logical_date": due.isoformat(),
            "run_id": dag_run,
            "run_type": dag_run.partition("__")[0],
        }
        if user:
            run["triggering_user_name"] = user
        if self.job == dag:
            return facet(self.producer, "airflowDagRun", dag={"dag_id": dag, "owner": "data"}, dagRun=run)
        return facet(
            self.producer,
            "airflow",
            dag={"dag_id": dag, "owner": "data", "tags": "['parcels']", "timetable": {}},
            dagRun=run,
            task={
                "task_id": self.job.partition(".")[2],
                "operator_class": self._operator(),
                "inlets": inlets,
                "outlets": outlets,
                "owner": "data",
                "retries": 1,
            },
            taskInstance={"try_number": self.attempt},
        )

    def _operator(self) -> str:
        if any(self.assets):
            return "PythonOperator"
        return "SQLToS3Operator" if self.writes else "SQLTableCheckOperator"

    def _job_facets(self) -> Json:
        if self.integration == "TIDEWAY":
            return {}
        kind = "DAG" if self.job == self.dag[0] else "TASK" if self.integration == "AIRFLOW" else "SQL_JOB"
        made = {
            "jobType": facet(
                self.producer,
                "jobType",
                processingType="BATCH",
                integration=self.integration,
                jobType=kind,
            )
        }
        if self.integration == "AIRFLOW":
            owners = [{"name": "team:data", "type": "MAINTAINER"}]
            made["ownership"] = facet(self.producer, "ownership", owners=owners)
        if self.source:
            version = commit("pipelines", self.start.strftime("%Y-%m"))
            made["sourceCodeLocation"] = facet(
                self.producer,
                "sourceCodeLocation",
                type="git",
                url=f"{REPOSITORY}/blob/{version}/{self.source}",
                repoUrl=f"{REPOSITORY}.git",
                path=self.source,
                version=version,
                branch="main",
            )
        return made


_ON_COMPLETE = {"columnLineage", "lifecycleStateChange"}


def _trimmed(dataset: Json, *, complete: bool) -> Json:
    """Leave out what is only known at the end."""
    if complete:
        return dataset
    facets = {name: body for name, body in dataset["facets"].items() if name not in _ON_COMPLETE}
    return {"namespace": dataset["namespace"], "name": dataset["name"], "facets": facets}


def used(producer: str, dataset: Dataset, value: date | str, **more: Any) -> Json:
    """Return a dataset as an event names it, with the facets each producer can give; `more` are further ones."""
    facets = {}
    if producer != TIDEWAY:
        facets["dataSource"] = facet(producer, "dataSource", name=dataset.namespace, uri=dataset.namespace)
    fields = [{"name": name, "type": kind} for name, kind in dataset.columns]
    facets["schema"] = facet(producer, "schema", fields=fields)
    if dataset.table and "spark" in producer:
        same = [{"namespace": METASTORE, "name": dataset.table, "type": "TABLE"}]
        facets["symlinks"] = facet(producer, "symlinks", identifiers=same)
    beside = {name: body for name, body in more.items() if name in {"inputFacets", "outputFacets"}}
    facets |= {name: body for name, body in more.items() if name not in beside}
    return {"namespace": dataset.namespace, "name": dataset.place(value), "facets": facets, **beside}


def column_lineage(producer: str, fields: Mapping[str, Iterable[tuple[Json, str, str]]]) -> Json:
    """Return the facet that says which input columns an output column comes from.

    `fields` maps a column to (dataset, column, how); how is IDENTITY, TRANSFORMATION, AGGREGATION or MASKED.
    """
    made = {}
    for column, origins in fields.items():
        made[column] = {
            "inputFields": [
                {
                    "namespace": dataset["namespace"],
                    "name": dataset["name"],
                    "field": origin,
                    "transformations": [
                        {
                            "type": "DIRECT",
                            "subtype": "TRANSFORMATION" if how == "MASKED" else how,
                            "description": "",
                            "masking": how == "MASKED",
                        }
                    ],
                }
                for dataset, origin, how in origins
            ]
        }
    return facet(producer, "columnLineage", fields=made)


def written(producer: str, rows: int, files: int = 1) -> Json:
    """Return how much was written, as output facets."""
    return {
        "outputStatistics": facet(
            producer, "outputStatistics", rowCount=rows, size=rows * 61, fileCount=files
        )
    }


def asserted(producer: str, rows: int, nulls: int, tests: Iterable[tuple[str, str, bool, str, str]]) -> Json:
    """Return the verdicts of checks, as input facets: (assertion, column, success, expected, actual), all to warn."""
    assertions = []
    for assertion, column, success, expected, actual in tests:
        verdict: Json = {"assertion": assertion, "success": success, "severity": "warn"}
        if column:
            verdict["column"] = column
        assertions.append(verdict | {"expected": expected, "actual": actual})
    return {
        "dataQualityMetrics": facet(
            producer,
            "dataQualityMetrics",
            rowCount=rows,
            columnMetrics={"depot_id": {"nullCount": nulls, "count": rows}},
        ),
        "dataQualityAssertions": facet(producer, "dataQualityAssertions", assertions=assertions),
    }
