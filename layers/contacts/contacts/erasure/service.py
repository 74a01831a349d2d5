"""Erasure: removes what is stored about a contact that is deleted for good. Only a tombstone stays.

Claims are deleted in the transaction that erases a contact, and postings by the projection. The eraser removes the
rest: the records of Idempotency-Keys, the timeline, and through the timeline the logged events and their deliveries.
`docs/decisions/0038` says why there are two passes. Before the first pass is done, the journal outside the table has
the contact's id, so that no backup brings it back (`docs/decisions/0050`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Protocol

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.idempotency import tries
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock
from contacts.erasure.model import SECOND_PASS_AFTER, Erasure, OptOutNotice
from contacts.erasure.run import Run
from contacts.erasure.store import TraceStore

AT_ONCE: Final = 10
"""Calls of the table that one run makes at a time. The SDK keeps more connections open (`table.aws.CONNECTIONS`)."""
_PAUSE: Final = 5
"""Seconds until an erasure that the table held up goes on."""
_LONGEST_PAUSE: Final = 300
"""Seconds."""

LogLong = Callable[[Erasure, int], None]
"""Notes an erasure that goes on in a further run, and the seconds since it began."""


def pause_after(times_received: int) -> int:
    """Seconds until a message comes again whose run has removed nothing; `times_received`: how often it came."""
    return int(min(_PAUSE * 2 ** (times_received - 1), _LONGEST_PAUSE))


class ErasureJournal(Protocol):
    """Where it is written down outside the table who was erased, and which addresses have opted out."""

    def note_erased(self, account_id: str, contact_ids: Iterable[str]) -> None:
        """Write that contacts were erased.

        Raises:
            TemporarilyUnavailable.
        """
        ...

    def note_opted_out(self, account_id: str, email_hmacs: Iterable[str]) -> None:
        """Write that addresses have opted out.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class AccountFiles(Protocol):
    """Files of an account that may hold contacts."""

    def remove(self, account_id: str, erased_at_ms: int) -> None:
        """Take away each file for which contacts were read before a moment (ms since the epoch).

        Raises:
            TemporarilyUnavailable: some may be left.
        """
        ...


class Eraser:
    """Handles the messages of the erasure queues: each asks for one erasure, or for opt-outs to be noted.

    A run may end anywhere and be repeated: a trace is removed after everything that it leads to.
    """

    def __init__(
        self,
        store: TraceStore,
        journal: ErasureJournal,
        first_passes: MessageQueue,
        second_passes: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
        log_long: LogLong,
        at_once: int = AT_ONCE,
        files: Sequence[AccountFiles] = (),
    ) -> None:
        """`has_time_left`: whether the invocation has so many seconds left. `files`: those of exports and imports."""
        self._store = store
        self._journal = journal
        self._first_passes = first_passes
        self._second_passes = second_passes
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._log_long = log_long
        self._at_once = at_once
        self._files = files

    def handle(self, body: Mapping[str, Any], times_received: int = 1) -> int | None:
        """Erase what a message asks for, as far as one run gets, and ask for what is still to be done.

        A run also removes the account's files of imports and exports that may hold the contact. A run that removed
        something asks by a new message. One that removed nothing leaves its message to come again, so that the queue
        counts it.

        Returns None: the message is done; or the seconds after which it has to come again.

        Raises:
            KeyError, ValueError: the body is no message of an erasure queue.
            TemporarilyUnavailable: the second pass removed nothing, or could not send the message for the rest; the
                message has to come again.
            Exception: whatever a trace raised that could not be removed. The others were.
        """
        notice = OptOutNotice.of_message(body)
        if notice is not None:
            try:
                self._journal.note_opted_out(notice.account_id, notice.email_hmacs)
            except TemporarilyUnavailable:
                return pause_after(times_received)
            return None
        erasure = Erasure.of_message(body)
        if erasure.began_at_ms is None:
            erasure = replace(erasure, began_at_ms=self._clock.now_ms())
        try:
            self._handle(erasure)
        except TemporarilyUnavailable:
            if erasure.is_second:
                raise
            return pause_after(times_received)
        return None

    def _handle(self, erasure: Erasure) -> None:
        """
        Raises:
            TemporarilyUnavailable: nothing was removed, the journal does not answer, or the message for the rest could
                not be sent.
        """
        run = Run(self._store, erasure, self._clock, self._randomness, self._has_time_left)
        if not erasure.is_buried and run.bury():
            # The stream tells of the tombstone, and its record asks for the erasure, as that of any other does.
            return
        # First, for a trace that cannot be removed would keep it out for days. A journal that does not answer, or
        # refuses, keeps nothing from being removed, but the erasure is not done before it is written.
        is_noted = erasure.is_second or self._is_noted(erasure)
        if self._at_once == 1:
            is_done = run.erase(map)
        else:
            with ThreadPoolExecutor(self._at_once) as pool:
                is_done = run.erase(pool.map)
        failure = self._failure_of_files(erasure)
        if run.failure is not None:
            raise run.failure
        if not is_done or isinstance(failure, TemporarilyUnavailable):
            self._go_on(replace(erasure, is_buried=True), run)
        elif failure is not None:
            raise failure
        elif not erasure.is_second:
            if not is_noted:
                self._journal.note_erased(erasure.account_id, erasure.ids)
            second = replace(erasure, is_buried=True, is_second=True)
            self._send(self._second_passes, second, SECOND_PASS_AFTER)

    def _is_noted(self, erasure: Erasure) -> bool:
        with suppress(Exception):  # If it fails again, when all is removed, it is raised.
            self._journal.note_erased(erasure.account_id, erasure.ids)
            return True
        return False

    def _failure_of_files(self, erasure: Erasure) -> Exception | None:
        """Take away the account's files that may hold the person. Returns what kept some from being taken away."""
        try:
            for files in self._files:
                self._remove(files, erasure)
        except Exception as failure:  # noqa: BLE001 (as with a trace: the others go first)
            return failure
        return None

    def _remove(self, files: AccountFiles, erasure: Erasure) -> None:
        for _ in tries(self._clock, self._randomness):
            with suppress(TemporarilyUnavailable):
                files.remove(erasure.account_id, erasure.began_at_ms or 0)
                return

    def _go_on(self, erasure: Erasure, run: Run) -> None:
        if not run.removed:
            raise TemporarilyUnavailable
        began_at_ms = erasure.began_at_ms or 0
        self._log_long(erasure, (self._clock.now_ms() - began_at_ms) // 1000)
        queue = self._second_passes if erasure.is_second else self._first_passes
        self._send(queue, erasure, 0 if run.is_out_of_time else _PAUSE)

    @staticmethod
    def _send(queue: MessageQueue, erasure: Erasure, delay_s: int) -> None:
        queue.send([Outgoing(body=erasure.message(), group=erasure.account_id, delay_s=delay_s)])
