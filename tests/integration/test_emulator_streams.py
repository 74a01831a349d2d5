"""What local/emulator/sources.py does with the readers of a stream. It runs in the emulator's own environment."""

from collections.abc import Callable

TWO_READERS = """
import threading
from local.emulator import sources

readers = [("1", "r", {"UUID": name, "EventSourceArn": "table/t/stream/1"}) for name in ("slow", "fast")]
may_end, fast_is_done, begun = threading.Event(), threading.Event(), []

def poll():
    ((_, _, mapping),) = list(sources.lambda_svc._iter_all_esms())
    begun.append(mapping["UUID"])
    if mapping["UUID"] == "slow":
        may_end.wait(30)
    else:
        fast_is_done.set()
    return False

sources.lambda_svc._iter_all_esms = lambda: iter(readers)
sources.lambda_svc._poll_dynamodb_streams = poll
sources.read_streams_side_by_side()
sources.lambda_svc._poll_dynamodb_streams()
assert fast_is_done.wait(30), "it waits for the slow one"
sources.lambda_svc._poll_dynamodb_streams()
assert begun.count("slow") == 1, "two batches at once"
may_end.set()
"""


def test_a_slow_reader_of_a_stream_holds_up_no_other_and_has_one_batch_at_a_time(
    run_in_emulator: Callable[[str], None],
) -> None:
    run_in_emulator(TWO_READERS)
