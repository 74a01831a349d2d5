"""API Gateway's part in a request, for tests without one: which function gets it, and how it is handed over.

As an HTTP API does it: every escape of the path is decoded but `%25`, then a full match is looked for, then one of a
variable that takes the rest (`{proxy+}`), then `$default`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from local.template import routes_by_function, template

_ESCAPES = re.compile("(?:%(?!25)[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Handed:
    """What the gateway makes of a request."""

    operation: str
    """The folder of the function that gets it."""
    event: Mapping[str, Any]


def handed_over(
    method: str,
    target: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    decodes: bool = True,
) -> Handed:
    """A request as its function gets it.

    `target`: path and query as they are sent. `decodes`: whether the gateway decodes paths before it matches them.
    """
    sent, _, query = target.partition("?")
    path = _ESCAPES.sub(lambda found: unquote_to_bytes(found[0]).decode(errors="replace"), sent)
    path = path if decodes else sent
    operation, key, parameters = _matched(method, path)
    event = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"x-api-key": "any", **(headers or {})},
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "r-1"},
        "isBase64Encoded": False,
    }
    if parameters:
        event["pathParameters"] = parameters
    if body is not None:
        event["body"] = body
    return Handed(operation, event)


def _matched(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    found = [
        (match is not None and "+}" in pattern, -pattern.count("/"), operation, f"{method} {pattern}", match)
        for operation, (known, pattern) in _routes()
        if known == method and (match := _pattern(pattern).fullmatch(path))
    ]
    if found:
        # Of two full matches the one with fewer variables is taken: `/contacts/search` before `/contacts/{ref}`.
        _, _, operation, key, match = min(found, key=lambda one: (one[0], one[3].count("{"), one[1]))
        assert match is not None
        return operation, key, match.groupdict()
    return "refuse_request", "$default", {}


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    escaped = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(pattern))
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", escaped), re.DOTALL)


@cache
def _routes() -> tuple[tuple[str, tuple[str, str]], ...]:
    return tuple(_each_route())


def _each_route() -> Iterator[tuple[str, tuple[str, str]]]:
    resources = template()["Resources"]
    for function, routes in routes_by_function(resources).items():
        name = resources[function]["Properties"]["CodeUri"].rpartition("/")[2]
        yield from ((name, route) for route in routes if route != ("ANY", "$default"))
