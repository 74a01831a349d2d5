"""The operations on properties and contacts in this process: the handlers as they are, on a table in memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlencode

from contacts.adapters.contact_store import DynamoContactStore
from contacts.adapters.property_store import DynamoPropertyStore
from contacts.adapters.table import Table
from contacts.adapters.value_rules import DynamoValueRules
from contacts.api.entrypoint import Entrypoint
from contacts.domain.accounts import Caller, Dialect, Mode
from contacts.services.contact_book import ContactBook
from contacts.services.ports import ContactStore
from contacts.services.property_desk import PropertyDesk, PropertyStore
from contacts.services.typed_fields import TypedFields
from local.table import NAME
from tests.documented import assert_answer
from tests.fakes import CountingBytes, FakeClock, opt_outs
from tests.front_door import ACCOUNT_ID, Reply, caller_of, handler_of, opened, table_of
from tests.moto_table import MotoTable

COLLECTION, ONE = "/v1/contact-properties", "/v1/contact-properties/{id}"
CONTACTS, CONTACT = "/v1/contacts", "/v1/contacts/{ref}"
OPERATIONS = {
    f"POST {COLLECTION}": "create_property",
    f"GET {COLLECTION}": "list_properties",
    f"GET {ONE}": "get_property",
    f"PUT {ONE}": "update_property",
    f"DELETE {ONE}": "delete_property",
    f"POST {CONTACTS}": "create_contact",
    f"GET {CONTACT}": "get_contact",
    f"PATCH {CONTACT}": "update_contact",
    f"DELETE {CONTACT}": "delete_contact",
}


class CountedClient:
    """A client that writes down which calls it is asked for."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append((method, request))
            return getattr(self._client, method)(**request)

        return call


class PropertyHouse:
    """A table, a clock, and the operations on them. Made anew by each test."""

    operations: ClassVar[Mapping[str, str]] = OPERATIONS

    def __init__(self) -> None:
        self.moto = MotoTable()
        self.client = CountedClient(self.moto.client())
        self.table = Table(self.client, NAME)
        self.clock, self.randomness = FakeClock(), CountingBytes()
        self.caller = caller_of(ACCOUNT_ID)
        self.store: PropertyStore | None = None
        """Instead of the caller's own."""

    def as_test(self) -> "PropertyHouse":
        """From here on a test key asks."""
        self.caller = replace(self.caller, key=replace(self.caller.key, mode=Mode.TEST))
        return self

    def as_live(self) -> "PropertyHouse":
        """From here on a live key asks."""
        self.caller = replace(self.caller, key=replace(self.caller.key, mode=Mode.LIVE))
        return self

    def speaking(self, dialect: Dialect) -> "PropertyHouse":
        """From here on a key of a dialect asks."""
        self.caller = replace(self.caller, key=replace(self.caller.key, dialect=dialect))
        return self

    def of_account(self, account_id: str) -> "PropertyHouse":
        """From here on somebody of that account asks."""
        self.caller = caller_of(account_id)
        return self

    def request(
        self,
        method: str,
        route: str = COLLECTION,
        name: str | None = None,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Reply:
        """Send a request; `name` stands for what is in braces in the route, `key` is its Idempotency-Key."""
        parameter = route.partition("{")[2].partition("}")[0]
        path = route if name is None else route.replace(f"{{{parameter}}}", name)
        event = {
            "version": "2.0",
            "routeKey": f"{method} {route}",
            "rawPath": path,
            "rawQueryString": urlencode(query or {}),
            "headers": {"x-api-key": "any"} | ({} if key is None else {"idempotency-key": key}),
            "pathParameters": {} if name is None else {parameter: name},
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "r-1"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
        answer = self._entry(self.operations[f"{method} {route}"])(event, context)
        if self.caller.key.dialect is Dialect.NATIVE:
            assert_answer(event, answer)
        return Reply(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

    def defined(self, name: str, kind: str, **more: Any) -> Any:
        """A new property as the API showed it."""
        reply = self.request("POST", body={"name": name, "type": kind, **more})
        assert reply.status == 201, reply
        return reply.body

    def listed(self, **query: str) -> list[Any]:
        """The properties of the first page."""
        found: list[Any] = self.request("GET", query=query).body["data"]
        return found

    def create(self, custom_fields: Any, *, key: str | None = None, **query: str) -> Reply:
        """Create a contact of its own with custom fields."""
        email = f"{self.randomness(8).hex()}@example.com"
        return self.request(
            *("POST", CONTACTS), body={"email": email, "custom_fields": custom_fields}, query=query, key=key
        )

    def desk(self, caller: Caller) -> PropertyDesk:
        """What the handlers get."""
        store = self.store or DynamoPropertyStore(table_of(caller, self.table), caller.account_id)
        return PropertyDesk(store, self.clock, self.randomness)

    def furnish(self, handler: Any) -> None:
        """Give a handler the services it asks for."""
        handler.property_desk, handler.contact_book = self.desk, self.book
        handler.typed_fields = lambda caller: TypedFields(DynamoValueRules(self.table, caller.account_id))

    def contacts(self, caller: Caller) -> ContactStore:
        """The caller's contacts."""
        now_s = self.clock.now_ms() // 1000
        account_id, table = caller.account_id, table_of(caller, self.table)
        return DynamoContactStore(table, account_id, opt_outs(table, account_id), self.randomness, now_s)

    def book(self, caller: Caller) -> ContactBook:
        """The caller's contact book."""
        return ContactBook(self.contacts(caller), self.clock, self.randomness)

    def _entry(self, operation: str) -> Entrypoint:
        handler = handler_of(operation)
        self.furnish(handler)
        return opened(handler, self.caller, self.table, self.clock)
