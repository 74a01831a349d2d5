"""The table for fast tests: moto's DynamoDB in this very process, without HTTP, brought back to any state at will.

It adds what moto leaves out and the service relies on: a transaction repeated with its ClientRequestToken is
not carried out again, a query that evaluated as many items as its Limit says where to go on, and what is beyond
DynamoDB's limits is refused (`tests.support.aws_limits`).
"""

import copy
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from io import BytesIO
from threading import RLock
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local.table import NAME, create_table
from tests.support import aws_limits, quick_moto
from tests.support.thorough import THOROUGH

if not THOROUGH:
    quick_moto.quicken()
# It also counts the value that an update replaces. `aws_limits` holds the exact limit, once an item.
del LimitedSizeDict.__setitem__

TypedItem = dict[str, Any]
"""An item in DynamoDB's typed JSON."""

_REGION, _ACCOUNT = "us-east-1", "123456789012"
_WRITES = {
    "put_item": "Put",
    "update_item": "Update",
    "delete_item": "Delete",
    "batch_write_item": "",
    "transact_write_items": "",
}
"""The calls that write, and the step of a transaction that does the same."""


class Refusal(Exception):
    """What DynamoDB says instead of an answer."""

    def __init__(self, code: str, document: Mapping[str, Any], status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.document = document
        self.status = status


def _validation_error(message: str) -> Refusal:
    return Refusal("ValidationException", {"__type": "a#ValidationException", "message": message})


class MotoTable:
    """The template's table in a backend of its own."""

    def __init__(self) -> None:
        self._backend = DynamoDBBackend(_REGION, _ACCOUNT)
        self._transactions: dict[str, Mapping[str, Any]] = {}
        self._one_at_a_time = RLock()
        _Handler(self._backend, _definition()).create_table()
        self._table.__class__ = _SharingTable
        # Nobody reads the stream here, and moto would copy all of it in every transaction.
        self._table.stream_shard = None

    @property
    def _table(self) -> Table:
        return self._backend.tables[NAME]

    def client(self) -> "MotoClient":
        """What stands in for botocore's client."""
        return MotoClient(self)

    def call(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one call (`get_item`).

        Raises:
            Refusal
        """
        with self._one_at_a_time:
            token = request.get("ClientRequestToken")
            if token is None:
                return self._carry_out(method, request)
            if token in self._transactions:
                assert self._transactions[token] == request, "the same token for another transaction"
                return {}
            answer = self._carry_out(method, request)
            self._transactions[token] = request
            return answer

    def _carry_out(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            aws_limits.check(method, request)
        except aws_limits.TooMuch as error:
            raise _validation_error(str(error)) from None
        before = self._table.items
        if method in _WRITES:
            self._detach_what_is_written(method, request)
        handler = _Handler(self._backend, request)
        try:
            answer: dict[str, Any] = getattr(handler, method)().result
        except JsonRESTError as error:
            self._table.items = before
            document = json.loads(error.description)
            raise Refusal(document["__type"].rpartition("#")[2], document) from None
        if method == "query":
            _tell_where_to_go_on(request, answer)
        wrong = self._wrong_items(method, request, before)
        if wrong:
            self._table.items = before
            raise _validation_error(wrong)
        return answer

    def _wrong_items(self, method: str, request: Mapping[str, Any], before: Any) -> str | None:
        """What is beyond a limit of what an update or a transaction left, if anything."""
        steps = request.get("TransactItems", [{"Update": request}] if method == "update_item" else ())
        size = 0
        for step in steps:
            ((kind, part),) = step.items()
            key = part.get("Key") or part["Item"]
            partition, sort_key = DynamoType(key["PK"]), DynamoType(key["SK"])
            held = [
                items[partition].get(sort_key) for items in (before, self._table.items) if partition in items
            ]
            items = [_typed_item(item) for item in held if item is not None]
            if len(steps) > 1:
                size += max(map(aws_limits.item_bytes, items), default=0)
            try:
                if kind == "Update" and sort_key in self._table.items[partition]:
                    aws_limits.check_item(items[-1])
            except aws_limits.TooMuch as error:
                return str(error)
        if len(steps) > 1 and size > aws_limits.MAX_TRANSACTION:
            return "Aggregated size of transaction items exceeds the maximum allowed size of 4194304"
        return None

    def _detach_what_is_written(self, method: str, request: Mapping[str, Any]) -> None:
        """Replaces the partitions that a call writes to, and the items that the call updates, by copies.

        moto changes partitions and items where they are; snapshots share both.
        """
        items = self._table.items = _shared(self._table.items)
        for kind, key in _written(method, request):
            partition_key, sort_key = DynamoType(key["PK"]), DynamoType(key["SK"])
            if partition_key not in items:
                continue
            partition = items[partition_key] = dict(items[partition_key])
            if kind == "Update" and sort_key in partition:
                partition[sort_key] = copy.deepcopy(partition[sort_key])

    def items(self) -> list[TypedItem]:
        """Every item there is."""
        return [_typed_item(item) for item in self._table.all_items()]

    def item(self, partition_key: str, sort_key: str) -> TypedItem | None:
        """The item under a key."""
        found = self._table.items.get(DynamoType({"S": partition_key}), {}).get(DynamoType({"S": sort_key}))
        return None if found is None else _typed_item(found)

    def items_below(self, prefix: str) -> list[TypedItem]:
        """Every item whose partition key begins with a prefix."""
        return [
            item.to_json()["Attributes"]
            for key, partition in self._table.items.items()
            if key.value.startswith(prefix)
            for item in partition.values()
        ]

    def snapshot(self) -> Any:
        """The contents as they are now, for `bring_back`."""
        return _shared(self._table.items)

    def changes_since(self, snapshot: Any) -> Iterator[tuple[TypedItem | None, TypedItem | None]]:
        """Each item that was written since a snapshot, as it was and as it is, in the order of their keys."""
        was, now = _flat(snapshot), _flat(self._table.items)
        for key in sorted(key for key in was.keys() | now.keys() if was.get(key) is not now.get(key)):
            old, new = (
                None if item is None else item.to_json()["Attributes"]
                for item in (was.get(key), now.get(key))
            )
            if old != new:
                yield old, new

    def bring_back(self, snapshot: Any) -> None:
        """Have the contents of a snapshot again."""
        self._table.items = _shared(snapshot)
        self._transactions.clear()

    def remove(self, item: TypedItem) -> None:
        """Take an item away, as DynamoDB does with one whose time is over."""
        self.call("delete_item", {"TableName": NAME, "Key": {key: item[key] for key in ("PK", "SK")}})


class MotoClient:
    """The methods of botocore's client, with its errors, straight to a table."""

    def __init__(self, table: MotoTable) -> None:
        self._table = table

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._table.call(method, request)
            if method in ("query", "batch_get_item"):
                size = str(len(json.dumps(answer)))
                answer["ResponseMetadata"] = {"HTTPHeaders": {"content-length": size}}
            return answer
        except Refusal as refusal:
            response = {
                **refusal.document,
                "Error": {"Code": refusal.code, "Message": refusal.document.get("message", "")},
                "ResponseMetadata": {"HTTPStatusCode": refusal.status},
            }
            raise ClientError(response, method) from None


def http_response(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    """An answer as botocore gets it off the wire."""
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, status, headers, _Raw(body))


def over_http(table: MotoTable, request: AWSPreparedRequest, method: str) -> AWSResponse:
    """A call that arrives as an HTTP request, and its answer."""
    try:
        status, document = 200, table.call(method, json.loads(request.body or b""))
    except Refusal as refusal:
        status, document = refusal.status, dict(refusal.document)
    return http_response(request, status, json.dumps(document).encode())


@cache
def _definition() -> Mapping[str, Any]:
    """The request that creates the table."""
    request: dict[str, Any] = {}
    create_table(SimpleNamespace(create_table=request.update))
    return request


class _Raw(BytesIO):
    """A body as urllib3 hands it to botocore."""

    def stream(self, **_: Any) -> Iterable[bytes]:
        content = self.read()
        while content:
            yield content
            content = self.read()


class _Handler(DynamoHandler):
    """moto's reading of one call, of our backend."""

    def __init__(self, backend: DynamoDBBackend, request: Mapping[str, Any]) -> None:
        super().__init__()
        self._backend = backend
        self.body = self.params = dict(request)
        self.current_account, self.region = _ACCOUNT, _REGION

    @property
    def dynamodb_backend(self) -> DynamoDBBackend:
        return self._backend


class _SharingTable(Table):
    """moto's table, which shares its items with its copies and looks at one partition for a query.

    Nothing that is shared is ever changed: `MotoTable` copies what a call writes to.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Table:
        twin = copy.copy(self)
        twin.items = _shared(self.items)
        return twin

    def query(self, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
        """moto's query, of a table that has no other items than the ones with the query's hash key.

        moto compares the keys of all items, and sorts them all, for each query.
        """
        narrowed = copy.copy(self)
        narrowed.__class__ = _Partition
        if kwargs.get("index_name"):
            narrowed.items = self._having(kwargs["hash_key_conditions"])
        else:
            assert hash_key is not None
            narrowed.items = {hash_key: self.items.get(hash_key, {})}
        return narrowed.query(hash_key, *args, **kwargs)

    def all_items(self) -> list[Item]:
        """Every item, by partition and sort key. Both keys are strings, so their plain values have moto's order."""
        return sorted(
            (item for partition in self.items.values() for item in partition.values()),
            key=lambda item: (item.hash_key.value, item.range_key.value),
        )

    def _having(self, conditions: Iterable[tuple[str, DynamoType]]) -> Any:
        """The items that have the strings that the conditions name, in their partitions."""
        wanted = [(name, value.value) for name, value in conditions]
        found: dict[Any, dict[Any, Item]] = defaultdict(dict)
        for partition_key, partition in self.items.items():
            for sort_key, item in partition.items():
                attributes = item.attrs
                if all(name in attributes and attributes[name].value == value for name, value in wanted):
                    found[partition_key][sort_key] = item
        return found


class _Partition(_SharingTable):
    """The few items among which moto's own query chooses."""

    query = Table.query


def _written(method: str, request: Mapping[str, Any]) -> Iterator[tuple[str, TypedItem]]:
    """What a call does to which key: "Update", "Put", … and an item or its key."""
    if method == "transact_write_items":
        steps = request["TransactItems"]
    elif method == "batch_write_item":
        steps = [write for writes in request["RequestItems"].values() for write in writes]
    else:
        steps = [{_WRITES[method]: request}]
    for step in steps:
        for kind, part in step.items():
            yield kind, part.get("Key") or part["Item"]


def _typed_item(item: Item) -> TypedItem:
    """An item in DynamoDB's typed JSON. moto's `to_json` copies all that is inside a map or a list once a level."""
    return {name: _typed(value) for name, value in item.attrs.items()}


def _typed(value: DynamoType) -> dict[str, Any]:
    match value.type:
        case "M":
            return {"M": {key: _typed(entry) for key, entry in value.value.items()}}
        case "L":
            return {"L": [_typed(entry) for entry in value.value]}
        case "S" | "N" | "BOOL" | "NULL":
            return {value.type: value.value}
        case _:
            return value.to_regular_json()


def _shared(items: Mapping[Any, Mapping[Any, Any]]) -> Any:
    """Another index of the same partitions."""
    return defaultdict(dict, items)


def _flat(index: Mapping[Any, Mapping[Any, Any]]) -> dict[tuple[str, str], Any]:
    """The items of an index by PK and SK."""
    return {
        (hash_key.value, range_key.value): item
        for hash_key, partition in index.items()
        for range_key, item in partition.items()
    }


def _tell_where_to_go_on(request: Mapping[str, Any], answer: dict[str, Any]) -> None:
    """A query that stops at its Limit does not look whether anything comes after. (moto does.)"""
    stopped = answer["ScannedCount"] == request.get("Limit")
    if (
        stopped
        and answer.get("Items")
        and "LastEvaluatedKey" not in answer
        and "FilterExpression" not in request
    ):
        last = answer["Items"][-1]
        index = [request["IndexName"]] if "IndexName" in request else []
        answer["LastEvaluatedKey"] = {key: last[key] for key in ("PK", "SK", *index)}
