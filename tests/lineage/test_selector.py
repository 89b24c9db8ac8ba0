"""One grammar for the command line, search, views and reports."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.errors import QuestionError
from lineage.graph.selector import Any, Both, Filter, Name, Path, Reach, parse, quoted

CHURN = Name("churn")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("churn", CHURN),
        ("  churn  ", CHURN),
        ("churn 12", Name("churn 12")),
        ("features/customer_daily", Name("features/customer_daily")),
        ("s3://lake/raw", Name("s3://lake/raw")),
        ("kind:model", Filter("kind", "model")),
        ("ns:s3://lake", Filter("ns", "s3://lake")),
        ("ns:s3://*", Filter("ns", "s3://*")),
        ("env:prod-eu", Filter("env", "prod-eu")),
        ("source:mlflow", Filter("source", "mlflow")),
        ("tag:team=fraud", Filter("tag", "team=fraud")),
        ("tag:team='fraud, ops'", Filter("tag", "team=fraud, ops")),
        ("owner:'Zoë Ł'", Filter("owner", "Zoë Ł")),
        ("id:'dataset|s3://lake|a, b'", Filter("id", "dataset|s3://lake|a, b")),
        ("raw/*", Name("raw/*", glob=True)),
        ("raw/202?", Name("raw/202?", glob=True)),
        ("'raw/*'", Name("raw/*")),
        ("'a*'*", Name("a[*]*", glob=True)),
        ("+churn", Reach(CHURN, None, 0)),
        ("churn+", Reach(CHURN, 0, None)),
        ("+churn+", Reach(CHURN, None, None)),
        ("2+churn+1", Reach(CHURN, 2, 1)),
        ("'a+'+3", Reach(Name("a+"), 0, 3)),
        ("2+kind:model", Reach(Filter("kind", "model"), 2, 0)),
        ("raw..churn", Path(Name("raw"), CHURN)),
        ("'a..b'..churn", Path(Name("a..b"), CHURN)),
        ("+raw..churn", Path(Reach(Name("raw"), None, 0), CHURN)),
        ("churn, raw", Any((CHURN, Name("raw")))),
        ("churn & raw", Both((CHURN, Name("raw")))),
        ("churn, -raw", Any((CHURN,), (Name("raw"),))),
        ("churn -raw", Any((CHURN,), (Name("raw"),))),
        ("churn -raw -x*", Any((CHURN,), (Name("raw"), Name("x*", glob=True)))),
        ("churn & -raw", Any((CHURN,), (Name("raw"),))),
        ("-raw", Any((Name("*", glob=True),), (Name("raw"),))),
        ("eta-parcel", Name("eta-parcel")),
        ("a - b", Name("a - b")),
        (
            "kind:model & env:prod, raw",
            Any((Both((Filter("kind", "model"), Filter("env", "prod"))), Name("raw"))),
        ),
        ("'a b'\"c'd\"", Name("a bc'd")),
        ("2026", Name("2026")),
        ("12+", Reach(Name("12"), 0, None)),
    ],
)
def test_every_form_of_the_grammar_is_understood(text: str, meant: object) -> None:
    """What a person writes means one thing."""
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("churn,", "comma"),
        (",churn", "comma"),
        ("churn & ", "each &"),
        ("..churn", "both sides"),
        ("churn..", "both sides"),
        ("a..b..c", "both sides"),
        ("'churn", "character 1"),
        ('ab, "churn', "character 5"),
        ("kind:modle", "model"),
        ("raw, kind:modle", "character 11"),
        ("tag:team", "tag:key=value"),
        ("tag:=x", "tag:key=value"),
        ("env:", "after env:"),
        ("99999+churn", "hops"),
        ("x" * 20_001, "longer than"),
    ],
)
def test_an_error_says_where_it_is_and_what_to_do(text: str, word: str) -> None:
    """The sentence names the place or the remedy."""
    with pytest.raises(QuestionError) as caught:
        parse(text)

    assert word in str(caught.value)


_SIGNS = st.text(alphabet="abc12 ,&+-.:'\"*?[]|/=kindtagm\\\n٣é", max_size=40)


@given(st.one_of(_SIGNS, st.text(max_size=40)))
def test_no_text_brings_the_grammar_down(text: str) -> None:
    """Anything is either understood or refused with a sentence."""
    with suppress(QuestionError):
        parse(text)


@given(st.text(min_size=1, max_size=40))
def test_a_quoted_name_is_taken_letter_by_letter(name: str) -> None:
    """What the window quotes for a name selects that name, whatever stands in it."""
    assert parse(quoted(name)) == Name(name)
