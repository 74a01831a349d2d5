"""Requests in the words of other vendors: which dialect one speaks, and the way there and back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Final
from uuid import uuid4

from contacts.accounts import model as accounts
from contacts.core import violations
from contacts.core.errors import (
    MAX_ERRORS_SHOWN,
    AccountSuspended,
    ContactsError,
    FieldError,
    InvalidInput,
    KeyRevoked,
)
from contacts.dialects import wire
from contacts.web.parameters import by_name, no_parameter
from contacts.web.request import Request
from contacts.web.response import Answer
from contacts.web.routing import OF_ONE_VENDOR, located, refusal

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def spoken(request: Request, refused: ContactsError | None = None) -> "DialectAdapter | None":
    """How a request speaks; None: natively. Its key says so; of one that is not let in, `refused` or the looks."""
    if request.auth is not None:
        dialect = request.caller.key.dialect
    elif isinstance(refused, KeyRevoked | AccountSuspended):
        dialect = accounts.Dialect(refused.dialect)
    else:
        dialect = _apparent(request)
    return None if dialect is accounts.Dialect.NATIVE else DialectAdapter(request, dialect)


def _apparent(request: Request) -> accounts.Dialect:
    """The dialect that an unknown key, or none, is answered in."""
    if request.route in OF_ONE_VENDOR:
        return OF_ONE_VENDOR[request.route]
    own = request.header("x-api-key")
    sent = own or (request.header("authorization") or "").strip().partition(" ")[2].strip()
    if sent.startswith(accounts.ARTAMAIL_KEY):
        return accounts.Dialect.ARTAMAIL
    if own is not None and request.path.startswith("/api/v1/"):
        return accounts.Dialect.SENDMATOR
    return accounts.Dialect.NATIVE


class DialectAdapter:
    """One request in a vendor's words, and the answer to it."""

    def __init__(self, request: Request, dialect: accounts.Dialect) -> None:
        self._request = request
        # Loaded with the first request that speaks it: four of five functions' lives hear one dialect, or none.
        self._dialect: wire.Dialect = import_module(f"contacts.dialects.{dialect}").DIALECT

    @property
    def _call(self) -> wire.Call:
        """The request as it was said."""
        request = self._request
        if request.vendor_request is None:
            route, path = self._located or (request.route, request.path_parameters())
            request.vendor_request = wire.Call(
                route=route, path=path, query=request.query(), spare_id=str(uuid4())
            )
        return request.vendor_request

    @property
    def _located(self) -> tuple[str, Mapping[str, str]] | None:
        if self._request.vendor_request is not None:
            return self._request.vendor_request.route, self._request.vendor_request.path
        return located(self._request.route, self._request.path_parameters(), self._dialect.routes)

    @property
    def route(self) -> str | None:
        """The vendor's route that the request takes; None: the vendor has none for it."""
        found = self._located
        return None if found is None else found[0]

    @property
    def methods(self) -> Mapping[str, Sequence[str]]:
        """The vendor's paths, each with its methods."""
        found: dict[str, tuple[str, ...]] = {}
        for route in self._dialect.routes:
            method, _, path = route.partition(" ")
            found[path] = (*found.get(path, ()), method)
        return found

    def translate(self) -> None:
        """Have the request read natively from here on.

        Raises:
            RouteNotFound, MethodNotAllowed: the vendor has no such operation.
            InvalidInput, NotFound: it cannot be said natively.
            BodyNotJson, BodyTooLarge.
        """
        request = self._request
        if self._located is None:
            raise refusal(request.method, request.path, self.methods)
        call = self._call
        translation = self._dialect.routes[call.route]
        call = request.vendor_request = replace(call, query=_taken(call.query, translation))
        if request.method in _WITH_BODY and request.body():
            call = request.vendor_request = wire.with_body(call, request.json())
        request.native = translation.to_native(call)

    def from_native(self, reply: Answer) -> Answer:
        """A native answer as the vendor gives it. Where nothing is shown (304) nothing is translated."""
        if reply.body is None:
            return reply
        translation = self._dialect.routes[self._call.route]
        return self._said(reply, translation.from_native(self._call, wire.Reply(reply.status, reply.body)))

    def error(self, problem: Answer, error: ContactsError | None) -> Answer:
        """A native problem as the vendor tells of it; `error`: what it tells of, None for a failure of ours."""
        errors = () if error is None else error.field_errors[:MAX_ERRORS_SHOWN]
        native = wire.Problem(problem.status, problem.body, errors)
        return self._said(problem, self._dialect.error(self._call, native))

    @staticmethod
    def _said(native: Answer, theirs: wire.Reply) -> Answer:
        headers = {name: value for name, value in native.headers.items() if name != "Location"}
        return Answer(theirs.status, theirs.body, headers, log_fields=native.log_fields)


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
