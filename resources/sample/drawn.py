"""Which ids, digests and times does the sample use, so that every run of it writes the same bytes?

Nothing is drawn from a clock or from a shared stream of random numbers: each id is the hash of what it is the id of, so
that adding one thing to the story leaves all others as they were.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

SEED = "skarn-parcels-1"
"""Another seed gives the same story with other ids."""


def _digest(*words: object) -> str:
    return hashlib.sha256("\x1f".join([SEED, *map(str, words)]).encode()).hexdigest()


def hex32(*words: object) -> str:
    """Return 32 hex digits, as MLflow names runs.

    >>> len(hex32("run", 1)), hex32("run", 1) == hex32("run", 1), hex32("run", 1) == hex32("run", 2)
    (32, True, False)
    """
    value = list(_digest(*words)[:32])
    value[12], value[16] = "4", "89ab"[int(value[16], 16) % 4]
    return "".join(value)


def commit(*words: object) -> str:
    """Return 40 hex digits, as git names commits."""
    return _digest("commit", *words)[:40]


def sha256(*words: object) -> str:
    """Return `sha256:` and 64 hex digits, as registries name images."""
    return f"sha256:{_digest('image', *words)}"


def number(low: int, high: int, *words: object) -> int:
    """Return an integer of low..high, both included."""
    return low + int(_digest("number", *words)[:12], 16) % (high - low + 1)


def draw(*words: object) -> random.Random:
    """Return a stream of random numbers that belongs to these words only."""
    return random.Random(_digest("stream", *words))


def uuid4(*words: object) -> str:
    """Return a version 4 UUID in its written form.

    >>> uuid4("audit", 1)[14]
    '4'
    """
    return _dashed(hex32(*words))


def uuid7(at: datetime, *words: object) -> str:
    """Return a version 7 UUID (RFC 9562 5.7): its first 48 bits are the millisecond `at`, as OpenLineage clients do.

    >>> uuid7(datetime(2026, 5, 10, tzinfo=UTC), "run")[:13]
    '019e0f2f-0400'
    """
    rest = _digest("uuid7", *words)
    variant = "89ab"[int(rest[3], 16) % 4]
    return _dashed(f"{milliseconds(at):012x}7{rest[:3]}{variant}{rest[4:19]}")


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def at(text: str) -> datetime:
    """Return the moment that a line of the story names, in UTC.

    >>> at("2026-05-13 09:20:41.250000").isoformat()
    '2026-05-13T09:20:41.250000+00:00'
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def midnight(day: date) -> datetime:
    """Return the first moment of `day`, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970, as MLflow stores times."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def micro(moment: datetime) -> str:
    """Return a time as the Kubernetes API server writes its MicroTime: six digits and a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def second(moment: datetime) -> str:
    """Return a time as the Kubernetes API server writes its Time: whole seconds and a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(value: Any) -> bytes:
    """Return one line of JSON in UTF-8, in the order of its fields."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def gzipped(content: bytes) -> bytes:
    """Return `content` compressed, without a time or a file name in the header."""
    return gzip.compress(content, compresslevel=9, mtime=0)
