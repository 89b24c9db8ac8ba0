"""What does a running MLflow server show? Its answers, call by call, as `mlflow_rest` reads them.

Only GET and the POSTs that search are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.fetching_http import Line, Server
from lineage.text import MalformedError, dumps, loads

MAX_PAGES = 100_000
"""Pages of one search beyond which a server is taken to send tokens for ever."""

_PAGE = 100
_API = "/api/2.0/mlflow/"


def poll(server: Server, *, each_run: bool = True) -> Iterator[dict[str, Any]]:
    """Yield every call that shows the server's experiments, runs, registry and logged models.

    With `each_run`, runs that made no model are asked for once more one by one, because a search leaves out which
    models they read (sources-ml 2.2); a server that knows no logged models is not. Raises `UnreadableInputError` for an
    address that is refused, a server that cannot be reached, wants credentials or sends too much.
    """
    line = _Calls(server)
    experiments: list[str] = []
    for call in line.search("experiments", "POST", {"view_type": "ALL"}):
        yield call
        experiments += [str(entry.get("experiment_id")) for entry in _listed(call, "experiments")]
    yield from line.search("registered-models", "GET", {})
    yield from line.search("model-versions", "GET", {})
    logged = False
    for group in _groups(experiments):
        for call in line.search("logged-models", "POST", {"experiment_ids": group}):
            yield call
            logged = logged or call["status"] == 200
    for group in _groups(experiments):
        for call in line.search("runs", "POST", {"experiment_ids": group, "run_view_type": "ALL"}):
            yield call
            if not each_run or not logged:
                continue
            for run in _listed(call, "runs"):
                if not (run.get("outputs") or {}).get("model_outputs") and isinstance(run.get("info"), dict):
                    yield line.ask("run-get", "GET", "runs/get", {"run_id": str(run["info"].get("run_id"))})


def as_line(call: Mapping[str, Any]) -> bytes:
    """Return a call as the line of a file that `mlflow_rest` reads."""
    return dumps(call) + b"\n"


class _Calls:
    """Sends MLflow's calls to one server."""

    def __init__(self, server: Server) -> None:
        named = {"X-MLFLOW-WORKSPACE": server.workspace} if server.workspace else {}
        self.line = Line(server, named)

    def search(self, what: str, method: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield every page of a search."""
        token = ""
        for _ in range(MAX_PAGES):
            page = {**asked, "max_results": _PAGE, **({"page_token": token} if token else {})}
            call = self.ask(f"{what}-search", method, f"{what}/search", page)
            yield call
            following = str(_answer(call).get("next_page_token") or "")
            if not following or following == token:
                return
            token = following

    def ask(self, name: str, method: str, endpoint: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Send one call and return what was asked and what came back."""
        line = self.line
        query, body = (asked, None) if method == "GET" else (None, asked)
        reply = line.ask(f"{_API}{endpoint}", query, body)
        return {
            "name": name,
            "method": method,
            "path": f"{line.prefix}{_API}{endpoint}",
            "query": query,
            "body": body,
            "status": reply.status,
            "content_type": reply.headers.get("Content-Type", ""),
            **({"at": reply.at} if reply.at else {}),
            **({"workspace": line.server.workspace} if line.server.workspace else {}),
            "response": reply.raw.decode("utf-8", "replace"),
        }


def _answer(call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value = loads(call["response"]) if call["status"] == 200 else None
    except MalformedError:
        return {}
    return value if isinstance(value, dict) else {}


def _listed(call: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = _answer(call).get(key)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _groups(numbers: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(numbers), _PAGE):
        yield numbers[start : start + _PAGE]
