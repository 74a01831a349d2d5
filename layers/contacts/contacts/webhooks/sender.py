"""The resolver of the system, asked for the addresses of endpoints and held to the rules for them."""

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
"""Seconds."""
_NO_SUCH_HOST: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)


def _system_lookup(host: str, port: int, **options: Any) -> list[Any]:
    return socket.getaddrinfo(host, port, **options)


class EndpointAddresses:
    """`webhooks.endpoints.Addresses`."""

    def __init__(
        self,
        private_allowed: bool,
        lookup: Callable[..., list[Any]] = _system_lookup,
        patience: float = PATIENCE,
    ) -> None:
        """`lookup`: what stands in for `socket.getaddrinfo`; `patience`: how many seconds the resolver has."""
        self._private_allowed = private_allowed
        self._lookup = lookup
        self._patience = patience

    @property
    def private_allowed(self) -> bool:
        """Whether endpoints may be in private networks, and be called by plain http."""
        return self._private_allowed

    def of(self, host: str, port: int) -> list[str]:
        """The addresses of a host, IPv4 first (a function outside of a VPC has no other way out).

        One address that is not public spoils the host: whoever put it there can put it first the next time.

        Raises:
            UnsafeEndpoint: one of them is not public, and only public ones may be called.
            NoSuchHost: there is no such host.
            NotResolved: the resolver did not answer within the time it has.
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
            except Exception as error:  # noqa: BLE001 (it is raised where the answer is waited for)
                answers.put(error)

        # getaddrinfo knows no timeout; a thread that still waits for it does not keep the process from ending.
        Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=self._patience)
        except Empty:
            raise NotResolved from None
        if isinstance(answer, Exception):
            raise _meaning(answer) from None
        return [str(address[0]) for *_, address in answer]


def _meaning(error: Exception) -> Exception:
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
"""Bytes that are given to a socket at once: each piece has what is left of the time."""

# Of X509_verify_cert_error_string: the certificate is somebody else's. Python's own message repeats the host.
_OTHER_HOST: Final = frozenset({62, 64})

_FAILURES: Final = (OSError, HTTPException, NoSuchHost, NotResolved, UnsafeEndpoint)
"""What can come of trying."""


def tls_context() -> ssl.SSLContext:
    """What endpoints' certificates are held to: the system's authorities, the host's name, TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class WebhookSender:
    """`webhooks.delivery.Sender`."""

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
        """Send a body, and tell what came of it in words that hold nothing of ours."""
        began = monotonic()
        status, error, response = None, None, None
        try:
            endpoint = endpoint_of(url, private_allowed=self._addresses.private_allowed)
        except ValueError:
            error = "address not allowed"  # It was, when it was registered.
        else:
            try:
                status, response = self._exchange(endpoint, headers, body, began + self._longest_attempt)
            except _FAILURES as failure:
                error = _in_words(failure)
        if status is not None and 300 <= status < 400:
            error = "redirect not followed"
        duration_ms = round((monotonic() - began) * 1000)
        return Reply(status_code=status, error=error, duration_ms=duration_ms, response=response)

    def _exchange(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, ends: float
    ) -> tuple[int, str]:
        """The status, and the beginning of the answer's body; `ends`: when all must be over.

        Raises:
            One of _FAILURES.
        """
        with closing(self._connected(endpoint, ends)) as connected:
            connection = HTTPConnection(endpoint.host, endpoint.port)
            connection.sock = _TimedSocket(connected, ends)
            # Who answers before it has read all of the body closes the connection on what we still send.
            with suppress(BrokenPipeError):
                connection.request(
                    *("POST", endpoint.target, body),
                    headers={"Host": endpoint.authority, "Connection": "close", **headers},
                )
            answer = connection.getresponse()
            return answer.status, _beginning(answer)

    def _connected(self, endpoint: Endpoint, ends: float) -> socket.socket:
        """A connection to the first of the host's addresses that takes one.

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
            # The time for a handshake is a limit of all of it.
            plain.settimeout(_left(ends))
            return self._tls.wrap_socket(plain, server_hostname=endpoint.host)
        except BaseException:
            plain.close()
            raise


def _first_to_connect(addresses: Sequence[str], port: int, ends: float) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_left(ends))
        except OSError as error:
            failure = failure or error
    raise failure or NoSuchHost


class _TimedSocket:
    """What `http.client` needs of a socket, every call within what is left of the time."""

    def __init__(self, connected: socket.socket, ends: float) -> None:
        self._connected = connected
        self._ends = ends

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        rest = memoryview(data)
        while rest:
            self._connected.settimeout(_left(self._ends))
            rest = rest[self._connected.send(rest[:_PIECE]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What arrives."""
        return io.BufferedReader(_Arriving(self._connected, self._ends))

    def close(self) -> None:
        """Not yet: `http.client` closes a connection while it still reads the answer. Whoever opened it closes it."""


class _Arriving(io.RawIOBase):
    def __init__(self, connected: socket.socket, ends: float) -> None:
        self._connected = connected
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connected.settimeout(_left(self._ends))
        return self._connected.recv_into(buffer)


def _beginning(answer: HTTPResponse) -> str:
    """The first KB of a body, as text of no more. The status has come: that the rest does not changes nothing."""
    read = b""
    with suppress(OSError, HTTPException):
        while len(read) < RESPONSE_KEPT:
            piece = answer.read1(RESPONSE_KEPT - len(read))
            if not piece:
                break
            read += piece
    # A byte that is no text is replaced by three.
    return read.decode("utf-8", "replace").encode()[:RESPONSE_KEPT].decode("utf-8", "ignore")


def _left(ends: float) -> float:
    """Seconds until then.

    Raises:
        TimeoutError: there are none.
    """
    left = ends - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _in_words(failure: Exception) -> str:
    """What owners of endpoints are told; always the same for the same, and nothing of our side."""
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
