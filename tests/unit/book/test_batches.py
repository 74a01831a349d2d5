"""POST /v1/contacts/batch: each item as a request of its own, all of them as one."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import count
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Mode
from contacts.book import batch_schemas as batches
from contacts.book.batch import AT_ONCE, MAX_ITEMS, Item, lanes
from contacts.book.batch_schemas import _Results
from contacts.book.model import Action, Contact, Outcome
from contacts.book.service import ContactBook
from contacts.core import observability
from contacts.core.time import Deadline
from contacts.properties.model import PropertyType
from contacts.properties.service import CreateProperty, PropertyService
from contacts.properties.store import PropertyStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.web.response import MAX_ANSWER_BYTES
from local.table import NAME
from tests.support.app import Reply
from tests.support.batch_harness import (
    BATCH,
    BatchHarness,
    OneAtATime,
    Operation,
    create,
    delete,
    update,
    upsert,
)
from tests.support.event_harness import Killed, Life, Mortal
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import caller_of
from tests.support.interrupted import Interrupted
from tests.support.moto_table import MotoTable

DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b5a[0-9a-f]{16}\b")
"""Ids of contacts, and those of changes as the tests' randomness makes them."""
NOWHERE = "019bb6e7-c040-7000-8000-00000000dead"


@pytest.fixture
def harness() -> BatchHarness:
    return BatchHarness(at_once=8)


# What an item is answered


def test_each_item_gets_the_answer_of_a_single_request(harness: BatchHarness) -> None:
    ada = harness.create(email="ada@example.com", tags=["vip"])
    harness.create(email="bea@example.com", external_id="crm-2")
    created, upserted, changed, deleted = harness.results(
        create(email="Carl@Example.com", add_tags=["new"]),
        upsert(email="ada@example.com", add_tags=["beta"], add_lists=["news"]),
        update("bea@example.com", first_name="Bea", remove_tags=["x"]),
        delete("nobody"),
    )
    assert (created["status"], created["contact"]["email"], created["contact"]["version"]) == (
        201,
        "carl@example.com",
        1,
    )
    assert created["contact"] == harness.single("GET", "carl@example.com").body
    assert (upserted["status"], upserted["contact"]["id"]) == (200, ada)
    assert (upserted["contact"]["tags"], upserted["contact"]["lists"]) == (["vip", "beta"], ["news"])
    assert (changed["status"], changed["contact"]["first_name"]) == (200, "Bea")
    assert set(deleted) == {"index", "status", "problem"}
    assert deleted["problem"] == harness.single("DELETE", "nobody").body


def test_a_deleted_contact_goes_to_the_trash(harness: BatchHarness) -> None:
    ada = harness.create(email="ada@example.com")
    (deleted,) = harness.results(delete("ada@example.com"))
    assert deleted == {
        "index": 0,
        "status": 200,
        "contact": {"deleted": True, "id": ada, "permanent": False},
    }
    assert harness.api.request("POST", "/v1/contacts/{ref}/restore", ada).status == 200


def test_a_conflict_names_the_owner_and_a_restore_is_a_create(harness: BatchHarness) -> None:
    ada, bea = harness.create(email="ada@example.com"), harness.create(email="bea@example.com")
    harness.single("DELETE", bea)
    taken, back = harness.results(create(email="ada@example.com"), create(email="bea@example.com"))
    assert (taken["status"], taken["problem"]["code"]) == (409, "duplicate_contact")
    assert (taken["problem"]["existing_id"], taken["problem"]["field"]) == (ada, "email")
    assert (back["status"], back["contact"]["id"]) == (201, bea)


@pytest.mark.parametrize("if_match", [1, "1", '"1-pending"', 'W/"1"', '"7", "1"', "*", None])
def test_an_item_with_the_right_version_is_carried_out(if_match: Any, harness: BatchHarness) -> None:
    harness.create(external_id="a")
    assert harness.statuses(update("a", if_match, first_name="A")) == [200]


@pytest.mark.parametrize("if_match", [2, 0, '"2-pending"', '"7", "8"'])
def test_an_item_with_a_stale_version_changes_nothing(if_match: Any, harness: BatchHarness) -> None:
    harness.create(external_id="a")
    before = harness.items()
    stale = harness.results(
        update("a", if_match, first_name="A"),
        {"op": "delete", "ref": "a", "if_match": if_match},
        {"op": "upsert", "contact": {"external_id": "a", "phone": "+4930123"}, "if_match": if_match},
    )
    assert [(result["status"], result["problem"]["code"]) for result in stale] == [(412, "stale_version")] * 3
    assert harness.items() == before


def test_an_update_with_skip_leaves_out_invalid_fields(harness: BatchHarness) -> None:
    harness.create(external_id="a")
    harness.create(external_id="b", email="taken@example.com")
    changed, clashing = harness.results(
        update("a", phone="0800", first_name="A"),
        update("a", email="taken@example.com", last_name="B"),
        on_invalid="skip",
    )
    assert [skip["field"] for skip in changed["contact"]["skipped"]] == ["phone"]
    assert [skip["field"] for skip in clashing["contact"]["skipped"]] == ["email"]
    assert clashing["contact"]["name"] == "A B"
    assert harness.statuses(update("a", phone="0800"), on_invalid="reject") == [400]


BAD_ITEMS = [
    pytest.param("x", {"operations.0"}, id="no object"),
    pytest.param(None, {"operations.0"}, id="null"),
    pytest.param([], {"operations.0"}, id="a list"),
    pytest.param({}, {"op"}, id="empty"),
    pytest.param({"op": "merge", "ref": "a"}, {"op"}, id="no such operation"),
    pytest.param({"op": 1}, {"op"}, id="an operation that is a number"),
    pytest.param({"op": ["create"], "contact": {"email": "a@example.com"}}, {"op"}, id="two operations"),
    pytest.param({"op": "create"}, {"contact"}, id="a create of nothing"),
    pytest.param({"op": "create", "contact": None}, {"contact"}, id="a create of null"),
    pytest.param({"op": "upsert", "contact": "ada"}, {"contact"}, id="a contact that is a string"),
    pytest.param({"op": "create", "ref": "a", "contact": {"external_id": "x"}}, {"ref"}, id="a create with a ref"),
    pytest.param({"op": "delete"}, {"ref"}, id="a delete of nothing"),
    pytest.param({"op": "delete", "ref": ""}, {"ref"}, id="an empty ref"),
    pytest.param({"op": "delete", "ref": "a", "by": "name"}, {"by"}, id="a reading that is none"),
    pytest.param({"op": "delete", "by": "id"}, {"ref"}, id="a reading of nothing"),
    pytest.param({"op": "create", "by": "id", "contact": {"external_id": "x"}}, {"by"}, id="a create with a reading"),
    pytest.param({"op": "delete", "ref": 7}, {"ref"}, id="a ref that is a number"),
    pytest.param({"op": "delete", "ref": "a\0"}, {"ref"}, id="NUL"),
    pytest.param({"op": "delete", "ref": "a\ud800"}, {"ref"}, id="half a character"),
    pytest.param({"op": "delete", "ref": "a", "contact": {}}, {"contact"}, id="a delete with a contact"),
    pytest.param({"op": "delete", "ref": "a", "permanent": True}, {"permanent"}, id="an unknown member"),
    pytest.param({"op": "update", "contact": {}}, {"ref"}, id="an update of nobody"),
    pytest.param({"op": "update", "ref": "a"}, {"contact"}, id="an update without fields"),
    pytest.param(update("a", True), {"if_match"}, id="true for a version"),
    pytest.param(update("a", -1), {"if_match"}, id="a version below 0"),
    pytest.param(update("a", 1.5), {"if_match"}, id="half a version"),
    pytest.param(update("a", "new"), {"if_match"}, id="no ETag"),
    pytest.param(update("a", [1]), {"if_match"}, id="a list of versions"),
    pytest.param(update("a", 10**15), {"if_match"}, id="a version too large"),
    pytest.param(create(), {"email", "external_id"}, id="nobody can be reached"),
    pytest.param(create(email="ada", phone="x", nope=1), {"email", "phone", "nope"}, id="three fields"),
    pytest.param(create(email="a@example.com", custom_fields={"n": 1e200}), {"custom_fields.n"}, id="inside a map"),
    pytest.param(create(email="a@example.com", remove_tags=["x"]), {"remove_tags"}, id="what a create does not take"),
    pytest.param(update("a", "x", email="ada", tags="x"), {"if_match", "email", "tags"}, id="both of item and contact"),
    pytest.param({"op": "update", "nope": 1, "contact": {"email": "x"}}, {"ref", "nope", "email"}, id="everything"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "culprits"), BAD_ITEMS)
def test_an_invalid_item_names_its_errors_and_the_others_are_carried_out(
    bad: Any, culprits: set[str], harness: BatchHarness
) -> None:
    harness.create(external_id="a")
    good, refused, also_good = harness.batch(create(external_id="b"), bad, update("a", first_name="A")).body[
        "results"
    ]
    assert (good["status"], refused["status"], also_good["status"]) == (201, 400, 200)
    problem = refused["problem"]
    assert (problem["code"], problem["request_id"]) == ("invalid_input", "r-1")
    expected = {culprit.replace("operations.0", "operations.1") for culprit in culprits}
    assert {error["field"] for error in problem["errors"]} == expected
    assert json.dumps(problem).encode()


ENVELOPES = [
    pytest.param([], "body", id="no object"),
    pytest.param({}, "operations", id="no operations"),
    pytest.param({"operations": None}, "operations", id="null"),
    pytest.param({"operations": {}}, "operations", id="an object of operations"),
    pytest.param({"operations": []}, "operations", id="none"),
    pytest.param({"operations": [create(external_id=str(n)) for n in range(101)]}, "operations", id="101"),
    pytest.param({"operations": [create(external_id="a")], "atomic": True}, "atomic", id="an unknown member"),
]


@pytest.mark.parametrize(("body", "culprit"), ENVELOPES)
@pytest.mark.parametrize("key", [None, "k"])
def test_an_invalid_envelope_refuses_the_whole_batch(
    body: Any, culprit: str, key: str | None, harness: BatchHarness
) -> None:
    headers = {} if key is None else {"idempotency-key": key}
    refused = harness.api.request("POST", BATCH, body=body, headers=headers)
    assert (refused.status, refused.body["field"]) == (400, culprit)
    assert harness.items() == {}


@pytest.mark.parametrize("query", [{"on_invalid": "maybe"}, {"on_conflict": "update"}])
def test_an_invalid_parameter_refuses_the_whole_batch(
    query: Mapping[str, str], harness: BatchHarness
) -> None:
    refused = harness.batch(create(external_id="a"), **query)
    assert (refused.status, [refused.body["field"]]) == (400, list(query))
    assert harness.items() == {}


def test_a_malformed_idempotency_key_refuses_the_whole_batch(harness: BatchHarness) -> None:
    refused = harness.batch(create(external_id="a"), key="x" * 256)
    assert (refused.status, refused.body["field"]) == (400, "Idempotency-Key")
    assert harness.items() == {}


def test_a_hundred_items_with_the_longest_key(harness: BatchHarness) -> None:
    wanted = [create(external_id=f"crm-{number}") for number in range(MAX_ITEMS)]
    assert harness.statuses(*wanted, key="k" * 255) == [201] * MAX_ITEMS
    assert harness.statuses(*wanted, key="k" * 255) == [201] * MAX_ITEMS
    assert sum(item.get("kind") == "contact" for item in harness.items().values()) == MAX_ITEMS


def test_an_internal_error_fails_its_item_alone(
    harness: BatchHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Any] = []
    monkeypatch.setattr(observability, "record_failure", lambda *failure: failures.append(failure))

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("ada@example.com is too much for me")

    monkeypatch.setattr(ContactBook, "delete", fail)
    failed, created = harness.results(delete("ada@example.com"), create(external_id="a"))
    assert (failed["status"], failed["problem"]["code"], created["status"]) == (500, "internal_error", 201)
    assert "too much" not in json.dumps(failed)
    ((error, fields),) = failures
    assert (type(error), fields) == (RuntimeError, {"request_id": "r-1"})


def test_the_log_line_tells_how_many_items_failed(
    harness: BatchHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[Any] = []
    monkeypatch.setattr(observability, "record_request", lambda *line: lines.append(line))
    harness.results(create(external_id="a"), create(email="no"), delete("nobody@example.com"))
    ((operation, status, _, fields),) = lines
    assert (operation, status, fields["items"], fields["failed"]) == ("batch_contacts", 207, 3, 2)
    assert "nobody" not in repr(fields)


# In which order


def test_items_about_one_contact_see_the_changes_of_earlier_items(harness: BatchHarness) -> None:
    results = harness.results(
        create(email="ada@example.com", external_id="crm-1", tags=["one"]),
        create(email="ADA@example.com"),
        update("crm-1", 1, add_tags=["two"]),
        upsert(email="ada@example.com", add_tags=["three"]),
        update("ada@example.com", 3, email="countess@example.com"),
        update("ada@example.com", first_name="nobody"),
        update("Countess@Example.com", '"4"', last_name="King"),
        delete("countess@example.com"),
        update("crm-1", first_name="nobody"),
        create(email="countess@example.com", first_name="Ada"),
    )
    assert [result["status"] for result in results] == [201, 409, 200, 200, 200, 404, 200, 200, 404, 201]
    back = results[-1]["contact"]
    assert (back["id"], back["tags"]) == (results[0]["contact"]["id"], ["one", "two", "three"])
    assert (back["name"], back["external_id"], back["version"]) == ("Ada King", "crm-1", 6)


def test_a_hundred_changes_of_one_contact_are_all_there_in_their_order(harness: BatchHarness) -> None:
    harness.create(external_id="a")
    results = harness.results(*(update("a", custom_fields={f"k{n}": n, "last": n}) for n in range(MAX_ITEMS)))
    assert [result["contact"]["version"] for result in results] == list(range(2, MAX_ITEMS + 2))
    last = results[-1]["contact"]["custom_fields"]
    assert (len(last), last["last"]) == (MAX_ITEMS + 1, MAX_ITEMS - 1)


def item(number: int, *names: str) -> Item:
    return Item(number, frozenset(names), (), lambda _: Outcome(action=Action.UPDATED))


def test_items_connected_through_another_item_share_a_lane() -> None:
    """The third renames what the first is about to what the second is about."""
    found = lanes([item(0, "a"), item(1, "b"), item(2, "c"), item(3, "a", "b"), item(4, "b")])
    assert [[one.number for one in lane] for lane in found] == [[0, 1, 3, 4], [2]]


@given(st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=3), max_size=12))
def test_items_with_shared_names_share_a_lane(names: list[frozenset[str]]) -> None:
    found = [[one.number for one in lane] for lane in lanes(item(n, *own) for n, own in enumerate(names))]
    assert sorted(number for lane in found for number in lane) == list(range(len(names)))
    assert all(lane == sorted(lane) for lane in found)
    assert [len(lane) for lane in found] == sorted(map(len, found), reverse=True)
    of = [frozenset().union(*(names[number] for number in lane)) for lane in found]
    assert all(not one & other for place, one in enumerate(of) for other in of[:place])
    for lane in found:
        reached, more = set(), {lane[0]}
        while more:
            reached |= more
            seen = frozenset().union(*(names[number] for number in reached))
            more = {number for number in lane if names[number] & seen} - reached
        assert reached == set(lane)


class Rendezvous:
    """A client whose transactions only go on when so many have come."""

    def __init__(self, client: Any, parties: int) -> None:
        self._client = OneAtATime(client)
        self._together = Barrier(parties, timeout=10)
        self.rounds = count(1)
        self._together._action = lambda: next(self.rounds)  # type: ignore[attr-defined]

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        if method == "transact_write_items":
            self._together.wait()
        return getattr(self._client, method)(**request)


def test_as_many_items_run_in_parallel_as_at_once_allows() -> None:
    table = MotoTable()
    together = Rendezvous(table.client(), AT_ONCE)
    harness = BatchHarness(AT_ONCE, client=together, table=table)
    wanted = MAX_ITEMS // AT_ONCE * AT_ONCE
    assert harness.statuses(*(create(external_id=str(n)) for n in range(wanted))) == [201] * wanted
    assert next(together.rounds) - 1 == wanted // AT_ONCE


# Once, however often it is sent


class Client:
    """A client that counts, and refuses what it is told to."""

    def __init__(
        self, client: Any, refuses: Callable[[str, int], bool] = lambda method, number: False
    ) -> None:
        self._client = OneAtATime(client)
        self._refuses = refuses
        self.calls: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        self.calls.append(method)
        if self._refuses(method, self.calls.count(method)):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, method)
        return getattr(self._client, method)(**request)


STORY: tuple[Operation, ...] = (
    create(email="new@example.com", external_id="crm-9"),
    update("new@example.com", email="newer@example.com"),
    delete("gone"),
    update("stays", add_tags=["x"], first_name="S"),
    upsert(external_id="stays", add_tags=["y"]),
    create(email="trashed@example.com", tags=["back"]),
    upsert(email="other@example.com"),
)
"""Every way of writing, each with something to replay."""


BEGUN_MS = FakeClock().at_ms + 1000


def prepared() -> MotoTable:
    """A table with the contacts that the story is about."""
    harness = BatchHarness()
    harness.create(external_id="gone", email="gone@example.com")
    harness.create(external_id="stays")
    harness.single("DELETE", harness.create(email="trashed@example.com"))
    return harness.table


def begun(table: MotoTable, client: Any = None, at_once: int = 1, drawn: int = 1000) -> BatchHarness:
    """A harness on such a table; two of them must not draw the same."""
    return BatchHarness(at_once, client=client, table=table, drawn=drawn, at_ms=BEGUN_MS)


def replayed(reply: Reply) -> bool:
    return reply.headers.get("Idempotent-Replayed") == "true"


def test_a_repeated_batch_gets_the_same_answer_and_writes_nothing() -> None:
    harness = begun(prepared(), at_once=8)
    first = harness.batch(*STORY, key="k")
    assert not replayed(first)
    left = harness.items()
    again = harness.batch(*STORY, key="k")
    assert replayed(again)
    assert (again.status, again.body) == (207, first.body)
    assert harness.items() == left


def test_a_repeated_batch_reads_all_its_records_at_once() -> None:
    table = MotoTable()
    client = Client(table.client())
    harness = BatchHarness(8, client=client, table=table)
    wanted = [create(external_id=str(n)) for n in range(20)]
    harness.batch(*wanted, key="k")
    assert sorted(set(client.calls)) == ["put_item", "transact_write_items"]
    assert len(client.calls) == 1 + 20
    client.calls.clear()
    harness.batch(*wanted, key="k")
    assert client.calls == ["put_item", "batch_get_item"]


def test_a_batch_without_a_key_leaves_no_record(harness: BatchHarness) -> None:
    harness.results(create(external_id="a"))
    assert not any(keys.idempotency(harness.account_id, "").PK in key.PK for key in harness.items())


OTHERS = [
    pytest.param(lambda harness: harness.batch(create(external_id="b"), key="k"), id="another batch"),
    pytest.param(lambda harness: harness.batch(*STORY, key="k", on_invalid="skip"), id="another query"),
    pytest.param(lambda harness: harness.batch(*STORY[:3], key="k"), id="a part of it"),
    pytest.param(lambda harness: harness.batch(*STORY[::-1], key="k"), id="another order"),
    pytest.param(
        lambda harness: harness.single("POST", body={"external_id": "b"}, headers={"idempotency-key": "k"}),
        id="a single request",
    ),
    pytest.param(
        lambda harness: harness.api.request("POST", BATCH, body={}, headers={"idempotency-key": "k"}),
        id="a wrong envelope",
    ),
]


@pytest.mark.parametrize("other", OTHERS)
def test_the_same_key_with_another_request_is_refused_before_anything_is_written(
    other: Callable[[BatchHarness], Reply],
) -> None:
    harness = begun(prepared())
    assert harness.batch(*STORY, key="k").status == 207
    left = harness.items()
    refused = other(harness)
    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")
    assert harness.items() == left


def test_a_batch_with_a_key_that_a_single_request_used_is_refused(harness: BatchHarness) -> None:
    harness.single("POST", body={"external_id": "a"}, headers={"idempotency-key": "k"})
    left = harness.items()
    refused = harness.batch(create(external_id="b"), key="k")
    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")
    assert harness.items() == left


def test_a_batch_of_invalid_items_leaves_no_record(harness: BatchHarness) -> None:
    refused = [{"op": "create"}, {"op": "delete"}]
    assert harness.statuses(*refused, key="k") == [400, 400]
    assert harness.items() == {}
    assert harness.statuses(create(email="yes@example.com"), key="k") == [201]


def test_values_of_a_wrong_type_are_named_and_each_property_is_read_once() -> None:
    table = MotoTable()
    client = Client(table.client())
    harness = BatchHarness(8, client=client, table=table)
    properties = PropertyStore(Table(table.client(), NAME), harness.account_id)
    PropertyService(properties, harness.clock, CountingBytes()).add(
        CreateProperty(name="age", type=PropertyType.NUMBER), None
    )
    wanted = [create(external_id=f"{n}", custom_fields={"age": n, "city": "x"}) for n in range(20)]
    wrong = [
        create(external_id="w", custom_fields={"age": "old"}),
        create(external_id="x", phone="x", custom_fields={"age": True}),
        update("1", custom_fields={"age": [], "city": "y"}),
    ]
    results = harness.results(*wanted, *wrong)
    assert {result["status"] for result in results[:20]} == {201}
    named = [{error["field"] for error in result["problem"]["errors"]} for result in results[20:]]
    assert named == [{"custom_fields.age"}, {"phone", "custom_fields.age"}, {"custom_fields.age"}]
    assert client.calls.count("batch_get_item") == 1
    *_, skipping = harness.results(*wrong, on_invalid="skip")
    assert [skip["field"] for skip in skipping["contact"]["skipped"]] == ["custom_fields.age"]
    assert skipping["contact"]["custom_fields"] == {"age": 1, "city": "y"}


def test_an_item_that_failed_is_tried_again_by_a_repetition(harness: BatchHarness) -> None:
    wanted = [update("late", first_name="L"), create(external_id="a")]
    assert harness.statuses(*wanted, key="k") == [404, 201]
    harness.create(external_id="late")
    again = harness.batch(*wanted, key="k")
    assert [result["status"] for result in again.body["results"]] == [200, 201]
    assert replayed(again)
    assert harness.single("GET", "late").body["version"] == 2
    assert harness.statuses(*wanted, key="k") == [200, 201]
    assert harness.single("GET", "late").body["version"] == 2


def test_a_week_later_the_key_is_free_again(harness: BatchHarness) -> None:
    wanted = [create(external_id="a")]
    assert harness.statuses(*wanted, key="k") == [201]
    harness.clock.at_ms += 7 * 24 * 3_600_000 + 1000
    assert harness.statuses(*wanted, key="k") == [409]


def test_a_record_counts_for_seven_days_also_where_it_is_still_there(harness: BatchHarness) -> None:
    harness.results(create(external_id="a"), create(external_id="b"), key="k")
    kept = ["k:0", "k:1"]
    assert list(harness.api.records(harness.api.caller).recorded_under([*kept, "k:2"])) == kept
    harness.clock.at_ms += 7 * 24 * 3_600_000
    assert harness.api.records(harness.api.caller).recorded_under(kept) == {}


@cache
def undisturbed() -> tuple[int, str, str]:
    """How many calls the story takes, its answer and what it leaves."""
    table = prepared()
    client = Client(table.client())
    harness = begun(table, client)
    reply = harness.batch(*STORY, key="k")
    return len(client.calls), steady(reply.body), left_in(harness)


def left_in(harness: BatchHarness) -> str:
    return steady([[*key, item] for key, item in sorted(harness.items().items())])


def steady(value: Any) -> str:
    """A value as text, with a label for whatever each try draws anew: ids of contacts and of changes."""
    labels: dict[str, str] = {}
    return DRAWN.sub(
        lambda drawn: labels.setdefault(drawn[0], f"<{len(labels)}>"), json.dumps(value, default=str)
    )


def test_a_batch_cut_off_after_any_call_is_completed_by_its_repetition() -> None:
    calls, answer, left = undisturbed()
    assert calls > 2 * len(STORY)
    for dies_after in range(1, calls + 1):
        table = prepared()
        harness = begun(table, Mortal(table.client(), Life(calls=dies_after)))
        with pytest.raises(Killed):
            harness.batch(*STORY, key="k")
        again = harness.batch(*STORY, key="k")
        assert (steady(again.body), left_in(harness)) == (answer, left), dies_after


def test_two_equal_batches_at_the_same_time_are_carried_out_once() -> None:
    """The second comes after each call of the first, and is answered alike."""
    calls, answer, left = undisturbed()
    for after in range(1, calls + 1):
        table = prepared()
        twin, seconds = begun(table, drawn=2000), list[Reply]()
        client = Interrupted(
            table.client(), after, lambda twin=twin, to=seconds: to.append(twin.batch(*STORY, key="k"))
        )
        first = begun(table, client).batch(*STORY, key="k")
        assert steady(first.body) == steady(seconds[0].body) == answer, after
        assert left_in(twin) == left, after


# When the table cannot keep up


def test_a_throttled_item_fails_alone() -> None:
    table = MotoTable()
    client = Client(table.client(), lambda method, number: method == "transact_write_items" and number == 2)
    harness = BatchHarness(client=client, table=table)
    wanted = [create(external_id=str(n)) for n in range(4)]
    results = harness.results(*wanted, key="k")
    assert [result["status"] for result in results] == [201, 503, 201, 201]
    assert results[1]["problem"]["code"] == "temporarily_unavailable"
    assert harness.statuses(*wanted, key="k") == [201] * 4


class Hurried(Deadline):
    """Leaves time for so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._calls = calls

    def has_time_left(self, seconds: float) -> bool:
        self._calls -= 1
        return self._calls >= 0


def test_items_that_cannot_begin_in_time_are_done_by_a_repetition() -> None:
    table = MotoTable()
    harness = BatchHarness(table=table, deadline=Hurried(1 + 3))
    wanted = [create(external_id=str(n)) for n in range(5)]
    assert harness.statuses(*wanted, key="k") == [201, 201, 201, 503, 503]
    assert BatchHarness(table=table, drawn=1000).statuses(*wanted, key="k") == [201] * 5


def test_a_batch_that_cannot_begin_is_refused_as_a_whole() -> None:
    harness = BatchHarness(deadline=Hurried(0))
    refused = harness.batch(create(external_id="a"), key="k")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert harness.items() == {}


# Long answers


def test_results_past_5_mb_are_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_ANSWER_BYTES", 100_000 + 8_000)
    harness = BatchHarness(8)
    harness.create(external_id="taken")
    results = harness.results(
        *(create(external_id=str(n), metadata={"é": "é" * 1000}) for n in range(4)),
        create(external_id="taken", metadata={"é": "é" * 1000}),
        update("taken", phone="x"),
        delete("taken"),
    )
    whole, cut = results[:3], results[3:]
    assert all(result["contact"]["metadata"] for result in whole)
    assert cut[0] == {"index": 3, "status": 201, "contact": {"id": cut[0]["contact"]["id"], "version": 1}}
    assert (cut[1]["status"], cut[1]["problem"]["existing_id"]) == (409, results[6]["contact"]["id"])
    assert (cut[2]["status"], cut[2]["problem"]["code"]) == (400, "invalid_input")
    assert set(cut[2]["problem"]) == {"type", "title", "status", "code", "request_id"}
    assert cut[3]["contact"]["deleted"]


def shown(sizes: list[int], order: list[int]) -> Any:
    request: Any = SimpleNamespace(request_id="r", caller=caller_of(NOWHERE))
    results = _Results(request, len(sizes))
    for number in order:
        contact = Contact(
            id=NOWHERE,
            version=number + 1,
            created_at="2026-01-01T00:00:00.000Z",
            updated_at="2026-01-01T00:00:00.000Z",
            name="x" * sizes[number],
        )
        results.add(number, Outcome(action=Action.UPDATED, contact=contact))
    return results.answer()


@settings(max_examples=examples(50))
@given(st.data())
def test_the_same_results_are_shortened_in_any_order_and_the_answer_fits(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from([10, 200_000, 700_000, 2_500_000]), min_size=1, max_size=9))
    order = data.draw(st.permutations(range(len(sizes))))
    answer = shown(sizes, order)
    assert answer.results == shown(sizes, list(range(len(sizes)))).results
    assert len(answer.encoded().encode()) <= MAX_ANSWER_BYTES
    whole = ["name" in json.loads(result)["contact"] for result in answer.results]
    assert whole == sorted(whole, reverse=True)
    assert all(whole) == (
        sum(sizes) < 4_890_000
    )  # No such sizes come to anything between this and the limit.


# Test mode


def test_a_batch_in_test_mode_answers_as_in_live_mode_and_writes_nothing() -> None:
    harness = BatchHarness(8, mode=Mode.TEST)
    reply = harness.batch(
        create(email="ada@example.com"),
        upsert(email="ada@example.com"),
        update("ada@example.com", first_name="A"),
        create(email="no"),
        key="k",
    )
    assert (reply.status, reply.body["test_mode"]) == (207, True)
    assert [result["status"] for result in reply.body["results"]] == [201, 201, 404, 400]
    assert harness.items() == {}


# As if they came one after the other

PEOPLE = ("ada", "bea", "carl", "dora")
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from(["A", "B", None, 7]),
        "phone": st.sampled_from(["+4930123456", "no"]),
        "tags": st.sampled_from([["a"], ["a", "b"], []]),
        "add_tags": st.sampled_from([["c"], ["a"]]),
        "custom_fields": st.sampled_from([{"n": 1}, {"n": None, "m": [1.5]}, {"x": 1e200}]),
        "is_unsubscribed": st.booleans(),
        "email": st.none(),
    },
)


@st.composite
def operations(draw: st.DrawFn, person: str) -> Operation:
    op = draw(st.sampled_from(["create", "upsert", "update", "delete"]))
    named, ref = draw(
        st.sampled_from(
            [({"email": f"{person}@example.com"}, f"{person}@example.com"), ({"external_id": person}, person)]
        )
    )
    command: dict[str, Any] = {"op": op}
    if op in ("update", "delete"):
        command["ref"] = ref
    if op != "delete":
        command["contact"] = {**draw(FIELDS), **({} if op == "update" else named)}
    if draw(st.booleans()):
        command["if_match"] = draw(st.sampled_from([1, 2]))
    return command


def sent_alone(harness: BatchHarness, command: Operation) -> tuple[int, Any]:
    headers = {"if-match": str(command["if_match"])} if "if_match" in command else {}
    match command["op"]:
        case "update":
            reply = harness.single("PATCH", command["ref"], body=command["contact"], headers=headers)
        case "delete":
            reply = harness.single("DELETE", command["ref"], headers=headers)
        case op:
            query = {"on_conflict": "update"} if op == "upsert" else {}
            reply = harness.single("POST", body=command["contact"], query=query, headers=headers)
    return reply.status, reply.body


STATES = st.sampled_from(["absent", "live", "in the trash"])


def peopled(states: list[str]) -> BatchHarness:
    harness = BatchHarness()
    for person, state in zip(PEOPLE, states, strict=True):
        if state != "absent":
            made = harness.create(email=f"{person}@example.com", external_id=person, tags=["old"])
            if state == "in the trash":
                harness.single("DELETE", made)
    harness.clock.at_ms += 1000
    return harness


@settings(max_examples=examples(60))
@given(st.lists(STATES, min_size=len(PEOPLE), max_size=len(PEOPLE)), st.tuples(*map(operations, PEOPLE)))
def test_a_batch_about_different_contacts_equals_its_items_one_after_the_other(
    states: list[str], wishes: tuple[Operation, ...]
) -> None:
    together, apart = peopled(states), peopled(states)
    results = together.results(*wishes)
    for result, command in zip(results, wishes, strict=True):
        status, body = sent_alone(apart, command)
        assert (result["status"], result.get("contact") or result.get("problem")) == (status, body)
    assert together.items() == apart.items()


@pytest.mark.parametrize(
    ("by", "goes"), [("email", "one"), ("external_id", "other"), (None, "one"), ("id", None)]
)
def test_by_says_what_a_ref_is(harness: BatchHarness, by: str | None, goes: str | None) -> None:
    name = "e@example.com"
    made = harness.batch(create(email=name, external_id="one"), create(external_id=name)).body["results"]
    ids = {"one": made[0]["contact"]["id"], "other": made[1]["contact"]["id"]}
    (result,) = harness.batch(delete(name, by=by)).body["results"]
    assert result["status"] == (200 if goes else 404)
    assert goes is None or result["contact"]["id"] == ids[goes]
