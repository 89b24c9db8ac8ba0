import json
from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of, walk
from lineage.model.facts import Entity, Objective
from lineage.model.moment import parse, to_iso
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import openslo

MIXED = Path(__file__).parents[2] / "sources" / "openslo" / "mixed.yaml"
EXAMPLES = "/ops/openslo/examples/budgeting-method"
HEAD = "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: x\n"


class Text:
    """An input that is a text in memory."""

    name, path = "slo.yaml", None

    def __init__(self, text):
        self.raw = text.encode()
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, **labels):
    """What each record says, record by record."""
    origin = Origin("somewhere/slo.yaml", labels)
    given = Text(given) if isinstance(given, str) else file_input(given)
    found = []
    for item in openslo.records(given, origin):
        assert isinstance(item, Record), item
        found.append((item, list(openslo.read(item, origin))))
    return found


def objectives(given, **labels):
    """Every objective that is read."""
    return [fact for _, facts in said(given, **labels) for fact in facts if isinstance(fact, Objective)]


def problems(given, **labels):
    """Every problem that is read."""
    return [fact for _, facts in said(given, **labels) for fact in facts if isinstance(fact, Problem)]


def one(spec, metadata="", **labels):
    """The facts and problems of an SLO with this `spec`."""
    ((_, facts),) = said(f"{HEAD}{metadata}spec:\n  service: s\n{spec}", **labels)
    return facts


def test_every_document_of_a_file_is_read_at_its_place():
    """A file of several documents and versions gives a record for each, with line and offset, services left out."""
    found = said(MIXED)
    text = MIXED.read_bytes()
    assert [text[: record.offset].count(b"\n") + 1 for record, _ in found] == [
        record.line for record, _ in found
    ]
    assert b"".join(record.raw for record, _ in found) == text
    assert found[0][1] == [Filtered("service")]


def test_an_objective_each_with_share_window_zone_and_interval():
    """v1: `targetPercent` 99.95 is 0.9995; a quarter by the calendar of Vienna; annotated days, the last included."""
    gold, silver = objectives(MIXED)[:2]
    assert gold.key[1:] == ("credit-score", "credit-score-up/gold")
    assert (gold.metric, gold.comparator, gold.target, gold.unit) == ("availability", ">=", 0.9995, "ratio")
    assert (gold.window, gold.rolling, gold.zone, gold.method) == (
        "P3M",
        False,
        "Europe/Vienna",
        "ratio-timeslices",
    )
    assert (to_iso(gold.since.lo), to_iso(gold.until.hi)) == ("2026-02-01T00:00:00Z", "2026-07-01T00:00:00Z")
    assert (gold.since.text, gold.until.text, gold.since.assumed) == ("2026-02-01", "2026-06-30", True)
    assert (gold.ground, gold.version, gold.owner, gold.subjects) == (
        "annotation",
        "3",
        "risk, platform",
        ("credit-score",),
    )
    assert gold.document == silver.document == "OpenSLO credit-score-up version 3"
    assert (silver.key.name, silver.target) == ("credit-score-up/silver", 0.99)


def test_thresholds_of_v2alpha_and_v1alpha():
    """A share of events within a limit promises the share; a limit without a share promises the limit itself."""
    fast, depth = objectives(MIXED)[2:]
    assert (fast.metric, fast.comparator, fast.target, fast.unit) == ("latency <= 0.4", ">=", 0.95, "ratio")
    assert (fast.window, fast.rolling, fast.ground, fast.since) == ("P28D", True, "import", None)
    assert fast.key.name == "credit-score-fast"
    assert fast.text == "credit-score: 95 % of events with latency <= 0.4 over a rolling P28D"
    assert (depth.metric, depth.comparator, depth.target, depth.unit) == ("queue-depth", "<", 250.0, "")
    assert (depth.window, depth.rolling) == ("P1M", False)


def test_an_objective_can_be_found_by_what_it_says():
    """Each objective is also an entity with its metric and target."""
    entities = [fact for _, facts in said(MIXED) for fact in facts if isinstance(fact, Entity)]
    assert [entity.key for entity in entities] == [fact.key for fact in objectives(MIXED)]
    assert entities[0].attributes["target"] == 0.9995
    assert entities[0].attributes["effective_from"] == "2026-02-01"


@pytest.mark.parametrize(
    ("metadata", "metric"),
    [
        ("", "hits"),
        ("  displayName: Uptime\n", "availability"),
        ("  annotations: {example.org/metric: error_rate}\n", "error-rate"),
        ("  displayName: Total errors\n", "success-rate"),
    ],
)
def test_the_metric_is_what_the_author_called_it(metadata, metric):
    """An SLO has no field for its metric: a word of its names is taken, else the name of the indicator."""
    facts = one("  indicatorRef: hits\n  objectives: [{target: 0.9}]\n", metadata)
    assert facts[1].metric == metric


def test_dates_without_annotation_come_from_the_label():
    """`effective_from` said at the import is the date of the file; an annotation goes before it."""
    body = "  objectives: [{target: 0.9}]\n"
    assert one(body, effective_from="2026-03-01")[1].ground == "file"
    assert one(body, effective_from="2026-03-01")[1].since.lo == parse("2026-03-01").lo
    noted = one(body, "  annotations: {x/valid-from: 2025-01-01}\n", effective_from="2026-03-01")
    assert (noted[1].ground, noted[1].since.text) == ("annotation", "2025-01-01")
    assert one(body)[1].ground == "import"


def test_days_are_days_of_the_zone_that_was_said():
    """`timezone` moves the beginning of a bare date: midnight in Vienna is 23:00 UTC of the day before."""
    fact = one(
        "  objectives: [{target: 0.9}]\n",
        "  annotations: {x/valid-from: 2026-01-01}\n",
        timezone="Europe/Vienna",
    )[1]
    assert to_iso(fact.since.lo) == "2025-12-31T23:00:00Z"


@pytest.mark.parametrize(
    ("spec", "code", "value"),
    [
        ("  objectives: [{target: 99.9}]\n", "out-of-range", "99.9"),
        ("  objectives: [{target: 0.9, targetPercent: 95}]\n", "contradiction", "0.9 / 95"),
        ("  objectives: [{target: many}]\n", "bad-number", "many"),
        ("  objectives: [{op: about, value: 3}]\n", "bad-comparator", "about"),
        ("  objectives: []\n", "missing-field", ""),
        ("  objectives: [{displayName: empty}]\n", "missing-field", ""),
    ],
)
def test_a_target_that_is_none_is_a_problem(spec, code, value):
    """A share above 1, two shares, text: no promise is made of it, and the problem holds field and value."""
    facts = one(spec)
    assert [(fact.code, fact.value, fact.fatal) for fact in facts] == [(code, value, True)]


def test_one_bad_objective_does_not_take_the_others():
    """Of two objectives the readable one is kept, the other is a problem that is not fatal."""
    facts = one("  objectives: [{target: 2}, {target: 0.5}]\n")
    assert [type(fact).__name__ for fact in facts] == ["Entity", "Objective", "Problem"]
    assert (facts[1].key.name, facts[2].field, facts[2].fatal) == ("x/2", "spec.objectives[0].target", False)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n",
        "version: prometheus/v1\nservice: myservice\nslos: []\n",
        "dataContractSpecification: 1.2.1\nid: x\n",
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\n",
        "apiVersion: v1\nkind: Service\nmetadata: {labels: {a: openslo/v1}}\n",
    ],
)
def test_other_documents_are_not_taken(text):
    """Kubernetes objects, Sloth's own format and data contracts are not OpenSLO."""
    assert openslo.recognises(Sample("a.yaml", text.encode())) == 0


def test_json_is_read_too():
    """The same object in JSON gives the same fact."""
    body = {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": "x"},
        "spec": {"service": "s", "objectives": [{"target": 0.999}]},
    }
    text = json.dumps(body)
    assert openslo.recognises(Sample("a.json", text.encode())) > 0.9
    (fact,) = objectives(text)
    assert (fact.key[1:], fact.target) == (("s", "x"), 0.999)


def test_broken_documents_are_problems_with_their_line():
    """YAML that cannot be read, an unknown kind and a window that is none each name the place or the value."""
    (found,) = problems("\n# c\n" + HEAD + "spec: [\n")
    assert (found.code, found.line > 4) == ("malformed-yaml", True)
    assert [
        found.code for found in problems("apiVersion: openslo/v1\nkind: Wish\nmetadata: {name: x}\n")
    ] == ["unknown-kind"]
    bad = one("  timeWindow: [{duration: soon}]\n  objectives: [{target: 0.9}]\n")[2]
    assert (bad.code, bad.value, bad.fatal) == ("bad-window", "soon", False)


def test_real_documents(corpus):
    """Every record of the standard's and Sloth's own examples is accounted for; these were read in the files by eye.

    timeslices-slo.yaml: two objectives, 0.995 and 0.99, calendar of New York, window `1m` (by the standard a minute).
    openslo-kubernetes-apiserver.yml: second document at line 33, targets 0.99 and 0.999 over 30 days.
    occurences-slo.yaml: `lt 500` for 0.99 of searches over two weeks.
    """
    found = {}
    for item in walk([corpus / "ops" / "openslo"], lambda sample: False):
        assert item.given is not None
        sure = recognise(sample_of(item.given))
        assert sure is not None
        assert sure[0].NAME == "openslo"
        facts = said(Path(item.path))
        assert all(any(isinstance(fact, Objective) for fact in read) for _, read in facts)
        found[item.path.removeprefix(str(corpus)), len(facts)] = [fact for _, read in facts for fact in read]
    assert len(found) == 7
    latency = [
        fact
        for fact in found["/ops/openslo/sloth/openslo-kubernetes-apiserver.yml", 2]
        if isinstance(fact, Objective)
    ]
    assert [(fact.key.name, fact.target, fact.window) for fact in latency] == [
        ("requests-availability-openslo", 0.999, "P30D"),
        ("requests-latency-openslo/1", 0.99, "P30D"),
        ("requests-latency-openslo/2", 0.999, "P30D"),
    ]
    search = next(fact for fact in found[f"{EXAMPLES}/occurences-slo.yaml", 1] if isinstance(fact, Objective))
    assert (search.key.namespace, search.metric, search.target) == ("web-shop", "latency < 500", 0.99)
    assert (search.window, search.method) == ("P14D", "occurrences")
    folder = corpus / EXAMPLES.lstrip("/")
    internal, sla = objectives(folder / "timeslices-slo.yaml")
    assert (internal.target, sla.target, sla.zone, sla.rolling) == (0.995, 0.99, "America/New_York", False)
    assert [found.code for found in problems(folder / "timeslices-slo.yaml")] == ["doubtful-window"]
