from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import servicenow_csv

LIST = Path(__file__).parents[2] / "sources" / "servicenow_csv" / "incidents.csv"


class Text:
    """An input that is a text in memory."""

    name, path = "incident.csv", None

    def __init__(self, text):
        self.raw = text.encode()
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given=LIST, **labels):
    """Everything the table says."""
    origin = Origin("somewhere/incident.csv", labels)
    given = file_input(given) if isinstance(given, Path) else Text(given)
    found = []
    for item in servicenow_csv.records(given, origin):
        found.extend(servicenow_csv.read(item, origin) if isinstance(item, Record) else [item])
    return found


def steps(facts, number):
    """The steps of one incident: type, not before, not after, who."""
    return [
        (fact.type, to_iso(fact.at.lo), to_iso(fact.at.hi), fact.actor.name if fact.actor else None)
        for fact in facts
        if isinstance(fact, Happened) and fact.subject.name == number
    ]


def entity(facts, number):
    """What is said of one incident."""
    (found,) = [fact for fact in facts if isinstance(fact, Entity) and fact.key.name == number]
    return found


def test_local_times_of_a_zone_with_the_day_first():
    """02.06. 03:50 in Oslo (UTC+2 in summer) is 01:50 UTC, with `dates=dmy`; who opened and resolved it is named."""
    facts = said(timezone="Europe/Oslo", dates="dmy", instance="skarn")
    assert entity(facts, "INC0010042").key == Key(Kind.INCIDENT, "servicenow:skarn", "INC0010042")
    assert steps(facts, "INC0010042") == [
        ("incident-open", "2026-06-02T01:50:00Z", "2026-06-02T01:50:00Z", "Monitoring"),
        ("incident-resolve", "2026-06-13T02:41:07Z", "2026-06-13T02:41:07Z", "Mira Holm"),
    ]
    opened = next(fact for fact in facts if isinstance(fact, Happened))
    assert (opened.at.assumed, opened.at.text) == (True, "02.06.2026 03:50:00")


def test_what_the_incident_is_about():
    """Configuration item and business service are both named; state 6 is Resolved; the cell over two lines is kept."""
    found = entity(said(), "INC0010042").attributes
    assert found["services"] == ["eta-parcel", "Parcel tracking"]
    assert (found["status"], found["priority"], found["teams"]) == ("Resolved", "2 - High", ["ML on call"])
    assert found["title"] == "ETA answers slowly,\nsince the night"


def test_a_day_of_two_readings_is_a_bound():
    """02.06. is February 6 or June 2: between the two; 13.06. has one reading; a clock may be `9:05`."""
    facts = said()
    assert steps(facts, "INC0010042")[0][1:3] == ("2026-02-06T03:50:00Z", "2026-06-02T03:50:00Z")
    assert steps(facts, "INC0010043")[0][1:3] == ("2026-06-13T09:05:00Z",) * 2
    assert [fact.code for fact in facts if isinstance(fact, Problem)] == ["ambiguous-date", "bad-time"]


def test_every_row_is_accounted_for():
    """The header, a change request and an empty row are left out with their reason; the row without a time is named."""
    facts = said(dates="dmy")
    assert [fact.reason for fact in facts if isinstance(fact, Filtered)] == [
        "header",
        "not-an-incident",
        "empty",
    ]
    assert [(fact.code, fact.value) for fact in facts if isinstance(fact, Problem)] == [("bad-time", "soon")]
    assert entity(facts, "INC0010044").attributes["title"] == "no time"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("06/25/2026 03:02:01 PM", "2026-06-25T15:02:01Z"),
        ("2026-06-25 12:00:00 am", "2026-06-25T00:00:00Z"),
        ("2026-06-25T03:02:01+02:00", "2026-06-25T01:02:01Z"),
        ("25-06-2026 03:02:01", "2026-06-25T03:02:01Z"),
        ("2026-06-25", "2026-06-25T00:00:00Z"),
    ],
)
def test_clocks_and_orders(cell, expected):
    """Twelve-hour clocks, the month or the day first, ISO with an offset, a bare day."""
    facts = said(f"number,opened_at,state,priority\nINC1,{cell},New,1\n")
    assert steps(facts, "INC1") == [("incident-open", expected, expected, None)]


@pytest.mark.parametrize(
    "cell", ["25/Foo/26", "13:61", "99.99.2026", "2026-06-25 13:00 PM", "12345", "½/1/2026"]
)
def test_what_is_no_time_is_said(cell):
    """Nothing is guessed from it."""
    facts = said(f"number,opened_at,state,priority\nINC1,{cell},New,1\n")
    assert [fact.code for fact in facts if isinstance(fact, Problem)] == ["bad-time"]
    assert steps(facts, "INC1") == []


def test_other_lists_are_not_taken():
    """Service levels, people and data are no incidents."""
    for text in (
        "service,metric,target,unit,valid_from\n",
        "person,email,principal\n",
        "number,value\n1,2\n",
        "Issue key,Summary,Created,Status\n",
        "",
    ):
        assert servicenow_csv.recognises(Sample("a.csv", text.encode())) == 0
    assert recognise(sample_of(file_input(LIST)))[0].NAME == "servicenow-csv"


def test_the_real_list(corpus):
    """One row: INC1, 2026-06-02 11:02:00 to 11:50:00 without a zone, `iris`, `2 - High`, `slow` (read in the file)."""
    path = corpus / "ops" / "incidents" / "servicenow.csv"
    assert recognise(sample_of(file_input(path)))[0].NAME == "servicenow-csv"
    facts = said(path)
    assert [fact for fact in facts if isinstance(fact, Problem)] == []
    assert [step[:2] for step in steps(facts, "INC1")] == [
        ("incident-open", "2026-06-02T11:02:00Z"),
        ("incident-resolve", "2026-06-02T11:50:00Z"),
    ]
    found = entity(facts, "INC1").attributes
    assert (found["services"], found["priority"], found["title"]) == (["iris"], "2 - High", "slow")
