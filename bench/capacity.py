"""DynamoDB calls in sequence and units of each operation, and of what follows: `python -m bench.capacity`.

Both are exact, whatever the machine. The handlers run in this process against MiniStack's DynamoDB; each call is
made to report its ConsumedCapacity. Writes count as reported (table and indexes, transactions twice). MiniStack
reports one unit for every read, so a read's units are counted from the items that came back, as AWS does: one for
each 4 KB of a strongly consistent read, per item for GetItem and in all for Query.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import botocore.client
import botocore.session

from bench.results import Results
from bench.subjects import request_event
from contacts import runtime as wiring
from contacts.book.model import contact_from
from contacts.runtime import of_environment
from contacts.search.query import posting_lists
from contacts.search.words import words_of
from contacts.table import keys
from contacts.table.expressions import from_item, item_size
from local.environment import own_environment
from local.queues import create_queues
from local.stack import ROOT, LocalStack, free_port
from local.table import NAME, create_table
from local.template import functions

READ_UNIT_BYTES = 4096
REF = "/v1/contacts/{ref}"
CONTACT = {
    "email": "ada@example.com",
    "external_id": "crm-4711",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+442079460000",
    "tags": ["vip", "beta"],
    "lists": ["newsletter"],
}
TYPED = CONTACT | {"custom_fields": {"city": "London", "age": 36}}
"""One of these has a property, the other has none: both are looked up."""


@dataclass
class Consumed:
    """What one request cost."""

    calls: int = 0
    table_writes: float = 0
    index_writes: float = 0
    reads: float = 0


@dataclass(frozen=True)
class Budget:
    """The most an operation may cost (quality.md); the meter's one write unit is part of it."""

    calls: int
    writes: float
    reads: int


@dataclass(frozen=True)
class Row:
    """One operation: what is done before, what is measured, and its budget."""

    name: str
    operation: str
    method: str
    route: str
    budget: Budget
    ref: str | None = None
    body: Mapping[str, Any] | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[["Api"], object] = lambda api: None

    def measured(self, api: "Api") -> tuple[Consumed, Budget]:
        """What the operation costs and may cost, warm: its key known, its hour begun."""
        made = self.before(api)
        api.request(Row("", "get_account", "GET", "/v1/account", Budget(0, 0, 0)))
        row = replace(self, ref=str(made)) if self.ref == ID else self
        with metered() as consumed:
            api.request(row)
        return consumed, self.budget


@dataclass(frozen=True)
class Projection:
    """What follows a create: the contact's postings and their counts, its words."""

    name: str

    def measured(self, api: "Api") -> tuple[Consumed, Budget]:
        """What the projection of one create costs and may cost, warm: the first characters of its words noted."""
        for number in (1, 2):
            created = create(email=f"ada{number}@example.com", external_id=f"crm-{number}")(api)
            item = api.item(keys.contact(api.account_id, str(created)))
            with metered() as consumed:
                api.project(item)
        contact = contact_from(from_item(item))
        words, postings = len(words_of(contact)), len(posting_lists(contact))
        # A look at the posting of all, a batch of the other postings, a transaction of that one and the item that
        # carries all counts, whose units count twice; and a batch of words (docs/decisions/0045).
        return consumed, Budget(4, words + (postings - 1) + 2 * 2, 1)


class Api:
    """The handlers in this process, called as API Gateway and the stream would call them."""

    def __init__(self, account_id: str, key: str) -> None:
        self.account_id = account_id
        self.key = key

    def request(self, row: Row) -> dict[str, Any]:
        """Send a row's request.

        Raises:
            AssertionError: the answer is no success.
        """
        parameter = row.route.partition("{")[2].partition("}")[0]
        path = row.route.replace(f"{{{parameter}}}", row.ref or "")
        body = None if row.body is None else json.dumps(row.body)
        event = request_event(row.method, row.route, path, body, **({parameter: row.ref} if row.ref else {}))
        event["rawQueryString"] = row.query
        event["headers"] |= {"x-api-key": self.key, **row.headers}
        with redirect_stdout(StringIO()):  # the log line
            answer = handler(row.operation)(event, _Context)
        assert answer["statusCode"] < 300, f"{row.name}: {answer['body']}"
        result: dict[str, Any] = json.loads(answer["body"])
        return result

    def item(self, key: keys.Key) -> dict[str, Any]:
        """An item as it is in the table."""
        client: Any = botocore.session.get_session().create_client("dynamodb")
        typed = {name: {"S": value} for name, value in key._asdict().items()}
        item: dict[str, Any] = client.get_item(TableName=NAME, Key=typed)["Item"]
        return item

    def project(self, item: Mapping[str, Any]) -> None:
        """Tell `project_changes` that this item was put.

        Raises:
            AssertionError: it asks for a repetition.
        """
        body = {
            "ApproximateCreationDateTime": 1768473000,
            "Keys": {name: item[name] for name in ("PK", "SK")},
            "NewImage": item,
            "SequenceNumber": "1",
        }
        record = {"eventID": item["SK"]["S"], "eventName": "INSERT", "dynamodb": body}
        with redirect_stdout(StringIO()):
            answer = handler("project_changes")({"Records": [record]}, _Context)
        assert answer == {"batchItemFailures": []}, answer


class _Context:
    """What the handlers use of Lambda's context."""

    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Enough."""
        return 20_000


@cache
def handler(operation: str) -> Callable[[Any, Any], dict[str, Any]]:
    """The handler of an operation."""
    function = next(found for found in functions() if found.name == operation)
    spec = spec_from_file_location(f"bench_{operation}", function.folder / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Any, Any], dict[str, Any]] = module.lambda_handler
    return found


@contextmanager
def metered() -> Iterator[Consumed]:
    """Add up what every DynamoDB call in this process consumes."""
    consumed, one_at_a_time = Consumed(), Lock()
    client_class: Any = botocore.client.BaseClient
    original = client_class._make_api_call

    def measured(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "dynamodb":
            return original(client, operation, parameters)
        with one_at_a_time:
            consumed.calls += 1
        response = original(client, operation, {**parameters, "ReturnConsumedCapacity": "INDEXES"})
        with one_at_a_time:
            if operation == "GetItem":
                consumed.reads += _read_units([response["Item"]] if "Item" in response else [])
            elif operation == "Query":
                weight = 1.0 if parameters.get("ConsistentRead") else 0.5
                consumed.reads += weight * _read_units(response["Items"])
            elif operation == "BatchGetItem":
                consumed.reads += _batch_read_units(parameters, response)
            else:
                _add_writes(consumed, response["ConsumedCapacity"])
        return response

    with patch.object(client_class, "_make_api_call", measured):
        yield consumed


def _read_units(items: list[dict[str, Any]]) -> int:
    size = sum(item_size(from_item(item)) for item in items)
    return max(1, -(-size // READ_UNIT_BYTES))


def _batch_read_units(parameters: Mapping[str, Any], response: Mapping[str, Any]) -> float:
    """Each item for itself, and one for each that is not there; half if not strongly consistent."""
    wanted = parameters["RequestItems"].values()
    found = [item for items in response["Responses"].values() for item in items]
    asked = sum(len(one["Keys"]) for one in wanted)
    weight = 1.0 if all(one.get("ConsistentRead") for one in wanted) else 0.5
    return weight * (sum(_read_units([item]) for item in found) + asked - len(found))


def _add_writes(consumed: Consumed, reported: Any) -> None:
    for capacity in reported if isinstance(reported, list) else [reported]:
        indexes = capacity.get("GlobalSecondaryIndexes", {}).values()
        in_indexes = sum(index["CapacityUnits"] for index in indexes)
        consumed.index_writes += in_indexes
        consumed.table_writes += capacity["CapacityUnits"] - in_indexes


def create(**changes: Any) -> Callable[[Api], object]:
    """What creates the contact that a row needs."""
    row = Row("", "create_contact", "POST", "/v1/contacts", Budget(0, 0, 0), body=CONTACT | changes)
    return lambda api: api.request(row)["id"]


def age_is_a_number(api: Api) -> None:
    """Give a custom field a type."""
    body = {"name": "age", "type": "number"}
    api.request(Row("", "create_property", "POST", "/v1/contact-properties", Budget(0, 0, 0), body=body))


def typed(api: Api) -> object:
    """Give a custom field a type, and create a contact that has none yet."""
    age_is_a_number(api)
    return create()(api)


def trashed(api: Api) -> object:
    """Create a contact and put it in the trash."""
    contact_id = create()(api)
    api.request(Row("", "delete_contact", "DELETE", REF, Budget(0, 0, 0), ref=str(contact_id)))
    return contact_id


def two_of_one_person(api: Api) -> object:
    """Create two contacts that are to be merged."""
    create(email="lovelace@example.com", external_id="crm-2")(api)
    return create()(api)


def fifty_and_more(api: Api) -> list[object]:
    """Create more contacts than a page has."""
    numbered = (
        {"email": f"ada+{number}@example.com", "external_id": f"crm-{number}"} for number in range(60)
    )
    return [create(**names)(api) for names in numbered]


def fifty_projected(api: Api) -> None:
    """Create more contacts than a page has, and have them projected."""
    for made in fifty_and_more(api):
        api.project(api.item(keys.contact(api.account_id, str(made))))


EVENTS = f"{REF}/events"
EVENT = {"name": "order placed", "data": {"order": "2026-000417", "total": 149.9, "currency": "EUR"}}


def fifty_events_and_more(api: Api) -> object:
    """Create a contact of whom more is recorded than a page has."""
    contact_id = create()(api)
    for _ in range(60):
        api.request(Row("", "record_event", "POST", EVENTS, Budget(0, 0, 0), ref=str(contact_id), body=EVENT))
    return contact_id


def merged_with_fifty_events_and_more(api: Api) -> object:
    """Merge a contact into one of whom more is recorded than a page has."""
    create(email="lovelace@example.com", external_id="crm-2")(api)
    contact_id = fifty_events_and_more(api)
    body = {"from": "crm-2"}
    api.request(
        Row("", "merge_contacts", "POST", f"{REF}/merge", Budget(0, 0, 0), ref=str(contact_id), body=body)
    )
    return contact_id


def a_batch(label: str = "crm") -> dict[str, Any]:
    """A batch that creates a hundred contacts."""
    contacts = (
        CONTACT | {"email": f"{label}+{n}@example.com", "external_id": f"{label}-{n}"} for n in range(100)
    )
    return {"operations": [{"op": "create", "contact": contact} for contact in contacts]}


def sent_before(api: Api) -> None:
    """Send the batch that is to be repeated."""
    api.request(Row("", "batch_contacts", "POST", BATCH, Budget(0, 0, 0), body=a_batch(), headers=KEYED))


def counted_tags(api: Api) -> None:
    """Have more tags than a page has, each with its count."""
    for number in range(60):
        made = create(email=None, external_id=f"crm-{number}", tags=[f"tag {number}"], lists=[])(api)
        api.project(api.item(keys.contact(api.account_id, str(made))))


ARRIVE = "/v1/channels/{id}/gates"
ARRIVAL = {
    "identifier": "731905284",
    "first_name": "Ada",
    "email": "ada@example.com",
    "tags": ["vip", "beta"],
}


def channel(api: Api) -> object:
    """Make a channel."""
    body = {"type": "telegram", "name": "Bot"}
    return api.request(Row("", "create_channel", "POST", "/v1/channels", Budget(0, 0, 0), body=body))["id"]


def arrived_before(api: Api) -> object:
    """Make a channel, and have a contact arrive through it."""
    channel_id = str(channel(api))
    api.request(Row("", "add_gate", "POST", ARRIVE, Budget(0, 0, 0), ref=channel_id, body=ARRIVAL))
    return channel_id


ID = "<id>"
"""Stands for the id of the contact that was made before."""
LIST = Budget(4, 1, 30)
"""quality.md: 2–4 calls."""
BATCH = "/v1/contacts/batch"
KEYED = {"idempotency-key": "k"}
ROWS = (
    Row("get by id", "get_contact", "GET", REF, Budget(2, 1, 1), ref=ID, before=create()),
    Row("get by email", "get_contact", "GET", REF, Budget(3, 1, 2), ref="ada@example.com", before=create()),
    Row("get by external_id", "get_contact", "GET", REF, Budget(3, 1, 2), ref="crm-4711", before=create()),
    # One read unit says whether the address has opted out.
    Row("create", "create_contact", "POST", "/v1/contacts", Budget(3, 1 + 6 + 3, 1), body=CONTACT),
    Row("create with 2 custom fields", "create_contact", "POST", "/v1/contacts", Budget(4, 1 + 6 + 3, 3), body=TYPED,
        before=age_is_a_number),
    Row("plain update by id", "update_contact", "PATCH", REF, Budget(2, 1 + 1 + 2, 0), ref=ID,
        body={"last_name": "King"}, before=create()),
    Row("plain update by id with a custom field", "update_contact", "PATCH", REF, Budget(3, 1 + 1 + 2, 1), ref=ID,
        body={"last_name": "King", "custom_fields": {"age": 37}}, before=typed),
    Row("update by email", "update_contact", "PATCH", REF, Budget(3, 1 + 1 + 2, 1), ref="ada@example.com",
        body={"last_name": "King"}, before=create()),
    Row("update with add_tags", "update_contact", "PATCH", REF, Budget(3, 1 + 1 + 2, 1), ref=ID,
        body={"add_tags": ["new"]}, before=create()),
    Row("update with Idempotency-Key", "update_contact", "PATCH", REF, Budget(3, 1 + 2 + 2 + 4, 1), ref=ID,
        body={"last_name": "King"}, headers={"idempotency-key": "k"}, before=create()),
    # A transaction: the contact and its address.
    Row("opt out", "update_contact", "PATCH", REF, Budget(4, 1 + 2 * 2 + 2, 1), ref=ID,
        body={"is_unsubscribed": True}, before=create()),
    Row("update with a flag as it is", "update_contact", "PUT", REF, Budget(2, 1 + 1 + 2, 0), ref=ID,
        body={"last_name": "King", "is_unsubscribed": False}, before=create()),
    Row("rename", "update_contact", "PATCH", REF, Budget(4, 14, 3), ref=ID,
        body={"email": "countess@example.com"}, before=create()),
    Row("soft delete", "delete_contact", "DELETE", REF, Budget(4, 14, 3), ref=ID, before=create()),
    Row("restore", "restore_contact", "POST", f"{REF}/restore", Budget(4, 14, 3), ref=ID, before=trashed),
    # One is read by its id, the other by a name; a transaction over both, two claims and the loser's id, each counted
    # twice. In the indexes: a change of one, three entries of the other.
    Row("merge", "merge_contacts", "POST", f"{REF}/merge", Budget(5, 1 + 5 * 2 + 2 + 3, 3), ref=ID,
        body={"from": "crm-2"}, before=two_of_one_person),
    Row("list, page of 50", "list_contacts", "GET", "/v1/contacts", LIST, query="limit=50", before=fifty_and_more),
    Row("list by a tag", "list_contacts", "GET", "/v1/contacts", LIST, query="tag=vip", before=fifty_projected),
    Row("list by two tags and a list", "list_contacts", "GET", "/v1/contacts", replace(LIST, calls=6),
        query="tag=vip&tag=beta&list=newsletter", before=fifty_projected),
    Row("list by a flag", "list_contacts", "GET", "/v1/contacts", LIST, query="is_active=true", before=fifty_and_more),
    Row("list sorted by email", "list_contacts", "GET", "/v1/contacts", LIST, query="sort=email",
        before=fifty_and_more),
    Row("list changed since", "list_contacts", "GET", "/v1/contacts", LIST,
        query="sort=updated_at&updated_after=2026-01-01T00:00:00Z", before=fifty_and_more),
    Row("list with a total", "list_contacts", "GET", "/v1/contacts", LIST, query="include_total=true",
        before=fifty_projected),
    Row("list by external_id", "list_contacts", "GET", "/v1/contacts", LIST, query="external_id=crm-7",
        before=fifty_and_more),
    Row("search", "search_contacts", "GET", "/v1/contacts/search", LIST, query="q=lovelace", before=fifty_projected),
    # A transaction: the entry, a look at the contact, each counted twice; with a key also the record and its pointer.
    Row("record an event", "record_event", "POST", EVENTS, Budget(3, 1 + 2 + 2, 1), ref=ID, body=EVENT,
        before=create()),
    Row("event with Idempotency-Key", "record_event", "POST", EVENTS, Budget(3, 1 + 2 + 2 + 4, 1), ref=ID,
        body=EVENT, headers={"idempotency-key": "k"}, before=create()),
    Row("timeline, page of 50", "list_contact_events", "GET", EVENTS, Budget(3, 1, 1 + 4), ref=ID, query="limit=50",
        before=fifty_events_and_more),
    Row("timeline of two that were merged", "list_contact_events", "GET", EVENTS, Budget(4, 1, 1 + 4 + 1), ref=ID,
        query="limit=50", before=merged_with_fifty_events_and_more),
    Row("batch of 100 creates", "batch_contacts", "POST", BATCH, Budget(1 + 200, 1 + 100 * 9, 100), body=a_batch()),
    Row("batch with Idempotency-Key", "batch_contacts", "POST", BATCH, Budget(1 + 1 + 200, 1 + 1 + 100 * 13, 100),
        body=a_batch(), headers=KEYED),
    Row("the same batch again", "batch_contacts", "POST", BATCH, Budget(3, 2, 100), body=a_batch(), headers=KEYED,
        before=sent_before),
    Row("tags, page of 50", "list_tags", "GET", "/v1/tags", Budget(3, 1, 3), query="limit=50", before=counted_tags),
    Row("account", "get_account", "GET", "/v1/account", Budget(2, 1, 1), before=create()),
    # A transaction: the contact, its gate, its email; two of the indexes.
    Row("arrive through a gate", "add_gate", "POST", ARRIVE, Budget(5, 1 + 6 + 2, 3), ref=ID, body=ARRIVAL,
        before=channel),
    Row("arrive again", "add_gate", "POST", ARRIVE, Budget(4, 1, 3), ref=ID, body={"identifier": "731905284"},
        before=arrived_before),
    Row("gates of a contact", "list_gates", "GET", f"{REF}/gates", Budget(3, 1, 2), ref=ID, before=create()),
    Row("chat of a contact", "get_chat", "GET", f"{REF}/chat", Budget(3, 1, 2), ref=ID, before=create()),
    Row("channels", "list_channels", "GET", "/v1/channels", Budget(2, 1, 1), before=channel),
    Projection("projection of one create"),
)  # fmt: skip


def measure(row: Row | Projection, open_account: Callable[[], Api]) -> tuple[Consumed, Budget]:
    """What a row costs and may cost, in an account of its own.

    (The handlers share this process and so the gatekeeper that remembers keys.)
    """
    return row.measured(open_account())


@contextmanager
def emulated() -> Iterator[Callable[[], Api]]:
    """MiniStack with the template's table and queues, for the handlers of this process; gives what opens accounts."""
    with tempfile.TemporaryDirectory(prefix="contacts-capacity-") as directory:
        stack = LocalStack(Path(directory), free_port(), persistent=False, root=ROOT)
        stack.start_emulator()
        try:
            with on(stack) as open_account:
                yield open_account
        finally:
            stack.stop()


@contextmanager
def on(stack: LocalStack) -> Iterator[Callable[[], Api]]:
    """The template's table and queues on a running MiniStack, for the handlers here; gives what opens accounts."""
    client_of = stack.deployment.client
    create_table(client_of("dynamodb"))
    with wired(stack.endpoint_url, create_queues(client_of("sqs"))) as open_account:
        yield open_account


@contextmanager
def wired(endpoint_url: str, ids: Mapping[str, str]) -> Iterator[Callable[[], Api]]:
    """Have the handlers of this process work on the table at an endpoint; gives what opens accounts.

    `ids`: of what they need besides, as `Function.resolved_environment` takes them.
    """
    environment = own_environment(endpoint_url)
    for function in functions():
        environment |= function.resolved_environment({"Table": NAME, **ids})
    with patch.dict(os.environ, environment, clear=True), patch.object(wiring, "runtime", of_environment()):
        handler.cache_clear()
        yield _open_account
    handler.cache_clear()


def _open_account() -> Api:
    payload = {"name": "bench", "plan": "enterprise", "hourly_limit": 100_000}
    with redirect_stdout(StringIO()):
        opened = handler("provision_account")(payload, _Context)
    return Api(opened["account_id"], opened["key"])


def over_budget(name: str, consumed: Consumed, budget: Budget) -> list[str]:
    """Where something costs more than it may, a sentence each."""
    writes = consumed.table_writes + consumed.index_writes
    figures = (
        ("calls", consumed.calls, budget.calls),
        ("write units", writes, budget.writes),
        ("read units", consumed.reads, budget.reads),
    )
    return [f"{name} takes {is_} {what} (budget {may})" for what, is_, may in figures if is_ > may]


def run() -> Results:
    """Measure every operation."""
    columns = ("operation", "calls", "budget", "table writes", "index writes", "budget ", "reads", "budget  ")
    table = Results("capacity", "DynamoDB calls and units of a warm request", columns)
    with emulated() as open_account:
        for row in ROWS:
            consumed, budget = measure(row, open_account)
            table.failures += over_budget(row.name, consumed, budget)
            table.rows.append(
                (
                    row.name,
                    *(consumed.calls, budget.calls),
                    *(int(consumed.table_writes), int(consumed.index_writes), int(budget.writes)),
                    *(consumed.reads, budget.reads),
                )
            )
    table.notes = [
        "Calls are in sequence; a request's first is the meter, whose write unit is in the figures. A contact has less "
        "than 1 KB, an email, an external_id and two tags. Budgets: quality.md. Where custom fields are sent, their "
        "properties are read: one call more, and a unit for each name.",
        "Of a batch's calls eight are under way at once: a hundred creates wait for 1 + 13 in sequence. Its first with "
        "an Idempotency-Key is the record of the batch; a repetition tries that in vain and reads all its records in "
        "one call.",
        "The projection is of such a contact: a write unit for each of its words, two for each posting (all, its tags, "
        "its list), two for all its counts together, and no read.",
    ]
    return table


def main() -> int:
    """Print and keep the table."""
    return run().publish()


if __name__ == "__main__":
    sys.exit(main())
