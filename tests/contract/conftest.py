"""An account, on the functions in this process, whose clients come from another vendor."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.vendors import BASES, BEARERS
from tests.support.accounts import Account
from tests.support.api import Api
from tests.support.in_process_stack import accounts, in_process_stack, projection, shared_account

__all__ = ["accounts", "in_process_stack", "projection", "shared_account"]

Connect = Callable[..., Api]


@pytest.fixture
def connect(projection: None, account: Account) -> Iterator[Connect]:
    """The API as a vendor's client reaches it, with a key of the account's own (or another one)."""
    with ExitStack() as until_the_end:

        def connected(dialect: str, key: str | None = None, **command: object) -> Api:
            sent = account.key(dialect=dialect, **command)["key"] if key is None else key
            api = Api(account.api.url + BASES[dialect], sent or None, as_bearer=dialect in BEARERS)
            return until_the_end.enter_context(api)

        yield connected
