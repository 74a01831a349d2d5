"""Query parameters: from text to what a handler's signature says."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Final

from contacts.domain.timestamps import parsed


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
            ValueError: it is none; the message says what is expected.
        """
        return text


def converted(values: Sequence[str], kind: Any) -> object:
    """The value of a query parameter.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    if issubclass(kind, Repeated):
        found = kind(dict.fromkeys(kind.checked(_text(value, kind)) for value in values))
        if len(found) > kind.most:
            raise ValueError(f"must be given at most {kind.most} times")
        return found
    if len(values) > 1:
        raise ValueError("is given more than once")
    convert = next(_CONVERTERS[base] for base in kind.__mro__ if base in _CONVERTERS)
    value = convert(values[0], kind)
    return kind.checked(value) if hasattr(kind, "checked") else value


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
