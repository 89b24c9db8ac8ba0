"""What was made from what, as the DVC files of one commit (or of a work tree without its history) say it?

A stage whose entry in the lock a commit changed was run for it: the commit gives the time, and its author is who
recorded it. A work tree by itself has neither: it shows which stage makes what from what, and no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model.facts import Entity, Fact, Json, Key, Link, Run, Use
from lineage.model.moment import Moment
from lineage.model.naming import dataset
from lineage.model.vocabulary import Basis, Kind, Relation, RunState
from lineage.source import Problem
from lineage.sources._commit import Signed, actor, dated, person_facts
from lineage.sources._stage_files import (
    Part,
    Stage,
    artifacts,
    document,
    figures,
    is_code,
    key_of,
    place_of,
    pointer,
    remotes,
    stages,
)


def state_facts(said: Mapping[str, Any]) -> Iterator[Fact | Problem]:
    """Say what a state holds: `pipelines` (a folder: yaml, lock, before), `pointers`, `metrics` (by path), `config`."""
    repository = str(said.get("repository") or "repository")
    commit = said.get("commit") if isinstance(said.get("commit"), dict) else None
    told = _Told(repository, commit or {}, str(said.get("experiment") or ""), said)
    if commit is not None and told.at is None:
        yield Problem("bad-time", "the commit has no sound time", "commit", str(commit.get("sha")))
        return
    pipelines = said.get("pipelines")
    for place, files in pipelines.items() if isinstance(pipelines, dict) else ():
        if isinstance(files, dict):
            yield from _pipeline(told, str(place), files)
    pointers = said.get("pointers")
    for path, files in pointers.items() if isinstance(pointers, dict) else ():
        text = files.get("text") if isinstance(files, dict) else None
        if isinstance(text, str):
            value, problem = document(text, str(path))
            if problem:
                yield problem
            else:
                yield from told.stage(pointer(value, str(path)), frozenset())
    yield from person_facts(told.who)


def _pipeline(told: _Told, place: str, files: Mapping[str, Any]) -> Iterator[Fact | Problem]:
    texts = {
        name: files.get(name) if isinstance(files.get(name), str) else None
        for name in ("yaml", "lock", "before")
    }
    shown = f"{place}/" if place else ""
    yaml, odd = document(texts["yaml"], f"{shown}dvc.yaml")
    lock, wrong = document(texts["lock"], f"{shown}dvc.lock")
    before, _ = document(texts["before"], f"{shown}dvc.lock")
    yield from (problem for problem in (odd, wrong) if problem)
    earlier = {stage.name: stage.entry for stage in stages({}, before, place)}
    named = artifacts(yaml, place)
    made = frozenset(artifact.path for artifact in named.values())
    for artifact in named.values():
        model = Key(Kind.MODEL, f"gto:{told.repository}", artifact.name)
        yield Entity(model, {"path": artifact.path, **artifact.said}, told.at)
        yield Link(
            dataset(told.namespace, artifact.path),
            model,
            Relation.PART_OF,
            Basis.DECLARED,
            "dvc.yaml artifacts",
        )
    for stage in stages(yaml, lock, place):
        if told.at is None or not stage.locked or earlier.get(stage.name) != stage.entry:
            yield from told.stage(stage, made)


class _Told:
    """The commit that all facts of one state come with."""

    def __init__(
        self, repository: str, commit: Mapping[str, Any], experiment: str, said: Mapping[str, Any]
    ) -> None:
        self.repository = repository
        self.namespace = f"dvc://{repository}"
        self.sha = str(commit.get("sha") or "")
        self.at: Moment | None = dated(str(commit.get("at") or "")) if commit else None
        self.who = Signed(str(commit.get("name") or ""), str(commit.get("email") or ""), self.at)
        self.experiment = experiment
        self.remotes = remotes(str(said.get("config") or ""))
        metrics = said.get("metrics")
        self.metrics = metrics if isinstance(metrics, dict) else {}

    def stage(self, stage: Stage, made: frozenset[str]) -> Iterator[Fact]:
        """Say that a stage is there, and that it was run for the commit; `made` are the paths of models."""
        job = Key(
            Kind.JOB,
            self.namespace,
            stage.job if stage.entry is None or stage.name[-4:] != ".dvc" else _path(stage),
        )
        yield Entity(job, _described(stage))
        data = [part for part in stage.deps if not is_code(part.path)]
        for part in (*data, *stage.outs):
            yield from self._dataset(part)
        if not stage.declared:
            return
        if self.at is None or not stage.locked:
            yield from self._declared(job, data, stage)
            return
        attributes: dict[str, Json] = {
            "code": {
                "commit": self.sha,
                "repository": self.repository,
                **{part.path: part.version for part in stage.deps if is_code(part.path)},
            },
            "user": self.who.principal,
            "user_basis": "commit author",
        }
        figured = {
            name: value
            for part in stage.outs
            if isinstance(text := self.metrics.get(part.path), str)
            for name, value in figures(text, part.path).items()
        }
        optional: dict[str, Json] = {
            "experiment": self.experiment,
            "params": dict(stage.params),
            "metrics": figured,
            "cmd": stage.command,
        }
        attributes |= {name: value for name, value in optional.items() if value}
        yield Run(
            Key(Kind.RUN, self.namespace, self.sha),
            job,
            RunState.COMPLETE,
            self.at,
            inputs=tuple(self._use(part) for part in data),
            outputs=tuple(self._use(part) for part in stage.outs),
            individual=any(part.path in made for part in stage.outs),
            actor=actor(self.who),
            attributes=attributes,
        )

    def _use(self, part: Part) -> Use:
        return Use(key_of(part, self.namespace, self.remotes), part.version)

    def _dataset(self, part: Part) -> Iterator[Fact]:
        key = key_of(part, self.namespace, self.remotes)
        said: dict[str, Json] = {
            "size": part.size,
            "files": part.files,
            "hash": part.hashing,
            "version": part.version,
            "imported_from": part.repository,
            "revision": part.rev,
        }
        inside = key.namespace == self.namespace
        if inside and part.hashing and self.remotes.get(""):
            said["remote"] = self.remotes[""]
        yield Entity(key, {name: value for name, value in said.items() if value not in (None, "")}, self.at)

    def _declared(self, job: Key, data: list[Part], stage: Stage) -> Iterator[Link]:
        """Say what a stage makes from what where no run of it is evidenced."""
        rule = "dvc.lock" if stage.locked else "dvc.yaml"
        for part in data:
            key = key_of(part, self.namespace, self.remotes)
            yield Link(key, job, Relation.INPUT, Basis.DECLARED, rule, job=job, at=self.at)
        for part in stage.outs:
            key = key_of(part, self.namespace, self.remotes)
            yield Link(job, key, Relation.OUTPUT, Basis.DECLARED, rule, job=job, at=self.at)


def _path(stage: Stage) -> str:
    return place_of(stage.name, stage.place)


def _described(stage: Stage) -> dict[str, Json]:
    said: dict[str, Json] = {
        "command": stage.command,
        "description": stage.description,
        "meta": stage.meta,
        "stale": None if stage.declared else True,
        "never_ran": None if stage.locked else True,
    }
    owner = stage.meta.get("owner") if isinstance(stage.meta, dict) else None
    if isinstance(owner, str):
        said["owner"] = owner
    return {name: value for name, value in said.items() if value not in (None, "")}
