"""Which model version served where, from when to when, by whom and under which agreement?

Brings the ladders together: what each target was told to run is tied to registered versions, who did it to
people, the steps to episodes, and the agreements in force stand beside them. The result is stored as
CONTRACT.md's register items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from lineage.identity import copies, known, operations, sagemaker, vertex
from lineage.identity.decision import Decisions
from lineage.identity.delivery import TYPES as DELIVERED
from lineage.identity.delivery import Deliveries
from lineage.identity.episodes import ABSENT, Change, Episode, episodes
from lineage.identity.inforce import Agreements, agreements
from lineage.identity.person import Identified, People, identify
from lineage.identity.projector import STATE_BIT
from lineage.identity.registry import ModelLink, Registry
from lineage.identity.registry import resolve as tie
from lineage.identity.sagemaker import Decision, Definitions, Told
from lineage.identity.suspicious import Finding, of_aliases, of_deployments, of_persons, of_runs
from lineage.identity.unapproved import approval, of_approvals
from lineage.model.answer import bounded
from lineage.model.facts import Happened, Key
from lineage.model.moment import LAST, exactly
from lineage.model.naming import display, identifier
from lineage.model.vocabulary import TERMINAL, Basis, Kind, Outcome, Relation
from lineage.store import asking, derived, gathering
from lineage.store.database import Connection

CONFIDENCE = {"exact": 1.0, "strong": 0.9, "medium": 0.6, "weak": 0.3, "none": 0.0}
_NO_NAMESPACES = frozenset({"sagemaker", "tfx", "vertex", "azureml"})
"""Platforms whose targets have a scheme of their own, and lie in no namespace of a cluster."""
_BY_NAME = frozenset({"medium", "weak"})


def resolve_deployments(connection: Connection, decided: Decisions) -> None:
    """Work out every target's episodes, what serves on lineage edges, and what needs a person."""
    derived.clear_deployments(connection)
    versions = known.registered(connection, decided.served)
    people = known.people(connection, decided.same)
    definitions = _definitions(connection, people)
    deliveries = _deliveries(connection)
    decisions = definitions.decisions()
    changes = _changes(connection, versions.registry, people, definitions, deliveries, decisions)
    things = asking.things(connection, changes)
    registers = {
        number: episodes(told)
        for number, told in changes.items()
        if not _never_served(known.key_of(things[number]), told)
    }
    order = sorted(registers, key=lambda target: known.key_of(things[target]))
    agreed = agreements(connection, ((known.key_of(things[number]), registers[number]) for number in order))
    rows = []
    every = asking.things_of_kind(connection, Kind.MODEL_VERSION)
    edges = list(copies.edges(every, versions.registry, versions.ids))
    found: list[Finding] = list(agreed.findings())
    environments: dict[int, str] = {}
    for number in order:
        items = registers[number]
        key = known.key_of(things[number])
        environments[number] = _environment(key, items)
        for item in items:
            rows.append(_row(number, key, item, environments[number], agreed, deliveries))
            edges.extend(_edges(number, item, versions.ids))
        found.extend(of_deployments(display(*key), items, versions.deleted))
        found.extend(of_approvals(display(*key), items, decisions))
    found.extend(of_persons((display(*known.key_of(things[number])), registers[number]) for number in order))
    found.extend(of_aliases(versions.aliases, versions.shown))
    found.extend(of_runs(gathering.conflicting_runs(connection, [STATE_BIT[state] for state in TERMINAL])))
    derived.set_environments(connection, environments.items())
    derived.insert_episodes(connection, rows)
    derived.insert_serving(connection, edges)
    derived.set_persons(
        connection, [*_persons(changes.values()), *_definers(definitions, deliveries, people)]
    )
    derived.insert_findings(connection, sorted({finding.row() for finding in found}))


def _changes(
    connection: Connection,
    registry: Registry,
    people: People,
    definitions: Definitions,
    deliveries: Deliveries,
    decisions: Mapping[Key, Sequence[Decision]],
) -> dict[int, list[Change]]:
    changes: dict[int, list[Change]] = defaultdict(list)
    happened = (
        Told(row["target"], row["hid"], row["fact"], (row["record"],))
        for row in gathering.target_happenings(connection)
    )
    for told in deliveries.completed(_wholes(definitions.expanded(happened))):
        changes[told.target].append(_change(told, registry, people, decisions))
    names = asking.things(connection, changes)
    for row in gathering.missing_from_listings(connection):
        target = row["target"]
        if target in changes:
            at = exactly(row["at"])
            gone = Change(
                f"absent {row['listing']} {row['at']}",
                known.key_of(names[target]),
                at,
                ABSENT,
                listing=row["listing"],
                records=(row["record"],),
            )
            changes[target].append(gone)
    return changes


def _never_served(target: Key, told: Iterable[Change]) -> bool:
    """Tell whether all that is known of a function of anybody's is that it was deleted."""
    return "/nucliofunctions/" in target.name and all(change.type == "delete" for change in told)


def _wholes(rows: Iterable[Told]) -> Iterator[Told]:
    """Yield the happenings of targets where records tell only of a step, or of its beginning and end."""
    return vertex.expanded(operations.completed(rows))


def _definitions(connection: Connection, people: People) -> Definitions:
    def approver(fact: Happened) -> str:
        who = _who_did(fact, people)
        return who.person or who.actor or ""

    rows = gathering.happenings_of(connection, sagemaker.TYPES)
    return Definitions(((row["hid"], row["fact"], row["record"]) for row in rows), approver)


def _deliveries(connection: Connection) -> Deliveries:
    rows = gathering.happenings_of(connection, DELIVERED)
    targets = asking.things_of_kind(connection, Kind.TARGET) if rows else []
    return Deliveries(
        ((row["hid"], row["fact"], row["record"]) for row in rows),
        ((thing.namespace, thing.name) for thing in targets),
    )


def _who_did(fact: Happened, people: People) -> Identified:
    return identify(fact.actor, fact.actor_kind, fact.effective, fact.chain, fact.change, fact.at.lo, people)


def _change(
    told: Told, registry: Registry, people: People, decisions: Mapping[Key, Sequence[Decision]]
) -> Change:
    fact, hid, records = told.fact, told.hid, told.records
    workload = fact.workload
    models: tuple[ModelLink, ...] = ()
    if workload is not None and fact.outcome is Outcome.DONE:
        links = [
            (component, tie(component, workload, fact.at.lo, registry))
            for component in workload.components
            if component.uri or component.claims
        ]
        bearing = [link for component, link in links if component.uri or link.version_key is not None]
        # A transformer's or sidecar's image is no model where another part names one.
        models = tuple(bearing or (link for _, link in links if link.uri or link.model))
    if decisions and not fact.change.get("approved_by"):
        fact = replace(fact, change={**fact.change, **approval(models, decisions, fact.at.lo)})
    who = _who_did(fact, people)
    return Change(
        hid,
        fact.subject,
        fact.at,
        fact.type,
        fact.outcome,
        workload,
        models,
        creates=fact.detail.get("verb") == "create",
        created=_created(fact),
        who=who,
        change=fact.change,
        listing=fact.listing,
        records=records,
    )


def _created(fact: Happened) -> Any:
    said = fact.detail.get("created_at")
    return exactly(said) if isinstance(said, int) else None


def _environment(key: Key, items: Iterable[Episode]) -> str:
    """Return the environment a target is in: what its own labels say, else the cluster it stands in."""
    for item in items:
        workload = item.state.workload if item.state is not None else None
        if workload is not None:
            for place in (workload.labels, workload.annotations):
                for name, value in sorted(place.items()):
                    if name.rpartition("/")[2].lower() in {"env", "environment"} and value:
                        return value
    return key.namespace.partition("://")[2]


def _row(
    number: int, key: Key, item: Episode, environment: str, agreed: Agreements, deliveries: Deliveries
) -> tuple[Any, ...]:
    start, end = item.start, item.end
    heaviest = heaviest_of(item.models)
    workload = item.state.workload if item.state is not None else item.opened.workload
    resources = dict(workload.resources) if workload is not None else {}
    who = item.who
    change = item.opened.change
    parts = key.name.split("/")
    records = list(dict.fromkeys([*item.opened.records, *(item.state.records if item.state else ())]))
    body: dict[str, Any] = {
        "id": item.id,
        "action": item.action,
        "outcome": "done",
        "target": display(*key),
        "target_id": identifier(*key),
        "platform": workload.platform if workload is not None else _platform(key),
        "environment": environment,
        "cluster": key.namespace.partition("://")[2],
        "namespace": parts[0] if len(parts) > 1 and _platform(key) not in _NO_NAMESPACES else "",
        "endpoint": parts[-1],
        "model": heaviest.model if heaviest else None,
        "model_version": (heaviest.version or None) if heaviest else None,
        "link_rule": str(heaviest.rule) if heaviest else None,
        "link_confidence": heaviest.confidence if heaviest else None,
        "models": [model_item(link, _share(item.models, link)) for link in item.models],
        "deployed_at": bounded(start.lo or None, start.hi),
        "_text": item.opened.at.text or None,
        "ended_at": bounded(end.lo, end.hi) if end is not None else None,
        "ended_by": item.ended_by or None,
        **_who(who),
        "approved_at": change.get("approved_at") or None,
        "change_ref": change.get("ticket") or change.get("commit") or change.get("ci_run") or None,
        "change": dict(change),
        "reason": change.get("reason") or None,
        "replaces": item.replaces or None,
        "image_digest": resources.pop("image_digest", None),
        "resources": resources,
        "sla": [] if item.action == "delete" else agreed.in_force(key, start),
        "flags": list(item.flags),
        "records": records,
        "chain_records": deliveries.proving(who.identity_chain if who else (), records),
        "confirmed_by": len(item.confirmed),
    }
    bounds = (end.lo, end.hi) if end is not None else (None, None)
    return (item.id, number, start.lo, start.hi, *bounds, item.action, body, records[0] if records else 0)


def _platform(key: Key) -> str:
    scheme = key.namespace.partition(":")[0]
    if scheme in _NO_NAMESPACES or scheme == "gto":
        return scheme
    resource = key.name.split("/")[1] if key.name.count("/") >= 2 else ""
    return {
        "inferenceservices": "kserve",
        "seldondeployments": "seldon",
        "models": "seldon",
        "nucliofunctions": "nuclio",
        "releases": "helm",
    }.get(resource, "kubernetes")


def _who(who: Identified | None) -> dict[str, Any]:
    if who is None:
        return {
            "actor": None,
            "actor_kind": None,
            "deployed_by": None,
            "identity_chain": [],
            "effective_identity": None,
            "on_behalf_of": None,
            "approved_by": [],
        }
    return {
        "actor": who.actor,
        "actor_kind": who.actor_kind,
        "deployed_by": who.person,
        "identity_chain": [
            {"principal": hop.principal, "rule": hop.rule, "field": hop.field} for hop in who.identity_chain
        ],
        "effective_identity": who.effective_identity,
        "on_behalf_of": who.on_behalf_of,
        "approved_by": list(who.approved_by),
    }


def heaviest_of(models: Iterable[ModelLink]) -> ModelLink | None:
    """Return the part with the most traffic; of equals one that is tied to a version, then the first by name."""
    every = list(models)
    if not every:
        return None
    return max(
        every,
        key=lambda link: (
            1.0 if link.weight is None else link.weight,
            CONFIDENCE.get(link.confidence, 0.0),
            link.version_key is not None,
            [-ord(character) for character in link.component],
        ),
    )


def _share(models: tuple[ModelLink, ...], link: ModelLink) -> float | None:
    if link.weight is not None:
        return link.weight
    return 1.0 if len(models) == 1 else None


def model_item(link: ModelLink, weight: float | None) -> dict[str, Any]:
    """Return one served model as CONTRACT.md's `models[]` writes it."""
    return {
        "model": link.model or None,
        "version": link.version or None,
        "id": identifier(*link.version_key) if link.version_key else None,
        "uri": link.uri or None,
        "weight": weight,
        "component": link.component,
        "run_id": link.run_id or None,
        "link_rule": str(link.rule),
        "link_confidence": link.confidence,
        "claim": link.claim.value if link.claim else None,
        "claim_at": link.claim.where if link.claim else None,
        "candidates": [display(*key) for key in link.candidates],
        "version_deleted": link.deleted,
    }


def _edges(number: int, item: Episode, version_ids: Mapping[Key, int]) -> list[tuple[Any, ...]]:
    if item.action == "delete":
        return []
    end = item.end.hi if item.end is not None else LAST
    made = []
    for link in item.models:
        version = version_ids.get(link.version_key) if link.version_key is not None else None
        if version is None or end <= item.start.lo or link.weight == 0:
            continue
        basis = Basis.BY_NAME if link.confidence in _BY_NAME else Basis.DECLARED
        record = item.opened.records[0] if item.opened.records else 0
        uncertain = None if item.start.exact else item.start.hi
        made.append(
            (
                version,
                str(Relation.SERVES),
                number,
                item.start.lo,
                end,
                str(basis),
                CONFIDENCE.get(link.confidence, 0.0),
                str(link.rule),
                None,
                None,
                uncertain,
                record,
                record,
            )
        )
    return made


def _persons(changes: Iterable[list[Change]]) -> list[tuple[str, str, int]]:
    """Return the person behind each happening, by its id and record, where one is evidenced."""
    return [
        (change.who.person, change.id, change.records[0])
        for listed in changes
        for change in listed
        if change.who is not None and change.who.person and change.type != ABSENT
    ]


def _definers(definitions: Definitions, deliveries: Deliveries, people: People) -> list[tuple[str, str, int]]:
    """Return the person behind each definition, approval, run and release, by its id and record, where evidenced."""
    return [
        (person, hid, record)
        for hid, record, fact in (*definitions.happenings(), *deliveries.happenings())
        if (person := _who_did(fact, people).person) is not None
    ]
