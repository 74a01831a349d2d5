"""A verdict that nobody asked for costs the stream's readers nothing, and no other write goes unheard because of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import Reason
from contacts.book.store import QUIET
from contacts.email_validation.model import VALID
from contacts.email_validation.service import OncePerInvocation
from contacts.email_validation.store import VerdictStore
from contacts.table.client import Table
from local.table import NAME
from tests.support.app import App
from tests.support.email_validation_harness import CONTEXT
from tests.support.event_filters import MAPPINGS, is_let_through
from tests.support.event_harness import ACCOUNT_ID, EventHarness, webhook
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import derived_violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Projection
from tests.support.scenarios import STARTS, VERDICT, WRITES, Caller, Start, Write, begun
from tests.support.streams import Record, records_between

WRITER = Caller("writer", later_ms=1000)
BOTH = frozenset(MAPPINGS)
NOBODY: frozenset[str] = frozenset()


def heard_by(told: Record) -> frozenset[str]:
    """The functions that a record reaches."""
    return frozenset(function for function in MAPPINGS if is_let_through(function, told))


def is_contact(image: Mapping[str, Any]) -> bool:
    return image.get("kind") == {"S": "contact"}


class OldWriter:
    """A client of a release that does not know the mark: it leaves it where it is."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        if method == "update_item":
            request = _keeping_mark(request)
        if method == "transact_write_items":
            steps = [
                {kind: _keeping_mark(one) for kind, one in step.items()} for step in request["TransactItems"]
            ]
            request = {**request, "TransactItems": steps}
        return getattr(self._client, method)(**request)


def _keeping_mark(request: Any) -> Any:
    names = request.get("ExpressionAttributeNames", {})
    marks = [placeholder for placeholder, name in names.items() if name == QUIET]
    if "UpdateExpression" not in request or not marks:
        return request
    (mark,) = marks
    verb, _, removed = request["UpdateExpression"].partition("REMOVE ")
    removes, _, rest = removed.partition(" ADD ")
    kept = ", ".join(name for name in removes.split(", ") if name != mark)
    update = f"{verb}{f'REMOVE {kept}' if kept else ''}{f' ADD {rest}' if rest else ''}".strip()
    left = {placeholder: name for placeholder, name in names.items() if placeholder != mark}
    return {**request, "UpdateExpression": update, "ExpressionAttributeNames": left}


def mark_all(table: MotoTable) -> None:
    """Every contact's last write was a quiet one."""
    for item in table.items():
        if is_contact(item):
            key = {name: item[name] for name in ("PK", "SK")}
            table.call(
                "update_item",
                {
                    "TableName": NAME,
                    "Key": key,
                    "UpdateExpression": "SET #q = :q",
                    "ExpressionAttributeNames": {"#q": QUIET},
                    "ExpressionAttributeValues": {":q": {"BOOL": True}},
                },
            )


@cache
def shared_table() -> MotoTable:
    return MotoTable()


def told_of(write: Write, start: Start, wrapped: Callable[[Any], Any]) -> Iterator[Record]:
    """What the stream tells of a write of contacts that all have the mark."""
    table = shared_table()
    table.bring_back(begun(start))
    mark_all(table)
    before = table.items()
    WRITER.answered(wrapped(table.client()), start, write)
    yield from records_between(before, table.items(), start.at_ms / 1000)


@pytest.mark.parametrize("write", [*WRITES, VERDICT], ids=str)
def test_every_write_of_a_contact_is_heard_whatever_was_marked(write: Write) -> None:
    for start in STARTS:
        for told in told_of(write, start, lambda client: client):
            new = told["dynamodb"].get("NewImage", {})
            assert QUIET not in new, start
            assert QUIET not in new.get("snapshot", {"M": {}})["M"], start
            if is_contact(new):
                assert heard_by(told) == BOTH, start


SOME = {
    *("create by email", "update by id", "opt out", "rename the email", "delete by id", "erase by id"),
    *("restore by id", "merge it into the other"),
}


def test_a_writer_of_an_older_release_would_be_left_out_where_it_changes_a_marked_contact() -> None:
    """So nobody may set the mark while one runs. What it puts, deletes and moves to the trash is heard all the same."""
    unheard = set()
    for write in (write for write in WRITES if write.name in SOME):
        for start in STARTS:
            for told in told_of(write, start, OldWriter):
                if not is_contact(told["dynamodb"].get("NewImage", {})):
                    continue
                if heard_by(told) != BOTH:
                    assert (told["eventName"], heard_by(told)) == ("MODIFY", NOBODY)
                    unheard.add(write.name)
    assert {"update by id", "opt out", "rename the email", "merge it into the other"} <= unheard
    assert not any(name.startswith(("create", "delete", "erase", "restore")) for name in unheard)


# Verdicts, with and without somebody who asks


class Book:
    """Contacts that are written to, and all that hears of it."""

    def __init__(
        self, marks: str, *webhooks: Sequence[str], writer: Callable[[Any], Any] = lambda client: client
    ):
        hooks = [webhook(f"wh_{number}", *events) for number, events in enumerate(webhooks)]
        table = MotoTable()
        self.events = EventHarness(*hooks, dynamodb=writer(table.client()), table=table)
        self.projection = Projection(table.client())
        self.app = App(table.client(), clock=self.events.clock, EMAIL_DNS="off", QUIET_VERDICTS=marks)
        self.reads: list[str] = []
        validator = self.app.handler("validate_contact")._handle.keywords["validator"]
        recorder = self.app.handler("record_bounce")._handle.keywords["recorder"]
        for quiet in (validator._is_quiet, recorder._is_quiet):
            if isinstance(quiet, OncePerInvocation):
                quiet._find = self._nobody_asks
        self.ids = [self.events.create(email=f"p{one}@example.com", tags=["vip"]) for one in range(2)]
        self.heard: list[Record] = []
        self.invocations = 0
        self.hear(self.events.records())

    def _nobody_asks(self, account_id: str) -> bool:
        self.reads.append(account_id)
        return not any(one.names("contact.validated") for one in self.events.webhooks.of_accounts[account_id])

    def hear(self, records: Sequence[Record]) -> list[Record]:
        """Hand records to whom they reach. Returns those that reached somebody."""
        reached = [told for told in records if heard_by(told)]
        self.invocations += sum(len(heard_by(told)) for told in records)
        projected = [told for told in reached if "project_changes" in heard_by(told)]
        if projected:
            assert self.projection.take(projected) is None
        self.events.records()
        dispatched = [told for told in reached if "dispatch_webhooks" in heard_by(told)]
        if dispatched:
            self.events.dispatch(*dispatched)
        return reached

    def validate(self, *numbers: int) -> None:
        """One invocation with a message for each contact."""
        bodies = [json.dumps({"account_id": ACCOUNT_ID, "contact_id": self.ids[one]}) for one in numbers]
        records = [
            {
                "messageId": f"{one}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "receiptHandle": "r",
            }
            for one, body in enumerate(bodies)
        ]
        assert self.app.handler("validate_contact")({"Records": records}, CONTEXT) == {
            "batchItemFailures": []
        }

    def told(self) -> list[tuple[str, str, int, Any]]:
        """What the log tells: type, contact, its version, what changed."""
        return [
            (
                item["type"],
                item["contact_id"],
                item["data"]["contact"]["version"],
                item["data"].get("changed"),
            )
            for item in self.events.logged()
        ]


ASKING = ["contact.validated"]


@pytest.mark.parametrize(("marks", "webhooks", "heard"), [
    ("on", [], False),
    ("on", [["*"]], False),
    ("on", [["*"], ["contact.created"]], False),
    ("on", [["*", *ASKING]], True),
    ("on", [["*"], ASKING], True),
    ("off", [], True),
    ("off", [["*"]], True),
])  # fmt: skip
def test_a_verdict_is_heard_only_where_somebody_asks_for_verdicts(
    marks: str, webhooks: list[list[str]], heard: bool
) -> None:
    book = Book(marks, *webhooks)
    book.validate(0, 1)
    records = book.events.records()
    assert [told["dynamodb"]["NewImage"]["validation_status"]["S"] for told in records] == ["valid", "valid"]
    assert {heard_by(told) for told in records} == {BOTH if heard else NOBODY}
    assert {QUIET in told["dynamodb"]["NewImage"] for told in records} == {not heard}
    assert len(book.reads) == (marks == "on")


def test_the_webhooks_are_read_once_for_each_invocation() -> None:
    book = Book("on", ["*"])
    book.validate(0)
    assert book.hear(book.events.records()) == []
    book.events.webhooks.of_accounts[ACCOUNT_ID] = [webhook("wh_1", *ASKING)]
    book.validate(1)
    (told,) = book.hear(book.events.records())
    assert heard_by(told) == BOTH
    assert [kind for kind, *_ in book.told()].count("contact.validated") == 1


def test_a_bounce_that_nobody_asked_for_is_quiet_too() -> None:
    book = Book("on", ["*"])
    notification = json.dumps(
        {
            "eventType": "Bounce",
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "p0@example.com"}]},
            "mail": {"messageId": "m", "tags": {"account_id": [ACCOUNT_ID]}},
        }
    )
    book.app.handler("record_bounce")({"Records": [{"Sns": {"Message": notification}}]}, CONTEXT)
    (told,) = book.events.records()
    assert told["dynamodb"]["NewImage"]["validation_reason"] == {"S": Reason.BOUNCED}
    assert heard_by(told) == NOBODY


ONE = "/v1/contacts/{ref}"
LOUD: Mapping[str, tuple[str, str, Any]] = {
    "change": ("PATCH", ONE, {"last_name": "x"}),
    "tag": ("PATCH", ONE, {"add_tags": ["new"], "remove_tags": ["vip"]}),
    "opt out": ("PATCH", ONE, {"is_unsubscribed": True}),
    "rename": ("PATCH", ONE, {"email": "new@example.org"}),
    "delete": ("DELETE", ONE, None),
    "restore": ("POST", f"{ONE}/restore", None),
    "merge": ("POST", f"{ONE}/merge", {}),
}
QUIETLY = ("validate", "bounce", "judge both")
_steps = st.lists(
    st.tuples(st.sampled_from([*LOUD, *QUIETLY]), st.sampled_from([0, 1])), min_size=2, max_size=10
)


def lived(marks: str, steps: Sequence[tuple[str, int]], *webhooks: Sequence[str]) -> Book:
    """A book that all of it happened to, one write after the other, each heard by whom the filters let it through."""
    book = Book(marks, *webhooks)
    for number, (kind, one) in enumerate(steps):
        contact_id = book.ids[one]
        if kind in LOUD:
            method, route, body = LOUD[kind]
            if kind == "merge":
                body = {"from": book.ids[1 - one]}
            if kind == "change":
                body = {"last_name": f"x{number}"}
            book.events.clock.at_ms += 1500
            book.events.api.request(method, route, contact_id, body=body)
        elif kind == "bounce":
            store = VerdictStore(Table(book.events.table.client(), NAME))
            for email in (f"p{one}@example.com", "new@example.org"):
                store.mark_bounced(
                    ACCOUNT_ID, contact_id, email, quiet=marks == "on" and ASKING not in webhooks
                )
        else:
            book.validate(*((one,) if kind == "validate" else (0, 1)))
        book.hear(book.events.records())
    return book


@settings(max_examples=examples(24))
@given(steps=_steps)
def test_with_marks_everything_else_is_told_and_derived_as_without(steps: Sequence[tuple[str, int]]) -> None:
    marked, unmarked = (lived(marks, steps, ["*"]) for marks in ("on", "off"))
    assert marked.told() == unmarked.told()
    assert derived_violations(marked.events.table.items(), ACCOUNT_ID) == []
    assert marked.projection.to_validate.bodies == unmarked.projection.to_validate.bodies
    assert marked.invocations <= unmarked.invocations


@settings(max_examples=examples(16))
@given(steps=_steps)
def test_who_asks_for_verdicts_is_told_of_them_marks_or_not(steps: Sequence[tuple[str, int]]) -> None:
    marked, unmarked = (lived(marks, steps, ["*"], ASKING) for marks in ("on", "off"))
    assert marked.told() == unmarked.told()
    assert not any(QUIET in item for item in marked.events.table.items())


def test_what_changes_after_a_quiet_verdict_is_told_without_it() -> None:
    book = lived("on", [("validate", 0), ("tag", 0), ("bounce", 0), ("change", 0)], ["*"])
    changed = [changed for kind, _, _, changed in book.told() if kind == "contact.updated"]
    assert changed == [["tags"], ["last_name", "name"]]


# What holds for one invocation


def test_what_is_found_holds_for_one_invocation() -> None:
    asked: list[str] = []
    number = [1]

    def find(key: str) -> str:
        asked.append(key)
        if key == "bad":
            raise LookupError(key)
        return key.upper()

    once = OncePerInvocation(find, lambda: number[0])
    assert [once(key) for key in ("a", "b", "a")] == ["A", "B", "A"]
    for _ in range(2):
        with pytest.raises(LookupError):
            once("bad")
    assert asked == ["a", "b", "bad"]
    number[0] += 1
    assert once("a") == "A"
    assert asked == ["a", "b", "bad", "a"]


def test_a_verdict_without_a_mark_takes_an_earlier_mark_away() -> None:
    book = Book("on", ["*"])
    book.validate(0)
    store = VerdictStore(Table(book.events.table.client(), NAME))
    assert store.mark_bounced(ACCOUNT_ID, book.ids[0], "p0@example.com")
    told = book.events.records()[-1]
    assert heard_by(told) == BOTH
    store.record_verdict(ACCOUNT_ID, book.ids[1], "p1@example.com", VALID, quiet=True)
    assert heard_by(book.events.records()[-1]) == NOBODY
