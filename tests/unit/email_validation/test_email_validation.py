"""Emails are judged once, for what they are, and whatever happens to the contact meanwhile."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import (
    MAX_BYTES,
    Action,
    Change,
    Contact,
    ContactState,
    Outcome,
    Reason,
    Transition,
    ValidationStatus,
    contact_values,
)
from contacts.book.store import ContactStore, measured
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import TRIES
from contacts.core.ids import Ref
from contacts.core.time import DAY, iso
from contacts.email_validation.dns import DnsResolver
from contacts.email_validation.model import VALID, Verdict, invalid
from contacts.email_validation.service import pause_after
from contacts.table import keys
from contacts.table.client import Table
from local import sample_account
from local.table import NAME
from tests.support import sample_events
from tests.support.app import App
from tests.support.deterministic import Dice
from tests.support.email_validation_harness import CONTEXT, PENDING, Judging, Troubled, function, judging
from tests.support.fake_dns import TIMEOUT, FakeNameServer, Zone, asking
from tests.support.fakes import opt_outs
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import violations
from tests.support.scenarios import (
    ACCOUNT_ID,
    ADA,
    BEA,
    BEGAN_MS,
    EMAIL,
    STARTS,
    WRITES,
    Beginning,
    Start,
    Write,
    contact_book,
    contact_id,
)

ZONE: Zone = {
    "example.com": {"MX": ["10 mx.example.com."]},
    "address.test": {"A": ["192.0.2.1"]},
    "new-address.test": {"AAAA": ["2001:db8::1"]},
    "no-mail.test": {"MX": ["0 ."], "A": ["192.0.2.1"]},
    "mailinator.com": {"MX": ["10 mx.example.com."]},
}


@pytest.fixture
def world() -> Judging:
    return judging()


def create(world: Judging, label: str = "ada", **given: object) -> str:
    Beginning(world.table.client()).create(label, **given)
    return contact_id(label)


def put(world: Judging, contact: Contact) -> None:
    """Put a contact into the table as it is, whatever is wrong with it."""
    table = Table(world.table.client(), NAME)
    store = ContactStore(table, ACCOUNT_ID, opt_outs(table, ACCOUNT_ID), Dice("put"), BEGAN_MS // 1000)
    created = Outcome(action=Action.CREATED, contact=contact)
    store.apply(
        Transition(
            before=None, was=None, after=contact, becomes=ContactState.LIVE, at_ms=BEGAN_MS, outcome=created
        )
    )


def resolver(server: FakeNameServer) -> DnsResolver:
    return DnsResolver(asking(server), 0.1)


# Without the DNS


@pytest.mark.parametrize(
    ("email", "verdict"),
    [
        ("ada@example.com", ("valid", None)),
        ("ada@nobody.test", ("valid", None)),
        ("o'brien@example.com", ("valid", None)),
        ("ada@xn--bcher-kva.example", ("valid", None)),
        ("ada@mailinator.com", ("invalid", "disposable")),
        ("ada@mail.mailinator.com", ("invalid", "disposable")),
        ("ada@a.b.mailinator.com", ("invalid", "disposable")),
        ("ada@example-mailinator.com", ("valid", None)),
        ("ada@mailinator.com.example.com", ("valid", None)),
    ],
)
def test_an_email_is_judged_by_its_domain(
    email: str, verdict: tuple[str, str | None], world: Judging
) -> None:
    create(world, email=email)
    with world.nothing_else_changes():
        assert world.validator().validate(ACCOUNT_ID, ADA)
    assert world.verdict() == verdict


@pytest.mark.parametrize(
    "email", ["ada", "ada@localhost", "ada@@example.com", "ada@example.invalid", "адa@example.com"]
)
def test_what_is_no_email_any_more_is_invalid(email: str, world: Judging) -> None:
    """It was stored when other rules held."""
    put(world, Contact(id=ADA, version=1, created_at=iso(BEGAN_MS), updated_at=iso(BEGAN_MS), email=email))
    server = FakeNameServer(ZONE)
    with world.nothing_else_changes():
        assert world.validator(resolver(server)).validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("invalid", "syntax")
    assert server.asked == []


def test_a_reason_from_before_does_not_outlive_a_verdict(world: Judging) -> None:
    fresh = Contact(id=ADA, version=1, created_at=iso(BEGAN_MS), updated_at=iso(BEGAN_MS), email=EMAIL)
    put(world, replace(fresh, validation_reason="no_mx"))
    assert world.validator().validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)


# With the DNS


@pytest.mark.parametrize(
    ("email", "verdict"),
    [
        ("ada@example.com", ("valid", None)),
        ("ada@address.test", ("valid", None)),
        ("ada@new-address.test", ("valid", None)),
        ("ada@no-mail.test", ("invalid", "null_mx")),
        ("ada@gone.test", ("invalid", "no_mx")),
        ("ada@mailinator.com", ("invalid", "disposable")),
    ],
)
def test_the_dns_is_asked_for_the_domain(email: str, verdict: tuple[str, str | None], world: Judging) -> None:
    create(world, email=email)
    with world.nothing_else_changes():
        assert world.validator(resolver(FakeNameServer(ZONE))).validate(ACCOUNT_ID, ADA)
    assert world.verdict() == verdict


@pytest.mark.parametrize("trouble", ["SERVFAIL", "REFUSED"])
def test_without_an_answer_the_contact_stays_pending_until_there_is_one(trouble: str, world: Judging) -> None:
    create(world, email=EMAIL)
    server = FakeNameServer(ZONE, [trouble])
    validator = world.validator(resolver(server))
    before = world.items()
    assert not validator.validate(ACCOUNT_ID, ADA)
    assert world.items() == before
    assert validator.validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)


def test_silence_is_no_answer(world: Judging) -> None:
    create(world, email=EMAIL)
    before = world.items()
    assert not world.validator(resolver(FakeNameServer(ZONE, [TIMEOUT] * 99))).validate(ACCOUNT_ID, ADA)
    assert world.items() == before


def test_what_the_dns_says_of_a_domain_is_kept_for_a_day(world: Judging) -> None:
    """For whatever account; and the domain itself, which may be somebody's name, is not in the item."""
    for label in ("ada", "bea", "cem"):
        create(world, label, email=f"{label}@gone.test")
    server = FakeNameServer(ZONE)
    validator = world.validator(resolver(server))
    assert validator.validate(ACCOUNT_ID, ADA)
    (kept,) = [item for item in world.items().values() if item["SK"] == "VERDICT"]
    assert "gone" not in str(kept)
    assert kept["ttl"] == world.clock.at_ms // 1000 + DAY
    asked = list(server.asked)

    world.clock.at_ms += (DAY - 1) * 1000
    assert validator.validate(ACCOUNT_ID, BEA)
    assert (world.verdict(BEA), server.asked) == (("invalid", "no_mx"), asked)

    world.clock.at_ms += 1000  # DynamoDB has not deleted it yet.
    assert validator.validate(ACCOUNT_ID, contact_id("cem"))
    assert (world.verdict(contact_id("cem")), server.asked) == (("invalid", "no_mx"), asked * 2)


@pytest.mark.parametrize("verdict", [VALID, invalid(Reason.NO_MX), invalid(Reason.NULL_MX)])
def test_a_verdict_on_a_domain_is_kept_as_it_is(verdict: Verdict, world: Judging) -> None:
    world.store.remember("example.com", verdict, 1000)
    assert world.store.known("example.com", 1000 + DAY - 1) == verdict
    assert world.store.known("example.com", 1000 + DAY) is None
    assert world.store.known("example.org", 1000) is None


def test_what_needs_no_dns_is_not_kept(world: Judging) -> None:
    create(world, email="ada@mailinator.com")
    assert world.validator(resolver(FakeNameServer(ZONE))).validate(ACCOUNT_ID, ADA)
    assert [item for item in world.items().values() if item["SK"] == "VERDICT"] == []


# What is there to be judged


def nobody(world: Judging) -> None:
    """An empty table."""


def without_email(world: Judging) -> None:
    create(world, external_id="crm-1")


def in_the_trash(world: Judging) -> None:
    create(world, email=EMAIL)
    Beginning(world.table.client()).trash("ada")


def judged(world: Judging) -> None:
    create(world, email=EMAIL)
    world.store.record_verdict(ACCOUNT_ID, ADA, EMAIL, invalid(Reason.NULL_MX))


def bounced(world: Judging) -> None:
    create(world, email=EMAIL)
    assert world.store.mark_bounced(ACCOUNT_ID, ADA, EMAIL)


@pytest.mark.parametrize("prepare", [nobody, without_email, in_the_trash, judged, bounced])
def test_nothing_is_done_where_there_is_nothing_to_judge(
    prepare: Callable[[Judging], None], world: Judging
) -> None:
    prepare(world)
    before = world.items()
    server = FakeNameServer(ZONE)
    assert world.validator(resolver(server)).validate(ACCOUNT_ID, ADA)
    assert (world.items(), server.asked) == (before, [])


def test_a_message_that_comes_twice_changes_nothing_the_second_time(world: Judging) -> None:
    create(world, email=EMAIL)
    validator = world.validator()
    assert validator.validate(ACCOUNT_ID, ADA)
    after = world.items()
    assert validator.validate(ACCOUNT_ID, ADA)
    assert world.items() == after


def test_a_contact_that_comes_back_from_the_trash_is_judged(world: Judging) -> None:
    in_the_trash(world)
    assert world.validator().validate(ACCOUNT_ID, ADA)
    contact_book(world.table.client(), BEGAN_MS + 2000, "later").restore(Ref(ADA))
    assert world.verdict() == PENDING
    assert world.validator().validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)


# While an email is being judged


JUDGED_STARTS = [start for start in STARTS if start.name in ("live", "two live")]


def judge_meanwhile(world: Judging, meanwhile: Callable[[], None]) -> None:
    """Judge the contact's email, and have something happen between reading and writing."""

    def looked_up(domain: str) -> bool:
        meanwhile()
        return False

    assert world.validator(disposable=looked_up).validate(ACCOUNT_ID, ADA)


@pytest.mark.parametrize("start", JUDGED_STARTS, ids=str)
@pytest.mark.parametrize("write", WRITES, ids=str)
def test_a_change_meanwhile_has_a_serial_outcome(start: Start, write: Write, world: Judging) -> None:
    """As if the change had come before, or after; and a verdict never counts for an email it is not about.

    A new email waits for a message of its own.
    """

    def judge() -> None:
        assert world.validator().validate(ACCOUNT_ID, ADA)

    def change() -> None:
        world.do(start, write)

    def left_by(*steps: Callable[[], None]) -> dict[tuple[str, str], Any]:
        world.begin(start)
        for step in steps:
            step()
        return world.contents(start)

    ending = left_by(lambda: judge_meanwhile(world, change))
    item = world.item()
    if item is not None and item.get("email") != EMAIL:
        assert ending == left_by(change)
    else:
        assert ending in (left_by(judge, change), left_by(change, judge))


def test_an_email_changed_while_the_old_one_is_being_judged_is_judged_for_itself(world: Judging) -> None:
    create(world, email="ada@gone.test")
    server = FakeNameServer(ZONE)

    class Slow(DnsResolver):
        def verdict_on(self, domain: str) -> Verdict | None:
            Beginning(world.table.client()).change("ada", email=EMAIL)
            return super().verdict_on(domain)

    assert world.validator(Slow(asking(server))).validate(ACCOUNT_ID, ADA)
    assert world.verdict() == PENDING
    assert world.validator(resolver(server)).validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)


def test_a_bounce_outdoes_a_verdict_that_comes_later(world: Judging) -> None:
    create(world, email=EMAIL)

    def bounce() -> None:
        assert world.store.mark_bounced(ACCOUNT_ID, ADA, EMAIL)

    judge_meanwhile(world, bounce)
    assert world.verdict() == ("invalid", "bounced")


def test_of_two_that_judge_at_once_one_writes(world: Judging) -> None:
    create(world, email=EMAIL)
    judge_meanwhile(world, lambda: world.store.record_verdict(ACCOUNT_ID, ADA, EMAIL, invalid(Reason.NO_MX)))
    assert world.verdict() == ("invalid", "no_mx")


def test_an_erased_contact_does_not_come_back(world: Judging) -> None:
    create(world, email=EMAIL)

    def erase() -> None:
        contact_book(world.table.client(), BEGAN_MS + 2000, "later").delete(Ref(ADA), permanent=True)

    judge_meanwhile(world, erase)
    assert world.item() is None


# The table in trouble


def test_a_transaction_in_the_way_is_waited_for(world: Judging) -> None:
    create(world, email=EMAIL)
    conflicts = ["TransactionConflictException"] * (TRIES - 1)
    world.client = Troubled(world.table.client(), "update_item", *conflicts)
    assert world.validator().validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)
    assert world.clock.slept > 0


@pytest.mark.parametrize(
    ("method", "codes", "error"),
    [
        ("update_item", ["TransactionConflictException"] * TRIES, Contention),
        ("update_item", ["ThrottlingException"], TemporarilyUnavailable),
        ("get_item", ["ProvisionedThroughputExceededException"], TemporarilyUnavailable),
        ("put_item", ["ThrottlingException"], TemporarilyUnavailable),
    ],
)
def test_a_table_that_is_too_busy_is_left_for_later(
    method: str, codes: list[str], error: type[Exception], world: Judging
) -> None:
    create(world, email=EMAIL)
    world.client = Troubled(world.table.client(), method, *codes)
    validator = world.validator(resolver(FakeNameServer(ZONE)))
    with pytest.raises(error):
        validator.validate(ACCOUNT_ID, ADA)
    assert world.verdict() == PENDING
    assert validator.validate(ACCOUNT_ID, ADA)
    assert world.verdict() == ("valid", None)


# What a verdict leaves alone


@settings(derandomize=True, max_examples=examples(60))
@given(
    note=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    is_full=st.booleans(),
    status=st.sampled_from([ValidationStatus.PENDING, ValidationStatus.VALID]),
    verdicts=st.lists(st.sampled_from([*map(invalid, Reason), VALID]), min_size=1, max_size=3),
)
def test_verdicts_change_nothing_but_themselves_and_fit_into_any_contact(
    note: str, is_full: bool, status: ValidationStatus, verdicts: list[Verdict]
) -> None:
    """Neither version nor updated_at; and a contact at the limit of its size can be changed as before."""
    world = judging()
    contact = Contact(
        id=ADA,
        version=70,
        created_at=iso(BEGAN_MS),
        updated_at=iso(BEGAN_MS),
        email=EMAIL,
        first_name="Ada",
        custom_fields={"note": note},
        validation_status=status,
    )
    if is_full:
        left = MAX_BYTES - measured(contact_values(contact))
        contact = replace(contact, custom_fields={"note": note + "x" * left})
    put(world, contact)
    for verdict in verdicts:
        with world.nothing_else_changes():
            world.store.record_verdict(ACCOUNT_ID, ADA, EMAIL, verdict)
            if verdict.reason is Reason.BOUNCED:
                world.store.mark_bounced(ACCOUNT_ID, ADA, EMAIL)
        assert violations(world.table.items(), ACCOUNT_ID, BEGAN_MS // 1000) == []
    book = contact_book(world.table.client(), BEGAN_MS + 2000, "later")
    for change in (
        {"first_name": "Eda"},
        {"remove_tags": ["vip"]},
        {"first_name": "Ida", "external_id": None},
    ):
        book.update(Ref(ADA), Change.of(change))
    assert world.verdict()[0] in ("valid", "invalid")
    assert violations(world.table.items(), ACCOUNT_ID, BEGAN_MS // 1000) == []


# Queue and wiring


def test_a_message_comes_five_times_within_an_hour() -> None:
    pauses = [pause_after(times) for times in range(1, 6)]
    assert pauses == [60, 300, 900, 1800, 0]
    assert sum(pauses) == 51 * 60


def message(body: Mapping[str, object], times: int = 1) -> dict[str, Any]:
    """The sample event with another body, received so many times."""
    event = sample_events.event("validate_contact")
    (record,) = event["Records"]
    record["body"] = json.dumps(body)
    record["attributes"]["ApproximateReceiveCount"] = str(times)
    return dict(event)


OF_ADA = {"account_id": ACCOUNT_ID, "contact_id": ADA}


def test_the_function_judges_the_contact_a_message_names(
    world: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(world, email="ada@mailinator.com")
    judge = function("validate_contact", world, monkeypatch, EMAIL_DNS="off")
    assert judge(message(OF_ADA), CONTEXT) == {"batchItemFailures": []}
    assert world.verdict() == ("invalid", "disposable")


def test_the_sample_event_is_of_a_contact_that_is_judged_already(
    world: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample_account.fill(world.table.client(), NAME)
    before = world.items()
    judge = function("validate_contact", world, monkeypatch, EMAIL_DNS="off")
    assert judge(sample_events.event("validate_contact"), CONTEXT) == {"batchItemFailures": []}
    assert world.items() == before
    assert sample_account.LIVE.id in json.dumps(sample_events.event("validate_contact"))


@pytest.mark.parametrize(("times", "pause"), [(1, 60), (2, 300), (4, 1800), (5, 0)])
def test_the_function_has_a_message_come_back_that_it_cannot_settle(
    times: int, pause: int, world: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(world, email=EMAIL)
    server = FakeNameServer(ZONE, ["SERVFAIL"])
    monkeypatch.setattr(DnsResolver.__init__, "__defaults__", (asking(server), 5.0))
    judge = function("validate_contact", world, monkeypatch, EMAIL_DNS="on")
    event = message(OF_ADA, times)
    (record,) = event["Records"]
    assert judge(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert [call["VisibilityTimeout"] for call in world.sqs.calls] == [pause]
    assert world.verdict() == PENDING
    assert judge(event, CONTEXT) == {"batchItemFailures": []}
    assert world.verdict() == ("valid", None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"account_id": ACCOUNT_ID},
        {"account_id": ACCOUNT_ID, "contact_id": "ada@example.com"},
        {"account_id": f"{ACCOUNT_ID}#x", "contact_id": ADA},
        {"account_id": 7, "contact_id": ADA},
    ],
)
def test_a_message_that_nobody_understands_fails_alone_and_tells_nothing(
    body: Any, world: Judging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create(world, email=EMAIL)
    judge = function("validate_contact", world, monkeypatch, EMAIL_DNS="off")
    event = message(OF_ADA)
    event["Records"].insert(0, message(body)["Records"][0] | {"messageId": "wrong"})
    assert judge(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "wrong"}]}
    assert world.verdict() == ("valid", None)
    assert world.sqs.calls == []
    assert "example.com" not in capsys.readouterr().out


def test_dnspython_is_loaded_only_where_the_dns_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, not_asking = App(None, EMAIL_DNS="on"), App(None, EMAIL_DNS="off")
    assert isinstance(asking.resolver(), DnsResolver)
    monkeypatch.setitem(sys.modules, "contacts.email_validation.dns", None)
    with pytest.raises(ImportError):
        asking.resolver()
    assert not_asking.resolver() is None


def test_what_is_kept_of_a_domain_belongs_to_no_account(world: Judging) -> None:
    world.store.remember("example.com", VALID, 1000)
    (key,) = world.items()
    assert key == keys.domain_verdict("a379a6f6eeafb9a55e378c118034e2751e682fab9f2d30ab13d2125586ce1947")
