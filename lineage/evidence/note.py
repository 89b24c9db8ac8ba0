"""How does a checkpoint leave this machine? As the text of C2SP's tlog-checkpoint: origin, tree size, root.

Lines after the root are extensions; ours carry the head of the chain that binds facts and decisions, and the time.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from lineage.errors import UserError


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint outside the workspace.

    Attributes:
        origin: the log's name; `size`, `root`: of the tree; `extensions`: the lines after the root.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def head(self) -> tuple[int, bytes] | None:
        """The number and hash of the last link that binds facts and decisions; None where none is told."""
        for line in self.extensions:
            word, _, rest = line.partition(" ")
            number, _, hashed = rest.partition(" ")
            if word == "bound" and number.isdecimal():
                return int(number), _decoded(hashed)
        return None

    @property
    def told(self) -> str:
        """The time that the note says it was made, as written; empty where it says none."""
        return next((line[5:] for line in self.extensions if line.startswith("time ")), "")


def write(note: Note) -> str:
    r"""Return the note's text.

    >>> write(Note("modeltrail/x", 0, b"\x00" * 3, ("time 2026-01-01T00:00:00Z",)))
    'modeltrail/x\n0\nAAAA\ntime 2026-01-01T00:00:00Z\n'
    """
    lines = (note.origin, str(note.size), base64.b64encode(note.root).decode(), *note.extensions)
    return "".join(f"{line}\n" for line in lines)


def read(text: str) -> Note:
    r"""Return what a note says, signature lines left aside; raises `UserError` when it is none.

    >>> read("modeltrail/x\n0\nAAAA\n").size
    0
    """
    lines = text.partition("\n\n")[0].splitlines()
    if len(lines) < 3 or not lines[0] or not (lines[1].isascii() and lines[1].isdecimal()):
        raise UserError("this is no checkpoint note", remedy="give a file that modeltrail checkpoint wrote")
    return Note(lines[0], int(lines[1]), _decoded(lines[2]), tuple(line for line in lines[3:] if line))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(
            "a hash in the note is no base64", where=text[:80], remedy="give the file as it was written"
        ) from error
