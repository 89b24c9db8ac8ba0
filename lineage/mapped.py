"""Which verbs make a mapping of a table: look into the table, check what its rows would say, write the mapping?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage.tabling import Check, Choice, Preview


class Mapped:
    """What can be asked of a table that no source knows (`lineage.tabling`)."""

    def table_statements(self) -> list[dict[str, Any]]:
        """Return what a row may state, each with its fields."""
        from lineage.tabling import statements

        return statements()

    def table_preview(self, path: str | Path, place: str = "") -> Preview:
        """Return the first rows of a file, or of one of its sheets, tables or queries.

        Raises `UnreadableInputError` when the file cannot be read.
        """
        from lineage.tabling import preview

        return preview(path, place)

    def table_fitting(self, states: str, columns: Sequence[str]) -> dict[str, str]:
        """Return the columns that are called like a field of what the rows state, by field."""
        from lineage.tabling import fitting

        return fitting(states, columns)

    def table_check(self, path: str | Path, choice: Choice, shape: str) -> Check:
        """Return what the first rows would say under what a person chose."""
        from lineage.tabling import check

        return check(path, choice, shape)

    def save_mapping(self, path: str | Path, choice: Choice, shape: str) -> str:
        """Write the mapping beside the table and return its path; raises `UnreadableInputError`."""
        from lineage.tabling import save_mapping

        return save_mapping(path, choice, shape)
