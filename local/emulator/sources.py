"""What invokes functions: streams and queues (event source mappings).

- MiniStack takes a batch of a stream for done whatever the function says of it. Here one with failures comes again.
- It reads streams for one function after another, and queues meanwhile for none. Here each reader of a stream has a
  thread of its own, so that a slow one holds up nobody else, as on AWS.
- Its filters find nothing in an attribute that an item does not have. Here such an attribute counts as absent, as on
  AWS: `{"exists": false}` is true of it.
- It takes a number that is a parameter of the template for a text.
"""

import logging
import threading

from ministack.services import lambda_svc

logger = logging.getLogger("local")


def repeat_failed_batches() -> None:
    """Deliver a batch of a stream again, all of it, where the function reports a failure in it."""
    poll, execute, polling = (
        lambda_svc._poll_dynamodb_streams,
        lambda_svc._execute_function,
        threading.local(),
    )

    def poll_streams():
        polling.now = True
        try:
            return poll()
        finally:
            polling.now = False

    def executed(function, event):
        result = execute(function, event)
        answer = result.get("body")
        if getattr(polling, "now", False) and isinstance(answer, dict) and answer.get("batchItemFailures"):
            return {**result, "error": True}
        return result

    lambda_svc._poll_dynamodb_streams = poll_streams
    lambda_svc._execute_function = executed


def read_streams_side_by_side() -> None:
    """Let each event source mapping of a stream deliver its batches in a thread of its own, one after the other."""
    poll, all_mappings = lambda_svc._poll_dynamodb_streams, lambda_svc._iter_all_esms
    reading, busy = threading.local(), set()

    def mappings():
        one = getattr(reading, "mapping", None)
        return iter([one]) if one else all_mappings()

    def read(mapping, name):
        reading.mapping = mapping
        has_read = False
        try:
            while poll():
                has_read = True
        except Exception:
            logger.exception("a stream cannot be read")
        finally:
            busy.discard(name)
            if has_read:  # What has come in this very moment has found this one busy.
                lambda_svc.esm_wake.set()

    def start_reading():
        for mapping in all_mappings():
            name = mapping[2]["UUID"]
            if "/stream/" in mapping[2].get("EventSourceArn", "") and name not in busy:
                busy.add(name)
                lambda_svc.spawn_background(read, mapping, name, thread_name="ministack-stream")
        # The poller looks again when it is woken, or after a second.
        return False

    lambda_svc._iter_all_esms = mappings
    lambda_svc._poll_dynamodb_streams = start_reading


def know_absent_attributes() -> None:
    """Let a filter ask for what an absent attribute does not have, either."""
    match = lambda_svc._match_esm_filter

    def matched(record, pattern):
        absent = {key: {} for key, inner in pattern.items() if isinstance(inner, dict) and key not in record}
        return match({**absent, **record}, pattern)

    lambda_svc._match_esm_filter = matched


def read_concurrency_as_number() -> None:
    """Let the concurrency of a queue's reader be a parameter of the template."""
    concurrency_of = lambda_svc._sqs_esm_concurrency

    def as_number(mapping, *rest):
        scaling = mapping.get("ScalingConfig") or {}
        if isinstance(scaling.get("MaximumConcurrency"), str):
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return concurrency_of(mapping, *rest)

    lambda_svc._sqs_esm_concurrency = as_number
