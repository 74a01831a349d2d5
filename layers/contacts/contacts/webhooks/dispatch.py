"""The dispatcher: it appends an event for each change of a contact, and requests the event's deliveries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from contacts.book.store import ContactReader
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, parsed
from contacts.events.appending import EventAppender, Moments
from contacts.events.changes import (
    ChangeKind,
    PartlyHandled,
    StreamChange,
    event_of_erasure,
    event_of_recording,
    event_of_trashing,
    events_of_change,
)
from contacts.events.model import Event
from contacts.events.store import Appended, ClaimedPlace, EventStore
from contacts.webhooks.model import DeliveryRef, Webhook, delivery_id, is_told, subscribed
from contacts.webhooks.store import WebhookStore

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

AT_ONCE: Final = 100
"""Calls that are under way at once. The SDK keeps as many connections (`table.aws.CONNECTIONS`)."""
CHANGES_AT_ONCE: Final = 100
"""Changes that are worked on together. Their events have to be put soon after their claims (`store.PUT_WITHIN_MS`)."""
MESSAGES_AT_ONCE: Final = 10
"""What SQS takes in one call."""
_LATE_MS: Final = 3_000
"""Age of a record that may have come before: an undisturbed one comes within a second or two."""
_REMEMBERED: Final = 50_000
"""Ids of records, and claims, that a process remembers at most."""


@dataclass(slots=True)
class _Work:
    """One change of a batch, and how far it has come."""

    number: int
    change: StreamChange
    events: Sequence[Event]
    claims: list[ClaimedPlace] = field(default_factory=list)
    """Of the events that are not in the log yet, as far as is known."""
    messages: list[Outgoing] = field(default_factory=list)
    is_done: bool = False


_Lane = list[_Work]
"""Changes of one contact, in their order."""


class Dispatcher:
    """Turns changes of contacts into events.

    The stream may deliver changes again. An event that is in the log is not appended again; only its messages are sent
    again, to the endpoints that were subscribed when it was claimed. The id of a delivery follows from the event and
    the endpoint, so two messages for the same delivery have the same id.

    The changes of one contact are handled in their order, contacts side by side. Where the table is busy, the other
    changes of that account wait, and those of other accounts go on. How many changes are begun together grows from one,
    and begins again with one after the table was busy: so each invocation completes some, and little is done in vain.
    """

    def __init__(
        self,
        webhooks: WebhookStore,
        contacts: ContactReader,
        events: EventStore,
        deliveries: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        at_once: int = AT_ONCE,
    ) -> None:
        self._webhooks = webhooks
        self._contacts = contacts
        self._events = events
        self._deliveries = deliveries
        self._clock = clock
        self._randomness = randomness
        self._at_once = at_once
        self._moments = Moments(clock)
        self._undisturbed = 0
        """Changes that this process has handled since the table was busy, or since it began."""
        self._done: set[str] = set()
        """Ids of records that this process has handled, although they have to come again."""
        self._begun: dict[str, ClaimedPlace] = {}
        """The claims that this process has made or found, and whose events it has not put, by the ids of the events."""

    def handle(self, changes: Sequence[StreamChange]) -> None:
        """Append the events of changes, and request their deliveries.

        Raises:
            PartlyHandled: the table or the queue was busy, or the time was over. Changes after the first that is not
                handled may be handled all the same.
        """
        with _Threads(self._at_once) as threads:
            batch = _Batch(
                self._webhooks,
                EventAppender(self._events, self._moments, self._clock, self._randomness),
                threads,
            )
            work = [
                _Work(number, change, list(_events_of(change)))
                for number, change in enumerate(changes)
                if change.record_id not in self._done
            ]
            batch.looks = bool(work) and self._clock.now_ms() - work[0].change.at_ms > _LATE_MS
            undone = self._handled(work, batch)
        handled = min((one.number for one in undone), default=len(changes))
        self._remember(work)
        self._done.difference_update(change.record_id for change in changes[:handled])
        if handled < len(changes):
            raise PartlyHandled(handled)

    def _handled(self, work: Sequence[_Work], batch: "_Batch") -> list[_Work]:
        """Handle changes. Returns those that have to come again."""
        undone: list[_Work] = []
        busy: set[str] = set()
        start = 0
        while start < len(work):
            together = work[start : start + self._slice]
            start += len(together)
            waiting = [one for one in together if one.change.account_id in busy]
            together = [one for one in together if one.change.account_id not in busy]
            self._append(together, batch)
            self._request(together, batch)
            failed = [one for one in together if not one.is_done]
            busy.update(one.change.account_id for one in failed)
            undone += waiting + failed
            self._undisturbed = 0 if failed else self._undisturbed + len(together)
        return undone

    @property
    def _slice(self) -> int:
        """How many changes are begun together: what is begun in vain costs a write unit, what is done two."""
        return min(max(self._undisturbed // 5, 1), CHANGES_AT_ONCE)

    def _remember(self, work: Iterable[_Work]) -> None:
        """Remember what need not be done again if it comes again: a write that finds its work done costs the same."""
        for remembered in (self._done, self._begun):
            if len(remembered) > _REMEMBERED:
                remembered.clear()
        for one in work:
            if one.is_done:
                self._done.add(one.change.record_id)
            else:
                self._begun.update({claim.event.id: _without_data(claim) for claim in one.claims})

    def _append(self, together: Sequence[_Work], batch: "_Batch") -> None:
        """Append the events of some changes, as far as possible, and make their messages."""
        batch.read_webhooks({one.change.account_id for one in together if one.events or one.change.recorded})
        if batch.looks:
            batch.look([event for one in together for event in one.events if event.id not in self._begun])
        lanes: dict[tuple[str, str], _Lane] = defaultdict(list)
        for one in together:
            lanes[one.change.account_id, one.change.contact_id].append(one)
        longest_first = sorted(lanes.values(), key=len, reverse=True)
        claimed: Sequence[_Lane]
        claimed = batch.threads.each(lambda lane: self._claim(lane, batch), longest_first)
        try:
            erased = batch.appender.erased_of(_claims_of(claimed))
        except TemporarilyUnavailable:
            claimed, erased = _readable(claimed, batch)
        batch.threads.each(lambda lane: _put(lane, batch, erased), claimed)

    def _claim(self, lane: _Lane, batch: "_Batch") -> _Lane:
        """Claim places for the events of a lane. Returns the changes before the first that failed."""
        since: str | None = None
        for number, one in enumerate(lane):
            try:
                if one.change.recorded is not None:
                    self._claim_recorded(one, batch, since)
                for event in filter(batch.is_told, one.events):
                    self._claim_one(one, event, batch, since or _first_of(one.claims))
            except TemporarilyUnavailable:
                return lane[:number]
            since = since or _first_of(one.claims)
        return lane

    def _claim_recorded(self, one: _Work, batch: "_Batch", since: str | None) -> None:
        """Claim a place for a custom event, unless its contact is gone."""
        change = one.change
        assert change.recorded is not None, "the caller looked"
        contact = self._contacts.contact(change.account_id, change.contact_id)
        event = event_of_recording(change.account_id, change.contact_id, change.recorded, contact)
        if contact is not None:
            self._claim_one(one, event, batch, since)
            return
        # An earlier run may have appended the event, while the contact was live.
        claim = batch.appender.appended(event)
        if claim is not None:
            one.claims.append(claim)

    def _claim_one(self, one: _Work, event: Event, batch: "_Batch", since: str | None) -> None:
        """Claim a place for an event. `since`: `ClaimedPlace.open_since`."""
        begun = self._begun.pop(event.id, None)
        if begun is not None:
            one.claims.append(replace(begun, event=event))
            return
        claim = batch.found.get(event.id) or batch.appender.claim(event, batch.subscribers(event), since)
        if claim is not None:
            one.claims.append(claim)
            batch.looks |= not claim.is_new

    def _request(self, together: Sequence[_Work], batch: "_Batch") -> None:
        """Send the messages of changes whose events are appended."""
        messages = [(one, message) for one in together if one.is_done for message in one.messages]

        def send(start: int) -> None:
            some = messages[start : start + MESSAGES_AT_ONCE]
            try:
                self._deliveries.send([message for _, message in some])
            except TemporarilyUnavailable:
                for one, _ in some:
                    one.is_done = False

        batch.threads.each(send, range(0, len(messages), MESSAGES_AT_ONCE))


def _without_data(claim: ClaimedPlace) -> ClaimedPlace:
    """A claim to be remembered. Its event comes again, and may hold 380 KB."""
    return replace(claim, event=replace(claim.event, data={}))


def _first_of(claims: Sequence[ClaimedPlace]) -> str | None:
    """`good_from` of the first claim whose event is not known to be in the log; None: there is none."""
    return next((claim.good_from for claim in claims if not claim.is_put), None)


def _claims_of(lanes: Iterable[_Lane]) -> Iterator[ClaimedPlace]:
    return (claim for lane in lanes for one in lane for claim in one.claims)


def _readable(lanes: Iterable[_Lane], batch: "_Batch") -> tuple[Sequence[_Lane], frozenset[tuple[str, str]]]:
    """The lanes of accounts whose tombstones can be read, and which contacts are erased: each account is read alone."""
    of_accounts: dict[str, list[_Lane]] = defaultdict(list)
    for lane in filter(None, lanes):
        of_accounts[lane[0].change.account_id].append(lane)

    def read(own: Sequence[_Lane]) -> tuple[Sequence[_Lane], frozenset[tuple[str, str]]]:
        try:
            return own, batch.appender.erased_of(_claims_of(own))
        except TemporarilyUnavailable:
            return (), frozenset()

    found = batch.threads.each(read, list(of_accounts.values())) if len(of_accounts) > 1 else []
    return [lane for own, _ in found for lane in own], frozenset().union(*(erased for _, erased in found))


def _put(lane: _Lane, batch: "_Batch", erased: frozenset[tuple[str, str]]) -> None:
    """Put the claimed events of a lane into the log, up to the first that cannot be put."""
    for one in lane:
        contact = one.change.account_id, one.change.contact_id
        while one.claims:
            claim = one.claims[0]
            latest = batch.latest.get(contact, "")
            try:
                appended = batch.appender.append(claim, erased, latest)
            except TemporarilyUnavailable:
                # Its event may be in the log, or arrive there yet; or it was moved.
                one.claims[0] = replace(claim, is_new=False)
                return
            one.claims.pop(0)
            if appended is not None:
                batch.latest[contact] = max(latest, appended.appended_at)
                one.messages += _delivery_messages(claim.event, appended)
        one.is_done = True


Value = TypeVar("Value")
Result = TypeVar("Result")


class _Threads:
    """Carries out calls side by side. No thread is left behind."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._pool: ThreadPoolExecutor | None = None

    def each(self, function: Callable[[Value], Result], values: Sequence[Value]) -> list[Result]:
        """What a function returns for each value. A single value needs no thread."""
        if min(self._at_once, len(values)) <= 1:
            return [function(value) for value in values]
        if self._pool is None:
            # As in `core.threads`, which makes a pool for each call: a batch makes several.
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._at_once)
        return list(self._pool.map(function, values))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()


class _Batch:
    """What the changes of one batch share: the webhooks, the moments at which events are appended, the threads."""

    def __init__(self, webhooks: WebhookStore, appender: EventAppender, threads: _Threads) -> None:
        self._webhooks = webhooks
        self.appender = appender
        self.threads = threads
        self.latest: dict[tuple[str, str], str] = {}
        """When the latest event of a contact was appended, by the account's and the contact's id."""
        self.looks = False
        """Whether events may have been claimed by another process that did not get further."""
        self.found: dict[str, ClaimedPlace] = {}
        """The claims of others, by the ids of their events."""
        self._of_accounts: dict[str, list[Webhook]] = {}

    def read_webhooks(self, account_ids: Iterable[str]) -> None:
        """Read the webhooks of accounts, once a batch. Those of an account that cannot be read are missing."""

        def read(account_id: str) -> None:
            try:
                self._of_accounts[account_id] = self._webhooks.webhooks(account_id)
            except TemporarilyUnavailable:
                return

        self.threads.each(read, sorted(set(account_ids) - self._of_accounts.keys()))

    def look(self, events: Sequence[Event]) -> None:
        """Look for claims of events. Where the first event is not claimed, the others are taken for new ones, too."""
        first, others = events[:1], events[1:]
        try:
            self.found = self.appender.claims_of(first)
            self.looks = bool(self.found)
            if self.found and others:
                self.found |= self.appender.claims_of(others)
        except TemporarilyUnavailable:
            return

    def subscribers(self, event: Event) -> list[str]:
        """The ids of the webhooks that are subscribed to an event's type.

        Raises:
            TemporarilyUnavailable: they could not be read.
        """
        return [webhook.id for webhook in subscribed(self._of(event.account_id), event.type)]

    def is_told(self, event: Event) -> bool:
        """Whether an event is logged and sent: a verdict only where a webhook of the account names verdicts.

        Raises:
            TemporarilyUnavailable: the webhooks could not be read.
        """
        return is_told(self._of(event.account_id), event.type)

    def _of(self, account_id: str) -> list[Webhook]:
        webhooks = self._of_accounts.get(account_id)
        if webhooks is None:
            raise TemporarilyUnavailable
        return webhooks


def _events_of(change: StreamChange) -> Iterable[Event]:
    """The events of a change, in their order."""
    at = (change.record_id, change.at_ms, change.account_id)
    match change.kind:
        case ChangeKind.CHANGED if change.after is not None:
            return events_of_change(*at, change.before, change.after)
        case ChangeKind.TRASHED if change.after is not None:
            return (event_of_trashing(*at, change.after),)
        case ChangeKind.ERASED:
            return (event_of_erasure(*at, change.contact_id, change.version),)
        case ChangeKind.ANNOUNCED if change.announced is not None:
            return (change.announced,)
        case (
            _
        ):  # The contact was removed: the record of its trash item or of its tombstone becomes the event.
            return ()


def _delivery_messages(event: Event, appended: Appended) -> Iterator[Outgoing]:
    """The messages that request the first attempts of an event's deliveries."""
    at_ms = parsed(event.timestamp)
    for webhook_id in appended.webhook_ids:
        ref = DeliveryRef(
            account_id=event.account_id,
            webhook_id=webhook_id,
            delivery_id=delivery_id(event.id, webhook_id, at_ms),
            event_id=event.id,
            event_type=event.type,
            appended_at=appended.appended_at,
        )
        yield Outgoing(body=ref.message(attempt=1), group=event.account_id)
