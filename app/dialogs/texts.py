"""What does the product say of itself? Shortcuts, About, and answers of one paragraph."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions import MENUS, Board, plain

BY_HAND = (
    ("Register", "Next and previous deployment", "Up, Down"),
    ("Register", "Open the lineage of the deployment", "Return"),
    ("Lineage", "Upstream and downstream", "Left, Right"),
    ("Lineage", "Things in the same column", "Up, Down"),
    ("Lineage", "First and last of the column", "Home, End"),
    ("Lineage", "Expand upstream and downstream", "Shift+Left, Shift+Right"),
    ("Lineage", "Put it in the middle, or unfold the group", "Return"),
    ("Lineage", "What lies between the chosen thing and another", "Shift+Click"),
    ("Lineage", "Larger, smaller, whole", "+, -, F"),
    ("Outline", "Why it is tied to the one above", "Space"),
    ("Everywhere", "Next part of the window", "Tab, F6"),
    ("Everywhere", "Menu of what is chosen", "Menu key, Shift+F10"),
)


class TextDialog(QDialog):
    """A paragraph that can be copied."""

    def __init__(self, title: str, says: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        label = QLabel(says, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(title)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        copy = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(label)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        self.resize(620, 300)


class KeysDialog(QDialog):
    """Every shortcut there is, by menu."""

    def __init__(self, board: Board, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName("Keyboard shortcuts")
        self.tree.setHeaderLabels(["What", "Keys"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setAlternatingRowColors(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        groups: dict[str, QTreeWidgetItem] = {}
        for menu in MENUS:
            groups[menu.replace("&", "")] = QTreeWidgetItem([menu.replace("&", "")])
        for entry in board:
            native = QKeySequence.SequenceFormat.NativeText
            keys = ", ".join(sequence.toString(native) for sequence in board[entry.id].shortcuts())
            if keys:
                groups[entry.menu.partition("/")[0]].addChild(QTreeWidgetItem([plain(entry.text), keys]))
        for place, what, keys in BY_HAND:
            groups.setdefault(place, QTreeWidgetItem([place])).addChild(QTreeWidgetItem([what, keys]))
        for group in groups.values():
            if group.childCount():
                font = group.font(0)
                font.setWeight(font.Weight.DemiBold)
                group.setFont(0, font)
                self.tree.addTopLevelItem(group)
        self.tree.expandAll()
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.tree, 1)
        column.addWidget(buttons)
        self.resize(460, 620)


def about(settings_file: str, workspace: str) -> str:
    """Return what About says: versions, and where things are kept."""
    import platform
    import sqlite3

    import PySide6

    from lineage import __version__

    lines = [
        f"ModelTrail {__version__}",
        "Desktop lineage and audit explorer for machine learning in production.",
        "Apache License 2.0",
        "",
        f"Python {platform.python_version()}",
        f"Qt {QLibraryInfo.version().toString()}, PySide6 {PySide6.__version__}",
        f"SQLite of the interpreter {sqlite3.sqlite_version}",
        f"Platform {platform.platform()}, {QGuiApplication.platformName()}",
        "",
        f"Settings: {settings_file}",
    ]
    if workspace:
        lines.append(f"Workspace: {workspace}")
    return "\n".join(lines)
