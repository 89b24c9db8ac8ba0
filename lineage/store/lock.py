"""Who may import into a workspace now? One process at a time, by a lock that dies with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lineage.errors import WorkspaceError


@contextmanager
def import_lock(path: Path) -> Iterator[None]:
    """Hold the right to import into `path`; raises `WorkspaceError` naming who holds it.

    The lock is the operating system's, so that a killed import leaves none behind; the small file stays, since removing
    it would let two programs hold locks on different files of one name.
    """
    path = path.resolve()
    lock = path.with_name(path.name + ".lock")
    try:
        stream = lock.open("a+b", buffering=0)
    except OSError as error:
        raise WorkspaceError(
            "the folder cannot be written",
            where=str(lock.parent),
            remedy="choose a folder that you may write to",
        ) from error
    with stream:
        if not _take(stream.fileno()):
            stream.seek(0)
            holder = stream.read(200).decode("utf-8", "replace") or "another process"
            raise WorkspaceError(
                f"an import is running already ({holder})", where=str(path), remedy="wait for it, or stop it"
            )
        # A full disk takes no name, but the lock holds without it.
        with suppress(OSError):
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        try:
            yield
        finally:
            with suppress(OSError):
                stream.truncate(0)


def _take(descriptor: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
