"""What calls of the table cost: a client that counts them, and reckons their units from the items they touch."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tests.support.aws_limits import item_bytes
from tests.support.moto_table import MotoTable

_KB = 1024
_WRITTEN = ("put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items")


class CountedClient:
    """A client of a table whose calls are counted."""

    def __init__(self, table: MotoTable, client: Any = None) -> None:
        self._table = table
        self._client = client or table.client()
        self.calls: Counter[str] = Counter()
        """By method."""
        self.write_units = 0
        self.read_units = 0.0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        self.calls[method] += 1
        written = list(_keys(method, request)) if method in _WRITTEN else []
        before = list(map(self._bytes, written))
        try:
            answer = getattr(self._client, method)(**request)
        finally:
            # Those of the larger of an item before and after a write; at least 1, also where a condition failed.
            for key, size in zip(written, before, strict=True):
                self.write_units += max(1, -(-max(size, self._bytes(key)) // _KB))
        self.read_units += sum(_read_units(method, answer))
        return answer

    def _bytes(self, key: tuple[str, str]) -> int:
        item = self._table.item(*key)
        return 0 if item is None else item_bytes(item)


def _keys(method: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if method == "batch_write_item":
        steps = [step for steps in request["RequestItems"].values() for step in steps]
    elif method == "transact_write_items":
        steps = request["TransactItems"] * 2
    else:
        steps = [{method: request}]
    for step in steps:
        for part in step.values():
            key = part.get("Key") or part["Item"]
            yield key["PK"]["S"], key["SK"]["S"]


def _read_units(method: str, answer: Mapping[str, Any]) -> Iterator[float]:
    """Strongly consistent ones: 4 KB of a query, or of each item."""
    if method == "query":
        yield max(1, -(-sum(map(item_bytes, answer["Items"])) // (4 * _KB)))
    elif method == "get_item":
        yield max(1, -(-item_bytes(answer.get("Item", {})) // (4 * _KB)))
    elif method == "batch_get_item":
        for items in answer["Responses"].values():
            for item in items:
                yield -(-item_bytes(item) // (4 * _KB))
