"""Which model version served where, from when to when, by whom and under which agreement?"""

from __future__ import annotations

from lineage.store.database import Connection


def resolve_deployments(connection: Connection) -> None:
    """Work out."""
    del connection
