"""What follows from the whole set of derived rows, by set operations?

Merged names, spans of sight, present attributes, lineage edges in time, the search index and the counts. Each function
replaces what it made before, and reads only rows that do not depend on the order of import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from lineage.model.moment import LAST
from lineage.model.vocabulary import FLOW, Basis, Kind, Relation, RunState

GONE_AFTER = 3
"""After how many complete runs in a row that no longer use a dataset the edge has ended, with the first of them.

One run may skip an input (a backfill, a partition); closing at once would lose lineage, never closing would keep stale
edges for ever (domain-anchors 2.1, 30 and 31).
"""

_COMPLETE = 1 << list(RunState).index(RunState.COMPLETE)


def same_names(connection: Connection) -> list[tuple[int, int, str, str, str]]:
    """Return every proven pair of names for one thing: both ids, and kind, namespace, name of ... the ids' entities."""
    return [
        (row[0], row[1], row[2], row[3], row[4])
        for row in connection.exec_driver_sql(
            "SELECT a.entity, a.other, x.kind, y.kind, a.rule FROM alias a JOIN entity x ON x.id = a.entity"
            " JOIN entity y ON y.id = a.other WHERE a.relation = 'same' AND x.kind = y.kind AND x.kind != 'actor'"
        )
    ]


def registered_once(connection: Connection) -> list[tuple[int, int]]:
    """Return (version, logged model) for every logged model that became exactly one registered version.

    Both are the same artifact; the version stands for it, and the logged model's id is another name of it. One that was
    registered several times stands for itself.
    """
    return [
        (row[1], row[0])
        for row in connection.exec_driver_sql(
            "SELECT source, min(target) FROM link WHERE type = ? GROUP BY source HAVING count(DISTINCT target) = 1",
            (str(Relation.REGISTERED),),
        )
    ]


def names_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    """Return kind, namespace and name of entities."""
    found: dict[int, tuple[str, str, str]] = {}
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ",".join("?" * len(part))
        for row in connection.exec_driver_sql(
            f"SELECT id, kind, namespace, name FROM entity WHERE id IN ({marks})", tuple(part)
        ):
            found[row[0]] = (row[1], row[2], row[3])
    return found


def set_roots(connection: Connection, roots: Iterable[tuple[int, int]]) -> None:
    """Say of which entity each merged entity is another name: pairs (root, entity)."""
    connection.exec_driver_sql("DELETE FROM entity WHERE whole != 0")
    connection.exec_driver_sql("UPDATE entity SET whole = NULL WHERE whole = 0")
    connection.exec_driver_sql("UPDATE entity SET root = id WHERE root != id")
    pairs = list(roots)
    if pairs:
        connection.exec_driver_sql("UPDATE entity SET root = ? WHERE id = ?", pairs)


def refresh_seen(connection: Connection) -> None:
    """Work out when each thing was first and last seen, from everything that is said of it."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS temp.span")
    connection.exec_driver_sql(
        "CREATE TEMP TABLE span AS SELECT root AS id, min(at) AS first, max(upto) AS last FROM ("
        " SELECT entity AS e, first_at AS at, last_at AS upto FROM seen"
        " UNION ALL SELECT entity, first_at, last_at FROM attribute WHERE first_at IS NOT NULL"
        " UNION ALL SELECT source, first_at, last_at FROM link WHERE first_at IS NOT NULL"
        " UNION ALL SELECT target, first_at, last_at FROM link WHERE first_at IS NOT NULL"
        " UNION ALL SELECT subject, at_lo, at_hi FROM happening"
        " UNION ALL SELECT actor, at_lo, at_hi FROM happening WHERE actor IS NOT NULL"
        " UNION ALL SELECT entity, at, at FROM sighting"
        " UNION ALL SELECT id, created, created FROM entity WHERE created IS NOT NULL"
        ") JOIN entity ON entity.id = e GROUP BY root"
    )
    # A thing that stood for itself may have become another's name since.
    connection.exec_driver_sql(
        "UPDATE entity SET first_seen = NULL, last_seen = NULL WHERE root != id AND first_seen IS NOT NULL"
    )
    connection.exec_driver_sql(
        "UPDATE entity SET first_seen = span.first, last_seen = span.last FROM temp.span WHERE span.id = entity.id"
    )
    connection.exec_driver_sql("DROP TABLE temp.span")


def refresh_attributes(connection: Connection) -> None:
    """Give each thing the newest value of each attribute; equal times are settled by the value itself."""
    connection.exec_driver_sql("UPDATE entity SET attributes = '{}' WHERE attributes != '{}'")
    connection.exec_driver_sql(
        "UPDATE entity SET attributes = fresh.body FROM ("
        " SELECT root, json_group_object(name, json(value)) AS body FROM ("
        "  SELECT e.root AS root, a.name AS name, a.value AS value, row_number() OVER ("
        "   PARTITION BY e.root, a.name ORDER BY coalesce(a.last_at, 0) DESC, a.slot DESC, a.value DESC) AS place"
        "  FROM attribute a JOIN entity e ON e.id = a.entity"
        "  WHERE e.root = e.id OR e.kind != 'model-version') WHERE place = 1 AND value != 'null'"
        "  GROUP BY root) AS fresh WHERE fresh.root = entity.id"
    )


def refresh_gone(connection: Connection) -> None:
    """Say of things that a complete listing no longer held that they ended since they were last listed (DESIGN 2.4).

    Targets have their own register of what was deployed and deleted.
    """
    connection.exec_driver_sql("UPDATE entity SET gone_lo = NULL, gone_hi = NULL WHERE gone_hi IS NOT NULL")
    connection.exec_driver_sql(
        "UPDATE entity SET gone_lo = missed.last, gone_hi = missed.at FROM ("
        " SELECT seen.root AS root, max(seen.last) AS last, min(c.until) AS at FROM ("
        "  SELECT e.root AS root, l.name AS listing, max(s.at) AS last FROM sighting s"
        "  JOIN listing l ON l.id = s.listing JOIN entity e ON e.id = s.entity WHERE e.kind != 'target'"
        "  GROUP BY e.root, l.name) seen"
        " JOIN coverage c ON c.listing = seen.listing AND c.complete AND c.since = c.until AND c.until > seen.last"
        " GROUP BY seen.root"
        " HAVING count(DISTINCT seen.listing) = (SELECT count(DISTINCT s.listing) FROM sighting s"
        "  JOIN entity o ON o.id = s.entity WHERE o.root = seen.root)) AS missed WHERE missed.root = entity.id"
    )


def close_edges_of_gone(connection: Connection) -> None:
    """End the declared edges of things that are gone; what runs did stays as it was seen."""
    connection.exec_driver_sql(
        "UPDATE edge SET valid_to = gone.at FROM (SELECT id, gone_hi AS at FROM entity WHERE gone_hi IS NOT NULL) gone"
        " WHERE (edge.src = gone.id OR edge.dst = gone.id) AND edge.rule != 'run-io' AND edge.type != 'serves'"
        " AND edge.valid_to > gone.at AND edge.valid_from < gone.at"
    )


def set_apart_candidates(connection: Connection) -> None:
    """Keep names that are only candidates for another thing's name out of lists: nothing else is said of them.

    Their `whole` is 0, which is no entity; a record that speaks of such a name makes it a thing of its own.
    """
    connection.exec_driver_sql(
        "UPDATE entity SET whole = 0 WHERE whole IS NULL AND root = id AND record IS NULL AND first_seen IS NULL"
        " AND id IN (SELECT other FROM alias WHERE relation = 'candidate' UNION"
        "  SELECT entity FROM alias WHERE relation = 'candidate')"
        " AND id NOT IN (SELECT entity FROM alias WHERE relation != 'candidate')"
        " AND id NOT IN (SELECT other FROM alias WHERE relation != 'candidate')"
        " AND id NOT IN (SELECT source FROM link UNION SELECT target FROM link)"
        " AND id NOT IN (SELECT dataset FROM run_use) AND id NOT IN (SELECT root FROM entity WHERE root != id)"
    )


def clear_edges(connection: Connection) -> None:
    """Empty the edges before they are made again."""
    connection.exec_driver_sql("DELETE FROM edge")


_INSERT_EDGE = (
    "INSERT INTO edge (src, type, dst, valid_from, valid_to, basis, confidence, rule, job, run, uncertain, ev_first,"
    " ev_last) "
)
_MERGE_EDGE = (
    " ON CONFLICT (src, type, dst, valid_from) DO UPDATE SET valid_to = max(valid_to, excluded.valid_to),"
    " basis = CASE WHEN (excluded.confidence, excluded.basis, excluded.rule) > (confidence, basis, rule)"
    "  THEN excluded.basis ELSE basis END,"
    " rule = CASE WHEN (excluded.confidence, excluded.basis, excluded.rule) > (confidence, basis, rule)"
    "  THEN excluded.rule ELSE rule END,"
    # Which job is named must not depend on which was imported first.
    " job = CASE WHEN edge.job IS excluded.job OR excluded.job IS NULL THEN edge.job WHEN edge.job IS NULL"
    "  OR (SELECT (x.namespace, x.name) < (c.namespace, c.name) FROM entity x, entity c"
    "   WHERE x.id = excluded.job AND c.id = edge.job) THEN excluded.job ELSE edge.job END,"
    " confidence = max(confidence, excluded.confidence),"
    " ev_first = min(ev_first, excluded.ev_first), ev_last = max(ev_last, excluded.ev_last)"
)


def edges_of_jobs(connection: Connection) -> None:
    """Make the edges between jobs and the datasets that their runs read and wrote, each with the time it held.

    Runs that count are those that ended well, or all runs of a job none of which ever did. An edge holds from the first
    counting run that used the dataset; see `GONE_AFTER` for its end. Of a job with several inputs and several outputs
    it is only inferred which fed which, unless the job said so (then its exact links replace the product).
    """
    for name in ("used", "counted", "whole", "counting", "held"):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS temp.{name}")
    connection.exec_driver_sql(
        "CREATE TEMP TABLE used AS WITH ends AS MATERIALIZED ("
        " SELECT job, max(states & ?) AS complete FROM run WHERE entity IS NULL GROUP BY job)"
        " SELECT e.root AS job, u.output AS output, d.root AS dataset, r.id AS run,"
        " coalesce(r.started, r.first_at) AS at"
        " FROM run r CROSS JOIN run_use u ON u.run = r.id JOIN ends ON ends.job = r.job"
        " JOIN entity e ON e.id = r.job JOIN entity d ON d.id = u.dataset"
        " WHERE r.entity IS NULL AND (r.states & ? OR NOT ends.complete)",
        (_COMPLETE, _COMPLETE),
    )
    connection.exec_driver_sql(
        "CREATE TEMP TABLE counted AS SELECT job, output, dataset, count(DISTINCT run) AS runs, min(at) AS since,"
        " min(run) AS one_run, max(run) AS other_run FROM temp.used GROUP BY job, output, dataset"
    )
    # Of a side whose every run used the same datasets, no edge has ended: only the other sides are looked at in order.
    connection.exec_driver_sql(
        "CREATE TEMP TABLE whole AS SELECT t.job AS job, t.output AS output, min(c.runs) = t.runs AS steady"
        " FROM (SELECT job, output, count(DISTINCT run) AS runs FROM temp.used GROUP BY job, output) t"
        " JOIN temp.counted c ON c.job = t.job AND c.output = t.output GROUP BY t.job, t.output"
    )
    connection.exec_driver_sql(
        "CREATE TEMP TABLE counting AS SELECT u.job AS job, u.output AS output, u.run AS run, u.at AS at,"
        " row_number() OVER (PARTITION BY u.job, u.output ORDER BY u.at, r.run_id, u.run) AS rn"
        " FROM (SELECT DISTINCT n.job AS job, n.output AS output, n.run AS run, n.at AS at FROM temp.used n"
        "  JOIN temp.whole w ON w.job = n.job AND w.output = n.output WHERE NOT w.steady) u"
        " JOIN run r ON r.id = u.run"
    )
    connection.exec_driver_sql("CREATE INDEX temp.counting_rn ON counting (job, output, rn)")
    connection.exec_driver_sql("CREATE INDEX temp.counting_run ON counting (run, output, job)")
    connection.exec_driver_sql(
        "CREATE TEMP TABLE held AS WITH used AS ("
        " SELECT DISTINCT c.job AS job, c.output AS output, u.dataset AS dataset, c.rn AS rn, c.at AS at, c.run AS run"
        " FROM temp.used u JOIN temp.counting c ON c.run = u.run AND c.output = u.output AND c.job = u.job),"
        " stepped AS (SELECT *, CASE WHEN rn - lag(rn) OVER w > ? THEN 1 ELSE 0 END AS broken FROM used"
        " WINDOW w AS (PARTITION BY job, output, dataset ORDER BY rn)),"
        " islands AS (SELECT *, sum(broken) OVER (PARTITION BY job, output, dataset ORDER BY rn) AS island"
        " FROM stepped)"
        " SELECT job, output, dataset, min(at) AS since, max(rn) AS last_rn, min(run) AS one_run,"
        " max(run) AS other_run FROM islands GROUP BY job, output, dataset, island"
        " UNION ALL SELECT c.job, c.output, c.dataset, c.since, 0, c.one_run, c.other_run FROM temp.counted c"
        " JOIN temp.whole w ON w.job = c.job AND w.output = c.output WHERE w.steady",
        (GONE_AFTER,),
    )
    connection.exec_driver_sql("DROP TABLE IF EXISTS temp.width")
    connection.exec_driver_sql(
        "CREATE TEMP TABLE width AS SELECT job, sum(output = 0) AS inputs, sum(output = 1) AS outputs FROM ("
        " SELECT DISTINCT job, output, dataset FROM temp.held) GROUP BY job"
    )
    connection.exec_driver_sql(
        _INSERT_EDGE + "SELECT CASE h.output WHEN 0 THEN h.dataset ELSE h.job END,"
        " CASE h.output WHEN 0 THEN 'input' ELSE 'output' END,"
        " CASE h.output WHEN 0 THEN h.job ELSE h.dataset END, h.since,"
        " coalesce((SELECT c.at FROM temp.counting c WHERE c.job = h.job AND c.output = h.output"
        "   AND c.rn = h.last_rn + 1 AND (SELECT max(rn) FROM temp.counting m WHERE m.job = h.job"
        "   AND m.output = h.output) - h.last_rn >= ?), ?),"
        " CASE WHEN h.output AND w.inputs > 1 AND w.outputs > 1 THEN ? ELSE ? END,"
        " CASE WHEN h.output AND w.inputs > 1 AND w.outputs > 1 THEN 0.5 ELSE 1.0 END, 'run-io', h.job, h.other_run,"
        " NULL, (SELECT min(record) FROM run_record WHERE run = h.one_run),"
        " (SELECT max(record) FROM run_record WHERE run = h.other_run)"
        " FROM temp.held h JOIN temp.width w ON w.job = h.job WHERE true" + _MERGE_EDGE,
        (GONE_AFTER, LAST, str(Basis.JOB_IO), str(Basis.OBSERVED)),
    )
    for name in ("used", "counted", "whole", "counting", "held", "width"):
        connection.exec_driver_sql(f"DROP TABLE temp.{name}")


def edges_of_runs(connection: Connection) -> None:
    """Make the edges of runs that each make their own thing (training runs): they hold from the run on."""
    connection.exec_driver_sql(
        _INSERT_EDGE + "SELECT CASE u.output WHEN 0 THEN d.root ELSE e.root END,"
        " CASE u.output WHEN 0 THEN 'input' ELSE 'output' END, CASE u.output WHEN 0 THEN e.root ELSE d.root END,"
        " coalesce(r.started, r.first_at), ?, ?, 1.0, 'run-io', r.job, r.id, NULL,"
        " (SELECT min(record) FROM run_record WHERE run = r.id), (SELECT max(record) FROM run_record WHERE run = r.id)"
        " FROM run_use u JOIN run r ON r.id = u.run JOIN entity d ON d.id = u.dataset"
        " JOIN entity e ON e.id = r.entity WHERE true" + _MERGE_EDGE,
        (LAST, str(Basis.OBSERVED)),
    )


def edges_of_links(connection: Connection) -> None:
    """Make the edges that records state outright; exact links of a job are left to `exact_links`."""
    types = ", ".join(f"'{kind}'" for kind in sorted(FLOW))
    connection.exec_driver_sql(
        _INSERT_EDGE + "SELECT s.root, l.type, t.root, coalesce(l.first_at, 0), coalesce(l.ended, ?),"
        " l.basis, l.confidence, l.rule, nullif(l.job, 0), l.run, NULL, l.record, l.record"
        " FROM link l JOIN entity s ON s.id = l.source JOIN entity t ON t.id = l.target"
        f" WHERE l.type IN ({types}) AND NOT (l.type = ? AND l.job != 0) AND s.root != t.root" + _MERGE_EDGE,
        (LAST, str(Relation.DERIVED)),
    )


def exact_links(connection: Connection) -> list[tuple[int, int, int, str, float, int]]:
    """Return what jobs say of their own lineage: job, output, source (roots), basis, confidence, record."""
    return [
        (row[0], row[1], row[2], row[3], row[4], row[5])
        for row in connection.exec_driver_sql(
            "SELECT j.root, t.root, s.root, min(l.basis), max(l.confidence), min(l.record) FROM link l"
            " JOIN entity j ON j.id = l.job JOIN entity t ON t.id = l.target JOIN entity s ON s.id = l.source"
            " WHERE l.type = ? AND l.job != 0 GROUP BY 1, 2, 3",
            (str(Relation.DERIVED),),
        )
    ]


def edges_at(connection: Connection, thing: int) -> list[tuple[Any, ...]]:
    """Return every edge at `thing` as rows of the edge table."""
    columns = "src, type, dst, valid_from, valid_to, basis, confidence, rule, job, run, uncertain, ev_first, ev_last"
    return [
        tuple(row)
        for row in connection.exec_driver_sql(
            f"SELECT {columns} FROM edge WHERE src = ?1 UNION ALL SELECT {columns} FROM edge WHERE dst = ?1",
            (thing,),
        )
    ]


def delete_edges(connection: Connection, keys: Iterable[tuple[int, str, int, int]]) -> None:
    """Remove edges by source, type, target and beginning."""
    rows = list(keys)
    if rows:
        connection.exec_driver_sql(
            "DELETE FROM edge WHERE src = ? AND type = ? AND dst = ? AND valid_from = ?", rows
        )


def insert_edges(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add edges, values in the order of the edge table; an edge that stands already is merged."""
    batch = list(rows)
    if batch:
        marks = ", ".join("?" * 13)
        connection.exec_driver_sql(_INSERT_EDGE + f"VALUES ({marks})" + _MERGE_EDGE, batch)


def insert_part(connection: Connection, part: int, whole: int, output: str) -> None:
    """Add the part of the job `whole` that makes one output, by the name of that; a taken name is marked."""
    while connection.exec_driver_sql(
        "SELECT 1 FROM entity e JOIN entity w ON e.kind = w.kind AND e.namespace = w.namespace"
        " AND e.name = w.name || ' ▸ ' || ? WHERE w.id = ?",
        (output, whole),
    ).first():
        output += " ▸"
    connection.exec_driver_sql(
        "INSERT INTO entity (id, kind, namespace, name, root, whole, first_seen, last_seen, attributes)"
        " SELECT ?, kind, namespace, name || ' ▸ ' || ?, ?, id, first_seen, last_seen, '{}'"
        " FROM entity WHERE id = ?",
        (part, output, part, whole),
    )


def refresh_search(connection: Connection) -> None:
    """Index the names of things (never of runs) for search by any part of them."""
    connection.exec_driver_sql("INSERT INTO found (found) VALUES ('delete-all')")
    connection.exec_driver_sql(
        "INSERT INTO found (rowid, text) SELECT e.id, e.namespace || ' ' || e.name || ' ' ||"
        " coalesce((SELECT group_concat(o.namespace || ' ' || o.name, ' ') FROM entity o"
        "  WHERE o.root = e.id AND o.id != e.id), '')"
        f" FROM entity e WHERE e.root = e.id AND e.whole IS NULL AND e.kind NOT IN ('{Kind.RUN}', '{Kind.COLUMN}')"
    )


def refresh_tallies(connection: Connection) -> None:
    """Count what is there, so that no screen has to."""
    connection.exec_driver_sql("DELETE FROM tally")
    connection.exec_driver_sql(
        "INSERT INTO tally SELECT 'entities', count(*) FROM entity WHERE root = id AND whole IS NULL"
        " UNION ALL SELECT 'entities ' || kind, count(*) FROM entity WHERE root = id AND whole IS NULL GROUP BY kind"
        " UNION ALL SELECT 'edges', count(*) FROM edge UNION ALL SELECT 'runs', count(*) FROM run"
        " UNION ALL SELECT 'events', count(*) FROM happening UNION ALL SELECT 'episodes', count(*) FROM episode"
        " UNION ALL SELECT 'findings', count(*) FROM finding UNION ALL SELECT 'measures', count(*) FROM measure"
    )


def mark_resolved(connection: Connection, records: int) -> None:
    """Remember up to which record everything has been worked out."""
    connection.exec_driver_sql("INSERT OR REPLACE INTO tally VALUES ('resolved', ?)", (records,))


def resolved_upto(connection: Connection) -> int:
    """Return up to which record everything has been worked out."""
    found = connection.exec_driver_sql("SELECT n FROM tally WHERE name = 'resolved'").scalar()
    return int(found or 0)
