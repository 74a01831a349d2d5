"""Bodies of requests: JSON objects with known fields, and free JSON that can be stored."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import islice
from types import UnionType
from typing import Any, ClassVar, Final, Self, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from contacts.core import violations
from contacts.core.errors import MAX_ERRORS_SHOWN, BodyNotJson, FieldError, InvalidInput
from contacts.core.json import MAX_VALUES, is_storable, json_values
from contacts.core.text import composed
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.web.request import Request

MAX_NESTING: Final = 20
MAX_KEY: Final = 255
"""Characters."""
_TOO_DEEP: Final = Violation(
    FieldErrorCode.TOO_DEEP, f"is nested more than {MAX_NESTING} levels deep", MAX_NESTING
)
_NOT_STORABLE: Final = Violation(
    FieldErrorCode.OUT_OF_RANGE, "must be a number of at most 38 significant digits within ±9.99E125"
)


def json_errors(value: object, path: str, depth: int = 1) -> Iterator[FieldError]:
    """Everything in a JSON value that cannot be stored, with its path."""
    if isinstance(value, str):
        wrong = violations.text_violation(value)
        if wrong:
            yield FieldError(path, wrong)
    elif isinstance(value, dict | list):
        if depth > MAX_NESTING:
            yield FieldError(path, _TOO_DEEP)
            return
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            if isinstance(key, str):
                wrong = violations.text_violation(key) or (
                    None if 0 < len(key) <= MAX_KEY else violations.wrong_length(key, MAX_KEY)
                )
                if wrong:
                    message = f"has a key that {wrong.message}"
                    yield FieldError(path, Violation(FieldErrorCode.INVALID_KEY, message))
                    continue
            yield from json_errors(entry, f"{path}.{key}", depth + 1)
    elif isinstance(value, int | float | Decimal) and not is_storable(value):
        yield FieldError(path, _NOT_STORABLE)


JsonObject = dict[str, Any]


def _composed(given: object) -> object:
    return composed(given) if isinstance(given, str) else given


COMPOSED: Final = BeforeValidator(_composed)
"""Stands last in the annotation of a text that people read: it is brought to one spelling (NFC) before it is measured.

Not so emails, URLs, the identifiers of gates, and the names by which a request finds a contact: these count as sent.
"""


def clean(text: str) -> str:
    """A text, if it can be stored.

    Raises:
        InvalidValue: it holds NUL or half of a surrogate pair.
    """
    wrong = violations.text_violation(text)
    if wrong:
        raise InvalidValue(wrong)
    return text


class Body(BaseModel):
    """A JSON object with known fields of exact types.

    Bounds apply before anything is validated: to an array the `max_length` of its field (`list_bounds` raises where a
    field has none), to a free JSON object `most_values`, to unknown names and errors the number that an answer shows.
    """

    most_values: ClassVar[int] = MAX_VALUES
    """JSON values that are read of each field that takes any JSON."""

    is_required: ClassVar[bool] = True
    """Whether a request must have a body. If not, no body is an empty object."""

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
        is_left_out = not cls.is_required and not request.body()
        return cls.checked({} if is_left_out else request.json())

    @classmethod
    def checked(cls, given: object) -> Self:
        """A body from parsed JSON.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: it is no object.
        """
        if not isinstance(given, dict):
            raise BodyNotJson([FieldError("body", violations.BODY_NOT_OBJECT)])
        too_much = cls._too_much(given)
        # An empty value in the place of each raises no further error.
        read = {
            name: type(given[name])() if name in too_much else given[name] for name in cls._readable(given)
        }
        joint = [error for error in cls.joint_errors(read) if error.field not in too_much]
        errors = [*too_much.values(), *cls.free_json_errors(read), *joint]
        try:
            body = cls.model_validate(read)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            errors = [_field_error(one) for one in found if one["loc"][:1] not in _places(too_much)] + errors
        if errors:
            raise InvalidInput(errors)
        return body

    @classmethod
    def _too_much(cls, given: Mapping[str, Any]) -> dict[str, FieldError]:
        """The arrays that have more entries than are read, and the free JSON that has more values."""
        found = {
            name: violations.more_values_than(most, len(given[name]), "read")
            for name, most in list_bounds(cls).items()
            if isinstance(given.get(name), list) and len(given[name]) > most
        }
        for name in cls._free_json():
            if json_values((given.get(name),), cls.most_values) > cls.most_values:
                found[name] = violations.more_json_than(cls.most_values)
        return {name: FieldError(name, violation) for name, violation in found.items()}

    @classmethod
    def _readable(cls, given: Mapping[str, object]) -> list[str]:
        """The names to read: all known ones, and one more unknown name than an answer shows."""
        known = {field.alias or name for name, field in cls.model_fields.items()}
        unknown = islice((name for name in given if name not in known), MAX_ERRORS_SHOWN + 1)
        return [*(name for name in given if name in known), *unknown]

    @classmethod
    def free_json_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """The errors inside fields that take any JSON; of each field one more than an answer shows, at most."""
        return [
            error
            for name in cls._free_json()
            if name in given
            for error in islice(json_errors(given[name], name), MAX_ERRORS_SHOWN + 1)
        ]

    @classmethod
    def _free_json(cls) -> list[str]:
        """The fields that take any JSON object."""
        return [
            name
            for name, field in cls.model_fields.items()
            if JsonObject in (field.annotation, *getattr(field.annotation, "__args__", ()))
        ]

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """The errors of fields that contradict each other, though each alone would be right."""
        return []

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


@cache
def list_bounds(body: type[Body]) -> Mapping[str, int]:
    """The most entries that are read of each array of a body, by field.

    Raises:
        TypeError: an array has no `max_length`.
    """
    bounds = {}
    for name, field in body.model_fields.items():
        for kind, constraints in _kinds(field.annotation, field.metadata):
            if (get_origin(kind) or kind) is not list:
                continue
            most = [one.max_length for one in constraints if getattr(one, "max_length", None) is not None]
            if not most:
                raise TypeError(f"{body.__name__}.{name} is an array without max_length")
            bounds[field.alias or name] = min(most)
    return bounds


def _kinds(annotation: Any, constraints: Sequence[Any]) -> Iterator[tuple[Any, Sequence[Any]]]:
    """What a field may be, each with its constraints: of `Annotated[list[str], Field(max_length=9)] | None`, two."""
    if hasattr(annotation, "__metadata__"):
        given = [*constraints, *annotation.__metadata__]
        inner = [one for info in given for one in getattr(info, "metadata", ())]
        yield from _kinds(annotation.__origin__, [*given, *inner])
    elif get_origin(annotation) in _UNIONS:
        for one in get_args(annotation):
            yield from _kinds(one, constraints)
    else:
        yield annotation, constraints


_UNIONS: Final = (Union, UnionType)


def _places(names: Mapping[str, object]) -> set[tuple[str]]:
    """Where pydantic says that errors of fields are."""
    return {(name,) for name in names}


class Draft(Body):
    """A body that leaves a wrong field out and keeps its errors, instead of raising them.

    The handler raises the errors or skips the fields, once it has looked up what else may be wrong.
    """

    _errors: tuple[FieldError, ...] = ()
    _rejected: tuple[FieldError, ...] = ()

    @classmethod
    def from_request(cls, request: Request) -> Self:
        """The draft in a request's body.

        Raises:
            BodyNotJson, BodyNotReadable, BodyTooLarge, and what `draft` raises.
        """
        return cls.draft(request.json())

    @classmethod
    def draft(cls, given: object) -> Self:
        """A draft from parsed JSON.

        Raises:
            InvalidInput: more fields are wrong than one answer lists.
            BodyNotJson: it is no object.
        """
        try:
            return cls.checked(given)
        except BodyNotJson:
            raise
        except InvalidInput as error:
            assert isinstance(given, dict)
            accepted, rejected = cls.split(given, error.errors)
            if len(rejected) > MAX_ERRORS_SHOWN:
                raise
            return cls.checked(accepted).rejecting(tuple(rejected), error.errors)

    @classmethod
    def split(
        cls, given: Mapping[str, Any], errors: Sequence[FieldError]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        """The right fields of a body, and one error for each wrong field."""
        wrong = {path if path in given else path.partition(".")[0]: violation for path, violation in errors}
        accepted = {name: value for name, value in given.items() if name not in wrong}
        return accepted, [FieldError(name, violation) for name, violation in wrong.items()]

    def rejecting(self, rejected: tuple[FieldError, ...], errors: tuple[FieldError, ...]) -> Self:
        """Set which fields this draft lacks and what is wrong with them; returns the draft."""
        self._rejected, self._errors = rejected, errors
        return self

    @property
    def accepted(self) -> dict[str, Any]:
        """The fields that were sent and are right."""
        return super().given()

    @property
    def rejected(self) -> tuple[FieldError, ...]:
        """The fields that were sent and are wrong, each once."""
        return self._rejected

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """Everything that is wrong with the rejected fields, by its path."""
        return self._errors

    def given(self) -> dict[str, Any]:
        """The fields that were sent.

        Raises:
            InvalidInput: some of them are wrong.
        """
        if self._errors:
            raise InvalidInput(self._errors)
        return self.accepted


def _raised(error: ValueError) -> Violation:
    """The violation behind an error that one of our validators has raised."""
    return error.violation if isinstance(error, InvalidValue) else Violation(FieldErrorCode.OTHER, str(error))


_VIOLATIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Violation]]] = {
    "bool_type": lambda _: violations.NOT_BOOLEAN,
    "dict_type": lambda _: violations.NOT_OBJECT,
    "enum": lambda ctx: violations.not_one_of([ctx["expected"]]),
    "extra_forbidden": lambda _: violations.UNKNOWN_FIELD,
    "greater_than_equal": lambda ctx: violations.less_than(ctx["ge"]),
    "int_type": lambda _: violations.NOT_WHOLE_NUMBER,
    "less_than_equal": lambda ctx: violations.more_than(ctx["le"]),
    "literal_error": lambda ctx: violations.not_one_of([ctx["expected"]]),
    "list_type": lambda _: violations.NOT_ARRAY,
    "missing": lambda _: violations.REQUIRED,
    "string_pattern_mismatch": lambda _: violations.NOT_SLUG,
    "string_too_long": lambda ctx: violations.longer_than(ctx["max_length"]),
    "string_too_short": lambda ctx: Violation(
        FieldErrorCode.TOO_SHORT, f"must have at least {ctx['min_length']} character"
    ),
    "string_type": lambda _: violations.NOT_STRING,
    "string_unicode": lambda _: violations.NOT_UNICODE,
    "too_long": lambda ctx: Violation(
        FieldErrorCode.TOO_MANY, f"must have at most {ctx['max_length']} entries", ctx["max_length"]
    ),
    "too_short": lambda ctx: Violation(
        FieldErrorCode.TOO_FEW, f"must have at least {ctx['min_length']} entry"
    ),
    "value_error": lambda ctx: _raised(ctx["error"]),
}
"""By pydantic's type of error and its context, which are stable; its own texts are not, and speak of Python."""


def _field_error(details: Mapping[str, Any]) -> FieldError:
    # A name that is no Unicode has no place of its own.
    path = ".".join(str(part) for part in details["loc"]) or "body"
    to_violation = _VIOLATIONS.get(details["type"])
    if to_violation is None:
        violation = Violation(FieldErrorCode.OTHER, details["msg"])
    else:
        violation = to_violation(details.get("ctx", {}))
    # Pydantic quotes the values to choose from, email-validator the characters that are wrong.
    return FieldError(path, violation._replace(message=violation.message.replace("'", "")))
