"""The webhook operations in this process: the handlers as they are, on a table in memory, with a resolver on paper."""

import json
import socket
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from contacts.adapters.dry_run import DryRunTable
from contacts.adapters.endpoint_addresses import EndpointAddresses
from contacts.adapters.table import Table
from contacts.adapters.webhook_store import DynamoWebhookStore
from contacts.api.entrypoint import Entrypoint
from contacts.domain.accounts import Mode
from contacts.services.webhook_desk import WebhookDesk
from local.table import NAME
from tests.documented import assert_answer
from tests.fakes import CountingBytes, FakeClock
from tests.front_door import Reply, caller_of, handler_of, opened
from tests.moto_table import MotoTable

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


class WebhookHouse:
    """A table, a clock, a resolver, and the webhook operations on them. Made anew by each test."""

    def __init__(self, dynamodb: Any = None, *, private_allowed: bool = False) -> None:
        self.moto = MotoTable()
        self.table = Table(dynamodb or self.moto.client(), NAME)
        self.clock, self.randomness, self.resolver = FakeClock(), CountingBytes(), Resolver()
        self.store = DynamoWebhookStore(self.table)
        self.addresses = EndpointAddresses(private_allowed, self.resolver)
        self.desk = self._desk(self.store)
        self.caller = caller_of()

    def as_test(self) -> "WebhookHouse":
        """From here on a test key asks."""
        self.caller = replace(self.caller, key=replace(self.caller.key, mode=Mode.TEST))
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
        path = route if webhook_id is None else route.replace("{id}", webhook_id)
        event = {
            "version": "2.0",
            "routeKey": f"{method} {route}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"x-api-key": "any"} | ({} if key is None else {"idempotency-key": key}),
            "pathParameters": {} if webhook_id is None else {"id": webhook_id},
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "r-1"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
        answer = self._entry(OPERATIONS[f"{method} {route}"])(event, context)
        assert_answer(event, answer)
        return Reply(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

    def created(self, **wish: Any) -> Any:
        """A new webhook as the API showed it, with its secret."""
        reply = self.request("POST", body={"url": ENDPOINT, **wish})
        assert reply.status == 201, reply
        return reply.body

    def _desk(self, store: DynamoWebhookStore) -> WebhookDesk:
        return WebhookDesk(store, self.addresses, self.clock, self.randomness)

    def _entry(self, operation: str) -> Entrypoint:
        handler = handler_of(operation)
        dry_run = self._desk(DynamoWebhookStore(DryRunTable()))
        handler.webhook_desk = lambda caller: dry_run if caller.is_test else self.desk
        return opened(handler, self.caller, self.table, self.clock)
