"""What is wrong with an event that does not have an event's shape, and what of it can still be used?

Called only for records that the typed decoder refuses. An event stands when its run id (or what takes its place),
its job and its time are sound; anything else of the wrong shape is named and left out.
"""

from __future__ import annotations

import json
from typing import Any

from lineage.source import Problem
from lineage.text import clip

_TOP = ("eventTime", "eventType", "run", "job", "dataset", "inputs", "outputs", "schemaURL")


def repair(value: Any) -> tuple[bytes, list[Problem]]:
    """Return the usable part of an event as JSON (empty: there is none), and the problems of the rest."""
    problems: list[Problem] = []
    if not isinstance(value, dict) or not any(
        name in value for name in ("eventTime", "run", "job", "dataset")
    ):
        problems.append(Problem("not-an-event", "this is no OpenLineage event", value=clip(value)))
        return b"", problems
    event: dict[str, Any] = {}
    for name in ("eventTime", "eventType", "schemaURL"):
        text = _text(value, name, name, problems, fatal=name == "eventTime")
        if text:
            event[name] = text
    if value.get("run") is not None:
        event["run"] = _part(value, "run", ("runId",), problems, fatal=True)
    if value.get("job") is not None:
        event["job"] = _part(value, "job", ("namespace", "name"), problems, fatal=True)
    if value.get("dataset") is not None:
        used = "run" not in event and "job" not in event
        event["dataset"] = _part(value, "dataset", ("namespace", "name"), problems, fatal=used)
    for side in ("inputs", "outputs"):
        event[side] = _datasets(value, side, problems)
    if any(problem.fatal for problem in problems):
        return b"", problems
    return _encode(event, problems), problems


def _text(holder: dict[str, Any], name: str, field: str, problems: list[Problem], *, fatal: bool) -> str:
    value = holder.get(name)
    if isinstance(value, str) and (value or not fatal):
        return value
    if value not in (None, ""):
        problems.append(Problem("bad-type", "this must be text", field, clip(value), fatal=fatal))
    elif fatal:
        problems.append(Problem("missing-field", "the field is missing", field))
    return ""


def _part(
    event: dict[str, Any], name: str, names: tuple[str, ...], problems: list[Problem], *, fatal: bool
) -> dict[str, Any] | None:
    value = event[name]
    if not isinstance(value, dict):
        problems.append(Problem("bad-type", "this must be an object", name, clip(value), fatal=fatal))
        return None
    return _named(value, name, names, problems, fatal=fatal)


def _named(
    value: dict[str, Any], field: str, names: tuple[str, ...], problems: list[Problem], *, fatal: bool
) -> dict[str, Any] | None:
    """Return the object with its names and facets; None when a name is not sound."""
    before = len(problems)
    part: dict[str, Any] = {}
    for name in names:
        missing = not value.get(name)
        part[name] = _text(value, name, f"{field}.{name}", problems, fatal=fatal)
        if missing and not fatal:
            problems.append(Problem("missing-field", "the field is missing", f"{field}.{name}", fatal=False))
    if len(problems) > before:
        return None
    for name in ("facets", "inputFacets", "outputFacets"):
        if value.get(name) is not None:
            part[name] = value[name]
    return part


def _datasets(event: dict[str, Any], side: str, problems: list[Problem]) -> list[dict[str, Any]]:
    given = event.get(side)
    if given is None:
        return []
    if not isinstance(given, list):
        problems.append(Problem("bad-type", "this must be a list", side, clip(given), fatal=False))
        return []
    kept = []
    for number, item in enumerate(given):
        field = f"{side}[{number}]"
        if not isinstance(item, dict):
            problems.append(Problem("bad-type", "this must be an object", field, clip(item), fatal=False))
            continue
        part = _named(item, field, ("namespace", "name"), problems, fatal=False)
        if part is not None:
            kept.append(part)
    return kept


def _encode(event: dict[str, Any], problems: list[Problem]) -> bytes:
    text = json.dumps(event, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        reason = "half of a surrogate pair stands in a text; it is read as ?"
        problems.append(Problem("bad-encoding", reason, value=repr(text[error.start])[:80], fatal=False))
        return text.encode("utf-8", "replace")
