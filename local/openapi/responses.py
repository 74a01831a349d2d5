"""Responses: successes with their schemas and headers, errors as problem documents."""

import inspect
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from contacts.book.model import ContactOut, WithheldContactOut, WrittenContactOut
from contacts.core.errors import ContactsError
from contacts.web.response import INTERNAL, JSON, PROBLEM_JSON, TITLES, status_of_kind
from local.openapi.operations import Served
from local.openapi.schemas import Schema, name_of, reference

Response = dict[str, Any]
_CONTACTS: Final = (ContactOut, WrittenContactOut)

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "X-Request-Id": {"description": "The id under which we find the request.", "schema": _TEXT},
    "RateLimit-Policy": {
        "description": "What the plan allows: `q` requests in `w` seconds.",
        "schema": _TEXT,
        "example": '"hour";q=10000;w=3600',
    },
    "RateLimit": {
        "description": "What is left: `r` requests for `t` seconds.",
        "schema": _TEXT,
        "example": '"hour";r=9999;t=1800',
    },
    "X-RateLimit-Limit": {"description": "Requests an hour.", "schema": _NUMBER},
    "X-RateLimit-Remaining": {"description": "Requests that are left.", "schema": _NUMBER},
    "X-RateLimit-Reset": {
        "description": "When the next hour begins, in seconds since the epoch.",
        "schema": _NUMBER,
    },
    "X-RateLimit-Written-Limit": {
        "description": "Items that may be written in an hour. A contact is one for each 25 tags and lists begun.",
        "schema": _NUMBER,
    },
    "X-RateLimit-Written-Remaining": {
        "description": "Items that are left. Answers to writes tell it.",
        "schema": _NUMBER,
    },
    "ETag": {
        "description": "What the answer is known by until it changes.",
        "schema": _TEXT,
        "example": '"3-valid"',
    },
    "Location": {
        "description": "Where the contact is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotent-Replayed": {
        "description": "The request had been carried out before, under this Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "Seconds after which to try again.", "schema": _NUMBER},
    "WWW-Authenticate": {"description": "What is missing.", "schema": _TEXT},
    "Allow": {
        "description": "The methods that the path takes.",
        "schema": _TEXT,
        "example": "GET, HEAD, POST",
    },
    "Cache-Control": {
        "description": "`no-store`: it is not to be kept. `private, no-cache`: it has an ETag, by which to ask again.",
        "schema": _TEXT,
    },
}
_LIMITS: Final = (
    *("RateLimit-Policy", "RateLimit"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
_OF_WRITES: Final = ("X-RateLimit-Written-Limit", "X-RateLimit-Written-Remaining")
_REPLAYED: Final = "Idempotent-Replayed"
_SOMETIMES: Final = frozenset({_REPLAYED, *_OF_WRITES})
_BEFORE_THE_METER: Final = frozenset({401, 403, 500, 503})
"""Statuses of answers that may be given before the request is counted, and so without rate limit headers."""

_BEFORE_ANY_FUNCTION: Final = (
    "Where all accounts together send a route more than it takes, the gateway answers before any of this: "
    '`{"message": "Too Many Requests"}` as `application/json`, without these headers. Nothing was done and '
    "nothing counted; send it again after a second."
)


def responses_of(route: Served) -> dict[str, Response]:
    """Everything that a route answers, by status."""
    found = {str(status): _success(route, status, *said) for status, said in route.responds.items()}
    by_status: dict[int, list[type[ContactsError]]] = {}
    for refusal in route.refuses:
        by_status.setdefault(status_of_kind(refusal), []).append(refusal)
    for status, kinds in sorted(by_status.items()):
        codes = {kind.code: _said(kind) for kind in kinds}
        found[str(status)] = _problem(status, codes, is_counted=route.operation.needs_key)
    found["500"] = _problem(500, {INTERNAL: "something went wrong on our side"}, is_counted=False)
    return dict(sorted(found.items()))


def _success(route: Served, status: int, answer: type | str | None, description: str) -> Response:
    headers = ["X-Request-Id", "Cache-Control", *(_LIMITS if route.operation.needs_key else ())]
    if answer in _CONTACTS or status == 304 or not route.operation.needs_key:
        headers.append("ETag")
    if answer in _CONTACTS and status == 201:
        headers.append("Location")
    if route.is_write:
        headers += [*_OF_WRITES, _REPLAYED]
    made: Response = {"description": description, "headers": _headers(headers)}
    if isinstance(answer, str):
        made["content"] = {answer: {"schema": _TEXT}}
    elif answer is not None:
        made["content"] = {JSON: {"schema": _schema(answer)}}
    return made


def _schema(answer: type) -> dict[str, Any]:
    if answer is dict:
        return {"type": "object", "additionalProperties": True}
    if answer is WrittenContactOut:  # A key that may not read contacts is answered less.
        return {"anyOf": [reference(name_of(one)) for one in (WrittenContactOut, WithheldContactOut)]}
    return reference(name_of(answer))


def _problem(status: int, codes: Mapping[str, str], *, is_counted: bool) -> Response:
    headers = ["X-Request-Id", "Cache-Control"]
    if is_counted and status not in _BEFORE_THE_METER:
        headers += [*_LIMITS, *_OF_WRITES]
    if status == 401:
        headers.append("WWW-Authenticate")
    if status == 405:
        headers.append("Allow")
    if status in (429, 503):
        headers.append("Retry-After")
    said = "\n".join(f"- `{code}`: {meaning}" for code, meaning in codes.items())
    title = TITLES.get(status) or HTTPStatus(status).phrase
    if status == 429:
        said += f"\n\n{_BEFORE_ANY_FUNCTION}"
    members = {"status": {"enum": [status]}, "code": {"enum": list(codes)}}
    # Beside the reference: clients have one type for every problem, validators hold its status and code besides.
    schema = {**reference("Problem"), "allOf": [{"type": "object", "properties": members}]}
    return {
        "description": f"{title}\n\n{said}",
        "headers": _headers(headers),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": _examples(status, title, codes)}},
    }


def _examples(status: int, title: str, codes: Mapping[str, str]) -> dict[str, Any]:
    """A problem of each code."""
    return {
        code: {
            "value": {
                "type": f"urn:contacts:problem:{code}",
                "title": title,
                "status": status,
                "code": code,
                "detail": f"{meaning[:1].upper()}{meaning[1:]}.",
                "request_id": "JKJaXmPLvHcE07A=",
            }
        }
        for code, meaning in codes.items()
    }


def problem_code(routes: Iterable[Served]) -> Schema:
    """The schema of the codes that problems of some routes have."""
    codes = {refusal.code for route in routes for refusal in route.refuses} | {INTERNAL}
    return {
        "type": "string",
        "description": "What a problem is; a code never changes its meaning.",
        "enum": sorted(codes),
    }


def headers() -> dict[str, Any]:
    """The headers of the components."""
    return {
        component(name): {"required": name not in _SOMETIMES, **header} for name, header in HEADERS.items()
    }


def component(header: str) -> str:
    """The name of a header among the components."""
    return header.replace("-", "")


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{component(name)}"} for name in names}


def _said(kind: type[ContactsError]) -> str:
    """When an error is raised, as its docstring says."""
    line = (inspect.getdoc(kind) or "").partition("\n")[0]
    return line.removeprefix("Raised when ").rstrip(".")
