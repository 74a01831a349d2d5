"""Artamail: `Authorization: Bearer am_live_sk_…`, `/api/v1`, snake_case, whole seconds; contacts are named by email."""

import re
from collections.abc import Mapping
from typing import Any, Final

from contacts.dialects.wire import (
    CODES,
    Call,
    Culprit,
    Dialect,
    Fields,
    Named,
    Native,
    Reply,
    Translation,
    culprits,
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
_MESSAGES: Final = {("email", "invalid_format"): "Invalid email address"}
"""By field and reason, word for word; the rest is told as it is natively."""
_REASONS: Final = tuple(
    (re.compile(beginning), reason)
    for beginning, reason in (
        ("is required|is missing", "required"),
        ("is not JSON|is not UTF-8|is nested too deeply", "invalid_json"),
        (
            "is not an email address|is not an ETag|must be a slug|must be a day|must be an ISO",
            "invalid_format",
        ),
        ("must be 1 to .* characters", "invalid_format"),
        ("must be a number of at most", "out_of_range"),
        ("must be (a string|a number|true or false|an object|an array|a JSON object)", "invalid_type"),
        ("must be one of", "not_allowed"),
        ("has .* values|the contact would have more|names more", "too_many"),
        ("must have at most|is nested more", "too_long"),
        ("must have at least", "too_short"),
        ("is given twice|is given more than once", "duplicate"),
        ("must be valid Unicode|must not contain|has a key that", "invalid_characters"),
    )
)
"""What is said natively of a field, in one word. The first that fits counts."""
_OTHER_REASON: Final = "invalid"


def contact_out(native: Fields) -> Fields:
    """A native contact as Artamail shows it."""
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


def _create(call: Call) -> Native:
    given = fields_of(call)
    required(given, "email")
    # An upsert: what a client has nothing for, and sends as null, must not clear what is there.
    written = {name: value for name, value in _native(given, _CREATED).items() if value is not None}
    return Native(route=call.route, query={"on_conflict": ["update"]}, body=written)


def _named(call: Call) -> Named:
    return Named(call.path["ref"], by=("email",))


def _by_email(call: Call) -> Native:
    return Native(route=call.route, ref=_named(call))


def _update(call: Call) -> Native:
    body = _native(fields_of(call), _CHANGED)
    return Native(route=call.route, ref=_named(call), body=body)


def _native(given: Fields, names: Mapping[str, str]) -> Fields:
    """A vendor's fields under their native names; `subscribed` turned round where it is true or false."""
    body = renamed(given, names)
    subscribed = body.get("is_unsubscribed")
    return {**body, "is_unsubscribed": not subscribed} if isinstance(subscribed, bool) else body


def _contact(_: Call, reply: Reply) -> Reply:
    return Reply(reply.status, contact_out(reply.body))


def _created(_: Call, reply: Reply) -> Reply:
    # Of a test key the entrypoint makes it true, as in every dialect.
    return Reply(reply.status, {**contact_out(reply.body), "test_mode": False})


def _deleted(_: Call, __: Reply) -> Reply:
    return Reply(204, None)


def reason_of(message: str) -> str:
    """What is wrong with a field, in one word, by what is said of it natively."""
    return next((reason for beginning, reason in _REASONS if beginning.match(message)), _OTHER_REASON)


def _refused(_: Call, reply: Reply) -> Reply:
    message, details = _told(reply.body)
    return Reply(reply.status, {"message": message, "code": CODES[reply.status].upper(), "details": details})


def _told(problem: dict[str, Any]) -> tuple[str, Fields]:
    """What happened, with all that is wrong; and of the first thing that is, which field it is and why."""
    if problem["code"] == "contact_not_found":
        return "Contact not found", {}
    if "errors" not in problem:
        return in_words(problem, _TO_THEIRS), {}
    wrong = culprits(problem, _TO_THEIRS)
    field, message = wrong[0]
    return "; ".join(map(_in_words, wrong)), {"field": field, "reason": reason_of(message)}


def _in_words(culprit: Culprit) -> str:
    field, message = culprit
    return _MESSAGES.get((field or "", reason_of(message))) or f"{field} {message}"


DIALECT: Final = Dialect(
    routes={
        "POST /v1/contacts": Translation(_create, _created),
        "GET /v1/contacts/{ref}": Translation(_by_email, _contact, ignores_others=True),
        "PATCH /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_by_email, _deleted),
    },
    refused=_refused,
)
