"""What all request bodies have in common. (Only operations with a body import this: it needs pydantic.)"""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from contacts.api.json_values import json_errors, text_error
from contacts.api.request import Request
from contacts.domain.errors import BodyNotJson, FieldError, InvalidInput

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


_MESSAGES: Final = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be one of {expected}",
    "extra_forbidden": "is no field of this request",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
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
