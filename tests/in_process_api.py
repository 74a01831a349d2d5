"""The contact handlers in this process, on a table in this process, called as API Gateway would call them."""

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from contacts.adapters.channel_store import DynamoChannelStore
from contacts.adapters.contact_index import DynamoBookmarks, DynamoContactIndex
from contacts.adapters.contact_store import DynamoContactStore
from contacts.adapters.merge_store import DynamoMergeStore
from contacts.adapters.records import DynamoRecordStore
from contacts.adapters.table import Table
from contacts.adapters.timeline_store import DynamoTimelineStore
from contacts.adapters.value_rules import DynamoValueRules
from contacts.api.entrypoint import Entrypoint
from contacts.domain.accounts import Account, ApiKey, Caller, Dialect, Mode, Plan, Scope
from contacts.services.channel_desk import ChannelDesk
from contacts.services.contact_book import ContactBook
from contacts.services.finding import Finder
from contacts.services.gate_desk import GateDesk
from contacts.services.merging import Merger
from contacts.services.ports import Randomness
from contacts.services.reach import Reach
from contacts.services.timeline import Timeline
from contacts.services.typed_fields import TypedFields
from local.table import NAME
from tests.documented import assert_answer
from tests.fakes import SECRET, FakeClock, opt_outs
from tests.front_door import OpenGate, Reply, loaded
from tests.gateway import handed_over

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
_OPENED = "2026-01-01T00:00:00.000Z"


class InProcessApi:
    """The API as one account sees it."""

    def __init__(
        self,
        dynamodb: Any,
        account_id: str,
        clock: FakeClock,
        randomness: Randomness,
        dialect: Dialect = Dialect.NATIVE,
        scopes: Sequence[Scope] = (Scope.CONTACTS_READ, Scope.CONTACTS_WRITE),
    ) -> None:
        self._table = Table(dynamodb, NAME)
        self._clock = clock
        self._randomness = randomness
        self._caller = caller_of(account_id, dialect, scopes)
        self._entries = {route: self._entry(operation) for route, operation in OPERATIONS.items()}
        self._by_name = {operation: self._entries[route] for route, operation in OPERATIONS.items()}
        self._by_name["refuse_request"] = self._entry("refuse_request")

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
        parameter = route.partition("{")[2].partition("}")[0]
        path = route if ref is None else route.replace(f"{{{parameter}}}", quote(ref, safe=""))
        route_key = f"{method} {route}"
        event = {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": path,
            "rawQueryString": urlencode(query or {}, doseq=True),
            "headers": {"x-api-key": "any", **(headers or {})},
            "pathParameters": {} if ref is None else {parameter: ref.replace("%", "%25")},
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "r-1"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
        answer = self._entries[NATIVE_ROUTES.get(route_key, route_key)](event, context)
        if self._caller.key.dialect is Dialect.NATIVE:
            assert_answer(event, answer)
        content = json.loads(answer["body"]) if answer["body"] else None
        return Reply(answer["statusCode"], content, answer["headers"])

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        decodes: bool = True,
    ) -> Reply:
        """Send a request to wherever the gateway leads it; `target`: path and query as a client sends them."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        handed = handed_over(method, target, text, headers, decodes=decodes)
        context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
        answer = self._by_name[handed.operation](handed.event, context)
        content = json.loads(answer["body"]) if answer["body"] else None
        return Reply(answer["statusCode"], content, answer["headers"])

    def _entry(self, operation: str) -> Entrypoint:
        handler = loaded(operation)
        handler.contact_store, handler.contact_book = self._contact_store, self._contact_book
        handler.finder = self._finder
        handler.timeline = self._timeline
        handler.merger = self._merger
        handler.typed_fields = self._typed_fields
        handler.gate_desk, handler.reach = self._gate_desk, self._reach
        handler.channel_desk = self._channel_desk
        return Entrypoint(
            handler.operation, OpenGate(self._caller), self._record_store, lambda _seconds: None
        )

    def _contact_store(self, _: Caller) -> DynamoContactStore:
        account_id, now_s = self._caller.account_id, self._clock.now_ms() // 1000
        return DynamoContactStore(
            self._table, account_id, opt_outs(self._table, account_id), self._randomness, now_s
        )

    def _contact_book(self, caller: Caller) -> ContactBook:
        return ContactBook(self._contact_store(caller), self._clock, self._randomness)

    def _finder(self, caller: Caller) -> Finder:
        account_id = caller.account_id
        return Finder(
            DynamoContactIndex(self._table, account_id),
            DynamoBookmarks(self._table, account_id, self._clock),
        )

    def _timeline(self, caller: Caller) -> Timeline:
        entries = DynamoTimelineStore(self._table, self._caller.account_id)
        return Timeline(self._contact_book(caller), entries, self._clock, self._randomness)

    def _gate_desk(self, caller: Caller) -> GateDesk:
        contacts, book = self._contact_store(caller), self._contact_book(caller)
        return GateDesk(self._channels(), contacts, book, self._clock, self._randomness)

    def _reach(self, caller: Caller) -> Reach:
        return Reach(self._contact_book(caller), self._channels())

    def _channel_desk(self, _: Caller) -> ChannelDesk:
        return ChannelDesk(self._channels(), self._clock, self._randomness)

    def _channels(self) -> DynamoChannelStore:
        return DynamoChannelStore(self._table, self._caller.account_id)

    def _merger(self, caller: Caller) -> Merger:
        account_id = self._caller.account_id
        store = DynamoMergeStore(self._table, account_id, opt_outs(self._table, account_id), self._randomness)
        return Merger(self._contact_book(caller), store, self._clock, self._randomness)

    def _typed_fields(self, _: Caller) -> TypedFields:
        return TypedFields(DynamoValueRules(self._table, self._caller.account_id))

    def _record_store(self, _: Caller) -> DynamoRecordStore:
        return DynamoRecordStore(self._table, self._caller.account_id, self._clock.now_ms() // 1000)


def caller_of(
    account_id: str,
    dialect: Dialect = Dialect.NATIVE,
    scopes: Sequence[Scope] = (Scope.CONTACTS_READ, Scope.CONTACTS_WRITE),
) -> Caller:
    """Whoever has a key of an account that speaks a dialect."""
    account = Account(
        id=account_id,
        name="Demo",
        plan=Plan.ENTERPRISE,
        hourly_limit=1_000_000_000,
        created_at=_OPENED,
        secret=SECRET,
    )
    key = ApiKey(
        id="k",
        account_id=account_id,
        key_hash="0" * 64,
        name="Demo",
        scopes=tuple(scopes),
        mode=Mode.LIVE,
        dialect=dialect,
        last_four="0000",
        created_at=_OPENED,
    )
    return Caller(account, key)
