"""How each vendor's clients reach the API, and what their answers look like."""

import re
from collections.abc import Mapping
from typing import Any, Final

BASES: Final = {
    "sendmator": "/api/v1",
    "smashsend": "/v1",
    "smashsend_v2": "/v1",
    "smartsender": "/v1",
    "artamail": "/api/v1",
}
BEARERS: Final = frozenset({"smashsend", "smashsend_v2", "smartsender", "artamail"})

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MILLISECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WHOLE_SECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def assert_like(actual: Any, expected: Any, at: str = "answer") -> None:
    """Hold JSON against what it should be: a type stands for its values, a pattern for the texts it matches.

    Objects have just these keys, arrays just these entries.
    """
    if isinstance(expected, type):
        assert isinstance(actual, expected), f"{at}: {actual!r} is no {expected.__name__}"
    elif isinstance(expected, re.Pattern):
        assert isinstance(actual, str), f"{at}: {actual!r} is no text"
        assert expected.fullmatch(actual), f"{at}: {actual!r} does not match {expected.pattern}"
    elif isinstance(expected, Mapping):
        assert isinstance(actual, Mapping), f"{at}: {actual!r} is no object"
        assert list(actual) == list(expected), f"{at} has the keys {list(actual)}, not {list(expected)}"
        for name, value in expected.items():
            assert_like(actual[name], value, f"{at}.{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{at}: {actual!r} is no array"
        assert len(actual) == len(expected), f"{at} has {len(actual)} entries: {actual}"
        for number, value in enumerate(expected):
            assert_like(actual[number], value, f"{at}[{number}]")
    else:
        assert (actual, type(actual)) == (expected, type(expected)), f"{at}: {actual!r}, not {expected!r}"
