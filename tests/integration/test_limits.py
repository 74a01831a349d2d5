"""The most that a function is asked for, it does with its own memory and its own share of a processor.

`python -m bench.limits` measures every limit; these are the most expensive ones.
"""

import sys

import pytest

from bench.limits import Case, cases, costs

KIND = "many objects"
"""Of the largest contacts there are, those that take most memory."""
MADE_OF_ONE_TEXT = (
    "1 MB of {} in tags",
    "1 MB of {} in metadata",
    "1 MB of 1 as operations",
    "100 creates in 1 MB",
    "100 tags and 100 lists",
    "100 tags and 100 lists to filter by",
    "20 levels",
    "50 gates",
    "500 properties",
    "page of a timeline",
    "data of an event",
)


def chosen() -> list[Case]:
    """The cases that this test runs."""
    return [
        case
        for case in cases()
        if (case.kind == KIND and "once" not in case.limit)
        or (case.limit in MADE_OF_ONE_TEXT and case.operation != "update_contact")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited, and told, as Linux does it")
def test_every_limit_is_within_memory_and_cpu() -> None:
    found = list(costs(chosen()))
    assert {cost.case.limit for cost in found} >= set(MADE_OF_ONE_TEXT)
    assert [cost.wrong for cost in found if cost.wrong] == []
