"""What may a sender of OpenLineage events say over HTTP, and what is it told?

`POST /api/v1/lineage` takes one event, `POST /api/v1/lineage/batch` a list of them, as Marquez and the OpenLineage
clients speak: JSON, plain or gzip, of known length or chunked. 201 is said only when the event is safe on disk. A body
that is no event is answered 4xx and kept, so that the import shows it among the problems.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
import sys
import threading
import zlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lineage import __version__
from lineage.framing import MAX_RECORD
from lineage.source import Origin, Problem, Record, sources
from lineage.spool import Spool
from lineage.text import MalformedError, clip, dumps, loads

MAX_BODY = MAX_RECORD
"""Bytes of one body, packed or unpacked, beyond which it is refused."""

MAX_CONNECTIONS = 64
"""Connections served at one moment; the next is told to come again."""

MAX_REFUSED = 1_000
"""Bad bodies kept in one sitting, so that a broken sender does not fill the disk."""

_KEPT = 64 * 1024
_IDLE = 30.0
_PATHS = ("/api/v1/lineage", "/api/v1/lineage/batch")
_HEALTH = frozenset({"/health", "/healthcheck", "/ping"})


class Receiver(ThreadingHTTPServer):
    """The server: puts what it is sent into a spool.

    Attributes:
        received, refused: how many bodies were taken and refused.
        fresh: set whenever something new lies in the spool.
    """

    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, place: tuple[str, int], spool: Spool, token: str = "") -> None:
        self.spool = spool
        self.token = token
        self.received = 0
        self.refused = 0
        self.fresh = threading.Event()
        self._counting = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self.reader = next(source for source in sources() if source.NAME == "openlineage")
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        super().__init__(place, _Conversation)

    def server_bind(self) -> None:
        """Bind without asking the name service for our own name, which may take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or say that there are too many."""
        if not self._places.acquire(blocking=False):
            try:
                request.settimeout(1)
                request.sendall(
                    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                    b"Connection: close\r\n\r\n"
                )
            except OSError:
                pass
            self.shutdown_request(request)
            return
        with self._counting:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._counting:
                self._open.discard(request)
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a sender that went away: what it was not told is not promised. The rest is our fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End the connections that wait for nothing, so that their threads end."""
        with self._counting:
            waiting = list(self._open)
        for connection in waiting:
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                continue

    def keep(self, body: bytes) -> None:
        """Keep a body that was taken; raises `OSError` when the disk does not take it."""
        self.spool.append(body)
        with self._counting:
            self.received += 1
        self.fresh.set()

    def keep_refused(self, body: bytes, reason: str, sender: str) -> None:
        """Keep a body that was refused, its first 64 KiB, as a line of which the import makes a problem."""
        with self._counting:
            self.refused += 1
            if self.refused > MAX_REFUSED:
                return
        said = {
            "refused": body[:_KEPT].decode("utf-8", "replace"),
            "reason": reason,
            "bytes": len(body),
            "sender": sender,
        }
        self.spool.append(dumps(said))
        self.fresh.set()


class _Conversation(BaseHTTPRequestHandler):
    """One connection."""

    server: Receiver
    protocol_version = "HTTP/1.1"
    server_version = f"modeltrail/{__version__}"
    sys_version = ""
    timeout = _IDLE

    def do_GET(self) -> None:
        """Say that we are there."""
        if self._is_welcome():
            path = self.path.partition("?")[0]
            self._answer(HTTPStatus.OK if path in _HEALTH else HTTPStatus.NOT_FOUND, {"healthy": True})

    def do_POST(self) -> None:
        """Take an event or a list of events."""
        if not self._is_welcome():
            return
        path = self.path.partition("?")[0].rstrip("/")
        if path not in _PATHS:
            self._refuse(HTTPStatus.NOT_FOUND, f"events are sent to {_PATHS[0]}")
            return
        try:
            body = self._body()
        except _RefusedError as error:
            self._refuse(error.status, error.reason, error.body)
            return
        batch = path.endswith("/batch")
        reason = self._fault(body, batch=batch)
        if reason:
            self._refuse(HTTPStatus.BAD_REQUEST, reason, body)
            return
        try:
            self.server.keep(body)
        except OSError as error:
            reason = f"the event cannot be kept: {error.strerror or error}"
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, reason)
            return
        self._answer(HTTPStatus.CREATED, None)

    def _is_welcome(self) -> bool:
        """Refuse what a web page in a browser could send, by its own or by a borrowed name, and wrong tokens."""
        host = self.headers.get("Host", "")
        if len(self.headers.get_all("Host") or ()) != 1 or not _is_ours(host, self.server):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "the Host header does not name this listener")
        elif self.headers.get("Origin") is not None or self.headers.get("Sec-Fetch-Site") is not None:
            self._refuse(HTTPStatus.FORBIDDEN, "web pages may not send here")
        elif self.server.token and not hmac.compare_digest(
            self.headers.get("Authorization", "").encode(), f"Bearer {self.server.token}".encode()
        ):
            self._refuse(HTTPStatus.UNAUTHORIZED, "a bearer token is asked for")
        else:
            return True
        return False

    def _body(self) -> bytes:
        kind = self.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise _RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"an event is application/json, not {kind}"
            )
        packing = self.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in {"identity", "gzip", "x-gzip"}:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{packing} is not unpacked here, gzip is")
        coding, said = self.headers.get("Transfer-Encoding", "").lower(), self.headers.get("Content-Length")
        if coding:
            if coding != "chunked" or said is not None:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "a body is chunked, or its length is told")
            body = self._chunks()
        else:
            if said is None:
                raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "the length of the body is not told")
            body = self._exactly(_whole_number(said, 10))
        return body if packing == "identity" else _unpacked(body)

    def _exactly(self, length: int) -> bytes:
        if length > MAX_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY} bytes")
        try:
            body = self.rfile.read(length)
        except TimeoutError as error:
            raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly") from error
        if len(body) < length:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the body is cut off", body)
        return body

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            length = _whole_number(self.rfile.readline(100).partition(b";")[0].strip().decode("latin-1"), 16)
            if not length:
                break
            size += length
            if size > MAX_BODY:
                raise _RefusedError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY} bytes"
                )
            parts.append(self._exactly(length))
            if self.rfile.readline(3) != b"\r\n":
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "a chunk has another length than it says")
        for _ in range(100):
            if self.rfile.readline(8192) in {b"\r\n", b"\n", b""}:
                return b"".join(parts)
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "the trailer does not end")

    def _fault(self, body: bytes, *, batch: bool) -> str:
        """Return why a body is no event, or no list of events; "" when it is."""
        try:
            value = loads(body)
        except MalformedError as error:
            return f"the body is no JSON: {error.reason}"
        if not batch:
            if not isinstance(value, dict):
                return (
                    "the body is no event but a list, a text or a number; lists go to /api/v1/lineage/batch"
                )
            return self._fault_of(body)
        if not isinstance(value, list):
            return "a batch is a list of events"
        faults = [(number, self._fault_of(dumps(event))) for number, event in enumerate(value)]
        return next((f"event {number} of the batch: {fault}" for number, fault in faults if fault), "")

    def _fault_of(self, event: bytes) -> str:
        said = list(self.server.reader.read(Record(event), Origin("")))
        fatal = [item for item in said if isinstance(item, Problem) and item.fatal]
        return fatal[0].reason if fatal and len(fatal) == len(said) else ""

    def _refuse(self, status: HTTPStatus, reason: str, body: bytes = b"") -> None:
        """Answer that it was not taken, and why; the connection ends, since what is left on it is not known."""
        self.close_connection = True
        if body:
            try:
                self.server.keep_refused(body, reason, self.client_address[0])
            except OSError:
                reason += "; nor can it be kept as a problem"
        self._answer(status, {"code": int(status), "message": clip(reason, 500)})

    def _answer(self, status: HTTPStatus, said: dict[str, Any] | None) -> None:
        text = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        if text:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "5")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Write no log: headers may hold credentials."""


class _RefusedError(Exception):
    """A body that cannot be taken."""

    def __init__(self, status: HTTPStatus, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.body = body


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine itself, by a name or number that cannot lead elsewhere.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ours(host: str, server: Receiver) -> bool:
    """Tell whether a Host header names us: a borrowed name (DNS rebinding) is a name, never a number."""
    name, _, port = host.lower().rpartition(":") if not host.endswith("]") else (host.lower(), "", "")
    if not name:
        name, port = port, ""
    name = name.strip("[]")
    if port and port != str(server.server_port):
        return False
    if is_loopback(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return not is_loopback(server.server_name) and name == socket.gethostname().lower()
    return not is_loopback(server.server_name)


def _whole_number(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not text or len(text) > 15 or any(letter not in digits for letter in text.lower()):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "the length of the body is no number")
    return int(text, base)


def _unpacked(body: bytes) -> bytes:
    """Return a gzip body unpacked, read no further than the limit."""
    unpacking = zlib.decompressobj(31)
    try:
        plain = unpacking.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"the body is no gzip: {error}", body) from error
    if len(plain) > MAX_BODY:
        raise _RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body unpacks to at most {MAX_BODY} bytes"
        )
    if not unpacking.eof or unpacking.unused_data:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "the packed body is cut off or has more behind it", body)
    return plain
