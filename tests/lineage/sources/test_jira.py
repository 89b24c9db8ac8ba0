import json
from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import jira

SAMPLES = Path(__file__).parents[2] / "sources" / "jira"


class Bytes:
    """An input in memory."""

    name, path = "issues.json", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, **labels):
    """Everything the file says."""
    origin = Origin("somewhere/issues", labels)
    given = file_input(SAMPLES / given) if isinstance(given, str) else Bytes(given)
    found = []
    for item in jira.records(given, origin):
        found.extend(jira.read(item, origin) if isinstance(item, Record) else [item])
    return found


def steps(facts, number):
    """The steps of one incident: type, when, who."""
    return [
        (fact.type, to_iso(fact.at.lo), fact.actor.name if fact.actor else None)
        for fact in facts
        if isinstance(fact, Happened) and fact.subject.name == number
    ]


def entity(facts, number):
    """What is said of one incident."""
    (found,) = [fact for fact in facts if isinstance(fact, Entity) and fact.key.name == number]
    return found


def test_an_export_with_repeated_columns_and_local_times():
    """Created 02/Jun/26 3:52 AM in Oslo is 01:52 UTC; both components and the affected service are services."""
    facts = said("issues.csv", timezone="Europe/Oslo", instance="skarn.atlassian.net")
    found = entity(facts, "OPS-7")
    assert found.key == Key(Kind.INCIDENT, "jira:skarn.atlassian.net", "OPS-7")
    assert found.attributes["services"] == ["eta-parcel", "tracking"]
    assert found.attributes["labels"] == ["night"]
    assert steps(facts, "OPS-7") == [
        ("incident-open", "2026-06-02T01:52:00Z", "jira-bot"),
        ("incident-resolve", "2026-06-02T02:41:00Z", None),
    ]
    assert steps(facts, "OPS-9") == [("incident-open", "2026-06-03T06:00:00Z", "jon.aas")]
    assert [fact for fact in facts if isinstance(fact, Problem)] == []


def test_only_incidents_are_taken():
    """A service request and a task are left out as such; the label `incident_types` takes them in."""
    assert [fact.reason for fact in said("issues.csv") if isinstance(fact, Filtered)] == [
        "header",
        "not-an-incident",
    ]
    assert [fact.reason for fact in said("search.json") if isinstance(fact, Filtered)] == ["not-an-incident"]
    assert entity(said("search.json", incident_types="task, bug"), "OPS-10").attributes["title"] == "Upgrade"


def test_a_change_log_tells_who_moved_it_when():
    """In Progress at 03:58 +0200 is the acknowledgement, by the account's id; who closed it is known by e-mail."""
    facts = said("search.json")
    assert entity(facts, "OPS-7").key.namespace == "jira:skarn.atlassian.net"
    assert steps(facts, "OPS-7") == [
        ("incident-open", "2026-06-02T01:52:00Z", "557058:f5"),
        ("incident-acknowledge", "2026-06-02T01:58:00Z", "5b10a2"),
        ("incident-resolve", "2026-06-02T02:41:07.120000Z", "5b10a2"),
        ("incident-close", "2026-06-02T10:00:00Z", "kai.lind@skarn.example"),
    ]
    assert entity(facts, "OPS-7").attributes["services"] == ["eta-parcel"]
    labelled = said("search.json", service_field="customfield_10201")
    assert entity(labelled, "OPS-7").attributes["services"] == ["eta-parcel", "Parcel tracking"]


def test_a_page_that_is_not_the_last_says_so():
    """Two of five issues are on the page."""
    (found,) = [fact for fact in said("search.json") if isinstance(fact, Problem)]
    assert (found.code, found.value, found.fatal) == ("more-pages", "5", False)


@pytest.mark.parametrize("value", [None, 5, [], {}, "x", [5], {"name": []}, {"histories": [{"items": 5}]}])
def test_odd_values_cost_their_record_at_most(value):
    """Whatever stands where something else is expected: every record is told of, nothing raises."""
    fields = dict.fromkeys(
        ("issuetype", "created", "components", "labels", "status", "creator", "resolutiondate"), value
    )
    body = {
        "issues": [{"key": "A-1", "self": value, "fields": fields, "changelog": value}, value, {"key": value}]
    }
    assert said(json.dumps(body).encode())


def test_both_forms_are_known_and_others_are_not():
    """By the header or the first issue; a search cut off by the head too."""
    for path in SAMPLES.iterdir():
        assert recognise(sample_of(file_input(path)))[0].NAME == "jira"
    raw = (SAMPLES / "search.json").read_bytes()
    assert jira.recognises(Sample("a.json", raw[:700], whole=False)) > 0.8
    for text in ("number,opened_at,state\n", "key,value\n", '{"issues": []}', "[]", "{}", ""):
        assert jira.recognises(Sample("a", text.encode())) == 0
