"""SMASHSEND: `Authorization: Bearer`, `/v1`, camelCase, whole seconds, offsets; errors are a message and a code.

This is the API of the vendor's first documentation page. What its Node SDK speaks is in `smashsend_v2`.
"""

from typing import Final

from contacts.core.errors import ContactNotFound, FieldError, InvalidInput, PropertyNotFound
from contacts.core.violations import FieldErrorCode, not_one_of
from contacts.dialects.smashsend_shared import id_in, id_out, other_version
from contacts.dialects.wire import (
    CODES,
    Dialect,
    Fields,
    Named,
    NativeRequest,
    Problem,
    Reply,
    Translation,
    VendorRequest,
    fields_of,
    in_words,
    one_of,
    renamed,
    required,
    whole_seconds,
)

CONTACT: Final = "cont_"
PROPERTY: Final = "prop_"
"""The prefixes of ids."""
_PAGE_SIZE: Final = "50"
_ALL_PROPERTIES: Final = "500"
"""The limit of properties in an account, so one page has them all."""
_STATUSES: Final = {"SUBSCRIBED": "false", "UNSUBSCRIBED": "true"}
"""The values of the filter `status`, with the native `is_unsubscribed`."""
_SHOWN: Final = ("name", "label", "type", "description")
_TO_NATIVE: Final = {"email": "email", "name": "name", "tags": "tags", "properties": "custom_fields"}
_TO_THEIRS: Final = {native: theirs for theirs, native in _TO_NATIVE.items()}
_CHANGED: Final = {theirs: native for theirs, native in _TO_NATIVE.items() if theirs != "email"}
# The vendor does not document `options`, but an enum cannot be defined without them.
_DEFINED: Final = {name: name for name in (*_SHOWN, "options")}
_OF_VERSION_2: Final = ("email", "firstName", "lastName", "avatarUrl", "countryCode")
"""What `smashsend_v2` sends in `properties` and nobody else would. (`phone` and `city` may be anybody's properties.)"""
_STATUSES_OF_VERSION_2: Final = ("SUBSCRIBED", "UNSUBSCRIBED", "ARCHIVED", "OPT_IN_PENDING", "BANNED")
_PATHS_OF_VERSION_2: Final = ("search", "properties", "by-email")
"""What follows `/v1/contacts/` there, and reads as an id here."""
_ROUTES_OF_VERSION_2: Final = ("POST /v1/contacts/batch", "GET /v1/api-keys/check")
_DESCRIBED: Final = {name: name for name in ("label", "description", "options")}
_SCOPES: Final = {
    "GET /v1/contacts": "api_user",
    "POST /v1/contacts": "api_user",
    "GET /v1/contacts/{ref}": "user",
    "PUT /v1/contacts/{ref}": "user",
    "DELETE /v1/contacts/{ref}": "user",
    "GET /v1/contact-properties": "api_user",
    "POST /v1/contact-properties": "user",
    "PUT /v1/contact-properties/{id}": "user",
}
_MESSAGES: Final = {
    "contact_not_found": "Contact not found",
    "property_not_found": "Contact property not found",
    "duplicate_contact": "A contact with this email already exists",
    "duplicate_property": "A contact property with this name already exists",
}
"""The vendor's messages by native code. Other messages are the native ones."""
_PHRASES: Final = {
    FieldErrorCode.OFFSET_TOO_LARGE: "{field} must be at most {limit:,}; go further page by page"
}
"""Replaces native messages that mention cursors, which the vendor does not have."""


def contact_out(native: Fields) -> Fields:
    """Returns a native contact as SMASHSEND shows it."""
    return {
        "id": id_out(CONTACT, native["id"]),
        "email": native["email"],
        "name": native["name"],
        "createdAt": whole_seconds(native["created_at"]),
        "tags": native["tags"],
        "properties": native["custom_fields"],
    }


def property_out(native: Fields, *shown: str) -> Fields:
    """Returns a native contact property as SMASHSEND shows it. `shown`: its fields besides `id` and `createdAt`."""
    return {
        "id": id_out(PROPERTY, native["id"]),
        **{name: native[name] for name in shown},
        "createdAt": whole_seconds(native["created_at"]),
    }


def _create(call: VendorRequest) -> NativeRequest:
    given = fields_of(call)
    if "email" not in given:
        _refuse_version_2(given)
    required(given, "email")
    return NativeRequest(route=call.route, body=renamed(given, _TO_NATIVE))


def _list(call: VendorRequest) -> NativeRequest:
    limit, offset = _limit_and_offset(call)
    query = {"limit": [limit], "offset": [offset], "sort": ["created_at"], "include_total": ["true"]}
    if "status" in call.query:
        query["is_unsubscribed"] = [_unsubscribed(one_of(call, "status", ""))]
    return NativeRequest(route=call.route, query=query)


def _unsubscribed(status: str) -> str:
    if status not in _STATUSES:
        raise InvalidInput([FieldError("status", not_one_of(_STATUSES))])
    return _STATUSES[status]


def _get(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call))


def _update(call: VendorRequest) -> NativeRequest:
    ref, given = _named(call), fields_of(call)
    if given.keys() == {"properties"}:
        _refuse_version_2(given)
    return NativeRequest(route=call.route, ref=ref, body=renamed(given, _CHANGED))


def _refuse_version_2(given: Fields) -> None:
    """
    Raises:
        InvalidInput: the body is one of `smashsend_v2`. Here its fields of a contact would become custom fields.
    """
    properties = given.get("properties")
    if not isinstance(properties, dict):
        return
    found = [name for name in _OF_VERSION_2 if name in properties]
    if properties.get("status") in _STATUSES_OF_VERSION_2:
        found.append("status")
    if found:
        raise other_version(f"properties.{found[0]}", pinned="smashsend", needed="smashsend_v2")


def _delete(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call), query={"permanent": ["true"]})


def _list_properties(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, query={"limit": [_ALL_PROPERTIES]})


def _create_property(call: VendorRequest) -> NativeRequest:
    given = _described(call, "name")
    required(given, "name", "type")
    return NativeRequest(route=call.route, body=renamed(given, _DEFINED))


def _update_property(call: VendorRequest) -> NativeRequest:
    native = id_in(PROPERTY, call.path["id"])
    if native is None:
        raise PropertyNotFound
    return NativeRequest(
        route=call.route, path={"id": native}, body=renamed(_described(call, "label"), _DESCRIBED)
    )


def _described(call: VendorRequest, own: str) -> Fields:
    """
    Raises:
        InvalidInput: the body has the `displayName` of `smashsend_v2` in the place of `own`.
    """
    given = fields_of(call)
    if "displayName" in given and own not in given:
        raise other_version("displayName", pinned="smashsend", needed="smashsend_v2")
    return given


def _named(call: VendorRequest) -> Named:
    native = id_in(CONTACT, call.path["ref"])
    if native is None:
        raise ContactNotFound
    return Named(native, by=("id",))


def _limit_and_offset(call: VendorRequest) -> tuple[str, str]:
    return one_of(call, "limit", _PAGE_SIZE), one_of(call, "offset", "0")


def _contact(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"contact": contact_out(reply.body)})


def _page(call: VendorRequest, reply: Reply) -> Reply:
    limit, offset = map(int, _limit_and_offset(call))
    contacts = [contact_out(one) for one in reply.body["data"]]
    pagination = {"total": _total(reply.body, offset), "limit": limit, "offset": offset}
    if contacts and reply.body["has_more"]:
        # A page that would exceed 5 MB has fewer contacts than asked for: the next page starts right after them.
        pagination["limit"] = len(contacts)
    return Reply(reply.status, {"contacts": contacts, "pagination": pagination})


def _total(page: Fields, offset: int) -> int:
    """Returns the number of contacts: the native count, which lags a moment behind, or more if this page proves more.

    A client that reads pages up to the total must not stop early.
    """
    counted: int = page["total"] or 0  # None where counting would examine more than 10,000 contacts
    if offset == 0 and not page["has_more"]:
        return len(page["data"])
    return max(counted, offset + len(page["data"]) + page["has_more"]) if page["data"] else counted


def _deleted(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"deleted": True})


def _properties(_: VendorRequest, reply: Reply) -> Reply:
    shown = [property_out(one, "name", "label", "type") for one in reply.body["data"]]
    return Reply(reply.status, {"properties": shown})


def _property(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"property": property_out(reply.body, *_SHOWN)})


def _error(call: VendorRequest, problem: Problem) -> Reply:
    return Reply(problem.status, {"message": _message(call, problem), "code": CODES[problem.status]})


def _message(call: VendorRequest, problem: Problem) -> str:
    code = problem.body["code"]
    if code == "scope_missing":
        return f"This key lacks the scope {_SCOPES.get(call.route, problem.body['scope'])}"
    if _is_of_version_2(call, code):
        return (
            "This path is of another version of this API: this key is pinned smashsend, it needs smashsend_v2"
        )
    return _MESSAGES.get(code) or in_words(problem, _TO_THEIRS, _PHRASES)


def _is_of_version_2(call: VendorRequest, code: str) -> bool:
    if code == "contact_not_found":
        return call.path.get("ref", "").partition("/")[0] in _PATHS_OF_VERSION_2
    return code in ("route_not_found", "method_not_allowed") and call.route in _ROUTES_OF_VERSION_2


DIALECT: Final = Dialect(
    routes={
        "GET /v1/contacts": Translation(_list, _page, once=("limit", "offset", "status")),
        "POST /v1/contacts": Translation(_create, _contact),
        "GET /v1/contacts/{ref}": Translation(_get, _contact, ignores_others=True),
        "PUT /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _deleted),
        "GET /v1/contact-properties": Translation(_list_properties, _properties),
        "POST /v1/contact-properties": Translation(_create_property, _property),
        "PUT /v1/contact-properties/{id}": Translation(_update_property, _property),
    },
    error=_error,
)
