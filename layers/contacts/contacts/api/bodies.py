"""What all request bodies have in common. (Only operations with a body import this: it needs pydantic.)"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from contacts.api.json_values import json_errors, text_error
from contacts.api.request import Request
from contacts.domain.errors import MAX_ERRORS_SHOWN, BodyNotJson, FieldError, InvalidInput

JsonObject = dict[str, Any]


def clean(text: str) -> str:
    """A text, if it can be stored.

    Raises:
        PydanticCustomError: it holds NUL or half of a surrogate pair.
    """
    wrong = text_error(text)
    if wrong:
        raise PydanticCustomError("text", "{wrong}", {"wrong": wrong})
    return text


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
        errors = [*cls.free_json_errors(given), *cls.joint_errors(given)]
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

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """What is wrong with fields in view of each other, where each may be right for itself."""
        return []

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Draft(Body):
    """A body without what cannot be taken, which knows what is wrong.

    It is for the handler to say what becomes of it, because more may turn out to be wrong once things are looked up.
    """

    _wrong: tuple[FieldError, ...] = ()
    _left_out: tuple[FieldError, ...] = ()

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """The draft that a request's body is.

        Raises:
            BodyNotJson, BodyTooLarge, and what `draft` raises.
        """
        return cls.draft(request.json())

    @classmethod
    def draft(cls, given: object) -> Self:
        """A draft from parsed JSON.

        Raises:
            InvalidInput: more is wrong than one answer names.
            BodyNotJson: it is no object.
        """
        try:
            return cls.checked(given)
        except BodyNotJson:
            raise
        except InvalidInput as error:
            assert isinstance(given, dict)
            kept, left_out = cls.taken_apart(given, error.errors)
            if len(left_out) > MAX_ERRORS_SHOWN:
                raise
            return cls.checked(kept).knowing(error.errors, tuple(left_out))

    @classmethod
    def taken_apart(
        cls, given: Mapping[str, Any], errors: Sequence[FieldError]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        """A body without its wrong fields, and these, each once."""
        wrong = {path if path in given else path.partition(".")[0]: why for path, why in errors}
        kept = {name: value for name, value in given.items() if name not in wrong}
        return kept, [FieldError(name, why) for name, why in wrong.items()]

    def knowing(self, wrong: tuple[FieldError, ...], left_out: tuple[FieldError, ...]) -> Self:
        """The same draft, knowing what is wrong with what was sent and what it lacks because of that."""
        self._wrong, self._left_out = wrong, left_out
        return self

    @property
    def wrong(self) -> tuple[FieldError, ...]:
        """Everything that is wrong with the body as it was sent."""
        return self._wrong

    @property
    def left_out(self) -> tuple[FieldError, ...]:
        """The fields that it lacks because of that, each once."""
        return self._left_out

    def given(self) -> dict[str, Any]:
        """The fields that were sent.

        Raises:
            InvalidInput: some of them cannot be taken.
        """
        if self._wrong:
            raise InvalidInput(self._wrong)
        return self.takeable()

    def takeable(self) -> dict[str, Any]:
        """The fields that were sent and can be taken."""
        return super().given()


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
