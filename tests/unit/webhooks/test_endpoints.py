"""Where webhooks may be sent, and that nothing of what must not be called can be named in any spelling."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.webhooks.endpoints import (
    Endpoint,
    NoSuchHost,
    NotResolved,
    UnsafeEndpoint,
    endpoint_of,
    is_public,
)
from contacts.webhooks.sender import EndpointAddresses
from tests.support.webhook_harness import PUBLIC, Resolver

REFUSED = {
    "plain http": ("http://example.com/", "https://"),
    "no scheme": ("example.com/hooks", "https://"),
    "no scheme but slashes": ("//example.com/hooks", "https://"),
    "another scheme": ("ftp://example.com/", "https://"),
    "a script": ("javascript:alert(1)", "https://"),
    "a file": ("file:///etc/passwd", "https://"),
    "one slash": ("https:/example.com", "https://"),
    "nothing": ("", "https://"),
    "no host": ("https:///hooks", "needs a host"),
    "a port alone": ("https://:443/", "needs a host"),
    "a dot alone": ("https://./", "needs a host"),
    "credentials": ("https://user:secret@example.com/", "credentials"),
    "a user": ("https://user@example.com/", "credentials"),
    "an empty user": ("https://@example.com/", "credentials"),
    "a fragment": ("https://example.com/#top", "fragment"),
    "an empty fragment": ("https://example.com/#", "fragment"),
    "a space": ("https://example.com/a b", "spaces"),
    "a space before": (" https://example.com/", "spaces"),
    "a line feed": ("https://example.com/\nHost: evil", "control characters"),
    "a tab in the host": ("https://exam\tple.com/", "control characters"),
    "a NUL": ("https://example.com/\0", "control characters"),
    "no-break space": ("https://example.com/\u00a0", "spaces"),
    "zero-width space": ("https://example.com\u200b/", "control characters"),
    "half a character": ("https://example.com/\ud800", "control characters"),
    "a backslash": ("https://example.com\\@169.254.169.254/", "backslashes"),
    "port 0": ("https://example.com:0/", "65535"),
    "port 65536": ("https://example.com:65536/", "65535"),
    "a long port": (f"https://example.com:{'9' * 1000}/", "65535"),
    "a port that is no number": ("https://example.com:https/", "host and port"),
    "a port of other digits": ("https://example.com:٤٤٣/", "host and port"),
    "an escape in the host": ("https://exa%6dple.com/", "host and port"),
    "localhost": ("https://localhost/", "reached from the internet"),
    "localhost in capitals": ("https://LOCALHOST./", "reached from the internet"),
    "localhost in circles": ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "reached from the internet"),
    "below localhost": ("https://a.localhost/", "reached from the internet"),
    "a host without a dot": ("https://intranet/", "reached from the internet"),
    "two dots": ("https://example..com/", "neither a domain name"),
    "a hyphen before": ("https://-example.com/", "neither a domain name"),
    "a label of 64": (f"https://{'a' * 64}.com/", "neither a domain name"),
    "a host of 254": (f"https://{'a.' * 125}comm/", "neither a domain name"),
    "no IDNA": ("https://\N{SNOWMAN}\N{COMBINING ACUTE ACCENT}.example/x", "domain name"),
    "an IPv4 number": ("https://2130706433/", "no IP address in its usual form"),
    "an IPv4 in hex": ("https://0x7f.1/", "no IP address in its usual form"),
    "an IPv4 number in hex": ("https://0x7f000001/", "no IP address in its usual form"),
    "a short IPv4": ("https://127.1/", "no IP address in its usual form"),
    "an IPv4 in octal": ("https://0177.0.0.1/", "no IP address in its usual form"),
    "a public IPv4 number": ("https://134744072/", "no IP address in its usual form"),
    "an IPv4 too long": ("https://1.2.3.4.5/", "no IP address in its usual form"),
    "no IPv6": ("https://[::g]/", "host and port"),
    "too much of an IPv6": ("https://[1::2::3]/", "no IPv6 address"),
    "a zone": ("https://[fe80::1%25eth0]/", "host and port"),
    "something before an IPv6": ("https://example.com[::1]/", "host and port"),
    "an IPv6 without brackets": ("https://2606:4700::1111/", "host and port"),
    "3,000 characters": (f"https://example.com/{'x' * 2980}", "2048 characters"),
    "1,000 letters that are not ASCII": (f"https://example.com/{'é' * 1000}", "2048 characters"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_url_that_cannot_be_an_endpoint_is_refused(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        endpoint_of(url, private_allowed=False)


@pytest.mark.parametrize(("url", "kept"), [
    ("https://example.com", Endpoint("https", "example.com", 443, "/", "https://example.com")),
    ("HTTPS://Example.COM./Hooks?a=B", Endpoint(
        "https", "example.com", 443, "/Hooks?a=B", "https://example.com/Hooks?a=B")),
    ("https://example.com:8443/", Endpoint("https", "example.com", 8443, "/", "https://example.com:8443/")),
    ("https://example.com:/", Endpoint("https", "example.com", 443, "/", "https://example.com/")),
    ("https://example.com?a=1", Endpoint("https", "example.com", 443, "/?a=1", "https://example.com?a=1")),
    ("https://bücher.example/ü?q=%20ä", Endpoint(
        "https", "xn--bcher-kva.example", 443, "/%C3%BC?q=%20%C3%A4",
        "https://xn--bcher-kva.example/%C3%BC?q=%20%C3%A4")),
    ("https://my_hooks.example.com/{id}", Endpoint(
        "https", "my_hooks.example.com", 443, "/%7Bid%7D", "https://my_hooks.example.com/%7Bid%7D")),
    ("https://example。com/", Endpoint("https", "example.com", 443, "/", "https://example.com/")),
    ("https://9.9.9.9/", Endpoint("https", "9.9.9.9", 443, "/", "https://9.9.9.9/")),
    ("https://９.9.9.９/", Endpoint("https", "9.9.9.9", 443, "/", "https://9.9.9.9/")),
    ("https://[2606:4700:0::1111]:8443", Endpoint(
        "https", "2606:4700::1111", 8443, "/", "https://[2606:4700::1111]:8443")),
])  # fmt: skip
def test_a_url_is_kept_in_one_form(url: str, kept: Endpoint) -> None:
    assert endpoint_of(url, private_allowed=False) == kept
    assert endpoint_of(kept.url, private_allowed=False) == kept


def test_where_private_addresses_are_allowed_plain_http_and_short_names_are_too() -> None:
    for url in ("http://localhost:8787/hooks", "http://receiver/", "http://127.0.0.1:1/", "http://[::1]/"):
        assert endpoint_of(url, private_allowed=True).url == url
    with pytest.raises(ValueError, match="usual form"):
        endpoint_of("http://127.1/", private_allowed=True)


@pytest.mark.parametrize(("url", "authority"), [
    ("https://example.com/", "example.com"),
    ("https://example.com:443/", "example.com"),
    ("https://example.com:80/", "example.com:80"),
    ("http://example.com:8080/", "example.com:8080"),
    ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443"),
])  # fmt: skip
def test_the_host_header_names_a_port_that_goes_not_without_saying(url: str, authority: str) -> None:
    assert endpoint_of(url, private_allowed=True).authority == authority


@given(
    some.text(max_size=60) | some.from_regex(r"https://[^/]{0,30}(:[0-9]{0,6})?[/?#]?.{0,20}", fullmatch=True)
)
def test_whatever_is_sent_is_read_or_refused_and_what_is_kept_is_read_the_same(text: str) -> None:
    try:
        kept = endpoint_of(text, private_allowed=False)
    except ValueError:
        return
    assert endpoint_of(kept.url, private_allowed=False) == kept
    assert kept.url.isascii()
    assert kept.url.isprintable()
    assert not set(kept.host + kept.target) & set(" \\#@\r\n\t\0") - set("@" if "@" in kept.target else "")
    assert "@" not in kept.host


# Addresses

NOT_PUBLIC = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "private A": "10.1.2.3",
    "private B": "172.31.255.255",
    "private C": "192.168.0.1",
    "carrier": "100.64.0.1",
    "metadata": "169.254.169.254",
    "credentials of a container": "169.254.170.2",
    "link-local": "169.254.0.1",
    "protocol assignments": "192.0.0.192",
    "documentation": "203.0.113.9",
    "benchmarks": "198.18.0.1",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "multicast, scoped": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback 6": "::1",
    "unspecified 6": "::",
    "link-local 6": "fe80::1",
    "link-local 6 with a zone": "fe80::1%eth0",
    "site-local 6": "fec0::1",
    "unique local": "fd12:3456::1",
    "metadata 6": "fd00:ec2::254",
    "multicast 6": "ff02::1",
    "documentation 6": "2001:db8::1",
    "documentation 6, the new": "3fff::1",
    "discard": "100::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped, in hex": "::ffff:a9fe:a9fe",
    "mapped, of a public one": "::ffff:8.8.8.8",
    "compatible": "::127.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::169.254.169.254",
    "NAT64, local": "64:ff9b:1::10.0.0.1",
    "6to4": "2002:7f00:1::",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "ORCHID": "2001:20::1",
    "segment routing": "5f00::1",
}


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "223.255.255.254", "52.95.110.1",
                                     "2606:4700::1111", "2a00:1450:4001::1", "2620:fe::fe"])  # fmt: skip
def test_what_is_public_is(address: str) -> None:
    assert is_public(address)


ADDRESSES = some.ip_addresses(v=4) | some.ip_addresses(v=6)
"""Every special-purpose network comes often: hypothesis knows them."""


@given(ADDRESSES)
def test_nothing_is_public_that_is_not_global(address: IPv4Address | IPv6Address) -> None:
    special = (
        not address.is_global
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )
    assert not (special and is_public(str(address)))


def embedded(address: IPv4Address) -> list[IPv6Address]:
    """Every form in which an IPv6 address carries this IPv4 address."""
    bits = int(address)
    in_front = [("2002::", 80), ("64:ff9b:1::", 0), ("2001::", 64)]
    behind = ["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"]
    teredo_client = int(IPv6Address("2001::")) | (bits ^ 0xFFFF_FFFF)
    return [
        *(IPv6Address(int(IPv6Address(prefix)) | bits) for prefix in behind),
        *(IPv6Address(int(IPv6Address(prefix)) | bits << shift) for prefix, shift in in_front),
        IPv6Address(teredo_client),
    ]


@given(some.ip_addresses(v=4))
def test_no_ipv4_address_gets_through_inside_an_ipv6_address(address: IPv4Address) -> None:
    for form in embedded(address):
        assert not is_public(str(form)), form


@given(some.ip_addresses(v=6, network="2000::/3"))
def test_no_address_of_a_translation_is_public(address: IPv6Address) -> None:
    if address.sixtofour or address.teredo or address.ipv4_mapped or address in ip_network("2001:db8::/32"):
        assert not is_public(str(address))


# Resolving


def addresses(*found: str, **zone: Any) -> EndpointAddresses:
    return EndpointAddresses(False, Resolver({"host.example": found, **zone}))


def test_a_host_has_all_of_its_addresses_once_and_ipv4_first() -> None:
    several = addresses("2606:4700::1111", PUBLIC, "9.9.9.9", PUBLIC)
    assert several.of("host.example", 443) == [PUBLIC, "9.9.9.9", "2606:4700::1111"]


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_one_address_that_is_not_public_spoils_a_host(address: str) -> None:
    for several in ((address,), (PUBLIC, address), (address, PUBLIC)):
        with pytest.raises(UnsafeEndpoint):
            addresses(*several).of("host.example", 443)


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_an_address_in_the_url_is_checked_and_nobody_is_asked(address: str) -> None:
    resolver = Resolver({})
    with pytest.raises(UnsafeEndpoint):
        EndpointAddresses(False, resolver).of(address, 443)
    assert EndpointAddresses(True, resolver).of(address, 443) == [str(ip_address(address))]
    assert EndpointAddresses(False, resolver).of("9.9.9.9", 443) == ["9.9.9.9"]
    assert resolver.asked == []


def test_where_private_addresses_are_allowed_every_address_is() -> None:
    opened = EndpointAddresses(True, Resolver({"receiver": ("::1", "127.0.0.1")}))
    assert opened.of("receiver", 8080) == ["127.0.0.1", "::1"]
    with pytest.raises(NoSuchHost):
        opened.of("nobody", 8080)


@pytest.mark.parametrize(("error", "means"), [
    (socket.gaierror(socket.EAI_NONAME, "unknown"), NoSuchHost),
    (socket.gaierror(socket.EAI_NODATA, "no address"), NoSuchHost),
    (UnicodeError("label too long"), NoSuchHost),
    (socket.gaierror(socket.EAI_AGAIN, "later"), NotResolved),
    (socket.gaierror(socket.EAI_FAIL, "broken"), NotResolved),
    (TimeoutError(), NotResolved),
    (OSError(5, "input/output"), NotResolved),
])  # fmt: skip
def test_only_a_resolver_that_knows_says_that_there_is_no_host(
    error: Exception, means: type[Exception]
) -> None:
    with pytest.raises(means):
        EndpointAddresses(False, Resolver({"host.example": error})).of("host.example", 443)


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    let_go, answered = Event(), Event()

    def hang(*_: object, **__: object) -> list[Any]:
        let_go.wait(30)
        answered.set()
        return []

    with pytest.raises(NotResolved):
        EndpointAddresses(False, hang, patience=0.05).of("host.example", 443)
    assert not answered.is_set()
    let_go.set()


def test_a_number_that_a_resolver_takes_for_loopback_would_be_checked_as_what_it_is() -> None:
    """No URL with such a host gets here; but what is connected to is what is checked."""
    with pytest.raises(UnsafeEndpoint):
        EndpointAddresses(False, Resolver({"127.1": ("127.0.0.1",)})).of("127.1", 443)


def test_a_failure_of_ours_is_no_verdict_on_the_host() -> None:
    with pytest.raises(RuntimeError, match="ours"):
        EndpointAddresses(False, Resolver({"host.example": RuntimeError("ours")})).of("host.example", 443)
