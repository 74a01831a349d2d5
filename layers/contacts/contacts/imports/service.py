"""What callers do with imports: make, list and read them, and fetch the rows that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from contacts.accounts.model import Caller, Scope
from contacts.book.model import Action, Outcome
from contacts.core.errors import (
    ImportNotFinished,
    TooManyImports,
)
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.time import Clock, iso
from contacts.imports.model import (
    Import,
    ImportErrorsOut,
    ImportFile,
    ImportOptions,
    ImportOut,
    ImportState,
    PreviewOut,
    RowErrorOut,
    import_out,
    told,
)
from contacts.imports.store import ImportStore

if TYPE_CHECKING:
    from contacts.imports.files import ImportFiles  # Who lists imports touches no file.

MAX_UNDER_WAY: Final = 20
"""Imports of an account that have not ended. Concurrent creates may exceed it."""
MAKING_IMPORTS: Final = (Scope.IMPORTS_WRITE, Scope.CONTACTS_WRITE)
"""What a key needs to have rows of a file written."""
_LOOKED_AT: Final = 100
"""The newest imports are looked at to count those under way: what is older and still runs is not counted."""


class ImportList:
    """Lists the imports of one account."""

    def __init__(self, store: ImportStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def page(self, after_id: str | None, at_most: int) -> tuple[list[ImportOut], str | None]:
        """Up to `at_most` imports, the newest first, and the id to go on after (None: that was all).

        Raises:
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        found, further = self._store.newest(after_id, at_most)
        return [import_out(one.as_of(now), now) for one in found], further


class ImportService:
    """The imports of one account: make and read them."""

    def __init__(
        self, store: ImportStore, files: "ImportFiles", clock: Clock, randomness: Randomness
    ) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._randomness = randomness

    def add(
        self,
        caller: Caller,
        file: ImportFile,
        options: ImportOptions,
        mapping: Mapping[str, str | None],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Make an import that awaits its file. The outcome says where to put it; a repetition, too.

        A test key's import is kept nowhere, so it has no upload.

        Raises:
            TooManyImports: 20 of the account have not ended.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Import(
            id=uuid7(now, self._randomness(10)),
            state=ImportState.AWAITING_UPLOAD,
            options=options,
            file=file,
            mapping=mapping,
            created_at=iso(now),
            key_id=caller.key.id,
        )
        made = Outcome(action=Action.CREATED, details=import_out(new, now))

        def write() -> Outcome:
            under_way = sum(not one.as_of(now).has_ended for one in self._store.newest(None, _LOOKED_AT)[0])
            if under_way >= MAX_UNDER_WAY:
                raise TooManyImports(
                    f"{MAX_UNDER_WAY} imports of this account are under way; cancel one, or wait until one has ended."
                )
            return self._store.add(new, made, idempotency_key, now)

        # Only now is it known under which id a repeated request was carried out. No record holds the URL.
        outcome = run_idempotent(write, idempotency_key, self._clock, self._randomness)
        if caller.is_test:
            return outcome
        upload = self._files.presigned_upload(caller.account_id, str(outcome.details["id"]), file.size)
        return replace(outcome, secrets={"upload": upload})

    def one(self, caller: Caller, import_id: str) -> ImportOut:
        """One import; while it awaits its file, with a new URL; when a dry run is over, with what it found.

        Who sends the file has its rows written: only who may make imports is given the URL, and no test key. Whoever
        may not read contacts is not shown those of a dry run: they may be there already.

        Raises:
            ImportNotFound: the account has none with that id.
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        job = self._store.existing(import_id).as_of(now)
        shown = import_out(job, now)
        may_send = not caller.is_test and caller.lacking(MAKING_IMPORTS) is None
        if may_send and job.state is ImportState.AWAITING_UPLOAD:
            shown["upload"] = self._files.presigned_upload(caller.account_id, job.id, job.file.size)
        if job.state is ImportState.READY:
            preview: Any = self._files.preview(caller.account_id, job.id)
            if preview is not None:
                contacts = preview["contacts"] if caller.may_read_contacts else []
                shown["preview"] = _fitting_preview(shown, contacts, preview["errors"])
        return shown

    def errors(self, caller: Caller, import_id: str) -> ImportErrorsOut:
        """Where the rows are that failed.

        Raises:
            ImportNotFound: the account has none with that id.
            ImportNotFinished: it is under way.
            TemporarilyUnavailable.
        """
        job = self._store.existing(import_id).as_of(self._clock.now_ms())
        if not job.has_ended:
            raise ImportNotFinished(
                f"The import is {told(job.state)}; the rows that failed can be fetched when it has ended."
            )
        shown: ImportErrorsOut = {"url": None, "expires_at": None, "rows": job.counts.failed}
        named = (caller.account_id, job.id)
        if job.counts.failed and job.file.format and self._files.has_errors(*named, job.file.format):
            url, expires_at = self._files.presigned_errors(*named, job.file.name, job.file.format)
            shown["url"], shown["expires_at"] = url, expires_at
        return shown


def _fitting_preview(
    shown: ImportOut, contacts: Sequence[Mapping[str, Any]], errors: Sequence[RowErrorOut]
) -> PreviewOut:
    """What of a preview fits the answer that shows an import: a contact may have 400 KB."""
    # Few answers have a preview.
    from contacts.web.pagination import fitting

    (_, *fits), _ = fitting((shown, *errors, *contacts))
    return {"contacts": fits[len(errors) :], "errors": fits[: len(errors)]}
