"""Everything that is kept of one person, as one JSON document (Articles 15 and 20 of the GDPR)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypedDict

from contacts.book.model import Contact, ContactOut, contact_out
from contacts.book.service import ContactBook
from contacts.book.store import ContactStore, OptOuts
from contacts.channels.model import Channel, GateOut, gate_out
from contacts.channels.store import ChannelStore
from contacts.core.answers import Moment
from contacts.core.ids import Ref
from contacts.core.json import to_json
from contacts.core.time import Clock, iso
from contacts.events.model import (
    ErasedEventOut,
    EventOut,
    TimelineEntryOut,
    event_out,
    timeline_entry_out,
)
from contacts.events.store import EventStore, PlacedEntry, TimelineStore
from contacts.webhooks.model import DeliveryOut, DeliveryRef, delivery_id, delivery_out
from contacts.webhooks.store import DeliveryStore

MAX_ENTRIES: Final = 1000
"""Entries of the timeline, and events and deliveries each, that one answer has at most."""
MAX_BYTES: Final = 4_900_000
"""Of the answer as JSON. Lambda's limit is 6 MB, and ours for answers 5 MB (`web.response.MAX_ANSWER_BYTES`)."""
_LIST_BYTES: Final = {"timeline": 1_500_000, "events": 3_000_000, "deliveries": MAX_BYTES}
"""Bytes that the answer may have once a list is in it: no list leaves the others without room."""


class AddressConsentOut(TypedDict):
    """What is known of one email address of the person."""

    email: str
    opted_out: bool
    """Whether a contact with this address has opted out, also one that is gone."""


class ConsentOut(TypedDict):
    """Whether the person may be written to."""

    is_unsubscribed: bool
    unsubscribed_at: Moment | None
    addresses: list[AddressConsentOut]
    """The contact's email, and those of contacts that were merged into it."""


class PersonOut(TypedDict):
    """Everything that is kept of one person. Lists begin with the newest."""

    contact: ContactOut
    deleted_at: Moment | None
    """When the contact was moved to the trash; null: it is live."""
    timeline: list[TimelineEntryOut]
    """What happened to the contact and what it did, for 90 days."""
    events: list[EventOut | ErasedEventOut]
    """What webhooks were told of the contact, for 30 days."""
    deliveries: list[DeliveryOut]
    """To whom that was sent, and what the endpoints answered."""
    gates: list[GateOut]
    """The contact's addresses on channels, also on those that are off."""
    consent: ConsentOut
    truncated: list[str]
    """The lists that lack older entries, as the answer would exceed 5 MB."""
    timeline_cursor: str | None
    """The `cursor` of `GET /v1/contacts/{ref}/events` for older entries of the timeline; null: it is whole."""
    exported_at: Moment


class _Room:
    """Counts the bytes of an answer."""

    def __init__(self) -> None:
        self.taken = 0
        self.truncated: list[str] = []

    def fill(self, name: str, things: Iterable[Mapping[str, Any]]) -> list[Any]:
        """The first of some things that fit. Notes under `name` where there are more."""
        kept: list[Any] = []
        for thing in things:
            size = len(to_json(thing).encode()) + 1
            if len(kept) == MAX_ENTRIES or self.taken + size > _LIST_BYTES[name]:
                self.note(name)
                break
            self.taken += size
            kept.append(thing)
        return kept

    def note(self, name: str) -> None:
        """Note that a list lacks older entries."""
        if name not in self.truncated:
            self.truncated.append(name)


class _Kept(NamedTuple):
    contact: Contact
    deleted_at: str | None


class PersonExporter:
    """Exports single persons of one account."""

    def __init__(
        self,
        book: ContactBook,
        contacts: ContactStore,
        opt_outs: OptOuts,
        timelines: TimelineStore,
        events: EventStore,
        deliveries: DeliveryStore,
        channels: ChannelStore,
        account_id: str,
        clock: Clock,
    ) -> None:
        self._book = book
        self._contacts = contacts
        self._opt_outs = opt_outs
        self._timelines = timelines
        self._events = events
        self._deliveries = deliveries
        self._channels = channels
        self._account = account_id
        self._clock = clock

    def person(self, ref: Ref) -> tuple[PersonOut, str | None]:
        """What is kept of the person whose contact a ref names, live or in the trash.

        Also the id of the timeline's entry after which older ones follow; None: the timeline is whole.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        now_ms = self._clock.now_ms()
        contact, deleted_at = self._kept(ref)
        entries, next_after = self._timelines.placed_newest_first(
            (contact.id, *contact.merged_ids), now_ms // 1000, at_most=MAX_ENTRIES
        )
        room = _Room()
        shown, consent = contact_out(contact), self._consent(contact)
        gates = self._gates(contact)
        room.taken = len(to_json([shown, consent, gates]).encode()) + 1000
        timeline = room.fill("timeline", (timeline_entry_out(one.entry) for one in entries))
        if next_after is not None:
            for name in _LIST_BYTES:
                room.note(name)
        if len(timeline) < len(entries):
            next_after = timeline[-1]["id"]
        events = room.fill("events", self._logged(entries, now_ms))
        deliveries = room.fill("deliveries", self._delivered(entries, now_ms // 1000))
        return {
            "contact": shown,
            "deleted_at": deleted_at,
            "timeline": timeline,
            "events": events,
            "deliveries": deliveries,
            "gates": gates,
            "consent": consent,
            "truncated": room.truncated,
            "timeline_cursor": None,
            "exported_at": iso(now_ms),
        }, next_after

    def _kept(self, ref: Ref) -> _Kept:
        contact = self._book.get_kept(ref)
        return _Kept(contact, self._contacts.deleted_at(contact.id))

    def _consent(self, contact: Contact) -> ConsentOut:
        return {
            "is_unsubscribed": contact.is_unsubscribed,
            "unsubscribed_at": contact.unsubscribed_at,
            "addresses": [
                {"email": email, "opted_out": self._opt_outs.include_any_of([email])}
                for email in sorted(contact.emails)
            ],
        }

    def _gates(self, contact: Contact) -> list[GateOut]:
        if not contact.gates:
            return []
        channels = {one.id: one for one in self._channels.all()}
        found: list[tuple[Any, Channel]] = [
            (gate, channels[gate.channel_id]) for gate in contact.gates if gate.channel_id in channels
        ]
        found.sort(key=lambda pair: pair[0].id, reverse=True)
        return [gate_out(gate, channel, contact.id) for gate, channel in found]

    def _logged(self, entries: Sequence[PlacedEntry], now_ms: int) -> Iterator[Mapping[str, Any]]:
        placed = [(one.appended_at, one.entry.id) for one in entries if one.appended_at is not None]
        for event in self._events.events(self._account, placed, now_ms // 1000):
            yield event_out(event)

    def _delivered(self, entries: Sequence[PlacedEntry], now_s: int) -> Iterator[Mapping[str, Any]]:
        refs = [
            DeliveryRef(
                account_id=self._account,
                webhook_id=webhook_id,
                delivery_id=delivery_id(one.entry.id, webhook_id, one.happened_ms),
                event_id=one.entry.id,
                event_type=one.entry.type,
                appended_at=one.appended_at,
            )
            for one in entries
            if one.appended_at is not None
            for webhook_id in one.webhook_ids
        ]
        return map(delivery_out, self._deliveries.of(refs, now_s))
