"""The DynamoDB table: single calls, and what their failures mean.

Reads are strongly consistent. A call is retried by the SDK (`aws_clients`: three attempts within nine seconds) and not
begun where the request has less time than that: then, or when all attempts failed, it is `TemporarilyUnavailable`.
Failed conditions come back as `ConditionsFailed` with the items that stood in the way, so that nobody has to read again
to learn why.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import sleep
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.time import Deadline
from contacts.table.aws import NO_ANSWER, is_busy
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
MAX_STEPS: Final = 100
"""Of one transaction."""
_KEYS_AT_ONCE: Final = 100
_KEYS_AT_FIRST: Final = 64
"""A page of fifty in one call, and no more than a function has memory for where each has 350 KB."""
_BYTES_AT_ONCE: Final = 2 << 20
"""Of an answer on the wire, as far as the one before it tells. Each small value of it takes 250 bytes until it is read.
"""
_PAGE_BYTES: Final = 1 << 20
"""Where a query ends of itself: so much was read, however little was kept."""
_PAGES_COUNTED: Final = 24
"""Of so many MB, at most."""
_WRITES_AT_ONCE: Final = 25
_PAGES: Final = 5
"""Of a query, for one page of a list: each is at most 1 MB, and items may be long."""
_SPREAD: Final = 4
"""So many items are looked at for each that is wanted, where few may be kept."""
_ROUNDS: Final = 6
"""How often what a batch call left undone is asked for again, after pauses of 50 ms, 100 ms and so on."""


class ConditionsFailed(Exception):
    """Raised when conditions did not hold; `items` has, by step, the item that stood in the way (or None).

    `is_repetition`: the SDK had sent the call before and did not get its answer, so it may have been carried out.
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
    """What it cost to read, in bytes: of the answer, or 1 MB where the page ended for that much was looked at."""


class Turn(NamedTuple):
    """Some of many items."""

    keys: Sequence[Key]
    """Those that were asked for."""
    items: Mapping[Key, Item]
    """Those that are there."""
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

    # A step needs no table to be made: these are the functions of `table.expressions`.
    put_step = staticmethod(put_step)
    update_step = staticmethod(update_step)
    delete_step = staticmethod(delete_step)
    check_step = staticmethod(check_step)

    def write(self, steps: Sequence[Step]) -> None:
        """Carry out all steps or none: a single one as a plain call (half the units), more as a transaction.

        Raises:
            ConditionsFailed: by step name, what stood in the way.
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
        """Update one item and give back what `returning` (ReturnValues) asks for.

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
        """One page of a query: items, and where the next page starts (None: that was all).

        A page ends after `limit` evaluated items or 1 MB, whichever comes first. One that is not consistent costs
        half, and may miss what was written in the last moment.
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
        """The same, with what it cost to read."""
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
        """One page of a query of an index, and whether that was all. An index follows the writes by milliseconds.

        `start`: the keys, of the table and of the index, of an item; it need not exist any more.
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
        """Up to `at_most` items of a query, backwards, looking at no more than `evaluate`.

        `are_few`: what the query keeps may be few of those that it looks at. The second value is the key to go on
        after; None when there are no more.
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
        """How many items a query finds, page after page; None: it would have to look at more than so many.

        Not strongly consistent, which costs half. Nor does it look at more than 24 MB.
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
        """How many items a query finds, page after page, as of the latest writes."""
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
        """Those of many items that are there.

        Raises:
            TemporarilyUnavailable: some were not handed out, however often they were asked for.
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
        """Those of many items that are there, in the order of their keys, so many at a time as memory can hold.

        How many that is, each turn tells of the next; `at_first`: how many the first asks for. `only`: give back no
        other attributes than the key and these; all are read, and cost what they cost, but few come back.

        Raises:
            TemporarilyUnavailable: some were not handed out, however often they were asked for.
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
        """Put and delete many items, each for itself and unconditionally; no key may come twice.

        Raises:
            TemporarilyUnavailable: some may be written, some not.
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
            response: dict[str, Any] = getattr(self._client, method)(**request)
            return response
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _CONTENDED:
                raise Contention from None
            if is_busy(error):
                raise TemporarilyUnavailable from None
            raise
        except NO_ANSWER as error:
            raise TemporarilyUnavailable from error


def _size(answer: Mapping[str, Any]) -> int:
    """How many bytes an answer had on the wire."""
    return int(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("content-length", 0))


def _typed(key: Key) -> dict[str, dict[str, str]]:
    """A key in typed JSON."""
    return {"PK": {"S": key.PK}, "SK": {"S": key.SK}}


def _taken_from(typed: list[Any]) -> list[Item]:
    """The items that typed JSON stands for. It is gone then, piece by piece: it takes several times their memory."""
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
        TemporarilyUnavailable: the last round did not do it.
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
    """What a cancelled transaction means. Its reasons stand in the order of its steps."""
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
