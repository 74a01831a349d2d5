"""The resolver of the system, asked for the addresses of endpoints and held to the rules for them."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from contacts.services.endpoints import NoSuchHost, NotResolved, UnsafeEndpoint, is_public

PATIENCE: Final = 3.0
"""Seconds."""
_NO_SUCH_HOST: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)


def _system_lookup(host: str, port: int, **options: Any) -> list[Any]:
    return socket.getaddrinfo(host, port, **options)


class EndpointAddresses:
    """`services.endpoints.Addresses`."""

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
