"""What of names and settings is shown: how much, and without the secrets that they carry?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineage.model.facts import Json
from lineage.text import clip

MAX_ENTRIES = 300
"""Entries of a tag, parameter or metric table that go into attributes; the record keeps them all."""
MAX_TEXT = 4_000
"""Characters of one value that go into attributes."""
_PASSWORD = re.compile(r"(://[^/@\s?#:]*):[^/@\s?#]*@")
_WEB_USER = re.compile(r"(?i)(https?://)[^/@\s?#]+@")
_SIGNED = re.compile(
    r"(?i)[?&](x-amz-signature|x-amz-credential|sig|signature|awsaccesskeyid|token|access_token)="
)
_SECRET_NAME = re.compile(
    r"(?i)(^|[._\-\s])(pass(word|wd|phrase)|pwd|secret([._-]?(access)?[._-]?key)?|api[._-]?key|access[._-]?key([._-]?id)?|"
    r"(auth|access|refresh|bearer|session|api)[._-]?token|private[._-]?key|credentials?|connection[._-]?string)($|[._\-\s])"
)
_TOKEN_NAME = re.compile(r"(?i)(^|[._\-\s])token$")


def clean(text: str) -> str:
    """Return `text` without the credentials that addresses carry: user and password, signed queries.

    Before the `@` of `abfss://container@account` stands no user: only web addresses lose more than a password.

    >>> clean("https://oauth2:glpat-1@git.example/ml/churn.git")
    'https://git.example/ml/churn.git'
    """
    if "://" not in text:
        return text
    text = _PASSWORD.sub(r"\1@", _WEB_USER.sub(r"\1", text))
    return text.partition("?")[0] if _SIGNED.search(text) else text


def table(name: str, entries: Mapping[str, Any]) -> dict[str, Json]:
    """Return `entries` as the attribute `name`: the first by name, values cut, secrets withheld; nothing when empty.

    Where entries are left out, the attribute `<name>_total` says how many there were.

    >>> table("params", {"C": "0.1", "db.password": "hunter2", "max_tokens": "512"})
    {'params': {'C': '0.1', 'db.password': '(withheld)', 'max_tokens': '512'}}
    """
    if not entries:
        return {}
    kept: dict[str, Json] = {}
    for key in sorted(entries)[:MAX_ENTRIES]:
        value = entries[key]
        if isinstance(value, str):
            secret = _SECRET_NAME.search(key) or (_TOKEN_NAME.search(key) and len(value) >= 16)
            kept[key] = "(withheld)" if secret and value else clip(clean(value), MAX_TEXT)
        else:
            kept[key] = value
    found: dict[str, Json] = {name: kept}
    if len(entries) > MAX_ENTRIES:
        found[f"{name}_total"] = len(entries)
    return found
