"""An account written by earlier code works with the code as it is now. `tests/recorded` says how it was recorded.

Cursors, bookmarks, Idempotency-Keys, records of the stream and messages outlive a deployment. So whatever they come to
must stay as it was recorded, word for word: answers, what is written, what queues and endpoints are sent.

On the way each call to the table is held against the policies of its function.
"""

import json
from typing import Any

import pytest

from tests.recorded.playing import played, recorded_scenarios
from tests.support.deployed import Call
from tests.support.permissions import refused

SCENARIOS = recorded_scenarios()


def in_order(value: Any) -> str:
    """JSON in lines, with its members in their order."""
    return json.dumps(value, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_scenario_gives_the_recorded_answers_and_items(name: str) -> None:
    calls: list[Call] = []
    recorded, now = SCENARIOS[name], played(SCENARIOS[name], calls)
    assert now == recorded
    assert in_order(now) == in_order(recorded)
    assert {
        f"{function} lacks {what}" for function, *call in calls for what in refused(function, *call)
    } == set()
