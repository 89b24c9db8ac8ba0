"""Which records does one MLflow store make, whatever it was read from?

A database, a folder of files and saved REST answers are each turned into a `Store` of items in one shape: MLflow's own
field names, tags as dicts, times in milliseconds. Here what belongs together is joined (a version's run and its user,
the experiment's name, aliases), each record is given the instance, the workspace and the time of the snapshot, and
runs that are only referred to are found. What a record then means is said in `_mlflow_facts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage.model.moment import parse
from lineage.source import Origin, Problem, Record
from lineage.sources._epoch_times import milliseconds, sound_time
from lineage.sources._mlflow_values import (
    flag,
    logged_model_in,
    person,
    place_of,
    redacted,
    run_in,
    version_in,
)
from lineage.text import dumps

MAX_TEXT = 1 << 20
"""Characters of a dataset's schema or profile that a record keeps; MLflow allows 16 MB."""

PROMPT_TAG = "mlflow.prompt.is_prompt"

_YEAR = 366 * 24 * 3_600_000
_SOUND_FROM = 1_262_304_000_000


class Found(NamedTuple):
    """An item and its place: the line and offset of the REST call that gave it, the files it was put together from."""

    item: dict[str, Any]
    line: int = 0
    offset: int = 0
    files: dict[str, str] | None = None


class Ran(NamedTuple):
    """What a version takes from its run: the user, the field that names the user, the commit of the code."""

    user: str = ""
    basis: str = ""
    commit: str = ""


@dataclass(slots=True)
class Store:
    """What one input holds.

    Attributes:
        form: `sqlite`, `files` or `rest`.
        runs: gives the runs, one by one, each time it is called.
        ran: who ran each run that a version may come from, and which code.
        run_ids: every run there is; None = not all of them are known.
        loose: what the store still says of runs that are gone: run id -> `inputs`, `model_inputs`, `model_outputs`.
        listings: each listing that was seen, and whether it was seen whole.
        times: times that date the snapshot (milliseconds); said_at: when the listing was made, where that is recorded
            (microseconds).
    """

    form: str
    experiments: list[Found] = field(default_factory=list)
    datasets: list[Found] = field(default_factory=list)
    models: list[Found] = field(default_factory=list)
    versions: list[Found] = field(default_factory=list)
    logged_models: list[Found] = field(default_factory=list)
    evaluations: list[Found] = field(default_factory=list)
    runs: Callable[[], Iterable[Found]] = tuple
    ran: dict[str, Ran] = field(default_factory=dict)
    run_ids: set[str] | None = None
    loose: dict[str, dict[str, Any]] = field(default_factory=dict)
    listings: dict[str, bool] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    said_at: int | None = None
    workspace: str = "default"


WHAT = {
    "experiments": "job",
    "registered-models": "model",
    "model-versions": "model-version",
    "logged-models": "model-version",
    "evaluation-datasets": "dataset",
    "runs": "run",
}
"""The kind of thing that each listing lists."""


def records_of(store: Store, origin: Origin) -> Iterator[Record | Problem]:
    """Yield every record of `store`; problems first: an instance or a time that had to be assumed."""
    instance, problem = _instance(store, origin)
    if problem:
        yield problem
    at, problem = _observed(store, origin)
    if problem:
        yield problem
    yield from _Join(store, instance, at, origin.label("workspace")).records()


class _Join:
    """Puts together what several items say of one thing."""

    def __init__(self, store: Store, instance: str, at: int | None, workspace: str) -> None:
        self.store = store
        self.instance = instance
        self.at = at
        self.said_workspace = workspace
        self.experiments = {str(found.item.get("experiment_id")): found.item for found in store.experiments}
        self.logged = {str(found.item.get("model_id")): found.item for found in store.logged_models}
        self.models = {
            (self.workspace(found.item), str(found.item.get("name"))): found.item for found in store.models
        }
        self.versions = {self.version_name(found.item): found.item for found in store.versions}
        self.sources = {
            tuple(str(row.item.get(key)) for key in ("experiment_id", "name", "digest")): row.item
            for row in store.datasets
        }
        self.counts: dict[tuple[str, str], int] = {}
        self.referred: dict[str, set[str]] = {}

    def version_name(self, item: dict[str, Any]) -> tuple[str, str, str]:
        return self.workspace(item), str(item.get("name")), str(item.get("version"))

    def workspace(self, item: dict[str, Any] | None) -> str:
        """Return the workspace of `item`: its own, its experiment's, the label's, else `default`."""
        if self.said_workspace:
            return self.said_workspace
        if item is None:
            return self.store.workspace
        if item.get("workspace"):
            return str(item["workspace"])
        experiment = self.experiments.get(str(item.get("experiment_id")))
        if experiment is not None and experiment is not item:
            return self.workspace(experiment)
        return self.store.workspace

    def record(self, kind: str, name: str, listing: str, found: Found, **joined: Any) -> Record:
        workspace = self.workspace(found.item)
        if listing and not joined.get("prompt"):
            self.counts[workspace, listing] = self.counts.get((workspace, listing), 0) + 1
        said: dict[str, Any] = {
            "kind": kind,
            "form": self.store.form,
            "instance": self.instance,
            "workspace": workspace,
            "at": self.at,
            "listing": listing,
            "item": found.item,
            "joined": {key: value for key, value in joined.items() if value is not None},
        }
        if found.files:
            said["files"] = found.files
        return Record(dumps(said), found.offset, found.line, name, said)

    def records(self) -> Iterator[Record | Problem]:
        store = self.store
        for found in store.experiments:
            name = f"experiments/{found.item.get('experiment_id')}"
            yield self.record("experiment", name, "experiments", found)
        yield from self.dataset_records()
        for found in store.models:
            name = f"registered_models/{self.workspace(found.item)}/{found.item.get('name')}"
            prompt = flag(found.item.get("tags", {}).get(PROMPT_TAG))
            yield self.record("model", name, "registered-models", found, prompt=prompt)
        for found in store.versions:
            yield self.version_record(found)
        for found in store.logged_models:
            yield self.logged_model_record(found)
        for found in store.evaluations:
            name = f"evaluation_datasets/{found.item.get('dataset_id')}"
            yield self.record("evaluation-dataset", name, "evaluation-datasets", found)
        for found in store.runs():
            yield self.run_record(found)
        if store.run_ids is not None:
            yield from self.purged_records(store.run_ids)
        yield from self.listing_records()

    def dataset_records(self) -> Iterator[Record]:
        """One record a place: MLflow has a row for each experiment, name and digest that was ever logged there."""
        folded: dict[tuple[str, str], list[Found]] = {}
        for row in self.store.datasets:
            workspace = self.workspace(row.item)
            key = place_of(f"mlflow:{self.instance}/{workspace}", row.item).key
            used = row._replace(item={**row.item, "workspace": workspace})
            folded.setdefault((key.namespace, key.name), []).append(used)
        for (namespace, name), rows in sorted(folded.items()):
            rows.sort(key=lambda row: (str(row.item.get("experiment_id")), str(row.item.get("digest"))))
            uses = [
                {
                    part: _cut(value) if part in {"schema", "profile"} else value
                    for part, value in row.item.items()
                }
                for row in rows
            ]
            files = {path: text for row in rows for path, text in (row.files or {}).items()}
            item = {"workspace": uses[0]["workspace"], "uses": uses}
            found = Found(item, rows[0].line, rows[0].offset, files)
            yield self.record("dataset", f"datasets/{namespace}|{name}", "", found)

    def version_record(self, found: Found) -> Record:
        item = found.item
        workspace, name, version = self.version_name(item)
        model = self.models.get((workspace, name))
        aliases = item.get("aliases")
        if model is not None:
            aliases = sorted(alias for alias, of in model.get("aliases", {}).items() if str(of) == version)
        run, basis = self.run_of(item)
        ran = self.store.ran.get(run, Ran())
        if run:
            self.refer(run, f"model-version {name}/{version}")
        return self.record(
            "model-version",
            f"model_versions/{workspace}/{name}/{version}",
            "model-versions",
            found,
            aliases=aliases,
            prompt=flag((model or {}).get("tags", {}).get(PROMPT_TAG))
            or flag(item.get("tags", {}).get(PROMPT_TAG)),
            run_id=run or None,
            run_id_basis=basis or None,
            user=ran.user or None,
            user_basis=ran.basis or None,
            commit=ran.commit or None,
            location=self.location(item) or None,
        )

    def run_of(self, item: dict[str, Any]) -> tuple[str, str]:
        """Return the run of a version and what says so: deleted versions keep only their storage location."""
        run = item.get("run_id")
        if isinstance(run, str) and run and not redacted(run):
            return run, "model_versions.run_id"
        for name in ("source", "storage_location"):
            place = str(item.get(name) or "")
            if found := run_in(place):
                return found, f"model_versions.{name}"
            logged = self.logged.get(logged_model_in(place))
            if logged is not None and logged.get("source_run_id"):
                return str(logged["source_run_id"]), f"model_versions.{name}"
        return "", ""

    def location(self, item: dict[str, Any], depth: int = 0) -> str:
        """Return where a version's files lie, as REST does not say it: through its logged model or its original."""
        if item.get("storage_location"):
            return str(item["storage_location"])
        source = str(item.get("source") or "")
        logged = self.logged.get(logged_model_in(source))
        if logged is not None and logged.get("artifact_location"):
            return str(logged["artifact_location"])
        copied = version_in(source)
        original = self.versions.get((self.workspace(item), *copied)) if copied else None
        if original is not None and original is not item and depth < 10:
            return self.location(original, depth + 1)
        return ""

    def logged_model_record(self, found: Found) -> Record:
        item = found.item
        experiment = str(item.get("experiment_id"))
        measured = {}
        for metric in item.get("metrics", []):
            name, digest = metric.get("dataset_name"), metric.get("dataset_digest")
            row = self.sources.get((experiment, str(name), str(digest)))
            if name and row is not None:
                measured[f"{name}@{digest}"] = {key: row.get(key) for key in ("source_type", "source")}
        if item.get("source_run_id"):
            self.refer(str(item["source_run_id"]), f"logged-model {item.get('model_id')}")
        name = f"logged_models/{item.get('model_id')}"
        return self.record("logged-model", name, "logged-models", found, datasets=measured or None)

    def run_record(self, found: Found) -> Record:
        item = found.item
        parent = item.get("tags", {}).get("mlflow.parentRunId")
        if parent:
            self.refer(str(parent), f"run {item.get('run_id')}")
        experiment = self.experiments.get(str(item.get("experiment_id")), {}).get("name")
        return self.record("run", f"runs/{item.get('run_id')}", "runs", found, experiment=experiment)

    def refer(self, run: str, by: str) -> None:
        self.referred.setdefault(run, set()).add(by)

    def purged_records(self, known: set[str]) -> Iterator[Record]:
        """Runs that `mlflow gc` removed: what refers to them stays behind, and is evidence that they were."""
        for run in self.store.loose:
            self.refer(run, "inputs")
        for run in sorted(self.referred.keys() - known):
            item = {
                "run_id": run,
                "referred_by": sorted(self.referred[run])[:50],
                **self.store.loose.get(run, {}),
            }
            yield self.record("purged-run", f"runs/{run}", "", Found(item))

    def listing_records(self) -> Iterator[Record]:
        workspaces = {self.workspace(None), *(workspace for workspace, _ in self.counts)}
        for listing, complete in self.store.listings.items():
            for workspace in sorted(workspaces):
                item = {
                    "workspace": workspace,
                    "listing": listing,
                    "count": self.counts.get((workspace, listing), 0),
                    "complete": complete,
                }
                yield self.record("listing", f"listing/{workspace}/{listing}", "", Found(item))


def ran_by(tags: Mapping[str, Any], column: object) -> Ran:
    """Return what a run's tags and its user column say of who ran it, and of the code."""
    user, basis = person(tags.get("mlflow.user"), column)
    named = {"tag": "run tag mlflow.user (client-side)", "column": "runs.user_id (client-side)"}.get(
        basis, ""
    )
    return Ran(user, named, str(tags.get("mlflow.source.git.commit") or ""))


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"(left out: {len(value)} characters, SHA-256 {digest})"
    return value


def _instance(store: Store, origin: Origin) -> tuple[str, Problem | None]:
    """Return the name of the MLflow server or store: nothing in it says one, so its first experiment has to.

    The first 12 hex digits of the SHA-256 of experiment 0's creation time and artifact location, equal by database and
    by REST (sources-ml 2.1); the lowest experiment there is where 0 was removed for good.
    """
    if label := origin.label("instance"):
        return label, None
    first = min(
        (
            found.item
            for found in store.experiments
            if milliseconds(found.item.get("experiment_id")) is not None
        ),
        key=lambda item: milliseconds(item["experiment_id"]) or 0,
        default=None,
    )
    whole = store.listings.get("experiments", False)
    if first is not None and (whole or str(first["experiment_id"]) == "0"):
        created = milliseconds(first.get("creation_time"))
        text = f"{'' if created is None else created}{first.get('artifact_location') or ''}"
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if created is not None:
            return name, None
        reason = f"experiment 0 has no creation time, so another store may also be called {name}"
    else:
        name = origin.folder or "unnamed"
        reason = f"experiment 0 is not in the input, so the server is called {name!r} after its folder"
    return name, Problem("no-instance", f"{reason}: say which it is with --label instance=NAME", fatal=False)


def _observed(store: Store, origin: Origin) -> tuple[int | None, Problem | None]:
    """Return when the store was as it is: as said, else as the answers are dated, else its latest sound time.

    A client's time may be years ahead: one that stands more than a year after every other is not believed.
    """
    label = origin.label("observed_at")
    if label:
        try:
            return parse(label, origin.label("timezone")).lo, None
        except ValueError:
            reason = "the label observed_at is no ISO 8601 time; the store's own times are taken"
            return _latest(store), Problem("bad-label", reason, "observed_at", label, fatal=False)
    if store.said_at is not None:
        return store.said_at, None
    latest = _latest(store)
    if latest is None:
        reason = (
            "the store holds no sound time to date it by: say when it was so with --label observed_at=TIME"
        )
        return None, Problem("no-snapshot-time", reason, fatal=False)
    return latest, None


def _latest(store: Store) -> int | None:
    times = sorted(
        {time for time in map(sound_time, store.times) if time is not None and time >= _SOUND_FROM}
    )
    while len(times) > 1 and times[-1] - times[-2] > _YEAR:
        times.pop()
    return times[-1] * 1_000 if times else None
