"""Which columns does a person on a terminal need first, and how do they fit its width?

Columns stand in the order of their importance; what does not fit is left out and counted, never wrapped. Nothing from
outside reaches the terminal with its control characters. `--format json` holds every field.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage.text import display_text

if TYPE_CHECKING:
    from lineage.model.answer import Answer, Item

GAP = "  "
_WITH_PERSON = frozenset({"deployments", "live", "events"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading and what of an item it shows.

    Attributes:
        least: in fewer cells than this it says nothing and is rather left out; `most`: it is never wider.
        tail: keeps the end of a text that does not fit, where the end tells more (paths).
    """

    title: str
    text: Callable[[Item], str]
    least: int = 6
    most: int = 40
    tail: bool = False


def field(name: str, title: str = "", least: int = 6, most: int = 40, *, tail: bool = False) -> Column:
    """Return a column that shows the field `name` as it is."""
    return Column(title or name.replace("_", " "), lambda item: plain(item.get(name)), least, most, tail=tail)


def time(name: str, title: str = "", *, minutes: bool = False) -> Column:
    """Return a column that shows a time to the second, or to the minute."""

    def text(item: Item) -> str:
        said = short_time(item.get(name))
        return f"{said[:16]}Z" if minutes and len(said) == 20 else said

    return Column(title or name.replace("_", " "), text, 17 if minutes else 20, 22)


def table(answer: Answer, verb: str, width: int) -> str:
    """Return a list as a table `width` cells wide, with how many of how many items it shows."""
    lines = rows(answer.items, columns_of(verb, answer.items), width)
    if any(_by(item).startswith("[") for item in answer.items if verb in _WITH_PERSON):
        lines.append(cut("([name] is the principal as recorded: no person is evidenced)", width))
    complete = "" if answer.complete else ", not complete"
    return "\n".join([*lines, f"({answer.shown} of {answer.total}{complete})"]) + "\n"


def rows(items: Sequence[Item], columns: Sequence[Column], width: int) -> list[str]:
    """Return heading and lines; columns in which nothing stands are left out, and columns for which there is no room.

    >>> print(*rows([{"a": "long text", "b": 1}], [field("a", least=4), field("b", least=1)], 8), sep="|")
    a      b|long…  1
    """
    if not items:
        return []
    texts = [[display_text(column.text(item), 400) for column in columns] for item in items]
    kept = [place for place in range(len(columns)) if any(row[place] for row in texts)]
    natural = {
        place: min(
            columns[place].most, max(cells(columns[place].title), *(cells(row[place]) for row in texts))
        )
        for place in kept
    }
    shown: list[int] = []
    taken = 0
    for place in kept:
        need = min(columns[place].least, natural[place]) + (len(GAP) if shown else 0)
        if shown and taken + need > width:
            break
        shown.append(place)
        taken += need
    spare = max(0, width - taken)
    sizes = []
    for place in shown:
        least = min(columns[place].least, natural[place])
        more = min(spare, natural[place] - least)
        spare -= more
        sizes.append(least + more)
    lines = []
    for row in [[column.title for column in columns], *texts]:
        parts = [
            pad(cut(row[place], size, tail=columns[place].tail), size)
            for place, size in zip(shown, sizes, strict=True)
        ]
        lines.append(GAP.join(parts).rstrip())
    hidden = [columns[place].title for place in kept if place not in shown]
    if hidden:
        lines.append(cut(f"(no room for: {', '.join(hidden)})", width))
    return lines


def plain(value: Any) -> str:
    """Return a value of an answer as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        if {"not_before", "not_after"} == value.keys():
            return short_time(value)
        return ", ".join(f"{name}={plain(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(inner) for inner in value)
    return str(value)


def short_time(value: Any) -> str:
    """Return a time to the second, or its two bounds to the day.

    >>> short_time("2026-01-01T10:00:00.250000Z"), short_time({"not_before": None, "not_after": "2026-01-02T00:00:00Z"})
    ('2026-01-01 10:00:00Z', '..2026-01-02')
    """
    if isinstance(value, dict):
        before, after = value.get("not_before") or "", value.get("not_after") or ""
        if before[:10] == after[:10]:
            return f"{before[:10]} {before[11:16]}..{after[11:16]}"
        return f"{before[:10]}..{after[:10]}"
    text = str(value or "")
    if len(text) >= 20 and text[10] == "T" and text.endswith("Z"):
        return f"{text[:10]} {text[11:19]}Z"
    return text


def cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes: two for wide letters, none for marks.

    >>> cells("愛子"), cells("Mira")
    (4, 4)
    """
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def pad(text: str, size: int) -> str:
    """Return `text` filled up to `size` cells."""
    return text + " " * (size - cells(text))


def cut(text: str, size: int, *, tail: bool = False) -> str:
    """Return `text` in at most `size` cells, with a mark where something was left out."""
    if cells(text) <= size:
        return text
    left = size - 1
    kept = []
    for letter in reversed(text) if tail else text:
        left -= _cells_of(letter)
        if left < 0:
            break
        kept.append(letter)
    return "…" + "".join(reversed(kept)) if tail else "".join(kept) + "…"


def _version(item: Item) -> str:
    """The version; of traffic that is divided every one with its share; the candidates where it is one of a few."""
    models = [model for model in item.get("models") or [] if model.get("version")]
    if len(models) > 1:
        return " ".join(f"{model['version']}:{100 * (model['weight'] or 0):.0f}%" for model in models)
    if item.get("model_version"):
        return str(item["model_version"])
    found = [each.get("model_version") or "none" for each in item.get("candidates") or []]
    found += [each.rpartition(" ")[2] for model in item.get("models") or [] for each in model["candidates"]]
    if 0 < len(found) < 4:
        return " or ".join(map(str, found))
    return "" if item.get("action") == "delete" else "?"


def _by(item: Item) -> str:
    """The person; where none is evidenced the principal, between brackets."""
    person = item.get("deployed_by") or item.get("person")
    actor = str(item.get("actor") or "").removeprefix("system:serviceaccount:")
    return str(person) if person else f"[{actor}]" if actor else ""


def _promises(item: Item) -> str:
    return "; ".join(promise(entry) for entry in item.get("sla") or [])


def _attained(item: Item) -> str:
    if item["value"] is None:
        return "no value" if item["coverage"] else "not measured"
    value = f"{100 * item['value']:.6g} %" if item["unit"] == "ratio" else f"{item['value']:g}"
    verdict = {True: "met", False: "missed", None: "undecided"}[item["met"]]
    return f"{verdict} {value}"


def promise(entry: Item) -> str:
    """Return an objective in a few words.

    >>> promise({"metric": "latency", "comparator": "<=", "target": 0.3, "unit": "s", "percentile": 0.95})
    'latency p95 <= 0.3 s'
    """
    target, unit = entry["target"], entry["unit"]
    if unit == "s" and target >= 2 * 86_400:
        target, unit = target / 86_400, "d"
    percentile = f" p{100 * entry['percentile']:g}" if entry.get("percentile") else ""
    bound = f"{entry['comparator']} {target:g} {unit if unit != 'ratio' else ''}"
    return f"{entry['metric']}{percentile} {bound}".strip()


def _model(item: Item) -> str:
    if item.get("model"):
        return str(item["model"])
    named = [
        str(each.get("model") or "nothing") for each in item.get("candidates") or [] if isinstance(each, dict)
    ]
    return " or ".join(dict.fromkeys(named)) or ("" if item.get("action") == "delete" else "not evidenced")


def _thing(item: Item) -> str:
    return str(item.get("display") or item.get("name") or "")


def _count(name: str) -> Column:
    return Column(name, lambda item: str(len(item.get(name) or ())), 7, 7)


def _took(item: Item) -> str:
    from lineage.model.moment import parse

    if not item.get("started_at") or not item.get("ended_at"):
        return ""
    seconds = (parse(item["ended_at"]).lo - parse(item["started_at"]).lo) / 1_000_000
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _right(way: Item) -> str:
    """One way by which somebody could: the role, where, and what is not certain of it."""
    doubts = [] if way["allowed"] else ["denied"]
    doubts += ["on a condition"] if way["conditional"] else []
    doubts += ["perhaps"] if way["holds"] == "perhaps" else []
    doubts += [] if way["role_imported"] else ["role not imported"]
    said = f"{way['role']} on {way['where']}" if way["where"] else str(way["role"])
    return f"{said} ({', '.join(doubts)})" if doubts else said


def _live_then(item: Item) -> str:
    """What was live at an incident's services: each target with its version, and whether that is certain."""
    shown = []
    for each in item.get("deployments") or []:
        version = (each["model_version"] or "?") if each["id"] else "nothing"
        shown.append(f"{each['target']} {version}" + ("" if each["certain"] else " (perhaps)"))
    return ", ".join(shown)


_MODELS = (
    Column("model", _model, 14, 28),
    Column("version", _version, 9, 20),
)
_TARGET = field("target", least=24, most=44, tail=True)
_BY = Column("by", _by, 17, 32)
_SLA = Column("sla", _promises, 21, 60)
_FLAGS = field("flags", least=20, most=40)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "import": (
        field("file", most=60, least=30, tail=True),
        Column("source", lambda item: item["source"] or item["note"] or "?", 16, 18),
        *(
            field(name, least=9)
            for name in ("read", "accepted", "rejected", "problems", "duplicate", "filtered")
        ),
        field("bytes"),
        Column("seconds", lambda item: f"{item['seconds']:.2f}", 7, 8),
    ),
    "sources": (
        field("name", most=24),
        field("facts", "proves", 20, 32),
        field("format", least=30, most=200),
    ),
    "imports": (
        field("batch", least=5),
        time("started_at"),
        Column("files", lambda item: str(len(item["files"])), 5, 8),
        Column("read", lambda item: str(sum(file["read"] for file in item["files"])), 6, 12),
        Column("rejected", lambda item: str(sum(file["rejected"] for file in item["files"])), 8, 12),
        field("size", "log size", 8, 12),
        field("root", least=16, most=64),
        field("paths", least=20, most=60, tail=True),
    ),
    "problems": (
        field("file", least=24, most=48, tail=True),
        Column("line", lambda item: plain(item["line"] or item["row"]), 4, 24, tail=True),
        field("code", least=12, most=24),
        field("reason", least=30, most=80),
        field("field", least=12, most=30),
        field("value", least=12, most=40),
    ),
    "coverage": (
        field("source", most=20, least=16),
        field("what", most=14, least=13),
        time("from"),
        time("to"),
        field("complete", least=8),
        field("records", least=7),
        field("scope", least=24, most=80, tail=True),
    ),
    "entities": (
        field("kind", most=14, least=13),
        Column("name", _thing, 30, 70, tail=True),
        time("first_seen"),
        time("last_seen"),
        time("ended"),
    ),
    "deployments": (
        time("deployed_at", minutes=True),
        field("action", least=8, most=9),
        _TARGET,
        *_MODELS,
        _BY,
        _SLA,
        _FLAGS,
        Column("known by", lambda item: plain(item.get("link_rule")), 12, 24),
        time("ended_at"),
        field("change_ref", "change", 8, 14),
    ),
    "live": (
        _TARGET,
        *_MODELS,
        time("since", minutes=True),
        _BY,
        _SLA,
        _FLAGS,
        field("environment", least=11, most=16),
    ),
    "events": (
        time("at"),
        field("type", least=8, most=14),
        field("outcome", least=7, most=8),
        field("subject", least=24, most=48, tail=True),
        Column("by", _by, 17, 40),
        field("detail", least=24, most=80),
    ),
    "runs": (
        time("started_at"),
        field("job", least=30, most=48, tail=True),
        field("state", least=8, most=9),
        Column("took", _took, 6, 10),
        _count("inputs"),
        _count("outputs"),
        field("problems", least=17, most=40),
        field("actor", "by", 12, 24),
        field("run_id", least=12, most=36),
    ),
    "sla": (
        field("name", least=20, most=36),
        field("version", least=7, most=10),
        field("subject", least=14, most=32, tail=True),
        Column("objective", promise, 21, 40),
        Column("attained", _attained, 12, 22),
        field("method", least=11, most=16),
        time("effective_from", "from"),
        time("effective_to", "to"),
        field("basis", least=10, most=12),
        Column("deployments", lambda item: str(len(item["episodes"])), 11, 11),
        field("document", least=28, most=60, tail=True),
    ),
    "access": (
        field("principal", least=24, most=44, tail=True),
        field("person", least=12, most=28),
        Column("could by", lambda item: plain([_right(each) for each in item["could"]]), 24, 60),
        Column("did", lambda item: str(len(item["did"])), 4, 6),
        field("right", "with right", 10, 12),
        Column("last change", lambda item: short_time(item["did"][-1]["at"]) if item["did"] else "", 20, 22),
        field("system", least=10, most=20),
    ),
    "incidents": (
        time("opened_at", minutes=True),
        field("number", least=8, most=14),
        field("state", least=8, most=12),
        field("title", least=20, most=44),
        Column("live then", _live_then, 24, 60, tail=True),
        time("acknowledged_at", minutes=True),
        time("resolved_at", minutes=True),
        field("priority", least=6, most=14),
        field("unmatched", "no target for", 12, 30),
    ),
    "checks": (
        time("at"),
        field("verdict", least=7, most=7),
        field("dataset", least=24, most=48, tail=True),
        field("check", least=16, most=44),
        field("column", least=8, most=24),
        field("value", least=6, most=14),
        field("run", least=12, most=36),
    ),
    "findings": (
        field("severity", least=8, most=8),
        field("code", least=22, most=26),
        field("subject", least=24, most=44, tail=True),
        field("text", least=24, most=200),
    ),
    "identity": (
        field("id", least=3, most=6),
        field("action", least=9, most=10),
        field("one", least=24, most=60, tail=True),
        field("other", least=24, most=60, tail=True),
        Column("holds", lambda item: "yes" if item["holds"] else "no", 5, 5),
        field("who", least=10, most=24),
        field("why", least=12, most=60),
        time("at"),
        field("undone_by", least=9, most=9),
    ),
    "report": (
        field("file", least=20, most=60, tail=True),
        field("rows", least=4),
        field("sha256", least=16, most=64),
        field("kind", least=12),
        field("title", least=16),
        field("formats", least=12),
    ),
    "self-test": (
        field("part", least=10, most=30),
        field("passed", least=6),
        field("seen", least=30, most=200),
    ),
}
"""The columns of every verb that answers with a list, the most important first."""


def columns_of(verb: str, items: Sequence[Item]) -> tuple[Column, ...]:
    """Return the columns of a verb; of one without columns of its own, every field."""
    if verb in COLUMNS:
        return COLUMNS[verb]
    names = dict.fromkeys(name for item in items for name in item if name != "evidence")
    return tuple(field(name, most=60) for name in names)
