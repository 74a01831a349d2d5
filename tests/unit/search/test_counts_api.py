"""Counts of tags and lists: each account its own, and which parameters they take."""

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits
from tests.support.steps.counts import contacts, counted
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("projection")


def test_an_account_counts_nothing_of_another(account: Account, other_account: Account) -> None:
    other_account.api.created(external_id="1", tags=["a", "b", "c"], lists=["theirs"])
    assert until(lambda: counted(other_account.api, "/v1/tags") == {"a": 1, "b": 1, "c": 1})
    assert (counted(account.api, "/v1/tags"), contacts(account.api)) == ({}, 0)
    cursor = other_account.api.get("/v1/tags?limit=1").json()["next_cursor"]
    assert culprits(assert_problem(account.api.get(f"/v1/tags?cursor={cursor}"), 400)) == {"cursor"}
    with other_account.api_with(other_account.key(mode="test")["key"]) as api:
        assert (counted(api, "/v1/tags"), counted(api, "/v1/lists"), contacts(api)) == ({}, {}, 0)


def test_wrong_parameters_are_named(account: Account) -> None:
    for path in ("/v1/tags", "/v1/lists"):
        for query, culprit in (("limit=0", "limit"), ("cursor=x", "cursor"), ("prefix=v", "prefix")):
            assert culprits(assert_problem(account.api.get(f"{path}?{query}"), 400)) == {culprit}
    assert_problem(account.api.post("/v1/tags", {"tag": "x"}), 405, "method_not_allowed")
    assert_problem(account.api.get("/api/v1/tags"), 404, "route_not_found")
