"""The webhook operations in this process: the handlers as they are, on a table in memory, with a resolver on paper."""

import socket
from dataclasses import dataclass, field
from typing import Any

from contacts.accounts.model import Caller, Mode
from contacts.webhooks.sender import EndpointAddresses
from contacts.webhooks.service import WebhookService
from contacts.webhooks.store import WebhookStore
from tests.support.app import App, Reply
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.moto_table import MotoTable

PUBLIC = "93.184.216.34"
ENDPOINT = "https://hooks.example.com/contacts"
COLLECTION, ONE, ROTATE = "/v1/webhooks", "/v1/webhooks/{id}", "/v1/webhooks/{id}/rotate-secret"
OPERATIONS = {
    f"POST {COLLECTION}": "create_webhook",
    f"GET {COLLECTION}": "list_webhooks",
    f"GET {ONE}": "get_webhook",
    f"PATCH {ONE}": "update_webhook",
    f"DELETE {ONE}": "delete_webhook",
    f"POST {ROTATE}": "rotate_webhook_secret",
}


@dataclass
class Resolver:
    """`socket.getaddrinfo` with a zone of its own; what is not in it does not exist."""

    zone: dict[str, tuple[str, ...] | Exception] = field(
        default_factory=lambda: {"hooks.example.com": (PUBLIC,)}
    )
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        found = self.zone.get(host)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if isinstance(found, Exception):
            raise found
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port, *rest))
            for address in found
            for family, rest in [(socket.AF_INET6, (0, 0)) if ":" in address else (socket.AF_INET, ())]
        ]


class WebhookHarness:
    """A table, a clock, a resolver, and the webhook operations on them. Made anew by each test."""

    def __init__(self, dynamodb: Any = None, *, private_allowed: bool = False) -> None:
        self.moto = MotoTable()
        self.clock, self.randomness, self.resolver = FakeClock(), CountingBytes(), Resolver()
        self.addresses = EndpointAddresses(private_allowed, self.resolver)
        self.app = WebhookApp(self, dynamodb or self.moto.client())
        self.table = self.app.table
        self.store = WebhookStore(self.table)
        self.service = self.app.live_service = self.app.webhook_service(self.caller)
        """What a live key's handlers get."""

    @property
    def caller(self) -> Caller:
        """Who asks now."""
        return self.app.caller

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self.app.caller = caller

    def as_test(self) -> "WebhookHarness":
        """From here on a test key asks."""
        self.app.with_key(mode=Mode.TEST)
        return self

    def request(
        self,
        method: str,
        route: str = COLLECTION,
        webhook_id: str | None = None,
        *,
        body: Any = None,
        key: str | None = None,
    ) -> Reply:
        """Send a request; `webhook_id` stands for `{id}` in the route, `key` is its Idempotency-Key."""
        path = {} if webhook_id is None else {"id": webhook_id}
        headers = {} if key is None else {"idempotency-key": key}
        function = OPERATIONS[f"{method} {route}"]
        return self.app.ask(function, method, route, path, body=body, headers=headers)

    def created(self, **command: Any) -> Any:
        """A new webhook as the API showed it, with its secret."""
        reply = self.request("POST", body={"url": ENDPOINT, **command})
        assert reply.status == 201, reply
        return reply.body


class WebhookApp(App):
    """The functions on the table of a harness, with its resolver."""

    live_service: WebhookService | None = None

    def __init__(self, harness: WebhookHarness, client: Any) -> None:
        super().__init__(client, clock=harness.clock, randomness=harness.randomness)
        self._harness = harness

    def endpoint_addresses(self) -> EndpointAddresses:
        return self._harness.addresses

    def webhook_service(self, caller: Caller) -> WebhookService:
        live_service = None if caller.is_test else self.live_service
        return live_service or super().webhook_service(caller)
