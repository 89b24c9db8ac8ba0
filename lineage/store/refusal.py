"""What does it mean for the person when SQLite refuses? Its errors in words of the user's world."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import zstandard
from sqlalchemy.exc import DBAPIError

from lineage.errors import BugError, ModelTrailError, WorkspaceError
from lineage.text import display_text

_DAMAGE = (
    "malformed",
    "not a database",
    "corrupt",
    "no such table",
    "vtable constructor failed",
    "invalid fts5 file format",
    "Could not decode to UTF-8",
    "unsafe use",
)
UNREADABLE = (zstandard.ZstdError, msgspec.DecodeError, json.JSONDecodeError, UnicodeDecodeError)
"""What reading a damaged value raises: everything in the file was written by us and can be read by us."""


def refusal(error: DBAPIError, path: Path) -> ModelTrailError:
    """Say in words of the user's world why SQLite refused; what only a mistake of ours can cause is a `BugError`."""
    text = str(error.orig)
    where = str(path)
    if "is locked" in text or "is busy" in text:
        return WorkspaceError(
            "another program is writing to the workspace", where=where, remedy="wait for it, or stop it"
        )
    if "disk is full" in text:
        return WorkspaceError(
            "the disk is full; what was complete has been kept",
            where=where,
            remedy="free some room, import again",
        )
    if "unable to open" in text and in_wal(path) and not os.access(path.parent, os.W_OK):
        return WorkspaceError(
            "the workspace was not closed, and its write-ahead log cannot be read where nothing may be written",
            where=where,
            remedy=f"copy it together with {path.name}-wal to a folder that you may write to",
        )
    if "readonly database" in text or "unable to open" in text:
        return WorkspaceError(
            "the workspace cannot be written", where=where, remedy="choose a folder that you may write to"
        )
    if any(words in text for words in _DAMAGE):
        return damaged(text, path)
    if "I/O error" in text or "out of memory" in text:
        return WorkspaceError(
            f"the workspace cannot be read or written ({text})",
            where=where,
            remedy="see whether the disk is full or fails, then import again",
        )
    return BugError(f"the workspace {where} refused the work ({text})")


def damaged(reason: str, path: Path) -> WorkspaceError:
    """Say that the file is damaged, and what showed it."""
    return WorkspaceError(
        f"the workspace file is damaged ({display_text(reason, 160)})",
        where=str(path),
        remedy="restore it from a copy, or import anew",
    )


def in_wal(path: Path) -> bool:
    """Tell whether a part of the file at `path` still stands in its write-ahead log."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False
