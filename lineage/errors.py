"""Whose fault is it: the user's world, or ours?

Every error that a person may see derives from one of two roots. `UserError` is about the outside world (a file, a
locked workspace, a wrong argument): it is shown as one line that says what happened, where, and what to do.
`BugError` is about us: it is shown with a report that can be sent.
"""

from __future__ import annotations


class ModelTrailError(Exception):
    """The root of all errors raised on purpose."""


class UserError(ModelTrailError):
    """Something in the user's world stops the work.

    Attributes:
        what: what happened, a clause without a full stop.
        where: the file, line, field or value it happened at; may be empty.
        remedy: what the person can do about it; may be empty.

    >>> str(UserError("the workspace is locked", where="audit.trail", remedy="close the other window"))
    'the workspace is locked: audit.trail. To go on: close the other window.'
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.what}: {self.where}" if self.where else self.what
        return f"{text}. To go on: {self.remedy}." if self.remedy else text


class UnreadableInputError(UserError):
    """A file or folder given for import cannot be read at all."""


class WorkspaceError(UserError):
    """The workspace cannot be opened, locked or written."""


class QuestionError(UserError):
    """A question (selector, date, name) cannot be understood or names nothing."""


class CancelledError(ModelTrailError):
    """The person asked to stop; what was complete has been kept."""


class BugError(ModelTrailError):
    """Our own assumption does not hold; never shown without a way to report it."""
