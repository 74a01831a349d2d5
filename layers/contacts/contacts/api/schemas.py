"""Bodies of requests about contacts: what may be sent, field by field."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from contacts.api.bodies import Body, JsonObject, clean
from contacts.api.request import Request
from contacts.domain.contact import MAX_LISTS, MAX_TAGS, distinct
from contacts.domain.errors import MAX_ERRORS_SHOWN, BodyNotJson, FieldError, InvalidInput
from contacts.domain.identity import MAX_EXTERNAL_ID, is_e164, stored_email

_SLUG: Final = r"^[a-z0-9][a-z0-9_-]{0,99}$"


class OnInvalid(StrEnum):
    """What an update does with a field that cannot be taken."""

    REJECT = "reject"
    SKIP = "skip"


def _email(text: str) -> str:
    try:
        return stored_email(clean(text))
    except ValueError as error:
        raise PydanticCustomError("email", "is not an email address: {why}", {"why": str(error)}) from None


def _phone(text: str) -> str:
    if not is_e164(text):
        raise PydanticCustomError("phone", "must be an E.164 number such as +4915112345678")
    return text


def _at_most(limit: int) -> AfterValidator:
    def checked(values: list[str]) -> list[str]:
        kept = list(distinct(values))
        if len(kept) > limit:
            raise PydanticCustomError(
                "too_many",
                "has {count} values; at most {limit} are kept",
                {"count": len(kept), "limit": limit},
            )
        return kept

    return AfterValidator(checked)


Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]
ExternalId = Annotated[str, Field(min_length=1, max_length=MAX_EXTERNAL_ID), AfterValidator(clean)]
PersonName = Annotated[str, Field(max_length=255), AfterValidator(clean)]
Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(clean)]
Slug = Annotated[str, Field(pattern=_SLUG)]
Tags = Annotated[list[Tag], _at_most(MAX_TAGS)]
Lists = Annotated[list[Slug], _at_most(MAX_LISTS)]


class ContactFields(Body):
    """The fields of a contact that callers set."""

    external_id: ExternalId | None = None
    email: Email | None = None
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    name: PersonName | None = None
    phone: Phone | None = None
    tags: Tags | None = None
    lists: Lists | None = None
    custom_fields: JsonObject | None = None
    metadata: JsonObject | None = None
    is_active: bool | None = None
    is_unsubscribed: bool | None = None
    add_tags: Tags | None = None
    add_lists: Lists | None = None

    @classmethod
    def read(cls, given: object, on_invalid: OnInvalid) -> Self:
        """Fields from parsed JSON; `skip` is for updates only.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: it is no object.
        """
        return cls.checked(given)


class NewContact(ContactFields):
    """A contact to be created. It needs an email or an external_id."""


class ContactChange(ContactFields):
    """Fields to change: absent keeps, null clears."""

    remove_tags: Tags | None = None
    remove_lists: Lists | None = None
    _skipped: tuple[FieldError, ...] = ()

    @property
    def skipped(self) -> tuple[FieldError, ...]:
        """The fields that were left out because of `?on_invalid=skip`."""
        return self._skipped

    def leaving_out(self, wrong: tuple[FieldError, ...]) -> Self:
        """The same change, knowing what it leaves out."""
        self._skipped = wrong
        return self

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """The body of a request, with `?on_invalid=skip` without the fields that cannot be taken."""
        skips = request.query().get("on_invalid") == [OnInvalid.SKIP]
        return cls.read(request.json(), OnInvalid.SKIP if skips else OnInvalid.REJECT)

    @classmethod
    def read(cls, given: object, on_invalid: OnInvalid) -> Self:
        """A change from parsed JSON, with `skip` without the fields that cannot be taken.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: it is no object.
        """
        if on_invalid is not OnInvalid.SKIP:
            return cls.checked(given)
        try:
            return cls.checked(given)
        except BodyNotJson:
            raise
        except InvalidInput as error:
            assert isinstance(given, dict)
            wrong = {path if path in given else path.partition(".")[0]: why for path, why in error.errors}
            if len(wrong) > MAX_ERRORS_SHOWN:
                raise
            change = cls.checked({name: value for name, value in given.items() if name not in wrong})
            return change.leaving_out(tuple(FieldError(name, why) for name, why in wrong.items()))
