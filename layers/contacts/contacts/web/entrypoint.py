"""The way of a request: key, meter, scope, arguments, handler, answer, log line. Down once and back once."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from contacts.accounts.authentication import AuthContext, Authenticator, RateLimitExceeded
from contacts.accounts.model import ARTAMAIL_KEY, Caller
from contacts.book.outcome import Outcome
from contacts.core import observability
from contacts.core.errors import (
    ContactNotFound,
    ContactsError,
    NotAuthenticated,
    ScopeMissing,
    TemporarilyUnavailable,
)
from contacts.core.idempotency import IdempotencyKey, replay
from contacts.table.records import RecordStore
from contacts.web.dialect_adapter import DialectAdapter, spoken
from contacts.web.frame import Frame
from contacts.web.request import Request
from contacts.web.response import Answer, answer, common_headers, shown_to, status_of
from contacts.web.routing import ROUTES, Operation, ServiceFor, no_services, refused_name


def replay_or_raise(
    refusal: ContactsError, idempotency_key: IdempotencyKey | None, records: RecordStore
) -> Outcome:
    """What a request that is refused now did when it came before: its record wins, so that a repetition gets the answer
    it had even where the change itself would now fail.

    Raises:
        ContactsError: the refusal, where there is no record; else whatever `replayed` raises.
    """
    if idempotency_key is None or isinstance(refusal, TemporarilyUnavailable):
        raise refusal
    record = records.recorded(idempotency_key.key)
    if record is None:
        raise refusal
    return replay(record, idempotency_key)


LambdaHandler = Callable[[Mapping[str, Any], Any], dict[str, Any]]
RecordsOf = Callable[[Caller], RecordStore]
Begin = Callable[[float], None]
"""Is told at the beginning of a request how many seconds it has."""


class DirectEntrypoint:
    """The Lambda handler around a function that is invoked by its name, with IAM."""

    def __init__(
        self, name: str, function: Callable[[Mapping[str, Any]], dict[str, object]], begin: Begin
    ) -> None:
        self._name = name
        self._function = function
        self._begin = begin

    def __call__(self, payload: Mapping[str, Any], context: Any) -> dict[str, object]:
        """Carry it out. An error reaches the invoker as the function's error, with its message."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        status = 500
        try:
            result = self._function(payload)
            status = 200
        except ContactsError as error:
            status = status_of(error)
            raise
        finally:
            fields = {"lambda_request_id": context.aws_request_id}
            observability.record_request(self._name, status, (perf_counter() - began) * 1000, fields)
        return result


class Entrypoint(Frame):
    """The Lambda handler around one operation."""

    def __init__(
        self,
        operation: Operation,
        authenticator: Authenticator,
        records_of: RecordsOf,
        begin: Begin,
        service_for: ServiceFor = no_services,
    ) -> None:
        super().__init__(operation)
        self._gatekeeper = authenticator
        self._records_of = records_of
        self._begin = begin
        self._service_for = service_for

    def begin(self, context: Any) -> None:
        """Set the deadline of the request."""
        self._begin(context.get_remaining_time_in_millis() / 1000)

    def refusal(self, request: Request, native: Answer, error: ContactsError | None = None) -> Answer:
        """A problem in the words of whoever asked."""
        speech = spoken(request, error)
        return native if speech is None else speech.error(native, error)

    def caller_fields(self, request: Request) -> Mapping[str, object]:
        """The ids of the account and the key, and the key's dialect, of a caller that was let in."""
        if request.auth is None:
            return {}
        key = request.caller.key
        return {"account_id": key.account_id, "key_id": key.id, "dialect": key.dialect}

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """The answer with the caller's rate limit in its headers."""
        return _response(reply, request)

    def reply(self, request: Request) -> Answer:
        """Serve the request, or recall what it did before.

        Who is not admitted (401, 403, 429) is not told of earlier answers.

        Raises:
            ContactsError
        """
        self._admit(request)
        speech = spoken(request)
        self._permit(request, speech)
        try:
            if speech is not None:
                speech.translate()
            reply = self._served(request)
        except ContactNotFound:
            methods = ROUTES if speech is None else speech.methods
            refused = refused_name(request.method, request.path, methods)
            if refused is None:
                raise
            raise refused from None
        if request.auth is not None:
            reply = shown_to(request.caller, reply)
        return _marked_if_test(reply if speech is None else speech.from_native(reply), request)

    def _served(self, request: Request) -> Answer:
        try:
            return self.operation.serve(request, self._service_for)
        except ContactsError as error:
            if status_of(error) >= 500 or request.auth is None:
                raise
            return answer(replay_or_raise(error, request.idempotency_key(), self._records_of(request.caller)))

    def _admit(self, request: Request) -> None:
        """Let the caller in.

        Raises:
            NotAuthenticated, OverLimit, TemporarilyUnavailable.
        """
        key = sent_key(request)
        if key is None:
            if not self.operation.needs_key:
                return
            raise NotAuthenticated("Send an API key in X-API-Key, or in Authorization as: Bearer <key>.")
        try:
            request.auth = self._gatekeeper.authenticate(key)
        except RateLimitExceeded as error:
            request.auth = error.auth
            raise

    def _permit(self, request: Request, speech: DialectAdapter | None) -> None:
        """Let the caller do what it asks for.

        Raises:
            ScopeMissing
        """
        operation = self.operation
        if not operation.needs_key:
            return
        if speech is None:
            found = operation.located(request)
            route = None if found is None else found[0]
        else:
            route = speech.route
        missing = request.caller.lacking(operation.scopes, operation.bundle_of(route))
        if missing is not None:
            raise ScopeMissing(missing)


def sent_key(request: Request) -> str | None:
    """The key a request carries.

    Raises:
        NotAuthenticated: it is in the wrong place, or there are two.
    """
    own = request.header("x-api-key")
    authorization = request.header("authorization")
    bearer = None
    if authorization is not None:
        scheme, _, bearer = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise NotAuthenticated("The header Authorization must read: Bearer <key>.")
        bearer = bearer.strip()
    if own is not None and bearer is not None and own != bearer:
        raise NotAuthenticated("X-API-Key and Authorization carry two different keys.")
    key = own if own is not None else bearer
    if key is None and any(
        value.startswith(("sk_", ARTAMAIL_KEY)) for values in request.query().values() for value in values
    ):
        raise NotAuthenticated("A key belongs in the header X-API-Key or Authorization, not in the URL.")
    return key


def rate_headers(auth: AuthContext) -> dict[str, str]:
    """How the account stands: the IETF draft `ratelimit-headers`, and the older `X-RateLimit-*`."""
    limit = auth.caller.account.hourly_limit
    return {
        "RateLimit-Policy": f'"hour";q={limit};w=3600',
        "RateLimit": f'"hour";r={auth.remaining};t={auth.seconds_left}',
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(auth.remaining),
        "X-RateLimit-Reset": str(auth.resets_at),
    }


def _marked_if_test(reply: Answer, request: Request) -> Answer:
    if request.auth is not None and request.caller.is_test and request.method == "POST":
        reply.body["test_mode"] = True
    return reply


def _response(reply: Answer, request: Request) -> dict[str, Any]:
    body = reply.encoded()
    headers = {"Content-Type": reply.content_type} if body else {}
    headers |= common_headers(reply, request.request_id)
    if request.auth is not None:
        headers |= rate_headers(request.auth)
    shown = "" if request.method == "HEAD" else body
    return {"statusCode": reply.status, "headers": headers | reply.headers, "body": shown}
