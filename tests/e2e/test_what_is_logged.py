"""The logs of all functions after all the other tests: complete, and without personal data.

(Files run in the order of their names. Alone, this one has its own requests to look at.)
"""

import json
import re
import time
from typing import Any

import pytest

from contacts.core.observability import UNDER_WAY
from local.template import functions
from tests.support.accounts import Accounts, log_group_of
from tests.support.api import path_of

LOGICAL_IDS = {function.logical_id: function.name for function in functions()}
GROUPS = {logical_id: log_group_of(logical_id) for logical_id in LOGICAL_IDS}
OF_JOBS = re.compile("(import|export) ")
"""How lines of imports and exports begin that tell what became of one."""

PERSONAL = re.compile(
    r"@|sk_live_|sk_test_|example\.(com|org)|crm-\d|\+49|\+81|Ada|Lovelace|Tanaka|tanaka|さくら|田中|Söhne|O'Brien|東京"
)
"""What the tests send as names, addresses, numbers and keys."""
LOST_BY_THE_EMULATOR = 1 / 200
"""Of the lines, and one more of each function. It waits a moment for an invocation's line; a later one is read with
the same worker's next invocation, or, on a machine that is busy when the worker answers for the last time, never.
"""
FOR_OPERATORS = {
    "ProvisionAccount",
    "SuspendAccount",
    "SetSwitches",
    "ReindexAccount",
    "RestoreAccount",
    "ReplayJournal",
}
A_LINE_OF_LAMBDA = re.compile(r"(INIT_START|START|END|REPORT) ")


@pytest.fixture(scope="module")
def logs(accounts: Accounts) -> dict[str, list[str]]:
    """What each function has logged, after requests that tempt it to tell."""
    account = accounts.open("Ada & Söhne")
    api = account.api
    api.created(email="ada@example.com", external_id="crm-1", first_name="Ada", phone="+4930123456")
    api.post("/v1/contacts", {"email": "ada@example.com", "first_name": "Ada"}, Idempotency_Key="Ada's")
    api.post("/v1/contacts", {"email": "ada@example", "Ada Lovelace": "+4930123456"})
    api.get(path_of("ada@example.com", "?by=email&Ada=Lovelace"))
    api.patch(path_of("ada@example.com"), {"metadata": {"Ada": "Lovelace\0"}}, If_Match="Ada")
    api.patch(path_of("crm-1"), {"add_tags": ["Ada"]}, User_Agent="Ada's client")
    api.post(path_of("ada@example.com", "/events"), {"name": "Ada called", "data": {"from": "+4930123456"}})
    api.post(path_of("ada@example.com", "/events"), {"name": "Ada called", "occurred_at": "Ada's birthday"})
    api.get(path_of("ada@example.com", "/events?type=Ada"))
    api.delete(path_of("nobody@example.com"))
    api.post("/v1/contacts/batch", {"operations": [{"op": "delete", "ref": "Ada"}, {"Ada": "Lovelace"}]})
    api.get(f"/v1/tags?cursor={account.api.key}")
    api.get(f"/v1/Ada/{account.api.key}")
    api.get(f"/v1/contacts?cursor={account.api.key}")
    accounts.api("sk_live_Ada").get(path_of("ada@example.com"))
    accounts.provision({"name": "Ada", "plan": "Lovelace"})
    # A line is there a little later than its answer.
    time.sleep(1)
    of_group = {GROUPS[function]: function for function in LOGICAL_IDS}
    return {group: accounts.logged(function) for group, function in of_group.items()}


def documents(lines: list[str]) -> list[dict[str, Any]]:
    """The structured lines of invocations: without those of requests that take long here, of switches that a test
    flipped, and of failures of the table that count against a version."""
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [
        document
        for document in found
        if document.get("message") not in (UNDER_WAY, "switches", "call")
        and not OF_JOBS.match(document.get("message", ""))
        and "VersionFailures" not in document
    ]


def test_nothing_personal_is_in_the_logs(logs: dict[str, list[str]]) -> None:
    assert sum(map(len, logs.values())) > 50
    assert [line for lines in logs.values() for line in lines if PERSONAL.search(line)] == []


@pytest.mark.parametrize("group", sorted(set(GROUPS.values())))
def test_every_invocation_has_one_line(group: str, logs: dict[str, list[str]]) -> None:
    lines = logs[group]
    functions_of_it = {function for function in LOGICAL_IDS if GROUPS[function] == group}
    if not lines:
        pytest.skip("was not called")
    invocations = sum(line.startswith("START ") for line in lines)
    found = documents(lines)
    assert abs(invocations - len(found)) <= 1 + invocations * LOST_BY_THE_EMULATOR
    operations = {LOGICAL_IDS[function] for function in functions_of_it}
    assert [document for document in found if document.get("operation") not in operations] == []
    assert all("_aws" in document for document in found if "route" in document)
    assert len({document["lambda_request_id"] for document in found}) == len(found)
    others = [line for line in lines if not line.startswith("{") and not A_LINE_OF_LAMBDA.match(line)]
    # These alone let their errors out, to the operator who invoked them; the runtime prints them.
    assert others == [] or functions_of_it <= FOR_OPERATORS


def test_nothing_failed_that_should_not(logs: dict[str, list[str]]) -> None:
    """503 is an answer of ours; any other 5xx is a fault, whatever test met it."""
    found = [document for lines in logs.values() for document in documents(lines)]
    assert "\n".join(json.dumps(document) for document in found if "failure" in document) == ""
    # What follows the stream or a queue has no status; what it could not do is among the failures.
    assert {document.get("status", 200) for document in found if document.get("status", 200) >= 500} <= {503}
