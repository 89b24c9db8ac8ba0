"""What do the deployments call into question, so that a person has to look?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lineage.identity import episodes as track
from lineage.identity.episodes import Episode
from lineage.identity.versions import AliasSpan
from lineage.model.facts import Key
from lineage.model.moment import Moment, to_iso
from lineage.model.naming import display
from lineage.model.vocabulary import LinkRule
from lineage.text import dumps

HIGH, MEDIUM, LOW = "high", "medium", "low"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person.

    Attributes:
        code: a stable word; `sides`: what each side says, each with the number of its evidence record.
        text: what it is and what to do, in one or two sentences.
    """

    code: str
    severity: str
    subject: str
    text: str
    sides: tuple[tuple[str, str, int], ...] = ()

    def row(self) -> tuple[str, str, str, str, str]:
        """Return the finding as a row of the store."""
        sides: list[dict[str, Any]] = [
            {"says": says, "at": at, "record": record} for says, at, record in self.sides
        ]
        return (self.code, self.severity, self.subject, self.text, dumps(sides).decode())


def when(moment: Moment) -> str:
    """Return a moment for people.

    >>> when(Moment(1000000, 2000000))
    'between 1970-01-01T00:00:01Z and 1970-01-01T00:00:02Z'
    """
    if moment.exact:
        return to_iso(moment.lo)
    return (
        f"between {to_iso(moment.lo)} and {to_iso(moment.hi)}" if moment.lo else f"before {to_iso(moment.hi)}"
    )


def of_deployments(
    target: str, items: Sequence[Episode], deleted: Mapping[Key, Moment | None]
) -> Iterable[Finding]:
    """Yield what the episodes of one target call into question; `deleted` says when versions were deleted."""
    for item in items:
        yield from _of_models(target, item)
        yield from _of_deleted(target, item, deleted)
        if track.IN_LISTING_ONLY in item.flags and item.opened.type == track.OBSERVE and item.replaces:
            yield Finding(
                "undated-change",
                MEDIUM,
                target,
                f"A listing shows another state than the last recorded change; it was changed {when(item.start)} by"
                " nobody that the evidence names. Import the audit log of that time.",
                _sides(item, "the listing shows another state"),
            )


def _of_models(target: str, item: Episode) -> Iterable[Finding]:
    if item.action == "delete":
        return
    if track.NOT_EVIDENCED in item.flags:
        yield Finding(
            "model-not-evidenced",
            MEDIUM,
            target,
            f"The target was changed {when(item.start)}, but the record does not hold the object:"
            f" what it serves since is not evidenced. {_remedy(item.target)}",
            _sides(item, "changed, without the object"),
        )
    for link in item.models:
        name = f"{link.model} {link.version}".strip() or link.uri
        if link.conflict:
            options = ", ".join(display(*key) for key in link.candidates)
            yield Finding(
                "model-conflict",
                HIGH,
                target,
                f"What was deployed {when(item.start)} names different model versions on equal grounds: {options}.",
                _sides(item, f"names {options}"),
            )
        elif link.rule is LinkRule.UNRESOLVED:
            options = ", ".join(display(*key) for key in link.candidates)
            yield Finding(
                "unregistered-model",
                MEDIUM,
                target,
                f"{link.uri or name} was deployed {when(item.start)}, but no registry that was imported knows it as one"
                " version." + (f" It could be {options}." if options else ""),
                _sides(item, f"serves {link.uri or name}"),
            )


def _remedy(target: Key) -> str:
    if target.namespace.startswith("sagemaker://"):
        return "Import CloudTrail from before then: it tells of the models and the configuration that were named."
    return "Raise the audit level to RequestResponse for serving resources."


def _of_deleted(target: str, item: Episode, deleted: Mapping[Key, Moment | None]) -> Iterable[Finding]:
    for link in item.models:
        if not link.deleted or link.version_key is None or item.action == "delete":
            continue
        gone = deleted.get(link.version_key)
        name = f"{link.model} {link.version}"
        said = (
            f"was deleted from its registry {when(gone)}"
            if gone is not None
            else "is deleted from its registry"
        )
        served = f"{name} has served here since {when(item.start)} and {said}"
        if item.end is None:
            text, severity = f"{served}, but still serves. Nobody can inspect what it is any more.", HIGH
        elif gone is None or item.end.hi > gone.lo:
            text, severity = f"{served}, before it stopped serving ({when(item.end)}).", HIGH
        else:
            text, severity = f"{served}, after it had stopped serving ({when(item.end)}).", LOW
        yield Finding("deleted-version-served", severity, target, text, _sides(item, f"serves {name}"))


def of_persons(registers: Iterable[tuple[str, Sequence[Episode]]]) -> Iterable[Finding]:
    """Yield each principal that changed targets without a person being evidenced behind it, with every such change."""
    by_actor: dict[str, list[tuple[str, Episode]]] = defaultdict(list)
    for target, items in registers:
        for item in items:
            who = item.who
            if (
                who is not None
                and who.actor is not None
                and who.person is None
                and item.opened.type != track.OBSERVE
            ):
                by_actor[who.actor].append((target, item))
    for actor, changes in sorted(by_actor.items()):
        changes.sort(key=lambda change: (change[1].start.lo, change[0]))
        first, last = changes[0][1], changes[-1][1]
        span = when(first.start) if len(changes) == 1 else f"{when(first.start)} to {when(last.start)}"
        count = "one change" if len(changes) == 1 else f"{len(changes)} changes"
        yield Finding(
            "no-person-evidenced",
            MEDIUM,
            actor,
            f"{actor} made {count} ({span}) with no person evidenced behind it. Add the principal to the people"
            " list, or import the records of the pipeline that acted.",
            tuple(side for target, item in changes for side in _sides(item, f"{item.action} of {target}")),
        )


def of_aliases(spans: Iterable[AliasSpan], shown: Mapping[tuple[Key, int], int]) -> Iterable[Finding]:
    """Yield each alias that was seen on another version than before; registries say neither who moved it nor when.

    `shown` names the record that showed a model's aliases at a time.
    """
    by_alias: dict[tuple[Key, str], list[AliasSpan]] = defaultdict(list)
    for span in spans:
        by_alias[span.model, span.alias].append(span)
    for (model, alias), listed in sorted(by_alias.items()):
        listed.sort(key=lambda span: (span.since.lo, span.since.hi, span.version))
        for before, after in pairwise(listed):
            yield Finding(
                "alias-moved",
                LOW,
                f"{model.name}@{alias}",
                f"The alias {alias} of {model.name} moved from version {before.version} to {after.version}"
                f" {when(after.since)}. The registry does not record when or by whom; import it more often.",
                tuple(
                    (f"{alias} stands on version {span.version}", to_iso(at), shown[model, at])
                    for span, at in ((before, after.since.lo), (after, after.since.hi))
                    if (model, at) in shown
                ),
            )


def of_runs(rows: Iterable[Mapping[str, Any]]) -> Iterable[Finding]:
    """Yield each run of which two different ends are recorded."""
    for row in rows:
        yield Finding(
            "conflicting-run-ends",
            MEDIUM,
            f"{row['namespace']}/{row['name']}",
            f"Of the run {row['run_id']} two different ends are recorded. Look at both records.",
            (("a different end", "", row["record"]),),
        )


def _sides(item: Episode, says: str) -> tuple[tuple[str, str, int], ...]:
    return tuple((says, to_iso(item.start.hi), record) for record in item.opened.records[:1])
