"""How is what follows from the facts brought up to date: after an import that was broken off, or from the beginning?"""

from __future__ import annotations

from lineage.errors import WorkspaceError
from lineage.progress import Progress, Step
from lineage.store import log
from lineage.store.database import Database, create_derived, create_indexes, drop_derived
from lineage.store.lock import import_lock
from lineage.views import settled


def finish(database: Database) -> str:
    """Work out what an interrupted import left undone; returns a note for people where that cannot be written.

    The rest is still shown then, and answers say that they are not complete.
    """
    with database.reading() as connection:
        if settled(connection):
            return ""
    from lineage.identity.resolve import resolve

    try:
        database.check_writable()
        with import_lock(database.path), database.writing() as connection:
            resolve(connection)
            create_indexes(connection)
    except WorkspaceError as error:
        return f"(an import is not finished; what follows from it is not shown: {error.what})"
    return ""


def make_again(database: Database, progress: Progress) -> int:
    """Throw away everything derived and make it again from the facts; returns how many there are."""
    from lineage.ingest import rebuild

    with database.writing() as connection:
        drop_derived(connection)
        create_derived(connection)
        total = log.size(connection)
        facts = rebuild(
            connection,
            report=lambda done: progress.say(Step("making everything again", done, total, done)),
        )
        create_indexes(connection)
    return facts
