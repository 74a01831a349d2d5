"""One request has one meaning: a null, an upsert, and a write of what is there already."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from contacts.accounts.model import Dialect
from tests.support.app import App, Reply, caller_of
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable

Json = dict[str, Any]


class World:
    """One account, through any dialect, at its beginning."""

    def __init__(self) -> None:
        self.table = MotoTable()
        self.app = App(self.table.client())
        self._beginning = self.table.snapshot()

    def begun_again(self) -> "World":
        self.table.bring_back(self._beginning)
        self.app.caller = caller_of()
        return self

    def send(
        self, method: str, target: str, body: Any = None, dialect: str = "native", **headers: str
    ) -> Reply:
        self.app.with_key(dialect=Dialect(dialect))
        sent = {"x-api-key": "any", **{name.replace("_", "-"): value for name, value in headers.items()}}
        reply = self.app.send(method, target, body, sent)
        self.app.with_key(dialect=Dialect.NATIVE)
        return reply

    def created(self, **body: Any) -> Json:
        reply = self.send("POST", "/v1/contacts", body)
        assert reply.status == 201, reply
        found: Json = reply.body
        return found

    def contact(self, ref: str) -> Json:
        reply = self.send("GET", f"/v1/contacts/{ref}")
        assert reply.status == 200, reply
        found: Json = reply.body
        return found

    def changes_of(self, method: str, target: str, body: Any, **more: str) -> list[str]:
        """The items that a request puts, changes or removes."""
        before = {str(item["PK"]) + str(item["SK"]): item for item in self.table.items()}
        reply = self.send(method, target, body, **more)
        assert reply.status < 300, reply
        after = {str(item["PK"]) + str(item["SK"]): item for item in self.table.items()}
        return [key for key in {**before, **after} if before.get(key) != after.get(key)]


the_world = cache(World)


@pytest.fixture
def world() -> World:
    return the_world().begun_again()


# A null removes its key, and stores nothing where there is none

WITH_NULL = {"x": None, "y": 1, "z": {"kept": None}}
WITHOUT = {"y": 1, "z": {"kept": None}}


def create(world: World, body: Json) -> None:
    world.created(**body)


def upsert(world: World, body: Json) -> None:
    assert world.send("POST", "/v1/contacts?on_conflict=update", body).status == 201


def batch(op: str) -> Any:
    def send(world: World, body: Json) -> None:
        item = {"op": op, "contact": body}
        reply = world.send("POST", "/v1/contacts/batch", {"operations": [item]})
        assert reply.body["results"][0]["status"] == 201, reply

    return send


def through(dialect: str, field: str) -> Any:
    def send(world: World, body: Json) -> None:
        theirs = {"email": "ada@example.com", field: body["custom_fields"]}
        path = "/api/v1/contacts" if dialect != "smashsend" else "/v1/contacts"
        assert world.send("POST", path, theirs, dialect).status == 201

    return send


def at_the_gate(world: World, body: Json) -> None:
    channel = world.send("POST", "/v1/channels", {"type": "telegram", "name": "Bot"}).body["id"]
    gate = {"identifier": "7", **body}
    assert world.send("POST", f"/v1/channels/{channel}/gates", gate).status == 201


CREATES: Mapping[str, Any] = {
    "create": create,
    "upsert": upsert,
    "batch create": batch("create"),
    "batch upsert": batch("upsert"),
    "gate": at_the_gate,
    "sendmator": through("sendmator", "custom_fields"),
    "smashsend": through("smashsend", "properties"),
    "artamail": through("artamail", "data"),
}


@pytest.mark.parametrize("way", CREATES)
def test_a_null_in_an_object_stores_nothing(way: str, world: World) -> None:
    CREATES[way](world, {"email": "ada@example.com", "custom_fields": WITH_NULL})
    assert world.contact("ada@example.com")["custom_fields"] == WITHOUT


CHANGES: Mapping[str, Any] = {
    "PATCH": ("PATCH", "/v1/contacts/ada@example.com", "native", {"custom_fields": WITH_NULL}),
    "PUT": ("PUT", "/v1/contacts/ada@example.com", "native", {"custom_fields": WITH_NULL}),
    "upsert": (
        "POST",
        "/v1/contacts?on_conflict=update",
        "native",
        {"email": "ada@example.com", "custom_fields": WITH_NULL},
    ),
    "artamail POST": (
        "POST",
        "/api/v1/contacts",
        "artamail",
        {"email": "ada@example.com", "data": WITH_NULL},
    ),
    "artamail": ("PATCH", "/api/v1/contacts/ada@example.com", "artamail", {"data": WITH_NULL}),
}


@pytest.mark.parametrize("way", CHANGES)
def test_a_null_in_an_object_removes_its_key(way: str, world: World) -> None:
    world.created(email="ada@example.com", custom_fields={"x": 1, "w": 2})
    method, target, dialect, body = CHANGES[way]
    assert world.send(method, target, body, dialect).status < 300
    assert world.contact("ada@example.com")["custom_fields"] == {"w": 2, **WITHOUT}


# An upsert twice is an upsert once

texts = some.sampled_from(["", "Ada", "Ada King", " Ada  King ", "é"])
maps = some.dictionaries(
    some.sampled_from(["a", "b", "é"]),
    some.none() | some.sampled_from([1, True, 1.5, [None], {"c": None}]),
    max_size=3,
)
labels = some.lists(some.sampled_from(["a", "b", "c"]), max_size=3)
bodies = some.fixed_dictionaries(
    {"external_id": some.just("crm-1")},
    optional={
        "email": some.none() | some.just("Ada@example.com"),
        "first_name": some.none() | texts,
        "last_name": some.none() | texts,
        "name": some.none() | texts,
        "phone": some.none() | some.just("+12"),
        "tags": some.none() | labels,
        "lists": some.none() | labels,
        "add_tags": some.none() | labels,
        "add_lists": some.none() | labels,
        "custom_fields": some.none() | maps,
        "metadata": some.none() | maps,
        "is_active": some.none() | some.booleans(),
        "is_unsubscribed": some.none() | some.booleans(),
    },
)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
@example({"external_id": "crm-1", "custom_fields": {"x": None, "y": 1}})
@example({"external_id": "crm-1", "name": "Ada King", "first_name": None})
@example({"external_id": "crm-1", "name": "Ada", "first_name": None, "last_name": None})
@example({"external_id": "crm-1", "name": "Ada", "last_name": "King"})
def test_an_upsert_twice_is_an_upsert_once(world: World, body: Json) -> None:
    world.begun_again()
    first, second = (world.send("POST", "/v1/contacts?on_conflict=update", body) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert second.body == first.body
    patched = {key: value for key, value in body.items() if key != "is_unsubscribed"}
    assert world.send("PATCH", "/v1/contacts/crm-1", patched).body == first.body


# What changes nothing moves nothing

ADA = {
    "email": "ada@example.com",
    "external_id": "crm-1",
    "name": "Ada King",
    "phone": "+4915112345678",
    "tags": ["vip", "beta"],
    "lists": ["news"],
    "custom_fields": {"n": 1, "deep": {"a": [1, {"b": None}]}, "größe": 0.1234567890123456789},
    "metadata": {},
    "is_unsubscribed": True,
}
ONE = "/v1/contacts/crm-1"
SAME: Mapping[str, tuple[str, str, Json]] = {
    "PATCH": ("PATCH", ONE, {"name": "Ada King", "phone": "+4915112345678"}),
    "PATCH of a part of the name": ("PATCH", ONE, {"first_name": "Ada"}),
    "PUT of everything": ("PUT", ONE, ADA),
    "numbers in another spelling": ("PATCH", ONE, {"custom_fields": {"n": 1.0}}),
    "a map's keys": ("PATCH", ONE, {"custom_fields": {"deep": {"a": [1, {"b": None}]}, "gone": None}}),
    "an empty map": ("PATCH", ONE, {"metadata": {}}),
    "a map emptied again": ("PATCH", ONE, {"metadata": None}),
    "tags and lists": ("PATCH", ONE, {"tags": ["vip", "beta"], "lists": ["news"]}),
    "a tag that is there": ("PATCH", ONE, {"add_tags": ["beta"], "add_lists": ["news"]}),
    "a tag that is not there": ("PATCH", ONE, {"remove_tags": ["x"], "remove_lists": ["y"]}),
    "unsubscribed once more": ("PATCH", ONE, {"is_unsubscribed": True}),
    "flags as they are": ("PATCH", ONE, {"is_active": True, "is_unsubscribed": True}),
    "its own names": ("PATCH", ONE, {"email": "ADA@example.com", "external_id": "crm-1"}),
    "by email": ("PATCH", "/v1/contacts/ada@example.com", {"first_name": "Ada"}),
    "upsert": ("POST", "/v1/contacts?on_conflict=update", {"email": "ada@example.com", "name": "Ada King"}),
    "upsert that says subscribed": (
        "POST",
        "/v1/contacts?on_conflict=update",
        {"external_id": "crm-1", "is_unsubscribed": False, "add_tags": ["vip"]},
    ),
    "batch": (
        "POST",
        "/v1/contacts/batch",
        {"operations": [{"op": "update", "ref": "crm-1", "contact": {"tags": ["vip", "beta"]}}]},
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_a_write_that_changes_nothing_moves_nothing(what: str, world: World) -> None:
    before = world.created(**ADA)
    method, target, body = SAME[what]
    assert world.changes_of(method, target, body) == []
    reply = world.send(method, target, body)
    shown = reply.body["results"][0]["contact"] if "results" in reply.body else reply.body
    assert shown == before
    assert world.contact("crm-1") == before


def test_a_name_that_says_what_its_parts_say_moves_nothing(world: World) -> None:
    before = world.created(external_id="crm-1", first_name="Ada", last_name="King")
    assert world.changes_of("PATCH", ONE, {"name": "Ada King"}) == []
    assert world.contact("crm-1") == before
    assert world.send("PATCH", ONE, {"name": "Ada  King"}).body["name"] == "Ada  King"


@pytest.mark.parametrize("what", SAME)
def test_under_a_key_it_leaves_its_record_and_moves_nothing(what: str, world: World) -> None:
    before = world.created(**ADA)
    method, target, body = SAME[what]
    first, again = (world.send(method, target, body, idempotency_key="k") for _ in range(2))
    assert (first.status, again.body) == (again.status, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert world.contact("crm-1") == before


OTHER: Mapping[str, Json] = {
    "true for one": {"custom_fields": {"n": True}},
    "text for a number": {"custom_fields": {"n": "1"}},
    "another order of tags": {"tags": ["beta", "vip"]},
    "a null deeper down": {"custom_fields": {"deep": {"a": [1, {}]}}},
    "an empty name for none": {"name": ""},
    "another flag": {"is_active": False},
}


@pytest.mark.parametrize("what", OTHER)
def test_a_write_that_changes_something_moves_the_version(what: str, world: World) -> None:
    before = world.created(**ADA)
    reply = world.send("PATCH", ONE, OTHER[what])
    assert reply.body["version"] == before["version"] + 1
    assert reply.headers["ETag"] != f'"{before["version"]}-pending"'


def test_a_stale_version_is_refused_even_where_nothing_would_change(world: World) -> None:
    world.created(**ADA)
    assert world.send("PATCH", ONE, {"first_name": "Ada"}, if_match='"2"').status == 412
    assert world.send("PATCH", ONE, {"first_name": "Ada"}, if_match='"1"').status == 200


def test_a_property_and_a_channel_as_they_are_keep_their_time(world: World) -> None:
    made = world.send("POST", "/v1/contact-properties", {"name": "size", "type": "number"}).body
    path = f"/v1/contact-properties/{made['id']}"
    world.app.clock.at_ms += 5000  # type: ignore[attr-defined]
    assert world.send("PUT", path, {"label": "size", "type": "number"}).body == made
    bot = world.send("POST", "/v1/channels", {"type": "telegram", "name": "Bot"}).body
    world.app.clock.at_ms += 5000  # type: ignore[attr-defined]
    assert world.send("PUT", f"/v1/channels/{bot['id']}", {"name": "Bot"}).body == bot


# An upsert by a merged name renames nothing


@pytest.fixture
def merged(world: World) -> Json:
    """WIN, into which LOSE was merged."""
    win = world.created(email="win@example.com", external_id="win-1")
    world.created(email="lose@example.com", external_id="lose-1")
    world.send("POST", f"/v1/contacts/{win['id']}/merge", {"from": "lose-1"})
    return world.contact(win["id"])


BY_A_MERGED_NAME: Mapping[str, Json] = {
    "another external_id": {"email": "lose@example.com", "external_id": "new-1"},
    "another email": {"external_id": "lose-1", "email": "new@example.com"},
    "both of them merged": {"email": "lose@example.com", "external_id": "lose-1"},
    "an external_id of nobody's, in capitals": {"email": "LOSE@example.com", "external_id": "WIN-1"},
    "its own external_id": {"email": "lose@example.com", "external_id": "win-1"},
    "its own email": {"email": "win@example.com", "external_id": "lose-1"},
    "a null": {"email": "lose@example.com", "external_id": None},
}


def batched(body: Json) -> tuple[str, Json]:
    return "/v1/contacts/batch", {"operations": [{"op": "upsert", "contact": body}]}


@pytest.mark.parametrize("in_batch", [False, True])
@pytest.mark.parametrize("what", BY_A_MERGED_NAME)
def test_an_upsert_by_a_merged_name_renames_nothing(
    what: str, in_batch: bool, world: World, merged: Json
) -> None:
    body = {**BY_A_MERGED_NAME[what], "first_name": "Ada"}
    target, sent = batched(body) if in_batch else ("/v1/contacts?on_conflict=update", body)
    for _ in range(2):
        reply = world.send("POST", target, sent)
        shown = reply.body["results"][0]["contact"] if in_batch else reply.body
        assert (shown["id"], shown["first_name"]) == (merged["id"], "Ada")
        assert (shown["email"], shown["external_id"]) == ("win@example.com", "win-1")
    for ref in ("win-1", "lose-1", "win@example.com", "lose@example.com"):
        assert world.contact(ref)["id"] == merged["id"]
    assert world.send("GET", "/v1/contacts/new-1").status == 404


def test_a_merged_name_fills_a_gap(world: World) -> None:
    win = world.created(email="win@example.com")
    world.created(email="lose@example.com")
    world.send("POST", f"/v1/contacts/{win['id']}/merge", {"from": "lose@example.com"})
    body = {"email": "lose@example.com", "external_id": "new-1"}
    for _ in range(2):
        shown = world.send("POST", "/v1/contacts?on_conflict=update", body).body
        assert (shown["email"], shown["external_id"]) == ("win@example.com", "new-1")


def test_a_name_of_another_contact_is_in_the_way_of_an_upsert_by_a_merged_name(
    world: World, merged: Json
) -> None:
    other = world.created(external_id="new-1")
    body = {"email": "lose@example.com", "external_id": "new-1"}
    reply = world.send("POST", "/v1/contacts?on_conflict=update", body)
    assert (reply.status, reply.body["field"], reply.body["existing_id"]) == (409, "external_id", other["id"])
    skipped = world.send("POST", "/v1/contacts?on_conflict=update&on_invalid=skip", body)
    assert (skipped.status, skipped.body["id"], skipped.body["external_id"]) == (200, merged["id"], "win-1")
    assert [one["field"] for one in skipped.body["skipped"]] == ["external_id"]


def test_a_create_that_finds_a_merged_name_in_the_trash_renames_nothing(world: World, merged: Json) -> None:
    world.send("DELETE", "/v1/contacts/win-1")
    back = world.send("POST", "/v1/contacts", {"email": "lose@example.com", "external_id": "new-1"})
    assert (back.status, back.body["id"]) == (201, merged["id"])
    assert (back.body["email"], back.body["external_id"]) == ("win@example.com", "win-1")


def test_artamails_upsert_by_a_merged_email_keeps_the_email(world: World, merged: Json) -> None:
    reply = world.send("POST", "/api/v1/contacts", {"email": "lose@example.com", "name": "Ada"}, "artamail")
    assert (reply.status, reply.body["email"], reply.body["name"]) == (200, "win@example.com", "Ada")


def test_an_upsert_by_its_own_names_still_changes_the_other(world: World) -> None:
    world.created(email="ada@example.com", external_id="old")
    body = {"email": "ada@example.com", "external_id": "new"}
    assert world.send("POST", "/v1/contacts?on_conflict=update", body).body["external_id"] == "new"
    body = {"email": "moved@example.com", "external_id": "new"}
    assert world.send("POST", "/v1/contacts?on_conflict=update", body).body["email"] == "moved@example.com"
