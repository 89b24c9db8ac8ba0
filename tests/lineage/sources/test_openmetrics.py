from io import BytesIO
from pathlib import Path

import pytest

from lineage.model.facts import Entity, Series
from lineage.model.moment import parse
from lineage.source import Origin, Problem, Record, Sample, recognise
from lineage.sources import openmetrics

SAMPLES = Path(__file__).parents[2] / "sources" / "openmetrics"
T = parse("2026-03-01T00:00:00Z").lo


class Text:
    """An input that is a text in memory."""

    name, path = "metrics.txt", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(raw, **labels):
    """Everything that an exposition says."""
    origin = Origin("metrics.txt", labels, modified=T)
    found = []
    for item in openmetrics.records(Text(raw), origin):
        if isinstance(item, Record):
            assert raw[item.offset : item.offset + len(item.raw)] == item.raw
            found.extend(openmetrics.read(item, origin))
        else:
            found.append(item)
    return found


def series(found):
    """The series by their name."""
    return {one.subject.name: one for one in found if isinstance(one, Series)}


def problems(found):
    """Code and field of every problem."""
    return [(one.code, one.field) for one in found if isinstance(one, Problem)]


def test_a_dump_with_its_types_and_units():
    """Counters by TYPE, `_created` is no sample, exemplars are not values, names in quotes (Prometheus 3) are names."""
    found = said((SAMPLES / "dump.txt").read_bytes())
    assert problems(found) == []
    all_ = series(found)
    assert set(all_) == {
        'http_requests_total{code="200",service="scorer"}',
        'model_latency_seconds_bucket{le="0.25"}',
        "model_latency_seconds_sum",
        'gpu.memory.used{pod="scorer \\"0\\""}',
        "queue_depth",
    }
    requests = all_['http_requests_total{code="200",service="scorer"}']
    assert (requests.times, requests.values) == ((T, T + 60_500_000), (990.0, 1990.0))
    assert (requests.counter, requests.unit) == (True, "requests")
    assert [
        (all_[name].counter, all_[name].unit)
        for name in ('model_latency_seconds_bucket{le="0.25"}', "model_latency_seconds_sum", "queue_depth")
    ] == [(True, ""), (True, "s"), (False, "")]
    assert (all_["queue_depth"].values, all_["queue_depth"].detail) == ((), {"not_numbers": 1})
    told = next(one for one in found if isinstance(one, Entity))
    assert (told.attributes["help"], told.attributes["type"]) == ('Requests by "code".', "counter")


def test_a_scrape_in_milliseconds_and_a_sample_without_a_time():
    """Text format 0.0.4 counts milliseconds; what has no time is a problem, the file's date is not taken for it."""
    found = said((SAMPLES / "scrape.prom").read_bytes())
    assert series(found)['up{job="scorer"}'].times == (T + 123_000,)
    assert problems(found) == [("missing-time", "line 3")]
    found = said((SAMPLES / "scrape.prom").read_bytes(), observed_at="2026-03-01T00:01:00Z")
    one = series(found)['up{job="trainer"}']
    assert (one.times, one.detail) == ((T + 60_000_000,), {"time": "label observed_at"})
    assert problems(found) == []


def test_the_label_itself_has_to_be_one_time():
    """In the hour that a clock change repeats it would be a guess."""
    raw = b"# TYPE up gauge\nup 1\n"
    labels = {"observed_at": "2026-10-25T02:30:00", "timezone": "Europe/Berlin"}
    assert problems(said(raw, **labels)) == [("ambiguous-time", "observed_at")]
    assert problems(said(raw, observed_at="yesterday")) == [("bad-time", "observed_at")]


@pytest.mark.parametrize(
    "line",
    [
        "up{job=x} 1 2000000000",
        'up{job="a} 1',
        "up",
        "up one",
        'up{a="1",a="2"} 1 2000000000',
        "{} 1",
        "=cmd|'/c'",
    ],
)
def test_a_line_that_is_no_sample_costs_no_other(line):
    """It is named with its line; its neighbours are taken."""
    found = said(f"up 1 1772323200\n{line}\nup 0 1772323260\n# EOF\n".encode())
    assert series(found)["up"].values == (1.0, 0.0)
    assert problems(found) == [("bad-sample", "line 2")]


def test_a_file_that_was_cut_is_said_so():
    """OpenMetrics ends in `# EOF`; text after it belongs to nothing."""
    found = said(b"# TYPE up gauge\nup 1 1772323200\nup 1 177232")
    assert problems(found) == [("cut-record", ""), ("no-eof", "")]
    assert series(found)["up"].values == (1.0,)
    assert problems(said(b"up 1 1772323200\n# EOF\nup 2 1772323260\n")) == [("after-eof", "")]


def test_blocks_keep_their_bytes_and_what_was_said_above_them():
    """A family longer than one record keeps its type; blank lines, comments and CRLF stand as they are."""
    lines = [f'gone_total{{n="{n}"}} {n} 1772323200\r\n' for n in range(20_010)]
    raw = ("# TYPE gone gauge\r\n\r\n# a comment\r\n" + "".join(lines) + "# EOF\r\n").encode()
    found = said(raw)
    assert problems(found) == []
    assert len(series(found)) == 20_010
    assert not any(one.counter for one in found if isinstance(one, Series))


def test_it_is_recognised_and_plain_text_is_not():
    """By its comments or by samples alone; prose, CSV and source code are none."""
    for name in ("dump.txt", "scrape.prom"):
        found = recognise(Sample(name, (SAMPLES / name).read_bytes()))
        assert found is not None
        assert found[0].NAME == "openmetrics"
    for text in (b"a line of text\n", b"time,value\n1,2\n", b"# EOF\nx = 1\ny = 2\n", b"up 1\n", b""):
        assert openmetrics.recognises(Sample("a.txt", text)) == 0


def test_the_corpus(corpus):
    """ops/prometheus/openmetrics.txt: 990 and 10 requests at 1780272000 = 2026-06-01T00:00:00Z, a counter by TYPE."""
    found = series(said((corpus / "ops/prometheus/openmetrics.txt").read_bytes()))
    assert {name: (one.values, one.counter) for name, one in found.items()} == {
        'http_requests_total{code="200",service="iris"}': ((990.0,), True),
        'http_requests_total{code="500",service="iris"}': ((10.0,), True),
    }
    assert {one.times for one in found.values()} == {(parse("2026-06-01T00:00:00Z").lo,)}
