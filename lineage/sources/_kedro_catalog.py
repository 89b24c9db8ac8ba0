"""Which records do a Kedro project's configuration and its data folder make?

Environments (`base`, `local`, ...) are kept apart: an entry of one overrides that of `base` only where a run is given
that environment. Credentials are never opened, and what an entry says of them, or of how a connection is made, is left
out before a record is made of it.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.errors import UnreadableInputError
from lineage.source import Input, Origin, Problem, Record
from lineage.sources._kedro_places import SECRET, resolved, slug, versioned
from lineage.sources._withheld import clean
from lineage.text import MalformedError, dumps, load_yaml

CATALOG = re.compile(r"(?:conf/)?(?P<environment>[^/]+)/(?:.*/)?catalog(?:[^/]*|/.*)\.ya?ml")
_GLOBALS = re.compile(r"(?:conf/)?(?P<environment>[^/]+)/(?:.*/)?globals[^/]*\.ya?ml")
_OPTIONS = frozenset({"fs_args", "load_args", "save_args", "backend", "open_args", "storage_options"})


class Project:
    """The files of one project that are read, by their paths below `conf`'s parent."""

    def __init__(self, members: Mapping[str, Input], origin: Origin) -> None:
        self.members = members
        self.name = slug(origin.label("project"))
        self._origin = origin
        self.problems: list[Problem] = []

    def records(self) -> Iterator[Record | Problem]:
        """Yield a record for each entry of each catalog and for each session that saved versions."""
        self.name = self.name or self._named() or slug(self._origin.folder) or "unnamed"
        variables = self._globals()
        for path, member in self.members.items():
            found = CATALOG.fullmatch(path)
            if found and "credential" not in path.lower():
                known = {**variables.get("base", {}), **variables.get(found["environment"], {})}
                yield from self.catalog(path, member, found["environment"], known)
        yield from self.versions()
        yield from self.problems

    def catalog(
        self, path: str, member: Input, environment: str, known: Mapping[str, str]
    ) -> Iterator[Record | Problem]:
        """Yield a record for each entry of one catalog file."""
        body = self._yaml(path, member)
        if not isinstance(body, Mapping):
            return
        own = {name: value for name, value in _flat(body) if name.startswith("_")}
        for name, entry in body.items():
            if not isinstance(name, str) or name.startswith("_"):
                continue
            row = f"{path}#{name}".removeprefix("#")
            if not isinstance(entry, Mapping):
                reason = "an entry of a catalog is a mapping with a type"
                yield Problem("bad-value", reason, name, repr(entry)[:200], row=row)
                continue
            said = resolved(_without_secrets(entry), {**known, **own})
            record = {
                "kind": "entry",
                "project": self.name,
                "environment": environment,
                "name": name,
                "entry": said,
            }
            yield Record(dumps(record), row=row)

    def versions(self) -> Iterator[Record]:
        """Yield a record for each session: Kedro calls all that one session saves by the time it began."""
        saved: dict[str, dict[str, int]] = defaultdict(dict)
        for path, member in self.members.items():
            found = versioned(path)
            if found:
                sizes = saved[found.stamp]
                sizes[found.path] = sizes.get(found.path, 0) + member.size
        for stamp in sorted(saved):
            files = [{"path": path, "size": size} for path, size in sorted(saved[stamp].items())]
            body = {"kind": "session", "project": self.name, "stamp": stamp, "files": files}
            yield Record(dumps(body), row=f"versions/{stamp}")

    def _named(self) -> str:
        """Return the project's name as its `pyproject.toml` says."""
        member = self.members.get("pyproject.toml")
        if member is None:
            return ""
        try:
            whole = framing.whole(member)
            said = tomllib.loads(whole.raw.decode()) if isinstance(whole, Record) else {}
        except (UnreadableInputError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = f"the project's name cannot be read: {error}"
            self.problems.append(Problem("malformed-toml", reason, row="pyproject.toml", fatal=False))
            return ""
        tools = said.get("tool")
        kedro = tools.get("kedro") if isinstance(tools, dict) else None
        for name in ("project_name", "package_name"):
            found = kedro.get(name) if isinstance(kedro, dict) else None
            if isinstance(found, str) and found.strip():
                return slug(found)
        return ""

    def _globals(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for path, member in self.members.items():
            named = _GLOBALS.fullmatch(path)
            if named:
                body = self._yaml(path, member)
                said = found.setdefault(named["environment"], {})
                for name, value in _flat(body if isinstance(body, Mapping) else {}):
                    if not SECRET.search(name):
                        # Before Kedro 0.19 globals were written without `globals:`.
                        said |= {f"globals:{name}": value, name: value}
        return found

    def _yaml(self, path: str, member: Input) -> Any:
        try:
            whole = framing.whole(member)
            if isinstance(whole, Record):
                return load_yaml(whole.raw) if whole.raw.strip() else None
            problem = Problem(whole.code, whole.reason, offset=whole.offset, line=whole.line, row=path)
        except UnreadableInputError as error:
            problem = Problem("unreadable", error.what, row=path)
        except MalformedError as error:
            problem = Problem(error.code, error.reason, line=error.line or 1, offset=0, row=path)
        self.problems.append(problem)
        return None


def _flat(body: Mapping[Any, Any], above: str = "", level: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the texts of nested mappings under their names joined by dots."""
    for name, value in body.items():
        if isinstance(value, str):
            yield f"{above}{name}", value
        elif isinstance(value, Mapping) and level < 20:
            yield from _flat(value, f"{above}{name}.", level + 1)


def _without_secrets(entry: Mapping[Any, Any], level: int = 0) -> dict[str, Any]:
    """Return an entry without its credentials and without what only says how a file is opened."""
    kept: dict[str, Any] = {}
    for name, value in entry.items():
        word = str(name)
        if word in _OPTIONS:
            continue
        if SECRET.search(word):
            if isinstance(value, str) and word == "credentials":
                kept["credentials"] = value
            continue
        if isinstance(value, Mapping):
            if level < 20:
                kept[word] = _without_secrets(value, level + 1)
        else:
            kept[word] = clean(value) if isinstance(value, str) else value
    return kept
