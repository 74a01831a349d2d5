"""Bodies of requests about gates."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from contacts.api.bodies import clean
from contacts.api.schemas import ContactFields, OnInvalid
from contacts.domain import violations
from contacts.domain.errors import FieldError
from contacts.domain.gates import LONGEST_IDENTIFIER, MAX_IDENTIFIER_BYTES
from contacts.domain.violations import InvalidValue
from contacts.services.typed_fields import TypedFields


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
            draft = draft.knowing((*draft.wrong, missing), (*draft.left_out, missing))
        return draft

    def contact_fields(self, typed: TypedFields) -> dict[str, Any]:
        """The fields of the contact.

        Raises:
            InvalidInput: something is wrong with the body.
            TemporarilyUnavailable.
        """
        fields, _ = self.taken(typed, OnInvalid.REJECT)
        return {name: value for name, value in fields.items() if name != "identifier"}
