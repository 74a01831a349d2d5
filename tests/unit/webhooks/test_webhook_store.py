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
from tests.support.faulty_wire import FAULTS, Wire
from tests.support.front_door import ACCOUNT_ID, OTHER_ACCOUNT_ID, caller_of
from tests.support.moto_table import MotoTable
from tests.support.webhook_house import ENDPOINT, WebhookHouse

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
def house() -> WebhookHouse:
    """A table with one webhook."""
    house = WebhookHouse()
    house.store.add(WEBHOOK, DONE, None, AT_MS)
    return house


def kept(house: WebhookHouse) -> Webhook:
    found = house.store.webhook(ACCOUNT_ID, WEBHOOK.id)
    assert found is not None
    return found


def test_what_was_written_is_read(house: WebhookHouse) -> None:
    house.store.add(FULL, DONE, RECEIPT, AT_MS)
    assert house.store.webhooks(ACCOUNT_ID) == [WEBHOOK, FULL]
    assert house.store.webhook(ACCOUNT_ID, FULL.id) == FULL
    assert house.store.webhooks(OTHER_ACCOUNT_ID) == []
    assert house.store.webhook(OTHER_ACCOUNT_ID, FULL.id) is None


def test_a_webhook_has_the_attributes_that_the_documents_name(house: WebhookHouse) -> None:
    house.store.add(FULL, DONE, None, AT_MS)
    found = {attribute for item in house.moto.items() for attribute in item}
    assert found == {"PK", "SK", "url", "events", "description", "is_active", "disabled_reason", "created_at",
                     "secret", "previous_secret", "previous_secret_until", "failing_since"}  # fmt: skip


def test_webhooks_that_take_more_than_one_page_are_all_listed() -> None:
    house = WebhookHouse()
    many = [replace(WEBHOOK, id=f"wh_{n:019x}", url=f"{ENDPOINT}/{'x' * 1900}") for n in range(600)]
    for webhook in many:
        house.store.add(webhook, DONE, None, AT_MS)
    assert house.store.webhooks(ACCOUNT_ID) == many


@pytest.mark.parametrize("webhook_id", ["wh_1", "x" * 3000, "é" * 65, "../x", "a/b"])
def test_an_id_of_any_kind_names_at_most_one(webhook_id: str, house: WebhookHouse) -> None:
    assert house.store.webhook(ACCOUNT_ID, webhook_id) is None
    with pytest.raises(WebhookNotFound):
        house.store.remove(ACCOUNT_ID, webhook_id, DONE, None, AT_MS)
    assert house.store.webhooks(ACCOUNT_ID) == [WEBHOOK]


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
    fields: dict[str, Any], idempotency_key: IdempotencyKey | None, house: WebhookHouse
) -> None:
    after = replace(WEBHOOK, **fields)
    house.store.change(WEBHOOK, after, DONE, idempotency_key, AT_MS)
    assert kept(house) == after
    house.store.change(after, WEBHOOK, DONE, None, AT_MS)
    assert kept(house) == WEBHOOK


@pytest.mark.parametrize("idempotency_key", [None, RECEIPT], ids=["", "with a receipt"])
@pytest.mark.parametrize("fields", [
    CHANGES[name] for name in ("url", "events", "no description", "off", "off for a reason", "secret")
])  # fmt: skip
def test_a_change_of_what_was_changed_meanwhile_is_not_made(
    fields: dict[str, Any], idempotency_key: IdempotencyKey | None, house: WebhookHouse
) -> None:
    house.store.change(WEBHOOK, theirs := replace(WEBHOOK, **fields), DONE, None, AT_MS)
    with pytest.raises(ConcurrentModification):
        house.store.change(WEBHOOK, replace(WEBHOOK, description="mine"), DONE, idempotency_key, AT_MS)
    assert kept(house) == theirs


def test_a_change_leaves_alone_what_deliveries_have_noted(house: WebhookHouse) -> None:
    house.store.note_failure(WEBHOOK, FAILED_AT)
    house.store.change(WEBHOOK, replace(WEBHOOK, description="mine"), DONE, None, AT_MS)
    assert kept(house) == replace(WEBHOOK, description="mine", failing_since=FAILED_AT)


@pytest.mark.parametrize("write", [
    lambda store: store.add(FULL, DONE, RECEIPT, AT_MS),
    lambda store: store.change(WEBHOOK, replace(WEBHOOK, description="x"), DONE, RECEIPT, AT_MS),
    lambda store: store.remove(ACCOUNT_ID, WEBHOOK.id, DONE, RECEIPT, AT_MS),
], ids=["add", "change", "remove"])  # fmt: skip
def test_a_request_on_record_is_not_carried_out_again(
    write: Callable[[Any], object], house: WebhookHouse
) -> None:
    house.store.change(WEBHOOK, WEBHOOK, DONE, RECEIPT, AT_MS)
    before = house.moto.items()
    with pytest.raises(AlreadyRecorded) as already:
        write(house.store)
    assert already.value.record.request_hash == RECEIPT.request_hash
    assert house.moto.items() == before


def test_an_id_that_is_taken_is_not_taken_over(house: WebhookHouse) -> None:
    with pytest.raises(Exception, match="webhook"):
        house.store.add(replace(WEBHOOK, secret="whsec_b3RoZXI="), DONE, None, AT_MS)
    assert kept(house) == WEBHOOK


# What deliveries note


def test_the_first_failure_counts_and_a_success_ends_it(house: WebhookHouse) -> None:
    house.store.note_failure(WEBHOOK, FAILED_AT)
    house.store.note_failure(WEBHOOK, FAILED_LATER)  # read before the first
    assert kept(house).failing_since == FAILED_AT
    house.store.note_failure(kept(house), FAILED_LATER)
    assert kept(house).failing_since == FAILED_AT
    house.store.note_success(kept(house))
    assert kept(house) == WEBHOOK


def test_a_success_before_a_later_failure_does_not_end_it(house: WebhookHouse) -> None:
    house.store.note_failure(WEBHOOK, FAILED_AT)
    seen = kept(house)
    house.store.note_success(seen)
    house.store.note_failure(kept(house), FAILED_LATER)
    house.store.note_success(seen)
    assert kept(house).failing_since == FAILED_LATER


def test_an_endpoint_is_disabled_once_and_for_a_reason(house: WebhookHouse) -> None:
    assert house.store.disable(WEBHOOK, DisabledReason.GONE)
    off = replace(WEBHOOK, is_active=False, disabled_reason="gone")
    assert kept(house) == off
    assert not house.store.disable(WEBHOOK, DisabledReason.FAILING)
    assert kept(house) == off


@pytest.mark.parametrize(("theirs", "reason"), [
    ({"url": "https://other.example/"}, DisabledReason.GONE),
    ({"url": "https://other.example/"}, DisabledReason.FAILING),
    ({"failing_since": None}, DisabledReason.FAILING),
    ({"is_active": False}, DisabledReason.GONE),
])  # fmt: skip
def test_an_endpoint_that_was_mended_meanwhile_stays_as_it_is(
    theirs: dict[str, Any], reason: DisabledReason, house: WebhookHouse
) -> None:
    failing = replace(WEBHOOK, failing_since=FAILED_AT)
    house.store.change(WEBHOOK, failing, DONE, None, AT_MS)
    mended = replace(failing, **theirs)
    house.store.change(failing, mended, DONE, None, AT_MS)
    assert not house.store.disable(failing, reason)
    assert kept(house) == mended


@pytest.mark.parametrize("note", [
    lambda store: store.note_failure(WEBHOOK, FAILED_AT),
    lambda store: store.note_success(FULL),
    lambda store: store.disable(WEBHOOK, DisabledReason.GONE),
    lambda store: store.disable(FULL, DisabledReason.FAILING),
])  # fmt: skip
def test_no_note_brings_back_what_was_deleted(note: Callable[[Any], object]) -> None:
    house = WebhookHouse()
    note(house.store)
    with pytest.raises(ConcurrentModification):
        house.store.change(WEBHOOK, FULL, DONE, None, AT_MS)
    assert house.moto.items() == []


def test_what_is_known_costs_no_write(house: WebhookHouse) -> None:
    quiet = WebhookHouse(dynamodb=object())  # anything that is asked of it would be an error
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


REQUESTS: dict[str, Callable[[WebhookHouse, IdempotencyKey | None], Outcome]] = {
    "add": lambda house, idempotency_key: house.desk.add(
        caller_of(), CreateWebhook(url=ENDPOINT), idempotency_key
    ),
    "change": lambda house, idempotency_key: house.desk.change(
        caller_of(), WEBHOOK.id, {"description": "mine", "is_active": True}, idempotency_key
    ),
    "rotate": lambda house, idempotency_key: house.desk.rotate(caller_of(), WEBHOOK.id, idempotency_key),
    "remove": lambda house, idempotency_key: house.desk.remove(caller_of(), WEBHOOK.id, idempotency_key),
}


@pytest.mark.parametrize("idempotency_key", [None, RECEIPT], ids=["", "with a receipt"])
@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_carried_out_once_or_not_at_all(
    ask: Callable[[WebhookHouse, IdempotencyKey | None], Outcome], idempotency_key: IdempotencyKey | None
) -> None:
    wire().be_sound()
    before = WebhookHouse()
    before.store.add(WEBHOOK, DONE, None, AT_MS)
    begun = before.moto.snapshot()

    def run() -> tuple[Outcome | str, list[Any]]:
        """The outcome, or the name of the refusal, and what is in the table then."""
        wire().table.bring_back(begun)
        wire().methods.clear()
        try:
            outcome: Outcome | str = ask(WebhookHouse(dynamodb()), idempotency_key)
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
    house = WebhookHouse(dynamodb())
    wire().table.bring_back(WebhookHouse().moto.snapshot())
    house.store.add(WEBHOOK, DONE, None, AT_MS)
    wire().methods.clear()
    wire().strike(lost, at_call=2, times=1)
    outcome = house.desk.rotate(caller_of(), WEBHOOK.id, None)
    assert kept(house).secrets_at(AT_MS // 1000) == (outcome.secrets["secret"], WEBHOOK.secret)


def test_what_was_removed_is_not_there() -> None:
    wire().be_sound()
    house = WebhookHouse(dynamodb())
    wire().table.bring_back(WebhookHouse().moto.snapshot())
    for _ in range(2):
        with pytest.raises(WebhookNotFound):
            house.desk.remove(caller_of(), WEBHOOK.id, RECEIPT)
    assert wire().table.items() == []
