"""What should an honest reader of the sample's files find in them?

Worked out from the story alone, never by the product: it is what the product is judged by. Where the files cannot prove
what really happened, this says what they do prove.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from resources.sample import kubernetes, mlflow, openlineage, people, sla
from resources.sample.changes import ATTEMPTS, CHANGES, Change
from resources.sample.drawn import midnight
from resources.sample.pipeline import DATASETS, MADE_OF, trained_on
from resources.sample.story import (
    BOT,
    BREAK_GLASS,
    BY_KEY,
    CLUSTERS,
    INCIDENT,
    MODELS,
    MOVES,
    ON_CALL,
    ONCALL,
    PEOPLE,
    PROMISES,
    VERSIONS,
    Promise,
)

Item = dict[str, Any]
Place = tuple[str, str]


def _text(moment: datetime) -> str:
    text = moment.replace(tzinfo=None).isoformat(timespec="microseconds").removesuffix(".000000")
    return f"{text}Z"


def person_of(principal: str, moment: datetime) -> str | None:
    """Return whom the people list shows for a principal at `moment`.

    One who signed in under a name that the list no longer holds is evidenced by that name only; a bot and a shared
    break-glass account are nobody.
    """
    if principal in {BOT, BREAK_GLASS, "svc-airflow"}:
        return None
    if principal == ONCALL:
        for person, since, until in ON_CALL:
            if _held(since, until, moment):
                return person.name
    for person in PEOPLE:
        if principal in {person.oidc, person.login, person.email}:
            return person.name if _held(person.since, person.until, moment) else person.email
    return None


def _held(since: date, until: date | None, moment: datetime) -> bool:
    """Tell whether `moment` lies between two days, the last one included."""
    return midnight(since) <= moment and (until is None or moment < midnight(until + timedelta(days=1)))


def deployments() -> list[Item]:
    """Return the register in the order of time: one item a change of what serves.

    - `version` is that of the heaviest share of the traffic (`models`, shares 0..1); `applied_version` the one that was
      applied. Both are None where the files do not say what was; `candidates` are the versions left to choose from.
    - `person` is the human the files evidence; `listed`: whether the people list knows him at that time.
    - `link_rule` is the strongest rule that ties the workload to the registry; None where no object was logged.
    - `sla` holds every objective in force for the service, contradicting ones included; empty when nothing serves.
    - `ended_at` is when the next change at the target was made, `ended_by_action` which it was; a delete opens nothing.
    - `change_ref`, `approved_by` and `reason` are what this change itself says, not what an annotation of an earlier
      one, still on the object, says.
    """
    serving: dict[str, dict[int, float]] = {}
    following = _following()
    found = []
    for change in CHANGES:
        shares = _shares(change, serving.get(change.target, {}))
        serving[change.target] = shares
        by = change.triggered_by.email if change.triggered_by else change.by
        person = person_of(by, change.at)
        heaviest = max(shares, key=lambda version: (shares[version], version), default=None)
        ended = following[change] if change.action != "delete" else None
        found.append(
            {
                "action": change.action,
                "target": change.target,
                "cluster": change.cluster,
                "environment": change.cluster,
                "namespace": change.namespace,
                "endpoint": change.name,
                "model": change.model if change.link else None,
                "version": str(heaviest) if heaviest else None,
                "applied_version": str(change.version) if change.version else None,
                "candidates": _candidates(change),
                "models": {str(version): share for version, share in sorted(shares.items())},
                "deployed_at": _text(change.at),
                "ended_at": _text(ended.at) if ended else None,
                "ended_by_action": ended.action if ended else None,
                "actor": change.by,
                "actor_kind": "bot"
                if change.by == BOT
                else "unknown"
                if change.by == BREAK_GLASS
                else "person",
                "person": person,
                "listed": person in {one.name for one in PEOPLE},
                "effective_identity": change.acting_as or None,
                "approved_by": [change.approved_by.name] if change.approved_by else [],
                "change_ref": change.ticket or None,
                "reason": change.reason or None,
                "link_rule": change.link or None,
                "sla": [] if change.action == "delete" else in_force(change.name, change.at),
            }
        )
    return found


def _following() -> dict[Change, Change | None]:
    """Return the next change at the same target, for each."""
    found: dict[Change, Change | None] = {}
    latest: dict[str, Change] = {}
    for change in CHANGES:
        if change.target in latest:
            found[latest[change.target]] = change
        found[change] = None
        latest[change.target] = change
    return found


def _shares(change: Change, before: dict[int, float]) -> dict[int, float]:
    if change.version is None:
        return {}
    if change.weight == 100:
        return {change.version: 1.0}
    (stable,) = (version for version in before if version != change.version)
    return {stable: round(1 - change.weight / 100, 2), change.version: change.weight / 100}


def _candidates(change: Change) -> list[str]:
    """Return the versions an alias may have meant: it was seen on one before and on another after."""
    if change.link != "alias":
        return []
    moves = [move for move in MOVES if move.model == change.model and not move.stage]
    return sorted({str(_alias(moves, seen)) for seen in mlflow.FILES.values()})


def _alias(moves: list[Any], seen: datetime) -> int:
    return int([move.number for move in moves if move.name == "champion" and move.at <= seen][-1])


def in_force(service: str, moment: datetime) -> list[Item]:
    """Return the objectives in force for a service at `moment`."""
    return [_promised(one) for one in PROMISES if one.subject == service and one.in_force(moment)]


def _promised(promise: Promise) -> Item:
    return {
        "name": promise.name,
        "version": promise.version,
        "subject": promise.subject,
        "metric": promise.metric,
        "comparator": promise.comparator,
        "target": promise.target,
        "unit": promise.unit,
        "percentile": promise.percentile,
        "effective_from": promise.since.isoformat(),
        "last_day": promise.until.isoformat() if promise.until else None,
        "document": promise.document,
    }


def live(moment: datetime) -> dict[str, str | None]:
    """Return the version that got most of the traffic of each target at `moment`; None = not evidenced."""
    found: dict[str, str | None] = {}
    for item in deployments():
        if item["deployed_at"] <= _text(moment):
            found[item["target"]] = item["version"]
            if item["action"] == "delete":
                del found[item["target"]]
    return found


def denied() -> list[Item]:
    """Return the attempts that are events and no deployments: denied, failed, dry runs; and applies of what stood."""
    return [
        {
            "at": _text(attempt.at),
            "target": attempt.target,
            "actor": attempt.by,
            "person": person_of(attempt.by, attempt.at),
            "verb": attempt.verb,
            "outcome": attempt.outcome,
            "code": attempt.code,
        }
        for attempt in ATTEMPTS
    ]


def incident() -> Item:
    """Return the bad delivery: the dataset and partition, the failed checks, the model version, where it served."""
    changes = [
        item
        for item in deployments()
        if (item["model"], item["applied_version"]) == (INCIDENT.model, str(INCIDENT.version))
    ]
    return {
        "dataset": ("s3://skarn-lake", "raw/scans"),
        "partition": f"dt={INCIDENT.partition}",
        "rows": INCIDENT.rows,
        "usual_rows": INCIDENT.usual_rows,
        "checked": ("s3://skarn-lake", "staging/scans"),
        "failed_checks": ["not_null", "row_count"],
        "severity": "warn",
        "model": INCIDENT.model,
        "version": str(INCIDENT.version),
        "run_id": BY_KEY[INCIDENT.model, INCIDENT.version].run_id,
        "served": [(item["target"], item["deployed_at"], item["ended_at"]) for item in changes],
        "ended_by": [item["ended_by_action"] for item in changes],
        "redelivered": _text(INCIDENT.redelivered),
        "version_deleted": _text(_deleted()),
    }


def _deleted() -> datetime:
    return next(version.deleted for version in VERSIONS if version.deleted)


def lineage() -> dict[tuple[str, str], Item]:
    """Return, for each model version, the run that made it and the datasets that feed it, near and far.

    `trained_on` and `evaluated_on` are read by the run; `upstream` are all datasets it comes from: (namespace, name).
    """
    found = {}
    for version in VERSIONS:
        read = trained_on(version.model, version.trained)
        near = [_place(name) for name, context, _ in read if context == "training"]
        far = {_place(name) for chain in MADE_OF[version.model] for name in chain}
        found[version.model, str(version.number)] = {
            "run_id": version.run_id,
            "uri": version.location,
            "trained_on": near,
            "evaluated_on": [_place(name) for name, context, _ in read if context == "validation"],
            "partition": f"dt={version.partition}",
            "upstream": sorted({*near, *far}),
            "deleted": version.deleted is not None,
        }
    return found


def _place(name: str) -> Place:
    return DATASETS[name].namespace, name


def sla_change() -> Item:
    """Return the objective that was tightened, with both versions, and the two documents that contradict each other."""
    by_name = [promise for promise in PROMISES if promise.name == "eta-parcel-availability"]
    sides = [one for one in PROMISES if (one.subject, one.metric) == ("address-match", "availability")]
    return {
        "name": by_name[0].name,
        "versions": [_promised(promise) for promise in by_name],
        "conflict": [_promised(promise) for promise in sides],
    }


def aliases() -> list[Item]:
    """Return each alias with where the two copies of the store saw it; what happened between is not recorded."""
    found = []
    for model in MODELS:
        moves = [move for move in MOVES if move.model == model and not move.stage]
        for name in sorted({move.name for move in moves}):
            seen = {
                _text(when): str([move.number for move in moves if move.name == name and move.at <= when][-1])
                for when in mlflow.FILES.values()
            }
            found.append({"model": model, "alias": name, "seen": seen})
    return found


def records() -> dict[str, int]:
    """Return how many records each file holds: lines, objects, documents, rows below a header, rows of all tables."""
    return dict(sorted(_counted()))


def _counted() -> Iterator[tuple[str, int]]:
    for name, events in openlineage.months().items():
        yield name, len(events)
    for name, lines in kubernetes.logs().items():
        yield name, len(lines)
    for cluster in CLUSTERS:
        yield kubernetes.DUMPS[cluster], len(kubernetes.standing(cluster))
    for name, parts in sla.documents().items():
        yield name, len(parts)
    yield "sla/sla.csv", len(sla.lines()) - 1
    yield people.NAME, len(people.rows())
    for name, as_of in mlflow.FILES.items():
        yield name, sum(len(rows) for rows in mlflow.tables(as_of).values())
