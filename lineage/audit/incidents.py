"""Which incidents were there, how were they handled, and what was serving then at the services they name?

An incident names services or configuration items by words of its own; a target is tied to such a word only by its name
(alone, with its namespace, with its cluster, or as an ARN) or by a label or annotation that names a service. What ties
nothing stands in `unmatched`: nothing is guessed from a title. Two clusters with a service of one name are both listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from lineage.audit.agreements import Binding, episodes_of
from lineage.audit.register import serving_at
from lineage.audit.view import View, spoken, thing_id, thing_name
from lineage.identity import known
from lineage.identity.agreement import TargetRow
from lineage.identity.person import People, identify
from lineage.model.answer import Answer, Item, bounded
from lineage.model.moment import LAST
from lineage.model.naming import display, identifier
from lineage.model.vocabulary import Kind, Outcome
from lineage.store import asking, gathering, listing
from lineage.store.asking import Thing

_STEPS = {
    "incident-open": "opened",
    "incident-acknowledge": "acknowledged",
    "incident-resolve": "resolved",
    "incident-close": "closed",
}
_SERVICE_LABELS = frozenset(
    {
        "service",
        "services",
        "app",
        "application",
        "cmdb-ci",
        "ci",
        "pagerduty-service",
        "jira-component",
        "component",
    }
)
"""Last segments of labels and annotations whose value is a name that an incident may use."""

_RECORDED = ("title", "status", "urgency", "priority", "severity", "url")
_LISTS = ("services", "assignees", "teams")

Row = dict[str, Any]


def incidents(
    view: View,
    selector: str = "",
    *,
    since: int | None = None,
    until: int | None = None,
    limit: int | None = None,
) -> Answer:
    """List incidents, oldest first, with the deployments that were live at their services when they were opened.

    The selector picks incidents, or targets, environments and model versions: then the incidents that concern them.
    With a valid time, only what was open or over by then, as it stood; `since` and `until` bound when it was opened.
    """
    things = asking.things_of_kind(view.connection, Kind.INCIDENT)
    picked = set(view.select(selector)) if selector.strip() else None
    wanted = {row["eid"] for row in episodes_of(view, picked)} if picked else set()
    told: dict[int, list[Row]] = defaultdict(list)
    numbers = [thing.id for thing in things]
    for row in listing.happenings(view.connection, subjects=numbers) if numbers else ():
        told[row["subject"]].append(row)
    services = _Services(view) if things else None
    people = known.people(view.connection)
    first = dict(listing.first_records(view.connection, numbers)) if numbers else {}
    items: list[tuple[tuple[int, str, str], Item, list[int]]] = []
    for thing in things:
        steps = [row for row in told[thing.id] if view.as_of is None or row["at_lo"] <= view.as_of]
        opened = _first(steps, "incident-open")
        later = view.as_of is not None and opened is None and bool(told[thing.id])
        if later or not _within(opened, since, until):
            continue
        named = [str(name) for name in thing.attributes.get("services") or () if isinstance(name, str)]
        live, unmatched = services.live(named, opened) if services else ([], named)
        if picked is not None and thing.id not in picked and not _concerns(picked, wanted, live):
            continue
        records = [row["record"] for row in steps] or [first.get(thing.id, thing.record)]
        records += [seq for each in live for seq in each.pop("_records")]
        for each in live:
            del each["_target"]
        item = _item(thing, steps, opened, named, people)
        item |= {"deployments": live, "unmatched": unmatched}
        order = (opened["at_lo"] if opened else LAST, thing.namespace, thing.name)
        items.append((order, item, [seq for seq in dict.fromkeys(records) if seq is not None]))
    items.sort(key=lambda entry: entry[0])
    shown = items if limit is None else items[:limit]
    evidence = view.evidence(seq for _, _, records in shown for seq in records)
    for _, item, records in shown:
        item["evidence"] = [evidence[seq] for seq in records if seq in evidence]
    return view.answer([item for _, item, _ in shown], len(items))


def _first(steps: Iterable[Row], kind: str) -> Row | None:
    return next((row for row in steps if row["type"] == kind), None)


def _within(opened: Row | None, since: int | None, until: int | None) -> bool:
    """Tell whether an incident may have been opened in the period; one whose time is not known always may."""
    if opened is None:
        return True
    return (since is None or opened["at_hi"] >= since) and (until is None or opened["at_lo"] < until)


def _concerns(picked: set[int], wanted: set[str], live: list[Item]) -> bool:
    return any(each["_target"] in picked or each["id"] in wanted for each in live)


def _item(thing: Thing, steps: list[Row], opened: Row | None, named: list[str], people: People) -> Item:
    said = thing.attributes
    item: Item = {
        "id": thing_id(thing),
        "number": str(said.get("number") or thing.name),
        "system": thing.namespace,
        "display": thing_name(thing),
        "state": "unknown" if opened is None else "open",
        **{name: said.get(name) for name in _RECORDED},
        **{name: said.get(name) or [] for name in _LISTS},
        "services": named,
    }
    reopened = max((row["at_lo"] for row in steps if row["type"] == "incident-reopen"), default=-1)
    for kind, word in _STEPS.items():
        rows = [
            row for row in steps if row["type"] == kind and (word != "resolved" or row["at_lo"] >= reopened)
        ]
        row = (rows[-1] if word in {"resolved", "closed"} else rows[0]) if rows else None
        item[f"{word}_at"] = bounded(row["at_lo"], row["at_hi"]) if row else None
        item[f"{word}_by"] = _person(row, people) if row else None
        if row and word != "opened":
            item["state"] = word
    item["steps"] = [
        {
            "at": bounded(row["at_lo"], row["at_hi"]),
            "type": row["type"],
            "actor": row["actor"],
            "name": next((hop.principal for hop in row["fact"].chain if hop.rule == "display-name"), None),
            "person": _person(row, people),
            "detail": row["detail"],
        }
        for row in steps
    ]
    return item | spoken(
        item, *(f"{word}_at" for word in _STEPS.values()), text=opened["text"] if opened else None
    )


def _person(row: Row, people: People) -> str | None:
    fact = row["fact"]
    who = identify(fact.actor, fact.actor_kind, fact.effective, fact.chain, fact.change, row["at_lo"], people)
    return who.person


class _Services:
    """What the targets are called by, and what they served."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.binding = Binding(view)
        self.rows: dict[int, list[Row]] = defaultdict(list)
        for row in listing.episodes(view.connection):
            self.rows[row["target"]].append(row)
        self.things = {thing.id: thing for thing in asking.things_of_kind(view.connection, Kind.TARGET)}
        self.named: dict[str, dict[int, str]] = defaultdict(dict)
        for number, thing in self.things.items():
            key = known.key_of(thing)
            for name in TargetRow(key).names:
                self.named[name.lower()].setdefault(number, "name")
            if key.namespace.startswith("sagemaker://"):
                account, _, region = key.namespace.removeprefix("sagemaker://").partition("/")
                arn = f"arn:aws:sagemaker:{region}:{account}:endpoint/{key.name}"
                self.named[arn.lower()].setdefault(number, "name")
        self.labelled: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for row in gathering.target_happenings(view.connection):
            workload = row["fact"].workload
            if workload is None or row["fact"].outcome is not Outcome.DONE:
                continue
            for label, text in sorted({**workload.labels, **workload.annotations}.items()):
                if label.rpartition("/")[2].lower() in _SERVICE_LABELS:
                    for name in text.split(","):
                        self.labelled[name.strip().lower()].append((row["target"], label, row["at_lo"]))

    def live(self, services: list[str], opened: Row | None) -> tuple[list[Item], list[str]]:
        """Return the deployments live at these services when an incident was opened, and the services nobody bears."""
        live: list[Item] = []
        unmatched = []
        seen: set[int] = set()
        for service in services:
            targets = self._targets(service, opened)
            if not targets:
                unmatched.append(service)
            for number, how in sorted(targets.items()):
                if number not in seen:
                    seen.add(number)
                    live.extend(self._at(number, service, how, opened))
        live.sort(key=lambda each: (each["environment"] or "", each["target"]))
        return live, unmatched

    def _targets(self, service: str, opened: Row | None) -> dict[int, str]:
        found = dict(self.named.get(service.lower(), {}))
        for number, label, at in self.labelled.get(service.lower(), ()):
            if opened is None or at <= opened["at_hi"]:
                found.setdefault(number, f"label {label}")
        return found

    def _at(self, number: int, service: str, how: str, opened: Row | None) -> Iterable[Item]:
        """Yield what may have been serving at a target; one item without a deployment where nothing was."""
        rows = self.rows[number]
        possible: list[Row] = []
        certain = opened is not None
        moments = [] if opened is None else sorted({opened["at_lo"], opened["at_hi"]})
        for moment in moments:
            found, nothing = serving_at(rows, moment)
            certain = certain and len(found) == 1 and not nothing
            possible += [row for row in found if row not in possible]
        certain = certain and len(possible) == 1
        thing = self.things[number]
        key = known.key_of(thing)
        plain: Item = {
            "target": display(*key),
            "target_id": identifier(*key),
            "environment": thing.attributes.get("environment") or None,
            "service": service,
            "matched_by": how,
            "certain": certain,
            "_target": number,
            "_records": [],
        }
        empty = dict.fromkeys(
            ("id", "model", "model_version", "action", "deployed_at", "deployed_by", "actor")
        )
        if not possible:
            yield {**plain, **empty, "certain": opened is not None and bool(rows), "models": [], "sla": []}
        for row in possible:
            body = row["body"]
            yield {
                **plain,
                **{name: body[name] for name in empty},
                "models": body["models"],
                "sla": self.binding.at(number, moments[0]),
                "_records": body["records"],
            }
