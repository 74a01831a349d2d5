"""Somebody's server on loopback: keeps what it is sent, and answers as it was told to.

with Receiver(500, 500, 200) as receiver:  # the last answer is given from then on
    ...receiver.url, receiver.requests...
"""

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

LONGEST_HANG = 60.0
"""Seconds; the end of the receiver ends it, too."""


@dataclass(frozen=True)
class Received:
    """A request. Names of headers are in lower case; `at` is in seconds since the epoch."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        return json.loads(self.body)


class Scripted(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    receiver: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.close_connection = True
        self.receiver.take(Received("POST", self.path, _lower(self.headers), body, time.time()))(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.wfile.write(data)
        self.wfile.flush()


Answer = Callable[[Scripted], None]
Told = int | str | tuple[int, bytes] | Answer
"""A status, a status with its body, `hang`, `reset`, or one of the functions below."""


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer; `_` in the name of a header stands for `-`."""

    def answer(connection: Scripted) -> None:
        connection.send_response_only(code)
        for name, value in headers.items():
            connection.send_header(name.replace("_", "-"), value)
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.raw(body)

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, Location=location)


def hang(connection: Scripted) -> None:
    """Take the request and say nothing."""
    connection.receiver.ends.wait(LONGEST_HANG)


def reset(connection: Scripted) -> None:
    """End the connection with a RST."""
    # Lingering for no time makes the system drop it.
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The file objects of the connection would keep it open.
    connection.rfile.close()
    connection.wfile.close()
    connection.connection.close()


def hang_up(connection: Scripted) -> None:
    """End the connection without an answer."""


def text(data: bytes) -> Answer:
    """Bytes that need not be HTTP."""
    return lambda connection: connection.raw(data)


def drip(data: bytes, seconds: float) -> Answer:
    """A byte every so many seconds, for as long as somebody listens; from the end on zeros."""

    def answer(connection: Scripted) -> None:
        for byte in data + b"0" * 10_000:
            if connection.receiver.ends.wait(seconds):
                return
            connection.raw(bytes([byte]))

    return answer


def huge(size: int, code: int = 200) -> Answer:
    """An answer of so many bytes, as long as somebody takes them; `Receiver.sent` tells how many were."""

    def answer(connection: Scripted) -> None:
        connection.raw(f"HTTP/1.1 {code} Here\r\nContent-Length: {size}\r\n\r\n".encode())
        piece = b"x" * 65_536
        while connection.receiver.sent < size:
            connection.raw(piece)
            connection.receiver.sent += len(piece)

    return answer


@dataclass
class _Script:
    answers: list[Answer]
    given: int = 0

    def next(self) -> Answer:
        answer = self.answers[min(self.given, len(self.answers) - 1)]
        self.given += 1
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Whoever was on the other side has gone; that is no news."""


@dataclass
class _Tls:
    """A server's certificate, and the names it was asked for."""

    context: ssl.SSLContext
    asked_for: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.sni_callback = lambda _socket, name, _context: self.asked_for.append(name)


class Receiver:
    """A server on a free port of its own, for as long as it is entered."""

    def __init__(self, *answers: Told, tls: ssl.SSLContext | None = None) -> None:
        """`answers`: to the first request, to the second and so on; none: always 200."""
        self.requests: list[Received] = []
        self.sent = 0
        self.ends = Event()
        self._lock = Lock()
        self._tls = None if tls is None else _Tls(tls)
        self.answer(*answers or (200,))
        self._server = _Server(("127.0.0.1", 0), type("Handler", (Scripted,), {"receiver": self}))
        if tls is not None:
            # The handshake is made by the thread of the connection, so that one who hangs in it delays nobody.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/"

    @property
    def names_asked_for(self) -> list[str | None]:
        """Of TLS handshakes (SNI)."""
        assert self._tls is not None
        return self._tls.asked_for

    def answer(self, *answers: Told) -> None:
        """Answer so from now on."""
        with self._lock:
            self._script = _Script([_as_answer(told) for told in answers])

    def take(self, received: Received) -> Answer:
        """Keep a request, and say what it is to be answered."""
        with self._lock:
            self.requests.append(received)
            return self._script.next()

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _as_answer(told: Told) -> Answer:
    match told:
        case int():
            return status(told)
        case "hang":
            return hang
        case "reset":
            return reset
        case (int() as code, bytes() as body):
            return status(code, body)
        case _ if callable(told):
            return told
    raise ValueError(told)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port
