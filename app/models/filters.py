"""Which rows does a filter text keep? Words, `column:word`, `-word` for without, quotes for words with spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"""(-)?(?:([\w-]+):)?(?:"([^"]*)"?|'([^']*)'?|(\S+))""")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: `text` stands in the column `column` (empty = anywhere), or does not when `without`."""

    text: str
    column: str = ""
    without: bool = False


def read_filter(text: str, columns: Mapping[str, str]) -> list[Term]:
    """Return the conditions of a filter text; `columns` maps the words a person may type to column keys.

    A word before a colon that names no column is part of the text, so that `s3://lake` finds what it says.

    >>> read_filter('env:prod -bob "fraud model"', {"env": "environment"})
    ... # doctest: +NORMALIZE_WHITESPACE
    [Term(text='prod', column='environment', without=False), Term(text='bob', column='', without=True),
     Term(text='fraud model', column='', without=False)]
    """
    terms = []
    for match in _TOKEN.finditer(text):
        minus, word, double, single, bare = match.groups()
        value = next((part for part in (double, single, bare) if part is not None), "")
        column = columns.get((word or "").lower(), "")
        if word and not column:
            value = f"{word}:{value}"
        if value:
            terms.append(Term(value.casefold(), column, bool(minus)))
    return terms


def keeps(terms: list[Term], cell: Callable[[str], str], whole: Callable[[], str]) -> bool:
    """Return whether a row fulfils every term; `cell` gives a column's folded text, `whole` that of all columns."""
    for term in terms:
        found = term.text in (cell(term.column) if term.column else whole())
        if found == term.without:
            return False
    return True
