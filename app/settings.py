"""What does the window remember from one start to the next? Every settings key stands here and nowhere else.

The store is an INI file that a person can read. Nothing secret is ever kept in it.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

STATE_VERSION = 1
"""Raised when docks or toolbars change so much that a saved arrangement no longer fits."""

RECENT_LIMIT = 10


class Settings:
    """Typed reading and writing of what the window remembers.

    >>> import tempfile
    >>> settings = Settings(QSettings(tempfile.mktemp(suffix=".ini"), QSettings.Format.IniFormat))
    >>> settings.remember("/tmp/audit.trail")
    >>> settings.recent()
    ['/tmp/audit.trail']
    """

    def __init__(self, store: QSettings) -> None:
        self._store = store

    @property
    def file(self) -> str:
        """Where the settings are kept, for the crash report and the About dialog."""
        return self._store.fileName()

    def recent(self) -> list[str]:
        """Return the workspaces opened last, newest first."""
        return self._list("recent/workspaces")

    def remember(self, path: str) -> None:
        """Put the workspace `path` first among the recent ones."""
        rest = [known for known in self.recent() if known != path]
        self._store.setValue("recent/workspaces", [path, *rest][:RECENT_LIMIT])

    def forget(self, path: str = "") -> None:
        """Take `path` out of the recent workspaces; without a path, all of them."""
        rest = [known for known in self.recent() if path and known != path]
        self._store.setValue("recent/workspaces", rest)

    @property
    def folder(self) -> str:
        """The folder that file dialogs open in."""
        folder = self._text("recent/folder")
        return folder if folder and Path(folder).is_dir() else str(Path.home())

    @folder.setter
    def folder(self, path: str) -> None:
        self._store.setValue("recent/folder", path)

    @property
    def theme(self) -> str:
        """`system`, `light` or `dark`."""
        theme = self._text("view/theme")
        return theme if theme in ("light", "dark") else "system"

    @theme.setter
    def theme(self, theme: str) -> None:
        self._store.setValue("view/theme", theme)

    @property
    def compact(self) -> bool:
        """True = many rows on a screen; false = rows with room between them."""
        return self._text("view/density") == "compact"

    @compact.setter
    def compact(self, compact: bool) -> None:
        self._store.setValue("view/density", "compact" if compact else "comfortable")

    def columns(self, table: str) -> list[str]:
        """Return the column keys shown in `table`, in order; empty = its own choice."""
        return self._list(f"columns/{table}")

    def set_columns(self, table: str, keys: list[str]) -> None:
        """Keep the column keys shown in `table`."""
        self._store.setValue(f"columns/{table}", keys)

    def arrangement(self) -> tuple[QByteArray, QByteArray]:
        """Return the window's geometry and the state of its docks; empty when nothing was kept."""
        return self._bytes("window/geometry"), self._bytes("window/state")

    def keep_geometry(self, geometry: QByteArray) -> None:
        """Keep where the window stands."""
        self._store.setValue("window/geometry", geometry)

    def keep_state(self, state: QByteArray) -> None:
        """Keep how docks and toolbars are arranged."""
        self._store.setValue("window/state", state)

    def sync(self) -> None:
        """Write what is pending to disk."""
        self._store.sync()

    def _text(self, key: str) -> str:
        value = self._store.value(key)
        return value if isinstance(value, str) else ""

    def _list(self, key: str) -> list[str]:
        value = self._store.value(key)
        if isinstance(value, str):
            return [value] if value else []
        return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()


def user_settings() -> Settings:
    """Return the settings of the person who runs the program."""
    return Settings(
        QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "ModelTrail", "ModelTrail")
    )
