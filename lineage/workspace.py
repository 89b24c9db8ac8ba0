"""The one door to a workspace for the window, the command line and notebooks: open, import, ask, report, verify.

Every verb of CONTRACT.md is a method that returns an `Answer`. Times are ISO 8601 text or UTC microseconds.
Methods may be called from any thread: each question has a connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from lineage.audit import (
    access,
    checks,
    completeness,
    decisions,
    evidence,
    findings,
    formats,
    happenings,
    incidents,
    register,
    runs,
    things,
)
from lineage.audit import agreements as sla_question
from lineage.audit.view import Time, microseconds
from lineage.investigating import Investigating
from lineage.mapped import Mapped
from lineage.model.answer import Answer, Item
from lineage.progress import SILENT, Progress
from lineage.proofs import Proofs
from lineage.store import asking, digest
from lineage.store.database import Database, open_database
from lineage.upkeep import finish, make_again
from lineage.views import Views


class Workspace(Proofs, Investigating, Mapped):
    """An open workspace.

    Attributes:
        path: the file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path
        self._unfinished = ""
        self._views = Views(database)
        self._view = self._views.view

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True) -> Workspace:
        """Open the workspace at `path`, making it when it is not there; raises `WorkspaceError`."""
        workspace = cls(open_database(Path(path), create=create))
        try:
            workspace._unfinished = finish(workspace._database)
        except BaseException:
            workspace.close()
            raise
        return workspace

    def close(self) -> None:
        """Give back the file."""
        self._views.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *caught: object) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """True when nothing can be imported here."""
        return self._database.read_only

    @property
    def note(self) -> str:
        """Why it is read-only or not up to date, for people; empty otherwise."""
        return " ".join(part for part in (self._database.note, self._unfinished) if part)

    def generation(self) -> int:
        """Return a number that changes when what the workspace holds changed."""
        with self._database.reading() as connection:
            return asking.generation(connection)

    def counts(self) -> dict[str, int]:
        """Return how many entities, edges, runs, events, episodes and findings there are."""
        with self._database.reading() as connection:
            return asking.tallies(connection)

    def recognise(self, paths: Sequence[str | Path]) -> Answer:
        """Say of every file below `paths` what it would be read as, without importing."""
        from lineage.ingest import survey

        return formats.recognised(survey(paths))

    def import_(
        self,
        paths: Sequence[str | Path],
        *,
        source: str = "",
        labels: Mapping[str, str] | None = None,
        dry_run: bool = False,
        progress: Progress = SILENT,
    ) -> Answer:
        """Import everything below `paths`; the items say what became of each file (CONTRACT.md, `import`).

        Raises `UnreadableInputError` for a path that is not there and `WorkspaceError` when the workspace cannot be
        written. A `dry_run` reads into a workspace that is thrown away.
        """
        from lineage.ingest import ingest

        if dry_run:
            return self._dry_run(paths, source, labels, progress)
        results = ingest(self._database, paths, source=source, labels=labels, progress=progress)
        self._unfinished = ""
        return formats.imported(results)

    def _dry_run(
        self, paths: Sequence[str | Path], source: str, labels: Mapping[str, str] | None, progress: Progress
    ) -> Answer:
        import tempfile

        with (
            tempfile.TemporaryDirectory(prefix="modeltrail-") as folder,
            Workspace.open(Path(folder) / "dry-run.trail") as trial,
        ):
            return trial.import_(paths, source=source, labels=labels, progress=progress)

    def sources(self) -> Answer:
        """List the formats that can be read, and what each can prove."""
        return formats.known()

    def imports(self) -> Answer:
        """List import batches with their files."""
        with self._view() as view:
            return completeness.imports(view)

    def problems(self, *, limit: int | None = None, offset: int = 0) -> Answer:
        """List what could not be read."""
        with self._view() as view:
            return completeness.problems(view, limit=limit, offset=offset)

    def coverage(self, *, known_at: Time = None) -> Answer:
        """List what was observed per source and span."""
        with self._view(known_at=known_at) as view:
            return completeness.coverage(view)

    def entities(
        self,
        selector: str = "",
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Answer:
        """List things."""
        with self._view(as_of, known_at, coverage=True) as view:
            return things.entities(view, selector, limit=limit, offset=offset)

    def search(self, text: str, limit: int = 50) -> Answer:
        """List things with every word of `text` in their names."""
        with self._view() as view:
            return things.search(view, text, limit=limit)

    def show(self, selector: str, *, as_of: Time = None, known_at: Time = None, ever: bool = True) -> Answer:
        """Say everything about one thing."""
        with self._view(as_of, known_at, ever=ever and as_of is None, coverage=True) as view:
            return things.show(view, selector)

    def trace(
        self,
        selector: str,
        *,
        up: int | None = None,
        down: int | None = None,
        as_of: Time = None,
        known_at: Time = None,
        ever: bool = False,
    ) -> Answer:
        """Follow lineage; with neither `up` nor `down` all the way both ways, with one of them only that way."""
        only = up is not None or down is not None
        with self._view(as_of, known_at, ever=ever, coverage=True) as view:
            return things.lineage(
                view, selector, up=(up or 0) if only else None, down=(down or 0) if only else None
            )

    def paths(
        self,
        begin: str,
        end: str,
        limit: int = 10,
        *,
        as_of: Time = None,
        known_at: Time = None,
        ever: bool = False,
    ) -> Answer:
        """Count the paths between two things and list the first."""
        with self._view(as_of, known_at, ever=ever, coverage=True) as view:
            return things.paths(view, begin, end, limit=limit)

    def deployments(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Answer:
        """The register: one item for each change of what serves at a target."""
        with self._view(as_of, known_at, coverage=True) as view:
            return register.deployments(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
                offset=offset,
            )

    def live(
        self, selector: str = "", *, as_of: Time = None, known_at: Time = None, limit: int | None = None
    ) -> Answer:
        """What was serving at a time."""
        with self._view(as_of, known_at, coverage=True) as view:
            return register.live(view, selector, limit=limit)

    def events(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Answer:
        """Every happening, also attempts that were denied, failed or dry."""
        with self._view(as_of, known_at, ever=True, coverage=True) as view:
            return happenings.events(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
                offset=offset,
            )

    def runs(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Answer:
        """Job and training runs, newest first."""
        with self._view(as_of, known_at, ever=True, coverage=True) as view:
            return runs.runs(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
                offset=offset,
            )

    def sla(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """SLA versions, what they are assigned to, and since when on what ground."""
        with self._view(as_of, known_at, coverage=True) as view:
            return sla_question.sla(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
            )

    def access(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """Who could change what serves, at a time, and who did, with or without a listed right."""
        with self._view(as_of, known_at, ever=True, coverage=True) as view:
            return access.access(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
            )

    def incidents(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """Incidents, with the deployments that were live at the services they name."""
        with self._view(as_of, known_at, ever=True, coverage=True) as view:
            return incidents.incidents(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
            )

    def checks(
        self,
        selector: str = "",
        since: Time = None,
        until: Time = None,
        *,
        as_of: Time = None,
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """Data and drift checks with their verdicts; the selector picks what was checked."""
        with self._view(as_of, known_at, ever=as_of is None, coverage=True) as view:
            return checks.checks(
                view,
                selector,
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                limit=limit,
            )

    def findings(self, *, known_at: Time = None, limit: int | None = None) -> Answer:
        """What needs a person."""
        with self._view(None, known_at, coverage=True) as view:
            return findings.findings(view, limit=limit)

    def identity(
        self,
        action: str = "list",
        one: str = "",
        other: str = "",
        *,
        who: str = "",
        why: str = "",
        known_at: Time = None,
        limit: int | None = None,
    ) -> Answer:
        """List or make decisions about names (CONTRACT.md, `identity`): list, merge, split, confirm, undo.

        `one` and `other` are two names; for `confirm` what is served, as written, and the version that it is; for
        `undo` the number of a decision. `who` and `why` are kept for good.
        """
        if action != "list":
            from lineage.deciding import decide

            with self._view(ever=True) as view:
                decide(self._database, view, action, one, other, who, why)
        with self._view(None, known_at) as view:
            return decisions.decisions(view, limit=limit)

    def record(self, seq: int) -> Item:
        """Return one evidence record: its bytes, its place and what it was taken to say; raises `QuestionError`."""
        with self._database.reading() as connection:
            return evidence.record(connection, seq)

    def report(
        self,
        kind: str,
        directory: str | Path,
        *,
        formats: Sequence[str] = (),
        since: Time = None,
        until: Time = None,
        as_of: Time = None,
        known_at: Time = None,
        seed: str = "",
        progress: Progress = SILENT,
    ) -> Answer:
        """Write a report of this kind into `directory`, one file a format; items name the files and their SHA-256."""
        from lineage.reports import write

        known = microseconds(known_at, "the recorded time")
        with self._view(as_of, known_at, coverage=True) as view:
            return write(
                view,
                kind,
                Path(directory),
                formats=tuple(formats),
                since=microseconds(since, "--from"),
                until=microseconds(until, "--to"),
                seed=seed,
                workspace=self._identity(known),
                progress=progress,
            )

    def _identity(self, known: int | None) -> dict[str, Any]:
        with self._database.reading() as connection:
            return asking.identity(connection, known)

    def digest(self, *, known_at: Time = None) -> Answer:
        """SHA-256 of everything derived, which depends on nothing but the facts."""
        with self._view(known_at=known_at) as view:
            item = digest.digest(view.connection)
        return Answer([{**item, "evidence": []}], 1)

    def rebuild(self, *, progress: Progress = SILENT) -> Answer:
        """Throw away everything derived, make it again from the facts, and say its digest."""
        facts = make_again(self._database, progress)
        answer = self.digest()
        answer.items[0]["facts"] = facts
        return answer
