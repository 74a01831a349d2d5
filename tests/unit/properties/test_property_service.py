"""The operations on contact properties as callers see them: what is answered, what is refused, what is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import Outcome
from contacts.properties.model import MAX_PROPERTIES
from contacts.properties.service import PropertyService
from contacts.properties.store import PropertyStore
from contacts.table import keys
from contacts.table.expressions import from_item
from local.table import NAME
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import INDEXED, violations
from tests.support.property_harness import COLLECTION, ONE, PropertyHarness

NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"
AT = "2026-01-15T10:30:00.000Z"
TYPES = ("string", "number", "boolean", "date", "datetime", "enum", "object", "array")


@pytest.fixture
def harness() -> PropertyHarness:
    return PropertyHarness()


def kept(harness: PropertyHarness) -> dict[keys.Key, Any]:
    """Every item there is."""
    items = map(from_item, harness.moto.items())
    return {keys.Key(item.pop("PK"), item.pop("SK")): item for item in items}


def of(kind: str) -> dict[str, Any]:
    """What a property of a type needs besides its name."""
    return {"type": kind} | ({"options": ["a", "b"]} if kind == "enum" else {})


# A life


def test_a_property_from_its_making_to_its_archiving_and_back(harness: PropertyHarness) -> None:
    body = {
        "name": "plan",
        "label": "Plan",
        "type": "enum",
        "options": ["free", "pro"],
        "description": "Paid",
    }
    made = harness.request("POST", body=body)
    assert made.status == 201
    shown = made.body
    assert shown == {"id": shown["id"], **body, "archived": False, "created_at": AT, "updated_at": AT}
    one = shown["id"]
    assert harness.request("GET", ONE, one).body == shown
    assert harness.request("GET").body == {"data": [shown], "has_more": False, "next_cursor": None}

    harness.clock.at_ms += 1000
    change = {
        "label": "Tarif",
        "options": ["pro", "max"],
        "description": None,
        "name": "plan",
        "type": "enum",
    }
    changed = harness.request("PUT", ONE, one, body=change)
    later = "2026-01-15T10:30:01.000Z"
    assert (changed.status, changed.body) == (200, {**shown, **change, "updated_at": later})
    assert harness.request("GET", ONE, one).body == changed.body

    harness.clock.at_ms += 1000
    deleted = harness.request("DELETE", ONE, one)
    assert (deleted.status, deleted.body) == (200, {"deleted": True, "id": one, "archived": True})
    archived = harness.request("GET", ONE, one).body
    assert archived == {**changed.body, "archived": True, "updated_at": "2026-01-15T10:30:02.000Z"}
    assert harness.listed() == []
    assert harness.listed(archived="true") == [archived]
    assert harness.listed(archived="false") == []

    harness.clock.at_ms += 1000
    assert harness.request("DELETE", ONE, one).body == deleted.body, "once more changes nothing"
    assert harness.request("GET", ONE, one).body == archived
    back = harness.request("PUT", ONE, one, body={"archived": False})
    assert back.body == {**archived, "archived": False, "updated_at": "2026-01-15T10:30:03.000Z"}
    assert harness.listed() == [back.body]


@pytest.mark.parametrize("kind", TYPES)
def test_there_are_eight_types_and_only_an_enum_shows_options(kind: str, harness: PropertyHarness) -> None:
    shown = harness.request("POST", body={"name": "x", **of(kind)}).body
    assert (shown["type"], shown["label"], shown["description"]) == (kind, "x", None)
    assert ("options" in shown) == (kind == "enum")


def test_a_label_that_is_cleared_is_the_name_again(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string", label="Plan")
    assert harness.request("PUT", ONE, made["id"], body={"label": None}).body["label"] == "plan"


def test_what_is_changed_into_what_it_is_has_not_been_updated(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string", label="Plan")
    harness.clock.at_ms += 1000
    for body in ({}, {"label": "Plan"}, {"archived": False, "type": "string"}):
        assert harness.request("PUT", ONE, made["id"], body=body).body == made


def test_both_items_of_a_property_say_the_same_and_no_index_has_them(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "enum", options=["a"])
    harness.request("PUT", ONE, made["id"], body={"options": ["a", "b"], "label": "x"})
    harness.request("DELETE", ONE, made["id"])
    items = kept(harness)
    itself = items[keys.property_(ACCOUNT_ID, made["id"])]
    by_name = items[keys.property_name(ACCOUNT_ID, "plan")]
    rule = {"type": "enum", "options": ["a", "b"], "archived": True}
    assert by_name == {"property_id": made["id"], **rule}
    assert rule.items() <= itself.items()
    assert items[keys.property_count(ACCOUNT_ID)] == {"n": 1}
    assert len(items) == 3
    assert not any(attribute in item for item in items.values() for attribute in INDEXED)


# Lists


def test_properties_are_listed_in_the_order_of_their_making_a_page_at_a_time(
    harness: PropertyHarness,
) -> None:
    made = []
    for number in range(7):
        harness.clock.at_ms += 1
        made.append(harness.defined(f"p{number}", "string")["id"])
    for number in (1, 2, 6):
        harness.request("DELETE", ONE, made[number])

    def walk(**query: str) -> list[list[str]]:
        pages, cursor = [], {}
        while True:
            page = harness.request("GET", query=query | cursor).body
            pages.append([one["id"] for one in page["data"]])
            assert page["has_more"] == (page["next_cursor"] is not None)
            if not page["has_more"]:
                return pages
            cursor = {"cursor": page["next_cursor"]}

    assert walk(limit="3", archived="true") == [made[:3], made[3:6], made[6:]]
    assert walk(limit="2") == [[made[0], made[3]], [made[4], made[5]]]
    assert walk(limit="1") == [[made[0]], [made[3]], [made[4]], [made[5]]]
    assert walk() == [[made[0], *made[3:6]]]


@pytest.mark.parametrize(("query", "field"), [
    ({"limit": "0"}, "limit"), ({"limit": "501"}, "limit"), ({"archived": "yes"}, "archived"),
    ({"cursor": ""}, "cursor"), ({"cursor": "A" * 32}, "cursor"), ({"archive": "true"}, "archive"),
])  # fmt: skip
def test_a_list_is_asked_for_rightly(query: dict[str, str], field: str, harness: PropertyHarness) -> None:
    assert list(harness.request("GET", query=query).wrong) == [field]


def test_a_cursor_belongs_to_its_list(harness: PropertyHarness) -> None:
    for name in ("a", "b"):
        harness.defined(name, "string")
    cursor = harness.request("GET", query={"limit": "1"}).body["next_cursor"]
    assert list(harness.request("GET", query={"cursor": cursor, "archived": "true"}).wrong) == ["cursor"]
    harness.of_account(OTHER_ACCOUNT_ID)
    assert list(harness.request("GET", query={"cursor": cursor}).wrong) == ["cursor"]


# What may be sent


FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a core field": ({"name": "email"}, "name", "every contact has"),
    "a core field in capitals": ({"name": "Email"}, "name", "every contact has"),
    "a core field that nobody sends": ({"name": "absorbed"}, "name", "every contact has"),
    "a core field that is only shown": ({"name": "version"}, "name", "every contact has"),
    "custom_fields": ({"name": "custom_fields"}, "name", "every contact has"),
    "an edit": ({"name": "add_tags"}, "name", "every contact has"),
    "no name": ({"name": ""}, "name", "ASCII letters"),
    "a name with a dot": ({"name": "a.b"}, "name", "ASCII letters"),
    "a name with a space": ({"name": "job title"}, "name", "ASCII letters"),
    "a long name": ({"name": "x" * 65}, "name", "1 to 64"),
    "a name that is no string": ({"name": 5}, "name", "must be a string"),
    "half a character": ({"name": "\ud800"}, "name", ""),
    "an unknown type": ({"type": "text"}, "type", "must be one of string, number"),
    "a type that is null": ({"type": None}, "type", "must be one of"),
    "a type that is a list": ({"type": ["enum"]}, "type", "must be one of"),
    "an enum without options": ({"type": "enum"}, "options", "at least one option"),
    "an enum with options that are null": ({"type": "enum", "options": None}, "options", "at least one"),
    "an enum with none": ({"type": "enum", "options": []}, "options", "at least one option"),
    "options on a string": ({"options": ["a"]}, "options", "only an enum has options"),
    "no options on a string": ({"options": []}, "options", "only an enum has options"),
    "options twice": ({"type": "enum", "options": ["a", "b", "a"]}, "options", "has a twice"),
    "an empty option": ({"type": "enum", "options": ["a", ""]}, "options.1", "at least 1 character"),
    "a long option": ({"type": "enum", "options": ["x" * 101]}, "options.0", "at most 100"),
    "an option that is no string": ({"type": "enum", "options": ["a", 5]}, "options.1", "a string"),
    "NUL in an option": ({"type": "enum", "options": ["\0"]}, "options.0", "NUL"),
    "very many options": ({"type": "enum", "options": [str(n) for n in range(251)]}, "options", "at most 250"),
    "options that are no list": ({"type": "enum", "options": "a"}, "options", "must be an array"),
    "a label that is empty": ({"label": ""}, "label", "at least 1"),
    "a long label": ({"label": "x" * 256}, "label", "at most 255"),
    "NUL in a label": ({"label": "\0"}, "label", "NUL"),
    "a long description": ({"description": "x" * 501}, "description", "at most 500"),
    "a description that is no string": ({"description": {}}, "description", "must be a string"),
    "archived from the beginning": ({"archived": True}, "archived", "is no field"),
    "an id": ({"id": NOBODYS}, "id", "is no field"),
    "an unknown field": ({"required": True}, "required", "is no field"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "field", "says"), FIELDS.values(), ids=FIELDS.keys())
def test_a_wrong_field_is_named_and_nothing_is_written(
    fields: dict[str, Any], field: str, says: str, harness: PropertyHarness
) -> None:
    reply = harness.request("POST", body={"name": "plan", "type": "string", **fields})
    assert list(reply.wrong) == [field]
    assert says in reply.wrong[field]
    assert harness.moto.items() == []


def test_all_wrong_fields_are_named_at_once(harness: PropertyHarness) -> None:
    body = {"name": "tags", "type": "enum", "label": 5, "description": 5, "options": [], "more": 1}
    assert set(harness.request("POST", body=body).wrong) == set(body) - {"type"}
    assert set(harness.request("POST", body={}).wrong) == {"name", "type"}


CHANGES: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "another name": ("string", {"name": "other"}, {"name"}),
    "another type": ("string", {"type": "number"}, {"type"}),
    "another name and type, and more": (
        "string", {"name": "other", "type": "number", "options": ["a"], "label": "", "x": 1},
        {"name", "type", "options", "label", "x"},
    ),
    "options on a string": ("string", {"options": ["a"]}, {"options"}),
    "options of an enum cleared": ("enum", {"options": None}, {"options"}),
    "options of an enum emptied": ("enum", {"options": []}, {"options"}),
    "options twice": ("enum", {"options": ["a", "a"]}, {"options"}),
    "archived is null": ("string", {"archived": None}, {"archived"}),
    "archived is no boolean": ("string", {"archived": "false"}, {"archived"}),
    "an unknown type": ("string", {"type": "text"}, {"type"}),
    "a name that is none": ("string", {"name": None}, {"name"}),
    "its id": ("string", {"id": NOBODYS}, {"id"}),
    "a long label and another type": ("date", {"label": "x" * 256, "type": "datetime"}, {"label", "type"}),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "fields"), CHANGES.values(), ids=CHANGES.keys())
def test_a_wrong_change_is_named_in_all_its_fields_and_nothing_is_written(
    kind: str, body: dict[str, Any], fields: set[str], harness: PropertyHarness
) -> None:
    made = harness.request("POST", body={"name": "plan", **of(kind)}).body
    before = harness.moto.items()
    reply = harness.request("PUT", ONE, made["id"], body=body)
    assert set(reply.wrong) == fields
    assert harness.moto.items() == before


def test_another_name_or_type_is_told_that_they_never_change(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string")
    wrong = harness.request("PUT", ONE, made["id"], body={"name": "x", "type": "number"}).wrong
    assert wrong == {"name": "never changes: it is plan", "type": "never changes: it is string"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("property_id", [NOBODYS, "x", "x" * 3000, "PROPERTIES", "plan"])
def test_what_is_not_there_is_not_found(method: str, property_id: str, harness: PropertyHarness) -> None:
    harness.defined("plan", "string")
    before = harness.moto.items()
    harness.client.calls.clear()
    reply = harness.request(method, ONE, property_id, body={"label": "x"})
    assert (reply.status, reply.body["code"]) == (404, "property_not_found")
    # What can be no id is no key either: DynamoDB would refuse one of 3,000 bytes.
    assert len(harness.client.calls) == (property_id == NOBODYS)
    assert harness.moto.items() == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_account_has_no_such_property(method: str, harness: PropertyHarness) -> None:
    made = harness.defined("plan", "number")
    before = harness.moto.items()
    harness.of_account(OTHER_ACCOUNT_ID)
    assert harness.request(method, ONE, made["id"], body={"archived": True}).status == 404
    assert harness.listed(archived="true") == []
    assert harness.create({"plan": "any"}).status == 201
    assert [item for item in harness.moto.items() if ACCOUNT_ID in item["PK"]["S"]] == before
    mine = harness.defined("plan", "string")
    assert mine["id"] != made["id"]
    assert harness.create({"plan": "any"}).status == 201


# Names, and how many


def test_a_name_is_taken_once(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string")
    before = harness.moto.items()
    again = harness.request("POST", body={"name": "plan", "type": "number"})
    assert (again.status, again.body["code"], again.body["field"]) == (409, "duplicate_property", "name")
    assert again.body["existing_id"] == made["id"]
    assert "archived" not in again.body["detail"]
    assert harness.moto.items() == before
    assert harness.defined("Plan", "number")["id"] != made["id"], "keys of JSON have a case"
    harness.request("DELETE", ONE, made["id"])
    again = harness.request("POST", body={"name": "plan", "type": "number"})
    assert (again.status, again.body["existing_id"]) == (409, made["id"])
    assert "archived" in again.body["detail"]


def test_the_501st_property_is_one_too_many_archived_or_not(harness: PropertyHarness) -> None:
    made = [harness.defined(f"p{number}", "string")["id"] for number in range(MAX_PROPERTIES)]
    harness.request("DELETE", ONE, made[250])
    before = harness.moto.items()
    reply = harness.request("POST", body={"name": "one-more", "type": "string"})
    assert (reply.status, reply.body["code"]) == (409, "too_many_properties")
    assert "500" in reply.body["detail"]
    assert harness.moto.items() == before
    taken = harness.request("POST", body={"name": "p7", "type": "string"})
    assert taken.body["existing_id"] == made[7], "a name that is taken is told of first"
    assert harness.request("PUT", ONE, made[250], body={"archived": False}).status == 200
    pages = [harness.request("GET", query={"limit": "100"}).body]
    while pages[-1]["has_more"]:
        pages.append(harness.request("GET", query={"limit": "100", "cursor": pages[-1]["next_cursor"]}).body)
    listed = [one["id"] for page in pages for one in page["data"]]
    assert (len(pages), sorted(listed)) == (5, sorted(made))


# Requests that come twice


REPEATED: dict[str, tuple[str, Any]] = {
    "create": ("POST", {"name": "size", "type": "enum", "options": ["s", "m"]}),
    "change": ("PUT", {"label": "mine"}),
    "archive": ("DELETE", None),
}


@pytest.mark.parametrize(("method", "body"), REPEATED.values(), ids=REPEATED.keys())
def test_a_request_that_comes_twice_is_carried_out_once(
    method: str, body: Any, harness: PropertyHarness
) -> None:
    made = harness.defined("plan", "string")
    route, property_id = (COLLECTION, None) if method == "POST" else (ONE, made["id"])
    first = harness.request(method, route, property_id, body=body, key="k-1")
    harness.clock.at_ms += 1000
    harness.request("PUT", ONE, made["id"], body={"label": "theirs", "archived": False})
    after = harness.moto.items()
    again = harness.request(method, route, property_id, body=body, key="k-1")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert harness.moto.items() == after
    reused = harness.request(method, route, property_id, body={"label": "another"}, key="k-1")
    assert (reused.status, reused.body["code"]) == (422, "idempotency_key_reused")


# Writers at the same moment


class Interrupted(PropertyStore):
    """A store in which something happens just before a write."""

    def __init__(self, harness: PropertyHarness, *happens: Callable[[PropertyService], object]) -> None:
        super().__init__(harness.table, ACCOUNT_ID)
        self._others = harness.service(harness.caller)
        self._happens = list(happens)

    def add(self, *arguments: Any) -> Outcome:
        self._interrupt()
        return super().add(*arguments)

    def change(self, *arguments: Any) -> Outcome:
        self._interrupt()
        return super().change(*arguments)

    def _interrupt(self) -> None:
        if self._happens:
            self._happens.pop(0)(self._others)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_changes_at_the_same_moment_none_is_lost(key: str | None, harness: PropertyHarness) -> None:
    made = harness.defined("plan", "enum", options=["a"])
    theirs = {"options": ["a", "b"]}
    harness.store = Interrupted(harness, lambda service: service.change(made["id"], theirs, (), None))
    reply = harness.request("PUT", ONE, made["id"], body={"label": "mine"}, key=key)
    assert (reply.body["options"], reply.body["label"]) == (["a", "b"], "mine")
    assert harness.request("GET", ONE, made["id"]).body == reply.body
    assert harness.create({"plan": "b"}).status == 201


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_creates_of_a_name_at_the_same_moment_one_is_told_of_the_other(
    key: str | None, harness: PropertyHarness
) -> None:
    theirs: list[str] = []
    harness.store = Interrupted(harness, lambda _: theirs.append(other.defined("plan", "number")["id"]))
    other = PropertyHarness()
    other.moto, other.table, other.randomness.calls = harness.moto, harness.table, 1000
    reply = harness.request("POST", body={"name": "plan", "type": "string"}, key=key)
    assert (reply.status, reply.body["existing_id"]) == (409, *theirs)
    assert [one["type"] for one in other.listed()] == ["number"]
    assert kept(harness)[keys.property_count(ACCOUNT_ID)] == {"n": 1}


def test_of_two_creates_at_the_same_moment_only_one_is_the_500th(harness: PropertyHarness) -> None:
    other = PropertyHarness()
    other.moto, other.table, other.randomness.calls = harness.moto, harness.table, 1000
    count = {"PK": {"S": keys.property_count(ACCOUNT_ID).PK}, "SK": {"S": keys.property_count(ACCOUNT_ID).SK}}
    harness.moto.call("put_item", {"TableName": NAME, "Item": {**count, "n": {"N": str(MAX_PROPERTIES - 1)}}})
    harness.store = Interrupted(harness, lambda _: other.defined("theirs", "number"))
    reply = harness.request("POST", body={"name": "mine", "type": "string"})
    assert (reply.status, reply.body["code"]) == (409, "too_many_properties")
    assert [one["name"] for one in other.listed()] == ["theirs"]


def test_who_never_gets_through_is_told_to_try_again(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string")
    numbers = iter(range(100))

    def theirs(service: PropertyService) -> None:
        service.change(made["id"], {"label": f"theirs {next(numbers)}"}, (), None)

    harness.store = Interrupted(harness, *[theirs] * 100)
    reply = harness.request("PUT", ONE, made["id"], body={"label": "mine"})
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    harness.store = None
    assert harness.request("GET", ONE, made["id"]).body["label"] == "theirs 7"


NAMES = some.sampled_from(["a", "b", "c"])
STEPS = some.one_of(
    some.tuples(some.just("POST"), NAMES, some.sampled_from(TYPES)),
    some.tuples(some.just("PUT"), NAMES, some.sampled_from(["label", "options", "archived"])),
    some.tuples(some.just("DELETE"), NAMES, some.none()),
)


@settings(max_examples=examples(60))
@given(steps=some.lists(STEPS, max_size=12))
def test_whatever_happens_the_items_fit_together(steps: list[tuple[str, str, Any]]) -> None:
    """A name has one property, both items say the same, the count is how many there are."""
    harness, ids = PropertyHarness(), {}
    for method, name, what in steps:
        harness.clock.at_ms += 1
        if method == "POST":
            reply = harness.request("POST", body={"name": name, **of(what)})
            assert reply.status == (409 if name in ids else 201)
            ids.setdefault(name, reply.body.get("id"))
            assert reply.body.get("existing_id", ids[name]) == ids[name]
        elif name in ids:
            body = {
                "label": {"label": "x"},
                "options": {"options": ["b", "c"]},
                "archived": {"archived": False},
            }
            reply = harness.request(method, ONE, ids[name], body=body[what] if what else None)
            assert reply.status in (200, 400)
    assert violations(harness.moto.items(), ACCOUNT_ID, harness.clock.now_ms() // 1000) == []
    shown = {one["name"]: one["id"] for one in harness.listed(archived="true")}
    assert shown == ids


# Test keys


def test_a_test_key_defines_properties_that_do_not_exist(harness: PropertyHarness) -> None:
    made = harness.defined("plan", "string")
    before = harness.moto.items()
    harness.as_test()
    reply = harness.request("POST", body={"name": "plan", "type": "number"}, key="k-1")
    assert (reply.status, reply.body["test_mode"], reply.body["type"]) == (201, True, "number")
    assert list(harness.request("POST", body={"name": "id", "type": "number"}).wrong) == ["name"]
    assert harness.request("GET").body == {"data": [], "has_more": False, "next_cursor": None}
    for property_id in (made["id"], reply.body["id"]):
        for method in ("GET", "PUT", "DELETE"):
            assert harness.request(method, ONE, property_id, body={"label": "x"}).status == 404
    assert harness.moto.items() == before
