"""How do files become evidence and facts? Recognise, cut into records, keep, read, project, resolve.

One file after the other; every record ends as accepted, duplicate, filtered with a reason, or rejected with a problem.
Work is committed in transactions of about 20,000 records together with everything that follows from them, so a killed
import leaves a sound workspace, and repeating it finishes what was missing and changes nothing else (DESIGN 2.2).
"""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage import __version__, clock
from lineage.errors import UnreadableInputError
from lineage.evidence.merkle import Frontier, leaf_hashes, load
from lineage.fingerprint import digest_of, stamp
from lineage.identity.projector import Projector
from lineage.identity.resolve import resolve
from lineage.model.facts import AnyFact, Bundle, Fact
from lineage.progress import SILENT, Progress, Step
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample, Source
from lineage.store import binding, log
from lineage.store.database import Connection, Database, commit_and_go_on, create_indexes
from lineage.store.lock import import_lock
from lineage.survey import Recognised, survey
from lineage.text import clip, dumps, plain_path

__all__ = ["FileResult", "ingest", "rebuild", "survey"]

TOOL = f"modeltrail {__version__}"
COMMIT_RECORDS = 20_000
COMMIT_BYTES = 64 << 20
REPORT_EVERY = 2_000
BATCH_BYTES = 1 << 18
BATCH_RECORDS = 200
"""How much takes one step together: as much as a processor's cache holds besides the program."""


Reader = Callable[[Record, Origin], Iterable[Fact | Bundle | Problem | Filtered]]

_BESIDE = frozenset({Problem, Filtered})


@dataclass(slots=True)
class FileResult:
    """What became of one file; the fields of CONTRACT.md's `import`."""

    file: str
    source: str | None = None
    format: str | None = None
    confidence: float = 0.0
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    filtered: int = 0
    rejected: int = 0
    problems: int = 0
    bytes: int = 0
    sha256: str = ""
    seconds: float = 0.0
    note: str = ""
    reasons: dict[str, int] = field(default_factory=dict)


class _Run:
    """One import: what is known, what is gathered, and the transaction it goes into."""

    def __init__(self, connection: Connection, batch: int) -> None:
        self.connection = connection
        self.batch = batch
        self.known = log.known_identities(connection)
        self.earlier = log.read_before(connection, TOOL)
        self.first_load = not self.known
        self.seq = log.size(connection)
        self.frontier = self._frontier()
        self.blocks = log.BlockWriter()
        self.projector = Projector(connection)
        self.records: list[tuple[Any, ...]] = []
        self.problems: list[tuple[Any, ...]] = []
        self.gathered = 0

    def _frontier(self) -> Frontier:
        size, joined = log.last_frontier(self.connection)
        tree = load(size, joined)
        tree.extend(leaf_hashes(log.places(self.connection, size)))
        return tree

    def commit(self, file: int, result: FileResult, seconds: float) -> None:
        """Write what has been gathered and commit it together with the counts so far."""
        self.frontier.extend(leaf_hashes((row[5], row[1], row[2], row[3]) for row in self.records))
        log.write(self.connection, self.records, self.blocks.take(), self.problems)
        self.projector.flush()
        counts = (
            result.read,
            result.accepted,
            result.duplicate,
            result.filtered,
            result.rejected,
            result.problems,
        )
        log.count_file(self.connection, file, counts, seconds)
        commit_and_go_on(self.connection)
        self.records.clear()
        self.problems.clear()
        self.gathered = 0
        gc.collect(1)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector look at what an import makes only after a commit: almost nothing of it is cyclic."""
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        gc.unfreeze()


def ingest(
    database: Database,
    paths: Sequence[str | Path],
    *,
    source: str = "",
    labels: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> list[FileResult]:
    """Import everything below `paths` into the workspace and return what became of each file.

    `labels` name what a file does not say (`cluster`, `account`, `timezone`, `dates`, `instance`,
    `observed_at`). Raises `UnreadableInputError` when a path does not exist, `WorkspaceError` when the
    workspace cannot be written, and `CancelledError` when the person stopped it: what was complete by then is
    kept.
    """
    said = {
        plain_path(name): plain_path(value) for name, value in (labels or {}).items() if name != "mapping"
    }
    # By its text, not by where it lies, does a mapping decide what the rows of a table say.
    mappings = [labels["mapping"]] if labels and labels.get("mapping") else []
    database.check_writable()
    progress.say(Step("recognising"))
    surveyed = list(survey(paths, source, mappings, _before(database, said)))
    total = sum(item.found.given.size for item in surveyed if item.found.given is not None)
    results: list[FileResult] = []
    with import_lock(database.path), _rare_collections(), database.writing() as connection:
        batch = log.open_batch(connection, clock.now(), TOOL, said, [plain_path(str(path)) for path in paths])
        run = _Run(connection, batch)
        done = 0
        for item in surveyed:
            size = item.found.given.size if item.found.given is not None else 0
            results.append(_import_one(run, item, said, progress, (done, total)))
            done += size
        progress.say(Step("working out what follows", done, total))
        resolve(connection)
        if run.first_load:
            create_indexes(connection)
        tree = run.frontier
        ended = clock.now()
        log.close_batch(connection, batch, ended, (tree.size, tree.root(), tree.dump()))
        binding.bind(connection, ended)
    return results


def _before(database: Database, labels: Mapping[str, str]) -> dict[tuple[str, bytes], str]:
    """Return by which source each file was read to its end under the same labels, by path and SHA-256."""
    told = dumps(dict(labels)).decode()
    with database.reading() as connection:
        earlier = log.read_before(connection, TOOL)
    return {(path, digest): source for path, source, under, _, digest in earlier if under == told}


def _import_one(
    run: _Run, item: Recognised, labels: dict[str, str], progress: Progress, place: tuple[int, int]
) -> FileResult:
    found = item.found
    result = FileResult(found.path, confidence=item.confidence)
    given = found.given
    if given is None or item.source is None:
        problem = found.problem
        if problem is None:
            result.note = "not recognised"
            if not found.named:
                return result
            problem = Problem("not-recognised", "no source knows this format")
        file = log.open_file(run.connection, run.batch, found.path, "", labels, 0, 0)
        result.problems = 1
        result.note = problem.reason
        run.problems.append(_problem_row(file, problem, None, found.path, labels))
        run.commit(file, result, 0.0)
        return result
    result.source = item.source.NAME
    result.format = item.source.FORMAT
    result.bytes = given.size
    started = time.perf_counter()
    origin = found.origin(labels)
    context = _context(item.source, origin, found.sample, given)
    file = log.open_file(run.connection, run.batch, found.path, item.source.NAME, labels, context, given.size)
    progress.say(Step(found.path, *place, records=run.seq))
    before = stamp(given)
    digest = digest_of(given)
    result.sha256 = digest.hex()
    earlier = run.earlier.get((found.path, result.source, dumps(labels).decode(), context, digest))
    if earlier is not None:
        result.read = result.duplicate = earlier
        result.seconds = round(time.perf_counter() - started, 3)
        log.count_file(run.connection, file, (earlier, 0, earlier, 0, 0, 0), result.seconds)
        log.close_file(run.connection, file, digest, clock.now(), {})
        return result
    _read_all(run, item.source, given, origin, (file, context), result, progress, place)
    after = stamp(given)
    if before and after and before != after:
        reason = "the file was written to while it was read: import it again when it is complete"
        problem = Problem("changed-while-read", reason, fatal=False)
        row = _problem_row(file, problem, None, found.path, labels)
        if row[0] not in {known[0] for known in run.problems}:
            result.problems += 1
            run.problems.append(row)
    result.seconds = round(time.perf_counter() - started, 3)
    log.close_file(run.connection, file, digest, clock.now(), result.reasons)
    run.commit(file, result, result.seconds)
    return result


def _read_all(
    run: _Run,
    source: Source,
    given: Input,
    origin: Origin,
    numbered: tuple[int, int],
    result: FileResult,
    progress: Progress,
    place: tuple[int, int],
) -> None:
    file, context = numbered
    read: Reader = getattr(source, "read_bundled", source.read)
    started = time.perf_counter()
    reported = 0
    for batch in _batches(_guarded(source.records(given, origin))):
        fresh = _fresh(run, batch, origin, (file, context), result)
        seq = run.seq
        every = [
            _read_one(run, read, record, origin, (file, number), result)
            for number, record in enumerate(fresh, seq)
        ]
        add = run.blocks.add
        for number, (record, (facts, _)) in enumerate(zip(fresh, every, strict=True), seq):
            add(number, record.raw, facts)
        apply = run.projector.apply
        for number, (facts, outcome) in enumerate(every, seq):
            if facts:
                apply(number, facts)
                result.accepted += 1
            elif outcome is not None:
                result.filtered += 1
                result.reasons[outcome] = result.reasons.get(outcome, 0) + 1
            else:
                result.rejected += 1
        run.seq = seq + len(fresh)
        if len(run.records) >= COMMIT_RECORDS or run.gathered >= COMMIT_BYTES:
            run.commit(file, result, time.perf_counter() - started)
        if result.read >= reported + REPORT_EVERY:
            reported = result.read
            done = min(place[0] + batch[-1].offset, place[1])
            progress.say(Step(origin.path, done, place[1], run.seq, result.problems))


def _batches(items: Iterable[Record | Problem]) -> Iterator[list[Record | Problem]]:
    """Put records together that take one step after the other: each step's own code and data then stay in the cache."""
    batch: list[Record | Problem] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.raw) if isinstance(item, Record) else 200
        if size >= BATCH_BYTES or len(batch) == BATCH_RECORDS:
            yield batch
            batch = []
            size = 0
    if batch:
        yield batch


def _fresh(
    run: _Run,
    batch: list[Record | Problem],
    origin: Origin,
    numbered: tuple[int, int],
    result: FileResult,
) -> list[Record]:
    """Return the records that are new, with their rows gathered in the run; keep what is a problem instead."""
    file, context = numbered
    sha256 = hashlib.sha256
    known = run.known
    rows = run.records
    fresh: list[Record] = []
    seq = run.seq
    for item in batch:
        if isinstance(item, Problem):
            result.problems += 1
            run.problems.append(_problem_row(file, item, None, origin.path, origin.labels))
            continue
        result.read += 1
        raw = item.raw
        digest = sha256(raw).digest()
        identity = int.from_bytes(digest[:8], "little", signed=True) ^ context
        if identity in known:
            result.duplicate += 1
            continue
        known.add(identity)
        rows.append((seq + len(fresh), file, item.line, item.offset, len(raw), bytearray(digest), item.row))
        fresh.append(item)
        run.gathered += len(raw)
    return fresh


def _read_one(
    run: _Run, read: Reader, record: Record, origin: Origin, numbered: tuple[int, int], result: FileResult
) -> tuple[list[AnyFact | Bundle], str | None]:
    """Return what the record states, and the reason when it was filtered; problems go to the run.

    `numbered`: the numbers of the file and of the record.
    """
    file, seq = numbered
    facts: list[AnyFact | Bundle] = []
    reason: str | None = None
    fatal = False
    try:
        every = read(record, origin)
        if type(every) is list and _BESIDE.isdisjoint(map(type, every)) and every:
            return every, None
        for said in every:
            if isinstance(said, (Fact, tuple)):
                facts.append(said)  # type: ignore[arg-type]
            elif type(said) is Problem:
                result.problems += 1
                fatal = fatal or said.fatal
                run.problems.append(_problem_row(file, said, record, origin.path, origin.labels, seq))
            else:
                reason = said.reason if isinstance(said, Filtered) else None
    except Exception as error:  # noqa: BLE001 - whatever a reader stumbles over is said of its record
        fatal = True
        result.problems += 1
        said = Problem("reader-failed", f"our reader failed on this record ({type(error).__name__}: {error})")
        run.problems.append(_problem_row(file, said, record, origin.path, origin.labels, seq))
    if fatal:
        return [], None
    if not facts and reason is None:
        reason = "states-nothing"
    return facts, reason


def _guarded(records: Iterable[Record | Problem]) -> Iterator[Record | Problem]:
    """Pass records on; a reader's own fault in cutting the file becomes a problem of the file."""
    try:
        yield from records
    except UnreadableInputError as error:
        yield Problem("unreadable", error.what)
    except (OSError, EOFError) as error:
        yield Problem("unreadable", f"the file cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - same, of its file
        yield Problem("reader-failed", f"our reader failed on this file ({type(error).__name__}: {error})")


def _context(source: Source, origin: Origin, sample: Sample, given: Input) -> int:
    """Return 64 bits of what else decides a record's meaning: source, labels, the folder where it names a cluster."""
    folder = origin.folder if getattr(source, "PLACED", False) else ""
    header = sample.text.lstrip().partition("\n")[0].strip() if getattr(source, "HEADED", False) else ""
    meaning = getattr(source, "meaning", None)
    more = [meaning(given, origin)] if meaning is not None else []
    text = dumps([source.NAME, folder, header, sorted(origin.labels.items()), *more])
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little", signed=True)


def _problem_row(
    file: int,
    problem: Problem,
    record: Record | None,
    path: str,
    labels: Mapping[str, str],
    seq: int | None = None,
) -> tuple[Any, ...]:
    line = problem.line or (record.line if record else 0)
    offset = problem.offset if problem.offset >= 0 else (record.offset if record else 0)
    row = plain_path(problem.row or (record.row if record else ""))
    value = plain_path(clip(problem.value))
    field_ = plain_path(clip(problem.field))
    text = dumps([path, sorted(labels.items()), line, offset, row, field_, value, problem.code])
    identity = int.from_bytes(hashlib.sha256(text).digest()[:8], "little", signed=True)
    reason = plain_path(clip(problem.reason, 500))
    return (
        identity,
        file,
        seq,
        line,
        offset,
        row,
        field_,
        value,
        problem.code,
        reason,
        int(problem.fatal),
    )


def rebuild(
    connection: Connection,
    *,
    below: int | None = None,
    known_at: int | None = None,
    report: Callable[[int], None] | None = None,
) -> int:
    """Project every record's facts (of records numbered below `below`) into empty derived tables and resolve.

    Decisions count up to the UTC microsecond `known_at`.

    Returns the number of facts. The caller has emptied the tables and commits.
    """
    projector = Projector(connection)
    facts_read = 0
    for number, (seq, facts) in enumerate(log.said(connection, below=below), 1):
        projector.apply(seq, facts)
        facts_read += sum(len(fact) if isinstance(fact, tuple) else 1 for fact in facts)
        if not number % COMMIT_RECORDS:
            projector.flush()
            if report is not None:
                report(number)
    projector.flush()
    resolve(connection, known_at)
    return facts_read
