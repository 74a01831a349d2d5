"""Requests in the words of other vendors: which dialect one speaks, and the way there and back."""

from importlib import import_module
from typing import Final
from uuid import uuid4

from contacts.api.answers import Answer
from contacts.api.request import Request
from contacts.api.routes import refusal
from contacts.dialects import wire
from contacts.domain import accounts
from contacts.domain.errors import AccountSuspended, ContactsError, KeyRevoked

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def spoken(request: Request, refused: ContactsError | None = None) -> "Speech | None":
    """How a request speaks; None: natively. Its key says so; of one that is not let in, `refused` or the looks."""
    if request.admission is not None:
        dialect = request.caller.key.dialect
    elif isinstance(refused, KeyRevoked | AccountSuspended):
        dialect = accounts.Dialect(refused.dialect)
    else:
        dialect = _apparent(request)
    return None if dialect is accounts.Dialect.NATIVE else Speech(request, dialect)


def _apparent(request: Request) -> accounts.Dialect:
    """The dialect that an unknown key, or none, is answered in."""
    own = request.header("x-api-key")
    sent = own or (request.header("authorization") or "").strip().partition(" ")[2].strip()
    if sent.startswith(accounts.ARTAMAIL_KEY):
        return accounts.Dialect.ARTAMAIL
    if own is not None and request.path.startswith("/api/v1/"):
        return accounts.Dialect.SENDMATOR
    return accounts.Dialect.NATIVE


class Speech:
    """One request in a vendor's words, and the answer to it."""

    def __init__(self, request: Request, dialect: accounts.Dialect) -> None:
        self._request = request
        # Loaded with the first request that speaks it: four of five functions' lives hear one dialect, or none.
        self._dialect: wire.Dialect = import_module(f"contacts.dialects.{dialect}").DIALECT

    @property
    def _call(self) -> wire.Call:
        """The request as it was said."""
        request = self._request
        if request.said is None:
            path, query = request.path_parameters(), request.query()
            request.said = wire.Call(route=request.route, path=path, query=query, spare_id=str(uuid4()))
        return request.said

    def translate(self) -> None:
        """Have the request read natively from here on.

        Raises:
            RouteNotFound, MethodNotAllowed: the vendor has no such operation.
            InvalidInput, NotFound: it cannot be said natively.
            BodyNotJson, BodyTooLarge.
        """
        request = self._request
        translation = self._dialect.routes.get(request.route)
        if translation is None:
            raise refusal(request.method, request.path, _methods(self._dialect))
        call = self._call
        if request.method in _WITH_BODY and request.body():
            call = request.said = wire.with_body(call, request.json())
        request.native = translation.asked(call)

    def answered(self, reply: Answer) -> Answer:
        """A native answer as the vendor gives it. Where nothing is shown (304) nothing is translated."""
        if reply.body is None:
            return reply
        translation = self._dialect.routes[self._call.route]
        return self._said(reply, translation.answered(self._call, wire.Reply(reply.status, reply.body)))

    def refused(self, problem: Answer) -> Answer:
        """A native problem as the vendor tells of it."""
        return self._said(
            problem, self._dialect.refused(self._call, wire.Reply(problem.status, problem.body))
        )

    @staticmethod
    def _said(native: Answer, theirs: wire.Reply) -> Answer:
        headers = {name: value for name, value in native.headers.items() if name != "Location"}
        return Answer(theirs.status, theirs.body, headers, noted=native.noted)


def _methods(dialect: wire.Dialect) -> dict[str, tuple[str, ...]]:
    """A vendor's paths, each with its methods."""
    found: dict[str, tuple[str, ...]] = {}
    for route in dialect.routes:
        method, _, path = route.partition(" ")
        found[path] = (*found.get(path, ()), method)
    return found
