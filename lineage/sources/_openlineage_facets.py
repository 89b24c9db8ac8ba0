"""What do the facets of a dataset or a job say of it, whatever run carries them?

A job says the same of its tables in each of its runs, byte for byte. So everything here is a function of those bytes
alone and remembered by them: the same bytes give the same objects, which nobody may change. What must be put to a run
and a time (`Edge`, `Check`) is completed by the reader of the event. Facets: OpenLineage, spec/facets (sources-ops 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from lineage.model import naming
from lineage.model.facts import Alias, Bundle, Entity, Fact, Json, Key, Link, Use
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Problem
from lineage.sources import _openlineage_checks as checks
from lineage.sources import _openlineage_edges as edges
from lineage.sources._openlineage_attributes import OF_DATASET, OF_JOB
from lineage.sources._openlineage_shapes import (
    LONGEST,
    OF_ONE_JOB,
    REMEMBERED,
    Facet,
    attributes,
    cut,
    holdable,
    keep,
    pieces,
    take,
    without_secrets,
)

_OBJECT_STORES = frozenset(
    {"s3", "s3a", "s3n", "gs", "abfs", "abfss", "wasb", "wasbs", "hdfs", "file", "dbfs"}
)


Said = Fact | Problem


def flat(said: Iterable[Fact | Bundle | Problem | Filtered]) -> Iterator[Fact | Problem | Filtered]:
    """Yield what is said one by one."""
    for one in said:
        if isinstance(one, tuple):
            yield from one
        else:
            yield one


class Dataset(msgspec.Struct, frozen=True, gc=False):
    """What an event says of one dataset by its facets.

    Attributes:
        use: its key and version; facts: its attributes, aliases and links, without a time of their own (that of the run
            in the same record is meant), and what is wrong with its facets.
        checks: figures and verdicts in its facets; lifecycle: what was done to it (`DROP`, ...), previous: its former
            name; lasting: nothing of it is one run's alone.
    """

    use: Use
    facts: tuple[Said, ...] = ()
    checks: tuple[checks.Check, ...] = ()
    lifecycle: str = ""
    previous: Key | None = None
    lasting: bool = True


class Side(msgspec.Struct, frozen=True, gc=False):
    """What the inputs or the outputs of an event say, where nothing of them is one run's alone."""

    uses: tuple[Use, ...]
    facts: tuple[Said, ...]


class Job(msgspec.Struct, frozen=True, gc=False):
    """What an event says of its job by the job's facets; `facts` as in `Dataset`.

    Attributes:
        code: where its code stands; started_by: its facts with the link to the job that started it, made when first
            asked for; about: what is said of its runs with the code added, by the place in memory of that without;
            written: the outputs it has had, by their bytes.
    """

    key: Key
    facts: tuple[Said, ...] = ()
    code: dict[str, Json] | None = None
    streaming: bool = False
    started_by: dict[Key, tuple[Said, ...]] = {}
    about: dict[int, tuple[dict[str, Json], dict[str, Json]]] = {}
    written: dict[bytes, Side] = {}


class _Identifier(msgspec.Struct, gc=False):
    namespace: str
    name: str
    type: str | None = None


class _Symlinks(Facet):
    identifiers: list[_Identifier] | None = None


class _DataSource(Facet):
    name: str | None = None
    uri: str | None = None


class _Version(Facet):
    version: Any = msgspec.field(default=None, name="datasetVersion")


class _Lifecycle(Facet):
    change: str | None = msgspec.field(default=None, name="lifecycleStateChange")
    previous: _Identifier | None = msgspec.field(default=None, name="previousIdentifier")


_SYMLINKS = msgspec.json.Decoder(_Symlinks)
_DATA_SOURCE = msgspec.json.Decoder(_DataSource)
_VERSION = msgspec.json.Decoder(_Version)
_LIFECYCLE = msgspec.json.Decoder(_Lifecycle)
_COLUMNS = msgspec.json.Decoder(edges.ColumnLineage)
_LINEAGE = msgspec.json.Decoder(edges.Entry)
_ENTRIES = msgspec.json.Decoder(edges.Entries)


@lru_cache(maxsize=REMEMBERED)
def _of_dataset(name: str, raw: bytes, where: str) -> dict[str, Json] | Problem:
    return attributes(OF_DATASET[name], raw, where)


@lru_cache(maxsize=REMEMBERED)
def _of_job(name: str, raw: bytes, where: str) -> dict[str, Json] | Problem:
    return attributes(OF_JOB[name], raw, where)


@lru_cache(maxsize=REMEMBERED)
def _columns(raw: bytes, target: Key, job: Key | None, where: str) -> list[Link] | Problem:
    facet = take(_COLUMNS, raw, where)
    if isinstance(facet, Problem):
        return facet
    return [] if facet.deleted else edges.columns(facet, target, job)


@lru_cache(maxsize=REMEMBERED)
def _lineage(raw: bytes, target: Key, job: Key | None, where: str) -> list[Link] | Problem:
    facet = take(_LINEAGE, raw, where)
    if isinstance(facet, Problem):
        return facet
    return [] if facet.deleted else edges.explicit(facet, target, job, job)


_KNOWN: dict[tuple[str, str, bytes, Key | None, str], Dataset] = {}


def dataset(namespace: str, name: str, facets: bytes, job: Key | None, where: str) -> Dataset:
    """Return what the facets of a dataset say; `job`: the one that wrote it, None where that is not said.

    Raises `msgspec.DecodeError` for a name that no database can hold.
    """
    known = _KNOWN.get((namespace, name, facets, job, where))
    if known is not None:
        return known
    if "\0" in namespace or "\0" in name:
        raise msgspec.DecodeError("a name holds NUL")
    if not facets or facets == b"null":
        return Dataset(Use(naming.dataset(namespace, name)))
    given = _open(facets, f"{where}.facets")
    if isinstance(given, Problem):
        return Dataset(Use(naming.dataset(namespace, name)), (given,))
    version = given.pop("version", None)
    make = _dataset if len(facets) <= LONGEST else _dataset.__wrapped__
    said = make(namespace, name, tuple(given.items()), job, where)
    if version is None or version == b"null":
        keep(_KNOWN, (namespace, name, facets, job, where), said, len(facets))
        return said
    stood = take(_VERSION, version, f"{where}.facets.version")
    if isinstance(stood, Problem):
        return msgspec.structs.replace(said, facts=(*said.facts, stood))
    if stood.deleted or stood.version is None:
        return said
    return msgspec.structs.replace(said, use=Use(said.use.key, str(stood.version)), lasting=False)


@lru_cache(maxsize=REMEMBERED)
def _dataset(
    namespace: str, name: str, given: tuple[tuple[str, bytes], ...], job: Key | None, where: str
) -> Dataset:
    key = naming.dataset(namespace, name)
    of_feast = any(facet == "feast_dataSource" for facet, _ in given)
    said: dict[str, Json] = {}
    aliases: list[Alias] = []
    links: list[Link] = []
    found: list[checks.Check] = []
    problems: list[Problem] = []
    lifecycle = ""
    previous = None
    for facet, raw in given:
        place = f"{where}.facets.{facet}"
        if raw == b"null":
            continue
        if facet in OF_DATASET:
            part = _of_dataset(facet, raw, place)
            if isinstance(part, Problem):
                problems.append(part)
            else:
                said |= {attribute: value for attribute, value in part.items() if attribute not in said}
        elif facet in {"columnLineage", "lineage"}:
            stated = (_columns if facet == "columnLineage" else _lineage)(raw, key, job, place)
            if isinstance(stated, Problem):
                problems.append(stated)
            else:
                links += stated
        elif facet == "symlinks":
            symlinks = take(_SYMLINKS, raw, place)
            if isinstance(symlinks, Problem):
                problems.append(symlinks)
            elif not symlinks.deleted:
                for one in symlinks.identifiers or ():
                    other = naming.dataset(one.namespace, one.name)
                    # Several tables may lie in one place, so a place proves no table the same (sources-ops 1).
                    if (one.type or "").upper() == "LOCATION":
                        said["location"] = f"{one.namespace}/{one.name.lstrip('/')}"
                    elif other != key:
                        aliases.append(Alias(key, other, "symlink"))
        elif facet == "dataSource":
            source = take(_DATA_SOURCE, raw, place)
            if isinstance(source, Problem):
                problems.append(source)
            elif not source.deleted:
                uri = source.uri or ""
                if uri and uri not in {namespace, source.name}:
                    said["data_source"] = without_secrets(uri)
                aliases += _place(key, uri, of_feast=of_feast)
        elif facet == "lifecycleStateChange":
            change = take(_LIFECYCLE, raw, place)
            if isinstance(change, Problem):
                problems.append(change)
            elif not change.deleted and change.change:
                lifecycle = change.change.upper()
                said["lifecycle"] = lifecycle
                if change.previous is not None:
                    previous = naming.dataset(change.previous.namespace, change.previous.name)
        elif facet in {"dataQualityAssertions", "dataQualityMetrics"}:
            figures = checks.read(facet, raw, place)
            if isinstance(figures, Problem):
                problems.append(figures)
            else:
                found += figures
        elif raw[:1] != b"{":
            problems.append(Problem("bad-type", "a facet is an object", place, cut(raw), fatal=False))
    about = [Entity(key, holdable(said))] if said else []
    facts: tuple[Fact | Problem, ...] = (*about, *aliases, *edges.once(links), *problems)
    return Dataset(Use(key), facts, tuple(found), lifecycle, previous, not found and not lifecycle)


def job(namespace: str, name: str, facets: bytes, where: str) -> Job:
    """Return what the facets of a job say."""
    if len(facets) > LONGEST:
        return _job.__wrapped__(namespace, name, facets, where)
    return _job(namespace, name, facets, where)


@lru_cache(maxsize=REMEMBERED)
def _job(namespace: str, name: str, facets: bytes, where: str) -> Job:
    key = Key(Kind.JOB, namespace, name)
    if not facets or facets == b"null":
        return Job(key)
    given = _open(facets, where)
    if isinstance(given, Problem):
        return Job(key, (given,))
    said: dict[str, Json] = {}
    problems: list[Problem] = []
    links: list[Link] = []
    for facet, raw in given.items():
        place = f"{where}.{facet}"
        if raw == b"null":
            continue
        if facet in OF_JOB:
            part = _of_job(facet, raw, place)
            if isinstance(part, Problem):
                problems.append(part)
            else:
                said |= part
        elif facet == "lineage":
            entries = take(_ENTRIES, raw, place)
            if isinstance(entries, Problem):
                problems.append(entries)
            elif not entries.deleted:
                links = edges.of_job(entries, key)
        elif raw[:1] != b"{":
            problems.append(Problem("bad-type", "a facet is an object", place, cut(raw), fatal=False))
    streaming = str(said.get("processing_type") or "").upper() in {"STREAMING", "SERVICE"}
    about = [Entity(key, holdable(said))] if said else []
    return Job(key, (*about, *links, *problems), said.get("code"), streaming)


def started_by(parent: Key, job: Job) -> tuple[Said, ...]:
    """Return what is said of a job by a run that `parent` started: the job's facts, and the link between the two."""
    facts = job.facts
    if parent != job.key:
        facts = (*facts, Link(parent, job.key, Relation.PARENT, Basis.DECLARED, "parent"))
    keep(job.started_by, parent, facts, 0, OF_ONE_JOB)
    return facts


def with_code(about: dict[str, Json], job: Job) -> dict[str, Json]:
    """Return what is said of a run and the code of its job; nobody may change it."""
    known = job.about.get(id(about))
    if known is None:
        known = (about, {**about, "code": job.code})
        keep(job.about, id(about), known, 0, OF_ONE_JOB)
    return known[1]


def _open(facets: bytes, where: str) -> dict[str, bytes] | Problem:
    try:
        return {name: bytes(raw) for name, raw in pieces(facets).items()}
    except msgspec.DecodeError:
        return Problem("bad-type", "facets are an object", where, cut(facets), fatal=False)


def _place(key: Key, uri: str, *, of_feast: bool) -> list[Alias]:
    """Return the alias to the place at `uri`, only where that is the dataset's own and not its store's.

    Feast puts the source's path there, or an invented address: `query://` with a salted hash, `table://`, `feast://`
    (sources-ops 1). Everybody else names the store; a place of files is the dataset's own when it ends in its name.
    """
    scheme, separator, rest = uri.partition("://")
    if not uri or (separator and scheme.lower() not in _OBJECT_STORES):
        return []
    if not of_feast:
        last = re.split(r"[/.]", key.name.strip("/"))[-1]
        end = uri.rstrip("/").rpartition("/")[2]
        if not separator or "/" not in rest.strip("/") or last not in {end, end.partition(".")[0]}:
            return []
    other = naming.dataset_at(uri)
    if other == key or uri.rstrip("/") == key.namespace.rstrip("/"):
        return []
    absolute = bool(separator) or uri.startswith("/")
    return [Alias(key, other, "data-source-uri", confidence=1.0 if absolute else 0.8)]
