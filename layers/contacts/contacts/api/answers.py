"""Answers: what an operation did, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict

from contacts.domain.contact import Contact
from contacts.domain.outcome import Did, Outcome
from contacts.domain.timestamps import iso
from contacts.services.gatekeeper import Admission

MAX_ANSWER_BYTES: Final = 5_000_000
"""Lambda's limit for an answer is 6 MB; the rest is for its envelope."""

JSON: Final = "application/json"


class ContactOut(TypedDict):
    """A contact as the API shows it."""

    id: str
    external_id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    name: str | None
    phone: str | None
    tags: list[str]
    lists: list[str]
    custom_fields: dict[str, Any]
    metadata: dict[str, Any]
    is_active: bool
    is_unsubscribed: bool
    unsubscribed_at: str | None
    validation_status: str
    validation_reason: str | None
    version: int
    created_at: str
    updated_at: str


@dataclass(slots=True)
class Answer:
    """A status, a JSON body (None: no body), and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def encoded(self) -> str:
        """The body as JSON text."""
        return "" if self.body is None else to_json(self.body)


def contact_out(contact: Contact) -> ContactOut:
    """A contact as the API shows it."""
    return {
        "id": contact.id,
        "external_id": contact.external_id,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "name": contact.display_name,
        "phone": contact.phone,
        "tags": list(contact.tags),
        "lists": list(contact.lists),
        "custom_fields": dict(contact.custom_fields),
        "metadata": dict(contact.metadata),
        "is_active": contact.is_active,
        "is_unsubscribed": contact.is_unsubscribed,
        "unsubscribed_at": contact.unsubscribed_at,
        "validation_status": contact.validation_status,
        "validation_reason": contact.validation_reason,
        "version": contact.version,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }


def etag(contact: Contact) -> str:
    """A contact's ETag: `"<version>-<validation status>"`, because a verdict changes no version."""
    return f'"{contact.version}-{contact.validation_status}"'


def answer(outcome: Outcome) -> Answer:
    """The answer that tells what was done; for a replay it is the same, but for secrets, and says so."""
    headers: dict[str, str] = {"Idempotent-Replayed": "true"} if outcome.is_replay else {}
    status = 201 if outcome.did in (Did.CREATED, Did.RECREATED) else 200
    contact = outcome.contact
    body: dict[str, Any]
    if contact is not None:
        body = {**contact_out(contact), **outcome.details}
        headers["ETag"] = etag(contact)
        if status == 201:
            headers["Location"] = f"/v1/contacts/{contact.id}"
    else:
        body = {**outcome.details, **outcome.secrets}
        if outcome.did is Did.DELETED:
            body = {"deleted": True, **body}
    return Answer(status, body, headers)


def contact_answer(contact: Contact, if_none_match: str | None) -> Answer:
    """A contact, or 304 where the caller has it already."""
    tag = etag(contact)
    known = {known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, headers={"ETag": tag})
    return Answer(200, contact_out(contact), {"ETag": tag})


def account_answer(admission: Admission) -> Answer:
    """An account and where it stands in this hour."""
    account = admission.caller.account
    body = {
        "id": account.id,
        "name": account.name,
        "plan": str(account.plan),
        "hourly_limit": account.hourly_limit,
        "used_this_hour": admission.used,
        "resets_at": iso(admission.resets_at * 1000),
    }
    return Answer(200, body)


def page(items: list[Any], next_cursor: str | None = None, **more: object) -> Answer:
    """A page of a list; every list has this shape."""
    return Answer(
        200, {"data": items, "has_more": next_cursor is not None, "next_cursor": next_cursor, **more}
    )


def to_json(body: Mapping[str, Any]) -> str:
    """JSON text, every number with its value."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        # Only numbers that no float holds are Decimal, and only simplejson writes them digit by digit.
        import simplejson

        text: str = simplejson.dumps(
            body, ensure_ascii=False, separators=(",", ":"), use_decimal=True, allow_nan=False
        )
        return text
