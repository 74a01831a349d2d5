"""Containers and the emulator, without Docker: the relay from its bridge (here on `lo`), and whose keys count."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http.client import HTTPConnection

import pytest

from local.emulator import containers
from local.stack import HOST, LocalStack, free_port

LOOPBACK = "lo"

pytestmark = pytest.mark.skipif(
    containers.address_of(LOOPBACK) is None, reason="network devices are told apart on Linux alone"
)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say all that was heard, after a word of its own, once the client has ended."""
    heard = await reader.read()
    writer.write(b"heard " + heard)
    await writer.drain()
    writer.close()


async def said(port: int, words: bytes) -> bytes:
    """What is answered at a port."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(words)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def until_it_listens(port: int) -> None:
    for _ in range(200):
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing listens")


@asynccontextmanager
async def relayed(device: str = LOOPBACK) -> AsyncIterator[int]:
    """A port that leads to `echo`."""
    port = free_port()
    async with await asyncio.start_server(echo, HOST, 0) as server:
        target = server.sockets[0].getsockname()
        task = asyncio.create_task(containers.relay(port, target, device))
        try:
            yield port
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))  # type: ignore[arg-type]


def test_what_is_said_comes_through_both_ways() -> None:
    async def scenario() -> None:
        async with relayed() as port:
            await until_it_listens(port)
            megabyte = bytes(range(256)) * 4096
            answers = await asyncio.gather(*(said(port, megabyte) for _ in range(10)))
            assert set(answers) == {b"heard " + megabyte}

    run(scenario)


def test_it_listens_at_the_address_of_the_device_and_at_no_other() -> None:
    listener = containers.listening_on(LOOPBACK, port := free_port())
    assert listener is not None
    with listener:
        assert listener.getsockname() == (HOST, port)
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


def test_a_port_that_is_taken_is_left_to_whoever_has_it() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        assert containers.listening_on(LOOPBACK, other.getsockname()[1]) is None


def test_docker_may_be_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_SECONDS_BETWEEN_LOOKS", 0.02)
    address_of, is_up = containers.address_of, False
    monkeypatch.setattr(containers, "address_of", lambda device: address_of(device) if is_up else None)

    async def scenario() -> None:
        nonlocal is_up
        async with relayed() as port:
            await asyncio.sleep(0.1)
            with pytest.raises(OSError, match="Connect call failed"):
                await said(port, b"too early")
            is_up = True
            await until_it_listens(port)
            assert await said(port, b"now") == b"heard now"
            is_up = False
            await asyncio.sleep(0.1)
            with pytest.raises(OSError, match="Connect call failed"):
                await said(port, b"it was stopped")
            is_up = True
            await until_it_listens(port)
            assert await said(port, b"again") == b"heard again"

    run(scenario)


@pytest.mark.parametrize("device", ["", "no-such-device", "x" * 40, "lö"])
def test_what_is_no_device_has_no_address(device: str) -> None:
    assert containers.address_of(device) is None
    assert containers.listening_on(device, free_port()) is None


@pytest.mark.parametrize(
    "access_key", ["defaultkey", "AKIAEXAMPLEEXAMPLE12", "ASIAEXAMPLEEXAMPLE12", "test", "AKIA/with/slashes"]
)
def test_from_a_container_any_keys_will_do(emulator: LocalStack, access_key: str) -> None:
    """SAM hands a function those that the developer has, or makes some up."""
    assert listed_tables(emulator, containers.HOST, access_key) == 200


@pytest.mark.parametrize("host", ["localhost", f"{containers.HOST}.example.com", "docker.internal"])
def test_from_elsewhere_keys_must_be_known(emulator: LocalStack, host: str) -> None:
    assert listed_tables(emulator, host, "test") == 200
    assert listed_tables(emulator, host, "AKIAEXAMPLEEXAMPLE12") in (400, 403)


def listed_tables(emulator: LocalStack, host: str, access_key: str) -> int:
    """The status of an answer to a request with these keys, a session's among them, and with no true signature."""
    connection = HTTPConnection(HOST, emulator.port, timeout=30)
    scope = f"{access_key}/20260115/us-east-1/dynamodb/aws4_request"
    headers = {
        "Host": f"{host}:{emulator.port}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260115T103000Z",
        "X-Amz-Target": "DynamoDB_20120810.ListTables",
    }
    if access_key != "test":
        headers["X-Amz-Security-Token"] = "somebody's"
    connection.request("POST", "/", b"{}", headers)
    status = connection.getresponse().status
    connection.close()
    return status
