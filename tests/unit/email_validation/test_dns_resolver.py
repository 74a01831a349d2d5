"""What the DNS says of a domain's mail, told by dnspython from answers of made-up name servers."""

from io import StringIO
from itertools import count

import dns.resolver
import pytest

from contacts.book.model import Reason
from contacts.email_validation import dns as dns_resolver
from contacts.email_validation.dns import DnsResolver
from contacts.email_validation.model import VALID, Verdict, invalid
from tests.support.fake_dns import TIMEOUT, FakeNameServer, Zone, asking

NO_MX, NULL_MX = invalid(Reason.NO_MX), invalid(Reason.NULL_MX)

ZONE: Zone = {
    "exchanger.test": {"MX": ["10 mx.exchanger.test."], "A": ["192.0.2.1"]},
    "exchangers.test": {"MX": ["10 mx1.exchangers.test.", "20 mx2.exchangers.test."]},
    "elsewhere.test": {"CNAME": ["exchanger.test."]},
    "address.test": {"A": ["192.0.2.1"]},
    "new-address.test": {"AAAA": ["2001:db8::1"]},
    "address-elsewhere.test": {"CNAME": ["new-address.test."]},
    "no-mail.test": {"MX": ["0 ."], "A": ["192.0.2.1"]},
    "no-mail-at-ten.test": {"MX": ["10 ."]},
    "undecided.test": {"MX": ["0 .", "10 mx.exchanger.test."]},
    "only-text.test": {"TXT": ['"v=spf1 -all"']},
    "leads-nowhere.test": {"CNAME": ["gone.test."]},
    "xn--bcher-kva.test": {"MX": ["10 mx.exchanger.test."]},
}

VERDICTS = {
    "exchanger.test": VALID,
    "exchangers.test": VALID,
    "elsewhere.test": VALID,
    "address.test": VALID,
    "new-address.test": VALID,
    "address-elsewhere.test": VALID,
    "no-mail.test": NULL_MX,
    "no-mail-at-ten.test": NULL_MX,
    "undecided.test": VALID,
    "only-text.test": NO_MX,
    "leads-nowhere.test": NO_MX,
    "gone.test": NO_MX,
    "xn--bcher-kva.test": VALID,
}


def resolver(*servers: FakeNameServer, longest_lookup: float = 5.0) -> DnsResolver:
    return DnsResolver(asking(*servers), longest_lookup)


@pytest.mark.parametrize(("domain", "verdict"), VERDICTS.items())
def test_a_domain_takes_mail_or_does_not(domain: str, verdict: Verdict) -> None:
    assert resolver(FakeNameServer(ZONE)).verdict_on(domain) == verdict


@pytest.mark.parametrize(
    ("domain", "questions"),
    [
        ("exchanger.test", ["MX"]),
        ("no-mail.test", ["MX"]),
        ("gone.test", ["MX"]),
        ("address.test", ["MX", "A"]),
        ("new-address.test", ["MX", "A", "AAAA"]),
        ("only-text.test", ["MX", "A", "AAAA"]),
    ],
)
def test_no_more_is_asked_than_is_needed_and_of_the_domain_alone(domain: str, questions: list[str]) -> None:
    server = FakeNameServer(ZONE)
    resolver(server).verdict_on(domain)
    assert server.asked == [f"{kind} {domain}." for kind in questions]


@pytest.mark.parametrize("trouble", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR", "YXDOMAIN"])
@pytest.mark.parametrize("before", range(3))
def test_a_name_server_in_trouble_gives_no_verdict(trouble: str, before: int) -> None:
    """Not even where it fails at the second or third question: there might be an address."""
    server = FakeNameServer(ZONE, [None] * before + [trouble])
    assert resolver(server).verdict_on("only-text.test") is None
    assert resolver(server).verdict_on("only-text.test") == NO_MX


def test_another_name_server_may_know() -> None:
    broken, working = FakeNameServer(ZONE, ["SERVFAIL"] * 9), FakeNameServer(ZONE)
    assert resolver(broken, working).verdict_on("new-address.test") == VALID
    assert resolver(working, broken).verdict_on("gone.test") == NO_MX


def test_an_answer_may_get_lost_once() -> None:
    assert resolver(FakeNameServer(ZONE, [TIMEOUT])).verdict_on("exchanger.test") == VALID


def test_a_name_server_that_does_not_answer_gives_no_verdict() -> None:
    silent = FakeNameServer(ZONE, [TIMEOUT] * 99)
    assert resolver(silent, longest_lookup=0.2).verdict_on("exchanger.test") is None


def test_all_questions_share_the_time_of_one_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(0, 0.75)
    monkeypatch.setattr(dns_resolver, "monotonic", lambda: next(seconds))
    server = FakeNameServer(ZONE)
    assert resolver(server, longest_lookup=2.5).verdict_on("only-text.test") == NO_MX
    assert server.timeouts == pytest.approx([1.75, 1.0, 0.25], abs=0.1)
    assert resolver(server, longest_lookup=2.0).verdict_on("only-text.test") is None
    assert len(server.asked) == 3 + 2


def test_without_name_servers_there_is_no_verdict() -> None:
    nobody = DnsResolver(lambda: dns.resolver.Resolver(filename=StringIO("search example\n")))
    assert nobody.verdict_on("exchanger.test") is None


def test_the_name_servers_are_those_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeNameServer(ZONE)

    def configured(self: dns.resolver.Resolver, filename: object) -> None:
        self.nameservers = [server]

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", configured)
    assert DnsResolver().verdict_on("exchanger.test") == VALID
    assert server.timeouts == [2.0]
