"""An operator flips switches on a running stack, with IAM: deliveries of one account stop, wait, and go out again."""

import time

from tests.support.accounts import Account, Accounts
from tests.support.receiver import Receiver
from tests.support.steps.webhooks import webhook
from tests.support.waiting import until

KNOWS_BY_THEN_S = 60


def waiting(account: Account) -> int:
    return sum("#WAITING" in partition for partition, _ in account.everything())


def test_deliveries_of_an_account_stop_and_go_on(accounts: Accounts) -> None:
    account = accounts.open()
    stopped = accounts.invoke(
        "SetSwitches", {"account_id": account.id, "deliveries": "off", "reason": "a loop"}
    )
    assert (stopped["deliveries"], stopped["reason"]) == ("off", "a loop")
    with Receiver() as receiver:
        webhook(account.api, receiver.url)
        for number in range(3):
            account.api.created(email=f"ada+{number}@example.com")
        until(lambda: waiting(account) == 3)
        assert receiver.requests == []
        assert (
            accounts.invoke("SetSwitches", {"account_id": account.id, "deliveries": "on"})["stopped_at"]
            is None
        )
        time.sleep(KNOWS_BY_THEN_S)
        # A new event brings what is older along.
        account.api.created(email="grace@example.com")
        until(lambda: len(receiver.requests) == 4)
    until(lambda: waiting(account) == 0)


def test_an_operator_is_told_how_the_switches_stand(accounts: Accounts) -> None:
    assert (
        accounts.invoke("SetSwitches", {}).items()
        >= {"deliveries": "on", "writes": "on", "dns": "on"}.items()
    )
    refused = accounts.invoke("SetSwitches", {"writes": "no"})
    assert refused["errorMessage"] == "writes: must be one of on, off"
