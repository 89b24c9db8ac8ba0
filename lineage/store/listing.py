"""How are happenings, runs, checks, imports and problems read for an answer? Pages of rows as dicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from lineage.model.facts import Happened

Row = dict[str, Any]
_happened = msgspec.msgpack.Decoder(Happened)


def dicts(connection: Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """Return the rows of one statement of the store's own, each by column name."""
    return [dict(row) for row in connection.exec_driver_sql(sql, tuple(values)).mappings()]


def _among(column: str, ids: Sequence[int] | None) -> str:
    """Return a condition that `column` is one of `ids`; whole numbers only, so they can stand in the text."""
    if ids is None:
        return "true"
    return f"{column} IN ({','.join(str(int(number)) for number in ids)})"


def _page(limit: int | None, offset: int) -> str:
    return f" LIMIT {-1 if limit is None else int(limit)} OFFSET {int(offset)}"


def _happening_where(
    subjects: Sequence[int] | None, since: int | None, until: int | None
) -> tuple[str, list[Any]]:
    where = "true"
    if subjects is not None:
        among = _among("root", subjects)
        where = f"subject IN (SELECT id FROM entity WHERE {among})"
    values: list[Any] = []
    if since is not None:
        where += " AND at_hi >= ?"
        values.append(since)
    if until is not None:
        where += " AND at_lo < ?"
        values.append(until)
    return where, values


def count_happenings(
    connection: Connection,
    *,
    subjects: Sequence[int] | None = None,
    since: int | None = None,
    until: int | None = None,
) -> int:
    """Count happenings to these subjects (roots) within a time."""
    where, values = _happening_where(subjects, since, until)
    return int(
        connection.exec_driver_sql(
            f"SELECT count(*) FROM happening WHERE {where}", tuple(values)
        ).scalar_one()
    )


def happenings(
    connection: Connection,
    *,
    subjects: Sequence[int] | None = None,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """Return happenings, oldest first, with what the record said as `fact`, the principal as `actor`, and `detail`."""
    where, values = _happening_where(subjects, since, until)
    found = dicts(
        connection,
        f"SELECT type, subject, hid, at_lo, at_hi, outcome, person, body, record FROM happening WHERE {where}"
        " ORDER BY at_lo, at_hi, hid, type" + _page(limit, offset),
        values,
    )
    for row in found:
        fact = _happened.decode(row.pop("body"))
        row["fact"] = fact
        row["actor"] = fact.actor.name if fact.actor is not None else None
        row["text"] = fact.at.text or None
        row["detail"] = {**fact.change, **fact.detail}
    return found


def measures(
    connection: Connection, *, subjects: Sequence[int] | None = None, limit: int | None = None
) -> list[Row]:
    """Return checks and measurements of these subjects (roots), oldest first."""
    among = _among("e.root", subjects)
    found = dicts(
        connection,
        "SELECT m.subject, s.metric, m.at, m.value, s.unit, m.success, s.severity, r.run_id, s.detail, m.record"
        f" FROM measure m JOIN measure_sort s ON s.id = m.sort LEFT JOIN run r ON r.id = m.run"
        f" JOIN entity e ON e.id = m.subject WHERE {among} ORDER BY m.at, s.metric, s.detail"
        + _page(limit, 0),
    )
    for row in found:
        row["detail"] = json.loads(row["detail"])
    return found


def newest_measures(connection: Connection, number: int, most: int) -> tuple[list[Row], list[Row], int]:
    """Return the newest failed checks of a thing (root), its newest checks and measurements, and how many there are."""
    sql = (
        "SELECT m.subject, s.metric, m.at, m.value, s.unit, m.success, s.severity, r.run_id, s.detail, m.record"
        " FROM measure m JOIN measure_sort s ON s.id = m.sort LEFT JOIN run r ON r.id = m.run"
        " JOIN entity e ON e.id = m.subject WHERE e.root = ?{0} ORDER BY m.at DESC, s.metric, s.detail LIMIT ?"
    )
    failed = dicts(connection, sql.format(" AND m.success = 0"), (number, most))
    newest = dicts(connection, sql.format(""), (number, most))
    for row in (*failed, *newest):
        row["detail"] = json.loads(row["detail"])
    total = connection.exec_driver_sql(
        "SELECT count(*) FROM measure m JOIN entity e ON e.id = m.subject WHERE e.root = ?", (number,)
    ).scalar_one()
    return failed, newest, int(total)


def attribute_history(connection: Connection, number: int) -> list[Row]:
    """Return every value each attribute of a thing (root) had, with when it was first and last seen."""
    found = dicts(
        connection,
        "SELECT a.name, a.value, min(a.first_at) AS first_at, max(a.last_at) AS last_at, min(a.record) AS record"
        " FROM attribute a JOIN entity e ON e.id = a.entity WHERE e.root = ? GROUP BY a.name, a.value"
        " ORDER BY a.name, first_at",
        (number,),
    )
    for row in found:
        row["value"] = json.loads(row["value"])
    return found


def records_about(connection: Connection, number: int) -> int:
    """Count the records that state something of a thing (root) other than its use by runs."""
    return int(
        connection.exec_driver_sql(
            "SELECT count(DISTINCT said.record) FROM (SELECT record, entity AS e FROM attribute UNION ALL"
            " SELECT record, subject FROM happening UNION ALL SELECT record, subject FROM measure UNION ALL"
            " SELECT record, source FROM link UNION ALL SELECT record, target FROM link) AS said"
            " JOIN entity ON entity.id = said.e WHERE entity.root = ?",
            (number,),
        ).scalar_one()
    )


def first_records(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return, for each thing (root), the first record that speaks of it."""
    found: dict[int, int] = {}
    for start in range(0, len(ids), 500):
        among = _among("root", ids[start : start + 500])
        for row in connection.exec_driver_sql(
            f"SELECT root, min(record) FROM entity WHERE {among} AND record IS NOT NULL GROUP BY root"
        ):
            found[row[0]] = row[1]
        missing = [number for number in ids[start : start + 500] if number not in found]
        if missing:
            among = _among("e.root", missing)
            for row in connection.exec_driver_sql(
                "SELECT root, min(record) FROM ("
                f"SELECT e.root AS root, x.record AS record FROM run_use u JOIN entity e ON e.id = u.dataset"
                f" JOIN run_record x ON x.run = u.run WHERE {among} UNION ALL"
                f" SELECT e.root, x.record FROM run r JOIN entity e ON e.id = r.job"
                f" JOIN run_record x ON x.run = r.id WHERE {among} UNION ALL"
                f" SELECT e.root, x.record FROM run r JOIN entity e ON e.id = r.entity"
                f" JOIN run_record x ON x.run = r.id WHERE {among} UNION ALL"
                f" SELECT e.root, l.record FROM link l JOIN entity e ON e.id IN (l.source, l.target) WHERE {among}"
                " UNION ALL"
                f" SELECT e.root, h.record FROM happening h JOIN entity e ON e.id IN (h.subject, h.actor)"
                f" WHERE {among} UNION ALL"
                f" SELECT e.root, a.record FROM alias a JOIN entity e ON e.id IN (a.entity, a.other) WHERE {among}"
                ") GROUP BY root"
            ):
                found[row[0]] = row[1]
    return found


def run_ids(connection: Connection, numbers: Iterable[int | None]) -> dict[int, str]:
    """Return the run ids of runs."""
    among = _among("id", sorted({number for number in numbers if number is not None}))
    return {row[0]: row[1] for row in connection.exec_driver_sql(f"SELECT id, run_id FROM run WHERE {among}")}


def run_numbers(
    connection: Connection, things: Sequence[int] | None, *, since: int | None, until: int | None
) -> list[int]:
    """Return the runs of these jobs, of these runs, or that used these datasets (roots), newest first."""
    where = "true"
    if things is not None:
        among = f"(SELECT id FROM entity WHERE {_among('root', things)})"
        used = f"SELECT run FROM run_use WHERE dataset IN {among}"
        where = f"(r.job IN {among} OR r.entity IN {among} OR r.id IN ({used}))"
    values: list[Any] = []
    if since is not None:
        where += " AND r.last_at >= ?"
        values.append(since)
    if until is not None:
        where += " AND r.first_at < ?"
        values.append(until)
    return [
        int(row[0])
        for row in connection.exec_driver_sql(
            f"SELECT r.id FROM run r WHERE {where} ORDER BY coalesce(r.started, r.first_at) DESC, r.run_id",
            tuple(values),
        )
    ]


def run_rows(connection: Connection, numbers: Sequence[int]) -> list[Row]:
    """Return runs in the order of `numbers`."""
    found = {
        row["id"]: row
        for row in dicts(
            connection,
            "SELECT id, job, run_id, entity, states, started, ended, first_at, last_at, streaming, actor, parent"
            f" FROM run WHERE {_among('id', numbers)}",
        )
    }
    return [found[number] for number in numbers]


def run_uses(connection: Connection, numbers: Sequence[int]) -> dict[int, list[tuple[int, int, str]]]:
    """Return what runs used: (1 for an output, dataset root, version)."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    for row in connection.exec_driver_sql(
        "SELECT u.run, u.output, e.root, u.version FROM run_use u JOIN entity e ON e.id = u.dataset"
        f" WHERE {_among('u.run', numbers)} ORDER BY u.output, e.namespace, e.name, u.version"
    ):
        found.setdefault(row[0], []).append((row[1], row[2], row[3]))
    return found


def run_said(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, list[Any]]]:
    """Return what was said of runs: for each attribute every value that was said, sorted."""
    found: dict[int, dict[str, list[Any]]] = {}
    for row in connection.exec_driver_sql(
        "SELECT r.run, s.name, s.value FROM run_said r JOIN saying s ON s.id = r.saying"
        f" WHERE {_among('r.run', numbers)} ORDER BY r.run, s.name, s.value"
    ):
        found.setdefault(row[0], {}).setdefault(row[1], []).append(json.loads(row[2]))
    return found


def run_records(connection: Connection, numbers: Sequence[int]) -> dict[int, list[int]]:
    """Return the records that speak of runs."""
    found: dict[int, list[int]] = {}
    for row in connection.exec_driver_sql(
        f"SELECT run, record FROM run_record WHERE {_among('run', numbers)} ORDER BY run, record"
    ):
        found.setdefault(row[0], []).append(row[1])
    return found


def batches(connection: Connection) -> list[Row]:
    """Return every import with size and root of the log after it."""
    return dicts(
        connection,
        "SELECT b.id, b.started, b.finished, b.tool, b.labels, b.paths, c.size, c.root FROM batch b"
        " LEFT JOIN checkpoint c ON c.batch = b.id ORDER BY b.id",
    )


def files(connection: Connection, batch: int) -> list[Row]:
    """Return the files of an import, with how many records were filtered for which reason."""
    found = dicts(connection, "SELECT * FROM file WHERE batch = ? ORDER BY id", (batch,))
    for row in found:
        row["reasons"] = {
            entry[0]: entry[1]
            for entry in connection.exec_driver_sql(
                "SELECT reason, n FROM filtered WHERE file = ? ORDER BY reason", (row["id"],)
            )
        }
    return found


def count_problems(connection: Connection) -> int:
    """Count the problems."""
    return int(connection.exec_driver_sql("SELECT count(*) FROM problem").scalar_one())


def problems(connection: Connection, *, limit: int | None = None, offset: int = 0) -> list[Row]:
    """Return problems by file and place."""
    return dicts(
        connection,
        "SELECT f.path, f.source, p.record, p.line, p.row, p.offset, p.field, p.value, p.reason, p.code, p.fatal"
        " FROM problem p JOIN file f ON f.id = p.file ORDER BY f.path, p.line, p.offset, p.field, p.code"
        + _page(limit, offset),
    )


def coverage(connection: Connection) -> list[Row]:
    """Return what each source showed: spans of its happenings and runs, and its listings."""
    return dicts(
        connection,
        "SELECT f.source AS source, '' AS scope, 'events' AS what, min(h.at_lo) AS since, max(h.at_hi) AS until,"
        " 0 AS complete, count(*) AS records FROM happening h JOIN record r ON r.seq = h.record"
        " JOIN file f ON f.id = r.file GROUP BY f.source"
        " UNION ALL SELECT f.source, '', 'runs', min(n.first_at), max(n.last_at), 0, count(*) FROM run n"
        " JOIN record r ON r.seq = (SELECT min(record) FROM run_record WHERE run = n.id) JOIN file f ON f.id = r.file"
        " GROUP BY f.source"
        " UNION ALL SELECT f.source, c.listing, c.what, c.since, c.until, c.complete, 1 FROM coverage c"
        " JOIN record r ON r.seq = c.record JOIN file f ON f.id = r.file ORDER BY 1, 2, 3, 4",
    )


def findings(connection: Connection) -> list[Row]:
    """Return the findings."""
    return dicts(
        connection, "SELECT code, severity, subject, text, sides FROM finding ORDER BY code, subject, text"
    )


def episodes(connection: Connection, targets: Sequence[int] | None = None) -> list[Row]:
    """Return deployment episodes of these targets (roots), oldest first; `body` is what CONTRACT.md's item holds."""
    found = dicts(
        connection,
        "SELECT p.eid, e.root AS target, p.start_lo, p.start_hi, p.end_lo, p.end_hi, p.action, p.body, p.record"
        f" FROM episode p JOIN entity e ON e.id = p.target WHERE {_among('e.root', targets)}"
        " ORDER BY p.start_lo, p.start_hi, p.eid",
    )
    for row in found:
        row["body"] = json.loads(row["body"])
    return found


def kinds_of(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the kinds of entities."""
    return {
        row[0]: row[1]
        for row in connection.exec_driver_sql(f"SELECT id, kind FROM entity WHERE {_among('id', ids)}")
    }


def served_names(connection: Connection, number: int, kind: str) -> list[str]:
    """Return the ids (as answers write them) of the model versions that a model version or a model stands for."""
    if kind not in {"model-version", "model"}:
        return []
    where = (
        "root = ?1"
        if kind == "model-version"
        else (
            "kind = 'model-version' AND namespace = (SELECT namespace FROM entity WHERE id = ?1)"
            " AND json_extract(attributes, '$.model') = (SELECT name FROM entity WHERE id = ?1)"
        )
    )
    return [
        row[0]
        for row in connection.exec_driver_sql(
            f"SELECT kind || '|' || namespace || '|' || name FROM entity WHERE {where}", (number,)
        )
    ]


def versions_seen(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """Return which versions of datasets (roots) runs used: digests, partitions, table versions; newest text first."""
    found: dict[int, list[str]] = {}
    for row in connection.exec_driver_sql(
        "SELECT DISTINCT e.root, u.version FROM entity e JOIN run_use u ON u.dataset = e.id"
        f" WHERE {_among('e.root', ids)} AND u.version != '' ORDER BY e.root, u.version DESC"
    ):
        found.setdefault(row[0], []).append(row[1])
    return found


def runs_of_entities(connection: Connection, ids: Sequence[int]) -> dict[int, Row]:
    """Return the run that each of these things (roots) is."""
    return {
        row.pop("entity"): row
        for row in dicts(
            connection,
            "SELECT e.root AS entity, r.id, r.run_id, r.states, r.started, r.ended, r.actor FROM run r"
            f" JOIN entity e ON e.id = r.entity WHERE {_among('e.root', ids)}",
        )
    }
