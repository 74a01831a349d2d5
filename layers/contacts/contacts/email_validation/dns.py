"""Whether a domain receives mail, by the DNS; and whether it is on the list of disposable domains.

A module of its own, because dnspython takes 30 ms of a cold start.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import dns.exception
import dns.name

# Else dnspython imports these modules when the first such record arrives.
import dns.rdtypes.ANY.MX
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.resolver
from disposable_email_domains import blocklist

from contacts.book.model import Reason
from contacts.email_validation.model import VALID, Verdict, invalid

LONGEST_LOOKUP: Final = 5.0
"""Seconds for all queries about one domain together."""


class DnsResolver:
    """`email_validation.service.Resolver` on the system's name servers."""

    def __init__(
        self,
        stub: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver,
        longest_lookup: float = LONGEST_LOOKUP,
    ) -> None:
        """`stub`: makes a dnspython resolver. `longest_lookup`: in seconds."""
        self._stub = stub
        self._longest_lookup = longest_lookup

    def verdict_on(self, domain: str) -> Verdict | None:
        """Valid, `no_mx` or `null_mx`; None: the name servers fail, refuse, do not answer in time, or there are none.

        Queries MX; if there is none, A and AAAA, because then the domain is its own mail exchanger (RFC 5321 §5.1).
        """
        ends = monotonic() + self._longest_lookup
        try:
            name, stub = dns.name.from_text(domain), self._stub()
            exchanges = {record.exchange for record in _records(stub, name, "MX", ends)}
            if exchanges:
                return invalid(Reason.NULL_MX) if exchanges == {dns.name.root} else VALID
            has_address = _records(stub, name, "A", ends) or _records(stub, name, "AAAA", ends)
            return VALID if has_address else invalid(Reason.NO_MX)
        except dns.resolver.NXDOMAIN:
            return invalid(Reason.NO_MX)
        except dns.exception.DNSException:
            return None


def _records(stub: dns.resolver.Resolver, name: dns.name.Name, kind: str, ends: float) -> list[Any]:
    """The records of a type; empty if the name has none. `ends`: the deadline, as `monotonic` counts."""
    answer = stub.resolve(name, kind, raise_on_no_answer=False, lifetime=max(ends - monotonic(), 0))
    return list(answer.rrset or ())


def is_disposable(domain: str) -> bool:
    """Whether a domain or one of its parents is on the list. `domain`: lower-case, international ones as `xn--`."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))
