"""No call of the table begins that could outlast its request."""

from typing import Any

import pytest

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import Deadline
from contacts.events.model import WITHHELD_MS
from contacts.events.store import PUT_WITHIN_MS
from contacts.table import keys
from contacts.table.aws import BRIEF_CALLS, CALLS
from contacts.table.client import LONGEST_BRIEF_CALL, LONGEST_CALL, Table
from local.template import functions


class CountingClient:
    """Answers that there is nothing."""

    calls = 0

    def get_item(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        return {}


@pytest.mark.parametrize(("seconds", "calls"), [(LONGEST_CALL - 0.1, 0), (LONGEST_CALL + 1, 1)])
def test_a_call_begins_only_if_it_can_end_in_time(seconds: float, calls: int) -> None:
    client, deadline = CountingClient(), Deadline()
    table = Table(client, "contacts", deadline)
    deadline.begin(seconds)
    if calls:
        assert table.get(keys.account("a")) is None
    else:
        with pytest.raises(TemporarilyUnavailable):
            table.get(keys.account("a"))
    assert client.calls == calls


def test_before_a_request_there_is_no_deadline() -> None:
    assert Table(CountingClient(), "contacts").get(keys.account("a")) is None


def test_the_longest_call_is_what_the_client_may_take() -> None:
    # Standard retries pause at most 1 s, then at most 2 s. A connection is either not made or not answered.
    attempts = CALLS.retries["total_max_attempts"]
    assert max(CALLS.connect_timeout, CALLS.read_timeout) * attempts + 1 + 2 <= LONGEST_CALL


def test_a_brief_call_takes_no_longer_than_a_claim_is_good_for() -> None:
    """Between the end of the longest put of an event and its being listed two seconds are left, as clocks differ."""
    attempts = BRIEF_CALLS.retries["total_max_attempts"]
    longest = (BRIEF_CALLS.connect_timeout + BRIEF_CALLS.read_timeout) * attempts + 1
    assert longest <= LONGEST_BRIEF_CALL
    assert PUT_WITHIN_MS + LONGEST_BRIEF_CALL * 1000 + 2000 <= WITHHELD_MS


def test_every_function_has_time_for_more_than_one_call() -> None:
    assert all(function.timeout >= 2 * LONGEST_CALL for function in functions())
