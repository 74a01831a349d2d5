"""What the template lets each function do, by its policies: judged as IAM judges it, as far as the template uses it.

    list(refused("get_contact", "update_item", request))    # the actions that no policy of the function has
    Table(Held(client, "project_changes"), NAME)            # ends the test at a call that the function may not make

What a test says a function lacks goes into TableAccess of the template, or is a policy for the function's block.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

from local.template import functions, template

Json = Mapping[str, Any]

_STEPS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The actions of the steps of a transaction."""
_LEADING_KEYS = {"ForAllValues:StringLike": "dynamodb:LeadingKeys"}


@dataclass(frozen=True)
class Statement:
    """What one statement of a policy allows."""

    actions: frozenset[str]
    resources: frozenset[str]
    """Logical ids; of an ARN that is put together, its text."""
    partitions: tuple[str, ...] | None
    """Patterns of the partition keys that it allows (`dynamodb:LeadingKeys`); None: all."""

    def allows(self, action: str, partitions: Iterable[str]) -> bool:
        """Whether the statement allows an action of the table on all of these partitions together.

        A statement on restored tables allows nothing of the table in use.
        """
        if f"dynamodb:{action}" not in self.actions or "Table" not in self.resources:
            return False
        patterns = self.partitions
        return patterns is None or all(
            any(matches(key, pattern) for pattern in patterns) for key in partitions
        )


def matches(value: str, pattern: str) -> bool:
    """Whether a value is like a pattern of IAM's StringLike: `*` is any text, `?` any one character."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


@cache
def statements_of(logical_id: str) -> tuple[Statement, ...]:
    """Every statement of the policies of a function, in the order of the template."""
    resources = template()["Resources"]
    documents: list[Any] = [
        resources[policy["Ref"]]["Properties"]["PolicyDocument"] if "Ref" in policy else policy
        for policy in resources[logical_id]["Properties"].get("Policies", [])
    ]
    return tuple(_statement(statement) for document in documents for statement in document["Statement"])


def refused(function: str, method: str, request: Json) -> Iterator[str]:
    """What of a call of botocore's client (`get_item`) a function's policies refuse, as `PutItem on ACCOUNT#…`.

    `function`: its folder's name.

    All partitions of a call have to be in one statement. So AWS holds it for calls of many items; whether it does so
    for the steps of a transaction its documents do not say, and here it is taken to.
    """
    if method == "transact_write_items":
        steps = [next(iter(step.items())) for step in request["TransactItems"]]
        called = {_STEPS[kind] for kind, _ in steps}
        keys = {_partition(step) for _, step in steps}
    else:
        called = {"".join(word.capitalize() for word in method.split("_"))}
        keys = set(_partitions(method, request))
    for action in sorted(called):
        if not _is_allowed(function, action, frozenset(keys)):
            yield f"{action} on {', '.join(sorted(keys))}"


@lru_cache(10_000)
def _is_allowed(function: str, action: str, partitions: frozenset[str]) -> bool:
    return any(statement.allows(action, partitions) for statement in statements_of(_logical_ids()[function]))


class Lacking(BaseException):
    """Raised in place of a call that IAM would refuse. No handler of ours catches it."""


class Held:
    """A client that makes the calls that a function's policies allow, and no others."""

    def __init__(self, client: Any, function: str) -> None:
        self._client = client
        self._function = function

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        for what in refused(self._function, method, request):
            raise Lacking(f"{self._function} lacks {what}")
        return getattr(self._client, method)(**request)


@cache
def _logical_ids() -> Mapping[str, str]:
    return {function.name: function.logical_id for function in functions()}


def _partitions(method: str, request: Json) -> Iterator[str]:
    match method:
        case "batch_get_item":
            for wanted in request["RequestItems"].values():
                yield from (key["PK"]["S"] for key in wanted["Keys"])
        case "batch_write_item":
            for steps in request["RequestItems"].values():
                for step in steps:
                    (part,) = step.values()
                    yield _partition(part)
        case "query":
            yield _queried(request)
        case _:
            yield _partition(request)


def _partition(part: Json) -> str:
    key: Json = part.get("Key") or part["Item"]
    partition: str = key["PK"]["S"]
    return partition


def _queried(request: Json) -> str:
    """The partition that a query names: `#n = :v`, with #n for PK."""
    names = {placeholder for placeholder, name in request["ExpressionAttributeNames"].items() if name == "PK"}
    found = re.search(r"(#\w+) = (:\w+)", request["KeyConditionExpression"])
    assert found is not None, request["KeyConditionExpression"]
    assert found[1] in names, request
    partition: str = request["ExpressionAttributeValues"][found[2]]["S"]
    return partition


def _statement(statement: Json) -> Statement:
    assert statement["Effect"] == "Allow"
    patterns = None
    for operator, condition in statement.get("Condition", {}).items():
        if operator in _LEADING_KEYS:
            patterns = tuple(_texts(condition[_LEADING_KEYS[operator]]))
    return Statement(
        frozenset(_texts(statement["Action"])), frozenset(_texts(statement["Resource"])), patterns
    )


def _texts(value: Any) -> list[str]:
    """A value of the template as texts: intrinsics for joining and splitting carried out, resources by logical id."""
    match value:
        case str():
            return [value]
        case list():
            return [text for member in value for text in _texts(member)]
        case {"Fn::GetAtt": str(name)}:
            return [name.removesuffix(".Arn")]
        case {"Ref": str(name)} | {"Fn::Sub": str(name)}:
            return [name]
        case {"Fn::FindInMap": [mapping, first, second]}:
            return _texts(template()["Mappings"][mapping][first][second])
        case {"Fn::Split": [separator, text]}:
            (whole,) = _texts(text)
            return whole.split(separator)
        case {"Fn::Join": [separator, parts]}:
            return [separator.join(_texts(parts))]
    raise ValueError(value)
