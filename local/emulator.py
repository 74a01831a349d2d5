"""MiniStack's own process: `python -I local/emulator.py`, run by the interpreter of .venv/ministack.

What a person's machine needs and `python -m ministack` does not do:

- MiniStack writes its state only when it is asked to end. Here queues and schedules, and what changed in the tables
  (local/journal.py), are also written while it runs, so that a crash or `kill -9` loses seconds, whatever it holds.
- MiniStack gives each concurrent invocation a process of its own, without limit. A hundred requests at once
  would start a hundred interpreters on a laptop; here the rest wait for their turn.
- It is one thread, and answers in the order in which calls come. Here requests to the API go before the calls of an
  import and of what follows changes (local/turns.py).
- Python's garbage collector stops that thread while it looks at every object there is: a third of a second with 6,000
  contacts. Here it looks at each object once.
- Each of those processes unpacks the layers for itself, inside the emulator, where nothing else runs meanwhile:
  half a second each. Here a layer is unpacked once and shared.
- It keeps how far a function has read a table's stream, but not the stream: after a restart the function would
  miss as many records as it had read before. Here the records that somebody has still to read are kept.
- It takes a batch of the stream for done whatever the function says of it. Here one with failures comes again.
- It reads streams for one function after another, and queues meanwhile for none. Here each reader of a stream has a
  thread of its own, so that a slow one holds up nobody else, as on AWS.
- Its filters of event source mappings find nothing in an attribute that an item does not have. Here such an attribute
  lacks whatever it is asked for, as on AWS: `{"exists": false}` is true of it.
- It knows its queues by the port it listened on when they were made. Here the port in their names stays the same,
  whatever the port of the day; a queue answers under any.
- It knows nothing of the partition keys that IAM conditions name (`dynamodb:LeadingKeys`), and what it does not know it
  takes for met.
- Its AWS::LanguageExtensions leaves parameters as they are. Here it puts their values in their place, as AWS does: SAM
  then makes canaries or none of them, and a new version where one of them has changed.
- It holds each schedule's permission against the group `default`, asks for permissions that IAM does not know for
  batches of messages, takes a number that is a parameter of the template for a text, and ends the rest of a path at a
  line break.
- A Query looks at every item of its partition: three seconds where it has 100,000. Here it looks at those from the
  place on where its answer begins.
- It parses all policies of a caller two or three times a request. Here a policy's text is parsed once.
- It hears loopback only, and containers have one of their own. Here it also hears what comes through Docker's bridge,
  from functions under `sam local invoke`; they sign with whatever keys the developer has, and each counts as root.
- It ends when the process that started it ends, however that ended.
"""

import asyncio
import copy
import functools
import gc
import hashlib
import importlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import NamedTuple

import ministack.app as ministack
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.persistence import PERSIST_STATE, STATE_DIR, load_state, save_all
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import apigateway, dynamodb, lambda_svc, sqs, sts

# `-I` leaves the repository out of the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))
containers = importlib.import_module("local.containers")
journals = importlib.import_module("local.journal")
transforms = importlib.import_module("local.transforms")
turns = importlib.import_module("local.turns")

logger = logging.getLogger("local")

# Where the API answers. Functions reach the emulator as `localhost`, so none of them ever waits in this line.
API_HOST = "127.0.0.1"

# Deploying changes everything and is followed by a request to this path. Between deployments only data changes.
SAVE_PATH = "/_local/save"
# Written before the journal, which says how far the tables' streams were read: what was sent for a record must not be
# older than that. What is there twice after a crash is dealt with twice, as on AWS.
SENT = ("sqs", "scheduler")

# Writing blocks the emulator, so it takes at most one part in ten of the time. Full queues take the longest; a pause
# is never longer than this, so no more is ever lost.
SECONDS_BETWEEN_SAVES = (1.0, 4.0)
SAVE_SHARE = 10

LEADING_KEYS = "dynamodb:LeadingKeys"

# The port in the names of queues: any number, and always the same.
QUEUE_NAME_PORT = "4566"


class Emulator:
    """MiniStack's ASGI application with the habits above."""

    def __init__(self, application, tables):
        self.application = application
        self.tables = tables
        self.turns = turns.Turns()
        self.changed = False
        self.saver = None
        self.relay = None

    async def __call__(self, scope, receive, send):
        """Answers one request."""
        if scope["type"] != "http":
            self.hear_containers()
            return await self.application(scope, receive, send)
        if scope["path"] == SAVE_PATH:
            return await self.answer_save(send)
        self.changed = True
        if PERSIST_STATE and self.saver is None:
            self.saver = asyncio.create_task(self.save_now_and_then())
        if is_from_container(scope):
            scope = signed_by_root(scope)
        if is_api_request(scope):
            async with self.turns.of_request():
                return await self.application(scope, receive, send)
        if follower := calling_follower(scope):
            async with self.turns.of_follower(follower):
                return await self.application(scope, receive, send)
        return await self.application(scope, receive, send)

    def hear_containers(self):
        """Listens to containers from the start on (the first message of all is the server's own)."""
        if self.relay is None:
            port = int(os.environ["GATEWAY_PORT"])
            self.relay = asyncio.create_task(containers.relay(port, (API_HOST, port)))

    async def answer_save(self, send):
        """Writes everything, and answers when it is on disk."""
        if PERSIST_STATE:
            self.tables.save(ministack._build_persistence_save_dict())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def save_now_and_then(self):
        """Writes what changed, while there are changes, and a moment longer: what follows from one comes later.

        Every DynamoDB call is one step of the event loop and so is this, so what is written is a moment in time.
        """
        shortest, longest = SECONDS_BETWEEN_SAVES
        pause, changed_before = shortest, False
        while True:
            await asyncio.sleep(pause)
            changed, self.changed = self.changed, False
            if changed or changed_before:
                started = time.monotonic()
                everything = ministack._build_persistence_save_dict()
                save_all({name: everything[name] for name in SENT if name in everything})
                self.tables.write_changes()
                pause = min(longest, max(shortest, (SAVE_SHARE - 1) * (time.monotonic() - started)))
            changed_before = changed


def is_api_request(scope) -> bool:
    """Whether a client of the API sent this, not a function or a tool that takes the emulator for AWS."""
    return addressed(scope) == API_HOST


def is_from_container(scope) -> bool:
    """Whether a function under `sam local invoke` sent this."""
    return addressed(scope) == containers.HOST


def addressed(scope) -> str:
    """The host that a request is for, without its port."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return host.decode("latin-1").split(":")[0]


def calling_follower(scope) -> str | None:
    """The function that calls DynamoDB with this request, if it is one that a stream or a queue invokes.

    Calls of other services are left alone: they are few, and while one sends a file, its function may call DynamoDB.
    """
    headers = dict(scope["headers"])
    if not headers.get(b"x-amz-target", b"").startswith(b"DynamoDB_"):
        return None
    credential = re.search(rb"Credential=([^/]+)/", headers.get(b"authorization", b""))
    return follower_of(credential[1].decode()) if credential else None


@functools.lru_cache(maxsize=1_000)
def follower_of(access_key: str) -> str | None:
    """The function that has this key, if it is one that a stream or a queue invokes. A key stays with its function."""
    session = sts._sessions.get(access_key)
    name = session["Arn"].rpartition("/")[2] if session else None
    invoked = (
        mapping["FunctionArn"].split(":function:")[-1] for _, _, mapping in lambda_svc._iter_all_esms()
    )
    return name if name in {arn.partition(":")[0] for arn in invoked} else None


def signed_by_root(scope) -> dict:
    """A request with the emulator's root key in the place of the one it is signed with, which need not be known here.

    The emulator does not check a signature of root's.
    """
    headers = [
        (
            name,
            re.sub(rb"Credential=[^/]*/", b"Credential=test/", value) if name == b"authorization" else value,
        )
        for name, value in scope["headers"]
        if name != b"x-amz-security-token"
    ]
    return {**scope, "headers": headers}


class SharedZipFile(zipfile.ZipFile):
    """A zip file whose content is unpacked once; everyone else gets links to it."""

    unpacking = threading.Lock()

    def extractall(self, path=None, members=None, pwd=None):
        """Makes `path` hold what the zip file holds."""
        content = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "unpacked" / content
        with self.unpacking:
            if not shared.exists():
                unfinished = shared.with_suffix(".unfinished")
                super().extractall(unfinished, members, pwd)
                unfinished.rename(shared)
        for entry in shared.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


class ZipModule:
    """What the emulator's workers take for the module zipfile."""

    ZipFile = SharedZipFile

    def __getattr__(self, name):
        """Everything else of the module."""
        return getattr(zipfile, name)


class KeptTables:
    """The tables and their streams, on disk: snapshots, which MiniStack takes, and the journal between them.

    MiniStack deletes an item whose time is over without a record. Such a one may be there again after a crash, and is
    deleted again within a minute.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.written: dict[tuple, int] = {}
        self.read: dict[tuple, int] = {}
        self.folding = None
        self.journal = journals.Journal(directory)
        self.take_state, self.load_everything = dynamodb.get_state, ministack._load_persisted_state
        self.save_states = ministack.save_all
        dynamodb.get_state = self.snapshot
        ministack._load_persisted_state = self.load
        # When the emulator ends in good order.
        ministack.save_all = self.save

    def load(self) -> None:
        """Go on where the last emulator in this directory ended."""
        journals.fold(self.directory)
        self.load_everything()
        kept = load_state("dynamodb") or {}
        if "streams" in kept:
            restore_streams(kept["streams"])
        self.journal = journals.Journal(self.directory, kept.get(journals.JOURNAL_NUMBER, 0))
        self.written = {scope: end_of_stream(scope) for scope in tables_with_journal()}

    def snapshot(self) -> dict:
        """All of it; what changes from now on is for the next file of the journal."""
        self.stop_folding()
        self.written = {scope: end_of_stream(scope) for scope in tables_with_journal()}
        number = self.journal.turn()
        return {**self.take_state(), "streams": stream_state(), journals.JOURNAL_NUMBER: number}

    def save(self, services: dict) -> None:
        """Write states, and remove the files of the journal that are in the tables' then."""
        before = journals.identity_of_snapshot(self.directory)
        self.save_states(services)
        # A state that cannot be written is logged by MiniStack, and no more.
        if journals.identity_of_snapshot(self.directory) != before:
            journals.forget(self.directory, self.journal.number)

    def write_changes(self) -> None:
        """Write what changed since the last time to the journal."""
        state = stream_positions()
        changes = {}
        for scope in tables_with_journal():
            account, region, table = scope
            first, end = (
                dynamodb.stream_start_position(table, account_id=account, region=region),
                end_of_stream(scope),
            )
            position = self.written.get(scope, 0)
            # A table of the same name may have been made anew, and records expire.
            position = first if position > end else max(position, first)
            records = dynamodb.stream_live_records(table, account_id=account, region=region)[
                position - first :
            ]
            changes[scope] = journals.Changes(records, position, state.first_unread.get(scope))
        if state.positions == self.read and not any(change.records for change in changes.values()):
            return
        try:
            self.journal.append(journals.line_of(changes, state.positions))
        except OSError:
            logger.exception("the journal cannot be written")
            return
        self.read = state.positions
        self.written = {scope: change.position + len(change.records) for scope, change in changes.items()}
        self.fold_in_time()

    def fold_in_time(self) -> None:
        """Start a process that folds, where it is time, and none runs."""
        if self.folding is not None and self.folding.poll() is None:
            return
        if self.journal.has_outgrown_its_snapshot():
            before = str(self.journal.turn())
            self.folding = subprocess.Popen(
                [sys.executable, "-I", journals.__file__, str(self.directory), before],
                stdin=subprocess.DEVNULL,
            )

    def stop_folding(self) -> None:
        """End that process, if it runs: what it would write is older than what is to be written now."""
        if self.folding is not None:
            self.folding.kill()
            self.folding.wait()
            self.folding = None


def tables_with_journal() -> list[tuple]:
    """The tables whose streams have the whole new item."""
    return [
        scope
        for scope, table in dynamodb._tables.all_items()
        if (table.get("StreamSpecification") or {}).get("StreamViewType")
        in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
    ]


def end_of_stream(scope: tuple) -> int:
    """How many records a table's stream has had, since it began."""
    account, region, table = scope
    return dynamodb.stream_end_position(table, account_id=account, region=region)


class StreamPositions(NamedTuple):
    """How far each event source mapping has read, and, by table, from where on one of them has still to read."""

    positions: dict[tuple, int]
    first_unread: dict[tuple, int]


def stream_positions() -> StreamPositions:
    """How far the streams are read now."""
    with lambda_svc._dynamodb_stream_positions_lock:
        positions = dict(lambda_svc._dynamodb_stream_positions.all_items())
    first_unread: dict[tuple, int] = {}
    for (account, region, mapping), position in positions.items():
        source = lambda_svc._esms.get_scoped(account, region, mapping, {}).get("EventSourceArn", "")
        table = (account, region, source.split("/stream/")[0].rpartition("/")[2])
        first_unread[table] = min(position, first_unread.get(table, position))
    return StreamPositions(positions, first_unread)


def stream_state() -> dict:
    """How far each event source mapping has read its table's stream, and the records that one of them has yet to read.

    Read in this order, a position that moves meanwhile costs a repetition and never a record.
    """
    kept, first_unread = stream_positions()
    positions, streams = AccountRegionScopedDict(), AccountRegionScopedDict()
    for scope, position in kept.items():
        positions.set_scoped(*scope, position)
    for (account, region, table), first in first_unread.items():
        start = dynamodb.stream_start_position(table, account_id=account, region=region)
        records = dynamodb.stream_live_records(table, account_id=account, region=region)
        unread = copy.deepcopy(records[max(0, first - start) :])
        streams.set_scoped(account, region, table, {"first": max(first, start), "records": unread})
    return {"positions": positions, "unread": streams}


def restore_streams(state: dict) -> None:
    """Go on where `stream_state` was taken."""
    lambda_svc._dynamodb_stream_positions.clear()
    lambda_svc._dynamodb_stream_positions.update(state["positions"])
    for (account, region, table), stream in state["unread"].all_items():
        dynamodb._stream_trimmed.set_scoped(account, region, table, stream["first"])
        dynamodb._stream_records.set_scoped(account, region, table, stream["records"])


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


def keep_queue_names() -> None:
    """Give queues the same names whatever the port."""
    sqs.DEFAULT_PORT = QUEUE_NAME_PORT
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{QUEUE_NAME_PORT}"


def know_schedule_groups() -> None:
    """Hold the permission to make a schedule against the group that the request names."""
    resource_of = iam_actions.extract_resource_arn

    def with_group(service, method, path, headers, body, *rest, **more):
        arn = resource_of(service, method, path, headers, body, *rest, **more)
        if service == "scheduler" and ":schedule/default/" in arn and body:
            group = json.loads(body).get("GroupName", "default")
            return arn.replace(":schedule/default/", f":schedule/{group}/")
        return arn

    iam_actions.extract_resource_arn = with_group


class KeysInOrder(NamedTuple):
    """The sort keys of a partition, as long as nothing is written to its table."""

    of: tuple
    keys: list[str]


LARGE_PARTITION = 1_000
"""Items from which on a Query takes a way of its own."""
LARGEST_PAGE = 25_000
"""Items. A page has a megabyte at most, and each item of ours 49 bytes at least."""


def begin_queries_at_their_place() -> None:
    """Let a Query of a large partition look at a page of it, not at all of it."""
    query, known = dynamodb._query, {}

    def keys_in_order(name, partition, items):
        scope = (get_account_id(), get_region(), name)
        state = (id(items), len(items), end_of_stream(scope))
        if (scope, partition) not in known or known[scope, partition].of != state:
            known[scope, partition] = KeysInOrder(state, sorted(items))
        return known[scope, partition].keys

    def of_page(request):
        name, keys_of = request.get("TableName"), leading_keys_of(request)
        table = dynamodb._tables.get(name)
        items = table["items"].get(keys_of[0]) if table and keys_of and "IndexName" not in request else None
        if items is None or len(items) < LARGE_PARTITION or table["sk_name"] != "SK":
            return query(request)
        page = keys_of_page(request, keys_in_order(name, keys_of[0], items))
        table["items"][keys_of[0]] = {key: items[key] for key in page}
        try:
            return query(request)
        finally:
            table["items"][keys_of[0]] = items

    dynamodb._query = of_page


def keys_of_page(request: dict, keys: list[str]) -> list[str]:
    """The sort keys that a page of a Query may hold, of all that its partition has, in their order."""
    names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
    first, end = 0, len(keys)
    condition = request["KeyConditionExpression"]
    for name, low, high in re.findall(r"([#\w]+) BETWEEN (:\w+) AND (:\w+)", condition):
        if names.get(name, name) == "SK":
            first, end = bisect_left(keys, values[low]["S"]), bisect_right(keys, values[high]["S"])
    for name, beginning in re.findall(r"begins_with\(([#\w]+), (:\w+)\)", condition):
        if names.get(name, name) == "SK":
            first = bisect_left(keys, values[beginning]["S"])
            end = bisect_left(keys, values[beginning]["S"] + "\U0010ffff")
    after = request.get("ExclusiveStartKey", {}).get("SK", {}).get("S")
    # The one that the page begins after, and one that says that there are more.
    most = min(request.get("Limit", LARGEST_PAGE) + 2, LARGEST_PAGE)
    if request.get("ScanIndexForward", True):
        first = first if after is None else max(first, bisect_left(keys, after))
        return keys[first : min(end, first + most)]
    end = end if after is None else min(end, bisect_right(keys, after))
    return keys[max(first, end - most) : end]


class StepOfTransaction(str):  # noqa: SLOT000 - it has an attribute
    """An IAM action, with the partition key that one step of a transaction has."""

    leading_keys: list[str]


def know_leading_keys() -> None:
    """Hold conditions on partition keys: of a call all its keys, of a transaction the key of each step."""
    context_of, checks_of = iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks
    enforce, compiled = iam_evaluator.enforce, iam_evaluator._fnmatch_compile

    def with_keys(body):
        return {**context_of(body), LEADING_KEYS: leading_keys_of(json.loads(body or b"{}"))}

    def with_key_of_step(iam_action, body, *rest):
        checks = checks_of(iam_action, body, *rest)
        steps = (
            [part for step in json.loads(body)["TransactItems"] for part in step.values()] if checks else ()
        )
        for (action, arn), part in zip(checks, steps, strict=True):
            step = StepOfTransaction(action)
            step.leading_keys = leading_keys_of(part)
            yield step, arn

    def enforced(key, action, *rest, service_context=None, **more):
        if isinstance(action, StepOfTransaction):
            service_context = {**service_context, LEADING_KEYS: action.leading_keys}
        return enforce(key, action, *rest, service_context=service_context, **more)

    def of_several_lines(pattern, ignore_case):
        found = compiled(pattern, ignore_case)
        return re.compile(found.pattern, found.flags | re.DOTALL)

    iam_actions.dynamodb_service_context = with_keys
    iam_actions.dynamodb_transaction_checks = lambda *request: list(with_key_of_step(*request))
    iam_evaluator.enforce = enforced
    # A key may hold any text.
    iam_evaluator._fnmatch_compile = functools.cache(of_several_lines)


def leading_keys_of(request: dict) -> list[str]:
    """The partition keys that a call to DynamoDB, or a step of a transaction, names."""
    if "RequestItems" in request:
        of_tables = request["RequestItems"].values()
        parts = [{"Key": key} for table in of_tables if isinstance(table, dict) for key in table["Keys"]]
        parts += [
            part for table in of_tables if isinstance(table, list) for step in table for part in step.values()
        ]
        return sorted({key for part in parts for key in leading_keys_of(part)})
    if "KeyConditionExpression" in request:
        names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
        equalities = re.findall(r"([#\w]+) = (:\w+)", request["KeyConditionExpression"])
        return [values[value]["S"] for name, value in equalities if names.get(name, name) == "PK"]
    item = request.get("Key") or request.get("Item") or {}
    return [item["PK"]["S"]] if isinstance(item.get("PK"), dict) else []


def parse_policies_once() -> None:
    """Keep what a policy's text says; whoever changes a policy writes another text."""
    parse = iam_evaluator.parse_policy_document
    of_text = functools.lru_cache(maxsize=1_000)(parse)
    iam_evaluator.parse_policy_document = lambda document: (
        of_text(document) if isinstance(document, str) else parse(document)
    )


def know_batches_of_messages() -> None:
    """Let a batch take the permission that a single message takes."""
    action_of = iam_actions.extract_iam_action

    def of_single(service, *rest, **more):
        action = action_of(service, *rest, **more)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = of_single


def read_concurrency_as_number() -> None:
    """Let the concurrency of a queue's reader be a parameter of the template."""
    concurrency_of = lambda_svc._sqs_esm_concurrency

    def as_number(mapping, *rest):
        scaling = mapping.get("ScalingConfig") or {}
        if isinstance(scaling.get("MaximumConcurrency"), str):
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return concurrency_of(mapping, *rest)

    lambda_svc._sqs_esm_concurrency = as_number


def match_names_of_several_lines() -> None:
    """Let the rest of a path, `{proxy+}`, hold a line break: a name may be any text."""
    extract, stand_in = apigateway._extract_path_params, "\ue000"

    def of_several_lines(route_path, request_path):
        found = extract(route_path, request_path.replace("\n", stand_in))
        return found and {name: value.replace(stand_in, "\n") for name, value in found.items()}

    apigateway._extract_path_params = of_several_lines


def look_at_each_object_once() -> None:
    """Keep what survived a full collection out of the next.

    Items have no cycles: whatever their number, the collector finds nothing in them. What it misses is a cycle that
    was in use at that moment: a few requests' worth.
    """
    gc.callbacks.append(
        lambda phase, info: gc.freeze() if phase == "stop" and info["generation"] == 2 else None
    )


def end_with_parent() -> None:
    """Ends this process in good order as soon as its standard input, the parent's pipe, is closed."""
    # Not sys.stdin: the interpreter could not end while a thread reads that.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    look_at_each_object_once()
    lambda_runtime.zipfile = ZipModule()
    repeat_failed_batches()
    read_streams_side_by_side()
    know_absent_attributes()
    keep_queue_names()
    know_leading_keys()
    parse_policies_once()
    begin_queries_at_their_place()
    know_schedule_groups()
    know_batches_of_messages()
    transforms.put_parameters_in_place()
    read_concurrency_as_number()
    match_names_of_several_lines()
    # `main` looks its application up by this name.
    ministack.app = Emulator(ministack.app, KeptTables(Path(STATE_DIR)))
    sys.argv = ["ministack"]
    ministack.main()
