"""What did a SageMaker endpoint's configuration stand for when it was deployed, and who approved and sent it?

A call that deploys names a configuration, that names models, and those name artifacts; each was defined by an earlier
call. Names are used again, so what counts is the newest definition of that name, in that account and region, that was
there by then. Also joined here, because it takes several records: the approval of a model package, and the caller who
was given the temporary key that another call was signed with (sources-ops 5.4, 5.5).
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from lineage.model.facts import Claim, Component, Happened, Hop, Key, Workload
from lineage.model.moment import Moment, to_iso
from lineage.model.vocabulary import Outcome
from lineage.text import dumps

_APPROVALS = ("approve", "reject", "unapprove", "await-approval")
TYPES = ("define-model", "define-config", "assume-role", *_APPROVALS)
"""The happenings that definitions are made from."""

_SCHEME = "sagemaker://"
_CONFIG, _MODEL = "sagemaker-config", "sagemaker-model"
_SESSION = re.compile(r"arn:aws[\w-]*:sts::\d*:assumed-role/([^/]+)/(.+)")
_MOST_ROLES = 8
"""Roles that are followed back from a session: real chains have two or three."""
_SECOND = 1_000_000
_SAME = 60 * _SECOND
"""Within what time what a call made and what an answer shows as made is one: CloudTrail cuts times to the second."""
_STARTS = 3 * 3600 * _SECOND
"""The longest that SageMaker tries to bring a new endpoint into service: an hour to fetch models, one to start."""


class Told(NamedTuple):
    """A happening to a target, with its id and the sequence numbers of the records that show it."""

    target: int
    hid: str
    fact: Happened
    records: tuple[int, ...]


class Decision(NamedTuple):
    """What was decided about a registered version: `approve`, `reject`, `unapprove` or (not yet) `await-approval`."""

    type: str
    at: Moment
    record: int
    by: str = ""


class _Defined(NamedTuple):
    at: int
    certain: bool
    hid: str
    record: int
    fact: Happened


def _order(one: _Defined) -> tuple[int, bool, str, bytes, int]:
    """Give the order: of two records that tell one happening differently, by what they say, not by their import."""
    return one.at, one.certain, one.hid, msgspec.msgpack.encode(one.fact), one.record


class _Variant(NamedTuple):
    """What takes one share of an endpoint's traffic; a shadow is sent copies and answers nobody."""

    name: str
    weight: float
    shadow: bool
    parts: tuple[Component, ...]


class _Running(NamedTuple):
    """What a target was last told to run; an endpoint without variants hosts inference components only."""

    variants: tuple[_Variant, ...]
    config: str
    labels: Mapping[str, str]
    resources: Mapping[str, Any]
    records: tuple[int, ...]


class Definitions:
    """Everything that was defined, approved and handed out, found by name and time."""

    def __init__(
        self, rows: Iterable[tuple[str, Happened, int]], approver: Callable[[Happened], str]
    ) -> None:
        """Take `rows` of happening id, happening and record in any order; `approver` names who did an approval."""
        self._approver = approver
        found: dict[tuple[str, str, str], list[_Defined]] = defaultdict(list)
        for hid, fact, record in rows:
            name = _name(fact)
            if fact.outcome is Outcome.DONE and name[2]:
                # A role taken over from another account is recorded there, too, without who took it.
                at = fact.at.hi if fact.type in _APPROVALS else fact.at.lo
                found[name].append(_Defined(at, fact.actor_kind != "account", hid, record, fact))
        self._found = {name: _unrepeated(sorted(several, key=_order)) for name, several in found.items()}

    def decisions(self) -> dict[Key, list[Decision]]:
        """Return what was decided about each registered version, in the order of time."""
        decided: dict[Key, list[Decision]] = defaultdict(list)
        for (kind, _, _), several in sorted(self._found.items()):
            if kind == "approval":
                for one in several:
                    by = self._approver(self._sent(one.fact))
                    decided[one.fact.subject].append(Decision(one.fact.type, one.fact.at, one.record, by))
        return decided

    def expanded(self, rows: Iterable[Told]) -> Iterator[Told]:
        """Yield the happenings of targets, each target's together, with what the definitions add to them.

        An endpoint that only hosts inference components serves nothing itself: its happenings are left out.
        """
        for _, group in groupby(rows, key=lambda told: told.target):
            running: _Running | None = None
            last: Happened | None = None
            listed = sorted(group, key=lambda told: (told.fact.at.lo, told.fact.type != "delete"))
            failed = _failed([told.fact for told in listed])
            for told in listed:
                fact = self._sent(told.fact)
                if told.hid in failed:
                    fact = replace(fact, outcome=Outcome.FAILED)
                if not fact.subject.namespace.startswith(_SCHEME) or fact.outcome is not Outcome.DONE:
                    yield told._replace(fact=fact)
                    continue
                hosted = running is not None and not running.variants
                if fact.type == "delete":
                    running = last = None
                elif fact.type == "observe":
                    fact, running = self._sighted(fact, running, last)
                    hosted = running is not None and not running.variants
                    last = last or fact
                elif fact.type == "apply":
                    running = self._running(fact, running)
                    hosted = running is not None and not running.variants
                    fact = (
                        replace(fact, workload=_workload(running))
                        if running
                        else replace(fact, workload=None)
                    )
                    last = told.fact
                if not hosted:
                    records = (*told.records, *(running.records if running else ()))
                    yield told._replace(fact=self._approved(fact), records=tuple(dict.fromkeys(records)))

    def happenings(self) -> Iterator[tuple[str, int, Happened]]:
        """Yield what was defined, approved and handed out with its id and record, and whose key signed it."""
        return (
            (one.hid, one.record, self._sent(one.fact)) for several in self._found.values() for one in several
        )

    def _sighted(
        self, fact: Happened, running: _Running | None, last: Happened | None
    ) -> tuple[Happened, _Running | None]:
        """Return a sighting with what its configuration stands for; one that shows nothing new is no change."""
        made = fact.detail.get("created_at")
        created = last is not None and last.detail.get("verb") == "create"
        if last is not None and created and isinstance(made, int) and abs(made - last.at.lo) <= _SAME:
            fact = replace(fact, detail={**fact.detail, "created_at": last.at.lo})
        shown = self._running(fact, running)
        if shown is not None:
            return replace(fact, workload=_workload(shown)), shown
        config = str(fact.detail.get("config") or "").lower()
        if last is not None and config == str(last.detail.get("config") or config).lower():
            return replace(fact, workload=None), running
        unknown = hashlib.sha256(config.encode("utf-8", "surrogatepass")).hexdigest()
        return replace(fact, workload=Workload("sagemaker", fingerprint=unknown)), running

    def _newest(self, kind: str, place: str, name: str, when: int) -> _Defined | None:
        several = self._found.get((kind, place, name), ())
        if kind.startswith("define-") and when % _SECOND == 0:
            # What a call names was there before it, though an answer knows its time more finely than the call's.
            when += _SECOND - 1
        number = bisect_right([one.at for one in several], when)
        return several[number - 1] if number else None

    def _running(self, fact: Happened, before: _Running | None) -> _Running | None:
        """Return what the target runs after `fact`; None when the records do not show it."""
        if fact.workload is None:
            return None
        labels = {**(before.labels if before else {}), **fact.workload.labels}
        config = next((claim.value for claim in _claims(fact.workload) if claim.kind == _CONFIG), "")
        if config:
            return self._configured(fact, config, before, labels)
        if fact.workload.components:
            records: list[int] = []
            parts = tuple(
                part for one in fact.workload.components for part in self._parts(one, fact, records)
            )
            return _Running(
                (_Variant("", 1.0, False, parts),), "", labels, fact.workload.resources, tuple(records)
            )
        weights = fact.detail.get("weights") or {}
        if before is None or not weights:
            return before
        variants = tuple(one._replace(weight=weights.get(one.name, one.weight)) for one in before.variants)
        return before._replace(variants=variants)

    def _configured(
        self, fact: Happened, config: str, before: _Running | None, labels: Mapping[str, str]
    ) -> _Running | None:
        defined = self._newest("define-config", fact.subject.namespace, config.lower(), fact.at.lo)
        if defined is None or defined.fact.workload is None:
            return None
        said = defined.fact.detail
        weights, shadows = dict(said.get("weights") or {}), said.get("shadows") or ()
        if fact.type == "observe":
            seen = fact.detail.get("weights") or {}
            weights.update({name: seen[name] for name in weights if name in seen})
        if before is not None and fact.detail.get("keeps_weights"):
            weights.update({one.name: one.weight for one in before.variants if one.name in weights})
        records = [defined.record]
        variants = []
        for one in defined.fact.workload.components:
            if one.claims:
                parts = tuple(self._parts(one, fact, records))
                variants.append(_Variant(one.name, weights.get(one.name, 1.0), one.name in shadows, parts))
        workload = defined.fact.workload
        return _Running(
            tuple(variants),
            f"{config.lower()} {defined.hid}",
            {**workload.labels, **labels},
            workload.resources,
            tuple(records),
        )

    def _parts(self, component: Component, fact: Happened, records: list[int]) -> Iterator[Component]:
        """Yield the containers of the model that `component` names, else itself; notes the records that show them."""
        claim = next((claim for claim in component.claims if claim.kind == _MODEL), None)
        if claim is None:
            yield component
            return
        name = Claim("name", claim.value, claim.where)
        defined = self._newest("define-model", fact.subject.namespace, claim.value.lower(), fact.at.lo)
        if defined is None or defined.fact.workload is None:
            yield replace(component, claims=(name,))
            return
        records.append(defined.record)
        inside = defined.fact.workload.components
        for one in inside:
            called = component.name if len(inside) == 1 else f"{component.name}/{one.name}".strip("/")
            yield replace(one, name=called, claims=(*one.claims, name))

    def _approved(self, fact: Happened) -> Happened:
        """Add who approved the model packages that `fact` deploys, where the last decision on each before it was so."""
        if fact.workload is None:
            return fact
        packages = {claim.value for claim in _claims(fact.workload) if claim.kind == "model-package"}
        decided = [self._newest("approval", "", name, fact.at.lo) for name in sorted(packages)]
        approved = [one for one in decided if one is not None and one.fact.type == "approve"]
        if not packages or len(approved) < len(packages) or "approved_by" in fact.change:
            return fact
        names = dict.fromkeys(name for one in approved if (name := self._approver(self._sent(one.fact))))
        last = max(approved, key=lambda one: one.at).fact.at
        said = {"approved_by": ";".join(names)}
        if last.exact:
            said["approved_at"] = to_iso(last.lo)
        return replace(fact, change={**fact.change, **said})

    def _sent(self, fact: Happened) -> Happened:
        """Add who was given the key that the call was signed with, and the key that this was asked for with."""
        hops: list[Hop] = []
        key = fact.detail.get("access_key")
        for _ in range(_MOST_ROLES):
            given = self._newest("assume-role", "", str(key), fact.at.lo) if key else None
            if given is None:
                break
            hops.extend(given.fact.chain)
            hops.append(_caller(given.fact))
            key = given.fact.detail.get("access_key")
        return replace(fact, chain=(*fact.chain, *hops)) if hops else fact


def _unrepeated(several: list[_Defined]) -> list[_Defined]:
    """Leave out what an answer shows of what a call is known to have made: the call tells more (who, and tags)."""
    calls = [one.fact for one in several if not one.fact.detail.get("listed")]
    return [
        one
        for one in several
        if not one.fact.detail.get("listed") or not any(_same(one.fact, call) for call in calls)
    ]


def _same(shown: Happened, call: Happened) -> bool:
    if shown.type != call.type or (shown.workload is not None and call.workload is None):
        return False
    return shown.at.lo - _SAME <= call.at.lo <= shown.at.hi + _SAME


def _failed(facts: Sequence[Happened]) -> set[str]:
    """Return the ids of accepted calls that made an endpoint which an answer shows never to have come into service."""
    never = set()
    for shown in facts:
        made = shown.detail.get("created_at")
        if shown.outcome is not Outcome.FAILED or not isinstance(made, int):
            continue
        told = [
            fact
            for fact in facts
            if fact.outcome is Outcome.DONE and made - _SAME <= fact.at.lo <= shown.at.lo + _SAME
        ]
        if shown.at.lo - made <= _STARTS and [fact.detail.get("verb") for fact in told] == ["create"]:
            never.add(told[0].id)
    return never


def _name(fact: Happened) -> tuple[str, str, str]:
    said = fact.detail
    if fact.type in _APPROVALS:
        return "approval", "", str(said.get("arn") or "")
    if fact.type == "assume-role":
        return fact.type, "", str(said.get("issued_key") or "") if fact.actor else ""
    name = said.get("model" if fact.type == "define-model" else "config") or ""
    return fact.type, _SCHEME + fact.subject.name, str(name).lower()


def _claims(workload: Workload) -> Iterator[Claim]:
    return (claim for component in workload.components for claim in component.claims)


def _caller(fact: Happened) -> Hop:
    """Return the step to the caller of an AssumeRole; only one who signed in himself is named by it.

    A session is named by whoever starts it: it is a person where its name is known as one (`lineage.identity.person`).
    """
    principal = fact.actor.name if fact.actor else ""
    session = _SESSION.fullmatch(principal)
    where = f"{fact.detail.get('call', 'AssumeRole')} {fact.id} by {principal}"
    if session:
        rule = "sso-session" if session[1].startswith("AWSReservedSSO_") else "session-name"
        return Hop(session[2], rule, where)
    return Hop(
        principal, "access-key-chain" if fact.actor_kind in {"iam-user", "sso"} else "assumed-by", where
    )


def _workload(running: _Running) -> Workload:
    """Return what runs as a workload; its fingerprint stands for the configuration, the models and their shares."""
    whole = sum(one.weight for one in running.variants if not one.shadow)
    parts: list[Component] = []
    for one in running.variants:
        share = 0.0 if one.shadow or not whole else one.weight / whole
        parts.extend(replace(part, weight=round(share, 9) if running.config else None) for part in one.parts)
    decisive = [
        running.config,
        [[part.name, part.uri, part.image, part.weight, part.claims] for part in parts],
    ]
    return Workload(
        "sagemaker",
        tuple(parts),
        hashlib.sha256(dumps(decisive)).hexdigest(),
        dict(running.resources),
        labels=dict(running.labels),
    )
