"""Which URLs and addresses may be called: rules that prevent server-side request forgery (OWASP, "SSRF Prevention").

`endpoint_of` is the only parser of a URL, for the check and for the connection. So both see the same host.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol
from urllib.parse import quote

from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.webhooks.model import MAX_URL

_PORTS: Final = {"https": 443, "http": 80}
_MAX_HOST: Final = 253
"""Characters; RFC 1035 §2.3.4 allows 255 bytes with the lengths of the labels."""
_URL = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<authority>[^/?\x23]*)(?P<target>[^\x23]*)(?P<fragment>\x23.*)?"
)
"""RFC 3986, appendix B. `\\x23` begins a fragment. (A test allows the character itself in keys of the table only.)"""
_AUTHORITY = re.compile(r"(\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:%]*))(:(?P<port>[0-9]*))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A host whose last label matches is an IPv4 address, not a name (WHATWG URL, "ends in a number")."""
_LEFT_AS_IT_IS: Final = "!$&'()*+,/:;=?@[]%"
"""Characters of a path or a query that are not percent-encoded, besides letters, digits and `-._~` (RFC 3986)."""

_NOT_PUBLIC_V4: Final = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""The networks of IANA's special-purpose registry, and multicast."""
_PUBLIC_V6: Final = ip_network("2000::/3")
"""Global unicast. Loopback, link-local and unique local addresses lie outside, and IPv4 addresses in IPv6 (mapped,
compatible, NAT64) except 6to4 and Teredo."""
_NOT_PUBLIC_V6: Final = tuple(
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
"""Protocol assignments with Teredo, documentation, 6to4, documentation."""


class UnsafeEndpoint(Exception):
    """Raised when a host has an address that is not public, and only public ones may be called."""


class NoSuchHost(Exception):
    """Raised when the resolver knows that a host does not exist, or has no address."""


class NotResolved(Exception):
    """Raised when the resolver does not answer in time, or fails: the host may exist."""


class Addresses(Protocol):
    """Resolves hosts, and refuses addresses that may not be called."""

    @property
    def private_allowed(self) -> bool:
        """Whether endpoints may be in private networks, and be called by plain http."""
        ...

    def of(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them checked. Connections go to one of these addresses only.

        Raises:
            UnsafeEndpoint, NoSuchHost, NotResolved.
        """
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that may be called, in its parts."""

    scheme: str
    host: str
    """Lower-case, without a dot at its end; an international domain as `xn--`; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query as in the request line: ASCII, beginning with `/`."""
    url: str
    """The whole URL in its normalized form, which is stored."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = _in_url(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def endpoint_of(url: str, *, private_allowed: bool) -> Endpoint:
    """Parse a URL. The addresses of its host have to be checked besides (`Addresses`).

    `private_allowed`: also accept http, and hosts that only a private network knows.

    Raises:
        InvalidValue: the URL cannot be an endpoint.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        raise _invalid("must not contain spaces, control characters or backslashes")
    parts = _URL.fullmatch(url)
    if parts is None or parts["scheme"].lower() not in _PORTS:
        raise _invalid("must be an absolute URL that begins with https://")
    scheme = parts["scheme"].lower()
    if scheme != "https" and not private_allowed:
        raise _invalid("must begin with https://")
    if parts["fragment"] is not None:
        raise _invalid("must not have a fragment")
    if "@" in parts["authority"]:
        raise _invalid("must not carry credentials (user:password@); verify the signature instead")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise _invalid("has no valid host and port")
    host = _address_v6(authority["v6"]) if authority["v6"] else _host(authority["name"], private_allowed)
    port = int(authority["port"] or _PORTS[scheme])
    if not 1 <= port <= 65535:
        raise _invalid("has a port that does not exist: they go from 1 to 65535")
    target = quote(parts["target"], safe=_LEFT_AS_IT_IS)
    shown_port = f":{port}" if authority["port"] else ""
    whole = f"{scheme}://{_in_url(host)}{shown_port}{target}"
    if len(whole) > MAX_URL:
        message = f"must have at most {MAX_URL} characters, with all that is not ASCII percent-encoded"
        raise InvalidValue(Violation(FieldErrorCode.TOO_LONG, message, MAX_URL))
    return Endpoint(scheme, host, port, target if target.startswith("/") else f"/{target}", whole)


def is_public(address: str) -> bool:
    """Whether an IP address is a public one of the internet.

    An address that contains another one (IPv4 mapped into IPv6, 6to4, Teredo, NAT64) is not public: where it leads
    depends on the translator.

    Raises:
        ValueError: the text is no IP address.
    """
    parsed = ip_address(address)
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    return parsed in _PUBLIC_V6 and not any(parsed in network for network in _NOT_PUBLIC_V6)


def _host(text: str, private_allowed: bool) -> str:
    """A name or an IPv4 address in its normalized form."""
    host = (text if text.isascii() else _as_ascii(text)).lower().removesuffix(".")
    if not host:
        raise _invalid("needs a host")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Resolvers also accept 2130706433, 0x7f.1 and 127.1. Only the usual form is accepted here.
        return _address_v4(host)
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid("has a host that is neither a domain name nor an IP address")
    if not private_allowed and (len(labels) == 1 or labels[-1] == "localhost"):
        raise _invalid("needs a host that can be reached from the internet, such as hooks.example.com")
    return host


def _as_ascii(host: str) -> str:
    # Imported only where needed: the tables of `idna` are large, and most hosts are ASCII.
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:
        raise _invalid("has a host that is no domain name") from None


def _address_v4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise _invalid("has a host that is no IP address in its usual form, such as 198.51.100.7") from None


def _address_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise _invalid("has a host that is no IPv6 address") from None


def _invalid(message: str) -> InvalidValue:
    return InvalidValue(Violation(FieldErrorCode.INVALID_URL, message))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
