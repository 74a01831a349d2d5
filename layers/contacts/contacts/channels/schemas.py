"""Bodies of requests about channels."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field

from contacts.book.model import LONGEST_IDENTIFIER, MAX_IDENTIFIER_BYTES
from contacts.book.schemas import ContactFields
from contacts.channels.model import MAX_NAME, ChannelType
from contacts.core import violations
from contacts.core.errors import FieldError
from contacts.core.violations import InvalidValue
from contacts.properties.model import ContactInput
from contacts.web.bodies import COMPOSED, Body, Draft, clean

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(clean), COMPOSED]
Type = Annotated[ChannelType, Field(strict=False)]


class NewChannel(Body):
    """A channel to be made; it is on unless it says otherwise."""

    type: Type
    name: Name
    state: bool = True


class ChannelChange(Draft):
    """Fields to change: absent keeps. The type may be sent as it is.

    What the channel itself cannot take is told together with what is wrong here. (The defaults are never looked at.)
    """

    type: Type = ChannelType.OTHER
    name: Name = ""
    state: bool = True


def _short_enough(text: str) -> str:
    if len(text.encode()) > MAX_IDENTIFIER_BYTES:
        raise InvalidValue(violations.longer_than(MAX_IDENTIFIER_BYTES, "bytes in UTF-8"))
    return text


Identifier = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_IDENTIFIER),
    AfterValidator(clean),
    AfterValidator(_short_enough),
]


class NewGate(ContactFields):
    """A gate, and the fields of the contact that arrives through it."""

    identifier: Identifier = ""
    """Required. The default lets the validation go on, so that all errors are reported together; see `draft`."""

    @classmethod
    def draft(cls, given: object) -> Self:
        """As `Draft.draft`; a missing identifier is an error as well.

        Raises: as `Draft.draft`.
        """
        draft = super().draft(given)
        if isinstance(given, dict) and "identifier" not in given:
            missing = FieldError("identifier", violations.REQUIRED)
            draft = draft.rejecting((*draft.rejected, missing), (*draft.errors, missing))
        return draft

    def to_input(self) -> ContactInput:
        """The contact's fields, without the identifier. The account's properties still have to validate them."""
        given = super().to_input()
        accepted = {name: value for name, value in given.accepted.items() if name != "identifier"}
        return given._replace(accepted=accepted)
