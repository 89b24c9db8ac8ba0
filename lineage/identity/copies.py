"""Which model versions are copies of a version in another registry, as their own record of origin says?

A model that is packed or imported from a registry keeps the URI it came from (`copied_from`: `models:/churn/3`), which
names model and version but no registry. Where exactly one other registry has that version, lineage runs through the
copy; where several have it, nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lineage.identity.known import key_of
from lineage.identity.versions import Registry, model_uri
from lineage.model.facts import Key
from lineage.model.moment import LAST
from lineage.model.vocabulary import Basis, Relation
from lineage.store.asking import Thing

RULE = "copied_from"


def origin_of(copy: Key, uri: str, registry: Registry) -> Key | None:
    """Return the version that `uri`, kept by the version `copy`, names in another registry; None if not just one.

    >>> from lineage.identity.versions import VersionRow
    >>> from lineage.model.naming import model_version
    >>> fraud = model_version("mlflow:prod/default", "fraud", "3")
    >>> known = Registry([VersionRow(fraud, "fraud", "3", fraud.namespace)])
    >>> origin_of(model_version("bentoml", "fraud", "x7"), "models:/fraud/3", known) == fraud
    True
    """
    said = model_uri(uri)
    if said is None or not (said.name and said.version):
        return None
    found = [row.key for row in registry.named(said.name, said.version) if row.namespace != copy.namespace]
    return found[0] if len(found) == 1 else None


def edges(things: Iterable[Thing], registry: Registry, ids: dict[Key, int]) -> Iterator[tuple[Any, ...]]:
    """Yield a row of lineage for each copy whose original is known."""
    for thing in things:
        uri = thing.attributes.get("copied_from")
        if not isinstance(uri, str) or not uri:
            continue
        original = origin_of(key_of(thing), uri, registry)
        if original is None:
            continue
        since, record = thing.created or thing.first_seen or 0, thing.record or 0
        what = (ids[original], str(Relation.COPIED), thing.id)
        yield (*what, since, LAST, str(Basis.DECLARED), 1.0, RULE, None, None, None, record, record)
