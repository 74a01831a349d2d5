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
"""

LOOKS_ONCE = """
import gc
from local.emulator import __main__ as process

process.look_at_each_object_once()
items = [{"n": [str(n)]} for n in range(1_000)]
gc.collect()
assert gc.get_freeze_count() > 1_000
assert gc.get_count()[2] < 10
del items
"""


def test_what_a_stream_or_a_queue_invokes_waits(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(WHO_WAITS)


def test_an_object_is_looked_at_once(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(LOOKS_ONCE)
