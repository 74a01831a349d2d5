"""How many events one lane of the stream appends in a second: `python -m bench.events`.

`dispatch_webhooks` is handed batches of a hundred new contacts, of an account with one endpoint for every event. The
network ends where botocore hands a signed request to urllib3, so the CPU is the function's own. A second is reckoned,
not measured: the CPU of a batch at the function's share of a processor, and 10 ms for each call in the longest chain of
calls in which each begins after the one before has ended.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from threading import Lock
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from bench import capacity
from bench.dynamodb_stub import CannedTable
from bench.results import Results
from bench.warm_cpu_worker import Body
from contacts import runtime as wiring
from contacts.events import appending
from contacts.runtime import of_environment
from contacts.table.expressions import from_item, item_size
from local.environment import own_environment
from local.table import NAME
from local.template import functions

BATCH = 100
BATCHES = 40
WARM_UP = 8
"""Batches until the dispatcher works on as many changes together as it may."""
A_CALL = 0.010
"""Seconds."""
NOTED_A_CALL = 0.3
"""Seconds that a call takes while it is noted which are under way at once: much longer than they take to begin."""
WHOLE_PROCESSOR_MB = 1769
"""Memory at which a function has one processor ("Configure Lambda function memory", Lambda developer guide)."""
PRICE_OF_A_GB_SECOND = 0.0000133334
"""US dollars, arm64, us-east-1, 2026-11."""
BUDGET = 350
MEMORY_MB = (256, 512, 1024, 1769)
ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
"""Of the account whose stream this is."""


@dataclass
class Network:
    """Stands in for urllib3, and notes each call: its name, when it began and when it ended."""

    table: CannedTable
    seconds: float = 0.0
    calls: list[tuple[str, float, float]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request."""
        began = time.perf_counter()
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        operation = target.rpartition(".")[2]
        body: Any = request.body
        content = b"{}" if operation.startswith("SendMessage") else self.table.encoded_answer(target, body)
        if self.seconds:
            time.sleep(self.seconds)
        with self._lock:
            self.calls.append((operation, began, time.perf_counter()))
            if self.seconds:
                self.bodies.append((operation, json.loads(body)))
        headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, Body(content))

    def in_sequence(self) -> int:
        """The longest chain of calls of which each began after the one before had ended."""
        chain, ended = 0, float("-inf")
        for _, began, ends in sorted(self.calls, key=lambda call: call[2]):
            if began >= ended:
                chain, ended = chain + 1, ends
        return chain


def _records(first: int) -> list[dict[str, Any]]:
    """What the stream tells of a hundred creates."""
    records = []
    for number in range(first, first + BATCH):
        contact_id = f"019bbc0e-1c40-7a3e-8f21-{number:012x}"
        item: dict[str, Any] = {
            "PK": {"S": f"ACCOUNT#{ACCOUNT}#0"},
            "SK": {"S": f"CONTACT#{contact_id}"},
            "id": {"S": contact_id},
            "kind": {"S": "contact"},
            "version": {"N": "1"},
            "created_at": {"S": "2026-01-15T10:30:00.000Z"},
            "updated_at": {"S": "2026-01-15T10:30:00.000Z"},
            "email": {"S": f"ada.lovelace.{number}@example.com"},
            "external_id": {"S": f"crm-{number}"},
            "first_name": {"S": "Ada"},
            "last_name": {"S": "Lovelace"},
            "tags": {"L": [{"S": "vip"}, {"S": "beta"}]},
            "lists": {"L": [{"S": "newsletter"}]},
            "custom_fields": {"M": {}},
            "metadata": {"M": {}},
            "is_active": {"BOOL": True},
            "is_unsubscribed": {"BOOL": False},
            "validation_status": {"S": "pending"},
            "size_bound": {"N": "700"},
            "change_id": {"S": f"c-{number}"},
        }
        body = {
            "ApproximateCreationDateTime": 1_768_473_000,
            "Keys": {name: item[name] for name in ("PK", "SK")},
            "NewImage": item,
            "SequenceNumber": str(10**20 + number),
        }
        records.append({"eventID": f"{number:032x}", "eventName": "INSERT", "dynamodb": body})
    return records


class _Context:
    """What the handler uses of Lambda's context."""

    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Enough."""
        return 120_000


def _endpoint() -> dict[str, Any]:
    return {
        "PK": {"S": f"ACCOUNT#{ACCOUNT}#WEBHOOKS"},
        "SK": {"S": "wh_1"},
        "url": {"S": "https://hooks.example.com/"},
        "events": {"L": [{"S": "*"}]},
        "is_active": {"BOOL": True},
        "created_at": {"S": "2026-01-01T00:00:00.000Z"},
        "secret": {"S": "whsec_x"},
    }


@contextmanager
def wired(network: Network) -> Iterator[Callable[[int], None]]:
    """The function on a network; gives what hands it the n-th batch."""
    environment = own_environment("http://127.0.0.1:9")
    for function in functions():
        if function.name == "dispatch_webhooks":
            queues = {
                "DeliveryQueue": "http://127.0.0.1:9/deliveries",
                "UnreadableRecords": "http://127.0.0.1:9/unreadable",
            }
            environment |= function.resolved_environment({"Table": NAME, **queues})
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(wiring, "runtime", of_environment()),
        # A busy machine takes longer than a function, so an event would look late and be claimed again.
        patch.object(appending, "PUT_WITHIN_MS", 60_000),
        patch.object(URLLib3Session, "send", lambda _, request: network.send(request)),
        redirect_stdout(StringIO()),
    ):
        capacity.handler.cache_clear()
        dispatch = capacity.handler("dispatch_webhooks")

        def hand(number: int) -> None:
            records = _records(number * BATCH)
            answer = dispatch({"Records": records}, _Context)
            assert answer == {"batchItemFailures": []}, answer

        yield hand
    capacity.handler.cache_clear()


def _units(bodies: list[Any]) -> tuple[Counter[str], float, float]:
    """Write units by kind of partition, of small items; write units and read units of it all."""
    hottest: Counter[str] = Counter()
    reads = 0.0
    for operation, body in bodies:
        if operation == "TransactWriteItems":
            for step in body["TransactItems"]:
                ((_, request),) = step.items()
                hottest[_partition(request.get("Item", request.get("Key")))] += 2 * _kilobytes(request)
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            hottest[_partition(body.get("Item", body.get("Key")))] += _kilobytes(body)
        elif operation == "BatchGetItem":
            reads += sum(len(wanted["Keys"]) for wanted in body["RequestItems"].values())
        elif operation == "GetItem":
            reads += 1
    return hottest, sum(hottest.values()), reads


def _kilobytes(request: dict[str, Any]) -> int:
    return -(-item_size(from_item(request.get("Item", {}))) // 1024) or 1


def _partition(item: dict[str, Any]) -> str:
    """The kind of an item's partition: a contact's own, or one that an account's contacts share."""
    room = str(item["PK"]["S"]).split("#", 2)[2]
    return "#CONTACT#<c>" if room.startswith("CONTACT#") else f"#{room.partition('#')[0]}"


def run() -> Results:
    """Measure a batch, and reckon the rest."""
    network = Network(CannedTable([_endpoint()], {}))
    with wired(network) as hand:
        for number in range(WARM_UP):
            hand(number)
        taken = []
        for number in range(WARM_UP, WARM_UP + BATCHES):
            began = time.process_time()
            hand(number)
            taken.append(time.process_time() - began)
        cpu = min(taken)
        network.calls.clear()
        network.seconds = NOTED_A_CALL
        hand(WARM_UP + BATCHES)
        calls, chain = Counter(name for name, _, _ in network.calls), network.in_sequence()
        hottest, writes, reads = _units(network.bodies)
    columns = ("memory", "ms of CPU an event", "calls in sequence", "events a second", "$ a million")
    table = Results("events", "Events that one lane of the stream appends", columns)
    memory_mb = next(one for one in functions() if one.name == "dispatch_webhooks").memory
    for memory in sorted({*MEMORY_MB, memory_mb}):
        seconds = cpu * max(1.0, WHOLE_PROCESSOR_MB / memory) + chain * A_CALL
        rate = BATCH / seconds
        price = seconds / BATCH * 1_000_000 * memory / 1024 * PRICE_OF_A_GB_SECOND
        label = f"{memory} MB" + (" (the function's)" if memory == memory_mb else "")
        table.rows.append((label, cpu / BATCH * 1000, chain, round(rate), price))
        if memory == memory_mb and rate < BUDGET:
            table.failures.append(f"{rate:.0f} events a second at {memory} MB (budget {BUDGET})")
    made = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    shares = ", ".join(f"`{name}` {units / BATCH:.2f}" for name, units in sorted(hottest.items()))
    table.notes = [
        f"A batch of {BATCH} creates makes these calls: {made}. An event takes {writes / BATCH:.2f} write units and "
        f"{reads / BATCH:.2f} read units; by kind of partition: {shares}. (Events of a contact of 459 bytes are over "
        "1 KB, which is a unit more.)",
        f"Reckoned: the CPU of a batch at the function's share of a processor ({WHOLE_PROCESSOR_MB} MB are one), and "
        f"{A_CALL * 1000:.0f} ms for each call in sequence.",
    ]
    return table


def main() -> int:
    """Print and keep the table."""
    return run().publish()


if __name__ == "__main__":
    sys.exit(main())
