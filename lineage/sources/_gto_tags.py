"""What do GTO's tags say of a model: which version was registered, and which was assigned to which stage, by whom?

Format: gto/constants.py of iterative/gto: `name@v1.2.0` registers, `name@v1.2.0!` takes that back, `name#prod#2`
assigns the version of the tag's commit to a stage, `name#prod!#3` takes that back, `name@deprecated`, `name@created`; a
number at the end counts. An assignment taken back leaves the stage to the version assigned before it, as `gto show` has
it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lineage.model.facts import Claim, Component, Entity, Fact, Happened, Json, Key, Link, Workload
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import dataset, model_version
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.sources._commit import Signed, actor, dated, person_facts
from lineage.text import clip

REGISTER, DEREGISTER = "registration", "deregistration"
ASSIGN, UNASSIGN = "assignment", "unassignment"
CREATE, DEPRECATE = "creation", "deprecation"
EVENTS = (REGISTER, DEREGISTER, ASSIGN, UNASSIGN, CREATE, DEPRECATE)

_NAME = r"[a-z0-9](?:[a-z0-9-/]*[a-z0-9])?"
_TAG = re.compile(
    rf"(?P<artifact>(?:[a-z0-9-_./]+=)?{_NAME})"
    rf"(?:(?:\#(?P<stage>{_NAME})|@(?P<version>v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?))(?P<cancel>!?)"
    r"|@(?P<word>deprecated|created))(?:\#\d+)?",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a model's history, as a tag or `gto history` tells it.

    Attributes:
        version: registered, or assigned: that of the tag's commit; empty where the commit has none.
        serves, served: the version that the stage stands on after and before it, as `gto show` has it.
        artifact_said: what `dvc.yaml` of the commit says of the artifact: path, type, labels; version of the file, run.
    """

    artifact: str
    event: str
    ref: str
    commit: str
    who: Signed
    version: str = ""
    stage: str = ""
    message: str = ""
    serves: str = ""
    served: str = ""
    artifact_said: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def at(self) -> int:
        """When it was, for putting events in order; 0 where that is not known."""
        return self.who.at.lo if self.who.at else 0


def event_of(ref: str) -> Event | None:
    """Return the event that the name of a tag stands for, without who and when; None for a tag that is none of GTO's.

    >>> event_of("churn#prod!#3").event, event_of("models=churn@v1.0.0").artifact, event_of("v1.0.0")
    ('unassignment', 'models:churn', None)
    """
    found = _TAG.fullmatch(ref) if len(ref) < 500 else None
    if found is None:
        return None
    artifact = found["artifact"].replace("=", ":")
    if found["word"]:
        return Event(artifact, DEPRECATE if found["word"] == "deprecated" else CREATE, ref, "", Signed())
    if found["version"]:
        event = DEREGISTER if found["cancel"] else REGISTER
        return Event(artifact, event, ref, "", Signed(), found["version"])
    return Event(artifact, UNASSIGN if found["cancel"] else ASSIGN, ref, "", Signed(), stage=found["stage"])


def history(events: Iterable[Event]) -> list[Event]:
    """Return events in the order of time, each assignment with its version and with what the stage then stands on.

    The version of an assignment is the one registered on its commit by then (of several the last).
    """
    ordered = sorted(events, key=lambda event: (event.at, EVENTS.index(event.event), event.ref))
    on_commit: dict[tuple[str, str], list[str]] = defaultdict(list)
    standing: dict[tuple[str, str], list[str]] = defaultdict(list)
    told = []
    for event in ordered:
        place = (event.artifact, event.commit)
        version = event.version
        if event.event == REGISTER:
            on_commit[place].append(version)
        elif event.event == DEREGISTER:
            on_commit[place] = [one for one in on_commit[place] if one != version]
            for (artifact, _), stands in standing.items():
                if artifact == event.artifact:
                    # Kept last: what serves now goes on serving, only nothing falls back to it.
                    stands[:-1] = [one for one in stands[:-1] if one != version]
        elif event.stage:
            version = version or next(reversed(on_commit[place]), "")
            stands = standing[event.artifact, event.stage]
            served = next(reversed(stands), "")
            one = version or event.commit
            stands[:] = [other for other in stands if other != one]
            if event.event == ASSIGN:
                stands.append(one)
            event = replace(event, version=version, served=served, serves=next(reversed(stands), ""))  # noqa: PLW2901
        told.append(event)
    return told


def gto_facts(event: Event, repository: str) -> Iterator[Fact]:
    """Say what an event was: a version came to be or went, or a stage was told to serve it."""
    at = event.who.at
    if at is None:
        return
    namespace = f"gto:{repository}"
    model = Key(Kind.MODEL, namespace, event.artifact)
    version = model_version(namespace, event.artifact, event.version) if event.version else None
    by = actor(event.who)
    number = f"{event.ref} {event.commit}"
    detail: dict[str, Json] = {"tag": event.ref, "commit": event.commit, "message": clip(event.message, 300)}
    yield from person_facts(event.who)
    if event.event == REGISTER and version is not None:
        yield from _registered(event, model, version, at, repository)
        yield Happened("register", version, at, number, actor=by, detail=detail)
    elif event.event == DEREGISTER and version is not None:
        yield Entity(version, {"model": event.artifact, "version": event.version, "deleted": True}, ended=at)
        yield Happened("delete", version, at, number, actor=by, detail=detail)
    elif event.event in {CREATE, DEPRECATE}:
        said: dict[str, Json] = {"deprecated": True} if event.event == DEPRECATE else {}
        yield Entity(model, said, at)
        yield Happened("deprecate" if said else "create", model, at, number, actor=by, detail=detail)
    elif event.stage:
        yield _assigned(event, at, by, number, {**detail, "version": event.version}, repository)


def _registered(event: Event, model: Key, version: Key, at: Moment, repository: str) -> Iterator[Fact]:
    said = event.artifact_said
    path = said.get("path")
    attributes: dict[str, Json] = {
        "model": event.artifact,
        "version": event.version,
        "created_at": to_iso(at.lo),
        "created_by": event.who.principal,
        "created_by_basis": "tagger",
        "git_commit": event.commit,
        "description": clip(event.message, 300),
        "uri": path,
        "digest": said.get("version"),
        "artifact": said.get("said"),
        "run_id": said.get("run"),
    }
    kept = {name: value for name, value in attributes.items() if value not in (None, "", {})}
    yield Entity(version, kept, created=at)
    yield Entity(model, dict(said.get("said") or {}), at)
    yield Link(version, model, Relation.VERSION_OF, Basis.DECLARED, "gto tag")
    if isinstance(path, str) and path and not said.get("run"):
        # Where the run is known it alone counts: the path was written by every other run as well.
        place = dataset(f"dvc://{repository}", path)
        digest: dict[str, Json] = {"version": said["version"]} if said.get("version") else {}
        yield Link(
            place, version, Relation.REGISTERED, Basis.DECLARED, "dvc.yaml artifacts", at=at, detail=digest
        )
    if said.get("run"):
        run = Key(Kind.RUN, f"dvc://{repository}", f"{said['run']}")
        yield Link(run, version, Relation.PRODUCED, Basis.DECLARED, "dvc.lock", at=at)


def _assigned(
    event: Event, at: Moment, by: Key | None, number: str, detail: dict[str, Json], repository: str
) -> Happened:
    """Say that a stage was told to serve a version; taking an assignment back tells it to serve the one before."""
    target = Key(Kind.TARGET, f"gto://{repository}", f"{event.artifact}/{event.stage}")
    change = {"reason": clip(event.message.strip(), 300)} if event.message.strip() else {}
    kind = "apply"
    if event.event == UNASSIGN:
        detail["taken_back"] = True
        kind = "delete" if not event.serves else "apply" if event.serves != event.served else "unassign"
    if kind != "apply":
        return Happened(kind, target, at, number, actor=by, change=change, detail=detail)
    claim = (
        Claim("registry-label", f"{event.artifact}/{event.serves}", "tag")
        if event.serves.startswith("v")
        else Claim("git-commit", event.serves or event.commit, "tag")
    )
    workload = Workload(
        "gto",
        (Component(event.artifact, claims=(claim,)),),
        number,
        labels={"environment": event.stage, "registry": repository.rpartition("/")[2]},
    )
    return Happened(kind, target, at, number, actor=by, workload=workload, change=change, detail=detail)


def spelled(event: Event) -> dict[str, Json]:
    """Return an event as a record holds it."""
    return {
        "artifact": event.artifact,
        "event": event.event,
        "ref": event.ref,
        "commit": event.commit,
        "version": event.version,
        "stage": event.stage,
        "message": event.message,
        "name": event.who.name,
        "email": event.who.email,
        "at": event.who.at.text if event.who.at else "",
        "serves": event.serves,
        "served": event.served,
        "said": event.artifact_said,
    }


def read_event(said: dict[str, Any]) -> Event:
    """Return the event that a record holds, as `spelled` wrote it."""
    texts = {
        name: str(said.get(name) or "") for name in ("artifact", "event", "ref", "commit", "version", "stage")
    }
    who = Signed(str(said.get("name") or ""), str(said.get("email") or ""), dated(str(said.get("at") or "")))
    told = {name: str(said.get(name) or "") for name in ("message", "serves", "served")}
    held = said.get("said")
    kept = dict(held) if isinstance(held, dict) else {}
    if not isinstance(kept.get("said"), dict):
        kept.pop("said", None)
    return Event(**texts, **told, who=who, artifact_said=kept)
