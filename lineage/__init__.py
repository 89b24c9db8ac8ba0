"""Which datasets, runs and people stand behind what is deployed, and who says so?

`lineage` is the whole product without its window. In a notebook::

    import lineage
    ws = lineage.open("audit.trail")
    ws.deployments().to_pandas()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lineage.workspace import Workspace

__version__ = "0.1.0"


def open(path: str | Path, *, create: bool = True) -> Workspace:  # noqa: A001 - `lineage.open` is the contract's word
    """Open (or make) the workspace at `path`; raises `WorkspaceError` when it cannot be."""
    from lineage.workspace import Workspace

    return Workspace.open(path, create=create)
