from io import BytesIO
from pathlib import Path

import pytest

from lineage.identity.person import People, PersonRow, Principal
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Alias, Entity, Key
from lineage.model.moment import parse, to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import people_csv
from resources.sample import people as sample_people

LIST = Path(__file__).parents[2] / "sources" / "people_csv" / "people.csv"


class Text:
    """An input that is a text in memory."""

    name, path = "people.csv", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given=LIST, **labels):
    """Everything the list says, by the line it stands on."""
    origin = Origin("somewhere/people.csv", labels)
    given = file_input(given) if isinstance(given, Path) else Text(given)
    found = {}
    for item in people_csv.records(given, origin):
        found[item.line] = list(people_csv.read(item, origin)) if isinstance(item, Record) else [item]
    return found


def aliases(facts):
    """The principals that the facts give to somebody, with their system."""
    return [fact.other[1:] for fact in facts if isinstance(fact, Alias)]


def test_a_row_names_a_person_and_all_his_principals():
    """Several logins in one cell, the e-mail in small letters and a principal too; valid for the days of the row."""
    facts = said()[3]
    assert facts[0] == Entity(
        Key(Kind.ACTOR, "people", "ana.ruiz@example.org"),
        {"name": "Ana Ruiz", "email": "ana.ruiz@example.org", "kind": "person", "team": "risk"},
    )
    assert aliases(facts) == [
        ("*", "oidc:ana.ruiz@example.org"),
        ("*", "aruiz"),
        ("*", "ana.ruiz@example.org"),
    ]
    assert {fact.rule for fact in facts[1:]} == {"people-list"}
    assert {to_iso(fact.since.lo) for fact in facts[1:]} == {"2024-01-01T00:00:00Z"}
    assert {to_iso(fact.until.hi) for fact in facts[1:]} == {"2025-07-01T00:00:00Z"}


def test_a_system_narrows_the_principal_but_not_the_e_mail():
    """An X.500 name with a comma is one principal, of the system named."""
    assert aliases(said()[4]) == [("ldap", "CN=Ben, OU=Risk"), ("*", "ben@example.org")]


def test_a_service_account_is_no_person():
    """A row without e-mail is called by its name; its kind says that it is none of us."""
    facts = said()[5]
    assert facts[0].key == Key(Kind.ACTOR, "people", "Deployer")
    assert facts[0].attributes == {"name": "Deployer", "kind": "service-account"}
    assert aliases(facts) == [("kubernetes", "system:serviceaccount:ci:deployer")]


def test_nobody_is_guessed():
    """A day of two readings gives no principal until a label decides; a principal without a person is a problem."""
    facts = said()[6]
    assert aliases(facts) == []
    assert [(fact.code, fact.fatal) for fact in facts if isinstance(fact, Problem)] == [
        ("ambiguous-date", False)
    ]
    assert aliases(said(dates="dmy")[6]) == [("*", "cyd"), ("*", "cy@example.org")]
    assert [(fact.code, fact.field) for fact in said()[7]] == [("missing-field", "person")]


def test_who_left_is_no_longer_found_by_any_name():
    """The people list, as the ladder reads it, knows Ana on her last day and not on the next, by login or e-mail."""
    facts = said()[3]
    named = tuple(
        Principal(fact.other.name, "", fact.since, fact.until) for fact in facts if isinstance(fact, Alias)
    )
    listed = People.of([PersonRow(facts[0].key, "Ana Ruiz", "ana.ruiz@example.org", "person", named)])
    for principal in ("oidc:Ana.Ruiz@example.org", "aruiz", "ana.ruiz@example.org"):
        assert listed.find(principal, "kubernetes", parse("2025-06-30T23:00:00Z").lo)[0]
        assert not listed.find(principal, "kubernetes", parse("2025-07-01T00:00:00Z").lo)[0]


def test_the_company_of_the_sample_is_read_whole():
    """Every row of the sample's list names a person or bot with its principal; the shared login changes hands."""
    rows = sample_people.rows()
    found = said(sample_people.content())
    assert found.pop(1) == [Filtered("header")]
    assert len(found) == len(rows)
    for row, facts in zip(rows, found.values(), strict=True):
        person, email, principal, kind, *_ = row
        assert facts[0].key.name == (email or person)
        assert (facts[0].attributes["name"], facts[0].attributes["kind"]) == (person, kind)
        assert aliases(facts)[0] == ("*", principal)
        assert not [fact for fact in facts if isinstance(fact, Problem)]
    shared = [
        fact
        for facts in found.values()
        for fact in facts
        if isinstance(fact, Alias) and "oncall" in fact.other.name
    ]
    assert shared[0].until.hi == shared[1].since.lo


@pytest.mark.parametrize(
    "text",
    [
        "service,metric,target,unit\n",
        "number,opened_at,resolved_at,cmdb_ci,priority,short_description\n",
        "user,email,permission,granted_at\n",
        "id,name,value\n",
        "",
    ],
)
def test_other_lists_are_not_taken(text):
    """Service levels, incidents, rights and data are no people list."""
    assert people_csv.recognises(Sample("a.csv", text.encode())) == 0


@pytest.mark.parametrize(
    "text", ["person,email,principal\n", "Name;E-Mail;Username;Typ\n", "name,email,team\n"]
)
def test_lists_with_other_headers_are(text):
    """Person and principal, or person with e-mail and team, in any usual spelling and with any delimiter."""
    assert people_csv.recognises(Sample("a.csv", text.encode())) >= 0.6
    assert recognise(sample_of(file_input(LIST)))[0].NAME == "people-csv"
