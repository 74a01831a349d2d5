"""Accounts and their keys in the table."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.accounts.model import Account, AccountSecret, Dialect, Plan
from contacts.accounts.service import AccountService
from contacts.accounts.store import AccountStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression
from local.table import NAME
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.moto_table import MotoTable


class Records:
    """A table with one account, and its store."""

    def __init__(self) -> None:
        self.table = Table(MotoTable().client(), NAME)
        self.randomness = CountingBytes()
        self.store = AccountStore(self.table, self.randomness)
        self.account_service = AccountService(self.store, FakeClock(), self.randomness)
        self.opened, self.keys = self.account_service.open_account("Acme", Plan.FREE, None, Dialect.NATIVE)

    def account(self) -> Account:
        found = self.store.account(self.opened.id)
        assert found is not None
        return found

    def item(self) -> dict[str, Any]:
        item = self.table.get(keys.account(self.opened.id))
        assert item is not None
        return item

    def forget_the_secret(self) -> None:
        """Make the account one of before there were secrets."""
        expression = Expression()
        expression.remove("secret")
        self.table.update("account", keys.account(self.opened.id), expression)


@pytest.fixture
def records() -> Records:
    return Records()


def test_an_account_has_its_secret_from_the_beginning(records: Records) -> None:
    drawn = records.randomness.calls
    assert records.account() == records.opened
    assert records.randomness.calls == drawn
    other, _ = records.account_service.open_account("Other", Plan.FREE, None)
    assert other.secret != records.opened.secret


def test_an_account_without_a_secret_gets_one_that_stays(records: Records) -> None:
    before = records.item()
    records.forget_the_secret()
    first = records.account()
    assert first.secret != records.opened.secret
    assert records.account() == first
    assert {**records.item(), "secret": None} == {**before, "secret": None}


def test_of_two_functions_that_give_an_account_a_secret_the_first_wins(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.forget_the_secret()
    late = AccountStore(records.table, CountingBytes(500))
    without = records.item()
    first = records.account()
    # The other function read the account before the first one wrote.
    monkeypatch.setattr(records.table, "get", lambda _: without)
    assert late.account(records.opened.id) == first


def test_no_account_comes_into_being_by_being_looked_for(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert records.store.account("01941f29-0000-7000-8000-00000000000b") is None
    # It was there when it was read, and is gone when it is to get its secret.
    monkeypatch.setattr(records.table, "get", lambda _: {"name": "gone"})
    assert records.store.account("01941f29-0000-7000-8000-00000000000b") is None
    monkeypatch.undo()
    assert records.table.get(keys.account("01941f29-0000-7000-8000-00000000000b")) is None


@given(st.binary(min_size=32, max_size=32), st.text(), st.text())
def test_each_purpose_has_a_key_of_its_own(value: bytes, purpose: str, other: str) -> None:
    secret = AccountSecret(value)
    assert len(secret.derived(purpose)) == 32
    assert secret.derived(purpose) == AccountSecret(value).derived(purpose)
    assert (secret.derived(purpose) == secret.derived(other)) is (purpose == other)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        AccountSecret(b"x" * length)


def test_a_secret_is_not_in_what_is_printed(records: Records) -> None:
    assert "secret=AccountSecret()" in repr(records.opened)


def test_a_scope_of_a_later_release_allows_nothing(records: Records) -> None:
    (key,) = records.store.api_keys(records.opened.id)
    place = keys.listed_api_key(records.opened.id, key.id)
    expression = Expression()
    expression.set("scopes", ["contacts:read", "dreams:read"])
    records.table.update("key", place, expression)
    assert [one.scopes for one in records.store.api_keys(records.opened.id)] == [("contacts:read",)]
