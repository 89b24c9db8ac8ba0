"""What stands behind a thing, and what follows from it? The place Lineage, and everything that can be done there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QGuiApplication, QUndoStack
from PySide6.QtWidgets import QWidget

from app import style
from app.models.between import Ways, ways_between
from app.models.columns import kind_word, name_of
from app.models.links import SCHEME, link_of, view_of
from app.models.things import selector_of
from app.models.wording import counted, when
from app.views.exporting import write_drawing
from app.views.lineage_surface import LineageSurface
from app.views.offering import offer
from lineage.errors import UserError
from lineage.text import display_text

if TYPE_CHECKING:
    from app.session import Session


class LineageView(LineageSurface):
    """The place Lineage.

    Signals:
        listed: a title, what is said of it and the text, for a person to read and copy.
        grouped: what a folded group holds: its title, the pairs of id and name, and the current id.
    """

    listed = Signal(str, str, str)
    grouped = Signal(str, object, str)

    def __init__(self, session: Session, steps: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(session, steps, parent)
        self._mark = ""
        self.ways: Ways | None = None
        self.canvas.activated.connect(self._focus_key)
        self.canvas.expandRequested.connect(self.turn)
        self.canvas.contextRequested.connect(self._offer)
        self.canvas.spanned.connect(self.span)
        self.outline.activatedThing.connect(self._focus_key)
        self.outline.asked.connect(self._offer)
        self.shown_again.clicked.connect(self.unhide)

    @property
    def command(self) -> str:
        """The words of the command line that give the same answer."""
        import shlex

        looking, dates = self._looking, self._session.dates
        words = ["trace", looking.selector, "--up", str(looking.up), "--down", str(looking.down)]
        if dates.as_of:
            words += ["--as-of", dates.as_of]
        elif looking.ever:
            words.append("--ever")
        if dates.known_at:
            words += ["--known-at", dates.known_at]
        return shlex.join(words)

    def copy_link(self) -> None:
        """Copy one line that shows the same when it is pasted into the search."""
        name = PurePath(self._session.path).name
        QGuiApplication.clipboard().setText(link_of(self._looking, self._session.dates, name))
        self.told.emit("Copied the link; pasted into the search line it shows the same")

    def focus_on(self, selector: str, name: str) -> None:
        """Put the thing that `selector` names in the middle, or show the view of a link."""
        if not selector.startswith(SCHEME):
            super().focus_on(selector, name)
            return
        try:
            looking, dates, workspace = view_of(selector)
        except UserError as error:
            self.told.emit(str(error))
            return
        here = PurePath(self._session.path).name
        self.go_to_view(looking, f"Link to {looking.name}")
        self._session.look_at(dates)
        if workspace and workspace != here:
            self.told.emit(
                f"The link was copied from {display_text(workspace)}; this is {display_text(here)}"
            )

    def states(self) -> set[str]:
        """Return what can be done here now, in the words of the action table."""
        found = set()
        if self._looking.selector:
            found.add("focused")
        if self._drawing.nodes:
            found.add("graph")
        if self._looking.hidden:
            found.add("hidden")
        if self._group() is not None:
            found.add("grouped")
        if self.ways is not None:
            found.add("ways")
        if self._place > 0:
            found.add("back")
        if self._place + 1 < len(self._history):
            found.add("forward")
        return found

    def back(self) -> None:
        """Go back to the thing that was in the middle before."""
        self._step(-1)

    def forward(self) -> None:
        """Go forward again."""
        self._step(1)

    def more_upstream(self) -> None:
        """Show one step more upstream."""
        self.up.setValue(self.up.value() + 1)

    def more_downstream(self) -> None:
        """Show one step more downstream."""
        self.down.setValue(self.down.value() + 1)

    def expand(self) -> None:
        """Show the neighbours of the chosen thing on both sides, or no longer."""
        key, looking = self._current, self._looking
        if key in self._drawing.things:
            own = {(key, "up"), (key, "down")}
            name = name_of(self._drawing.things[key])
            if own & looking.expanded:
                self._look(replace(looking, expanded=looking.expanded - own), f"Contract {name}")
            else:
                after = replace(looking, expanded=looking.expanded | own, closed=looking.closed - own)
                self._look(after, f"Expand {name}")

    def turn_up(self) -> None:
        """Show what feeds the chosen thing, or no longer."""
        self.turn(self._current, "up")

    def turn_down(self) -> None:
        """Show what the chosen thing feeds, or no longer."""
        self.turn(self._current, "down")

    def turn(self, key: str, side: str) -> None:
        """Show the neighbours of the thing `key` on one side when some are not shown, else leave them out."""
        drawing = self._drawing
        if key not in drawing.things:
            return
        more = (drawing.more_up if side == "up" else drawing.more_down).get(key, 0)
        drawn = drawing.degrees[side == "up"].get(key, 0)
        word = "upstream" if side == "up" else "downstream"
        if not more and not drawn:
            self.told.emit(f"Nothing {word} is recorded")
            return
        after = self._looking.turned(key, side, more)
        less = len(after.closed) > len(self._looking.closed) or len(after.expanded) < len(
            self._looking.expanded
        )
        name = name_of(drawing.things[key])
        self._look(after, f"{'Contract' if less else 'Expand'} {name} {word}")
        total = f"{drawn} of {drawn + more}"
        self.told.emit(f"{'Left out' if less else 'Were drawn'} {word}: {total}")

    def pin(self) -> None:
        """Hold the card of the chosen thing where it stands, or no longer."""
        key, scene = self._current, self.canvas.scene
        at = scene.index(key)
        if key not in self._drawing.things or at < 0:
            self.told.emit("Choose one thing with a card of its own to pin")
            return
        after = self._looking.pinned(key, (float(scene.left[at]), float(scene.top[at])))
        held = len(after.pins) > len(self._looking.pins)
        self._look(after, f"{'Pin' if held else 'Unpin'} {name_of(self._drawing.things[key])}")

    def between(self) -> None:
        """Remember the chosen thing; chosen again at another, show what lies between the two."""
        key = self._current
        if key not in self._drawing.things:
            self.told.emit("Choose one thing first; a group is unfolded with Return")
        elif self._mark in self._drawing.things and self._mark != key:
            mark, self._mark = self._mark, ""
            self._ask_between(mark, key)
        else:
            self._mark = key
            name = name_of(self._drawing.things[key])
            self.told.emit(
                f"From {name}: choose another thing and do the same there to see what lies between"
            )

    def span(self, key: str) -> None:
        """Show what lies between the chosen thing and the thing `key`."""
        self._ask_between(self._current, key)

    def list_paths(self) -> None:
        """List the paths between the two things chosen last."""
        if self.ways is not None:
            self.listed.emit("What lies between", self.ways.says, self.ways.listed)

    def _ask_between(self, one: str, other: str) -> None:
        things, dates, ever = self._drawing.things, self._session.dates, self._looking.ever
        if one not in things or other not in things or one == other:
            self.told.emit("Choose two things with cards of their own; a group is unfolded with Return")
            return
        ends = (one, name_of(things[one])), (other, name_of(things[other]))
        self._session.ask(
            self,
            lambda workspace: ways_between(workspace, *ends, dates, ever=ever),
            self._show_ways,
            key="between",
            failed=self._refuse_ways,
        )

    def _show_ways(self, ways: Ways) -> None:
        self.ways = ways
        card = self._folds().card
        lit = self.canvas.light_between(card(ways.begin), card(ways.end)) if ways.count != 0 else 0
        self.told.emit(f"{ways.says}; {counted(lit, 'card')} lit, Escape ends it" if lit else ways.says)
        self.moved.emit()

    def _refuse_ways(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self.told.emit(str(error))

    def hide_thing(self) -> None:
        """Leave the chosen thing out."""
        key, group = self._current, self._group()
        if group is not None and key == group.key:
            hidden = self._looking.hidden | set(group.folded)
            self._look(replace(self._looking, hidden=hidden), f"Hide {counted(len(group.folded), 'thing')}")
        elif key in self._drawing.things and key != self._drawing.centre:
            name = name_of(self._drawing.things[key])
            self._look(replace(self._looking, hidden=self._looking.hidden | {key}), f"Hide {name}")
        elif key:
            self.told.emit("The thing in the middle cannot be hidden")

    def unhide(self) -> None:
        """Show everything that was hidden."""
        self._look(replace(self._looking, hidden=frozenset()), "Show what is hidden")

    def fold(self) -> None:
        """Unfold the group of the chosen card, or fold it again."""
        group = self._group()
        if group is not None:
            opened = self._looking.opened ^ {group.key}
            pulled = self._looking.pulled - set(group.members)
            words = counted(len(group.members), "thing")
            after = replace(self._looking, opened=opened, pulled=pulled)
            self._look(after, f"{'Unfold' if group.key in opened else 'Fold'} {words}")

    def pull_out(self) -> None:
        """Give one thing of a folded group a card of its own."""
        group = self._group()
        if group is None or not group.folded:
            self.told.emit("Choose a folded group first: a card that stands for several things")
            return
        names = [(key, name_of(self._drawing.things[key])) for key in group.folded]
        names.sort(key=lambda pair: pair[1].casefold())
        title = counted(len(names), kind_word(self._drawing.things[group.folded[0]]))
        self.grouped.emit(title, names, self._current)

    def pull_thing(self, key: str) -> None:
        """Give the thing `key` a card of its own and make it current."""
        self._current = key
        name = name_of(self._drawing.things[key])
        self._look(replace(self._looking, pulled=self._looking.pulled | {key}), f"Pull out {name}")

    def show_outline(self, on: bool) -> None:
        """Show the outline beside the drawing, or not."""
        self.outline.setVisible(on)

    def zoom_in(self) -> None:
        """Draw larger."""
        self.canvas.zoom_in()

    def zoom_out(self) -> None:
        """Draw smaller."""
        self.canvas.zoom_out()

    def fit(self) -> None:
        """Show the whole drawing."""
        self.canvas.fit()

    def write_picture(self, path: str) -> None:
        """Write the drawing to a PNG, SVG or PDF file; raises `UserError` when it cannot be written."""
        drawing, dates = self._drawing, self._session.dates
        title = f"Lineage of {self._looking.name}"
        when_true = (
            f"as of {when(dates.as_of)} UTC"
            if dates.as_of
            else "at any time"
            if self._looking.ever
            else "as of now"
        )
        words = [counted(len(drawing.nodes), "thing"), counted(len(drawing.edges), "edge"), when_true]
        if dates.known_at:
            words.append(f"known at {when(dates.known_at)} UTC")
        # A picture goes to people who cannot ask the window what it left out.
        for count, word in (
            (len(self._looking.hidden), "hidden"),
            (len(self._folds().stands), "folded"),
            (len(self._looking.closed), "contracted"),
            (drawing.placed.left_out if drawing.placed is not None else 0, "too many to draw"),
        ):
            if count:
                words.append(f"{count:,} {word}")
        if not drawing.complete:
            words.append("more exists than is shown")
        note = ", ".join(words)
        write_drawing(self.canvas, path, title, note, style.scheme())

    def why(self) -> None:
        """Show why the current thing of the outline is tied to the one above it: basis, rule, evidence."""
        edges = self.outline.current_edges()
        if edges:
            self._show_why(edges)
        else:
            self.told.emit("Choose a thing in the outline below another one: what ties them is shown")

    def _focus_key(self, key: str) -> None:
        thing = self._drawing.things.get(key)
        if key in self._folds().groups:
            self._current = key
            self.fold()
        elif thing is not None:
            self.focus_on(selector_of(key), name_of(thing))

    def _offer(self, key: str, place: QPoint) -> None:
        self.pick(key)
        group = self._group()
        entries: list[tuple[str, Callable[[], object]]] = []
        if key in self._drawing.things:
            held = any(pin[0] == key for pin in self._looking.pins)
            entries += [
                ("Put it in the &middle", lambda: self._focus_key(key)),
                ("Expand or contract &upstream", lambda: self.turn(key, "up")),
                ("Expand or contract &downstream", lambda: self.turn(key, "down")),
                ("Un&pin" if held else "&Pin", self.pin),
            ]
        if group is not None:
            entries.append(("Un&fold the group" if group.folded else "&Fold the group", self.fold))
            entries += [("Pull &out…", self.pull_out)] if group.folded else []
        if entries:
            entries.append(("&Hide", self.hide_thing))
        if self._looking.hidden:
            entries.append((f"&Show the {len(self._looking.hidden)} hidden", self.unhide))
        if entries:
            offer(entries, place, self)
