"""Webhooks in the table: what is written together, and what a delivery's note must not undo."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from contacts.book.model import Action, Outcome
from contacts.core.errors import TemporarilyUnavailable, WebhookNotFound
from contacts.core.idempotency import AlreadyRecorded, ConcurrentModification, IdempotencyKey
from contacts.webhooks.model import DisabledReason, Webhook
from contacts.webhooks.service import CreateWebhook
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID, caller_of
from tests.support.faulty_wire import FAULTS, Wire
from tests.support.moto_table import MotoTable
from tests.support.webhook_harness import ENDPOINT, WebhookHarness

AT_MS = 1_768_473_000_000
FAILED_AT, FAILED_LATER = "2026-01-15T10:30:00.000Z", "2026-01-15T11:00:00.000Z"
DONE = Outcome(action=Action.UPDATED, details={"id": "any"})
RECEIPT = IdempotencyKey("k-1", "0" * 64)
WEBHOOK = Webhook(
    id="wh_19bc0cd0a4000000000",
    account_id=ACCOUNT_ID,
    url=ENDPOINT,
    events=("contact.created", "contact.deleted"),
    description="CRM",
    is_active=True,
    disabled_reason=None,
    created_at="2026-01-14T10:30:00.000Z",
    secret="whsec_bmV3",
)
FULL = replace(
    WEBHOOK,
    id="wh_19bc0cd0a4000000001",
    description=None,
    is_active=False,
    disabled_reason="failing",
    previous_secret="whsec_b2xk",
    previous_secret_until=1_768_559_400,
    failing_since=FAILED_AT,
)


@pytest.fixture
def harness() -> WebhookHarness:
    """A table with one webhook."""
    harness = WebhookHarness()
    harness.store.add(WEBHOOK, DONE, None, AT_MS)
    return harness


def kept(harness: WebhookHarness) -> Webhook:
    found = harness.store.webhook(ACCOUNT_ID, WEBHOOK.id)
    assert found is not None
    return found


def test_what_was_written_is_read(harness: WebhookHarness) -> None:
    harness.store.add(FULL, DONE, RECEIPT, AT_MS)
    assert harness.store.webhooks(ACCOUNT_ID) == [WEBHOOK, FULL]
    assert harness.store.webhook(ACCOUNT_ID, FULL.id) == FULL
    assert harness.store.webhooks(OTHER_ACCOUNT_ID) == []
    assert harness.store.webhook(OTHER_ACCOUNT_ID, FULL.id) is None


def test_a_webhook_has_the_attributes_that_the_documents_name(harness: WebhookHarness) -> None:
    harness.store.add(FULL, DONE, None, AT_MS)
    found = {attribute for item in harness.moto.items() for attribute in item}
    assert found == {"PK", "SK", "url", "events", "description", "is_active", "disabled_reason", "created_at",
                     "secret", "previous_secret", "previous_secret_until", "failing_since"}  # fmt: skip


def test_webhooks_that_take_more_than_one_page_are_all_listed() -> None:
    harness = WebhookHarness()
    many = [replace(WEBHOOK, id=f"wh_{n:019x}", url=f"{ENDPOINT}/{'x' * 1900}") for n in range(600)]
    for webhook in many:
        harness.store.add(webhook, DONE, None, AT_MS)
    assert harness.store.webhooks(ACCOUNT_ID) == many


@pytest.mark.parametrize("webhook_id", ["wh_1", "x" * 3000, "é" * 65, "../x", "a/b"])
def test_an_id_of_any_kind_names_at_most_one(webhook_id: str, harness: WebhookHarness) -> None:
    assert harness.store.webhook(ACCOUNT_ID, webhook_id) is None
    with pytest.raises(WebhookNotFound):
        harness.store.remove(ACCOUNT_ID, webhook_id, DONE, None, AT_MS)
    assert harness.store.webhooks(ACCOUNT_ID) == [WEBHOOK]


CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "url": {"url": "https://other.example/"},
    "events": {"events": ("*",)},
    "no description": {"description": None},
    "off": {"is_active": False},
    "off for a reason": {"is_active": False, "disabled_reason": "gone"},
    "secret": {"secret": "whsec_c29vbg==", "previous_secret": WEBHOOK.secret, "previous_secret_until": 5},
    "failing": {"failing_since": FAILED_AT},
}


@pytest.mark.parametrize("idempotency_key", [None, RECEIPT], ids=["", "with a receipt"])
@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_there_and_back(
    fields: dict[str, Any], idempotency_key: IdempotencyKey | None, harness: WebhookHarness
) -> None:
    after = replace(WEBHOOK, **fields)
    harness.store.change(WEBHOOK, after, DONE, idempotency_key, AT_MS)
    assert kept(harness) == after
    harness.store.change(after, WEBHOOK, DONE, None, AT_MS)
    assert kept(harness) == WEBHOOK


@pytest.mark.parametrize("idempotency_key", [None, RECEIPT], ids=["", "with a receipt"])
@pytest.mark.parametrize("fields", [
    CHANGES[name] for name in ("url", "events", "no description", "off", "off for a reason", "secret")
])  # fmt: skip
def test_a_change_of_what_was_changed_meanwhile_is_not_made(
    fields: dict[str, Any], idempotency_key: IdempotencyKey | None, harness: WebhookHarness
) -> None:
    harness.store.change(WEBHOOK, theirs := replace(WEBHOOK, **fields), DONE, None, AT_MS)
    with pytest.raises(ConcurrentModification):
        harness.store.change(WEBHOOK, replace(WEBHOOK, description="mine"), DONE, idempotency_key, AT_MS)
    assert kept(harness) == theirs


def test_a_change_leaves_alone_what_deliveries_have_noted(harness: WebhookHarness) -> None:
    harness.store.note_failure(WEBHOOK, FAILED_AT)
    harness.store.change(WEBHOOK, replace(WEBHOOK, description="mine"), DONE, None, AT_MS)
    assert kept(harness) == replace(WEBHOOK, description="mine", failing_since=FAILED_AT)


@pytest.mark.parametrize("write", [
    lambda store: store.add(FULL, DONE, RECEIPT, AT_MS),
    lambda store: store.change(WEBHOOK, replace(WEBHOOK, description="x"), DONE, RECEIPT, AT_MS),
    lambda store: store.remove(ACCOUNT_ID, WEBHOOK.id, DONE, RECEIPT, AT_MS),
], ids=["add", "change", "remove"])  # fmt: skip
def test_a_request_on_record_is_not_carried_out_again(
    write: Callable[[Any], object], harness: WebhookHarness
) -> None:
    harness.store.change(WEBHOOK, WEBHOOK, DONE, RECEIPT, AT_MS)
    before = harness.moto.items()
    with pytest.raises(AlreadyRecorded) as already:
        write(harness.store)
    assert already.value.record.request_hash == RECEIPT.request_hash
    assert harness.moto.items() == before


def test_an_id_that_is_taken_is_not_taken_over(harness: WebhookHarness) -> None:
    with pytest.raises(Exception, match="webhook"):
        harness.store.add(replace(WEBHOOK, secret="whsec_b3RoZXI="), DONE, None, AT_MS)
    assert kept(harness) == WEBHOOK


# What deliveries note


def test_the_first_failure_counts_and_a_success_ends_it(harness: WebhookHarness) -> None:
    harness.store.note_failure(WEBHOOK, FAILED_AT)
    harness.store.note_failure(WEBHOOK, FAILED_LATER)  # read before the first
    assert kept(harness).failing_since == FAILED_AT
    harness.store.note_failure(kept(harness), FAILED_LATER)
    assert kept(harness).failing_since == FAILED_AT
    harness.store.note_success(kept(harness))
    assert kept(harness) == WEBHOOK


def test_a_success_before_a_later_failure_does_not_end_it(harness: WebhookHarness) -> None:
    harness.store.note_failure(WEBHOOK, FAILED_AT)
    seen = kept(harness)
    harness.store.note_success(seen)
    harness.store.note_failure(kept(harness), FAILED_LATER)
    harness.store.note_success(seen)
    assert kept(harness).failing_since == FAILED_LATER


def test_an_endpoint_is_disabled_once_and_for_a_reason(harness: WebhookHarness) -> None:
    assert harness.store.disable(WEBHOOK, DisabledReason.GONE)
    off = replace(WEBHOOK, is_active=False, disabled_reason="gone")
    assert kept(harness) == off
    assert not harness.store.disable(WEBHOOK, DisabledReason.FAILING)
    assert kept(harness) == off


@pytest.mark.parametrize(("theirs", "reason"), [
    ({"url": "https://other.example/"}, DisabledReason.GONE),
    ({"url": "https://other.example/"}, DisabledReason.FAILING),
    ({"failing_since": None}, DisabledReason.FAILING),
    ({"is_active": False}, DisabledReason.GONE),
])  # fmt: skip
def test_an_endpoint_that_was_mended_meanwhile_stays_as_it_is(
    theirs: dict[str, Any], reason: DisabledReason, harness: WebhookHarness
) -> None:
    failing = replace(WEBHOOK, failing_since=FAILED_AT)
    harness.store.change(WEBHOOK, failing, DONE, None, AT_MS)
    mended = replace(failing, **theirs)
    harness.store.change(failing, mended, DONE, None, AT_MS)
    assert not harness.store.disable(failing, reason)
    assert kept(harness) == mended


@pytest.mark.parametrize("note", [
    lambda store: store.note_failure(WEBHOOK, FAILED_AT),
    lambda store: store.note_success(FULL),
    lambda store: store.disable(WEBHOOK, DisabledReason.GONE),
    lambda store: store.disable(FULL, DisabledReason.FAILING),
])  # fmt: skip
def test_no_note_brings_back_what_was_deleted(note: Callable[[Any], object]) -> None:
    harness = WebhookHarness()
    note(harness.store)
    with pytest.raises(ConcurrentModification):
        harness.store.change(WEBHOOK, FULL, DONE, None, AT_MS)
    assert harness.moto.items() == []


def test_what_is_known_costs_no_write(harness: WebhookHarness) -> None:
    quiet = WebhookHarness(dynamodb=object())  # anything that is asked of it would be an error
    quiet.store.note_success(WEBHOOK)
    quiet.store.note_failure(FULL, FAILED_LATER)


# Each fault at each call


@cache
def wire() -> Wire:
    return Wire(MotoTable())


@cache
def dynamodb() -> Any:
    return wire().client()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's pauses pass at once, and there is no end to the retries that one client may make in all."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)


REQUESTS: dict[str, Callable[[WebhookHarness, IdempotencyKey | None], Outcome]] = {
    "add": lambda harness, idempotency_key: harness.service.add(
        caller_of(), CreateWebhook(url=ENDPOINT), idempotency_key
    ),
    "change": lambda harness, idempotency_key: harness.service.change(
        caller_of(), WEBHOOK.id, {"description": "mine", "is_active": True}, idempotency_key
    ),
    "rotate": lambda harness, idempotency_key: harness.service.rotate(
        caller_of(), WEBHOOK.id, idempotency_key
    ),
    "remove": lambda harness, idempotency_key: harness.service.remove(
        caller_of(), WEBHOOK.id, idempotency_key
    ),
}


@pytest.mark.parametrize("idempotency_key", [None, RECEIPT], ids=["", "with a receipt"])
@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_carried_out_once_or_not_at_all(
    ask: Callable[[WebhookHarness, IdempotencyKey | None], Outcome], idempotency_key: IdempotencyKey | None
) -> None:
    wire().be_sound()
    before = WebhookHarness()
    before.store.add(WEBHOOK, DONE, None, AT_MS)
    begun = before.moto.snapshot()

    def run() -> tuple[Outcome | str, list[Any]]:
        """The outcome, or the name of the refusal, and what is in the table then."""
        wire().table.bring_back(begun)
        wire().methods.clear()
        try:
            outcome: Outcome | str = ask(WebhookHarness(dynamodb()), idempotency_key)
        except TemporarilyUnavailable:
            outcome = "unavailable"
        return outcome, wire().table.items()

    sound = run()
    assert isinstance(sound[0], Outcome)
    methods = list(wire().methods)
    untouched = before.moto.items()
    for number, method in enumerate(methods, start=1):
        for fault in FAULTS:
            if not fault.strikes(method):
                continue
            wire().strike(fault, number, times=1)
            outcome, items = run()
            if outcome == "unavailable":
                assert fault.retried_by == "the client", fault
                assert items == untouched, fault
            elif fault.retried_by == "the service":
                # The random bytes of its pauses are not those of the sound run.
                assert without_secrets(items) == without_secrets(sound[1]), fault
            else:
                assert (outcome, items) == sound, fault
            wire().strike(fault, number, times=1000)
            outcome, items = run()
            assert outcome == "unavailable", fault
            is_done = fault.is_late and number == len(methods)
            assert without_secrets(items) == without_secrets(sound[1] if is_done else untouched), fault


def without_secrets(items: list[Any]) -> list[Any]:
    return [{name: value for name, value in item.items() if "secret" not in name} for item in items]


def test_a_rotation_whose_answer_got_lost_keeps_the_secret_before() -> None:
    """The SDK sends the call again, finds the webhook changed, and must not take that for another's rotation."""
    lost = next(fault for fault in FAULTS if fault.name == "answer lost")
    wire().be_sound()
    harness = WebhookHarness(dynamodb())
    wire().table.bring_back(WebhookHarness().moto.snapshot())
    harness.store.add(WEBHOOK, DONE, None, AT_MS)
    wire().methods.clear()
    wire().strike(lost, at_call=2, times=1)
    outcome = harness.service.rotate(caller_of(), WEBHOOK.id, None)
    assert kept(harness).secrets_at(AT_MS // 1000) == (outcome.secrets["secret"], WEBHOOK.secret)


def test_what_was_removed_is_not_there() -> None:
    wire().be_sound()
    harness = WebhookHarness(dynamodb())
    wire().table.bring_back(WebhookHarness().moto.snapshot())
    for _ in range(2):
        with pytest.raises(WebhookNotFound):
            harness.service.remove(caller_of(), WEBHOOK.id, RECEIPT)
    assert wire().table.items() == []
