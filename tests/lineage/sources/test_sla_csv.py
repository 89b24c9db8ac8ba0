from io import BytesIO
from pathlib import Path

import pytest

from lineage.inputs import file_input, sample_of
from lineage.model.facts import Entity, Objective
from lineage.model.moment import parse, to_iso
from lineage.model.naming import dataset
from lineage.source import Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import sla_csv

GERMAN = Path(__file__).parents[2] / "sources" / "sla_csv" / "german.csv"
HEAD = "service,metric,target,unit,valid_from,valid_to\n"


class Text:
    """An input that is a text in memory."""

    name, path = "sla.csv", None

    def __init__(self, text):
        self.raw = text.encode() if isinstance(text, str) else text
        self.size = len(self.raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given, **labels):
    """Everything the list says, and the problems of cutting it."""
    origin = Origin("somewhere/sla.csv", labels)
    given = file_input(given) if isinstance(given, Path) else Text(given)
    found = []
    for item in sla_csv.records(given, origin):
        found.extend(sla_csv.read(item, origin) if isinstance(item, Record) else [item])
    return found


def objectives(given, **labels):
    """Every objective that is read."""
    return [fact for fact in said(given, **labels) if isinstance(fact, Objective)]


def problems(given, **labels):
    """The codes of all problems, with whether they are fatal."""
    return [(fact.code, fact.fatal) for fact in said(given, **labels) if isinstance(fact, Problem)]


def test_rows_keep_their_bytes_and_places():
    """With a byte order mark, `sep=;`, carriage returns and a cell over two lines, rows are bytes at their place."""
    raw = GERMAN.read_bytes()
    cut = list(sla_csv.records(file_input(GERMAN), Origin("german.csv")))
    assert [item.line for item in cut] == [2, 3, 5]
    assert all(raw[item.offset : item.offset + len(item.raw)] == item.raw for item in cut)
    assert cut[1].raw.count(b"\r\n") == 2
    assert cut[0].offset == 3 + len(b"sep=;\r\n")


def test_decimal_comma_percent_and_days_with_the_year_last():
    """`99,9` % is 0.999, `1.250,5` ms is 1.2505 s, and with `dates=dmy` 01.02. is the first of February."""
    available, latency = objectives(GERMAN, dates="dmy")
    assert (available.target, available.unit, available.comparator) == (0.999, "ratio", ">=")
    assert (to_iso(available.since.lo), to_iso(available.until.hi)) == (
        "2026-02-01T00:00:00Z",
        "2026-07-01T00:00:00Z",
    )
    assert (latency.metric, latency.percentile, latency.comparator) == ("latency", 0.95, "<=")
    assert (latency.target, latency.unit, latency.ground) == (1.2505, "s", "contract")
    assert latency.since.lo == parse("2026-02-13").lo
    assert latency.key[1:] == ("kredit", "latency_p95")


def test_a_date_of_two_readings_is_a_bound_and_a_problem():
    """01.02.2026 is January 2 or February 1: the objective begins somewhere between; 13.02. has one reading."""
    available, latency = objectives(GERMAN)
    assert (to_iso(available.since.lo), to_iso(available.since.hi)) == (
        "2026-01-02T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    assert latency.since.exact
    assert problems(GERMAN) == [("ambiguous-date", False)]
    assert problems(GERMAN, dates="dmy") == []
    assert problems(HEAD + "a,availability,99,%,03/04/2026,\n") == [("ambiguous-date", False)]
    assert problems(HEAD + "a,availability,99,%,04/04/2026,\n") == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a,availability,99.9,%,,", (">=", 0.999, "ratio")),
        ("a,availability,0.999,,,", (">=", 0.999, "ratio")),
        ("a,availability,99.9,,,", (">=", 0.999, "ratio")),
        ('a,uptime,">= 99,5 %",,,', (">=", 0.995, "ratio")),
        ("a,latency_p99,<200ms,,,", ("<", 0.2, "s")),
        ("a,time to repair,4,h,,", ("<=", 14400.0, "s")),
        ("a,errorRate,0.1,percent,,", ("<=", 0.001, "ratio")),
        ("a,throughput,250,req/s,,", (">=", 250.0, "req/s")),
        ("a,retention,PT24H,,,", (">=", 86400.0, "s")),
    ],
)
def test_amounts_in_one_spelling(row, expected):
    """Percent and bare shares become ratios, times seconds; the comparator is written or the metric's own."""
    (fact,) = objectives(HEAD + row + "\n")
    assert (fact.comparator, fact.target, fact.unit) == expected


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('a,latency,"1,234",ms,,', "ambiguous-number"),
        ("a,availability,99.9,ratio,,", "out-of-range"),
        ("a,availability,very,%,,", "bad-number"),
        ("a,availability,,%,,", "missing-field"),
        (",availability,99,%,,", "missing-field"),
        ("a,wobble,3,,,", "missing-comparator"),
        ("a,latency,200 ms,s,,", "unit-conflict"),
        ("a,availability,99,%,,,x,y", "too-many-cells"),
        ('a,"availability,99,%,,', "unclosed-quote"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_a_problem(row, code):
    """A row that has two readings or none promises nothing; the rows after it are still read."""
    text = HEAD + row + "\nb,availability,99,%,,\n"
    assert problems(text) == [(code, True)]
    assert [fact.key.namespace for fact in objectives(text)] == ["b"]


def test_the_comma_may_be_told_by_a_label():
    """`decimal=,` makes 1,234 a decimal, `decimal=.` a thousand and more."""
    text = HEAD + 'a,latency,"1,234",ms,,\n'
    assert objectives(text, decimal=",")[0].target == 0.001234
    assert objectives(text, decimal=".")[0].target == 1.234


def test_doubled_columns_count_only_where_they_agree():
    """Two `target` columns are a problem at the header; a row in which they differ is not read."""
    text = "service,metric,target,target,unit\na,uptime,99,99,%\nb,uptime,99,98,%\nc,uptime,97,,%\n"
    assert problems(text) == [("duplicate-header", False), ("duplicate-header", True)]
    assert [(fact.key.namespace, fact.target) for fact in objectives(text)] == [("a", 0.99), ("c", 0.97)]


def test_two_spellings_of_a_column_are_no_doubling():
    """With `target` and `value`, or `valid_from` and `start`, the more usual name has the column."""
    text = "service,metric,value,target,unit,start,valid_from\na,uptime,7,99,%,2020-01-01,2026-01-01\n"
    (fact,) = objectives(text)
    assert (fact.target, fact.since.text, problems(text)) == (0.99, "2026-01-01", [])


def test_units_in_the_header_other_columns_and_datasets():
    """`target [ms]` gives the unit; version, window, owner and a dataset's place are taken as they stand."""
    text = "Dataset,Metric,Target [ms],Version,Window,Owner\ns3://lake/daily,freshness,500,2,28d,data\n"
    (fact,) = objectives(text)
    assert (fact.target, fact.unit, fact.version, fact.window, fact.owner) == (0.5, "s", "2", "P28D", "data")
    assert (fact.datasets, fact.subjects) == ((dataset("s3://lake", "daily"),), ())


def test_without_days_the_label_is_the_ground():
    """A row without days holds from the label `effective_from`, on the ground of the file; else that is not said."""
    text = HEAD + "a,uptime,99,%,,\n"
    (fact,) = objectives(text, effective_from="2026-03-01")
    assert (fact.ground, fact.since.text) == ("file", "2026-03-01")
    (fact,) = objectives(text)
    assert (fact.ground, fact.since) == ("import", None)


def test_tabs_and_sixteen_bit_text():
    """A sheet saved as Unicode text (UTF-16 with tabs) is recognised and read, rows at their bytes."""
    raw = "service\tmetric\ttarget\tunit\tvalid_from\r\nzażółć\tuptime\t99,5\t%\t2026-01-01\r\n".encode(
        "utf-16"
    )
    assert sla_csv.recognises(Sample("a.txt", raw)) > 0.8
    (fact,) = objectives(raw)
    assert (fact.key.namespace, fact.target) == ("zażółć", 0.995)
    row = list(sla_csv.records(Text(raw), Origin("a")))[1]
    assert raw[row.offset : row.offset + len(row.raw)] == row.raw


def test_a_row_in_another_encoding_is_a_problem_of_its_own():
    """A byte that is no UTF-8 is named with its line; the other rows are read."""
    raw = HEAD.encode() + b"caf\xe9,uptime,99,%,,\nb,uptime,98,%,,\n"
    (found,) = [fact for fact in said(raw) if isinstance(fact, Problem)]
    assert (found.code, found.line, found.offset) == ("bad-encoding", 2, len(HEAD))
    assert [fact.key.namespace for fact in objectives(raw)] == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        "number,opened_at,resolved_at,cmdb_ci,priority,short_description\n",
        "id,t,c,s\n1,2,3,4\n",
        "service,metric,value,timestamp\na,uptime,0.99,2026-01-01\n",
        "service,metric,value\na,uptime,0.99\n",
        "person,email,principal\n",
        "",
    ],
)
def test_other_lists_are_not_taken(text):
    """Incidents, measurements, data and people are no service levels."""
    assert sla_csv.recognises(Sample("a.csv", text.encode())) == 0


def test_every_row_is_accounted_for():
    """The header is a record left out as such; a draft and a row of empty cells are left out with their reason."""
    text = "service,metric,target,unit,status\na,uptime,99,%,draft\n,,,,\nb,uptime,99,%,active\n"
    assert [fact.reason for fact in said(text) if isinstance(fact, Filtered)] == ["header", "draft", "empty"]
    assert [type(fact) for fact in said(text)][-2:] == [Entity, Objective]


def test_the_real_list(corpus):
    """Two rows: `iris,availability,99.9,%,2026-01-01,` and `iris,latency_p95,200,ms,2026-01-01,` (read in the file)."""
    path = corpus / "ops" / "sla-csv" / "sla.csv"
    sure = recognise(sample_of(file_input(path)))
    assert sure is not None
    assert sure[0].NAME == "sla-csv"
    first, second = objectives(path)
    assert (first.key[1:], first.metric, first.target, first.comparator) == (
        ("iris", "availability"),
        "availability",
        0.999,
        ">=",
    )
    assert (second.metric, second.percentile, second.target, second.unit) == ("latency", 0.95, 0.2, "s")
    assert [to_iso(fact.since.lo) for fact in (first, second)] == ["2026-01-01T00:00:00Z"] * 2
    assert first.until is None
    assert problems(path) == []
