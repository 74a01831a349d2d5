"""The delivery worker: it attempts deliveries of events to endpoints, records the attempts, and asks for further ones.

An account has few deliveries in flight at once (`in_flight`). A worker that finds no slot free lets its delivery wait
in the table, and its message is done. The worker that gives a slot back attempts what waits, while it has time, and
then sends messages for the rest. So what waits costs no message that comes again and again, and no schedule.

Deliveries of an account rest while it is suspended or an operator has stopped them: they wait in the same place, and
one message for each account looks from time to time whether they may go on.

`signed_headers` signs what is sent, after Standard Webhooks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple, Protocol

import standardwebhooks

from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import tries
from contacts.core.ids import Randomness
from contacts.core.json import to_json
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import DAY, HOUR, Clock, iso, parsed
from contacts.events.model import KEPT_DAYS, Event, event_out
from contacts.events.store import EventStore, event_or_none
from contacts.table.expressions import Item
from contacts.webhooks.in_flight import (
    AlreadyInFlight,
    NoSlotFree,
    SlotStore,
    Taken,
    Waiting,
    WaitingStore,
    ended,
    slot_text,
)
from contacts.webhooks.model import (
    DISABLED_AFTER,
    GONE,
    PARKED_AFTER,
    TRIED_EVERY,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    Reply,
    Webhook,
    after_attempt,
    first_attempt_of,
    is_asked_for,
)
from contacts.webhooks.store import UNGROUPED, DeliveryModified, DeliveryStore, NotOpen, WebhookStore


def signed_headers(message_id: str, at_s: int, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """The headers by which an endpoint verifies that a body comes from this service, and is recent.

    `message_id`: the event's id, the same in every attempt. `at_s`: when this attempt is made, in seconds since the
    epoch (endpoints refuse what is older than five minutes). `secrets`: all valid secrets, the newest first.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    signatures = (standardwebhooks.Webhook(secret).sign(message_id, at, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }


LEASE: Final = 60
"""Seconds for which an attempt or a slot belongs to a worker that took it: longer than the function may run (40 s)."""
STOPPED_LOOK: Final = 300
"""Seconds from one look at an account whose deliveries an operator has stopped to the next."""
SUSPENDED_LOOK: Final = HOUR
"""Seconds from one look at a suspended account to the next."""
USER_AGENT: Final = "Contacts-Webhooks/1"
_TIME_NEEDED: Final = 33.0
"""Seconds that an attempt takes at most: to claim it, to send, and to record it (9 + 15 + 9)."""
_TIME_TO_STORE_FAILURE: Final = 18.0
"""Seconds that must be left to store a failure of the endpoint before the attempt is recorded (9 + 9)."""


_EARLY: Final = 2
"""Seconds by which a message may come before it is due: delays are whole seconds, and clocks differ. The shortest delay
of a next attempt is 4.5 s."""
_TIME_TO_SERVE: Final = _TIME_NEEDED + 2
"""Seconds that must be left to begin an attempt that waits: with two more for what is read before."""
_BLOCK: Final = 4
"""Attempts that wait and that a worker makes before it looks again which ones do."""
_KEPT_OF: Final = 4
"""At most one of so many slots of an account is kept though its delivery has ended."""
_MAX_KEPT: Final = 1000
"""Accounts of which a process remembers something."""
_TRIES: Final = 5
"""Tries to take a slot, or to wait for one. Each one fails only where another worker took or gave back a slot."""


class Sender(Protocol):
    """Sends requests to endpoints."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a body. Returns within 15 seconds; the reply says what went wrong, if anything did."""
        ...


class Schedule(Protocol):
    """Requests attempts for a later time, by messages on the delivery queue."""

    def request(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Request an attempt in `delay_s` seconds. A request made twice may come twice.

        Raises:
            TemporarilyUnavailable.
        """
        ...

    def look(self, ref: DeliveryRef, attempt: int, delay_s: int) -> None:
        """Request an attempt once more in `delay_s` seconds, in the name of all that rest in its account.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class DeliveryWorker:
    """Handles the messages of the delivery queue: each asks for one attempt at one delivery. Threads may share it."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        deliveries: DeliveryStore,
        slots: SlotStore,
        waiting: WaitingStore,
        sender: Sender,
        schedule: Schedule,
        dead_letters: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
        is_suspended: Callable[[str], bool],
        are_stopped: Callable[[str], bool],
        deliveries_at_once: Callable[[str], int],
    ) -> None:
        """`has_time_left`: whether the invocation has so many seconds left. `is_suspended`: whether the account with
        an id is suspended. `are_stopped`: whether an operator has stopped its deliveries. `deliveries_at_once`: how
        many deliveries of the account may be in flight at once.
        """
        self._webhooks = webhooks
        self._events = events
        self._deliveries = deliveries
        self._slots = slots
        self._waiting = waiting
        self._sender = sender
        self._schedule = schedule
        self._dead_letters = dead_letters
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._is_suspended = is_suspended
        self._are_stopped = are_stopped
        self._deliveries_at_once = deliveries_at_once
        self._lock = Lock()
        self._kept: dict[str, frozenset[str]] = {}
        """Slots of accounts that this process gives back together with another: their deliveries, or leases, ended."""

    def handle(self, body: Mapping[str, object], *, is_repeated: bool = False) -> int | None:
        """Make the attempt that a message asks for. Returns what `attempt` returns.

        `is_repeated`: the message came before. The worker that had it may have died with a slot, without attempting
        what waits.

        A message without its group is sent again, with its group: SQS counts each message without a group as a tenant
        of its own, so the messages of an endpoint that hangs could delay those of all others.

        Raises:
            KeyError, TypeError, ValueError: the body is no message of the delivery queue.
            TemporarilyUnavailable: the message has to come again.
        """
        fields = {name: value for name, value in body.items() if name != UNGROUPED}
        ref, attempt = DeliveryRef.of_message(fields)
        if UNGROUPED in body:
            self._schedule.request(ref, attempt, 0)
            return None
        try:
            wait_s = self.attempt(ref, attempt)
        except Exception:
            if is_repeated:
                with suppress(TemporarilyUnavailable):
                    self._attempt_waiting(ref.account_id)
            raise
        if is_repeated:
            self._attempt_waiting(ref.account_id)
        return wait_s

    def attempt(self, ref: DeliveryRef, attempt: int) -> int | None:
        """Make an attempt (1 is the first), unless it was made already or the delivery has ended.

        While the account has as many deliveries in flight as it may have, the attempt waits in the table. There it
        also rests while the account is suspended or an operator has stopped its deliveries: no attempt is made or used
        up, and one message checks from time to time whether they may go on.

        Returns None; or, where another worker is making the attempt, in how many seconds the message has to come again.

        Raises:
            TemporarilyUnavailable: the message has to come again.
        """
        rest_s = self._rest_s(ref.account_id)
        if rest_s is not None and _can_rest(ref, rest_s, self._clock.now_ms()):
            self._rest(Waiting(ref, attempt), rest_s)
            return None
        around = self._deliveries.around(ref)
        webhook = around.webhook
        if rest_s is not None:
            return self._end_resting(webhook, ref, attempt)
        if webhook is None or self._wait_if_parked(webhook, ref, attempt):
            # A worker without time left may have sent this message for one to go on with what waits for a slot.
            self._attempt_waiting(ref.account_id)
            return None
        event = self._event(ref, around.event)
        is_new = attempt == 1 and not ref.is_test and around.delivery is None
        slot = self._new_slot(ref.account_id, ref.delivery_id if is_new else None)
        try:
            taken = self._take_or_wait(slot, Waiting(ref, attempt))
        except NoSlotFree:
            return None
        except AlreadyInFlight as other:
            return other.seconds
        with self._given_back_after_failure(slot):
            mark, wait_s = taken.mark, None
            if mark is not None and taken.is_resting:
                # What has rested is older. This attempt waits behind it, and is made below.
                self._waiting.add(Waiting(ref, attempt), None, self._clock.now_ms() // 1000)
                mark = self._randomness(8).hex()
                self._slots.mark_always(ref.account_id, mark)
            else:
                # Where something waits, it may be this one, and another worker may attempt it with another's slot.
                slot_as_claim = slot if is_new and mark is None else None
                wait_s = self._attempt_and_serve(webhook, ref, attempt, event, slot_as_claim)
            if not self._keep_if_few_taken(slot, taken):
                self._serve_and_give_back(slot, mark)
        return wait_s

    def _rest_s(self, account_id: str) -> int | None:
        """In how many seconds to look again whether an account's deliveries may be attempted; None: they may now."""
        if self._are_stopped(account_id):
            return STOPPED_LOOK
        return SUSPENDED_LOOK if self._is_suspended(account_id) else None

    def _rest(self, waiting: Waiting, rest_s: int) -> None:
        """Let an attempt wait while no delivery of its account is attempted, and see to it that somebody looks.

        Raises:
            TemporarilyUnavailable: the message has to come again.
        """
        account_id = waiting.ref.account_id
        self._waiting.add(waiting, None, self._clock.now_ms() // 1000)
        looked_at = self._slots.mark_always(account_id, self._randomness(8).hex())
        self._look_later(account_id, rest_s, looked_at)

    def _look_later(self, account_id: str, rest_s: int, looked_at: int) -> None:
        """Request the attempt that has waited longest in `rest_s` seconds, unless a look comes by then anyway.

        `looked_at`: when the next look is to come, or the last one was.

        Raises:
            TemporarilyUnavailable.
        """
        now_s = self._clock.now_ms() // 1000
        if now_s + _EARLY < looked_at <= now_s + rest_s:
            return
        for ref, attempt in self._waiting.first(account_id, None, 1):
            # The message first: whoever ends in between leaves two of them, of which the next look leaves one.
            self._schedule.look(ref, attempt, rest_s)
            self._slots.look_at(account_id, now_s + rest_s)

    def _end_resting(self, webhook: Webhook | None, ref: DeliveryRef, attempt: int) -> int | None:
        """End a delivery of a suspended account that rests no longer. Returns what `attempt` returns.

        The message may have been the look at the account, so this sees to the next one.
        """
        wait_s = None if webhook is None else self._end(webhook, ref, attempt, DeliveryStatus.FAILED)
        if wait_s is None:
            self._waiting.remove(Waiting(ref, attempt), None)
            self._look_later(ref.account_id, SUSPENDED_LOOK, self._slots.looked_at(ref.account_id))
        return wait_s

    def _goes_on(self, account_id: str) -> bool:
        """Whether a further attempt may be begun now."""
        return self._has_time_left(_TIME_TO_SERVE) and self._rest_s(account_id) is None

    def _attempt_waiting(self, account_id: str) -> None:
        """Attempt what waits for a slot of an account, if anything does."""
        if self._rest_s(account_id) is not None or not self._waiting.first(account_id, None, 1):
            return
        slot = self._new_slot(account_id)
        # Where no slot is free, the workers that have them are told that something waits.
        with suppress(NoSlotFree), self._given_back_after_failure(slot):
            mark = self._take(slot).mark
            if mark is None:
                # A worker died after it had let a delivery wait, and before it had said so.
                mark = self._randomness(8).hex()
                self._slots.mark_always(account_id, mark)
            self._serve_and_give_back(slot, mark)

    def _new_slot(self, account_id: str, delivery_id: str | None = None) -> "_Slot":
        """A slot to be taken. `delivery_id`: of the one delivery that it is for."""
        until_s = self._clock.now_ms() // 1000 + LEASE
        text = slot_text(until_s, self._randomness(5).hex(), delivery_id)
        return _Slot(account_id, self._deliveries_at_once(account_id), text)

    def _take(self, slot: "_Slot") -> Taken:
        """Take a slot.

        Raises:
            AlreadyInFlight, NoSlotFree, TemporarilyUnavailable.
        """
        return self._slots.take(slot.account_id, slot.text, slot.at_most, self._clock.now_ms() // 1000)

    def _keep_if_few_taken(self, slot: "_Slot", taken: Taken) -> bool:
        """Keep a slot although its delivery has ended, if few slots of the account are taken.

        Returns whether it is kept; it is then given back together with others later. So where no slot is free, most are
        of workers that are told what waits when they give theirs back. A slot that nobody gives back is free when its
        lease ends. If the slot is not kept, this notes the slots whose leases have ended, to be removed when the next
        slot is given back.
        """
        is_kept = taken.mark is None and len(taken.slots) <= slot.at_most // _KEPT_OF
        more = frozenset({slot.text}) if is_kept else ended(taken.slots, self._clock.now_ms() // 1000)
        if more:
            with self._lock:
                if len(self._kept) >= _MAX_KEPT:
                    self._kept.clear()
                self._kept[slot.account_id] = self._kept.get(slot.account_id, frozenset()) | more
        return is_kept

    def _release(self, slot: "_Slot") -> str | None:
        """Give a slot back, with those that were kept. Returns the mark."""
        return self._slots.release(
            slot.account_id, self._kept.pop(slot.account_id, frozenset()) | {slot.text}
        )

    def _take_or_wait(self, slot: "_Slot", waiting: Waiting) -> Taken:
        """Take a slot, or let an attempt wait.

        Raises:
            AlreadyInFlight: another worker is making the attempt.
            NoSlotFree: the attempt waits.
            TemporarilyUnavailable.
        """
        is_added = False
        for _ in range(_TRIES):
            try:
                taken = self._take(slot)
            except NoSlotFree:
                self._waiting.add(waiting, None, self._clock.now_ms() // 1000)
                is_added = True
                if self._slots.mark(slot.account_id, self._randomness(8).hex(), slot.at_most):
                    raise
            else:
                if is_added:
                    self._waiting.remove(waiting, None)
                return taken
        raise TemporarilyUnavailable

    @contextmanager
    def _given_back_after_failure(self, slot: "_Slot") -> Iterator[None]:
        try:
            yield
        except Exception:
            with suppress(TemporarilyUnavailable):
                self._release(slot)
            raise

    def _serve_and_give_back(self, slot: "_Slot", mark: str | None) -> None:
        """Attempt what waits while time is left, give the slot back, and hand over what still waits.

        `mark`: as it was when the slot was taken. What waits since then is told when the slot is given back.
        """
        while True:
            has_progress = mark is None or self._serve(slot, mark)
            mark = self._release(slot)
            if mark is None or not has_progress:
                return
            if not self._goes_on(slot.account_id):
                self._hand_over(slot, mark)
                return
            try:
                mark = self._take(slot).mark
            except (NoSlotFree, AlreadyInFlight):
                # The workers that have the slots are told that something waits.
                return

    def _serve(self, slot: "_Slot", mark: str) -> bool:
        """Attempt what waits while time is left. Returns False where other workers attempt all that waits."""
        fruitless = 0
        while fruitless < _TRIES and self._goes_on(slot.account_id):
            waiting = self._waiting.first(slot.account_id, None, slot.at_most * _BLOCK)
            if not waiting:
                self._slots.unmark(slot.account_id, mark)
                return True
            # Another worker may serve, too: each begins with another block, and with a new one where both meet.
            begin = self._randomness(1)[0] % slot.at_most * _BLOCK % len(waiting)
            served = 0
            for each in waiting[begin : begin + _BLOCK]:
                if not self._goes_on(slot.account_id):
                    return True
                if not self._attempt_one_waiting(each):
                    break
                served += 1
            fruitless = 0 if served else fruitless + 1
        return fruitless < _TRIES

    def _attempt_one_waiting(self, waiting: Waiting) -> bool:
        """Make an attempt that waits. Returns False where another worker is making it."""
        ref, attempt = waiting
        webhook = self._webhooks.webhook(ref.account_id, ref.webhook_id)
        try:
            if webhook is None or self._wait_if_parked(webhook, ref, attempt):
                pass
            elif self._attempt_and_serve(webhook, ref, attempt, self._event(ref)) is not None:
                return False
        except TemporarilyUnavailable:
            raise
        except Exception:  # noqa: BLE001 (its own message fails as well, and is then logged and set aside)
            self._schedule.request(ref, attempt, 0)
        self._waiting.remove(Waiting(ref, attempt), None)
        return True

    def _hand_over(self, slot: "_Slot", mark: str) -> None:
        """Send a message for one attempt that waits: its worker takes the slot that was given back."""
        waiting = self._waiting.first(slot.account_id, None, slot.at_most * _BLOCK)
        if not waiting:
            self._slots.unmark(slot.account_id, mark)
            return
        # Two workers that give slots back at the same moment should not choose the same one.
        ref, attempt = waiting[self._randomness(1)[0] % len(waiting)]
        self._schedule.request(ref, attempt, 0)
        self._waiting.remove(Waiting(ref, attempt), None)

    def _wait_if_parked(self, webhook: Webhook, ref: DeliveryRef, attempt: int) -> bool:
        """Let an attempt wait in the table while its endpoint is parked. Returns whether it waits.

        Tests never wait, nor what a caller asked for by a redelivery. And of all that come, one every ten minutes does
        not wait, so that an endpoint which answers again is soon noticed.
        """
        now_ms = self._clock.now_ms()
        if ref.is_test or webhook.probe == ref.delivery_id or not webhook.is_parked(now_ms // 1000):
            return False
        is_due = now_ms // 1000 - webhook.tried_at >= TRIED_EVERY
        if is_due and self._webhooks.try_now(webhook, now_ms // 1000):
            return False
        delivery = self._deliveries.delivery(ref.account_id, ref.webhook_id, ref.delivery_id, now_ms // 1000)
        if delivery is not None:
            is_next = delivery.status is DeliveryStatus.PENDING and delivery.done == attempt - 1
            if not is_next or is_asked_for(delivery, attempt, now_ms):
                return False
        self._waiting.add(Waiting(ref, attempt), webhook.id, now_ms // 1000)
        self._deliveries.hold(ref, attempt, iso(webhook.probe_due * 1000), now_ms)
        if self._webhooks.mark_waiting(webhook, self._randomness(8).hex()):
            return True
        # Another delivery has had success, or has ended: nobody may be left who attempts what waits.
        self._waiting.remove(Waiting(ref, attempt), webhook.id)
        return False

    def _attempt_and_serve(
        self,
        webhook: Webhook,
        ref: DeliveryRef,
        attempt: int,
        event: Event | None,
        slot_as_claim: "_Slot | None" = None,
    ) -> int | None:
        """Make an attempt as `_attempt` does, and then what waits for the endpoint, if it can be made now."""
        wait_s = self._attempt(webhook, ref, attempt, event, slot_as_claim)
        if wait_s is None and (webhook.failing_since is not None or webhook.waiting is not None):
            self._serve_endpoint(ref)
        return wait_s

    def _serve_endpoint(self, last: DeliveryRef) -> None:
        """Attempt what waits for an endpoint while time is left and it succeeds; send a message for one of the rest.

        While the endpoint fails, nothing is done but to see to it that one delivery is attempted. `last`: the delivery
        that was attempted last. Where the endpoint is inactive, what waits ends without an attempt.
        """
        while True:
            webhook = self._webhooks.webhook(last.account_id, last.webhook_id)
            if webhook is None:
                return
            now_s = self._clock.now_ms() // 1000
            if webhook.probe == last.delivery_id and webhook.probe_due <= now_s + _EARLY:
                # It has ended, or its next attempt would be due later.
                self._webhooks.end_probe(webhook)
            elif webhook.is_parked(now_s):
                return
            if webhook.waiting is None:
                return
            waiting = self._waiting.first(webhook.account_id, webhook.id, _BLOCK)
            if not waiting:
                self._webhooks.unmark_waiting(webhook)
                return
            each = waiting[self._randomness(1)[0] % len(waiting)]
            is_failing = webhook.is_active and webhook.failing_since is not None
            if (
                is_failing
                or not self._goes_on(last.account_id)
                or self._attempt(webhook, *each, self._event(each.ref)) is not None
            ):
                self._schedule.request(*each, 0)
                self._waiting.remove(each, webhook.id)
                return
            self._waiting.remove(each, webhook.id)
            last = each.ref

    def _attempt(
        self,
        webhook: Webhook,
        ref: DeliveryRef,
        attempt: int,
        event: Event | None,
        slot_as_claim: "_Slot | None" = None,
    ) -> int | None:
        """Make an attempt as `attempt` does, with a slot that was taken.

        `slot_as_claim`: the slot, where it keeps others from attempting this delivery, which is not in the table yet.
        An eraser that does not find the delivery writes it as ended, so the result is recorded without the response.
        """
        final = _final_status(ref, webhook, event)
        if not self._has_time_left(_TIME_NEEDED):
            raise TemporarilyUnavailable
        if final is not None:
            return self._end(webhook, ref, attempt, final)
        try:
            token = self._randomness(8).hex()
            if slot_as_claim is not None:
                delivery = first_attempt_of(ref, token)
            else:
                delivery = self._deliveries.claim(ref, attempt, token, self._clock.now_ms(), LEASE)
        except NotOpen as refused:
            return self._resume(webhook, refused.delivery, attempt)
        payload = delivery.payload if event is None else event_out(event)
        assert payload is not None, "a test has its payload with it"
        made = self._sent(webhook, ref.event_id, payload)
        if event is not None and event.tells_of_erasure:
            made = replace(made, response=None)
        if not (ref.is_test or made.is_success):
            webhook = self._with_failure(webhook, made.at)
        recorded = self._record(None if slot_as_claim is not None else delivery, delivery, made)
        if recorded is not None:
            self._follow_up(webhook, recorded)
        return None

    def _end(self, webhook: Webhook, ref: DeliveryRef, attempt: int, status: DeliveryStatus) -> int | None:
        """End a delivery in the place of an attempt. Returns what `attempt` returns."""
        try:
            self._deliveries.end(ref, attempt, status, self._clock.now_ms())
        except NotOpen as refused:
            return self._resume(webhook, refused.delivery, attempt)
        return None

    def _event(self, ref: DeliveryRef, found: Item | None = None) -> Event | None:
        """The event of a delivery; None for a test, whose payload is in the delivery. `found`: its item, if read."""
        if ref.appended_at is None:
            return None
        if found is not None:
            return event_or_none(found, ref.account_id, ref.appended_at)
        return self._events.event(ref.account_id, ref.appended_at, ref.event_id)

    def _resume(self, webhook: Webhook, delivery: Delivery | None, attempt: int) -> int | None:
        """Handle a message whose attempt cannot be claimed. Returns what `attempt` returns."""
        if delivery is None or delivery.status is DeliveryStatus.ERASED:
            return None
        is_pending = delivery.status is DeliveryStatus.PENDING
        if is_pending and delivery.done == attempt - 1 and delivery.begun == attempt:
            return max(1, delivery.lease_until - self._clock.now_ms() // 1000)
        if delivery.done == attempt:
            # The worker that recorded the attempt may have ended before it requested the next one.
            self._follow_up(webhook, delivery)
        return None

    def _sent(self, webhook: Webhook, event_id: str, payload: Mapping[str, object]) -> Attempt:
        at_ms = self._clock.now_ms()
        body = to_json(payload)
        signed = signed_headers(event_id, at_ms // 1000, body, webhook.secrets_at(at_ms // 1000))
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
        reply = self._sender.post(webhook.url, headers, body.encode())
        return Attempt(
            at=iso(at_ms),
            status_code=reply.status_code,
            error=reply.error,
            duration_ms=reply.duration_ms,
            response=reply.response,
        )

    def _with_failure(self, webhook: Webhook, at: str) -> Webhook:
        """The webhook with its first failure since the last success; stored before the attempt is recorded.

        If the failure cannot be stored, the next failure counts as the first.
        """
        if self._has_time_left(_TIME_TO_STORE_FAILURE):
            with suppress(TemporarilyUnavailable):
                self._webhooks.note_failure(webhook, at)
        return replace(webhook, failing_since=webhook.failing_since or at)

    def _record(self, before: Delivery | None, delivery: Delivery, result: Attempt) -> Delivery | None:
        """Record an attempt's result. Returns the delivery after it; None where another worker has claimed it since.

        `before`: as it is in the table; None: it is not there yet.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        random_byte, made = self._randomness(1)[0], delivery.begun
        for _ in tries(self._clock, self._randomness):
            after = after_attempt(delivery, result, self._clock.now_ms(), random_byte)
            try:
                self._deliveries.record(before, after)
            except Contention:
                continue
            except DeliveryModified as moved:
                # The delivery was erased, ended, held or redelivered while the endpoint was answering.
                before = moved.delivery
                if before is None or (before.claim != delivery.claim and before.begun >= made):
                    return None
                if before.done == made:
                    return before  # The SDK repeated the call, and found what it had written itself.
                delivery = replace(before, begun=made, claim=delivery.claim)
                continue
            return after
        raise Contention

    def _follow_up(self, webhook: Webhook, delivery: Delivery) -> None:
        """Update the webhook, and request the next attempt or report a failed delivery. Safe to repeat."""
        if not delivery.ref.is_test:
            self._update_webhook(webhook, delivery)
        if delivery.status is DeliveryStatus.PENDING and delivery.next_attempt_at is not None:
            due_ms = parsed(delivery.next_attempt_at)
            delay_ms = due_ms - self._clock.now_ms()
            # First of all: nobody may wait for an attempt that was not requested.
            self._schedule.request(delivery.ref, delivery.done + 1, max(0, delay_ms) / 1000)
            if self._is_probe(webhook, delivery):
                self._webhooks.set_probe(
                    webhook, delivery.ref.delivery_id, due_ms // 1000, self._clock.now_ms() // 1000
                )
        elif delivery.status is DeliveryStatus.FAILED and not delivery.ref.is_test and delivery.has_run_out:
            self._dead_letters.send([Outgoing(body=delivery.ref.message(delivery.done))])

    def _is_probe(self, webhook: Webhook, delivery: Delivery) -> bool:
        """Whether the other deliveries to a failing endpoint have to wait for one that was attempted and failed."""
        if delivery.ref.is_test or webhook.probe == delivery.ref.delivery_id:
            return not delivery.ref.is_test
        if webhook.is_parked(self._clock.now_ms() // 1000):
            return False
        return webhook.waiting is not None or delivery.done - delivery.round_began_after >= PARKED_AFTER

    def _update_webhook(self, webhook: Webhook, delivery: Delivery) -> None:
        """End the webhook's failures, or disable the webhook, as the latest attempt demands.

        The attempt is ignored where the webhook has no failures, or where they began after the attempt: then this
        message is late, and the endpoint has accepted an event since, or its owner has activated it again.
        """
        failing_since = webhook.failing_since
        if not delivery.attempts or failing_since is None or failing_since > delivery.attempts[-1].at:
            return
        if delivery.attempts[-1].is_success:
            self._webhooks.note_success(webhook)
        elif delivery.attempts[-1].status_code == GONE:
            self._webhooks.disable(webhook, DisabledReason.GONE)
        elif self._is_long_ago(failing_since):
            self._webhooks.disable(webhook, DisabledReason.FAILING)

    def _is_long_ago(self, failing_since: str) -> bool:
        return self._clock.now_ms() - parsed(failing_since) >= DISABLED_AFTER * 1000


class _Slot(NamedTuple):
    """A slot that a worker has, or wants to have."""

    account_id: str
    at_most: int
    """Slots of the account."""
    text: str


def _can_rest(ref: DeliveryRef, rest_s: int, now_ms: int) -> bool:
    """Whether a delivery can rest: in a suspended account no test does, and none whose event is no longer kept."""
    if rest_s == STOPPED_LOOK:
        return True
    return ref.appended_at is not None and now_ms - parsed(ref.appended_at) < KEPT_DAYS * DAY * 1000


def _final_status(ref: DeliveryRef, webhook: Webhook, event: Event | None) -> DeliveryStatus | None:
    """The status with which a delivery ends without an attempt; None: the attempt has to be made.

    A test is also sent to an inactive endpoint: its owner wants to know whether the endpoint works.
    """
    if ref.is_test:
        return None
    if event is not None and event.is_erased:
        return DeliveryStatus.ERASED
    if event is None or not webhook.is_active:
        return DeliveryStatus.FAILED
    return None
