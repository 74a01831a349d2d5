"""The adapter between a request in another vendor's wire format and the native API. Loaded only for such requests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Final
from uuid import uuid4

from contacts.accounts import model as accounts
from contacts.core import violations
from contacts.core.errors import MAX_ERRORS_SHOWN, ContactsError, FieldError, InvalidInput
from contacts.core.ids import RefKind
from contacts.dialects import wire
from contacts.web.request import Request
from contacts.web.response import Answer
from contacts.web.routing import by_name, located, no_parameter, refusal

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class DialectAdapter:
    """Translates one request of another vendor's client to a native one, and the native answer back."""

    def __init__(self, request: Request, dialect: accounts.Dialect) -> None:
        self._request = request
        # Loaded with the first request in this dialect: four of five functions' lives hear one dialect, or none.
        self._dialect: wire.Dialect = import_module(f"contacts.dialects.{dialect}").DIALECT
        self._located = located(request.route, request.path_parameters, self._dialect.routes)
        route, path = self._located or (request.route, request.path_parameters)
        self._call = wire.VendorRequest(
            route=route,
            path=path,
            query=request.query,
            spare_id=str(uuid4()),
            account_id="" if request.identified is None else request.identified.account_id,
            request_id=request.request_id,
        )

    @property
    def route(self) -> str | None:
        """The vendor's route that the request takes; None: the vendor has none for it."""
        return None if self._located is None else self._located[0]

    @property
    def methods(self) -> Mapping[str, Sequence[str]]:
        """The vendor's paths, each with its methods."""
        found: dict[str, tuple[str, ...]] = {}
        for route in self._dialect.routes:
            method, _, path = route.partition(" ")
            found[path] = (*found.get(path, ()), method)
        return found

    def to_native(self) -> Request:
        """The native request that means what the vendor's request means.

        Raises:
            RouteNotFound, MethodNotAllowed: the vendor has no such operation.
            InvalidInput, NotFound: the native API cannot express the request.
            BodyNotJson, BodyNotReadable, BodyTooLarge.
        """
        request = self._request
        if self._located is None:
            raise refusal(request.method, request.path, self.methods)
        refused = self._dialect.refused_headers.items()
        wrong = [FieldError(name, violation) for name, violation in refused if request.header(name.lower())]
        if wrong:
            raise InvalidInput(wrong)
        translation = self._dialect.routes[self._call.route]
        self._call = replace(self._call, query=_taken(self._call.query, translation))
        if (request.method in _WITH_BODY or translation.has_body) and request.body():
            self._call = wire.with_body(self._call, request.json())
        native = translation.to_native(self._call)
        ref = native.ref
        return replace(
            request,
            route=native.route,
            path_parameters=native.path if ref is None else {**native.path, "ref": ref.value},
            query=native.query,
            ref_kinds=None if ref is None else tuple(map(RefKind, ref.by)),
            dialect_body=native.body,
        )

    def from_native(self, reply: Answer) -> Answer:
        """The vendor's form of a native answer. An answer without a body (304) stays as it is."""
        if reply.body is None:
            return reply
        translation = self._dialect.routes[self._call.route]
        return self._vendor_answer(
            reply, translation.from_native(self._call, wire.Reply(reply.status, reply.decoded()))
        )

    def error(self, problem: Answer, error: ContactsError | None) -> Answer:
        """The vendor's form of a native problem. `error`: the error behind the problem; None: an unexpected failure."""
        errors = () if error is None else error.field_errors[:MAX_ERRORS_SHOWN]
        native = wire.Problem(problem.status, problem.body, errors)
        call = replace(self._call, url_path=self._request.path)
        return self._vendor_answer(problem, self._dialect.error(call, native))

    @staticmethod
    def _vendor_answer(native: Answer, vendor_reply: wire.Reply) -> Answer:
        headers = {name: value for name, value in native.headers.items() if name != "Location"}
        return Answer(vendor_reply.status, vendor_reply.body, headers, log_fields=native.log_fields)


def _taken(given: Mapping[str, Sequence[str]], translation: wire.Translation) -> dict[str, list[str]]:
    """The query by the names that a vendor's route takes.

    Raises:
        InvalidInput: names every parameter that it does not take, and every one given twice that it takes once.
    """
    query = by_name(given, translation.many)
    known = (*translation.once, *translation.many)
    if translation.ignores_others:
        query = {name: query[name] for name in known if name in query}
    wrong = [FieldError(name, no_parameter(known)) for name in query if name not in known]
    wrong += [
        FieldError(name, violations.GIVEN_TWICE) for name in translation.once if len(query.get(name, ())) > 1
    ]
    if wrong:
        raise InvalidInput(wrong)
    return query
