"""What does an ML Metadata database hold: who ran what on which artifacts, and which model versions are registered?

TFX, Kubeflow Pipelines up to 2.x and the Kubeflow Model Registry keep their metadata in the same tables. The file is
evidence: it is read by plain SQL, read-only, and is byte-identical afterwards; ml-metadata's own library refuses or
migrates a database of another version (sources-ml 5). The name of the installation stands nowhere in it: say it with
the label `instance`, else the folder's name is taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _mlmd_facts, _registry_facts, _registry_rows
from lineage.sources._metadata_tables import NEEDED, Tables, Thing, columns, latest, load
from lineage.sources._registry_rows import KINDS
from lineage.sources._snapshot_time import observed
from lineage.sources._sqlite_file import connect, stamp, still, why
from lineage.text import MalformedError, dumps, loads

NAME = "mlmd"
FORMAT = "ML Metadata database (SQLite): TFX, Kubeflow Pipelines, Kubeflow Model Registry (kf.* types)"
PROVES = ("when", "what", "lineage")

_MAGIC = b"SQLite format 3\x00"
_LISTINGS = {"Artifact": "artifacts", "Execution": "executions", "Context": "contexts"}


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is a database of ML Metadata, by its tables."""
    if not sample.head.startswith(_MAGIC):
        return 0.0
    if sample.tables:
        return 0.95 if set(sample.tables) >= NEEDED else 0.0
    return 0.9 if b"`MLMDEnv`" in sample.head or b"CREATE TABLE `ParentContext`" in sample.head else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each artifact, execution, context and listing; a problem for what cannot be read."""
    with ExitStack() as stack:
        try:
            before = stamp(Path(given.path)) if given.path is not None else None
            path = stack.enter_context(still(given))
            connection = stack.enter_context(closing(connect(path)))
            there = columns(connection)
            if not there.keys() >= NEEDED:
                missing = ", ".join(sorted(NEEDED - there.keys()))
                yield Problem("not-mlmd", "the SQLite database lacks tables of ML Metadata", value=missing)
                return
            tables = load(connection)
        except sqlite3.DatabaseError as error:
            yield Problem("unreadable-database", why(error), value=given.name)
            return
        except OSError as error:
            yield Problem("unreadable-database", f"the database cannot be read: {error.strerror or error}")
            return
        yield from tables.problems
        yield from _records(tables, origin)
        if given.path is not None and before != stamp(Path(given.path)):
            reason = "the database was written to while it was read: import it again, or a copy of it"
            yield Problem("changed-while-read", reason, fatal=False)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one row with all that belongs to it states."""
    try:
        said = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason)
        return
    known = isinstance(said, dict) and str(said.get("kind")) in _mlmd_facts.READERS
    reader = _mlmd_facts.read if known else _registry_facts.read
    yield from reader(Record(record.raw, parsed=said))


def _records(tables: Tables, origin: Origin) -> Iterator[Record | Problem]:
    at, problem = observed(origin, latest(tables))
    if problem:
        yield problem
    instance = origin.label("instance") or origin.folder or "unnamed"
    shared = {"form": "mlmd", "instance": instance, "at": at}
    counts = dict.fromkeys(_registry_facts.WHAT, 0)
    registry = False
    for entry in _registry_rows.entries(tables):
        registry = True
        said = {
            **shared,
            "kind": entry.kind,
            "listing": entry.listing,
            "item": entry.item,
            "joined": entry.joined,
        }
        if entry.listing:
            counts[entry.listing] += 1
        yield Record(dumps(said), row=entry.row)
    if registry:
        whole = not tables.damaged & {"Context", "Type"}
        for listing, count in counts.items():
            item: dict[str, Any] = {"listing": listing, "count": count, "complete": whole}
            said = {**shared, "kind": "listing", "item": item}
            yield Record(dumps(said), row=f"listing/{listing}")
    pipelines = 0
    for table, kind, kept in (
        ("Context", "context", tables.contexts),
        ("Artifact", "artifact", tables.artifacts),
        ("Execution", "execution", tables.executions),
    ):
        for thing in kept.values():
            if thing.type.name not in KINDS:
                pipelines += 1
                said = {**shared, "kind": kind, "item": _item(tables, thing, table)}
                yield Record(dumps(said), row=f"{table}/{thing.id}")
    if pipelines:
        for table, kept in (("Artifact", tables.artifacts), ("Execution", tables.executions)):
            whole = not tables.damaged & {table, "Type"}
            item = {"listing": _LISTINGS[table], "count": len(kept), "complete": whole}
            yield Record(dumps({**shared, "kind": "table", "item": item}), row=f"listing/{_LISTINGS[table]}")


def _item(tables: Tables, thing: Thing, table: str) -> dict[str, Any]:
    found = {
        **thing.row,
        "type": thing.type.name,
        "above": list(thing.type.above),
        "properties": thing.properties,
        "custom": thing.custom,
    }
    if table == "Context":
        found["pipelines"] = _names(tables.above(thing, "pipeline", "Pipeline"))
        return found
    runs = tables.of(thing, "pipeline_run", "PipelineRun")
    found["pipelines"] = _names(
        tables.of(thing, "pipeline", "Pipeline")
        or [above for run in runs for above in tables.above(run, "pipeline", "Pipeline")]
    )
    found["runs"] = [{"name": name, "type": run.type.name} for run in runs if (name := run.row.get("name"))]
    if table == "Artifact":
        number = thing.said("current_model_id")
        judged = tables.artifacts.get(number) if isinstance(number, int) else None
        if judged is not None:
            found["judged"] = _used(tables, judged)
        if thing.id in tables.makers:
            found["made_by"] = tables.makers[thing.id]
        return found
    found["nodes"] = _names(tables.of(thing, "node"))
    found["events"] = []
    for event in sorted(tables.events.get(thing.id, []), key=lambda event: str(event.get("id")).zfill(20)):
        artifact = tables.artifacts.get(event.get("artifact_id") or -1)
        said = {
            "type": event.get("type"),
            "at": event.get("milliseconds_since_epoch"),
            "path": tables.paths.get(event.get("id") or -1),
            "artifact": _used(tables, artifact) if artifact is not None else None,
            "artifact_id": event.get("artifact_id"),
        }
        found["events"].append({name: value for name, value in said.items() if value is not None})
    parent = thing.said("parent_dag_id")
    if isinstance(parent, int) and parent in tables.executions:
        found["parent"] = parent
    return found


def _names(contexts: list[Thing]) -> list[str]:
    return [str(context.row["name"]) for context in contexts if context.row.get("name")]


def _used(tables: Tables, artifact: Thing) -> dict[str, Any]:
    """Return what is needed to call an artifact by its name; registered versions by that of their registry."""
    version = next(iter(tables.of(artifact, "ModelVersion")), None)
    found: dict[str, Any] = {
        "id": artifact.id,
        "uri": artifact.row.get("uri") or "",
        "name": artifact.row.get("name") or "",
        "type": artifact.type.name,
        "above": list(artifact.type.above),
        "said": artifact.said("name", "display_name") or "",
        "pushed": artifact.said("pushed_destination") or "",
        "pipelines": _names(
            tables.of(artifact, "pipeline", "Pipeline")
            or [
                above
                for run in tables.of(artifact, "pipeline_run", "PipelineRun")
                for above in tables.above(run, "pipeline", "Pipeline")
            ]
        ),
        "registered": _registry_rows.version_names(tables, version),
    }
    return {name: value for name, value in found.items() if value not in ("", [], {})}
