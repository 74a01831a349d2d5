"""A stand-in for DynamoDB that is as full as the service allows: whole items, pages of 1 MB, batches of 16.

It runs in the process of the benchmark, so that what it costs is not counted with the function. It never changes its
items; a PutItem under a condition fails where there is an item, any other write succeeds.
"""

import json
import re
import socketserver
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Self

from bench.dynamodb_stub import HOST, Item
from tests.support.aws_limits import item_bytes

PAGE_BYTES = 1 << 20
BATCH_BYTES = 16 << 20

_CONDITION = re.compile(r"(#\d+) (=|BETWEEN) (:\d+)(?: AND (:\d+))?|begins_with\((#\d+), (:\d+)\)")


class FullTable:
    """Items by their keys."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._partitions: dict[str, dict[str, Item]] = {}
        self._sizes: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        for item in items:
            self._partitions.setdefault(item["PK"]["S"], {})[item["SK"]["S"]] = item

    def encoded_answer(self, operation: str, request: Mapping[str, Any]) -> tuple[int, bytes]:
        """The same as bytes, quickly: a client waits two seconds."""
        status, document = self.answer(operation, request)
        return status, self._text(document).encode()

    def _text(self, value: Any, depth: int = 0) -> str:
        """JSON. What items share, a whole map, is written once."""
        if depth < 4 and isinstance(value, dict) and "M" not in value:
            entries = (f"{json.dumps(name)}:{self._text(entry, depth + 1)}" for name, entry in value.items())
            return f"{{{','.join(entries)}}}"
        if depth < 4 and isinstance(value, list):
            return f"[{','.join(self._text(entry, depth + 1) for entry in value)}]"
        if isinstance(value, dict) and "M" in value:
            if id(value) not in self._texts:
                self._texts[id(value)] = json.dumps(value)
            return self._texts[id(value)]
        return json.dumps(value)

    def answer(self, operation: str, request: Mapping[str, Any]) -> tuple[int, Any]:
        """The status and the document that a call (`GetItem`, `Query`, …) is answered with."""
        match operation:
            case "GetItem":
                item = self._item(request["Key"])
                return 200, {} if item is None else {"Item": item}
            case "UpdateItem" if request.get("ReturnValues", "NONE") != "NONE":
                known = self._item(request["Key"])
                return 200, {"Attributes": known or {**request["Key"], "used": {"N": "1"}}}
            case "PutItem" if "ConditionExpression" in request and self._item(request["Item"]):
                name = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
                return 400, {"__type": name, "message": "failed", "Item": self._item(request["Item"])}
            case "BatchGetItem":
                return 200, self._batch(request["RequestItems"])
            case "Query":
                return 200, self._page(request)
            case _:
                return 200, {}

    def _item(self, key: Item) -> Item | None:
        return self._partitions.get(key["PK"]["S"], {}).get(key["SK"]["S"])

    def _size(self, item: Item) -> int:
        if id(item) not in self._sizes:
            self._sizes[id(item)] = item_bytes(item)
        return self._sizes[id(item)]

    def _batch(self, requests: Mapping[str, Any]) -> Item:
        ((table, request),) = requests.items()
        found: list[Item] = []
        room, keys = BATCH_BYTES, list(request["Keys"])
        while keys:
            item = self._item(keys[0])
            if item is not None:
                room -= self._size(item)
                if room < 0 and found:
                    break
                found.append(item)
            keys.pop(0)
        if "ProjectionExpression" in request:
            names = request["ExpressionAttributeNames"].values()
            found = [{name: item[name] for name in names if name in item} for item in found]
        left = {table: {**request, "Keys": keys}} if keys else {}
        return {"Responses": {table: found}, "UnprocessedKeys": left}

    def _page(self, request: Mapping[str, Any]) -> Item:
        """One page of a query of the table or of an index. Filters are taken to keep everything."""
        index = request.get("IndexName")
        partition, first, last = _conditions(request)
        items = [
            (item[index]["S"] if index else sort_key, sort_key, item)
            for sort_key, item in self._partitions.get(partition, {}).items()
            if index is None or index in item
        ]
        items = [one for one in items if first <= one[0] <= last]
        items.sort(key=lambda one: one[:2], reverse=not request.get("ScanIndexForward", True))
        start = request.get("ExclusiveStartKey")
        if start is not None:
            place = (start[index]["S"] if index else start["SK"]["S"], start["SK"]["S"])
            is_forward = request.get("ScanIndexForward", True)
            items = [one for one in items if (one[:2] > place if is_forward else one[:2] < place)]
        found: list[Item] = []
        room, most = PAGE_BYTES, request.get("Limit", len(items) + 1)
        for _, _, item in items:
            if len(found) == most or room <= 0:
                break
            kept = {name: item[name] for name in ("PK", "SK", index)} if index else item
            room -= self._size(item) if not index else 100
            found.append(kept)
        page: Item = {"Count": len(found), "ScannedCount": len(found)}
        if request.get("Select") != "COUNT":
            page["Items"] = found
        if len(found) < len(items) or len(found) == most:
            keys = ("PK", "SK", index) if index else ("PK", "SK")
            page["LastEvaluatedKey"] = {name: found[-1][name] for name in keys}
        return page


def _conditions(request: Mapping[str, Any]) -> tuple[str, str, str]:
    """The partition that a query is of, and the sort keys from which to which."""
    names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
    partition, first, last = "", "", "\U0010ffff"
    for match in _CONDITION.finditer(request["KeyConditionExpression"]):
        name, kind, low, high, begun, beginning = match.groups()
        if begun:
            first = values[beginning]["S"]
            last = f"{first}\U0010ffff"
        elif kind == "BETWEEN":
            first, last = values[low]["S"], values[high]["S"]
        elif names[name] == "PK":
            partition = values[low]["S"]
    return partition, first, last


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while self.rfile.readline():
            length, target = 0, ""
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif name.lower() == b"x-amz-target":
                    target = value.strip().decode()
            assert isinstance(self.server, _Server)
            request = json.loads(self.rfile.read(length) or b"{}")
            status, body = self.server.table.encoded_answer(target.rpartition(".")[2], request)
            with suppress(ConnectionError):  # who waits no longer is told of it by its own errors
                self.wfile.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: bench\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (status, len(body), body)
                )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 20

    def __init__(self, table: FullTable) -> None:
        super().__init__((HOST, 0), _Connection)
        self.table = table


class FullTableServer:
    """Serves a table on loopback from threads of this process; a context manager. `url` is its endpoint."""

    def __init__(self, table: FullTable) -> None:
        self._server = _Server(table)
        self.url = f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
