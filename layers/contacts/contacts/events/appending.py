"""Appends events to the log, each once, without a transaction.

First an event is claimed: its proof (the entry in the contact's timeline; of an erasure, the tombstone) says when the
event is appended and for which webhooks. Then it is read whether the contact is erased. Then the event is put in its
place in the log, if nothing is there. Each step is one plain write or read, and a process may end after any of them.

- *Once.* The proof is claimed once. Who finds it claimed may put the event there as well as who claimed it: the place
  takes one item. When it is too late for that, and the event is not there, the place is blocked by an item that is no
  event, so that nobody can put the event there later, and another place is claimed. So no two items of the log are one
  event.
- *Not behind a cursor.* An event that cannot be put soon after its claim gets another place, at the present.
- *In order.* So does an event of a contact whose event before it got another place. Who puts it need not know of that:
  the time of an event runs from the claim of the one that has to be put before it.
- *Nothing about an erased contact.* The eraser reads the timeline after the tombstone was written. If the tombstone was
  written before it is read here, the event is not put. If it was written later, the eraser finds the claim, and erases
  the event or blocks its place.
"""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final

from contacts.core.errors import Contention
from contacts.core.idempotency import tries
from contacts.core.ids import Randomness
from contacts.core.time import Clock, iso, parsed
from contacts.events.model import Event
from contacts.events.store import PUT_WITHIN_MS, Appended, ClaimedPlace, EventStore

_AHEAD_MS: Final = 5_000
"""How far moments may be ahead of the clock."""


class Moments:
    """The moments at which a process appends events, in ms since the epoch: each is later than the one before.

    That holds although the clock may jump back, by 5 seconds at most: events must not be listed much later than others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = 0
        self._lock = Lock()

    def next(self) -> str:
        """The present, or a ms after the last moment."""
        now_ms = self._clock.now_ms()
        with self._lock:
            following = self._latest_ms + 1
            self._latest_ms = following if now_ms < following <= now_ms + _AHEAD_MS else now_ms
            return iso(self._latest_ms)


class EventAppender:
    """Appends the events of one batch. Several threads may use it, each for contacts of its own."""

    def __init__(self, store: EventStore, moments: Moments, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._moments = moments
        self._clock = clock
        self._randomness = randomness

    def claim(
        self, event: Event, webhook_ids: Sequence[str], open_since: str | None = None
    ) -> ClaimedPlace | None:
        """Claim a place for an event. None: its contact is gone. `open_since`: as `ClaimedPlace.open_since`.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        for _ in tries(self._clock, self._randomness):
            try:
                return self._store.claim(event, self._moments.next(), webhook_ids, open_since)
            except Contention:
                continue
        raise Contention

    def claims_of(self, events: Sequence[Event]) -> dict[str, ClaimedPlace]:
        """The claims that were made of events before, by the events' ids. It costs reads, a claim in vain a write.

        Raises:
            TemporarilyUnavailable.
        """
        return self._store.claims_of(events) if events else {}

    def appended(self, event: Event) -> ClaimedPlace | None:
        """The claim of an event that is in the log; None: it is not there.

        Raises:
            TemporarilyUnavailable.
        """
        claim = self._store.claimed(event)
        return claim if claim is not None and self._store.is_appended(claim) else None

    def erased_of(self, claims: Iterable[ClaimedPlace]) -> frozenset[tuple[str, str]]:
        """The account's and the contact's id of each contact of claimed events that is erased.

        Raises:
            TemporarilyUnavailable.
        """
        return self._store.erased_of(claim.event for claim in claims if not claim.event.tells_of_erasure)

    def append(
        self, claim: ClaimedPlace, erased: frozenset[tuple[str, str]], after: str = ""
    ) -> Appended | None:
        """Append a claimed event. Returns where it is, and for whom; None: its contact is erased.

        The event that tells of an erasure is appended all the same.

        `erased`: what `erased_of` returned after the claim. `after`: when the contact's event before this one was
        appended.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        blocked: str | None = None
        for _ in tries(self._clock, self._randomness):
            event = claim.event
            # The event that tells of the erasure has the tombstone as its proof.
            if not event.tells_of_erasure and (event.account_id, event.contact_id) in erased:
                self._store.drop(claim)
                return None
            if claim.is_put:
                return claim.appended
            try:
                if claim.appended_at != blocked and self._is_at_hand(claim, after):
                    blocked = claim.appended_at
                    self._store.append(claim)
                    return claim.appended
                if not claim.is_new and self._store.is_appended(claim):
                    return claim.appended
                claim = self._store.move(claim, self._moments.next())
            except Contention:
                again = self._store.claim(event, self._moments.next(), claim.webhook_ids)
                if again is None:
                    return None
                claim = again
            erased = self.erased_of([claim])
        raise Contention

    def _is_at_hand(self, claim: ClaimedPlace, after: str) -> bool:
        """Whether an event can be put in its place without looking."""
        is_soon = self._clock.now_ms() - parsed(claim.good_from) <= PUT_WITHIN_MS
        return (claim.is_new or claim.is_open) and is_soon and claim.appended_at > after
