"""Which file or folder does the person mean? Every file dialog of the window; tests replace these functions."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

WORKSPACES = "Workspaces (*.trail);;All files (*)"
TABLES = "Tables (*.csv *.tsv *.txt *.xlsx *.parquet *.db *.sqlite *.sqlite3);;All files (*)"


def ask_workspace(parent: QWidget, folder: str) -> str:
    """Return the workspace file to open; empty when the person changed their mind."""
    return QFileDialog.getOpenFileName(parent, "Open a workspace", folder, WORKSPACES)[0]


def ask_new_workspace(parent: QWidget, folder: str, name: str = "audit.trail") -> str:
    """Return the path of a new workspace; empty when the person changed their mind."""
    path = QFileDialog.getSaveFileName(parent, "New workspace", str(Path(folder) / name), WORKSPACES)[0]
    return path if not path or Path(path).suffix else f"{path}.trail"


def ask_files(parent: QWidget, folder: str) -> list[str]:
    """Return the files to import."""
    return QFileDialog.getOpenFileNames(parent, "Import files", folder)[0]


def ask_table(parent: QWidget, folder: str) -> str:
    """Return the table to import; empty when the person changed their mind."""
    return QFileDialog.getOpenFileName(parent, "Import a table", folder, TABLES)[0]


def ask_folder(parent: QWidget, folder: str, title: str) -> str:
    """Return a folder; empty when the person changed their mind."""
    return QFileDialog.getExistingDirectory(parent, title, folder)


def ask_save(parent: QWidget, title: str, path: str, kinds: str) -> str:
    """Return where to write a file of one of `kinds`; empty when the person changed their mind."""
    return QFileDialog.getSaveFileName(parent, title, path, kinds)[0]
