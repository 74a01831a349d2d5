"""Sendmator: `X-API-Key`, `/api/v1`, snake_case, milliseconds, cursors; errors as NestJS writes them."""

from http import HTTPStatus
from typing import Final

from contacts.dialects.wire import (
    Dialect,
    Fields,
    Named,
    NativeRequest,
    Problem,
    Reply,
    Translation,
    VendorRequest,
    Whole,
    fields_of,
    in_words,
    one_of,
    renamed,
    required,
    whole_number,
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
    "is_active",
    "is_unsubscribed",
    "search",
    "created_after",
    "created_before",
    "updated_after",
    "updated_before",
)
_PAGE_SIZE: Final = Whole(default=10, least=1, most=100)
_PAGE: Final = Whole(default=1, least=1, most=None)
_NAMES: Final = {"offset": "page"}
"""The vendor's names of native parameters, for error messages."""
_PHRASES: Final = {413: "Payload Too Large", 422: "Unprocessable Entity"}
"""The reason phrases of NestJS, for statuses whose phrase differs between Python versions."""


def contact_out(native: Fields) -> Fields:
    """Returns a native contact as Sendmator shows it."""
    return {name: native[name] for name in _SHOWN}


def _create(call: VendorRequest) -> NativeRequest:
    given = fields_of(call)
    required(given, "email")
    written = renamed(given, {name: name for name in _WRITTEN})
    if written.get("external_id") is None:
        written["external_id"] = call.spare_id
    return NativeRequest(route=call.route, body=written)


def _list(call: VendorRequest) -> NativeRequest:
    query = {name: call.query[name] for name in (*_FILTERS, "tag") if name in call.query}
    query["limit"] = [one_of(call, "limit", str(_PAGE_SIZE.default))]
    if "page" in call.query:
        page, size = whole_number(call, "page", _PAGE), whole_number(call, "limit", _PAGE_SIZE)
        query["offset"] = [str((page - 1) * size)]
    return NativeRequest(route=call.route, query=query)


def _named(call: VendorRequest) -> Named:
    """The vendor's `{id}` is the id or the external_id. An email counts only if it is a contact's external_id."""
    return Named(call.path["ref"], by=("id", "external_id"))


def _get(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call))


def _update(call: VendorRequest) -> NativeRequest:
    body = renamed(fields_of(call), {name: name for name in _WRITTEN})
    return NativeRequest(route=call.route, ref=_named(call), body=body)


def _delete(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call), query={"permanent": ["true"]})


def _contact(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, contact_out(reply.body))


def _page(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {**reply.body, "data": [contact_out(one) for one in reply.body["data"]]})


def _deleted(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"deleted": True, "id": reply.body["id"]})


def _error(call: VendorRequest, problem: Problem) -> Reply:
    message = _message(call, problem)
    return Reply(
        problem.status,
        {
            "statusCode": problem.status,
            "message": message,
            "error": _PHRASES.get(problem.status) or HTTPStatus(problem.status).phrase,
        },
    )


def _message(call: VendorRequest, problem: Problem) -> str:
    match problem.body["code"]:
        case "duplicate_contact":
            field = problem.body["field"]
            return f"You already have a contact with {field} {call.body[field]}"
        case "contact_not_found":
            return "Contact not found"
    return in_words(problem, _NAMES)


DIALECT: Final = Dialect(
    routes={
        "POST /v1/contacts": Translation(_create, _contact),
        "GET /v1/contacts": Translation(_list, _page, once=(*_FILTERS, "limit", "page"), many=("tag",)),
        "GET /v1/contacts/{ref}": Translation(_get, _contact, ignores_others=True),
        "PUT /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _deleted),
    },
    error=_error,
)
