"""What do a Kedro project and Kedro-Viz say: the catalog, the pipelines' nodes, saved versions, the last run?

A project is read as a whole where nothing but Kedro's own files lies in it, else its `conf` and its `data` folder, each
for itself; a catalog also as a single file. Kedro-Viz's build (`api/main`, `api/nodes/*`) alone has the pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _kedro_facts as facts
from lineage.sources._kedro_catalog import CATALOG, Project
from lineage.sources._kedro_places import versioned
from lineage.sources._kedro_viz import Viz

NAME = "kedro"
FORMAT = "Kedro project (conf/*/catalog*.yml, versioned data), Kedro-Viz build (JSON)"
PROVES = ("when", "what", "lineage")
PLACED = True

_OWN = re.compile(
    r"(?:conf|data|src|docs|notebooks|tests|logs)/.*|[^/]*\.(?:md|toml|txt|cfg|ini|lock|py|rst)|LICENSE|Makefile"
    r"|\.(?:gitignore|viz/.*|telemetry|flake8|isort\.cfg|pre-commit-config\.yaml|coveragerc)",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"(?:.*/)?(?:mlruns|\.git|\.dvc|target)/.*|(?:.*/)?(?:dvc\.yaml|dvc\.lock|.*\.(?:db|sqlite|dvc))"
    r"|(?!logs/).*\.(?:ndjson|jsonl|log|zip)(?:\.gz)?|docs/.*\.(?:ya?ml|json|csv|xlsx)"
)
"""What another source may read: a folder that holds it is not taken as a whole."""
_VIZ = re.compile(
    r"(?:api/)?(?:main|nodes/[^/]+|pipelines/[^/]+|run-status|version|deploy-viz-metadata|[a-z-]+)"
)
_PAGES = re.compile(r"(?:index\.html|favicon\.ico|.*\.(?:js|css|map|svg|png|txt|json|html|woff2?))")
_TYPE = re.compile(r"""^\s+['"]?type['"]?\s*:\s*['"]?[\w.${}:]+\.\w*Data[sS]et\b""", re.MULTILINE)
_NAMED = re.compile(r"catalog.*\.ya?ml")
_GRAPH = re.compile(r'"modular_pipelines"\s*:')


def recognises(sample: Sample) -> float:
    """Return how sure it is that this is Kedro's: a project, its `conf` or `data` folder, a catalog, a build of Viz."""
    if sample.listing:
        return _folder(sample)
    if _NAMED.fullmatch(sample.name.lower()) and _TYPE.search(sample.text):
        return 0.85
    if sample.text.lstrip()[:1] != "{":
        return 0.0
    said = sample.first_json
    if isinstance(said, dict):
        return 0.9 if {"nodes", "edges", "modular_pipelines"} <= said.keys() else 0.0
    return (
        0.6
        if sample.name == "main" and '"dataset_type"' in sample.text and '"nodes"' in sample.text[:200]
        else 0.0
    )


def _folder(sample: Sample) -> float:
    names = sample.listing
    if any(name in ("main", "api/main") for name in names) and any("nodes/" in name for name in names):
        return 0.95 if all(_VIZ.fullmatch(name) or _PAGES.fullmatch(name) for name in names) else 0.0
    if any(_OTHERS.fullmatch(name) and not versioned(name) for name in names):
        return 0.0
    catalogs = [name for name in names if CATALOG.fullmatch(name)]
    if sample.name == "conf":
        return 0.9 if any(not name.startswith("conf/") for name in catalogs) else 0.0
    if sample.name == "data":
        return 0.8 if any(versioned(name) for name in names) else 0.0
    whole = any(name.startswith("conf/") for name in catalogs) and all(_OWN.fullmatch(name) for name in names)
    return 0.9 if whole and "pyproject.toml" in names else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield a record for each entry, session, node and run."""
    members = dict(given.members())
    if not members:
        if _NAMED.fullmatch(given.name.lower()):
            yield from _single(given, origin)
        else:
            yield from Viz({"main": given}, origin).records()
        return
    if "main" in members or "api/main" in members:
        yield from Viz(
            {name.removeprefix("api/"): member for name, member in members.items()}, origin
        ).records()
        return
    # Inside `conf` or `data`, paths are those of the project.
    above = f"{given.name}/" if given.name in ("conf", "data") and "pyproject.toml" not in members else ""
    yield from Project({f"{above}{name}": member for name, member in members.items()}, origin).records()


def _single(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Read one catalog file: its environment is the folder it lies in, its project the folder above `conf`."""
    folders = origin.path.replace("\\", "/").split("/")[:-1]
    place = len(folders) - 1 - folders[::-1].index("conf") if "conf" in folders[:-1] else -1
    environment = folders[place + 1] if place >= 0 else "base"
    above = folders[place - 1] if place > 0 else origin.folder
    named = Origin(origin.path, origin.labels, above, origin.modified)
    yield from Project({f"conf/{environment}/{given.name}": given}, named).records()


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what one record states."""
    return facts.read(record, origin)
