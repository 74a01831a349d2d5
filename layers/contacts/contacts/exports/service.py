"""What callers do with exports: ask for one, list them, look at one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contacts.accounts.model import Caller
from contacts.book.model import Action, Outcome
from contacts.core.errors import TooManyExports
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso
from contacts.exports.model import (
    MAX_UNDER_WAY,
    URL_SECONDS,
    Export,
    ExportFormat,
    ExportOut,
    ExportState,
    export_out,
)
from contacts.exports.store import ExportStore

if TYPE_CHECKING:
    from contacts.exports.files import ExportFiles  # Who asks for an export, or lists them, touches no file.

_LOOKED_AT: Final = 100
"""The newest exports, among which those under way are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateExport:
    """What a new export is to write. `filter`: the texts of each parameter; `fields`: empty for all."""

    format: ExportFormat
    is_gzipped: bool = False
    filter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


def export_message(account_id: str, export_id: str, delay_s: int = 0) -> Outgoing:
    """The message that asks to write an export, or to go on."""
    return Outgoing(
        body={"account_id": account_id, "export_id": export_id}, group=account_id, delay_s=delay_s
    )


class ExportService:
    """Takes requests for exports. A test key's are checked and answered, and nothing is written."""

    def __init__(self, store: ExportStore, queue: MessageQueue, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._randomness = randomness

    def add(self, caller: Caller, command: CreateExport, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Begin an export.

        The message follows the write. Where it could not be sent, the request fails, and its repetition with the same
        Idempotency-Key sends the message; without a key the export is never written, and has failed after 24 hours.

        Raises:
            TooManyExports: five are under way. (Requests at the same moment may exceed that.)
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        export = Export(
            id=uuid7(now, self._randomness(10)),
            state=ExportState.RUNNING,
            format=command.format,
            is_gzipped=command.is_gzipped,
            filter=command.filter,
            fields=command.fields,
            created_at=iso(now),
            key_id=caller.key.id,
        )
        outcome = Outcome(action=Action.QUEUED, details=export_out(export, now))

        def write() -> Outcome:
            self._check_under_way(now)
            return self._store.add(export, outcome, idempotency_key, now)

        done = run_idempotent(write, idempotency_key, self._clock, self._randomness)
        if not caller.is_test:
            self._queue.send([export_message(caller.account_id, str(done.details["id"]))])
        return done

    def _check_under_way(self, now_ms: int) -> None:
        newest, _ = self._store.newest_first(None, _LOOKED_AT, now_ms)
        under_way = sum(one.state_at(now_ms) is ExportState.RUNNING for one in newest)
        if under_way >= MAX_UNDER_WAY:
            raise TooManyExports(
                f"{under_way} exports of this account are under way, and {MAX_UNDER_WAY} may be at a time: "
                "wait until one is ready."
            )


class ExportDirectory:
    """The exports of one account."""

    def __init__(
        self, store: ExportStore, files: "Callable[[], ExportFiles]", account_id: str, clock: Clock
    ) -> None:
        """`files`: where the files are; it is made when an export that has one is looked at."""
        self._store = store
        self._files = files
        self._account = account_id
        self._clock = clock

    def page(self, after_id: str | None, limit: int) -> tuple[list[ExportOut], str | None]:
        """The next up to `limit` exports, the newest first, without URLs, and the id to go on after (None: no more).

        Raises:
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        found, next_after = self._store.newest_first(after_id, limit, now)
        return [export_out(one, now) for one in found], next_after

    def export(self, export_id: str) -> ExportOut:
        """One export; where its file is ready, with a URL that is good for five minutes.

        Raises:
            ExportNotFound: the account has none with that id.
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        export = self._store.existing(export_id)
        shown = export_out(export, now)
        if export.state_at(now) is ExportState.COMPLETED:
            shown["url"] = self._files().url(self._account, export)
            shown["url_expires_at"] = iso(now + URL_SECONDS * 1000)
        return shown
