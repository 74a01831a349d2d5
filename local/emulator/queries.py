"""Reading a large table takes less time.

- A Query of MiniStack looks at every item of its partition: three seconds where it has 100,000. Here it looks at those
  from the place on where its answer begins.
- It reads a projection anew for each item. Here names of attributes are read once.
"""

import functools
import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb

from local.emulator.permissions import leading_keys_of
from local.emulator.state import end_of_stream

LARGE_PARTITION = 1_000
"""Items from which on a Query takes a way of its own."""
LARGEST_PAGE = 25_000
"""Items. A page has a megabyte at most, and each item of ours 49 bytes at least."""


class KeysInOrder(NamedTuple):
    """The sort keys of a partition, as long as nothing is written to its table."""

    of: tuple
    keys: list[str]


def begin_queries_at_their_place() -> None:
    """Let a Query of a large partition look at a page of it, not at all of it."""
    query, known = dynamodb._query, {}

    def keys_in_order(name, partition, items):
        scope = (get_account_id(), get_region(), name)
        state = (id(items), len(items), end_of_stream(scope))
        if (scope, partition) not in known or known[scope, partition].of != state:
            known[scope, partition] = KeysInOrder(state, sorted(items))
        return known[scope, partition].keys

    def of_page(request):
        name, keys_of = request.get("TableName"), leading_keys_of(request)
        table = dynamodb._tables.get(name)
        items = table["items"].get(keys_of[0]) if table and keys_of and "IndexName" not in request else None
        if items is None or len(items) < LARGE_PARTITION or table["sk_name"] != "SK":
            return query(request)
        page = keys_of_page(request, keys_in_order(name, keys_of[0], items))
        table["items"][keys_of[0]] = {key: items[key] for key in page}
        try:
            return query(request)
        finally:
            table["items"][keys_of[0]] = items

    dynamodb._query = of_page


def keys_of_page(request: dict, keys: list[str]) -> list[str]:
    """The sort keys that a page of a Query may hold, of all that its partition has, in their order."""
    names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
    first, end = 0, len(keys)
    condition = request["KeyConditionExpression"]
    for name, low, high in re.findall(r"([#\w]+) BETWEEN (:\w+) AND (:\w+)", condition):
        if names.get(name, name) == "SK":
            first, end = bisect_left(keys, values[low]["S"]), bisect_right(keys, values[high]["S"])
    for name, beginning in re.findall(r"begins_with\(([#\w]+), (:\w+)\)", condition):
        if names.get(name, name) == "SK":
            first = bisect_left(keys, values[beginning]["S"])
            end = bisect_left(keys, values[beginning]["S"] + "\U0010ffff")
    after = request.get("ExclusiveStartKey", {}).get("SK", {}).get("S")
    # The one that the page begins after, and one that says that there are more.
    most = min(request.get("Limit", LARGEST_PAGE) + 2, LARGEST_PAGE)
    if request.get("ScanIndexForward", True):
        first = first if after is None else max(first, bisect_left(keys, after))
        return keys[first : min(end, first + most)]
    end = end if after is None else min(end, bisect_right(keys, after))
    return keys[max(first, end - most) : end]


def read_projections_once() -> None:
    """Project items on attributes, named by placeholders, without reading the expression anew for each item."""
    project = dynamodb._project_item

    @functools.lru_cache(maxsize=1_000)
    def attributes_of(expression, names):
        """The attributes, in their order; None: something else is named."""
        placeholders, attributes = [name.strip() for name in expression.split(",")], dict(names)
        is_plain = len(set(placeholders)) == len(placeholders) and attributes.keys() >= set(placeholders)
        is_plain = is_plain and all(re.fullmatch(r"#\w+", name) for name in placeholders)
        found = [attributes[name] for name in placeholders] if is_plain else ()
        return found if len(set(found)) == len(placeholders) else None

    def projected(item, expression, names):
        attributes = attributes_of(expression, tuple(names.items())) if expression and names else None
        if attributes is None:
            return project(item, expression, names)
        return {name: item[name] for name in attributes if name in item}

    dynamodb._project_item = projected
