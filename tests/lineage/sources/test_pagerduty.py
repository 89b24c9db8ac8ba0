import json
from io import BytesIO
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Happened, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import pagerduty

SAMPLES = Path(__file__).parents[2] / "sources" / "pagerduty"


class Bytes:
    """An input in memory."""

    name, path = "incidents.json", None

    def __init__(self, value):
        self.raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, **labels):
    """Everything the file says."""
    origin = Origin("somewhere/incidents.json", labels)
    found = []
    for item in pagerduty.records(given, origin):
        found.extend(pagerduty.read(item, origin) if isinstance(item, Record) else [item])
    return found


def sample(name, **labels):
    """Everything a sample says."""
    return said(file_input(SAMPLES / name), **labels)


def steps(facts, number):
    """The steps of one incident: type, time, who."""
    return [
        (fact.type, to_iso(fact.at.lo), fact.actor.name if fact.actor else None)
        for fact in facts
        if isinstance(fact, Happened) and fact.subject.name == number
    ]


def entity(facts, number):
    """What is said of one incident."""
    (found,) = [fact for fact in facts if isinstance(fact, Entity) and fact.key.name == number]
    return found


def problems(facts):
    """Code, field and whether it cost the record, of each problem."""
    return [(fact.code, fact.field, fact.fatal) for fact in facts if isinstance(fact, Problem)]


def test_an_incident_is_called_by_its_number_in_its_account():
    """Number 41 of skarn.pagerduty.com concerns `eta-parcel`, opened 01:50, resolved 02:40:11 by PUSR1."""
    facts = sample("incidents.json")
    found = entity(facts, "41")
    assert found.key == Key(Kind.INCIDENT, "pagerduty:skarn", "41")
    assert found.attributes["services"] == ["eta-parcel"]
    assert (found.attributes["priority"], found.attributes["urgency"]) == ("P2", "high")
    assert found.attributes["opened_at"] == "2026-06-02T01:50:00Z"
    assert found.attributes["resolved_at"] == "2026-06-02T02:40:11Z"
    assert steps(facts, "41") == [
        ("incident-open", "2026-06-02T01:50:00Z", None),
        ("incident-resolve", "2026-06-02T02:40:11Z", "PUSR1"),
    ]


def test_the_label_names_the_account_before_the_address_does():
    """With `account=acme` the incidents are acme's; without label or address there is no account."""
    assert entity(sample("incidents.json", account="acme"), "41").key.namespace == "pagerduty:acme"
    assert entity(sample("incidents.json"), "44").key.namespace == "pagerduty"


def test_acknowledgements_name_their_times_and_people():
    """08:00 at +02:00 is 06:00 UTC; who acknowledged is known by e-mail where the answer holds it."""
    facts = sample("incidents.json")
    assert steps(facts, "42") == [
        ("incident-open", "2026-06-03T06:00:00Z", None),
        ("incident-acknowledge", "2026-06-03T06:04:30Z", "jon.aas@skarn.example"),
    ]
    assert entity(facts, "42").attributes["assignees"] == ["Jon Aas"]
    assert "resolved_at" not in entity(facts, "42").attributes


def test_what_cannot_be_is_named_and_nothing_is_cut_in_silence():
    """Without a time there is no incident; resolved before it was opened is said; so is that more pages follow."""
    assert problems(sample("incidents.json")) == [
        ("missing-field", "created_at", True),
        ("reversed-interval", "resolved_at", False),
        ("more-pages", "more", False),
    ]


def test_log_entries_tell_the_same_steps_as_the_list():
    """The resolve of log and list have one id; the log adds who opened it and the acknowledgement; pushes are none."""
    listed, logged = sample("incidents.json"), sample("log_entries.json")
    assert steps(logged, "41") == [
        ("incident-open", "2026-06-02T01:50:00Z", "PSVC1"),
        ("incident-acknowledge", "2026-06-02T01:53:20Z", "PUSR1"),
        ("incident-resolve", "2026-06-02T02:40:11Z", "PUSR1"),
    ]
    ids = [
        {fact.id for fact in facts if isinstance(fact, Happened) and fact.subject.name == "41"}
        for facts in (listed, logged)
    ]
    assert ids[0] < ids[1]
    assert [fact.reason for fact in logged if isinstance(fact, Filtered)] == ["notification"]


def test_webhooks_tell_each_step_once():
    """Opened once though every event repeats when; the note is a step; an event about a service is left out."""
    facts = sample("webhooks.ndjson")
    assert set(steps(facts, "45")) == {
        ("incident-open", "2026-06-05T07:00:00Z", "PSVC2"),
        ("incident-open", "2026-06-05T07:00:00Z", None),
        ("incident-acknowledge", "2026-06-05T07:02:10.900000Z", "PUSR2"),
        ("incident-annotated", "2026-06-05T07:12:00Z", "PUSR2"),
    }
    assert len({fact.id for fact in facts if isinstance(fact, Happened)}) == 3
    assert [fact.reason for fact in facts if isinstance(fact, Filtered)] == ["event-type"]


def test_list_log_and_webhooks_make_one_story(tmp_path):
    """Imported together, in either order, incident 41 is one thing with three events, the first by the service."""
    names = sorted(path.name for path in SAMPLES.iterdir())
    digests = set()
    for number, order in enumerate((names, names[::-1])):
        with lineage.open(tmp_path / f"{number}.trail") as workspace:
            for name in order:
                workspace.import_([SAMPLES / name])
            digests.add(workspace.digest().items[0]["digest"])
            events = [item for item in workspace.events().items if item["subject"] == "41"]
            told = [(item["type"], item["actor"]) for item in events]
            assert {item["evidence"][0]["file"].rpartition("/")[2] for item in events[:2]} == {
                "log_entries.json"
            }
    assert told == [
        ("incident-open", "PSVC1"),
        ("incident-acknowledge", "PUSR1"),
        ("incident-resolve", "PUSR1"),
    ]
    assert len(digests) == 1


@pytest.mark.parametrize(
    "value",
    [
        {
            "incidents": [
                {"incident_number": 1, "created_at": value, "service": value, "acknowledgements": value}
            ]
        }
        for value in (None, 5, [], {}, "x", [5], {"at": 5}, [{"at": "x"}])
    ]
    + [
        {"event": {"event_type": "incident.x", "data": 5}},
        {"log_entries": [{"type": "a_log_entry"}]},
        [5],
        "x",
    ],
)
def test_odd_values_cost_their_record_at_most(value):
    """Whatever stands where something else is expected: every record is told of, nothing raises."""
    assert said(Bytes(value))


def test_other_json_is_not_taken():
    """Events, alerts and lists of other things are not PagerDuty's."""
    for text in ('{"incidents": []}', '{"eventType": "START"}', '{"issues": [{"key": "A-1"}]}', "[]", "a,b"):
        assert pagerduty.recognises(Sample("a.json", text.encode())) == 0
    for path in SAMPLES.iterdir():
        assert recognise(sample_of(file_input(path)))[0].NAME == "pagerduty"


def test_a_head_that_is_cut_off_is_known():
    """Of a page larger than what is looked at, the first incident suffices."""
    raw = (SAMPLES / "incidents.json").read_bytes()
    assert pagerduty.recognises(Sample("a.json", raw[:900], whole=False)) > 0.8


def test_the_real_list(corpus):
    """One incident: number 1, `iris slow`, 11:00 to 11:45 on 2026-06-02, urgency high, service iris (jq .incidents)."""
    path = corpus / "ops" / "incidents" / "pagerduty.json"
    assert recognise(sample_of(file_input(path)))[0].NAME == "pagerduty"
    facts = said(file_input(path))
    assert problems(facts) == []
    found = entity(facts, "1")
    assert found.attributes == {
        "number": "1",
        "pagerduty_id": "PDEV1",
        "title": "iris slow",
        "status": "resolved",
        "urgency": "high",
        "services": ["iris"],
        "opened_at": "2026-06-02T11:00:00Z",
        "resolved_at": "2026-06-02T11:45:00Z",
    }
    assert [step[:2] for step in steps(facts, "1")] == [
        ("incident-open", "2026-06-02T11:00:00Z"),
        ("incident-resolve", "2026-06-02T11:45:00Z"),
    ]
