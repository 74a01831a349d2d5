"""Sendmator: `X-API-Key`, `/api/v1`, snake_case, milliseconds, cursors; errors as NestJS writes them.

The vendor's page has the operations to create, list, get, PUT and delete a contact. The others are what its Node SDK
(0.0.3) sends besides.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from contacts.core.errors import FieldError, InvalidInput
from contacts.core.violations import NOT_OBJECT, FieldErrorCode, Violation, not_one_of
from contacts.dialects.wire import (
    LARGEST_OFFSET,
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
    "phone",  # not on the vendor's page; its SDK sends and shows it
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
    "email",  # not on the vendor's page; its SDK sends it
    "created_after",
    "created_before",
    "updated_after",
    "updated_before",
)
_PAGING: Final = ("limit", "page", "sort_by", "sort_order")
_PAGE_SIZE: Final = Whole(default=10, least=1, most=100)
_PAGE: Final = Whole(default=1, least=1, most=None)
_SORTED_BY: Final = ("created_at", "updated_at", "email")
_ORDERS: Final = {"ASC": "", "DESC": "-"}
"""The vendor's `sort_order`, and the prefix of the native `sort` for it."""
_NAMES: Final = {
    "offset": "page",
    "add_tags": "tags",
    "remove_tags": "tags",
    "operations": "contacts",
}
"""The vendor's names of native parameters and fields, for error messages."""
_ONE_CONSENT: Final = (
    "a contact is subscribed or not, for all channels and categories together: send is_unsubscribed"
)
_NOBODY: Final = "Contact not found"
_NO_TOKENS: Final = "device tokens are not kept here"
_NOT_KEPT: Final = {
    "preferences": Violation(FieldErrorCode.OTHER, f"cannot be kept: {_ONE_CONSENT}"),
    "fcm_token": Violation(FieldErrorCode.OTHER, f"cannot be kept: {_NO_TOKENS}"),
    "apns_token": Violation(FieldErrorCode.OTHER, f"cannot be kept: {_NO_TOKENS}"),
}
"""Fields that the vendor keeps and this API does not. Ignored, an opt-out in `preferences` would be lost."""
_NOT_SERVED: Final = (
    (re.compile(r"/contacts/.+/preferences(/|$)"), f"Preferences are not served here; {_ONE_CONSENT}"),
    (re.compile(r"/contacts/external/.+/device-token$"), f"Nothing is served at this path: {_NO_TOKENS}"),
)
"""Paths of the vendor's SDK that lead to nothing here, and what the error says of them."""
_NO_TEAMS: Final = Violation(
    FieldErrorCode.OTHER,
    "is not read here: give each team an account of its own, and send its key without this header",
)
_HARD_ONLY: Final = Violation(
    FieldErrorCode.NOT_ALLOWED,
    "must be true: a deleted contact is gone for good here; to keep it, set is_active to false",
)
_OPT_OUT_OF_ALL: Final = "DELETE /v1/contacts/{ref}/preferences"
_READ: Final = "GET /v1/contacts/{ref}"
_CHANGE: Final = "PATCH /v1/contacts/{ref}"
_BY_EXTERNAL_ID: Final = "external/"
_MOST_IN_BULK: Final = 100
"""Contacts that the native batch takes. Looked at one by one, a megabyte of them takes seconds."""
_PHRASES: Final = {
    FieldErrorCode.OFFSET_TOO_LARGE: "{field} leads past more than {limit:,} contacts;"
    " go page by page, or with starting_after"
}
"""Replaces a native message that counts contacts, where the vendor counts pages."""
_REASONS: Final = {413: "Payload Too Large", 422: "Unprocessable Entity"}
"""The reason phrases of NestJS, for statuses whose phrase differs between Python versions."""


def contact_out(native: Fields) -> Fields:
    """Returns a native contact as Sendmator shows it. `phone`, which only its SDK knows, is shown if there is one."""
    shown = {name: native[name] for name in _SHOWN}
    return {**shown, "phone": native["phone"]} if native["phone"] is not None else shown


def _written(given: Fields) -> Fields:
    """
    Raises:
        InvalidInput: a field that the vendor keeps has a value, and cannot be kept here.
    """
    wrong = [FieldError(name, violation) for name, violation in _NOT_KEPT.items() if given.get(name)]
    if wrong:
        raise InvalidInput(wrong)
    return renamed(given, {name: name for name in _WRITTEN})


def _new(given: Fields, spare_id: str) -> Fields:
    """
    Raises:
        InvalidInput: there is no email, or a field cannot be kept here.
    """
    required(given, "email")
    written = _written(given)
    if written.get("external_id") is None:
        written["external_id"] = spare_id
    return written


def _create(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, body=_new(fields_of(call), call.spare_id))


def _create_many(call: VendorRequest) -> NativeRequest:
    """A create for each of `contacts`. What the native batch finds wrong with one is told in the result of that one.

    Raises:
        InvalidInput: names every contact that is no object, has no email, or has a field that cannot be kept here.
    """
    given = fields_of(call)
    required(given, "contacts")
    contacts = given["contacts"]
    operations: Any = contacts  # which is wrong if it is no array, or too long, as the native API will say
    if isinstance(contacts, list) and len(contacts) <= _MOST_IN_BULK:
        operations, wrong = [], []
        for number, contact in enumerate(contacts):
            at = f"contacts.{number}"
            if not isinstance(contact, dict):
                wrong.append(FieldError(at, NOT_OBJECT))
                continue
            try:
                written = _new(contact, str(uuid5(NAMESPACE_OID, f"{call.spare_id}.{number}")))
                operations.append({"op": "create", "contact": written})
            except InvalidInput as error:
                wrong += [FieldError(f"{at}.{one.field}", one.violation) for one in error.errors]
        if wrong:
            raise InvalidInput(wrong)
    return NativeRequest(route="POST /v1/contacts/batch", body={"operations": operations})


def _list(call: VendorRequest) -> NativeRequest:
    query = {name: call.query[name] for name in (*_FILTERS, "tag") if name in call.query}
    query["limit"] = [one_of(call, "limit", str(_PAGE_SIZE.default))]
    if "tags" in call.query:
        query["tag"] = [
            *query.get("tag", ()),
            *(tag for tags in call.query["tags"] for tag in tags.split(",")),
        ]
    if "sort_by" in call.query or "sort_order" in call.query:
        query["sort"] = [_sort(call)]
    if "page" in call.query:
        query["offset"] = [str(_offset(call))]
        query["include_total"] = ["true"]
    return NativeRequest(route=call.route, query=query)


def _sort(call: VendorRequest) -> str:
    """
    Raises:
        InvalidInput: the contacts cannot be listed in this order.
    """
    field, order = one_of(call, "sort_by", _SORTED_BY[0]), one_of(call, "sort_order", "DESC").upper()
    wrong = []
    if field not in _SORTED_BY:
        wrong.append(FieldError("sort_by", not_one_of(_SORTED_BY)))
    if order not in _ORDERS:
        wrong.append(FieldError("sort_order", not_one_of(_ORDERS)))
    if wrong:
        raise InvalidInput(wrong)
    return _ORDERS[order] + field


def _offset(call: VendorRequest) -> int:
    page, size = whole_number(call, "page", _PAGE), whole_number(call, "limit", _PAGE_SIZE)
    return min((page - 1) * size, LARGEST_OFFSET)


def _named(call: VendorRequest) -> Named:
    """The vendor's `{id}` is the id or the external_id. An email counts only if it is a contact's external_id."""
    return Named(call.path["ref"], by=("id", "external_id"))


def _get(call: VendorRequest) -> NativeRequest:
    """`external/x` is the contact with the external_id x."""
    if not _is_by_external_id(call):
        return NativeRequest(route=call.route, ref=_named(call))
    external_id = call.path["ref"].removeprefix(_BY_EXTERNAL_ID)
    return NativeRequest(route=call.route, ref=Named(external_id, by=("external_id",)))


def _is_by_external_id(call: VendorRequest) -> bool:
    ref = call.path.get("ref", "")
    return call.route == _READ and ref.startswith(_BY_EXTERNAL_ID) and ref != _BY_EXTERNAL_ID


def _update(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call), body=_written(fields_of(call)))


def _tags_to(field: str) -> Callable[[VendorRequest], NativeRequest]:
    """Returns the translation of a request whose `tags` become the native `field`, `add_tags` or `remove_tags`."""

    def change(call: VendorRequest) -> NativeRequest:
        given = fields_of(call)
        required(given, "tags")
        return NativeRequest(route=_CHANGE, ref=_named(call), body={field: given["tags"]})

    return change


def _unsubscribe(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=_CHANGE, ref=_named(call), body={"is_unsubscribed": True})


def _delete(call: VendorRequest) -> NativeRequest:
    if one_of(call, "hard", "true") != "true":
        raise InvalidInput([FieldError("hard", _HARD_ONLY)])
    return NativeRequest(route=call.route, ref=_named(call), query={"permanent": ["true"]})


def _contact(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, contact_out(reply.body))


def _created_many(call: VendorRequest, reply: Reply) -> Reply:
    """Returns what became of each contact of a bulk create: one whose name another contact has is skipped."""
    created: list[Fields] = []
    skipped: list[Fields] = []
    errors: list[Fields] = []
    for result in reply.body["results"]:
        given = call.body["contacts"][result["index"]]
        if "contact" in result:
            created.append(_created_contact(result["contact"]))
            continue
        problem = result["problem"]
        names = renamed(given, {name: name for name in ("email", "external_id")})
        if problem["code"] == "duplicate_contact":
            skipped.append({**names, "reason": _reason(given, problem)})
        else:
            errors.append({**names, "error": _reason(given, problem)})
    body = {
        "created": created,
        "skipped": skipped,
        "errors": errors,
        "user_id": call.account_id,
        "total_processed": len(reply.body["results"]),
        "summary": {
            "created_count": len(created),
            "skipped_count": len(skipped),
            "error_count": len(errors),
        },
    }
    return Reply(HTTPStatus.CREATED, body)


def _created_contact(native: Fields) -> Fields:
    """Returns a contact of a bulk create: its id alone where the native batch had no room for more."""
    return contact_out(native) if "email" in native else {"id": native["id"]}


def _reason(given: Fields, problem: Fields) -> str:
    """Returns why a contact was not created; the title of the problem where the native batch had no room for more."""
    if problem["code"] == "duplicate_contact":
        return _duplicate(given, problem.get("field"))
    if "errors" in problem:
        return "; ".join(f"{one['field']} {one['message']}" for one in problem["errors"])
    return str(problem.get("detail", problem["title"])).removesuffix(".")


def _page(call: VendorRequest, reply: Reply) -> Reply:
    body = {**reply.body, "data": [contact_out(one) for one in reply.body["data"]]}
    if "page" in call.query:
        body["pagination"] = _pagination(call, body, body.pop("total"))
    return Reply(reply.status, body)


def _pagination(call: VendorRequest, body: Fields, total: int | None) -> Fields:
    """Returns the SDK's `pagination`. `total`: None if there are too many to count; it may be a moment behind.

    Clients read pages until `totalPages`, so these are more than this one as long as more contacts follow.
    """
    page, size = whole_number(call, "page", _PAGE), whole_number(call, "limit", _PAGE_SIZE)
    seen = _offset(call) + len(body["data"]) if body["data"] else 0
    elements = max(total or 0, seen + body["has_more"])
    pages = max(-(-elements // size), page + 1 if body["has_more"] else 0)
    return {"page": page, "limit": size, "total": elements, "totalPages": pages}


def _deleted(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"deleted": True, "id": reply.body["id"]})


def _error(call: VendorRequest, problem: Problem) -> Reply:
    status, message = problem.status, _message(call, problem)
    if problem.body["code"] == "method_not_allowed" and _is_by_external_id(call):
        # `external/tags` also reads like a path below the contact `external`.
        status, message = HTTPStatus.NOT_FOUND.value, _NOBODY
    return Reply(
        status,
        {
            "statusCode": status,
            "message": message,
            "error": _REASONS.get(status) or HTTPStatus(status).phrase,
        },
    )


def _message(call: VendorRequest, problem: Problem) -> str:
    match problem.body["code"]:
        case "duplicate_contact":
            return _duplicate(call.body, problem.body["field"])
        case "contact_not_found" | "method_not_allowed" | "route_not_found" as code:
            is_served = call.route == _OPT_OUT_OF_ALL or _is_by_external_id(call)
            for path, message in () if is_served else _NOT_SERVED:
                if path.search(call.url_path):
                    return message
            if code == "contact_not_found":
                return _NOBODY
    return in_words(problem, {**_NAMES, "tag": "tags"} if "tags" in call.query else _NAMES, _PHRASES)


def _duplicate(given: Fields, field: str | None) -> str:
    of_it = f" with {field} {given[field]}" if field is not None else ""
    return f"You already have a contact{of_it}"


DIALECT: Final = Dialect(
    routes={
        "POST /v1/contacts": Translation(_create, _contact),
        "POST /v1/contacts/bulk": Translation(_create_many, _created_many),
        "GET /v1/contacts": Translation(_list, _page, once=(*_FILTERS, *_PAGING), many=("tag", "tags")),
        _READ: Translation(_get, _contact, ignores_others=True),
        "PUT /v1/contacts/{ref}": Translation(_update, _contact),
        "PATCH /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _deleted, once=("hard",)),
        "POST /v1/contacts/{ref}/tags": Translation(_tags_to("add_tags"), _contact),
        "DELETE /v1/contacts/{ref}/tags": Translation(_tags_to("remove_tags"), _contact, has_body=True),
        "POST /v1/contacts/{ref}/unsubscribe": Translation(_unsubscribe, _contact),
        _OPT_OUT_OF_ALL: Translation(_unsubscribe, _contact),
    },
    error=_error,
    refused_headers={"X-Team-ID": _NO_TEAMS},
)
