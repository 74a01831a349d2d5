"""Runs calls side by side, in threads."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Value = TypeVar("Value")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Value], Result], values: Sequence[Value], threads: int) -> list[Result]:
    """Returns what `work` returns for each value, in their order, once all are done. `threads`: at most so many.

    Raises: what `work` raises, of the first value for which it raises something.
    """
    threads = min(threads, len(values))
    if threads <= 1:
        return [work(value) for value in values]
    # Most invocations have one value. They need no threads, and so do not load them.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return [running.result() for running in [pool.submit(work, value) for value in values]]
