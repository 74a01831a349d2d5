"""Where contacts arrive: through a gate of a channel, each once."""

from collections.abc import Mapping

from contacts.domain.channels import Channel
from contacts.domain.contact import Contact, new_contact
from contacts.domain.errors import ChannelOff, DuplicateContact
from contacts.domain.gates import Gate
from contacts.domain.identity import Name, uuid7
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.reach import shown_gate
from contacts.domain.timestamps import iso
from contacts.services.channel_desk import Channels, existing_channel
from contacts.services.contact_book import ContactBook
from contacts.services.once import once
from contacts.services.ports import (
    Claim,
    Clock,
    ContactStore,
    Move,
    Moved,
    NamesNotFree,
    Randomness,
    Standing,
)
from contacts.services.terms import Terms


class GateDesk:
    """The gates of one account's channels."""

    def __init__(
        self,
        channels: Channels,
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
        self, channel_id: str, identifier: str, given: Mapping[str, object], receipt: Receipt | None
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
            channel = existing_channel(self._channels, channel_id)
            if not channel.state:
                raise ChannelOff
            return self._add(channel, gate, contact, now, receipt)

        return once(attempt, receipt, self._clock, self._randomness)

    def _add(
        self, channel: Channel, gate: Gate, contact: Contact, at_ms: int, receipt: Receipt | None
    ) -> Outcome:
        # Looked at first: most who write have written before, and a transaction that fails costs what it would have.
        claim = self._contacts.claim(gate.name)
        if claim is not None:
            return self._found(channel, gate.name, claim, receipt)
        outcome = Outcome(did=Did.CREATED, details=shown_gate(gate, channel, contact.id))
        try:
            return self._contacts.move(
                Move(
                    before=None,
                    was=None,
                    after=contact,
                    becomes=Standing.LIVE,
                    at_ms=at_ms,
                    spares_trashed=frozenset((gate.name,)),
                    outcome=outcome,
                    receipt=receipt,
                )
            )
        except NamesNotFree as taken:
            if gate.name in taken.claims:
                return self._found(channel, gate.name, taken.claims[gate.name], receipt)
            owners = taken.live_owners()
            raise (DuplicateContact(owners) if owners else Moved) from None

    def _found(self, channel: Channel, name: Name, claim: Claim | None, receipt: Receipt | None) -> Outcome:
        """The gate that is there; where its contact is in the trash, both come back.

        Raises:
            Moved: somebody deletes, restores or merges the contact at this moment.
        """

        def told(contact: Contact) -> Outcome:
            gate = next((gate for gate in contact.gates if gate.name == name), None)
            if gate is None:
                raise Moved
            return Outcome(did=Did.FOUND, details=shown_gate(gate, channel, contact.id))

        if claim is None:
            raise Moved
        if claim.standing is Standing.DELETED:
            return self._book.bring_back(claim.contact_id, name, told, Terms(receipt=receipt))
        contact = self._contacts.by_id(claim.contact_id)
        if contact is None:
            raise Moved
        outcome = told(contact)
        if receipt is not None:
            # Nothing changes, but what was answered is to be answered again.
            self._contacts.move(
                Move(
                    before=contact,
                    was=Standing.LIVE,
                    after=contact,
                    becomes=Standing.LIVE,
                    at_ms=self._clock.now_ms(),
                    outcome=outcome,
                    receipt=receipt,
                )
            )
        return outcome
