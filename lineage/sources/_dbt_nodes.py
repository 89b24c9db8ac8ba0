"""What does one node of a dbt manifest say: which table is made by which job from which tables, for which model?

A job is named by the package and unique id of its node, which is all that `run_results.json` knows of it. One project
is built into several databases (development, production), so each manifest says exactly which table came of which:
the job's inputs and outputs must not be multiplied. Owners are owners, never actors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.model import moment
from lineage.model.facts import Coverage, Entity, Fact, Json, Key, Link
from lineage.model.moment import Moment
from lineage.model.naming import column
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Origin, Problem
from lineage.sources import _dbt_places as places
from lineage.sources._dbt_graph import has_table, items, mapping, package_of, relation, word
from lineage.text import clip

_TEXT = 2_000
_SECRET = re.compile(r"password|passwd|secret|token|api_?key|credential|private_?key", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@")
_HOME = re.compile(r"(?:/Users/|/home/|[A-Za-z]:\\Users\\)[^/\\\s'\"]+")
_JOBS = frozenset({"model", "seed", "snapshot"})


def job(name: str) -> Key:
    """Return the key of the job that builds the node `name`."""
    return Key(Kind.JOB, f"dbt:{package_of(name)}", name)


def plain(text: str, limit: int = _TEXT) -> str:
    """Return a text of a tool without passwords in addresses and without the home folder of whoever ran it.

    >>> plain("postgres://a:b@h/x in /home/ann/shop")
    'postgres://h/x in ~/shop'
    """
    return clip(_HOME.sub("~", _USER_IN_URL.sub("", text)), limit)


def time(
    text: str, field: str, origin: Origin, problems: list[Problem], *, missing: bool = False
) -> Moment | None:
    """Return the time that `text` is; None, and a problem, when it is none (or not there, if `missing` says so)."""
    if not text:
        if missing:
            problems.append(
                Problem("missing-field", "the artifact does not say when it was made", field, fatal=False)
            )
        return None
    try:
        return moment.parse(text, origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        problems.append(Problem("bad-time", str(error), field, clip(text), fatal=False))
        return None


def present(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """Return the attributes that say something."""
    return {name: value for name, value in attributes.items() if value not in (None, "", [], {})}


def open_meta(meta: Mapping[str, Any]) -> dict[str, Json]:
    """Return `meta` without what is called like a credential; texts without the user of an address."""
    return {
        name: plain(value) if isinstance(value, str) else value
        for name, value in meta.items()
        if not _SECRET.search(name)
    }


def read(body: Mapping[str, Any], origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what one record of a manifest states."""
    about = mapping(body.get("about"))
    problems: list[Problem] = []
    at = time(word(about.get("generated_at")), "metadata.generated_at", origin, problems, missing=True)
    yield from problems
    if "node" not in body:
        yield from _project(body, about, at)
        return
    name, node = word(body.get("id")), mapping(body.get("node"))
    kind = word(node.get("resource_type")) or name.partition(".")[0]
    if not package_of(name):
        yield Problem(
            "bad-value", "a node's unique id has a type, a package and a name", "unique_id", clip(name)
        )
    elif mapping(node.get("config")).get("enabled") is False:
        yield Filtered("disabled")
    elif kind in _JOBS:
        yield from _built(name, kind, body, at, origin)
    elif kind == "source":
        yield from _source(name, node, about, at, origin)
    elif kind == "exposure":
        yield from _exposure(name, body, at, origin)
    else:
        yield Filtered(kind)


def _listing(about: Mapping[str, Any]) -> str:
    return f"dbt:{word(about.get('adapter'))}:{word(about.get('project'))}"


def _project(
    body: Mapping[str, Any], about: Mapping[str, Any], at: Moment | None
) -> Iterator[Fact | Filtered]:
    if at is None:
        yield Filtered("no-time")
        return
    detail = present({"counts": body.get("counts"), **about})
    for what in ("job", "dataset"):
        # Not complete: a manifest may be trimmed, and another target of the project has tables of its own.
        yield Coverage(_listing(about), what, at, at, detail=detail)


def _said(name: str, kind: str, node: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Json]:
    """Return what is said of any node: its place in the project, words about it, and who owns it."""
    config, group = mapping(node.get("config")), mapping(body.get("group"))
    meta = open_meta({**mapping(config.get("meta")), **mapping(node.get("meta"))})
    checksum = mapping(node.get("checksum"))
    return present(
        {
            "dbt": name,
            "dbt_type": kind,
            "materialized": config.get("materialized"),
            "path": _relative(word(node.get("original_file_path"))),
            "description": plain(word(node.get("description"))),
            "tags": node.get("tags"),
            "meta": meta,
            "owner": _owner(meta.get("owner")) or _owner(group.get("owner")),
            "group": group.get("name"),
            "access": node.get("access") or config.get("access"),
            "version": node.get("version"),
            "language": node.get("language"),
            "checksum": f"{checksum.get('name')}:{checksum.get('checksum')}"
            if checksum.get("name") == "sha256" and word(checksum.get("checksum"))
            else None,
        }
    )


def _owner(said: Any) -> str:
    """Return an owner as text: a name, an address, or both; an object as groups and exposures have it."""
    if isinstance(said, str):
        return said
    owner = mapping(said)
    name, mail = (
        word(owner.get("name")),
        ", ".join(map(word, items(owner.get("email")))) or word(owner.get("email")),
    )
    return f"{name} <{mail}>" if name and mail else name or mail


def _relative(path: str) -> str:
    """Return a path inside the project; of an absolute one only the file's name."""
    absolute = path.startswith(("/", "\\")) or path[1:3] in (":/", ":\\")
    return re.split(r"[\\/]", path)[-1] if absolute else path


def _columns(
    node: Mapping[str, Any], here: Key, at: Moment | None, listing: str
) -> tuple[list[str], list[Entity]]:
    names: list[str] = []
    found: list[Entity] = []
    for key, one in mapping(node.get("columns")).items():
        said = mapping(one)
        name = word(said.get("name")) or key
        names.append(name)
        attributes = present(
            {
                "type": said.get("data_type"),
                "description": plain(word(said.get("description"))),
                "tags": said.get("tags"),
                "meta": open_meta(mapping(said.get("meta"))),
            }
        )
        found.append(Entity(column(here, name), attributes, at, listing))
    return names, found


def _missing(body: Mapping[str, Any]) -> Iterator[Problem]:
    for parent in items(body.get("missing")):
        reason = "the manifest does not hold this parent, so the edge from it is not known"
        yield Problem("unknown-parent", reason, "depends_on.nodes", clip(parent), fatal=False)


def _built(
    name: str, kind: str, body: Mapping[str, Any], at: Moment | None, origin: Origin
) -> Iterator[Fact | Problem]:
    about, node = mapping(body.get("about")), mapping(body.get("node"))
    listing = _listing(about)
    made = job(name)
    said = _said(name, kind, node, body)
    project = present({"project": about.get("project"), "adapter": about.get("adapter")})
    yield from _missing(body)
    if not has_table({**node, "resource_type": kind}):
        # What reads it reads the tables behind it: the record of the reader says so.
        yield Entity(made, said | project, at, listing)
        return
    stands = relation(name, node)
    here = places.table(stands, about, origin)
    names, columns = _columns(node, here, at, listing)
    yield Entity(made, said | project, at, listing)
    yield Entity(here, present({**said, "columns": names}), at, listing)
    yield from columns
    yield from places.aliases(stands, about, origin)
    yield from places.locations(node, stands, here)
    yield Link(made, here, Relation.OUTPUT, Basis.DECLARED, "dbt-relation", job=made, at=at)
    for parent in items(body.get("parents")):
        there = places.table(mapping(parent), about, origin)
        yield Link(there, made, Relation.INPUT, Basis.DECLARED, "dbt-depends-on", job=made, at=at)
        yield Link(there, here, Relation.DERIVED, Basis.DECLARED, "dbt-depends-on", job=made, at=at)


def _source(
    name: str, node: Mapping[str, Any], about: Mapping[str, Any], at: Moment | None, origin: Origin
) -> Iterator[Fact]:
    stands = relation(name, node)
    here = places.table(stands, about, origin)
    listing = _listing(about)
    names, columns = _columns(node, here, at, listing)
    both = {**mapping(node.get("source_meta")), **mapping(node.get("meta"))}
    said = _said(name, "source", {**node, "meta": both}, {})
    more = present(
        {
            "source": node.get("source_name"),
            "source_description": plain(word(node.get("source_description"))),
            "loader": node.get("loader"),
            "loaded_at_field": node.get("loaded_at_field"),
            "columns": names,
        }
    )
    yield Entity(here, said | more, at, listing)
    yield from columns
    yield from places.aliases(stands, about, origin)
    yield from places.locations(node, stands, here)


def _exposure(
    name: str, body: Mapping[str, Any], at: Moment | None, origin: Origin
) -> Iterator[Fact | Problem]:
    """Say what a project's data is used for: an `ml` exposure is a model fed by these tables, others are jobs."""
    about, node = mapping(body.get("about")), mapping(body.get("node"))
    kind = word(node.get("type")).lower()
    title = word(node.get("name")) or name.rpartition(".")[2]
    user = Key(Kind.MODEL, f"dbt:{package_of(name)}", title) if kind == "ml" else job(name)
    said = _said(name, "exposure", node, body)
    more = present(
        {
            "exposure": kind,
            "label": node.get("label"),
            "url": plain(word(node.get("url"))),
            "maturity": node.get("maturity"),
            "owner": _owner(node.get("owner")) or said.get("owner"),
            "project": about.get("project"),
        }
    )
    yield Entity(user, said | more, at, _listing(about))
    yield from _missing(body)
    for parent in items(body.get("parents")):
        there = places.table(mapping(parent), about, origin)
        yield Link(there, user, Relation.INPUT, Basis.DECLARED, "dbt-exposure", at=at)
