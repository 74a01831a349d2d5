"""Sockets to endpoints of webhooks that are not there: each has answered before it was asked."""

import socket
from collections.abc import Callable
from typing import Any


class EndpointSocket:
    """A socket to an endpoint that answers `answer`. When it is closed, `received` gets what was sent."""

    def __init__(self, answer: bytes, received: Callable[[bytes], object]) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._theirs.sendall(answer)
        self._received = received

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ours, name)

    def setsockopt(self, *_: Any) -> None:
        """Not on a socket of this kind."""

    def close(self) -> None:
        """Hand over what was sent."""
        self._ours.close()
        sent = b""
        while piece := self._theirs.recv(1 << 16):
            sent += piece
        self._theirs.close()
        self._received(sent)
