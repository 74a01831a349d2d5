"""In which order the emulator of the local stack answers: requests first, followers by turns, nobody never."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from local.emulator.turns import LONGEST_WAIT_S, MAX_CONCURRENT_REQUESTS, Turns

Log = list[str]


async def call(turns: Turns, follower: str, log: Log, name: str) -> None:
    async with turns.of_follower(follower):
        log.append(name)
        await asyncio.sleep(0)  # An answer takes several steps; no other call comes between.
        log.append(f"{name} ends")


def played(scene: Callable[[Turns, Log], Awaitable[None]]) -> Log:
    """What happens in a scene, in its order."""
    log: Log = []

    async def play() -> None:
        await scene(Turns(), log)

    asyncio.run(play())
    return log


def test_a_call_waits_for_the_request_that_is_being_answered() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        async with turns.of_request():
            waiting = asyncio.create_task(call(turns, "import", log, "call"))
            await asyncio.sleep(LONGEST_WAIT_S / 5)
            log.append("answered")
        await waiting

    assert played(scene) == ["answered", "call", "call ends"]


def test_where_requests_never_end_calls_go_on() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        async with turns.of_request():
            began = time.monotonic()
            await asyncio.gather(*(call(turns, "import", log, str(n)) for n in range(20)))
            # All of them have waited side by side.
            assert LONGEST_WAIT_S <= time.monotonic() - began < 10 * LONGEST_WAIT_S

    assert len(played(scene)) == 40


def test_followers_take_turns_however_many_calls_one_has() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        calls = [call(turns, "import", log, f"import {n}") for n in range(8)]
        await asyncio.gather(*calls, call(turns, "webhooks", log, "webhook"))

    begun = [name for name in played(scene) if not name.endswith("ends")]
    assert begun.index("webhook") == 1
    assert begun[0] == "import 0"
    assert begun[2:] == [f"import {n}" for n in range(1, 8)]


def test_one_call_is_answered_at_a_time() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        await asyncio.gather(*(call(turns, str(n), log, str(n)) for n in range(4)))

    log = played(scene)
    assert log == [line for n in range(4) for line in (str(n), f"{n} ends")]


def test_a_call_that_is_given_up_holds_up_nobody() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        async with turns.of_request():
            given_up = asyncio.create_task(call(turns, "import", log, "given up"))
            await asyncio.sleep(LONGEST_WAIT_S / 5)
            given_up.cancel()
        await call(turns, "import", log, "next")

    assert played(scene) == ["next", "next ends"]


def test_only_so_many_requests_are_answered_at_once() -> None:
    async def scene(turns: Turns, log: Log) -> None:
        async def request(name: str) -> None:
            async with turns.of_request():
                log.append(name)
                await asyncio.sleep(0.01)
                log.append("end")

        await asyncio.gather(*(request("begin") for _ in range(MAX_CONCURRENT_REQUESTS + 1)))

    log = played(scene)
    assert log[: MAX_CONCURRENT_REQUESTS + 1] == ["begin"] * MAX_CONCURRENT_REQUESTS + ["end"]
