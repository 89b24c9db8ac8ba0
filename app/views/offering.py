"""What is offered for what lies under the pointer?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget


def offer(entries: Sequence[tuple[str, Callable[[], object]]], place: QPoint, parent: QWidget) -> QMenu:
    """Show a menu of these entries at a point of the screen and return it; it goes away by itself."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for text, call in entries:
        menu.addAction(text).triggered.connect(lambda _=False, call=call: call())
    menu.popup(place)
    return menu
