from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Grant, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import access_csv, people_csv, sla_csv

LIST = Path(__file__).parents[2] / "sources" / "access_csv" / "access.csv"
HEAD = "principal,role,resource,granted_from,granted_to,granted_by,ticket\n"


class Text:
    """An input that is a text in memory."""

    name, path = "access.csv", None

    def __init__(self, text):
        self.raw = text.encode()
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given=LIST, **labels):
    """Everything the list says."""
    origin = Origin("somewhere/access.csv", labels)
    given = file_input(given) if isinstance(given, Path) else Text(given)
    found = []
    for item in access_csv.records(given, origin):
        found.extend(access_csv.read(item, origin) if isinstance(item, Record) else [item])
    return found


def grants(facts):
    """The rights."""
    return [fact for fact in facts if isinstance(fact, Grant)]


def test_a_row_gives_a_right_from_day_to_day():
    """From February 1 without an end, by Kai on ACC-1; a service account until the end of June 30, of its system."""
    mira, deployer = grants(said(dates="dmy"))
    assert mira.grantee == Key(Kind.ACTOR, "*", "mira.holm@skarn.example")
    assert (mira.role, mira.where, mira.detail["ticket"]) == ("deployer", "prod-eu/parcels/*", "ACC-1")
    assert (to_iso(mira.since.lo), mira.until) == ("2026-02-01T00:00:00Z", None)
    assert mira.by == Key(Kind.ACTOR, "*", "kai.lind@skarn.example")
    assert deployer.grantee == Key(Kind.ACTOR, "kubernetes", "system:serviceaccount:ci:deployer")
    assert deployer.permissions == ("update inferenceservices", "patch inferenceservices")
    assert (deployer.role, to_iso(deployer.until.hi)) == (
        "update inferenceservices, patch inferenceservices",
        "2026-07-01T00:00:00Z",
    )


def test_a_day_of_two_readings_is_a_bound():
    """01.02. is January 2 or February 1; the right began at some time from the one to the other, and that is said."""
    mira = grants(said())[0]
    assert (to_iso(mira.since.lo), to_iso(mira.since.hi)) == ("2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z")
    assert "ambiguous-date" in {fact.code for fact in said() if isinstance(fact, Problem)}


def test_every_row_is_accounted_for():
    """A request is no right; one whose days cannot be read would seem to hold always; nobody is nobody."""
    facts = said(dates="dmy")
    assert [fact.reason for fact in facts if isinstance(fact, Filtered)] == ["header", "not-granted"]
    assert [(fact.code, fact.field, fact.fatal) for fact in facts if isinstance(fact, Problem)] == [
        ("bad-time", "granted_from", True),
        ("missing-field", "principal", True),
    ]


def test_denials_conditions_and_several_principals():
    """`deny` forbids; a restriction is kept; two logins in one cell have one right each."""
    text = (
        "user,permission,resource,effect,condition\na@x.example; b@x.example,deploy,prod,Deny,office hours\n"
    )
    first, second = grants(said(text))
    assert (first.grantee.name, second.grantee.name) == ("a@x.example", "b@x.example")
    assert (first.allowed, first.conditional, first.role) == (False, "office hours", "deploy")


@pytest.mark.parametrize(
    "row", ['a,b,"c', "a,b,c,2026-02-01,2026-01-01,x,T", "a,b,c,,,,,more", "a,,c,,,,", "a,b,c,99.99.2026,,,"]
)
def test_odd_rows_are_named_and_the_next_is_read(row):
    """Unclosed quotes, a reversed interval, an unquoted comma, no role, no day: the row after it still counts."""
    facts = said(f"{HEAD}{row}\nb,deployer,prod,2026-01-01,,,T-2\n")
    assert [fact for fact in facts if isinstance(fact, Problem)]
    assert grants(facts)[-1].grantee.name == "b"


def test_other_lists_are_not_taken_and_do_not_take_it():
    """People lists have groups and days too, service levels a target; each source knows its own."""
    for text in (
        "person,email,principal,group,valid_from,valid_to\n",
        "service,metric,target,unit,valid_from,valid_to\n",
        "number,opened_at,state,assigned_to\n",
        "user,value\n",
        "user,role\n",
        "",
    ):
        assert access_csv.recognises(Sample("a.csv", text.encode())) == 0
    for text in (
        HEAD,
        "user,role,resource\n",
        LIST.read_text("utf-8"),
        "login,permission,scope,granted by\n",
    ):
        sample = Sample("a.csv", text.encode())
        assert access_csv.recognises(sample) > max(people_csv.recognises(sample), sla_csv.recognises(sample))
    assert recognise(sample_of(file_input(LIST)))[0].NAME == "access-csv"
