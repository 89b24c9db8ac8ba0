"""What does a protobuf message of Feast's registry say? The wire format walked by hand, told in protobuf's JSON.

Field numbers: feast-dev/feast, protos/feast/core (0.10 to 0.67). Only fields that mean something here are named, all
others are passed over; nothing is unpickled or run. Wire format: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lineage.model.moment import EPOCH
from lineage.text import MalformedError

Wire = int | bytes
Decoder = Callable[[Wire, int], Any]
"""Turns a field's wire value into JSON's; the second argument is the depth it stands at."""

MAX_DEPTH = 40
"""Messages inside messages: Feast's own nest six deep."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LAST_SECOND = 253_402_300_799

TYPES = {
    **dict(
        enumerate(
            ("INVALID", "BYTES", "STRING", "INT32", "INT64", "DOUBLE", "FLOAT", "BOOL", "UNIX_TIMESTAMP")
        )
    ),
    **dict(
        enumerate(
            (
                *("BYTES_LIST", "STRING_LIST", "INT32_LIST", "INT64_LIST", "DOUBLE_LIST", "FLOAT_LIST"),
                *("BOOL_LIST", "UNIX_TIMESTAMP_LIST", "NULL", "MAP", "MAP_LIST", "BYTES_SET", "STRING_SET"),
                *("INT32_SET", "INT64_SET", "DOUBLE_SET", "FLOAT_SET", "BOOL_SET", "UNIX_TIMESTAMP_SET"),
            ),
            11,
        )
    ),
    **dict(
        enumerate(
            (
                *("JSON", "JSON_LIST", "STRUCT", "STRUCT_LIST", "UUID", "TIME_UUID", "UUID_LIST"),
                *("TIME_UUID_LIST", "UUID_SET", "TIME_UUID_SET", "VALUE_LIST", "VALUE_SET", "DECIMAL"),
                *("DECIMAL_LIST", "DECIMAL_SET", "SCALAR_MAP", "ZONED_TIMESTAMP"),
            ),
            32,
        )
    ),
}
"""`feast.types.ValueType.Enum`."""

SOURCE_TYPES = {
    1: "BATCH_FILE",
    2: "BATCH_BIGQUERY",
    3: "STREAM_KAFKA",
    4: "STREAM_KINESIS",
    5: "BATCH_REDSHIFT",
    6: "CUSTOM_SOURCE",
    7: "REQUEST_SOURCE",
    8: "BATCH_SNOWFLAKE",
    9: "PUSH_SOURCE",
    10: "BATCH_TRINO",
    11: "BATCH_SPARK",
    12: "BATCH_ATHENA",
    13: "BATCH_ICEBERG",
}
STATES = {1: "CREATED", 2: "GENERATED", 3: "MATERIALIZING", 4: "AVAILABLE_ONLINE"}


class Piece(NamedTuple):
    """One field on the wire: its number, its value, and where the value begins."""

    number: int
    value: Wire
    offset: int


class Field(NamedTuple):
    """A field that is read: its name in JSON, how, and whether it may occur more than once (a list or a map)."""

    name: str
    decode: Decoder
    many: bool = False
    keyed: bool = False


def walk(raw: bytes) -> Iterator[Piece]:
    """Yield the fields of the message `raw`; raises `MalformedError` where it is none or breaks off.

    >>> [(piece.number, piece.value) for piece in walk(bytes.fromhex("0a0161 1001"))]
    [(1, b'a'), (2, 1)]
    """
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise MalformedError("malformed-protobuf", f"byte {place} begins no field of a protobuf message")
        if kind == _VARINT:
            value, place = _varint(raw, place)
            yield Piece(number, value, place)
            continue
        if kind == _LENGTH:
            size, place = _varint(raw, place)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise MalformedError("malformed-protobuf", f"byte {place} has the wire type {kind}")
        if place + size > len(raw):
            raise MalformedError("cut-file", f"field {number} at byte {place} breaks off")
        yield Piece(number, raw[place : place + size], place)
        place += size


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(raw):
            raise MalformedError("cut-file", f"a number at byte {place} breaks off")
        byte = raw[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, place
    raise MalformedError("malformed-protobuf", f"the number before byte {place} is longer than ten bytes")


def message(fields: Mapping[int, Field]) -> Decoder:
    """Return what reads a message with these fields into a dict; a field of another wire type is passed over."""

    def decode(value: Wire, depth: int) -> Any:
        if not isinstance(value, bytes):
            return None
        if depth > MAX_DEPTH:
            raise MalformedError("too-deep", f"messages are nested more than {MAX_DEPTH} deep")
        found: dict[str, Any] = {}
        for piece in walk(value):
            field = fields.get(piece.number)
            said = field.decode(piece.value, depth + 1) if field else None
            if field is None or said is None:
                continue
            if field.keyed:
                found.setdefault(field.name, {})[said.get("key", "")] = said.get("value", "")
            elif field.many:
                found.setdefault(field.name, []).append(said)
            elif isinstance(said, dict) and isinstance(found.get(field.name), dict):
                found[field.name] |= said
            else:
                found[field.name] = said
        return found

    return decode


def read(shape: Decoder, raw: bytes) -> dict[str, Any]:
    """Return the message `raw` of that shape; raises `MalformedError`."""
    found: dict[str, Any] = shape(raw, 0)
    return found


def text(value: Wire, depth: int = 0) -> str | None:
    """Read a string; what no text can hold is made visible."""
    if not isinstance(value, bytes):
        return None
    return value.decode("utf-8", "replace").replace("\x00", "⟨U+0000⟩")


def integer(value: Wire, depth: int = 0) -> int | None:
    """Read a signed number."""
    if isinstance(value, bytes):
        return None
    return value - (1 << 64) if value >> 63 else value


def flag(value: Wire, depth: int = 0) -> bool | None:
    """Read a bool."""
    return None if isinstance(value, bytes) else bool(value)


def word(words: Mapping[int, str]) -> Decoder:
    """Return what reads an enum: its word, or the number where there is none for it."""

    def decode(value: Wire, depth: int) -> str | int | None:
        del depth
        return None if isinstance(value, bytes) else words.get(value, value)

    return decode


_PAIR = message({1: Field("seconds", integer), 2: Field("nanos", integer)})


def time(value: Wire, depth: int = 0) -> str | None:
    """Read a `google.protobuf.Timestamp` as ISO 8601; seconds that are no time stay a number as text.

    >>> time(bytes.fromhex("08a0b0f5d006"))
    '2026-06-01T10:00:00Z'
    """
    said = _PAIR(value, depth)
    if said is None:
        return None
    seconds, nanos = said.get("seconds", 0), said.get("nanos", 0)
    if not 0 <= seconds <= _LAST_SECOND or not 0 <= nanos < 1_000_000_000:
        return f"{seconds}.{nanos:09d}"
    moment: datetime = EPOCH + timedelta(seconds=seconds)
    fraction = f"{nanos:09d}"
    fraction = fraction[: 3 if fraction.endswith("000000") else 6 if fraction.endswith("000") else 9]
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{fraction}' if nanos else ''}Z"


def duration(value: Wire, depth: int = 0) -> str | None:
    """Read a `google.protobuf.Duration` as its whole seconds, `604800s`."""
    said = _PAIR(value, depth)
    return None if said is None else f"{said.get('seconds', 0)}s"


def keyed(name: str, value: Decoder = text) -> Field:
    """Return the field of a map from text to `value`."""
    return Field(name, message({1: Field("key", text), 2: Field("value", value)}), keyed=True)
