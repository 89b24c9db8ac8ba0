"""How is a feature service called, by the registry that defines it and by the runs that name it?"""

from __future__ import annotations

from lineage.model.facts import Key
from lineage.model.vocabulary import Kind


def service_key(namespace: str, name: str) -> Key:
    """Return the key of a feature service; it has a namespace of its own, for a view may have the same name.

    >>> service_key("feast:shop", "fraud_v2")[1:]
    ('feast:shop/services', 'fraud_v2')
    """
    return Key(Kind.FEATURE_VIEW, f"{namespace}/services", name)
