"""The deployed functions in this process, with all that leaves them counted: units, calls, CPU, logs, bytes.

    with deployed(QuickTable()) as service:
        account = service.open_account()
        with service.recorded() as use:
            service.request(account, "POST", "/v1/contacts", {"email": "ada@example.com"})
            service.follow()            # the stream's consumers, the queues', until nothing is left to do
        use["project_changes"].writes

Handlers and botocore are the real ones. What is replaced lies where botocore hands a signed request to urllib3, and
where a webhook's socket is opened; and the clock. Filters, sizes of batches, memory and timeouts are read from
template.yaml. A simulated clock, one a thread, advances by CALL_S for each call that leaves a function, so that calls
side by side take the time of one: the pools and threads of `concurrent.futures` and `threading` carry it along.
"""

import gzip
import http.client
import json
import os
import socket
import sys
import threading
import time
from base64 import b64decode
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from heapq import heapify, heappop, heappush
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from types import SimpleNamespace
from typing import Any, Final, Protocol
from unittest.mock import patch
from urllib.parse import urlsplit

import botocore.session
import dns.name
import dns.resolver
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from bench import units
from bench.buckets import Buckets, ObjectBody
from bench.warm_cpu_worker import Body
from contacts import runtime as wiring
from contacts.core.observability import logger
from contacts.runtime import of_environment
from local.environment import foreign_removed
from local.table import NAME, create_table
from local.template import Function, functions, template
from tests.support.endpoint_sockets import EndpointSocket
from tests.support.gateway import handed_over
from tests.support.streams import record as stream_record

CALL_S: Final = 0.010
"""Seconds that a call of a service takes."""
ENDPOINT_S: Final = 0.100
"""Seconds in which a webhook's endpoint answers, connecting included."""
MB_OF_A_PROCESSOR: Final = 1769
"""With so much memory a function has one whole processor ("Memory and computing power", Lambda's developer guide)."""
BEGINS_AT: Final = 1_768_473_000.0
"""2026-01-15T10:30Z, in seconds since the epoch."""
ENDPOINT = "http://127.0.0.1:9/hook"
"""Where webhooks lead. Nobody listens; the socket is not opened."""
_REALLY_SLEEP: Final = time.sleep
_MESSAGE_CHUNK: Final = 64 * 1024
_MESSAGES_AT_ONCE: Final = 10
"""Of one request to SQS."""
_READS_QUEUE: Final = ("sqs", "receive_and_delete")

Json = dict[str, Any]


# ==== the database ===================================================================================================


class Database(Protocol):
    """The table."""

    name: str

    def call(self, method: str, request: Mapping[str, Any]) -> tuple[int, Json]:
        """The status and the document that a call (`get_item`) is answered."""
        ...


class HttpDatabase:
    """DynamoDB Local or MiniStack: they report the units of each call."""

    def __init__(self, name: str, endpoint_url: str) -> None:
        self.name = name
        address = urlsplit(endpoint_url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        client: Any = botocore.session.get_session().create_client(
            "dynamodb",
            endpoint_url=endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        create_table(client)

    def call(self, method: str, request: Mapping[str, Any]) -> tuple[int, Json]:
        """Carry out a call."""
        operation = "".join(word.capitalize() for word in method.split("_"))
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260115/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=0",
            "X-Amz-Date": "20260115T103000Z",
        }
        self._connection.request("POST", "/", json.dumps(request), headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


# ==== what is counted ================================================================================================


@dataclass
class Use:
    """What one function used, in one or more invocations."""

    invocations: int = 0
    cpu_s: float = 0.0
    """Processor time on this machine, without the database's."""
    waited_s: float = 0.0
    """Simulated: CALL_S a call, calls side by side once; answers of endpoints; pauses."""
    billed_s: float = 0.0
    """CPU at the memory's share of a processor, and what was waited."""
    calls: Counter[Any] = field(default_factory=Counter)
    """By service and method."""
    reads: float = 0.0
    writes: float = 0.0
    """Units, by the rules."""
    reported_reads: float = 0.0
    reported_writes: float = 0.0
    """As the database says."""
    failed_writes: float = 0.0
    """Of the writes, by the rules, those of calls that failed. No database reports them."""
    by_key: Counter[Any] = field(default_factory=Counter)
    """Write units by partition key; those of an index under `<key> (index <name>)`."""
    messages: int = 0
    message_chunks: int = 0
    """Requests that SQS charges for what was sent: one for each 64 KB of a call."""
    logged: int = 0
    """Bytes of lines that the function wrote."""
    bytes_out: int = 0
    """To the internet: answers, and what was sent to endpoints."""
    schedules: int = 0

    def add(self, other: "Use") -> None:
        """Add what another one used."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


class _Moment(threading.local):
    """The simulated seconds of a thread since its invocation began."""

    elapsed: float = 0.0


# ==== event sources ==================================================================================================


@dataclass(frozen=True)
class StreamSource:
    """The event source mapping of a function that reads the stream."""

    function: str
    patterns: tuple[Any, ...]
    batch_size: int
    window_s: float
    factor: int
    """ParallelizationFactor: lanes of a shard."""

    def lets_through(self, record: Json) -> bool:
        """Whether one of its filters matches a record."""
        return not self.patterns or any(matches(pattern, record) for pattern in self.patterns)


@dataclass(frozen=True)
class QueueSource:
    """The event source mapping of a function that reads a queue."""

    function: str
    queue: str
    batch_size: int
    window_s: float
    concurrency: int
    """How many invocations there may be at once."""


def matches(pattern: Any, value: Any) -> bool:
    """Whether a record matches a filter: "Filter rule syntax" of Lambda's developer guide, as far as it is needed."""
    if isinstance(pattern, dict):
        if "$or" in pattern:
            rest = {key: inner for key, inner in pattern.items() if key != "$or"}
            return matches(rest, value) and any(matches(one, value) for one in pattern["$or"])
        return all(matches(inner, (value or {}).get(key)) for key, inner in pattern.items())
    return any(_is_met(rule, value) for rule in pattern)


def _is_met(rule: Any, value: Any) -> bool:
    match rule:
        case {"prefix": str(prefix)}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"exists": wanted}:
            return bool((value is not None) == wanted)
        case {"anything-but": [*refused]}:
            return bool(value is not None and value not in refused)
        case _:
            return bool(rule == value)


def _number(value: Any) -> float:
    """A number of the template, where a parameter has it, too."""
    if isinstance(value, dict):
        value = template()["Parameters"][value["Ref"]]["Default"]
    return float(value)


@cache
def sources() -> tuple[tuple[StreamSource, ...], tuple[QueueSource, ...]]:
    """Every event source mapping of the template: of the stream, and of queues."""
    names = {one.logical_id: one.name for one in functions()}
    streams, queues = [], []
    for resource in template()["Resources"].values():
        if resource["Type"] != "AWS::Lambda::EventSourceMapping":
            continue
        properties = resource["Properties"]
        function = names[properties["FunctionName"]["Ref"].removesuffix(".Alias")]
        window = _number(properties.get("MaximumBatchingWindowInSeconds", 0))
        size = int(_number(properties.get("BatchSize", 10)))
        source: str = properties["EventSourceArn"]["Fn::GetAtt"]
        if source == "Table.StreamArn":
            filters = properties.get("FilterCriteria", {}).get("Filters", [])
            patterns = tuple(json.loads(one["Pattern"]) for one in filters)
            factor = int(_number(properties.get("ParallelizationFactor", 1)))
            streams.append(StreamSource(function, patterns, size, window, factor))
        else:
            at_once = properties.get("ScalingConfig", {}).get("MaximumConcurrency", 1000)
            queue = source.removesuffix(".Arn")
            queues.append(QueueSource(function, queue, size, window, int(_number(at_once))))
    return tuple(streams), tuple(queues)


@cache
def function_named(name: str) -> Function:
    """A function of the template."""
    return next(one for one in functions() if one.name == name)


def share_of_processor(function: str) -> float:
    """The part of a processor that a function's memory buys; a whole one at most."""
    return min(1.0, function_named(function).memory / MB_OF_A_PROCESSOR)


# ==== the service ====================================================================================================


@dataclass
class Account:
    """An account with a key."""

    id: str
    key: str


@dataclass(frozen=True)
class Answered:
    """The answer to a request."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Invoked:
    """One invocation."""

    function: str
    answer: Any
    use: Use
    failed: bool = False
    """Whether the handler let an exception out."""
    log: str = ""
    """The lines that it wrote."""


@dataclass
class Message:
    """A message in a queue."""

    body: str
    group: str | None
    visible_at: float
    number: int
    received: int = 0


class Failure(Exception):
    """Raised by a bench's `strike` in place of a call. `document`, `status`: what DynamoDB answers."""

    def __init__(self, document: Json, status: int = 400) -> None:
        super().__init__(document["__type"])
        self.document = document
        self.status = status


def throttled(method: str, steps: int) -> Failure:
    """What DynamoDB answers where a partition gives no more units."""
    name = "com.amazonaws.dynamodb.v20120810#"
    if method != "transact_write_items":
        return Failure({"__type": f"{name}ProvisionedThroughputExceededException", "message": "injected"})
    reasons = [{"Code": "ThrottlingError", "Message": "injected"}] + [{"Code": "None"}] * (steps - 1)
    return Failure(_cancelled(name, reasons))


def conflicted(method: str, steps: int) -> Failure:
    """What DynamoDB answers where another transaction holds an item."""
    name = "com.amazonaws.dynamodb.v20120810#"
    if method != "transact_write_items":
        return Failure({"__type": f"{name}TransactionConflictException", "message": "injected"})
    reasons = [{"Code": "None"}] * (steps - 1) + [{"Code": "TransactionConflict", "Message": "injected"}]
    return Failure(_cancelled(name, reasons))


def _cancelled(name: str, reasons: list[dict[str, str]]) -> Json:
    return {
        "__type": f"{name}TransactionCanceledException",
        "Message": "cancelled",
        "CancellationReasons": reasons,
    }


class Service:
    """The functions on one table. `deployed` makes it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.buckets = Buckets()
        self.now = BEGINS_AT
        """Simulated, in seconds since the epoch; between invocations the bench advances it."""
        self.records: list[Json] = []
        """Of the stream, not yet taken."""
        self.queues: dict[str, deque[Message]] = defaultdict(deque)
        """By logical id."""
        self.used: dict[str, Use] = defaultdict(Use)
        """By function, since it was last cleared."""
        self.strike: Callable[[str, Sequence[units.Written]], Failure | None] | None = None
        """Asked before each write: a failure takes its place."""
        self.spent: Callable[[Sequence[units.Written]], object] = lambda _: None
        """Called with what each call has written."""
        self.ended: Callable[[Invoked], object] = lambda _: None
        """Called with each invocation when it is over."""
        self.posts: Callable[[bytes], object] = lambda _: None
        """Called with what an endpoint was sent."""
        self.endpoint_s: Callable[[], float] = lambda: ENDPOINT_S
        self.posted = 0
        self._handlers: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._moment = _Moment()
        self._use = Use()
        self._outside_cpu = 0.0
        self._numbers = iter(range(1, sys.maxsize))

    # What is asked of it

    def open_account(self, hourly_limit: int = 1_000_000, plan: str = "enterprise") -> Account:
        """Open an account."""
        payload: Json = {"name": "bench", "plan": plan}
        if plan == "enterprise":
            payload["hourly_limit"] = hourly_limit
        opened = self.invoke("provision_account", payload).answer
        return Account(opened["account_id"], opened["key"])

    def request(
        self,
        account: Account,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Send a request as API Gateway hands it over; clients accept gzip, as most do."""
        return self.answered(self.requested(account, method, target, body, headers))

    def requested(
        self,
        account: Account,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Invoked:
        """The invocation that a request leads to."""
        handed = handed_over(method, target, None if body is None else json.dumps(body))
        event = dict(handed.event)
        event["headers"] = {
            "x-api-key": account.key,
            "accept-encoding": "gzip",
            "content-type": "application/json",
            "user-agent": "bench",
            **(headers or {}),
        }
        invoked = self.invoke(handed.operation, event)
        answer = invoked.answer or {}
        content = answer.get("body") or ""
        size = len(b64decode(content)) if answer.get("isBase64Encoded") else len(content.encode())
        head = sum(len(name) + len(str(value)) + 4 for name, value in answer.get("headers", {}).items())
        invoked.use.bytes_out += size + head
        self.used[handed.operation].bytes_out += size + head
        return invoked

    @staticmethod
    def answered(invoked: Invoked) -> Answered:
        """The answer of an invocation, as a client reads it."""
        if invoked.failed:
            return Answered(500, None, {})
        answer = invoked.answer
        content = answer.get("body") or ""
        raw = b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        if answer["headers"].get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return Answered(answer["statusCode"], json.loads(raw) if raw else None, answer["headers"])

    def invoke(self, function: str, event: Any) -> Invoked:
        """Invoke a function at this moment. Its use is kept in `used`, too."""
        if function not in self._handlers:
            self._handlers[function] = _loaded(function)
        handler = self._handlers[function]
        timeout = function_named(function).timeout
        context = SimpleNamespace(
            aws_request_id="6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00",
            get_remaining_time_in_millis=lambda: round((timeout - self._moment.elapsed) * 1000),
        )
        self._use, self._outside_cpu, self._moment.elapsed = Use(invocations=1), 0.0, 0.0
        written = StringIO()
        failed, answer = False, None
        emit = lambda one: print(logger.registered_handler.format(one), file=written)  # noqa: E731
        with redirect_stdout(written), patch.object(logger.registered_handler, "emit", emit):
            began = time.process_time()
            try:
                answer = handler(event, context)
            except Exception as error:  # noqa: BLE001 (as Lambda does; the bench sees that it failed)
                failed, answer = True, f"{type(error).__name__}: {error}"
            cpu = time.process_time() - began - self._outside_cpu
        use = self._use
        use.cpu_s = max(0.0, cpu)
        use.waited_s = self._moment.elapsed
        use.billed_s = use.waited_s + use.cpu_s / share_of_processor(function)
        use.logged += len(written.getvalue().encode())
        self._moment.elapsed = 0.0
        self.used[function].add(use)
        invoked = Invoked(function, answer, use, failed, written.getvalue())
        self.ended(invoked)
        return invoked

    def restart(self, function: str) -> None:
        """Let another process of a function, which remembers nothing, handle what comes."""
        self._handlers[function] = _loaded(function)

    @contextmanager
    def recorded(self) -> Iterator[dict[str, Use]]:
        """What is used meanwhile, by function."""
        kept, self.used = self.used, defaultdict(Use)
        try:
            yield self.used
        finally:
            self.used = kept

    def follow(self, *, one_by_one: bool = False, step_s: float = 1.0) -> None:
        """Have the stream's and the queues' consumers work until nothing is left.

        `one_by_one`: each record and message comes alone, as where changes trickle; else batches are full.
        """
        streams, queues = sources()
        while self.records or any(self.queues.values()):
            self.now += step_s
            records, self.records = self.records, []
            for source in streams:
                wanted = [one for one in records if source.lets_through(one)]
                size = 1 if one_by_one else source.batch_size
                for start in range(0, len(wanted), size):
                    self.consume(source.function, wanted[start : start + size])
            for queue in queues:
                waiting = list(self.queues[queue.queue])
                self.queues[queue.queue].clear()
                size = 1 if one_by_one else queue.batch_size
                for start in range(0, len(waiting), size):
                    self.receive(queue, waiting[start : start + size])

    def consume(self, function: str, records: Sequence[Json]) -> Invoked:
        """Hand a batch of records to a function."""
        return self.invoke(function, {"Records": list(records)})

    def receive(self, source: QueueSource, messages: Sequence[Message]) -> Invoked:
        """Hand messages of a queue to its function; SQS counts a receipt and a deletion for each ten of them."""
        for message in messages:
            message.received += 1
        invoked = self.invoke(
            source.function, {"Records": [_queue_record(message, source.queue) for message in messages]}
        )
        for use in (invoked.use, self.used[source.function]):
            use.calls[_READS_QUEUE] += 2 * -(-len(messages) // _MESSAGES_AT_ONCE)
        return invoked

    # The clock

    def moment(self) -> float:
        """Seconds since the epoch, in this thread."""
        return self.now + self._moment.elapsed

    def sleep(self, seconds: float) -> None:
        """Let the time of this thread pass."""
        self._moment.elapsed += seconds

    # The wire

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request of botocore's."""
        if threading.current_thread() is not threading.main_thread():
            _REALLY_SLEEP(0.0005)  # so that threads side by side take turns, as where a call takes time
        began = time.thread_time()
        with self._lock:
            self._moment.elapsed += CALL_S
            host = urlsplit(request.url).netloc
            headers: Any = {}
            if "s3." in host:
                method, status, headers, body = self.buckets.answer(request)
                self._use.calls["s3", method] += 1
            else:
                status, document = self._answered(host.partition(".")[0], request)
                body = json.dumps(document).encode()
                headers["Content-Type"] = "application/x-amz-json-1.0"
            headers.setdefault("content-length", str(len(body)))
            content = ObjectBody(body) if "s3." in host else Body(body)
            response = AWSResponse(request.url, status, headers, content)
            self._outside_cpu += time.thread_time() - began
        return response

    def _answered(self, service: str, request: AWSPreparedRequest) -> tuple[int, Json]:
        body: Any = request.body or b"{}"
        document = json.loads(body)
        if service == "scheduler":
            self._use.calls[service, "create_schedule"] += 1
            self._use.schedules += 1
            return 200, {"ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/group/name"}
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        method = xform_name(target.rpartition(".")[2])
        self._use.calls[service, method] += 1
        if service == "sqs":
            return 200, self._queued(method, document)
        return self._table_call(method, document)

    def _queued(self, method: str, request: Json) -> Json:
        if method not in ("send_message", "send_message_batch"):
            return {}
        queue = request["QueueUrl"].rpartition("/")[2]
        entries = request.get("Entries", [request])
        size = 0
        for entry in entries:
            size += len(entry["MessageBody"].encode())
            self.queues[queue].append(
                Message(
                    entry["MessageBody"],
                    entry.get("MessageGroupId"),
                    self.moment() + entry.get("DelaySeconds", 0),
                    next(self._numbers),
                )
            )
        self._use.messages += len(entries)
        self._use.message_chunks += max(1, -(-size // _MESSAGE_CHUNK))
        return {
            "Successful": [{"Id": entry.get("Id", "0"), "MessageId": "m"} for entry in entries],
            "Failed": [],
        }

    def _table_call(self, method: str, request: Json) -> tuple[int, Json]:
        if method in units.READS:
            status, answer = self.database.call(method, {**request, "ReturnConsumedCapacity": "INDEXES"})
            if status == 200:
                reckoned = units.read(method, request, answer)
                self._use.reads += reckoned
                self._use.reported_reads += max(_reported(answer), _least(method, request, answer))
                answer.pop("ConsumedCapacity", None)
            return status, answer
        if method not in units.WRITES:
            return self.database.call(method, request)
        return self._write(method, request)

    def _write(self, method: str, request: Json) -> tuple[int, Json]:
        keys = list(dict.fromkeys(key for _, key in units.steps_of(method, request)))
        before = {key: self._item(key) for key in keys}
        if self.strike is not None:
            failure = self.strike(method, units.written(method, request, before, before))
            if failure is not None:
                return failure.status, failure.document
        status, answer = self.database.call(method, {**request, "ReturnConsumedCapacity": "INDEXES"})
        after = {key: self._item(key) for key in keys}
        steps = units.written(method, request, before, after)
        self.spent(steps)
        for one in steps:
            self._use.writes += one.units
            name = one.partition if one.index is None else f"{one.partition} (index {one.index})"
            by_key: Any = self._use.by_key
            by_key[name] += one.units
            if status != 200:
                self._use.failed_writes += one.units
        if status == 200:
            self._use.reported_writes += _reported(answer)
            answer.pop("ConsumedCapacity", None)
        for key in keys:
            if before[key] != after[key]:
                self.records.append(
                    stream_record(next(self._numbers), before[key], after[key], self.moment())
                )
        return status, answer

    def _item(self, key: units.ItemKey) -> Json | None:
        request = {
            "TableName": NAME,
            "Key": {"PK": {"S": key[0]}, "SK": {"S": key[1]}},
            "ConsistentRead": True,
        }
        found: Json | None = self.database.call("get_item", request)[1].get("Item")
        return found

    # Endpoints

    def connected(self, *_: Any, **__: Any) -> Any:
        """A socket to an endpoint that has answered."""
        self._moment.elapsed += self.endpoint_s()
        return EndpointSocket(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", self.received)

    def received(self, content: bytes) -> None:
        """Count what an endpoint was sent."""
        self.posted += 1
        self._use.bytes_out += len(content)
        self.posts(content)


def _reported(answer: Mapping[str, Any]) -> float:
    capacity = answer.get("ConsumedCapacity", [])
    several = capacity if isinstance(capacity, list) else [capacity]
    return sum(float(one["CapacityUnits"]) for one in several)


def _least(method: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """What a read costs that finds nothing: DynamoDB Local reports none for it."""
    if method == "batch_get_item":
        return units.read(method, request, {"Responses": answer["Responses"]})
    return 1.0 if request.get("ConsistentRead") else 0.5


def _queue_record(message: Message, queue: str) -> Json:
    attributes = {"ApproximateReceiveCount": str(message.received)}
    if message.group is not None:
        attributes["MessageGroupId"] = message.group
    return {
        "messageId": f"m-{message.number}",
        "receiptHandle": f"r-{message.number}",
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
        "awsRegion": "us-east-1",
    }


def _loaded(function: str) -> Any:
    path = function_named(function).folder / "handler.py"
    spec = spec_from_file_location(f"bench_deployed_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


def environment() -> dict[str, str]:
    """The variables of all functions together, as in the cloud, but with made-up credentials and private endpoints.

    Verdicts are quiet and the projection is lean, as docs/deploy.md has it after the first deployment.
    """
    ids = {"Table": NAME, "EmailDns": "on", "PrivateWebhooks": "allowed", "QuietVerdicts": "on"}
    ids |= {"LeanProjection": "on"}
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::SQS::Queue":
            ids[name] = f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
            ids[f"{name}.Arn"] = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    found = foreign_removed(os.environ) | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    for function in functions():
        found |= function.resolved_environment(ids)
    return found


def _resolved(_: Any, __: Any, kind: str = "A", **___: Any) -> Any:
    exchangers = [SimpleNamespace(exchange=dns.name.from_text("mx.example.net."), preference=10)]
    return SimpleNamespace(rrset=exchangers if kind == "MX" else [])


@contextmanager
def deployed(database: Database) -> Iterator[Service]:
    """The service on a table, in this process."""
    service = Service(database)
    real = {id(time.sleep): service.sleep, id(time.monotonic): service.moment}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environment(), clear=True))
        stack.enter_context(patch.object(URLLib3Session, "send", lambda _, request: service.send(request)))
        stack.enter_context(patch.object(wiring, "runtime", of_environment()))
        for function in functions():
            service._handlers[function.name] = _loaded(function.name)
        for name, module in list(sys.modules.items()):
            if name.startswith("contacts."):
                for attribute, value in list(vars(module).items()):
                    if id(value) in real:
                        stack.enter_context(patch.object(module, attribute, real[id(value)]))
        stack.enter_context(patch("time.sleep", service.sleep))
        stack.enter_context(patch("time.time", service.moment))
        stack.enter_context(patch("time.time_ns", lambda: int(service.moment() * 1_000_000_000)))
        stack.enter_context(patch.object(dns.resolver.Resolver, "resolve", _resolved))
        stack.enter_context(patch.object(socket, "create_connection", service.connected))
        stack.enter_context(_carried(service._moment))
        yield service


@contextmanager
def _carried(moment: _Moment) -> Iterator[None]:
    """Have pools and threads carry the simulated clock: who waits for another is no earlier than it.

    A task begins when the worker of the pool that is free first is free: which thread runs it says nothing of that.
    """
    submit, shutdown, result = ThreadPoolExecutor.submit, ThreadPoolExecutor.shutdown, Future.result
    start, join = threading.Thread.start, threading.Thread.join
    lock = threading.Lock()

    def submitted(pool: Any, function: Any, /, *arguments: Any, **more: Any) -> Any:
        begun = moment.elapsed
        workers = pool.__dict__.setdefault("_free_at", [0.0] * pool._max_workers)
        ended: list[float] = []

        def timed() -> Any:
            with lock:
                heapify(workers)
                moment.elapsed = max(begun, heappop(workers))
            try:
                return function(*arguments, **more)
            finally:
                with lock:
                    heappush(workers, moment.elapsed)
                ended.append(moment.elapsed)

        future: Any = submit(pool, timed)
        future._ended = ended
        return future

    def waited(future: Any, timeout: float | None = None) -> Any:
        try:
            return result(future, timeout)
        finally:
            moment.elapsed = max([moment.elapsed, *getattr(future, "_ended", ())])

    def shut(pool: Any, wait: bool = True, **more: Any) -> None:
        shutdown(pool, wait, **more)
        if wait:
            moment.elapsed = max([moment.elapsed, *pool.__dict__.get("_free_at", ())])

    def started(thread: Any) -> None:
        begun, run = moment.elapsed, thread.run

        def timed() -> None:
            moment.elapsed = begun
            try:
                run()
            finally:
                thread._ended = moment.elapsed

        thread.run = timed
        start(thread)

    def joined(thread: Any, timeout: float | None = None) -> None:
        join(thread, timeout)
        moment.elapsed = max(moment.elapsed, getattr(thread, "_ended", 0.0))

    with (
        patch.object(ThreadPoolExecutor, "submit", submitted),
        patch.object(ThreadPoolExecutor, "shutdown", shut),
        patch.object(Future, "result", waited),
        patch.object(threading.Thread, "start", started),
        patch.object(threading.Thread, "join", joined),
    ):
        yield
