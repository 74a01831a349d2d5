"""How many values a piece of JSON has.

Bytes alone do not bound what JSON costs: 350 KB hold 100,000 small values, and on its way each takes up to 300 bytes
of memory and some µs.
"""

from collections.abc import Iterable, Mapping
from typing import Final

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
