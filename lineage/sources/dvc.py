"""Which stages made which data and models, in which version, and which version was assigned to which stage?

Read from what people hand over where the repository itself is not: a work tree (dvc.yaml, dvc.lock, `*.dvc`), and the
JSON of `dvc exp show`, `gto history` and `dvc list`. A repository or bundle is read by the source `git`, which says the
same with every version of the past. The files of a work tree hold no time and no person (sources-ml 4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.model.facts import Entity, Fact, Json, Key, Run, Use
from lineage.model.moment import Moment
from lineage.model.naming import dataset, dataset_at
from lineage.model.vocabulary import Kind, RunState
from lineage.opening import open_regular
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._commit import Signed, dated
from lineage.sources._gto_tags import EVENTS, Event, gto_facts, history, read_event, spelled
from lineage.sources._repository_names import remote_in, repository_name
from lineage.sources._stage_files import is_code
from lineage.sources._stage_states import state_facts
from lineage.text import MalformedError, clip, decode, dumps, loads

NAME = "dvc"
FORMAT = (
    "DVC 1 to 3: work trees (dvc.yaml, dvc.lock, *.dvc), JSON of `dvc exp show`, `dvc list`, `gto history`"
)
PROVES = ("who", "when", "what", "lineage")
PLACED = True
PARTS = re.compile(r"(?:.*/)?(?:dvc\.(?:yaml|lock)|[^/]+\.dvc|\.dvcignore|\.dvc/(?:config|\.gitignore))$")

MAX_FILE = 8 << 20
"""The largest file of a work tree that is read, in bytes."""

_JSON = {
    "experiments": re.compile(r'^\s*\[\s*\{\s*"rev"\s*:'),
    "history": re.compile(r'^\s*\[\s*\{(?=[^{}]*"artifact"\s*:)(?=[^{}]*"event"\s*:)(?=[^{}]*"ref"\s*:)'),
    "list": re.compile(r'^\s*\[\s*\{\s*"isout"\s*:'),
}


def recognises(sample: Sample) -> float:
    """Return how sure it is: a work tree by `dvc.yaml` or `.dvc` at its top, an export by its first item."""
    if sample.listing:
        top = {"dvc.yaml", "dvc.lock", ".dvc/config"}
        own = any(path in top or re.fullmatch(r"[^/]+\.dvc", path) for path in sample.listing)
        return 0.9 if own and any(PARTS.match(path) for path in sample.listing) else 0.0
    return 0.95 if _export(sample.text) else 0.0


def _export(text: str) -> str:
    kind = next((name for name, shape in _JSON.items() if shape.match(text)), "")
    return "" if kind == "experiments" and '"experiments"' not in text and '"params"' not in text else kind


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a work tree into its pipelines and pointers, an export into its entries."""
    with given.open() as stream:
        try:
            head = stream.read(65_536)
        except OSError:
            head = b""
    if not head:
        yield from _work_tree(given, _tree_name(given, origin))
        return
    try:
        kind = _export(decode(head[: len(head) & ~1] if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head))
    except MalformedError:
        kind = ""
    cut = framing.json_values(given)
    if kind == "history":
        yield from _history(cut)
    else:
        yield from cut


def _tree_name(given: Input, origin: Origin) -> str:
    """Return what a work tree is called: as its folder, unless that is a word for any work tree."""
    remote = _remote(given.path)
    if remote:
        return repository_name("", origin, remote)
    if given.name.lower() in {"worktree", "work", "checkout", "src", "repo", "repository", "project"}:
        return repository_name("", origin, "")
    return repository_name(f"{given.name}.git", origin, "")


def _remote(folder: str | None) -> str:
    """Return the URL of the repository that a work tree belongs to, so that it is called as its history is."""
    config = Path(folder or "", ".git", "config")
    if folder is None or config.is_symlink() or config.parent.is_symlink() or not config.is_file():
        return ""
    try:
        with open_regular(config) as stream:
            return remote_in(stream.read(1 << 20).decode("utf-8", "replace"))
    except OSError:
        return ""


def _work_tree(given: Input, repository: str) -> Iterator[Record | Problem]:
    pipelines: dict[str, dict[str, str]] = {}
    pointers: dict[str, dict[str, str]] = {}
    config = ""
    for path, member in given.members():
        place, _, base = path.rpartition("/")
        if not PARTS.match(path) or base in {".dvcignore", ".gitignore"}:
            continue
        text = _text(path, member)
        if isinstance(text, Problem):
            yield text
        elif base == "config":
            config = text if place == ".dvc" else config
        elif base in {"dvc.yaml", "dvc.lock"}:
            pipelines.setdefault(place, {})[base.removeprefix("dvc.")] = text
        else:
            pointers[path] = {"text": text}
    common = {"dvc": "tree", "repository": repository, "config": config}
    for place, files in pipelines.items():
        yield Record(dumps({**common, "pipelines": {place: files}}), row=f"{place}/dvc.yaml".lstrip("/"))
    for path, files in pointers.items():
        yield Record(dumps({**common, "pointers": {path: files}}), row=path)


def _text(path: str, member: Input) -> str | Problem:
    try:
        with member.open() as stream:
            raw = stream.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            return Problem("too-large", f"the file is larger than {MAX_FILE} bytes", row=path)
        return decode(raw).replace("\0", "⟨U+0000⟩")
    except MalformedError as error:
        return Problem(error.code, error.reason, row=path)
    except (OSError, EOFError, UnreadableInputError) as error:
        return Problem("unreadable", f"the file cannot be read: {error}", row=path)


def _history(cut: Iterable[Record | Problem]) -> Iterator[Record | Problem]:
    """Add to each entry of `gto history` on which version its stage stands after it: that follows from all of them."""
    found: list[tuple[Event, Record]] = []
    for item in cut:
        event = _entry(item) if isinstance(item, Record) else None
        if event is None or isinstance(item, Problem):
            yield item
        else:
            found.append((event, item))
    told = {(event.ref, event.commit): event for event in history(event for event, _ in found)}
    for event, record in found:
        whole = told[event.ref, event.commit]
        raw = dumps({"gto": loads(record.raw), **spelled(whole)})
        yield Record(raw, record.offset, record.line, record.row)


def _entry(record: Record) -> Event | None:
    """Return an entry of `gto history` as an event; None when it is none."""
    try:
        said = loads(record.raw)
    except MalformedError:
        return None
    if not isinstance(said, dict) or said.get("event") not in EVENTS or not said.get("artifact"):
        return None
    texts: dict[str, Any] = {
        name: str(said.get(name) or "")
        for name in ("artifact", "event", "ref", "commit", "version", "stage", "message")
    }
    at = dated(str(said.get("timestamp") or ""))
    return Event(**texts, who=Signed(str(said.get("author") or ""), str(said.get("author_email") or ""), at))


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a pipeline, a pointer, an experiment, an event or a listed file states."""
    try:
        said = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    repository = repository_name("", origin, "")
    if not isinstance(said, dict):
        yield Problem("not-an-object", "this is none of DVC's entries", value=clip(json.dumps(said)))
    elif said.get("dvc") == "tree":
        yield from state_facts(said)
    elif "gto" in said and "event" in said:
        event = read_event(said)
        if event.who.at is None:
            yield Problem("bad-time", "the event has no sound time", "timestamp", str(said.get("at")))
        yield from gto_facts(event, repository)
    elif "rev" in said:
        yield from _revision(said, repository, "")
    elif "isout" in said:
        yield from _listed(said, repository)
    else:
        yield Problem("unknown-entry", "this is none of DVC's entries", value=clip(json.dumps(said)))


def _listed(said: Mapping[str, Any], repository: str) -> Iterator[Fact | Problem | Filtered]:
    path = said.get("path")
    if not isinstance(path, str) or not path:
        yield Problem("missing-field", "the entry names no path", "path")
    elif not said.get("isout"):
        yield Filtered("not-tracked-by-dvc")
    else:
        kept = {"version": said.get("md5"), "size": said.get("size")}
        attributes: dict[str, Json] = {
            name: value for name, value in kept.items() if isinstance(value, (str, int))
        }
        yield Entity(dataset(f"dvc://{repository}", path.rstrip("/")), attributes)


def _revision(
    said: Mapping[str, Any], repository: str, experiment: str
) -> Iterator[Fact | Problem | Filtered]:
    """Say what `dvc exp show` tells of a commit or an experiment: parameters, metrics, and what was read and made."""
    rev, held = str(said.get("rev")), said.get("data")
    if said.get("error"):
        yield Problem(
            "producer-error",
            f"dvc could not show {clip(rev)}",
            "error",
            clip(json.dumps(said["error"])),
            fatal=False,
        )
    elif rev == "workspace":
        yield Filtered("workspace-not-committed")
    elif isinstance(held, dict):
        stamp = str(held.get("timestamp") or "")
        at = dated(stamp if re.search(r"[zZ]$|[+-]\d\d:?\d\d$", stamp) else f"{stamp}Z")
        if at is None:
            yield Problem("bad-time", f"{clip(rev)} has no sound time", "timestamp", stamp, fatal=False)
        else:
            yield _run(rev, held, at, repository, experiment)
    else:
        yield Filtered("no-data")
    several = said.get("experiments")
    for entry in several if isinstance(several, list) else ():
        inner = entry.get("revs") if isinstance(entry, dict) else None
        for one in inner if isinstance(inner, list) else ():
            if isinstance(one, dict) and "rev" in one:
                yield from _revision(one, repository, str(one.get("name") or entry.get("name") or rev))


def _run(rev: str, held: Mapping[str, Any], at: Moment, repository: str, experiment: str) -> Run:
    namespace = f"dvc://{repository}"
    outs = {path: one for path, one in _pairs(held.get("outs")) if isinstance(one, dict)}
    deps = {path: one for path, one in _pairs(held.get("deps")) if isinstance(one, dict)}
    sources = [path for path, one in outs.items() if one.get("is_data_source")]
    read_ = {path: outs[path] for path in sources}
    read_ |= {path: one for path, one in deps.items() if path not in outs and not is_code(path)}
    made = {path: one for path, one in outs.items() if path not in read_}
    attributes: dict[str, Json] = {
        "code": {"commit": rev, "repository": repository},
        "experiment": experiment,
        "params": _figures(held.get("params")),
        "metrics": _figures(held.get("metrics")),
    }
    return Run(
        Key(Kind.RUN, namespace, rev),
        Key(Kind.JOB, namespace, "dvc.yaml"),
        RunState.COMPLETE,
        at,
        inputs=tuple(_use(path, one, namespace) for path, one in read_.items()),
        outputs=tuple(_use(path, one, namespace) for path, one in made.items()),
        attributes={name: value for name, value in attributes.items() if value},
    )


def _use(path: str, said: Mapping[str, Any], namespace: str) -> Use:
    key = dataset_at(path) if "://" in path or path.startswith("/") else dataset(namespace, path.rstrip("/"))
    return Use(key, str(said.get("hash") or ""))


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), inner) for name, inner in value.items()] if isinstance(value, dict) else []


def _figures(value: Any) -> Json:
    """Return the content of each file; those of `params.yaml` and of the only file without its name before."""
    files = [
        (name, inner.get("data"))
        for name, inner in _pairs(value)
        if isinstance(inner, dict) and inner.get("data")
    ]
    if len(files) == 1:
        return files[0][1] if isinstance(files[0][1], dict) else {files[0][0]: files[0][1]}
    return dict(files)
