"""What kind of step leads from one set of served models to the next: a rollback, a canary, a shift of traffic?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lineage.identity.registry import ModelLink
from lineage.identity.versions import location, number

DEPLOY = "deploy"
REDEPLOY = "redeploy"
ROLLBACK = "rollback"
CANARY = "canary"
PROMOTE = "promote"
TRAFFIC = "traffic"

REST_UNKNOWN = "rest-of-traffic-unknown"

Models = tuple[ModelLink, ...]


def identity(link: ModelLink) -> object:
    """Return what a link serves, so that two spellings of one artifact are equal."""
    return link.version_key or location(link.uri) or link.uri or (link.model, link.version)


def identities(models: Sequence[ModelLink]) -> frozenset[object]:
    """Return what a set of models serves, whatever the weights."""
    return frozenset(identity(link) for link in models)


def serving(models: Sequence[ModelLink]) -> Models:
    """Return those that get traffic at all."""
    return tuple(link for link in models if link.weight is None or link.weight > 0)


def with_rest(models: Models, running: Models, stable: Models) -> tuple[Models, Models, tuple[str, ...]]:
    """Complete a set of models whose weights leave a rest of the traffic to what served before.

    KServe names only the new version and its share (`canaryTrafficPercent`); the rest goes to the last version that
    was rolled out fully. Returns the models, those of them that are the stable part, and flags.
    """
    weighted = [link for link in models if link.weight is not None]
    rest = 1.0 - sum(link.weight or 0.0 for link in weighted)
    before = serving(stable or running)
    if len(models) > 1 and len(weighted) == len(models) and rest < 1e-6:
        kept = tuple(link for link in models if identity(link) in identities(before))
        return models, kept if 0 < len(kept) < len(serving(models)) else (), ()
    if not weighted or rest < 1e-6:
        return models, (), ()
    names = {link.component for link in weighted}
    known = identities(models)
    olds = [link for link in before if link.component in names] or (list(before) if len(before) == 1 else [])
    olds = [link for link in olds if identity(link) not in known]
    if not olds:
        return models, (), () if known & identities(before) else (REST_UNKNOWN,)
    total = sum(1.0 if link.weight is None else link.weight for link in olds)
    shares = [(1.0 if link.weight is None else link.weight) / total for link in olds]
    old = tuple(
        replace(link, weight=round(rest * share, 9)) for link, share in zip(olds, shares, strict=True)
    )
    return (*old, *models), old, ()


def classify(before: Models | None, stable: Models, after: Models, served: frozenset[object]) -> str:
    """Name the step from `before` (None: nothing is known) to `after`.

    `stable` is the part of `before` that a canary stood beside; `served` is what had served at the target before
    `before`. A rollback is an earlier version in place of a later one by the registry's order; where the order is not
    known, a return to what had served earlier.
    """
    new = serving(after)
    if before is None:
        shared = sum(link.weight or 0.0 for link in new if link.weight is not None)
        return (
            CANARY if new and all(link.weight is not None for link in new) and shared < 1 - 1e-6 else DEPLOY
        )
    old = serving(before)
    had, has = identities(old), identities(new)
    if had == has:
        return TRAFFIC if has and _weights(old) != _weights(new) else REDEPLOY
    added = [link for link in new if identity(link) not in had]
    removed = [link for link in old if identity(link) not in has]
    if not removed and any(link.weight is not None and link.weight < 1 for link in added):
        return CANARY
    if not added:
        return _narrowing(new, removed, stable)
    kept = [link for link in new if identity(link) in identities(stable or old)]
    if kept and any(link.weight is not None and link.weight < 1 for link in added):
        return CANARY
    return ROLLBACK if _goes_back(added, removed, served) else DEPLOY


def _narrowing(left: Sequence[ModelLink], removed: Sequence[ModelLink], stable: Models) -> str:
    """Name the step that only takes models away: the end of a canary, of a test between versions, or of a helper."""
    if stable:
        return PROMOTE if not identities(left) & identities(stable) else ROLLBACK
    if all(link.weight is None for link in removed):
        return REDEPLOY
    orders = [order for one in left for other in removed if (order := _order(one, other)) is not None]
    if not orders:
        return TRAFFIC
    return ROLLBACK if all(order < 0 for order in orders) else PROMOTE


def _weights(models: Models) -> list[tuple[str, float]]:
    return sorted(
        (repr(identity(link)), 1.0 if link.weight is None else round(link.weight, 6)) for link in models
    )


def _goes_back(added: Sequence[ModelLink], removed: Sequence[ModelLink], served: frozenset[object]) -> bool:
    orders = [order for new in added for old in removed if (order := _order(new, old)) is not None]
    if orders:
        return all(order < 0 for order in orders)
    return all(identity(link) in served for link in added)


def _order(one: ModelLink, other: ModelLink) -> int | None:
    """Return below, at or above 0 when `one` is earlier than, as old as or later than `other`; None when unknown."""
    numbers: tuple[int, int] | None = None
    if one.version_key and other.version_key:
        if one.version_key.namespace != other.version_key.namespace or one.model != other.model:
            return None
        numbers = number(one.version), number(other.version)
        if min(numbers) < 0 and one.created is not None and other.created is not None:
            return one.created - other.created
    elif not one.version_key and not other.version_key:
        places = location(one.uri), location(other.uri)
        if places[0] and places[1] and places[0][0] == places[1][0]:
            mine, theirs = places[0][1], places[1][1]
            if mine and theirs and mine[:-1] == theirs[:-1]:
                numbers = number(mine[-1]), number(theirs[-1])
        elif one.model == other.model and one.version and other.version:
            numbers = number(one.version), number(other.version)
    return None if numbers is None or min(numbers) < 0 else numbers[0] - numbers[1]
