"""What are the fields of W&B's exports called, and what do they hold? Names, users, types, aliases, tables.

One field has two spellings (`createdAt`, `created_at`) and may hold an object, its JSON as text, or GraphQL's edges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lineage.source import Origin
from lineage.sources._said import Said, plains
from lineage.text import MalformedError, load_yaml, loads

_NUMBERED = re.compile(r"v\d+")


class Name(NamedTuple):
    """What an artifact is called: `entity/project/collection:version`."""

    entity: str
    project: str
    collection: str
    version: str


def namespace_of(origin: Origin, entity: str, project: str) -> str:
    """Return the namespace of a project; labels stand in for what the record does not say."""
    place = "/".join(filter(None, (entity or origin.label("entity"), project or origin.label("project"))))
    instance = origin.label("instance")
    return ":".join(filter(None, ("wandb", instance, place)))


def named(text: str) -> Name:
    """Take a name of an artifact apart.

    >>> named("acme/churn/clf:v3")
    Name(entity='acme', project='churn', collection='clf', version='v3')
    """
    path, _, version = text.removeprefix("wandb-artifact://").partition(":")
    parts = [part for part in path.split("/") if part]
    entity, project, collection = ["", "", "", *parts][-3:]
    return Name(entity, project, collection, version)


def decoded(text: str, said: Said, name: str, *, in_yaml: bool = False) -> Said:
    try:
        value = load_yaml(text) if in_yaml else loads(text)
    except MalformedError as error:
        said.wrong(error.code, error.reason, name, "")
        value = None
    if value is not None and not isinstance(value, dict):
        said.wrong("bad-value", "this is no object", name, text)
        value = None
    return Said(value or {}, said.zone, said.place(name), said.problems)


def object_of(said: Said, *names: str) -> Said:
    """Return the object in the first of the fields that is there; GraphQL holds it as text."""
    for name in names:
        value = said.body.get(name)
        if isinstance(value, str) and value:
            return decoded(value, said, name)
        if value:
            return said.part(name)
    return Said({}, said.zone, said.place(names[0]), said.problems)


def config_of(config: Said) -> dict[str, Any]:
    """Return the configuration without what W&B adds to it (`_wandb`, `wandb_version`), values unwrapped."""
    found = {}
    for name, value in config.body.items():
        if str(name).startswith("_") or name == "wandb_version":
            continue
        wrapped = isinstance(value, dict) and "value" in value and value.keys() <= {"value", "desc"}
        found[name] = value["value"] if wrapped else value
    return plains(found)


def summary_of(summary: Said) -> dict[str, Any]:
    return {
        str(name): value
        for name, value in summary.body.items()
        if not str(name).startswith("_") and isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def user_of(said: Said, *names: str) -> tuple[str, str]:
    """Return the user's account and the name beside it."""
    for name in names or ("user",):
        if isinstance(said.body.get(name), dict):
            user = said.part(name)
            return user.text("username", "email", "name"), user.text("name")
        if said.body.get(name):
            return said.text(name), ""
    return "", ""


def type_of(said: Said) -> str:
    for name in ("type", "artifactType", "artifact_type"):
        if isinstance(said.body.get(name), dict):
            return said.part(name).text("name").lower()
        if said.body.get(name):
            return said.text(name).lower()
    return ""


def name_of(said: Said) -> Name:
    sequence = said.part("artifactSequence")
    project = sequence.part("project")
    full = named(said.text("qualified_name", "qualifiedName", "source_qualified_name") or said.text("name"))
    index = said.body.get("versionIndex")
    numbered = f"v{index}" if isinstance(index, int) and not isinstance(index, bool) else ""
    version = said.text("version") or numbered or full.version
    return Name(
        said.text("entity") or project.part("entity").text("name") or full.entity,
        said.text("project") or project.text("name") or full.project,
        full.collection or sequence.text("name"),
        f"v{version}" if version.isdecimal() else version,
    )


def aliases_of(said: Said) -> Iterator[str]:
    for number, alias in enumerate(said.entries("aliases")):
        if isinstance(alias, dict):
            text = Said(alias, said.zone, f"aliases[{number}]", said.problems).text("alias", "name")
        else:
            text = alias if isinstance(alias, str) else ""
        if text and not _NUMBERED.fullmatch(text):
            yield text


def text_of(said: Said, name: str) -> str:
    return said.part(name).text("name") if isinstance(said.body.get(name), dict) else said.text(name)


def source_of(said: Said) -> str:
    parts = [said.text(f"source_{name}") for name in ("entity", "project", "name")]
    if not all(parts):
        return ""
    version = said.text("source_version")
    return "/".join(parts) + (f":{version}" if version and ":" not in parts[2] else "")


def references_of(said: Said) -> list[str]:
    """Return the folders of the files that an artifact only refers to."""
    contents = said.part("manifest").part("contents")
    found = set()
    for path in contents.body:
        uri = contents.part(str(path)).text("ref")
        if "://" in uri:
            found.add(uri.rpartition("/")[0] if len(contents.body) > 1 else uri)
    return sorted(found)[:50]
