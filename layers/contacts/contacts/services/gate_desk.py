"""Where contacts arrive: through a gate of a channel, each once."""

from collections.abc import Mapping

from contacts.domain.channels import Channel
from contacts.domain.contact import new_contact
from contacts.domain.errors import ChannelOff, ContactNotFound, DuplicateContact, NamesTaken
from contacts.domain.gates import Gate
from contacts.domain.identity import Name, Ref, RefKind, uuid7
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.reach import shown_gate
from contacts.domain.timestamps import iso
from contacts.services.channel_desk import Channels, existing_channel
from contacts.services.contact_book import ContactBook
from contacts.services.once import once
from contacts.services.ports import (
    Clock,
    ContactStore,
    Move,
    Moved,
    NamesNotFree,
    Randomness,
    Standing,
)


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
        return once(
            lambda: self._add(channel_id, identifier, given, receipt), receipt, self._clock, self._randomness
        )

    def _add(
        self, channel_id: str, identifier: str, given: Mapping[str, object], receipt: Receipt | None
    ) -> Outcome:
        channel = existing_channel(self._channels, channel_id)
        if not channel.state:
            raise ChannelOff
        now = self._clock.now_ms()
        gate = Gate(uuid7(now, self._randomness(10)), channel.id, identifier)
        contact = new_contact(uuid7(now, self._randomness(10)), given, iso(now), (gate,))
        outcome = Outcome(did=Did.CREATED, details=shown_gate(gate, channel, contact.id))
        try:
            self._contacts.move(
                Move(
                    before=None,
                    was=None,
                    after=contact,
                    becomes=Standing.LIVE,
                    at_ms=now,
                    spares_trashed=frozenset((gate.name,)),
                    outcome=outcome,
                    receipt=receipt,
                )
            )
        except NamesNotFree as taken:
            return self._found(channel, gate.name, receipt) or self._refuse(taken)
        return outcome

    def _found(self, channel: Channel, name: Name, receipt: Receipt | None) -> Outcome | None:
        """The gate that is there; where its contact is in the trash, both come back. None: there is none.

        Raises:
            Moved: somebody deletes, restores or merges the contact at this moment.
        """
        claim = self._contacts.claim(name)
        if claim is None:
            return None
        if claim.standing is Standing.DELETED:
            try:
                self._book.restore(Ref(claim.contact_id, RefKind.ID))
            except (ContactNotFound, NamesTaken):
                raise Moved from None
            return self._found(channel, name, receipt)
        contact = self._contacts.by_id(claim.contact_id)
        gate = None if contact is None else next((one for one in contact.gates if one.name == name), None)
        if contact is None or gate is None:
            raise Moved
        outcome = Outcome(did=Did.FOUND, details=shown_gate(gate, channel, contact.id))
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

    @staticmethod
    def _refuse(taken: NamesNotFree) -> Outcome:
        """
        Raises:
            DuplicateContact: other names of the new contact belong to live ones.
            Moved: they did a moment ago.
        """
        owners = taken.live_owners()
        raise DuplicateContact(owners) if owners else Moved
