"""The DynamoDB table: single calls, and the exceptions for their failures.

Reads are strongly consistent unless a method says otherwise. The SDK retries a call (`table.aws`: three attempts within
nine seconds). A call raises `TemporarilyUnavailable` when all attempts fail, or at once where the request has less time
left than that. A failed condition raises `ConditionsFailed` with the items that failed it, so that no caller has to
read again to learn why.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter, sleep
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from contacts.core import debugging
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.time import Deadline
from contacts.table.aws import NO_ANSWER, THROTTLED, is_busy
from contacts.table.expressions import (
    Expression,
    Item,
    Step,
    check_step,
    delete_step,
    from_item,
    put_step,
    to_item,
    update_step,
)
from contacts.table.keys import Key

_CONTENDED = frozenset({"TransactionConflictException"})
_CONFLICT_REASONS = frozenset({"TransactionConflict"})
_BUSY_REASONS = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})

LONGEST_CALL: Final = 9.0
"""Seconds: three attempts of a connect (1) and a read (2), with pauses of at most 1 and 2 between them."""
LONGEST_BRIEF_CALL: Final = 4.0
"""Seconds, with `table.aws.BRIEF_CALLS`: two attempts of a connect (0.5) and a read (1), with a pause of at most 1."""
MAX_STEPS: Final = 100
"""Of one transaction."""
_KEYS_AT_ONCE: Final = 100
_KEYS_AT_FIRST: Final = 64
"""A page of fifty in one call, and no more than a function has memory for where each has 350 KB."""
_BYTES_AT_ONCE: Final = 2 << 20
"""Bytes on the wire that an answer should have at most; estimated by the answer before it. Until an answer is read,
each of its small values takes 250 bytes of memory."""
_PAGE_BYTES: Final = 1 << 20
"""DynamoDB ends a page of a query once it has read so much, however little it returns."""
_PAGES_COUNTED: Final = 24
"""Pages of 1 MB that a count reads at most."""
_WRITES_AT_ONCE: Final = 25
_PAGES: Final = 5
"""Pages of a query (1 MB each) that are read for one page of a list: items may be long."""
_SPREAD: Final = 4
"""Items that are read for each one wanted, where a filter may keep few."""
_ROUNDS: Final = 6
"""Calls for what a batch call left undone, the first call included; with pauses of 50 ms, 100 ms and so on."""


class ConditionsFailed(Exception):
    """Raised when conditions did not hold; `items` has, by the name of each failed step, its item (None: no item).

    `is_repetition`: the SDK had sent the call before and got no answer, so the first call may have succeeded.
    """

    def __init__(self, items: Mapping[str, Item | None], *, is_repetition: bool = False) -> None:
        super().__init__(", ".join(items))
        self.items = dict(items)
        self.is_repetition = is_repetition


class Page(NamedTuple):
    """A page of a query."""

    items: list[Item]
    further: Key | None
    """Where the next page starts; None: that was all."""
    size: int
    """Bytes that DynamoDB read, as far as known: those of the answer, or 1 MB where the page ended at that limit."""


class Turn(NamedTuple):
    """The items of one batch read."""

    keys: Sequence[Key]
    """The keys that were asked for."""
    items: Mapping[Key, Item]
    """The items that exist."""
    size: int
    """Bytes of the answer."""


class Table:
    """One table through botocore's DynamoDB client."""

    def __init__(self, client: Any, name: str, deadline: Deadline | None = None) -> None:
        self._client = client
        self._name = name
        self._deadline = deadline or Deadline()

    def get(self, key: Key) -> Item | None:
        """One item, as of the latest write."""
        found = self._call("get_item", Key=_typed(key), ConsistentRead=True).get("Item")
        return None if found is None else from_item(found)

    def get_beside(self, key: Key, other: Key) -> tuple[Item | None, Item | None, bool]:
        """Two items as of the latest write, in one call. The last value: whether the other one is known.

        The other one is never waited for: where DynamoDB has left it out, nothing asks again.

        Raises:
            TemporarilyUnavailable.
        """
        wanted = {"Keys": [_typed(key), _typed(other)], "ConsistentRead": True}
        try:
            answer = self._call("batch_get_item", named=False, RequestItems={self._name: wanted})
        except ClientError:
            # A policy of the release before allows no such call.
            return self.get(key), None, False
        found = {Key.of(item): item for item in _taken_from(answer["Responses"].get(self._name, []))}
        missing = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
        item = self.get(key) if _typed(key) in missing else found.get(key)
        return item, found.get(other), _typed(other) not in missing

    # A step needs no table to be made: these are the functions of `table.expressions`.
    put_step = staticmethod(put_step)
    update_step = staticmethod(update_step)
    delete_step = staticmethod(delete_step)
    check_step = staticmethod(check_step)

    def write(self, steps: Sequence[Step]) -> None:
        """Write all steps or none: a single step as a plain call (half the write units), more as a transaction.

        Raises:
            ConditionsFailed: a condition did not hold.
            Contention: another transaction held one of the items; nothing was written.
            TemporarilyUnavailable: throttled or unanswered.
        """
        if len(steps) == 1:
            (step,) = steps
            method = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[step.kind]
            self._conditional(step.name, method, step.request)
            return
        requests = [{step.kind: {"TableName": self._name, **step.request}} for step in steps]
        try:
            self._call("transact_write_items", named=False, TransactItems=requests)
        except ClientError as error:
            raise _cancelled(error, steps) from None

    def update(self, name: str, key: Key, expression: Expression, returning: str = "ALL_NEW") -> Item:
        """Update one item; returns the attributes that `returning` (ReturnValues) asks for. `name`: as of a step.

        Raises: as `write`.
        """
        step = update_step(name, key, expression)
        answer = self._conditional(name, "update_item", {**step.request, "ReturnValues": returning})
        return from_item(answer.get("Attributes", {}))

    def query(
        self,
        expression: Expression,
        *,
        start: Key | None = None,
        limit: int | None = None,
        forward: bool = True,
        consistent: bool = True,
    ) -> tuple[list[Item], Key | None]:
        """One page of a query: its items, and the key where the next page starts (None: no more).

        A page ends after `limit` evaluated items or 1 MB, whichever comes first. With `consistent=False` it costs
        half, and may miss the latest writes.
        """
        page = self.query_page(expression, start=start, limit=limit, forward=forward, consistent=consistent)
        return page.items, page.further

    def query_page(
        self,
        expression: Expression,
        *,
        start: Key | None = None,
        limit: int | None = None,
        forward: bool = True,
        consistent: bool = True,
    ) -> Page:
        """One page of a query, as `query`, with the bytes that were read."""
        request = expression.parameters("KeyConditionExpression")
        if start is not None:
            request["ExclusiveStartKey"] = _typed(start)
        if limit is not None:
            request["Limit"] = limit
        page = self._call("query", ConsistentRead=consistent, ScanIndexForward=forward, **request)
        last, size = page.get("LastEvaluatedKey"), _size(page)
        if last is None:
            return Page(_taken_from(page["Items"]), None, size)
        if limit is None or page["ScannedCount"] < limit:
            size = max(size, _PAGE_BYTES)
        return Page(_taken_from(page["Items"]), Key(last["PK"]["S"], last["SK"]["S"]), size)

    def query_index(
        self,
        index: str,
        expression: Expression,
        *,
        start: Mapping[str, object] | None = None,
        limit: int,
        forward: bool = True,
    ) -> tuple[list[Item], bool]:
        """One page of a query of an index, and whether it is the last. An index follows the writes by milliseconds.

        `start`: the keys of an item in the table and in the index; the item need not exist any more.
        """
        request = expression.parameters("KeyConditionExpression")
        if start is not None:
            request["ExclusiveStartKey"] = to_item(start)
        page = self._call("query", IndexName=str(index), Limit=limit, ScanIndexForward=forward, **request)
        return _taken_from(page["Items"]), "LastEvaluatedKey" not in page

    def all_of(self, expression: Expression, *, consistent: bool = True) -> Iterator[Item]:
        """Every item of a query, page after page."""
        start = None
        while True:
            items, start = self.query(expression, start=start, consistent=consistent)
            yield from items
            if start is None:
                return

    def newest_of(
        self, expression: Expression, after: Key | None, *, at_most: int, evaluate: int, are_few: bool
    ) -> tuple[list[Item], Key | None]:
        """Up to `at_most` items of a query, newest first, reading no more than `evaluate` items.

        `are_few`: the query's filter may keep few of the items that it reads. The second value is the key to go on
        after; None: no more.
        """
        found: list[Item] = []
        for _ in range(_PAGES):
            # One more than wanted, so that the last page is known to be it.
            limit = min(evaluate, (at_most + 1 - len(found)) * (_SPREAD if are_few else 1))
            items, after = self.query(expression, start=after, limit=limit, forward=False)
            found += items
            evaluate -= limit
            if len(found) > at_most:
                return found[:at_most], Key.of(found[at_most - 1])
            if after is None or len(found) == at_most or evaluate <= 0:
                break
        return found, after

    def how_many_of(self, expression: Expression, at_most: int) -> int | None:
        """The number of items of a query; None: a count would read more than `at_most` items, or 24 MB.

        The read is not strongly consistent, which costs half.
        """
        request = expression.parameters("KeyConditionExpression") | {"Select": "COUNT"}
        found = 0
        for _ in range(_PAGES_COUNTED):
            if at_most <= 0:
                break
            page = self._call("query", Limit=at_most, **request)
            found += int(page["Count"])
            at_most -= int(page["ScannedCount"])
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return None

    def how_many(self, expression: Expression) -> int:
        """The number of items of a query, as of the latest writes; reads all of its pages."""
        request = expression.parameters("KeyConditionExpression") | {
            "Select": "COUNT",
            "ConsistentRead": True,
        }
        found = 0
        while True:
            page = self._call("query", **request)
            found += int(page["Count"])
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """The items under many keys, but for keys without an item.

        Raises:
            TemporarilyUnavailable: DynamoDB returned some of them in none of six calls.
        """
        found: dict[Key, Item] = {}
        for turn in self.get_in_turns(keys, consistent=consistent, at_first=_KEYS_AT_ONCE):
            found |= turn.items
        return found

    def get_in_turns(
        self,
        keys: Iterable[Key],
        *,
        consistent: bool = True,
        only: Sequence[str] = (),
        at_first: int | None = None,
    ) -> Iterator[Turn]:
        """The items under many keys, in the order of the keys, as many at a time as memory holds.

        The size of each batch decides how many keys the next one asks for; `at_first`: keys of the first batch.
        `only`: return the key and these attributes alone. DynamoDB reads whole items all the same, at the full cost.

        Raises:
            TemporarilyUnavailable: DynamoDB returned some of them in none of six calls.
        """
        wanted = list(dict.fromkeys(keys))
        projection = _projection(only) if only else {}
        at_once = at_first or _KEYS_AT_FIRST
        while wanted:
            asked, wanted = wanted[:at_once], wanted[at_once:]
            request = {"Keys": [_typed(key) for key in asked], "ConsistentRead": consistent}
            items, size = self._got(request | projection)
            yield Turn(asked, items, size)
            at_once = min(max(_BYTES_AT_ONCE * len(asked) // max(size, 1), 1), _KEYS_AT_ONCE)

    def _got(self, request: Mapping[str, Any]) -> tuple[dict[Key, Item], int]:
        found: dict[Key, Item] = {}
        size = 0
        for _ in _rounds():
            answer = self._call("batch_get_item", named=False, RequestItems={self._name: request})
            size += _size(answer)
            for item in _taken_from(answer["Responses"].get(self._name, [])):
                found[Key(item["PK"], item["SK"])] = item
            if self._name not in answer.get("UnprocessedKeys", {}):
                break
            request = answer["UnprocessedKeys"][self._name]
        return found, size

    def write_many(self, puts: Mapping[Key, Mapping[str, object]], deletes: Iterable[Key] = ()) -> None:
        """Put and delete many items, each on its own and without conditions. No key may occur twice.

        Raises:
            TemporarilyUnavailable: some may be written, others not.
        """
        requests: list[dict[str, Any]] = [
            {"PutRequest": {"Item": to_item({**key._asdict(), **item})}} for key, item in puts.items()
        ]
        requests += [{"DeleteRequest": {"Key": _typed(key)}} for key in deletes]
        for chunk in _chunks(requests, _WRITES_AT_ONCE):
            rest = chunk
            for _ in _rounds():
                answer = self._call("batch_write_item", named=False, RequestItems={self._name: rest})
                rest = answer.get("UnprocessedItems", {}).get(self._name, [])
                if not rest:
                    break

    def _conditional(self, name: str, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._call(method, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                attempts = error.response["ResponseMetadata"].get("RetryAttempts", 0)
                raise ConditionsFailed(
                    {name: _old_item(error.response)}, is_repetition=attempts > 0
                ) from None
            raise

    def _call(self, method: str, *, named: bool = True, **request: Any) -> dict[str, Any]:
        if not self._deadline.has_time_left(LONGEST_CALL):
            raise TemporarilyUnavailable
        try:
            if named:
                request["TableName"] = self._name
            called: dict[str, Any] = self._logged(method, getattr(self._client, method), request)
            return called
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _CONTENDED:
                raise Contention from None
            if is_busy(error):
                raise TemporarilyUnavailable(is_throttled=code in THROTTLED) from None
            raise
        except NO_ANSWER as error:
            raise TemporarilyUnavailable from error

    @staticmethod
    def _logged(method: str, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """What a call returns. While an operator debugs, it leaves a line."""
        if not debugging.is_on:
            return call(**request)
        from contacts.core import observability

        began, failure = perf_counter(), None
        try:
            return call(**request)
        except ClientError as error:
            failure = error.response["Error"]["Code"]
            raise
        except NO_ANSWER as error:
            failure = type(error).__name__
            raise
        finally:
            observability.record_table_call(method, began, failure)


def _size(answer: Mapping[str, Any]) -> int:
    """The bytes of an answer on the wire; 0 where its headers do not tell."""
    return int(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-length", 0))


def _typed(key: Key) -> dict[str, dict[str, str]]:
    """A key in typed JSON."""
    return {"PK": {"S": key.PK}, "SK": {"S": key.SK}}


def _taken_from(typed: list[Any]) -> list[Item]:
    """The items in typed JSON. Empties `typed` as it goes, because typed JSON takes several times their memory."""
    typed.reverse()
    return [from_item(typed.pop()) for _ in range(len(typed))]


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    expression = Expression()
    names = ", ".join(expression.name(attribute) for attribute in ("PK", "SK", *attributes))
    return {"ProjectionExpression": names, **expression.parameters()}


def _chunks(values: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _rounds() -> Iterator[int]:
    """
    Raises:
        TemporarilyUnavailable: the caller asks for more rounds than there are.
    """
    for number in range(_ROUNDS):
        if number:
            sleep(0.05 * 2 ** (number - 1))
        yield number
    raise TemporarilyUnavailable


def _old_item(holder: Mapping[str, Any]) -> Item | None:
    item = holder.get("Item")
    return from_item(item) if item else None


def _cancelled(error: ClientError, steps: Sequence[Step]) -> Exception:
    """The exception for a cancelled transaction. The reasons are in the order of the steps."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return error
    reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", ())
    codes = [reason.get("Code") for reason in reasons]
    failed = {
        step.name: _old_item(reason)
        for step, reason in zip(steps, reasons, strict=False)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if failed:
        return ConditionsFailed(failed)
    if any(code in _CONFLICT_REASONS for code in codes):
        return Contention()
    if any(code in _BUSY_REASONS for code in codes):
        return TemporarilyUnavailable()
    return error
