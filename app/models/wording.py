"""How is a value of an answer said in words? Times, people, models, SLAs, sizes; absent values are said, not blank.

Everything that comes from outside goes through `plain`: no control, bidirectional or zero-width characters reach the
screen (DESIGN 2.13).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lineage.clock import now
from lineage.text import display_text

Item = Mapping[str, Any]

NO_PERSON = "no person evidenced"
NO_MODEL = "model unknown"
NOTHING = "nothing serves"
NO_SLA = "no SLA assigned"
STILL = "still serving"

ACTIONS = {
    "deploy": ("rocket", "deploy", "a version that was not serving there before"),
    "redeploy": ("repeat", "redeploy", "the same version again"),
    "rollback": ("undo-2", "rollback", "an earlier version replaces a later one"),
    "canary": ("git-branch", "canary", "a second version gets part of the traffic"),
    "promote": ("circle-check", "promote", "the canary takes all traffic"),
    "traffic": ("percent", "traffic", "only the shares of traffic changed"),
    "delete": ("trash-2", "delete", "the target was deleted"),
    "change": ("pencil", "change", "something changed, the model is not evidenced"),
}
"""Icon, word and meaning of each action of the register (CONTRACT.md, `deployments`)."""

KINDS = {"feature-view": "feature view", "model-version": "model version", "sla": "SLA"}
"""How a kind of thing is called, where its name in answers is not the word."""


def plain(value: object, limit: int = 500) -> str:
    """Return any value of an answer as one line of text that is safe to show."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return display_text(value, limit)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and ("not_before" in value or "not_after" in value):
        return when(value)
    if isinstance(value, Mapping):
        return display_text(", ".join(f"{key} {plain(part)}" for key, part in value.items()), limit)
    if isinstance(value, (list, tuple)):
        return display_text(", ".join(plain(part) for part in value), limit)
    return display_text(str(value), limit)


def bounds(value: object) -> tuple[str, str]:
    """Return the first and last moment of a time of an answer, as ISO text; empty where it has none."""
    if isinstance(value, str):
        return value, value
    if isinstance(value, Mapping):
        return str(value.get("not_before") or ""), str(value.get("not_after") or "")
    return "", ""


def when(value: object) -> str:
    """Return a time for a column that says UTC in its header; an uncertain one as the interval it lies in.

    >>> when("2026-06-01T10:00:05.250000Z")
    '2026-06-01 10:00:05'
    >>> when({"not_before": "2026-06-01T00:00:00Z", "not_after": "2026-06-03T00:00:00Z"})
    '2026-06-01 00:00:00 to 2026-06-03 00:00:00'
    """
    first, last = bounds(value)
    if first == last:
        return _short(first)
    if not first:
        return f"before {_short(last)}"
    if not last:
        return f"after {_short(first)}"
    return f"{_short(first)} to {_short(last)}"


def when_in_full(value: object, text: object = None) -> str:
    """Return a time with its zone, how long ago that is, and what the source wrote."""
    first, last = bounds(value)
    if not first and not last:
        return ""
    if first == last:
        lines = [f"{first.replace('T', ' ').removesuffix('Z')} UTC", ago(first)]
    else:
        lines = [
            f"not before {_short(first) or 'unknown'} UTC",
            f"not after {_short(last) or 'unknown'} UTC",
            "the source keeps no history, so the exact time is not known",
        ]
    if isinstance(text, str) and text and text != first:
        lines.append(f"as recorded: {plain(text)}")
    return "\n".join(line for line in lines if line)


def ago(text: str, at: int | None = None) -> str:
    """Return how long before now (or before the microsecond `at`) an ISO time is, in one unit.

    >>> ago("2026-06-01T10:00:00Z", 1780308000000000 + 7_200_000_000)
    '2 hours ago'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (now() if at is None else at) / 1e6 - moment.timestamp()
    future = seconds < 0
    seconds = abs(seconds)
    for size, unit in (
        (31_557_600, "year"),
        (2_629_800, "month"),
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
    ):
        if seconds >= size:
            count = int(seconds // size)
            words = f"{count} {unit}{'s' if count != 1 else ''}"
            return f"in {words}" if future else f"{words} ago"
    return "in less than a minute" if future else "less than a minute ago"


def model_of(item: Item) -> str:
    """Return model and version of a deployment, the heaviest first; `model unknown` where none is evidenced."""
    parts = [part for part in item.get("models") or [] if part.get("model")]
    if item.get("action") == "delete" and not parts:
        return NOTHING
    if not parts:
        name = item.get("model")
        version = item.get("model_version") or item.get("version")
        if name:
            return plain(f"{name} {version}" if version else str(name))
        candidates = [
            candidate for part in item.get("models") or [] for candidate in part.get("candidates") or []
        ] or item.get("candidates")
        return f"{NO_MODEL} ({len(candidates)} candidates)" if candidates else NO_MODEL
    parts = sorted(parts, key=lambda part: -(part.get("weight") or 0))
    words = []
    for part in parts:
        text = f"{part['model']} {part.get('version') or ''}".strip()
        if len(parts) > 1 and part.get("weight") is not None:
            text += f" ({part['weight']:.0%})"
        words.append(text)
    return plain(" + ".join(words))


def person(item: Item) -> str:
    """Return who deployed it, or that no person is evidenced: never a guess (DESIGN 2.7)."""
    return plain(item.get("deployed_by") or item.get("person")) or NO_PERSON


def sla_of(item: Item) -> str:
    """Return what the SLA versions in force promise, in short."""
    agreements = [part for part in item.get("sla") or [] if isinstance(part, Mapping)]
    names = dict.fromkeys(plain(objective({**part, "window": ""})) for part in agreements)
    return ", ".join(names) or NO_SLA


def objective(agreement: Item) -> str:
    """Return one objective of an SLA: its metric, what it promises and over which time.

    >>> objective({"metric": "availability", "comparator": ">=", "target": 0.995, "unit": "ratio", "window": "P28D"})
    'availability ≥ 99.5 % over 28 days'
    """
    target, unit = agreement.get("target"), agreement.get("unit") or ""
    if unit == "ratio" and isinstance(target, (int, float)):
        value = f"{target * 100:.6g} %"
    else:
        value = (
            f"{target:.6g} {unit}".strip()
            if isinstance(target, (int, float))
            else f"{target or ''} {unit}".strip()
        )
    metric = agreement.get("metric") or agreement.get("name") or ""
    comparator = str(agreement.get("comparator") or "").replace(">=", "≥").replace("<=", "≤")
    text = " ".join(str(part) for part in (metric, comparator, value) if part)
    window = duration(agreement.get("window"))
    return f"{text} over {window}" if window else text


def duration(text: object) -> str:
    """Return an ISO 8601 duration of one unit in words, any other as it stands.

    >>> duration("P28D"), duration("PT1H"), duration("P1M")
    ('28 days', '1 hour', '1 month')
    """
    if not isinstance(text, str) or not text:
        return ""
    body = text.removeprefix("P")
    units = {"Y": "year", "M": "month", "W": "week", "D": "day"}
    if body.startswith("T"):
        body, units = body[1:], {"H": "hour", "M": "minute", "S": "second"}
    number, unit = body[:-1], units.get(body[-1:])
    if unit is None or not number.isdecimal():
        return text
    return f"{number} {unit}{'' if number == '1' else 's'}"


def size(count: object) -> str:
    """Return a number of bytes for people.

    >>> size(1_234_567)
    '1.2 MB'
    """
    if not isinstance(count, (int, float)):
        return ""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def number(count: object) -> str:
    """Return a count with its thousands apart."""
    return f"{count:,}" if isinstance(count, (int, float)) and not isinstance(count, bool) else ""


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> counted(1, "file"), counted(2_000, "entry", "entries")
    ('1 file', '2,000 entries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def place_of(evidence: Item) -> str:
    """Return file, line or row, and offset of an evidence reference.

    >>> place_of({"file": "audit/log.jsonl", "line": 12, "offset": 4096})
    'audit/log.jsonl:12, byte 4,096'
    """
    text = plain(evidence.get("file")) or "unknown file"
    if evidence.get("line"):
        text += f":{evidence['line']}"
    elif evidence.get("row"):
        text += f", {plain(evidence['row'])}"
    # A row of a database has no place in bytes.
    if isinstance(evidence.get("offset"), int) and (evidence.get("line") or not evidence.get("row")):
        text += f", byte {evidence['offset']:,}"
    return text


def _short(text: str) -> str:
    return text.replace("T", " ").removesuffix("Z").partition(".")[0]
