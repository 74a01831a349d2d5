"""Request bodies: what may be sent, field by field. (Only operations with a body import this: it needs pydantic.)"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from contacts.api.json_values import json_errors, text_error
from contacts.api.request import Request
from contacts.domain.accounts import Dialect, Mode, Plan, Scope
from contacts.domain.contact import MAX_LISTS, MAX_TAGS, distinct
from contacts.domain.errors import MAX_ERRORS_SHOWN, BodyNotJson, FieldError, InvalidInput
from contacts.domain.identity import MAX_EXTERNAL_ID, is_e164, stored_email
from contacts.services.key_ring import KeyWish

_SLUG: Final = r"^[a-z0-9][a-z0-9_-]{0,99}$"


def _clean(text: str) -> str:
    wrong = text_error(text)
    if wrong:
        raise PydanticCustomError("text", "{wrong}", {"wrong": wrong})
    return text


def _email(text: str) -> str:
    try:
        return stored_email(_clean(text))
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
ExternalId = Annotated[str, Field(min_length=1, max_length=MAX_EXTERNAL_ID), AfterValidator(_clean)]
PersonName = Annotated[str, Field(max_length=255), AfterValidator(_clean)]
Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_clean)]
Slug = Annotated[str, Field(pattern=_SLUG)]
Tags = Annotated[list[Tag], _at_most(MAX_TAGS)]
Lists = Annotated[list[Slug], _at_most(MAX_LISTS)]
GivenScope = Annotated[Scope, Field(strict=False)]
JsonObject = dict[str, Any]


class Body(BaseModel):
    """A JSON object with known fields of exact types."""

    # Built by `prepare`: of all these bodies, a function takes one.
    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    @classmethod
    def prepare(cls) -> None:
        """Build the validator."""
        cls.model_rebuild()

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """The body of a request.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson, BodyTooLarge.
        """
        return cls.checked(request.json())

    @classmethod
    def checked(cls, given: object) -> Self:
        """A body from parsed JSON.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: it is no object.
        """
        if not isinstance(given, dict):
            raise BodyNotJson([FieldError("body", "must be a JSON object")])
        errors = list(cls.free_json_errors(given))
        try:
            body = cls.model_validate(given)
        except ValidationError as error:
            errors = [_field_error(details) for details in error.errors(include_url=False)] + errors
        if errors:
            raise InvalidInput(errors)
        return body

    @classmethod
    def free_json_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """What is wrong inside fields that take any JSON."""
        return [
            error
            for name, field in cls.model_fields.items()
            if name in given and JsonObject in (field.annotation, *getattr(field.annotation, "__args__", ()))
            for error in json_errors(given[name], name)
        ]

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


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


class NewContact(ContactFields):
    """A contact to be created. It needs an email or an external_id."""


class OnInvalid(StrEnum):
    """What an update does with a field that cannot be taken."""

    REJECT = "reject"
    SKIP = "skip"


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
        given = request.json()
        if request.query().get("on_invalid") != [OnInvalid.SKIP]:
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


class NewApiKey(Body):
    """An API key to be made. Without scopes it gets those of the key that makes it."""

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_clean)]
    scopes: Annotated[list[GivenScope], Field(min_length=1, max_length=len(Scope))] | None = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.LIVE
    dialect: Annotated[Dialect, Field(strict=False)] = Dialect.NATIVE

    def wish(self) -> KeyWish:
        """What the key ring is asked for."""
        return KeyWish(name=self.name, scopes=self.scopes, mode=self.mode, dialect=self.dialect)


class NewAccount(Body):
    """An account to be opened. Only an enterprise account has an hourly limit of its own."""

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_clean)]
    plan: Annotated[Plan, Field(strict=False)]
    hourly_limit: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None


_MESSAGES: Final = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be one of {expected}",
    "extra_forbidden": "is no field of this request",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be an array",
    "missing": "is required",
    "string_pattern_mismatch": "must be a slug: lower-case letters, digits, - and _, 1 to 100 characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} character",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode, without lone surrogates",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entry",
}
"""By pydantic's type of error, which is stable; its own texts are not, and speak of Python."""


def _field_error(details: Mapping[str, Any]) -> FieldError:
    # A name that is no Unicode has no place of its own.
    path = ".".join(str(part) for part in details["loc"]) or "body"
    template = _MESSAGES.get(details["type"])
    message = template.format(**details.get("ctx", {})) if template else details["msg"]
    return FieldError(path, message.replace("'", ""))
