"""Artamail: `Authorization: Bearer am_live_sk_…`, `/api/v1`, snake_case, whole seconds; contacts are named by email."""

from collections.abc import Mapping
from typing import Final

from contacts.core.violations import FieldErrorCode
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
    field_errors,
    fields_of,
    in_words,
    renamed,
    required,
    whole_seconds,
)

_CREATED: Final = {
    "email": "email",
    "name": "name",
    "data": "custom_fields",
    "lists": "add_lists",
    "subscribed": "is_unsubscribed",
}
_CHANGED: Final = {
    "name": "name",
    "data": "custom_fields",
    "lists": "lists",
    "subscribed": "is_unsubscribed",
}
_TO_THEIRS: Final = {native: theirs for names in (_CREATED, _CHANGED) for theirs, native in names.items()}
_REASONS: Final[Mapping[FieldErrorCode, str]] = {
    FieldErrorCode.REQUIRED: "required",
    FieldErrorCode.UNKNOWN: "invalid",
    FieldErrorCode.MISPLACED: "invalid",
    FieldErrorCode.WRONG_TYPE: "invalid_type",
    FieldErrorCode.NOT_JSON: "invalid_json",
    FieldErrorCode.INVALID_FORMAT: "invalid_format",
    FieldErrorCode.INVALID_EMAIL: "invalid_format",
    FieldErrorCode.INVALID_URL: "invalid_format",
    FieldErrorCode.INVALID_CURSOR: "invalid",
    FieldErrorCode.INVALID_CHARACTERS: "invalid_characters",
    FieldErrorCode.INVALID_KEY: "invalid_characters",
    FieldErrorCode.NOT_ALLOWED: "not_allowed",
    FieldErrorCode.OUT_OF_RANGE: "out_of_range",
    FieldErrorCode.OFFSET_TOO_LARGE: "out_of_range",
    FieldErrorCode.TOO_LONG: "too_long",
    FieldErrorCode.TOO_SHORT: "too_short",
    FieldErrorCode.TOO_MANY: "too_many",
    FieldErrorCode.TOO_FEW: "too_short",
    FieldErrorCode.TOO_DEEP: "too_long",
    FieldErrorCode.DUPLICATE: "duplicate",
    FieldErrorCode.IMMUTABLE: "invalid",
    FieldErrorCode.RESERVED: "invalid",
    FieldErrorCode.TAKEN: "invalid",
    FieldErrorCode.UNREACHABLE: "invalid",
    FieldErrorCode.NOT_FOUND: "invalid",
    FieldErrorCode.OTHER: "invalid",
}
"""The `reason` of an error by the code of its field."""
_PHRASES: Final = {FieldErrorCode.INVALID_EMAIL: "Invalid email address"}
"""Messages that the vendor documents. Other messages are the native ones."""


def contact_out(native: Fields) -> Fields:
    """Returns a native contact as Artamail shows it."""
    return {
        "id": native["id"],
        "email": native["email"],
        "name": native["name"],
        "data": native["custom_fields"],
        "subscribed": None if native["is_unsubscribed"] is None else not native["is_unsubscribed"],
        "validation_status": native["validation_status"],
        "lists": native["lists"],
        "created_at": whole_seconds(native["created_at"]),
    }


def _create(call: VendorRequest) -> NativeRequest:
    given = fields_of(call)
    required(given, "email")
    # The create is an upsert. A null means that the client has no value: it must not clear the present one.
    written = {name: value for name, value in _native(given, _CREATED).items() if value is not None}
    return NativeRequest(route=call.route, query={"on_conflict": ["update"]}, body=written)


def _named(call: VendorRequest) -> Named:
    return Named(call.path["ref"], by=("email",))


def _by_email(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call))


def _update(call: VendorRequest) -> NativeRequest:
    body = _native(fields_of(call), _CHANGED)
    return NativeRequest(route=call.route, ref=_named(call), body=body)


def _native(given: Fields, names: Mapping[str, str]) -> Fields:
    """Returns the vendor's fields under their native names, with `is_unsubscribed` as the opposite of `subscribed`."""
    body = renamed(given, names)
    subscribed = body.get("is_unsubscribed")
    return {**body, "is_unsubscribed": not subscribed} if isinstance(subscribed, bool) else body


def _contact(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, contact_out(reply.body))


def _created(_: VendorRequest, reply: Reply) -> Reply:
    # For a test key the entrypoint sets it to true, as in every dialect.
    return Reply(reply.status, {**contact_out(reply.body), "test_mode": False})


def _deleted(_: VendorRequest, __: Reply) -> Reply:
    return Reply(204, None)


def _error(_: VendorRequest, problem: Problem) -> Reply:
    """Returns the error: the message lists all invalid fields; `details` has the first field and its reason."""
    if problem.body["code"] == "contact_not_found":
        message = "Contact not found"
    else:
        message = in_words(problem, _TO_THEIRS, _PHRASES)
    details = {}
    if problem.errors:
        first = field_errors(problem, _TO_THEIRS)[0]
        details = {"field": first.field, "reason": _REASONS[first.code]}
    body = {"message": message, "code": CODES[problem.status].upper(), "details": details}
    return Reply(problem.status, body)


DIALECT: Final = Dialect(
    routes={
        "POST /v1/contacts": Translation(_create, _created),
        "GET /v1/contacts/{ref}": Translation(_by_email, _contact, ignores_others=True),
        "PATCH /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_by_email, _deleted),
    },
    error=_error,
)
