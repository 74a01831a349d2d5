"""A stand-in for DynamoDB that costs next to nothing and the same for everybody: canned answers from a few items.

It exists so that a measurement holds what a function does and not what a database, or an emulator of one, does. It
is given items once, never changes them and checks no condition. `DynamoDbStub` serves it on loopback from a process
of its own; `CannedTable` is the same without a network. What writes to other services (a message to SQS, a schedule) is
answered as every write is: with nothing, which says that nothing went wrong.
"""

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

HOST = "127.0.0.1"

_BEGINS_WITH = re.compile(r"begins_with\([^,]*, (:\w+)\)")
Item = dict[str, Any]
"""An item in DynamoDB's typed JSON."""


class CannedTable:
    """Answers every call as DynamoDB would if nothing was ever written and every condition held."""

    def __init__(self, items: Iterable[Item], counter: Item) -> None:
        """Take what the table holds.

        Args:
            items: each with its PK and SK.
            counter: what an update gives back where no item is: the requests of an hour, counted.
        """
        self._partitions: dict[str, dict[str, Item]] = {}
        for item in items:
            self._partitions.setdefault(item["PK"]["S"], {})[item["SK"]["S"]] = item
        self._counter = counter
        self._encoded: dict[tuple[str, bytes], bytes] = {}

    def answer(self, operation: str, request: Mapping[str, Any]) -> Item:
        """What a call (`GetItem`, `Query`, …) gives back."""
        match operation:
            case "GetItem":
                item = self._item(request["Key"])
                return {} if item is None else {"Item": item}
            case "UpdateItem" | "DeleteItem" if request.get("ReturnValues", "NONE") != "NONE":
                return {"Attributes": self._item(request["Key"]) or {**request["Key"], **self._counter}}
            case "Query":
                return self._page(request)
            case "BatchGetItem":
                return {
                    "Responses": {
                        table: [item for item in map(self._item, wanted["Keys"]) if item]
                        for table, wanted in request["RequestItems"].items()
                    }
                }
            case "TransactGetItems":
                items = [self._item(entry["Get"]["Key"]) for entry in request["TransactItems"]]
                return {"Responses": [{} if item is None else {"Item": item} for item in items]}
            case _:
                return {}

    def encoded_answer(self, target: str, body: bytes) -> bytes:
        """The answer to an HTTP request with this X-Amz-Target; worked out once for equal requests."""
        if (target, body) not in self._encoded:
            answer = self.answer(target.rpartition(".")[2], json.loads(body))
            self._encoded[target, body] = json.dumps(answer).encode()
        return self._encoded[target, body]

    def _item(self, key: Item) -> Item | None:
        return self._partitions.get(key["PK"]["S"], {}).get(key["SK"]["S"])

    def _page(self, request: Mapping[str, Any]) -> Item:
        """The partition that one of the values names, or what of it begins as another says, up to the limit."""
        values = {name: value.get("S", "") for name, value in request["ExpressionAttributeValues"].items()}
        begins = _BEGINS_WITH.search(request["KeyConditionExpression"])
        prefix = values[begins[1]] if begins else ""
        items = [
            item
            for value in values.values()
            for sort_key, item in self._partitions.get(value, {}).items()
            if sort_key.startswith(prefix)
        ]
        items = items[: request.get("Limit")]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def _answer_of_empty_bucket(request: bytes) -> tuple[bytes, bytes]:
    """The status and the body that S3 answers to the first line of a request: it keeps nothing."""
    if request.startswith((b"PUT ", b"POST ", b"DELETE ")):
        return b"200 OK", b""
    if b"list-type=2" in request:
        return b"200 OK", b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    return b"404 Not Found", b"" if request.startswith(b"HEAD ") else b"<Error><Code>NoSuchKey</Code></Error>"


class _Connection(socketserver.StreamRequestHandler):
    """HTTP/1.1 with keep-alive, as much of it as a DynamoDB client speaks."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request := self.rfile.readline():
            length, target = 0, ""
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif name.lower() == b"x-amz-target":
                    target = value.strip().decode()
            assert isinstance(self.server, _Server)
            sent = self.rfile.read(length)
            if target:
                status, body = b"200 OK", self.server.table.encoded_answer(target, sent)
            else:
                status, body = _answer_of_empty_bucket(request)
            self.wfile.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: bench\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (status, len(body), body)
            )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, table: CannedTable) -> None:
        super().__init__((HOST, 0), _Connection)
        self.table = table


class DynamoDbStub:
    """The stub in a process of its own; a context manager. `url` is its endpoint."""

    def __init__(self, contents: Mapping[str, Any]) -> None:
        """Take the arguments of `CannedTable`, by name."""
        self._contents = contents
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._contents).encode() + b"\n")
        self._process.stdin.flush()
        self.url = f"http://{HOST}:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.communicate()  # closes its standard input, which ends it


def serve() -> None:
    """Serve what the first line of standard input says, and print the port.

    It ends when standard input does, and that ends with the process that started this one, however it ended.
    """
    table = CannedTable(**json.loads(sys.stdin.readline()))
    with _Server(table) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        while os.read(sys.stdin.fileno(), 4096):
            pass


if __name__ == "__main__":
    serve()
