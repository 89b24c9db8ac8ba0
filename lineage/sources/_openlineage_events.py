"""What does one sound event state, as facts?

This runs for every event of a file of millions, so it does little for each: whatever was read from the same bytes
before is used again (a job, a table), and its facts stand ready. Only the bytes of a part decide what is read from it;
nothing depends on what was read before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from lineage.model import moment
from lineage.model.facts import Bundle, Entity, Fact, Happened, Key, Link, Measured, Run, Use
from lineage.model.moment import Moment
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Filtered, Origin, Problem
from lineage.sources import _openlineage_checks as checks
from lineage.sources import _openlineage_facets as facets
from lineage.sources import _openlineage_runs as runs
from lineage.sources._openlineage_shapes import OF_ONE_JOB, REMEMBERED, keep, refuse_nul
from lineage.text import clip, loads

_RUN: Final = Kind.RUN
_START: Final = RunState.START
_COMPLETE: Final = RunState.COMPLETE
_STATES = {state.name: state for state in RunState}
# Where this stands, no two events have the same outputs, and none need be remembered.
_FIGURES: Final = b'"outputStatistics"'
_GONE = {"DROP": "drop", "RENAME": "rename", "TRUNCATE": "truncate"}
_REPLACE: dict[str, str] = {"mode": "replace"}

_ABSENT = msgspec.Raw(b"")
_Said = Fact | Bundle | Problem | Filtered
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Event(msgspec.Struct, gc=False):
    time: str = msgspec.field(name="eventTime")
    type: str | None = msgspec.field(default=None, name="eventType")
    run: msgspec.Raw = _ABSENT
    job: msgspec.Raw = _ABSENT
    dataset: msgspec.Raw = _ABSENT
    inputs: msgspec.Raw = _ABSENT
    outputs: msgspec.Raw = _ABSENT
    producer: msgspec.Raw = _ABSENT
    schema: msgspec.Raw = msgspec.field(default=_ABSENT, name="schemaURL")


class _RunPart(msgspec.Struct, gc=False):
    id: _Name = msgspec.field(name="runId")
    facets: msgspec.Raw = _ABSENT


class _Part(msgspec.Struct, gc=False):
    """A job or a dataset."""

    namespace: _Name
    name: _Name
    facets: msgspec.Raw = _ABSENT
    inputs: msgspec.Raw = msgspec.field(default=_ABSENT, name="inputFacets")
    outputs: msgspec.Raw = msgspec.field(default=_ABSENT, name="outputFacets")


class _Scene(msgspec.Struct, gc=False):
    """Where the datasets of an event stand: written by `job` (None: read), in `run`.

    `settled`: the run has succeeded; `begun`: it only starts now.
    """

    where: str
    job: Key | None
    run: Key | None
    at: Moment
    settled: bool = False
    begun: bool = False


_decode = msgspec.json.Decoder(_Event).decode
_decode_run = msgspec.json.Decoder(_RunPart).decode
_decode_part = msgspec.json.Decoder(_Part).decode
_decode_parts = msgspec.json.Decoder(list[_Part]).decode

_JOBS: dict[bytes, facets.Job] = {}
_SIDES: dict[bytes, facets.Side] = {}
# By the places in memory of what they are made of, which they keep there.
_JOINED: dict[tuple[int, ...], tuple[tuple[tuple[facets.Said, ...], ...], tuple[facets.Said, ...]]] = {}
_TOGETHER: dict[tuple[int, ...], tuple[tuple[tuple[facets.Said, ...], ...], tuple[_Said, ...]]] = {}
_USES: dict[tuple[Use, ...], tuple[Use, ...]] = {}
_NONE: Final = facets.Side((), ())


def state(raw: bytes, origin: Origin, said: list[_Said]) -> None:
    """Add what the event states to `said`.

    Raises what msgspec raises where the record has not an event's shape, and `MalformedError` for a key that stands
    twice.
    """
    event = _decode(raw)
    run = event.run
    kind = event.type
    sizes = [*map(len, (run, event.job, event.inputs, event.outputs, event.producer, event.schema))]
    # All eight fields of a run event are there nearly always; then their names take 54 bytes and quotes 4.
    if kind is None or 0 in sizes or not _exact(len(raw), sum(sizes) + len(event.time) + len(kind) + 58, 8):
        _check_keys(raw, event)
    elif not raw.isascii():
        raw.decode()
    try:
        at = moment.parse(event.time)
        if at.assumed:
            at = moment.parse(event.time, origin.label("timezone"))
    except (ValueError, OverflowError):
        said.append(Problem("bad-time", "the event's time is no time", "eventTime", clip(event.time)))
        return
    if len(run) > 4 or _given(run):
        _state_run(event, run, at, said)
    elif _given(event.job):
        _state_job(event, at, said)
    elif _given(event.dataset):
        part = _decode_part(event.dataset)
        _check_parts(bytes(event.dataset), [part], 0)
        stated: list[_Said] = []
        side, _ = _state_datasets([part], _Scene("dataset", None, None, at, settled=True), stated, len(raw))
        said += _timed([*side.facts, *stated], at, None)
    else:
        said.append(Problem("missing-field", "an event has a run, a job or a dataset", "run"))


def _given(piece: msgspec.Raw) -> bool:
    return len(piece) > 4 or (len(piece) > 0 and bytes(piece) != b"null")


def _exact(length: int, size: int, keys: int) -> bool:
    """Tell whether an object of `length` bytes is made up by `keys` fields whose names and values take `size`.

    The decoder takes the last of two equal keys and skips what it does not know. What stands twice or is unknown is
    left over here, in the two forms that Java (`"key":value,`) and Python (`"key": value, `) write; all else, and names
    with escapes in them, is read again strictly.
    """
    return length == size + 4 * keys + 1 or length == size + 6 * keys


def _check_keys(raw: bytes, event: _Event) -> None:
    """Raise `MalformedError` when a key of the event stands twice; for events without some of the usual fields."""
    keys = 1
    size = 11 + len(event.time)
    if event.type is not None:
        keys += 1
        size += 11 + len(event.type)
    for name, piece in (
        (3, event.run),
        (3, event.job),
        (7, event.dataset),
        (6, event.inputs),
        (7, event.outputs),
        (8, event.producer),
        (9, event.schema),
    ):
        if length := len(piece):
            keys += 1
            size += name + length
    if not _exact(len(raw.rstrip()), size, keys):
        loads(raw)
    elif not raw.isascii():
        raw.decode()


def _check_parts(raw: bytes, parts: list[_Part], lists: int) -> None:
    """Raise `MalformedError` when a key stands twice in one of `parts`; `lists`: 1 when `raw` is the list of them."""
    size = keys = 0
    for part in parts:
        keys += 2
        size += 17 + len(part.namespace) + len(part.name)
        if length := len(part.facets):
            keys += 1
            size += 6 + length
        if length := len(part.inputs):
            keys += 1
            size += 11 + length
        if length := len(part.outputs):
            keys += 1
            size += 12 + length
    gaps = lists * (len(parts) + 1)
    if len(raw) not in (size + 4 * keys + len(parts) + gaps, size + 6 * keys + 2 * gaps - 2 * lists):
        loads(raw)


def _job(raw: bytes) -> facets.Job:
    job = _JOBS.get(raw)
    if job is None:
        part = _decode_part(raw)
        refuse_nul(raw)
        _check_parts(raw, [part], 0)
        job = facets.job(part.namespace, part.name, bytes(part.facets), "job.facets")
        keep(_JOBS, raw, job, len(raw))
    return job


def _state_run(event: _Event, raw: msgspec.Raw, at: Moment, said: list[_Said]) -> None:
    part = _decode_run(raw)
    length = len(part.facets)
    if not _exact(len(raw), 13 + len(part.id) + length, 2) and (
        length or not _exact(len(raw), 7 + len(part.id), 1)
    ):
        loads(bytes(raw))
    body = bytes(event.job)
    job = _JOBS.get(body)
    if job is None:
        if not _given(event.job):
            said.append(Problem("missing-field", "the field is missing", "job"))
            return
        job = _job(body)
    identity = part.id
    if "\0" in identity:
        refuse_nul(bytes(raw))
    if "{{" in identity:
        said.append(Problem("bad-value", "the run id is a template, not an id", "run.runId", clip(identity)))
        return
    key = job.key
    run = Key(_RUN, key.namespace, identity)
    state = _STATES.get(event.type or "OTHER") or _state(event.type or "", said)
    told = runs.read(part.facets)
    settled = state is _COMPLETE
    begun = state is _START
    own: list[_Said] = []
    body = bytes(event.inputs)
    read = _SIDES.get(body)
    if read is None:
        read = _state_side(body, _Scene("inputs", None, run, at, settled, begun), own, _SIDES)
    size = len(body)
    body = bytes(event.outputs)
    size += len(body)
    written = None if _FIGURES in body[-400:] else job.written.get(body)
    if written is None:
        written = _state_side(body, _Scene("outputs", key, run, at, settled, begun), own, job.written)
    inputs = read.uses
    outputs = written.uses
    if told.inlets or told.outlets:
        inputs, outputs = _with_assets(told, inputs, outputs, key, own)
    about = told.attributes if job.code is None else facets.with_code(told.attributes, job)
    parent = told.parent if told.parent != run else None
    of_job = job.facts
    if told.parent_job is not None:
        of_job = job.started_by.get(told.parent_job) or facets.started_by(told.parent_job, job)
    said.append(
        Run(run, key, state, at, inputs, outputs, None, None, False, job.streaming, parent, told.actor, about)
    )
    said += _together(size, of_job, read.facts, written.facts)
    said += own
    if told.tests and not begun:
        named = {one.detail.get("name") for one in own if isinstance(one, Measured)}
        said += checks.put([one for one in told.tests if one.detail["name"] not in named], key, at, run)
    if told.problems:
        said += told.problems


def _together(size: int, *parts: tuple[facets.Said, ...]) -> tuple[_Said, ...]:
    """Return the facts of all the parts as one bundle, and after it what is wrong with them."""
    named = tuple(map(id, parts))
    known = _TOGETHER.get(named)
    if known is None:
        every = [one for part in parts for one in part]
        facts = tuple(one for one in every if not isinstance(one, Problem))
        problems = [one for one in every if isinstance(one, Problem)]
        known = (parts, (facts, *problems) if facts else tuple(problems))  # type: ignore[arg-type]
        keep(_TOGETHER, named, known, size)
    return known[1]


def _state(text: str, said: list[_Said]) -> RunState:
    """Return the state; an event with an unknown one says only that the run was seen."""
    known = _STATES.get(text.upper())
    if known is None:
        said.append(Problem("bad-value", "no such event type", "eventType", clip(text), fatal=False))
        return RunState.OTHER
    return known


def _state_job(event: _Event, at: Moment, said: list[_Said]) -> None:
    kind = bytes(event.schema)
    if b"JobEvent" not in kind and (b"RunEvent" in kind or event.type is not None):
        said.append(Problem("missing-field", "a run event names its run", "run.runId"))
        return
    job = _job(bytes(event.job))
    key = job.key
    stated: list[_Said] = [Entity(key)]
    read = _state_side(bytes(event.inputs), _Scene("inputs", None, None, at), stated, {})
    written = _state_side(bytes(event.outputs), _Scene("outputs", key, None, at), stated, {})
    stated += [*read.facts, *written.facts]
    stated += [Link(use.key, key, Relation.INPUT, Basis.DECLARED, "JobEvent") for use in read.uses]
    stated += [Link(key, use.key, Relation.OUTPUT, Basis.DECLARED, "JobEvent") for use in written.uses]
    stated += job.facts
    said += _timed(stated, at, key)


def _timed(stated: list[_Said], at: Moment, job: Key | None) -> Iterator[_Said]:
    """Give facts the time of an event without a run; a JobEvent's links replace those its `job` declared before."""
    for fact in facets.flat(stated):
        if isinstance(fact, Link) and fact.at is None:
            detail = fact.detail if job is None else fact.detail | _REPLACE
            yield msgspec.structs.replace(fact, at=at, detail=detail)
        elif isinstance(fact, Entity) and fact.at is None:
            yield msgspec.structs.replace(fact, at=at)
        else:
            yield fact


def _state_side(
    body: bytes, scene: _Scene, own: list[_Said], memory: dict[bytes, facets.Side]
) -> facets.Side:
    """Return what is said of the inputs or of the outputs; add to `own` what is said of them in this run."""
    if len(body) <= 2 or body == b"null":
        return _NONE
    parts = _decode_parts(body)
    _check_parts(body, parts, 1)
    side, lasting = _state_datasets(parts, scene, own, len(body))
    if lasting:
        keep(memory, body, side, len(body), OF_ONE_JOB if scene.job is not None else REMEMBERED)
    return side


def _state_datasets(
    parts: list[_Part], scene: _Scene, own: list[_Said], size: int
) -> tuple[facets.Side, bool]:
    """Return what is said of the datasets whatever the run, and whether that is all; the rest is added to `own`."""
    job = scene.job
    where = scene.where
    every = [facets.dataset(part.namespace, part.name, bytes(part.facets), job, where) for part in parts]
    uses = [one.use for one in every]
    lasting = True
    for place, part in enumerate(parts):
        one = every[place]
        if not one.lasting or len(part.inputs) > 2 or len(part.outputs) > 2:
            lasting = False
            uses[place] = _state_of_run(part, one, scene, own)
    used = tuple(uses)
    known = _USES.get(used)
    if known is None:
        keep(_USES, used, used, size)
        known = used
    return facets.Side(known, _joined(tuple([one.facts for one in every]), size)), lasting


def _joined(parts: tuple[tuple[facets.Said, ...], ...], size: int) -> tuple[facets.Said, ...]:
    """Return the parts one after the other; the same parts give the same object."""
    if len(parts) == 1:
        return parts[0]
    named = tuple(map(id, parts))
    known = _JOINED.get(named)
    if known is None:
        known = (parts, tuple([one for part in parts for one in part]))
        keep(_JOINED, named, known, size)
    return known[1]


def _state_of_run(part: _Part, told: facets.Dataset, scene: _Scene, said: list[_Said]) -> Use:
    """Add what this run says of one dataset: figures, verdicts, what was done to it; return how it was used."""
    use = told.use
    if told.lifecycle and scene.settled:
        _change(told, scene, said)
    found: Sequence[checks.Check] = told.checks
    for name, raw in (("inputFacets", part.inputs), ("outputFacets", part.outputs)):
        if len(raw) > 2:
            more, partitions, problems = checks.side(raw, scene.where, name)
            # dbt writes the same verdicts here and among the facets: each counts once.
            found = (*found, *[one for one in more if one not in found]) if found else more
            said += problems
            if partitions and not use.version:
                use = Use(use.key, partitions)
    if scene.begun:
        # dbt's start events repeat the verdicts of the end: a run that starts has none, and each counts once.
        found = [one for one in found if one.success is None]
    if found:
        said += checks.put(found, use.key, scene.at, scene.run)
    return use


def _change(told: facets.Dataset, scene: _Scene, said: list[_Said]) -> None:
    """Add that a dataset was made, dropped or renamed; only for a run that succeeded: a failed one did not."""
    key = told.use.key
    change = told.lifecycle
    run = scene.run
    at = scene.at
    if change == "CREATE":
        said.append(Entity(key, {}, at, created=at))
    elif change == "DROP":
        said.append(Entity(key, {}, at, ended=at))
    before = told.previous
    if change == "RENAME" and before is not None and before != key:
        # Not an alias: tomorrow another dataset may have the old name (the usual swap of a new table for an old one).
        rule = "lifecycleStateChange"
        said += [
            Link(
                before, key, Relation.DERIVED, Basis.DECLARED, rule, run=run, at=at, detail={"renamed": True}
            ),
            Entity(before, {"renamed_to": f"{key.namespace}/{key.name}"}, at, ended=at),
        ]
    if change in _GONE:
        told_by = {"run": f"{run.namespace}/{run.name}"} if run else {}
        identity = f"{run.name if run else at.lo}/{_GONE[change]}/{key.namespace}/{key.name}"
        said.append(Happened(_GONE[change], key, at, identity, detail=told_by))


@lru_cache(maxsize=REMEMBERED)
def _declared(source: Key, target: Key, relation: Relation, rule: str) -> Link:
    return Link(source, target, relation, Basis.DECLARED, rule)


def _with_assets(
    told: runs.Said,
    read: tuple[Use, ...],
    written: tuple[Use, ...],
    job: Key,
    said: list[_Said],
) -> tuple[tuple[Use, ...], tuple[Use, ...]]:
    """Return inputs and outputs with the assets a task declares; each is also a link that names its field."""
    said += [_declared(key, job, Relation.INPUT, rule) for key, rule in told.inlets.items()]
    said += [_declared(job, key, Relation.OUTPUT, rule) for key, rule in told.outlets.items()]
    inputs = {use.key: use for use in (*map(Use, told.inlets), *read)}
    outputs = {use.key: use for use in (*map(Use, told.outlets), *written)}
    return tuple(inputs.values()), tuple(outputs.values())
