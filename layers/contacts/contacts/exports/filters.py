"""Which contacts an export writes: the filters of `GET /v1/contacts`, as members of a JSON object.

A filter is kept as texts, as a query has them, and read by the code that reads a query.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Final, get_args

from contacts.core.errors import FieldError
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.search.pages import Filters, Words
from contacts.search.query import ContactQuery
from contacts.web.routing import converted

SEARCH: Final = "search"
_NOT_TEXTS: Final = Violation(
    FieldErrorCode.WRONG_TYPE, "must be a text, true or false, or a list of texts that is not empty"
)
_KINDS: Final[Mapping[str, Any]] = {
    **{
        one.name: next(kind for kind in get_args(one.annotation) if kind is not NoneType)
        for one in inspect.signature(Filters).parameters.values()
    },
    SEARCH: Words,
}
"""The type of each filter."""


def filter_errors(given: Mapping[str, object]) -> Iterator[FieldError]:
    """What is wrong with a filter as it was sent, by name."""
    for name, value in given.items():
        if name not in _KINDS:
            message = f"is no filter (there are: {', '.join(_KINDS)})"
            yield FieldError(f"filter.{name}", Violation(FieldErrorCode.UNKNOWN, message))
            continue
        try:
            _value(name, _texts(value))
        except InvalidValue as error:
            yield FieldError(f"filter.{name}", error.violation)


def filter_texts(given: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The texts of a filter without errors, by name."""
    return {name: _texts(value) for name, value in given.items()}


def query_of(texts: Mapping[str, Sequence[str]]) -> ContactQuery:
    """The query that the texts of a filter stand for."""
    values = {name: _value(name, one) for name, one in texts.items()}
    words: Any = values.pop(SEARCH, None)
    return Filters(**values).query(words)


def _texts(value: object) -> tuple[str, ...]:
    """
    Raises:
        InvalidValue: a query has no such value.
    """
    if isinstance(value, bool):
        return ("true" if value else "false",)
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(one, str) for one in texts):
        raise InvalidValue(_NOT_TEXTS)
    return tuple(texts)


def _value(name: str, texts: Sequence[str]) -> Any:
    return converted(texts, _KINDS[name])
