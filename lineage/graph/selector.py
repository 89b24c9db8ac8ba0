"""Which things does a selector mean? One grammar for the command line, search, views and reports (CONTRACT.md).

    a, b            union            a & b           both
    a -b   a, -b    without          x..y            what lies between
    +x   x+         upstream, downstream             2+x+1   so many hops
    name  kind:k  ns:n  env:e  source:s  tag:k=v  owner:o     * ? glob
    'quoted names'  "with signs"

A name is looked for as it stands, then as the end of a longer name (`customer_daily` finds `features/customer_daily`).
Quotes work as in a shell: what stands between them is taken letter by letter, and `'a b'"'"'c'` is one name.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineage.errors import QuestionError
from lineage.model.vocabulary import Kind

MAX_LENGTH = 20_000
"""Longer selectors are refused: they are a mistake, or an attack."""

_HOPS = 4
FILTERS = ("kind", "ns", "env", "source", "tag", "owner", "id")
_EXACT = frozenset({"kind", "source", "tag", "owner", "id"})


@dataclass(frozen=True, slots=True)
class Name:
    """A thing by its name, or many by a glob."""

    text: str
    glob: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Things with a property: `kind:model`, `tag:team=fraud`."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Things with what lies up- and downstream of them; None = all the way, 0 = not in that direction."""

    of: Selector
    up: int | None = 0
    down: int | None = 0


@dataclass(frozen=True, slots=True)
class Path:
    """What lies between two selections."""

    begin: Selector
    end: Selector


@dataclass(frozen=True, slots=True)
class Both:
    """What is in every part."""

    parts: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """What is in one of the parts, without what is in one of `without`."""

    parts: tuple[Selector, ...]
    without: tuple[Selector, ...] = ()


Selector = Name | Filter | Reach | Path | Both | Any


@dataclass(frozen=True, slots=True)
class _Text:
    """A stretch of the selector: its letters, which of them stood between quotes, and where each stood (from 1)."""

    whole: str
    letters: str
    bare: tuple[bool, ...]
    places: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.letters)

    def cut(self, begin: int, end: int | None = None) -> _Text:
        window = slice(begin, end)
        return _Text(self.whole, self.letters[window], self.bare[window], self.places[window])

    def stripped(self) -> _Text:
        begin, end = 0, len(self.letters)
        while begin < end and self.bare[begin] and self.letters[begin].isspace():
            begin += 1
        while end > begin and self.bare[end - 1] and self.letters[end - 1].isspace():
            end -= 1
        return self.cut(begin, end)

    def find(self, sign: str, begin: int = 0) -> int:
        """Return where `sign` stands outside quotes, or -1."""
        place = self.letters.find(sign, begin)
        while place >= 0 and not all(self.bare[place : place + len(sign)]):
            place = self.letters.find(sign, place + 1)
        return place

    def split(self, sign: str) -> list[_Text]:
        parts = []
        begin = 0
        while (place := self.find(sign, begin)) >= 0:
            parts.append(self.cut(begin, place).stripped())
            begin = place + len(sign)
        return [*parts, self.cut(begin).stripped()]

    def is_sign(self, place: int, sign: str) -> bool:
        return -len(self.letters) <= place < len(self.letters) and (
            self.letters[place] == sign and self.bare[place]
        )

    def wrong(self, what: str, remedy: str = "") -> QuestionError:
        where = f"{self.whole} (from character {self.places[0]})" if self.places else self.whole
        return QuestionError(what, where=where, remedy=remedy)


def parse(text: str) -> Selector:
    """Return what `text` selects; raises `QuestionError` that points at the place it cannot read.

    >>> parse("2+churn+ & kind:model")
    Both(parts=(Reach(of=Name(text='churn', glob=False), up=2, down=None), Filter(field='kind', value='model')))
    >>> parse("kind:model -tag:team=ops")
    Any(parts=(Filter(field='kind', value='model'),), without=(Filter(field='tag', value='team=ops'),))
    """
    if len(text) > MAX_LENGTH:
        raise QuestionError(f"the selector is longer than {MAX_LENGTH} characters", where=f"{text[:40]}...")
    whole = _read(text)
    if not whole.stripped():
        raise QuestionError("the selector is empty", remedy="write a name, or kind:model, or *")
    parts: list[Selector] = []
    without: list[Selector] = []
    for piece in whole.split(","):
        if not piece:
            raise whole.wrong("a part of the selector is empty", "write a name on both sides of each comma")
        for term, negative in _exclusions(piece):
            (without if negative else parts).append(_all_of(term))
    if not parts:
        parts.append(Name("*", glob=True))
    return parts[0] if len(parts) == 1 and not without else Any(tuple(parts), tuple(without))


def quoted(name: str) -> str:
    """Return `name` so that a selector takes it letter by letter, whatever stands in it.

    >>> print(quoted("churn"), quoted("a, b"), quoted("O'Shea"))
    churn 'a, b' "O'Shea"
    """
    plain = all(letter.isalnum() or letter in "-._/#|" for letter in name)
    if name and plain and name[0] != "-" and ".." not in name:
        return name
    if "'" not in name:
        return f"'{name}'"
    return f'"{name}"' if '"' not in name else "'" + name.replace("'", "'\"'\"'") + "'"


def _read(text: str) -> _Text:
    letters: list[str] = []
    bare: list[bool] = []
    places: list[int] = []
    quote = ""
    opened = 0
    for place, letter in enumerate(text, 1):
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote, opened = letter, place
        else:
            letters.append(letter)
            bare.append(not quote)
            places.append(place)
    if quote:
        raise QuestionError(
            "a quotation mark is not closed",
            where=f"{text} (from character {opened})",
            remedy=f"close it, or put a name with {quote} in it between the other kind of quotation marks",
        )
    return _Text(text, "".join(letters), tuple(bare), tuple(places))


def _exclusions(piece: _Text) -> list[tuple[_Text, bool]]:
    """Take `a -b -c` apart; a dash within a name, or before a space, is part of the name."""
    starts = [
        place
        for place in range(len(piece.letters) - 1)
        if piece.is_sign(place, "-")
        and not (piece.bare[place + 1] and piece.letters[place + 1].isspace())
        and (place == 0 or (piece.bare[place - 1] and piece.letters[place - 1].isspace()))
        and not piece.cut(0, place).stripped().is_sign(-1, "&")
    ]
    if not starts:
        return [(piece, False)]
    found = [(piece.cut(0, starts[0]).stripped(), False)] if starts[0] else []
    for begin, end in zip(starts, [*starts[1:], None], strict=True):
        found.append((piece.cut(begin + 1, end).stripped(), True))
    return found


def _all_of(piece: _Text) -> Selector:
    kept: list[Selector] = []
    without: list[Selector] = []
    for part in piece.split("&"):
        if not part:
            raise piece.wrong("a part of the selector is empty", "write a name on both sides of each &")
        negative = part.is_sign(0, "-") and len(part.letters) > 1
        (without if negative else kept).append(_between(part.cut(1).stripped() if negative else part))
    both = kept[0] if len(kept) == 1 else Both(tuple(kept)) if kept else Name("*", glob=True)
    return Any((both,), tuple(without)) if without else both


def _between(part: _Text) -> Selector:
    sides = part.split("..")
    if len(sides) == 1:
        return _reach(part)
    if len(sides) > 2 or not all(sides):
        raise part.wrong("x..y needs a name on both sides", "put names with two dots in them between quotes")
    return Path(_reach(sides[0]), _reach(sides[1]))


def _reach(part: _Text) -> Selector:
    up, part = _hops(part, backwards=False)
    down, part = _hops(part, backwards=True)
    base = _base(part.stripped())
    return Reach(base, up, down) if up != 0 or down != 0 else base


def _hops(part: _Text, *, backwards: bool) -> tuple[int | None, _Text]:
    """Take `2+` off the beginning, or `+2` off the end; 0 hops when there is none, None for all the way."""
    size = len(part.letters)
    order = range(size - 1, -1, -1) if backwards else range(size)
    digits = ""
    for place in order:
        letter = part.letters[place]
        if part.is_sign(place, "+") and size > len(digits) + 1:
            rest = part.cut(0, place) if backwards else part.cut(place + 1)
            if len(digits) > _HOPS:
                raise part.wrong("so many hops cannot be walked", "leave the number out to go all the way")
            return (int(digits) if digits else None), rest
        if not (part.bare[place] and letter.isascii() and letter.isdigit()):
            break
        digits = letter + digits if backwards else digits + letter
    return 0, part


def _base(part: _Text) -> Selector:
    if not part:
        raise part.wrong("a name is missing", "write a name, or kind:model, or *")
    colon = part.find(":")
    field = part.letters[:colon] if colon > 0 and all(part.bare[:colon]) else ""
    value = part.cut(colon + 1).stripped()
    if field in FILTERS and not value.letters.startswith("//"):
        if not value:
            raise part.wrong(f"nothing stands after {field}:", f"write {field}: and a value")
        if field == "kind" and value.letters not in set(Kind):
            raise value.wrong("there is no such kind", f"choose one of {', '.join(Kind)}")
        if field == "tag" and value.letters.find("=") < 1:
            raise value.wrong("a tag has a key and a value", "write tag:key=value")
        return Filter(field, value.letters if field in _EXACT else _pattern(value)[0])
    text, glob = _pattern(part)
    return Name(text, glob)


def _pattern(part: _Text) -> tuple[str, bool]:
    """Return a name or glob pattern, in which quoted signs stand for themselves, and whether it is a pattern."""
    glob = part.find("*") >= 0 or part.find("?") >= 0
    if not glob:
        return part.letters, False
    signs = zip(part.letters, part.bare, strict=True)
    return "".join(
        f"[{sign}]" if sign in "*?[" and not (bare and sign != "[") else sign for sign, bare in signs
    ), True
