"""How containers of Docker reach the emulator, which listens on loopback only.

A container has a loopback of its own; its way to this machine is the name host.docker.internal (`add_host` in
samconfig.toml). Docker Desktop leads that name to the loopback by itself. On Linux it is the address of Docker's
bridge: there a relay listens, for what comes in through that bridge and for nothing else. So no other machine of the
network is answered, not even one that sends packets for that address here.

Only the standard library: the emulator's process imports this.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from functools import partial

HOST = "host.docker.internal"
"""This machine's name in a container."""
BRIDGE = "docker0"
"""The network device of Docker's default bridge, to which `host-gateway` leads."""

_SECONDS_BETWEEN_LOOKS = 2.0
_AT_ONCE = 65_536
"""Bytes."""
_GET_ADDRESS = 0x8915
"""SIOCGIFADDR of Linux (netdevice(7))."""


def address_of(device: str) -> str | None:
    """The IPv4 address of a network device; None: there is no such device, it has none, or this is not Linux."""
    try:
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            answer = fcntl.ioctl(probe.fileno(), _GET_ADDRESS, struct.pack("256s", device.encode()[:15]))
    except (ImportError, OSError):
        return None
    return socket.inet_ntoa(answer[20:24])


def listening_on(device: str, port: int) -> socket.socket | None:
    """A socket that gets connections through this network device alone; None: it cannot be had."""
    address = address_of(device)
    if address is None or not hasattr(socket, "SO_BINDTODEVICE"):
        return None
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        return None
    return listener


async def relay(port: int, target: tuple[str, int], device: str = BRIDGE) -> None:
    """Hand on what comes in through a device, at `port`, to `target`, for as long as this runs.

    Docker may be started, and started again, after this.
    """
    address: str | None = None
    server: asyncio.Server | None = None
    try:
        while True:
            if server is not None and address_of(device) != address:
                server.close()
                server = None
            if server is None and (listener := listening_on(device, port)) is not None:
                address = address_of(device)
                server = await asyncio.start_server(partial(_connect, target), sock=listener)
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    finally:
        if server is not None:
            server.close()


async def _connect(
    target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Join one client with the target until both have said all."""
    with suppress(OSError):
        target_reader, target_writer = await asyncio.open_connection(*target)
        await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))
        target_writer.close()
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what is read, and its end: the other side may have more to say after that."""
    try:
        while data := await reader.read(_AT_ONCE):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
