"""What does a running MLflow server show? Its answers, call by call, as `mlflow_rest` reads them.

Only GET and the POSTs that search are sent. An address on another machine must be https, so that no credential and no
answer travels open; credentials go to that address only, never along a redirect.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from lineage.errors import UnreadableInputError
from lineage.text import MalformedError, dumps, loads

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer beyond which the server is not read on."""

MAX_PAGES = 100_000
"""Pages of one search beyond which a server is taken to send tokens for ever."""

_PAGE = 100
_API = "/api/2.0/mlflow/"


@dataclass(frozen=True, slots=True)
class Server:
    """An MLflow server and how to speak to it.

    Attributes:
        address: `https://host[:port][/static-prefix]`; http only to this machine itself.
        token: a bearer token; or user and password for basic authentication.
        workspace: the workspace asked for; empty = the server's default.
        timeout: seconds that one answer may take to begin and to go on.
    """

    address: str
    token: str = ""
    user: str = ""
    password: str = ""
    workspace: str = ""
    timeout: float = 30.0


def poll(server: Server, *, each_run: bool = True) -> Iterator[dict[str, Any]]:
    """Yield every call that shows the server's experiments, runs, registry and logged models.

    With `each_run`, runs that made no model are asked for once more one by one, because a search leaves out which
    models they read (sources-ml 2.2); a server that knows no logged models is not. Raises `UnreadableInputError` for an
    address that is refused, a server that cannot be reached, wants credentials or sends too much.
    """
    line = _Line(server)
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


class _Line:
    """Sends the calls to one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        parts = _checked(server.address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.rstrip("/")
        handlers: list[urllib.request.BaseHandler] = [_SameHost(self.origin)]
        if _is_loopback(parts.hostname or ""):
            handlers.append(urllib.request.ProxyHandler({}))
        self.opener = urllib.request.build_opener(*handlers)
        self.headers = {"Accept": "application/json", "User-Agent": "modeltrail"}
        if server.token:
            self.headers["Authorization"] = f"Bearer {server.token}"
        elif server.user:
            secret = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {secret}"
        if server.workspace:
            self.headers["X-MLFLOW-WORKSPACE"] = server.workspace

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
        path = f"{self.prefix}{_API}{endpoint}"
        query = asked if method == "GET" else None
        body = None if query is not None else json.dumps(asked).encode()
        address = f"{self.origin}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - the scheme is checked
        try:
            with self.opener.open(request, timeout=self.server.timeout) as response:
                status, raw, sent = response.status, response.read(MAX_ANSWER + 1), response.headers
        except urllib.error.HTTPError as error:
            with error:
                status, raw, sent = error.code, error.read(MAX_ANSWER + 1), error.headers
        except (urllib.error.URLError, ssl.SSLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise UnreadableInputError(
                f"the MLflow server cannot be reached ({reason})",
                where=f"{self.origin}{path}",
                remedy="check the address and that the server runs",
            ) from error
        if status in {401, 403}:
            raise UnreadableInputError(
                f"the MLflow server answers {status}",
                where=f"{self.origin}{path}",
                remedy="give a token, or a user and password, that may read",
            )
        if len(raw) > MAX_ANSWER:
            raise UnreadableInputError(
                f"an answer is larger than {MAX_ANSWER} bytes",
                where=f"{self.origin}{path}",
                remedy="import the server's database instead",
            )
        return {
            "name": name,
            "method": method,
            "path": path,
            "query": query,
            "body": None if body is None else asked,
            "status": status,
            "content_type": sent.get("Content-Type", ""),
            **({"at": at} if (at := _date(sent.get("Date"))) else {}),
            **({"workspace": self.server.workspace} if self.server.workspace else {}),
            "response": raw.decode("utf-8", "replace"),
        }


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only on the same server: another one would be sent the credentials."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request to follow, or raise when it leads elsewhere."""
        parts = urlsplit(newurl)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            raise UnreadableInputError(
                "the MLflow server sends us to another address",
                where=newurl.partition("?")[0],
                remedy="name that address, if it is the right one",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _checked(address: str) -> Any:
    parts = urlsplit(address)
    refused = ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        refused = "it is no http or https address"
    elif parts.username is not None or parts.query or parts.fragment:
        refused = "it carries a user, a query or a fragment"
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        refused = "an address on another machine must be https"
    if refused:
        shown = address.partition("@")[2] or address
        raise UnreadableInputError(refused, where=shown, remedy="give https://host[:port][/prefix]")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _date(header: str | None) -> str:
    """Return the server's own time as ISO 8601, which dates the snapshot; "" when it sends none."""
    try:
        moment = parsedate_to_datetime(header) if header else None
    except ValueError:
        return ""
    if moment is None:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


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
