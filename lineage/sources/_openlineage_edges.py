"""Which columns, datasets and jobs does an event say flow into which?

Two facets say it exactly: `columnLineage` of a dataset, and the newer `lineage` of a dataset or a job (spec/facets,
ColumnLineageDatasetFacet 1-2-0, LineageFacet 1-0-0). One event states dozens of links, the same with every run: they
are made once and have no time of their own, which means that of the run in the same record.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lineage.model import naming
from lineage.model.facts import Json, Key, Link
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.text import clip

_TEXT_LIMIT = 500


class Transformation(msgspec.Struct, gc=False):
    """How a source becomes its target, both facets alike."""

    type: str | None = None
    subtype: str | None = None
    description: str | None = None
    masking: bool | None = None


class InputField(msgspec.Struct, gc=False):
    """A source column of `columnLineage`."""

    namespace: str
    name: str
    field: str
    transformations: list[Transformation] | None = None


class OutputField(msgspec.Struct, gc=False):
    """A target column of `columnLineage`; the two texts are the form before version 1-2-0."""

    inputs: list[InputField] | None = msgspec.field(default=None, name="inputFields")
    description: str | None = msgspec.field(default=None, name="transformationDescription")
    type: str | None = msgspec.field(default=None, name="transformationType")


class ColumnLineage(msgspec.Struct, gc=False):
    """The facet `columnLineage`; `dataset`: columns that affect every row (filter, join, sort)."""

    fields: dict[str, OutputField] | None = None
    dataset: list[InputField] | None = None
    deleted: bool | None = msgspec.field(default=None, name="_deleted")


class Source(msgspec.Struct, gc=False):
    """A source of the facet `lineage`: a dataset, one field of it, or a job; without a name, the event's own job."""

    type: str | None = None
    namespace: str | None = None
    name: str | None = None
    field: str | None = None
    run: str | None = msgspec.field(default=None, name="runId")
    transformations: list[Transformation] | None = None


class Sources(msgspec.Struct, gc=False):
    """The sources of one target field."""

    inputs: list[Source] | None = None


class Entry(msgspec.Struct, gc=False):
    """A target of the job facet `lineage`; the dataset facet is the same without its own name."""

    type: str | None = None
    namespace: str | None = None
    name: str | None = None
    run: str | None = msgspec.field(default=None, name="runId")
    inputs: list[Source] | None = None
    fields: dict[str, Sources] | None = None
    deleted: bool | None = msgspec.field(default=None, name="_deleted")


class Entries(msgspec.Struct, gc=False):
    """The job facet `lineage`."""

    entries: list[Entry] | None = None
    deleted: bool | None = msgspec.field(default=None, name="_deleted")


_Pairs = dict[tuple[Key, Key], list[Transformation]]


def columns(facet: ColumnLineage, target: Key, job: Key | None) -> list[Link]:
    """Return what `columnLineage` says of the dataset `target`."""
    pairs: _Pairs = {}
    datasets: dict[Key, None] = {}
    for name, output in (facet.fields or {}).items():
        old = (
            [Transformation(output.type, None, output.description)]
            if output.type or output.description
            else []
        )
        for source in output.inputs or ():
            found = naming.dataset(source.namespace, source.name)
            datasets[found] = None
            pair = (naming.column(found, source.field), naming.column(target, name))
            pairs.setdefault(pair, []).extend(source.transformations or old)
    for source in facet.dataset or ():
        found = naming.dataset(source.namespace, source.name)
        datasets[found] = None
        pairs.setdefault((naming.column(found, source.field), target), []).extend(
            source.transformations or ()
        )
    return _links(pairs, datasets, target, job, Basis.COLUMN_EXACT, "columnLineage")


def _links(
    pairs: _Pairs, datasets: Iterable[Key], target: Key, job: Key | None, basis: Basis, rule: str
) -> list[Link]:
    links = [
        Link(source, target, Relation.DERIVED, basis, rule, job=job)
        for source in datasets
        if source != target
    ]
    for (source, column), steps in pairs.items():
        if source != column:
            detail = _how(steps) | ({"context": "dataset"} if column == target else {})
            links.append(
                Link(source, column, Relation.COLUMN, Basis.COLUMN_EXACT, rule, job=job, detail=detail)
            )
    return links


def _how(steps: list[Transformation]) -> dict[str, Json]:
    """Return transformation, description and masking of a link, each only where it is stated."""
    how: dict[str, Json] = {}
    names = dict.fromkeys(" ".join(word for word in (step.type, step.subtype) if word) for step in steps)
    if any(names):
        how["transformation"] = "; ".join(filter(None, names))
    texts = dict.fromkeys(step.description for step in steps if step.description)
    if texts:
        how["description"] = clip("; ".join(texts), _TEXT_LIMIT)
    masking = [step.masking for step in steps if step.masking is not None]
    if masking:
        how["masking"] = any(masking)
    return how


def explicit(entry: Entry, target: Key, own: Key | None, job: Key | None) -> list[Link]:
    """Return what the facet `lineage` says of one target; `own`: the event's job, for sources without a name.

    An empty list of inputs states that nothing tracked flows in: the dataset is then an output of the job alone.
    """
    pairs: _Pairs = {}
    datasets: dict[Key, None] = {}
    links: list[Link] = []
    wanted: list[tuple[str | None, Source]] = [(None, source) for source in entry.inputs or ()]
    for name, sources in (entry.fields or {}).items():
        wanted += [(name, source) for source in sources.inputs or ()]
    for field, source in wanted:
        if (source.type or "").upper() == "JOB":
            links += _from_job(source, target, own)
        elif source.namespace and source.name:
            found = naming.dataset(source.namespace, source.name)
            if target.kind is Kind.JOB:
                detail = {"field": source.field} if source.field else {}
                steps = _how(source.transformations or [])
                link = Link(found, target, Relation.INPUT, Basis.DECLARED, "lineage", detail=detail | steps)
                links.append(link)
                continue
            datasets[found] = None
            if source.field or field:
                origin = naming.column(found, source.field) if source.field else found
                reached = naming.column(target, field) if field else target
                pairs.setdefault((origin, reached), []).extend(source.transformations or ())
    if not wanted and entry.inputs is not None and own is not None and target.kind is Kind.DATASET:
        detail = {"upstream": "none"}
        links.append(Link(own, target, Relation.OUTPUT, Basis.DECLARED, "lineage", detail=detail))
    return [*_links(pairs, datasets, target, job, Basis.DECLARED, "lineage"), *once(links)]


def _from_job(source: Source, target: Key, own: Key | None) -> list[Link]:
    job = Key(Kind.JOB, source.namespace, source.name) if source.namespace and source.name else own
    if job is None or job == target:
        return []
    detail: dict[str, Json] = {"run_id": source.run} if source.run else {}
    detail |= _how(source.transformations or [])
    relation = Relation.OUTPUT if target.kind is Kind.DATASET else Relation.DERIVED
    return [Link(job, target, relation, Basis.DECLARED, "lineage", detail=detail)]


def once(links: Iterable[Link]) -> list[Link]:
    """Keep the first link of a kind between two things: a job that feeds ten fields of a dataset feeds the dataset."""
    seen: dict[tuple[Key, Key, Relation], Link] = {}
    for link in links:
        seen.setdefault((link.source, link.target, link.type), link)
    return list(seen.values())


def of_job(facet: Entries, job: Key) -> list[Link]:
    """Return what the job facet `lineage` says."""
    links: list[Link] = []
    for entry in facet.entries or ():
        named = bool(entry.namespace and entry.name)
        if (entry.type or "").upper() == "JOB":
            target = Key(Kind.JOB, entry.namespace or "", entry.name or "") if named else job
        elif named:
            target = naming.dataset(entry.namespace or "", entry.name or "")
        else:
            continue
        links += explicit(entry, target, job, job)
    return links
