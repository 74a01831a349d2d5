"""The most that a function is asked for, it does with its own memory and its own share of a processor.

`python -m bench.limits` measures every limit; these are the most expensive ones, and `make test` has those that came
closest to their budget of memory or CPU when they were measured (bench/results/limits.md).
"""

import sys

import pytest

from bench.limits import Case, cases, costs
from tests.support.thorough import thorough

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is limited, and told, as Linux does it"
)
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
MOST_EXPENSIVE = {
    (f"20 words, {KIND}", "search_contacts"),
    (f"6 MB of changes, {KIND}", "project_changes"),
}


def chosen() -> list[Case]:
    """The cases that this test runs."""
    return [
        case
        for case in cases()
        if (case.kind == KIND and "once" not in case.limit)
        or (case.limit in MADE_OF_ONE_TEXT and case.operation != "update_contact")
    ]


def wrong(limits: list[Case]) -> list[str]:
    """What is beyond its budget."""
    found = list(costs(limits))
    assert sorted(cost.case.limit for cost in found) == sorted(case.limit for case in limits)
    return [cost.wrong for cost in found if cost.wrong]


def test_the_most_expensive_limits_are_within_memory_and_cpu() -> None:
    most = [case for case in chosen() if (case.limit, case.operation) in MOST_EXPENSIVE]
    assert len(most) == len(MOST_EXPENSIVE)
    assert wrong(most) == []


@thorough
def test_every_limit_is_within_memory_and_cpu() -> None:
    assert {case.limit for case in chosen()} >= set(MADE_OF_ONE_TEXT)
    assert wrong(chosen()) == []
