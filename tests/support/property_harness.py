"""The operations on properties and contacts in this process: the handlers as they are, on a table in memory."""

from collections.abc import Mapping
from typing import Any, ClassVar

from contacts.accounts.model import Caller, Dialect, Mode
from contacts.properties.service import PropertyService
from contacts.properties.store import PropertyStore
from contacts.table.client import Table
from tests.support.app import App, Reply, caller_of
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.moto_table import MotoTable

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


class PropertyHarness:
    """A table, a clock, and the operations on them. Made anew by each test."""

    operations: ClassVar[Mapping[str, str]] = OPERATIONS

    def __init__(self) -> None:
        self.moto = MotoTable()
        self.client = CountedClient(self.moto.client())
        self.randomness = CountingBytes()
        self.store: PropertyStore | None = None
        """Instead of the caller's own."""
        self.app = self.new_app()

    @property
    def clock(self) -> FakeClock:
        return self.app.clock

    @clock.setter
    def clock(self, clock: FakeClock) -> None:
        self.app.clock = clock

    @property
    def table(self) -> Table:
        """The table of every key but a test key."""
        return self.app.table

    @table.setter
    def table(self, table: Table) -> None:
        self.app.table = table

    @property
    def caller(self) -> Caller:
        """Who asks now."""
        return self.app.caller

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self.app.caller = caller

    def as_test(self) -> "PropertyHarness":
        """From here on a test key asks."""
        self.app.with_key(mode=Mode.TEST)
        return self

    def as_live(self) -> "PropertyHarness":
        """From here on a live key asks."""
        self.app.with_key(mode=Mode.LIVE)
        return self

    def speaking(self, dialect: Dialect) -> "PropertyHarness":
        """From here on a key of a dialect asks."""
        self.app.with_key(dialect=dialect)
        return self

    def of_account(self, account_id: str) -> "PropertyHarness":
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
        path = {} if name is None else {route.partition("{")[2].partition("}")[0]: name}
        headers = {} if key is None else {"idempotency-key": key}
        function = self.operations[f"{method} {route}"]
        return self.app.ask(function, method, route, path, query=query, body=body, headers=headers)

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

    def service(self, caller: Caller) -> PropertyService:
        """What the handlers get."""
        return self.app.property_service(caller)

    def new_app(self) -> App:
        """The functions of this harness."""
        return PropertyApp(self)


class PropertyApp(App):
    """The functions on the table of a harness."""

    def __init__(self, harness: PropertyHarness) -> None:
        super().__init__(harness.client, randomness=harness.randomness)
        self._harness = harness

    def property_service(self, caller: Caller) -> PropertyService:
        service = super().property_service(caller)
        if self._harness.store is not None:
            service._store = self._harness.store
        return service
