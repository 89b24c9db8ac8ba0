"""What does a cell of a table mean as a time, a number, a word or a list, the way a mapping says it is written?

Nothing is guessed: a date whose day and month can be read either way is refused until the mapping says the order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from lineage.model.facts import Json
from lineage.model.moment import Moment, from_milliseconds, from_seconds, to_iso
from lineage.source import Origin, Problem
from lineage.sources._agreement_times import AmbiguousDateError, moment_of
from lineage.sources._csv_rows import spelling
from lineage.sources._incident import plain_time
from lineage.sources._table_fields import Field
from lineage.sources._table_mapping import Table
from lineage.text import MalformedError, clip

_DIGITS = re.compile(r"\d[\d.,' \u00a0\u202f]*\d|\d")
_YEAR_LAST = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}(?!\d)")
_SHORT_YEAR = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d\d(?:[ T].*)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TRUE = {"pass": ("true", "yes", "1", "ok", "passed"), "fail": ("false", "no", "0", "failed")}


def said_by(
    table: Table, cells: Mapping[str, Json], report: Callable[[Problem], None]
) -> dict[str, str] | None:
    """Return what the cells of a row say by field, as text in one spelling; None when a field that is needed is bad.

    Times become what `lineage.model.moment` reads, numbers have a decimal point, shares lie in 0..1. A bad cell is
    reported with its column and its value; where its field decides, nothing of the row can be used.
    """
    said: dict[str, str] = {}
    sound = True
    loose = {spelling(name): value for name, value in cells.items()}
    for field in table.statement.fields:
        column = table.columns.get(field.name)
        if column is None:
            value: Json = table.constants.get(field.name, "")
        else:
            value = cells[column] if column in cells else loose.get(spelling(column))
        try:
            text = _meant(table, field, value)
        except MalformedError as error:
            sound = sound and not field.decisive
            place = column or f"constant {field.name}"
            shown = clip(value["error"] if isinstance(value, dict) and "error" in value else value)
            report(Problem(error.code, error.reason, place, shown, fatal=field.decisive))
            continue
        if text:
            said[field.name] = text
        elif field.needed:
            sound = False
            report(Problem("missing-field", f"the row has no {field.name}", column or field.name))
    one_of = table.statement.one_of
    deleted = said.get("event") == "delete"
    if sound and one_of and not deleted and not any(name in said for name in one_of):
        columns = " / ".join(table.columns[name] for name in one_of if name in table.columns)
        report(Problem("missing-field", f"the row has none of {', '.join(one_of)}", columns))
        return None
    return said if sound else None


def _meant(table: Table, field: Field, value: Any) -> str:
    if isinstance(value, dict) and "error" in value:
        raise MalformedError("error-in-cell", "the spreadsheet program could not work this cell out")
    if isinstance(value, (dict, list)):
        raise MalformedError("bad-value", "this is no single value")
    text = _plain(value)
    if text.lower() in table.nulls:
        return ""
    words = table.values.get(field.name, {})
    text = words.get(text.lower(), text)
    if text.lower() in table.nulls:
        return ""
    if field.kind in {"time", "end"}:
        return _time(table, text, number=isinstance(value, (int, float)), end=field.kind == "end")
    if field.kind in {"number", "share"}:
        return _number(table, text, value, share=field.kind == "share")
    if field.kind == "amount" and isinstance(value, str):
        return _DIGITS.sub(lambda found: _point(found[0], table.decimal), text, count=1)
    if field.kind == "word":
        word = text.lower().replace("_", "-")
        word = next((name for name, same in _TRUE.items() if word in same and name in field.words), word)
        if word not in field.words:
            reason = f"this is none of {', '.join(field.words)}; say in the mapping what it means (`values`)"
            raise MalformedError("bad-word", reason)
        return word
    return text


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # A spreadsheet keeps every number as a float: version 3 is not version 3.0.
        return str(int(value))
    return str(value).strip()


def _time(table: Table, text: str, *, number: bool, end: bool) -> str:
    if table.dates in {"unix", "unix-ms"}:
        try:
            since = float(text)
            moment = from_milliseconds(since) if table.dates == "unix-ms" else from_seconds(since)
        except (ValueError, OverflowError) as error:
            raise MalformedError("bad-time", f"this is no count since 1970: {error}") from None
        return to_iso(moment.lo)
    if number or (_NUMBER.fullmatch(text) and len(text) != 8):
        reason = "a number is no time; format the column as a date, or say `dates: unix` or `dates: unix-ms`"
        raise MalformedError("bad-time", reason)
    if _SHORT_YEAR.fullmatch(text):
        raise MalformedError("bad-time", "the year has two digits; write it with four")
    plain = plain_time(text)
    if table.dates == "ymd" and _YEAR_LAST.match(plain):
        raise MalformedError("bad-time", "the year comes last, but the mapping says `dates: ymd`")
    try:
        moment_of(plain, Origin("", table.labels()), end=end)
    except AmbiguousDateError:
        reason = "day and month can be read either way; say `dates: dmy` or `dates: mdy` in the mapping"
        raise MalformedError("ambiguous-date", reason) from None
    return plain


def when(said: Mapping[str, str], name: str, table: Table) -> Moment | None:
    """Return the time that a field of `said_by` holds, None where there is none."""
    text = said.get(name, "")
    return moment_of(text, Origin("", table.labels())) if text else None


def _number(table: Table, text: str, value: Any, *, share: bool) -> str:
    percent = share and text.endswith("%")
    written = text.removesuffix("%").strip() if percent else text
    if isinstance(value, str):
        sign = "-" if written.startswith(("-", "\u2212")) else ""
        digits = written.lstrip("+-\u2212").strip()
        exact = _DIGITS.fullmatch(digits)
        written = sign + _point(digits, table.decimal) if exact else written
    try:
        found = float(written)
    except ValueError:
        raise MalformedError("bad-number", "this is no number") from None
    if not math.isfinite(found):
        raise MalformedError("bad-number", "this is no number")
    if not share:
        return written
    found = found / 100 if percent or found > 1 else found
    if not 0 <= found <= 1:
        raise MalformedError("bad-number", "a share lies between 0 and 1, or 0 and 100 %")
    return repr(found)


def _point(digits: str, decimal: str) -> str:
    """Return digits with a decimal point and without marks between thousands.

    >>> _point("1.234,5", ","), _point("1,234.5", "."), _point("99.5", ".")
    ('1234.5', '1234.5', '99.5')
    >>> _point("99,5", ".")
    Traceback (most recent call last):
    lineage.text.MalformedError: the comma marks no thousands here; say `decimal: ","` if it is the decimal sign
    """
    other = "." if decimal == "," else ","
    whole, _, fraction = digits.partition(decimal)
    parts = re.split(r"[\s']" + "|" + re.escape(other), whole)
    if other in fraction or decimal in fraction or any(len(part) != 3 for part in parts[1:]):
        name = "comma" if other == "," else "point"
        reason = f'the {name} marks no thousands here; say `decimal: "{other}"` if it is the decimal sign'
        raise MalformedError("bad-number", reason)
    return "".join(parts) + (f".{fraction}" if fraction else "")
