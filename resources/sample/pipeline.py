"""Which datasets does the company have, where do they lie, and which runs make them?

Both the OpenLineage events and the MLflow store speak of these, so the places and ids that must agree stand here once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from resources.sample.drawn import number
from resources.sample.story import INCIDENT, LAKE, MODELS, Version

TMS = "postgres://tms-db.skarn.example:5432"
LANDING = "s3://skarn-landing"
METASTORE = "hive://metastore.skarn.example:9083"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: its place in OpenLineage's naming, its columns (name, type) and rows on a usual day.

    Attributes:
        partition: the column it is partitioned by; empty for a table of the transport system.
        table: the name under which the metastore knows it.
    """

    namespace: str
    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    partition: str = "dt"
    table: str = ""

    def place(self, value: date | str) -> str:
        """Return the name of one partition."""
        return f"{self.name}/{self.partition}={value}" if self.partition else self.name


_SCANS = (
    ("parcel_id", "string"),
    ("depot_id", "string"),
    ("scanned_at", "timestamp"),
    ("event", "string"),
    ("weight_kg", "double"),
)
_ADDRESSES = (
    ("address_id", "long"),
    ("recipient", "string"),
    ("written", "string"),
    ("country", "string"),
    ("lat", "double"),
    ("lon", "double"),
)
_ETA = (
    ("parcel_id", "string"),
    ("depot_id", "string"),
    ("hours_in_network", "double"),
    ("depot_load", "double"),
    ("wind_ms", "double"),
    ("rain_mm", "double"),
)
_ADDRESS = (
    ("address_id", "long"),
    ("tokens", "string"),
    ("country", "string"),
    ("lat", "double"),
    ("lon", "double"),
)
_VOLUME = (("depot_id", "string"), ("day", "date"), ("parcels", "long"), ("weight_kg", "double"))

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(TMS, "tms.public.scan_events", _SCANS, 412_000, ""),
        Dataset(TMS, "tms.public.addresses", _ADDRESSES, 96_000, ""),
        Dataset(
            LANDING,
            "weather",
            (("depot_id", "string"), ("hour", "timestamp"), ("wind_ms", "double"), ("rain_mm", "double")),
            11_800,
        ),
        Dataset(LAKE, "raw/scans", _SCANS, 412_000),
        Dataset(LAKE, "raw/addresses", _ADDRESSES, 96_000),
        Dataset(LAKE, "staging/scans", _SCANS, 411_300, table="staging.scans"),
        Dataset(LAKE, "staging/addresses", _ADDRESSES, 95_400, "region", table="staging.addresses"),
        Dataset(LAKE, "features/eta", _ETA, 398_000, table="features.eta"),
        Dataset(LAKE, "features/address", _ADDRESS, 95_400, table="features.address"),
        Dataset(LAKE, "features/depot_volume", _VOLUME, 2_300, table="features.depot_volume"),
        Dataset(LAKE, "training/eta", (*_ETA, ("arrival_hour", "double")), 320_000),
        Dataset(LAKE, "training/eta_holdout", (*_ETA, ("arrival_hour", "double")), 40_000),
        Dataset(LAKE, "training/address", (*_ADDRESS, ("point_id", "long")), 76_000),
        Dataset(LAKE, "training/address_holdout", (*_ADDRESS, ("point_id", "long")), 9_500),
        Dataset(LAKE, "training/depot_volume", (*_VOLUME, ("parcels_next_day", "long")), 84_000),
        Dataset(LAKE, "training/depot_volume_holdout", (*_VOLUME, ("parcels_next_day", "long")), 9_000),
    )
}
REGIONS = ("EU", "US", "日本")
"""Values of the partition `region` of the staged addresses."""

MADE_OF = {
    "eta-parcel": (
        ("features/eta", "staging/scans", "raw/scans", "tms.public.scan_events"),
        ("features/eta", "weather"),
    ),
    "address-match": (("features/address", "staging/addresses", "raw/addresses", "tms.public.addresses"),),
    "depot-volume": (("features/depot_volume", "staging/scans", "raw/scans", "tms.public.scan_events"),),
}
"""What each training set is made of, from near to far: every chain of datasets down to a source."""

FAILED_TRAININGS = {("eta-parcel", date(2025, 3, 11)), ("address-match", date(2026, 2, 10))}
UNFINISHED_TRAINING = ("depot-volume", date(2025, 5, 13))
DELETED_TRAINING = ("depot-volume", date(2025, 9, 9))
"""Trainings that ran out of memory, that never ended, and whose run was deleted."""


def rows(name: str, day: date) -> int:
    """Return how many rows the partition `day` of a dataset has; few where the bad delivery reached it."""
    usual = DATASETS[name].rows
    share = number(930, 1070, "rows", name, day) / 1000
    if day == INCIDENT.partition and name in {"raw/scans", "staging/scans"}:
        return INCIDENT.rows - (41 if name == "staging/scans" else 0)
    if day == INCIDENT.partition and name.endswith(("/eta", "/eta_holdout")):
        share *= 0.09
    return round(usual * share)


def sunday_before(moment: datetime) -> date:
    """Return the day of the newest features at `moment`: the Sunday before."""
    day = moment.date()
    return day - timedelta(days=(day.weekday() + 1) % 7 or 7)


def training_dag(model: str) -> str:
    """Return the name of the DAG that trains `model`."""
    return f"train_{model.replace('-', '_')}"


def dag_run(start: datetime, *, manual: bool) -> str:
    """Return Airflow's name of a DAG run."""
    return f"{'manual' if manual else 'scheduled'}__{start.isoformat()}"


def by_hand(version: Version | None) -> bool:
    """Tell whether a training was started by a person."""
    return version is not None and version.user != "svc-airflow"


def trained_on(model: str, start: datetime) -> tuple[tuple[str, str, str], ...]:
    """Return what a training reads: dataset, context in MLflow's words, and the URI it logs."""
    day = sunday_before(start)
    found = []
    for suffix, context in (("", "training"), ("_holdout", "validation")):
        dataset = DATASETS[f"training/{MODELS[model].short}{suffix}"]
        found.append((dataset.name, context, f"{LAKE}/{dataset.place(day)}/part-00000.parquet"))
    return tuple(found)
