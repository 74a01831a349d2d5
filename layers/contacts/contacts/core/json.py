"""JSON text, every number with its value."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final


def to_json(body: object) -> str:
    """JSON text, every number with its value."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        # Only numbers that no float holds are Decimal, and only simplejson writes them digit by digit.
        import simplejson

        text: str = simplejson.dumps(
            body, ensure_ascii=False, separators=(",", ":"), use_decimal=True, allow_nan=False
        )
        return text


def from_json(text: str) -> Any:
    """What `to_json` has written, every number with its value."""
    return json.loads(text, parse_int=exact_number, parse_float=exact_number)


def canonical(value: object) -> str:
    """One JSON text for all texts of one meaning: keys sorted, no white space, ASCII, each number in one spelling.

    `value`: parsed JSON whose numbers `exact_number` has read, so that equal numbers are equal objects.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return _sorted(value)
    except TypeError:
        # A number that no float holds. The tilde keeps the text apart from those of documents without one.
        return f"~{_sorted(_marked(value))}"


def _sorted(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _marked(value: object) -> object:
    """The value with Decimals as texts, and all texts marked, so that no text looks like a number."""
    match value:
        case dict():
            return {key: _marked(entry) for key, entry in value.items()}
        case list():
            return [_marked(entry) for entry in value]
        case str():
            return f"s{value}"
        case Decimal():
            sign, digits, exponent = value.as_tuple()
            if not isinstance(exponent, int):
                return f"n{value}"
            significant = "".join(map(str, digits)).rstrip("0")
            return f"n{sign} {significant} {exponent + len(digits) - len(significant)}"
        case _:
            return value


def same_json(one: object, another: object) -> bool:
    """Whether two values are the same JSON. (To Python, 1 equals true.)"""
    match one:
        case Mapping():
            return (
                isinstance(another, Mapping)
                and one.keys() == another.keys()
                and all(same_json(value, another[key]) for key, value in one.items())
            )
        case list() | tuple():
            return (
                isinstance(another, list | tuple)
                and len(one) == len(another)
                and all(map(same_json, one, another))
            )
        case _:
            return isinstance(one, bool) == isinstance(another, bool) and one == another


MAX_VALUES: Final = 10_000
"""JSON values in a contact's `custom_fields` and `metadata` together, as `json_values` counts them."""


def json_values(containers: Iterable[object], at_most: int) -> int:
    """How many values objects and arrays hold at any depth: each value of a key and each element is one.

    They themselves are not counted, nor is what is neither. Where there are more than `at_most`, the answer is some
    number above it: nothing is read beyond.
    """
    found = 0
    to_read = [one for one in containers if isinstance(one, dict | list | Mapping)]
    while to_read:
        container = to_read.pop()
        found += len(container)
        if found > at_most:
            break
        entries = container.values() if isinstance(container, Mapping) else container
        to_read += [entry for entry in entries if isinstance(entry, dict | list)]
    return found


MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

Number = int | float | Decimal

_INT_ENDS = 10**MAX_DIGITS
_DIGITS_OF_A_FLOAT = 15
"""So many significant digits survive the way into a float and back ("DBL_DIG" in C)."""
_LONGEST_FLOAT = 24
"""Characters that Python prints of a float at most."""


def exact_number(literal: str) -> Number:
    """The number that a JSON literal (or a DynamoDB `N`) stands for, without loss of value.

    A literal outside DynamoDB's range comes back as a Decimal that `is_storable` refuses.
    """
    if len(literal) <= MAX_DIGITS and literal.lstrip("-").isdigit():
        return int(literal)
    if len(literal) <= _LONGEST_FLOAT:
        nearest = float(literal)
        size = abs(nearest)
        is_exact = len(literal) <= _DIGITS_OF_A_FLOAT or repr(nearest) == literal
        if is_exact and (1e-130 <= size < 1e15 or 1e38 <= size < 1e126):
            return int(nearest) if size < 1e15 and nearest.is_integer() else nearest
    return _exact(literal)


def _exact(literal: str) -> Number:
    try:
        exact = Decimal(literal)
    except InvalidOperation:  # an exponent of more than 18 digits, which not even Decimal holds
        return Decimal("Infinity")
    if not is_storable(exact):
        return exact
    if exact.adjusted() < MAX_DIGITS and exact == exact.to_integral_value():
        return int(exact)
    shortest = float(exact)
    return shortest if Decimal(repr(shortest)) == exact else exact


def is_storable(number: Number) -> bool:
    """Whether DynamoDB keeps the number's value."""
    if isinstance(number, int):
        if -_INT_ENDS < number < _INT_ENDS:
            return True
        number = Decimal(number)
    elif isinstance(number, float):
        # It prints 17 digits at most.
        return number == 0 or 1e-130 <= abs(number) < 1e126
    if not number.is_finite():
        return False
    if not number:
        return True
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        return False
    digits = number.as_tuple().digits
    return len(digits) <= MAX_DIGITS or not any(digits[MAX_DIGITS:])
