"""Where does a token lie? In the system's keyring, the environment or a file; never in the workspace or a message."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from lineage.errors import QuestionError

SERVICE = "modeltrail"
"""The name under which the keyring holds our tokens; the user's name there is the server's address."""

_LONGEST = 16 * 1024


def token_from(place: str, address: str) -> str:
    """Return the token that lies at `place`: `env:NAME`, `file:PATH` or `keyring`; "" when no place is named.

    Raises `QuestionError` when there is none there, or it cannot be sent in a header. No message shows the token.

    >>> token_from("", "https://mlflow.example")
    ''
    """
    kind, _, name = place.partition(":")
    if not place:
        return ""
    if kind == "env" and name:
        token = os.environ.get(name, "")
    elif kind == "file" and name:
        token = _in_file(name)
    elif place == "keyring":
        token = _in_keyring(address)
    else:
        # A token typed here by mistake must not be shown.
        raise QuestionError(
            "this is no place of a token", where="--token-from", remedy="write env:NAME, file:PATH or keyring"
        )
    token = token.strip()
    if not token:
        raise QuestionError("there is no token", where=place, remedy="put it there, or name another place")
    if not token.isascii() or not token.isprintable() or len(token) > _LONGEST:
        raise QuestionError(
            "what lies there is no token: it holds more than printable ASCII",
            where=place,
            remedy="check the place",
        )
    return token


def _in_file(name: str) -> str:
    try:
        with Path(name).open("rb") as stream:
            return stream.read(_LONGEST + 2).decode("latin-1")
    except OSError as error:
        raise QuestionError(
            f"the file of the token cannot be read ({error.strerror})", where=name, remedy="check the name"
        ) from error


def _in_keyring(address: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise QuestionError(
            "the library that asks the system's keyring is not installed",
            where="--token-from keyring",
            remedy="install modeltrail[keyring], or use env:NAME or file:PATH",
        ) from error
    errors = importlib.import_module("keyring.errors")
    try:
        found = keyring.get_password(SERVICE, address)
    except errors.KeyringError as error:
        raise QuestionError(
            f"the system's keyring cannot be asked ({type(error).__name__})",
            where="--token-from keyring",
            remedy="unlock it, or use env:NAME or file:PATH",
        ) from error
    if not found:
        raise QuestionError(
            "the system's keyring holds no token for this address",
            where=address,
            remedy=f"put it there: keyring set {SERVICE} {address}",
        )
    return str(found)
