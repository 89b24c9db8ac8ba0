"""Which verbs let others check us and go on with what we know: verify, checkpoint, anchor, seal, export, pack?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lineage.audit.view import Time, microseconds
from lineage.progress import SILENT, Progress

if TYPE_CHECKING:
    from lineage.model.answer import Answer
    from lineage.store.database import Database
    from lineage.views import Views


class Proofs:
    """What a workspace can say of itself that somebody else can check."""

    _database: Database
    _views: Views

    def verify(self, *, progress: Progress = SILENT) -> Answer:
        """Recompute everything from the recorded bytes up; one item: `checked, failed[], root, anchors[]`."""
        from lineage.proving import verify

        return verify(self._database, progress)

    def checkpoint(self, file: str | Path = "") -> Answer:
        """Return the checkpoint note (C2SP tlog-checkpoint), and write it to `file` where one is named."""
        from lineage.anchoring import checkpoint

        return checkpoint(self._database, Path(file) if file else None)

    def anchor(self, file: str | Path) -> Answer:
        """Keep an anchor from outside: an earlier note, or an RFC 3161 reply about one; raises `QuestionError`."""
        from lineage.anchoring import anchor

        return anchor(self._database, Path(file))

    def seal(self, file: str | Path) -> Answer:
        """Write a compact read-only copy and say its SHA-256; raises `UnreadableInputError`."""
        from lineage.anchoring import seal

        return seal(self._database, Path(file))

    def export(
        self, selector: str, file: str | Path, form: str, *, as_of: Time = None, known_at: Time = None
    ) -> Answer:
        """Write the lineage of what is selected in another tool's words (CONTRACT.md, `export`); says its SHA-256.

        Raises `QuestionError` for an unknown format, `UnreadableInputError` when the file cannot be written.
        """
        from lineage.exporting import export

        with self._views.view(as_of, known_at, ever=as_of is None, coverage=True) as view:
            return export(view, selector, Path(file), form)

    def pack(
        self,
        file: str | Path,
        kind: str = "deployments",
        since: Time = None,
        until: Time = None,
        *,
        progress: Progress = SILENT,
    ) -> Answer:
        """Write an evidence pack: a report with its data, the records cited, proofs, and what checks them without us.

        Raises `QuestionError` for an unknown kind of report, `UnreadableInputError` when it cannot be written.
        """
        from lineage.packing import pack

        begin, end = microseconds(since, "--from"), microseconds(until, "--to")
        with self._views.view(coverage=True) as view:
            return pack(view, Path(file), kind=kind, since=begin, until=end, progress=progress)
