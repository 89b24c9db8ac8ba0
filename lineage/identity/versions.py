"""Which model versions do the registries know, and by which names, places and ids can one be found?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from lineage.identity.canonical import canonical
from lineage.model.facts import Key
from lineage.model.moment import Moment
from lineage.model.naming import dataset_at

REDACTED = "REDACTED-"
"""What MLflow overwrites the source and run of a deleted version with (sources-ops 0.6)."""

_LOGGED = re.compile(r"(?<![0-9A-Za-z])m-[0-9a-f]{32}(?![0-9A-Za-z])")
_RUN = re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{32}(?![0-9A-Za-z])")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"(?:^|[._-])(?:commit|git_?sha|sha|revision)$", re.IGNORECASE)
_STAGES = frozenset({"production", "staging", "archived", "none"})
_ARTIFACT = re.compile(
    r"(?P<name>[^#:@^]+)(?:#(?P<iteration>\d+))?(?::(?P<tag>[^@^]+))?(?:@(?P<tree>[^^]+))?(?:\^.*)?"
)
"""An artifact as W&B (`name:v3`, `name:alias`) and MLRun (`name#0:tag@tree^uid`) call it."""

_SCHEMES = frozenset({"models", "mlflow", "runs", "model-registry", "wandb-artifact", "store"})

Location = tuple[str, tuple[str, ...]]
"""A store and the segments of the path in it, in canonical form."""


class ModelUri(NamedTuple):
    """What a `models:/`, `mlflow://` or `runs:/` URI says; what it does not say is empty."""

    name: str = ""
    version: str = ""
    alias: str = ""
    stage: str = ""
    latest: bool = False
    run: str = ""
    logged: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A model version as its registry shows it.

    Attributes:
        key: kind model-version; `model`, `version`, `namespace`: its parts.
        storage_location: where the artifact lies; kept by MLflow when the version is deleted.
        source: what it was registered from (a URI, `models:/m-<id>`, `runs:/<id>/<path>`).
        tags: the version's own and, for the git commit, those of its run.
        aliases, stage: as last seen; how they moved is in `AliasSpan`s.
    """

    key: Key
    model: str
    version: str
    namespace: str
    storage_location: str = ""
    source: str = ""
    run_id: str = ""
    logged_model_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    stage: str = ""
    aliases: tuple[str, ...] = ()
    created_at: Moment | None = None
    deleted: bool = False
    deleted_at: Moment | None = None

    @property
    def run(self) -> str:
        """The training run's id; empty where there is none or MLflow overwrote it."""
        return "" if self.run_id.startswith(REDACTED) else self.run_id

    @property
    def order(self) -> tuple[str, str, int, int, str]:
        """The place of the version among others: by registry, model, creation, number."""
        created = self.created_at.lo if self.created_at else -1
        return (self.namespace, self.model, created, number(self.version), self.version)


class Standing(NamedTuple):
    """Where an alias may have stood at a time.

    Attributes:
        rows: the versions that the record of the alias leaves possible.
        evidenced: the record has exact times (dated events), not just listings.
        sure: the time lies inside what was seen; else the alias may have stood elsewhere, unseen.
    """

    rows: tuple[VersionRow, ...]
    evidenced: bool
    sure: bool


@dataclass(frozen=True, slots=True)
class AliasSpan:
    """An alias (or stage) of a model stood on `version` from `since` until `until`; both may be bounded only."""

    model: Key
    alias: str
    version: str
    since: Moment
    until: Moment | None = None


def in_order(rows: Iterable[VersionRow]) -> tuple[VersionRow, ...]:
    """Return `rows` once each, by registry, model and age."""
    return tuple(sorted({row.key: row for row in rows}.values(), key=lambda row: row.order))


def number(version: str) -> int:
    """Return the number in a version's text (`3`, `v3`, `0003`), or -1.

    >>> number("v12"), number("2026-06-01")
    (12, -1)
    """
    found = re.fullmatch(r"[vV]?(?:ersion)?[=_-]?(\d{1,18})", version)
    return int(found[1]) if found else -1


def model_uri(text: str) -> ModelUri | None:
    """Take a model URI apart; None when `text` is none.

    >>> model_uri("models:/fraud/3")[:2], model_uri("mlflow://fraud@champion").alias
    (('fraud', '3'), 'champion')
    >>> model_uri("models:/fraud/Production").stage, model_uri("models:/fraud/latest").latest
    ('production', True)
    >>> model_uri("wandb-artifact://acme/churn/clf:v3")[:2], model_uri("store://models/shop/clf#0:prod").alias
    (('clf', 'v3'), 'prod')
    """
    scheme, separator, rest = text.strip().partition(":/")
    if not separator or scheme.lower() not in _SCHEMES:
        return None
    segments = [unquote(segment) for segment in rest.strip("/").split("/") if segment]
    if not segments:
        return None
    if scheme.lower() in {"wandb-artifact", "store"}:
        return _artifact(scheme.lower(), segments)
    if scheme.lower() == "runs":
        return ModelUri(run=segments[0], path="/".join(segments[1:]))
    last = segments[-1]
    if _LOGGED.fullmatch(segments[0]):
        return ModelUri(logged=segments[0], path="/".join(segments[1:]))
    if "@" in last:
        name, _, alias = last.rpartition("@")
        return ModelUri(name=name, alias=alias)
    if len(segments) == 1:
        return ModelUri(name=last)
    name = segments[-2]
    if last.lower() == "latest":
        return ModelUri(name=name, latest=True)
    return ModelUri(name=name, stage=last.lower()) if last.lower() in _STAGES else ModelUri(name, last)


def _artifact(scheme: str, segments: list[str]) -> ModelUri | None:
    found = _ARTIFACT.fullmatch(segments[-1])
    if found is None or (scheme == "store" and (segments[0] != "models" or len(segments) < 3)):
        return None
    name, tag, tree = found["name"], found["tag"] or "", found["tree"] or ""
    if scheme == "wandb-artifact" and number(tag) >= 0:
        return ModelUri(name, tag)
    if tree:
        iteration = found["iteration"] or "0"
        return ModelUri(name, tree if iteration == "0" else f"{tree}-{iteration}")
    return ModelUri(name, latest=True) if tag in {"", "latest"} else ModelUri(name, alias=tag)


@lru_cache(maxsize=65_536)
def location(uri: str) -> Location | None:
    """Return where a URI or path points, so that spellings of one place are equal; None for what is no place.

    >>> location("s3a://Models/fraud/3/") == location("https://models.s3.eu-west-1.amazonaws.com/fraud/3")
    True
    """
    if not uri or "/" not in uri or uri.startswith(REDACTED) or model_uri(uri) is not None:
        return None
    place = canonical(dataset_at(uri.strip()))
    path = "/".join(part for part in (place.key.name.strip("/"), place.version.strip("/")) if part)
    segments = tuple(path.split("/")) if path else ()
    # A path to the description inside an MLflow model folder means the folder.
    return place.key.namespace, segments[:-1] if segments[-1:] == ("MLmodel",) else segments


def logged_models(text: str) -> list[str]:
    """Return the MLflow logged model ids (`m-` and 32 hexadecimal digits) in `text`."""
    return _LOGGED.findall(text)


def runs(text: str) -> list[str]:
    """Return what may be MLflow run ids (32 hexadecimal digits) in `text`; a logged model's id is none."""
    return _RUN.findall(text)


def digests(text: str) -> list[str]:
    """Return the image digests in `text`."""
    return _DIGEST.findall(text)


_Named = TypeVar("_Named")


def _index(
    rows: Iterable[VersionRow], names: Callable[[VersionRow], Iterable[_Named]]
) -> dict[_Named, tuple[VersionRow, ...]]:
    found: dict[_Named, dict[Key, VersionRow]] = {}
    for row in rows:
        for name in names(row):
            found.setdefault(name, {})[row.key] = row
    return {name: tuple(rows.values()) for name, rows in found.items()}


class Registry:
    """All model versions known, found by name, place, run, logged model, digest, commit or tag.

    The order in which rows are given does not matter. `confirmed` are a person's decisions: what is served (URI, image
    or the text of a claim, as written) to the version it is.
    """

    def __init__(
        self,
        rows: Iterable[VersionRow],
        aliases: Iterable[AliasSpan] = (),
        confirmed: Mapping[str, Key] | None = None,
    ) -> None:
        self.confirmed = dict(confirmed or {})
        self.rows = tuple(sorted(rows, key=lambda row: row.order))
        self.by_model = _index(self.rows, lambda row: [row.model])
        self.by_version = _index(self.rows, lambda row: [(row.model, row.version)])
        self.by_number = _index(
            self.rows, lambda row: [(row.model, number(row.version))] if number(row.version) >= 0 else []
        )
        self.by_location = _index(self.rows, _locations)
        self.by_logged = _index(
            self.rows,
            lambda row: [
                row.logged_model_id,
                *logged_models(row.source),
                *logged_models(row.storage_location),
            ],
        )
        self.by_run = _index(self.rows, _runs)
        self.by_digest = _index(self.rows, lambda row: digests(" ".join(row.tags.values())))
        self.by_commit = _index(self.rows, _commits)
        self.by_tag = _index(self.rows, lambda row: row.tags.values())
        self.spans: dict[tuple[str, str], list[AliasSpan]] = {}
        for span in sorted(
            aliases, key=lambda span: (span.since.lo, span.since.hi, span.model, span.version)
        ):
            self.spans.setdefault((span.model.name, span.alias.lower()), []).append(span)

    def named(self, model: str, version: str) -> tuple[VersionRow, ...]:
        """Return the versions called so, in any registry: by the exact text, else by the number in it."""
        exact = self.by_version.get((model, version), ())
        return exact or self.by_number.get((model, number(version)), ())

    def existing(self, model: str, at: int) -> tuple[VersionRow, ...]:
        """Return the versions of `model` that there were at the microsecond `at`, as far as is known."""
        return tuple(row for row in self.by_model.get(model, ()) if existed(row, at))

    def on_alias(self, model: str, alias: str, at: int) -> Standing:
        """Return where `alias` stood at `at`, as far as the record of its moves reaches.

        Without such a record, where it was last seen is all that is known, unless that version did not exist yet.
        """
        rows: dict[Key, VersionRow] = {}
        evidenced = sure = True
        recorded: set[str] = set()
        for span in self.spans.get((model, alias.lower()), ()):
            recorded.add(span.model.namespace)
            if span.since.lo > at or (span.until is not None and at >= span.until.hi):
                continue
            evidenced = evidenced and span.since.exact and (span.until is None or span.until.exact)
            sure = sure and at >= span.since.hi and (span.until is None or at < span.until.lo)
            for row in self.by_version.get((model, span.version), ()):
                if row.namespace == span.model.namespace and existed(row, at):
                    rows[row.key] = row
        for row in self.by_model.get(model, ()):
            shown = (
                alias.lower() in {one.lower() for one in row.aliases} or alias.lower() == row.stage.lower()
            )
            if shown and row.namespace not in recorded and existed(row, at):
                evidenced = sure = False
                rows[row.key] = row
        return Standing(in_order(rows.values()), evidenced, sure)


def existed(row: VersionRow, at: int) -> bool:
    """Tell whether a version may have existed at the microsecond `at`; unknown bounds count as possible."""
    born = row.created_at is None or row.created_at.lo <= at
    return born and (row.deleted_at is None or at < row.deleted_at.hi)


def _locations(row: VersionRow) -> Iterable[Location]:
    for uri in (row.storage_location, row.source):
        place = location(uri)
        if place is not None and place[1]:
            yield place


def _runs(row: VersionRow) -> Iterable[str]:
    if row.run:
        yield row.run
    for uri in (row.storage_location, row.source):
        said = model_uri(uri)
        if said is not None and said.run:
            yield said.run
        elif said is None:
            yield from runs(uri)


def _commits(row: VersionRow) -> Iterable[str]:
    return [value.lower() for name, value in row.tags.items() if _COMMIT.search(name) and len(value) >= 7]
