"""Whose calls the local stack's emulator has wait, and what its garbage collector looks at. In its own environment."""

from collections.abc import Callable

WHO_WAITS = """
from local.emulator import application

for n, name in enumerate(("carry_out", "dispatch", "create")):
    application.sts._sessions[f"ASIA{n}"] = {"Arn": f"arn:aws:sts::1:assumed-role/role-of-{name}/{name}"}
application.lambda_svc._iter_all_esms = lambda: iter([
    ("1", "r", {"FunctionArn": "arn:aws:lambda:r:1:function:carry_out"}),
    ("1", "r", {"FunctionArn": "arn:aws:lambda:r:1:function:dispatch:live"}),
])

def caller(key, target=b"DynamoDB_20120810.GetItem"):
    signed = b"AWS4-HMAC-SHA256 Credential=" + key + b"/20260101/r/dynamodb/aws4_request, SignedHeaders=host"
    return application.calling_follower({"headers": [(b"x-amz-target", target), (b"authorization", signed)]})

assert caller(b"ASIA0") == "carry_out"
assert caller(b"ASIA1") == "dispatch"
assert caller(b"ASIA2") is None, "a client waits for what it does"
assert caller(b"ASIA9") is None
assert caller(b"ASIA0", b"AmazonSQS.SendMessage") is None
assert application.calling_follower({"headers": []}) is None

# A mapping that is made later counts as well.
later = ("1", "r", {"FunctionArn": "arn:aws:lambda:r:1:function:create"})
application.lambda_svc._iter_all_esms = lambda: iter([later])
assert caller(b"ASIA2") == "create"
"""

WAITS_FOR_BODIES = """
import asyncio
from local.emulator import application

async def play():
    arrived = asyncio.Queue()
    body = asyncio.create_task(application.whole_body(arrived.get))
    arrived.put_nowait({"type": "http.request", "body": b"a", "more_body": True})
    await asyncio.sleep(0)
    assert not body.done()
    arrived.put_nowait({"type": "http.request", "body": b"b"})
    receive = await body
    assert [(await receive())["body"] for _ in range(2)] == [b"a", b"b"]
    arrived.put_nowait({"type": "http.disconnect"})
    assert (await receive())["type"] == "http.disconnect"

asyncio.run(play())
"""

LOOKS_ONCE = """
import gc
from local.emulator import __main__ as process

process.look_at_each_object_once()
items = [{"n": [str(n)]} for n in range(1_000)]
gc.collect()
assert not any(one is items for one in gc.get_objects()), "the next full collection looks at them again"
"""


def test_what_a_stream_or_a_queue_invokes_waits(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(WHO_WAITS)


def test_who_waits_for_a_turn_has_sent_all_of_its_call(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(WAITS_FOR_BODIES)


def test_an_object_is_looked_at_once(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(LOOKS_ONCE)
