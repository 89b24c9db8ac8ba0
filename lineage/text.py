"""How is text from outside read and shown without harm? Strict JSON and YAML, and display forms.

Every reader of ours uses these: duplicate keys, NaN, endless depth, alias bombs and huge numbers are refused with a
reason (audit-evidence E), and what is shown has no control, bidirectional or zero-width characters in it.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import Any

import yaml

MAX_DEPTH = 200
"""Levels of nesting beyond which a JSON or YAML value is refused."""

MAX_YAML_NODES = 2_000_000
"""Nodes that one YAML document may expand to, aliases counted each time they are used."""

_BAD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BAD = re.compile("[\x00\ud800-\udfff]")

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class MalformedError(ValueError):
    """A value from outside cannot be taken as it stands.

    Attributes:
        code: a stable word for scripts; reason: one sentence for people.
        line, column: counted from 1 within the text given, 0 where unknown.
    """

    def __init__(self, code: str, reason: str, line: int = 0, column: int = 0) -> None:
        self.code = code
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(reason)


def _refuse_constant(name: str) -> Any:
    raise MalformedError("not-a-number", f"{name} is not a JSON number")


def _integer(digits: str) -> Any:
    if len(digits) > 19:
        value = int(digits) if len(digits) < 4000 else None
        return value if value is not None and -(2**63) <= value < 2**63 else digits
    value = int(digits)
    return value if -(2**63) <= value < 2**63 else digits


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise MalformedError("not-a-number", f"{digits[:80]} is beyond what a number can hold")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise MalformedError("duplicate-key", f"the key {name[:80]!r} stands twice in one object")
            seen.add(name)
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_number
)


def loads(raw: bytes | str) -> Any:
    """Return the JSON value of `raw`; raises `MalformedError` for anything that is not exactly one sound value.

    Integers beyond 64 bits come back as text; what no text can hold (NUL, half of a surrogate pair) as `⟨U+0000⟩`.
    UTF-8 and UTF-16 are read, with or without a byte order mark.

    >>> loads(b'{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> loads('{"user": "alice", "user": "mallory"}')
    Traceback (most recent call last):
    lineage.text.MalformedError: the key 'user' stands twice in one object
    """
    text = raw if isinstance(raw, str) else decode(raw)
    try:
        value = _DECODER.decode(text)
    except MalformedError:
        raise
    except json.JSONDecodeError as error:
        reason = f"{error.msg} (column {error.colno})"
        raise MalformedError("malformed-json", reason, error.lineno, error.colno) from None
    except RecursionError:
        raise MalformedError("too-deep", "the value is nested too deeply") from None
    except ValueError as error:
        raise MalformedError("malformed-json", str(error)) from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise MalformedError("too-deep", f"the value is nested more than {MAX_DEPTH} levels deep")
    return _visible(value) if _BAD_ESCAPE.search(text) or _BAD.search(text) else value


def _visible(value: Any) -> Any:
    """Return `value` with NUL and lone surrogates in its texts made visible: neither SQLite nor UTF-8 can hold them."""
    if isinstance(value, str):
        return _BAD.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)
    if isinstance(value, list):
        return [_visible(item) for item in value]
    if isinstance(value, dict):
        shown = {_visible(name): _visible(item) for name, item in value.items()}
        if len(shown) != len(value):
            raise MalformedError("duplicate-key", "two keys of one object look the same")
        return shown
    return value


def dumps(value: Any) -> bytes:
    """Return canonical JSON: sorted keys, no spaces, UTF-8; the form that is hashed and compared.

    >>> dumps({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def is_utf16(head: bytes) -> bool:
    """Tell whether text beginning with `head` is UTF-16: by its mark, or since its first two letters are plain ones.

    >>> is_utf16('{"a"'.encode("utf-16-be")), is_utf16(b'{"a"')
    (True, False)
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[:4] != b"\xff\xfe\x00\x00"
    letters = [bool(byte) for byte in head[:4]]
    return letters in ([True, False, True, False], [False, True, False, True])


def decode(raw: bytes) -> str:
    """Return `raw` as text: UTF-8, or UTF-16 as `is_utf16` knows it; raises `MalformedError` naming the first bad byte.

    A byte order mark is left out.
    """
    encoding, name = "utf-8-sig", "UTF-8"
    if is_utf16(raw):
        name = "UTF-16"
        marked = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        encoding = "utf-16" if marked else "utf-16-le" if raw[0] else "utf-16-be"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} (0x{raw[error.start]:02x}) is not {name}"
        raise MalformedError("bad-encoding", reason) from None


class _StringLoader(yaml.CSafeLoader):
    """Reads YAML with every scalar as the text that stands there, null and quoted text apart.

    Dates stay text, `1.10` stays `1.10`, `no` stays `no`, `12:30:00` stays what it is (sources-ops 5.2). Tags that
    would make anything but text, lists and mappings are refused.
    """

    nodes: int = 0

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's own
        self.nodes += 1
        if self.nodes > MAX_YAML_NODES:
            raise MalformedError("too-large", "the YAML document expands to too many values")
        return super().construct_object(node, deep=deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own
        names: set[str] = set()
        for name, _ in node.value:
            if isinstance(name, yaml.ScalarNode):
                if name.value in names and name.value != "<<":
                    mark = name.start_mark
                    reason = f"the key {name.value[:80]!r} stands twice in one mapping"
                    raise MalformedError("duplicate-key", reason, mark.line + 1, mark.column + 1)
                names.add(name.value)
        return super().construct_mapping(node, deep=deep)


def _scalar(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> str | None:
    del loader
    if not node.style and node.value in ("", "~", "null", "Null", "NULL"):
        return None
    return str(_visible(str(node.value)))


def _refuse_tag(loader: yaml.CSafeLoader, node: yaml.Node) -> Any:
    del loader
    mark = node.start_mark
    reason = f"a value tagged {node.tag[:80]!r} is not read"
    raise MalformedError("unsafe-tag", reason, mark.line + 1, mark.column + 1)


_StringLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag == "tag:yaml.org,2002:merge"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_StringLoader.yaml_constructors = {
    "tag:yaml.org,2002:map": yaml.CSafeLoader.construct_yaml_map,
    "tag:yaml.org,2002:seq": yaml.CSafeLoader.construct_yaml_seq,
    **{
        f"tag:yaml.org,2002:{name}": _scalar
        for name in ("str", "merge", "null", "bool", "int", "float", "timestamp")
    },
    None: _refuse_tag,
}


def load_yaml(raw: bytes | str) -> Any:
    r"""Return the one YAML document of `raw`, every scalar as text; raises `MalformedError`.

    >>> load_yaml("version: 1.10\nok: no\nfrom: 2026-01-01\nnone: ~\n")
    {'version': '1.10', 'ok': 'no', 'from': '2026-01-01', 'none': None}
    """
    text = raw if isinstance(raw, str) else decode(raw)
    _check_aliases(text)
    loader = _StringLoader(text)
    try:
        return loader.get_single_data()
    except MalformedError:
        raise
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, text) from None
    except RecursionError:
        raise MalformedError("too-deep", "the document is nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise MalformedError("malformed-yaml", str(error)) from None
    finally:
        loader.dispose()


def _malformed_yaml(error: yaml.YAMLError, text: str) -> MalformedError:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark
        reason = " ".join(part for part in (error.context, error.problem) if part) or "not YAML"
        return MalformedError("malformed-yaml", reason, *(mark.line + 1, mark.column + 1) if mark else (0, 0))
    reason = str(error).splitlines()[0]
    position = getattr(error, "position", None)
    if not isinstance(position, int):
        return MalformedError("malformed-yaml", reason)
    return MalformedError("malformed-yaml", reason, text.encode()[:position].count(b"\n") + 1)


def _check_aliases(text: str) -> None:
    """Refuse a document whose aliases would blow it up, before anything is built (audit-evidence E, YAML)."""
    sizes: dict[str, int] = {}
    stack: list[tuple[str | None, int]] = []
    total = 0
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                if any(event.anchor == anchor for anchor, _ in stack):
                    reason = f"the value of &{str(event.anchor)[:80]} contains itself"
                    line = event.start_mark.line + 1 if event.start_mark else 0
                    raise MalformedError("endless-yaml", reason, line)
                total += sizes.get(event.anchor or "", 1)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                stack.append((event.anchor, total))
                total += 1
                depth = max(depth, len(stack))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                anchor, before = stack.pop()
                if anchor:
                    sizes[anchor] = total - before
            elif isinstance(event, yaml.ScalarEvent):
                total += 1
                if event.anchor:
                    sizes[event.anchor] = 1
            if total > MAX_YAML_NODES:
                raise MalformedError("too-large", "the YAML document expands to too many values")
            if depth > MAX_DEPTH:
                raise MalformedError("too-deep", f"the document is nested more than {MAX_DEPTH} levels deep")
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, text) from None


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def display_text(text: str, limit: int = 500) -> str:
    r"""Return `text` as it may be shown: hidden characters as `⟨U+202E⟩`, cut to `limit` with the length named.

    >>> display_text("exe\u202efdp")
    'exe⟨U+202E⟩fdp'
    """
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(character):04X}⟩" if unicodedata.category(character) in _HIDDEN else character
        for character in text
    )


def plain_path(path: str) -> str:
    r"""Return `path` as text that every file and database can hold: a byte that is no UTF-8 as `\xe9`.

    >>> plain_path("caf\udce9.json")
    'caf\\xe9.json'
    """
    return "".join(_plain(letter) for letter in path) if _BAD.search(path) else path


def _plain(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if _BAD.match(letter) else letter


def clip(value: object, limit: int = 200) -> str:
    """Return `value` as text of at most `limit` characters, for the `value` of a problem."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
