"""Name servers without a network: dnspython's own resolver asks them, and they answer in DNS's wire format."""

from collections.abc import Mapping, Sequence
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""By name, by type, the records as a zone file has them; a name that is not there does not exist."""

TIMEOUT = "TIMEOUT"


class FakeNameServer(dns.nameserver.Nameserver):
    """Answers from a zone; `trouble` says what happens instead with the next questions (SERVFAIL, TIMEOUT, …)."""

    def __init__(self, zone: Zone, trouble: Sequence[str | None] = ()) -> None:
        super().__init__()
        self._zone = {dns.name.from_text(name): records for name, records in zone.items()}
        self.trouble = list(trouble)
        self.asked: list[str] = []
        """Type and name of every question."""
        self.timeouts: list[float] = []
        """Seconds that each question was given."""

    def __str__(self) -> str:
        return "a fake"

    def kind(self) -> str:
        return "fake"

    def is_always_max_size(self) -> bool:
        return True

    def answer_nameserver(self) -> str:
        return "192.0.2.53"

    def answer_port(self) -> int:
        return 53

    def query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        (question,) = request.question
        self.asked.append(f"{dns.rdatatype.to_text(question.rdtype)} {question.name}")
        self.timeouts.append(timeout)
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble == TIMEOUT:
            raise dns.exception.Timeout(timeout=timeout)
        response = dns.message.make_response(request, recursion_available=True)
        if trouble is None:
            self._answer(question.name, question.rdtype, response)
        else:
            response.set_rcode(dns.rcode.from_text(trouble))
        return dns.message.from_wire(response.to_wire())

    def _answer(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, response: dns.message.Message
    ) -> None:
        records = self._zone.get(name)
        if records is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        for held in (kind, dns.rdatatype.CNAME):
            texts = records.get(dns.rdatatype.to_text(held), ())
            if texts:
                response.answer.append(dns.rrset.from_text_list(name, 300, "IN", held, texts))
                if held != kind:
                    self._answer(dns.name.from_text(texts[0]), kind, response)
                return


def stub(*servers: FakeNameServer) -> dns.resolver.Resolver:
    """What asks these name servers, and nobody else."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = servers
    # Whoever forgets to ask for the whole name asks for others as well.
    resolver.search = [dns.name.from_text("internal.example")]
    resolver.use_search_by_default = True
    return resolver


def asking(*servers: FakeNameServer) -> partial[dns.resolver.Resolver]:
    """Makes what asks these name servers."""
    return partial(stub, *servers)
