"""What do `modeltrail fetch` and `modeltrail listen` do with the words typed after them?"""

from __future__ import annotations

import re
import signal
import sys
import threading
from argparse import Namespace as Arguments
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lineage.audit.view import microseconds
from lineage.cliout import progress_on_stderr
from lineage.errors import CancelledError, QuestionError
from lineage.fetching import Asked, fetch, fetch_every
from lineage.fetching_http import Server, checked
from lineage.listening import listen
from lineage.model.answer import Answer
from lineage.text import display_text
from lineage.tokens import token_from
from lineage.workspace import Workspace

_SPAN = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def fetched(workspace: Workspace, given: Arguments, labels: Mapping[str, str]) -> tuple[Answer, int]:
    """Ask a server once, or until stopped; the answer is that of the last time."""
    checked(given.address)
    every = seconds(given.every) if given.every else 0
    token = token_from(given.token_from, given.address)
    server = Server(
        given.address,
        token="" if given.user else token,
        user=given.user,
        password=token if given.user else "",
        timeout=float(max(given.timeout, 1)),
    )
    asked = Asked(
        given.source,
        tuple(given.query or ()),
        given.step,
        microseconds(given.since, "--from"),
        microseconds(given.until, "--to"),
        labels,
    )
    with _ended() as ended, progress_on_stderr(given.progress) as progress:
        watched = type(progress)(progress.report, ended.is_set)
        if not every:
            answer = fetch(workspace, server, asked, progress=watched)
        else:
            answer = Answer([], 0)
            try:
                for answer in fetch_every(workspace, server, asked, every, progress=watched, tell=_say):
                    taken = sum(item["accepted"] for item in answer.items)
                    _say(f"fetched: {taken} new records" if answer.items else "fetched: nothing has changed")
            except (CancelledError, KeyboardInterrupt):
                _say("stopped; what was complete has been kept")
    troubled = any(item["rejected"] or item["problems"] or item.get("note") for item in answer.items)
    return answer, int(troubled)


def listened(workspace: Workspace, given: Arguments) -> tuple[Answer, int]:
    """Take events until stopped."""
    with _ended() as ended:
        answer = listen(
            workspace,
            host=given.host,
            port=given.port,
            token=token_from(given.token_from, f"http://{given.host}:{given.port}"),
            allow_network=given.allow_network,
            started=lambda address: _say(f"listening on {address}/api/v1/lineage; Ctrl+C ends it"),
            stopped=ended.is_set,
            tell=_say,
        )
    return answer, int(any(item["refused"] or item["problems"] or item["waiting"] for item in answer.items))


def seconds(text: str) -> int:
    """Return a span written 30s, 5m, 2h or 1d in seconds; raises `QuestionError`.

    >>> seconds("5m")
    300
    """
    found = _SPAN.fullmatch(text)
    if not found:
        raise QuestionError("this is no span", where=f"--every {text}", remedy="write 30s, 5m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


@contextmanager
def _ended() -> Iterator[threading.Event]:
    """Give what is set when the system asks the program to end (SIGTERM); Ctrl+C raises by itself."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda _signal, _frame: ended.set())
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    print(f"modeltrail: {display_text(text, 4000)}", file=sys.stderr, flush=True)  # noqa: T201 - for people
