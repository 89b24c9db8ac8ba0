import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from lineage import fetching_http
from lineage.errors import UnreadableInputError
from lineage.fetching_http import Server
from lineage.fetching_mlflow import as_line, poll
from lineage.model.facts import Coverage, Entity, Run
from lineage.source import Origin, Record
from lineage.sources import mlflow_rest

DATE = "Wed, 01 Jul 2026 08:00:00 GMT"


class Answers(BaseHTTPRequestHandler):
    """Answers as the test's `answer` function says, and notes what was asked."""

    def do_GET(self):
        parts = urlsplit(self.path)
        self.reply("GET", parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply("POST", self.path, json.loads(body))

    def reply(self, method, path, asked):
        self.server.asked.append((method, path, asked, dict(self.headers)))
        status, body, headers = self.server.answer(path, asked)
        raw = body.encode()
        self.send_response_only(status)
        for name, value in {"Date": DATE, "Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        """Keep quiet."""


@contextmanager
def served(answer):
    """A server on this machine; gives its address and what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.answer, server.asked = answer, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def empty(path, asked):
    """A server that has nothing."""
    return 200, "{}", {}


def test_all_pages_are_asked_for_and_each_call_is_kept():
    """Two pages of versions: the token of the first is sent with the second."""

    def answer(path, asked):
        if path.endswith("model-versions/search"):
            token = {"next_page_token": "two"} if "page_token" not in asked else {}
            return 200, json.dumps({"model_versions": [], **token}), {}
        return 200, "{}", {}

    with served(answer) as (address, asked):
        calls = list(poll(Server(address)))

    assert [call["query"].get("page_token") for call in calls if call["name"] == "model-versions-search"] == [
        None,
        "two",
    ]
    assert [path for _, path, _, _ in asked] == [call["path"] for call in calls]
    assert {call["at"] for call in calls} == {"2026-07-01T08:00:00Z"}


def test_a_static_prefix_a_workspace_and_credentials_are_sent():
    """Bearer token, or user and password; the prefix stands before the path."""
    with served(empty) as (address, asked):
        list(poll(Server(f"{address}/team/mlflow/", token="t0p", workspace="risk")))
        list(poll(Server(address, user="ana", password="pw")))

    first, last = asked[0], asked[-1]
    assert first[1] == "/team/mlflow/api/2.0/mlflow/experiments/search"
    assert first[3]["Authorization"] == "Bearer t0p"
    assert {name.lower(): value for name, value in first[3].items()}["x-mlflow-workspace"] == "risk"
    assert last[3]["Authorization"] == "Basic " + base64.b64encode(b"ana:pw").decode()


def test_no_call_that_changes_something_is_sent():
    """Searches and gets only."""
    with served(empty) as (address, asked):
        list(poll(Server(address)))

    assert {path.rpartition("/")[2] for _, path, _, _ in asked} == {"search"}


@pytest.mark.parametrize(
    "address",
    [
        "http://mlflow.example",
        "ftp://127.0.0.1",
        "https://ana:pw@mlflow.example",
        "https://mlflow.example/?x=1",
        "mlflow",
    ],
)
def test_an_unsafe_address_is_refused_without_a_call(address):
    """Open http to another machine, credentials in the address: nothing is sent, and no password is shown."""
    with pytest.raises(UnreadableInputError) as refused:
        list(poll(Server(address)))
    assert "pw" not in str(refused.value)


def test_a_redirect_to_another_host_is_not_followed():
    """It would be sent the token."""
    with served(empty) as (other, asked_there):

        def answer(path, asked):
            if path.endswith("registered-models/search"):
                return 302, "", {"Location": f"{other}{path}"}
            return 200, "{}", {}

        with served(answer) as (address, _), pytest.raises(UnreadableInputError, match="another address"):
            list(poll(Server(address, token="secret")))

    assert asked_there == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_credentials_says_what_to_do(status):
    """The person is told to give a token."""
    with (
        served(lambda path, asked: (status, "<html>", {"WWW-Authenticate": "Basic"})) as (address, _),
        pytest.raises(UnreadableInputError, match="give a token"),
    ):
        list(poll(Server(address)))


def test_an_endless_answer_is_cut(monkeypatch):
    """A size limit holds for every answer."""
    monkeypatch.setattr(fetching_http, "MAX_ANSWER", 100)
    with (
        served(lambda path, asked: (200, "x" * 1000, {})) as (address, _),
        pytest.raises(UnreadableInputError, match="larger than"),
    ):
        list(poll(Server(address)))


def test_a_server_that_is_not_there_is_told():
    """A port that nobody listens on."""
    with served(empty) as (address, _):
        pass
    with pytest.raises(UnreadableInputError, match="cannot be reached"):
        list(poll(Server(address, timeout=5, tries=1)))


def test_a_failing_call_is_kept_as_such():
    """A server of before 3.x knows no logged models: that is in the calls, and the import says so."""

    def answer(path, asked):
        if path.endswith("experiments/search"):
            return (
                200,
                json.dumps({"experiments": [{"experiment_id": "0", "name": "Default", "creation_time": 1}]}),
                {},
            )
        return (404, "<html>", {}) if "logged-models" in path else (200, "{}", {})

    with served(answer) as (address, _):
        calls = list(poll(Server(address)))

    assert [call["status"] for call in calls if call["name"] == "logged-models-search"] == [404]


def test_a_real_servers_answers_polled_again_give_the_same_facts(corpus):
    """The saved answers of a 3.17.2 server, served again: what is polled says what the file says."""
    saved = [
        json.loads(line)
        for line in (Path(corpus) / "ml" / "mlflow" / "server-3.17" / "rest.jsonl")
        .read_text("utf-8")
        .splitlines()
    ]

    def answer(path, asked):
        asked = {name: value for name, value in asked.items() if name != "max_results"}
        for call in saved:
            wanted = {
                name: value
                for name, value in (call["query"] or call["body"] or {}).items()
                if name != "max_results"
            }
            if call["path"] == path and wanted == asked:
                return call["status"], call["response"], {}
        return 404, "{}", {}

    with served(answer) as (address, _):
        polled = b"".join(as_line(call) for call in poll(Server(address)))

    class Kept:
        name, path, size = "server.jsonl", None, len(polled)

        def open(self):
            return BytesIO(polled)

        def members(self):
            return iter(())

    facts = []
    for record in mlflow_rest.records(Kept(), Origin("server.jsonl")):
        assert isinstance(record, Record), record
        facts += list(mlflow_rest.read(record, Origin("server.jsonl")))

    assert len([fact for fact in facts if isinstance(fact, Run)]) == 23
    assert {fact.key.name for fact in facts if isinstance(fact, Entity) and fact.key.kind == "model"} == {
        "churn-classifier",
        "churn-classifier-prod",
        "ltv-regressor",
        "pricing-elasticity",
    }
    assert all(fact.complete for fact in facts if isinstance(fact, Coverage))
    assert [link.source.name for link in facts if getattr(link, "rule", "") == "inputs.MODEL_INPUT"] == [
        "m-39275c74803142a880591127b07f77e0"
    ]
