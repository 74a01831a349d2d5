"""A running local stack for the end-to-end and contract tests, deployed once for the whole run.

With CONTACTS_STACK=.local (a directory with a stack.json) the tests use a stack that already runs instead.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.deployment import Deployment
from local.errors import LocalStackError
from local.stack import ROOT, LocalStack, free_port
from tests.support.accounts import Account, Accounts, switch_validation


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What stack.json says of a running stack: url, endpoint_url, table, account_id, keys.

    Emails are not judged on it, but where a test asks for it: so an answer is the same a moment later.
    """
    if running := os.environ.get("CONTACTS_STACK"):
        description = json.loads((ROOT / running / "stack.json").read_text())
        deployment = Deployment(ROOT, description["endpoint_url"], Path())
        switch_validation(deployment, on=False)
        yield description
        switch_validation(deployment, on=True)
        return
    with start(tmp_path_factory.mktemp("stack")) as started:
        switch_validation(started.deployment, on=False)
        yield started.description


def start(directory: Path) -> LocalStack:
    """A stack that keeps nothing, to be started by `with`."""
    return LocalStack(directory, free_port(), persistent=False)


@pytest.fixture(scope="session")
def accounts(stack: dict[str, Any]) -> Iterator[Accounts]:
    """Opens accounts on the stack."""
    with ExitStack() as until_the_end:
        yield Accounts(stack, until_the_end)


@pytest.fixture
def account(accounts: Accounts) -> Iterator[Account]:
    """An account of the test's own; whatever the test does, its items must fit together in the end."""
    opened = accounts.open()
    yield opened
    assert opened.contradictions() == []


@pytest.fixture
def other_account(accounts: Accounts) -> Account:
    """Somebody else's."""
    return accounts.open()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """Shows a stack that does not start as its one line, not as a traceback for each test."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, LocalStackError):
        report.longrepr = str(call.excinfo.value)
    return report
