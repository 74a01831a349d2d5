"""Calls to endpoints, over real sockets: what arrives, and every way in which a receiver can behave badly."""

import gzip
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from contacts.webhooks import sender as webhook_sender
from contacts.webhooks.delivery import signed_headers
from contacts.webhooks.endpoints import NoSuchHost, NotResolved, UnsafeEndpoint
from contacts.webhooks.model import LONGEST_ATTEMPT, Reply
from contacts.webhooks.sender import EndpointAddresses, WebhookSender, tls_context
from tests.support.receiver import Receiver, closed_port, drip, hang_up, huge, redirect, status, text

HEADERS = {"Content-Type": "application/json", "User-Agent": "Contacts-Webhooks/1", "webhook-id": "e-1"}
BODY = '{"name":"Олена さくら"}'.encode()
HOST = "hooks.example.com"
SECRET = "whsec_" + "QUJD" * 8


class Resolver:
    """`Addresses` on paper."""

    private_allowed = True

    def __init__(self, *addresses: str, error: type[Exception] | None = None) -> None:
        self._addresses = addresses
        self._error = error
        self.asked: list[tuple[str, int]] = []

    def of(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        if self._error is not None:
            raise self._error
        return list(self._addresses) or [host]


def sent(
    url: str,
    *,
    addresses: Any = None,
    tls: ssl.SSLContext | None = None,
    connect: float = 2,
    in_all: float = 4,
    body: bytes = BODY,
) -> Reply:
    sender = WebhookSender(addresses or Resolver(), tls or tls_context(), connect, in_all)
    return sender.post(url, HEADERS, body)


# What arrives


def test_it_arrives_as_it_was_sent() -> None:
    with Receiver((200, b"thanks")) as receiver:
        reply = sent(f"{receiver.url}contacts?from=crm&x=%C3%A9")
    (received,) = receiver.requests
    assert (received.method, received.path, received.body) == ("POST", "/contacts?from=crm&x=%C3%A9", BODY)
    assert dict(received.headers) == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "user-agent": "Contacts-Webhooks/1",
        "accept-encoding": "identity",
        "connection": "close",
        "webhook-id": "e-1",
    }
    assert replace(reply, duration_ms=0) == Reply(
        status_code=200, error=None, duration_ms=0, response="thanks"
    )
    assert 0 <= reply.duration_ms < 2000


def test_receivers_verify_it_with_the_public_package_by_each_secret() -> None:
    now, newer = int(time.time()), "whsec_" + "REVG" * 8
    headers = HEADERS | signed_headers("e-1", now, BODY.decode(), (newer, SECRET))
    with Receiver() as receiver:
        WebhookSender(Resolver(), tls_context()).post(receiver.url, headers, BODY)
    (received,) = receiver.requests
    for secret in (SECRET, newer):
        assert Webhook(secret).verify(received.body, dict(received.headers)) == received.json()
    assert received.headers["webhook-timestamp"] == str(now)
    assert len(received.headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("code", [200, 204, 299, 400, 404, 410, 429, 500, 503])
def test_a_status_is_what_it_is(code: int) -> None:
    with Receiver(code) as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error, reply.response) == (code, None, "")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(code: int) -> None:
    with Receiver() as elsewhere, Receiver(redirect(elsewhere.url, code)) as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error) == (code, "redirect not followed")
    assert elsewhere.requests == []


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with Receiver() as receiver:
        assert sent(receiver.url).status_code == 200


# Where it goes


def test_the_checked_address_is_called_and_the_host_named() -> None:
    addresses = Resolver("127.0.0.1")
    with Receiver() as receiver:
        reply = sent(f"http://{HOST}:{receiver.port}/contacts", addresses=addresses)
    assert reply.status_code == 200
    assert receiver.requests[0].headers["host"] == f"{HOST}:{receiver.port}"
    assert addresses.asked == [(HOST, receiver.port)]


def test_nobody_else_resolves_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved: list[str] = []
    lookup = socket.getaddrinfo

    def watched(host: str, *others: Any, **more: Any) -> Any:
        resolved.append(host)
        return lookup(host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    with Receiver() as receiver:
        sent(f"http://{HOST}:{receiver.port}/", addresses=Resolver("127.0.0.1"))
    assert set(resolved) <= {"127.0.0.1"}


def test_the_next_address_is_tried_where_one_takes_no_connection() -> None:
    with Receiver() as receiver:
        reply = sent(f"http://{HOST}:{receiver.port}/", addresses=Resolver("::1", "127.0.0.1"))
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnsafeEndpoint, "address not allowed"),
        (NoSuchHost, "no such host"),
        (NotResolved, "name not resolved"),
    ],
)
def test_where_there_is_no_address_nothing_is_sent(error: type[Exception], words: str) -> None:
    with Receiver() as receiver:
        reply = sent(receiver.url, addresses=Resolver(error=error))
    assert (reply.status_code, reply.error, reply.response) == (None, words, None)
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", HOST])
def test_private_addresses_are_not_called(host: str) -> None:
    def lookup(*_: object, **__: object) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    with Receiver() as receiver:
        reply = sent(f"https://{host}:{receiver.port}/", addresses=EndpointAddresses(False, lookup))
    assert reply.error == "address not allowed"
    assert receiver.requests == []


def test_an_endpoint_that_could_no_longer_be_registered_is_not_called() -> None:
    with Receiver() as receiver:
        reply = sent(receiver.url, addresses=EndpointAddresses(False))
    assert reply.error == "address not allowed"
    assert receiver.requests == []


def test_nobody_listens() -> None:
    reply = sent(f"http://127.0.0.1:{closed_port()}/")
    assert (reply.status_code, reply.error, reply.response) == (None, "connection refused", None)


# Bad receivers. All limits are the same; here they are short.


def test_the_limits_are_what_is_promised() -> None:
    assert webhook_sender.LONGEST_CONNECT == 3
    assert LONGEST_ATTEMPT == 15


def test_one_that_hangs_is_given_up() -> None:
    with Receiver("hang") as receiver:
        reply = sent(receiver.url, in_all=0.5)
    assert (reply.status_code, reply.error, reply.response) == (None, "timeout", None)
    assert 500 <= reply.duration_ms < 1500


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 100 Continue\r\n\r\n" * 100],
    ids=["status line", "headers", "interim answers"],
)
def test_one_that_sends_a_byte_now_and_then_is_given_up(beginning: bytes) -> None:
    """Each byte comes well within the time that a single read may take."""
    with Receiver(drip(beginning, 0.02)) as receiver:
        reply = sent(receiver.url, in_all=0.6)
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert 600 <= reply.duration_ms < 1600


def test_the_status_counts_even_if_the_body_never_ends() -> None:
    beginning = b"HTTP/1.1 202 Yes\r\nContent-Length: 500\r\n\r\nso far"

    def answer(connection: Any) -> None:
        connection.raw(beginning)
        drip(b".", 0.05)(connection)

    with Receiver(answer) as receiver:
        reply = sent(receiver.url, in_all=0.6)
    assert (reply.status_code, reply.error) == (202, None)
    assert reply.response is not None
    assert reply.response.startswith("so far.")
    assert 600 <= reply.duration_ms < 1600


def test_one_that_does_not_read_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        reply = sent(url, in_all=0.5, body=b"x" * 32_000_000)
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert reply.duration_ms < 1500


def test_one_that_answers_before_it_has_read_all_is_heard() -> None:
    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.3)
            while connection.recv(1 << 20):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=refuse, args=(listening,))
        thread.start()
        reply = sent(f"http://127.0.0.1:{listening.getsockname()[1]}/", body=b"x" * 16_000_000)
        thread.join()
    assert (reply.status_code, reply.error) == (413, None)


def test_one_that_resets() -> None:
    with Receiver("reset") as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error, reply.response) == (None, "connection reset", None)


def test_one_that_hangs_up() -> None:
    with Receiver(hang_up) as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error) == (None, "connection reset")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
    ids=["another protocol", "no status", "a header of 200 KB", "a thousand headers"],
)
def test_one_that_does_not_speak_http(nonsense: bytes) -> None:
    with Receiver(text(nonsense)) as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error) == (None, "answer is not HTTP")


def test_a_hundred_megabytes_are_not_read() -> None:
    with Receiver(huge(100_000_000)) as receiver:
        reply = sent(receiver.url)
        assert (reply.status_code, reply.error) == (200, None)
        assert reply.response == "x" * 1024
        assert reply.duration_ms < 1000
    # What the buffers of both sides took; the rest was never sent.
    assert receiver.sent < 20_000_000


def test_nothing_is_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    with Receiver(status(200, bomb, Content_Encoding="gzip")) as receiver:
        reply = sent(receiver.url)
    assert reply.response is not None
    assert bomb[:300].decode("utf-8", "replace").startswith(reply.response[:100])
    assert len(reply.response.encode()) <= 1024


def test_a_body_in_chunks_is_put_together() -> None:
    chunks = b"".join(b"100\r\n" + b"y" * 256 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n"
    with Receiver(text(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)) as receiver:
        reply = sent(receiver.url)
    assert reply.response == "y" * 1024


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Length: 9", b"X: y"])
def test_a_body_that_breaks_off_is_kept_as_far_as_it_came(framing: bytes) -> None:
    body = b"5\r\nabcde\r\n" if b"chunked" in framing else b"abcde"
    with Receiver(text(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body)) as receiver:
        reply = sent(receiver.url)
    assert (reply.status_code, reply.error, reply.response) == (200, None, "abcde")


def test_what_is_not_utf8_is_kept_readable() -> None:
    with Receiver((200, b"caf\xe9 \x00 \xf0\x9f\x98\x80")) as receiver:
        reply = sent(receiver.url)
    assert reply.response == "caf\ufffd \x00 😀"


@pytest.mark.parametrize("body", [b"\xff" * 5000, "é".encode() * 5000, b"x" + "😀".encode() * 5000])
def test_no_more_than_a_kilobyte_is_kept(body: bytes) -> None:
    with Receiver((200, body)) as receiver:
        reply = sent(receiver.url)
    assert reply.response is not None
    assert 1020 <= len(reply.response.encode()) <= 1024


# TLS


class Authority:
    """Signs certificates, and is trusted by nobody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        self._certificate = self._signed(self._name, self._key, is_authority=True)

    def trusted(self) -> ssl.SSLContext:
        context = tls_context()
        context.load_verify_locations(cadata=self._certificate.public_bytes(_PEM).decode())
        return context

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = self._signed(subject, key, names=names, expired=expired)
        path = self._folder / f"{certificate.serial_number}.pem"
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + certificate.public_bytes(_PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: tuple[str, ...] = (),
        *,
        is_authority: bool = False,
        expired: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        ends = now - timedelta(days=1) if expired else now + timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(
                x509.KeyUsage(
                    *(not is_authority, False, False, False, False, is_authority, is_authority, False, False)
                ),
                critical=True,
            )
        )
        if names:
            alternatives = [
                x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
                for name in names
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self._key, hashes.SHA256())


_PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Receiver]:
    with Receiver(tls=authority.server(HOST, "127.0.0.1")) as receiver:
        yield receiver


def test_the_certificate_is_checked_against_the_name(authority: Authority, secure: Receiver) -> None:
    secure.requests.clear()
    reply = sent(f"https://{HOST}:{secure.port}/", addresses=Resolver("127.0.0.1"), tls=authority.trusted())
    assert (reply.status_code, reply.error) == (200, None)
    assert secure.names_asked_for[-1] == HOST
    assert secure.requests[0].headers["host"] == f"{HOST}:{secure.port}"


def test_an_address_can_have_a_certificate(authority: Authority, secure: Receiver) -> None:
    assert sent(secure.url, tls=authority.trusted()).status_code == 200


def test_the_certificate_of_another_host(authority: Authority, secure: Receiver) -> None:
    secure.requests.clear()
    url = f"https://other.example.com:{secure.port}/"
    reply = sent(url, addresses=Resolver("127.0.0.1"), tls=authority.trusted())
    assert (reply.status_code, reply.error) == (None, "tls: certificate of another host")
    assert secure.requests == []


def test_a_certificate_nobody_trusts(secure: Receiver) -> None:
    secure.requests.clear()
    reply = sent(secure.url)
    assert (reply.status_code, reply.error) == (None, "tls: unable to get local issuer certificate")
    assert secure.requests == []


def test_a_certificate_that_is_over(authority: Authority) -> None:
    with Receiver(tls=authority.server("127.0.0.1", expired=True)) as receiver:
        reply = sent(receiver.url, tls=authority.trusted())
    assert (reply.status_code, reply.error) == (None, "tls: certificate has expired")


def test_one_that_speaks_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def greet() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Speak plainly\r\n\r\n")

        thread = Thread(target=greet)
        thread.start()
        reply = sent(f"https://127.0.0.1:{plain.getsockname()[1]}/")
        thread.join()
    assert (reply.status_code, reply.error) == (None, "tls: handshake failed")


def test_a_handshake_that_never_ends_is_given_up_with_the_time_for_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = sent(f"https://127.0.0.1:{silent.getsockname()[1]}/", connect=0.4, in_all=5)
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert 400 <= reply.duration_ms < 1400


def test_a_handshake_that_comes_a_byte_now_and_then_is_given_up_as_well() -> None:
    """The beginning of a record of 16 KB, of which one byte comes in each 20 ms."""
    with socket.create_server(("127.0.0.1", 0)) as slow:

        def drip_handshake() -> None:
            connection, _ = slow.accept()
            with connection:
                for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(1000):
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return
                    time.sleep(0.02)

        thread = Thread(target=drip_handshake)
        thread.start()
        reply = sent(f"https://127.0.0.1:{slow.getsockname()[1]}/", connect=0.4, in_all=5)
        thread.join()
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert 400 <= reply.duration_ms < 1400


def test_over_tls_the_limits_are_the_same(authority: Authority) -> None:
    with Receiver(drip(b"HTTP/1.1 200 OK\r\nX: ", 0.02), tls=authority.server("127.0.0.1")) as receiver:
        reply = sent(receiver.url, tls=authority.trusted(), in_all=0.6)
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert 600 <= reply.duration_ms < 1600


def test_over_tls_a_large_body_arrives(authority: Authority) -> None:
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        reply = sent(receiver.url, tls=authority.trusted(), body=b"z" * 2_000_000)
    assert reply.status_code == 200
    assert receiver.requests[0].body == b"z" * 2_000_000


def test_over_tls_one_that_hangs_up(authority: Authority) -> None:
    with Receiver(hang_up, tls=authority.server("127.0.0.1")) as receiver:
        reply = sent(receiver.url, tls=authority.trusted())
    assert (reply.status_code, reply.error) == (None, "connection reset")


def test_no_connection_is_left_open(authority: Authority) -> None:
    """Whatever happens, the socket is closed: the other side sees the end."""
    closed: list[bool] = []

    def watch(connection: Any) -> None:
        connection.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")
        connection.connection.settimeout(2)
        closed.append(connection.connection.recv(1) == b"")

    with Receiver(watch) as receiver:
        sent(receiver.url)
        for _ in range(100):
            if closed:
                break
            time.sleep(0.02)
    assert closed == [True]
