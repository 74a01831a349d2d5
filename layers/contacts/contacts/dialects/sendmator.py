"""Sendmator: `X-API-Key`, `/api/v1`, snake_case, milliseconds, cursors; errors as NestJS writes them."""

from http import HTTPStatus
from typing import Any, Final

from contacts.dialects.wire import (
    Call,
    Dialect,
    Fields,
    Reply,
    Translation,
    fields_of,
    in_words,
    one_of,
    renamed,
    required,
)

_SHOWN: Final = (
    "id",
    "external_id",
    "email",
    "first_name",
    "last_name",
    "tags",
    "is_active",
    "is_unsubscribed",
    "unsubscribed_at",
    "custom_fields",
    "metadata",
    "created_at",
    "updated_at",
)
_WRITTEN: Final = (
    "external_id",
    "email",
    "first_name",
    "last_name",
    "phone",  # not on the vendor's page; its SDK sends it
    "tags",
    "is_active",
    "is_unsubscribed",
    "custom_fields",
    "metadata",
)
_FILTERS: Final = (
    "starting_after",
    "tag",
    "is_active",
    "is_unsubscribed",
    "search",
    "created_after",
    "created_before",
    "updated_after",
    "updated_before",
)
_PAGE_SIZE: Final = "10"
_PHRASES: Final = {413: "Payload Too Large", 422: "Unprocessable Entity"}
"""As NestJS has them; Python's differ from version to version."""


def contact_out(native: Fields) -> Fields:
    """A native contact as Sendmator shows it."""
    return {name: native[name] for name in _SHOWN}


def _create(call: Call) -> Call:
    given = fields_of(call)
    required(given, "email")
    written = renamed(given, {name: name for name in _WRITTEN})
    if written.get("external_id") is None:
        written["external_id"] = call.spare_id
    return Call(route=call.route, body=written)


def _list(call: Call) -> Call:
    filters = {name: call.query[name] for name in _FILTERS if name in call.query}
    return Call(route=call.route, query={**filters, "limit": [one_of(call, "limit", _PAGE_SIZE)]})


def _get(call: Call) -> Call:
    return Call(route=call.route, path=call.path)


def _update(call: Call) -> Call:
    body = renamed(fields_of(call), {name: name for name in _WRITTEN})
    return Call(route=call.route, path=call.path, body=body)


def _delete(call: Call) -> Call:
    return Call(route=call.route, path=call.path, query={"permanent": ["true"]})


def _contact(_: Call, reply: Reply) -> Reply:
    return Reply(reply.status, contact_out(reply.body))


def _page(_: Call, reply: Reply) -> Reply:
    return Reply(reply.status, {**reply.body, "data": [contact_out(one) for one in reply.body["data"]]})


def _deleted(_: Call, reply: Reply) -> Reply:
    return Reply(reply.status, {"deleted": True, "id": reply.body["id"]})


def _refused(call: Call, reply: Reply) -> Reply:
    message = _message(call, reply.body)
    return Reply(
        reply.status,
        {
            "statusCode": reply.status,
            "message": message,
            "error": _PHRASES.get(reply.status) or HTTPStatus(reply.status).phrase,
        },
    )


def _message(call: Call, problem: dict[str, Any]) -> str:
    match problem["code"]:
        case "duplicate_contact":
            field = problem["field"]
            return f"You already have a contact with {field} {call.body[field]}"
        case "contact_not_found":
            return "Contact not found"
    return in_words(problem, {})


DIALECT: Final = Dialect(
    routes={
        "POST /v1/contacts": Translation(_create, _contact),
        "GET /v1/contacts": Translation(_list, _page),
        "GET /v1/contacts/{ref}": Translation(_get, _contact),
        "PUT /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _deleted),
    },
    refused=_refused,
)
