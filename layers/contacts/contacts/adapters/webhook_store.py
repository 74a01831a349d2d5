"""Webhooks in the table: the endpoints of an account, and how deliveries to them went."""

from typing import Any, Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item
from contacts.adapters.expressions import Expression
from contacts.adapters.records import write_recorded
from contacts.adapters.table import ConditionsFailed, Step, Table
from contacts.domain.outcome import Outcome, Receipt
from contacts.domain.webhooks import DisabledReason, Webhook
from contacts.services.ports import Moved

_LONGEST_ID: Final = 64
"""Characters. What is longer is none of ours, and a key of DynamoDB's could not hold all of it (1,024 bytes)."""
_WEBHOOK: Final = "webhook"
"""The name of a webhook's step."""
_SHOWN: Final = ("url", "events", "description", "is_active", "disabled_reason")
"""What callers see and can change, or bring about: an outcome on record is true only while these are as read."""
_SECRETS: Final = ("secret", "previous_secret", "previous_secret_until")


class DynamoWebhookStore:
    """The webhooks of all accounts. No write brings one back that was deleted meanwhile."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def webhooks(self, account_id: str) -> list[Webhook]:
        """A Query, strongly consistent; ids begin with the time they were made, so they come oldest first."""
        expression = Expression.of_partition(keys.webhook(account_id, "").PK)
        return [_webhook_from(account_id, item) for item in self._table.all_of(expression)]

    def webhook(self, account_id: str, webhook_id: str) -> Webhook | None:
        """One GetItem, strongly consistent."""
        if len(webhook_id) > _LONGEST_ID:
            return None
        item = self._table.get(keys.webhook(account_id, webhook_id))
        return None if item is None else _webhook_from(account_id, item)

    def add(self, webhook: Webhook, outcome: Outcome, receipt: Receipt | None, at_ms: int) -> None:
        """Write a new webhook, and the request's record with it.

        Raises:
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.is_free())
        step = self._table.put_step(_WEBHOOK, _key(webhook), _item(webhook), expression)
        try:
            self._write(step, webhook.account_id, outcome, receipt, at_ms)
        except ConditionsFailed as failed:
            there = failed.items[_WEBHOOK]
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            if there is None or there["secret"] != webhook.secret:
                raise

    def change(
        self, before: Webhook, after: Webhook, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> None:
        """Turn a webhook as it was read into another, and write the request's record with it.

        Raises:
            Moved: it is no longer as it was read, or no longer there; nothing was written.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        was, becomes = _item(before), _item(after)
        expression = Expression()
        for attribute in _SHOWN:
            expression.require(expression.equals(attribute, was[attribute]))
        expression.require(expression.equals("secret", before.secret))
        for attribute in (*_SHOWN, *_SECRETS):
            expression.assign(attribute, becomes[attribute])
        # Deliveries write this one on their own, and it is in no answer.
        if after.failing_since != before.failing_since:
            expression.assign("failing_since", after.failing_since)
        step = self._table.update_step(_WEBHOOK, _key(before), expression)
        try:
            self._write(step, before.account_id, outcome, receipt, at_ms)
        except ConditionsFailed:
            raise Moved from None

    def remove(
        self, account_id: str, webhook_id: str, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> bool:
        """Delete a webhook, and write the request's record with it; False where there is none.

        Raises:
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        if len(webhook_id) > _LONGEST_ID:
            return False
        expression = Expression()
        expression.require(expression.is_there())
        step = self._table.delete_step(_WEBHOOK, keys.webhook(account_id, webhook_id), expression)
        try:
            self._write(step, account_id, outcome, receipt, at_ms)
        except ConditionsFailed as failed:
            return failed.is_repetition
        return True

    def note_failure(self, webhook: Webhook, at: str) -> None:
        """Remember when the first failure since the last success was; costs nothing where that is known.

        Raises:
            TemporarilyUnavailable.
        """
        if webhook.failing_since is not None:
            return
        expression = Expression()
        expression.require(expression.is_there())
        expression.set_once("failing_since", at)
        self._if_still_so(webhook, expression)

    def note_success(self, webhook: Webhook) -> None:
        """Forget the failures before; costs nothing where there were none.

        Raises:
            TemporarilyUnavailable.
        """
        if webhook.failing_since is None:
            return
        expression = Expression()
        expression.require(expression.equals("failing_since", webhook.failing_since))
        expression.remove("failing_since")
        self._if_still_so(webhook, expression)

    def disable(self, webhook: Webhook, reason: DisabledReason) -> bool:
        """Send it nothing more; False where its owner has changed it meanwhile and it is to be tried again.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.equals("url", webhook.url))
        expression.require(expression.equals("is_active", value=True))
        if reason is DisabledReason.FAILING:
            expression.require(expression.equals("failing_since", webhook.failing_since))
        expression.set("is_active", value=False)
        expression.set("disabled_reason", reason)
        return self._if_still_so(webhook, expression)

    def _if_still_so(self, webhook: Webhook, expression: Expression) -> bool:
        try:
            self._table.write([self._table.update_step(_WEBHOOK, _key(webhook), expression)])
        except ConditionsFailed as failed:
            return failed.is_repetition
        return True

    def _write(
        self, step: Step, account_id: str, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> None:
        write_recorded(self._table, [step], account_id, receipt, outcome, None, at_ms)


def _key(webhook: Webhook) -> keys.Key:
    return keys.webhook(webhook.account_id, webhook.id)


def _item(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": webhook.url,
        "events": list(webhook.events),
        "description": webhook.description,
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "created_at": webhook.created_at,
        "secret": webhook.secret,
        "previous_secret": webhook.previous_secret,
        "previous_secret_until": webhook.previous_secret_until or None,
        "failing_since": webhook.failing_since,
    }


def _webhook_from(account_id: str, item: Item) -> Webhook:
    return Webhook(
        id=item["SK"],
        account_id=account_id,
        url=item["url"],
        events=tuple(item["events"]),
        description=item.get("description"),
        is_active=item["is_active"],
        disabled_reason=item.get("disabled_reason"),
        created_at=item["created_at"],
        secret=item["secret"],
        previous_secret=item.get("previous_secret"),
        previous_secret_until=item.get("previous_secret_until", 0),
        failing_since=item.get("failing_since"),
    )
