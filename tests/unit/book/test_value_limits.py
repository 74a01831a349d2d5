"""A contact holds at most 10,000 JSON values, whichever way they come."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Dialect
from contacts.book import store as contact_store
from contacts.book.model import Change, Contact
from contacts.book.service import ContactBook
from contacts.book.store import ContactStore
from contacts.core.errors import ContactTooLarge
from contacts.core.ids import Ref
from contacts.core.json import MAX_VALUES, json_values
from contacts.events.model import MAX_DATA_VALUES
from contacts.table.client import Table
from local.table import NAME
from tests.support.batch_harness import BatchHarness
from tests.support.channel_harness import ChannelHarness
from tests.support.deterministic import Dice, SetClock
from tests.support.fakes import CountingBytes, FakeClock, opt_outs
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable, TypedItem

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
ALL = "/v1/contacts"
ROOM = 40
"""Values that the contact of most tests here has room for."""
EMAIL = "full@example.com"


def values(count: int, name: str = "many") -> dict[str, Any]:
    """An object with so many values."""
    return {name: [7] * (count - 1)}


class Harness:
    """An account with a contact that is nearly full, of half its values in either map."""

    def __init__(self, dialect: Dialect = Dialect.NATIVE) -> None:
        self.moto = MotoTable()
        clock, randomness = FakeClock(), CountingBytes()
        self.native = InProcessApi(self.moto.client(), ACCOUNT, clock, randomness)
        self.theirs = InProcessApi(self.moto.client(), ACCOUNT, clock, randomness, dialect)
        half = values(MAX_VALUES // 2 - ROOM // 2)
        made = self.native.request(
            "POST", ALL, body={"email": EMAIL, "custom_fields": half, "metadata": half}
        )
        assert made.status == 201
        self.id: str = made.body["id"]

    def refuses(self, send: Callable[[], Any]) -> Any:
        """What a request is refused with that writes nothing."""
        before = self.moto.items()
        reply = send()
        assert self.moto.items() == before
        return reply


NATIVE: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "in place": ("PATCH", ONE, {}, {}),
    "after a read": ("PATCH", ONE, {}, {"add_tags": ["a"]}),
    "once": ("PATCH", ONE, {"idempotency-key": "k"}, {}),
    "renamed": ("PATCH", ONE, {}, {"external_id": "new"}),
    "upserted": ("POST", ALL, {}, {"email": EMAIL}),
}


@pytest.mark.parametrize("name", ["custom_fields", "metadata"])
@pytest.mark.parametrize(("method", "route", "headers", "besides"), NATIVE.values(), ids=NATIVE)
def test_no_change_exceeds_the_limit_of_values(
    method: str, route: str, headers: dict[str, str], besides: dict[str, Any], name: str
) -> None:
    harness = Harness()
    query = {"on_conflict": "update"} if route == ALL else {}
    ref = None if route == ALL else EMAIL

    def send(count: int, key: str) -> Any:
        body = {**besides, name: values(count, key)}
        return harness.native.request(method, route, ref, query=query, headers=headers, body=body)

    refused = harness.refuses(lambda: send(ROOM + 1, "more"))
    assert (refused.status, refused.body["code"], refused.body["field"]) == (413, "contact_too_large", name)
    assert f"{MAX_VALUES + 1:,} JSON values" in refused.body["detail"]
    if headers:
        headers = {"idempotency-key": "another"}
    assert send(ROOM, "more").status == 200
    # Full, it can still be changed, and its values be replaced by as many.
    assert send(ROOM, "more").status == 200 if not headers else True
    assert harness.native.request("PATCH", ONE, harness.id, body={"first_name": "Ada"}).status == 200
    assert violations(harness.moto.items(), ACCOUNT, 0) == []


def test_a_create_with_too_many_values_names_the_field() -> None:
    harness = Harness()
    body: dict[str, Any] = {"email": "new@example.com", "custom_fields": values(MAX_VALUES + 1)}
    refused = harness.refuses(lambda: harness.native.request("POST", ALL, body=body))
    assert list(refused.wrong) == ["custom_fields"]
    body["custom_fields"] = values(MAX_VALUES)
    body["metadata"] = {"one": 1}
    refused = harness.refuses(lambda: harness.native.request("POST", ALL, body=body))
    assert (refused.status, refused.body["field"]) == (413, "custom_fields")
    del body["metadata"]
    assert harness.native.request("POST", ALL, body=body).status == 201


DIALECTS: dict[Dialect, list[tuple[str, str, Callable[[Any], dict[str, Any]]]]] = {
    Dialect.SENDMATOR: [
        ("POST", ALL, lambda many: {"email": "new@example.com", "custom_fields": many}),
        ("PUT", ONE, lambda many: {"custom_fields": many}),
        ("PATCH", ONE, lambda many: {"custom_fields": many}),
    ],
    Dialect.ARTAMAIL: [
        ("POST", ALL, lambda many: {"email": "new@example.com", "data": many}),
        ("PATCH", ONE, lambda many: {"data": many}),
    ],
    Dialect.SMASHSEND: [
        ("POST", ALL, lambda many: {"email": "new@example.com", "properties": many}),
    ],
    Dialect.SMASHSEND_V2: [
        ("POST", ALL, lambda many: {"properties": {"email": "new@example.com", **many}}),
    ],
    Dialect.SMARTSENDER: [
        ("PUT", ONE, lambda many: {"values": many}),
        ("PUT", ONE, lambda many: {"values": {"variables": many}}),
    ],
}


@pytest.mark.parametrize(
    ("dialect", "method", "route", "body"),
    [(dialect, *case) for dialect, cases in DIALECTS.items() for case in cases],
)
def test_too_many_values_are_refused_in_every_dialect(
    dialect: Dialect, method: str, route: str, body: Any
) -> None:
    harness = Harness(dialect)
    ref = None if route == ALL else harness.id if dialect is Dialect.SMARTSENDER else EMAIL
    if dialect is Dialect.SENDMATOR and ref:
        ref = harness.id
    counts = [MAX_VALUES + 1] if route == ALL else [ROOM + 1, MAX_VALUES + 1]
    for count in counts:
        sent = body(values(count))
        if route == ONE and count == ROOM + 1:
            sent = body({"more": [7] * ROOM})
        reply = harness.refuses(lambda sent=sent: harness.theirs.request(method, route, ref, body=sent))
        # Smart Sender leaves out what cannot be taken, and says that it has done the rest.
        is_left_out = dialect is Dialect.SMARTSENDER and count > MAX_VALUES
        assert reply.status in ((200,) if is_left_out else (400, 413, 422)), reply
    taken = body({"more": [7] * (ROOM - 1)})
    assert harness.theirs.request(method, route, ref, body=taken).status in (200, 201)


def test_too_many_values_are_refused_in_a_batch() -> None:
    harness = BatchHarness()
    full = {"external_id": "full", "custom_fields": values(MAX_VALUES)}
    one_more = {"metadata": {"one": 1}}
    results = harness.results(
        {"op": "create", "contact": full},
        {"op": "create", "contact": {"external_id": "b", "custom_fields": values(MAX_VALUES + 1)}},
        {"op": "update", "ref": "full", "contact": one_more},
        {"op": "upsert", "contact": {"external_id": "full", **one_more}},
        {"op": "update", "ref": "full", "contact": {"custom_fields": {"many": None}, **one_more}},
    )
    assert [one["status"] for one in results] == [201, 400, 413, 413, 200]


def test_too_many_values_are_refused_through_a_gate() -> None:
    harness = ChannelHarness()
    channel = harness.made()["id"]
    assert list(harness.arrive(channel, "1", custom_fields=values(MAX_VALUES + 1)).wrong) == ["custom_fields"]
    refused = harness.arrive(channel, "1", custom_fields=values(MAX_VALUES), metadata={"one": 1})
    assert refused.status == 413
    assert harness.arrive(channel, "1", custom_fields=values(MAX_VALUES)).status == 201


def test_a_merge_that_gives_too_many_values_is_refused() -> None:
    harness = Harness()
    for number, status in ((ROOM + 1, 409), (ROOM, 200)):
        body = {"external_id": f"b-{number}", "custom_fields": values(number, "of b")}
        assert harness.native.request("POST", ALL, body=body).status == 201
        source = {"from": f"b-{number}"}
        reply = harness.native.request("POST", f"{ONE}/merge", harness.id, body=source)
        assert reply.status == status
        if status == 409:
            assert (reply.body["code"], reply.body["field"]) == ("merge_too_large", "from")


def test_event_data_has_its_own_limit_of_values() -> None:
    harness = Harness()

    def record(count: int) -> Any:
        return harness.native.request(
            "POST", f"{ONE}/events", EMAIL, body={"name": "a", "data": values(count)}
        )

    assert list(harness.refuses(lambda: record(MAX_DATA_VALUES + 1)).wrong) == ["data"]
    assert record(MAX_DATA_VALUES).status == 202


# What other releases wrote


@pytest.fixture
def harness() -> Harness:
    return Harness()


def rewritten(harness: Harness, change: Callable[[TypedItem], object]) -> None:
    """Have the contact as another release may have left it."""
    (item,) = (item for item in harness.moto.items() if item["SK"]["S"] == f"CONTACT#{harness.id}")
    change(item)
    harness.moto.call("put_item", {"TableName": NAME, "Item": item})


def test_a_contact_without_a_count_of_values_gets_one_by_its_next_change(harness: Harness) -> None:
    rewritten(harness, lambda item: item.pop("values_bound"))
    for count, status in ((ROOM + 1, 413), (ROOM, 200)):
        body = {"metadata": values(count, "more")}
        assert harness.native.request("PATCH", ONE, EMAIL, body=body).status == status
    assert violations(harness.moto.items(), ACCOUNT, 0) == []


def overfull(item: TypedItem) -> None:
    item["custom_fields"] = {"M": {"many": {"L": [{"N": "7"}] * (2 * MAX_VALUES)}}}
    item.pop("values_bound", None)


def test_a_contact_above_the_limit_of_values_can_change_but_not_grow(
    harness: Harness,
) -> None:
    rewritten(harness, overfull)
    for body in ({"first_name": "Ada"}, {"is_unsubscribed": True}, {"add_tags": ["a"]}, {"external_id": "n"}):
        assert harness.native.request("PATCH", ONE, EMAIL, body=body).status == 200
    refused = harness.native.request("PATCH", ONE, EMAIL, body={"custom_fields": {"more": 1}})
    assert (refused.status, refused.body["field"]) == (413, "custom_fields")
    assert harness.native.request("DELETE", ONE, EMAIL).status == 200
    assert harness.native.request("POST", f"{ONE}/restore", harness.id).status == 200
    fewer = harness.native.request("PATCH", ONE, EMAIL, body={"custom_fields": {"many": [1] * 9}})
    assert fewer.status == 200
    assert violations(harness.moto.items(), ACCOUNT, 0) == []


class CountedClient:
    def __init__(self, table: MotoTable) -> None:
        self._client, self.calls = table.client(), list[str]()

    def __getattr__(self, method: str) -> Any:
        self.calls.append(method)
        return getattr(self._client, method)


@pytest.mark.parametrize("without_a_count", [False, True])
def test_a_change_in_place_still_takes_one_call(without_a_count: bool) -> None:
    moto = MotoTable()
    api = InProcessApi(moto.client(), ACCOUNT, FakeClock(), CountingBytes())
    made = api.request("POST", ALL, body={"email": EMAIL, "custom_fields": {"a": 1}})
    if without_a_count:  # A small contact has few values, counted or not.
        (item,) = (item for item in moto.items() if item["SK"]["S"] == f"CONTACT#{made.body['id']}")
        item.pop("values_bound", None)
        moto.call("put_item", {"TableName": NAME, "Item": item})
    client = CountedClient(moto)
    api = InProcessApi(client, ACCOUNT, FakeClock(), CountingBytes())
    for number in range(3):
        body = {"metadata": {f"k{number}": [1, 2, 3]}}
        assert api.request("PATCH", ONE, made.body["id"], body=body).status == 200
    assert client.calls == ["update_item"] * 3


FEW = 12
steps = st.lists(
    st.tuples(
        st.sampled_from(["in place", "read", "by an older release"]),
        st.dictionaries(st.sampled_from("abc"), st.none() | st.lists(st.just(1), max_size=7), min_size=1),
    ),
    max_size=8,
)


@given(steps)
@settings(max_examples=examples(60))
def test_no_sequence_of_changes_grows_a_contact_past_the_limit(
    changes: list[tuple[str, dict[str, Any]]],
) -> None:
    """As if a contact had at most twelve. A release that counts nothing may be at work as well."""
    moto = MotoTable()
    table = Table(moto.client(), NAME)
    store = ContactStore(table, ACCOUNT, opt_outs(table, ACCOUNT), Dice("values"), 0)
    book = ContactBook(store, SetClock(1_700_000_000_000), Dice("book"))
    with patch.object(contact_store, "MAX_VALUES", FEW):
        ref = Ref(str(book.create({"email": EMAIL}).contact.id))  # type: ignore[union-attr]
        for way, entries in changes:
            before = held(book.get(ref))
            change = Change.of({"metadata": entries, **({"add_tags": ["t"]} if way == "read" else {})})
            expected = held(change.applied_to(book.get(ref), "2026-01-01T00:00:00.000Z"))
            try:
                book.update(ref, change)
            except ContactTooLarge:
                assert expected > max(FEW, before)
                assert held(book.get(ref)) == before
            else:
                assert expected <= max(FEW, before)
                assert held(book.get(ref)) == expected
            if way == "by an older release":
                (item,) = (item for item in moto.items() if item["SK"]["S"].startswith("CONTACT#"))
                item.pop("values_bound", None)
                moto.call("put_item", {"TableName": NAME, "Item": item})


def held(contact: Contact) -> int:
    return json_values((contact.custom_fields, contact.metadata), 10**9)
