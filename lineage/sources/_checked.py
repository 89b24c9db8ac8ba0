"""Which thing did a data check look at, when, and what does a check's result come to?

Tools that check data name their own data source and table, seldom the place of the data. Where only such a name is
known, that is the dataset's name (`soda:lake` + `orders`). Labels given with the import place it: `dataset_namespace`
(OpenLineage's namespace of the store), `dataset_prefix` (database and schema before a table), or `dataset` (the one
dataset a file is about, as an address or as a name within `dataset_namespace`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lineage.model.facts import Json, Key
from lineage.model.moment import Moment, parse
from lineage.model.naming import dataset, dataset_at
from lineage.source import Origin, Problem
from lineage.text import clip

SEVERITIES = {
    "critical": "error",
    "error": "error",
    "fail": "error",
    "warning": "warn",
    "warn": "warn",
    "info": "info",
}
"""The severities of the tools in the words of a fact."""


def told_dataset(origin: Origin) -> Key | None:
    """Return the dataset that a person named with the import, None when nobody did.

    >>> told_dataset(Origin("", {"dataset": "s3://lake/orders"}))[1:]
    ('s3://lake', 'orders')
    """
    name = origin.label("dataset")
    if not name:
        return None
    namespace = origin.label("dataset_namespace")
    return dataset(namespace, name) if namespace else dataset_at(name)


def table(system: str, source: str, name: str, origin: Origin) -> Key:
    """Return the dataset that a tool calls `name` in its data source `source`: placed where labels say, else as named.

    >>> table("soda", "lake", "orders", Origin(""))[1:]
    ('soda:lake', 'orders')
    >>> labels = {"dataset_namespace": "postgres://db:5432", "dataset_prefix": "shop.public"}
    >>> table("soda", "lake", "orders", Origin("", labels))[1:]
    ('postgres://db:5432', 'shop.public.orders')
    """
    said = told_dataset(origin)
    if said is not None:
        return said
    namespace = origin.label("dataset_namespace")
    if not namespace:
        return dataset(f"{system}:{source}" if source else system, name)
    prefix = [part for part in origin.label("dataset_prefix").split(".") if part]
    parts = name.split(".")
    return dataset(namespace, ".".join([*prefix[: max(0, len(prefix) + 1 - len(parts))], *parts]))


def observed(origin: Origin) -> Moment | Problem | None:
    """Return the time that the label `observed_at` gives to a result without one, None when it is not given."""
    said = origin.label("observed_at")
    if not said:
        return None
    try:
        return parse(said, origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        return Problem("bad-time", f"the label is no time: {error}", "observed_at", clip(said))


def untimed(what: str, field: str) -> Problem:
    """Return the problem that a result does not say when it was found."""
    reason = f"{what} does not say when it was made; import it with `--label observed_at=TIME`"
    return Problem("missing-time", reason, field)


def figure(value: Any) -> float | None:
    """Return a finite number as one, None for anything else.

    >>> figure(3), figure("3"), figure(True), figure(None)
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def limits(said: Mapping[str, Any]) -> dict[str, Json]:
    """Return what was expected, in short: numbers, truth values and short texts as they stand, lists by their length.

    >>> limits({"min_value": 1, "value_set": ["a", "b"], "batch_id": "x", "mostly": None})
    {'min_value': 1, 'value_set': '2 values'}
    """
    found: dict[str, Json] = {}
    for name, value in said.items():
        if name in {"batch_id", "column", "result_format"} or value is None:
            continue
        if isinstance(value, (list, dict)):
            found[name] = f"{len(value)} values"
        else:
            found[name] = clip(value) if isinstance(value, str) else value
    return found
