"""Who told Vertex AI to serve which model, and was it allowed and done, as Google Cloud's audit logs recorded it?

Read are Cloud Audit Logs as JSON: lines of a log sink, `gcloud logging read --format json`, answers of entries.list,
and rows of an export to BigQuery. Of all services only Vertex AI's calls that change what serves are told; every other
entry is left out with its reason.

A long call is recorded twice, when it is taken up and when it has ended. Both are one happening, by the id of the
operation: done only where its end says so, at the time it was asked for (`lineage.identity.operations`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model.facts import Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._gcp_entry import entry_of, payload_of, pick
from lineage.sources._gcp_vertex import READERS
from lineage.sources._model_claims import mapping, scalar
from lineage.text import MalformedError, clip, loads

NAME = "gcp-audit"
FORMAT = "Google Cloud audit logs of Vertex AI: Cloud Logging JSON, JSON lines, BigQuery export"
PROVES = ("who", "when", "what")

_SERVICE = "aiplatform.googleapis.com"
_LISTS = ("entries",)
_AUDIT = re.compile(r"cloudaudit\.googleapis\.com|google\.cloud\.audit\.AuditLog")
_PAYLOAD = re.compile(r'"(?:protoPayload|protopayload_auditlog|jsonPayload)"\s*:\s*\{', re.IGNORECASE)
_METHOD = re.compile(r'"methodName"\s*:', re.IGNORECASE)
_CLUSTERS = re.compile(r'"serviceName"\s*:\s*"k8s\.io"', re.IGNORECASE)
_OTHERS = re.compile(r'"serviceName"\s*:\s*"[\w.-]+\.googleapis\.com"', re.IGNORECASE)
_READS = ("Get", "List", "Search", "Query", "Check", "Export")
_INVOKES = (
    "Predict",
    "RawPredict",
    "StreamRawPredict",
    "Explain",
    "GenerateContent",
    "StreamGenerateContent",
)


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are audit log entries; those of a cluster's API server are another's."""
    text = sample.text
    if sample.listing or text.lstrip()[:1] not in {"{", "["} or not _PAYLOAD.search(text):
        return 0.0
    first = sample.first_json
    first = first[0] if isinstance(first, list) and first else first
    if isinstance(first, dict) and _of_cluster(payload_of(first)):
        return 0.3
    if not _AUDIT.search(text) and not (_METHOD.search(text) and _OTHERS.search(text)):
        return 0.0
    return 0.3 if _CLUSTERS.search(text) and not _OTHERS.search(text) else 0.9


def _of_cluster(payload: Mapping[str, Any]) -> bool:
    service = scalar(pick(payload, "serviceName")) == "k8s.io"
    return service or scalar(pick(payload, "methodName")).startswith("io.k8s.")


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a file into its entries."""
    yield from framing.json_values(given, *_LISTS)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a call did to what Vertex AI serves, or why it is left out."""
    try:
        entry = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    payload = payload_of(mapping(entry))
    if not payload:
        reason = "the record holds no audit log entry (no payload with a method and who called it)"
        yield Problem("not-gcp-audit", reason, "protoPayload", clip(repr(entry)))
        return
    service, method = scalar(pick(payload, "serviceName")).lower(), scalar(pick(payload, "methodName"))
    if service != _SERVICE and not (not service and "cloud.aiplatform." in method):
        yield Filtered("not-vertex")
        return
    called = ".".join(method.rsplit(".", 2)[-2:])
    name = called.rpartition(".")[2]
    reader = READERS.get(called)
    if reader is None:
        reads, invokes = name.startswith(_READS), name in _INVOKES
        yield Filtered("read-only" if reads else "invocation" if invokes else "not-about-serving")
        return
    try:
        found = entry_of(entry, payload, origin)
    except (ValueError, OverflowError) as error:
        at = clip(pick(entry, "timestamp"))
        yield Problem("bad-time", f"the time of the call cannot be read: {error}", "timestamp", at)
        return
    yield from reader(found)
