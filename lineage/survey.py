"""Which source will read each of the inputs below these paths?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.errors import UnreadableInputError
from lineage.fingerprint import digest_of
from lineage.inputs import Found, Together, walk
from lineage.source import Sample, Source, recognise, sources


@dataclass(frozen=True, slots=True)
class Recognised:
    """One input below the paths, and what it is taken for."""

    found: Found
    source: Source | None
    confidence: float


def _belongs_together(sample: Sample) -> Together:
    best = recognise(sample)
    return best is not None and getattr(best[0], "PARTS", True)


Before = Mapping[tuple[str, bytes], str]
"""Which source has read a file to its end, by path and SHA-256."""

_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".sqlite", ".db")


def survey(
    paths: Sequence[str | Path],
    source: str = "",
    mappings: Sequence[str | Path] = (),
    before: Before | None = None,
) -> Iterator[Recognised]:
    """Say of every input below `paths` which source will read it; `source` forces one by name.

    `mappings` name files that say how tables are to be read, wherever these lie. What was read `before` is not looked
    at again, but for tables: a mapping beside them may be new.

    Raises `UnreadableInputError` for a path that is not there, or a source that does not exist.
    """
    forced: Source | None = None
    if source:
        forced = next((known for known in sources() if source == known.NAME), None)
        if forced is None:
            names = ", ".join(known.NAME for known in sources())
            raise UnreadableInputError(
                "there is no such source", where=source, remedy=f"choose one of {names}"
            )
    seen = {path for path, _ in before or ()}
    named = {known.NAME: known for known in sources()} if seen else {}
    for found in walk(paths, _belongs_together, mappings):
        # Ten thousand samples of 64 KiB would be kept until the import ends; the first line may name columns.
        kept = replace(found, sample=Sample(found.sample.name, found.sample.head[:8192].partition(b"\n")[0]))
        if found.given is None:
            yield Recognised(kept, None, 0.0)
            continue
        if forced is not None:
            yield Recognised(kept, forced, 1.0)
            continue
        if found.path in seen and not found.sample.suffix(*_TABLES):
            again = named.get((before or {}).get((found.path, digest_of(found.given)), ""))
            if again is not None:
                yield Recognised(kept, again, 1.0)
                continue
        best = recognise(found.sample)
        yield Recognised(kept, best[0] if best else None, best[1] if best else 0.0)
