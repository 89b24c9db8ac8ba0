"""Can everybody read it? Contrast and difference are computed here from the definitions, not by the program."""

import re

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from app import style
from app.style import KINDS, TOKENS, Scheme, kind, mixed
from lineage.errors import BugError
from lineage.model.vocabulary import Kind


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2.2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", Scheme)
def test_words_can_be_read_on_every_ground(scheme):
    """Text of both ranks and all state colours: 4.5 to 1 on panels, on drawings and on tinted cards."""
    colours = TOKENS[scheme]
    grounds = [colours.ground, colours.window, colours.raised]
    grounds += [mixed(look.colour(scheme), colours.ground, 0.1) for look in KINDS.values()]

    for word in ("text", "muted", "good", "warn", "bad", "absent"):
        assert min(contrast(getattr(colours, word), ground) for ground in grounds) >= 4.5, word
    assert contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize("scheme", Scheme)
def test_graphics_can_be_seen(scheme):
    """Bands, lines and rings: 3 to 1 against their neighbours (WCAG 1.4.11), bands 4.5."""
    colours = TOKENS[scheme]

    for look in KINDS.values():
        assert contrast(look.colour(scheme), colours.ground) >= 4.5
        assert contrast(look.colour(scheme), colours.on_band) >= 4.5
    for word in ("edge", "accent", "upstream", "downstream"):
        assert contrast(getattr(colours, word), colours.ground) >= 3.0, word


def test_every_kind_has_a_look_of_its_own():
    """Kinds of one colour differ by icon, kinds of one icon by colour."""
    assert set(KINDS) == {each.value for each in Kind}
    assert len({(look.icon, look.light) for look in KINDS.values()}) == len(KINDS)
    assert len({look.light for look in KINDS.values()}) <= 6


@pytest.mark.parametrize("dark", [False, True])
def test_an_icon_has_exactly_the_colour_of_the_text(qapp, dark):
    """The word currentColor of the files does not come out black."""
    image = style.icon("database", dark=dark).pixmap(48, 48).toImage()

    strongest = max(
        (image.pixelColor(x, y) for x in range(48) for y in range(48)), key=lambda colour: colour.alpha()
    )
    assert strongest.name() == style.tokens(dark).text


def test_all_icons_that_are_named_are_there(qapp):
    """Kinds and everything in the folder can be drawn."""
    for look in KINDS.values():
        assert not style.icon(look.icon).isNull()
    assert style.icon("").isNull()
    with pytest.raises(BugError, match="no icon"):
        style.icon("no-such-icon")


def test_the_licence_of_the_icons_is_there():
    """Lucide is ISC, the part from Feather MIT: both texts come with it."""
    from importlib.resources import files

    text = (files("resources") / "licenses" / "lucide.txt").read_text("utf-8")
    assert "ISC License" in text
    assert "MIT License" in text


def test_a_theme_can_be_chosen_and_left_again(qapp):
    """Dark gives dark grounds even where the platform cannot be told; system brings the platform's own back."""
    before = QApplication.palette().color(QPalette.ColorRole.Base).name()
    try:
        style.use_theme("dark")
        assert style.is_dark()
        assert style.scheme() is Scheme.DARK
        style.use_theme("light")
        assert not style.is_dark()
    finally:
        style.use_theme("system")
    assert QApplication.palette().color(QPalette.ColorRole.Base).name() == before


def test_an_unknown_kind_looks_like_a_question():
    """A newer workspace may hold kinds this program does not know."""
    assert kind("quantum-thing").icon == "circle-help"


def test_an_unknown_tone_is_our_mistake(qapp):
    """State colours are a closed list."""
    with pytest.raises(BugError, match=re.escape("'purple'")):
        style.tone("purple", dark=False)
