"""Who is the invented company, what does it train and promise, and what went wrong there?

Everything in the sample is made from the lines in this module and in `changes`: the files that are written, and what
`truth` says they amount to. All times are UTC. People, hosts, buckets and numbers are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from resources.sample.drawn import at, commit, hex32, midnight, sha256

COMPANY = "Skarn Parcels"
BEGIN = date(2024, 11, 4)
SNAPSHOT = date(2026, 5, 31)
END = date(2026, 11, 20)
"""The first day of the history; the day of the earlier copy of the MLflow store; the day everything was exported."""

CLUSTERS = ("prod-eu", "prod-us")
NAMESPACE = "parcels"
WORKSPACE = "default"
LAKE = "s3://skarn-lake"
MODEL_STORE = "s3://skarn-models"
REPLICA = "s3://skarn-models-us/replica"
IMAGES = "registry.skarn.example/ml"
TRAINING_REPOSITORY = "https://git.skarn.example/ml/training"
MLFLOW_3_SINCE = date(2025, 6, 14)

BOT = "system:serviceaccount:ci:release-bot"
CONTROLLER = "system:serviceaccount:kserve:kserve-controller-manager"
BREAK_GLASS = "break-glass-admin"
ONCALL = "oidc:oncall-eu"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, or worked, at the company; `login` is the name used at MLflow and Airflow."""

    name: str
    email: str
    login: str
    team: str
    since: date
    until: date | None = None
    kind: str = "person"

    @property
    def oidc(self) -> str:
        """The name under which the clusters know the person."""
        return f"oidc:{self.email}"


ZOE = Person(
    "Zoë Łukasiewicz", "zoe.lukasiewicz@skarn.example", "zlukasiewicz", "ml-platform", date(2024, 1, 8)
)
TOMAS = Person("Tomás Ferreira", "tomas.ferreira@skarn.example", "tferreira", "ml-platform", date(2022, 9, 1))
MBALI = Person(
    "Mbali Dube", "mbali.dube@skarn.example", "mdube", "routing", date(2023, 3, 1), date(2025, 9, 30)
)
HENRIK = Person("Henrik Sørby", "henrik.sorby@skarn.example", "hsorby", "operations", date(2021, 5, 17))
AIKO = Person("田中愛子 (Aiko Tanaka)", "aiko.tanaka@skarn.example", "atanaka", "data", date(2023, 10, 2))
CALLUM = Person("Callum O'Shea", "callum.oshea@skarn.example", "coshea", "operations-us", date(2024, 6, 3))
SEUN = Person(
    "Oluwaseun Adéyẹmí", "oluwaseun.adeyemi@skarn.example", "oadeyemi", "routing", date(2025, 10, 1)
)
PRIYA = Person(
    "Priya Raghunathan", "priya.raghunathan@skarn.example", "praghunathan", "risk", date(2022, 2, 1)
)
JUN = Person(
    "Jun Álvarez-Ōta",
    "jun.alvarez@contractor.example",
    "ext-4471",
    "data",
    date(2026, 1, 12),
    date(2026, 12, 31),
    "contractor",
)
PEOPLE = (ZOE, TOMAS, MBALI, HENRIK, AIKO, CALLUM, SEUN, PRIYA, JUN)

ON_CALL = ((HENRIK, date(2024, 11, 1), date(2026, 3, 31)), (AIKO, date(2026, 4, 1), None))
"""The shared on-call login was handed over: from when to when it was whose."""

ROBOTS = ((BOT, "Release bot", "ml-platform"), ("svc-airflow", "Airflow", "data"))


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model, its experiment, and the datasets it is made of: sources, staging, features, training."""

    name: str
    experiment: int
    short: str
    description: str
    framework: str
    metric: str


MODELS = {
    model.name: model
    for model in (
        Model(
            "eta-parcel", 1, "eta", "Predicts the hour in which a parcel arrives.", "xgboost", "mae_minutes"
        ),
        Model(
            "address-match",
            2,
            "address",
            "Finds the delivery point for a written address.",
            "sklearn",
            "recall_at_1",
        ),
        Model(
            "depot-volume",
            3,
            "depot_volume",
            "Forecasts parcels a depot will hold tomorrow.",
            "sklearn",
            "wape",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version: trained at `trained` on the training set of the Sunday before, by `user` (an MLflow login).

    Attributes:
        score: its metric on the holdout set.
        deleted: when it was deleted in the registry, which redacts its row.
    """

    model: str
    number: int
    trained: datetime
    user: str
    approver: Person
    ticket: str
    score: float
    deleted: datetime | None = None

    @property
    def partition(self) -> date:
        """The day of the training set: the Sunday before the training."""
        day = self.trained.date()
        return day - timedelta(days=(day.weekday() + 1) % 7 or 7)

    @property
    def registered(self) -> datetime:
        """When the version was made in the registry."""
        return self.trained + timedelta(hours=2, minutes=11, seconds=self.number, milliseconds=137)

    @property
    def run_id(self) -> str:
        """The training run."""
        return run_id(self.model, self.trained.date())

    @property
    def logged_model(self) -> str:
        """The id of the logged model; empty before the store was brought to MLflow 3, which has them."""
        return logged_model(self.model, self.trained.date())

    @property
    def location(self) -> str:
        """Where the registry says that the files lie (`model_versions.storage_location`)."""
        root = f"{MODEL_STORE}/{MODELS[self.model].experiment}"
        if self.logged_model:
            return f"{root}/models/{self.logged_model}/artifacts"
        return f"{root}/{self.run_id}/artifacts/model"

    @property
    def image(self) -> str:
        """The digest of the serving image, which the version carries as a tag."""
        return sha256(self.model, self.number)

    @property
    def commit(self) -> str:
        """The commit of the training code."""
        return commit("training", self.model, self.trained.date())


def run_id(model: str, day: date) -> str:
    """Return the id of the MLflow run that trained `model` on `day`."""
    return hex32("run", model, day)


def logged_model(model: str, day: date) -> str:
    """Return the id of the logged model of a training; empty before MLflow 3."""
    return f"m-{hex32('logged model', model, day)}" if day >= MLFLOW_3_SINCE else ""


_AIRFLOW = "svc-airflow"

VERSIONS = (
    Version("eta-parcel", 1, at("2024-11-12 07:00:09"), TOMAS.login, PRIYA, "CHG-1003", 31.8),
    Version("eta-parcel", 2, at("2025-02-18 07:00:12"), MBALI.login, PRIYA, "CHG-1088", 29.4),
    Version("eta-parcel", 3, at("2025-06-10 07:00:04"), _AIRFLOW, PRIYA, "CHG-1175", 27.9),
    Version("eta-parcel", 4, at("2025-10-21 07:00:06"), _AIRFLOW, TOMAS, "CHG-1302", 26.2),
    Version("eta-parcel", 5, at("2026-02-17 07:00:08"), _AIRFLOW, PRIYA, "CHG-1420", 24.7),
    Version(
        "eta-parcel",
        6,
        at("2026-05-12 07:00:05"),
        SEUN.login,
        TOMAS,
        "CHG-1533",
        24.1,
        at("2026-06-08 08:41:17.902000"),
    ),
    Version("eta-parcel", 7, at("2026-06-16 07:00:11"), _AIRFLOW, PRIYA, "CHG-1561", 23.8),
    Version("eta-parcel", 8, at("2026-09-22 07:00:07"), _AIRFLOW, PRIYA, "CHG-1660", 22.9),
    Version("address-match", 1, at("2024-12-03 06:30:02"), MBALI.login, PRIYA, "CHG-1019", 0.871),
    Version("address-match", 2, at("2025-04-15 06:30:05"), ZOE.login, PRIYA, "CHG-1130", 0.884),
    Version("address-match", 3, at("2025-08-26 06:30:03"), _AIRFLOW, TOMAS, "CHG-1240", 0.902),
    Version("address-match", 4, at("2026-01-20 06:30:07"), _AIRFLOW, PRIYA, "CHG-1390", 0.911),
    Version("address-match", 5, at("2026-07-14 06:30:04"), _AIRFLOW, PRIYA, "CHG-1592", 0.926),
    Version("depot-volume", 1, at("2025-01-14 06:00:03"), AIKO.login, PRIYA, "CHG-1052", 0.142),
    Version("depot-volume", 2, at("2025-07-01 06:00:06"), _AIRFLOW, TOMAS, "CHG-1191", 0.131),
    Version("depot-volume", 3, at("2026-03-10 06:00:02"), _AIRFLOW, PRIYA, "CHG-1455", 0.118),
    Version("depot-volume", 4, at("2026-08-11 06:00:09"), _AIRFLOW, PRIYA, "CHG-1624", 0.109),
)
BY_KEY = {(version.model, version.number): version for version in VERSIONS}


@dataclass(frozen=True, slots=True)
class Move:
    """An alias (`stage` false) or a stage was set on a version; MLflow itself keeps no record of it."""

    at: datetime
    model: str
    name: str
    number: int
    stage: bool = False


MOVES = (
    Move(at("2025-02-20 10:00:00"), "eta-parcel", "champion", 2),
    Move(at("2026-02-19 10:30:00"), "eta-parcel", "champion", 5),
    Move(at("2026-05-13 09:05:00"), "eta-parcel", "challenger", 6),
    Move(at("2026-06-08 08:41:00"), "eta-parcel", "challenger", 5),
    Move(at("2026-09-24 10:00:00"), "eta-parcel", "champion", 8),
    Move(at("2026-01-22 12:00:00"), "address-match", "champion", 4),
    Move(at("2026-07-16 12:00:00"), "address-match", "champion", 5),
    Move(at("2025-07-03 09:00:00"), "depot-volume", "Production", 2, stage=True),
    Move(at("2026-03-12 09:00:00"), "depot-volume", "Archived", 2, stage=True),
    Move(at("2026-03-12 09:00:00"), "depot-volume", "Production", 3, stage=True),
    Move(at("2026-08-13 09:00:00"), "depot-volume", "Archived", 3, stage=True),
    Move(at("2026-08-13 09:00:00"), "depot-volume", "Production", 4, stage=True),
)


@dataclass(frozen=True, slots=True)
class Incident:
    """The one bad delivery: what was broken, how it was seen, what learned from it, where that served."""

    partition: date
    rows: int
    usual_rows: int
    noticed: datetime
    redelivered: datetime
    model: str
    version: int
    cluster: str


INCIDENT = Incident(
    partition=date(2026, 5, 10),
    rows=33_907,
    usual_rows=412_000,
    noticed=at("2026-05-14 01:31:00"),
    redelivered=at("2026-05-15 13:05:22.481000"),
    model="eta-parcel",
    version=6,
    cluster="prod-eu",
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One version of one objective. `target` is a ratio for availability and seconds for latency.

    Attributes:
        document: the file it stands in, below the sample's folder; `form`: how it is written there.
        subject: the service, or the dataset for a data contract.
        since, until: first and last day it holds.
    """

    name: str
    version: str
    subject: str
    metric: str
    comparator: str
    target: float
    unit: str
    percentile: float | None
    since: date
    until: date | None
    document: str
    form: str

    def in_force(self, moment: datetime) -> bool:
        """Tell whether the promise holds at `moment`."""
        after = self.until and midnight(self.until + timedelta(days=1)) <= moment
        return midnight(self.since) <= moment and not after


_PROMISED = """
eta-parcel-availability    | 1 | eta-parcel    | availability | >= | 0.995 | ratio | -    | 2025-01-01 | 2026-06-30 | first
eta-parcel-availability    | 2 | eta-parcel    | availability | >= | 0.999 | ratio | -    | 2026-07-01 | -          | second
address-match-availability | 1 | address-match | availability | >= | 0.999 | ratio | -    | 2025-03-01 | -          | first
depot-volume-availability  | 1 | depot-volume  | availability | >= | 0.99  | ratio | -    | 2025-02-01 | -          | alpha
latency_p95                | - | eta-parcel    | latency      | <= | 0.3   | s     | 0.95 | 2025-01-01 | 2026-06-30 | csv
latency_p95                | - | eta-parcel    | latency      | <= | 0.2   | s     | 0.95 | 2026-07-01 | -          | csv
availability               | - | address-match | availability | >= | 0.995 | ratio | -    | 2025-09-01 | -          | csv
latency_p99                | - | depot-volume  | latency      | <= | 2.0   | s     | 0.99 | 2025-02-01 | -          | csv
"""  # noqa: E501 - a table is read in columns
DOCUMENTS = {
    "first": ("sla/openslo/services-2025.yaml", "openslo/v1"),
    "second": ("sla/openslo/eta-parcel-2026-07.yaml", "openslo/v1"),
    "alpha": ("sla/openslo/depot-volume.yaml", "openslo.com/v2alpha"),
    "csv": ("sla/sla.csv", "csv"),
}


def _promised() -> Iterator[Promise]:
    for row in _PROMISED.strip().splitlines():
        cells = ["" if cell.strip() == "-" else cell.strip() for cell in row.split("|")]
        yield Promise(
            name=cells[0],
            version=cells[1],
            subject=cells[2],
            metric=cells[3],
            comparator=cells[4],
            target=float(cells[5]),
            unit=cells[6],
            percentile=float(cells[7]) if cells[7] else None,
            since=date.fromisoformat(cells[8]),
            until=date.fromisoformat(cells[9]) if cells[9] else None,
            document=DOCUMENTS[cells[10]][0],
            form=DOCUMENTS[cells[10]][1],
        )


PROMISES = tuple(_promised())
CONTRACT = "sla/contracts/staging-scans.odcs.yaml"
"""The data contract: about the dataset `s3://skarn-lake` `staging/scans`, in force since 2025-03-01."""


def days() -> Iterator[date]:
    """Yield every day of the history."""
    day = BEGIN
    while day <= END:
        yield day
        day += timedelta(days=1)


def trainings() -> Iterator[tuple[str, datetime, Version | None]]:
    """Yield every scheduled training: model, start, and the version it was registered as, if it was good enough.

    A month in which no version came out of a model's training had one on its second Tuesday that was not registered.
    """
    for model in MODELS.values():
        kept = {version.trained.date(): version for version in VERSIONS if version.model == model.name}
        months = {(day.year, day.month) for day in kept}
        clock = next(iter(kept.values())).trained
        for day in days():
            if day in kept:
                yield model.name, kept[day].trained, kept[day]
            elif day.weekday() == 1 and 8 <= day.day <= 14 and (day.year, day.month) not in months:
                start = midnight(day) + timedelta(hours=clock.hour, minutes=clock.minute, seconds=3)
                if day > min(kept):
                    yield model.name, start, None
