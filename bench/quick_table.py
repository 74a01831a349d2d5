"""DynamoDB in memory for benchmarks: as much of it as this service uses, a hundred times quicker than moto.

moto and MiniStack read an expression anew for each call, which takes more CPU than the function that is measured.
Here an expression is compiled once. `tests/unit/table/test_quick_table.py` holds it against moto.
"""

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

Json = dict[str, Any]
Typed = dict[str, Any]
"""An item in typed JSON. None is changed once it is stored."""
Names = Mapping[str, str]
Values = Mapping[str, Any]
Operand = Callable[[Typed, Names, Values], Any]
"""The attribute value (typed) of an operand; None: there is none."""
Condition = Callable[[Typed, Names, Values], bool]
_PREFIX: Final = "com.amazonaws.dynamodb.v20120810#"
_TOKEN: Final = re.compile(r"\s*(<>|<=|>=|[=<>(),+\-]|[#:]?\w+(?:\.[#\w]+)*)")


class Refused(Exception):
    """What DynamoDB answers instead. `document`: its error."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.document = {"__type": f"{_PREFIX}{code}", "message": code, **more}


# ==== expressions =====================================================================================================


class _Parser:
    """Reads one expression from the left."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        self._at += 1
        return str(self._tokens[self._at - 1])

    def takes(self, *tokens: str) -> bool:
        if self.peek() in tokens:
            self._at += 1
            return True
        return False

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self.takes("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda i, n, v: any(part(i, n, v) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self.takes("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda i, n, v: all(part(i, n, v) for part in parts)

    def _negation(self) -> Condition:
        if self.takes("NOT"):
            inner = self._negation()
            return lambda i, n, v: not inner(i, n, v)
        if self.takes("("):
            inner = self.condition()
            self.next()
            return inner
        if self.peek() in _TESTS:
            test = _TESTS[self.next()]
            arguments = self._arguments()
            return lambda i, n, v: test(*(argument(i, n, v) for argument in arguments))
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self.operand()
        operator = self.next()
        if operator == "BETWEEN":
            low = self.operand()
            self.next()
            high = self.operand()
            return lambda i, n, v: (
                _compared(">=", left(i, n, v), low(i, n, v)) and _compared("<=", left(i, n, v), high(i, n, v))
            )
        if operator == "IN":
            among = self._arguments()
            return lambda i, n, v: any(_compared("=", left(i, n, v), one(i, n, v)) for one in among)
        right = self.operand()
        return lambda i, n, v: _compared(operator, left(i, n, v), right(i, n, v))

    def _arguments(self) -> list[Operand]:
        self.next()
        found = [self.operand()]
        while self.takes(","):
            found.append(self.operand())
        self.next()
        return found

    def operand(self) -> Operand:
        token = self.next()
        if token == "size":
            (inner,) = self._arguments()
            return lambda i, n, v: _size(inner(i, n, v))
        if token == "if_not_exists":
            first, otherwise = self._arguments()
            return lambda i, n, v: found if (found := first(i, n, v)) is not None else otherwise(i, n, v)
        if token.startswith(":"):
            return lambda _, __, v: v[token]
        return lambda i, n, _: _at(i, _path(token, n))

    def sum(self) -> Operand:
        left = self.operand()
        if self.peek() in ("+", "-"):
            sign = 1 if self.next() == "+" else -1
            right = self.operand()
            return lambda i, n, v: _number(Decimal(left(i, n, v)["N"]) + sign * Decimal(right(i, n, v)["N"]))
        return left

    def update(self) -> Iterator[tuple[str, str, Operand | None]]:
        while verb := self.peek():
            self.next()
            while True:
                path = self.next()
                if verb == "SET":
                    self.next()
                    yield verb, path, self.sum()
                else:
                    yield verb, path, None if verb == "REMOVE" else self.operand()
                if not self.takes(","):
                    break


@cache
def _condition(text: str) -> Condition:
    return _Parser(text).condition()


@cache
def _update(text: str) -> tuple[tuple[str, str, Operand | None], ...]:
    return tuple(_Parser(text).update())


def _path(token: str, names: Names) -> list[str]:
    return [names.get(part, part) for part in token.split(".")]


def _at(item: Typed, path: Sequence[str]) -> Any:
    found: Any = item.get(path[0])
    for part in path[1:]:
        found = None if found is None else found.get("M", {}).get(part)
    return found


def _number(value: Decimal) -> Json:
    return {"N": str(value)}


def _size(value: Any) -> Any:
    if value is None:
        return None
    ((_, inner),) = value.items()
    return {"N": str(len(inner))}


def _plain(value: Any) -> tuple[str, Any]:
    ((kind, inner),) = value.items()
    return kind, Decimal(inner) if kind == "N" else inner


def _compared(operator: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return operator == "<>" and left is not right
    (kind, one), (other_kind, other) = _plain(left), _plain(right)
    if operator in ("=", "<>"):
        is_equal = kind == other_kind and (sorted(one) == sorted(other) if kind == "SS" else one == other)
        return is_equal == (operator == "=")
    if kind != other_kind:
        return False
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


def _contains(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    kind, inner = _plain(value)
    return wanted in inner if kind == "L" else wanted["S"] in inner


_TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "begins_with": lambda value, start: value is not None and value.get("S", "").startswith(start["S"]),
    "contains": _contains,
    "attribute_type": lambda value, kind: value is not None and kind["S"] in value,
}


def _updated(item: Typed, request: Mapping[str, Any]) -> Typed:
    names, values = _placeholders(request)
    changed = dict(item)
    for verb, token, operand in _update(request.get("UpdateExpression", "")):
        path = _path(token, names)
        given = None if operand is None else operand(item, names, values)
        if verb == "SET":
            _put(changed, path, given)
        elif verb == "REMOVE":
            _put(changed, path, None)
        else:
            _put(changed, path, _combined(verb, _at(item, path), given))
    return changed


def _combined(verb: str, held: Any, given: Any) -> Any:
    """The value after ADD or DELETE."""
    if "N" in given:
        return _number(Decimal(given["N"]) + (Decimal(0) if held is None else Decimal(held["N"])))
    (kind,) = given
    members = set(() if held is None else held[kind])
    members = members | set(given[kind]) if verb == "ADD" else members - set(given[kind])
    return {kind: sorted(members)} if members else None


def _put(item: Typed, path: Sequence[str], value: Any) -> None:
    """Set what a path leads to, or remove it. Maps on the way are copied."""
    if len(path) == 1:
        if value is None:
            item.pop(path[0], None)
        else:
            item[path[0]] = value
        return
    inner = dict(item.get(path[0], {}).get("M", {}))
    _put(inner, path[1:], value)
    item[path[0]] = {"M": inner}


def _placeholders(request: Mapping[str, Any]) -> tuple[Names, Values]:
    return request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})


def _holds(request: Mapping[str, Any], item: Typed | None, of: str = "ConditionExpression") -> bool:
    return of not in request or _condition(request[of])(item or {}, *_placeholders(request))


# ==== the table =======================================================================================================


class QuickTable:
    """The table."""

    name = "memory"

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Typed]] = defaultdict(dict)
        self._order: dict[str, list[str]] = defaultdict(list)
        self._tokens: set[str] = set()

    # The protocol of `bench.service.Database`

    def call(self, method: str, request: Mapping[str, Any]) -> tuple[int, Json]:
        """Carry out a call."""
        try:
            answer: Json = getattr(self, f"_{method}")(request)
            return 200, answer
        except Refused as refused:
            return 400, refused.document

    # Beside it

    def items_below(self, prefix: str) -> list[Typed]:
        """Every item whose partition key begins with a prefix."""
        return [item for key, own in self._items.items() if key.startswith(prefix) for item in own.values()]

    def snapshot(self) -> Any:
        """The contents as they are now, for `bring_back`."""
        return {key: dict(own) for key, own in self._items.items()}

    def bring_back(self, snapshot: Mapping[str, dict[str, Typed]]) -> None:
        """Have the contents of a snapshot again."""
        self._items = defaultdict(dict, {key: dict(own) for key, own in snapshot.items()})
        self._order = defaultdict(list, {key: sorted(own) for key, own in snapshot.items()})

    # Calls

    def _get_item(self, request: Mapping[str, Any]) -> Json:
        item = self._item(request["Key"])
        return {} if item is None else {"Item": item}

    def _batch_get_item(self, request: Mapping[str, Any]) -> Json:
        return {
            "Responses": {
                name: [item for key in wanted["Keys"] if (item := self._item(key)) is not None]
                for name, wanted in request["RequestItems"].items()
            },
            "UnprocessedKeys": {},
        }

    def _transact_get_items(self, request: Mapping[str, Any]) -> Json:
        return {"Responses": [self._get_item(one["Get"]) for one in request["TransactItems"]]}

    def _put_item(self, request: Mapping[str, Any]) -> Json:
        return self._single("Put", request)

    def _update_item(self, request: Mapping[str, Any]) -> Json:
        return self._single("Update", request)

    def _delete_item(self, request: Mapping[str, Any]) -> Json:
        return self._single("Delete", request)

    def _batch_write_item(self, request: Mapping[str, Any]) -> Json:
        for writes in request["RequestItems"].values():
            for write in writes:
                ((kind, part),) = write.items()
                self._apply(kind.removesuffix("Request"), part)
        return {"UnprocessedItems": {}}

    def _transact_write_items(self, request: Mapping[str, Any]) -> Json:
        token = request.get("ClientRequestToken")
        if token in self._tokens:
            return {}
        reasons, has_failed = [], False
        for step in request["TransactItems"]:
            ((_, part),) = step.items()
            item = self._item(part.get("Key") or part["Item"])
            if _holds(part, item):
                reasons.append({"Code": "None"})
                continue
            has_failed = True
            reasons.append({"Code": "ConditionalCheckFailed", "Message": "failed", **_shown(part, item)})
        if has_failed:
            raise Refused("TransactionCanceledException", Message="cancelled", CancellationReasons=reasons)
        for step in request["TransactItems"]:
            ((kind, part),) = step.items()
            self._apply(kind, part)
        if token is not None:
            self._tokens.add(token)
        return {}

    def _query(self, request: Mapping[str, Any]) -> Json:
        names, values = _placeholders(request)
        condition = _condition(request["KeyConditionExpression"])
        partition = values[_partition_placeholder(request["KeyConditionExpression"], _own_name(names, "PK"))][
            "S"
        ]
        limit, found, scanned, last = request.get("Limit"), [], 0, None
        for item in self._ordered(partition, request):
            if not condition(item, names, values):
                continue
            scanned += 1
            if _holds(request, item, "FilterExpression"):
                found.append(item)
            if scanned == limit:
                last = {name: item[name] for name in ("PK", "SK", *_index_of(request))}
                break
        answer: Json = {"Count": len(found), "ScannedCount": scanned}
        if request.get("Select") != "COUNT":
            answer["Items"] = found
        return answer if last is None else answer | {"LastEvaluatedKey": last}

    # Helpers

    def _ordered(self, partition: str, request: Mapping[str, Any]) -> Iterator[Typed]:
        """The items of a partition, or of an index, in the order of a query and from where it goes on."""
        own, forward = self._items.get(partition, {}), request.get("ScanIndexForward", True)
        start = request.get("ExclusiveStartKey")
        if not _index_of(request):
            order = self._order.get(partition, [])
            if start is not None:
                at = bisect_left(order, start["SK"]["S"])
                is_there = at < len(order) and order[at] == start["SK"]["S"]
                order = order[at + is_there :] if forward else order[:at]
            yield from (own[key] for key in (order if forward else reversed(order)))
            return
        (index,) = _index_of(request)
        entries = sorted((item[index]["S"], item["SK"]["S"]) for item in own.values() if index in item)
        if start is not None:
            at_key = (start[index]["S"], start["SK"]["S"])
            entries = [one for one in entries if (one > at_key if forward else one < at_key)]
        for value, key in entries if forward else reversed(entries):
            yield {"PK": {"S": partition}, "SK": {"S": key}, index: {"S": value}}

    def _single(self, kind: str, request: Mapping[str, Any]) -> Json:
        item = self._item(request.get("Key") or request["Item"])
        if not _holds(request, item):
            raise Refused("ConditionalCheckFailedException", **_shown(request, item))
        after = self._apply(kind, request)
        match request.get("ReturnValues", "NONE"):
            case "ALL_OLD":
                return {} if item is None else {"Attributes": item}
            case "ALL_NEW":
                return {"Attributes": after}
            case "UPDATED_NEW":
                names, _ = _placeholders(request)
                touched = [_path(token, names)[0] for _, token, _ in _update(request["UpdateExpression"])]
                return {"Attributes": {name: after[name] for name in touched if after and name in after}}
        return {}

    def _apply(self, kind: str, part: Mapping[str, Any]) -> Typed | None:
        key = part.get("Key") or part["Item"]
        if kind == "ConditionCheck":
            return None
        if kind == "Delete":
            self._store(key, None)
            return None
        item = dict(part["Item"]) if kind == "Put" else _updated(self._item(key) or dict(key), part)
        self._store(key, item)
        return item

    def _item(self, key: Mapping[str, Any]) -> Typed | None:
        return self._items.get(key["PK"]["S"], {}).get(key["SK"]["S"])

    def _store(self, key: Mapping[str, Any], item: Typed | None) -> None:
        partition, sort_key = key["PK"]["S"], key["SK"]["S"]
        own = self._items[partition]
        if item is None:
            if own.pop(sort_key, None) is not None:
                order = self._order[partition]
                del order[bisect_left(order, sort_key)]
            return
        if sort_key not in own:
            insort(self._order[partition], sort_key)
        own[sort_key] = item


def _own_name(names: Names, attribute: str) -> str:
    """The placeholder of an attribute, or the attribute itself where it has none."""
    return next((given for given, real in names.items() if real == attribute), attribute)


@cache
def _partition_placeholder(condition: str, name: str) -> str:
    """The placeholder of the value that a key condition compares the partition key with."""
    found = re.search(rf"{re.escape(name)} = (:\w+)", condition)
    assert found is not None, condition
    return found[1]


def _shown(request: Mapping[str, Any], item: Typed | None) -> Json:
    wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return {"Item": item} if wanted and item is not None else {}


def _index_of(request: Mapping[str, Any]) -> list[str]:
    return [request["IndexName"]] if "IndexName" in request else []
