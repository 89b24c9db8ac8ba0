"""From which models and data does a Hugging Face card say that a model was made, and what did it score?

Read are model and dataset cards (README.md with YAML front matter; huggingface.co/docs/hub/model-cards,
datasets-cards), and what `config.json` and `adapter_config.json` of a model say of the model it was made from. A thing
is called by the folder it lies in (`org/name`, or the folders of the hub's cache), never by a name on the card. A card
holds no time and no person: those are the commits' of its repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lineage import framing
from lineage.model.facts import Entity, Fact, Json, Key, Link
from lineage.model.naming import dataset, model_version
from lineage.model.vocabulary import Basis, Kind, Relation
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.text import MalformedError, clip, decode, dumps, load_yaml, loads

NAME = "huggingface"
FORMAT = (
    "Hugging Face: model and dataset cards (README.md with front matter), config.json, adapter_config.json"
)
PROVES = ("what", "lineage")

DATASETS = "hf://datasets"
"""The namespace of the hub's datasets, as its own addresses have it."""

MAX_HEADER = 4 << 20
"""The longest front matter taken, in characters: the `dataset_info` of large data sets is long."""

_START = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n")
_END = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_FIELD = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:", re.MULTILINE)
_OF_MODELS = frozenset(
    {
        "base_model",
        "base_model_relation",
        "model-index",
        "pipeline_tag",
        "library_name",
        "model_name",
        "co2_eq_emissions",
    }
)
_OF_DATASETS = frozenset(
    {
        "task_categories", "task_ids", "size_categories", "dataset_info", "annotations_creators", "source_datasets",
        "language_creators", "multilinguality", "configs",
    }
)  # fmt: skip
_OF_EITHER = frozenset({"language", "datasets", "metrics", "tags", "license_name"})
_ID = re.compile(r"[\w][\w.-]{0,95}(?:/[\w][\w.-]{0,95})?")
_HUB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(datasets/)?([^/\s]+/[^/\s?#]+)(?:[/?#].*)?$"
)
_CACHED = re.compile(r"(?:^|/)(model|dataset)s--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{40})/")
_RELATIONS = frozenset({"adapter", "merge", "quantized", "finetune"})
_KEPT = (
    "license",
    "language",
    "library_name",
    "pipeline_tag",
    "tags",
    "metrics",
    "model_name",
    "pretty_name",
)
_OF_DATA = (
    "license",
    "language",
    "task_categories",
    "size_categories",
    "pretty_name",
    "tags",
    "annotations_creators",
)


class _Card(NamedTuple):
    """Which thing a file speaks of: a model or a data set, its id, and its revision where the path has it."""

    id: str
    is_dataset: bool | None
    revision: str = ""


def recognises(sample: Sample) -> float:
    """Return how sure it is: by the fields of the front matter, or those that only a model's configuration has."""
    if sample.listing:
        return 0.0
    if sample.suffix(".md"):
        header = _header(sample.text) or ("" if sample.whole else sample.text)
        fields = set(_FIELD.findall(header)) if _START.match(sample.text) else set()
        if fields & (_OF_MODELS | _OF_DATASETS):
            return 0.9
        return 0.7 if "license" in fields and fields & _OF_EITHER else 0.0
    value = sample.first_json
    return 0.8 if isinstance(value, dict) and _configuration(value) else 0.0


def _configuration(value: Mapping[str, Any]) -> str:
    """Return what a configuration is of: `adapter`, `model`; empty for other JSON."""
    if isinstance(value.get("peft_type"), str) and "base_model_name_or_path" in value:
        return "adapter"
    named = isinstance(value.get("architectures"), list) and isinstance(value.get("model_type"), str)
    return "model" if named and ("transformers_version" in value or "_name_or_path" in value) else ""


def _header(text: str) -> str:
    """Return the front matter of a card; empty when there is none, or its end is not there."""
    start = _START.match(text)
    end = _END.search(text, start.end()) if start else None
    return text[start.end() : end.start()] if start and end else ""


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Yield the front matter, or the configuration, together with the id that the folders give the thing."""
    document = framing.whole(given)
    if isinstance(document, Problem):
        yield document
        return
    try:
        text = decode(document.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason)
        return
    card = _card(origin)
    said: dict[str, Json] = {"id": card.id, "dataset": card.is_dataset, "revision": card.revision}
    if given.name.lower().endswith(".md"):
        header = _header(text)
        if len(header) > MAX_HEADER:
            yield Problem("too-large", f"the front matter is longer than {MAX_HEADER} characters", line=1)
            return
        if not header:
            yield Problem(
                "missing-front-matter", "the card has no front matter between two lines `---`", line=1
            )
            return
        said["card"] = header.replace("\0", "⟨U+0000⟩")
    else:
        said["config"] = text.replace("\0", "⟨U+0000⟩")
    yield Record(dumps(said), 0, 1, card.id)


def _card(origin: Origin) -> _Card:
    """Return what the folders of a file call the thing it speaks of; a label of the import says it better."""
    path = origin.path.replace("!/", "/")
    cached = _CACHED.search(path)
    said = origin.label("repository")
    revision = origin.label("revision") or (cached[4] if cached else "")
    if cached:
        return _Card(said or f"{cached[2]}/{cached[3]}", cached[1] == "dataset", revision)
    folders = [part for part in path.split("/")[:-1] if part not in {"", ".", ".."}]
    kind = folders[-3] if len(folders) > 2 else ""
    is_dataset = True if kind == "datasets" else False if kind == "models" else None
    return _Card(said or "/".join(folders[-2:]) or origin.folder, is_dataset, revision)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a card or a configuration states."""
    try:
        said = loads(record.raw)
        named = said.get("id") if isinstance(said, dict) else None
        if not isinstance(named, str) or not named:
            yield Problem(
                "missing-field",
                "it is not known what the card speaks of: say --label repository=org/name",
                "id",
            )
            return
        if isinstance(said.get("config"), str):
            yield from _config(loads(said["config"]), named, origin)
            return
        card = load_yaml(str(said.get("card")))
    except MalformedError as error:
        line = error.line + 1 if error.line else 1
        yield Problem(error.code, error.reason, "front matter", value=clip(repr(record.raw[:80])), line=line)
        return
    if not isinstance(card, dict):
        yield Problem("not-an-object", "the front matter is no mapping", value=clip(str(card)))
    elif {"sdk", "app_file"} & card.keys():
        yield Filtered("space")
    elif said.get("dataset") if isinstance(said.get("dataset"), bool) else _speaks_of_data(card):
        yield from _dataset(card, named, str(said.get("revision") or ""))
    else:
        yield from _model(card, named, str(said.get("revision") or ""), origin)


def _speaks_of_data(card: Mapping[str, Any]) -> bool:
    return not _OF_MODELS & card.keys() and bool((_OF_DATASETS | {"pretty_name"}) & card.keys())


def _namespace(origin: Origin) -> str:
    instance = origin.label("instance")
    return f"huggingface:{instance}" if instance else "huggingface"


def _model(
    card: Mapping[str, Any], named: str, revision: str, origin: Origin
) -> Iterator[Fact | Problem | Filtered]:
    namespace = _namespace(origin)
    key = Key(Kind.MODEL, namespace, named)
    attributes: dict[str, Json] = {name: card[name] for name in _KEPT if card.get(name) not in (None, "", [])}
    yield Entity(key, {"uri": f"hf://{named}", **attributes})
    version = model_version(namespace, named, revision) if revision else None
    if version is not None:
        pinned: dict[str, Json] = {"model": named, "version": revision, "uri": f"hf://{named}@{revision}"}
        yield Entity(version, pinned)
        yield Link(version, key, Relation.VERSION_OF, Basis.DECLARED, "snapshot")
    said = str(card.get("base_model_relation") or "")
    detail: dict[str, Json] = {"relation": said} if said in _RELATIONS else {}
    if said and not detail:
        yield Problem(
            "unknown-relation",
            "this is no relation of Hugging Face's",
            "base_model_relation",
            clip(said),
            fatal=False,
        )
    yield from _bases(_texts(card.get("base_model")), key, "base_model", detail)
    for text in _texts(card.get("datasets")):
        place = identifier(text)
        if place is None:
            yield Problem("not-an-id", "this is no id of a data set", "datasets", clip(text), fatal=False)
        else:
            yield Link(dataset(DATASETS, place), key, Relation.DERIVED, Basis.DECLARED, "datasets")
    yield from _results(card.get("model-index"), key)


def _bases(texts: Iterable[str], key: Key, rule: str, detail: Mapping[str, Json]) -> Iterator[Fact | Problem]:
    for text in texts:
        base = identifier(text)
        if base is None:
            yield Problem("not-an-id", "this is no id of a model", rule, clip(text), fatal=False)
        elif base != key.name:
            source = Key(Kind.MODEL, key.namespace, base)
            yield Link(source, key, Relation.DERIVED, Basis.DECLARED, rule, detail=dict(detail))


def _results(value: Any, key: Key) -> Iterator[Link | Problem]:
    """Say on which data the card claims which figures: `model-index[].results[]`; nobody else vouches for them."""
    for number, model in enumerate(_list(value)):
        for place, result in enumerate(_list(_mapping(model).get("results"))):
            said, where = _mapping(result), f"model-index[{number}].results[{place}]"
            on = _mapping(said.get("dataset"))
            named = identifier(str(on.get("type") or ""))
            if named is None:
                yield Problem(
                    "not-an-id",
                    "the result names no data set",
                    f"{where}.dataset.type",
                    clip(str(on)),
                    fatal=False,
                )
                continue
            context: dict[str, Json] = {
                name: str(on[name]) for name in ("name", "config", "split", "revision") if on.get(name)
            }
            if on.get("revision"):
                context["version"] = str(on["revision"])
            task = str(_mapping(said.get("task")).get("type") or "")
            for metric in _list(said.get("metrics")):
                figure = _mapping(metric)
                detail: dict[str, Json] = {
                    **context, "task": task, "metric": str(figure.get("type") or figure.get("name") or ""),
                    "value": _number(figure.get("value")), "verified": str(figure.get("verified") or "") == "true",
                }  # fmt: skip
                yield Link(
                    dataset(DATASETS, named),
                    key,
                    Relation.EVALUATED,
                    Basis.DECLARED,
                    "model-index",
                    detail=detail,
                )


def _dataset(card: Mapping[str, Any], named: str, revision: str) -> Iterator[Fact | Problem]:
    key = dataset(DATASETS, named)
    attributes: dict[str, Json] = {
        name: card[name] for name in _OF_DATA if card.get(name) not in (None, "", [])
    }
    if revision:
        attributes["version"] = revision
    yield Entity(key, {"uri": f"{DATASETS}/{named}", **attributes})
    for text in _texts(card.get("source_datasets")):
        kind, _, rest = text.partition("|")
        source = rest if kind == "extended" else text
        if source in {"original", "other", ""}:
            continue
        place = identifier(source)
        if place is None:
            yield Problem(
                "not-an-id", "this is no id of a data set", "source_datasets", clip(text), fatal=False
            )
        elif place != named:
            yield Link(dataset(DATASETS, place), key, Relation.DERIVED, Basis.DECLARED, "source_datasets")


def _config(value: Any, named: str, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say what a configuration shows: an adapter names its base; a model may name where its weights began."""
    kind = _configuration(value) if isinstance(value, dict) else ""
    if not kind:
        yield Problem("not-a-configuration", "this is no configuration of a model", value=clip(str(value)))
        return
    key = Key(Kind.MODEL, _namespace(origin), named)
    attributes: dict[str, Json] = {
        name: value[name]
        for name in ("architectures", "model_type", "peft_type", "transformers_version", "torch_dtype")
        if isinstance(value.get(name), (str, list)) and value[name]
    }
    yield Entity(key, attributes)
    base = str(value.get("base_model_name_or_path" if kind == "adapter" else "_name_or_path") or "")
    # A path of the machine that trained it says nothing to anybody else, and one without an owner may be a folder.
    if identifier(base) is not None and "/" in base and base != named:
        detail: dict[str, Json] = {"relation": "adapter"} if kind == "adapter" else {}
        if kind == "adapter" and value.get("revision"):
            detail["version"] = str(value["revision"])
        yield from _bases(
            [base], key, "base_model_name_or_path" if kind == "adapter" else "_name_or_path", detail
        )


def identifier(text: str) -> str | None:
    """Return the id on the hub that a card's text means; None when it is none.

    >>> identifier("https://huggingface.co/datasets/halden/tickets/tree/main"), identifier("../out/checkpoint-9")
    ('halden/tickets', None)
    """
    text = text.strip()
    found = _HUB.fullmatch(text)
    text = found[2] if found else text
    return text if _ID.fullmatch(text) and ".." not in text else None


def _texts(value: Any) -> list[str]:
    """Return a text, or the texts of a list; some cards wrap an id in a mapping (`- name: org/x`)."""
    entries = value if isinstance(value, list) else [value]
    named = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    return list(dict.fromkeys(entry for entry in named if isinstance(entry, str) and entry.strip()))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> Json:
    """Return a figure as a number where it is one, else as it stands."""
    text = str(value) if value is not None else ""
    if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,2})?", text, re.ASCII):
        return float(text) if set(text) & set(".eE") else int(text)
    return clip(text, 100) or None
