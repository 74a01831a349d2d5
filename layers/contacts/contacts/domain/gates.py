"""Gates: where a contact is found on a channel. A gate is a name of its contact, as an email is."""

from typing import Final, NamedTuple

from contacts.domain.identity import Name, NameKind, made_at_ms
from contacts.domain.timestamps import iso

MAX_GATES: Final = 50
"""Of a contact. It is made with one; more come by merging."""
LONGEST_IDENTIFIER: Final = 255
"""Characters."""
MAX_IDENTIFIER_BYTES: Final = 1000
"""In UTF-8: it stands in a sort key, which has at most 1,024 bytes."""


class Gate(NamedTuple):
    """One contact's address on one channel. Its id is a UUID version 7 of the moment it was made."""

    id: str
    channel_id: str
    identifier: str
    """What the channel calls the contact: a chat id, a number; case-sensitive."""

    @property
    def name(self) -> Name:
        """The gate as a name: unique on its channel, and so in its account."""
        return gate_name(self.channel_id, self.identifier)

    @property
    def created_at(self) -> str:
        """When it was made."""
        return iso(made_at_ms(self.id))


def gate_name(channel_id: str, identifier: str) -> Name:
    """The name that an identifier on a channel is."""
    return Name(NameKind.GATE, f"{channel_id}:{identifier}")
