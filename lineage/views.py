"""On which connection is a question answered: as the workspace is, or as it was known at an earlier time?

A question about the present reads the tables as they are, on a connection of its own. One about what was known earlier
reads derived tables that are made again from the earlier records alone, and are kept for the next such question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lineage.audit import completeness
from lineage.audit.view import Time, View, microseconds
from lineage.store import asking, consequences, decided, log
from lineage.store.database import Connection, Database, create_derived, create_indexes

if TYPE_CHECKING:
    from lineage.graph.reach import Graph


class Views:
    """The views of one open workspace; may be asked for from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._graphs: dict[tuple[int, int, int | None], Graph] = {}
        self._earlier: tuple[tuple[int, int], Connection] | None = None

    def close(self) -> None:
        """Give back what is kept for the next question."""
        with self._lock:
            if self._earlier is not None:
                self._earlier[1].close()
                self._earlier = None
            self._graphs.clear()

    @contextmanager
    def view(
        self, as_of: Time = None, known_at: Time = None, *, ever: bool = False, coverage: bool = False
    ) -> Iterator[View]:
        """Yield a view as it was at `as_of` (or `ever`), as known at `known_at`, with what was observed if asked."""
        valid = microseconds(as_of, "the valid time")
        known = microseconds(known_at, "the recorded time")
        if known is None:
            with self._database.reading() as connection:
                yield self._viewed(connection, valid, None, ever=ever, coverage=coverage)
            return
        with self._lock, self._database.explained():
            yield self._viewed(self._as_known(known), valid, known, ever=ever, coverage=coverage)

    def _viewed(
        self, connection: Connection, valid: int | None, known: int | None, *, ever: bool, coverage: bool
    ) -> View:
        complete = known is not None or settled(connection)
        view = View(connection, self._graph_of(connection, known), valid, known, ever, settled=complete)
        if coverage:
            view.coverage.extend(completeness.coverage_of(view))
        return view

    def _as_known(self, known: int) -> Connection:
        """Return a connection whose derived tables hold only what had been recorded at `known`."""
        with self._database.reading() as connection:
            below = log.size_at(connection, known)
            named = (below, decided.count(connection, known))
        if self._earlier is not None and self._earlier[0] == named:
            return self._earlier[1]
        if self._earlier is not None:
            self._earlier[1].close()
            self._earlier = None
        from lineage.ingest import rebuild

        connection = self._database.connect()
        try:
            create_derived(connection, temporary=True)
            rebuild(connection, below=below, known_at=known)
            create_indexes(connection, temporary=True)
        except BaseException:
            connection.close()
            raise
        self._earlier = (named, connection)
        return connection

    def _graph_of(self, connection: Connection, known: int | None) -> Callable[[], Graph]:
        def graph() -> Graph:
            from lineage.graph.reach import build

            with self._lock:
                decisions = decided.count(connection, known)
                key = (consequences.resolved_upto(connection), decisions, known)
                found = self._graphs.get(key)
                if found is None:
                    if len(self._graphs) > 2:
                        self._graphs.clear()
                    found = self._graphs[key] = build(asking.edge_rows(connection))
                return found

        return graph


def settled(connection: Connection) -> bool:
    """Tell whether what follows has been worked out for all that is recorded."""
    return consequences.resolved_upto(connection) == log.size(connection)
