"""What do OpenLineage events say of jobs, their runs and the datasets that flow through them?

RunEvent, JobEvent and DatasetEvent of any version and producer (spec 2-0-2, OpenLineage.json), one a line, in a list,
in a file of its own, pretty-printed, or under `events` of a wrapper. What producers do differently: sources-ops 1.
Events of one run come in any order, more than once or not at all: nothing here looks at another record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from lineage.framing import json_items, json_values
from lineage.model.facts import Bundle, Fact
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._openlineage_events import state
from lineage.sources._openlineage_facets import flat
from lineage.sources._openlineage_repair import repair
from lineage.sources._openlineage_shapes import cut
from lineage.text import MalformedError, loads

NAME = "openlineage"
FORMAT = "OpenLineage events 0.x to 2-0-2 (run, job, dataset; NDJSON, list, single, batch; also .gz)"
PROVES = ("when", "what", "who", "lineage")

_WRAPPERS = ("events", "lineageEvents", "data", "items")
_MARKS = re.compile(r'"(eventTime|runId|job)"\s*:')
_JSON = re.compile(r"^[ \t]*[\[{]", re.MULTILINE)
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def recognises(sample: Sample) -> float:
    """Tell whether the input holds events: by the fields of the first, or by field names where that is cut off."""
    first = sample.first_json
    if first is None:
        found = set(_MARKS.findall(sample.text))
        named = "openlineage.io/spec" in sample.text or {"eventTime", "runId", "job"} <= found
        return 0.9 if named and found & {"runId", "eventTime"} and _JSON.search(sample.text) else 0.0
    if isinstance(first, dict):
        for name in _WRAPPERS:
            if isinstance(first.get(name), list) and first[name]:
                return _likeness(first[name][0])
    return _likeness(first[0] if isinstance(first, list) and first else first)


def _likeness(event: Any) -> float:
    if not isinstance(event, dict) or "apiVersion" in event or "eventSource" in event or "$schema" in event:
        return 0.0
    named = str(event.get("schemaURL") or "")
    spec = "openlineage" in named.lower()
    run, job, dataset = event.get("run"), event.get("job"), event.get("dataset")
    timed = "eventTime" in event
    if isinstance(job, dict) and {"namespace", "name"} & job.keys():
        if isinstance(run, dict) and timed:
            return 0.98
        return 0.95 if timed and (spec or "producer" in event) else 0.9 if spec else 0.0
    if isinstance(dataset, dict) and {"namespace", "name"} <= dataset.keys():
        return 0.95 if timed and (spec or "producer" in event) else 0.0
    return 0.9 if spec and isinstance(run, dict) else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut the input into events: lines, items of a list or of a wrapper's list, or the whole; a line may be a batch."""
    for item in json_values(given, *_WRAPPERS):
        if isinstance(item, Record) and item.raw[:1] == b"[":
            yield from json_items(item)
        else:
            yield item


def read(record: Record, origin: Origin) -> list[Fact | Problem | Filtered]:
    """Return what one event states; see `lineage.source`. The facts of an event share objects with those of others."""
    return list(flat(read_bundled(record, origin)))


def read_bundled(record: Record, origin: Origin) -> list[Fact | Bundle | Problem | Filtered]:
    """Return the same with the facts that recur from run to run in bundles."""
    said: list[Fact | Bundle | Problem | Filtered] = []
    try:
        try:
            state(record.raw, origin, said)
        except _UNREADABLE:
            usable, problems = repair(loads(record.raw))
            said = list(problems)
            if usable:
                state(usable, origin, said)
    except MalformedError as error:
        line = record.line + error.line - 1 if error.line else 0
        return [Problem(error.code, error.reason, value=cut(record.raw), line=line)]
    except _UNREADABLE as error:
        return [Problem("malformed-json", f"the event cannot be read: {error}", value=cut(record.raw))]
    return said
