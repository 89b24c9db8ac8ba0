"""What the Data Contract Specification, Sloth and slo-generator promise, in the words of the other agreements."""

import json
from io import BytesIO
from pathlib import Path

import pytest

import lineage
from lineage.model.facts import Entity, Measured, Objective
from lineage.model.moment import to_iso
from lineage.model.naming import dataset
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import datacontract, slo_generator, sloth

SAMPLES = Path(__file__).parents[2] / "sources"
CONTRACT = (SAMPLES / "datacontract" / "scores.yaml").read_text()
LEVELS = (SAMPLES / "sloth" / "levels.yaml").read_text()
SLO = (SAMPLES / "slo_generator" / "slo.yaml").read_text()
REPORTS = (SAMPLES / "slo_generator" / "reports.ndjson").read_text()


class Text:
    """An input that is a text in memory."""

    name, path = "levels.yaml", None

    def __init__(self, text):
        self.raw = text.encode()
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(source, text, **labels):
    """Everything that a document says."""
    origin = Origin("levels.yaml", labels)
    found = []
    for item in source.records(Text(text), origin):
        found.extend(source.read(item, origin) if isinstance(item, Record) else [item])
    return found


def objectives(found):
    """The objectives by their name."""
    return {one.key.name: one for one in found if isinstance(one, Objective)}


def problems(found):
    """Code, field and whether the record is lost."""
    return [(one.code, one.field, one.fatal) for one in found if isinstance(one, Problem)]


def test_a_contract_in_the_units_of_other_agreements():
    """99.95 % is 0.9995, P2Y two years of 365 days, 4 hours 14400 s, daily 86400 s, 30m 1800 s, 1 week 604800 s."""
    found = said(datacontract, CONTRACT)
    assert {name: (one.comparator, one.target, one.unit) for name, one in objectives(found).items()} == {
        "availability": (">=", 0.9995, "ratio"),
        "retention": (">=", 63_072_000.0, "s"),
        "latency": ("<=", 14_400.0, "s"),
        "frequency": ("<=", 86_400.0, "s"),
        "time-to-respond": ("<=", 1_800.0, "s"),
        "rto": ("<=", 86_400.0, "s"),
        "rpo": ("<=", 604_800.0, "s"),
    }
    assert problems(found) == [("bad-number", "servicelevels.freshness.threshold", False)]
    one = objectives(found)["availability"]
    assert (one.key.namespace, one.version, one.document, one.owner, one.ground) == (
        "urn:contract:scores",
        "2.1.0",
        "data contract Scores version 2.1.0",
        "risk",
        "import",
    )


def test_a_contract_is_about_the_tables_and_files_of_its_models():
    """Both models on both servers; a level with a field is about the model of that field."""
    found = objectives(said(datacontract, CONTRACT))
    table = "postgres://db.internal:5432"
    assert found["availability"].datasets == (
        dataset(table, "risk.public.scores"),
        dataset(table, "risk.public.inputs"),
        dataset("s3://lake", "scores"),
        dataset("s3://lake", "inputs"),
    )
    assert found["latency"].datasets == (dataset(table, "risk.public.scores"), dataset("s3://lake", "scores"))


def test_the_quality_rules_are_said_of_the_dataset():
    """The rule of a column, with its limits; a rule is no result, so there is no check."""
    found = said(datacontract, CONTRACT)
    rules = {
        one.key: one.attributes["quality_rules"]
        for one in found
        if isinstance(one, Entity) and one.key.kind is Kind.DATASET
    }
    assert rules[dataset("s3://lake", "scores")] == [
        {
            "column": "score",
            "type": "sql",
            "description": "scores lie between 0 and 1",
            "mustBeBetween": "['0', '1']",
        }
    ]
    assert not [one for one in found if isinstance(one, Measured)]


def test_a_draft_of_a_contract_promises_nothing_and_labels_date_a_contract():
    """A draft can be found; the interval comes from the person who imports it."""
    draft = CONTRACT.replace("  owner: risk", "  status: draft")
    assert objectives(said(datacontract, draft)) == {}
    dated = objectives(said(datacontract, CONTRACT, effective_from="2026-01-01", effective_to="2026-12-31"))
    one = dated["latency"]
    assert (to_iso(one.since.lo), to_iso(one.until.lo), one.ground) == (
        "2026-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
        "file",
    )


def test_sloth_writes_percent_over_thirty_days():
    """99.5 percent is 0.995; 150 percent is a problem; the window is Sloth's own default or the label's."""
    found = said(sloth, LEVELS)
    one, two = [one for one in found if isinstance(one, Objective)]
    assert (one.key[1:], one.metric, one.target, one.window, one.rolling) == (
        ("scorer", "requests-availability"),
        "availability",
        0.995,
        "P30D",
        True,
    )
    assert (one.method, one.subjects, one.owner) == ("occurrences", ("scorer",), "ml-platform")
    assert (two.key[1:], two.metric, two.percentile, two.method) == (
        ("trainer", "p99-latency"),
        "latency",
        0.99,
        "",
    )
    assert problems(found) == [("out-of-range", "slos[1].objective", False)]
    assert {one.window for one in said(sloth, LEVELS, slo_period="28d") if isinstance(one, Objective)} == {
        "P28D"
    }


def test_slo_generator_configurations():
    """Version 2 as ratio; version 1 with a goal that was never filled in is a problem, not a promise."""
    (one,) = objectives(said(slo_generator, SLO)).values()
    assert (one.key[1:], one.metric, one.target, one.window) == (
        ("scorer", "scorer-predict-availability"),
        "availability",
        0.995,
        "",
    )
    old = (SAMPLES / "slo_generator" / "old.yaml").read_text()
    assert problems(said(slo_generator, old)) == [("bad-number", "slo_target", True)]
    (one,) = objectives(said(slo_generator, old.replace("${GOAL}", "0.9"))).values()
    assert (one.key[1:], one.metric, one.target) == (("scorer", "scorer-predict-latency"), "latency", 0.9)


def test_slo_generator_reports():
    """One objective a window: 2419200 s are 28 days, 3600 s an hour; 0.994 misses 0.995, 0.999 meets it."""
    found = said(slo_generator, REPORTS)
    assert {name: one.window for name, one in objectives(found).items()} == {
        "scorer-predict-availability/P28D": "P28D",
        "scorer-predict-availability/PT3600S": "PT3600S",
    }
    month, hour = [one for one in found if isinstance(one, Measured)]
    assert (month.value, month.success, to_iso(month.at.lo)) == (0.994, False, "2026-03-01T00:00:00Z")
    assert (month.detail["good"], month.detail["total"], month.detail["window_seconds"]) == (
        994,
        1000,
        2_419_200,
    )
    assert (hour.value, hour.success) == (0.999, True)


def test_what_is_none_of_them():
    """Other kinds are left out, missing names are problems, broken files are named with their line."""
    assert said(slo_generator, "apiVersion: sre.google.com/v2\nkind: ErrorBudgetPolicy\n") == [
        Filtered("error-budget-policy")
    ]
    assert said(sloth, "a: 1\n") == [Filtered("not-sloth")]
    assert said(datacontract, "a: 1\n") == [Filtered("not-a-data-contract")]
    assert problems(said(datacontract, "dataContractSpecification: 1.1.0\n")) == [
        ("missing-field", "id", True)
    ]
    assert said(datacontract, "dataContractSpecification: 1.1.0\nid: x\n") == [Filtered("no-service-levels")]
    assert problems(said(sloth, 'version: "prometheus/v1"\nslos: []\n')) == [
        ("missing-field", "service", True)
    ]
    for source in (datacontract, sloth, slo_generator):
        assert problems(said(source, "a: [1\nb: 2\n"))[0][0] == "malformed-yaml"
        assert problems(said(source, "- 1\n")) == [("not-an-object", "", True)]


@pytest.mark.parametrize("folder", ["datacontract", "sloth", "slo_generator"])
def test_each_is_recognised(folder):
    """Sloth's OpenSLO files stay OpenSLO, an ODCS contract stays one."""
    for path in sorted((SAMPLES / folder).iterdir()):
        found = recognise(Sample(path.name, path.read_bytes()))
        assert found is not None
        assert folder.replace("_", "-") == found[0].NAME
    for other in ("openslo", "odcs"):
        for path in sorted((SAMPLES / other).glob("*.y*ml")):
            found = recognise(Sample(path.name, path.read_bytes()))
            assert found is not None
            assert other == found[0].NAME


def test_the_corpus(corpus, tmp_path):
    """Counted by hand: 9 levels in orders-latest (3 of them of its backup), 6 objectives in Sloth's files, 4 goals.

    Sloth's examples: getting-started and its Kubernetes twin are one objective of `myservice`, home-wifi has two,
    kubernetes-apiserver two, multifile adds `myservice2`. The other contracts promise no level.
    """
    with lineage.open(tmp_path / "audit.trail") as workspace:
        items = workspace.import_([corpus / "ops/datacontract-spec/examples", corpus / "ops/slo-other"]).items
        assert sum(one["rejected"] for one in items) == 0
        assert {one["source"] for one in items} == {"datacontract", "sloth", "slo-generator"}
        listed = workspace.sla().items
        assert workspace.problems().total == 0
    of = {(one["id"].split("|")[1], one["name"]): (one["target"], one["unit"]) for one in listed}
    assert sum(1 for namespace, _ in of if namespace == "orders-latest") == 9
    assert of["orders-latest", "latency"] == (90_000.0, "s")
    assert of["orders-latest", "availability"] == (0.999, "ratio")
    assert of["home-wifi", "risk-wifi-client-satisfaction"] == (0.999, "ratio")
    assert of["prom", "prom-metrics-latency"] == (0.9999, "ratio")
    assert sum(1 for namespace, _ in of if namespace in {"gke", "dd", "prom"}) == 4
    assert (
        sum(
            1 for namespace, _ in of if namespace in {"myservice", "myservice2", "home-wifi", "k8s-apiserver"}
        )
        == 6
    )
    assert json.loads(json.dumps(listed)) == listed
