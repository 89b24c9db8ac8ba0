"""Which icon and which colour belong to a word? The only place where models meet the palette."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QBrush, QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from app import style

FIELDS = ("QCheckBox", "QLineEdit", "QComboBox", "QSpinBox", "QDateTimeEdit", "QPlainTextEdit")


def icon(name: str) -> QIcon:
    """Return the icon `name` in the colours of the present theme."""
    return style.icon(name)


def kind_icon(kind: str) -> str:
    """Return the name of the icon of a kind of thing; empty for no kind."""
    return style.kind(kind).icon if kind else ""


def tone(word: str) -> QBrush:
    """Return the brush for `absent`, `good`, `warn` or `bad` in the present theme."""
    return _brush(word, style.is_dark())


@cache
def _brush(word: str, dark: bool) -> QBrush:
    return QBrush(style.tone(word, dark=dark))


def use_theme(theme: str) -> None:
    """Use the theme `system`, `light` or `dark` from now on."""
    style.use_theme(theme)
    firm_outlines()


def firm_outlines() -> None:
    """Give fields and boxes an outline that can be seen (WCAG 1.4.11 asks for 3:1).

    Fusion draws it 1.4 times as dark as the window's colour, which on a dark window is next to nothing.
    """
    colours = style.tokens()
    wanted = QColor(style.mixed(colours.text, colours.window, 0.5))
    for name in FIELDS:
        palette = QPalette(QApplication.palette())
        palette.setColor(QPalette.ColorRole.Window, wanted.lighter(140))
        # The stubs ask for bytes, the call itself for text.
        QApplication.setPalette(palette, name)  # type: ignore[arg-type]
