"""How is a server asked, patiently and without telling anybody the token? One call after the other, over HTTP.

An address on another machine must be https, its certificate is verified, and credentials go to that address only, never
along a redirect. A call that fails for the moment (429, 500, 502, 503, 504, a broken or cut answer, a time-out) is sent
again a few times, later each time, or when the server says; every answer has a limit of size and time.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import SplitResult, urlencode, urlsplit

from lineage.errors import UnreadableInputError

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer beyond which the server is not read on."""

LONGEST_WAIT = 120.0
"""Seconds that a server may make us wait before the next try."""

_AGAIN = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to speak to it.

    Attributes:
        address: `https://host[:port][/prefix]`; http only to this machine itself.
        token: a bearer token; with a `user`, nothing.
        user, password: for basic authentication, where there is no token.
        workspace: MLflow's workspace asked for; empty = the server's default.
        timeout: seconds that an answer may keep us waiting for its next bytes; a whole answer has ten times that.
        tries: how often a call is sent before it is given up.
        pause: waits that many seconds; raises `CancelledError` when the person asked to stop.
    """

    address: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    workspace: str = ""
    timeout: float = 30.0
    tries: int = 5
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: status, body exactly as received, headers."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def at(self) -> str:
        """The server's own time as ISO 8601; "" when it sends none."""
        moment = _date(self.headers.get("Date"))
        return moment.isoformat().replace("+00:00", "Z") if moment else ""


class _BrokenOffError(Exception):
    """The answer broke off, or took too long."""


class Line:
    """Sends the calls to one server.

    Attributes:
        origin: `https://host[:port]`; prefix: the path before that of the API.
    """

    def __init__(self, server: Server, headers: Mapping[str, str] | None = None) -> None:
        self.server = server
        parts = checked(server.address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.rstrip("/")
        ways: list[urllib.request.BaseHandler] = [_SameHost(self.origin)]
        if _is_loopback(parts.hostname or ""):
            ways.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*ways)
        self._headers = {"Accept": "application/json", "User-Agent": "modeltrail", **(headers or {})}
        if server.token:
            self._headers["Authorization"] = f"Bearer {server.token}"
        elif server.user:
            secret = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {secret}"

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Reply:
        """Send one call, again where that may help, and return the last answer; a `body` makes it a POST of JSON.

        Raises `UnreadableInputError` for a server that cannot be reached, wants credentials, sends us elsewhere or
        sends too much.
        """
        address = f"{self.origin}{self.prefix}{path}"
        sent = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, **({"Content-Type": "application/json"} if sent else {})}
        asked = address + (f"?{urlencode(query, doseq=True)}" if query else "")
        tried = 0
        while True:
            tried += 1
            request = urllib.request.Request(  # noqa: S310 - the scheme is checked
                asked, sent, headers, method="GET" if sent is None else "POST"
            )
            try:
                reply = self._once(request, address)
            except (urllib.error.URLError, HTTPException, OSError, _BrokenOffError) as error:
                # The reason of a certificate that is refused will not change.
                if tried >= self.server.tries or "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise UnreadableInputError(
                        f"the server cannot be reached ({getattr(error, 'reason', None) or error})",
                        where=address,
                        remedy="check the address and that the server runs",
                    ) from error
                self.server.pause(_delay(tried, None))
                continue
            if reply.status in {401, 403}:
                raise UnreadableInputError(
                    f"the server answers {reply.status}",
                    where=address,
                    remedy="give a token, or a user and password, that may read",
                )
            if reply.status not in _AGAIN or tried >= self.server.tries:
                return reply
            self.server.pause(_delay(tried, reply.headers.get("Retry-After")))

    def _once(self, request: urllib.request.Request, where: str) -> Reply:
        try:
            response = self._opener.open(request, timeout=self.server.timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            status = response.status or 0
            raw = self._body(response, where)
            return Reply(status, raw, response.headers)

    def _body(self, response: Any, where: str) -> bytes:
        end = time.monotonic() + 10 * self.server.timeout
        parts: list[bytes] = []
        size = 0
        while part := response.read(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise UnreadableInputError(
                    f"an answer is larger than {MAX_ANSWER} bytes",
                    where=where,
                    remedy="ask for less, or import a file of the server instead",
                )
            if time.monotonic() > end:
                raise _BrokenOffError("the answer takes too long")
        told = response.headers.get("Content-Length", "")
        if told.isdecimal() and int(told) > size and response.headers.get("Transfer-Encoding") is None:
            raise _BrokenOffError(f"the answer breaks off after {size} of {told} bytes")
        return b"".join(parts)


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
            fp.close()
            raise UnreadableInputError(
                "the server sends us to another address",
                where=f"{parts.scheme}://{parts.hostname}{parts.path}",
                remedy="name that address, if it is the right one",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def checked(address: str) -> SplitResult:
    """Return the parts of a server's address; raises `UnreadableInputError` for one that is not safe to call."""
    refused = ""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        refused = "it is no http or https address"
    elif parts.username is not None or parts.query or parts.fragment:
        refused = "it carries a user, a query or a fragment"
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        refused = "an address on another machine must be https"
    if refused:
        shown = (address.rpartition("@")[2] or address).partition("?")[0]
        raise UnreadableInputError(refused, where=shown, remedy="give https://host[:port][/prefix]")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _delay(tried: int, told: str | None) -> float:
    """Return the seconds to wait: as the server says (RFC 9110, 10.2.3), else twice as long each time, by chance less.

    Chance keeps many that were refused together from coming back together.
    """
    if told is not None and told.strip().isdecimal():
        return min(float(told), LONGEST_WAIT)
    moment = _date(told)
    if moment is not None:
        return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
    return min(0.5 * 2.0**tried, 30.0) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _date(header: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
