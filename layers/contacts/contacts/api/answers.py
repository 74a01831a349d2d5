"""Answers: what an operation did, as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contacts.domain.accounts import Caller, Dialect
from contacts.domain.contact import Contact
from contacts.domain.json_text import to_json
from contacts.domain.native import HIDDEN, SHOWN_TO_WRITERS, contact_out
from contacts.domain.outcome import Did, Outcome
from contacts.domain.timestamps import iso
from contacts.services.gatekeeper import Admission

MAX_ANSWER_BYTES: Final = 5_000_000
"""Lambda's limit for an answer is 6 MB; the rest is for its envelope."""

JSON: Final = "application/json"
_STATUSES: Final = {Did.CREATED: 201, Did.RECREATED: 201, Did.QUEUED: 202, Did.RECORDED: 202}


@dataclass(slots=True)
class Answer:
    """A status, a JSON body (None: no body), and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    noted: Mapping[str, object] = field(default_factory=dict)
    """What the log line tells besides: kinds and numbers, never personal data."""
    for_writers: "Answer | None" = None
    """What a key that may not read contacts is answered instead. (`shown_to` decides.)"""

    def encoded(self) -> str:
        """The body as JSON text."""
        return "" if self.body is None else to_json(self.body)


def common_headers(reply: Answer, request_id: str) -> dict[str, str]:
    """The headers that every answer has, of every entrypoint: its own may replace `Cache-Control`.

    What has an ETag may be kept by its client, and is asked for again before it is used; all else (secrets that are
    shown once, pages of contacts, problems) is kept nowhere (RFC 9111 §5.2.2.5). HSTS lasts a year, in seconds
    (RFC 6797).
    """
    return {
        "Cache-Control": "private, no-cache" if "ETag" in reply.headers else "no-store",
        "X-Request-Id": request_id,
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000",
    }


def etag(contact: Contact) -> str:
    """A contact's ETag: `"<version>-<validation status>"`, because a verdict changes no version."""
    return f'"{contact.version}-{contact.validation_status}"'


def answer(outcome: Outcome) -> Answer:
    """The answer that tells what was done; for a replay it is the same, but for secrets, and says so."""
    headers: dict[str, str] = {"Idempotent-Replayed": "true"} if outcome.is_replay else {}
    status = _STATUSES.get(outcome.did, 200)
    contact = outcome.contact
    if contact is not None:
        if status == 201:
            headers["Location"] = f"/v1/contacts/{contact.id}"
        shown: dict[str, Any] = {**contact_out(contact)}
        part = {name: shown[name] for name in SHOWN_TO_WRITERS}
        # The verdict in an ETag is nothing a writer has sent; If-Match takes the version alone.
        for_writers = Answer(status, {**part, **outcome.details}, {**headers, "ETag": f'"{contact.version}"'})
        return Answer(
            status, {**shown, **outcome.details}, {**headers, "ETag": etag(contact)}, for_writers=for_writers
        )
    body = {**outcome.details, **outcome.secrets}
    if outcome.did is Did.DELETED:
        body = {"deleted": True, **body}
    return Answer(status, body, headers)


def shown_to(caller: Caller, reply: Answer) -> Answer:
    """An answer as the caller may see it.

    To a key that may not read contacts a write shows no contact: it could be one that was there before, with all that
    others know of the person. Another vendor's client gets its contact with every field empty.
    """
    told = reply.for_writers
    if told is None or caller.may_read_contacts:
        return reply
    return told if caller.key.dialect is Dialect.NATIVE else replace(told, body={**HIDDEN, **told.body})


def contact_answer(contact: Contact, if_none_match: str | None) -> Answer:
    """A contact, or 304 where the caller has it already."""
    tag = etag(contact)
    known = {known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, headers={"ETag": tag})
    return Answer(200, contact_out(contact), {"ETag": tag})


def account_answer(admission: Admission, contacts: int) -> Answer:
    """An account, where it stands in this hour, and how many contacts it has."""
    account = admission.caller.account
    body = {
        "id": account.id,
        "name": account.name,
        "plan": str(account.plan),
        "hourly_limit": account.hourly_limit,
        "used_this_hour": admission.used,
        "resets_at": iso(admission.resets_at * 1000),
        "counts": {"contacts": contacts},
    }
    return Answer(200, body)


def page(items: list[Any], next_cursor: str | None = None, **more: object) -> Answer:
    """A page of a list; every list has this shape."""
    return Answer(
        200, {"data": items, "has_more": next_cursor is not None, "next_cursor": next_cursor, **more}
    )
