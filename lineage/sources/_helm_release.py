"""What of a Helm release may be kept: its revision, chart and what its manifest serves, but none of its values?

A release is stored as a Secret `sh.helm.release.v1.<name>.v<n>` of type `helm.sh/release.v1` (or a ConfigMap): base64
by Kubernetes, base64 by Helm, gzip, JSON (helm, pkg/storage/driver/util.go). With it lie the values a person gave and
every rendered Secret, so what becomes the record is only what is said of the release here, with the SHA-256 of the
stored text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.sources._model_claims import mapping, redacted, scalar
from lineage.sources._withheld import table
from lineage.sources._workload_kinds import resource_of
from lineage.text import MalformedError, load_yaml, loads

MAX_STORED = 4 * 1024 * 1024
"""Characters of a stored release; Kubernetes takes 1 MiB."""
MAX_RELEASE = 16 * 1024 * 1024
"""Bytes that a stored release may unpack to."""

_DOCUMENT = re.compile(r"^---[^\n]*$", re.MULTILINE)
_HEADER = re.compile(r"^([A-Z][A-Z ]+):[ \t]*(.*)$", re.MULTILINE)
_INFO = ("first_deployed", "last_deployed", "deleted", "description", "status")


def is_stored(body: Mapping[str, Any]) -> bool:
    """Tell whether an object of Kubernetes is a release as Helm stores it."""
    if scalar(body.get("kind")) not in {"Secret", "ConfigMap"}:
        return False
    labels = mapping(mapping(body.get("metadata")).get("labels"))
    return scalar(body.get("type")).startswith("helm.sh/release.") or (
        scalar(labels.get("owner")).lower() == "helm" and "release" in mapping(body.get("data"))
    )


def is_release(body: Mapping[str, Any]) -> bool:
    """Tell whether this is a release as `helm status -o json` prints it."""
    return isinstance(body.get("info"), dict) and "name" in body and "version" in body


def stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """Unpack a stored release and return what of it is kept; raises `MalformedError`."""
    text = scalar(mapping(body.get("data")).get("release"))
    if len(text) > MAX_STORED:
        raise MalformedError("too-large", f"a stored release of {len(text)} characters is above {MAX_STORED}")
    kept = reduced(mapping(loads(_unpacked(text, secret=scalar(body.get("kind")) == "Secret"))))
    metadata = mapping(body.get("metadata"))
    kept["stored_in"] = scalar(metadata.get("name"))
    kept["namespace"] = kept["namespace"] or scalar(metadata.get("namespace"))
    kept["sha256"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return kept


def _unpacked(text: str, *, secret: bool) -> bytes:
    try:
        raw = text.encode("ascii")
        for _ in range(2 if secret else 1):
            raw = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("bad-encoding", "the stored release is not base64") from None
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    inflater = zlib.decompressobj(31)
    try:
        body = inflater.decompress(raw, MAX_RELEASE)
    except zlib.error as error:
        raise MalformedError("bad-encoding", f"the stored release is no sound gzip: {error}") from None
    if inflater.unconsumed_tail:
        raise MalformedError("too-large", f"the stored release unpacks to more than {MAX_RELEASE} bytes")
    if not inflater.eof:
        raise MalformedError("bad-encoding", "the stored release is cut off")
    return body


def reduced(release: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a release: no values, notes, hooks or templates, and of its manifest what serves."""
    info = mapping(release.get("info"))
    chart = mapping(mapping(release.get("chart")).get("metadata"))
    kept: dict[str, Any] = {
        "name": scalar(release.get("name")),
        "namespace": scalar(release.get("namespace")),
        "version": scalar(release.get("version")),
        "info": {name: scalar(info.get(name)) for name in _INFO if scalar(info.get(name))},
        "chart": {name: scalar(chart.get(name)) for name in ("name", "version", "appVersion")},
    }
    manifest = release.get("manifest")
    if isinstance(manifest, str):
        kept |= served(manifest)
    return {"helm_release": True, **kept}


def served(manifest: str) -> dict[str, Any]:
    """Return the objects of a manifest that can serve, without credentials, and what could not be read of it."""
    objects, problems = [], []
    for number, text in enumerate(_DOCUMENT.split(manifest)):
        if not text.strip():
            continue
        try:
            body = load_yaml(text)
        except MalformedError as error:
            problems.append(f"document {number}: {error.reason}")
            continue
        if not isinstance(body, dict):
            continue
        group, slash, _ = scalar(body.get("apiVersion")).rpartition("/")
        if resource_of(group if slash else "", scalar(body.get("kind"))):
            objects.append(_without_secrets(body))
    return {"objects": objects, "manifest_problems": problems[:20]}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(entry) for entry in value]
    if isinstance(value, str):
        return redacted(value)
    if not isinstance(value, dict):
        return value
    name = value.get("name")
    if isinstance(name, str) and isinstance(value.get("value"), str):
        shown = table("value", {name: value["value"]})["value"]
        value = {**value, "value": mapping(shown).get(name)}
    return {
        key: mapping(table("entry", {str(key): entry})["entry"]).get(str(key))
        if isinstance(entry, str)
        else _without_secrets(entry)
        for key, entry in value.items()
    }


def from_text(text: str) -> dict[str, Any]:
    """Return what is kept of the output of `helm get all`: its head and what its manifest serves."""
    head = {name: value.strip() for name, value in _HEADER.findall(text[:4_000])}
    _, _, rest = text.partition("\nMANIFEST:")
    manifest, _, _ = rest.partition("\nNOTES:\n")
    chart, _, version = head.get("CHART", "").rpartition("-")
    chart = head.get("CHART", "") if head.get("VERSION") or not chart else chart
    release = {
        "name": head.get("NAME", ""),
        "namespace": head.get("NAMESPACE", ""),
        "version": head.get("REVISION", ""),
        "info": {"last_deployed": head.get("LAST DEPLOYED", ""), "status": head.get("STATUS", "")},
        "chart": {"metadata": {"name": chart, "version": head.get("VERSION") or version}},
        "manifest": manifest,
    }
    return {**reduced(release), "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}


def revisions(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a value that is one, a list, or a List of Kubernetes."""
    inside = mapping(value).get("items")
    for body in inside if isinstance(inside, list) else value if isinstance(value, list) else [value]:
        yield mapping(body)
