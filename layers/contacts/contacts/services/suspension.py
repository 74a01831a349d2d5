"""Accounts that operators have suspended: how that is done, and how functions without callers learn of it."""

from contacts.domain.accounts import Account
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.timestamps import iso
from contacts.domain.violations import NO_ACCOUNT
from contacts.services.gatekeeper import MAX_REMEMBERED, REMEMBERED_MS
from contacts.services.ports import AccountStore, Clock


class Suspender:
    """Suspends accounts and resumes them: for operators, not for callers."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def suspend(self, account_id: str, reason: str | None) -> Account:
        """Let nobody of an account in, within 60 seconds; one that is suspended already stays so since then.

        Raises:
            InvalidInput: there is no such account.
            TemporarilyUnavailable.
        """
        return _known(self._store.suspend(account_id, iso(self._clock.now_ms()), reason))

    def resume(self, account_id: str) -> Account:
        """Let the callers of an account in again, within 60 seconds.

        Raises: as `suspend`.
        """
        return _known(self._store.suspend(account_id, None, None))


class Suspensions:
    """Which accounts are suspended, each remembered for a minute, as the key check remembers keys."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[str, tuple[int, bool]] = {}

    def is_suspended(self, account_id: str) -> bool:
        """Whether an account is suspended; one read, for most of a minute none.

        Raises:
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        until, known = self._remembered.get(account_id, (0, False))
        if now < until:
            return known
        account = self._store.account(account_id)
        known = account is not None and account.suspended_at is not None
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[account_id] = (now + REMEMBERED_MS, known)
        return known


def _known(account: Account | None) -> Account:
    if account is None:
        raise InvalidInput([FieldError("account_id", NO_ACCOUNT)])
    return account
