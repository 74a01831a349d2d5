"""One run of an erasure: what one invocation removes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import TRIES, tries
from contacts.core.ids import Randomness
from contacts.core.time import DAY, Clock, parsed
from contacts.erasure.model import SECOND_PASS_AFTER, Erasure
from contacts.erasure.store import Trace, TracedEvent, TraceStore, has_ended, is_stripped
from contacts.events.model import KEPT_DAYS
from contacts.table.client import LONGEST_CALL
from contacts.table.expressions import Item
from contacts.webhooks.model import DeliveryRef, delivery_id

One = TypeVar("One")
Result = TypeVar("Result")
Parallel = Callable[..., Iterable[Any]]
"""`map`, which may call the function for several elements at once."""

_FEWEST_STEPS: Final = 10
_MOST_STEPS: Final = 160
"""Events and deliveries that are stripped before their traces are removed. A run begins with few and doubles them, so a
run that can make only a few dozen calls removes some, too."""
_WRITTEN_AT_ONCE: Final = 25
"""Items that DynamoDB puts or deletes in one call without conditions."""
LONGEST_RUN: Final = 25
"""Seconds after which a run ends, so that other erasures have their turn."""
_STEPS_END: Final = 2 * LONGEST_CALL
"""Seconds before the end of the invocation at which nothing more is stripped; what is ready is still removed."""
_EXPIRED_AFTER_MS: Final = (KEPT_DAYS + 1) * DAY * 1000
"""Milliseconds after which nobody appends or delivers an event any more: the log keeps events for 30 days."""


class Run:
    """Removes what is stored about a contact, until everything is removed, the time is over or the table is busy."""

    def __init__(
        self,
        store: TraceStore,
        erasure: Erasure,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
    ) -> None:
        """`has_time_left`: whether the invocation has so many seconds left."""
        self._store = store
        self._erasure = erasure
        self._account = erasure.account_id
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._now_ms = clock.now_ms()
        self._parallel: Parallel = map
        self._is_busy = False
        self._has_left = False
        """Whether something that was looked at could not be removed."""
        self.removed = 0
        """Traces that were removed, and deliveries that were ended or stripped."""
        self.is_out_of_time = False
        self.failure: Exception | None = None
        """The first unexpected one. What it stopped is not removed."""

    def bury(self) -> bool:
        """Write the contact's tombstone. Returns whether there was none.

        Raises:
            TemporarilyUnavailable.
        """
        one = self._erasure
        return self._until_done(
            partial(
                self._store.bury, self._account, one.contact_id, one.version, self._now_ms, one.merged_ids
            )
        )

    def erase(self, parallel: Parallel) -> bool:
        """Remove as much as possible. Returns whether nothing is left.

        Raises:
            TemporarilyUnavailable: nothing was removed.
        """
        self._parallel = parallel
        try:
            if not self._erasure.is_buried:
                self._bury_merged()
            for traces in self._some_traces():
                self._erase(traces)
                self.is_out_of_time = self._clock.now_ms() >= self._now_ms + LONGEST_RUN * 1000
                if self._is_busy or self.is_out_of_time:
                    return False
        except TemporarilyUnavailable:
            if not self.removed:
                raise
            return False
        return not self._has_left

    def _bury_merged(self) -> None:
        """Write the tombstones of the contacts that had been merged into this one, before anything is removed."""

        def bury(merged_id: str) -> bool:
            return self._store.bury_merged(self._account, merged_id, self._erasure.contact_id, self._now_ms)

        if None in self._each(bury, self._erasure.ids[1:]):
            raise self.failure or TemporarilyUnavailable

    def _some_traces(self) -> Iterator[list[Trace]]:
        """The traces of the contact and of those that had been merged into it, some at a time."""
        some: list[Trace] = []
        steps, enough = 0, _FEWEST_STEPS
        for trace in self._traces():
            some.append(trace)
            steps += 1 if trace.event is None else 1 + len(trace.event.webhook_ids)
            if steps >= enough:
                yield some
                some, steps, enough = [], 0, min(2 * enough, _MOST_STEPS)
        if some:
            yield some

    def _traces(self) -> Iterator[Trace]:
        for contact_id in self._erasure.ids:
            start = None
            while True:
                page = partial(self._store.traces, self._account, contact_id, start)
                traces, start = self._until_done(page)
                yield from traces
                if start is None:
                    break

    def _erase(self, traces: Sequence[Trace]) -> None:
        """Remove traces after what they lead to."""
        # The events first: then none of their deliveries can send their data any more.
        stripped = self._done_of(traces, self._each(self._strip, traces))
        ready = self._without_deliveries(stripped)
        keeps = list(map(self._has_to_stay, ready))
        staying = [trace for trace, stays in zip(ready, keeps, strict=True) if stays and trace.has_content]
        going = [trace for trace, stays in zip(ready, keeps, strict=True) if not stays]
        self._done_of(staying, self._each(self._strip_entry, staying))
        together = _together(going)
        removed = self._done_of(together, self._each(self._remove, together, when_busy=True))
        self.removed += sum(map(len, removed))

    def _without_deliveries(self, traces: Sequence[Trace]) -> list[Trace]:
        """End the deliveries of traces' events. Returns the traces that have none to be ended any more."""
        wanted = [
            (trace.event, ref)
            for trace in traces
            if trace.event is not None
            for ref in _deliveries(self._account, trace.event)
        ]
        there: Sequence[Item | None] = ()
        if wanted:
            there = self._until_done(partial(self._store.deliveries, [ref for _, ref in wanted]))
        ended: list[_Ended] = []
        open_: list[_Open] = []
        for (event, ref), item in zip(wanted, there, strict=True):
            if item is None or not has_ended(item):
                open_.append((event, ref, item))
            elif not is_stripped(item):
                ended.append((event, item))
        some = _together(ended)
        stripped = self._each(self._strip_ended, some)
        closed = self._each(self._end, open_)
        self.removed += closed.count(True) + sum(map(len, self._done_of(some, stripped)))
        waiting = {event.id for (event, *_), result in zip(open_, closed, strict=True) if result is None}
        for batch, result in zip(some, stripped, strict=True):
            waiting |= {event.id for event, _ in batch if result is None}
        self._has_left |= bool(waiting)
        return [trace for trace in traces if trace.event is None or trace.event.id not in waiting]

    def _has_to_stay(self, trace: Trace) -> bool:
        """Whether a trace has to lead the second pass to an event.

        A dispatcher that has not seen the tombstone may still be about to put the event into the log.
        """
        if self._erasure.is_second:
            return False
        if trace.event is None:
            return trace.is_unappended
        return parsed(trace.event.appended_at) + SECOND_PASS_AFTER * 1000 > self._now_ms

    # Steps, which several threads take at once

    def _strip(self, trace: Trace) -> bool:
        if trace.request is not None:
            self._store.strip_record(self._account, trace.request)
        if trace.event is not None:
            may_come = not self._is_expired(trace.event)
            self._store.strip_event(self._account, trace.event.appended_at, trace.event.id, may_come=may_come)
        return True

    def _strip_entry(self, trace: Trace) -> bool:
        self._store.strip_entry(trace)
        return True

    def _strip_ended(self, deliveries: Sequence["_Ended"]) -> bool:
        self._store.strip_ended([item for _, item in deliveries])
        return True

    def _end(self, delivery: "_Open") -> bool:
        event, ref, there = delivery
        if there is None and self._is_expired(event):
            return False
        return self._store.strip_delivery(ref, self._now_ms, there)

    def _is_expired(self, event: TracedEvent) -> bool:
        return parsed(event.appended_at) + _EXPIRED_AFTER_MS < self._now_ms

    def _remove(self, traces: Sequence[Trace]) -> bool:
        self._store.remove(traces)
        return True

    def _each(
        self, step: Callable[[One], Result], on: Sequence[One], *, when_busy: bool = False
    ) -> list[Result | None]:
        """Take a step with each, several at a time. Returns what each step returned; None: it was not done.

        Once a step has found the table busy in all of its tries, no further one begins. `when_busy`: they do.
        """

        def taken(one: One) -> Result | None:
            if self._is_busy and not when_busy:
                return None
            try:
                return self._until_done(partial(step, one), 0 if when_busy else _STEPS_END)
            except Contention:
                return None
            except TemporarilyUnavailable:
                self._is_busy = True
            except Exception as error:  # noqa: BLE001 (raised when the others are done)
                self.failure = self.failure or error
            return None

        return list(self._parallel(taken, on))

    def _done_of(self, all_of_them: Sequence[One], results: Sequence[object]) -> list[One]:
        done = [one for one, result in zip(all_of_them, results, strict=True) if result is not None]
        self._has_left |= len(done) < len(all_of_them)
        return done

    def _until_done(self, step: Callable[[], Result], seconds_left: float = _STEPS_END) -> Result:
        """Take a step again while the table is busy or another writer is faster.

        Raises:
            Contention, TemporarilyUnavailable: in all tries, or until so many seconds were left of the invocation.
        """
        error = TemporarilyUnavailable()
        for _ in islice(tries(self._clock, self._randomness), TRIES):
            if not self._has_time_left(seconds_left):
                break
            try:
                return step()
            except TemporarilyUnavailable as busy:
                error = busy
        raise error


_Ended = tuple[TracedEvent, Item]
"""A delivery that has ended, and its event."""
_Open = tuple[TracedEvent, DeliveryRef, Item | None]
"""A delivery that has not begun (None) or not ended, and its event."""


def _together(all_of_them: Sequence[One]) -> list[Sequence[One]]:
    """As many together as DynamoDB writes in one call."""
    return [all_of_them[at : at + _WRITTEN_AT_ONCE] for at in range(0, len(all_of_them), _WRITTEN_AT_ONCE)]


def _deliveries(account_id: str, event: TracedEvent) -> Iterator[DeliveryRef]:
    for webhook_id in event.webhook_ids:
        yield DeliveryRef(
            account_id=account_id,
            webhook_id=webhook_id,
            delivery_id=delivery_id(event.id, webhook_id, parsed(event.timestamp)),
            event_id=event.id,
            event_type=event.type,
            appended_at=event.appended_at,
        )
