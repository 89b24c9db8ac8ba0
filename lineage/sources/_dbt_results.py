"""What did one invocation of dbt do: which node ran and how did it end, what did tests, freshness and catalogue find?

A skipped node is no failed node, a test that was skipped has no verdict, and a warning is a verdict that the data is
bad (sources-ops 0.2, 0.3). What the artifact says is all that is said: dbt-ol's events report skipped tests as failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lineage.model.facts import Entity, Fact, Json, Key, Measured, Run
from lineage.model.moment import Moment
from lineage.model.naming import column, dataset
from lineage.model.vocabulary import Kind, RunState
from lineage.source import Filtered, Origin, Problem
from lineage.sources import _dbt_places as places
from lineage.sources._dbt_graph import items, mapping, package_of, word
from lineage.sources._dbt_nodes import job, plain, present, time
from lineage.text import clip

_BUILT = frozenset({"model", "seed", "snapshot", "operation"})
_TESTS = frozenset({"test", "unit_test"})
_STATES = {
    "success": RunState.COMPLETE,
    "pass": RunState.COMPLETE,
    "warn": RunState.COMPLETE,
    "error": RunState.FAIL,
    "runtime error": RunState.FAIL,
    "fail": RunState.FAIL,
    # Some batches of a microbatch model failed: dbt itself ends with an error.
    "partial success": RunState.FAIL,
    "skipped": RunState.OTHER,
    "reused": RunState.OTHER,
}
_VERDICTS = {"pass": True, "success": True, "fail": False, "warn": False}
_DIGEST = re.compile(r"\.[0-9a-f]{10}$")
_NONE = frozenset({"skipped", "error", "runtime error", "reused"})
_ROWS = frozenset({"num_rows", "row_count", "rows"})
_BYTES = frozenset({"num_bytes", "bytes", "size"})


class _Result(NamedTuple):
    """One result: of which node, what it says, what holds for its artifact, the whole record, and when it ended."""

    name: str
    said: Mapping[str, Any]
    about: Mapping[str, Any]
    body: Mapping[str, Any]
    at: Moment
    origin: Origin


def read(body: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one result of `run_results.json`, or one entry of `sources.json` or `catalog.json`, states."""
    about, result = mapping(body.get("about")), mapping(body.get("result"))
    name = _name(result)
    if not package_of(name):
        missing = "the result names no node" if not name else "a unique id has a type, a package and a name"
        yield Problem("missing-field" if not name else "bad-value", missing, "unique_id", clip(name))
        return
    problems: list[Problem] = []
    made = time(word(about.get("generated_at")), "metadata.generated_at", origin, problems, missing=True)
    artifact = body.get("artifact")
    if artifact == "catalog":
        yield from problems
        yield from _table(name, result, about, body, made, origin)
        return
    ended = _ended(result, made, origin, problems)
    if ended is None:
        yield Problem(
            "missing-field", "neither the result nor the artifact has a time", "metadata.generated_at"
        )
        return
    yield from problems
    if artifact == "sources":
        yield from _fresh(_Result(name, result, about, body, ended, origin))
    else:
        yield from _ran(_Result(name, result, about, body, ended, origin))


def _name(result: Mapping[str, Any]) -> str:
    return word(result.get("unique_id")) or word(mapping(result.get("node")).get("unique_id"))


def _timing(result: Mapping[str, Any], field: str, origin: Origin, problems: list[Problem]) -> list[Moment]:
    """Return the times of the steps, in order; as texts they cannot be sorted, since dbt leaves out a fraction of 0."""
    texts = [word(mapping(step).get(field)) for step in items(result.get("timing"))]
    found = [time(text, f"timing.{field}", origin, problems) for text in texts]
    return sorted((moment for moment in found if moment is not None), key=lambda moment: moment.lo)


def _ended(
    result: Mapping[str, Any], made: Moment | None, origin: Origin, problems: list[Problem]
) -> Moment | None:
    steps = _timing(result, "completed_at", origin, problems)
    return steps[-1] if steps else made


def _status(result: Mapping[str, Any]) -> str:
    """Return the status in small letters; before dbt 0.19 it is the database's answer, and flags say how it went."""
    if "unique_id" in result:
        return word(result.get("status")).lower()
    if result.get("skip") is True:
        return "skipped"
    if result.get("error"):
        return "error"
    failed, warned = result.get("fail") is True, result.get("warn") is True
    return "fail" if failed else "warn" if warned else "success"


def _invocation(about: Mapping[str, Any]) -> str:
    return word(about.get("invocation_id")) or word(about.get("generated_at"))


def _ran(one: _Result) -> Iterator[Fact | Problem | Filtered]:
    name, result, about, _, ended, origin = one
    kind, status = name.partition(".")[0], _status(result)
    if status == "no-op":
        yield Filtered("no-op")
        return
    if kind in _TESTS:
        yield from _tested(one, kind, status)
        return
    if kind not in _BUILT:
        yield Filtered(kind)
        return
    if status not in _STATES:
        yield Problem(
            "unknown-status", "dbt has no such status that is known here", "status", clip(status), fatal=False
        )
    problems: list[Problem] = []
    starts = _timing(result, "started_at", origin, problems)
    yield from problems
    made = job(name)
    response = mapping(result.get("adapter_response"))
    state = _STATES.get(status, RunState.OTHER)
    message = plain(word(result.get("message")) or word(result.get("error")))
    attributes = present(
        {
            "dbt_invocation_id": _invocation(about),
            "dbt_status": status,
            "skipped": True if status == "skipped" else None,
            "dbt_command": about.get("command"),
            "dbt_target": about.get("target"),
            "dbt_version": about.get("dbt_version"),
            "dbt_cloud": about.get("cloud"),
            "rows_affected": response.get("rows_affected"),
            "query_id": response.get("query_id") or response.get("job_id"),
            "batches": _batches(mapping(result.get("batch_results"))),
            "error" if state is RunState.FAIL else "message": message,
        }
    )
    yield Run(
        Key(Kind.RUN, made.namespace, _invocation(about)),
        made,
        state,
        ended,
        started=starts[0] if starts else None,
        ended=ended if state in (RunState.COMPLETE, RunState.FAIL) else None,
        attributes=attributes,
    )


def _batches(said: Mapping[str, Any]) -> dict[str, Json]:
    return {name: len(items(said.get(name))) for name in ("successful", "failed") if name in said}


def _joined(body: Mapping[str, Any], detail: dict[str, Json]) -> None:
    if body.get("joined_by"):
        detail["joined_by"] = body["joined_by"]


def _tested(one: _Result, kind: str, status: str) -> Iterator[Fact | Problem]:
    name, result, about, body, ended, origin = one
    check = mapping(body.get("check"))
    relation = mapping(check.get("of"))
    if kind == "unit_test":
        # It checks a model's code against rows made up for it, so it says nothing of a table.
        subject = job(word(relation.get("id")) or "model." + ".".join(name.split(".")[1:3]))
    elif relation:
        subject = places.table(relation, mapping(body.get("place")), origin)
    else:
        subject = job(name)
    if status not in _VERDICTS and status not in _NONE:
        yield Problem(
            "unknown-status", "dbt has no such status that is known here", "status", clip(status), fatal=False
        )
    failures = result.get("failures", result.get("fail"))
    title = name.split(".", 2)[2]
    # Tests made from a template end in a digest of their arguments; dbt-ol's events call them without it.
    title = _DIGEST.sub("", title)
    detail: dict[str, Json] = present(
        {
            "test": name,
            "name": title,
            "status": status,
            "column": check.get("column"),
            "dbt_invocation_id": _invocation(about),
            "message": plain(word(result.get("message")) or word(result.get("error")), 500),
        }
    )
    _joined(body, detail)
    severity = "warn" if status == "warn" else "error" if status == "fail" else word(check.get("severity"))
    yield Measured(
        subject,
        "unit_test" if kind == "unit_test" else word(check.get("metric")) or title,
        ended,
        value=_number(failures),
        unit="failures" if _number(failures) is not None else "",
        success=_VERDICTS.get(status),
        severity=severity,
        detail=detail,
    )


def _fresh(one: _Result) -> Iterator[Fact | Problem]:
    name, result, about, body, ended, origin = one
    relation = mapping(body.get("relation"))
    if relation:
        subject = places.table(relation, mapping(body.get("place")), origin)
    else:
        subject = dataset(f"{places.UNPLACED}{package_of(name)}", name)
    problems: list[Problem] = []
    at = time(word(result.get("snapshotted_at")), "snapshotted_at", origin, problems) or ended
    yield from problems
    status = (word(result.get("status")) or word(result.get("state"))).lower()
    criteria = mapping(result.get("criteria"))
    age = result.get("max_loaded_at_time_ago_in_s")
    known = _number(age) is not None
    stale = status in ("warn", "error") and known
    detail: dict[str, Json] = present(
        {
            "source": name,
            "status": status,
            "max_loaded_at": result.get("max_loaded_at"),
            "warn_after": _period(criteria.get("warn_after")),
            "error_after": _period(criteria.get("error_after")),
            "dbt_invocation_id": _invocation(about),
            "message": plain(word(result.get("error")), 500),
        }
    )
    _joined(body, detail)
    yield Measured(
        subject,
        "freshness",
        at,
        value=_number(age),
        unit="s" if known else "",
        success=True if status == "pass" else False if stale else None,
        severity=status if stale else "",
        detail=detail,
    )


def _period(said: Any) -> str:
    """Return a limit as ISO 8601 duration.

    >>> _period({"count": 12, "period": "hour"}), _period({"count": 2, "period": "day"})
    ('PT12H', 'P2D')
    """
    limit = mapping(said)
    count, period = word(limit.get("count")), word(limit.get("period"))
    if not count or period not in ("minute", "hour", "day"):
        return ""
    return f"P{count}D" if period == "day" else f"PT{count}{period[0].upper()}"


def _table(
    name: str,
    result: Mapping[str, Any],
    about: Mapping[str, Any],
    body: Mapping[str, Any],
    at: Moment | None,
    origin: Origin,
) -> Iterator[Fact]:
    stored = mapping(result.get("metadata"))
    place = mapping(body.get("place"))
    relation = {
        "package": package_of(name),
        "database": stored.get("database"),
        "schema": stored.get("schema"),
        "name": stored.get("name"),
    }
    held = mapping(body.get("relation"))
    parts = ("database", "schema", "name")
    if held and all(word(held.get(part)).lower() == word(relation[part]).lower() for part in parts):
        # The catalogue has the case that the database stores, the manifest that of the project's files.
        relation = dict(held)
    here = places.table(relation, place, origin)
    listing = f"dbt-catalog:{word(place.get('project')) or package_of(name)}"
    stats = {
        key: value.get("value")
        for key, said in mapping(result.get("stats")).items()
        if (value := mapping(said)).get("include") is True
    }
    columns = sorted(
        ((mapping(said), key) for key, said in mapping(result.get("columns")).items()),
        key=lambda pair: (pair[0].get("index") if isinstance(pair[0].get("index"), int) else 0, pair[1]),
    )
    names = [word(said.get("name")) or key for said, key in columns]
    attributes = present(
        {
            "dbt": name,
            "table_type": stored.get("type"),
            "comment": plain(word(stored.get("comment"))),
            "database_owner": stored.get("owner"),
            "schema": [
                present({"name": field, "type": said.get("type"), "description": word(said.get("comment"))})
                for (said, _), field in zip(columns, names, strict=True)
            ],
            "stats": stats,
        }
    )
    yield Entity(here, attributes, at, listing)
    for (said, _), field in zip(columns, names, strict=True):
        about_it = present(
            {
                "type": said.get("type"),
                "position": said.get("index"),
                "comment": plain(word(said.get("comment"))),
            }
        )
        yield Entity(column(here, field), about_it, at, listing)
    if at is None:
        return
    for key, found in stats.items():
        if _number(found) is not None and key.lower() in _ROWS | _BYTES:
            rows = key.lower() in _ROWS
            yield Measured(
                here, "rowCount" if rows else "size", at, _number(found), "rows" if rows else "bytes"
            )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
