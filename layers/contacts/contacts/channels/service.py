"""What callers do with the channels of their account: make, list, read, rename, switch on and off."""

from collections.abc import Mapping, Sequence
from typing import Any

from contacts.book.model import (
    Action,
    Claim,
    Contact,
    ContactState,
    Gate,
    NamesNotFree,
    Outcome,
    Preconditions,
    Transition,
    new_contact,
)
from contacts.book.service import ContactBook
from contacts.book.store import ContactStore
from contacts.channels.model import (
    Channel,
    ChannelOut,
    ChannelType,
    ChatOut,
    GateOut,
    channel_out,
    chat_out,
    gate_out,
    open_gates,
)
from contacts.channels.store import ChannelStore
from contacts.core.errors import ChannelOff, DuplicateContact, FieldError, InvalidInput
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey, run_idempotent
from contacts.core.ids import Name, Randomness, Ref, uuid7
from contacts.core.time import Clock, iso


class ChannelService:
    """The channels of one account, as its callers see them."""

    def __init__(self, store: ChannelStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def channels(self) -> list[ChannelOut]:
        """All channels, the oldest first.

        Raises:
            TemporarilyUnavailable.
        """
        return list(map(channel_out, self._store.all()))

    def channel(self, channel_id: str) -> ChannelOut:
        """One channel.

        Raises:
            ChannelNotFound: the account has none with that id.
        """
        return channel_out(self._store.existing(channel_id))

    def add(
        self, kind: ChannelType, name: str, *, state: bool, idempotency_key: IdempotencyKey | None
    ) -> Outcome:
        """Make a channel.

        Raises:
            TooManyChannels: the account has 50 already.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Channel(
            id=uuid7(now, self._randomness(10)),
            type=kind,
            name=name,
            state=state,
            created_at=iso(now),
            updated_at=iso(now),
        )
        outcome = Outcome(action=Action.CREATED, details=channel_out(new))

        def write() -> Outcome:
            return self._store.add(new, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)

    def change(
        self,
        channel_id: str,
        given: Mapping[str, Any],
        wrong: Sequence[FieldError],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Rename a channel, or switch it on or off; what is absent stays.

        `wrong`: what is wrong with the rest of the request, to be told together with what this channel cannot take.

        Raises:
            ChannelNotFound: the account has none with that id.
            InvalidInput: another type is asked for; or `wrong`.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = self._store.existing(channel_id)
            errors = [*wrong, *before.objections(given)]
            if errors:
                raise InvalidInput(errors)
            after = before.changed(given, iso(now))
            outcome = Outcome(action=Action.UPDATED, details=channel_out(after))
            return self._store.change(before, after, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)


class GateService:
    """The gates of one account's channels."""

    def __init__(
        self,
        channels: ChannelStore,
        contacts: ContactStore,
        book: ContactBook,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._channels = channels
        self._contacts = contacts
        self._book = book
        self._clock = clock
        self._randomness = randomness

    def add(
        self,
        channel_id: str,
        identifier: str,
        given: Mapping[str, object],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Create a contact together with its gate; where the channel knows the identifier, find the gate there is.

        `given`: fields of the new contact, validated. A contact that is there already is left as it is, but for one
        in the trash: it comes back.

        Raises:
            ChannelNotFound: the account has none with that id.
            ChannelOff: it is switched off.
            DuplicateContact: email or external_id belong to a live contact; nothing is created.
            ContactTooLarge, InvalidInput, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        contact_id, gate_id = (uuid7(now, self._randomness(10)) for _ in range(2))
        gate = Gate(gate_id, channel_id.lower(), identifier)
        contact = new_contact(contact_id, given, iso(now), (gate,))

        def attempt() -> Outcome:
            channel = self._channels.existing(channel_id)
            if not channel.state:
                raise ChannelOff
            return self._add(channel, gate, contact, now, idempotency_key)

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def _add(
        self,
        channel: Channel,
        gate: Gate,
        contact: Contact,
        at_ms: int,
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        # Looked at first: most who write have written before, and a transaction that fails costs what it would have.
        claim = self._contacts.claim(gate.name)
        if claim is not None:
            return self._found(channel, gate.name, claim, idempotency_key)
        outcome = Outcome(action=Action.CREATED, details=gate_out(gate, channel, contact.id))
        try:
            return self._contacts.apply(
                Transition(
                    before=None,
                    was=None,
                    after=contact,
                    becomes=ContactState.LIVE,
                    at_ms=at_ms,
                    spares_trashed=frozenset((gate.name,)),
                    outcome=outcome,
                    idempotency_key=idempotency_key,
                )
            )
        except NamesNotFree as taken:
            if gate.name in taken.claims:
                return self._found(channel, gate.name, taken.claims[gate.name], idempotency_key)
            owners = taken.live_owners()
            raise (DuplicateContact(owners) if owners else ConcurrentModification) from None

    def _found(
        self, channel: Channel, name: Name, claim: Claim | None, idempotency_key: IdempotencyKey | None
    ) -> Outcome:
        """The gate that is there; where its contact is in the trash, both come back.

        Raises:
            Moved: somebody deletes, restores or merges the contact at this moment.
        """

        def told(contact: Contact) -> Outcome:
            gate = next((gate for gate in contact.gates if gate.name == name), None)
            if gate is None:
                raise ConcurrentModification
            return Outcome(action=Action.FOUND, details=gate_out(gate, channel, contact.id))

        if claim is None:
            raise ConcurrentModification
        if claim.state is ContactState.DELETED:
            return self._book.bring_back(
                claim.contact_id, name, told, Preconditions(idempotency_key=idempotency_key)
            )
        contact = self._contacts.by_id(claim.contact_id)
        if contact is None:
            raise ConcurrentModification
        outcome = told(contact)
        if idempotency_key is not None:
            # Nothing changes, but what was answered is to be answered again.
            self._contacts.apply(
                Transition(
                    before=contact,
                    was=ContactState.LIVE,
                    after=contact,
                    becomes=ContactState.LIVE,
                    at_ms=self._clock.now_ms(),
                    outcome=outcome,
                    idempotency_key=idempotency_key,
                )
            )
        return outcome


class ContactPointService:
    """The gates and chats of one account's contacts."""

    def __init__(self, book: ContactBook, channels: ChannelStore) -> None:
        self._book = book
        self._channels = channels

    def gates(self, ref: Ref) -> tuple[str, list[GateOut]]:
        """The id of the contact that a ref names, and how it can be reached now.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        contact = self._book.get(ref)
        return contact.id, open_gates(contact, self._channels.all())

    def chat(self, ref: Ref) -> ChatOut:
        """The conversation with the contact that a ref names.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        contact = self._book.get(ref)
        return chat_out(contact, open_gates(contact, self._channels.all()))
