"""An operator flips switches on a running stack, with IAM."""

from tests.support.accounts import Accounts
from tests.support.stopped_deliveries import StoppedDeliveries, waiting


def test_deliveries_of_an_account_stop(stopped_deliveries: StoppedDeliveries) -> None:
    """While they were stopped, none was sent. They go on a minute after they may: test_webhooks looks at it then."""
    assert waiting(stopped_deliveries.account) == 3
    assert stopped_deliveries.receiver.requests == []


def test_an_operator_is_told_how_the_switches_stand(accounts: Accounts) -> None:
    assert (
        accounts.invoke("SetSwitches", {}).items()
        >= {"deliveries": "on", "writes": "on", "dns": "on"}.items()
    )
    refused = accounts.invoke("SetSwitches", {"writes": "no"})
    assert refused["errorMessage"] == "writes: must be one of on, off"
