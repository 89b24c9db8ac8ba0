"""What do DVC's files say: which stages make which data from which, in which version?

Formats: dvc.yaml, dvc.lock (schema 1.0 and 2.0) and `*.dvc`, after dvc.org/doc/user-guide/project-structure. None of
them holds a time or a person: both are those of the commit. DVC 2 took the MD5 of text with its line ends made even and
does not say so, DVC 3 writes `hash: md5`: the two differ for one file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage.model.facts import Json, Key
from lineage.model.naming import dataset, dataset_at
from lineage.source import Problem
from lineage.text import MalformedError, clip, load_yaml, loads

_CODE = re.compile(
    r".*\.(?:py|ipynb|sh|bash|r|rmd|jl|sql|scala|java|go|rs|c|cc|cpp|h|js|ts|m|do|jar|whl|toml|cfg|ini|txt\.in)$",
    re.IGNORECASE,
)
_VERSIONS = ("md5", "etag", "checksum", "version_id")
MAX_PARAMS = 300


class Part(NamedTuple):
    """A file or folder that a stage reads or writes: where, in which version, and what else is said of it.

    `rev` is the commit of another repository it was imported from, `repository` that repository's URL.
    """

    path: str
    version: str = ""
    size: int | None = None
    files: int | None = None
    hashing: str = ""
    repository: str = ""
    rev: str = ""
    metric: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as `dvc.yaml` declares it and `dvc.lock` holds its last run.

    Attributes:
        locked: false for a stage that never ran; `declared`: false for one that only the lock still holds.
        entry: the lock's own entry, to see whether the stage ran again.
    """

    name: str
    place: str
    deps: tuple[Part, ...] = ()
    outs: tuple[Part, ...] = ()
    params: Mapping[str, Json] = field(default_factory=dict, hash=False)
    command: str = ""
    description: str = ""
    meta: Json = None
    locked: bool = False
    declared: bool = True
    entry: Json = None

    @property
    def job(self) -> str:
        """The stage as DVC addresses it from the top of the repository (`sub/dvc.yaml:train`; at the top `train`)."""
        return f"{self.place}/dvc.yaml:{self.name}" if self.place else self.name


class Artifact(NamedTuple):
    """What `artifacts` of a `dvc.yaml` names: a model or other thing that versions are registered of."""

    name: str
    path: str
    said: dict[str, Json]


def document(text: str | None, path: str) -> tuple[dict[str, Any], Problem | None]:
    """Return what a YAML file holds; an empty mapping and the problem when it is none."""
    if not text or not text.strip():
        return {}, None
    try:
        value = load_yaml(text.encode("utf-8", "surrogatepass"))
    except MalformedError as error:
        return {}, Problem(error.code, f"{path}: {error.reason}", path, fatal=False, line=error.line)
    if value is None:
        return {}, None
    if not isinstance(value, dict):
        return {}, Problem("not-an-object", f"{path} holds no mapping", path, clip(str(value)), fatal=False)
    return value, None


def stages(yaml: Mapping[str, Any], lock: Mapping[str, Any], place: str) -> Iterator[Stage]:
    """Yield the stages of one pipeline whose files lie in the folder `place` (empty: the top), stale ones marked.

    Templated stages (`foreach`, `matrix`) stand resolved in the lock as `name@item`.
    """
    declared = _mapping(yaml.get("stages"))
    locked = _mapping(lock.get("stages")) if "stages" in lock else _first_schema(lock)
    templates = {
        name
        for name, said in declared.items()
        if isinstance(said, dict) and {"foreach", "matrix"} & said.keys()
    }
    for name in dict.fromkeys([*declared, *locked]):
        said = _mapping(declared.get(name))
        entry = _mapping(locked.get(name))
        template = name.partition("@")[0]
        if name in templates:
            continue
        if template in templates:
            said = _mapping(_mapping(declared[template]).get("do")) or _mapping(declared[template])
        folder = posixpath.normpath(posixpath.join(place, str(said.get("wdir") or "."))) if said else place
        metrics = {part.path for key in ("metrics", "plots") for part in _declared(said.get(key), folder)}
        outs = _parts(entry.get("outs"), folder) if entry else _declared(said.get("outs"), folder)
        if not entry:
            outs = [*outs, *_declared(said.get("metrics"), folder), *_declared(said.get("plots"), folder)]
        deps = _parts(entry.get("deps"), folder) if entry else _declared(said.get("deps"), folder)
        command = said.get("cmd") if said.get("cmd") is not None else entry.get("cmd")
        yield Stage(
            name, place, tuple(deps), tuple(part._replace(metric=part.path in metrics) for part in outs),
            _params(entry.get("params")), _command(command), clip(str(said.get("desc") or ""), 500), said.get("meta"),
            bool(entry), name in declared or template in templates, entry or None,
        )  # fmt: skip


def _first_schema(lock: Mapping[str, Any]) -> dict[str, Any]:
    """The stages of a lock of schema 1.0, which stand at its top."""
    return {
        name: said
        for name, said in lock.items()
        if isinstance(said, dict) and {"cmd", "outs", "deps"} & said.keys()
    }


def pointer(said: Mapping[str, Any], path: str) -> Stage:
    """Return what a `*.dvc` file says, as the stage that DVC takes it for: data that was added or imported."""
    place = posixpath.dirname(path)
    folder = posixpath.normpath(posixpath.join(place, str(said.get("wdir") or ".")))
    return Stage(
        posixpath.basename(path), place,
        tuple(_parts(said.get("deps"), folder)), tuple(_parts(said.get("outs"), folder)),
        description=clip(str(said.get("desc") or ""), 500), meta=said.get("meta"), locked=True, entry=dict(said),
    )  # fmt: skip


def artifacts(yaml: Mapping[str, Any], place: str) -> dict[str, Artifact]:
    """Return the artifacts that a `dvc.yaml` names, by the name in GTO's tags (`sub:model` below the top)."""
    found = {}
    for name, value in _mapping(yaml.get("artifacts")).items():
        said = _mapping(value)
        path = said.get("path")
        if isinstance(path, str) and path:
            full = f"{place}:{name}" if place else str(name)
            rest = {key: said[key] for key in ("type", "desc", "labels", "meta") if said.get(key)}
            found[full] = Artifact(full, place_of(path, place), rest)
    return found


def place_of(path: str, folder: str) -> str:
    """Return a path from the top of the repository, without the slash that `outs` have and `deps` have not.

    >>> place_of("../raw/a.csv", "sub"), place_of("data/prepared/", ""), place_of("s3://lake/a/", "sub")
    ('raw/a.csv', 'data/prepared', 's3://lake/a')
    """
    if "://" in path or path.startswith("/"):
        return path.rstrip("/") or path
    return posixpath.normpath(posixpath.join(folder, path))


def key_of(part: Part, namespace: str, remotes: Mapping[str, str]) -> Key:
    """Return the dataset that a part is: its path in the repository, or its own place elsewhere."""
    path = part.path
    if path.startswith("remote://"):
        name, _, rest = path.removeprefix("remote://").partition("/")
        path = f"{remotes[name].rstrip('/')}/{rest}" if name in remotes else path
    if "://" in path or path.startswith("/"):
        return dataset_at(path)
    if part.repository:
        name = re.sub(r"\.git$", "", part.repository.rstrip("/"))
        found = re.match(r"(?:\w+://[^/]+/|[\w.-]+@[\w.-]+:)(.+)", name)
        return dataset(f"dvc://{found[1] if found else posixpath.basename(name)}", path)
    return dataset(namespace, path)


def is_code(path: str) -> bool:
    """Tell whether what a stage depends on is a program: that is the run's code, not data it read."""
    return bool(_CODE.match(path))


def remotes(config: str) -> dict[str, str]:
    r"""Return the remotes that `.dvc/config` names, without credentials; the default one also as ``""``.

    >>> remotes("[core]\n  remote = lake\n['remote \"lake\"']\n    url = s3://lake/store\n")
    {'lake': 's3://lake/store', '': 's3://lake/store'}
    """
    found: dict[str, str] = {}
    section = default = ""
    for line in config.splitlines()[:2_000]:
        text = line.strip()
        if text.startswith("["):
            section = text.strip("[]'\" ")
            continue
        name, separator, value = (part.strip() for part in text.partition("="))
        remote = re.match(r"remote\s+\"?([^\"]+)\"?$", section)
        if separator and name == "url" and remote:
            found[remote[1].strip("\"'")] = re.sub(r"^(\w+://)[^/@]*@", r"\1", value)
        elif separator and name == "remote" and section == "core":
            default = value
    if default in found:
        found[""] = found[default]
    return found


def figures(text: str, path: str) -> dict[str, Json]:
    """Return the numbers of a small metrics file (JSON or YAML), nested names joined by dots; nothing for others."""
    try:
        value = loads(text) if path.endswith(".json") else load_yaml(text.encode("utf-8", "surrogatepass"))
    except MalformedError:
        return {}
    found: dict[str, Json] = {}
    _flatten(value, "", found)
    return found


def _flatten(value: Any, name: str, found: dict[str, Json]) -> None:
    if len(found) >= MAX_PARAMS:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found[name] = value
    elif isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,2})?", value):
        found[name] = float(value) if set(value) & set(".eE") else int(value)


def _mapping(value: Any) -> dict[str, Any]:
    return {str(name): inner for name, inner in value.items()} if isinstance(value, dict) else {}


def _command(value: Any) -> str:
    return clip(
        "\n".join(str(line) for line in value) if isinstance(value, list) else str(value or ""), 2_000
    )


def _params(value: Any) -> dict[str, Json]:
    """Return the parameters of a lock's entry by name, with the file's name before where it is not `params.yaml`."""
    found: dict[str, Json] = {}
    for file, said in _mapping(value).items():
        for name, inner in _mapping(said).items():
            if len(found) < MAX_PARAMS:
                found[name if file == "params.yaml" else f"{file}:{name}"] = inner
    return found


def _declared(value: Any, folder: str) -> list[Part]:
    """Return what `dvc.yaml` lists: paths, or a mapping of a path to its settings."""
    entries = value if isinstance(value, list) else [{name: inner} for name, inner in _mapping(value).items()]
    paths = [
        entry if isinstance(entry, str) else next(iter(entry), "")
        for entry in entries
        if isinstance(entry, (str, dict))
    ]
    return [Part(place_of(str(path), folder)) for path in paths if path and "${" not in str(path)]


def _parts(value: Any, folder: str) -> list[Part]:
    """Return what a lock or a `*.dvc` file lists, each with its version."""
    found = []
    for entry in value if isinstance(value, list) else ():
        said = _mapping(entry)
        path = said.get("path")
        if not isinstance(path, str) or not path:
            continue
        version = next((str(said[name]) for name in _VERSIONS if said.get(name)), "")
        if not version:
            clouds = [_mapping(cloud) for cloud in _mapping(said.get("cloud")).values()]
            version = next(
                (str(cloud[name]) for cloud in clouds for name in ("version_id", "etag") if cloud.get(name)),
                "",
            )
        repo = _mapping(said.get("repo"))
        hashing = str(said.get("hash") or ("md5-dos2unix" if said.get("md5") else ""))
        rev = str(repo.get("rev_lock") or repo.get("rev") or "")
        size, files = _count(said.get("size")), _count(said.get("nfiles"))
        place = place_of(path, "" if repo else folder)
        found.append(Part(place, version, size, files, hashing, str(repo.get("url") or ""), rev))
    return found


def _count(value: Any) -> int | None:
    text = str(value) if value is not None else ""
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None
