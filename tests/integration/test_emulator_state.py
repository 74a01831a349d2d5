"""What the local stack writes of its queues is what MiniStack reads. It runs in the emulator's own environment."""

from collections.abc import Callable

WRITTEN = """
import os, tempfile

directory = tempfile.mkdtemp()
os.environ |= {"PERSIST_STATE": "1", "STATE_DIR": directory}
from local.emulator import state

sqs, persistence = state.sqs, state.persistence
state.write_queues_as_they_are()
assert persistence.PERSIST_STATE and persistence.STATE_DIR == directory
url = "http://localhost:4566/1/orders"
messages = [{"id": "1", "body": "ä \\ud83d \\n", "attributes": {"SentTimestamp": 1.5}, "blob": b"\\x00\\xff"}]
sqs._queues[url] = {"name": "orders", "messages": messages, "dedup": {}, "attributes": {"FifoQueue": "true"}}
persistence.save_all({"sqs": sqs.get_state})
kept = persistence.load_state("sqs")
assert kept["queues"].to_dict() == sqs._queues.to_dict(), kept["queues"].to_dict()
assert kept["queue_name_to_url"].to_dict() == sqs._queue_name_to_url.to_dict()
"""


def test_queues_are_read_as_they_were_written(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(WRITTEN)
