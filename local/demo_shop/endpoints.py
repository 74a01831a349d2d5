"""The endpoints of the shop's webhooks: three paths of one server on loopback, which answers as their names say.

It runs while `make demo` works, and with `make demo LISTEN=1` until Ctrl-C. By then the warehouse is mended: what is
sent to it again arrives.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Final, NamedTuple

from local.errors import LocalStackError

HOST: Final = "127.0.0.1"
FAILS_EVERY: Final = 6
"""Of the warehouse's events one in so many is answered 503 at first, and taken at the next attempt."""
FAILS_TWICE: Final = 3
"""The number of the event that takes three attempts."""
SLOW: Final = 5
"""The number of the event that is answered slowly."""
SLOW_S: Final = 3.0
GIVES_UP_AFTER: Final = 3
"""Requests that the old shop answers 500, before it says that it is gone."""


class Told(NamedTuple):
    """An answer: its status and text, after so many seconds."""

    status: int
    text: str = ""
    after_s: float = 0.0


OK: Final = Told(200, '{"ok": true}')
BUSY: Final = Told(503, "Service Unavailable: stocktaking")
BROKEN: Final = Told(500, "Internal Server Error: database is read-only")
PUZZLED: Final = Told(422, "Unprocessable Content: unknown event gift_wrap_requested")
"""What the warehouse answers to such an event until its developers know it."""
UNKNOWN_TO_WAREHOUSE: Final = "gift_wrap_requested"
GONE: Final = Told(410, "Gone: this shop has moved")


class Endpoints:
    """What each path answers. Threads may share one."""

    def __init__(self, *, is_mended: bool = False) -> None:
        """`is_mended`: whether the warehouse takes everything at once."""
        self._is_mended = is_mended
        self._lock = Lock()
        self._events: dict[tuple[str, str], int] = {}
        self._attempts: Counter[tuple[str, str]] = Counter()

    def answer(self, path: str, event_id: str, name: str | None = None) -> Told:
        """The answer to one request. `name`: of the event that the customer's own program has recorded."""
        with self._lock:
            event = (path, event_id)
            number = self._events.setdefault(event, sum(of == path for of, _ in self._events))
            self._attempts[event] += 1
            attempt = self._attempts[event]
            of_path = sum(count for (of, _), count in self._attempts.items() if of == path)
        if path == "/warehouse" and not self._is_mended:
            if name == UNKNOWN_TO_WAREHOUSE:
                return PUZZLED
            return _warehouse(number, attempt)
        if path == "/old-shop":
            return BROKEN if of_path <= GIVES_UP_AFTER else GONE
        return OK


def _warehouse(number: int, attempt: int) -> Told:
    """It fails now and then, and once it is slow. `number`: of the event, from 0 on."""
    if number == SLOW:
        return OK._replace(after_s=SLOW_S)
    fails = 2 if number == FAILS_TWICE else int(number % FAILS_EVERY == 1)
    return BUSY if attempt <= fails else OK


def _name_of(body: bytes) -> str | None:
    try:
        name = json.loads(body)["data"]["name"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def receivers(port: int, *, is_mended: bool = False) -> Iterator[str]:
    """The endpoints' server while it is entered; gives their common URL. Port 0: one that is free.

    Raises:
        LocalStackError: something else listens on the port.
    """
    endpoints = Endpoints(is_mended=is_mended)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = endpoints.answer(self.path, self.headers.get("webhook-id", ""), _name_of(body))
            time.sleep(told.after_s)
            self.send_response(told.status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(told.text.encode())))
            self.end_headers()
            self.wfile.write(told.text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    try:
        server = _Server((HOST, port), Handler)
    except OSError as error:
        raise LocalStackError(f"port {port} is not free ({error.strerror}): end what uses it") from error
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
