"""Flips switches, for operators. (`switches` is what functions go by.)"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from contacts.accounts.model import Account, Switches, switches_from
from contacts.accounts.operator_requests import SwitchChange
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.time import Clock, iso
from contacts.core.violations import NO_ACCOUNT
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression, Item


class Flipped(NamedTuple):
    """The switches, with their last change."""

    switches: Switches
    changed_at: str | None
    reason: str | None


class SwitchStore:
    """The switches in the table, for operators."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def flipped(self) -> Flipped:
        """The switches. One GetItem.

        Raises:
            TemporarilyUnavailable.
        """
        return _flipped_from(self._table.get(keys.switches()))

    def flip(self, changes: Mapping[str, str], at: str, reason: str | None) -> Flipped:
        """Set some switches. One UpdateItem. What is as it is without being said is not kept.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        normal = Switches().shown()
        for name, value in changes.items():
            expression.assign(name, None if value == normal[name] else value)
        expression.set("changed_at", at)
        expression.assign("reason", reason)
        return _flipped_from(self._table.update("switches", keys.switches(), expression))


def _flipped_from(item: Item | None) -> Flipped:
    item = item or {}
    return Flipped(switches_from(item), item.get("changed_at"), item.get("reason"))


class StopsDeliveries(Protocol):
    """Reads accounts, and stops their deliveries: `accounts.store.AccountStore`."""

    def account(self, account_id: str) -> Account | None:
        """An account."""
        ...

    def stop_deliveries(self, account_id: str, at: str | None, reason: str | None) -> Account | None:
        """Stop an account's deliveries; `at` None: let them go on."""
        ...


class SwitchService:
    """Flips switches, for operators."""

    def __init__(self, switches: SwitchStore, accounts: StopsDeliveries, clock: Clock) -> None:
        self._switches = switches
        self._accounts = accounts
        self._clock = clock

    def flip(self, change: SwitchChange) -> dict[str, object]:
        """Flip the switches that a change names. Returns how all stand.

        With `account_id`, stop or resume the deliveries of that account alone, if the change names `deliveries`.
        Returns how its deliveries stand.

        Raises:
            InvalidInput: there is no such account.
            TemporarilyUnavailable.
        """
        if change.account_id is not None:
            return self._flip_of(change.account_id, change)
        at = iso(self._clock.now_ms())
        found = (
            self._switches.flip(change.flips, at, change.reason) if change.flips else self._switches.flipped()
        )
        return {**found.switches.shown(), "changed_at": found.changed_at, "reason": found.reason}

    def _flip_of(self, account_id: str, change: SwitchChange) -> dict[str, object]:
        match change.deliveries:
            case None:
                account = self._accounts.account(account_id)
            case "off":
                at = iso(self._clock.now_ms())
                account = self._accounts.stop_deliveries(account_id, at, change.reason)
            case _:
                account = self._accounts.stop_deliveries(account_id, None, None)
        if account is None:
            raise InvalidInput([FieldError("account_id", NO_ACCOUNT)])
        stands = "on" if account.deliveries_stopped_at is None else "off"
        return {
            "account_id": account.id,
            "deliveries": stands,
            "stopped_at": account.deliveries_stopped_at,
            "reason": account.stop_reason,
        }
