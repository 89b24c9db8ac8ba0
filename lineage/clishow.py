"""How does an answer that is no list (one thing, a lineage, paths, a digest) look on a terminal?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lineage.clitable import Column, cells, cut, field, pad, plain, rows, short_time, table, time
from lineage.text import display_text

if TYPE_CHECKING:
    from lineage.model.answer import Answer, Item

_INDENT = "  "
_LINES = 3
"""A value is cut after so many lines, and it is said so."""

_FIRST = 12
"""So many events, checks and neighbours are listed before it is said how many more there are."""

EDGES = (
    Column("from", lambda edge: _name(edge["from_display"]), 26, 56, tail=True),
    field("type", least=10, most=12),
    Column("to", lambda edge: _name(edge["to_display"]), 26, 56, tail=True),
    field("basis", least=12, most=22),
    time("valid_from", "since"),
    time("valid_to", "until"),
    Column("sure", lambda edge: f"{100 * edge['confidence']:.0f} %", 5, 6),
    field("rule", least=12, most=28),
)


def pairs(said: Iterable[tuple[str, Any]], width: int) -> list[str]:
    """Return names and values below each other; a value goes on in the next line where it is too long."""
    shown = [(name, display_text(plain(value), 4000)) for name, value in said]
    room = max((cells(name) for name, _ in shown), default=0)
    lines = []
    for name, value in shown:
        parts = _wrapped(value, max(20, width - room - len(_INDENT))) or [""]
        if len(parts) > _LINES:
            parts = [*parts[:_LINES], "… (--format json shows all)"]
        lines.append(f"{pad(name, room)}{_INDENT}{parts[0]}".rstrip())
        lines.extend(" " * (room + len(_INDENT)) + part for part in parts[1:])
    return lines


def _wrapped(text: str, room: int) -> list[str]:
    """Break a text at spaces, and where there is none anywhere."""
    lines = []
    while cells(text) > room:
        head = cut(text, room + 1)[:-1]
        space = head.rfind(" ")
        if space > room // 3:
            head = head[:space]
        lines.append(head)
        text = text[len(head) :].lstrip(" ")
    return [*lines, text] if text else lines


def _name(text: str) -> str:
    """Return the name of a thing; of a run, whose name is only an id, its beginning."""
    return f"{text[:12]}…" if len(text) in {32, 36} and set(text) <= set("0123456789abcdef-") else text


def _section(title: str, lines: list[str], more: int = 0) -> list[str]:
    if not lines:
        return []
    last = [f"{_INDENT}… and {more} more (--format json)"] if more > 0 else []
    return ["", title, *(_INDENT + line for line in lines), *last]


def _trace(answer: Answer, width: int) -> list[str]:
    lines = []
    for item in answer.items:
        if item["edges"]:
            lines.extend(rows(item["edges"], EDGES, width))
        else:
            lines.extend(
                rows(item["nodes"], (field("kind", most=14), field("display", "name", 20, 70)), width)
            )
            lines.append("(nothing is known to lead there or on from there)")
        lines.append(f"({len(item['nodes'])} things, {len(item['edges'])} relations)")
    return lines


def _paths(answer: Answer, width: int) -> list[str]:
    lines = []
    for item in answer.items:
        for number, path in enumerate(item["display"], 1):
            lines.append(f"path {number}, {len(path) - 1} steps")
            lines.extend(cut(f"{_INDENT}{display_text(_name(name))}", width) for name in path)
        count = item["count"]
        lines.append(
            "(more paths than can be counted: they run in circles)"
            if count is None
            else f"({len(item['paths'])} of {count} paths)"
        )
    return lines


def _show(answer: Answer, width: int) -> list[str]:
    lines: list[str] = []
    for item in answer.items:
        lines.extend(_thing(item, width))
    return lines


def _thing(item: Item, width: int) -> list[str]:
    inner = width - len(_INDENT)
    said = [
        ("id", item["id"]),
        ("also called", [f"{alias['namespace']}/{alias['name']}" for alias in item["aliases"]]),
        ("first seen", short_time(item["first_seen"])),
        ("last seen", short_time(item["last_seen"])),
        ("ended", short_time(item["ended"])),
    ]
    lines = [*_wrapped(f"{item['kind']} {display_text(item['display'])}", width), *pairs(_said(said), width)]
    attributes = [(name, value) for name, value in sorted(item["attributes"].items())]
    lines += _section("attributes", pairs(_said(attributes), inner))
    for title, end in (("fed by", "to"), ("feeds", "from")):
        edges = [edge for edge in item["edges"] if edge[end] == item["id"]]
        other = "from" if end == "to" else "to"
        columns = tuple(column for column in EDGES if column.title != end)
        ordered = sorted(edges, key=lambda edge: (edge["type"], edge[f"{other}_display"]))
        lines += _section(title, rows(ordered[:_FIRST], columns, inner), len(edges) - _FIRST)
    events = (time("at"), field("type", most=14), field("outcome", most=8), field("actor", "by", 12, 44))
    lines += _section("events", rows(item["events"][-_FIRST:], events, inner), item["events_total"] - _FIRST)
    checks = (
        time("at"),
        field("metric", least=8, most=28),
        Column("result", _verdict, 6, 12),
        field("severity", least=8, most=8),
        field("detail", least=12, most=80),
    )
    for title, name in (("checks that failed", "failed_checks"), ("newest figures and checks", "checks")):
        listed = item[name][:_FIRST]
        total = item["checks_total"] if name == "checks" else len(item[name])
        lines += _section(title, rows(listed, checks, inner), total - len(listed))
    places = [
        f"{entry['file']}:{entry.get('line') or entry.get('row', '')}  sha256 {entry['sha256']}"
        for entry in item["evidence"]
    ]
    return lines + _section(
        "evidence", [part for place in places for part in _wrapped(display_text(place, 2000), inner)]
    )


def _said(said: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in said if value not in (None, "", [], {})]


def _verdict(check: Item) -> str:
    if check["success"] is None:
        return plain(check["value"])
    return "passed" if check["success"] else "failed"


def _pairs(answer: Answer, width: int) -> list[str]:
    return [
        line
        for item in answer.items
        for line in pairs(((name, value) for name, value in item.items() if name != "evidence"), width)
    ]


def _verified(answer: Answer, width: int) -> list[str]:
    """Say what was checked, every failure in a line of its own, and how old the last outside anchor is."""
    lines = []
    for item in answer.items:
        failed = item["failed"]
        said = [("result", "nothing was changed" if not failed else f"{len(failed)} failures")]
        said += [(name, item[name]) for name in ("checked", "tree_size", "root") if name in item]
        anchors = item["anchors"]
        held = [f"{anchor['name']} ({anchor['form']}, {anchor['age_days']} days old)" for anchor in anchors]
        nothing = "none: a log that its owner made anew in full cannot be told from the first one"
        said.append(("anchors", ", ".join(held) or nothing))
        lines += pairs(said, width)
        for failure in failed:
            where = f"{failure.get('file', '')} line {failure['line']}" if failure.get("line") else ""
            text = f"{failure['what']}: {failure['where']}: {failure['text']}"
            lines.append(display_text(f"{text} ({where})" if where else text, 1000))
    return lines


PAGES: dict[str, Callable[[Answer, int], list[str]]] = {
    "trace": _trace,
    "paths": _paths,
    "show": _show,
    "digest": _pairs,
    "rebuild": _pairs,
    "verify": _verified,
    "checkpoint": lambda answer, _: [str(item["note"]).rstrip("\n") for item in answer.items],
    "anchor": _pairs,
    "seal": _pairs,
}
"""How each verb that does not answer with a list is shown."""


def shown(answer: Answer, verb: str, width: int) -> str:
    """Return an answer as a person at a terminal `width` cells wide reads it: a page, or a table."""
    if verb in PAGES:
        return "\n".join(PAGES[verb](answer, width)) + "\n"
    return table(answer, verb, width)
