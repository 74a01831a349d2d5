"""Webhooks in the table, deliveries in the table, and the schedule of attempts.

`WebhookStore` and `DeliveryStore` work on DynamoDB; `DeliverySchedule` on SQS and EventBridge Scheduler.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from contacts.book.model import Outcome
from contacts.core.errors import WebhookNotFound
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.core.ids import is_uuid
from contacts.core.queue import LONGEST_DELAY_S, MessageQueue, Outgoing
from contacts.core.time import DAY, Clock, iso, parsed
from contacts.table import keys
from contacts.table.aws import called
from contacts.table.client import ConditionsFailed, Table
from contacts.table.collection import Collection, CollectionSpec
from contacts.table.expressions import Expression, Item
from contacts.table.records import write_recorded
from contacts.webhooks.model import (
    DELIVERIES_KEPT_DAYS,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    Webhook,
)

UNGROUPED: Final = "ungrouped"
"""The member of a message that says that the message was sent without its group."""


class NotOpen(Exception):
    """Raised when an attempt cannot be claimed, or a delivery not be ended; nothing was written.

    `delivery`: the delivery as it is in the table; None: there is none.
    """

    def __init__(self, delivery: Delivery | None) -> None:
        super().__init__("not open")
        self.delivery = delivery


class DeliveryModified(Exception):
    """Raised when a delivery is no longer as it was read; nothing was written.

    `delivery`: the delivery as it is in the table; None: there is none.
    """

    def __init__(self, delivery: Delivery | None) -> None:
        super().__init__("moved")
        self.delivery = delivery


_LONGEST_ID: Final = 64
"""Characters. No id of ours is longer, and a key of DynamoDB could not hold any longer text (1,024 bytes)."""
_WEBHOOK: Final = "webhook"
"""The name of the step that writes a webhook."""
_SHOWN: Final = ("url", "events", "description", "is_active", "disabled_reason")
"""The attributes that outcomes show. A recorded outcome is true only while these are as they were read."""
_PROBE: Final = ("probe", "probe_due", "tried_at")
_SECRETS: Final = ("secret", "previous_secret", "previous_secret_until")


class WebhookStore:
    """The webhooks of all accounts. No write brings back a webhook that was deleted meanwhile."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def webhooks(self, account_id: str) -> list[Webhook]:
        """The webhooks of an account, the oldest first. One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        return self._of(account_id).all()

    def webhook(self, account_id: str, webhook_id: str) -> Webhook | None:
        """The webhook of an account with an id. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        return self._of(account_id).get(webhook_id)

    def existing(self, account_id: str, webhook_id: str) -> Webhook:
        """The webhook of an account with an id. One GetItem, strongly consistent.

        Raises:
            WebhookNotFound: the account has none with that id.
            TemporarilyUnavailable.
        """
        return self._of(account_id).existing(webhook_id)

    def add(
        self, webhook: Webhook, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> Outcome:
        """Write a new webhook. Returns the outcome.

        Raises:
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        try:
            return self._of(webhook.account_id).add(webhook, outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            there = failed.items[_WEBHOOK]
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            if there is None or there["secret"] != webhook.secret:
                raise
            return outcome

    def change(
        self,
        before: Webhook,
        after: Webhook,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> Outcome:
        """Write a webhook that has been changed since it was read. Returns the outcome.

        Raises:
            ConcurrentModification: it is no longer as it was read, or no longer there; nothing was written.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        webhooks = self._of(before.account_id)
        item, update = _to_item(after), webhooks.as_read(before)
        for attribute in (*_SHOWN, *_SECRETS):
            update.assign(attribute, item[attribute])
        # Delivery workers write this attribute at any time, and no outcome shows it.
        if after.failing_since != before.failing_since:
            update.assign("failing_since", after.failing_since)
            # Otherwise the next failure, be it the only one, would let all others wait for that delivery again.
            for attribute in _PROBE:
                update.remove(attribute)
        return webhooks.update(before, update, outcome, idempotency_key, at_ms)

    def remove(
        self,
        account_id: str,
        webhook_id: str,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> Outcome:
        """Delete a webhook. Returns the outcome.

        Raises:
            WebhookNotFound: the account has none with that id.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        return self._of(account_id).remove(webhook_id, outcome, idempotency_key, at_ms)

    def note_failure(self, webhook: Webhook, at: str) -> None:
        """Store the time of the first failure since the last success. Costs nothing where the time is known.

        `at`: an ISO timestamp.

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
        """Remove the time of the first failure. Costs nothing where there was no failure.

        Raises:
            TemporarilyUnavailable.
        """
        if webhook.failing_since is None:
            return
        expression = Expression()
        expression.require(expression.equals("failing_since", webhook.failing_since))
        for attribute in ("failing_since", *_PROBE):
            expression.remove(attribute)
        self._if_still_so(webhook, expression)

    def set_probe(self, webhook: Webhook, delivery_id: str, due_s: int, now_s: int) -> bool:
        """Let the other deliveries to an endpoint wait for one, whose next attempt is due at `due_s`.

        Returns False where another one is it by now, or the endpoint does not fail any more.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._probed_as_read(webhook)
        expression.require(expression.has("failing_since"))
        expression.set("probe", delivery_id)
        expression.set("probe_due", due_s)
        expression.set("tried_at", now_s)
        return self._if_still_so(webhook, expression)

    def try_now(self, webhook: Webhook, now_s: int) -> bool:
        """Let a delivery be attempted although others wait. Returns False where another one is, since the read.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._probed_as_read(webhook)
        expression.require(expression.equals("tried_at", webhook.tried_at or None))
        expression.set("tried_at", now_s)
        return self._if_still_so(webhook, expression)

    def end_probe(self, webhook: Webhook) -> bool:
        """Let no delivery wait for the one that was attempted: it has ended. Returns False where it is another one.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._probed_as_read(webhook)
        for attribute in _PROBE:
            expression.remove(attribute)
        return self._if_still_so(webhook, expression)

    def mark_waiting(self, webhook: Webhook, mark: str) -> bool:
        """Note that one more delivery waits for an endpoint. Returns False where the endpoint is no longer parked.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._probed_as_read(webhook)
        expression.require(expression.has("failing_since"))
        expression.set("waiting", mark)
        return self._if_still_so(webhook, expression)

    def unmark_waiting(self, webhook: Webhook) -> bool:
        """Note that no delivery waits for an endpoint. Returns False where one more waits since it was read.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.equals("waiting", webhook.waiting))
        expression.remove("waiting")
        return self._if_still_so(webhook, expression)

    def _probed_as_read(self, webhook: Webhook) -> Expression:
        expression = Expression()
        expression.require(expression.is_there())
        expression.require(expression.equals("probe", webhook.probe))
        return expression

    def disable(self, webhook: Webhook, reason: DisabledReason) -> bool:
        """Deactivate a webhook. Returns False where its owner has changed it meanwhile; then nothing is written.

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

    def _of(self, account_id: str) -> Collection[Webhook]:
        return Collection(self._table, account_id, _SPEC)


def _key(webhook: Webhook) -> keys.Key:
    return keys.webhook(webhook.account_id, webhook.id)


def _to_item(webhook: Webhook) -> dict[str, Any]:
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
        "probe": webhook.probe,
        "probe_due": webhook.probe_due or None,
        "tried_at": webhook.tried_at or None,
        "waiting": webhook.waiting,
    }


def _from_item(account_id: str, item: Item) -> Webhook:
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
        probe=item.get("probe"),
        probe_due=item.get("probe_due", 0),
        tried_at=item.get("tried_at", 0),
        waiting=item.get("waiting"),
    )


_SPEC: Final = CollectionSpec(
    name=_WEBHOOK,
    key=keys.webhook,
    id_in_key=lambda given: given if len(given) <= _LONGEST_ID else None,
    to_item=_to_item,
    from_item=_from_item,
    not_found=WebhookNotFound,
    compared=(*_SHOWN, "secret"),
)


_DELIVERY: Final = "delivery"
"""The name of a delivery's step."""


class Around(NamedTuple):
    """A delivery and what it is of, as they were at about the same moment."""

    webhook: Webhook | None
    event: Item | None
    """What lies in its place in the log. None: nothing, as of a test; or an earlier release has put it elsewhere."""
    delivery: Delivery | None


class DeliveryStore:
    """The deliveries of all accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def delivery(self, account_id: str, webhook_id: str, delivery_id: str, now_s: int) -> Delivery | None:
        """The delivery with an id; None where there is none, or its 30 days are over. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        if not is_uuid(delivery_id):
            return None
        item = self._table.get(keys.delivery(account_id, webhook_id, delivery_id))
        if item is None or item["ttl"] <= now_s:
            return None
        return _delivery_from(item, account_id, webhook_id)

    def of(
        self, refs: Iterable[DeliveryRef], now_s: int, *, at_first: int | None = None
    ) -> Iterator[Delivery]:
        """The deliveries that refs name, in their order, as many as there are. BatchGetItem, strongly consistent.

        `at_first`: how many to read first; further ones are read when the caller wants more.

        Raises:
            TemporarilyUnavailable.
        """
        by_key = {_delivery_key(ref): ref for ref in refs}
        for turn in self._table.get_in_turns(by_key, at_first=at_first):
            for key in turn.keys:
                item = turn.items.get(key)
                if item is not None and item["ttl"] > now_s:
                    yield _delivery_from(item, by_key[key].account_id, by_key[key].webhook_id)

    def newest_first(
        self,
        account_id: str,
        webhook_id: str,
        status: DeliveryStatus | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[Delivery], str | None]:
        """Up to `at_most` deliveries to an endpoint, the newest first, and the id to go on after (None: that was all).

        Queries that evaluate at most `evaluate` items. Ids begin with the time of the event.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.delivery(account_id, webhook_id, "").PK)
        expression.keep(f"{expression.name('ttl')} > {expression.value(now_s)}")
        if status is not None:
            expression.keep(expression.equals("status", status))
        start = None if after_id is None else keys.delivery(account_id, webhook_id, after_id)
        items, further = self._table.newest_of(
            expression, start, at_most=at_most, evaluate=evaluate, are_few=status is not None
        )
        found = [_delivery_from(item, account_id, webhook_id) for item in items]
        return found, None if further is None else keys.delivery_id(further)

    def around(self, ref: DeliveryRef) -> Around:
        """A delivery, its webhook and its event. One BatchGetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        webhook, delivery = keys.webhook(ref.account_id, ref.webhook_id), _delivery_key(ref)
        wanted = [webhook, delivery]
        if ref.appended_at is not None:
            wanted.append(keys.event(ref.account_id, ref.appended_at, ref.event_id))
        found = self._table.get_many(wanted)
        there = found.get(webhook)
        return Around(
            None if there is None else _from_item(ref.account_id, there),
            found.get(wanted[2]) if len(wanted) > 2 else None,
            _delivery_or_none(found.get(delivery), ref),
        )

    def claim(self, ref: DeliveryRef, attempt: int, token: str, at_ms: int, lease_s: int) -> Delivery:
        """Claim an attempt for `lease_s` seconds. Returns the delivery. One conditional UpdateItem.

        The first attempt makes the item. `token`: identifies the worker.

        Raises:
            NotOpen: the attempt was made, another worker has it, or the delivery has ended.
            TemporarilyUnavailable.
        """
        now_s = at_ms // 1000
        expression = _open(ref, attempt, now_s)
        expression.set("status", DeliveryStatus.PENDING)
        expression.set("begun", attempt)
        expression.set("claimed_by", token)
        expression.set("lease_until", now_s + lease_s)
        try:
            item = self._table.update(_DELIVERY, _delivery_key(ref), expression)
        except ConditionsFailed as failed:
            there = failed.items[_DELIVERY]
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            if there is None or there.get("claimed_by") != token:
                raise NotOpen(_delivery_or_none(there, ref)) from None
            item = there
        return _delivery_from(item, ref.account_id, ref.webhook_id)

    def record(self, before: Delivery | None, after: Delivery) -> None:
        """Write a delivery after an attempt. One conditional UpdateItem.

        `before`: as it was read; None: there was none, and the attempt is its first.

        Raises:
            DeliveryModified: the delivery is no longer as it was read.
            Contention, TemporarilyUnavailable.
        """
        expression, ref = Expression(), after.ref
        if before is None:
            expression.require(expression.is_free())
            _identify(expression, ref, parsed(after.attempts[0].at))
        else:
            expression.require(expression.equals("claimed_by", before.claim))
            expression.require(expression.equals("done", before.done))
            expression.require(expression.equals("status", before.status))
            expression.require(expression.equals("round_began_after", before.round_began_after))
        if before is None or before.claim != after.claim:
            expression.set("begun", after.begun)
            expression.assign("claimed_by", after.claim)
        expression.set("status", after.status)
        expression.set("done", after.done)
        expression.set("attempts", [_attempt_item(attempt) for attempt in after.attempts])
        expression.assign("next_attempt_at", after.next_attempt_at)
        try:
            self._table.write([self._table.update_step(_DELIVERY, _delivery_key(ref), expression)])
        except ConditionsFailed as failed:
            raise DeliveryModified(_delivery_or_none(failed.items[_DELIVERY], ref)) from None

    def end(self, ref: DeliveryRef, attempt: int, status: DeliveryStatus, at_ms: int) -> None:
        """End a delivery without making the attempt. One conditional UpdateItem.

        Raises:
            NotOpen: the attempt was made, a worker has it, or the delivery has ended.
            TemporarilyUnavailable.
        """
        expression = _open(ref, attempt, at_ms // 1000)
        expression.set("status", status)
        expression.set_once("begun", 0)
        expression.remove("next_attempt_at")
        try:
            self._table.write([self._table.update_step(_DELIVERY, _delivery_key(ref), expression)])
        except ConditionsFailed as failed:
            raise NotOpen(_delivery_or_none(failed.items[_DELIVERY], ref)) from None

    def hold(self, ref: DeliveryRef, attempt: int, until: str, at_ms: int) -> None:
        """Show that an attempt waits until `until` at least. Nothing where it was made or ended. One UpdateItem.

        Raises:
            TemporarilyUnavailable.
        """
        expression = _open(ref, attempt, at_ms // 1000)
        expression.set("status", DeliveryStatus.PENDING)
        expression.set_once("begun", 0)
        expression.set("next_attempt_at", until)
        with suppress(ConditionsFailed):
            self._table.write([self._table.update_step(_DELIVERY, _delivery_key(ref), expression)])

    def begin_again(
        self,
        before: Delivery,
        after: Delivery,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> None:
        """Begin the schedule of a delivery again. One conditional UpdateItem; with an Idempotency-Key a transaction.

        Raises:
            ConcurrentModification: the delivery is no longer as it was read.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.equals("status", before.status))
        expression.require(expression.equals("done", before.done))
        expression.set("status", after.status)
        expression.set("round_began_after", after.round_began_after)
        expression.set("ttl", _ttl(at_ms))
        expression.assign("next_attempt_at", after.next_attempt_at)
        step = self._table.update_step(_DELIVERY, _delivery_key(before.ref), expression)
        try:
            write_recorded(self._table, [step], before.ref.account_id, idempotency_key, outcome, None, at_ms)
        except ConditionsFailed:
            raise ConcurrentModification from None

    def add(
        self, delivery: Delivery, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        """Write a new delivery. One PutItem; with an Idempotency-Key a transaction.

        Raises:
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.is_free())
        ref = delivery.ref
        item: dict[str, object] = {
            "event_id": ref.event_id,
            "event_type": ref.event_type,
            "appended_at": ref.appended_at,
            "status": delivery.status,
            "begun": delivery.begun,
            "done": delivery.done,
            "round_began_after": delivery.round_began_after,
            "next_attempt_at": delivery.next_attempt_at,
            "attempts": [],
            "payload": delivery.payload,
            "ttl": _ttl(at_ms),
        }
        step = self._table.put_step(_DELIVERY, _delivery_key(ref), item, expression)
        try:
            write_recorded(self._table, [step], ref.account_id, idempotency_key, outcome, None, at_ms)
        except ConditionsFailed:
            # The id is new, so the SDK has repeated the call and found what it had written itself.
            return


def _open(ref: DeliveryRef, attempt: int, now_s: int) -> Expression:
    """An update of a delivery, on condition that an attempt can be claimed now.

    The update may make the item, so it sets the attributes that follow from the message unless they are there.
    """
    expression = Expression()
    begun, lease = expression.name("begun"), expression.name("lease_until")
    is_open = (
        f"{expression.equals('status', DeliveryStatus.PENDING)}"
        f" AND {expression.equals('done', attempt - 1)}"
        f" AND ({begun} < {expression.value(attempt)} OR {lease} <= {expression.value(now_s)})"
    )
    if attempt == 1 and not ref.is_test:
        is_open = f"{expression.is_free()} OR ({is_open})"
    expression.require(f"({is_open})")
    _identify(expression, ref, now_s * 1000)
    expression.set_once("done", 0)
    expression.set_once("attempts", [])
    return expression


def _identify(expression: Expression, ref: DeliveryRef, at_ms: int) -> None:
    """Set what follows from the message, unless it is there."""
    expression.set_once("event_id", ref.event_id)
    expression.set_once("event_type", ref.event_type)
    if ref.appended_at is not None:
        expression.set_once("appended_at", ref.appended_at)
    expression.set_once("round_began_after", 0)
    expression.set_once("ttl", _ttl(at_ms))


def _delivery_key(ref: DeliveryRef) -> keys.Key:
    return keys.delivery(ref.account_id, ref.webhook_id, ref.delivery_id)


def _ttl(at_ms: int) -> int:
    return at_ms // 1000 + DELIVERIES_KEPT_DAYS * DAY


def _attempt_item(attempt: Attempt) -> dict[str, Any]:
    item = {
        "at": attempt.at,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
        "response": attempt.response,
    }
    return {name: value for name, value in item.items() if value is not None}


def _delivery_or_none(item: Item | None, ref: DeliveryRef) -> Delivery | None:
    return None if item is None else _delivery_from(item, ref.account_id, ref.webhook_id)


def _delivery_from(item: Item, account_id: str, webhook_id: str) -> Delivery:
    ref = DeliveryRef(
        account_id=account_id,
        webhook_id=webhook_id,
        delivery_id=keys.delivery_id(keys.Key.of(item)),
        event_id=item["event_id"],
        event_type=item["event_type"],
        appended_at=item.get("appended_at"),
    )
    return Delivery(
        ref=ref,
        status=DeliveryStatus(item["status"]),
        next_attempt_at=item.get("next_attempt_at"),
        attempts=tuple(
            Attempt(
                at=attempt["at"],
                status_code=attempt.get("status_code"),
                error=attempt.get("error"),
                duration_ms=attempt["duration_ms"],
                response=attempt.get("response"),
            )
            for attempt in item.get("attempts", ())
        ),
        begun=item.get("begun", 0),
        done=item.get("done", 0),
        round_began_after=item.get("round_began_after", 0),
        payload=item.get("payload"),
        claim=item.get("claimed_by"),
        lease_until=item.get("lease_until", 0),
    )


class DeliverySchedule:
    """`webhooks.delivery.Schedule` on SQS (delays of up to 15 minutes) and EventBridge Scheduler (longer ones)."""

    def __init__(
        self,
        queue: MessageQueue,
        scheduler: Any,
        group: str,
        queue_arn: str,
        dead_letters_arn: str,
        role_arn: str,
        clock: Clock,
    ) -> None:
        """`scheduler`: the client. `group`: the schedule group's name. `dead_letters_arn`: the queue that gets the
        messages which Scheduler could not send. `role_arn`: the role that schedules assume.
        """
        self._queue = queue
        self._scheduler = scheduler
        self._group = group
        self._queue_arn = queue_arn
        self._dead_letters_arn = dead_letters_arn
        self._role_arn = role_arn
        self._clock = clock

    def request(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Request an attempt in `delay_s` seconds.

        Up to 15 minutes: a delayed message, exact to the second. Longer: a schedule, exact to the minute, that deletes
        itself.

        Raises:
            TemporarilyUnavailable.
        """
        if round(delay_s) <= LONGEST_DELAY_S:
            message = Outgoing(body=ref.message(attempt), group=ref.account_id, delay_s=round(delay_s))
            self._queue.send([message])
        else:
            at_ms = self._clock.now_ms() + round(delay_s * 1000)
            self._create_schedule(f"{ref.delivery_id}-{attempt}", ref, attempt, at_ms)

    def look(self, ref: DeliveryRef, attempt: int, delay_s: int) -> None:
        """Request an attempt once more in `delay_s` seconds, in the name of all that rest in its account.

        A longer delay is a schedule with its time in its name: the one that sent this message, which Scheduler deletes
        a moment later, is never taken for it, nor one that comes earlier than the caller notes.

        Raises:
            TemporarilyUnavailable.
        """
        if delay_s <= LONGEST_DELAY_S:
            self.request(ref, attempt, delay_s)
        else:
            at_ms = self._clock.now_ms() + delay_s * 1000
            self._create_schedule(f"{ref.account_id}-{at_ms // 1000}", ref, attempt, at_ms)

    def _create_schedule(self, name: str, ref: DeliveryRef, attempt: int, at_ms: int) -> None:
        """CreateSchedule. A schedule that has the name already was created by an earlier request for the same attempt.

        Scheduler sets no message group for queues that are not FIFO, so the message says that its group is missing.

        Raises:
            TemporarilyUnavailable: Scheduler is busy, or has as many schedules as it takes.
        """
        try:
            called(
                self._scheduler,
                "create_schedule",
                Name=name,
                GroupName=self._group,
                ScheduleExpression=f"at({iso(at_ms)[:19]})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._queue_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps({**ref.message(attempt), UNGROUPED: True}, separators=(",", ":")),
                    "DeadLetterConfig": {"Arn": self._dead_letters_arn},
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
