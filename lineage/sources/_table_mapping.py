"""How did a person say that a table is to be read?

A mapping is a small YAML file named `*.modeltrail-table.yaml`. What it leaves out at a table stands for all tables at
its top: time zone, order of day and month, decimal sign, words for nothing. Every key is checked: a word that is not
known is refused with what may stand there, because a slip would otherwise leave out what an auditor looks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineage.source import Beside
from lineage.sources._table_fields import BY_NAME, Statement
from lineage.text import MalformedError, clip, load_yaml

VERSION = "1"
ORDERS = ("dmy", "mdy", "ymd", "unix", "unix-ms")
"""How times are written where they are not ISO 8601; the last two count seconds or milliseconds since 1970."""

NULLS = ("", "-", "n/a", "null", "none")
_SHARED = ("timezone", "dates", "decimal", "nulls")
_AT_A_TABLE = frozenset(
    {"states", "sheet", "table", "query", "columns", "constants", "values", "name", *_SHARED}
)
_AT_THE_TOP = frozenset({"modeltrail-table", "files", "tables", "description", *_SHARED})


@dataclass(frozen=True, slots=True)
class Table:
    """How the rows of one table are read.

    Attributes:
        statement: what each row states.
        columns: by field, the name of the column it stands in; constants: by field, what holds for every row.
        values: by field, what a cell's text (in small letters) means.
        sheet, table, query: which sheet of a workbook, which table or query of a database; empty = the first sheet.
        timezone, dates, decimal, nulls: how times and numbers are written, and which words mean nothing.
    """

    statement: Statement
    columns: MappingType[str, str]
    constants: MappingType[str, str]
    values: MappingType[str, MappingType[str, str]]
    sheet: str = ""
    table: str = ""
    query: str = ""
    timezone: str = ""
    dates: str = ""
    decimal: str = "."
    nulls: frozenset[str] = frozenset(NULLS)

    @property
    def place(self) -> str:
        """What its rows are said to stand in: the sheet, the table, or the query by its digest."""
        digest = hashlib.sha256(self.query.encode()).hexdigest()[:8]
        return self.sheet or self.table or (f"query {digest}" if self.query else "")

    def labels(self) -> dict[str, str]:
        """Return what it says of times, as the labels of an import."""
        said = {"timezone": self.timezone, "dates": self.dates}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A mapping: the patterns of the files it holds for, and the tables in them; `name`: its own file."""

    name: str
    files: tuple[str, ...]
    tables: tuple[Table, ...]

    def holds_for(self, name: str) -> bool:
        """Tell whether it is for a file called `name`.

        >>> TableMapping("a", ("deploy*.csv",), ()).holds_for("Deployments.CSV")
        True
        """
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.files)


@lru_cache(maxsize=256)
def mapping_of(beside: Beside) -> TableMapping:
    r"""Return the mapping that a file holds; raises `MalformedError` that says what is wrong and what may stand there.

    >>> text = b"modeltrail-table: 1\nfiles: a.csv\ntables:\n  - states: lineage\n" \
    ...     b"    columns: {source: from, target: to}\n"
    >>> mapping_of(Beside("a", text)).tables[0].columns
    {'source': 'from', 'target': 'to'}
    """
    said = load_yaml(beside.raw)
    if not isinstance(said, dict) or said.get("modeltrail-table") != VERSION:
        raise _wrong("modeltrail-table", "a mapping of tables begins with `modeltrail-table: 1`")
    _only(said, _AT_THE_TOP, "")
    files = _texts(said.get("files"), "files")
    if not files:
        raise _wrong("files", "say which files it is for, such as `files: deployments*.csv`")
    tables = said.get("tables")
    if not isinstance(tables, list) or not tables:
        raise _wrong("tables", "say what the rows state: a list under `tables`")
    top = {name: said[name] for name in _SHARED if name in said}
    return TableMapping(
        beside.name, files, tuple(_table(each, top, f"tables[{n}]") for n, each in enumerate(tables))
    )


def _table(said: Any, top: MappingType[str, Any], where: str) -> Table:
    if not isinstance(said, dict):
        raise _wrong(where, "a table is described by keys such as `states` and `columns`")
    _only(said, _AT_A_TABLE, where)
    said = {**top, **said}
    statement = BY_NAME.get(str(said.get("states")))
    if statement is None:
        raise _wrong(f"{where}.states", f"write one of {', '.join(BY_NAME)}")
    columns, constants = _pairs(said, "columns", where), _pairs(said, "constants", where)
    known = {field.name for field in statement.fields}
    values = said.get("values") or {}
    if not isinstance(values, dict):
        raise _wrong(f"{where}.values", "give each field its words: `outcome: {ok: done}`")
    for part, names in (("columns", columns), ("constants", constants), ("values", values)):
        for name in names:
            if name not in known:
                reason = f"{statement.name} has no field {clip(name, 40)!r}; its fields are {', '.join(sorted(known))}"
                raise _wrong(f"{where}.{part}", reason)
    words = {
        name: {key.strip().lower(): value for key, value in _pairs(values, name, f"{where}.values").items()}
        for name in values
    }
    both = sorted(set(columns) & set(constants))
    if both:
        raise _wrong(f"{where}.constants", f"{both[0]} stands in a column as well")
    _needed(statement, {*columns, *constants}, where)
    table = Table(
        statement,
        columns,
        constants,
        words,
        _text(said, "sheet", where),
        _text(said, "table", where),
        _text(said, "query", where),
        _text(said, "timezone", where),
        _text(said, "dates", where),
        _text(said, "decimal", where) or ".",
        frozenset(word.strip().lower() for word in _texts(said["nulls"], "nulls")) | {""}
        if said.get("nulls") is not None
        else frozenset(NULLS),
    )
    if sum(map(bool, (table.sheet, table.table, table.query))) > 1:
        raise _wrong(where, "say one of sheet, table and query")
    if table.dates and table.dates not in ORDERS:
        raise _wrong(f"{where}.dates", f"write one of {', '.join(ORDERS)}")
    if table.decimal not in {".", ","}:
        raise _wrong(f"{where}.decimal", 'write "." or ","')
    if table.timezone:
        try:
            ZoneInfo(table.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            reason = f"no time zone is called {clip(table.timezone, 60)!r}; write one such as Europe/Warsaw"
            raise _wrong(f"{where}.timezone", reason) from None
    return table


def _needed(statement: Statement, given: set[str], where: str) -> None:
    missing = [field.name for field in statement.fields if field.needed and field.name not in given]
    if missing:
        raise _wrong(f"{where}.columns", f"{statement.name} needs {', '.join(missing)}")
    if statement.one_of and not given & set(statement.one_of):
        raise _wrong(f"{where}.columns", f"{statement.name} needs one of {', '.join(statement.one_of)}")


def _only(said: MappingType[Any, Any], known: frozenset[str], where: str) -> None:
    for name in said:
        if name not in known:
            place = f"{where}.{name}" if where else str(name)
            raise _wrong(clip(place, 80), f"this key is not known; write one of {', '.join(sorted(known))}")


def _pairs(said: MappingType[str, Any], name: str, where: str) -> dict[str, str]:
    value = said.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(inner, str) for inner in value.values()):
        raise _wrong(f"{where}.{name}", "give names and texts: `field: column`")
    return {str(key): inner for key, inner in value.items()}


def _text(said: MappingType[str, Any], name: str, where: str) -> str:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{where}.{name}", "write one text")
    return (value or "").strip()


def _texts(value: Any, name: str) -> tuple[str, ...]:
    every = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) or each is None for each in every):
        raise _wrong(name, "write one text, or a list of texts")
    return tuple(each or "" for each in every if each or name == "nulls")


def _wrong(field: str, reason: str) -> MalformedError:
    return MalformedError("bad-mapping", f"{field}: {reason}")
