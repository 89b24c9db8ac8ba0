"""What is read whole when two times are compared or causes are looked for? Edges, listed attributes, uses by runs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from lineage.model.naming import display
from lineage.store.listing import Row, dicts


def edges(connection: Connection) -> list[Row]:
    """Return every edge between things (roots) but what serves where, with the actor of the run that it is of."""
    found = dicts(
        connection,
        "SELECT s.root AS src, e.type, d.root AS dst, e.valid_from, e.valid_to, e.uncertain, e.basis, e.rule,"
        " e.ev_first, e.ev_last, r.actor FROM edge e JOIN entity s ON s.id = e.src JOIN entity d ON d.id = e.dst"
        " LEFT JOIN run r ON r.id = e.run WHERE e.type != 'serves' ORDER BY e.valid_from, e.valid_to, e.rule",
    )
    for row in found:
        row["actor"] = (row["actor"] or "\n").split("\n", 1)[1] or None
    return found


def shown(connection: Connection, wanted: Sequence[str]) -> list[Row]:
    """Return what listings showed of these attributes: thing, name, time (`slot`), value, record; by time."""
    marks = ", ".join("?" * len(wanted))
    found = dicts(
        connection,
        "SELECT o.kind, o.namespace, o.name AS called, a.name, a.slot, a.value, a.record FROM attribute a"
        " JOIN entity e ON e.id = a.entity JOIN entity o ON o.id = e.root"
        f" WHERE a.name IN ({marks}) AND a.slot > 0 ORDER BY o.kind, o.namespace, o.name, a.name, a.slot, a.value",
        tuple(wanted),
    )
    for row in found:
        row["value"] = json.loads(row["value"])
        row["thing"] = display(row.pop("kind"), row.pop("namespace"), row.pop("called"))
    return found


def uses(connection: Connection) -> list[Row]:
    """Return every use of a dataset (root) by a run, by time, with its version and 1 for an output."""
    return dicts(
        connection,
        "SELECT u.run, u.output, d.root AS dataset, u.version, r.run_id, r.entity, r.states, j.root AS job,"
        " coalesce(r.started, r.first_at) AS began, coalesce(r.ended, r.last_at) AS over"
        " FROM run_use u JOIN entity d ON d.id = u.dataset JOIN run r ON r.id = u.run JOIN entity j ON j.id = r.job"
        " ORDER BY began, r.run_id, u.output, d.namespace, d.name, u.version",
    )


def produced(connection: Connection) -> list[Row]:
    """Return which model versions (roots) came out of which runs or jobs: source (root), run if named, record."""
    return dicts(
        connection,
        "SELECT DISTINCT s.root AS source, v.root AS version, e.run, e.ev_first AS record FROM edge e"
        " JOIN entity s ON s.id = e.src JOIN entity v ON v.id = e.dst"
        " WHERE v.kind = 'model-version' AND s.kind IN ('run', 'job') ORDER BY v.root, s.root, e.run",
    )
