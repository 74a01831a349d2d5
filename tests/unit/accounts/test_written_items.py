"""The written items of an hour, as clients see them."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.book.weight import LABELS_OF_AN_ITEM, items_of
from contacts.core.time import hour_of
from contacts.table import keys
from tests.support.accounts import Account, Accounts, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import Api, assert_problem

LEFT = "X-RateLimit-Written-Remaining"
MANY = [f"t-{number}" for number in range(100)]
DELETE = {"op": "delete", "ref": "nobody"}


def written(account: Account, items: int) -> None:
    """Have the account written so many items in this hour already."""
    wait_for_a_fresh_hour_if_this_one_ends_within(20)
    usage = {"used": {"N": "1"}, "written": {"N": str(items)}, "key_ids": {"SS": ["k"]}}
    account.put_item(keys.usage(account.id, hour_of(int(time.time() * 1000))), usage)


def free(accounts: Accounts, items: int = 0) -> Account:
    """A free account that has written so many items."""
    account = accounts.open(plan="free")
    written(account, items)
    return account


def batch(*operations: Any) -> dict[str, Any]:
    return {"operations": list(operations)}


def create(number: int, **fields: Any) -> dict[str, Any]:
    return {"op": "create", "contact": {"external_id": f"c-{number}", **fields}}


WRITES = {
    "create": ("POST", "/v1/contacts", {"external_id": "a"}, 1),
    "create that is refused": ("POST", "/v1/contacts", {"email": "nonsense"}, 1),
    "create of no JSON": ("POST", "/v1/contacts", "{", 1),
    "create with 25 tags and lists": (
        "POST",
        "/v1/contacts",
        {"external_id": "a", "tags": MANY[:20], "lists": MANY[:5]},
        1,
    ),
    "create with 26": ("POST", "/v1/contacts", {"external_id": "a", "tags": MANY[:20], "lists": MANY[:6]}, 2),
    "create with 200": ("POST", "/v1/contacts", {"external_id": "a", "tags": MANY, "lists": MANY}, 8),
    "change": ("PATCH", "/v1/contacts/nobody", {"first_name": "A"}, 1),
    "change of tags": ("PATCH", "/v1/contacts/nobody", {"add_tags": MANY, "remove_tags": MANY}, 8),
    "delete": ("DELETE", "/v1/contacts/nobody", None, 1),
    "webhook": ("POST", "/v1/webhooks", {"url": "https://192.0.2.1/"}, 1),
    "batch": (
        "POST",
        "/v1/contacts/batch",
        batch(create(1), create(2, tags=MANY), DELETE, "x"),
        1 + 4 + 1 + 1,
    ),
    "batch of none": ("POST", "/v1/contacts/batch", batch(), 1),
    "batch of too many": ("POST", "/v1/contacts/batch", batch(*[DELETE] * 101), 1),
    "batch that is no object": ("POST", "/v1/contacts/batch", [], 1),
    "path of nobody": ("POST", "/v1/nothing", {}, 0),
    "wrong method": ("PUT", "/v1/contacts", {}, 0),
}


@pytest.mark.parametrize(("method", "path", "body", "items"), WRITES.values(), ids=list(WRITES))
def test_a_write_counts_what_it_sends(
    method: str, path: str, body: Any, items: int, accounts: Accounts
) -> None:
    account = free(accounts)
    answer = account.api.send(method, path, **({"body": body} if body is not None else {}))
    assert (answer.headers["X-RateLimit-Written-Limit"], answer.headers[LEFT]) == ("2000", str(2_000 - items))
    shown = account.api.get("/v1/account")
    assert LEFT not in shown.headers
    assert (shown.json()["hourly_written_limit"], shown.json()["written_this_hour"]) == (2_000, items)


def test_beyond_the_written_items_nothing_is_written_and_reads_go_on(accounts: Accounts) -> None:
    account = free(accounts, 1_990)
    before = account.items()
    answer = account.api.post("/v1/contacts/batch", batch(*(create(number) for number in range(11))))
    problem = assert_problem(answer, 429, "written_limited")
    assert "10 are left, and this request has 11" in problem["detail"]
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert answer.headers[LEFT] == "10"
    assert account.items() == before
    assert account.api.get("/v1/contacts").status_code == 200
    answer = account.api.post("/v1/contacts/batch", batch(*(create(number) for number in range(10))))
    assert (answer.status_code, answer.headers[LEFT]) == (207, "0")
    for method, path, body, items in WRITES.values():
        if items:
            refused = account.api.send(method, path, **({"body": body} if body is not None else {}))
            assert_problem(refused, 429, "written_limited")


def test_a_hundred_contacts_with_a_hundred_tags_and_lists_are_800_items(accounts: Accounts) -> None:
    account = free(accounts, 1_201)
    body = batch(*(create(number, tags=MANY, lists=MANY) for number in range(100)))
    problem = assert_problem(account.api.post("/v1/contacts/batch", body), 429, "written_limited")
    assert "799 are left, and this request has 800" in problem["detail"]


def test_a_test_key_writes_nothing_and_counts_no_items(accounts: Accounts) -> None:
    account = free(accounts)
    key = account.key(mode="test")["key"]
    written(account, 2_000)
    with account.api_with(key) as api:
        answer = api.post("/v1/contacts", {"external_id": "a"})
    assert (answer.status_code, answer.headers[LEFT]) == (201, "0")


def test_a_repetition_counts_again(accounts: Accounts) -> None:
    account = free(accounts)
    for left in ("1999", "1998"):
        answer = account.api.post("/v1/contacts", {"external_id": "a"}, Idempotency_Key="k")
        assert (answer.status_code, answer.headers[LEFT]) == (201, left)


BULKS = {
    "sendmator": ("/api/v1/contacts/bulk", {"contacts": [{"email": f"a{n}@example.com"} for n in range(3)]}),
    "smashsend_v2": (
        "/v1/contacts/batch",
        {"contacts": [{"properties": {"email": f"a{n}@example.com"}} for n in range(3)]},
    ),
}


@pytest.mark.parametrize("dialect", BULKS)
def test_a_vendors_bulk_counts_its_contacts(dialect: str, accounts: Accounts) -> None:
    opened = accounts.provision({"name": "Free", "plan": "free", "dialect": dialect})
    account = Account(opened["account_id"], accounts.api(opened["native_key"]), accounts._table)
    written(account, 1_995)
    path, body = BULKS[dialect]
    with Api(accounts.url, opened["key"], as_bearer=dialect == "smashsend_v2") as api:
        first, second = api.post(path, body), api.post(path, body)
    assert (first.status_code < 300, first.headers[LEFT]) == (True, "2"), first.text
    assert (second.status_code, second.headers[LEFT]) == (429, "2")
    assert "2 are left, and this request has 3" in second.text
    assert 0 < int(second.headers["Retry-After"]) <= 3600


@given(
    some.dictionaries(
        some.sampled_from(["tags", "lists", "add_tags", "remove_lists", "email", "custom_fields"]),
        some.one_of(
            some.none(), some.integers(), some.text(), some.lists(some.text(max_size=2), max_size=300)
        ),
    )
)
def test_whatever_is_sent_as_a_contact_is_one_to_eight_items(contact: dict[str, Any]) -> None:
    items = items_of(contact)
    assert 1 <= items <= 8
    labels = sum(
        len(given)
        for name, given in contact.items()
        if isinstance(given, list) and name not in ("email", "custom_fields")
    )
    if 0 < labels <= 200:
        assert (items - 1) * LABELS_OF_AN_ITEM < labels <= items * LABELS_OF_AN_ITEM
