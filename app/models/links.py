"""How is a view of the lineage written as one line that another person can paste and see the same?

`modeltrail:view?workspace=audit.trail&selector=...`: names as in the address of a web page, so that any text passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from app.commands import Looking
from app.session import Dates
from lineage.errors import QuestionError
from lineage.model.moment import parse

SCHEME = "modeltrail:view?"
FURTHEST = 12
_SETS = ("hidden", "opened", "pulled")
_SIDES = ("expanded", "closed")


def link_of(looking: Looking, dates: Dates, workspace: str = "") -> str:
    """Return the link of a view; `workspace` is the name of its file, without its folder.

    >>> link_of(Looking("model:a b", "a b", 3, 1), Dates("2026-01-01T00:00:00Z"))
    'modeltrail:view?selector=model%3Aa+b&name=a+b&up=3&down=1&ever=1&as-of=2026-01-01T00%3A00%3A00Z'
    """
    words: list[tuple[str, str]] = [("workspace", workspace)] if workspace else []
    words += [("selector", looking.selector), ("name", looking.name), ("up", str(looking.up))]
    words += [("down", str(looking.down)), ("ever", str(int(looking.ever)))]
    words += [("as-of", dates.as_of)] if dates.as_of else []
    words += [("known-at", dates.known_at)] if dates.known_at else []
    for name in _SETS:
        words += [(name, key) for key in sorted(getattr(looking, name))]
    for name in _SIDES:
        words += [(name, f"{side} {key}") for key, side in sorted(getattr(looking, name))]
    words += [("pin", f"{left!r} {top!r} {key}") for key, left, top in looking.pins]
    return SCHEME + urlencode(words)


def view_of(link: str) -> tuple[Looking, Dates, str]:
    """Return what a link shows and the name of the workspace it was copied from; raises `QuestionError`.

    >>> view_of("modeltrail:view?selector=a&up=1&down=0&ever=0&expanded=up+b")[0].expanded
    frozenset({('b', 'up')})
    """
    said: dict[str, list[str]] = {}
    for name, value in parse_qsl(link.removeprefix(SCHEME), keep_blank_values=True):
        said.setdefault(name, []).append(value)
    as_of, known_at = said.get("as-of", [None])[-1], said.get("known-at", [None])[-1]
    for time, name in ((as_of, "as-of"), (known_at, "known-at")):
        if time is not None:
            try:
                parse(time)
            except ValueError:
                raise _wrong(f"{name}={time!r} is no time", link) from None
    selector = _last(said, "selector")
    if not link.startswith(SCHEME) or not selector:
        raise _wrong("the link names no thing", link)
    looking = Looking(
        selector,
        _last(said, "name") or selector,
        _hops(said, "up", link),
        _hops(said, "down", link),
        expanded=frozenset(_side(text, link) for text in said.get("expanded", ())),
        closed=frozenset(_side(text, link) for text in said.get("closed", ())),
        hidden=frozenset(said.get("hidden", ())),
        opened=frozenset(said.get("opened", ())),
        pulled=frozenset(said.get("pulled", ())),
        pins=tuple(_pin(text, link) for text in said.get("pin", ())),
        ever=_last(said, "ever") != "0",
    )
    return looking, Dates(as_of, known_at), _last(said, "workspace")


def _last(said: dict[str, list[str]], name: str) -> str:
    values: Sequence[str] = said.get(name, ("",))
    return values[-1]


def _hops(said: dict[str, list[str]], name: str, link: str) -> int:
    text = _last(said, name)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= FURTHEST):
        raise _wrong(f"{name}={text!r} is no number of steps from 0 to {FURTHEST}", link)
    return int(text)


def _side(text: str, link: str) -> tuple[str, str]:
    side, _, key = text.partition(" ")
    if side not in ("up", "down") or not key:
        raise _wrong(f"{text!r} is not a side and a thing", link)
    return key, side


def _pin(text: str, link: str) -> tuple[str, float, float]:
    left, _, rest = text.partition(" ")
    top, _, key = rest.partition(" ")
    try:
        place = (float(left), float(top))
    except ValueError:
        place = (float("nan"), 0.0)
    if not key or not all(-1e7 < number < 1e7 for number in place):
        raise _wrong(f"{text!r} is not the place of a pinned thing", link)
    return key, *place


def _wrong(what: str, link: str) -> QuestionError:
    return QuestionError(what, where=link[:300], remedy="copy the link again with Copy the link of this view")
