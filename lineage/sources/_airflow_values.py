"""How are the fields of an Airflow record read, whatever stands in them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model import naming
from lineage.model.facts import Alias, Fact, Json
from lineage.model.moment import Moment, exactly
from lineage.source import Filtered, Problem
from lineage.sources._airflow_names import asset_key, time_of
from lineage.text import clip

Said = Fact | Problem | Filtered
Body = Mapping[str, Any]


class Times:
    """Reads the times of one row; what is none is a problem that costs no other field."""

    def __init__(self, row: Body) -> None:
        self._row = row
        self.problems: list[Problem] = []

    def of(self, *names: str) -> Moment | None:
        """Return the first of these fields that holds a time."""
        for name in names:
            try:
                found = time_of(self._row.get(name))
            except (ValueError, OverflowError):
                value = clip(self._row.get(name))
                self.problems.append(Problem("bad-time", "the field holds no time", name, value, fatal=False))
                continue
            if found is not None:
                return found
        return None


def named(asset: Body, namespace: str) -> Iterator[Alias]:
    """Yield that an asset's own name is another name of the place that it stands for."""
    name, uri = text(asset, "name"), text(asset, "uri")
    if name and uri and name != uri:
        yield Alias(naming.dataset(f"airflow://{namespace}", name), asset_key(uri), "airflow-asset-name")


def kind(job_type: str) -> dict[str, Json]:
    """Return what Airflow's events say of a job of this type."""
    return {"integration": "AIRFLOW", "job_type": job_type, "processing_type": "BATCH"}


def held(about: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes that say something."""
    return {name: value for name, value in about.items() if value not in (None, "")}


def at_of(body: Body) -> Moment | None:
    """Return when the database was as the record says."""
    at = body.get("at")
    return exactly(at) if isinstance(at, int) and not isinstance(at, bool) else None


def table(body: Body, name: str) -> Body:
    """Return the object in this field; empty where there is none."""
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def items(body: Body, name: str) -> list[Any]:
    """Return the list in this field; empty where there is none."""
    found = body.get(name)
    return found if isinstance(found, list) else []


def text(body: Body, name: str) -> str:
    """Return the text in this field; empty where there is none."""
    found = body.get(name)
    return found if isinstance(found, str) else ""


def number(body: Body, name: str, default: int) -> int:
    """Return the whole number in this field, else `default`."""
    found = body.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default
