"""Is an event that a client was told was taken in the workspace, and what else may anybody send?"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import lineage
from lineage import receiving
from lineage.errors import UserError, WorkspaceError
from lineage.listening import listen, take_in
from lineage.listening import receiving as receiver
from lineage.spool import opened

LINEAGE = "/api/v1/lineage"


def event(number, state="COMPLETE"):
    """A run event as the Python client 1.x writes it: required fields, one input, one output."""
    return {
        "eventTime": f"2026-06-01T08:{number:02d}:00.000000+00:00",
        "eventType": state,
        "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/client/python",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"01971c8a-0000-7000-8000-{number:012d}", "facets": {}},
        "job": {"namespace": "night", "name": "features", "facets": {}},
        "inputs": [{"namespace": "s3://lake", "name": "raw/orders", "facets": {}}],
        "outputs": [{"namespace": "s3://lake", "name": "features/orders", "facets": {}}],
    }


@contextmanager
def listening(folder, token=""):
    """A listener on a free port of this machine, with its spool."""
    with opened(folder / "received") as spool, receiver(("127.0.0.1", 0), spool, token) as server:
        yield server


def sent(server, body, path=LINEAGE, **headers):
    """Send as `requests` does: one POST with its length; return status and answer."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **named})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(server, text):
    """Send bytes as they are, say no more, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as line:
        line.sendall(text)
        line.shutdown(socket.SHUT_WR)
        parts = []
        while part := line.recv(65536):
            parts.append(part)
    return b"".join(parts)


def lines(server):
    """What lies in the spool."""
    return [
        line
        for path in sorted(server.spool.folder.glob("*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]


def imported(folder):
    """Import what lies in the spool of `folder`, as the next listener does first; give the workspace's path."""
    path = folder / "audit.trail"
    with lineage.open(path) as workspace, opened(folder / "received") as spool:
        total = dict.fromkeys(("accepted", "duplicate", "problems"), 0)
        assert take_in(workspace, spool, total, print)
        assert spool.waiting() == []
        return total, {item["code"] for item in workspace.problems().items}, workspace.runs().total


def test_an_event_is_on_disk_before_it_is_acknowledged(tmp_path):
    """201 with an empty body, as Marquez answers; the very bytes lie in the spool then."""
    body = json.dumps(event(1)).encode()

    with listening(tmp_path) as server:
        assert sent(server, body) == (201, b"")
        assert lines(server) == [body]


@pytest.mark.parametrize("form", ["plain", "gzip", "pretty", "batch", "chunked"])
def test_every_form_that_clients_send_becomes_runs(tmp_path, form):
    """Python client (plain, gzip), pretty-printed by hand, a list, and Java's client, which sends gzip in chunks."""
    with listening(tmp_path) as server:
        if form == "plain":
            done = [sent(server, event(n))[0] for n in (1, 2)]
        elif form == "gzip":
            done = [
                sent(server, gzip.compress(json.dumps(event(n)).encode()), Content_Encoding="gzip")[0]
                for n in (1, 2)
            ]
        elif form == "pretty":
            done = [sent(server, json.dumps(event(n), indent=2).encode())[0] for n in (1, 2)]
        elif form == "batch":
            done = [sent(server, [event(1), event(2)], LINEAGE + "/batch")[0]]
        else:
            packed = gzip.compress(json.dumps(event(1)).encode())
            head = (
                f"POST {LINEAGE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
            )
            chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (20, packed[:20], len(packed) - 20, packed[20:])
            coded = b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            done = [int(raw(server, head + coded + chunks).split()[1]), sent(server, event(2))[0]]

    total, problems, runs = imported(tmp_path)

    assert set(done) == {201}
    assert (total["accepted"], problems, runs) == (2, set(), 2)


@pytest.mark.parametrize(
    ("body", "path", "headers", "status"),
    [
        (b"{not json", LINEAGE, {}, 400),
        (b"{}", LINEAGE, {}, 400),
        (b"[]", LINEAGE, {}, 400),
        ({"eventTime": "2026-01-01T00:00:00Z"}, LINEAGE, {}, 400),
        ([event(1), {}], LINEAGE + "/batch", {}, 400),
        (event(1), LINEAGE + "/batch", {}, 400),
        (b"no gzip", LINEAGE, {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"{}")[:-3], LINEAGE, {"Content_Encoding": "gzip"}, 400),
        (event(1), LINEAGE, {"Content_Encoding": "br"}, 415),
        (event(1), LINEAGE, {"Content_Type": "text/plain"}, 415),
        (event(1), "/api/v1/namespaces/x", {}, 404),
        (event(1), LINEAGE, {"Host": "evil.example"}, 421),
        (event(1), LINEAGE, {"Host": "localhost:1"}, 421),
        (event(1), LINEAGE, {"Origin": "https://evil.example"}, 403),
    ],
)
def test_what_is_no_event_is_told_so_and_not_acknowledged(tmp_path, body, path, headers, status):
    """Bad bodies, web pages, and names that lead here by a rebound DNS entry: 4xx with the reason as JSON."""
    with listening(tmp_path) as server:
        got, answer = sent(server, body, path, **headers)
        assert server.received == 0

    assert got == status
    assert json.loads(answer)["code"] == status
    assert json.loads(answer)["message"]


def test_a_bad_body_is_kept_as_a_problem_and_harms_no_other(tmp_path):
    """It stands among the problems of the import; the events before and after it are taken."""
    with listening(tmp_path) as server:
        assert [sent(server, body)[0] for body in (event(1), b'{"half": ', event(2))] == [201, 400, 201]

    total, problems, runs = imported(tmp_path)

    assert (total["accepted"], problems, runs) == (2, {"not-an-event"}, 2)


def test_a_body_beyond_the_limit_is_refused_packed_or_not(tmp_path, monkeypatch):
    """By its told length, by its chunks, and when it unpacks to more."""
    monkeypatch.setattr(receiving, "MAX_BODY", 1000)
    with listening(tmp_path) as server:
        assert sent(server, b" " * 1001)[0] == 413
        assert sent(server, gzip.compress(b" " * 100_000), Content_Encoding="gzip")[0] == 413
        head = f"POST {LINEAGE} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert b" 413 " in raw(server, head + b"fffff\r\n")
        assert lines(server) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Length: 50\r\n", b" 400 "),
        (b"Content-Length: -1\r\n", b" 400 "),
        (b"", b" 411 "),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b" 400 "),
        (b"Host: localhost\r\nContent-Length: 2\r\n", b" 421 "),
    ],
)
def test_a_body_of_another_length_than_told_is_no_event(tmp_path, headers, status):
    """Cut off, negative, not told, told twice; two Host headers."""
    with listening(tmp_path) as server:
        answer = raw(server, f"POST {LINEAGE} HTTP/1.1\r\nHost: localhost\r\n".encode() + headers + b"\r\n{}")
        assert server.received == 0

    assert status in answer.partition(b"\r\n")[0]


def test_a_disk_that_takes_nothing_is_said_so_that_the_client_comes_again(tmp_path, monkeypatch):
    """503 and no acknowledgement, when the event cannot be made safe."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with listening(tmp_path) as server:
        monkeypatch.setattr(os, "fsync", full)
        assert sent(server, event(1))[0] == 503
        monkeypatch.undo()
        assert sent(server, event(2))[0] == 201
        assert [json.loads(line)["run"]["runId"][-1] for line in lines(server)] == ["2"]


def test_a_token_is_asked_for_where_one_was_given(tmp_path):
    """Without it 401, with another 401, with it 201."""
    with listening(tmp_path, token="s3cret") as server:
        assert sent(server, event(1))[0] == 401
        assert sent(server, event(1), Authorization="Bearer other")[0] == 401
        assert sent(server, event(1), Authorization="Bearer s3cret")[0] == 201


def test_connections_beyond_the_limit_are_told_to_come_again(tmp_path, monkeypatch):
    """The limit is two here: the third gets 503, and a place is free again when one has gone."""
    monkeypatch.setattr(receiving, "MAX_CONNECTIONS", 2)
    with listening(tmp_path) as server:
        held = [http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10) for _ in range(2)]
        for connection in held:
            connection.request("GET", "/health")
            assert connection.getresponse().read() == b'{"healthy": true}'
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as third:
            assert b" 503 " in third.recv(4096)
        for connection in held:
            connection.close()


def test_a_listener_leaves_no_thread_behind(tmp_path):
    """Also with a client that keeps its connection open."""
    before = set(threading.enumerate())
    with listening(tmp_path) as server:
        idle = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        idle.request("GET", "/healthcheck")
        idle.getresponse().read()
    idle.close()

    assert set(threading.enumerate()) <= before


def test_the_same_event_sent_twice_changes_nothing(tmp_path):
    """A client that did not hear the answer sends again."""
    with listening(tmp_path) as server:
        assert [sent(server, event(1))[0] for _ in range(3)] == [201, 201, 201]

    total, _, runs = imported(tmp_path)

    assert (total["accepted"], total["duplicate"], runs) == (1, 2, 1)


def test_a_busy_workspace_keeps_the_events_for_the_next_time(tmp_path):
    """Another program imports: what was received stays in the spool, and is told."""
    with listening(tmp_path) as server:
        sent(server, event(1))
    told = []

    class Busy:
        def import_(self, *_, **__):
            raise UserError("an import is running already")

    with opened(tmp_path / "received") as spool:
        assert not take_in(Busy(), spool, {}, told.append)
        assert len(spool.waiting()) == 1
    assert "tried again" in told[0]


def test_other_machines_are_let_in_only_when_asked_explicitly(tmp_path):
    """0.0.0.0 without the word for it: nothing is opened."""
    with (
        lineage.open(tmp_path / "audit.trail") as workspace,
        pytest.raises(WorkspaceError, match="others on the network"),
    ):
        listen(workspace, host="0.0.0.0")  # noqa: S104 - that is what is refused


def test_two_listeners_do_not_share_a_spool(tmp_path):
    """The second is told that there is one already."""
    with (
        opened(tmp_path / "received"),
        pytest.raises(WorkspaceError, match="listens"),
        opened(tmp_path / "received"),
    ):
        pass


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_listener_loses_nothing_that_it_acknowledged(tmp_path, by):
    """Killed right after the answer: the next listener imports it. Asked to end: it imports before it ends."""
    trail = tmp_path / "audit.trail"
    words = [sys.executable, "-m", "lineage", "-w", str(trail), "--format", "json", "listen", "--port", "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as program:
        said = program.stderr.readline()
        port = int(said.partition("http://127.0.0.1:")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", LINEAGE, json.dumps(event(1)), {"Content-Type": "application/json"})
        assert connection.getresponse().status == 201
        connection.close()
        program.send_signal(by)
        answer = program.stdout.read()
        status = program.wait(60)

    with lineage.open(trail) as workspace:
        if by == signal.SIGKILL:
            assert workspace.runs().total == 0
            ended = threading.Event()
            listen(workspace, port=0, started=lambda _: ended.set(), stopped=ended.is_set)
        else:
            assert status == 0
            assert json.loads(answer)["items"][0]["accepted"] == 1
        assert workspace.runs().total == 1
