"""Accounts and keys for the end-to-end tests; the stack they are on is started by tests/support/running_stack.py."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.api import MAX_THREADS, Api
from tests.support.stopped_deliveries import StoppedDeliveries, deliveries_stopped


@pytest.fixture(scope="session")
def revoked_key(accounts: Accounts) -> tuple[Api, float]:
    """The API with a key that many warm functions knew when it was revoked, and when that was.

    For the session, because it takes a minute until there is nothing left to know of it: the tests between the one
    that makes it and the one that looks at it make good use of that.
    """
    account = accounts.open()
    key = account.key()
    api = accounts.api(key["key"])
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(clients.map(lambda _: api.get("/v1/account"), range(MAX_THREADS)))
    assert {answer.status_code for answer in answers} == {200}
    assert account.api.delete(f"/v1/api-keys/{key['id']}").status_code == 200
    return api, time.monotonic()


@pytest.fixture(scope="session")
def stopped_deliveries(accounts: Accounts) -> Iterator[StoppedDeliveries]:
    """An account whose deliveries were stopped and may go on. For the session, for the same reason."""
    with deliveries_stopped(accounts) as stopped:
        yield stopped


@pytest.fixture(scope="module")
def shared_account(accounts: Accounts) -> Account:
    """An account for tests that leave no trace."""
    return accounts.open()
