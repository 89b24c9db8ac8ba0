"""Are the answers of a server kept as they came, and what if it is slow, busy, broken or somebody else?"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

import lineage
from lineage import fetching_http
from lineage.cli import main
from lineage.errors import CancelledError, QuestionError, UnreadableInputError
from lineage.fetching import Asked, fetch, fetch_every
from lineage.fetching_http import Line, Server
from lineage.progress import Progress
from lineage.tokens import token_from

HOUR = 3_600_000_000
NOON = 1_780_315_200_000_000  # 2026-06-01T12:00:00Z


class Answers(BaseHTTPRequestHandler):
    """Answers as the test says, call by call, and notes what was asked."""

    def do_GET(self):
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        self.server.asked.append((parts.path, asked, dict(self.headers)))
        status, body, headers = self.server.answer(parts.path, asked)
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        """Keep quiet."""


@contextmanager
def served(answer):
    """A server on this machine; gives its address and what it was asked; leaves no thread behind."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = False
    server.answer, server.asked = answer, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def quick(address, waits=None, **more):
    """A server that is asked without waiting; `waits` notes how long it would have been."""
    return Server(address, pause=(waits if waits is not None else []).append, **more)


def one_after_the_other(*replies):
    """An `answer` that gives each reply once, then the last for ever."""
    left = list(replies)
    return lambda path, asked: left.pop(0) if len(left) > 1 else left[0]


def matrix(asked, metric="up"):
    """A range answer with one series and a sample at each step, as Prometheus 3 writes it."""
    start, end, step = (int(asked[name]) for name in ("start", "end", "step"))
    values = [[time, "1"] for time in range(start, end + 1, step)]
    result = [
        {"metric": {"__name__": metric, "job": "iris"} if metric else {"job": "iris"}, "values": values}
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def run_event(number):
    """A run that has ended."""
    return {
        "eventTime": f"2026-06-01T11:{number % 60:02d}:00Z",
        "eventType": "COMPLETE",
        "producer": "https://example.com",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"01971c8a-0000-7000-8000-{number:012d}"},
        "job": {"namespace": "night", "name": "features"},
        "inputs": [],
        "outputs": [],
    }


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status):
    """Twice busy, then an answer: three calls, the second wait about twice the first."""
    waits = []
    with served(one_after_the_other((status, b"", {}), (status, b"", {}), (200, b"{}", {}))) as (
        address,
        asked,
    ):
        assert Line(quick(address, waits)).ask("/x").raw == b"{}"

    assert len(asked) == 3
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


def test_a_server_that_stays_busy_is_given_up():
    """After the tries that were allowed, its last answer is what it said."""
    with served(lambda *_: (503, b"busy", {})) as (address, asked):
        assert Line(quick(address, tries=3)).ask("/x").status == 503

    assert len(asked) == 3


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("7", 7, 7),
        ("99999", 120, 120),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 120, 120),
        ("soon", 0.5, 1),
    ],
)
def test_a_server_may_say_when_to_come_again(told, least, most):
    """Retry-After in seconds or as a date (RFC 9110, 10.2.3), never longer than two minutes."""
    waits = []
    with served(one_after_the_other((429, b"", {"Retry-After": told}), (200, b"{}", {}))) as (address, _):
        Line(quick(address, waits)).ask("/x")

    assert least <= waits[0] <= most


def test_an_answer_that_breaks_off_is_no_answer():
    """Fewer bytes than told: asked again."""
    replies = one_after_the_other((200, b'{"cut', {"Content-Length": "500"}), (200, b"{}", {}))
    with served(replies) as (address, asked):
        assert Line(quick(address)).ask("/x").raw == b"{}"

    assert len(asked) == 2


def test_a_server_that_says_nothing_is_given_up():
    """A socket that takes the call and never answers."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(UnreadableInputError, match="cannot be reached"),
    ):
        Line(quick(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05, tries=2)).ask("/x")


def test_a_redirect_on_the_same_server_is_followed_and_no_other():
    """The token stays where it was sent."""
    with served(lambda *_: (200, b"{}", {})) as (other, asked_there):
        moved = one_after_the_other((302, b"", {"Location": "/there"}), (200, b"{}", {}))
        with served(moved) as (address, asked):
            assert Line(quick(address, token="t0p")).ask("/here").raw == b"{}"
        assert [path for path, _, _ in asked] == ["/here", "/there"]
        with (
            served(lambda *_: (307, b"", {"Location": f"{other}/there"})) as (address, _),
            pytest.raises(UnreadableInputError, match="another address"),
        ):
            Line(quick(address, token="t0p")).ask("/here")

    assert asked_there == []


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(monkeypatch):
    """Verification is on, and a refusal is not tried again."""
    waits = []
    line = Line(quick("https://127.0.0.1:1", waits))

    def refused(*_, **__):
        raise fetching_http.urllib.error.URLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    monkeypatch.setattr(line._opener, "open", refused)
    with pytest.raises(UnreadableInputError, match="self-signed"):
        line.ask("/x")
    assert waits == []


def test_prometheus_answers_are_kept_byte_for_byte_and_again_change_nothing(tmp_path):
    """One hour at one minute: 61 samples; the record's bytes are the answer; the span stands in the coverage."""
    sent = []

    def answer(path, asked):
        sent.append(matrix(asked))
        return 200, sent[-1], {}

    asked = Asked("prometheus", ("up",), 60, NOON - HOUR, NOON)
    with served(answer) as (address, calls), lineage.open(tmp_path / "a.trail") as workspace:
        first = fetch(workspace, quick(address), asked)
        digest = workspace.digest().items[0]["digest"]
        again = fetch(workspace, quick(address), asked)
        assert workspace.digest().items[0]["digest"] == digest
        (shown,) = [item for item in workspace.coverage().items if item["source"] == "fetched"]
        (series,) = workspace.entities("kind:monitor").items
        assert series["evidence"][0]["sha256"] == hashlib.sha256(sent[0]).hexdigest()

    assert calls[0][1] == {"query": "up", "start": "1780311600", "end": "1780315200", "step": "60"}
    assert [item["accepted"] for item in first.items] == [1, 1]
    assert again.items[0]["duplicate"] == 1
    assert (shown["from"], shown["to"], shown["complete"]) == (
        "2026-06-01T11:00:00Z",
        "2026-06-01T12:00:00Z",
        True,
    )
    kept = sorted((tmp_path / "a.trail.fetched").rglob("answer-*.json"))
    assert kept[0].read_bytes() == sent[0]


def test_a_long_span_is_asked_in_parts(tmp_path, monkeypatch):
    """No part has more samples than Prometheus gives, and none is asked twice; an expression takes the name given."""
    monkeypatch.setattr("lineage.fetching_answers.POINTS", 30)
    asked = Asked("prometheus", ('ok=sum(rate(up{job="iris"}[5m]))',), 60, NOON - HOUR, NOON)
    series = served(lambda path, asked: (200, matrix(asked, ""), {}))
    with series as (address, calls), lineage.open(tmp_path / "a.trail") as workspace:
        answer = fetch(workspace, quick(address), asked)
        names = [item["name"] for item in workspace.entities("kind:monitor").items]

    spans = [(int(call["start"]), int(call["end"])) for _, call, _ in calls]
    assert spans == [(1780311600, 1780313340), (1780313400, 1780315140), (1780315200, 1780315200)]
    assert [item["rejected"] for item in answer.items] == [0, 0, 0, 0]
    assert names == ['ok{job="iris"}']


def test_marquez_is_read_to_its_last_page(tmp_path):
    """250 events: pages of 100, 100 and 50; every event a record."""
    events = [run_event(number) for number in range(250)]

    def answer(path, asked):
        begin = int(asked["offset"])
        page = events[begin : begin + int(asked["limit"])]
        return 200, json.dumps({"events": page, "totalCount": len(events)}).encode(), {}

    with served(answer) as (address, calls), lineage.open(tmp_path / "a.trail") as workspace:
        asked = Asked("marquez", since=NOON - HOUR, until=NOON)
        answer = fetch(workspace, quick(f"{address}/team"), asked)
        assert workspace.runs().total == 250
        again = fetch(workspace, quick(f"{address}/team"), asked)

    assert [call["offset"] for _, call, _ in calls[:3]] == ["0", "100", "200"]
    assert {path for path, _, _ in calls} == {"/team/api/v1/events/lineage"}
    assert sum(item["accepted"] for item in answer.items) == 251
    assert sum(item["accepted"] for item in again.items[:-1]) == 0
    assert answer.items[-1]["complete"]


def test_what_came_before_a_failure_is_kept_and_said_to_be_incomplete(tmp_path):
    """The second page never comes: a hundred events are in, and the coverage does not claim the rest."""

    def answer(path, asked):
        if asked["offset"] != "0":
            return 500, b"no", {}
        return 200, json.dumps({"events": [run_event(n) for n in range(100)], "totalCount": 250}).encode(), {}

    with served(answer) as (address, _), lineage.open(tmp_path / "a.trail") as workspace:
        answer = fetch(workspace, quick(address, tries=2), Asked("marquez", since=NOON - HOUR, until=NOON))
        (shown,) = [item for item in workspace.coverage().items if item["source"] == "fetched"]
        assert workspace.runs().total == 100

    assert "answers 500" in answer.items[-1]["note"]
    assert not shown["complete"]


def test_a_server_of_another_kind_is_told(tmp_path):
    """A page of HTML is no answer; nothing is kept."""
    with (
        served(lambda *_: (200, b"<html>", {})) as (address, _),
        lineage.open(tmp_path / "a.trail") as workspace,
        pytest.raises(UnreadableInputError, match="not as Marquez does"),
    ):
        fetch(workspace, quick(address), Asked("marquez"))

    assert not (tmp_path / "a.trail.fetched").exists()


def test_waiting_ends_when_the_person_asks(tmp_path):
    """A busy server asks for two minutes; cancelled, it is over at once."""
    with served(lambda *_: (429, b"", {"Retry-After": "120"})) as (address, asked):
        stop = Progress(cancelled=lambda: bool(asked))
        with lineage.open(tmp_path / "a.trail") as workspace, pytest.raises(CancelledError):
            fetch(workspace, Server(address), Asked("marquez"), progress=stop)


def test_polling_goes_on_from_where_it_was_complete_and_survives_a_failure(tmp_path):
    """The second time the server is ill, which is told; the third asks from where the first ended, less the overlap."""
    nothing = (200, b'{"events": [], "totalCount": 0}', {})
    replies = one_after_the_other(nothing, (404, b"", {}), nothing)
    told = []
    with served(replies) as (address, calls), lineage.open(tmp_path / "a.trail") as workspace:
        rounds = fetch_every(workspace, quick(address), Asked("marquez"), 0.01, tell=told.append)
        next(rounds)
        next(rounds)
        rounds.close()

    afters = [call["after"] for _, call, _ in calls]
    assert "404" in told[0]
    assert afters[1] == afters[2] > afters[0]


@pytest.mark.parametrize("place", ["env:LIVE_TOKEN", "file", "keyring"])
def test_a_token_is_sent_and_stands_nowhere_else(tmp_path, monkeypatch, capsys, place):
    """From the environment, a file, the keyring: in the header, and in no file, answer or message."""
    secret = "s3cret-t0ken-of-the-test"
    monkeypatch.setenv("LIVE_TOKEN", secret)
    (tmp_path / "token").write_text(secret + "\n")
    keyring, errors = ModuleType("keyring"), SimpleNamespace(KeyringError=RuntimeError)
    keyring.get_password = lambda service, name: secret if service == "modeltrail" else None
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    place = f"file:{tmp_path / 'token'}" if place == "file" else place
    folder = tmp_path / "w"
    folder.mkdir()
    with served(lambda path, asked: (200, matrix(asked), {})) as (address, calls):
        words = ["-w", str(folder / "a.trail"), "fetch", address, "--source", "prometheus", "--query", "up"]
        assert main([*words, "--token-from", place]) == 0
    with served(lambda *_: (403, b"", {})) as (address, _):
        words[3] = address
        assert main([*words, "--token-from", place]) == 2

    said = capsys.readouterr()
    assert calls[0][2]["Authorization"] == f"Bearer {secret}"
    assert secret not in said.out + said.err
    assert not [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "place", ["hunter2-pasted-by-mistake", "env:", "env:NOT_SET_ANYWHERE", "file:/not/there"]
)
def test_a_place_without_a_token_is_told(place):
    """What was typed by mistake instead of a place is not shown."""
    with pytest.raises(QuestionError) as error:
        token_from(place, "https://x")
    assert "hunter2" not in str(error.value)


def test_a_missing_keyring_library_is_told(monkeypatch):
    """It is optional: the message says what to install."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(QuestionError, match="not installed") as error:
        token_from("keyring", "https://x")
    assert "modeltrail[keyring]" in str(error.value)


def test_mlflow_answers_that_did_not_change_are_not_kept_again(tmp_path):
    """Only the server's clock went on: the second time adds nothing."""
    moments = iter(range(10, 60))

    def answer(path, asked):
        return 200, b"{}", {"Date": f"Mon, 01 Jun 2026 12:00:{next(moments)} GMT"}

    with served(answer) as (address, _), lineage.open(tmp_path / "a.trail") as workspace:
        seen = set()
        first = fetch(workspace, quick(address), Asked("mlflow-rest"), seen=seen)
        second = fetch(workspace, quick(address), Asked("mlflow-rest"), seen=seen)

    assert len(first.items) == 2
    assert second.items == []
