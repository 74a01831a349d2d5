"""The contact handlers in this process, as one account's key sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from contacts.accounts.model import Caller, Dialect, Plan, Scope
from contacts.core.ids import Randomness
from tests.support import app
from tests.support.app import App, Reply
from tests.support.fakes import FakeClock

OPERATIONS = {
    "POST /v1/contacts": "create_contact",
    "GET /v1/contacts": "list_contacts",
    "GET /v1/contacts/search": "search_contacts",
    "GET /v1/contacts/{ref}": "get_contact",
    "PATCH /v1/contacts/{ref}": "update_contact",
    "DELETE /v1/contacts/{ref}": "delete_contact",
    "POST /v1/contacts/{ref}/restore": "restore_contact",
    "POST /v1/contacts/{ref}/merge": "merge_contacts",
    "POST /v1/contacts/{ref}/events": "record_event",
    "GET /v1/contacts/{ref}/events": "list_contact_events",
    "GET /v1/contacts/{ref}/gates": "list_gates",
    "GET /v1/contacts/{ref}/chat": "get_chat",
    "GET /v1/channels": "list_channels",
    "POST /v1/channels": "create_channel",
    "GET /v1/channels/{id}": "get_channel",
    "PUT /v1/channels/{id}": "update_channel",
    "POST /v1/channels/{id}/gates": "add_gate",
}
NATIVE_ROUTES = {
    "PUT /v1/contacts/{ref}": "PATCH /v1/contacts/{ref}",
    "GET /v1/contacts/{ref}/info": "GET /v1/contacts/{ref}",
    "POST /v1/contacts/{ref}/fire": "POST /v1/contacts/{ref}/events",
}
"""Routes that are another one's, or only a vendor's: with the route by which OPERATIONS knows their function."""
ONE = "/v1/contacts/{ref}"
_SCOPES = (Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)


class InProcessApi(App):
    """The API as one account sees it."""

    operations: Mapping[str, str] = OPERATIONS

    def __init__(
        self,
        dynamodb: Any,
        account_id: str,
        clock: FakeClock,
        randomness: Randomness,
        dialect: Dialect = Dialect.NATIVE,
        scopes: Sequence[Scope] = _SCOPES,
    ) -> None:
        super().__init__(dynamodb, caller_of(account_id, dialect, scopes), clock=clock, randomness=randomness)

    def request(
        self,
        method: str,
        route: str = "/v1/contacts",
        ref: str | None = None,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request; `ref` stands for what is in braces in the route."""
        route_key = f"{method} {route}"
        function = self.operations[NATIVE_ROUTES.get(route_key, route_key)]
        path = {} if ref is None else {route.partition("{")[2].partition("}")[0]: ref}
        return self.ask(function, method, route, path, query=query, body=body, headers=headers)


def caller_of(
    account_id: str, dialect: Dialect = Dialect.NATIVE, scopes: Sequence[Scope] = _SCOPES
) -> Caller:
    """Whoever has a key of an account that speaks a dialect, with no end to its hour."""
    caller = app.caller_of(account_id, dialect, scopes)
    account = replace(caller.account, plan=Plan.ENTERPRISE, hourly_limit=1_000_000_000)
    return replace(caller, account=account)
