"""Which files that say something did each commit change, and what did they say?

Only files with telling names are looked for, along the first parents of the branch that `HEAD` is on: what a merge
brought counts from the merge. A tree that did not change is not looked at twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lineage.sources._commit import Commit, commit_object
from lineage.sources._git_pack import DamagedError
from lineage.sources._git_repository import Repository

MAX_HISTORY = 200_000
"""Commits of the main line that are looked through."""

MAX_FILES = 5_000
"""Telling files that one commit may hold."""

_DEEPEST = 60
_AGREEMENT = re.compile(
    r"(?:^|.*[/_.-])(?:sl[oa]s?|openslo|odcs|service-?levels?|(?:data-?)?contracts?)(?:[/_.-].*)?\.(?:ya?ml|json)$",
    re.IGNORECASE,
)
_PIPELINE = re.compile(r"(?:^|.*/)(?:dvc\.(?:yaml|lock)|[^/]+\.dvc|\.dvc/config)$")


class Step(NamedTuple):
    """What a commit changed: by path, the file's object before and after; empty where there was or is none."""

    commit: Commit
    tree: str
    changed: dict[str, tuple[str, str]]
    files: dict[str, str]


def is_agreement(path: str) -> bool:
    """Tell whether a file is called as service level agreements are.

    >>> is_agreement("ops/slo/scorer.yaml"), is_agreement("scorer.odcs.yaml"), is_agreement("slow/scorer.yaml")
    (True, True, False)
    """
    return bool(_AGREEMENT.match(path))


def is_pipeline(path: str) -> bool:
    """Tell whether a file is one of DVC's own."""
    return bool(_PIPELINE.match(path))


class Files:
    """The telling files of a repository's commits."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._known: dict[str, dict[str, str]] = {}

    def at(self, tree: str) -> dict[str, str]:
        """Return the telling files of a tree of the top: path to object."""
        return self._below(tree, "", 0)

    def _below(self, tree: str, place: str, depth: int) -> dict[str, str]:
        # Whether a file tells something depends on its folders' names: the same tree elsewhere is another case.
        named = f"{place}\0{tree}"
        known = self._known.get(named)
        if known is not None:
            return known
        found: dict[str, str] = {}
        if depth > _DEEPEST:
            self._too_much(f"more than {_DEEPEST} folders lie inside each other")
        else:
            for name, (folder, child) in self.repository.entries(tree).items():
                path = f"{place}{name}"
                if folder:
                    found |= self._below(child, f"{path}/", depth + 1)
                elif is_agreement(path) or is_pipeline(path):
                    found[path] = child
                if len(found) > MAX_FILES:
                    self._too_much(f"a commit holds more than {MAX_FILES} files that may say something")
                    break
        if len(self._known) > 200_000:
            self._known.clear()
        self._known[named] = found
        return found

    def _too_much(self, reason: str) -> None:
        problem = DamagedError("too-many-files", f"{reason}: the rest is not looked at")
        if all(error.reason != problem.reason for error in self.repository.problems):
            self.repository.problems.append(problem)

    def steps(self) -> Iterator[Step]:
        """Yield each commit of the main line that changed a telling file, oldest first."""
        before: dict[str, str] = {}
        for commit, tree in reversed(self._main_line()):
            files = self.at(tree)
            if files is not before and files != before:
                yield Step(commit, tree, changes(before, files), files)
            before = files

    def step(self, name: str) -> Step | None:
        """Return what one commit changed of its first parent."""
        found = self.repository.commit_of(name)
        if found is None:
            return None
        commit = commit_object(found.name, found.body)
        files = self.at(tree_of(found.body))
        parent = self.repository.commit_of(commit.parents[0]) if commit.parents else None
        before = self.at(tree_of(parent.body)) if parent is not None else {}
        return Step(commit, tree_of(found.body), changes(before, files), files)

    def _main_line(self) -> list[tuple[Commit, str]]:
        refs = self.repository.refs
        head = self.repository.head
        name = refs.get(head, head)
        for branch in ("refs/heads/main", "refs/heads/master"):
            name = name if re.fullmatch(r"[0-9a-f]{40,64}", name) else refs.get(branch, "")
        line: list[tuple[Commit, str]] = []
        while name and len(line) < MAX_HISTORY:
            found = self.repository.commit_of(name)
            if found is None:
                break
            commit = commit_object(found.name, found.body)
            line.append((commit, tree_of(found.body)))
            name = commit.parents[0] if commit.parents else ""
        return line


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the paths that differ, with the objects on both sides."""
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return {path: (before.get(path, ""), after.get(path, "")) for path in paths}


def tree_of(body: bytes) -> str:
    """Return the tree that a commit names."""
    return body[5:].partition(b"\n")[0].decode("ascii", "replace") if body.startswith(b"tree ") else ""
