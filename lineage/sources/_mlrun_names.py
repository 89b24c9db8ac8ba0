"""How does MLRun name its projects, artifacts, runs and users, and what do its store URIs point at?

`store://<kind>/<project>/<db_key>[#<iteration>][:<tag>][@<tree>][^<uid>]` (mlrun/utils/helpers.py, parse_artifact_uri).
The tree is the run or workflow that made the artifact; a tag is an alias that moves and leaves no history.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lineage.model.facts import Key, Use
from lineage.model.naming import dataset, dataset_at, model_version
from lineage.model.vocabulary import Kind
from lineage.source import Origin

_STORE = re.compile(
    r"store://(?:(?P<kind>[a-z-]+)/)?(?P<project>[^/#:@^]+)/(?P<key>[^#:@^]+)(?:#(?P<iteration>\d+))?"
    r"(?::(?P<tag>[^@^]+))?(?:@(?P<tree>[^^]+))?(?:\^(?P<uid>.+))?"
)
_PRODUCER = re.compile(r"(?P<project>[^/]+)/(?P<uid>[^-/]+)(?:-(?P<iteration>\d+))?")


class Stored(NamedTuple):
    """What a store URI says; what it does not say is empty."""

    kind: str
    project: str
    key: str
    version: str
    tag: str


def namespace_of(origin: Origin, project: str) -> str:
    """Return the namespace of a project."""
    instance = origin.label("instance")
    return f"{f'mlrun:{instance}' if instance else 'mlrun'}/{project or origin.label('project') or 'default'}"


def version_of(tree: str, iteration: str, uid: str) -> str:
    """Return the version of an artifact: what made it, with the iteration where it is one of several.

    >>> version_of("5f2c", "0", "ab"), version_of("5f2c", "3", ""), version_of("", "", "ab")
    ('5f2c', '5f2c-3', 'ab')
    """
    if not tree:
        return uid
    return tree if iteration in {"", "0"} else f"{tree}-{iteration}"


def stored(uri: str) -> Stored | None:
    """Take a store URI apart; None when it is none.

    >>> stored("store://models/shop/clf#0:prod@5f2c")
    Stored(kind='models', project='shop', key='clf', version='5f2c', tag='prod')
    """
    match = _STORE.fullmatch(uri.strip())
    if match is None:
        return None
    version = version_of(match["tree"] or "", match["iteration"] or "", match["uid"] or "")
    return Stored(match["kind"] or "artifacts", match["project"], match["key"], version, match["tag"] or "")


def thing_at(uri: str, origin: Origin) -> Use | None:
    """Return the dataset, feature vector or model version that a URI points at, with its version.

    None for a model of which only a tag is named: which version it was then is not in the URI.
    """
    found = stored(uri)
    if found is None:
        return Use(dataset_at(uri)) if "://" in uri else None
    namespace = namespace_of(origin, found.project)
    if found.kind == "models":
        return (
            Use(model_version(namespace, found.key, found.version), found.version) if found.version else None
        )
    if found.kind in {"feature-vectors", "feature-sets"}:
        return Use(Key(Kind.FEATURE_VIEW, namespace, f"{found.kind}/{found.key}"), found.version)
    return Use(dataset(f"{namespace}/artifacts", found.key), found.version)


def producer_run(uri: str, origin: Origin) -> tuple[Key, str] | None:
    """Return the run that made an artifact, and its id, by `<project>/<uid>[-<iteration>]`."""
    match = _PRODUCER.fullmatch(uri)
    if match is None:
        return None
    return Key(Kind.RUN, namespace_of(origin, match["project"]), match["uid"]), match["uid"]
