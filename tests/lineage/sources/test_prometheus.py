import json
from io import BytesIO
from pathlib import Path

import lineage
from lineage.model.facts import Series
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import prometheus
from lineage.store import gathering

SAMPLES = Path(__file__).parents[2] / "sources" / "prometheus"
T = parse("2026-03-01T00:00:00Z").lo
SECOND = 1_000_000


class Text:
    """An input that is a text in memory."""

    name, path = "answer.json", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(value, **labels):
    """Everything that an answer says."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    origin = Origin("answer.json", labels)
    found = []
    for item in prometheus.records(Text(raw), origin):
        found.extend(prometheus.read(item, origin) if isinstance(item, Record) else [item])
    return found


def answer(*values, **more):
    """A matrix of one series with these values."""
    series = {"metric": {"__name__": "up", "job": "a"}, "values": list(values)}
    return {"status": "success", "data": {"resultType": "matrix", "result": [series]}, **more}


def series(found):
    """The series among what was said."""
    return [one for one in found if isinstance(one, Series)]


def problems(found):
    """Code, field and whether the record is lost, of every problem."""
    return [(one.code, one.field, one.fatal) for one in found if isinstance(one, Problem)]


def test_a_range_keeps_labels_times_and_what_is_no_number():
    """1772323200 is 2026-03-01T00:00:00Z (date -d @1772323200); NaN and +Inf are counted, never values."""
    found = said((SAMPLES / "range.json").read_bytes())
    sli, bucket = series(found)
    assert sli.subject == (
        Kind.MONITOR,
        "prometheus",
        'sli:availability:ratio{cluster="prod-eu",service="scorer"}',
    )
    assert sli.times == (T, T + 60_500_000, T + 180 * SECOND)
    assert sli.values == (0.9995, 1.0, 0.98)
    assert (sli.unit, sli.counter, sli.labels) == (
        "ratio",
        False,
        {"cluster": "prod-eu", "service": "scorer"},
    )
    assert sli.detail["not_numbers"] == 1
    assert sli.detail["warnings"] == ["PromQL info: store 'eu-2' not reachable"]
    assert (bucket.counter, bucket.unit, bucket.values) == (True, "", (90.0, 91.0))
    assert problems(found) == [("warning", "warnings", False)]


def test_one_answer_a_line():
    """A vector, an answer that failed, a partial one without a name, an empty one, and an export of VictoriaMetrics."""
    found = said((SAMPLES / "answers.ndjson").read_bytes())
    up, gpu = series(found)
    assert (up.times, up.values) == ((T + 123_000,), (1.0,))
    assert (gpu.times, gpu.values) == ((T, T + 120 * SECOND), (1024.0, 2048.0))
    assert (gpu.unit, gpu.detail) == ("bytes", {"not_numbers": 1})
    assert problems(found) == [
        ("query-failed", "error", True),
        ("missing-name", "data.result[0].metric.__name__", True),
        ("partial-answer", "isPartial", True),
    ]
    assert [one.reason for one in found if isinstance(one, Filtered)] == ["empty-result"]


def test_labels_of_the_import_name_the_question_the_server_and_the_step():
    """Two servers have two series; the answer to `sum by (service)` bears the name that a person gave it."""
    line = (SAMPLES / "answers.ndjson").read_bytes().splitlines()[2]
    (one,) = series(said(line, metric="error_ratio", instance="eu", step="60"))
    assert (one.subject.namespace, one.subject.name) == ("prometheus:eu", 'error_ratio{service="scorer"}')
    assert (one.metric, one.step, one.detail) == ("error_ratio", 60 * SECOND, {"partial": True})


def test_bad_samples_are_named_and_cost_no_other():
    """Each kind once with how many there are; two values of one time are neither taken."""
    found = said(answer([1, "2"], [2, "x"], [True, "1"], 7, [3, "1"], [3, "2"], [1e300, "1"], [4, "5"]))
    (one,) = series(found)
    assert (one.times, one.values) == ((SECOND, 4 * SECOND), (2.0, 5.0))
    assert problems(found) == [
        ("bad-sample", "data.result[0].values[1]", False),
        ("conflicting-values", "value", False),
    ]
    assert "4 samples" in next(one.reason for one in found if isinstance(one, Problem))


def test_what_is_no_series_is_said_so():
    """Scalars, native histograms, labels that are no texts, results that are no list."""
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}
    assert said(scalar) == [Filtered("scalar")]
    histogram = answer()
    histogram["data"]["result"][0] = {"metric": {"__name__": "h"}, "histograms": [[1, {"count": "1"}]]}
    assert problems(said(histogram)) == [("native-histogram", "data.result[0].histograms", True)]
    odd = answer()
    odd["data"]["result"][0]["metric"] = {"a": 1}
    assert problems(said(odd)) == [("bad-value", "data.result[0].metric", True)]
    assert problems(said({"status": "success", "data": {"resultType": "matrix", "result": 3}})) == [
        ("bad-value", "data.resultType", True)
    ]
    assert problems(said({"status": "success", "data": ["a"]})) == [("not-an-answer", "", True)]
    assert problems(said(b'{"status": "success", "data"')) == [("malformed-json", "", True)]


def test_it_is_recognised_by_its_shape():
    """Answers are, label lists and other JSON are not; one that the head cuts off is."""
    for name in ("range.json", "answers.ndjson"):
        found = recognise(Sample(name, (SAMPLES / name).read_bytes()))
        assert found is not None
        assert found[0].NAME == "prometheus"
    assert prometheus.recognises(Sample("a.json", b'{"status":"success","data":["up"]}')) == 0
    cut = b'{"status":"success","data":{"resultType":"matrix","result":[{"metric"'
    assert prometheus.recognises(Sample("a.json", cut, whole=False)) > 0.5


def test_the_corpus(corpus):
    """ops/prometheus/query_range.json: jq .data.result[0] shows sli:availability, 1780272000 = 2026-06-01T00:00:00Z."""
    (one,) = series(said((corpus / "ops/prometheus/query_range.json").read_bytes()))
    start = parse("2026-06-01T00:00:00Z").lo
    assert (one.metric, one.labels) == ("sli:availability", {"service": "iris"})
    assert (one.times, one.values) == ((start, start + 300 * SECOND), (0.9991, 0.9987))


def test_series_survive_a_rebuild_any_order_and_are_not_known_before_they_came(tmp_path):
    """Same digest after repetition, rebuild and in another order; as known before the import there is no series."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "a.json").write_text(json.dumps(answer([T / SECOND, "1"], [T / SECOND + 60, "0"])))
    (parts / "b.json").write_text(json.dumps(answer([T / SECOND + 120, "1"])))
    with lineage.open(tmp_path / "one.trail") as workspace:
        workspace.import_([parts / "a.json"])
        before = workspace.imports().items[0]["finished_at"]
        workspace.import_([parts / "b.json"])
        digest = workspace.digest().items[0]["digest"]
        workspace.import_([parts])
        assert workspace.digest().items[0]["digest"] == digest
        assert workspace.rebuild().items[0]["digest"] == digest
        assert workspace.digest(known_at=before).items[0]["digest"] != digest
        with workspace._view() as view:
            whole = gathering.series(view.connection)
        with workspace._view(known_at=before) as view:
            earlier = gathering.series(view.connection)
    assert [row["fact"].values for row in whole] == [(1.0, 0.0), (1.0,)]
    assert [row["fact"].values for row in earlier] == [(1.0, 0.0)]
    with lineage.open(tmp_path / "two.trail") as workspace:
        workspace.import_([parts / "b.json"])
        assert workspace.digest().items[0]["digest"] != digest
        workspace.import_([parts / "a.json"])
        assert workspace.digest().items[0]["digest"] == digest
