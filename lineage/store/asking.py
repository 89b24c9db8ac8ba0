"""How are rows found for a question? Reads only; every function says what its rows hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

_THING = (
    "SELECT id, kind, namespace, name, root, whole, first_seen, last_seen, created,"
    " coalesce(ended_lo, gone_lo), coalesce(ended_hi, gone_hi), attributes,"
    " record FROM entity"
)


@dataclass(frozen=True, slots=True)
class Thing:
    """A row of the entity table."""

    id: int
    kind: str
    namespace: str
    name: str
    root: int
    whole: int | None
    first_seen: int | None
    last_seen: int | None
    created: int | None
    ended_lo: int | None
    ended_hi: int | None
    attributes: dict[str, Any]
    record: int | None


def _thing(row: Sequence[Any]) -> Thing:
    values: list[Any] = [*row[:11], msgspec.json.decode(row[11]), row[12]]
    return Thing(*values)


def rows(connection: Connection, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of one statement of the store's own."""
    return [tuple(row) for row in connection.exec_driver_sql(sql, tuple(values))]


def things(connection: Connection, ids: Iterable[int]) -> dict[int, Thing]:
    """Return the entities of these ids."""
    wanted = list(dict.fromkeys(ids))
    found: dict[int, Thing] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ",".join("?" * len(part))
        for row in connection.exec_driver_sql(f"{_THING} WHERE id IN ({marks})", tuple(part)):
            found[row[0]] = _thing(row)
    return found


def things_of_kind(connection: Connection, kind: str) -> list[Thing]:
    """Return every entity of a kind that stands for itself."""
    return [
        _thing(row)
        for row in connection.exec_driver_sql(
            f"{_THING} WHERE kind = ? AND root = id AND whole IS NULL", (kind,)
        )
    ]


def select_ids(connection: Connection, where: str, values: Sequence[Any] = ()) -> list[int]:
    """Return the roots of the entities that a condition of the store's own picks, sorted by name."""
    return [
        int(row[0])
        for row in connection.exec_driver_sql(
            "SELECT DISTINCT root FROM entity WHERE whole IS NULL AND (" + where + ")", tuple(values)
        )
    ]


def all_ids(connection: Connection) -> list[int]:
    """Return every entity that stands for itself, ordered by kind and name."""
    return [
        int(row[0])
        for row in connection.exec_driver_sql(
            "SELECT id FROM entity WHERE root = id AND whole IS NULL ORDER BY kind, namespace, name"
        )
    ]


def ids_named(connection: Connection, name: str) -> list[int]:
    """Return the things exactly so named: by id text, name, namespace and name, or another name of theirs."""
    kind, _, rest = name.partition("|")
    namespace, separator, last = rest.partition("|")
    if separator:
        return select_ids(connection, "kind = ? AND namespace = ? AND name = ?", (kind, namespace, last))
    found = select_ids(connection, "name = ? OR namespace || '/' || name = ?", (name, name))
    if found:
        return found
    return [
        int(row[0])
        for row in connection.exec_driver_sql(
            "SELECT DISTINCT e.root FROM spelling s JOIN entity e ON e.id = s.entity"
            " WHERE s.name = ? OR s.namespace || '/' || s.name = ?",
            (name, name),
        )
    ]


def ids_ending(connection: Connection, name: str) -> list[int]:
    """Return the things whose name ends in `name` after a separator (`/`, `.`, a space)."""
    tail = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    patterns = [f"%{separator}{tail}" for separator in ("/", ".")]
    model, _, version = name.rpartition(" ")
    if model:
        return select_ids(connection, "kind = 'model-version' AND name = ?", (f"{model}/{version}",))
    return select_ids(connection, "name LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\'", patterns)


def ids_like(connection: Connection, pattern: str) -> list[int]:
    """Return the things whose name matches a glob pattern (`*`, `?`, `[...]`)."""
    return select_ids(connection, "name GLOB ?1 OR namespace || '/' || name GLOB ?1", (pattern,))


def ids_found(connection: Connection, text: str, limit: int) -> tuple[list[int], bool]:
    """Return things with every word of `text` in a name of theirs, and whether that is all of them."""
    words = [word for word in text.split() if word]
    if not words:
        return [], True
    long = [word for word in words if len(word) >= 3]
    clauses = ["e.root = e.id", "e.whole IS NULL", "e.kind NOT IN ('run', 'column')"]
    values: list[Any] = []
    if long:
        clauses.append("e.id IN (SELECT rowid FROM found WHERE found MATCH ?)")
        values.append(
            " AND ".join(f'"{trigram}"' for word in long for trigram in _trigrams(word.replace('"', '""')))
        )
    for word in words:
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        clauses.append(
            "(e.namespace || ' ' || e.name LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM entity o WHERE o.root = e.id"
            " AND o.namespace || ' ' || o.name LIKE ? ESCAPE '\\'))"
        )
        values.extend([f"%{escaped}%"] * 2)
    found = [
        int(row[0])
        for row in connection.exec_driver_sql(
            f"SELECT e.id FROM entity e WHERE {' AND '.join(clauses)} ORDER BY e.last_seen DESC, e.name LIMIT ?",
            (*values, limit + 1),
        )
    ]
    return found[:limit], len(found) <= limit


def _trigrams(word: str) -> list[str]:
    return [word[at : at + 3] for at in range(len(word) - 2)] if '""' not in word else [word]


def aliases_of(connection: Connection, ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """Return, for each root, its other names: namespace, name, rule."""
    wanted = list(dict.fromkeys(ids))
    found: dict[int, list[dict[str, Any]]] = {number: [] for number in wanted}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ",".join("?" * len(part))
        for row in connection.exec_driver_sql(
            "SELECT o.root, o.namespace, o.name, coalesce((SELECT min(a.rule) FROM alias a WHERE"
            " (a.entity = o.id OR a.other = o.id) AND a.relation = 'same'), 'merged') FROM entity o"
            f" WHERE o.root IN ({marks}) AND o.root != o.id"
            " UNION SELECT e.root, s.namespace, s.name, 'spelling' FROM spelling s JOIN entity e ON e.id = s.entity"
            f" WHERE e.root IN ({marks}) ORDER BY 2, 3 LIMIT 10000",
            (*part, *part),
        ):
            found[row[0]].append({"namespace": row[1], "name": row[2], "rule": row[3]})
    return found


def edge_rows(connection: Connection) -> list[tuple[int, int, int, int]]:
    """Return source, target, beginning and end of every edge, by source."""
    return [
        tuple(row) for row in connection.exec_driver_sql("SELECT src, dst, valid_from, valid_to FROM edge")
    ]


def edges_between(connection: Connection, ids: Iterable[int], lo: int, hi: int) -> list[dict[str, Any]]:
    """Return the edges among `ids` that held at some time from `lo` to `hi`."""
    wanted = set(ids)
    found: list[dict[str, Any]] = []
    numbers = sorted(wanted)
    columns = "src, type, dst, valid_from, valid_to, basis, confidence, rule, job, run, uncertain, ev_first, ev_last"
    names = columns.split(", ")
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ",".join("?" * len(part))
        found.extend(
            dict(zip(names, row, strict=True))
            for row in connection.exec_driver_sql(
                f"SELECT {columns} FROM edge WHERE src IN ({marks}) AND valid_from <= ? AND valid_to > ?",
                (*part, hi, lo),
            )
            if row[2] in wanted
        )
    return found


def neighbours(
    connection: Connection, start: Iterable[int], *, up: bool, hops: int, lo: int, hi: int, limit: int
) -> dict[int, int]:
    """Return what lies within `hops` of `start` in one direction, with its distance, at a time from `lo` to `hi`.

    Uses the covering indexes, one statement a hop; stops when `limit` is passed.
    """
    depth = dict.fromkeys(start, 0)
    frontier = list(depth)
    near, far = ("dst", "src") if up else ("src", "dst")
    for distance in range(1, hops + 1):
        found: set[int] = set()
        for begin in range(0, len(frontier), 500):
            part = frontier[begin : begin + 500]
            marks = ",".join("?" * len(part))
            found.update(
                row[0]
                for row in connection.exec_driver_sql(
                    f"SELECT DISTINCT {far} FROM edge WHERE {near} IN ({marks}) AND valid_from <= ? AND valid_to > ?",
                    (*part, hi, lo),
                )
            )
        frontier = sorted(found - depth.keys())
        for number in frontier:
            depth[number] = distance
        if not frontier or len(depth) > limit:
            break
    return depth


def parts_of(connection: Connection, ids: Iterable[int]) -> dict[int, list[int]]:
    """Return the parts of jobs that were split by output."""
    found: dict[int, list[int]] = {}
    for number in ids:
        parts = [
            int(row[0])
            for row in connection.exec_driver_sql(
                "SELECT id FROM entity WHERE whole = ? ORDER BY name", (number,)
            )
        ]
        if parts:
            found[number] = parts
    return found


def tallies(connection: Connection) -> dict[str, int]:
    """Return the counts that were kept."""
    return {row[0]: int(row[1]) for row in connection.exec_driver_sql("SELECT name, n FROM tally")}


def ids_of_kind(connection: Connection, kind: str) -> list[int]:
    """Return the things of a kind."""
    return select_ids(connection, "kind = ?", (kind,))


def ids_in_namespace(connection: Connection, namespace: str) -> list[int]:
    """Return the things named in a namespace (a glob is understood)."""
    return select_ids(connection, "namespace = ?1 OR namespace GLOB ?1", (namespace,))


def ids_in_environment(connection: Connection, environment: str) -> list[int]:
    """Return the deployment targets of an environment (a glob is understood)."""
    text = "json_extract(attributes, '$.environment')"
    return select_ids(connection, f"kind = 'target' AND ({text} = ?1 OR {text} GLOB ?1)", (environment,))


def ids_from_source(connection: Connection, source: str) -> list[int]:
    """Return the things that a record of this source speaks of."""
    return [
        int(row[0])
        for row in connection.exec_driver_sql(
            "SELECT DISTINCT e.root FROM (SELECT id AS e, record FROM entity WHERE record IS NOT NULL"
            " UNION SELECT subject, record FROM happening UNION SELECT actor, record FROM happening"
            " UNION SELECT entity, record FROM attribute UNION SELECT source, record FROM link"
            " UNION SELECT target, record FROM link"
            " UNION SELECT r.job, (SELECT min(record) FROM run_record WHERE run = r.id) FROM run r"
            " UNION SELECT u.dataset, (SELECT min(record) FROM run_record WHERE run = u.run) FROM run_use u) said"
            " JOIN record x ON x.seq = said.record JOIN file f ON f.id = x.file JOIN entity e ON e.id = said.e"
            " WHERE f.source = ?",
            (source,),
        )
    ]


def ids_tagged(connection: Connection, tag: str) -> list[int]:
    """Return the things with a tag `key=value`."""
    key, _, value = tag.partition("=")
    quoted = '$.tags."' + key.replace('"', "") + '"'
    return select_ids(connection, "json_extract(attributes, ?) = ?", (quoted, value))


def ids_owned(connection: Connection, owner: str) -> list[int]:
    """Return the things whose owners name `owner`."""
    return select_ids(
        connection,
        "EXISTS (SELECT 1 FROM json_tree(attributes, '$.owners') WHERE atom = ?1)"
        " OR json_extract(attributes, '$.owner') = ?1",
        (owner,),
    )


def generation(connection: Connection) -> int:
    """Return a number that changes whenever an import, a rebuild or a decision changed what is there."""
    batch = int(connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM batch").scalar_one())
    resolved = connection.exec_driver_sql("SELECT n FROM tally WHERE name = 'resolved'").scalar()
    size = int(connection.exec_driver_sql("SELECT coalesce(max(seq) + 1, 0) FROM record").scalar_one())
    decisions = int(connection.exec_driver_sql("SELECT count(*) FROM decision").scalar_one())
    return (batch + decisions) * 1_000_003 + size * 2 + int(resolved == size)


def identity(connection: Connection, known_at: int | None) -> dict[str, Any]:
    """Return the workspace's id and the checkpoint that an answer known at that time stands on."""
    workspace = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'workspace'").scalar_one()
    row = connection.exec_driver_sql(
        "SELECT size, root, at FROM checkpoint WHERE at <= ? ORDER BY size DESC LIMIT 1",
        (known_at if known_at is not None else 1 << 62,),
    ).fetchone()
    return {
        "workspace": workspace,
        "tree_size": row[0] if row else 0,
        "root": row[1].hex() if row else "",
        "checkpoint_at": row[2] if row else None,
    }
