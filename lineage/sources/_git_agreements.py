"""From which commit on did a service level agreement hold that is kept in a git repository?

An agreement seldom says itself from when it holds; the commit that put it there is the next best ground (sources-ops
0.10). The documents are read as OpenSLO and ODCS documents in files are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from msgspec.structs import replace

from lineage.model.facts import Fact, Objective
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample, Source, recognise
from lineage.sources._commit import dated
from lineage.sources._git_files import Step, is_agreement
from lineage.sources._git_repository import Repository


class _Text:
    """A file of a repository as an input."""

    path = None

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._raw = text.encode()
        self.size = len(self._raw)

    def open(self) -> BinaryIO:
        return BytesIO(self._raw)

    def members(self) -> Iterator[tuple[str, Input]]:
        return iter(())


def stated(repository: Repository, step: Step) -> Iterator[dict[str, Any]]:
    """Yield what a record has to hold for each agreement that a commit put there, changed or took away."""
    at = step.commit.committer.at
    if at is None:
        return
    for path, (before, after) in step.changed.items():
        if not is_agreement(path):
            continue
        text = repository.text(after or before)
        if text is None or _reader(path, text) is None:
            continue
        yield {
            "path": path,
            "text": text,
            "commit": step.commit.sha,
            "removed": not after,
            "committed": at.text,
        }


def _reader(path: str, text: str) -> Source | None:
    best = recognise(Sample(path.rpartition("/")[2], text.encode()))
    return best[0] if best is not None and "sla" in best[0].PROVES else None


def agreement_facts(
    said: Mapping[str, Any], repository: str, origin: Origin
) -> Iterator[Fact | Problem | Filtered]:
    """Say what the agreement promises, from its commit on where it names no time itself."""
    path, text = str(said.get("path")), str(said.get("text"))
    at = dated(str(said.get("committed")))
    reader = _reader(path, text)
    if reader is None or at is None:
        yield Problem("malformed-record", "the record names no agreement that can be read", "path", path)
        return
    if said.get("removed"):
        yield Filtered("agreement-removed")
        return
    place = Origin(f"{repository}:{path}", origin.labels, repository)
    for item in reader.records(_Text(path.rpartition("/")[2], text), place):
        if isinstance(item, Problem):
            yield replace(item, fatal=False)
            continue
        for fact in reader.read(Record(item.raw, item.offset, item.line, item.row, item.parsed), place):
            if isinstance(fact, Objective) and fact.since is None:
                document = fact.document or f"{repository}:{path}"
                yield replace(fact, since=at, ground="git", document=document)
            elif isinstance(fact, Problem):
                yield replace(fact, fatal=False)
            else:
                yield fact
