"""Which runs of DVC's pipelines and which of GTO's events does a git repository record?"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from lineage.sources._commit import Commit, headers_of, signature, visible
from lineage.sources._git_files import Files, Step, is_pipeline, tree_of
from lineage.sources._git_repository import Repository
from lineage.sources._gto_tags import REGISTER, Event, event_of, history
from lineage.sources._stage_files import Stage, artifacts, document, pointer, stages

MAX_METRICS = 20


class Pipelines:
    """The pipelines of a repository along its history, and where each stage's present run came from."""

    def __init__(self, repository: Repository, files: Files) -> None:
        self.repository = repository
        self.files = files
        self._runs: dict[str, dict[tuple[str, str], str]] = {}

    def take(self, step: Step) -> dict[str, Any] | None:
        """Return what a record has to hold of a step of the main line; None where it changed nothing of DVC's."""
        state = self.state(step)
        if state is None:
            return None
        before = next(reversed(self._runs.values()), {})
        runs = dict(before)
        for place, files in state["pipelines"].items():
            earlier = {one.name: one.entry for one in stages({}, _held(files["before"]), place)}
            for stage in stages({}, _held(files["lock"]), place):
                if earlier.get(stage.name) != stage.entry:
                    runs[place, stage.name] = step.commit.sha
        self._runs[self._mark(step.files)] = runs
        return state

    def _mark(self, files: dict[str, str]) -> str:
        """Name the state of all locks: a tagged commit has that of the step before it."""
        return "\n".join(
            f"{path} {name}" for path, name in sorted(files.items()) if path.endswith("dvc.lock")
        )

    def state(self, step: Step, experiment: str = "") -> dict[str, Any] | None:
        """Return the DVC files that a commit changed, each pipeline whole and with its lock as it was before."""
        changed = {path: sides for path, sides in step.changed.items() if is_pipeline(path)}
        places = sorted(
            {posixpath.dirname(path) for path in changed if path.endswith(("dvc.yaml", "dvc.lock"))}
        )
        text = self._text
        pipelines = {}
        for place in places:
            yaml, lock = posixpath.join(place, "dvc.yaml"), posixpath.join(place, "dvc.lock")
            before = changed.get(lock, (step.files.get(lock, ""), ""))[0]
            pipelines[place] = {
                "yaml": text(step.files.get(yaml)),
                "lock": text(step.files.get(lock)),
                "before": text(before),
            }
        pointers = {
            path: {"text": text(after), "before": text(before)}
            for path, (before, after) in changed.items()
            if path.endswith(".dvc")
        }
        if not pipelines and not pointers:
            return None
        return {
            "commit": _commit(step.commit),
            "experiment": experiment,
            "pipelines": pipelines,
            "pointers": pointers,
            "metrics": dict(self._metrics(step, pipelines)),
            "config": text(step.files.get(".dvc/config")) or "",
        }

    def experiments(self) -> Iterator[dict[str, Any]]:
        """Yield the state of each experiment that `dvc exp` keeps beside the branches (`refs/exps`)."""
        for ref, name in sorted(self.repository.refs.items()):
            parts = ref.split("/")
            if ref.startswith("refs/exps/") and len(parts) >= 5 and parts[2] != "exec":
                step = self.files.step(name)
                state = self.state(step, "/".join(parts[4:])) if step is not None else None
                if state is not None:
                    yield state

    def events(self) -> Iterator[tuple[Event, str, str]]:
        """Yield GTO's events in the order of time, each with its tag's hash and text."""
        told: dict[str, tuple[str, str]] = {}
        found = []
        for ref, tag in self.repository.tags():
            event = event_of(ref.removeprefix("refs/tags/"))
            if event is None:
                continue
            said = dict(headers_of(tag.body)[0])
            message = visible(headers_of(tag.body)[1])
            commit = self.repository.commit_of(tag.name)
            sha = commit.name if commit is not None else visible(said.get("object", b""))
            told[event.ref] = (tag.name, visible(tag.body))
            found.append(_with(event, sha, visible(said.get("tagger", b"")), message))
        for event in history(found):
            if event.event == REGISTER:
                event.artifact_said.update(self._artifact(event))
            yield event, *told[event.ref]

    def _artifact(self, event: Event) -> dict[str, Any]:
        """Return what the commit says of the artifact: `dvc.yaml`, the version of its file, the run that made it."""
        found = self.repository.commit_of(event.commit)
        if found is None:
            return {}
        files = self.files.at(tree_of(found.body))
        runs = self._runs.get(self._mark(files), {})
        for path, name in sorted(files.items()):
            if posixpath.basename(path) != "dvc.yaml":
                continue
            place = posixpath.dirname(path)
            yaml = _held(self._text(name))
            artifact = artifacts(yaml, place).get(event.artifact)
            if artifact is None:
                continue
            said: dict[str, Any] = {"path": artifact.path, "said": artifact.said}
            for stage in self._all_stages(files):
                for part in stage.outs:
                    if part.path == artifact.path and part.version:
                        said["version"] = part.version
                        run = runs.get((stage.place, stage.name))
                        if run:
                            said["run"] = run
            return said
        return {}

    def _all_stages(self, files: dict[str, str]) -> Iterator[Stage]:
        for path, name in sorted(files.items()):
            place, base = posixpath.split(path)
            if base == "dvc.lock":
                yaml = _held(self._text(files.get(posixpath.join(place, "dvc.yaml"))))
                yield from (stage for stage in stages(yaml, _held(self._text(name)), place) if stage.declared)
            elif base.endswith(".dvc"):
                yield pointer(_held(self._text(name)), path)

    def _metrics(self, step: Step, pipelines: dict[str, dict[str, str | None]]) -> Iterator[tuple[str, str]]:
        paths = [
            part.path
            for place, files in pipelines.items()
            for stage in stages(_held(files["yaml"]), _held(files["lock"]), place)
            for part in stage.outs
            if part.metric and part.path.endswith((".json", ".yaml", ".yml"))
        ]
        for path in dict.fromkeys(paths[:MAX_METRICS]):
            name = self._find(step.tree, path)
            text = self._text(name) if name else None
            if text is not None and len(text) <= 1 << 16:
                yield path, text

    def _find(self, tree: str, path: str) -> str | None:
        *folders, last = path.split("/")
        for folder in folders:
            is_folder, tree = self.repository.entries(tree).get(folder, (False, ""))
            if not is_folder:
                return None
        is_folder, name = self.repository.entries(tree).get(last, (True, ""))
        return None if is_folder else name

    def _text(self, name: str | None) -> str | None:
        text = self.repository.text(name) if name else None
        return None if text is None else text.replace("\0", "⟨U+0000⟩")


def _held(text: str | None) -> dict[str, Any]:
    return document(text, "")[0]


def _with(event: Event, commit: str, tagger: str, message: str) -> Event:
    return Event(
        event.artifact,
        event.event,
        event.ref,
        commit,
        signature(tagger),
        event.version,
        event.stage,
        message.strip(),
        artifact_said={},
    )


def _commit(commit: Commit) -> dict[str, str]:
    at = commit.committer.at or commit.author.at
    return {
        "sha": commit.sha,
        "name": commit.author.name,
        "email": commit.author.email,
        "at": at.text if at else "",
    }
