"""What an import makes of hostile and broken input: a problem with its place, all else kept, no file changed."""

from __future__ import annotations

import contextlib
import copy
import gzip
import hashlib
import io
import json
import os
import random
import sqlite3
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import lineage
from lineage import cli, framing, ingest, inputs, opening
from lineage.errors import UnreadableInputError
from lineage.model.answer import Item
from lineage.source import sources
from lineage.text import MalformedError, load_yaml, loads

SAMPLES = Path(__file__).resolve().parents[1] / "sources"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
HERE = "@here@"
"""Stands in an event for what is put there byte for byte."""


def event(number: int, *, name: str = "clean", **more: Any) -> bytes:
    """A finished run that writes the table `name`, as JSON on one line without its end."""
    said = {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-01T00:{number % 60:02d}:00Z",
        "run": {"runId": f"0190d9a0-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "etl", "name": "load"},
        "inputs": [],
        "outputs": [{"namespace": "s3://lake", "name": name}],
        "producer": "https://example.com/producer",
        "schemaURL": SCHEMA,
    }
    return json.dumps({**said, **more}).encode()


def with_here(value: bytes, **more: Any) -> bytes:
    """An event, number 7, in which `HERE` is replaced by these very bytes."""
    return event(7, **more).replace(json.dumps(HERE).encode(), value)


def audit(number: int, uri: str = "s3://models/churn/7") -> dict[str, Any]:
    """A call that told a cluster to serve a model."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"00000000-0000-4000-8000-{number:012d}",
        "stage": "ResponseComplete",
        "verb": "create",
        "user": {"username": "maria@example.com"},
        "objectRef": {
            "resource": "inferenceservices",
            "namespace": "shop",
            "name": f"scorer-{number}",
            "apiGroup": "serving.kserve.io",
            "apiVersion": "v1beta1",
        },
        "responseStatus": {"code": 201},
        "requestObject": {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": f"scorer-{number}", "namespace": "shop"},
            "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri}}},
        },
        "requestReceivedTimestamp": f"2026-03-01T00:{number % 60:02d}:00.000000Z",
        "stageTimestamp": f"2026-03-01T00:{number % 60:02d}:00.000000Z",
    }


def isvc(name: str = "scorer", uri: str = "s3://models/churn/7") -> bytes:
    """An exported object, as YAML."""
    return (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata:\n"
        f"  name: {name}\n  namespace: shop\n  creationTimestamp: '2026-03-01T00:00:00Z'\n  generation: 1\n"
        f"spec:\n  predictor:\n    model:\n      modelFormat: {{name: sklearn}}\n      storageUri: {uri}\n"
    ).encode()


class Taken:
    """An import of one folder, and what was found of it."""

    def __init__(self, files: dict[str, Item], problems: list[Item], names: set[str]) -> None:
        self.files = files
        self.problems = problems
        self.names = names

    def file(self, name: str) -> Item:
        """What became of the file whose path ends in `name`."""
        return next(item for path, item in self.files.items() if path.endswith(name))

    def of(self, name: str) -> list[Item]:
        """The problems of that file."""
        return [problem for problem in self.problems if problem["file"].endswith(name)]

    def codes(self, name: str) -> list[str]:
        """Their codes."""
        return [problem["code"] for problem in self.of(name)]


def contents(folder: Path) -> dict[str, str]:
    """Every regular file below `folder` with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if stat.S_ISREG(path.lstat().st_mode)
    }


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder to import, with sound events that sort before and after everything else."""
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "0-sound.ndjson").write_bytes(event(1) + b"\n" + event(2) + b"\n")
    (folder / "zz-sound.ndjson").write_bytes(event(3) + b"\n")
    return folder


@pytest.fixture
def take(box: Path, tmp_path: Path) -> Callable[..., Taken]:
    """Import the box; whatever is in it, the sound files are taken whole and no file has changed."""

    def taken(
        paths: list[Path] | None = None, *, source: str = "", labels: dict[str, str] | None = None
    ) -> Taken:
        before = contents(box)
        with lineage.open(tmp_path / "audit.trail") as workspace:
            answer = workspace.import_(paths or [box], source=source, labels=labels)
            problems = workspace.problems().items
            names = {item["name"] for item in workspace.entities().items}
            digest = workspace.digest().items[0]["digest"]
            for item in answer.items:
                assert item["read"] == sum(item[k] for k in ("accepted", "duplicate", "filtered", "rejected"))
            again = workspace.import_(paths or [box], source=source, labels=labels)
            assert sum(item["accepted"] for item in again.items) == 0
            assert workspace.problems().total == len(problems)
            assert workspace.digest().items[0]["digest"] == digest
            assert workspace.rebuild().items[0]["digest"] == digest
        assert contents(box) == before
        assert "reader-failed" not in {problem["code"] for problem in problems}
        assert all(problem["reason"] and "\n" not in problem["reason"] for problem in problems)
        files = {item["file"]: item for item in answer.items}
        found = Taken(files, problems, names)
        if not paths:
            assert found.file("0-sound.ndjson")["accepted"] == 2
            assert found.file("zz-sound.ndjson")["accepted"] == 1
            assert (found.of("0-sound.ndjson"), found.of("zz-sound.ndjson")) == ([], [])
        return found

    return taken


DEEP = b"[" * 100_000 + b"]" * 100_000
FIGURES = {"outputStatistics": {"_producer": "https://x", "_schemaURL": "https://x", "rowCount": HERE}}
ROWS = [{"namespace": "s3://lake", "name": "clean", "outputFacets": FIGURES}]


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        (with_here(DEEP, odd=HERE), "too-deep", "nested"),
        (with_here(b"[" * 300 + b"]" * 300, odd=HERE), "too-deep", "200 levels"),
        (with_here(b'{"a": 1, "a": 2}', odd=HERE), "duplicate-key", "'a' stands twice"),
        (event(7)[:-1] + b', "eventType": "FAIL"}', "duplicate-key", "'eventType' stands twice"),
        (with_here(b"NaN", odd=HERE), "not-a-number", "NaN"),
        (with_here(b"-Infinity", outputs=ROWS), "not-a-number", "-Infinity"),
        (with_here(b"1e999", odd=HERE), "not-a-number", "1e999"),
        (event(7, name="caf@").replace(b"@", b"\xe9"), "bad-encoding", "0xe9"),
        (event(7, name="a@b").replace(b"@", b"\0"), "malformed-json", "control character"),
        (event(7)[:50], "malformed-json", "column"),
        (b"a line of a log", "malformed-json", "column"),
        (b"[1]", "not-an-event", "no OpenLineage event"),
        (b"null", "not-an-event", "no OpenLineage event"),
    ],
)
def test_a_bad_line_is_named_and_costs_no_other(
    box: Path, take: Callable[..., Taken], line: bytes, code: str, word: str
) -> None:
    """The problem names file, line, value and reason; the lines before and after are taken."""
    (box / "bad.ndjson").write_bytes(event(5) + b"\n" + line + b"\n" + event(6) + b"\n")
    found = take()

    (problem,) = found.of("bad.ndjson")
    assert (problem["line"], problem["code"], problem["rejected"]) == (2, code, True)
    assert word in problem["reason"]
    assert problem["value"]
    assert (found.file("bad.ndjson")["accepted"], found.file("bad.ndjson")["rejected"]) == (2, 1)


@pytest.mark.parametrize(
    "bad", [b"{", b"not json", b'{"a": 1, "a": 2}', event(7)[:-1] + b', "x": NaN}', DEEP[90_000:110_000]]
)
def test_a_bad_first_line_costs_no_other(box: Path, take: Callable[..., Taken], bad: bytes) -> None:
    """The first line decides how a file is cut: a broken one must not make one broken document of them all."""
    (box / "bad.ndjson").write_bytes(bad + b"\n" + b"\n".join(event(n) for n in range(10, 15)) + b"\n")
    found = take()

    assert found.file("bad.ndjson")["accepted"] == 5
    assert [problem["line"] for problem in found.of("bad.ndjson")] == [1]


@pytest.mark.parametrize(
    ("value", "problems"),
    [(str(2**63), 0), (str(2**64), 0), (str(-(2**70)), 0), ("1" * 5000, 1), ("1e999", 1)],
)
def test_a_number_too_large_for_a_database_costs_no_record(
    box: Path, take: Callable[..., Taken], value: str, problems: int
) -> None:
    """Integers of 64 bits and more in a figure are kept or named with their field; the event is taken."""
    (box / "big.ndjson").write_bytes(with_here(value.encode(), outputs=ROWS) + b"\n" + event(8) + b"\n")
    found = take()

    assert found.file("big.ndjson")["accepted"] == 2
    assert len(found.of("big.ndjson")) == problems
    for problem in found.of("big.ndjson"):
        assert problem["field"].endswith("outputStatistics.rowCount")
        assert value.startswith(problem["value"].rstrip("…")) or "rowCount" in problem["value"]


@pytest.mark.parametrize("code", [0xD800, 0xDC00, 0])
def test_what_no_text_can_hold_is_made_visible(box: Path, take: Callable[..., Taken], code: int) -> None:
    """Half a surrogate pair or NUL in a name neither stops the import nor cuts the name short."""
    (box / "odd.ndjson").write_bytes(event(7, name=f"a{chr(code)}b") + b"\n" + event(8, name="next") + b"\n")
    found = take()

    assert found.file("odd.ndjson")["accepted"] == 2
    assert {f"a⟨U+{code:04X}⟩b", "next"} <= found.names


def test_one_bad_item_of_a_list_costs_no_other(box: Path, take: Callable[..., Taken]) -> None:
    """In a file that is one JSON list the items beside NaN, a doubled key or half a character are taken."""
    items = [
        event(10),
        with_here(b"NaN", odd=HERE),
        event(11),
        event(7)[:-1] + b', "eventType": "FAIL"}',
        event(12, name="half\ud800"),
        event(7, name="caf@").replace(b"@", b"\xe9"),
        event(13),
    ]
    wrapped = with_here(b"NaN", another=HERE)
    for name, body in (
        ("list.json", b"[\n" + b",\n".join(items[:5] + items[6:]) + b"\n]"),
        ("latin.json", b"[\n" + event(17) + b",\n" + items[5] + b",\n" + event(18) + b"\n]"),
        ("wrapped.json", b'{"x": [1], "events": [\n' + event(16) + b",\n" + wrapped + b"]}"),
    ):
        (box / name).write_bytes(body)
    found = take()

    lost = {
        name: [p["line"] for p in found.of(name) if p["rejected"]] for name in ("list.json", "wrapped.json")
    }
    assert lost == {"list.json": [3, 5], "wrapped.json": [3]}
    assert found.file("list.json")["read"] == 6
    assert found.file("wrapped.json")["read"] == 2
    assert found.file("latin.json")["accepted"] == 2
    assert found.codes("latin.json") == ["bad-encoding"]


def test_a_document_too_deep_or_cut_off_is_one_problem(box: Path, take: Callable[..., Taken]) -> None:
    """A whole document that is no document is named once, with line and column."""
    pretty = json.dumps(json.loads(event(9)), indent=2).encode()
    (box / "deep.json").write_bytes(pretty.replace(b'"etl"', DEEP))
    (box / "cut.json").write_bytes(pretty[:-40])
    (box / "deep.yaml").write_bytes(isvc().replace(b"{name: sklearn}", b"[" * 20_000 + b"]" * 20_000))
    found = take()

    assert [found.codes(name) for name in ("deep.json", "cut.json", "deep.yaml")] == [
        ["too-deep"],
        ["malformed-json"],
        ["too-deep"],
    ]
    (cut,) = found.of("cut.json")
    assert cut["line"] > 1
    assert "column" in cut["reason"]


def test_a_line_of_50_mb_is_named_with_its_hash(
    box: Path, take: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One endless line is said with length and SHA-256 and not kept; the lines around it are taken."""
    monkeypatch.setattr(framing, "MAX_RECORD", 3 << 20)
    long = event(7, filler="x" * (5 << 20))
    (box / "middle.ndjson").write_bytes(event(10) + b"\n" + long + b"\n" + event(11) + b"\n")
    (box / "first.ndjson").write_bytes(long + b"\n" + event(12) + b"\n")
    (box / "only.json").write_bytes(long)
    (box / "listed.json").write_bytes(b"[" + event(13) + b",\n" + long + b"]")
    with gzip.open(box / "packed.ndjson.gz", "wb") as stream:
        stream.write(event(14) + b"\n" + long)
    found = take()

    lines = {"middle.ndjson": 2, "first.ndjson": 1, "only.json": 1, "listed.json": 2, "packed.ndjson.gz": 2}
    for name, line in lines.items():
        (problem,) = found.of(name)
        assert (problem["code"], problem["line"]) == ("too-large", line)
        assert str(len(long)) in problem["reason"]
        assert hashlib.sha256(long).hexdigest() in problem["reason"]
    accepted = [found.file(name)["accepted"] for name in lines]
    assert accepted == [2, 1, 0, 1, 1]


def test_the_largest_record_is_32_mib() -> None:
    """50 MB in one line is above the limit, the 240 kB event that was seen is far below."""
    assert 240_000 * 10 < framing.MAX_RECORD < 50_000_000


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_cut_gz_gives_every_whole_line_before_the_cut(
    box: Path, take: Callable[..., Taken], tmp_path: Path, cut: float
) -> None:
    """Every whole line that zlib can still unpack is taken, the rest is named, and comes with the whole file."""
    filler = [hashlib.sha512(bytes([n % 256, n // 256])).hexdigest() for n in range(500)]
    lines = [event(n + 10, name=f"t{n}", filler=filler[n]) for n in range(500)]
    packed = gzip.compress(b"\n".join(lines) + b"\n")
    part = packed[: int(len(packed) * cut)]
    unpacked = io.BytesIO()
    with gzip.GzipFile(fileobj=io.BytesIO(part)) as stream, contextlib.suppress(EOFError):
        while True:
            unpacked.write(stream.read1(100))
    whole, _, rest = unpacked.getvalue().rpartition(b"\n")
    expected = whole.count(b"\n") + 1
    assert expected > 50

    path = box / "events.ndjson.gz"
    path.write_bytes(part)
    found = take()
    assert found.file("events.ndjson.gz")["accepted"] == expected
    assert found.codes("events.ndjson.gz") == (["cut-record"] if rest else []) + ["cut-file"]
    assert {problem["line"] for problem in found.of("events.ndjson.gz")} == {expected + 1}

    path.write_bytes(packed)
    with lineage.open(tmp_path / "audit.trail") as workspace, lineage.open(tmp_path / "new.trail") as other:
        item = next(i for i in workspace.import_([box]).items if i["file"].endswith(".gz"))
        assert (item["duplicate"], item["accepted"]) == (expected, 500 - expected)
        other.import_([box])
        assert workspace.digest().items == other.digest().items


def test_a_gz_that_is_none_or_damaged_is_named(box: Path, take: Callable[..., Taken]) -> None:
    """A wrong name, a broken check sum, trailing rubbish and a cut header are problems of that file."""
    packed = gzip.compress(event(10) + b"\n" + event(11) + b"\n")
    wrong = bytearray(packed)
    wrong[-6] ^= 0xFF
    for name, body in (
        ("none.ndjson.gz", event(12)),
        ("sum.ndjson.gz", bytes(wrong)),
        ("more.ndjson.gz", packed + b"rubbish"),
        ("head.ndjson.gz", packed[:5]),
    ):
        (box / name).write_bytes(body)
    found = take()

    assert found.codes("none.ndjson.gz") == ["unreadable"]
    assert found.codes("head.ndjson.gz") == ["unreadable"]
    assert found.codes("sum.ndjson.gz") == ["cut-file"]
    assert found.codes("more.ndjson.gz") == ["cut-file"]
    taken = [
        found.file(name)[k] for name in ("sum.ndjson.gz", "more.ndjson.gz") for k in ("accepted", "duplicate")
    ]
    assert sum(taken) == 4


def test_a_gz_bomb_is_stopped(box: Path, take: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that unpacks to more than 200 times its size is read up to the limit and named."""
    monkeypatch.setattr(opening, "HARMLESS", 1 << 20)
    (box / "bomb.ndjson.gz").write_bytes(gzip.compress(event(10) + b"\n" + b"\n" * (8 << 20)))
    (box / "dense.ndjson.gz").write_bytes(gzip.compress((event(11) + b"\n") * 1500))
    found = take()

    (problem,) = found.of("bomb.ndjson.gz")
    assert "200 times its size" in problem["reason"]
    assert found.file("bomb.ndjson.gz")["accepted"] == 1
    assert found.of("dense.ndjson.gz") == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_text_of_windows_is_read(
    box: Path, take: Callable[..., Taken], tmp_path: Path, encoding: str
) -> None:
    """Lines, lists and YAML in UTF-16, with or without its mark, are cut into the bytes that stand there."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
         "metadata": {"name": f"scorer-é-{n}", "namespace": "shop", "creationTimestamp": "2026-03-01T00:00:00Z"},
         "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://m/1"}}}}
        for n in range(2)]}, indent=2, ensure_ascii=False)  # fmt: skip
    texts = {
        "lines.ndjson": "\r\n".join(event(n, name=f"tüble-{n}").decode() for n in (10, 11, 12)) + "\r\n",
        "list.json": "[" + ",\r\n".join(event(n, name=f"日本-{n}").decode() for n in (13, 14)) + "]",
        "single.json": json.dumps(json.loads(event(15)), indent=2),
        "objects.json": listed,
        "objects.yaml": isvc("one").decode() + "---\n# zwölf\n" + isvc("two").decode(),
        "audit.log": "\n".join(json.dumps(audit(n)) for n in (1, 2)),
    }
    for name, text in texts.items():
        (box / name).write_bytes(text.encode(encoding))
    found = take(labels={"cluster": "prod"})

    counts = {name: (found.file(name)["accepted"], found.codes(name)) for name in texts}
    assert counts == {
        "lines.ndjson": (3, []),
        "list.json": (2, []),
        "single.json": (1, []),
        "objects.json": (2, []),
        "objects.yaml": (2, []),
        "audit.log": (2, []),
    }
    with lineage.open(tmp_path / "audit.trail") as workspace:
        for seq in range(15):
            item = workspace.record(seq)
            raw = item["text"].encode() if item["hex"] is None else bytes.fromhex(item["hex"])
            body = Path(item["file"]).read_bytes()
            assert body[item["offset"] : item["offset"] + len(raw)] == raw
            assert hashlib.sha256(raw).hexdigest() == item["sha256"]


def test_a_wrong_encoding_is_named(box: Path, take: Callable[..., Taken]) -> None:
    """Latin-1 and UTF-32 are not guessed at."""
    text = json.dumps(json.loads(event(9, name="é")), ensure_ascii=False, indent=1)
    (box / "latin.json").write_bytes(text.encode("latin-1"))
    (box / "latin.yaml").write_bytes(isvc("scörer").decode().encode("latin-1"))
    (box / "wide.json").write_bytes(event(9).decode().encode("utf-32"))
    found = take(source="")

    assert found.codes("latin.json") == ["bad-encoding"]
    assert found.codes("latin.yaml") == ["bad-encoding"]
    assert found.file("wide.json")["accepted"] == 0


@pytest.mark.parametrize(
    ("put", "code"),
    [
        (b"!!python/object/apply:os.system ['echo']", "unsafe-tag"),
        (b"!!binary aGk=", "unsafe-tag"),
        (b"!something {}", "unsafe-tag"),
        (b"&loop [*loop]", "endless-yaml"),
        (b"{a: 1, a: 2}", "duplicate-key"),
        (b"*unknown", "malformed-yaml"),
        (b"\x01", "malformed-yaml"),
        (b"'\xe9'", "bad-encoding"),
    ],
)
def test_hostile_yaml_is_refused(box: Path, take: Callable[..., Taken], put: bytes, code: str) -> None:
    """Tags that make objects, endless values, doubled keys: the document is refused, the next one taken."""
    bad = isvc("bad").replace(b"{name: sklearn}", put)
    (box / "bad.yaml").write_bytes(isvc("one") + b"---\n" + bad + b"---\n" + isvc("two"))
    found = take()

    (problem,) = found.of("bad.yaml")
    assert problem["code"] == code
    start = isvc("one").count(b"\n") + 1
    assert start <= problem["line"] <= start + 20
    assert problem["rejected"]
    assert found.file("bad.yaml")["accepted"] == 2


def test_a_yaml_bomb_is_refused_before_it_is_built(box: Path, take: Callable[..., Taken]) -> None:
    """Nine levels of nine aliases would be 387 million values."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (box / "bomb.yaml").write_bytes(isvc("bomb") + "\n".join(levels).encode())
    found = take()

    assert found.codes("bomb.yaml") == ["too-large"]


def test_yaml_scalars_stay_text(box: Path, take: Callable[..., Taken]) -> None:
    """A name `no`, a version 1.10, a NUL written as an escape: text, and visible."""
    (box / "odd.yaml").write_bytes(isvc("no") + b"---\n" + isvc('"a\\0b"'))
    found = take()

    assert found.file("odd.yaml")["accepted"] == 2
    assert any(name.endswith("/no") for name in found.names)
    assert any(name.endswith("/a⟨U+0000⟩b") for name in found.names)


def archive(path: Path, members: dict[str, bytes]) -> None:
    """Write a zip with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in members.items():
            made.writestr(name, body)


def test_a_hostile_archive_gives_its_sound_members(
    box: Path, take: Callable[..., Taken], tmp_path: Path
) -> None:
    """Names that lead out, links, nested and encrypted members and bombs are named; the others are read in place."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.writestr("events.ndjson", event(30))
    path = box / "evil.zip"
    archive(
        path,
        {
            "good/events.ndjson": event(20, name="s3") + b"\n",
            "good/packed.ndjson.gz": gzip.compress(event(21) + b"\n"),
            "../../escape.ndjson": event(22),
            "/absolute.ndjson": event(23),
            "C:/windows.ndjson": event(24),
            "..\\back.ndjson": event(25),
            "bomb.ndjson": b"\0" * (4 << 20),
            "nested.zip": inner.getvalue(),
            "packed-bomb.ndjson.gz": gzip.compress(b"\n" * (70 << 20)),
        },
    )
    with zipfile.ZipFile(path, "a") as made:
        link = zipfile.ZipInfo("link.ndjson")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("good/events.ndjson", event(26, name="s4") + b"\n")
        made.writestr("secret.ndjson", event(27))
    body = bytearray(path.read_bytes())
    central = body.rindex(b"PK\x01\x02")
    body[central + 8] |= 1
    path.write_bytes(body)
    found = take()

    codes = {
        problem["file"].partition("!/")[2]: problem["code"]
        for problem in found.of("")
        if "!/" in problem["file"]
    }
    assert codes == {
        "../../escape.ndjson": "unsafe-member",
        "/absolute.ndjson": "unsafe-member",
        "C:/windows.ndjson": "unsafe-member",
        "..\\back.ndjson" if "..\\back.ndjson" in codes else "../back.ndjson": "unsafe-member",
        "bomb.ndjson": "too-large",
        "nested.zip": "nested-archive",
        "link.ndjson": "unsafe-member",
        "secret.ndjson": "encrypted-member",
        **({"packed-bomb.ndjson.gz": "cut-file"} if "packed-bomb.ndjson.gz" in codes else {}),
    }
    assert {"s3", "s4"} <= found.names
    assert found.file("!/good/packed.ndjson.gz")["accepted"] == 1
    assert not list(tmp_path.rglob("escape.ndjson"))


def test_a_damaged_archive_is_named(box: Path, take: Callable[..., Taken]) -> None:
    """Cut off, overwritten, or none at all: one problem each; a broken member costs only itself."""
    archive(box / "cut.zip", {"a.ndjson": event(20), "b.ndjson": event(21)})
    (box / "cut.zip").write_bytes((box / "cut.zip").read_bytes()[:-30])
    (box / "none.zip").write_bytes(b"PK\x03\x04 no archive")
    with zipfile.ZipFile(box / "member.zip", "w", zipfile.ZIP_STORED) as made:
        made.writestr("a.ndjson", event(22) + b"\n")
        made.writestr("b.ndjson", event(23) + b"\n")
    body = (box / "member.zip").read_bytes()
    (box / "member.zip").write_bytes(body.replace(event(22), event(22).replace(b"COMPLETE", b"COMPLETX"), 1))
    found = take()

    assert found.codes("cut.zip") == ["damaged-archive"]
    assert found.codes("none.zip") == ["damaged-archive"]
    assert "cut-file" in found.codes("member.zip!/a.ndjson") or "unreadable" in found.codes(
        "member.zip!/a.ndjson"
    )
    assert found.file("member.zip!/b.ndjson")["accepted"] == 1


def test_an_archive_that_lies_about_sizes_is_not_believed(box: Path, take: Callable[..., Taken]) -> None:
    """A member said to be small unpacks to no more than it says, and is named."""
    archive(box / "liar.zip", {"events.ndjson": event(20) + b"\n" + b" " * (8 << 20)})
    body = bytearray((box / "liar.zip").read_bytes())
    for signature, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = body.index(signature)
        struct.pack_into("<I", body, start + place, 2000)
    (box / "liar.zip").write_bytes(body)
    found = take()

    assert found.codes("liar.zip!/events.ndjson")


def test_an_archive_of_too_many_members_says_what_is_left_out(
    box: Path, take: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is said once, with the number there is."""
    monkeypatch.setattr(inputs, "MAX_MEMBERS", 3)
    archive(box / "many.zip", {f"{n}.ndjson": event(20 + n) for n in range(5)})
    found = take()

    (problem,) = found.of("many.zip")
    assert problem["code"] == "too-many-members"
    assert "5 members" in problem["reason"]
    assert sum(item["accepted"] for path, item in found.files.items() if "many.zip!/" in path) == 3


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_and_devices_are_not_followed(box: Path, take: Callable[..., Taken], tmp_path: Path) -> None:
    """Nothing outside the folder is read, nothing waits for a pipe, no loop is walked; each is named."""
    (tmp_path / "outside.ndjson").write_bytes(event(40))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.ndjson").write_bytes(event(41))
    sub = box / "sub"
    sub.mkdir()
    (sub / "events.ndjson").write_bytes(event(42))
    (box / "out").symlink_to(tmp_path / "outside.ndjson")
    (box / "elsewhere").symlink_to(tmp_path / "elsewhere")
    (sub / "up").symlink_to(box)
    (sub / "self").symlink_to(sub / "self")
    (sub / "gone").symlink_to(box / "nothing")
    (sub / "alias.ndjson").symlink_to(sub / "events.ndjson")
    os.mkfifo(sub / "pipe.ndjson")
    found = take()

    expected = {
        "/out": ["link-outside"],
        "/elsewhere": ["link-outside"],
        "sub/up": ["link-to-folder"],
        "sub/self": ["link-outside"],
        "sub/gone": ["link-outside"],
        "pipe.ndjson": ["unreadable"],
    }
    assert {name: found.codes(name) for name in expected} == expected
    assert found.file("sub/events.ndjson")["accepted"] + found.file("sub/alias.ndjson")["accepted"] == 1
    assert not any("outside.ndjson" in path or "more.ndjson" in path for path in found.files)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_pipe_or_device_named_by_hand_is_refused(
    tmp_path: Path, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a problem of that input; the others named with it are imported."""
    os.mkfifo(tmp_path / "pipe")
    workspace = tmp_path / "audit.trail"
    status = cli.main(["-w", str(workspace), "import", str(tmp_path / "pipe"), "/dev/zero", str(box)])

    items = json.loads(capsys.readouterr().out)["items"]
    assert status == 1
    assert [item["problems"] for item in items] == [1, 1, 0, 0]
    assert sum(item["accepted"] for item in items) == 3


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_what_may_not_be_read_is_named(box: Path, take: Callable[..., Taken]) -> None:
    """A file and a folder without permission are problems."""
    (box / "mine.ndjson").write_bytes(event(50))
    (box / "closed").mkdir()
    (box / "mine.ndjson").chmod(0)
    (box / "closed").chmod(0)
    try:
        with lineage.open(box.parent / "audit.trail") as workspace:
            workspace.import_([box])
            codes = {
                problem["file"].rpartition("/")[2]: problem["code"] for problem in workspace.problems().items
            }
    finally:
        (box / "mine.ndjson").chmod(0o600)
        (box / "closed").chmod(0o700)
    assert codes == {"mine.ndjson": "unreadable", "closed": "unreadable"}


def test_what_cannot_be_opened_is_named(
    box: Path, take: Callable[..., Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the system refuses (as it does to all but root) is a problem; the others are taken."""
    (box / "mine.ndjson").write_bytes(event(50))
    opened = opening.open_regular

    def refusing(path: Path) -> BinaryIO:
        if path.name == "mine.ndjson":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(opening, "open_regular", refusing)
    found = take()

    (problem,) = found.of("mine.ndjson")
    assert (problem["code"], problem["reason"]) == ("unreadable", "Permission denied")


def test_a_file_that_vanishes_is_named(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gone between being found and being read, as logs are rotated: a problem of that file alone."""
    (box / "going.ndjson").write_bytes(event(50))
    (box / "pipe.ndjson").write_bytes(event(51))
    survey = ingest.survey

    def then_gone(*arguments: Any) -> list[Any]:
        found = list(survey(*arguments))
        (box / "going.ndjson").unlink()
        (box / "pipe.ndjson").unlink()
        os.mkfifo(box / "pipe.ndjson")
        return found

    monkeypatch.setattr(ingest, "survey", then_gone)
    with lineage.open(tmp_path / "audit.trail") as workspace:
        items = workspace.import_([box]).items
        problems = {p["file"].rpartition("/")[2]: p["reason"] for p in workspace.problems().items}
    assert problems == {"going.ndjson": "No such file or directory", "pipe.ndjson": "it is no regular file"}
    assert sum(item["accepted"] for item in items) == 3


def test_a_file_that_grows_while_it_is_read_is_named(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there is taken; that more came is said, and the next import adds it."""
    path = box / "live.ndjson"
    path.write_bytes(event(50) + b"\n")
    read = ingest._read_all

    def then_more(*arguments: Any) -> None:
        read(*arguments)
        if path.stat().st_size == len(event(50)) + 1:
            with path.open("ab") as stream:
                stream.write(event(51) + b"\n")

    monkeypatch.setattr(ingest, "_read_all", then_more)
    with lineage.open(tmp_path / "audit.trail") as workspace:
        workspace.import_([path])
        (problem,) = workspace.problems().items
        assert (problem["code"], problem["rejected"]) == ("changed-while-read", False)
        assert workspace.import_([path]).items[0]["accepted"] == 1


@pytest.mark.skipif(os.name == "nt", reason="names of POSIX are bytes")
def test_odd_names_are_only_names(
    box: Path, take: Callable[..., Taken], capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is no UTF-8, holds a line break, an escape or a quote reaches every answer as plain text."""
    names = [
        b"caf\xe9.ndjson",
        b"two\nlines.ndjson",
        b"\x1b[31mred.ndjson",
        b'it\'s "quoted".ndjson',
        b"%3Fmode=memory.ndjson",
    ]
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(box) + b"/" + name)).write_bytes(event(60 + number) + b"\n")
    folder = Path(os.fsdecode(os.fsencode(box) + b"/d\xfcr"))
    folder.mkdir()
    (folder / "events.ndjson").write_bytes(event(70))
    found = take(labels={"cluster": "pr\udce9d"})

    assert found.problems == []
    assert any(path.endswith("/caf\\xe9.ndjson") for path in found.files)
    assert any(path.endswith("/d\\xfcr/events.ndjson") for path in found.files)
    assert sum(item["accepted"] for item in found.files.values()) == 3 + len(names) + 1
    workspace = box.parent / "audit.trail"
    for form in ("json", "csv", "table"):
        assert cli.main(["-w", str(workspace), "imports", "--format", form]) == 0
        capsys.readouterr().out.encode()
    assert cli.main(["-w", str(workspace), "import", str(box / "no\nsuch\x1b")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.skipif(os.name == "nt", reason="names of POSIX are bytes")
def test_a_database_and_a_workspace_may_have_odd_names(box: Path) -> None:
    """SQLite is given the very bytes of a name, also one that is no UTF-8 or looks like a part of an address."""
    for number, name in enumerate((b"caf\xe9", b"a?mode=memory", b"100%41#b")):
        database = box / os.fsdecode(name + b".db")
        with contextlib.closing(sqlite3.connect(database)) as made:
            made.executescript((SAMPLES / "mlflow" / "store.sql").read_text())
            made.execute("UPDATE experiments SET name = name || ?", (number,))
            made.commit()
        workspace = box.parent / os.fsdecode(name + b".trail")
        before = contents(box)
        with lineage.open(workspace) as opened:
            item = opened.import_([database]).items[0]
            assert (item["source"], item["rejected"]) == ("mlflow", 0)
            assert item["accepted"] > 3
        with lineage.open(workspace) as opened:
            assert opened.entities().total > 3
        assert contents(box) == before
        assert workspace.exists()


def store(path: Path) -> Path:
    """An MLflow database at `path`."""
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript((SAMPLES / "mlflow" / "store.sql").read_text())
        made.commit()
    return path


def test_a_database_in_use_is_read_and_left_alone(box: Path, take: Callable[..., Taken]) -> None:
    """Locked by its owner, in the middle of a change, or with pages waiting beside it: read as of the last commit."""
    with contextlib.ExitStack() as owners:
        for name, mode, begin in (
            ("locked.db", "DELETE", "BEGIN EXCLUSIVE"),
            ("writing.db", "DELETE", "BEGIN IMMEDIATE"),
            ("waiting.db", "WAL", "BEGIN IMMEDIATE"),
        ):
            owner = sqlite3.connect(store(box / name), isolation_level=None)
            owners.callback(owner.close)
            owner.execute(f"PRAGMA journal_mode = {mode}")
            owner.execute("UPDATE experiments SET name = name || ?", (name,))
            owner.execute("PRAGMA cache_size = 1")
            owner.execute(begin)
            if name != "locked.db":
                owner.execute("UPDATE experiments SET name = 'half done'")
        found = take()

    for name in ("locked.db", "writing.db", "waiting.db"):
        assert found.file(name)["accepted"] > 3
        assert found.file(name)["rejected"] == 0
    with lineage.open(box.parent / "audit.trail") as workspace:
        new = sum(file["read"] - file["duplicate"] for file in found.files.values())
        kept = [workspace.record(number)["text"] for number in range(new)]
    assert not any("half done" in text for text in kept)
    assert all(any(name in text for text in kept) for name in ("locked.db", "writing.db", "waiting.db"))


def test_a_damaged_or_foreign_database_is_named(box: Path, take: Callable[..., Taken]) -> None:
    """Cut off, overwritten, encrypted, of another program, of no version we know: never a failure of ours."""
    whole = store(box / "whole.db").read_bytes()
    page = whole.index(b"SQLite format 3") or 4096
    (box / "cut.db").write_bytes(whole[: len(whole) // 2])
    for number in range(1, len(whole) // page):
        broken = bytearray(whole)
        broken[number * page : number * page + 800] = bytes(range(256)) * 3 + bytes(32)
        (box / f"page-{number}.db").write_bytes(broken)
    (box / "header.db").write_bytes(whole[:100] + bytes(4000))
    with contextlib.closing(sqlite3.connect(store(box / "newer.db"))) as made:
        made.executescript(
            "CREATE TABLE alembic_version (v TEXT); INSERT INTO alembic_version VALUES ('ffff')"
        )
    with contextlib.closing(sqlite3.connect(box / "other.db")) as made:
        made.execute("CREATE TABLE customers (id INTEGER)")
        made.commit()
    found = take()

    assert found.file("whole.db")["rejected"] == 0
    assert found.file("other.db")["note"] == "not recognised"
    assert found.codes("cut.db")
    assert found.file("newer.db")["read"] == found.file("whole.db")["read"]
    assert any(codes == ["unreadable-database"] for codes in map(found.codes, found.files))


def test_a_date_beyond_all_calendars_is_not_taken(box: Path, take: Callable[..., Taken]) -> None:
    """A file said to be from the year 30000, or from before 1970, has no date, and every question is answered."""
    for name, when in (("future.ndjson", 900_000_000_000), ("past.yaml", -9_000_000_000)):
        (box / name).write_bytes(isvc(name[:4]) if name.endswith("yaml") else event(80))
        try:
            os.utime(box / name, (when, when))
        except (OSError, OverflowError):
            pytest.skip("no such date can be given to a file here")
    found = take(labels={"cluster": "prod"})

    assert found.problems == []
    assert any(name.endswith("/past") for name in found.names)


def test_folders_without_end_are_left_at_a_depth(box: Path, take: Callable[..., Taken]) -> None:
    """More than a hundred folders inside each other are named, not walked until something breaks."""
    place = box
    for _ in range(130):
        place = place / "d"
        place.mkdir()
    (place / "events.ndjson").write_bytes(event(50))
    (box / "d" / "d" / "events.ndjson").write_bytes(event(51))
    found = take()

    assert [problem["code"] for problem in found.problems] == ["too-deep"]
    assert found.file("box/d/d/events.ndjson")["accepted"] == 1


def test_an_empty_file_is_no_trouble(box: Path, take: Callable[..., Taken]) -> None:
    """Empty files lie in every folder; one that is named by hand is said to be empty."""
    for name in ("empty.json", "blank.ndjson", "empty.yaml"):
        (box / name).write_bytes(b"" if "empty" in name else b"\n \n")
    assert take().problems == []

    found = take([box / "empty.json", box / "0-sound.ndjson"])
    assert [problem["code"] for problem in found.problems] == ["empty-file"]


def test_what_nobody_knows_is_named_when_it_was_named(box: Path, take: Callable[..., Taken]) -> None:
    """A picture in a folder is passed over with a note; named by hand it is a problem."""
    (box / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    found = take()
    assert (found.problems, found.file("picture.png")["note"]) == ([], "not recognised")

    found = take([box / "picture.png"])
    assert [problem["code"] for problem in found.problems] == ["not-recognised"]


@pytest.mark.parametrize("source", [known.NAME for known in sources()])
def test_every_source_survives_what_is_not_its_own(box: Path, tmp_path: Path, source: str) -> None:
    """Forced on any file at all, a source finds problems, not an end."""
    odd = {
        "apiVersion": 5,
        "kind": [],
        "metadata": "x",
        "items": {"a": 1},
        "run": [],
        "job": 7,
        "eventTime": {},
    }
    files = {
        "random.bin": bytes((n * 7919 + (n >> 3)) % 256 for n in range(5000)),
        "deep.json": DEEP,
        "number.json": b"5",
        "list.json": b'[[], {}, null, 5, "x", [[]]]',
        "odd.json": json.dumps(odd).encode(),
        "nulls.json": json.dumps(dict.fromkeys(odd)).encode(),
        "text.txt": "Ein Satz.\nUnd noch einer.\n".encode("utf-16"),
        "blank.txt": b" \n\n",
        "empty.bin": b"",
        "sqlite.db": b"SQLite format 3\0" + b"\xff" * 3000,
        "yaml.yaml": b"- [a, {b: c}]\n---\n5\n---\n~\n",
    }
    for name, body in files.items():
        (box / name).write_bytes(body)
    with lineage.open(tmp_path / "audit.trail") as workspace:
        answer = workspace.import_([box], source=source)
        problems = workspace.problems().items
    assert len(answer.items) >= len(files)
    assert {p["file"].rpartition("/")[2]: p["reason"] for p in problems if p["code"] == "reader-failed"} == {}


def test_a_wrong_path_is_one_line_and_imports_nothing(
    tmp_path: Path, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that is not there ends with 2 before anything is read: it is a slip, not a broken file."""
    workspace = tmp_path / "audit.trail"
    for wrong in (box / "nothing.json", box / ("x" * 300), box / "0-sound.ndjson" / "inside"):
        assert cli.main(["-w", str(workspace), "import", str(box), str(wrong)]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
    with lineage.open(workspace) as opened:
        assert opened.imports().items == []
        with pytest.raises(UnreadableInputError, match="no such source"):
            opened.import_([box], source="nonsense")


def test_the_exit_status_tells_clean_from_troubled(
    tmp_path: Path, box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for a sound folder, 1 when a record was rejected, and the answer still comes on stdout."""
    workspace = str(tmp_path / "audit.trail")
    assert cli.main(["-w", workspace, "import", str(box)]) == 0
    (box / "bad.ndjson").write_bytes(event(9) + b"\n{\n")
    assert cli.main(["-w", workspace, "import", str(box)]) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert cli.main(["-w", workspace, "problems"]) == 1
    assert json.loads(capsys.readouterr().out)["items"][0]["line"] == 2


PLANTED: list[Any] = [
    None, True, 0, -1, 2**63, 2**200, -(2**70), 1e308, "", " ", "x" * 5000, "\ud800", "a\x00b", "\u202e", [], {},
    [[]], [None], {"": ""}, {"a": {"b": [1]}}, "NaN", "inf", "1e999", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999+14:00", "-5", "٣", "½", "1_000", "P1M", "s3://", "//", "file:///", "..", "%00",
    "models:/", "models:/a/", "runs://x", "{}", "[]", "null", "a@b", "system:serviceaccount:x:y", "arn:aws:x",
]  # fmt: skip
"""What a record may hold where something else is expected."""

BY_RECORD = {
    "argocd",
    "aws-iam",
    "azure-activity",
    "bentoml",
    "clearml",
    "cloudtrail",
    "datacontract",
    "evidently",
    "gcp-audit",
    "github",
    "gitlab",
    "great-expectations",
    "helm",
    "jira",
    "kubeflow-pipelines",
    "kubernetes-audit",
    "kubernetes-dump",
    "kubernetes-rbac",
    "mlrun",
    "odcs",
    "openlineage",
    "openslo",
    "pagerduty",
    "prometheus",
    "sagemaker",
    "slo-generator",
    "sloth",
    "soda",
    "vertex",
    "wandb",
}
"""Sources whose records are values by themselves, so that lines of such values are a file of theirs."""


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a value."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, inner in entries:
        yield from spots(inner, (*path, name))


def planted(value: Any, rng: random.Random) -> Any:
    """A copy of `value` with a few places taken by what nobody expects there, or left out."""
    copied = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(spots(copied))
        if not places:
            break
        *way, last = rng.choice(places)
        holder = copied
        for step in way:
            holder = holder[step]
        if rng.random() < 0.15 and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = copy.deepcopy(rng.choice(PLANTED))
    return copied


@pytest.mark.parametrize("seed", range(3))
def test_hostile_values_anywhere_cost_their_record_at_most(tmp_path: Path, seed: int) -> None:
    """Records of every source with odd values planted in them: no failure of ours, every question is answered."""
    rng = random.Random(seed)
    records: dict[str, list[Any]] = {}
    for item in ingest.survey([SAMPLES]):
        if item.source is None or item.found.given is None or item.source.NAME not in BY_RECORD:
            continue
        for record in item.source.records(item.found.given, item.found.origin({})):
            with contextlib.suppress(AttributeError, MalformedError):
                value = loads(record.raw) if record.raw.lstrip()[:1] == b"{" else load_yaml(record.raw)
                if isinstance(value, dict):
                    records.setdefault(item.source.NAME, []).append(value)
    assert records.keys() >= {"kubernetes-audit", "kubernetes-dump", "openlineage"}
    with lineage.open(tmp_path / "audit.trail") as workspace:
        for name, values in sorted(records.items()):
            lines = [json.dumps(planted(rng.choice(values), rng)).encode() for _ in range(250)]
            path = tmp_path / f"{name}.ndjson"
            path.write_bytes(b"\n".join(lines) + b"\n")
            (item,) = workspace.import_([path], source=name, labels={"cluster": "prod"}).items
            assert item["read"] >= 100, name
        failed = [problem for problem in workspace.problems().items if problem["code"] == "reader-failed"]
        assert [(problem["file"][-30:], problem["line"], problem["reason"]) for problem in failed] == []
        digest = workspace.digest().items[0]["digest"]
        for ask in (
            "entities",
            "deployments",
            "live",
            "events",
            "runs",
            "sla",
            "incidents",
            "access",
            "findings",
            "coverage",
            "imports",
        ):
            json.dumps(getattr(workspace, ask)().to_dict(), allow_nan=False).encode()
        assert workspace.rebuild().items[0]["digest"] == digest
    with lineage.open(tmp_path / "shuffled.trail") as workspace:
        for name in sorted(records, reverse=True):
            path = tmp_path / f"{name}.ndjson"
            lines = path.read_bytes().splitlines()
            path.write_bytes(b"\n".join(rng.sample(lines, len(lines))) + b"\n")
            workspace.import_([path], source=name, labels={"cluster": "prod"})
        assert workspace.digest().items[0]["digest"] == digest
