"""How do events that clients send become evidence? A listener keeps them safe, and imports them in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lineage.errors import UserError, WorkspaceError
from lineage.model.answer import Answer, Item
from lineage.receiving import Receiver, is_loopback
from lineage.spool import Spool, opened
from lineage.text import plain_path
from lineage.workspace import Workspace

BATCH = 2.0
"""Seconds after which what has come is imported together."""

_AGAIN = 5.0


@contextmanager
def receiving(place: tuple[str, int], spool: Spool, token: str = "") -> Iterator[Receiver]:
    """Give a listener that is answering; at the end no thread and no connection of it is left."""
    try:
        receiver = Receiver(place, spool, token)
    except OSError as error:
        raise WorkspaceError(
            f"cannot listen ({error.strerror or error})",
            where=f"{place[0]}:{place[1]}",
            remedy="choose another --port, or stop what listens there",
        ) from error
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.1}, name="listener")
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.hang_up()
        receiver.server_close()


def listen(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    token: str = "",
    allow_network: bool = False,
    started: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda _: None,
) -> Answer:
    """Take OpenLineage events on `host` until `stopped`, and import them; the one item says how many.

    `started` is told the address, `tell` what went wrong and is tried again. Raises `WorkspaceError` when the place is
    taken, or is not this machine itself and `allow_network` was not said.
    """
    if not is_loopback(host) and not allow_network:
        raise WorkspaceError(
            "others on the network could send evidence there",
            where=host,
            remedy="listen on 127.0.0.1, or say --allow-network and give a --token-from",
        )
    total: dict[str, int] = dict.fromkeys(_COUNTED, 0)
    with opened(_spool_of(workspace.path)) as spool:
        take_in(workspace, spool, total, tell)
        with receiving((host, port), spool, token) as receiver:
            shown = f"[{receiver.server_name}]" if ":" in receiver.server_name else receiver.server_name
            address = f"http://{shown}:{receiver.server_port}"
            started(address)
            with suppress(KeyboardInterrupt):
                _until(stopped, receiver, lambda: take_in(workspace, spool, total, tell))
        spool.close_file()
        take_in(workspace, spool, total, tell)
        left = len(spool.waiting())
    item: Item = {
        "address": address,
        "received": receiver.received,
        "refused": receiver.refused,
        **total,
        "waiting": left,
        "evidence": [],
    }
    return Answer([item], 1)


_COUNTED = ("accepted", "duplicate", "filtered", "rejected", "problems")


def _spool_of(workspace: Path) -> Path:
    return workspace.with_name(workspace.name + ".received")


def _until(stopped: Callable[[], bool], receiver: Receiver, import_now: Callable[[], bool]) -> None:
    due = 0.0
    while not stopped():
        if not receiver.fresh.wait(0.2) or time.monotonic() < due:
            time.sleep(0.05)
            continue
        end = time.monotonic() + BATCH
        while time.monotonic() < end and not stopped():
            time.sleep(0.05)
        receiver.fresh.clear()
        receiver.spool.close_file()
        if not import_now():
            receiver.fresh.set()
            due = time.monotonic() + _AGAIN


def take_in(workspace: Workspace, spool: Spool, total: dict[str, int], tell: Callable[[str], None]) -> bool:
    """Import the closed files of the spool and remove them; false when that must be tried again.

    A workspace that is busy or full loses nothing: the files stay.
    """
    paths = spool.waiting()
    if not paths:
        return True
    try:
        answer = workspace.import_(paths, source="openlineage")
    except UserError as error:
        tell(f"{error} What was received is kept and tried again.")
        return False
    for name in total:
        total[name] += sum(item[name] for item in answer.items)
    # A file that could not be read to its end has no digest: it stays.
    taken = {item["file"] for item in answer.items if item["sha256"]}
    spool.remove([path for path in paths if plain_path(path.as_posix()) in taken])
    return len(taken) == len(paths)
