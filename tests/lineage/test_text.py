"""How text from outside is read strictly and shown without harm."""

from __future__ import annotations

import contextlib
import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.text import (
    MAX_DEPTH,
    MalformedError,
    clip,
    decode,
    display_text,
    dumps,
    is_utf16,
    load_yaml,
    loads,
    plain_path,
)

PLAIN = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]), st.booleans())
def test_sound_json_comes_back_as_it_is(value: object, encoding: str, ascii_only: bool) -> None:
    """Whatever json writes is read to the same value, in UTF-8 and UTF-16, escaped or not."""
    text = json.dumps({"value": value}, ensure_ascii=ascii_only)
    assert loads(text.encode(encoding)) == {"value": value}
    assert loads(text) == {"value": value}


@given(VALUES)
def test_canonical_json_depends_on_the_value_alone(value: object) -> None:
    """The same value in another order of keys has the same bytes, and they read back."""
    again = json.loads(json.dumps(value))
    if isinstance(again, dict):
        again = dict(reversed(again.items()))
    assert dumps(again) == dumps(value)
    assert json.loads(dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": 1, "a": 1}', "duplicate-key"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "duplicate-key"),
        (b'{"a\\u0000": 1, "a\xe2\x9f\xa8U+0000\xe2\x9f\xa9": 2}', "duplicate-key"),
        (b"NaN", "not-a-number"),
        (b"[Infinity]", "not-a-number"),
        (b"-Infinity", "not-a-number"),
        (b"1e999", "not-a-number"),
        (b"-1e999", "not-a-number"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too-deep"),
        (b"[" * 200_000, "too-deep"),
        (b'{"a":' * 200_000, "too-deep"),
        (b'"\xe9"', "bad-encoding"),
        (b"\xff\xfe{\x00", "malformed-json"),
        (b"\xff\xfe{\x00\x00", "bad-encoding"),
        ('"a"'.encode("utf-32"), "bad-encoding"),
        (b"", "malformed-json"),
        (b" ", "malformed-json"),
        (b"{} {}", "malformed-json"),
        (b"{'a': 1}", "malformed-json"),
        (b'"a\nb"', "malformed-json"),
        (b"01", "malformed-json"),
        (b"[1,]", "malformed-json"),
    ],
)
def test_unsound_json_is_refused_by_name(raw: bytes, code: str) -> None:
    """Each way to be no JSON has its code and a reason in one line."""
    with pytest.raises(MalformedError) as refused:
        loads(raw)
    assert refused.value.code == code
    assert refused.value.reason
    assert "\n" not in refused.value.reason


def test_the_place_of_a_mistake_is_counted_from_one() -> None:
    """Line and column as an editor shows them."""
    with pytest.raises(MalformedError) as refused:
        loads(b'{\n  "a": 1,\n  "b" 2\n}')
    assert (refused.value.line, refused.value.column) == (3, 7)


def test_the_deepest_value_taken() -> None:
    """Two hundred levels are read, however wide."""
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert len(loads(b"[" + b",".join([b"{}"] * 5000) + b"]")) == 5000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        (str(2**63), str(2**63)),
        (str(-(2**63) - 1), str(-(2**63) - 1)),
        ("9" * 5000, "9" * 5000),
        ("1e308", 1e308),
        ("1e-999", 0.0),
    ],
)
def test_a_number_that_no_database_holds_is_kept_as_text(text: str, value: object) -> None:
    """64 bits are a number, more are the digits that stand there."""
    assert loads(text) == value
    assert type(loads(text)) is type(value)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the limit of digits is younger")
def test_the_interpreters_limit_of_digits_is_not_met() -> None:
    """Python refuses to turn more than 4,300 digits into a number."""
    assert loads("[" + "7" * 100_000 + "]") == ["7" * 100_000]


@given(st.text(st.characters(blacklist_characters='"\\'), max_size=20))
def test_what_comes_out_can_be_written_anywhere(text: str) -> None:
    """Half surrogate pairs and NUL are shown, everything else is as it was; the result is UTF-8 without NUL."""
    found = loads(json.dumps([text, {text: text}]))
    assert "\x00" not in found[0]
    found[0].encode()
    if not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text):
        assert found == [text, {text: text}]
    assert list(found[1]) == [found[0]] == list(found[1].values())


def test_hidden_letters_are_visible() -> None:
    """The notation is that of the display."""
    assert loads(b'"a\\u0000b\\ud800c\\udfffd\\ud83d\\ude00"') == "a⟨U+0000⟩b⟨U+D800⟩c⟨U+DFFF⟩d😀"


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No input at all ends in another error."""
    for read in (loads, load_yaml):
        with contextlib.suppress(MalformedError):
            dumps(read(raw))


@given(st.text(st.sampled_from("{}[]:,-#&*!|>'\"%@` \n\tabc0~<?="), max_size=30))
def test_any_yaml_is_read_or_refused(text: str) -> None:
    """Whatever the punctuation, there is a value of text, lists and mappings, or a refusal."""
    with contextlib.suppress(MalformedError):
        assert_plain(load_yaml(text))


def assert_plain(value: object) -> None:
    """Only text, None, lists and mappings."""
    if isinstance(value, dict):
        for name, inner in value.items():
            assert_plain(name)
            assert_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_plain(inner)
    else:
        assert value is None or isinstance(value, (str, tuple))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("1.10", "1.10"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        (".nan", ".nan"),
        ("!!int 5", "5"),
        ("!!float .inf", ".inf"),
        ("!!bool yes", "yes"),
        ("~", None),
        ("'~'", "~"),
        ('""', ""),
        ('"a\\0b"', "a⟨U+0000⟩b"),
        ("", None),
        ("a: &x {b: c}\nd: {<<: *x, e: f}", {"a": {"b": "c"}, "d": {"b": "c", "e": "f"}}),
        ("a: [*x]\nb: &x 1", None),
    ],
)
def test_yaml_scalars_are_the_text_that_stands_there(text: str, value: object) -> None:
    """Nothing becomes a number, a date or a truth value (sources-ops 5.2)."""
    if text == "a: [*x]\nb: &x 1":
        with pytest.raises(MalformedError, match="undefined alias"):
            load_yaml(text)
    else:
        assert load_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3", "duplicate-key", 3),
        ("x:\n  a: 1\n  a: 1", "duplicate-key", 3),
        ("a: !!python/object/apply:os.system [echo]", "unsafe-tag", 1),
        ("- !!python/name:os.system", "unsafe-tag", 1),
        ("- x\n- !!binary aGk=", "unsafe-tag", 2),
        ("!!set {a, b}", "unsafe-tag", 1),
        ("&a [*a]", "endless-yaml", 1),
        ("a: &a\n  b: *a", "endless-yaml", 2),
        ("a: b\nc: \x07", "malformed-yaml", 2),
        ("a: [1,\n b]]", "malformed-yaml", 2),
        ("? [a]\n: b", "malformed-yaml", 1),
        ("[" * 300 + "]" * 300, "too-deep", 0),
        ("- " * 20_000, "too-deep", 0),
        ("--- a\n--- b", "malformed-yaml", 2),
    ],
)
def test_hostile_yaml_is_refused_by_name(text: str, code: str, line: int) -> None:
    """Doubled keys, tags, endless values, depth: a code, a reason, and the line where it is known."""
    with pytest.raises(MalformedError) as refused:
        load_yaml(text)
    assert (refused.value.code, refused.value.line) == (code, line)


@pytest.mark.parametrize(("wide", "levels"), [(9, 9), (100, 5), (2, 40)])
def test_a_yaml_bomb_is_refused_before_it_is_built(wide: int, levels: int) -> None:
    """Aliases count as often as they are used."""
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * wide)}]" for n in range(1, levels)]
    with pytest.raises(MalformedError) as refused:
        load_yaml("\n".join(lines))
    assert refused.value.code == "too-large"


def test_utf16_is_known_by_its_mark_or_its_first_letters() -> None:
    """Text of one letter, of other scripts, and numbers that look alike."""
    assert is_utf16("é".encode("utf-16"))
    assert is_utf16("{}".encode("utf-16-le"))
    assert is_utf16("{}".encode("utf-16-be"))
    for raw in (
        b"",
        b"{",
        b"{}",
        b"a\x00",
        b"PAR1",
        b"SQLite",
        "é".encode(),
        "a".encode("utf-32"),
        b"\x00" * 8,
    ):
        assert not is_utf16(raw)


@given(PLAIN)
def test_decoding_gives_the_text_back(text: str) -> None:
    """Every encoding that is read at all is read right."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decode(("{}" + text).encode(encoding)) == "{}" + text


@given(st.text(max_size=30))
def test_what_is_shown_has_no_hidden_letter(text: str) -> None:
    """Control, direction and zero-width letters are named, so no text can rewrite the line it stands in."""
    shown = display_text(text)
    assert all(letter.isprintable() or letter.isspace() for letter in shown)
    assert len(shown.splitlines()) <= 1
    assert "\t" not in shown
    if text.isprintable() and len(text) <= 500:
        assert shown == text


def test_shown_text_is_cut_with_its_length() -> None:
    """Nothing is cut in silence."""
    assert display_text("x" * 600, 10) == "x" * 10 + "… (600 characters)"
    assert display_text("\x1b[31m\u202e\u200b") == "⟨U+001B⟩[31m⟨U+202E⟩⟨U+200B⟩"
    assert clip("y" * 300) == "y" * 199 + "…"
    assert clip(math.pi, 6) == "3.141…"


@given(st.text(max_size=20))
def test_a_path_can_be_kept_in_any_database(text: str) -> None:
    """The name of a file is UTF-8 without NUL afterwards, and unchanged where it was."""
    shown = plain_path(text)
    shown.encode()
    assert "\x00" not in shown
    assert plain_path(shown) == shown
