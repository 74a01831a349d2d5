"""One text for every spelling of one JSON value, and another text for any other value."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.core.json import canonical, exact_number

SAME = {
    "the order of keys": ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 3, "c": 2}, "a": 1}'),
    "white space": ('{"a":[1,2]}', '\n{ "a" :\t[ 1 , 2 ] }\r\n'),
    "escapes": ('{"é/": "Ł\U0001f600"}', r'{"\u00e9\/": "\u0141\ud83d\ude00"}'),
    "a fraction of nothing": ('{"a": 1}', '{"a": 1.0}'),
    "an exponent": ('{"a": 1500}', '{"a": 1.5e3}'),
    "a capital E": ('{"a": 1e-7}', '{"a": 1E-07}'),
    "the sign of zero": ('{"a": 0}', '{"a": -0.0}'),
    "a number that no float holds": (
        '{"a": 0.1234567890123456789, "b": "x"}',
        '{"b": "x", "a": 1.23456789012345678900e-1}',
    ),
}
OTHER = {
    "another value": ('{"a": 1}', '{"a": 2}'),
    "a number as text": ('{"a": 1}', '{"a": "1"}'),
    "true for one": ('{"a": 1}', '{"a": true}'),
    "null for absent": ('{"a": null}', "{}"),
    "the order of an array": ("[1, 2]", "[2, 1]"),
    "capitals": ('{"a": "x"}', '{"A": "x"}'),
    "a number as text that no float holds": (
        '{"a": 0.1234567890123456789, "b": 0.1234567890123456789}',
        '{"a": 0.1234567890123456789, "b": "0.1234567890123456789"}',
    ),
    "text in the marked form of such a number": (
        '{"a": 0.1234567890123456789}',
        '{"a": "n0 1234567890123456789 -19"}',
    ),
    "a digit more": ('{"a": 0.1234567890123456789}', '{"a": 0.12345678901234567891}'),
}


def read(text: str) -> Any:
    return json.loads(text, parse_int=exact_number, parse_float=exact_number)


@pytest.mark.parametrize(("one", "another"), SAME.values(), ids=list(SAME))
def test_spellings_of_one_value_have_one_text(one: str, another: str) -> None:
    assert canonical(read(one)) == canonical(read(another))


@pytest.mark.parametrize(("one", "another"), OTHER.values(), ids=list(OTHER))
def test_other_values_have_other_texts(one: str, another: str) -> None:
    assert canonical(read(one)) != canonical(read(another))


numbers = some.integers(-(10**38) + 1, 10**38 - 1) | some.floats(allow_nan=False, allow_infinity=False)
values = some.recursive(
    some.none() | some.booleans() | numbers | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)


def reordered(value: Any, order: Callable[[list[Any]], list[Any]]) -> Any:
    match value:
        case dict():
            return {key: reordered(value[key], order) for key in order(list(value))}
        case list():
            return [reordered(one, order) for one in value]
        case _:
            return value


@given(values, some.randoms(use_true_random=False), some.booleans(), some.sampled_from([None, 1, "\t"]))
def test_a_value_written_anew_has_the_same_text(
    value: Any, random: Any, ascii_only: bool, indent: int | str | None
) -> None:
    again = json.dumps(
        reordered(value, lambda keys: random.sample(keys, len(keys))), ensure_ascii=ascii_only, indent=indent
    )
    assert canonical(read(again)) == canonical(read(json.dumps(value)))


@given(values, values)
def test_a_text_stands_for_one_value(one: Any, another: Any) -> None:
    same = canonical(read(json.dumps(one))) == canonical(read(json.dumps(another)))
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(another, sort_keys=True)) or (
        one == another
    )
