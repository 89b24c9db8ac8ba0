"""Which registered model version is what a deployment target was told to run?

The ladder of sources-ops 7: the highest rule that finds anything decides, a lower one never overrides it. A lower rule
may only narrow down what a higher one left open (one name in two registries, one artifact under two names). Two rules
of equal confidence that contradict each other are a conflict: both stand in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineage.identity.rungs import NONE, PACKAGE, RUNGS, Given, Match, cloud_id
from lineage.identity.versions import AliasSpan, Registry, VersionRow, existed, in_order, location, number
from lineage.model.facts import Claim, Component, Key, Workload
from lineage.model.vocabulary import LinkRule

__all__ = ["AliasSpan", "ModelLink", "Registry", "VersionRow", "resolve"]


@dataclass(frozen=True, slots=True)
class ModelLink:
    """What one part of a workload serves, and how that is known.

    Attributes:
        version_key: the registered model version; None when it is not known to exactly one.
        model, version: names for people; the URI or image stands for a model that no registry knows.
        uri: where it is read from, as written (the image, where there is no URI).
        rule, confidence: of the link; the confidence is `none` whenever `version_key` is None.
        candidates: the versions it could be, when undecided or in conflict. Beside a `version_key` without conflict:
            an alias is believed to have stood there, but was not seen at that time and may have stood on another.
        claim: what carried the decisive name.
        conflict: two equally good grounds name different versions.
        deleted: the version was deleted from its registry.
        component, weight: the part of the workload and its share of traffic.
        run_id: the training run, where all that it could be share one.
        created: when the version was made, UTC microseconds.
    """

    version_key: Key | None
    model: str
    version: str
    uri: str
    rule: LinkRule
    confidence: str
    candidates: tuple[Key, ...] = ()
    claim: Claim | None = None
    conflict: bool = False
    deleted: bool = False
    component: str = ""
    weight: float | None = None
    run_id: str = ""
    created: int | None = None


def resolve(
    component: Component,
    workload: Workload,
    at: int,
    registry: Registry,
) -> ModelLink:
    """Tie `component` of `workload`, deployed at the microsecond `at`, to a version of `registry`.

    What a person confirmed stands above every rule.

    >>> from lineage.model.vocabulary import Kind
    >>> key = Key(Kind.MODEL_VERSION, "mlflow:prod/default", "fraud/10")
    >>> known = Registry([VersionRow(key, "fraud", "10", key.namespace, "s3://models/fraud/v10")])
    >>> link = resolve(Component("predictor", uri="s3a://models/fraud/v10/"), Workload("kserve"), 0, known)
    >>> link.version_key.name, str(link.rule), link.confidence
    ('fraud/10', 'artifact-uri', 'exact')
    >>> link = resolve(Component("predictor", uri="s3://models/fraud/v1"), Workload("kserve"), 0, known)
    >>> link.version_key, str(link.rule), link.model, link.version
    (None, 'unresolved', 'fraud', 'v1')
    """
    given = Given(component, workload, at, registry)
    for claim in given.claims:
        key = registry.confirmed.get(claim.value)
        if key is not None:
            return _link(given, LinkRule.CONFIRMED, "exact", _decided(registry, key), claim)
    found = [(rule, match) for rule, rung in RUNGS for match in rung(given)]
    hits = [(rule, match) for rule, match in found if match.rows]
    if not hits:
        return _unresolved(given)
    rule, first = hits[0]
    best = [match for other, match in hits if other is rule]
    rows = _common(best)
    if not rows:
        either = in_order(row for match in best for row in match.rows)
        return replace(_link(given, rule, NONE, either, first.claim), conflict=True)
    lower = [match for other, match in hits if other is not rule]
    rows = _narrowed(given, rows, lower)
    against = [
        row
        for match in lower
        if match.confidence == first.confidence and not _overlap(match.rows, rows)
        for row in match.rows
    ]
    link = _link(given, rule, first.confidence, rows, first.claim)
    if len(rows) == 1 and len(first.others) > 1:
        link = replace(link, candidates=_keys(first.others))
    if against or _missing_above(registry, found, rule):
        return replace(link, conflict=True, candidates=_keys([*rows, *against]))
    return link


def _missing_above(registry: Registry, found: Sequence[tuple[LinkRule, Match]], rule: LinkRule) -> bool:
    """Tell whether a rule as good as the one that decided names a version that the model's registry does not have."""
    confidence = next(match.confidence for other, match in found if other is rule and match.rows)
    return any(
        not match.rows and match.model in registry.by_model and match.confidence == confidence
        for _, match in found
    )


def _common(matches: Sequence[Match]) -> tuple[VersionRow, ...]:
    """Return the versions that all claims of one rule agree on."""
    keys = set.intersection(*({row.key for row in match.rows} for match in matches))
    return in_order(row for row in matches[0].rows if row.key in keys)


def _overlap(rows: Sequence[VersionRow], others: Sequence[VersionRow]) -> bool:
    return bool({row.key for row in rows} & {row.key for row in others})


def _narrowed(given: Given, rows: tuple[VersionRow, ...], lower: Sequence[Match]) -> tuple[VersionRow, ...]:
    """Narrow down what is still several: by the registry that is named, by lower rules, by what existed then."""
    keys = [{row.key for row in match.rows} for match in lower]
    keys.insert(0, {row.key for row in rows if given.hints & _parts(row.namespace)})
    keys.append({row.key for row in rows if existed(row, given.at)})
    for step in keys:
        rows = tuple(row for row in rows if row.key in step) or rows
    return rows


def _parts(namespace: str) -> set[str]:
    """Return the instance and workspace of a registry's namespace (`mlflow:<instance>/<workspace>`)."""
    return {part.lower() for part in re.split(r"[:/]+", namespace)[1:] if part and part != "default"}


def _keys(rows: Sequence[VersionRow]) -> tuple[Key, ...]:
    return tuple(row.key for row in in_order(rows))


def _decided(registry: Registry, key: Key) -> tuple[VersionRow, ...]:
    model, _, version = key.name.rpartition("/")
    known = tuple(row for row in registry.by_version.get((model, version), ()) if row.key == key)
    return known or (VersionRow(key, model, version, key.namespace),)


def _link(
    given: Given, rule: LinkRule, confidence: str, rows: tuple[VersionRow, ...], claim: Claim
) -> ModelLink:
    models, versions = {row.model for row in rows}, {row.version for row in rows}
    ids = {row.run for row in rows}
    one = rows[0] if len(rows) == 1 else None
    return ModelLink(
        version_key=one.key if one else None,
        model=rows[0].model if len(models) == 1 else _served(given),
        version=rows[0].version if len(models) == len(versions) == 1 else "",
        uri=_served(given),
        rule=rule,
        confidence=confidence if one else NONE,
        candidates=() if one else _keys(rows),
        claim=claim,
        deleted=all(row.deleted for row in rows),
        component=given.component.name,
        weight=given.component.weight,
        run_id=ids.pop() if len(ids) == 1 else "",
        created=one.created_at.lo if one and one.created_at else None,
    )


def _unresolved(given: Given) -> ModelLink:
    """Say what is served though no registry has it: what it calls itself, and the versions of a model so called.

    Where a version is named that its registry does not have, none of the others can be the one.
    """
    claim, model, version = _called(given)
    return ModelLink(
        version_key=None,
        model=model or _served(given),
        version=version,
        uri=_served(given),
        rule=LinkRule.UNRESOLVED,
        confidence=NONE,
        candidates=_keys(given.registry.existing(model, given.at)) if model and not version else (),
        claim=claim,
        component=given.component.name,
        weight=given.component.weight,
    )


def _called(given: Given) -> tuple[Claim | None, str, str]:
    """Return the model and version that a workload names, whether any registry knows them or not."""
    known = given.registry.by_model
    for claim, said in given.uris:
        if said.name:
            return claim, said.name, said.version
    for claim in given.claims:
        package, cloud = PACKAGE.match(claim.value.strip()), cloud_id(claim)
        if package or cloud:
            return claim, *((package[1], package[2]) if package else cloud or ("", ""))
    for claim in given.of("artifact-uri"):
        place = location(claim.value)
        segments = place[1] if place else ()
        for after in range(len(segments), 0, -1):
            if segments[after - 1] in known:
                version = segments[after] if after < len(segments) else ""
                return claim, segments[after - 1], version if number(version) >= 0 else ""
    for claim in given.of("template-annotation", "name", "image"):
        name, _, version = claim.value.partition("@")[0].rpartition("/")[2].partition(":")
        if claim.kind == "template-annotation":
            name, _, version = claim.value.strip("/").rpartition("/")
        if name in known:
            return claim, name, version if number(version) >= 0 else ""
    return (given.claims[0] if given.claims else None), "", ""


def _served(given: Given) -> str:
    component = given.component
    return component.uri or component.image or next((claim.value for claim in given.claims), "")
