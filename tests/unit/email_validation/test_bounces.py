"""Bounces make an address invalid, in the account they are for and nowhere else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contacts.book.model import Change, Reason
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import TRIES
from contacts.core.ids import Ref
from contacts.email_validation.model import VALID, invalid
from contacts.table.client import Table
from local import sample_account
from local.table import NAME
from tests.support import sample_events
from tests.support.app import App, caller_of
from tests.support.deterministic import Dice, SetClock
from tests.support.email_validation_harness import (
    CONTEXT,
    PENDING,
    Judging,
    Overtaken,
    Troubled,
    function,
    judging,
)
from tests.support.scenarios import (
    ACCOUNT_ID,
    ADA,
    BEA,
    BEGAN_MS,
    EMAIL,
    EXTERNAL_ID,
    NEW_EMAIL,
    OTHER_EMAIL,
    STARTS,
    WRITES,
    Beginning,
    Start,
    Write,
    contact_book,
)

OTHER_ACCOUNT_ID = "0198f3a0-0000-7000-8000-0000000000ff"
MESSAGE_ID = "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000"
BOUNCED = ("invalid", "bounced")

Notification = dict[str, Any]


@pytest.fixture
def world() -> Judging:
    return judging()


@pytest.fixture
def live(world: Judging) -> Judging:
    """Ada is there, not judged yet."""
    Beginning(world.table.client()).create("ada", email=EMAIL, external_id=EXTERNAL_ID)
    return world


def bounce(*addresses: str, kind: str = "Permanent", account_id: str | None = ACCOUNT_ID) -> Notification:
    """What SES publishes of an event."""
    return {
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
            "bounceType": kind,
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"emailAddress": address, "action": "failed", "status": "5.1.1"} for address in addresses
            ],
            "timestamp": "2026-01-15T10:30:02.669Z",
        },
        "mail": {
            "timestamp": "2026-01-15T10:30:00.012Z",
            "source": "News <news@example.net>",
            "messageId": MESSAGE_ID,
            "destination": list(addresses),
            "headersTruncated": False,
            "headers": [{"name": "From", "value": "News <news@example.net>"}],
            "tags": {
                "ses:configuration-set": ["newsletter"],
                **({} if account_id is None else {"account_id": [account_id]}),
            },
        },
    }


def of_identity(notification: Notification, *headers: tuple[str, str]) -> Notification:
    """The same as an identity's notification: no tags, and headers only where it is set up to include them."""
    mail = {key: value for key, value in notification["mail"].items() if key not in ("tags", "headers")}
    if headers:
        mail["headers"] = [{"name": name, "value": value} for name, value in headers]
    return {"notificationType": "Bounce", "bounce": notification["bounce"], "mail": mail}


def record(world: Judging, notification: object) -> None:
    world.recorder().record(json.dumps(notification))


# What counts


@pytest.mark.parametrize(
    "notification",
    [
        pytest.param(bounce(EMAIL), id="event"),
        pytest.param(
            of_identity(bounce(EMAIL), ("From", "x"), ("X-Contacts-Account-Id", ACCOUNT_ID)), id="identity"
        ),
        pytest.param(
            of_identity(bounce(EMAIL), ("x-contacts-ACCOUNT-id", f" {ACCOUNT_ID.upper()} ")), id="any case"
        ),
        pytest.param(bounce(OTHER_EMAIL, EMAIL), id="one of several"),
        pytest.param(bounce(f"Ada Lovelace <{EMAIL}>"), id="with a name"),
        pytest.param(bounce(f'"Lovelace, Ada" <{EMAIL.upper()}>'), id="in capitals"),
    ],
)
def test_a_permanent_bounce_marks_the_address(notification: Notification, live: Judging) -> None:
    with live.nothing_else_changes():
        record(live, notification)
    assert live.verdict() == BOUNCED
    assert live.of_nobody == []


def test_whatever_was_thought_of_it_so_far(live: Judging) -> None:
    for verdict in (VALID, invalid(Reason.NO_MX)):
        live.store.record_verdict(ACCOUNT_ID, ADA, EMAIL, verdict)
        record(live, bounce(EMAIL))
        assert live.verdict() == BOUNCED
        renamed = contact_book(live.table.client(), BEGAN_MS + 2000, "later")
        for email in (NEW_EMAIL, EMAIL):
            renamed.update(Ref(ADA), Change.of({"email": email}))
        assert live.verdict() == PENDING


def test_an_international_domain_is_found_by_its_stored_form(world: Judging) -> None:
    Beginning(world.table.client()).create("ada", email="ada@xn--bcher-kva.example")
    record(world, bounce("ada@bücher.example"))
    assert world.verdict() == BOUNCED


def test_every_recipient_is_marked(live: Judging) -> None:
    Beginning(live.table.client()).create("bea", email=OTHER_EMAIL)
    record(live, bounce(EMAIL, "nobody@example.com", OTHER_EMAIL))
    assert (live.verdict(ADA), live.verdict(BEA)) == (BOUNCED, BOUNCED)


def test_the_same_twice_changes_nothing_more(live: Judging) -> None:
    record(live, bounce(EMAIL))
    after = live.items()
    record(live, bounce(EMAIL, EMAIL))
    assert live.items() == after


def test_only_the_account_it_is_for_is_concerned(live: Judging) -> None:
    app = App(live.table.client(), clock=SetClock(BEGAN_MS), randomness=Dice("other"))
    other = app.contact_book(caller_of(OTHER_ACCOUNT_ID)).create({"email": EMAIL}).contact
    assert other is not None
    before = live.items()
    record(live, bounce(EMAIL, account_id=OTHER_ACCOUNT_ID))
    assert live.verdict() == PENDING
    bounced = live.item(other.id, OTHER_ACCOUNT_ID)
    assert bounced is not None
    assert bounced["validation_reason"] == "bounced"
    assert [key for key, item in live.items().items() if item != before[key]] == [
        (bounced["PK"], bounced["SK"])
    ]


# What does not


SUBSCRIBED = {
    "notificationType": "AmazonSnsSubscriptionSucceeded",
    "message": "You have successfully subscribed your Amazon SNS topic to receive 'Bounce' notifications.",
}


@pytest.mark.parametrize(
    "notification",
    [
        pytest.param(bounce(EMAIL, kind="Transient"), id="transient"),
        pytest.param(bounce(EMAIL, kind="Undetermined"), id="undetermined"),
        pytest.param(bounce(), id="no recipients"),
        pytest.param(bounce("", "ada", "<>", "a@b, c@d"), id="no addresses"),
        pytest.param(bounce(NEW_EMAIL), id="nobody's"),
        pytest.param({**bounce(EMAIL), "eventType": "Complaint"}, id="complaint"),
        pytest.param({"eventType": "Delivery", "mail": {}, "delivery": {}}, id="delivery"),
        pytest.param(
            of_identity(bounce(EMAIL)) | {"notificationType": "Complaint"}, id="identity's complaint"
        ),
        pytest.param(SUBSCRIBED, id="subscribed"),
    ],
)
def test_nothing_else_marks_anything(notification: Notification, live: Judging) -> None:
    before = live.items()
    record(live, notification)
    assert (live.items(), live.of_nobody) == (before, [])


def test_an_address_that_no_contact_can_have_is_not_even_looked_up(live: Judging) -> None:
    """A key of the table has at most 2,048 bytes."""
    live.client = Troubled(live.table.client(), "get_item", "ValidationException")
    record(live, bounce("адa@example.com", "\ud800@example.com", f"{'a' * 3000}@example.com", ""))


def test_the_greeting_of_a_new_event_destination_is_not_even_json(live: Judging) -> None:
    before = live.items()
    live.recorder().record("Successfully validated SNS topic for Amazon SES event publishing.")
    assert live.items() == before


@pytest.mark.parametrize(
    "notification",
    [
        pytest.param(bounce(EMAIL, account_id=None), id="no tag"),
        pytest.param(bounce(EMAIL, account_id="me"), id="no account"),
        pytest.param(bounce(EMAIL, account_id=f"{ACCOUNT_ID}#0"), id="no account, but a key"),
        pytest.param(of_identity(bounce(EMAIL)), id="no headers"),
        pytest.param(of_identity(bounce(EMAIL), ("From", "x")), id="no header"),
        pytest.param(of_identity(bounce(EMAIL), ("X-Contacts-Account-Id", "")), id="empty header"),
    ],
)
def test_a_bounce_of_no_account_is_told_by_its_message_and_ignored(
    notification: Notification, live: Judging
) -> None:
    before = live.items()
    record(live, notification)
    assert (live.items(), live.of_nobody) == (before, [MESSAGE_ID])


@pytest.mark.parametrize(
    "notification",
    [
        "",
        "hello",
        "null",
        "[]",
        "{}",
        '{"eventType": "Bounce"}',
        '{"eventType": "Bounce", "bounce": {}, "mail": {}}',
        json.dumps({**bounce(EMAIL), "mail": {}}),
        json.dumps({**bounce(EMAIL), "mail": {"tags": [ACCOUNT_ID]}}),
        json.dumps(bounce(EMAIL)).replace('"emailAddress"', '"address"'),
    ],
)
def test_what_is_no_notification_of_ses_fails_and_changes_nothing(notification: str, live: Judging) -> None:
    before = live.items()
    with pytest.raises(Exception) as failure:  # noqa: PT011 (whatever reading it raises)
        live.recorder().record(notification)
    # Lambda logs the message.
    assert "example" not in str(failure.value)
    assert live.items() == before


# Contacts on the move


def test_a_contact_in_the_trash_is_left_alone(live: Judging) -> None:
    Beginning(live.table.client()).trash("ada")
    before = live.items()
    record(live, bounce(EMAIL))
    assert live.items() == before


STARTS_WITH_THE_EMAIL = [
    start for start in STARTS if start.name in ("live", "two live", "in the trash, email taken")
]


@pytest.mark.parametrize("start", STARTS_WITH_THE_EMAIL, ids=str)
@pytest.mark.parametrize("write", WRITES, ids=str)
@pytest.mark.parametrize("read", ["contact_id_of", "contact"])
def test_a_change_meanwhile_has_a_serial_outcome(
    read: str, start: Start, write: Write, world: Judging
) -> None:
    def left_by(*steps: Callable[[], None]) -> dict[tuple[str, str], Any]:
        world.begin(start)
        for step in steps:
            step()
        return world.contents(start)

    def mark() -> None:
        record(world, bounce(EMAIL))

    def change() -> None:
        world.do(start, write)

    store = world.overtaken(read, start, write)
    ending = left_by(lambda: world.recorder(store).record(json.dumps(bounce(EMAIL))))
    assert ending in (left_by(mark, change), left_by(change, mark))


def test_an_email_that_moves_on_to_another_contact_is_followed(live: Judging) -> None:
    Beginning(live.table.client()).create("bea", email=OTHER_EMAIL)
    book = contact_book(live.table.client(), BEGAN_MS + 2000, "later")

    def hand_over() -> None:
        book.update(Ref(ADA), Change.of({"email": NEW_EMAIL}))
        book.update(Ref(BEA), Change.of({"email": EMAIL}))

    store = Overtaken(Table(live.table.client(), NAME), "contact_id_of", hand_over)
    live.recorder(store).record(json.dumps(bounce(EMAIL)))
    assert (live.verdict(ADA), live.verdict(BEA)) == (PENDING, BOUNCED)


# The table in trouble


def test_a_transaction_in_the_way_is_waited_for(live: Judging) -> None:
    conflicts = ["TransactionConflictException"] * (TRIES - 1)
    live.client = Troubled(live.table.client(), "update_item", *conflicts)
    record(live, bounce(EMAIL))
    assert live.verdict() == BOUNCED


@pytest.mark.parametrize(
    ("method", "codes", "error"),
    [
        ("update_item", ["TransactionConflictException"] * TRIES, Contention),
        ("update_item", ["ThrottlingException"], TemporarilyUnavailable),
        ("get_item", ["ThrottlingException"], TemporarilyUnavailable),
    ],
)
def test_a_table_that_is_too_busy_makes_lambda_try_again(
    method: str, codes: list[str], error: type[Exception], live: Judging
) -> None:
    live.client = Troubled(live.table.client(), method, *codes)
    with pytest.raises(error):
        record(live, bounce(EMAIL))
    assert live.verdict() == PENDING
    record(live, bounce(EMAIL))
    assert live.verdict() == BOUNCED


# The function


def test_the_function_records_the_sample_event(
    world: Judging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_account.fill(world.table.client(), NAME)
    function("record_bounce", world, monkeypatch)(sample_events.event("record_bounce"), CONTEXT)
    item = world.item(sample_account.LIVE.id, sample_account.ACCOUNT.id)
    assert item is not None
    assert (item["validation_status"], item["validation_reason"]) == BOUNCED
    assert item["version"] == sample_account.LIVE.version
    assert [word for word in sample_events.PERSONAL if word in capsys.readouterr().out] == []


def test_the_function_logs_a_bounce_of_nobody_by_its_message_alone(
    world: Judging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = sample_events.event("record_bounce")
    event["Records"][0]["Sns"]["Message"] = json.dumps(bounce("olena@example.com", account_id=None))
    function("record_bounce", world, monkeypatch)(event, CONTEXT)
    logged = capsys.readouterr().out
    told = json.loads(logged.splitlines()[0])
    assert (told["level"], told["message"]) == ("WARNING", "bounce of no account")
    assert told["ses_message_id"] == MESSAGE_ID
    assert [word for word in sample_events.PERSONAL if word in logged] == []


def test_the_function_fails_with_what_is_no_notification_of_ses(
    world: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = sample_events.event("record_bounce")
    event["Records"][0]["Sns"]["Message"] = "{"
    with pytest.raises(json.JSONDecodeError):
        function("record_bounce", world, monkeypatch)(event, CONTEXT)
