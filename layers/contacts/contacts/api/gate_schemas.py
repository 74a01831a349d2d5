"""Bodies of requests about gates."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field

from contacts.api.bodies import clean
from contacts.api.schemas import ContactFields
from contacts.domain import violations
from contacts.domain.contact_input import ContactInput
from contacts.domain.errors import FieldError
from contacts.domain.gates import LONGEST_IDENTIFIER, MAX_IDENTIFIER_BYTES
from contacts.domain.violations import InvalidValue


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
    """Required, and yet never missing: what else is wrong is to be told as well."""

    @classmethod
    def draft(cls, given: object) -> Self:
        """As that of every draft, which also knows where the identifier is missing.

        Raises: as `Draft.draft`.
        """
        draft = super().draft(given)
        if isinstance(given, dict) and "identifier" not in given:
            missing = FieldError("identifier", violations.REQUIRED)
            draft = draft.rejecting((*draft.rejected, missing), (*draft.errors, missing))
        return draft

    def to_input(self) -> ContactInput:
        """What the body asks to write of the contact, still to be validated by the account's properties."""
        given = super().to_input()
        accepted = {name: value for name, value in given.accepted.items() if name != "identifier"}
        return given._replace(accepted=accepted)
