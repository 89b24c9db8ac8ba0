"""What do the rows of any table state, the way a person said in a mapping how they are to be read?

For what no other source knows: a list that somebody keeps as CSV or in a workbook, a Parquet file, the result of an SQL
query. The mapping lies beside the tables or is given with the import. Without one, or where it names other files,
nothing is recognised. A mapping is evidence itself and part of what makes a record: a better one reads the rows anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from lineage import framing
from lineage.model.facts import Fact, Json
from lineage.source import MAPPING_SUFFIX, Beside, Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._csv_rows import Row, first_header, rows, said_in, spelling
from lineage.sources._table_cells import said_by
from lineage.sources._table_facts import stated
from lineage.sources._table_mapping import Table, TableMapping, mapping_of
from lineage.sources._table_rows import Cells, Grid, named_table, parquet, queried, row_records, sheets
from lineage.text import MalformedError, clip

NAME = "table"
FORMAT = (
    "Any table (CSV, TSV, XLSX, Parquet, SQLite) with a mapping (*.modeltrail-table.yaml) that a person made"
)
PROVES = ("who", "when", "what", "lineage", "sla")

_SQLITE = b"SQLite format 3\x00"
_MAPPING = "mapping "


def recognises(sample: Sample) -> float:
    """Return how sure it is: a mapping by its name; a table by a mapping that names it, and by its columns."""
    if sample.listing:
        return 0.0
    if sample.name.lower().endswith(MAPPING_SUFFIX):
        return 1.0
    mapping = _for(sample.name, sample.beside)
    if mapping is None:
        return 0.0
    if shape_of(sample.head) != "text":
        return 1.0
    # A wide pattern such as *.csv also meets files that another source knows by their columns.
    return 1.0 if any(not _missing(table, sample.text) for table in mapping.tables) else 0.2


def _for(name: str, beside: tuple[Beside, ...]) -> TableMapping | None:
    """Return the nearest mapping that names a file called `name`; one that cannot be read names none."""
    for each in beside:
        try:
            mapping = mapping_of(each)
        except MalformedError:
            continue
        if mapping.holds_for(name):
            return mapping
    return None


def shape_of(head: bytes) -> str:
    """Return what kind of file begins like this: `text`, `xlsx`, `parquet` or `sqlite`."""
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"PAR1"):
        return "parquet"
    return "sqlite" if head.startswith(_SQLITE) else "text"


def _synonyms(tables: Iterable[Table]) -> dict[str, str]:
    return {spelling(column): column for table in tables for column in table.columns.values()}


def _missing(table: Table, text: str) -> list[str]:
    header = first_header(text, _synonyms([table]))
    return _lacking(table, header.columns if header is not None else ())


def _lacking(table: Table, columns: Iterable[str]) -> list[str]:
    """Return the columns that the mapping names and the table does not have."""
    there = {spelling(column) for column in columns}
    return sorted({column for column in table.columns.values() if spelling(column) not in there})


def meaning(given: Input, origin: Origin) -> str:
    """Return the text of the mapping and, for lines of text, the beginning of the file, which names the columns."""
    mapping = _for(given.name, origin.beside)
    raw = next((each.raw for each in origin.beside if mapping and each.name == mapping.name), b"")
    if mapping is None or given.name.lower().endswith(MAPPING_SUFFIX):
        return ""
    with given.open() as stream:
        head = stream.read(8_192)
    header = ""
    if shape_of(head) == "text":
        found = first_header(Sample("", head).text, _synonyms(mapping.tables))
        header = "\n".join(found.names) if found is not None else ""
    return f"{raw.decode('utf-8', 'replace')}\n{header}"


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into the mapping and the rows of every table that it names."""
    if given.name.lower().endswith(MAPPING_SUFFIX):
        yield _mapping_record(framing.whole(given), given.name)
        return
    mapping = _for(given.name, origin.beside)
    if mapping is None:
        yield Problem(
            "no-mapping", f"no mapping (*{MAPPING_SUFFIX}) names this file: make one", value=given.name
        )
        return
    raw = next(each.raw for each in origin.beside if each.name == mapping.name)
    yield Record(raw, row=f"{_MAPPING}{mapping.name}")
    with given.open() as stream:
        shape = shape_of(stream.read(16))
    if shape == "text":
        yield from _lines(given, mapping)
        return
    for grid in _grids(given, shape, mapping):
        if isinstance(grid, Problem):
            yield grid
            continue
        lacking = [_lacking(table, grid.columns) for table in grid.tables]
        if lacking and all(lacking):
            yield _lacks(lacking[0], grid.columns, grid.header, grid.place)
            continue
        yield from row_records(grid)


def _mapping_record(found: Record | Problem, name: str) -> Record | Problem:
    return found if isinstance(found, Problem) else Record(found.raw, 0, 1, f"{_MAPPING}{name}")


def _lines(given: Input, mapping: TableMapping) -> Iterator[Record | Problem]:
    checked = False
    for item in rows(given, _synonyms(mapping.tables)):
        if isinstance(item, Record) and isinstance(item.parsed, Row) and not checked:
            checked = True
            header = item.parsed.header
            lacking = [_lacking(table, header.columns) for table in mapping.tables]
            if all(lacking):
                yield _lacks(lacking[0], header.names, 1, "")
                return
        yield item


def _lacks(missing: list[str], columns: Iterable[str], line: int, place: str) -> Problem:
    there = ", ".join(column for column in columns if column)
    reason = (
        f"the table has no column {', '.join(missing)}, which the mapping names; it has {clip(there, 300)}"
    )
    return Problem("missing-column", clip(reason, 480), value=missing[0], offset=0, line=line, row=place)


def _grids(given: Input, shape: str, mapping: TableMapping) -> Iterator[Grid | Problem]:
    if shape == "xlsx":
        yield from sheets(given, mapping.tables)
    elif shape == "parquet":
        for grid in parquet(given):
            yield grid._replace(tables=mapping.tables) if isinstance(grid, Grid) else grid
    else:
        for place in dict.fromkeys(table.place for table in mapping.tables):
            tables = tuple(table for table in mapping.tables if table.place == place)
            if not place or tables[0].sheet:
                yield Problem("bad-mapping", "say which `table` or `query` of the database is to be read")
                continue
            for grid in queried(given, tables[0].query or named_table(tables[0].table), place):
                yield grid._replace(tables=tables) if isinstance(grid, Grid) else grid


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a row states."""
    if record.row.startswith(_MAPPING) and record.parsed is None:
        yield from _of_mapping(record)
        return
    mapping = _for(PurePosixPath(origin.path.removesuffix(".gz")).name, origin.beside)
    if mapping is None:
        yield Problem("no-mapping", "no mapping names this file")
        return
    if isinstance(record.parsed, Cells):
        cells, tables = record.parsed
    else:
        said = said_in(record)
        if not isinstance(said, dict):
            yield said
            return
        cells, tables = said, mapping.tables
    yield from _read_row(tables, cells, origin)


def _of_mapping(record: Record) -> Iterator[Problem | Filtered]:
    try:
        mapping_of(Beside(record.row.removeprefix(_MAPPING), record.raw))
    except MalformedError as error:
        yield Problem(error.code, error.reason, line=error.line)
        return
    yield Filtered("mapping")


def _read_row(
    tables: Iterable[Table], cells: Mapping[str, Json], origin: Origin
) -> Iterator[Fact | Problem | Filtered]:
    problems: list[Problem] = []
    stating = 0
    for table in tables:
        found: list[Problem] = []
        said = said_by(table, cells, found.append)
        if said is not None:
            made = list(stated(table, said, origin))
            yield from (fact for fact in made if not isinstance(fact, Problem))
            found.extend(each for each in made if isinstance(each, Problem))
            stating += not any(each.fatal for each in found)
        problems.extend(found)
    for each in problems:
        # What one table of the mapping cannot use must not undo what another one reads from the same row.
        fatal = each.fatal and not stating
        yield Problem(each.code, each.reason, each.field, each.value, each.offset, each.line, each.row, fatal)
