"""How files are cut into records: every byte that stands there, nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineage import framing
from lineage.framing import documents, json_items, json_values, lines, whole, yaml_documents
from lineage.source import Input, Problem, Record

MARK = b"\xef\xbb\xbf"


class Breaking(io.BytesIO):
    """Bytes that can be read up to a place and then fail, a few at a time."""

    def __init__(self, body: bytes, breaks_at: int | None, step: int) -> None:
        super().__init__(body if breaks_at is None else body[:breaks_at])
        self.breaks = breaks_at is not None
        self.step = step

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(self.step if size is None or size < 0 else min(size, self.step))
        if not got and self.breaks:
            raise OSError("it broke")
        return got


class Text:
    """An input of these bytes, read `step` at a time."""

    name = "text"
    path = None

    def __init__(self, body: bytes, *, breaks_at: int | None = None, step: int = 1 << 20) -> None:
        self.body = body
        self.breaks_at = breaks_at
        self.step = step
        self.size = len(body)

    def open(self) -> BinaryIO:
        """The bytes."""
        return Breaking(self.body, self.breaks_at, self.step)

    def members(self) -> Iterator[tuple[str, Input]]:
        """None."""
        return iter(())


def split(found: Iterator[Record | Problem], body: bytes) -> tuple[list[Record], list[Problem]]:
    """Records and problems, after seeing that every record's bytes stand at its offset, on its line, once."""
    records: list[Record] = []
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
        else:
            assert body[item.offset : item.offset + len(item.raw)] == item.raw
            assert not records or item.offset >= records[-1].offset + len(records[-1].raw)
            records.append(item)
    return records, problems


LINE = st.binary(max_size=9).map(lambda raw: raw.replace(b"\n", b" ").replace(b"\r", b" "))


@given(
    st.lists(LINE, max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([4, 7, 1 << 20]),
)
def test_lines_are_the_lines_that_are_not_blank(
    body: list[bytes], end: bytes, ended: bool, marked: bool, step: int
) -> None:
    """With any line end, mark and size of reads: each line's bytes, number and offset."""
    raw = (MARK if marked else b"") + end.join(body) + (end if ended else b"")
    assume(b"\0" not in raw[:4] and raw[:2] not in {b"\xff\xfe", b"\xfe\xff"})
    assume(marked or not raw.startswith(MARK))
    records, problems = split(lines(Text(raw, step=step)), raw)

    assert problems == []
    expected = [(number, line) for number, line in enumerate(body, 1) if line and not line.isspace()]
    assert [(record.line, record.raw) for record in records] == expected


@given(st.lists(LINE.filter(lambda line: bool(line.strip())), min_size=1, max_size=8), st.data())
def test_a_break_costs_nothing_before_it(body: list[bytes], data: st.DataObject) -> None:
    """Every whole line before the place where a file breaks off is a record; the rest is named with line and offset."""
    raw = b"a line\n" + b"\n".join(body) + b"\n"
    at = data.draw(st.integers(7, len(raw)))
    records, problems = split(lines(Text(raw, breaks_at=at, step=3)), raw)

    assert [record.raw for record in records] == raw[:at].split(b"\n")[:-1]
    rest = raw[:at].rpartition(b"\n")[2]
    assert [problem.code for problem in problems] == (["cut-record"] if rest else []) + ["cut-file"]
    for problem in problems:
        assert problem.line == raw[:at].count(b"\n") + 1
    assert problems[-1].offset == at


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(1, 12))
def test_a_line_above_the_limit_is_named_and_skipped(lengths: list[int], step: int) -> None:
    """Wherever reads end: too long a line gives its length and SHA-256, the others are records."""
    body = [b"x" * length + b"%d" % number for number, length in enumerate(lengths)]
    raw = b"\n".join(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "MAX_RECORD", 10)
        patch.setattr(framing, "_CHUNK", step)
        records, problems = split(lines(Text(raw)), raw)

    seen = {record.line: record.raw for record in records}
    for problem in problems:
        line = body[problem.line - 1]
        assert problem.code == "too-large"
        assert hashlib.sha256(line).hexdigest() in problem.reason
        assert f"{len(line)} bytes" in problem.reason
        assert raw[problem.offset : problem.offset + len(line)] == line
    named = {problem.line for problem in problems}
    assert named == {number for number, line in enumerate(body, 1) if len(line) > 10} - seen.keys()
    assert seen == {n: line for n, line in enumerate(body, 1) if n not in named}
    assert all(len(line) <= 10 for line in seen.values()) or body[-1] in seen.values()


def test_blank_lines_by_the_million_are_passed_over() -> None:
    """Nothing but line ends is counted, not cut; the line after them has its number."""
    raw = b"\n" * 3_000_000 + b"{}\n"
    (record,), _ = split(lines(Text(raw)), raw)
    assert (record.line, record.offset, record.raw) == (3_000_001, 3_000_000, b"{}")


ITEM = st.recursive(
    st.none() | st.integers(-99, 99) | st.text(max_size=4).map(lambda text: text.replace("\ud800", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
JSON_WITH = st.sampled_from(["", " ", "\n", "\r\n \t"])


@given(
    st.lists(ITEM, min_size=1, max_size=5),
    JSON_WITH,
    st.booleans(),
    st.sampled_from(["", "items", "other"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    st.booleans(),
)
def test_the_items_of_a_list_keep_their_bytes(
    items: list[object], gap: str, escaped: bool, wrapper: str, encoding: str, decoy: bool
) -> None:
    """A list, or a list under a known key: each item as it stands, by its pointer, in every encoding."""
    texts = [json.dumps(item, ensure_ascii=escaped) for item in items]
    body = f"[{gap}" + f"{gap},{gap}".join(texts) + f"{gap}]"
    if wrapper:
        before = f'"decoy": {body}, "x\\"]": {json.dumps(items)}, ' if decoy else ""
        body = f'{gap}{{{gap}{before}"{wrapper}"{gap}:{gap}{body}{gap}, "after": {{"items": [1]}}{gap}}}{gap}'
    raw = body.encode(encoding)
    found, problems = split(json_items(Record(raw, 0, 1), "items"), raw)

    assert problems == []
    if wrapper == "other":
        assert [record.row for record in found] == [""]
        assert json.loads(
            found[0].raw.decode(
                "utf-16" if encoding == "utf-16" and found[0].offset == 0 else _bare(encoding)
            )
        )
        return
    row = f"/{wrapper}" if wrapper else ""
    assert [record.row for record in found] == [f"{row}/{number}" for number in range(len(items))]
    assert [record.raw.decode(_bare(encoding)) for record in found] == texts
    place = 0
    for record, text in zip(found, texts, strict=True):
        place = body.index(text, place) if not (wrapper and decoy) else place
        assert record.line == raw[: record.offset].decode(encoding, "ignore").count("\n") + 1


def _bare(encoding: str) -> str:
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)


@pytest.mark.parametrize("bad", ["NaN", '{"a": 1, "a": 2}', '"\\ud800"', "9" * 5000, "-Infinity", "1e999"])
@pytest.mark.parametrize(
    "form", ["[{}, {}, {}]", '{{"items": [{}, {}, {}]}}', '{{"n": {}, "items": [{}, {}]}}']
)
def test_what_is_wrong_in_one_item_is_not_wrong_in_the_others(bad: str, form: str) -> None:
    """The cut lets pass what only the reading of an item may refuse."""
    raw = form.format('{"é": 1}', bad, '["日本"]').encode()
    found, problems = split(json_items(Record(raw, 0, 1), "items"), raw)

    assert problems == []
    assert found[-1].raw.decode() == '["日本"]'
    assert len(found) == (2 if '"n"' in form else 3)
    assert found[-2].raw.decode() == bad


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[1, 2", "malformed-json"),
        (b"[1,, 2]", "malformed-json"),
        (b"[1] [2]", "malformed-json"),
        (b"[NaN,, 2]", "not-a-number"),
        (b'{"items": [1], "items": [2]}', "duplicate-key"),
        (b'{"items": [NaN], "items": [2]}', "duplicate-key"),
        (b'{"a": 1,\n "a": 2, "items": [1]}', "duplicate-key"),
        (b"[" * 100_000, "too-deep"),
        (b"\xff\xfe[\x00\xd8", "bad-encoding"),
        (b"", "malformed-json"),
        (b"  \n ", "malformed-json"),
    ],
)
def test_what_is_no_document_is_one_problem(raw: bytes, code: str) -> None:
    """A document that cannot be cut is named once, with its place; nothing of it is a record."""
    found, problems = split(json_items(Record(raw, 0, 1), "items"), raw)

    assert found == []
    assert [problem.code for problem in problems] == [code]
    assert problems[0].line >= 1


def test_a_document_inside_a_larger_file_keeps_the_places_of_the_file() -> None:
    """A line of a log that is itself a list gives items with the log's line and offset."""
    line = b'{"items": [{"a": 1}, {"a": 2}]}'
    raw = b"first\n" + line + b"\n"
    (_, record), _ = split(lines(Text(raw)), raw)
    found, _ = split(json_items(record, "items"), raw)

    assert [(item.raw, item.line) for item in found] == [(b'{"a": 1}', 2), (b'{"a": 2}', 2)]


def test_a_single_value_is_itself_without_the_blanks_around_it() -> None:
    """A log of one line holds the record that it will hold when a second line has come."""
    event = b'{"a": 1}'
    for body in (event, event + b"\n", b"\n " + event + b"\r\n", MARK + event + b"\n"):
        (alone,), _ = split(json_values(Text(body)), body)
        assert alone.raw == event
    grown = event + b"\r\n" + b'{"b": 2}\r\n'
    (first, _), _ = split(json_values(Text(grown)), grown)
    assert first.raw == event


@given(st.lists(st.booleans(), min_size=2, max_size=8))
def test_lines_are_known_as_lines_whichever_is_broken(sound: list[bool]) -> None:
    """As long as one of the first lines is an object, a file that is no document is cut into lines."""
    body = [b'{"n": %d}' % n if good else b'{"n": %d' % n for n, good in enumerate(sound)]
    raw = b"\n".join(body) + b"\n"
    found, problems = split(json_values(Text(raw)), raw)

    if any(sound):
        assert ([record.raw for record in found], problems) == (body, [])
    else:
        assert ([problem.code for problem in problems], found) == (["malformed-json"], [])


def test_a_first_line_above_the_limit_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nothing of the second line can be seen at first."""
    monkeypatch.setattr(framing, "MAX_RECORD", 2 << 20)
    raw = b'{"a": "' + b"x" * (3 << 20) + b'"}\n{"b": 1}\n{"c": 2}\n'
    found, problems = split(json_values(Text(raw)), raw)

    assert [record.raw for record in found] == [b'{"b": 1}', b'{"c": 2}']
    assert [(problem.code, problem.line) for problem in problems] == [("too-large", 1)]


def test_a_pretty_document_is_not_taken_for_lines() -> None:
    """A broken document is one problem, not one for each of its lines."""
    raw = json.dumps({"items": [{"a": {}} for _ in range(50)]}, indent=2).encode()[:-9]
    found, problems = split(json_values(Text(raw), "items"), raw)
    assert (found, len(problems)) == ([], 1)


def test_a_document_above_the_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole files and single items have their limits."""
    monkeypatch.setattr(framing, "MAX_DOCUMENT", 1000)
    for cut in (whole(Text(b"x" * 1001)), next(json_values(Text(b"[" + b"1," * 1000 + b"1]")))):
        assert isinstance(cut, Problem)
        assert cut.code == "too-large"
    monkeypatch.setattr(framing, "MAX_RECORD", 20)
    body = b'["' + b"y" * 30 + b'", 1]'
    found, problems = split(json_values(Text(body)), body)
    assert [record.raw for record in found] == [b"1"]
    assert [(problem.code, problem.row) for problem in problems] == [("too-large", "/0")]


@given(
    st.lists(
        st.sampled_from(["a: 1\n", "# only a note\n", "", "\n", "- x\n- y\n", "b: |\n  text\n  ---x\n"]),
        max_size=6,
    ),
    st.sampled_from(["---\n", "--- # note\n", "---\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_yaml_documents_are_the_parts_with_something_in_them(
    parts: list[str], mark: str, encoding: str
) -> None:
    """Each document's bytes, offset and line; empty ones and ones of notes are left out."""
    text = mark.join(parts)
    raw = text.encode(encoding)
    found, problems = split(yaml_documents(Text(raw)), raw)

    assert problems == []
    real = [part for part in parts if part.strip() and not part.startswith("#")]
    assert len(found) == len(real)
    for record, part in zip(found, real, strict=True):
        said = record.raw.decode("utf-16" if encoding == "utf-16" and not record.offset else _bare(encoding))
        assert said.lstrip("\ufeff").removeprefix(mark) == part
        assert record.line == raw[: record.offset].decode(encoding, "ignore").count("\n") + 1


def test_json_or_yaml_is_told_by_the_first_letter() -> None:
    """In every encoding, after a mark and blanks."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be"):
        listed = '\n {"items": [{"a": 1}, {"a": 2}]}'.encode(encoding)
        text = "a: 1\n---\na: 2\n".encode(encoding)
        assert len(list(documents(Text(listed), "items"))) == 2
        assert len(list(documents(Text(text)))) == 2


def test_a_break_in_a_document_is_a_problem_of_the_file() -> None:
    """Half a document is none."""
    for cut in (json_values, yaml_documents, documents):
        found = list(cut(Text(b'{"a": 1}', breaks_at=5, step=2)))
        assert [item.code for item in found if isinstance(item, Problem)] == ["cut-file"]
        assert len(found) == 1
