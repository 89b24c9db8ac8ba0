"""How are things of Feast called, and how are names taken from what should be a list or an object?"""

from __future__ import annotations

from typing import Any


def mapping(value: object) -> dict[str, Any]:
    """Return `value` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(value: object) -> dict[str, str]:
    """Return the entries of an object that are text."""
    return {name: text for name, text in mapping(value).items() if isinstance(text, str)}


def names(value: object) -> list[str]:
    """Return the names of a list of features."""
    return [str(one["name"]) for one in dicts(value) if one.get("name")]
