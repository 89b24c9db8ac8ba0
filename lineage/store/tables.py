"""Which tables does a workspace have? One MetaData for SQLite and PostgreSQL.

Two layers (DESIGN 1). The log (`LOG`) is only ever added to: import batches, files, records with their SHA-256, blocks
of compressed evidence and facts, problems, checkpoints, decisions, anchors, and what binds all of them
(`lineage.store.binding`). The rest (`DERIVED`) follows from the facts in the
log and can be thrown away and made again.

Times are UTC microseconds. Enumerations are stored as their words. A column `record` names the evidence by its number
in the log.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

APPLICATION_ID = 0x4D545241
"""`MTRA`: what SQLite's header of a workspace file says it is."""

metadata = MetaData()

_BIG = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _BIG, primary_key=True)


def _int(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    return Column(name, _BIG, nullable=null, primary_key=key, autoincrement=False)


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _table(name: str, *parts: Column[int] | Column[str] | object, rowid: bool = True) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True, sqlite_with_rowid=rowid)  # type: ignore[arg-type]


_table("meta", _text("key", key=True), _text("value"), rowid=False)

_table(
    "batch",
    _id(),
    _int("started"),
    _int("finished", null=True),
    _text("tool"),
    _text("labels"),
    _text("paths"),
)

_table(
    "file",
    _id(),
    _int("batch"),
    _text("path"),
    _text("source"),
    _text("labels"),
    _int("context"),
    _int("bytes"),
    Column("sha256", LargeBinary, nullable=True),
    _int("read"),
    _int("accepted"),
    _int("duplicate"),
    _int("filtered"),
    _int("rejected"),
    _int("problems"),
    Column("seconds", REAL, nullable=False),
    _int("finished", null=True),
    ForeignKeyConstraint(["batch"], ["batch.id"]),
)

_table(
    "block",
    _id(),
    _int("first"),
    Column("body", LargeBinary, nullable=False),
)

_table(
    "fact_block",
    _id(),
    _int("first"),
    Column("body", LargeBinary, nullable=False),
)

_table(
    "record",
    Column("seq", _BIG, primary_key=True),
    _int("file"),
    _int("line"),
    _int("offset"),
    _int("length"),
    Column("sha256", LargeBinary, nullable=False),
    _text("row", null=True),
)

_table(
    "problem",
    _id(),
    _int("file"),
    _int("record", null=True),
    _int("line"),
    _int("offset"),
    _text("row"),
    _text("field"),
    _text("value"),
    _text("code"),
    _text("reason"),
    _int("fatal"),
)

_table("filtered", _int("file", key=True), _text("reason", key=True), _int("n"), rowid=False)

_table(
    "checkpoint",
    _int("size", key=True),
    _int("batch"),
    _int("at"),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    rowid=False,
)

_table(
    "decision",
    _id(),
    _int("at"),
    _text("who"),
    _text("why"),
    _text("action"),
    _text("one"),
    _text("other"),
    _int("undoes", null=True),
    UniqueConstraint("undoes"),
)

_table(
    "anchor",
    _id(),
    _int("at"),
    _text("form"),
    _text("name"),
    _int("size", null=True),
    Column("root", LargeBinary, nullable=True),
    _int("told", null=True),
    Column("body", LargeBinary, nullable=False),
)

_table(
    "binding",
    _id(),
    _int("at"),
    _int("size"),
    _int("batch"),
    _int("decision"),
    _int("anchor"),
    Column("head", LargeBinary, nullable=False),
)

LOG = (
    "meta",
    "batch",
    "file",
    "block",
    "fact_block",
    "record",
    "problem",
    "filtered",
    "checkpoint",
    "decision",
    "anchor",
    "binding",
)

_table(
    "entity",
    _id(),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _int("root"),
    _int("whole", null=True),
    _int("first_seen", null=True),
    _int("last_seen", null=True),
    _int("created", null=True),
    _int("ended_lo", null=True),
    _int("ended_hi", null=True),
    _int("gone_lo", null=True),
    _int("gone_hi", null=True),
    _text("attributes"),
    _int("record", null=True),
    UniqueConstraint("kind", "namespace", "name"),
)

_table(
    "spelling",
    _int("entity", key=True),
    _text("namespace", key=True),
    _text("name", key=True),
    rowid=False,
)

_table(
    "alias",
    _int("entity", key=True),
    _int("other", key=True),
    _text("relation", key=True),
    _text("rule", key=True),
    _int("since", key=True),
    _int("until", key=True),
    Column("confidence", REAL, nullable=False),
    _int("record"),
    rowid=False,
)

_table(
    "attribute",
    _int("entity", key=True),
    _text("name", key=True),
    _int("slot", key=True),
    _text("value", key=True),
    _int("first_at", null=True),
    _int("last_at", null=True),
    _int("record"),
    rowid=False,
)

_table(
    "sighting",
    _int("listing", key=True),
    _int("at", key=True),
    _int("entity", key=True),
    _int("record"),
    rowid=False,
)

_table(
    "listing",
    _id(),
    _text("name"),
    UniqueConstraint("name"),
)

_table(
    "coverage",
    _text("listing", key=True),
    _text("what", key=True),
    _int("since", key=True),
    _int("until", key=True),
    _int("complete", key=True),
    _text("detail"),
    _int("record"),
    rowid=False,
)

_table(
    "run",
    _id(),
    _int("job"),
    _text("run_id"),
    _int("entity", null=True),
    _int("states"),
    _int("started", null=True),
    _int("ended", null=True),
    _int("first_at"),
    _int("last_at"),
    _int("streaming"),
    _text("actor", null=True),
    _text("parent", null=True),
)

_table("run_record", _int("run", key=True), _int("record", key=True), rowid=False)

_table(
    "run_use",
    _int("run", key=True),
    _int("output", key=True),
    _int("dataset", key=True),
    _text("version", key=True),
    rowid=False,
)

_table("seen", _int("entity", key=True), _int("first_at"), _int("last_at"))

_table("saying", _id(), _text("name"), _text("value"), UniqueConstraint("name", "value"))

_table("run_said", _int("run", key=True), _int("saying", key=True), rowid=False)

_table(
    "link",
    _int("source", key=True),
    _int("target", key=True),
    _text("type", key=True),
    _text("basis", key=True),
    _text("rule", key=True),
    _int("job", key=True),
    _text("detail", key=True),
    Column("confidence", REAL, nullable=False),
    _int("first_at", null=True),
    _int("last_at", null=True),
    _int("ended", null=True),
    _int("run", null=True),
    _int("record"),
    rowid=False,
)

_table(
    "happening",
    _id(),
    _text("type"),
    _int("subject"),
    _text("hid"),
    _int("at_lo"),
    _int("at_hi"),
    _text("outcome"),
    _int("actor", null=True),
    _text("person", null=True),
    Column("body", LargeBinary, nullable=False),
    _int("record"),
    UniqueConstraint("hid", "type", "subject"),
)

_table(
    "objective",
    _id(),
    _int("entity"),
    Column("body", LargeBinary, nullable=False),
    _int("record"),
    UniqueConstraint("entity", "body"),
)

_table(
    "granted",
    _id(),
    _int("entity"),
    Column("body", LargeBinary, nullable=False),
    _int("record"),
    UniqueConstraint("entity", "body"),
)

_table(
    "series",
    _id(),
    _int("entity"),
    _text("metric"),
    _int("first_at", null=True),
    _int("last_at", null=True),
    _int("n"),
    Column("body", LargeBinary, nullable=False),
    _int("record"),
    UniqueConstraint("entity", "metric", "first_at", "body"),
)

_table(
    "measure",
    _id(),
    _int("subject"),
    _int("sort"),
    _int("at"),
    Column("value", REAL, nullable=True),
    _int("success", null=True),
    _int("run", null=True),
    _int("record"),
)

_table(
    "measure_sort",
    _id(),
    _text("metric"),
    _text("unit"),
    _text("severity"),
    _text("detail"),
    UniqueConstraint("metric", "unit", "severity", "detail"),
)

_table(
    "edge",
    _int("src", key=True),
    _text("type", key=True),
    _int("dst", key=True),
    _int("valid_from", key=True),
    _int("valid_to"),
    _text("basis"),
    Column("confidence", REAL, nullable=False),
    _text("rule"),
    _int("job", null=True),
    _int("run", null=True),
    _int("uncertain", null=True),
    _int("ev_first"),
    _int("ev_last"),
    rowid=False,
)

_table(
    "episode",
    _id(),
    _text("eid"),
    _int("target"),
    _int("start_lo"),
    _int("start_hi"),
    _int("end_lo", null=True),
    _int("end_hi", null=True),
    _text("action"),
    _text("body"),
    _int("record"),
)

_table("finding", _id(), _text("code"), _text("severity"), _text("subject"), _text("text"), _text("sides"))

_table("tally", _text("name", key=True), _int("n"), rowid=False)

DERIVED = tuple(name for name in metadata.tables if name not in LOG)

Index("block_first", metadata.tables["block"].c.first)
Index("fact_block_first", metadata.tables["fact_block"].c.first)
RUN_NAME = "CREATE INDEX IF NOT EXISTS {place}run_name ON run (job, substr(run_id, -8))"
"""Finds a run by job and id with a fifth of a unique index's bytes: the last characters of a UUID tell most apart."""

SECONDARY = (
    Index("entity_root", metadata.tables["entity"].c.root),
    Index("entity_whole", metadata.tables["entity"].c.whole),
    Index("run_use_dataset", metadata.tables["run_use"].c.dataset),
    Index("link_target", metadata.tables["link"].c.target),
    Index("happening_subject", metadata.tables["happening"].c.subject, metadata.tables["happening"].c.at_lo),
    Index("measure_subject", metadata.tables["measure"].c.subject),
    Index(
        "edge_back",
        metadata.tables["edge"].c.dst,
        metadata.tables["edge"].c.type,
        metadata.tables["edge"].c.src,
        metadata.tables["edge"].c.valid_from,
        metadata.tables["edge"].c.valid_to,
    ),
    Index("episode_target", metadata.tables["episode"].c.target, metadata.tables["episode"].c.start_lo),
)
