"""Python values as DynamoDB's typed JSON; expressions; the steps of a transaction.

Our own, because boto3's serializer needs all of boto3 (60 ms of a cold start), knows numbers as Decimal only
and refuses floats. Sets of strings are Python frozensets; None is NULL.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from contacts.core.json import exact_number, same_json
from contacts.table.keys import EXPRESSION_NAME, Key

AttributeValue = dict[str, Any]
Item = dict[str, Any]
"""Plain Python values by attribute name."""


class StoredMap(Mapping[str, Any]):
    """A map in typed JSON. It becomes plain values only where somebody looks into it, and is written as it was read."""

    __slots__ = ("_plain", "attribute")

    def __init__(self, attribute: AttributeValue) -> None:
        self.attribute = attribute
        self._plain: dict[str, Any] | None = None

    def _values(self) -> dict[str, Any]:
        if self._plain is None:
            self._plain = from_attribute(self.attribute)
        return self._plain

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self.attribute["M"])


def same_value(one: object, another: object) -> bool:
    """Whether two values are the same JSON. Of stored maps only what differs is looked at."""
    if isinstance(one, StoredMap) and isinstance(another, StoredMap):
        return _same_attribute(one.attribute, another.attribute)
    return same_json(one, another)


def _same_attribute(one: AttributeValue, another: AttributeValue) -> bool:
    if one == another:
        return True
    ((kind, value),), ((other_kind, other),) = one.items(), another.items()
    if kind != other_kind:
        return False
    match kind:
        case "M":
            return value.keys() == other.keys() and all(
                _same_attribute(value[key], other[key]) for key in value
            )
        case "L":
            return len(value) == len(other) and all(map(_same_attribute, value, other))
        case "N":
            return bool(exact_number(value) == exact_number(other))
        case _:
            return False


def to_attribute(value: object) -> AttributeValue:
    """A value in typed JSON.

    Raises:
        TypeError: DynamoDB has no type for it.
    """
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case StoredMap():
            return value.attribute
        case Mapping():
            return {"M": {key: to_attribute(entry) for key, entry in value.items()}}
        case list() | tuple():
            return {"L": [to_attribute(entry) for entry in value]}
        case frozenset():
            return {"SS": sorted(value)}
        case _:
            raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def from_attribute(attribute: AttributeValue) -> Any:
    """The Python value of an attribute in typed JSON."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return exact_number(value)
        case "M":
            return {key: from_attribute(entry) for key, entry in value.items()}
        case "L":
            return [from_attribute(entry) for entry in value]
        case "SS":
            return frozenset(value)
        case "NULL":
            return None
        case _:
            raise TypeError(f"an attribute of type {kind} is none of ours")


def to_item(values: Mapping[str, object]) -> dict[str, AttributeValue]:
    """An item in typed JSON; attributes that are None are left out."""
    return {key: to_attribute(value) for key, value in values.items() if value is not None}


def from_item(item: Mapping[str, AttributeValue], kept: Collection[str] = ()) -> Item:
    """An item in plain values. `kept`: attributes that stay as they are stored, where they are maps (`StoredMap`)."""
    return {
        key: StoredMap(value) if key in kept and "M" in value else from_attribute(value)
        for key, value in item.items()
    }


def item_size(values: Mapping[str, object]) -> int:
    """An upper bound of the bytes DynamoDB counts for an item ("Item sizes and formats", developer guide)."""
    return sum(len(key.encode()) + _size(value) for key, value in values.items() if value is not None)


def entry_size(key: str, value: object) -> int:
    """An upper bound of the bytes that one attribute, or one key of a map, adds to an item."""
    return len(key.encode()) + 1 + _size(value)


def _size(value: object) -> int:
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int() | float() | Decimal():
            # One byte for two digits and at most three more for exponent and sign.
            return min(21, len(str(value)) // 2 + 4)
        case StoredMap():
            return _attribute_size(value.attribute)
        case Mapping():
            return 3 + sum(entry_size(key, entry) for key, entry in value.items())
        case list() | tuple() | frozenset():
            return 3 + sum(1 + _size(entry) for entry in value)
        case _:
            raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def _attribute_size(attribute: AttributeValue) -> int:
    """`_size` of a value in typed JSON."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return min(21, len(value) // 2 + 4)
        case "M":
            return 3 + sum(len(key.encode()) + 1 + _attribute_size(entry) for key, entry in value.items())
        case "L":
            return 3 + sum(1 + _attribute_size(entry) for entry in value)
        case _:
            return _size(from_attribute(attribute))


class Expression:
    """The placeholders of one request, and its condition, update, filter or key condition."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}
        self._sets: list[str] = []
        self._removes: list[str] = []
        self._adds: list[str] = []
        self._deletes: list[str] = []
        self._conditions: list[str] = []
        self._filters: list[str] = []

    @classmethod
    def of_partition(cls, partition: str) -> Self:
        """The key condition of a query for a whole partition."""
        expression = cls()
        expression.require(expression.equals("PK", partition))
        return expression

    @classmethod
    def of_span(cls, first: Key, last: Key) -> Self:
        """The key condition of a query for the keys of a partition from one to another, both included."""
        expression = cls.of_partition(first.PK)
        expression.require(expression.between("SK", first.SK, last.SK))
        return expression

    @classmethod
    def of_beginning(cls, beginning: Key) -> Self:
        """The key condition of a query for the keys of a partition that begin like one."""
        expression = cls.of_partition(beginning.PK)
        expression.require(f"begins_with({expression.name('SK')}, {expression.value(beginning.SK)})")
        return expression

    def name(self, *path: str) -> str:
        """The placeholder of an attribute, or of a key inside a map."""
        return ".".join(self._names.setdefault(part, f"{EXPRESSION_NAME}{len(self._names)}") for part in path)

    def value(self, value: object) -> str:
        """The placeholder of a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = to_attribute(value)
        return placeholder

    def set(self, path: str | tuple[str, ...], value: object) -> str:
        """Set an attribute (or a key of a map) to a value. Returns the condition that it has the value already."""
        path = (path,) if isinstance(path, str) else path
        assignment = f"{self.name(*path)} = {self.value(value)}"
        self._sets.append(assignment)
        return assignment

    def assign(self, attribute: str, value: object) -> None:
        """Set an attribute to a value; None: remove it."""
        if value is None:
            self.remove(attribute)
        else:
            self.set(attribute, value)

    def set_once(self, attribute: str, value: object) -> None:
        """Set an attribute where it has no value yet."""
        name = self.name(attribute)
        self._sets.append(f"{name} = if_not_exists({name}, {self.value(value)})")

    def increase(self, attribute: str, by: int, otherwise: int | None = None) -> None:
        """Add to a number. `otherwise`: the value to start from where there is none; without it there must be one."""
        name = self.name(attribute)
        number = name if otherwise is None else f"if_not_exists({name}, {self.value(otherwise)})"
        self._sets.append(f"{name} = {number} + {self.value(by)}")

    def remove(self, *path: str) -> str:
        """Remove an attribute, or a key of a map. Returns the condition that there is none already."""
        name = self.name(*path)
        self._removes.append(name)
        return f"attribute_not_exists({name})"

    def add(self, attribute: str, value: object) -> None:
        """Add to a number or to a set; either starts empty where there is none."""
        self._adds.append(f"{self.name(attribute)} {self.value(value)}")

    def discard(self, attribute: str, values: frozenset[str]) -> None:
        """Remove values from a set. Where the last one goes, the attribute goes."""
        self._deletes.append(f"{self.name(attribute)} {self.value(values)}")

    def count_up(self, attribute: str, at_most: int, by: int = 1) -> None:
        """Add to a number, from 0 where there is none, on condition that it is `at_most` afterwards or less.

        `by`: `at_most` or less itself.
        """
        self.add(attribute, by)
        name = self.name(attribute)
        self.require(f"(attribute_not_exists({name}) OR {name} <= {self.value(at_most - by)})")

    def require(self, condition: str) -> None:
        """Add a condition of the write; all of them must hold. (An OR inside needs its own parentheses.)"""
        self._conditions.append(condition)

    def keep(self, condition: str) -> None:
        """Add a filter of a query; all of them must hold. Items that a filter drops cost the same."""
        self._filters.append(condition)

    def equals(self, attribute: str, value: object) -> str:
        """The condition that an attribute has a value; None: that it has none."""
        if value is None:
            return f"attribute_not_exists({self.name(attribute)})"
        return f"{self.name(attribute)} = {self.value(value)}"

    def has(self, attribute: str) -> str:
        """The condition that there is an attribute."""
        return f"attribute_exists({self.name(attribute)})"

    def between(self, attribute: str, low: object, high: object) -> str:
        """The condition that an attribute has a value from one to another, both included."""
        return f"{self.name(attribute)} BETWEEN {self.value(low)} AND {self.value(high)}"

    def has_fewer(self, attribute: str, values: int) -> str:
        """The condition that a set has fewer values than so many."""
        name = self.name(attribute)
        return f"(attribute_not_exists({name}) OR size({name}) < {self.value(values)})"

    def has_at_least(self, attribute: str, values: int) -> str:
        """The condition that a set has so many values (at least 1), or more."""
        name = self.name(attribute)
        return f"(attribute_exists({name}) AND size({name}) >= {self.value(values)})"

    def is_free(self) -> str:
        """The condition that there is no item under the key."""
        return f"attribute_not_exists({self.name('PK')})"

    def is_there(self) -> str:
        """The condition that there is an item under the key."""
        return f"attribute_exists({self.name('PK')})"

    def never(self) -> str:
        """A condition that does not hold for any item: the write fails, and the item is returned."""
        return f"({self.is_there()} AND {self.is_free()})"

    def parameters(self, conditions_as: str = "ConditionExpression") -> dict[str, Any]:
        """The parameters of a request for DynamoDB. `conditions_as`: the parameter that holds the conditions."""
        clauses = (
            ("SET", self._sets),
            ("REMOVE", self._removes),
            ("ADD", self._adds),
            ("DELETE", self._deletes),
        )
        update = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)
        conditions = " AND ".join(self._conditions)
        given: Iterable[tuple[str, Any]] = (
            ("UpdateExpression", update),
            (conditions_as, conditions),
            ("FilterExpression", " AND ".join(self._filters)),
            ("ExpressionAttributeNames", {placeholder: name for name, placeholder in self._names.items()}),
            ("ExpressionAttributeValues", self._values),
        )
        return {parameter: value for parameter, value in given if value}


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a transaction, in typed JSON."""

    name: str
    """The name under which `ConditionsFailed` lists the step."""
    kind: str
    """`Put`, `Update`, `Delete` or `ConditionCheck`."""
    request: Mapping[str, Any]


def put_step(name: str, key: Key, item: Mapping[str, object], expression: Expression | None = None) -> Step:
    """The step that puts an item, under a condition. `item`: its attributes without the key."""
    return Step(name, "Put", {"Item": to_item({**key._asdict(), **item}), **_guarded(expression)})


def update_step(name: str, key: Key, expression: Expression) -> Step:
    """The step that updates an item, under a condition."""
    return Step(name, "Update", {"Key": to_item(key._asdict()), **_guarded(expression)})


def delete_step(name: str, key: Key, expression: Expression | None = None) -> Step:
    """The step that deletes an item, under a condition."""
    return Step(name, "Delete", {"Key": to_item(key._asdict()), **_guarded(expression)})


def check_step(name: str, key: Key, expression: Expression) -> Step:
    """The step that writes nothing and holds the transaction to a condition on an item."""
    return Step(name, "ConditionCheck", {"Key": to_item(key._asdict()), **_guarded(expression)})


def _guarded(expression: Expression | None) -> dict[str, Any]:
    """The parameters of a write, which gets back the item that fails its condition."""
    parameters = {} if expression is None else expression.parameters()
    if "ConditionExpression" in parameters:
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return parameters
