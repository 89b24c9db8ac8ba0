"""Which colours, icons and fonts does the window use?

Every function takes the scheme as a parameter or asks `is_dark()`, because not every platform can be told one. The
kind colours were searched for the largest worst-case difference under three kinds of colour blindness with a contrast
of at least 4.5 against the ground; no published set reaches that (research of the visual design, section E).
Meaning is never carried by colour alone: kinds also differ by icon and silhouette, states by icon and word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from lineage.errors import BugError

ICON_SIZES = (16, 24, 32, 48)
"""Pixels an icon is drawn at beforehand; Qt picks the next larger one on dense screens."""


class Scheme(StrEnum):
    """Light or dark."""

    LIGHT = "light"
    DARK = "dark"


class Shape(StrEnum):
    """Silhouettes of cards, after the families of W3C PROV: what is, what happens, who acts."""

    ENTITY = "rounded"
    ACTIVITY = "square"
    AGENT = "arrow"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one scheme, as `#rrggbb`.

    Attributes:
        ground: what drawings and tables stand on; window: what panels stand on.
        text, muted: words, and words of second rank; line: hairlines; edge: lines of the drawing.
        accent: what is chosen; on_accent: words on it; upstream, downstream: the two halves of a lit path.
        on_band: icons on the band of a card.
    """

    ground: str
    window: str
    raised: str
    text: str
    muted: str
    line: str
    edge: str
    accent: str
    on_accent: str
    upstream: str
    downstream: str
    on_band: str
    absent: str
    good: str
    warn: str
    bad: str


TOKENS = {
    Scheme.LIGHT: Tokens(
        ground="#ffffff",
        window="#f3f4f6",
        raised="#ffffff",
        text="#1b1f24",
        muted="#525b66",
        line="#d3d8de",
        edge="#8a939e",
        accent="#1459c7",
        on_accent="#ffffff",
        upstream="#1459c7",
        downstream="#b3450a",
        on_band="#ffffff",
        absent="#5f6873",
        good="#17703a",
        warn="#8a5300",
        bad="#b3261e",
    ),
    Scheme.DARK: Tokens(
        ground="#1e1e1e",
        window="#262729",
        raised="#2d2f31",
        text="#e8eaed",
        muted="#aab1ba",
        line="#43474c",
        edge="#7d858e",
        accent="#7db4ff",
        on_accent="#10151c",
        upstream="#7db4ff",
        downstream="#ffb273",
        on_band="#1e1e1e",
        absent="#9aa1aa",
        good="#6fd08c",
        warn="#f0b866",
        bad="#ff8f85",
    ),
}


@dataclass(frozen=True, slots=True)
class KindLook:
    """How one kind of thing is told from the others."""

    icon: str
    shape: Shape
    light: str
    dark: str

    def colour(self, scheme: Scheme) -> str:
        """Return the colour of the band in `scheme`."""
        return self.dark if scheme is Scheme.DARK else self.light


_DATA = ("#0c4557", "#138cef")
_FEATURE = ("#16875c", "#6bdb97")
_MODEL = ("#b06103", "#d3664e")
_DEPLOYMENT = ("#8e02a4", "#f8cefc")
_ACTIVITY = ("#6b7280", "#7f868c")
_AGENT = ("#554205", "#e8ab01")

# Six hues are what people tell apart; further kinds share the colour of their family and change the icon.
KINDS = {
    "dataset": KindLook("database", Shape.ENTITY, *_DATA),
    "column": KindLook("columns-3", Shape.ENTITY, *_DATA),
    "feature-view": KindLook("layers", Shape.ENTITY, *_FEATURE),
    "feature": KindLook("columns-3", Shape.ENTITY, *_FEATURE),
    "job": KindLook("workflow", Shape.ACTIVITY, *_ACTIVITY),
    "run": KindLook("circle-play", Shape.ACTIVITY, *_ACTIVITY),
    "model": KindLook("box", Shape.ENTITY, *_MODEL),
    "model-version": KindLook("package", Shape.ENTITY, *_MODEL),
    "target": KindLook("server", Shape.ENTITY, *_DEPLOYMENT),
    "environment": KindLook("globe", Shape.ENTITY, *_DEPLOYMENT),
    "monitor": KindLook("activity", Shape.ENTITY, *_DEPLOYMENT),
    "incident": KindLook("triangle-alert", Shape.ENTITY, *_DEPLOYMENT),
    "actor": KindLook("user", Shape.AGENT, *_AGENT),
    "sla": KindLook("scale", Shape.ENTITY, *_AGENT),
}

_UNKNOWN = KindLook("circle-help", Shape.ENTITY, *_ACTIVITY)


def kind(name: str) -> KindLook:
    """Return the look of a kind; a kind nobody knows looks like a question.

    >>> kind("dataset").icon, kind("run").shape.value, kind("?").icon
    ('database', 'square', 'circle-help')
    """
    return KINDS.get(name, _UNKNOWN)


def mixed(over: str, under: str, share: float) -> str:
    """Return the colour that `share` of `over` on `under` gives, opaque.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    a, b = QColor(over), QColor(under)
    parts = (
        round(share * x + (1 - share) * y)
        for x, y in ((a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue()))
    )
    return "#" + "".join(f"{part:02x}" for part in parts)


def is_dark() -> bool:
    """Return whether the window is drawn light on dark just now."""
    return QGuiApplication.palette().color(QPalette.ColorRole.Base).lightness() < 128


def scheme() -> Scheme:
    """Return the present scheme."""
    return Scheme.DARK if is_dark() else Scheme.LIGHT


def tokens(dark: bool | None = None) -> Tokens:
    """Return the colours of a scheme, the present one when not told which."""
    return TOKENS[Scheme.DARK if (is_dark() if dark is None else dark) else Scheme.LIGHT]


def tone(word: str, *, dark: bool) -> QColor:
    """Return the colour of `absent`, `good`, `warn` or `bad`; raises `BugError` for another word."""
    if word not in ("absent", "good", "warn", "bad"):
        raise BugError(f"there is no tone {word!r}")
    return QColor(getattr(tokens(dark), word))


def palette(chosen: Scheme) -> QPalette:
    """Return the palette that gives Qt's own widgets the colours of a scheme."""
    colours, role = TOKENS[chosen], QPalette.ColorRole
    found = QPalette(QColor(colours.window), QColor(colours.window))
    for where, colour in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.ground),
        (role.AlternateBase, mixed(colours.window, colours.ground, 0.6)),
        (role.Text, colours.text),
        (role.PlaceholderText, colours.muted),
        (role.Button, colours.raised if chosen is Scheme.DARK else colours.window),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.bad),
        (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text),
        (role.Link, colours.accent),
        (role.LinkVisited, colours.muted),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Accent, colours.accent),
    ):
        found.setColor(where, QColor(colour))
    for where in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        found.setColor(QPalette.ColorGroup.Disabled, where, QColor(mixed(colours.text, colours.window, 0.45)))
    found.setColor(
        QPalette.ColorGroup.Disabled, role.Highlight, QColor(mixed(colours.text, colours.window, 0.15))
    )
    return found


def use_theme(theme: str) -> None:
    """Use the theme `system`, `light` or `dark` from now on; `system` follows the desktop, contrast themes too."""
    hints = QGuiApplication.styleHints()
    if theme == "system":
        hints.unsetColorScheme()
        QApplication.setPalette(QPalette())
        return
    chosen = Scheme(theme)
    hints.setColorScheme(Qt.ColorScheme.Dark if chosen is Scheme.DARK else Qt.ColorScheme.Light)
    QApplication.setPalette(palette(chosen))


@cache
def drawing_of(name: str, colour: str) -> QSvgRenderer:
    """Return the icon `name` drawn in `colour`; raises `BugError` when there is no such icon.

    QtSvg draws `currentColor` black, so the word is replaced.
    """
    path = files("resources") / "icons" / f"{name}.svg"
    if not path.is_file():
        raise BugError(f"there is no icon {name!r} in resources/icons")
    text = path.read_text("utf-8").replace("currentColor", colour)
    return QSvgRenderer(QByteArray(text.encode()))


@cache
def pixels(name: str, colour: str, size: int) -> QPixmap:
    """Return the icon `name` in `colour` as a square of `size` pixels."""
    drawing = drawing_of(name, colour)
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    drawing.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return QPixmap.fromImage(image)


def icon(name: str, dark: bool | None = None) -> QIcon:
    """Return the icon `name` for menus and tables, in the text colour of a scheme; no icon for an empty name."""
    if not name:
        return QIcon()
    return _icon(name, tokens(dark).text, tokens(dark).on_accent)


@cache
def _icon(name: str, colour: str, chosen: str) -> QIcon:
    found = QIcon()
    for size in ICON_SIZES:
        found.addPixmap(pixels(name, colour, size))
        found.addPixmap(pixels(name, chosen, size), QIcon.Mode.Selected)
    return found


def mono_font() -> QFont:
    """Return the font for identifiers and hashes."""
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)


def sized_font(pixels_high: float, *, bold: bool = False) -> QFont:
    """Return the window's font at a size in scene units, with digits of equal width."""
    font = QFont(QApplication.font())
    font.setPixelSize(max(1, round(pixels_high)))
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    font.setFeature(QFont.Tag.fromString("tnum"), 1)
    return font


def reduced_motion() -> bool:
    """Return whether the person asked for no animation; false where the platform cannot say."""
    hints = QGuiApplication.styleHints()
    accessibility = getattr(hints, "accessibility", None)
    preference = getattr(accessibility() if accessibility else None, "motionPreference", None)
    return preference is not None and getattr(preference(), "name", "") == "ReducedMotion"
