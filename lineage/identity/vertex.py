"""What does an endpoint of Vertex AI or Azure Machine Learning serve after each step?

A call deploys one model beside others, takes one away or shares out the traffic anew; what serves as a whole is the
sum of the steps so far. A step that changes nothing of what gets traffic (a model that is deployed without a share, or
taken away when it has none) is told as an event and is no step of the register. Azure's deployments keep their name
when they are written anew: such a write is a change, of unknown content where no record shows the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from lineage.identity.sagemaker import Told
from lineage.model.facts import Component, Happened, Workload
from lineage.model.vocabulary import Outcome
from lineage.text import dumps

_DEPLOYED = {"vertex": "deployedModels", "azureml": "deployments"}
"""How each platform calls what is deployed to an endpoint."""
_NEW = "0"
"""How a traffic split calls the model that is being deployed."""
_UNSEEN = "?"


class _Endpoint:
    """What is deployed to one endpoint, as far as the steps so far show it."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.whole = False
        self.clear()

    def clear(self) -> None:
        """Forget what was deployed."""
        self.parts: dict[str, Component] = {}
        self.traffic: dict[str, float] | None = None
        self.resources: dict[str, Any] = {}
        self.records: tuple[int, ...] = ()

    def deploy(self, told: Told) -> None:
        """Add the model that a call deploys; its number is not always told."""
        fact = told.fact
        number = str(fact.detail.get("deploys") or f"{_UNSEEN}{told.hid}")
        part = fact.workload.components[0] if fact.workload and fact.workload.components else Component("")
        self.parts[number] = replace(part, name=number.lstrip(_UNSEEN) if number[0] != _UNSEEN else "")
        if fact.workload is not None:
            self.resources.update(
                {f"{number}.{name}": value for name, value in fact.workload.resources.items()}
            )
        traffic = fact.detail.get("traffic")
        if isinstance(traffic, Mapping) and traffic:
            self.share({number if name == _NEW else str(name): share for name, share in traffic.items()})
        elif self.traffic is not None:
            self.traffic.setdefault(number, 0.0)

    def undeploy(self, fact: Happened) -> None:
        """Take away the model that a call undeploys."""
        number = self.known(str(fact.detail.get("takes_away") or ""))
        self.parts.pop(number, None)
        self.resources = {
            name: value for name, value in self.resources.items() if not name.startswith(f"{number}.")
        }
        if self.traffic is not None:
            self.traffic.pop(number, None)
        traffic = fact.detail.get("traffic")
        if isinstance(traffic, Mapping) and traffic:
            self.share({str(name): share for name, share in traffic.items()})

    def share(self, traffic: Mapping[str, float]) -> None:
        """Share out the traffic anew; what the split does not name gets none."""
        self.traffic = {self.known(name): share for name, share in traffic.items()}
        for number in self.traffic:
            self.parts.setdefault(number, Component(number, uri=f"{_DEPLOYED[self.platform]}/{number}"))

    def see(self, fact: Happened) -> None:
        """Take what a listing shows; where that is what the steps have led to, what they told of it stays."""
        parts = {part.name: part for part in fact.workload.components} if fact.workload else {}
        for number in parts:
            self.known(number)
        split = {name: part.weight for name, part in parts.items() if part.weight is not None}
        shown = {name: share for name, share in split.items() if share > 0}
        if set(parts) != set(self.parts) or shown != {n: s or 1.0 for n, s in self.serving().items()}:
            self.clear()
            self.parts, self.traffic = parts, split or None
            self.resources = dict(fact.workload.resources) if fact.workload else {}
        self.whole = True

    def known(self, number: str) -> str:
        """Return the name by which a deployed model is kept: one whose number was never told may be the only one."""
        unseen = [name for name in self.parts if name[0] == _UNSEEN]
        if number in self.parts or len(unseen) != 1 or not number:
            return number
        part = self.parts.pop(unseen[0])
        self.parts[number] = replace(part, name=number)
        if self.traffic is not None and unseen[0] in self.traffic:
            self.traffic[number] = self.traffic.pop(unseen[0])
        return number

    def serving(self) -> dict[str, float | None]:
        """Return the share of each deployed model that gets traffic; None where no share was ever told.

        What is alone gets all, whether or not a later call says so.
        """
        if self.traffic is None:
            return dict.fromkeys(self.parts, 1.0 if len(self.parts) == 1 else None)
        return {number: self.traffic[number] for number in self.parts if self.traffic.get(number, 0.0) > 0}

    def workload(self) -> Workload | None:
        """Return what runs; None where no record shows a model of what gets traffic."""
        serving = self.serving()
        if not any(self.parts[number].claims for number in serving):
            return None
        parts = tuple(
            replace(
                part, weight=serving.get(number) if self.traffic is None else self.traffic.get(number, 0.0)
            )
            for number, part in sorted(self.parts.items())
        )
        decisive = [[number, share, self.parts[number].claims] for number, share in sorted(serving.items())]
        digest = hashlib.sha256(dumps(decisive)).hexdigest()
        return Workload(self.platform, parts, digest, dict(self.resources))


def expanded(rows: Iterable[Told]) -> Iterator[Told]:
    """Yield the happenings of targets, each target's together; endpoints' with the whole that then serves."""
    for _, group in groupby(rows, key=lambda told: told.target):
        listed = list(group)
        platform = _platform(listed[0].fact.subject.namespace)
        if not platform:
            yield from listed
            continue
        ordered = sorted(listed, key=lambda told: (told.fact.at.lo, told.fact.type == "observe", told.hid))
        endpoint = _Endpoint(platform)
        seen = _versions(listed)
        for told in ordered:
            if told.fact.outcome is Outcome.DONE:
                yield from _step(endpoint, _with_version(told, seen))
            else:
                yield told


def _platform(namespace: str) -> str:
    return next((name for name in _DEPLOYED if namespace.startswith(name)), "")


def _versions(listed: Iterable[Told]) -> dict[str, Component]:
    """Return the deployed models that listings show by number: a call may name a model without its version."""
    shown = (told.fact for told in listed if told.fact.type == "observe")
    return {part.name: part for fact in shown if fact.workload for part in fact.workload.components}


def _with_version(told: Told, seen: Mapping[str, Component]) -> Told:
    fact = told.fact
    shown = seen.get(str(fact.detail.get("deploys") or ""))
    if (
        shown is None
        or fact.workload is None
        or "@" not in shown.uri
        or "@" in fact.workload.components[0].uri
    ):
        return told
    return told._replace(fact=replace(fact, workload=replace(fact.workload, components=(shown,))))


def _step(endpoint: _Endpoint, told: Told) -> Iterator[Told]:
    fact = told.fact
    before = endpoint.serving()
    if fact.type == "configure" and fact.detail.get("verb") == "create":
        endpoint.whole = True
    elif fact.type == "observe":
        endpoint.see(fact)
        if endpoint.serving():
            yield told._replace(fact=replace(fact, workload=endpoint.workload() or fact.workload))
        return
    elif fact.type == "delete":
        # An endpoint to which nothing was deployed since it was made ended no deployment.
        if endpoint.parts or not endpoint.whole:
            yield told
        endpoint.clear()
        return
    if fact.type != "apply" and not fact.detail.get("traffic"):
        return
    verb = fact.detail.get("verb")
    if verb in {"deploy", "write"}:
        endpoint.deploy(told)
    elif verb == "undeploy":
        endpoint.undeploy(fact)
    else:
        endpoint.share({str(name): share for name, share in (fact.detail.get("traffic") or {}).items()})
    after = endpoint.serving()
    records = tuple(dict.fromkeys((*told.records, *endpoint.records)))
    endpoint.records = records
    if verb == "undeploy" and not endpoint.parts and before:
        yield told._replace(fact=replace(fact, type="delete", workload=None), records=told.records)
    elif verb == "write" and fact.detail.get("deploys") in after:
        shown = endpoint.workload() if fact.workload is not None else None
        yield told._replace(fact=replace(fact, workload=shown), records=records)
    elif after and after != before:
        yield told._replace(fact=replace(fact, type="apply", workload=endpoint.workload()), records=records)
