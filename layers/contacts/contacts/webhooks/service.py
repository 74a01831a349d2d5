"""What callers do with the webhooks of their account: register, list, read, change, delete, rotate the secret."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from contacts.accounts.model import PLAN_LIMITS, Caller
from contacts.book.model import Action, Outcome
from contacts.core.errors import FieldError, InvalidInput, TooManyWebhooks
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness
from contacts.core.time import Clock, iso
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.events.model import EVERYTHING
from contacts.webhooks.endpoints import Addresses, NoSuchHost, NotResolved, UnsafeEndpoint, endpoint_of
from contacts.webhooks.model import SECRET_OVERLAP, Webhook, WebhookOut, webhook_out
from contacts.webhooks.store import WebhookStore

_SECRET_BYTES: Final = 32
"""Standard Webhooks requires 24 to 64."""
_NOT_PUBLIC: Final = Violation(FieldErrorCode.INVALID_URL, "leads to an address that is not public")
_NO_SUCH_HOST: Final = Violation(FieldErrorCode.INVALID_URL, "has a host that does not exist")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhook:
    """The fields of a new webhook."""

    url: str
    events: Sequence[str] = (EVERYTHING,)
    description: str | None = None
    is_active: bool = True


class WebhookService:
    """The webhooks of accounts."""

    def __init__(
        self, store: WebhookStore, addresses: Addresses, clock: Clock, randomness: Randomness
    ) -> None:
        self._store = store
        self._addresses = addresses
        self._clock = clock
        self._randomness = randomness

    def webhooks(self, caller: Caller) -> list[WebhookOut]:
        """The account's webhooks, oldest first, without their secrets."""
        return [webhook_out(one) for one in self._store.webhooks(caller.account_id)]

    def webhook(self, caller: Caller, webhook_id: str) -> WebhookOut:
        """One webhook, without its secret.

        Raises:
            WebhookNotFound: the account has none with that id.
        """
        return webhook_out(self._store.existing(caller.account_id, webhook_id))

    def add(self, caller: Caller, command: CreateWebhook, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Register a webhook. Only this outcome shows its secret.

        Raises:
            InvalidInput: the URL may not be called.
            TooManyWebhooks: the account has as many already as its plan allows.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        url = self._checked(command.url)
        now = self._clock.now_ms()
        webhook = Webhook(
            id=f"wh_{now:011x}{self._randomness(4).hex()}",
            account_id=caller.account_id,
            url=url,
            events=tuple(command.events),
            description=command.description,
            is_active=command.is_active,
            disabled_reason=None,
            created_at=iso(now),
            secret=self._new_secret(),
        )
        outcome = Outcome(
            action=Action.CREATED, details=webhook_out(webhook), secrets={"secret": webhook.secret}
        )
        plan = caller.account.plan
        there, most = len(self._store.webhooks(caller.account_id)), PLAN_LIMITS[plan].endpoints
        if there >= most:
            raise TooManyWebhooks(
                f"An account of the plan {plan} has at most {most} webhooks, and this one has {there}; "
                "delete one first."
            )

        def write() -> Outcome:
            return self._store.add(webhook, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)

    def change(
        self,
        caller: Caller,
        webhook_id: str,
        fields: Mapping[str, Any],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Change fields: `url`, `events`, `description`, `is_active`. A field that is absent keeps its value.

        Activating a webhook clears `disabled_reason`. Activating it, or another URL, clears its failures.

        Raises:
            WebhookNotFound: the account has none with that id.
            InvalidInput: the URL may not be called.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        self._store.existing(caller.account_id, webhook_id)
        changes = dict(fields)
        if "url" in changes:
            changes["url"] = self._checked(changes["url"])
        if "events" in changes:
            changes["events"] = tuple(changes["events"])

        def changed(webhook: Webhook) -> Webhook:
            after = replace(webhook, **changes)
            if changes.get("is_active"):
                return replace(after, disabled_reason=None, failing_since=None)
            return after if after.url == webhook.url else replace(after, failing_since=None)

        return self._change(caller, webhook_id, changed, idempotency_key)

    def rotate(self, caller: Caller, webhook_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Give a webhook a new secret. Only this outcome shows it. The secret before signs for 24 hours more.

        At most two secrets sign: a third one, replaced within the last 24 hours, ends at once.

        Raises:
            WebhookNotFound: the account has none with that id.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        secret = self._new_secret()
        until = self._clock.now_ms() // 1000 + SECRET_OVERLAP

        def rotated(webhook: Webhook) -> Webhook:
            # After a write whose response got lost, the new secret is read here. The previous one must stay.
            if webhook.secret == secret:
                return webhook
            return replace(
                webhook, secret=secret, previous_secret=webhook.secret, previous_secret_until=until
            )

        return self._change(caller, webhook_id, rotated, idempotency_key, {"secret": secret})

    def remove(self, caller: Caller, webhook_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Delete a webhook. Its pending deliveries are dropped.

        Raises:
            WebhookNotFound: the account has none with that id.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        outcome = Outcome(action=Action.DELETED, details={"id": webhook_id})
        now = self._clock.now_ms()

        def write() -> Outcome:
            return self._store.remove(caller.account_id, webhook_id, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)

    def _checked(self, url: str) -> str:
        """A URL in the form in which it is stored.

        A host that cannot be resolved now is accepted: every attempt resolves and checks it again.

        Raises:
            InvalidInput: the URL may not be called.
        """
        try:
            endpoint = endpoint_of(url, private_allowed=self._addresses.private_allowed)
        except InvalidValue as error:
            raise InvalidInput([FieldError("url", error.violation)]) from None
        try:
            self._addresses.of(endpoint.host, endpoint.port)
        except UnsafeEndpoint:
            raise InvalidInput([FieldError("url", _NOT_PUBLIC)]) from None
        except NoSuchHost:
            raise InvalidInput([FieldError("url", _NO_SUCH_HOST)]) from None
        except NotResolved:
            pass
        return endpoint.url

    def _new_secret(self) -> str:
        return f"whsec_{b64encode(self._randomness(_SECRET_BYTES)).decode()}"

    def _change(
        self,
        caller: Caller,
        webhook_id: str,
        changed: Callable[[Webhook], Webhook],
        idempotency_key: IdempotencyKey | None,
        secrets: Mapping[str, object] | None = None,
    ) -> Outcome:
        """Read a webhook and write what `changed` makes of it; after a conflict with another writer, again."""
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = self._store.existing(caller.account_id, webhook_id)
            after = changed(before)
            outcome = Outcome(action=Action.UPDATED, details=webhook_out(after), secrets=secrets or {})
            return self._store.change(before, after, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)
