"""Query parameters: from text to what a handler's signature says."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Final

from contacts.core import violations
from contacts.core.time import parsed
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation


class Moment(int):
    """A timestamp, in ms since the epoch."""


class Bounded(int):
    """A whole number within bounds, both inclusive."""

    minimum: ClassVar[int]
    maximum: ClassVar[int]


class Repeated(tuple[str, ...]):
    """Texts of a parameter that may be given more than once; each of them once."""

    __slots__ = ()

    most: ClassVar[int]

    @classmethod
    def checked(cls, text: str) -> str:
        """One of them, as it is to be.

        Raises:
            InvalidValue: it is none.
        """
        return text


_IN_BRACKETS: Final = re.compile(r"(\w+)\[[0-9]*\]", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def by_name(given: Mapping[str, Sequence[str]], repeatable: Container[str]) -> dict[str, list[str]]:
    """A query by the names of its parameters: of one that may be repeated, `tag[]` and `tag[0]` are `tag`.

    So axios and PHP send lists. What may not be repeated keeps the name it was sent by, which nothing takes.
    """
    found: dict[str, list[str]] = {}
    for sent, values in given.items():
        bracketed = _IN_BRACKETS.fullmatch(sent)
        name = bracketed[1] if bracketed and bracketed[1] in repeatable else sent
        found.setdefault(name, []).extend(values)
    return found


def no_parameter(taken: Sequence[str]) -> Violation:
    """What is said of a parameter that an operation does not take."""
    message = f"is no parameter of this operation (it takes: {', '.join(taken) or 'none'})"
    return Violation(FieldErrorCode.UNKNOWN, message)


def converted(values: Sequence[str], kind: Any) -> object:
    """The value of a query parameter.

    Raises:
        InvalidValue: it is none.
    """
    if issubclass(kind, Repeated):
        found = kind(dict.fromkeys(kind.checked(_text(value, kind)) for value in values))
        if len(found) > kind.most:
            message = f"must be given at most {kind.most} times"
            raise InvalidValue(Violation(FieldErrorCode.TOO_MANY, message, kind.most))
        return found
    if len(values) > 1:
        raise InvalidValue(violations.GIVEN_TWICE)
    convert = next(_CONVERTERS[base] for base in kind.__mro__ if base in _CONVERTERS)
    value = convert(values[0], kind)
    return kind.checked(value) if hasattr(kind, "checked") else value


def is_query_kind(kind: Any) -> bool:
    """Whether a query parameter can be converted to this."""
    return isinstance(kind, type) and issubclass(kind, (Repeated, *_CONVERTERS))


def _text(text: str, kind: Any) -> str:
    if "\0" in text:
        raise InvalidValue(violations.HAS_NUL)
    return text


def _boolean(text: str, kind: Any) -> bool:
    if text not in ("true", "false"):
        raise InvalidValue(violations.NOT_BOOLEAN)
    return text == "true"


def _moment(text: str, kind: Any) -> Moment:
    # A day stands for its beginning. (In a query a plus means a space, and `+02:00` is often sent as it is.)
    moment = f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text.replace(" ", "+")
    return Moment(parsed(moment))


def _bounded(text: str, kind: type[Bounded]) -> Bounded:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 10):
        raise InvalidValue(violations.NOT_WHOLE_NUMBER)
    if not kind.minimum <= int(text) <= kind.maximum:
        message = f"must be between {kind.minimum} and {kind.maximum}"
        raise InvalidValue(Violation(FieldErrorCode.OUT_OF_RANGE, message))
    return kind(text)


def _choice(text: str, kind: type[StrEnum]) -> StrEnum:
    text = text.strip()  # `+created_at` arrives with a space for its plus.
    if text not in set(kind):
        raise InvalidValue(violations.not_one_of(kind))
    return kind(text)


_CONVERTERS: Final[Mapping[type, Callable[[str, Any], object]]] = {
    Moment: _moment,
    Bounded: _bounded,
    StrEnum: _choice,
    bool: _boolean,
    str: _text,
}
