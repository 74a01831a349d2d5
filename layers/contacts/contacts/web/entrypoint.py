"""The Lambda handlers: a request's key, rate limit, scopes, dialect, arguments, answer and log line, in this order."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from contacts.accounts.authentication import AuthContext, Authenticator
from contacts.accounts.model import ARTAMAIL_KEY, Caller, Dialect
from contacts.book.model import Outcome
from contacts.core import observability
from contacts.core.errors import (
    AccountSuspended,
    ContactNotFound,
    ContactsError,
    KeyRevoked,
    NotAuthenticated,
    TemporarilyUnavailable,
)
from contacts.core.idempotency import IdempotencyKey, replay
from contacts.table.records import RecordStore
from contacts.web.request import Request
from contacts.web.response import (
    Answer,
    answer,
    common_headers,
    compressed,
    internal_problem,
    problem,
    shown_to,
    status_of,
)
from contacts.web.routing import (
    OF_ONE_VENDOR,
    ROUTES,
    Located,
    Operation,
    ServiceFor,
    is_smart_senders,
    no_services,
    refused_name,
)

if TYPE_CHECKING:
    from contacts.web.dialect_adapter import DialectAdapter


def replay_or_raise(
    refusal: ContactsError, idempotency_key: IdempotencyKey | None, records: RecordStore
) -> Outcome:
    """The outcome that is recorded for the Idempotency-Key of a request that is refused now.

    A repeated request gets the answer it got before, even where the change itself would now fail.

    Raises:
        ContactsError: `refusal`, where there is no record.
        IdempotencyKeyReused, ContactNotFound: as `replay`.
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
"""Is called at the beginning of a request with the seconds that the request has."""


def no_deadline(seconds: float) -> None:
    """Stands for the deadline where a function calls nothing that could be slow."""


class DirectEntrypoint:
    """The Lambda handler around a function that is invoked by its name, with IAM."""

    def __init__(
        self, name: str, function: Callable[[Mapping[str, Any]], dict[str, object]], begin: Begin
    ) -> None:
        self._name = name
        self._function = function
        self._begin = begin

    def __call__(self, payload: Mapping[str, Any], context: Any) -> dict[str, object]:
        """Call the function. The invoker gets an error as the function's error, with its message."""
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
            observability.record_operator_call(self._name, status, (perf_counter() - began) * 1000, fields)
        return result


class ApiEntrypoint:
    """The Lambda handler around one operation of the API, without keys and services.

    Each request passes `__call__`, which measures the time, turns errors into answers and writes the log line.
    `Entrypoint` adds keys, dialects and services, `web.files.OpenEntrypoint` files.
    """

    def __init__(self, operation: Operation, begin: Begin = no_deadline) -> None:
        self.operation = operation
        self._begin = begin

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway. `context`: what Lambda passes beside the event."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        request = Request.of(event)
        fields: dict[str, object] = {
            "request_id": request.request_id,
            "lambda_request_id": context.aws_request_id,
            "route": request.route_key,
        }
        observability.begin_request(lambda: {"operation": self.operation.name, **fields, **_ids_of(request)})
        try:
            reply = self.reply(request)
        except ContactsError as error:
            fields["code"] = error.code
            if type(error) is TemporarilyUnavailable and not error.is_throttled:
                observability.count_against_version()
            reply = self.refusal(request, problem(error, request.request_id), error)
        except Exception as error:  # noqa: BLE001 (the last resort: logged, and answered as 500)
            observability.record_failure(error, fields)
            reply = self.refusal(request, internal_problem(request.request_id))
        fields |= _ids_of(request)
        response = self.response(reply, request)
        fields |= reply.log_fields
        duration_ms = (perf_counter() - began) * 1000
        observability.record_request(self.operation.name, reply.status, duration_ms, fields)
        return response

    def reply(self, request: Request) -> Answer:
        """Call the operation.

        Raises:
            ContactsError: the operation refuses the request.
        """
        return self.operation.serve(request, self.operation.located(request), no_services)

    def refusal(self, request: Request, native: Answer, error: ContactsError | None = None) -> Answer:
        """The form in which the client gets a problem. `error`: the error behind it; None: an unexpected failure."""
        return native

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """An answer as API Gateway takes it (payload format 2.0), with the rate limit of a known caller."""
        common = common_headers(reply, request.request_id)
        body = reply.encoded()
        headers = {"Content-Type": reply.content_type, **common} if body else common
        if request.auth is not None:
            headers |= rate_headers(request.auth, is_write=request.is_write)
        headers |= reply.headers
        if request.method == "HEAD":
            return {"statusCode": reply.status, "headers": headers, "body": ""}
        shorter = compressed(reply, body, request.headers.get("accept-encoding", ""))
        if shorter is None:
            return {"statusCode": reply.status, "headers": headers, "body": body}
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return {"statusCode": reply.status, "headers": headers, "body": shorter, "isBase64Encoded": True}


def _ids_of(request: Request) -> dict[str, object]:
    """Who asks, as far as that is known yet."""
    if request.identified is None:
        return {}
    key = request.identified.key
    return {"account_id": key.account_id, "key_id": key.id, "dialect": key.dialect}


class Entrypoint(ApiEntrypoint):
    """The Lambda handler around one operation of the API that takes a key, any dialect, and services."""

    def __init__(
        self,
        operation: Operation,
        authenticator: Authenticator,
        records_of: RecordsOf,
        begin: Begin,
        service_for: ServiceFor = no_services,
    ) -> None:
        super().__init__(operation, begin)
        self._authenticator = authenticator
        self._records_of = records_of
        self._service_for = service_for

    def refusal(self, request: Request, native: Answer, error: ContactsError | None = None) -> Answer:
        """The problem in the dialect of the client."""
        adapter = request.adapter or _adapter(request, dialect_of(request, error))
        return native if adapter is None else adapter.error(native, error)

    def reply(self, request: Request) -> Answer:
        """Identify the caller, count the request, check the scopes, call the operation.

        A dialect's request is translated to the native one, and the answer back. The answer to a write hides the
        contact from a key that may not read contacts. The answer to a POST with a test key says `test_mode`. If no
        contact is found because the path or its method is wrong, the refusal says so (`refused_name`).

        Raises:
            ContactsError: the request is refused. A refusal of the caller (401, 403, 429) never replays the answer
                that the same Idempotency-Key got earlier.
        """
        self._identify(request)
        adapter = request.adapter = _adapter(request, dialect_of(request))
        try:
            reply = self._served(*self._counted(request, adapter))
        except ContactNotFound:
            methods = ROUTES if adapter is None else adapter.methods
            refused = refused_name(request.method, request.path, methods)
            if refused is None:
                raise
            raise refused from None
        caller = request.identified
        if caller is not None:
            reply = shown_to(caller, reply)
        if adapter is not None:
            reply = adapter.from_native(reply)
        if caller is not None and caller.is_test and request.method == "POST":
            reply.body["test_mode"] = True
        return reply

    def _counted(self, request: Request, adapter: "DialectAdapter | None") -> tuple[Request, Located | None]:
        """Count the request. Returns the native request that means the same, and its route.

        How many items it writes is known when its body has been read. Where that cannot be read, or the key lacks a
        scope, the request counts all the same.

        Raises:
            LimitReached: before any other refusal.
            ScopeMissing, and what a translation raises.
        """
        native, written = request, 0
        try:
            found = self.operation.located(request) if adapter is None else None
            route = adapter.route if adapter is not None else None if found is None else found[0]
            if request.identified is not None:
                self.operation.authorize(request.identified, route)
            if adapter is not None:
                native = adapter.to_native()
                found = self.operation.located(native)
            written = self.operation.written(native, found)
        finally:
            self._count(request, written)
        native.auth = request.auth
        return native, found

    def _served(self, request: Request, found: Located | None) -> Answer:
        """Call the operation. Where it refuses, the record of the Idempotency-Key wins."""
        try:
            return self.operation.serve(request, found, self._service_for)
        except ContactsError as error:
            if status_of(error) >= 500 or request.identified is None:
                raise
            records = self._records_of(request.identified)
            return answer(replay_or_raise(error, request.idempotency_key(), records))

    def _identify(self, request: Request) -> None:
        """Set `request.identified`.

        Raises:
            NotAuthenticated, KeyRevoked, AccountSuspended, TemporarilyUnavailable.
            ReadOnly: the request may write.
            LimitReached: it is known without a call that any request of the account is refused now.
        """
        key = sent_key(request)
        if key is None:
            if not self.operation.needs_key:
                return
            raise NotAuthenticated("Send an API key in X-API-Key, or in Authorization as: Bearer <key>.")
        request.identified = caller = self._authenticator.identify(key)
        if request.is_write:
            self._authenticator.refuse_write()
        self._admit(request, self._authenticator.remembered_refusal(caller))

    def _count(self, request: Request, written: int) -> None:
        """Set `request.auth`. `written`: the items of the request; a test key's are not kept, and so not counted.

        Raises:
            LimitReached, TemporarilyUnavailable.
        """
        caller = request.identified
        if caller is not None:
            self._admit(request, self._authenticator.count(caller, 0 if caller.is_test else written))

    @staticmethod
    def _admit(request: Request, auth: AuthContext | None) -> None:
        """
        Raises:
            LimitReached: `auth` says so.
        """
        if auth is not None:
            request.auth = auth
            if auth.refusal is not None:
                raise auth.refusal


def dialect_of(request: Request, error: ContactsError | None = None) -> Dialect:
    """The dialect in which the client gets its answer.

    A known key has a dialect; so have a revoked key and the key of a suspended account, by `error`. For any other
    key, or none, the route, the place and prefix of what was sent, and the User-Agent decide.
    """
    if request.identified is not None:
        return request.identified.key.dialect
    if isinstance(error, KeyRevoked | AccountSuspended):
        return Dialect(error.dialect)
    if request.route in OF_ONE_VENDOR:
        return OF_ONE_VENDOR[request.route]
    own = request.headers.get("x-api-key")
    if own is None and is_smart_senders(request.path, request.headers.get("user-agent", "")):
        return Dialect.SMARTSENDER
    sent = own or request.headers.get("authorization", "").strip().partition(" ")[2].strip()
    if sent.startswith(ARTAMAIL_KEY):
        return Dialect.ARTAMAIL
    if own is not None and request.path.startswith("/api/v1/"):
        return Dialect.SENDMATOR
    return Dialect.NATIVE


def _adapter(request: Request, dialect: Dialect) -> "DialectAdapter | None":
    """The adapter for a request; None: the dialect is native. A function loads adapters when it needs one."""
    if dialect is Dialect.NATIVE:
        return None
    from contacts.web.dialect_adapter import DialectAdapter

    return DialectAdapter(request, dialect)


def sent_key(request: Request) -> str | None:
    """The API key that a request carries, or None.

    Raises:
        NotAuthenticated: the key is in the wrong place, or there are two different keys.
    """
    own = request.headers.get("x-api-key")
    authorization = request.headers.get("authorization")
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
        value.startswith(("sk_", ARTAMAIL_KEY)) for values in request.query.values() for value in values
    ):
        raise NotAuthenticated("A key belongs in the header X-API-Key or Authorization, not in the URL.")
    return key


def rate_headers(auth: AuthContext, *, is_write: bool) -> dict[str, str]:
    """The headers with the account's rate limit: the IETF draft `ratelimit-headers`, and the older `X-RateLimit-*`.

    Only requests that may write are told of the written items.
    """
    limit = auth.caller.account.hourly_limit
    headers = {
        "RateLimit-Policy": f'"hour";q={limit};w=3600',
        "RateLimit": f'"hour";r={auth.remaining};t={auth.seconds_left}',
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(auth.remaining),
        "X-RateLimit-Reset": str(auth.resets_at),
    }
    if is_write:
        headers["X-RateLimit-Written-Limit"] = str(auth.caller.account.hourly_written_limit)
        headers["X-RateLimit-Written-Remaining"] = str(auth.written_remaining)
    return headers
