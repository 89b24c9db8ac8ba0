"""What does a saved `git log` say: the text it prints, or a table of one commit a line?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage import framing
from lineage.framing import MAX_RECORD
from lineage.source import Input, Problem, Record
from lineage.sources._commit import Commit, Signed, dated, signature, visible

_START = re.compile(rb"^commit [0-9a-f]{40}(?:[0-9a-f]{24})?(?= |\r?$)", re.MULTILINE)
_ROW = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)\t[^\t\n]*\t[^\t\n]*\t\d[^\t\n]*(?:\t[^\n]*)?")


def is_log(head: bytes) -> bool:
    """Tell whether a file begins as `git log` prints: a commit, then its author."""
    start = _START.match(head.removeprefix(b"\xef\xbb\xbf"))
    return bool(start) and bool(re.search(rb"^(?:Author: |author )", head[:4096], re.MULTILINE))


def is_table(head: bytes) -> bool:
    """Tell whether a file is a table of commits: `git log --format=%H%x09%an%x09%ae%x09%aI...`."""
    first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].rstrip(b"\r")
    row = _ROW.fullmatch(first)
    return row is not None and dated(visible(first.split(b"\t")[3])) is not None


def log_records(given: Input) -> Iterator[Record | Problem]:
    """Cut what `git log` printed into its commits."""
    document = framing.whole(given)
    if isinstance(document, Problem):
        yield document
        return
    raw = document.raw
    starts = [found.start() for found in _START.finditer(raw)]
    line = 1
    counted = 0
    for begin, end in zip(starts, [*starts[1:], len(raw)], strict=True):
        line += raw.count(b"\n", counted, begin)
        counted = begin
        body = raw[begin:end].rstrip()
        if len(body) > MAX_RECORD:
            yield Problem("too-large", f"a commit of {len(body)} bytes is not read", offset=begin, line=line)
        else:
            yield Record(body, begin, line)


def of_log(raw: bytes, zone: str) -> Commit | Problem:
    r"""Read one commit of what `git log` printed, in any of its own formats.

    >>> printed = b"\nAuthor: A <a@x.example>\nDate:   Mon Apr 13 09:00:01 2026 +0200\n\n    Hi"
    >>> of_log(b"commit " + b"a" * 40 + printed, "").message
    'Hi'
    """
    text = visible(raw).replace("\r\n", "\n")
    first, _, rest = text.partition("\n")
    _, sha, *more = first.split(" ", 2)
    head, _, body = rest.partition("\n\n")
    said: dict[str, str] = {}
    parents = []
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        if name.rstrip(":") == "parent":
            parents.append(value.strip())
        said.setdefault(name.rstrip(":"), value.strip())
    author = signature(said.get("author") or said.get("Author", ""))
    committer = signature(said.get("committer") or said.get("Commit", ""))
    stood = said.get("AuthorDate") or said.get("Date") or ""
    if author.at is None and stood:
        author = author._replace(at=dated(stood, zone))
    if committer.at is None and said.get("CommitDate"):
        committer = committer._replace(at=dated(said["CommitDate"], zone))
    if author.at is None and committer.at is None:
        return Problem("bad-time", "the commit has no date that can be placed", "Date", stood)
    message = []
    for line in body.split("\n"):
        if line and not line.startswith("    "):
            break
        message.append(line[4:])
    shown = more[0].strip("() ") if more else ""
    refs = tuple(ref.strip() for ref in shown.split(",") if ref.strip())
    return Commit(
        sha, author, committer, "\n".join(message).strip(), tuple(parents), refs, signed="gpgsig" in said
    )


def of_row(raw: bytes, zone: str) -> Commit | Problem:
    """Read one line of a table: commit, author, e-mail, date, and where they stand the refs and the first line."""
    if not _ROW.fullmatch(raw.rstrip(b"\r")):
        return Problem(
            "not-a-commit", "the line is not commit, author, e-mail, date", value=visible(raw[:80])
        )
    sha, name, email, date, *more = visible(raw).rstrip("\r").split("\t")
    at = dated(date, zone)
    if at is None:
        return Problem("bad-time", "the date cannot be placed", "date", date)
    refs = tuple(ref.strip() for ref in more[0].split(",") if ref.strip()) if len(more) > 1 else ()
    return Commit(sha, Signed(name, email, at), Signed(), more[-1] if more else "", refs=refs)
