"""What the DNS says of a domain's mail.

A module of its own, because dnspython takes 30 ms of a cold start: it is imported only where the DNS is to be asked.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import dns.exception
import dns.name

# dnspython would load what reads these records when the first of them arrives.
import dns.rdtypes.ANY.MX
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.resolver
from disposable_email_domains import blocklist

from contacts.book.model import Reason
from contacts.email_validation.model import VALID, Verdict, invalid

LONGEST_LOOKUP: Final = 5.0
"""Seconds for all questions about one domain together."""


class DnsResolver:
    """`email_validation.service.Resolver` by the name servers of the system."""

    def __init__(
        self,
        stub: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver,
        longest_lookup: float = LONGEST_LOOKUP,
    ) -> None:
        """`stub`: makes what asks the name servers, knowing their addresses."""
        self._stub = stub
        self._longest_lookup = longest_lookup

    def verdict_on(self, domain: str) -> Verdict | None:
        """MX, and where there is none A and AAAA: RFC 5321 §5.1 takes the domain itself for its mail exchanger.

        None where the name servers fail, refuse, contradict themselves or do not answer in time, or there are none.
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
    """The records of a kind, none where the name has none of it; `ends`: until when, as `monotonic` tells it."""
    answer = stub.resolve(name, kind, raise_on_no_answer=False, lifetime=max(ends - monotonic(), 0))
    return list(answer.rrset or ())


def is_disposable(domain: str) -> bool:
    """Whether a domain, or one that it lies under, is on the list. `domain`: lower-case, as `xn--`."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))
