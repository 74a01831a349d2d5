"""Answers: what an operation did, as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Any, Final, NotRequired, TypedDict

from contacts.accounts.authentication import AuthContext
from contacts.accounts.model import PLAN_LIMITS, AccountOut, Caller, Dialect
from contacts.book.model import HIDDEN, SHOWN_TO_WRITERS, Action, Contact, Outcome, contact_out
from contacts.core import errors
from contacts.core.answers import JsonSchema
from contacts.core.json import to_json
from contacts.core.time import iso

MAX_ANSWER_BYTES: Final = 5_000_000
"""Lambda's limit for an answer is 6 MB; the rest is for its envelope."""

JSON: Final = "application/json"
Status = Annotated[int, JsonSchema(minimum=100, maximum=599)]
_STATUSES: Final = {Action.CREATED: 201, Action.RECREATED: 201, Action.QUEUED: 202, Action.RECORDED: 202}


@dataclass(slots=True)
class Answer:
    """A status, a JSON body (None: no body), and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    log_fields: Mapping[str, object] = field(default_factory=dict)
    """Further fields of the log line: kinds and numbers, never personal data."""
    for_writers: "Answer | None" = None
    """The answer to a key that may not read contacts; `shown_to` chooses between the two."""

    def encoded(self) -> str:
        """The body as JSON text."""
        return "" if self.body is None else to_json(self.body)

    def decoded(self) -> Any:
        """The body as objects, for a dialect."""
        return self.body


def common_headers(reply: Answer, request_id: str) -> dict[str, str]:
    """The headers of every answer of every entrypoint; a `Cache-Control` of the answer's own replaces this one.

    A client may keep an answer with an ETag, and asks again before it uses it. All other answers (secrets that are
    shown once, pages of contacts, problems) are kept nowhere (RFC 9111 §5.2.2.5). HSTS lasts a year, in seconds
    (RFC 6797).
    """
    return {
        "Cache-Control": "private, no-cache" if "ETag" in reply.headers else "no-store",
        "X-Request-Id": request_id,
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000",
    }


COMPRESSED_FROM: Final = 1024
"""Characters. What a shorter answer would save is less than a packet."""


def compressed(reply: Answer, body: str, accept_encoding: str) -> str | None:
    """The body of an answer in gzip, as Base64; None: it is sent as it is.

    An answer with an ETag is sent as it is: a strong ETag stands for one encoding (RFC 9110 §8.8.3.3), and clients send
    it back in `If-Match`.
    """
    if len(body) < COMPRESSED_FROM or "ETag" in reply.headers or not takes_gzip(accept_encoding):
        return None
    import gzip
    from base64 import b64encode

    shorter = b64encode(gzip.compress(body.encode(), 6, mtime=0)).decode()
    return shorter if len(shorter) < len(body) else None


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client with this `Accept-Encoding` accepts gzip (RFC 9110 §12.5.3)."""
    weights = {}
    for offer in accept_encoding.lower().split(","):
        coding, _, parameter = offer.partition(";")
        weights[coding.strip()] = parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


def etag(contact: Contact) -> str:
    """A contact's ETag: `"<version>-<validation status>"`, because a verdict changes no version."""
    return f'"{contact.version}-{contact.validation_status}"'


def answer(outcome: Outcome) -> Answer:
    """The answer to an outcome. That of a replay is the same, without secrets and with `Idempotent-Replayed`."""
    headers: dict[str, str] = {"Idempotent-Replayed": "true"} if outcome.is_replay else {}
    status = _STATUSES.get(outcome.action, 200)
    contact = outcome.contact
    if contact is not None:
        if status == 201:
            headers["Location"] = f"/v1/contacts/{contact.id}"
        shown: dict[str, Any] = {**contact_out(contact)}
        part = {name: shown[name] for name in SHOWN_TO_WRITERS}
        # The verdict in an ETag is nothing a writer has sent; If-Match takes the version alone.
        tags = {"ETag": etag(contact)}, {"ETag": f'"{contact.version}"'}
        if outcome.action is Action.PREVIEWED:
            tags = {}, {}  # No contact has this version.
        for_writers = Answer(status, {**part, **outcome.details}, {**headers, **tags[1]})
        return Answer(status, {**shown, **outcome.details}, {**headers, **tags[0]}, for_writers=for_writers)
    body = {**outcome.details, **outcome.secrets}
    if outcome.action is Action.DELETED:
        body = {"deleted": True, **body}
    return Answer(status, body, headers)


def shown_to(caller: Caller, reply: Answer) -> Answer:
    """An answer as the caller may see it.

    A write does not show the contact to a key that may not read contacts: the contact may have been there before, with
    all that others know of the person. In a vendor's dialect the answer is a contact with every field empty.
    """
    told = reply.for_writers
    if told is None or caller.may_read_contacts:
        return reply
    return told if caller.key.dialect is Dialect.NATIVE else replace(told, body={**HIDDEN, **told.body})


def contact_answer(contact: Contact, if_none_match: str | None) -> Answer:
    """A contact, or 304 where `If-None-Match` names its ETag."""
    tag = etag(contact)
    known = {known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, headers={"ETag": tag})
    return Answer(200, contact_out(contact), {"ETag": tag})


def account_answer(auth: AuthContext, contacts: int) -> Answer:
    """The caller's account, its usage in this hour, how many contacts it has, and the caller's key."""
    account, key = auth.caller.account, auth.caller.key
    body: AccountOut = {
        "id": account.id,
        "name": account.name,
        "plan": str(account.plan),
        "hourly_limit": account.hourly_limit,
        "used_this_hour": auth.used,
        "hourly_written_limit": account.hourly_written_limit,
        "written_this_hour": auth.written,
        "webhook_limit": PLAN_LIMITS[account.plan].endpoints,
        "resets_at": iso(auth.resets_at * 1000),
        "counts": {"contacts": contacts},
        "key": {
            "id": key.id,
            "name": key.name,
            "mode": str(key.mode),
            "scopes": [str(scope) for scope in key.scopes],
        },
    }
    return Answer(200, body)


def page(items: list[Any], next_cursor: str | None = None, **more: object) -> Answer:
    """A page of a list; every list has this shape."""
    return Answer(
        200, {"data": items, "has_more": next_cursor is not None, "next_cursor": next_cursor, **more}
    )


class FieldProblemOut(TypedDict):
    """What is wrong with one field, parameter or header."""

    field: str
    """Its path: `custom_fields.size`."""
    message: str
    existing_id: NotRequired[str]
    """Of the contact that has this name."""


class ProblemOut(TypedDict):
    """Why a request was refused (RFC 9457). Nothing was changed, and a `code` never changes its meaning."""

    type: str
    """`urn:contacts:problem:` and the code."""
    title: str
    status: Status
    code: str
    detail: str
    """For people."""
    request_id: str
    """To be quoted when you ask us."""
    field: NotRequired[str]
    """The first field that is wrong or in the way."""
    errors: NotRequired[list[FieldProblemOut]]
    """Every field that is wrong or in the way, up to a hundred."""
    existing_id: NotRequired[str]
    """Of what is in the way."""
    scope: NotRequired[str]
    """The scope that the key lacks."""


PROBLEM_JSON: Final = "application/problem+json"

STATUSES: Final[dict[type[errors.ContactsError], int]] = {
    errors.InvalidInput: 400,
    errors.NotAuthenticated: 401,
    errors.AccountSuspended: 403,
    errors.ScopeMissing: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.StaleVersion: 412,
    errors.BodyTooLarge: 413,
    errors.BodyNotReadable: 415,
    errors.ContactTooLarge: 413,
    errors.EventTooLarge: 413,
    errors.IdempotencyKeyReused: 422,
    errors.LimitReached: 429,
    errors.TemporarilyUnavailable: 503,
}
"""By class of error; a subclass has its parent's status."""

TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Phrases of RFC 9110 for statuses whose phrase is older in older versions of Python."""

INTERNAL: Final = "internal_error"
"""The code of a failure that is no ContactsError."""


def status_of(error: errors.ContactsError) -> int:
    """The HTTP status of an error."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[errors.ContactsError]) -> int:
    """The HTTP status of a class of errors."""
    return next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)


def problem(error: errors.ContactsError, request_id: str) -> Answer:
    """An error as its answer."""
    answer = _problem(status_of(error), error.code, error.detail, request_id, **error.extras)
    match error:
        case errors.LimitReached() | errors.TemporarilyUnavailable():
            answer.headers["Retry-After"] = str(error.retry_after)
        case errors.NotAuthenticated():
            answer.headers["WWW-Authenticate"] = 'Bearer realm="contacts"'
        case errors.MethodNotAllowed():
            answer.headers["Allow"] = ", ".join(error.allowed)
    return answer


def internal_problem(request_id: str) -> Answer:
    """The answer to a failure that is no ContactsError, with the request id under which the log tells more."""
    return _problem(
        500, INTERNAL, "Something went wrong on our side; the request id leads us to it.", request_id
    )


def _problem(status: int, code: str, detail: str, request_id: str, **extras: object) -> Answer:
    body: ProblemOut = {
        "type": f"urn:contacts:problem:{code}",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }
    return Answer(status, {**body, **extras}, content_type=PROBLEM_JSON)
