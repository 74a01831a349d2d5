"""Every pair of writes to one contact, the second carried out between any two DynamoDB calls of the first.

What both callers are answered, and the whole table afterwards, must be what one of the two serial orders gives.
Only `change_id` and the two bounds are masked: each caller has a clock that stands still, and draws the same ids
in whatever order. The one write of a request is its last call (that is asserted), so a second request in a gap
finds the table as it was at the start: its own part is carried out once, and what it leaves is put in each gap.

The thorough profile tries every pair of writes from every start, in every gap. The quick one tries every pair without
keys from three starts, and one pair in three, drawn once and for all, with a key or from another start. Of the gaps it
takes the last, where everything has been read and nothing is written: there only the conditions of the write notice
the other one. One pair in five has another gap, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import pytest

from contacts.book.model import UNCONDITIONAL, Preconditions
from contacts.core.idempotency import IdempotencyKey
from contacts.table import keys
from contacts.table.records import key_digest
from tests.support.hypothesis_profiles import is_thorough
from tests.support.interrupted import Interrupted
from tests.support.moto_table import MotoTable
from tests.support.scenarios import (
    ACCOUNT_ID,
    STARTS,
    VERDICT,
    WRITES,
    Answer,
    Caller,
    Contents,
    Start,
    Write,
    begun,
    check,
    contents,
)

FIRST, SECOND = Caller("first"), Caller("second", later_ms=1000)
TWIN = Caller("first", draws="twin")
"""Sends the very request that the first caller sends."""
KEYED_STARTS = [start for start in STARTS if start.name in ("live", "two live", "in the trash, another live")]
"""With a key only the shape of a write's transaction differs, so these will do."""
SECONDS = (*WRITES, VERDICT)
WITH_KEY = Preconditions(idempotency_key=IdempotencyKey("k-1", "0" * 64))
RECORD = tuple(keys.idempotency(ACCOUNT_ID, key_digest("k-1")))

Ending = tuple[Answer, Answer, Contents]
"""The answer to the first write, that to the second, and the table."""


class Killed(BaseException):
    """Raised where a process ends in the middle of a request."""


def kill() -> None:
    raise Killed


@dataclass(frozen=True)
class Run:
    """What came of a write; `left` brings the table back to how it then was."""

    answer: Answer
    calls: int
    contents: Contents
    left: Any


@cache
def table() -> MotoTable:
    """The one table on which everything happens."""
    return MotoTable()


def carried_out(
    start: Start,
    caller: Caller,
    write: Write,
    preconditions: Preconditions,
    after: int = -1,
    then: Callable[[], None] = lambda: None,
) -> Run:
    """Carry out a write on the table as it is, with something else after its n-th call (0: before any)."""
    dynamodb = Interrupted(table().client(), after, then)
    if after == 0:
        then()
    answer = caller.answered(dynamodb, start, write, preconditions)
    check(table(), start)
    assert answer.refusal not in ("Contention", "TemporarilyUnavailable")
    return Run(answer, dynamodb.calls, contents(table()), table().snapshot())


@cache
def untouched(start: Start) -> Contents:
    table().bring_back(begun(start))
    check(table(), start)
    return contents(table())


@cache
def alone(start: Start, caller: Caller, write: Write, preconditions: Preconditions = UNCONDITIONAL) -> Run:
    """A write carried out on a state to start from."""
    table().bring_back(begun(start))
    return carried_out(start, caller, write, preconditions)


def gaps(start: Start, first: Write, preconditions: Preconditions) -> range:
    return range(1, alone(start, FIRST, first, preconditions).calls)


def seconds(start: Start, first: Write, preconditions: Preconditions) -> list[Write]:
    """The writes that are tried in the gaps of the first one."""
    if is_thorough() or (start in KEYED_STARTS and preconditions is UNCONDITIONAL):
        return list(SECONDS)
    return [
        second
        for second in SECONDS
        if Random(f"{start}; {first}; {second}; {preconditions}").random() < 1 / 3
    ]


def gaps_between(start: Start, first: Write, second: Write, preconditions: Preconditions) -> list[int]:
    """The gaps of the first write in which the second one is tried."""
    every = gaps(start, first, preconditions)
    if is_thorough() or len(every) < 2:
        return list(every)
    draw = Random(f"{start}, {first}, {second}")
    return [*draw.sample(every[:-1], int(draw.random() < 0.2)), every[-1]]


def writes_nothing(start: Start, second: Write) -> bool:
    return alone(start, SECOND, second).contents == untouched(start)


@cache
def likeness(start: Start, second: Write) -> Write:
    """The first of all writes that does the same to the table: whoever comes after it sees no difference."""
    contents = alone(start, SECOND, second).contents
    return next(write for write in SECONDS if alone(start, SECOND, write).contents == contents)


@cache
def amid(
    start: Start, first: Write, preconditions: Preconditions, gap: int, other: Caller, second: Write
) -> Run:
    """The first write, with another's in a gap (0: before the first call)."""
    others_terms = preconditions if other is TWIN else UNCONDITIONAL
    left = alone(start, other, second, others_terms).left

    def interlude() -> None:
        assert contents(table()) == untouched(start), "a request that wrote before its last call"
        table().bring_back(left)

    table().bring_back(begun(start))
    return carried_out(start, FIRST, first, preconditions, gap, interlude)


def interleaved(start: Start, first: Write, preconditions: Preconditions, gap: int, second: Write) -> Ending:
    run = amid(start, first, preconditions, gap, SECOND, likeness(start, second))
    return run.answer, alone(start, SECOND, second).answer, run.contents


def second_then_first(start: Start, first: Write, preconditions: Preconditions, second: Write) -> Ending:
    return interleaved(start, first, preconditions, 0, second)


@cache
def first_then_second(start: Start, first: Write, preconditions: Preconditions, second: Write) -> Ending:
    earlier = alone(start, FIRST, first, preconditions)
    table().bring_back(earlier.left)
    later = carried_out(start, SECOND, second, UNCONDITIONAL)
    return earlier.answer, later.answer, later.contents


def is_serial(
    ending: Ending, start: Start, first: Write, preconditions: Preconditions, second: Write
) -> bool:
    return any(
        ending == order(start, first, preconditions, second)
        for order in (second_then_first, first_then_second)
    )


def unexplained(start: Start, first: Write, preconditions: Preconditions) -> list[str]:
    """Every write that, in one of the first one's gaps, leads to an ending of no serial order."""
    return [
        f"{second} after call {gap}: {_told(interleaved(start, first, preconditions, gap, second))}"
        for second in seconds(start, first, preconditions)
        if not writes_nothing(start, second)
        for gap in gaps_between(start, first, second, preconditions)
        if not is_serial(
            interleaved(start, first, preconditions, gap, second), start, first, preconditions, second
        )
    ]


def _told(ending: Ending) -> str:
    one, another, contents = ending
    return f"first {one}, second {another}, in the table {sorted(contents)}"


every_start = pytest.mark.parametrize("start", STARTS, ids=str)
keyed_start = pytest.mark.parametrize("start", KEYED_STARTS, ids=str)
every_first = pytest.mark.parametrize("first", WRITES, ids=str)


@every_start
@every_first
def test_another_write_in_between_has_a_serial_outcome(start: Start, first: Write) -> None:
    assert unexplained(start, first, UNCONDITIONAL) == []


@keyed_start
@every_first
def test_another_write_in_between_has_a_serial_outcome_with_an_idempotency_key(
    start: Start, first: Write
) -> None:
    assert unexplained(start, first, WITH_KEY) == []


@keyed_start
@every_first
def test_a_request_with_a_key_commits_once_whatever_comes_in_between(start: Start, first: Write) -> None:
    for second in {likeness(start, second) for second in SECONDS}:
        for gap in gaps_between(start, first, second, WITH_KEY):
            once = amid(start, first, WITH_KEY, gap, SECOND, second)
            assert (RECORD in once.contents) is once.answer.is_success
            if once.answer.is_success:
                table().bring_back(once.left)
                again = carried_out(start, FIRST, first, WITH_KEY)
                assert again.answer == once.answer.replayed()
                assert again.contents == once.contents


@keyed_start
@every_first
def test_of_two_equal_requests_one_commits_and_the_other_replays_it(start: Start, first: Write) -> None:
    twin = alone(start, TWIN, first, WITH_KEY)
    for gap in (0, *gaps(start, first, WITH_KEY)):
        run = amid(start, first, WITH_KEY, gap, TWIN, first)
        assert run.answer == twin.answer.replayed()
        assert run.contents == twin.contents


@every_start
@every_first
def test_a_killed_request_leaves_all_or_nothing(start: Start, first: Write) -> None:
    whole = alone(start, FIRST, first)
    for after in range(1, whole.calls + 1):
        table().bring_back(begun(start))
        with pytest.raises(Killed):
            carried_out(start, FIRST, first, UNCONDITIONAL, after, kill)
        check(table(), start)
        assert contents(table()) == (whole.contents if after == whole.calls else untouched(start))


@keyed_start
@every_first
def test_the_next_try_completes_a_killed_request(start: Start, first: Write) -> None:
    whole = alone(start, FIRST, first, WITH_KEY)
    for after in range(1, whole.calls + 1):
        table().bring_back(begun(start))
        with pytest.raises(Killed):
            carried_out(start, FIRST, first, WITH_KEY, after, kill)
        again = carried_out(start, FIRST, first, WITH_KEY)
        is_late = after == whole.calls
        assert again.answer == (whole.answer.replayed() if is_late else whole.answer)
        assert again.contents == whole.contents
