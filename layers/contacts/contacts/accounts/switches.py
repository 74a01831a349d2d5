"""Switches: what operators switch off while the service runs, without a deployment.

They are one item of the table. A function reads it in the same call as an account, which it reads every 50 seconds
anyway: so a switch costs no request a call, no function another permission or client, and there is no other store that
could be slow or away. Where the item is not there, nothing is switched off. Where it cannot be read, the function goes
on with what it read last.
"""

from typing import Final, Protocol

from contacts.accounts.model import Account, Switches
from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import Clock

READ_EVERY_MS: Final = 10_000
"""Within this time after a reading, or a failed one, the switches are not read again. With the 50 s for which an
account is remembered, a function acts on a switch at the latest a minute after it was flipped."""


class ReadsSwitches(Protocol):
    """Reads accounts and switches: `accounts.store.AccountStore`."""

    def account(self, account_id: str) -> Account | None:
        """An account."""
        ...

    def account_and_switches(self, account_id: str) -> tuple[Account | None, Switches | None]:
        """An account, and the switches; None: they are not known now."""
        ...

    def switches(self) -> Switches:
        """The switches."""
        ...


class SwitchBoard:
    """The switches as this process knows them. It has one."""

    def __init__(self, store: ReadsSwitches, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read_at: int | None = None
        self.switches = Switches()
        """As they were read last."""

    def account(self, account_id: str) -> Account | None:
        """An account; None: there is none. One read, which brings the switches, too, where they are due.

        Raises:
            TemporarilyUnavailable.
        """
        if not self._is_due():
            return self._store.account(account_id)
        account, switches = self._store.account_and_switches(account_id)
        self._take(switches)
        return account

    def refresh(self) -> None:
        """Read the switches where they are due: for functions that read no account. One read at most; never raises."""
        if self._is_due():
            try:
                self._take(self._store.switches())
            except TemporarilyUnavailable:
                self._take(None)

    def _is_due(self) -> bool:
        now = self._clock.now_ms()
        if self._read_at is not None and now - self._read_at < READ_EVERY_MS:
            return False
        self._read_at = now
        return True

    def _take(self, switches: Switches | None) -> None:
        """Go by these switches from here on, and log them where they differ. None: they could not be read."""
        if switches is not None and switches != self.switches:
            self.switches = switches
            observability.set_debug(is_on=switches.log_level == "DEBUG")
            observability.logger.warning("switches", extra=switches.shown())
