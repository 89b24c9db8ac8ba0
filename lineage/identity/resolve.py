"""What follows from all facts together: merged names, edges in time, deployment episodes, agreements, findings?

Run at the end of every import and of a rebuild, in the same transaction. A function of the derived rows
alone, which are a function of the facts alone, so the same facts give the same result whatever happened on
the way (DESIGN 2.2).
"""

from __future__ import annotations

from collections import Counter, defaultdict

from lineage.identity import exact, merge
from lineage.identity.deployments import resolve_deployments
from lineage.store import consequences, derived, log
from lineage.store.database import Connection


def resolve(connection: Connection) -> None:
    """Work out everything that needs the whole set; replaces what was worked out before."""
    _merge_names(connection)
    consequences.refresh_seen(connection)
    consequences.refresh_attributes(connection)
    consequences.refresh_gone(connection)
    consequences.set_apart_candidates(connection)
    consequences.clear_edges(connection)
    consequences.edges_of_jobs(connection)
    consequences.edges_of_runs(connection)
    consequences.edges_of_links(connection)
    consequences.close_edges_of_gone(connection)
    _split_jobs(connection)
    resolve_deployments(connection)
    consequences.refresh_search(connection)
    consequences.refresh_tallies(connection)
    consequences.mark_resolved(connection, log.size(connection))


def _merge_names(connection: Connection) -> None:
    pairs = [(row[0], row[1]) for row in consequences.same_names(connection)]
    members = sorted({member for pair in pairs for member in pair})
    names = consequences.names_of(connection, members)
    roots = merge.roots(pairs, names)
    consequences.set_roots(connection, [*roots, *consequences.registered_once(connection)])


def _split_jobs(connection: Connection) -> None:
    said: dict[int, list[tuple[int, int, str, float, int]]] = defaultdict(list)
    for job, output, source, basis, confidence, record in consequences.exact_links(connection):
        said[job].append((output, source, basis, confidence, record))
    part = derived.next_id(connection, "entity")
    for job in sorted(said):
        found = exact.split(job, consequences.edges_at(connection, job), said[job])
        if found is None:
            continue
        names = consequences.names_of(connection, found.outputs)
        alike = Counter(names[output][2] for output in found.outputs)
        rows: list[exact.EdgeRow] = []
        for output, edges in zip(found.outputs, found.add, strict=True):
            _, namespace, name = names[output]
            # A job may well write tables of one name into two places.
            consequences.insert_part(
                connection, part, job, name if alike[name] == 1 else f"{namespace}/{name}"
            )
            rows.extend((edge[0] or part, edge[1], edge[2] or part, *edge[3:]) for edge in edges)
            part += 1
        consequences.delete_edges(connection, found.drop)
        consequences.insert_edges(connection, rows)
