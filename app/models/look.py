"""Which icon and which colour belong to a word? The only place where models meet the palette."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QBrush, QIcon


def icon(name: str) -> QIcon:
    """Return the icon `name` in the colours of the present theme."""
    from app import style

    return style.icon(name)


def tone(word: str) -> QBrush:
    """Return the brush for `absent`, `good`, `warn` or `bad` in the present theme."""
    from app import style

    return _brush(word, style.is_dark())


@cache
def _brush(word: str, dark: bool) -> QBrush:
    from app import style

    return QBrush(style.tone(word, dark=dark))


def use_theme(theme: str) -> None:
    """Use the theme `system`, `light` or `dark` from now on."""
    from app import style

    style.use_theme(theme)
