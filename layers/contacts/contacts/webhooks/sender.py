"""Sends requests to endpoints: resolves their hosts, checks the addresses, and posts within the time limits."""

import io
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final

from contacts.webhooks.endpoints import (
    Addresses,
    Endpoint,
    NoSuchHost,
    NotResolved,
    UnsafeEndpoint,
    endpoint_of,
    is_public,
)
from contacts.webhooks.model import LONGEST_ATTEMPT, RESPONSE_KEPT, Reply

PATIENCE: Final = 3.0
"""Seconds in which the resolver has to answer."""
_NO_SUCH_HOST: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)


def _system_lookup(host: str, port: int, **options: Any) -> list[Any]:
    return socket.getaddrinfo(host, port, **options)


class EndpointAddresses:
    """`webhooks.endpoints.Addresses` by the resolver of the system."""

    def __init__(
        self,
        private_allowed: bool,
        lookup: Callable[..., list[Any]] = _system_lookup,
        patience: float = PATIENCE,
    ) -> None:
        """`lookup`: takes what `socket.getaddrinfo` takes. `patience`: seconds in which it has to answer."""
        self._private_allowed = private_allowed
        self._lookup = lookup
        self._patience = patience

    @property
    def private_allowed(self) -> bool:
        """Whether endpoints may be in private networks, and be called by plain http."""
        return self._private_allowed

    def of(self, host: str, port: int) -> list[str]:
        """The addresses of a host, IPv4 first (a function outside of a VPC can connect to no other).

        A host with one address that is not public is refused whole: its DNS can put that address first at any time.

        Raises:
            UnsafeEndpoint: an address is not public, and only public ones may be called.
            NoSuchHost: there is no such host.
            NotResolved: the resolver did not answer in time.
        """
        try:
            found = [str(ip_address(host))]
        except ValueError:
            found = self._resolved(host, port)
        if not self._private_allowed and not all(map(is_public, found)):
            raise UnsafeEndpoint
        return sorted(dict.fromkeys(found), key=lambda address: ":" in address)

    def _resolved(self, host: str, port: int) -> list[str]:
        answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._lookup(host, port, type=socket.SOCK_STREAM))
            except Exception as error:  # noqa: BLE001 (the waiting thread raises it)
                answers.put(error)

        # getaddrinfo has no timeout. The daemon thread that waits for it does not keep the process alive.
        Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=self._patience)
        except Empty:
            raise NotResolved from None
        if isinstance(answer, Exception):
            raise _resolution_error(answer) from None
        return [str(address[0]) for *_, address in answer]


def _resolution_error(error: Exception) -> Exception:
    match error:
        case socket.gaierror() if error.errno in _NO_SUCH_HOST:
            return NoSuchHost()
        case UnicodeError():  # a label that no name can have
            return NoSuchHost()
        case OSError():
            return NotResolved()
        case _:
            return error


LONGEST_CONNECT: Final = 3.0
"""Seconds for connecting, TLS included, to all of a host's addresses together."""
_PIECE: Final = 1 << 16
"""Bytes that are sent at once. The timeout of each piece is the time that is left."""
_OTHER_HOST: Final = frozenset({62, 64})
"""OpenSSL's verify codes for a certificate of another host or address. Python's message would repeat the host."""

_FAILURES: Final = (OSError, HTTPException, NoSuchHost, NotResolved, UnsafeEndpoint)
"""What an exchange with an endpoint can raise."""


def tls_context() -> ssl.SSLContext:
    """TLS for calls of endpoints: 1.2 or later; verifies the host's name against the system's authorities."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class WebhookSender:
    """`webhooks.delivery.Sender` over HTTP/1.1."""

    def __init__(
        self,
        addresses: Addresses,
        tls: ssl.SSLContext,
        longest_connect: float = LONGEST_CONNECT,
        longest_attempt: float = LONGEST_ATTEMPT,
    ) -> None:
        """Both limits are in seconds."""
        self._addresses = addresses
        self._tls = tls
        self._longest_connect = longest_connect
        self._longest_attempt = longest_attempt

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a body. The reply's error is a short text for the endpoint's owner, without details of this service."""
        began = monotonic()
        status, error, response = None, None, None
        try:
            endpoint = endpoint_of(url, private_allowed=self._addresses.private_allowed)
        except ValueError:
            error = "address not allowed"  # It was allowed when the webhook was registered.
        else:
            try:
                status, response = self._exchange(endpoint, headers, body, began + self._longest_attempt)
            except _FAILURES as failure:
                error = _error_text(failure)
        if status is not None and 300 <= status < 400:
            error = "redirect not followed"
        duration_ms = round((monotonic() - began) * 1000)
        return Reply(status_code=status, error=error, duration_ms=duration_ms, response=response)

    def _exchange(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, ends: float
    ) -> tuple[int, str]:
        """The status, and the first KB of the response's body. `ends`: the deadline, as `monotonic` counts.

        Raises:
            One of _FAILURES.
        """
        with closing(self._connected(endpoint, ends)) as connected:
            connection = HTTPConnection(endpoint.host, endpoint.port)
            connection.sock = _TimedSocket(connected, ends)
            # An endpoint may respond and close the connection before it has read the whole body.
            with suppress(BrokenPipeError):
                connection.request(
                    *("POST", endpoint.target, body),
                    headers={"Host": endpoint.authority, "Connection": "close", **headers},
                )
            answer = connection.getresponse()
            return answer.status, _first_kb(answer)

    def _connected(self, endpoint: Endpoint, ends: float) -> socket.socket:
        """A connection to the first of the host's addresses that accepts one. `ends`: as in `_exchange`.

        Raises:
            One of _FAILURES.
        """
        addresses = self._addresses.of(endpoint.host, endpoint.port)
        ends = min(ends, monotonic() + self._longest_connect)
        plain = _first_to_connect(addresses, endpoint.port, ends)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if endpoint.scheme == "http":
                return plain
            # A socket's timeout limits the TLS handshake as a whole.
            plain.settimeout(_seconds_left(ends))
            return self._tls.wrap_socket(plain, server_hostname=endpoint.host)
        except BaseException:
            plain.close()
            raise


def _first_to_connect(addresses: Sequence[str], port: int, ends: float) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_seconds_left(ends))
        except OSError as error:
            failure = failure or error
    raise failure or NoSuchHost


class _TimedSocket:
    """A socket, as far as `http.client` needs one. The timeout of every call is the time that is left."""

    def __init__(self, connected: socket.socket, ends: float) -> None:
        self._connected = connected
        self._ends = ends

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        rest = memoryview(data)
        while rest:
            self._connected.settimeout(_seconds_left(self._ends))
            rest = rest[self._connected.send(rest[:_PIECE]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of the response."""
        return io.BufferedReader(_Arriving(self._connected, self._ends))

    def close(self) -> None:
        """Do nothing: `http.client` calls this while it still reads the response. The opener closes the socket."""


class _Arriving(io.RawIOBase):
    def __init__(self, connected: socket.socket, ends: float) -> None:
        self._connected = connected
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connected.settimeout(_seconds_left(self._ends))
        return self._connected.recv_into(buffer)


def _first_kb(answer: HTTPResponse) -> str:
    """The first KB of a response's body, as text of at most 1 KB in UTF-8. A body that breaks off is no error."""
    read = b""
    with suppress(OSError, HTTPException):
        while len(read) < RESPONSE_KEPT:
            piece = answer.read1(RESPONSE_KEPT - len(read))
            if not piece:
                break
            read += piece
    # Each byte that is no UTF-8 is replaced by three, so the text is cut once more.
    return read.decode("utf-8", "replace").encode()[:RESPONSE_KEPT].decode("utf-8", "ignore")


def _seconds_left(ends: float) -> float:
    """Seconds until a deadline.

    Raises:
        TimeoutError: the deadline is over.
    """
    left = ends - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _error_text(failure: Exception) -> str:
    """The error that the endpoint's owner sees: a fixed text for each kind of failure."""
    match failure:
        case NoSuchHost():
            return "no such host"
        case NotResolved():
            return "name not resolved"
        case UnsafeEndpoint():
            return "address not allowed"
        case TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError() | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return "connection reset"
        case ssl.SSLCertVerificationError():
            is_others = failure.verify_code in _OTHER_HOST
            return f"tls: {'certificate of another host' if is_others else failure.verify_message}"
        case ssl.SSLError():
            return "tls: handshake failed"
        case HTTPException():
            return "answer is not HTTP"
        case _:
            return "host unreachable"
