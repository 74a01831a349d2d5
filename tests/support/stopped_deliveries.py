"""An account whose deliveries an operator stops, and lets go on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.accounts import Account, Accounts
from tests.support.receiver import Receiver
from tests.support.steps.webhooks import webhook
from tests.support.waiting import known_everywhere, until


@dataclass(frozen=True)
class StoppedDeliveries:
    """The account, when its deliveries may go on."""

    account: Account
    receiver: Receiver
    on_since: float
    """When they might go on, on the monotonic clock."""

    def known_everywhere(self) -> None:
        """Waits until every function knows that they may go on."""
        known_everywhere(self.on_since)


def waiting(account: Account) -> int:
    """How many deliveries of an account wait."""
    return sum("#WAITING" in partition for partition, _ in account.everything())


@contextmanager
def deliveries_stopped(accounts: Accounts) -> Iterator[StoppedDeliveries]:
    """Deliveries stop, three wait and none is sent, and they may go on."""
    account = accounts.open()
    off = {"account_id": account.id, "deliveries": "off", "reason": "a loop"}
    stopped = accounts.invoke("SetSwitches", off)
    assert (stopped["deliveries"], stopped["reason"]) == ("off", "a loop")
    with Receiver() as receiver:
        webhook(account.api, receiver.url)
        for number in range(3):
            account.api.created(email=f"ada+{number}@example.com")
        assert until(lambda: waiting(account) == 3)
        assert receiver.requests == []
        gone_on = accounts.invoke("SetSwitches", {"account_id": account.id, "deliveries": "on"})
        assert gone_on["stopped_at"] is None
        yield StoppedDeliveries(account, receiver, time.monotonic())
