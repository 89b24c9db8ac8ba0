"""What was a server asked, and was all of it answered? The note that `modeltrail fetch` keeps beside the answers.

One JSON object: `modeltrail_fetch` 1, `server`, `source`, `from`, `to`, `asked_at`, `complete`, `what`, `asked`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.framing import whole
from lineage.model.facts import Coverage, Fact
from lineage.model.moment import parse
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.text import MalformedError, clip, loads

NAME = "fetched"
FORMAT = "notes of modeltrail fetch: which server was asked what, for which span (JSON)"
PROVES = ("when",)


def recognises(sample: Sample) -> float:
    """Tell whether this is such a note."""
    value = sample.first_json
    return 1.0 if isinstance(value, dict) and value.get("modeltrail_fetch") == 1 else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """The note is one record."""
    yield whole(given)


def read(record: Record, origin: Origin) -> Iterator[Fact | Problem | Filtered]:
    """Say which span was shown, and whether wholly; what MLflow listed is said by its own answers."""
    try:
        said = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=clip(record.raw[:80]))
        return
    if not isinstance(said, dict) or said.get("modeltrail_fetch") != 1:
        yield Problem("not-a-note", "this is no note of a fetch", value=clip(record.raw[:80]))
        return
    if not said.get("what"):
        yield Filtered("note-of-a-fetch")
        return
    for name in ("server", "source", "what"):
        if not isinstance(said.get(name), str):
            yield Problem("missing-field", f"a note names its {name}", name, clip(said.get(name)))
            return
    try:
        since, until = parse(str(said.get("from"))), parse(str(said.get("to")))
    except ValueError:
        yield Problem(
            "bad-time", "a note tells its span", "from", clip(f"{said.get('from')} {said.get('to')}")
        )
        return
    detail = {"asked": said["asked"]} if isinstance(said.get("asked"), (list, str)) else {}
    listing = f"{said['server']} {said['source']}"
    yield Coverage(listing, said["what"], since, until, said.get("complete") is True, detail)
