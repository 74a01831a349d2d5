"""Counts of tags, lists and contacts follow what happens to contacts."""

from tests.support.accounts import Account
from tests.support.api import path_of
from tests.support.steps.counts import contacts, counted
from tests.support.waiting import until


def test_counts_follow_what_happens_to_contacts(account: Account) -> None:
    api = account.api
    assert (counted(api, "/v1/tags"), counted(api, "/v1/lists"), contacts(api)) == ({}, {}, 0)
    odd = "é#/?& 展示会, 🎉"
    ada, bea, carl = (
        api.created(external_id=f"{n}", tags=["vip", odd, f"t{n}"], lists=["news"])["id"] for n in range(3)
    )
    tags = {"t0": 1, "t1": 1, "t2": 1, "vip": 3, odd: 3}
    assert until(lambda: counted(api, "/v1/tags") == tags), counted(api, "/v1/tags")
    assert list(counted(api, "/v1/tags")) == sorted(tags, key=str.encode)
    assert until(lambda: (counted(api, "/v1/lists"), contacts(api)) == ({"news": 3}, 3))
    api.patch(path_of(ada), {"remove_tags": ["vip"], "add_lists": ["beta"]})
    api.delete(path_of(bea))
    api.delete(path_of(carl, "?permanent=true"))
    assert until(lambda: counted(api, "/v1/tags") == {"t0": 1, odd: 1}), counted(api, "/v1/tags")
    assert until(lambda: (counted(api, "/v1/lists"), contacts(api)) == ({"beta": 1, "news": 1}, 1))
    api.post(path_of(bea, "/restore"))
    assert until(lambda: counted(api, "/v1/tags") == {"t0": 1, "t1": 1, "vip": 1, odd: 2})
