"""How files, folders and archives are found and opened: read-only, within limits, each thing once or named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import inputs, opening
from lineage.errors import UnreadableInputError
from lineage.inputs import Found, sample_of, walk
from lineage.opening import FolderInput, file_input
from lineage.source import Sample


def never(sample: Sample) -> bool:
    """No folder belongs together."""
    return False


def found_in(*paths: Path) -> dict[str, Found]:
    """What lies below, by the name it is shown under."""
    return {found.path.rpartition("box")[2]: found for found in walk(paths, never)}


def body(found: Found) -> bytes:
    """The decompressed bytes of an input."""
    assert found.given is not None
    with found.given.open() as stream:
        return stream.read()


def until_it_breaks(stream: BinaryIO, step: int) -> tuple[bytes, str]:
    """What could be read, and the words of the error that ended it; no words where the end was reached."""
    parts: list[bytes] = []
    try:
        while piece := stream.read(step):
            parts.append(piece)
    except OSError as error:
        return b"".join(parts), str(error) or "an error without words"
    return b"".join(parts), ""


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


def test_files_are_found_in_the_order_of_their_names(box: Path) -> None:
    """Any two machines import a folder in the same order."""
    for name in ("b/2", "b/10", "a", "c/x/1", "B", ".hidden", "é"):
        path = box / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    assert list(found_in(box)) == ["/.hidden", "/B", "/a", "/b/10", "/b/2", "/c/x/1", "/é"]
    assert {found.folder for found in found_in(box).values()} == {"box", "b", "x"}


def test_what_git_and_python_keep_for_themselves_is_passed_over(box: Path) -> None:
    """A checkout holds its history in thousands of files that say nothing."""
    for name in (".git/config", "__pycache__/a.pyc", "a.json"):
        (box / name).parent.mkdir(exist_ok=True)
        (box / name).write_text("x")

    assert list(found_in(box)) == ["/a.json"]


def test_a_folder_that_belongs_together_is_one_input(box: Path) -> None:
    """Its listing decides, and its members come sorted with their paths."""
    for name in ("run/meta.yaml", "run/tags/b", "run/tags/a", "other.json"):
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_text(name)
    found = {one.path: one for one in walk([box], lambda sample: "meta.yaml" in sample.listing)}

    together = found[f"{box.as_posix()}/run"]
    assert isinstance(together.given, FolderInput)
    assert [name for name, _ in together.given.members()] == ["meta.yaml", "tags/a", "tags/b"]
    assert together.sample.listing == ("meta.yaml", "tags/a", "tags/b")
    assert len(found) == 2


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_what_cannot_be_read_in_such_a_folder_stands_among_its_members(box: Path) -> None:
    """A link or a pipe is not followed and not silently left out: opening it says why."""
    (box / "meta.yaml").write_text("x")
    (box / "tags").mkdir()
    (box / "tags" / "link").symlink_to("/etc/hostname")
    (box / "tags" / "loop").symlink_to(box)
    os.mkfifo(box / "tags" / "pipe")
    members = dict(FolderInput(box, "box").members())

    assert list(members) == ["meta.yaml", "tags/link", "tags/loop", "tags/pipe"]
    for name in ("tags/link", "tags/loop", "tags/pipe"):
        with pytest.raises(UnreadableInputError):
            members[name].open()
    assert sample_of(members["meta.yaml"]).head == b"x"


def test_a_gz_and_a_member_read_as_what_is_in_them(box: Path) -> None:
    """Names lose their .gz; a member's folder is the one it lies in."""
    (box / "log.json.gz").write_bytes(gzip.compress(b"one") + gzip.compress(b"two"))
    with zipfile.ZipFile(box / "pack.zip", "w") as made:
        made.writestr("prod/log.json", b"three")
        made.writestr("log.json.gz", gzip.compress(b"four"))
        made.writestr(zipfile.ZipInfo("bz2.json"), b"five" * 99, zipfile.ZIP_BZIP2)
        made.writestr(zipfile.ZipInfo("lzma.json"), b"six" * 99, zipfile.ZIP_LZMA)
    found = found_in(box)

    assert {name: body(one) for name, one in found.items()} == {
        "/log.json.gz": b"onetwo",
        "/pack.zip!/bz2.json": b"five" * 99,
        "/pack.zip!/log.json.gz": b"four",
        "/pack.zip!/lzma.json": b"six" * 99,
        "/pack.zip!/prod/log.json": b"three",
    }
    assert found["/log.json.gz"].sample.name == "log.json"
    assert found["/log.json.gz"].given.path is None
    assert (found["/pack.zip!/prod/log.json"].folder, found["/pack.zip!/log.json.gz"].folder) == (
        "prod",
        "box",
    )


def test_a_member_is_read_without_holding_it_whole(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream gives what is asked for, and a second opening begins again."""
    with zipfile.ZipFile(box / "pack.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("log.json", os.urandom(1 << 20) * 3)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    given = found_in(box)["/pack.zip!/log.json"].given
    assert given is not None
    for _ in range(2):
        with given.open() as stream:
            assert len(stream.read(1000)) == 1000
            assert len(stream.read()) == (3 << 20) - 1000
            assert stream.read() == b""


@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
def test_all_that_can_be_unpacked_comes_before_the_break(box: Path, step: int) -> None:
    """However little is read at a time, a cut file gives the same bytes, and then an error every time."""
    text = b"".join(b"%d\n" % number for number in range(20_000))
    packed = gzip.compress(text)
    (box / "log.gz").write_bytes(packed[: len(packed) // 2])
    with file_input(box / "log.gz").open() as stream:
        got, error = until_it_breaks(stream, step)
        with pytest.raises(OSError, match="ended before"):
            stream.read(step)
    assert "ended before" in error
    assert text.startswith(got)
    assert len(got) > len(text) // 4


def test_a_bomb_is_cut_at_its_limit(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 200 times its size, and more than is harmless."""
    monkeypatch.setattr(opening, "HARMLESS", 1000)
    (box / "bomb.gz").write_bytes(gzip.compress(b"\0" * (1 << 20)))
    size = (box / "bomb.gz").stat().st_size
    with file_input(box / "bomb.gz").open() as stream:
        got, error = until_it_breaks(stream, 500)
    assert "200 times" in error
    assert len(got) <= 200 * size


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 400),
)
def test_a_damaged_archive_ends_in_nothing_worse_than_a_problem(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    """Any bytes of a zip or gz may be anything: each input reads, or says why it does not."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/é.json", b'{"a": 1}' * 20)
        archive.writestr("b.json.gz", gzip.compress(b'{"b": 2}' * 20))
        archive.writestr(zipfile.ZipInfo("c"), b"c" * 50, zipfile.ZIP_LZMA)
        archive.writestr(zipfile.ZipInfo("d"), b"d" * 50, zipfile.ZIP_BZIP2)
    folder = tmp_path_factory.mktemp("damage") / "box"
    folder.mkdir()
    for name, whole in (("x.zip", made.getvalue()), ("y.json.gz", gzip.compress(b'{"y": 3}' * 50))):
        raw = bytearray(whole)
        for place, value in changes:
            raw[place % len(raw)] = value
        (folder / name).write_bytes(raw[: len(raw) - cut % len(raw)])
    for found in walk([folder], never):
        if found.given is None:
            assert found.problem is not None
            continue
        with found.given.open() as stream:
            until_it_breaks(stream, 100)


def test_the_libraries_errors_are_those_we_know() -> None:
    """What zip members in other compressions raise on damage is among what is caught."""
    for damage in (lzma.LZMAError, EOFError, zipfile.BadZipFile):
        assert issubclass(damage, opening.DAMAGE)
    with pytest.raises(opening.DAMAGE):
        bz2.decompress(b"no")


def test_a_sample_is_the_beginning(box: Path) -> None:
    """64 KiB at most, decompressed, and said to be whole only when it is."""
    (box / "long").write_bytes(b"x" * 100_000)
    (box / "packed.gz").write_bytes(gzip.compress(b"y" * 100_000))
    (box / "short").write_bytes(b"z")
    (box / "wide").write_bytes('{"é": 1}'.encode("utf-16"))
    (box / "odd").write_bytes(b"\xff\xfe\x00\xd8\x00")
    samples = {
        name: sample_of(file_input(box / name)) for name in ("long", "packed.gz", "short", "wide", "odd")
    }

    assert (len(samples["long"].head), samples["long"].whole) == (inputs.SAMPLE, False)
    assert samples["packed.gz"].head == b"y" * inputs.SAMPLE
    assert (samples["short"].head, samples["short"].whole) == (b"z", True)
    assert samples["wide"].first_json == {"é": 1}
    assert samples["odd"].head == b"\xff\xfe\x00\xd8\x00"


def test_ten_thousand_samples_are_not_kept(box: Path) -> None:
    """What was looked at to recognise a file is let go before the next."""
    from lineage.ingest import survey

    for number in range(5):
        (box / f"{number}.txt").write_bytes(b"x" * 70_000)
    assert all(len(item.found.sample.head) <= 8192 for item in survey([box]))


def test_a_missing_path_is_said_before_anything_is_read(box: Path) -> None:
    """A slip of the pen ends the walk with the name and what to do."""
    with pytest.raises(UnreadableInputError) as refused:
        list(walk([box / "nothing"], never))
    assert refused.value.where.endswith("nothing")
    assert refused.value.remedy
    with pytest.raises(UnreadableInputError, match="no regular file"):
        file_input(box)
