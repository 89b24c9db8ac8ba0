"""Is any table read the way a person said, and is nothing guessed where he said nothing?"""

import hashlib
import shutil
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lineage.inputs import file_input, walk
from lineage.model.facts import Entity, Grant, Happened, Link, Measured, Objective, Run
from lineage.model.moment import to_iso
from lineage.source import Beside, Filtered, Origin, Problem, Record, Sample, recognise
from lineage.sources import table
from lineage.sources._table_fields import BY_NAME, STATEMENTS
from lineage.sources._table_mapping import mapping_of
from lineage.text import MalformedError, loads
from lineage.workspace import Workspace

SAMPLES = Path(__file__).parents[2] / "sources" / "table"
SUFFIX = ".modeltrail-table.yaml"
NOON = datetime(2026, 6, 1, 12, 30)  # noqa: DTZ001 - cells of spreadsheets have no zone


def mapping(states, columns, top="", at_table="", files="a.*"):
    """The bytes of a mapping of one table; `columns` as YAML pairs."""
    return (
        f"modeltrail-table: 1\nfiles: '{files}'\n{top}\ntables:\n  - states: {states}\n"
        f"    columns: {{{columns}}}\n{at_table}"
    ).encode()


def items(path, raw, **labels):
    """Everything a file says under a mapping, record by record: its place and what was read."""
    origin = Origin(str(path), labels, beside=(Beside(f"m{SUFFIX}", raw),))
    found = []
    for item in table.records(file_input(path), origin):
        if isinstance(item, Record):
            found.append((item, list(table.read(item, origin))))
        else:
            found.append((None, [item]))
    return found


def facts(path, raw, kind):
    """Every fact of one kind that a file gives under a mapping."""
    return [said for _, every in items(path, raw) for said in every if isinstance(said, kind)]


def problems(path, raw):
    """Every problem: code, column, value, line, and whether nothing of the row can be used."""
    return [
        (said.code, said.field, said.value, said.line or (record.line if record else 0), said.fatal)
        for record, every in items(path, raw)
        for said in every
        if isinstance(said, Problem)
    ]


def text(folder, content, name="a.csv"):
    """A text file."""
    path = folder / name
    path.write_text(content, "utf-8")
    return path


DEPLOYMENT = "at: when, target: where, model: what, version: v, outcome: state"


def test_the_sample_says_who_deployed_what_and_when():
    """Times are those of Berlin in summer (two hours before UTC), NOK is a failure, 12,5 % is an eighth."""
    raw = (SAMPLES / f"tables{SUFFIX}").read_bytes()
    found = facts(SAMPLES / "deployments.csv", raw, Happened)

    told = [
        (to_iso(fact.at.lo), str(fact.outcome), fact.actor.name, fact.change["ticket"])
        for fact in found
        if fact.type == "apply"
    ]
    assert told == [
        ("2026-04-03T12:05:00Z", "done", "anna@example.com", "CHG-100"),
        ("2026-04-13T07:30:00Z", "done", "jan@example.com", "CHG-101"),
        ("2026-04-14T07:30:00Z", "failed", "jan@example.com", "CHG-102"),
    ]
    assert [fact.workload.components[0].weight for fact in found if fact.type == "apply"] == [
        1.0,
        0.125,
        None,
    ]


def test_bad_cells_are_problems_with_column_and_value():
    """No 31st of February, no outcome called vielleicht, no share called viel; such a row deploys nothing."""
    raw = (SAMPLES / f"tables{SUFFIX}").read_bytes()
    found = problems(SAMPLES / "deployments.csv", raw)

    assert [each[:4] for each in found] == [
        ("bad-time", "Zeitpunkt", "31.02.2026 10:00", 5),
        ("bad-word", "Stand", "vielleicht", 6),
        ("bad-number", "Anteil", "viel", 6),
    ]


def test_a_date_of_two_readings_is_refused_until_the_order_is_said(tmp_path):
    """03/04 is a day in March or in April: without `dates` a problem, with it one day."""
    path = text(tmp_path, "when,where,what,v,state\n03/04/2026,x,m,1,done\n13/04/2026,x,m,1,done\n")

    plain = mapping("deployment", DEPLOYMENT)
    assert problems(path, plain) == [("ambiguous-date", "when", "03/04/2026", 2, True)]
    days = {
        order: [
            to_iso(fact.at.lo)[:10]
            for fact in facts(path, mapping("deployment", DEPLOYMENT, f"dates: {order}"), Happened)
        ]
        for order in ("dmy", "mdy", "ymd")
    }
    assert days == {"dmy": ["2026-04-03", "2026-04-13"], "mdy": ["2026-03-04"], "ymd": []}


def test_times_without_a_zone_are_those_of_the_mapping(tmp_path):
    """In the hour that Berlin's clock repeats (25 October 2026, 2:30) the time spans both readings."""
    path = text(
        tmp_path, "when,where,what,v,state\n2026-10-25 02:30,x,m,1,done\n2026-07-01T10:00:00Z,x,m,1,done\n"
    )
    raw = mapping("deployment", DEPLOYMENT, "timezone: Europe/Berlin")

    spans = [(to_iso(fact.at.lo), to_iso(fact.at.hi)) for fact in facts(path, raw, Happened)]

    assert spans == [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("decimal", "cell", "value"),
    [
        (",", "1.234,5", 1234.5),
        (",", "0,95", 0.95),
        (".", "1,234.5", 1234.5),
        (".", "-2.5", -2.5),
        (",", "1 234,5", 1234.5),
    ],
)
def test_numbers_are_read_with_the_decimal_sign_that_was_said(tmp_path, decimal, cell, value):
    """Marks between thousands may stand; the decimal sign decides."""
    path = text(tmp_path, f'ds;m;when;v\ns3://lake/a;rows;2026-01-02;"{cell}"\n')
    raw = mapping("measurement", "dataset: ds, metric: m, at: when, value: v", f'decimal: "{decimal}"')

    assert [fact.value for fact in facts(path, raw, Measured)] == [value]


def test_a_decimal_comma_that_nobody_spoke_of_is_no_thousand(tmp_path):
    """99,5 is not 995."""
    path = text(tmp_path, "ds;m;when;v\ns3://lake/a;rows;2026-01-02;99,5\n")
    raw = mapping("measurement", "dataset: ds, metric: m, at: when, value: v")

    assert problems(path, raw) == [("bad-number", "v", "99,5", 2, False)]


def test_every_statement_makes_its_facts(tmp_path):
    """A run with inputs and outputs, an edge, an objective, a right, a person and an incident from plain rows."""
    row = "train,7,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,s3://l/a;s3://l/b,s3://l/c,ok"
    run = text(tmp_path, f"j,r,s,e,i,o,st\n{row}\n")
    raw = mapping(
        "run",
        "job: j, run: r, started: s, ended: e, inputs: i, outputs: o, state: st",
        at_table="    values: {state: {ok: complete}}\n",
    )
    (made,) = facts(run, raw, Run)
    assert [use.key.name for use in made.inputs] == ["a", "b"]
    assert (str(made.state), made.outputs[0].key.namespace) == ("complete", "s3://l")

    edge = text(tmp_path, "f,t\ns3://l/a,s3://l/b\n", "a.tsv")
    (link,) = facts(edge, mapping("lineage", "source: f, target: t"), Link)
    assert (link.source.name, link.target.name, str(link.basis)) == ("a", "b", "declared")

    promised = text(tmp_path, "svc;kpi;goal;from\nchurn;availability;99,5 %;01.02.2026\n", "a.csv")
    raw = mapping(
        "objective", "service: svc, metric: kpi, target: goal, since: from", 'dates: dmy\ndecimal: ","'
    )
    (objective,) = facts(promised, raw, Objective)
    assert (objective.target, objective.unit, to_iso(objective.since.lo)) == (
        0.995,
        "ratio",
        "2026-02-01T00:00:00Z",
    )

    rights = text(tmp_path, "who,role,bis\nanna,deployer,2026-06-30\n", "a.csv")
    (grant,) = facts(rights, mapping("grant", "principal: who, role: role, until: bis"), Grant)
    assert to_iso(grant.until.lo) == "2026-07-01T00:00:00Z"

    people = text(tmp_path, "n,m\nAnna,Anna@Example.com\n", "a.csv")
    (person,) = facts(people, mapping("person", "name: n, email: m"), Entity)
    assert person.key.name == "anna@example.com"

    broken = text(tmp_path, "nr,o,z,s\n7,2026-01-01T00:00:00Z,2026-01-01T02:00:00Z,churn\n", "a.csv")
    raw = mapping("incident", "number: nr, opened: o, resolved: z, services: s")
    assert [fact.type for fact in facts(broken, raw, Happened)] == ["incident-open", "incident-resolve"]


def test_a_training_run_ties_its_datasets_to_the_version_it_made(tmp_path):
    """Two statements of one row: s3://l/a was read by run r1, which made churn 3."""
    text(tmp_path, "job,run,started,inputs,model,version\ntrain,r1,2026-01-01T00:00:00Z,s3://l/a,churn,3\n")
    raw = mapping("run", "job: job, run: run, started: started, inputs: inputs")
    raw += (
        b"  - states: model-version\n    columns: {model: model, version: version, run: run, at: started}\n"
    )
    (tmp_path / f"a{SUFFIX}").write_bytes(raw)
    with Workspace.open(tmp_path / "w.trail") as workspace:
        workspace.import_([tmp_path / "a.csv"])
        answer = workspace.trace("model-version|table|churn/3", up=9)

    assert "dataset|s3://l|a" in str(answer.items)


def test_a_right_whose_end_cannot_be_read_is_not_given(tmp_path):
    """Without its end it would hold for ever."""
    path = text(tmp_path, "who,role,bis\nanna,deployer,soon\n")
    raw = mapping("grant", "principal: who, role: role, until: bis")

    assert facts(path, raw, Grant) == []
    assert problems(path, raw) == [("bad-time", "bis", "soon", 2, True)]


def workbook(path, rows, more=None):
    """A workbook with the sheet Deployments, and more of them."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Deployments"
    for row in rows:
        book.active.append(row)
    for name, inner in (more or {}).items():
        sheet = book.create_sheet(name)
        for row in inner:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_gives_each_row_with_its_sheet_and_exact_cells(tmp_path):
    """A title above the header is passed over; the place is the sheet and the row of the sheet."""
    rows = [["Platform team"], [], ["when", "where", "what", "v", "state"]]
    rows.append([NOON, "scorer", "churn", 3, "done"])
    path = workbook(tmp_path / "a.xlsx", rows, {"Other": [["x", "y"], [1, 2]]})

    found = items(path, mapping("deployment", DEPLOYMENT, at_table="    sheet: Deployments\n"))
    record, said = found[-1]

    assert (record.row, record.line) == ("Deployments!4", 4)
    assert loads(record.raw)["cells"] == {
        "when": "2026-06-01T12:30:00",
        "where": "scorer",
        "what": "churn",
        "v": 3,
        "state": "done",
    }
    happened = next(fact for fact in said if isinstance(fact, Happened))
    assert happened.workload.components[0].uri == "models:/churn/3"
    assert len(found) == 2


def test_a_formula_without_a_value_is_said_so(tmp_path):
    """A workbook that no spreadsheet program has saved holds formulas and no values."""
    rows = [["when", "where", "what", "v", "state"], [date(2026, 6, 1), "scorer", "churn", "=1+2", "done"]]
    path = workbook(tmp_path / "a.xlsx", rows)

    assert problems(path, mapping("deployment", DEPLOYMENT)) == [
        ("formula-without-value", "v", "=1+2", 2, False)
    ]


def test_the_value_of_a_formula_is_the_last_one_worked_out(tmp_path):
    """The formula stands beside the value in the evidence, and the column is named once."""
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["when", "where", "what", "v", "state"])
        for row in (1, 2):
            sheet.write_row(row, 0, [f"2026-06-0{row}", "scorer", "churn"])
            sheet.write_formula(row, 3, "=1+2", value=3)
            sheet.write(row, 4, "done")

    raw = mapping("deployment", DEPLOYMENT)
    record = items(path, raw)[1][0]

    assert problems(path, raw) == [("formula", "v", "=1+2", 2, False)]
    assert loads(record.raw)["formulas"] == {"v": "=1+2"}
    assert [fact.workload.components[0].uri for fact in facts(path, raw, Happened)] == ["models:/churn/3"] * 2


def test_parquet_rows_keep_exact_values(tmp_path):
    """A decimal and an integer beyond 2^53 are not rounded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    big = 2**53 + 1
    pq.write_table(
        pa.table(
            {"ds": ["s3://l/a", "s3://l/b"], "m": ["rows", "rows"], "at": [NOON, NOON],
             "v": [Decimal("1.10"), Decimal("2.25")], "n": [big, None]}
        ),
        path,
    )  # fmt: skip
    found = items(path, mapping("measurement", "dataset: ds, metric: m, at: at, value: v"))

    assert [record.row for record, _ in found[1:]] == ["row 1", "row 2"]
    assert (loads(found[1][0].raw)["cells"]["v"], loads(found[1][0].raw)["cells"]["n"]) == ("1.10", big)
    assert [said[0].value for _, said in found[1:]] == [1.1, 2.25]


@pytest.fixture
def database(tmp_path):
    """A database with a log of two rows."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE log (at TEXT, place TEXT, model TEXT, v INT, state TEXT)")
        connection.execute("INSERT INTO log VALUES ('2026-01-01T00:00:00Z', 'scorer', 'churn', 3, 'done')")
        connection.execute("INSERT INTO log VALUES ('2026-01-02T00:00:00Z', 'scorer', 'churn', 4, 'draft')")
    connection.close()
    return path


QUERIED = "at: at, target: place, model: model, version: v, outcome: state"


def test_a_query_reads_a_database_and_leaves_it_alone(database):
    """One row of two is asked for; the file has the same bytes afterwards."""
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    raw = mapping("deployment", QUERIED, at_table="    query: SELECT * FROM log WHERE state = 'done'\n")

    assert [fact.workload.components[0].uri for fact in facts(database, raw, Happened)] == ["models:/churn/3"]
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM log",
        "ATTACH 'other.db' AS o",
        "PRAGMA writable_schema=1",
        "SELECT load_extension('x')",
        "nonsense",
    ],
)
def test_a_query_may_only_read(database, query):
    """A mapping comes from outside like any file: it changes nothing and opens nothing."""
    raw = mapping("deployment", QUERIED, at_table=f'    query: "{query}"\n')

    assert [each[0] for each in problems(database, raw)] == ["bad-query"]
    assert not database.with_name("other.db").exists()
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM log").fetchone() == (2,)
    connection.close()


def test_a_query_without_an_end_is_stopped(database, monkeypatch):
    """An import that never ends would be worse than a table that is not read."""
    monkeypatch.setattr("lineage.sources._table_rows.MAX_STEPS", 50)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    endless += "SELECT i AS at, i AS place, i AS model, i AS v, i AS state FROM n WHERE i < 0"
    raw = mapping("deployment", QUERIED, at_table=f'    query: "{endless}"\n')

    assert [each[0] for each in problems(database, raw)] == ["bad-query"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"files: a.csv", "modeltrail-table"),
        (b"modeltrail-table: 1\nfiles: a\ntables: []", "tables"),
        (mapping("deploymnet", "at: a"), "deployment, model-version"),
        (mapping("deployment", "at: a, target: t"), "model, uri, image"),
        (mapping("deployment", "at: a, model: t"), "target"),
        (mapping("lineage", "source: a, target: b, colour: c"), "colour"),
        (mapping("lineage", "source: a, target: b", "timezone: Berlin"), "Berlin"),
        (mapping("lineage", "source: a, target: b", "dates: european"), "dmy, mdy"),
        (mapping("lineage", "source: a, target: b", at_table="    wheer: x\n"), "wheer"),
        (mapping("lineage", "source: [a], target: b"), "columns"),
    ],
)
def test_a_slip_in_a_mapping_is_refused_and_says_what_may_stand_there(raw, says):
    """A misspelt key would leave out what an auditor looks for."""
    with pytest.raises(MalformedError, match=says):
        mapping_of(Beside("m", raw))


def test_without_a_mapping_an_unknown_table_is_not_recognised():
    """Nothing is guessed from a header; a mapping for other files changes nothing."""
    head = b"alpha,beta\n1,2\n"
    other = Beside(f"m{SUFFIX}", mapping("lineage", "source: alpha, target: beta", files="b.csv"))
    own = Beside(f"m{SUFFIX}", mapping("lineage", "source: alpha, target: beta"))

    assert recognise(Sample("a.csv", head)) is None
    assert recognise(Sample("a.csv", head, beside=(other,))) is None
    assert recognise(Sample("a.csv", head, beside=(own,)))[0] is table


def test_a_wide_pattern_takes_no_file_that_another_source_knows():
    """People lists lie beside the tables; a mapping for *.csv with other columns leaves them alone."""
    wide = Beside(f"m{SUFFIX}", mapping("lineage", "source: alpha, target: beta", files="*.csv"))
    found = recognise(Sample("people.csv", b"person,email,principal\nA,a@b.c,x\n", beside=(wide,)))

    assert found[0].NAME == "people-csv"


def test_a_mapping_holds_for_its_folder_and_those_below(tmp_path):
    """The nearest mapping comes first."""
    inner = tmp_path / "x" / "y"
    inner.mkdir(parents=True)
    text(tmp_path, "a", f"top{SUFFIX}")
    text(inner, "b", f"own{SUFFIX}")
    text(inner, "c,d\n", "a.csv")
    found = next(each for each in walk([tmp_path], lambda _: False) if each.path.endswith("a.csv"))

    assert [each.name for each in found.beside] == [f"own{SUFFIX}", f"top{SUFFIX}"]


def counted(answer, name):
    """One count of an import by file."""
    return {Path(item["file"]).name: item[name] for item in answer.items}


def test_a_corrected_mapping_reads_the_rows_anew(tmp_path):
    """Importing twice changes nothing; with another time zone in the mapping every row is read again."""
    folder = tmp_path / "tables"
    shutil.copytree(SAMPLES, folder)
    place = folder / f"tables{SUFFIX}"
    with Workspace.open(tmp_path / "w.trail") as workspace:
        workspace.import_([folder])
        again = workspace.import_([folder])
        place.write_text(place.read_text("utf-8").replace("Europe/Berlin", "UTC"), "utf-8")
        corrected = workspace.import_([folder])

    assert counted(again, "accepted")["deployments.csv"] == 0
    assert counted(corrected, "accepted")["deployments.csv"] == 5


def test_a_mapping_may_be_given_by_a_label(tmp_path):
    """It lies elsewhere; what is read is the same as with the mapping beside the table."""
    folder = tmp_path / "tables"
    folder.mkdir()
    shutil.copy(SAMPLES / "deployments.csv", folder)
    with Workspace.open(tmp_path / "w.trail") as workspace:
        given = workspace.import_([folder], labels={"mapping": str(SAMPLES / f"tables{SUFFIX}")})
        shutil.copy(SAMPLES / f"tables{SUFFIX}", folder)
        beside = workspace.import_([folder])

    assert counted(given, "accepted") == {"deployments.csv": 5}
    assert counted(beside, "accepted")["deployments.csv"] == 0


def test_a_bad_mapping_is_a_problem_of_its_own_file(tmp_path):
    """Otherwise its tables would be left out in silence."""
    text(tmp_path, "modeltrail-table: 1\nfiles: a.csv\n", f"m{SUFFIX}")
    with Workspace.open(tmp_path / "w.trail") as workspace:
        workspace.import_([tmp_path / f"m{SUFFIX}"])
        told = workspace.problems().items

    assert [(item["code"], item["reason"][:7]) for item in told] == [("bad-mapping", "tables:")]


def test_a_table_without_the_columns_named_is_one_problem(tmp_path):
    """A column that was renamed is said once, not at every row."""
    path = text(tmp_path, "when,where,what,version\n2026-01-01,a,b,1\n2026-01-02,a,b,1\n")

    assert [each[0] for each in problems(path, mapping("deployment", DEPLOYMENT))] == ["missing-column"]


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.db"])
@pytest.mark.parametrize("keep", [16, 100, 600])
def test_cut_files_are_problems(tmp_path, name, keep, database):
    """Nothing is raised, whatever breaks off."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = tmp_path / "whole"
    if name == "a.xlsx":
        workbook(whole, [["f", "t"], ["a", "b"]])
    elif name == "a.parquet":
        pq.write_table(pa.table({"f": ["a"], "t": ["b"]}), whole)
    else:
        whole = database
    raw = whole.read_bytes()[:keep]
    (tmp_path / name).write_bytes(raw)
    at_table = "    table: log\n" if name == "a.db" else ""

    found = problems(tmp_path / name, mapping("lineage", "source: f, target: t", at_table=at_table))

    assert len(found) == 1
    assert found[0][0] in {"malformed-workbook", "malformed-parquet", "bad-query"}


def test_a_parquet_file_whose_pages_are_damaged_says_so(tmp_path):
    """The end of the file, which names the columns, is sound; the values are not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"f": ["s3://l/a"], "t": ["s3://l/b"]}), path)
    raw = bytearray(path.read_bytes())
    raw[4:24] = b"\xff" * 20
    path.write_bytes(raw)

    assert [each[0] for each in problems(path, mapping("lineage", "source: f, target: t"))] == [
        "malformed-parquet"
    ]


def test_every_statement_has_a_builder():
    """The dialog offers what the reader can make."""
    from lineage.sources._table_facts import _BUILDERS

    assert set(_BUILDERS) == set(BY_NAME) == {statement.name for statement in STATEMENTS}


def test_the_mapping_is_evidence_itself():
    """Who checks a row must be able to see how it was read."""
    raw = (SAMPLES / f"tables{SUFFIX}").read_bytes()
    record, said = items(SAMPLES / "deployments.csv", raw)[0]

    assert record.raw == raw
    assert said == [Filtered("mapping")]
