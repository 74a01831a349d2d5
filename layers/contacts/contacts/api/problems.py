"""Errors as `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from typing import Final

from contacts.api.answers import Answer
from contacts.domain import errors

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
"""By class; a subclass has its parent's."""

TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Of RFC 9110, where older versions of Python have older phrases."""

INTERNAL: Final = "internal_error"
"""The code of whatever was not foreseen."""


def status_of(error: errors.ContactsError) -> int:
    """The HTTP status of an error."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[errors.ContactsError]) -> int:
    """The HTTP status of a kind of errors."""
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
    """What a caller sees of a failure of ours: the id under which the log tells more."""
    return _problem(
        500, INTERNAL, "Something went wrong on our side; the request id leads us to it.", request_id
    )


def _problem(status: int, code: str, detail: str, request_id: str, **extras: object) -> Answer:
    body = {
        "type": f"urn:contacts:problem:{code}",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
        **extras,
    }
    return Answer(status, body, content_type=PROBLEM_JSON)
