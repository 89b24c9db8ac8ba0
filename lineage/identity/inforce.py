"""Which agreements are there in the workspace, and which was in force for a target at a time?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.identity.suspicious import Finding
from lineage.model.facts import Key, Workload
from lineage.model.moment import Moment
from lineage.store.database import Connection


class Agreements:
    """What binds which target, and since when."""

    def in_force(self, target: Key, workload: Workload | None, at: Moment) -> list[dict[str, Any]]:
        """Return the agreements in force."""
        del target, workload, at
        return []

    def findings(self) -> Iterable[Finding]:
        """Yield conflicts."""
        return ()


def agreements(connection: Connection) -> Agreements:
    """Return every agreement."""
    del connection
    return Agreements()
