"""What follows from all facts together: merged names, edges in time, deployment episodes, agreements, findings?

Run at the end of every import and of a rebuild, in the same transaction. A function of the derived rows
alone, which are a function of the facts alone, so the same facts give the same result whatever happened on
the way (DESIGN 2.2).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from lineage.identity import exact, merge
from lineage.identity.decision import Decisions, holding
from lineage.identity.deployments import resolve_deployments
from lineage.model.facts import Key
from lineage.model.vocabulary import Kind
from lineage.store import consequences, decided, derived, log
from lineage.store.database import Connection


def resolve(connection: Connection, known_at: int | None = None) -> None:
    """Work out everything that needs the whole set; replaces what was worked out before.

    Decisions of people recorded after the UTC microsecond `known_at` do not count.
    """
    decisions = holding(decided.every(connection, known_at))
    _merge_names(connection, decisions)
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
    resolve_deployments(connection, decisions)
    consequences.refresh_search(connection)
    consequences.refresh_tallies(connection)
    consequences.mark_resolved(connection, log.size(connection))


def _merge_names(connection: Connection, decisions: Decisions) -> None:
    pairs = [(row[0], row[1]) for row in consequences.same_names(connection)]
    # A person and the principals that are theirs stay apart: which was whose may differ from time to time.
    things = (pair for pair in decisions.same if pair[0].kind is not Kind.ACTOR)
    merged, apart = _numbered(connection, things), _numbered(connection, decisions.apart)
    members = sorted({member for pair in (*merged, *pairs) for member in pair})
    names = consequences.names_of(connection, members)
    if apart:
        # Which pair comes first counts now, and must not depend on which was imported first.
        pairs.sort(key=lambda pair: (names[pair[0]], names[pair[1]]))
    roots = merge.roots([*merged, *pairs], names, apart)
    kept = {frozenset(pair) for pair in apart}
    once = [pair for pair in consequences.registered_once(connection) if frozenset(pair) not in kept]
    consequences.set_roots(connection, [*roots, *once])


def _numbered(connection: Connection, pairs: Iterable[tuple[Key, Key]]) -> list[tuple[int, int]]:
    """Return the ids of the pairs of which the workspace knows both names."""
    found = []
    for one, other in pairs:
        first = derived.find_entity(connection, str(one.kind), one.namespace, one.name)
        second = derived.find_entity(connection, str(other.kind), other.namespace, other.name)
        if first is not None and second is not None:
            found.append((first, second))
    return found


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
