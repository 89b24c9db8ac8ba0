"""What does an Airflow metadata database say? DAGs, runs, tries of tasks, updated assets, who started what.

The file is evidence: plain SQL, read-only, byte-identical afterwards; Airflow's own library would migrate it. Runs and
jobs are called as Airflow's OpenLineage provider calls them, so that its events and its database are one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _airflow_facts as facts
from lineage.sources._airflow_database import Database
from lineage.sources._airflow_records import records as records_of
from lineage.sources._sqlite_file import connect, stamp, still, why

NAME = "airflow"
FORMAT = "Airflow metadata database (SQLite): 2.2 to 2.x (datasets), 3.x (assets)"
PROVES = ("who", "when", "what", "lineage")

_OWN = frozenset({"dag", "dag_run", "task_instance"})


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is Airflow's database; one whose schema is out of sight is a maybe."""
    if set(sample.tables) >= _OWN:
        return 0.95
    head = sample.head
    if sample.tables or not head.startswith(b"SQLite format 3\x00") or any(head[68:72]):
        return 0.0
    # In an archive, or with all its pages in the log beside it: then the words of its rows or its name must do.
    if (b"task_instance" in head and b"dag_run" in head) or "airflow" in sample.name.lower():
        return 0.7
    return 0.4 if b"airflow" in head else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each DAG, run, try and audit line of the database, and a problem for what cannot be read."""
    with ExitStack() as stack:
        try:
            before = stamp(Path(given.path)) if given.path is not None else None
            connection = stack.enter_context(closing(connect(stack.enter_context(still(given)))))
            database = Database(connection)
        except sqlite3.DatabaseError as error:
            yield Problem("unreadable-database", why(error), value=given.name)
            return
        except OSError as error:
            yield Problem("unreadable-database", f"the database cannot be read: {error.strerror or error}")
            return
        if not database.columns.keys() >= _OWN:
            missing = ", ".join(sorted(_OWN - database.columns.keys()))
            yield Problem("not-airflow", "the SQLite database lacks tables of Airflow's", value=missing)
            return
        yield from records_of(database, origin)
        if given.path is not None and before != stamp(Path(given.path)):
            reason = "the database was written to while it was read: import it again, or a copy of it"
            yield Problem("changed-while-read", reason, fatal=False)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record states."""
    return facts.read(record)
