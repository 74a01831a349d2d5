"""Every way of writing to a contact, and every state it may start from; all about one email and one external_id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from contacts.book.merge import Merger
from contacts.book.model import UNCONDITIONAL, Action, Change, Outcome, Preconditions, Reason
from contacts.book.service import ContactBook, OnConflict
from contacts.book.store import MergeStore
from contacts.channels.model import Channel, ChannelType
from contacts.channels.service import GateService
from contacts.core.errors import ContactsError, TemporarilyUnavailable
from contacts.core.idempotency import replay
from contacts.core.ids import Ref, uuid7
from contacts.email_validation.model import invalid
from contacts.email_validation.store import VerdictStore
from contacts.table.client import Table
from contacts.table.expressions import from_item
from contacts.table.records import RecordStore
from local.table import NAME
from tests.support.app import App, caller_of
from tests.support.deterministic import Dice, SetClock
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable

ACCOUNT_ID = "0198f3a0-0000-7000-8000-000000000001"

EMAIL, EXTERNAL_ID = "ada@example.com", "crm-1"
OTHER_EMAIL, OTHER_EXTERNAL_ID = "bea@example.com", "crm-2"
NEW_EMAIL, NEW_EXTERNAL_ID = "ada@example.org", "crm-9"

BEGAN_MS = 1_768_471_200_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


CHANNEL = Channel(
    id="0198f3a0-0000-7000-8000-0000000000c1",
    type=ChannelType.TELEGRAM,
    name="Bot",
    created_at="2026-01-01T00:00:00.000Z",
    updated_at="2026-01-01T00:00:00.000Z",
)
IDENTIFIER = "731905284"


class OneChannel:
    """A `ChannelStore` of an account with one channel."""

    def existing(self, channel_id: str) -> Channel:
        assert channel_id == CHANNEL.id
        return CHANNEL

    def all(self) -> list[Channel]:
        return [CHANNEL]


def contact_book(dynamodb: Any, at_ms: int, draws: str) -> ContactBook:
    """The contact book as of a moment. The same `draws` draws the same ids."""
    app = App(dynamodb, caller_of(ACCOUNT_ID), clock=SetClock(at_ms), randomness=Dice(draws))
    return app.contact_book(app.caller)


def merger(book: ContactBook) -> Merger:
    """What merges the contacts of a book."""
    store: Any = book._store
    return Merger(
        book,
        MergeStore(store._table, ACCOUNT_ID, store._opt_outs, book._randomness),
        book._clock,
        book._randomness,
    )


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and how long after the start.

    `label` is in what this caller writes, so that it can be told from what others write.
    """

    label: str
    later_ms: int = 0
    draws: str = ""

    def answered(
        self, dynamodb: Any, start: "Start", write: "Write", preconditions: Preconditions = UNCONDITIONAL
    ) -> "Answer":
        """What a request is answered; as in `web.entrypoint`, the record of its key wins over a refusal."""
        at_ms = start.at_ms + self.later_ms
        book = contact_book(dynamodb, at_ms, self.draws or self.label)
        records = RecordStore(Table(dynamodb, NAME), ACCOUNT_ID, at_ms // 1000)
        try:
            try:
                return Answer.to(write.ask(book, self.label, preconditions))
            except TemporarilyUnavailable:
                raise
            except ContactsError:
                record = (
                    records.recorded(preconditions.idempotency_key.key)
                    if preconditions.idempotency_key
                    else None
                )
                if record is None:
                    raise
                return Answer.to(replay(record, preconditions.idempotency_key))
        except ContactsError as error:
            return Answer.refusing(error)


@dataclass(frozen=True)
class Answer:
    """What a caller gets to know; equal answers are equal to the caller."""

    refusal: str | None = None
    extras: Mapping[str, object] = field(default_factory=dict)
    outcome: Outcome | None = None

    @classmethod
    def to(cls, outcome: Outcome) -> "Answer":
        """The answer that tells an outcome."""
        return cls(outcome=outcome)

    @classmethod
    def refusing(cls, error: ContactsError) -> "Answer":
        """The answer that tells an error."""
        return cls(refusal=type(error).__name__, extras=error.extras)

    @property
    def is_success(self) -> bool:
        """Whether the request did what it asks for, now or before."""
        return self.outcome is not None

    @property
    def is_replay(self) -> bool:
        """Whether the request had been carried out before."""
        return self.outcome is not None and self.outcome.is_replay

    def replayed(self) -> "Answer":
        """What the same request is answered when it comes again."""
        return self if self.outcome is None else Answer.to(replace(self.outcome, is_replay=True))


Asking = Callable[[ContactBook, str, Preconditions], Outcome]


@dataclass(frozen=True)
class Write:
    """One kind of write."""

    name: str
    ask: Asking

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Start:
    """A state of the table to start from, and when it is started from."""

    name: str
    prepare: Callable[["Beginning"], None]
    at_ms: int = BEGAN_MS + HOUR_MS

    def __str__(self) -> str:
        return self.name


class Beginning:
    """Brings the table into a state: `ada` is the contact everything is about, `bea` another one."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb

    def create(self, label: str, **given: object) -> None:
        """A contact whose id `contact_id(label)` knows."""
        given = {"first_name": label, "tags": ["old"], "custom_fields": {"plan": "a"}, **given}
        contact_book(self._dynamodb, BEGAN_MS, label).create(given)

    def arrive(self, label: str, **given: object) -> None:
        """As `create`, through a gate."""
        _arriving(
            contact_book(self._dynamodb, BEGAN_MS, label), {"first_name": label, **given}, UNCONDITIONAL
        )

    def change(self, label: str, **given: object) -> None:
        """Change a contact."""
        self._later().update(Ref(contact_id(label)), Change.of(given))

    def trash(self, label: str) -> None:
        """Move a contact to the trash."""
        self._later().delete(Ref(contact_id(label)))

    def merge(self, winner: str, loser: str) -> None:
        """Merge a contact into another."""
        merger(self._later()).merge(Ref(contact_id(winner)), Ref(contact_id(loser)))

    def _later(self) -> ContactBook:
        return contact_book(self._dynamodb, BEGAN_MS + 1000, "later")


def contact_id(label: str, at_ms: int = BEGAN_MS) -> str:
    """The id of the first contact that a client makes at a moment."""
    return uuid7(at_ms, Dice(label)(Dice.ID_BYTES))


ADA, BEA = contact_id("ada"), contact_id("bea")


def _nobody(_: Beginning) -> None:
    """An empty table."""


def _live(begin: Beginning) -> None:
    begin.create("ada", email=EMAIL, external_id=EXTERNAL_ID)


def _two_live(begin: Beginning) -> None:
    begin.arrive("ada", email=EMAIL)
    begin.create("bea", email=OTHER_EMAIL, external_id=EXTERNAL_ID)


def _trashed(begin: Beginning) -> None:
    _live(begin)
    begin.trash("ada")


def _trashed_without_email(begin: Beginning) -> None:
    _trashed(begin)
    begin.create("bea", external_id=OTHER_EXTERNAL_ID)
    begin.change("bea", email=EMAIL)


def _trashed_without_names(begin: Beginning) -> None:
    _trashed(begin)
    begin.create("bea", external_id=EXTERNAL_ID)
    begin.change("bea", email=EMAIL)


def _both_trashed(begin: Beginning) -> None:
    _trashed_without_email(begin)
    begin.trash("bea")


def _trashed_and_a_name_set_free(begin: Beginning) -> None:
    _trashed(begin)
    begin.create("bea", email=OTHER_EMAIL, external_id=EXTERNAL_ID)
    begin.change("bea", external_id=None)


def _trashed_beside_live(begin: Beginning) -> None:
    begin.arrive("ada", email=EMAIL, external_id=EXTERNAL_ID)
    begin.trash("ada")
    begin.create("bea", email=OTHER_EMAIL, external_id=OTHER_EXTERNAL_ID)


def _merged(begin: Beginning) -> None:
    """All that leads to ada leads to bea."""
    _live(begin)
    begin.create("bea", email=OTHER_EMAIL, external_id=OTHER_EXTERNAL_ID)
    begin.merge("bea", "ada")


def _opted_out(begin: Beginning) -> None:
    _live(begin)
    begin.change("ada", is_unsubscribed=True)


def _opted_out_and_renamed(begin: Beginning) -> None:
    """The address is nobody's, and opted out."""
    _opted_out(begin)
    begin.create("bea", external_id=OTHER_EXTERNAL_ID)
    begin.change("ada", email=NEW_EMAIL)


def _merged_and_trashed(begin: Beginning) -> None:
    _merged(begin)
    begin.trash("bea")


STARTS = (
    Start("nobody", _nobody),
    Start("live", _live),
    Start("two live", _two_live),
    Start("in the trash", _trashed),
    Start("in the trash, email taken", _trashed_without_email),
    Start("in the trash, all names taken", _trashed_without_names),
    Start("in the trash, as who took the email", _both_trashed),
    Start("in the trash, external_id taken and free again", _trashed_and_a_name_set_free),
    Start("in the trash, another live", _trashed_beside_live),
    Start("merged into the other", _merged),
    Start("merged into the other, which is in the trash", _merged_and_trashed),
    Start("opted out", _opted_out),
    Start("opted out, another address taken", _opted_out_and_renamed),
    Start("in the trash for too long", _trashed, at_ms=BEGAN_MS + 31 * DAY_MS),
)


Contents = dict[tuple[str, str], Any]
"""A table by key."""


@cache
def begun(start: Start) -> Any:
    """A snapshot of the table in a state to start from."""
    table = MotoTable()
    start.prepare(Beginning(table.client()))
    return table.snapshot()


def contents(table: MotoTable) -> Contents:
    """What is in a table, without what no caller sees and what depends on the order of writes."""
    return {(item["PK"]["S"], item["SK"]["S"]): _masked(from_item(item)) for item in table.items()}


def _masked(item: dict[str, Any]) -> dict[str, Any]:
    unseen = ("change_id", "size_bound", "values_bound")
    seen = {key: value for key, value in item.items() if key not in unseen}
    if "snapshot" in seen:
        seen["snapshot"] = _masked(seen["snapshot"])
    return seen


def check(table: MotoTable, start: Start) -> None:
    """Assert what must hold whatever happened."""
    assert violations(table.items(), ACCOUNT_ID, start.at_ms // 1000) == []


def _creating(*names: str, on_conflict: OnConflict = OnConflict.REJECT) -> Asking:
    own = {"email": EMAIL, "external_id": EXTERNAL_ID}

    def ask(book: ContactBook, label: str, preconditions: Preconditions) -> Outcome:
        given: dict[str, object] = {key: own[key] for key in names}
        given |= {"last_name": label, "add_tags": [label], "custom_fields": {label: 1}}
        return book.create(given, on_conflict, preconditions)

    return ask


def _updating(ref: str, *, versions: tuple[int, ...] = (), skip: bool = False, **given: object) -> Asking:
    def ask(book: ContactBook, label: str, preconditions: Preconditions) -> Outcome:
        body = {"last_name": label, "custom_fields": {label: 2}, **given}
        if "add_tags" in given:
            body["add_tags"] = [label]
        conditional = Preconditions(versions, preconditions.idempotency_key)
        return book.update(Ref(ref), Change.of(body), conditional, () if skip else None)

    return ask


def _deleting(ref: str, *, permanent: bool = False, versions: tuple[int, ...] = ()) -> Asking:
    return lambda book, _, preconditions: book.delete(
        Ref(ref), permanent=permanent, preconditions=Preconditions(versions, preconditions.idempotency_key)
    )


def _restoring(ref: str) -> Asking:
    return lambda book, _, preconditions: book.restore(Ref(ref), preconditions)


def _arriving(book: ContactBook, given: Mapping[str, object], preconditions: Preconditions) -> Outcome:
    """Arrive through the gate that everything is about."""
    service = GateService(OneChannel(), book._store, book, book._clock, book._randomness)
    return service.add(CHANNEL.id, IDENTIFIER, given, preconditions.idempotency_key)


def _arriving_with_the_email(book: ContactBook, label: str, preconditions: Preconditions) -> Outcome:
    return _arriving(book, {"email": EMAIL, "last_name": label}, preconditions)


def _merging(winner: str, loser: str) -> Asking:
    return lambda book, _, preconditions: merger(book).merge(Ref(winner), Ref(loser), preconditions)


def _judging(book: ContactBook, label: str, preconditions: Preconditions) -> Outcome:
    """A verdict on a live contact's email, as validation writes it: no caller sees it come."""
    store: Any = book._store
    VerdictStore(store._table).record_verdict(ACCOUNT_ID, ADA, EMAIL, invalid(Reason.NO_MX))
    return Outcome(action=Action.UPDATED)


WRITES = (
    Write("create by email", _creating("email")),
    Write("create by external_id", _creating("external_id")),
    Write("create by both", _creating("email", "external_id")),
    Write("upsert by email", _creating("email", on_conflict=OnConflict.UPDATE)),
    Write("upsert by external_id", _creating("external_id", on_conflict=OnConflict.UPDATE)),
    Write("upsert by both", _creating("email", "external_id", on_conflict=OnConflict.UPDATE)),
    Write("update by id", _updating(ADA)),
    Write("update by email", _updating(EMAIL)),
    Write("update of version 1", _updating(ADA, versions=(1,))),
    Write("add a tag by id", _updating(ADA, add_tags=True)),
    Write("add a tag by email", _updating(EMAIL, add_tags=True)),
    Write("opt out", _updating(ADA, is_unsubscribed=True)),
    Write("subscribe again", _updating(EMAIL, is_unsubscribed=False)),
    Write("rename the email", _updating(ADA, email=NEW_EMAIL)),
    Write("drop the email", _updating(ADA, email=None)),
    Write("rename the external_id", _updating(EMAIL, external_id=NEW_EXTERNAL_ID)),
    Write("take the email", _updating(BEA, email=EMAIL)),
    Write("take the email or skip it", _updating(BEA, email=EMAIL, skip=True)),
    Write("delete by id", _deleting(ADA)),
    Write("delete by email", _deleting(EMAIL)),
    Write("delete version 1", _deleting(ADA, versions=(1,))),
    Write("erase by id", _deleting(ADA, permanent=True)),
    Write("erase by email", _deleting(EMAIL, permanent=True)),
    Write("restore by id", _restoring(ADA)),
    Write("restore by email", _restoring(EMAIL)),
    Write("arrive through a gate", _arriving_with_the_email),
    Write("merge the other into it", _merging(EMAIL, BEA)),
    Write("merge it into the other", _merging(BEA, ADA)),
    Write("merge who has the external_id into who has the email", _merging(EMAIL, EXTERNAL_ID)),
)
VERDICT = Write("a verdict on the email", _judging)
"""No request, so it has no terms; but it may come between a request's calls."""
