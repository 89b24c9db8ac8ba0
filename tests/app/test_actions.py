"""Is every action in the table, reachable, and answered to?"""

from collections import Counter

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from app.actions import MENUS, TABLE, plain


def below(menu: QMenu):
    """Every entry below a menu, submenus included."""
    for action in menu.actions():
        if action.menu() is not None:
            yield from below(action.menu())
        elif not action.isSeparator():
            yield action


def test_every_action_has_a_name_a_text_and_a_menu():
    """The table is complete and names nothing twice."""
    names = {title.replace("&", "") for title in MENUS}

    assert [
        entry.id for entry in TABLE if not plain(entry.text) or entry.menu.partition("/")[0] not in names
    ] == []
    assert [name for name, times in Counter(entry.id for entry in TABLE).items() if times > 1] == []


def test_no_shortcut_does_two_things(window):
    """Each key sequence belongs to one action, those of the docks included."""
    keys = Counter()
    for menu in window.menuBar().actions():
        for action in below(menu.menu()):
            for sequence in action.shortcuts():
                keys[sequence.toString(QKeySequence.SequenceFormat.PortableText)] += 1

    assert [key for key, times in keys.items() if times > 1] == []


def test_every_action_can_be_reached_from_the_menus(window):
    """What has a key or stands in the palette also stands in a menu."""
    reachable = {action.objectName() for menu in window.menuBar().actions() for action in below(menu.menu())}

    assert [entry.id for entry in TABLE if entry.id not in reachable] == []


def test_every_action_has_somebody_who_answers(window):
    """Nothing stands in a menu that does nothing."""
    assert [entry.id for entry in TABLE if not window.board.answers(entry)] == []


def test_every_menu_entry_has_its_own_mnemonic(window):
    """Alt and one letter name one entry of a menu."""
    twice = []
    for top in window.menuBar().actions():
        letters = Counter(
            action.text()[action.text().index("&") + 1].casefold()
            for action in top.menu().actions()
            if "&" in action.text()
        )
        twice += [f"{top.text()} {letter}" for letter, times in letters.items() if times > 1]

    assert twice == []


def test_what_cannot_be_done_is_greyed(empty_window):
    """Without a workspace there is nothing to export, and without an import nothing to stop."""
    board = empty_window.board

    assert not board["file.export"].isEnabled()
    assert not board["file.cancel_import"].isEnabled()
    assert not board["view.register"].isEnabled()
    assert board["file.open"].isEnabled()
    assert board["view.palette"].isEnabled()
