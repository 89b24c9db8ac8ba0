"""Is everything that follows from the facts the same as elsewhere, or as before?

A SHA-256 over every derived row, written with names instead of numbers and sorted, so that it depends on what
is so and not on the order in which it was learned. Numbers of evidence records, which do depend on that
order, are left out.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection

_NAME = "(SELECT kind || '|' || namespace || '|' || name FROM entity WHERE id = {0})"

_ROWS = (
    "SELECT 'entity', kind, namespace, name, "
    + _NAME.format("t.root")
    + ", "
    + _NAME.format("t.whole")
    + ", first_seen,"
    " last_seen, created, ended_lo, ended_hi, gone_lo, gone_hi, attributes FROM entity t",
    "SELECT 'spelling', " + _NAME.format("t.entity") + ", namespace, name FROM spelling t",
    "SELECT 'alias', "
    + _NAME.format("t.entity")
    + ", "
    + _NAME.format("t.other")
    + ", relation, rule, since, until,"
    " confidence FROM alias t",
    "SELECT 'attribute', "
    + _NAME.format("t.entity")
    + ", name, slot, value, first_at, last_at FROM attribute t",
    "SELECT 'coverage', listing, what, since, until, complete, detail FROM coverage",
    "SELECT 'run', "
    + _NAME.format("t.job")
    + ", run_id, "
    + _NAME.format("t.entity")
    + ", states, started, ended,"
    " first_at, last_at, streaming, actor, parent FROM run t",
    "SELECT 'use', "
    + _NAME.format("r.job")
    + ", r.run_id, t.output, "
    + _NAME.format("t.dataset")
    + ", t.version"
    " FROM run_use t JOIN run r ON r.id = t.run",
    "SELECT 'said', " + _NAME.format("r.job") + ", r.run_id, s.name, s.value FROM run_said t"
    " JOIN run r ON r.id = t.run JOIN saying s ON s.id = t.saying",
    "SELECT 'link', "
    + _NAME.format("t.source")
    + ", "
    + _NAME.format("t.target")
    + ", type, basis, rule, "
    + _NAME.format("t.job")
    + ", detail, confidence, first_at, last_at, ended FROM link t",
    "SELECT 'happening', type, "
    + _NAME.format("t.subject")
    + ", hid, at_lo, at_hi, outcome, "
    + _NAME.format("t.actor")
    + ", person, hex(body) FROM happening t",
    "SELECT 'objective', " + _NAME.format("t.entity") + ", hex(body) FROM objective t",
    "SELECT 'granted', " + _NAME.format("t.entity") + ", hex(body) FROM granted t",
    "SELECT 'series', " + _NAME.format("t.entity") + ", metric, hex(body) FROM series t",
    "SELECT 'measure', "
    + _NAME.format("t.subject")
    + ", s.metric, t.at, t.value, s.unit, t.success, s.severity,"
    " s.detail FROM measure t JOIN measure_sort s ON s.id = t.sort",
    "SELECT 'edge', "
    + _NAME.format("t.src")
    + ", type, "
    + _NAME.format("t.dst")
    + ", valid_from, valid_to, basis,"
    " confidence, rule, " + _NAME.format("t.job") + ", uncertain FROM edge t",
    "SELECT 'episode', eid, " + _NAME.format("t.target") + ", start_lo, start_hi, end_lo, end_hi, action,"
    " json_remove(body, '$.records', '$.chain_records') FROM episode t",
    "SELECT 'finding', code, severity, subject, text FROM finding",
)


def parts(connection: Connection) -> dict[str, bytes]:
    """Return the digest of each kind of derived row, by its word: what differs where two digests do."""
    found = {}
    for sql in _ROWS:
        whole = hashlib.sha256()
        for row in sorted(
            hashlib.sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest()
            for row in connection.exec_driver_sql(sql)
        ):
            whole.update(row)
        found[sql.split("'")[1]] = whole.digest()
    return found


def digest(connection: Connection) -> dict[str, Any]:
    """Return the digest, and how many facts (as derived rows that state one), entities and edges there are."""
    whole = hashlib.sha256(b"".join(parts(connection).values()))
    counts = {
        name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
        for name, table in (("entities", "entity WHERE root = id AND whole IS NULL"), ("edges", "edge"))
    }
    facts = sum(
        int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
        for table in (
            "attribute",
            "alias",
            "run_record",
            "link",
            "happening",
            "objective",
            "granted",
            "series",
            "measure",
            "coverage",
        )
    )
    return {"digest": whole.hexdigest(), "facts": facts, **counts}
