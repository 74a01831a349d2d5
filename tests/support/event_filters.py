"""The filters of the event source mappings of template.yaml: which records of the stream reach a function."""

import json
from functools import cache
from typing import Any

from local.template import template

MAPPINGS = {"project_changes": "ProjectChangesSource", "dispatch_webhooks": "DispatchWebhooksSource"}


def is_let_through(function: str, told: Any) -> bool:
    """Whether one of the filters of a function's mapping matches a record."""
    return any(matches(pattern, told) for pattern in patterns_of(function))


@cache
def patterns_of(function: str) -> list[Any]:
    """The filters of a function's mapping."""
    mapping = template()["Resources"][MAPPINGS[function]]["Properties"]
    return [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]


def matches(pattern: Any, value: Any) -> bool:
    """As "Filter rule syntax" of Lambda's developer guide has it, as far as the template uses it."""
    if isinstance(pattern, dict):
        return all(matches(inner, (value or {}).get(key)) for key, inner in pattern.items())
    return any(_is_met(rule, value) for rule in pattern)


def _is_met(rule: Any, value: Any) -> bool:
    match rule:
        case {"prefix": prefix}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"exists": wanted}:
            # Of a leaf only: a node with something inside never exists.
            return (value is not None and not isinstance(value, dict)) == wanted
        case _:
            return bool(rule == value)
