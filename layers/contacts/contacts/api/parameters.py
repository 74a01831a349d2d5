"""Query parameters: from text to what a handler's signature says."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from contacts.domain.timestamps import parsed


class Moment(int):
    """A timestamp, in ms since the epoch."""


class Bounded(int):
    """A whole number within bounds, both inclusive."""

    minimum: ClassVar[int]
    maximum: ClassVar[int]


def converted(values: list[str], kind: Any) -> object:
    """The value of a query parameter.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    if len(values) > 1:
        raise ValueError("is given more than once")
    convert = next(_CONVERTERS[base] for base in kind.__mro__ if base in _CONVERTERS)
    return convert(values[0], kind)


def _text(text: str, kind: Any) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _boolean(text: str, kind: Any) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _moment(text: str, kind: Any) -> Moment:
    # In a query a plus means a space, and `+02:00` is often sent as it is.
    return Moment(parsed(text.replace(" ", "+")))


def _bounded(text: str, kind: type[Bounded]) -> Bounded:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 10):
        raise ValueError("must be a whole number")
    if not kind.minimum <= int(text) <= kind.maximum:
        raise ValueError(f"must be between {kind.minimum} and {kind.maximum}")
    return kind(text)


def _choice(text: str, kind: type[StrEnum]) -> StrEnum:
    text = text.strip()  # `+created_at` arrives with a space for its plus.
    if text not in set(kind):
        raise ValueError(f"must be one of {', '.join(kind)}")
    return kind(text)


_CONVERTERS: Final[Mapping[type, Callable[[str, Any], object]]] = {
    Moment: _moment,
    Bounded: _bounded,
    StrEnum: _choice,
    bool: _boolean,
    str: _text,
}
