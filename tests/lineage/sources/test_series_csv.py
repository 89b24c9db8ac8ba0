from io import BytesIO
from pathlib import Path

import pytest

from lineage.model.facts import Series
from lineage.model.moment import parse
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import series_csv

SAMPLES = Path(__file__).parents[2] / "sources" / "series_csv"


class Text:
    """An input that is a text in memory."""

    name, path = "series.csv", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(text, **labels):
    """Everything that a table says."""
    raw = text.encode() if isinstance(text, str) else text
    origin = Origin("series.csv", labels)
    found = []
    for item in series_csv.records(Text(raw), origin):
        if isinstance(item, Record):
            assert raw[item.offset : item.offset + len(item.raw)] == item.raw
            found.extend(series_csv.read(item, origin))
        else:
            found.append(item)
    return found


def series(found):
    """The series by their name."""
    return {one.subject.name: one for one in found if isinstance(one, Series)}


def problems(found):
    """Code, field and value of every problem."""
    return [(one.code, one.field, one.value) for one in found if isinstance(one, Problem)]


def at(*times):
    """UTC microseconds."""
    return tuple(parse(time).lo for time in times)


def test_one_column_a_series():
    """Percent becomes a ratio, milliseconds seconds; an empty cell is no value and NaN is counted."""
    found = series(said((SAMPLES / "wide.csv").read_bytes()))
    assert found["availability"].values == (0.999, 1.0)
    assert found["availability"].times == at("2026-03-01T00:00:00Z", "2026-03-01T02:00:00Z")
    assert (found["availability"].unit, found["latency"].unit) == ("ratio", "s")
    assert (found["latency"].values, found["latency"].detail) == ((0.25, 0.3), {"not_numbers": 1})


def test_one_row_a_sample():
    """Other columns are labels; without a zone UTC is assumed and said."""
    found = series(said((SAMPLES / "long.csv").read_bytes()))
    assert set(found) == {'availability{service="scorer"}', 'availability{service="trainer"}'}
    one = found['availability{service="scorer"}']
    assert (one.values, one.labels, one.unit) == ((0.999, 0.5, 0.998), {"service": "scorer"}, "ratio")
    assert one.detail == {"zone": "UTC assumed"}


def test_the_hour_that_comes_twice_is_not_guessed():
    """2026-10-25 02:30 was twice in Berlin, 2026-03-29 02:30 never (tzdata): both are left out and named."""
    raw = (SAMPLES / "long.csv").read_bytes() + b"2026-03-29 02:30:00,scorer,availability,1,ratio\n"
    found = said(raw, timezone="Europe/Berlin")
    one = series(found)['availability{service="scorer"}']
    assert one.times == at("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z")
    assert (one.values, one.detail) == ((0.999, 0.998), {})
    assert problems(found) == [("ambiguous-time", "line 3", "2026-10-25 02:30:00")]
    assert "2 samples" in next(one.reason for one in found if isinstance(one, Problem))


def test_an_offset_settles_it():
    """With its offset each of the two hours is one time."""
    text = "time,availability\n2026-10-25T02:30:00+02:00,1\n2026-10-25T02:30:00+01:00,0\n"
    one = series(said(text, timezone="Europe/Berlin"))["availability"]
    assert one.times == at("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")


def test_day_and_month_by_label_only():
    """03/04/2026 is read where `dates` says how, else it is a problem; 13/04/2026 has one reading."""
    text = "time;psi\n03/04/2026 10:00;0,1\n13/04/2026 10:00;0,2\n"
    found = said(text)
    assert problems(found) == [("ambiguous-date", "line 2", "03/04/2026 10:00")]
    assert series(found)["psi"].times == at("2026-04-13T10:00:00Z")
    assert series(said(text, dates="dmy"))["psi"].times == at("2026-04-03T10:00:00Z", "2026-04-13T10:00:00Z")
    assert problems(said(text, dates="mdy")) == [("bad-time", "line 3", "13/04/2026 10:00")]


def test_a_comma_by_label_only():
    """`1,234` may be one and a bit or a thousand: a problem until `decimal` says."""
    text = "time;rows\n2026-03-01T00:00Z;1,234\n2026-03-01T01:00Z;1,2\n"
    assert problems(said(text)) == [("ambiguous-number", "line 2, rows", "1,234")]
    assert series(said(text, decimal=","))["rows"].values == (1.234, 1.2)
    assert series(said("time;rows\n2026-03-01T00:00Z;1,234\n", decimal="."))["rows"].values == (1234.0,)


@pytest.mark.parametrize(
    ("text", "digits"),
    [("1772323200", "s"), ("1772323200000", "ms"), ("1772323200000000", "us"), ("1772323200000000000", "ns")],
)
def test_times_counted_since_1970(text, digits):
    """Seconds, milli-, micro- and nanoseconds by the number of digits."""
    assert series(said(f"ts,up\n{text},1\n"))["up"].times == at("2026-03-01T00:00:00Z"), digits


def test_what_was_measured_has_to_be_said():
    """Time and value alone name no metric; the label does, and `service` says of what."""
    text = "timestamp,value\n2026-03-01T00:00:00Z,0.9\n"
    assert problems(said(text)) == [("missing-field", "line 2", "0.9")]
    found = series(said(text, metric="availability", service="scorer"))
    assert list(found) == ['availability{service="scorer"}']


def test_bad_rows_cost_no_other():
    """No time, no number, too many cells, two values at one time, two units of one series."""
    text = (
        "time,sli,value,unit\n2026-03-01T00:00:00Z,a,1,%\n,a,1,%\nnever at all,a,1,%\n2026-03-01T01:00:00Z,a,x,%\n"
        "2026-03-01T02:00:00Z,a,1,%,9\n2026-03-01T03:00:00Z,a,1,%\n2026-03-01T03:00:00Z,a,2,%\n"
        "2026-03-01T04:00:00Z,a,2,s\n"
    )
    found = said(text)
    assert series(found)["a"].values == (0.01,)
    assert sorted(code for code, _, _ in problems(found)) == [
        "bad-number",
        "bad-time",
        "conflicting-values",
        "missing-field",
        "too-many-cells",
        "unit-conflict",
    ]
    assert said("time,up\n2026-03-01T00:00:00Z,\n")[-1] == Filtered("no-values")


def test_a_file_that_grows_keeps_its_pieces():
    """Pieces are counted from the first row, so that the first thousand rows are the same record a day later."""
    rows = [f"{1772323200 + 60 * n},{n % 2}\n" for n in range(2_500)]
    short, long = ("ts,up\n" + "".join(rows[:size]) for size in (2_000, 2_500))
    origin = Origin("series.csv")
    pieces = [
        [item.raw for item in series_csv.records(Text(text.encode()), origin)] for text in (short, long)
    ]
    assert pieces[1][:3] == pieces[0]
    assert len(series(said(long))["up"].values) == 500
    assert sum(len(one.values) for one in said(long) if isinstance(one, Series)) == 2_500


def test_it_is_recognised_by_time_and_numbers():
    """Incidents, people, agreements and rows of text with a date are none."""
    for name in ("wide.csv", "long.csv"):
        found = recognise(Sample(name, (SAMPLES / name).read_bytes()))
        assert found is not None
        assert found[0].NAME == "series-csv"
    for text in (
        "number,opened at,short description\nINC1,2026-03-01 10:00,broken\n",
        "service,metric,target,valid from\nscorer,availability,99.9,2026-01-01\n",
        "date,name,city\n2026-01-01,Ada,London\n",
        "a,b\n1,2\n",
        "time,value\n",
    ):
        assert series_csv.recognises(Sample("a.csv", text.encode())) == 0, text
