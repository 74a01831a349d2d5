"""What endpoints were sent about a contact.

Each entry of a timeline says to which endpoints its event goes, and the id of a delivery derives from event and
endpoint. So the deliveries about a contact are found by key, without an index of their own.
"""

from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from typing import Final
from uuid import UUID

from contacts.book.model import Contact
from contacts.book.service import ContactBook
from contacts.core.ids import Ref
from contacts.core.time import Clock
from contacts.events.store import PlacedEntry, TimelineStore
from contacts.webhooks.delivery_log import as_due
from contacts.webhooks.model import Delivery, DeliveryRef, Place, Webhook, delivery_id
from contacts.webhooks.store import DeliveryStore, WebhookStore

MAX_ENTRIES: Final = 100
"""Entries of a timeline that one request reads at most. Then the page ends, with a place to go on from."""
MAX_CANDIDATES: Final = 300
"""Deliveries that one request looks for at most: an entry may be for a hundred endpoints."""
READ_AT_FIRST: Final = 64
"""Deliveries that a page reads at most before it knows how large they are."""
_BEFORE_ALL: Final = "00000000-0000-0000-0000-000000000000"
"""Less than any id."""
_GREATEST: Final = (1 << 128) - 1
"""Of all ids, as a number. No event has it, but a cursor that a client made up may."""


class ContactDeliveries:
    """The deliveries about the contacts of one account."""

    def __init__(
        self,
        book: ContactBook,
        timelines: TimelineStore,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        account_id: str,
        clock: Clock,
    ) -> None:
        self._book = book
        self._timelines = timelines
        self._webhooks = webhooks
        self._deliveries = deliveries
        self.account_id = account_id
        self._clock = clock

    def contact(self, ref: Ref) -> Contact:
        """The live contact that a ref names.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        return self._book.get(ref)

    def page(self, contact: Contact, after: Place | None, limit: int) -> tuple[list[Delivery], Place | None]:
        """The next up to `limit` deliveries about a contact, in the order of its timeline, and the place to go on from.

        Includes what was sent about the contacts that were merged into this one; leaves out what was sent to endpoints
        that are deleted. A Query of the webhooks and, if there are any, one of the timeline (one more for each contact
        merged into this one), then BatchGetItem of at most 300 deliveries, mostly one call. Two read units for the
        queries of a short timeline, and one for each delivery looked for: those of the page and one more, and those
        that are gone after their 30 days.

        Raises:
            TemporarilyUnavailable.
        """
        webhooks = {webhook.id: webhook for webhook in self._webhooks.webhooks(self.account_id)}
        if not webhooks:
            return [], None
        now_s = self._clock.now_ms() // 1000
        entries, further = self._timelines.placed_newest_first(
            (contact.id, *contact.merged_ids),
            now_s,
            at_most=MAX_ENTRIES,
            after_id=None if after is None else _just_above(after.event_id),
        )
        wanted = [ref for ref in self._refs(entries, webhooks) if after is None or ref.place < after]
        looked_for = wanted[:MAX_CANDIDATES]
        # One more than wanted, so that the last page is known to be it.
        read = self._deliveries.of(looked_for, now_s, at_first=min(limit + 1, READ_AT_FIRST))
        found = list(islice(read, limit + 1))
        shown = [as_due(one, webhooks[one.ref.webhook_id], now_s) for one in found[:limit]]
        if len(found) > limit:
            return shown, shown[-1].ref.place
        if len(looked_for) < len(wanted):
            return shown, looked_for[-1].place
        return shown, None if further is None else Place(further, _BEFORE_ALL)

    def _refs(self, entries: list[PlacedEntry], webhooks: dict[str, Webhook]) -> Iterator[DeliveryRef]:
        """The deliveries of the entries' events to endpoints, in their order."""
        for entry in entries:
            if entry.appended_at is None:
                continue
            of_entry = (
                DeliveryRef(
                    account_id=self.account_id,
                    webhook_id=webhook_id,
                    delivery_id=delivery_id(entry.id, webhook_id, entry.happened_ms),
                    event_id=entry.id,
                    event_type=entry.entry.type,
                    appended_at=entry.appended_at,
                )
                for webhook_id in entry.webhook_ids
                if webhook_id in webhooks
            )
            yield from sorted(of_entry, key=attrgetter("place"), reverse=True)


def _just_above(event_id: str) -> str:
    """The id after which the entry with this one is the next: timelines are read backwards."""
    return str(UUID(int=min(UUID(event_id).int + 1, _GREATEST)))
