"""What is in a table that no source knows, and what would its rows say under a mapping that is being made?

For the dialog in which a person makes the mapping: the first rows, a check against the real reader, and the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from lineage.errors import UnreadableInputError
from lineage.inputs import sample_of
from lineage.model.facts import Fact
from lineage.opening import file_input
from lineage.source import MAPPING_SUFFIX, Beside, Filtered, Input, Origin, Problem, Record
from lineage.sources import table
from lineage.sources._csv_rows import DELIMITERS, Row, rows, spelling
from lineage.sources._table_fields import STATEMENTS
from lineage.sources._table_mapping import mapping_of
from lineage.sources._table_rows import Grid, named_table, parquet, queried, sheets
from lineage.text import MalformedError, clip, display_text

CHECKED = 2_000
"""Rows that a check reads, so that it answers while a person is choosing; the import reads them all."""

_PROBLEMS = 100
_SHOWN = 80
_TABLES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"

Choice = Mapping[str, Any]
"""What a person chose: `states`, `place`, `columns`, `constants`, `values`, `timezone`, `dates`, `decimal`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a table.

    Attributes:
        path: the file; shape: `text`, `xlsx`, `parquet` or `sqlite`.
        places: the sheets or tables in it; place: the one shown, empty where there is but one.
        columns: their names; rows: the first ones, as texts.
        problem: why there is nothing to see; empty otherwise.
        known: what the mapping that lies beside it says of this table; None without one.
        beside: the name of that mapping, also where it says what no dialog can show.
    """

    path: str
    shape: str
    places: tuple[str, ...] = ()
    place: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    problem: str = ""
    known: Choice | None = None
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What a mapping makes of the first rows of a table.

    Attributes:
        rows: how many were looked at; read: of how many something was read; more: there are further rows.
        facts: how many statements they make.
        problems: place, column, value and reason of the first ones; troubled: how many there are.
        wrong: what is missing in the mapping itself; empty when it can be used.
    """

    rows: int = 0
    read: int = 0
    more: bool = False
    facts: int = 0
    problems: tuple[dict[str, str], ...] = ()
    troubled: int = 0
    wrong: str = ""


def statements() -> list[dict[str, Any]]:
    """Return what a row may state, each with its fields, for people who choose.

    >>> statements()[0]["name"], statements()[0]["fields"][0]["name"]
    ('deployment', 'target')
    """
    return [
        {
            "name": statement.name,
            "title": statement.title,
            "one_of": statement.one_of,
            "fields": [{**field._asdict()} for field in statement.fields],
        }
        for statement in STATEMENTS
    ]


def preview(path: str | Path, place: str = "", count: int = 50) -> Preview:
    """Return the first `count` rows of a file, or of one of its sheets, tables or queries.

    Raises `UnreadableInputError` when the file cannot be read at all.
    """
    known = known_choice(path)
    if known is not None and not place:
        place = str(known["place"])
    shown = _preview(path, place, count)
    beside = mapping_path(path)
    return replace(shown, known=known, beside=beside.name if beside.exists() else "")


def _preview(path: str | Path, place: str, count: int) -> Preview:
    given = file_input(path)
    shape = table.shape_of(sample_of(given).head)
    if shape == "text":
        return _text_preview(given, str(path), count)
    places: tuple[str, ...] = ()
    if shape == "sqlite":
        for grid in queried(given, _TABLES, ""):
            if isinstance(grid, Problem):
                return Preview(str(path), shape, problem=grid.reason)
            places = tuple(str(row[1]["name"]) for row in grid.rows if not isinstance(row, Problem))
        place = place or next(iter(places), "")
        if not place:
            return Preview(str(path), shape, problem="the database holds no table")
        statement = place if is_query(place) else named_table(place)
        found: Iterable[Grid | Problem] = queried(given, statement, place, count)
    else:
        found = sheets(given, (), count) if shape == "xlsx" else parquet(given, count)
    shown: Preview | None = None
    for grid in found:
        if isinstance(grid, Problem):
            return Preview(str(path), shape, places, place, problem=grid.reason)
        if shape == "xlsx":
            places = (*places, grid.place)
        if shown is None and place in {"", grid.place}:
            rows_ = tuple(
                tuple(_shown(cells.get(column)) for column in grid.columns)
                for _, cells, _ in (row for row in islice(grid.rows, count) if not isinstance(row, Problem))
            )
            shown = Preview(str(path), shape, (), grid.place, grid.columns, rows_)
    if shown is None or not shown.columns:
        return Preview(str(path), shape, places, place, problem="no row names columns")
    return Preview(shown.path, shape, places, shown.place, shown.columns, shown.rows)


def known_choice(path: str | Path) -> Choice | None:
    """Return what the mapping beside a table says of it; None where there is none, or it says more than one thing."""
    place = mapping_path(path)
    try:
        mapping = mapping_of(Beside(place.name, place.read_bytes()))
    except (OSError, MalformedError):
        return None
    if len(mapping.tables) != 1:
        return None
    said = mapping.tables[0]
    return {
        "states": said.statement.name,
        "place": said.sheet or said.table or said.query,
        "columns": dict(said.columns),
        "constants": dict(said.constants),
        "values": {field: dict(words) for field, words in said.values.items()},
        "timezone": said.timezone,
        "dates": said.dates,
        "decimal": said.decimal,
    }


def is_query(place: str) -> bool:
    """Tell whether what a person wrote is a query and not the name of a table.

    >>> is_query("select 1"), is_query("selection")
    (True, False)
    """
    return place.strip().lower().startswith(("select ", "with ", "select\n", "with\n"))


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "error" in value:
        value = value["error"]
    return "" if value is None else display_text(str(value), _SHOWN)


def _text_preview(given: Input, path: str, count: int) -> Preview:
    lines = [line for line in sample_of(given).text.splitlines() if line.strip() and not line.startswith("#")]
    names: list[str] = []
    for line in lines[:1]:
        for delimiter in DELIMITERS:
            try:
                cells = next(csv.reader([line], delimiter=delimiter))
            except csv.Error:
                continue
            names = max(names, cells, key=len)
    known = {spelling(name): name.strip() for name in names if name.strip()}
    if not known:
        return Preview(path, "text", problem="no row names columns")
    found: list[tuple[str, ...]] = []
    columns = tuple(known.values())
    for item in rows(given, known):
        if isinstance(item, Problem):
            if item.code == "unknown-header":
                return Preview(path, "text", problem=item.reason)
            continue
        if isinstance(item.parsed, Row):
            header, cells_ = item.parsed
            by_name = dict(zip(header.columns, cells_, strict=False))
            found.append(tuple(_shown(by_name.get(column, "").strip()) for column in columns))
            if len(found) == count:
                break
    return Preview(path, "text", columns=columns, rows=tuple(found))


def fitting(states: str, columns: Iterable[str]) -> dict[str, str]:
    """Return the fields of a statement whose name or title is that of a column; nothing less alike is proposed.

    >>> fitting("lineage", ["Source", "made of it", "target"])
    {'source': 'Source', 'target': 'target'}
    """
    by_name = {spelling(column): column for column in columns}
    statement = next(each for each in STATEMENTS if each.name == states)
    found = {}
    for field in statement.fields:
        for name in (field.name, field.title):
            if spelling(name) in by_name:
                found[field.name] = by_name[spelling(name)]
                break
    return found


def mapping_text(path: str | Path, choice: Choice, shape: str) -> str:
    """Return the file that says what a person chose, for tables called like `path`.

    >>> print(mapping_text("a.csv", {"states": "lineage", "columns": {"source": "from", "target": "to"}}, "text"))
    # How ModelTrail reads this table; it may be edited by hand and is read with the table.
    modeltrail-table: 1
    files: "a.csv"
    tables:
      - states: lineage
        columns:
          source: "from"
          target: "to"
    <BLANKLINE>
    """
    name = Path(path).name.removesuffix(".gz")
    lines = ["# How ModelTrail reads this table; it may be edited by hand and is read with the table."]
    # Brackets in a name would be a pattern.
    pattern = "".join(f"[{letter}]" if letter in "[*?" else letter for letter in name)
    lines += ["modeltrail-table: 1", f"files: {_quoted(pattern)}"]
    lines += [
        f"{word}: {_quoted(choice[word])}" for word in ("timezone", "dates", "decimal") if choice.get(word)
    ]
    lines += ["tables:", f"  - states: {choice['states']}"]
    place = str(choice.get("place") or "")
    if place and shape in {"xlsx", "sqlite"}:
        kind = "sheet" if shape == "xlsx" else "query" if is_query(place) else "table"
        lines.append(f"    {kind}: {_quoted(place)}")
    for part in ("columns", "constants"):
        if choice.get(part):
            lines.append(f"    {part}:")
            lines += [f"      {field}: {_quoted(text)}" for field, text in choice[part].items()]
    if choice.get("values"):
        lines.append("    values:")
        for field, words in choice["values"].items():
            lines.append(f"      {field}:")
            lines += [f"        {_quoted(word)}: {_quoted(meaning)}" for word, meaning in words.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def check(path: str | Path, choice: Choice, shape: str) -> Check:
    """Return what the first rows of a table say under what a person chose; the real reader reads them."""
    text = mapping_text(path, choice, shape).encode()
    beside = Beside(f"x{MAPPING_SUFFIX}", text)
    try:
        mapping_of(beside)
    except MalformedError as error:
        return Check(wrong=error.reason.partition(": ")[2] or error.reason)
    origin = Origin(str(path), beside=(beside,))
    looked = read = facts = troubled = 0
    more = False
    problems: list[dict[str, str]] = []
    for item in table.records(file_input(path), origin):
        said: list[Any] = [item] if isinstance(item, Problem) else list(table.read(item, origin))
        row = isinstance(item, Record) and not any(
            isinstance(each, Filtered) and each.reason in {"mapping", "header"} for each in said
        )
        if row and looked == CHECKED:
            more = True
            break
        found = [each for each in said if isinstance(each, Problem)]
        made = sum(isinstance(each, Fact) for each in said)
        fatal = any(each.fatal for each in found)
        looked += row
        read += row and made > 0 and not fatal
        facts += 0 if fatal else made
        troubled += len(found)
        record = item if isinstance(item, Record) else None
        problems += [_told(each, record) for each in found[: _PROBLEMS - len(problems)]]
    return Check(looked, read, more, facts, tuple(problems), troubled)


def _told(problem: Problem, record: Record | None) -> dict[str, str]:
    line = problem.line or (record.line if record else 0)
    place = problem.row or (record.row if record else "") or (f"line {line}" if line else "")
    return {
        "place": display_text(place),
        "column": display_text(problem.field),
        "value": display_text(clip(problem.value)),
        "reason": problem.reason,
    }


def mapping_path(path: str | Path) -> Path:
    """Return where the mapping of a table lies: beside it, under its name."""
    place = Path(path)
    return place.with_name(place.name.removesuffix(".gz") + MAPPING_SUFFIX)


def save_mapping(path: str | Path, choice: Choice, shape: str) -> str:
    """Write the mapping beside the table, whole or not at all, and return its path.

    Raises `UnreadableInputError` when it cannot be written there.
    """
    place = mapping_path(path)
    fresh = place.with_name(f"{place.name}.new")
    try:
        fresh.write_text(mapping_text(path, choice, shape), "utf-8")
        fresh.replace(place)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UnreadableInputError(
            f"the mapping cannot be written: {error.strerror or error}",
            where=str(place),
            remedy="copy the table into a folder where you may write, and map it there",
        ) from error
    return str(place)
