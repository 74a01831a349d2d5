"""How contacts can be reached: their gates, and the one conversation that there is with each."""

from contacts.domain.identity import Ref
from contacts.domain.reach import ShownGate, chat, open_gates
from contacts.services.channel_desk import Channels
from contacts.services.contact_book import ContactBook


class Reach:
    """The gates and chats of one account's contacts."""

    def __init__(self, book: ContactBook, channels: Channels) -> None:
        self._book = book
        self._channels = channels

    def gates(self, ref: Ref) -> tuple[str, list[ShownGate]]:
        """The id of the contact that a ref names, and how it can be reached now.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        contact = self._book.get(ref)
        return contact.id, open_gates(contact, self._channels.all())

    def chat(self, ref: Ref) -> dict[str, object]:
        """The conversation with the contact that a ref names.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        contact = self._book.get(ref)
        return chat(contact, open_gates(contact, self._channels.all()))
