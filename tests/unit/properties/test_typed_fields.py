"""What happens to a contact's custom fields where the account's properties give them a type."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.core.errors import MAX_ERRORS_SHOWN
from contacts.properties.model import ContactInput, PropertyType, ValueRule
from contacts.properties.typed_fields import MAX_LOOKED_UP, TypedFields, ValueRules
from contacts.table import keys
from tests.support.app import ACCOUNT_ID, Reply
from tests.support.hypothesis_profiles import examples
from tests.support.property_harness import CONTACT, CONTACTS, ONE, PropertyHarness

EMAIL = "ada@example.com"
RIGHT: dict[str, Any] = {
    "text": "x",
    "size": 2.5,
    "paid": True,
    "born": "1815-12-10",
    "seen": "2026-01-15T10:30:00+02:00",
    "plan": "pro",
    "address": {"city": "London"},
    "colours": ["red"],
}
WRONG: dict[str, Any] = {
    "text": 5,
    "size": "2.5",
    "paid": "true",
    "born": "1815-12-32",
    "seen": "2026-01-15T10:30:00",
    "plan": "Pro",
    "address": ["London"],
    "colours": "red",
}
TYPES = ("string", "number", "boolean", "date", "datetime", "enum", "object", "array")


def field(name: str) -> str:
    return f"custom_fields.{name}"


@pytest.fixture
def harness() -> PropertyHarness:
    """A property of each type."""
    harness = PropertyHarness()
    for name, kind in zip(RIGHT, TYPES, strict=True):
        harness.clock.at_ms += 1
        harness.defined(name, kind, **({"options": ["free", "pro"]} if kind == "enum" else {}))
    return harness


def ada(harness: PropertyHarness, **fields: Any) -> Any:
    """A contact with an email and an external_id."""
    body = {"email": EMAIL, "external_id": "7", **fields}
    reply = harness.request("POST", CONTACTS, body=body)
    assert reply.status == 201, reply
    return reply.body


def update(harness: PropertyHarness, body: Any, **more: Any) -> Reply:
    return harness.request("PATCH", CONTACT, EMAIL, body=body, **more)


def upsert(harness: PropertyHarness, body: Any, **query: str) -> Reply:
    return harness.request("POST", CONTACTS, body=body, query={"on_conflict": "update", **query})


def skipped(reply: Reply) -> list[str]:
    assert all(entry["reason"] for entry in reply.body["skipped"])
    return [entry["field"] for entry in reply.body["skipped"]]


# Strict


def test_right_values_are_taken_by_create_update_and_upsert(harness: PropertyHarness) -> None:
    assert ada(harness, custom_fields=RIGHT)["custom_fields"] == RIGHT
    assert update(harness, {"custom_fields": RIGHT}).body["custom_fields"] == RIGHT
    assert upsert(harness, {"email": EMAIL, "custom_fields": RIGHT}).status == 200


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_written(name: str, harness: PropertyHarness) -> None:
    ada(harness)
    before = harness.moto.items()
    body = {"custom_fields": {**RIGHT, name: WRONG[name], "free": [name]}}
    replies = [
        harness.request("POST", CONTACTS, body={"email": "new@example.com", **body}),
        update(harness, body),
        update(harness, body, key="k-1"),
        harness.request("PATCH", CONTACT, "nobody", body=body),
        upsert(harness, {"email": EMAIL, **body}),
        upsert(harness, {"email": "new@example.com", **body}),
    ]
    for reply in replies:
        assert list(reply.wrong) == [field(name)]
        assert reply.wrong[field(name)].startswith("must be ")
        assert reply.body["field"] == field(name)
    assert harness.moto.items() == before


def test_every_wrong_value_is_named_at_once_with_whatever_else_is_wrong(harness: PropertyHarness) -> None:
    fields = {**WRONG, "free": "\0"}
    body = {"email": "nobody", "phone": "12", "nickname": 1, "custom_fields": fields}
    expected = {"email", "phone", "nickname", *map(field, fields)}
    assert set(harness.request("POST", CONTACTS, body=body).wrong) == expected
    ada(harness)
    assert set(update(harness, body).wrong) == expected
    # What is wrong with the query is told before anything is looked up.
    reply = harness.request("POST", CONTACTS, body=body, query={"colour": "red"})
    assert set(reply.wrong) == {"colour", "email", "phone", "nickname", field("free")}


def test_null_clears_whatever_the_type(harness: PropertyHarness) -> None:
    ada(harness, custom_fields=RIGHT)
    cleared = update(harness, {"custom_fields": dict.fromkeys(RIGHT)})
    assert (cleared.status, cleared.body["custom_fields"]) == (200, {})
    assert update(harness, {"custom_fields": None}).status == 200


@pytest.mark.parametrize("key", ["free", "Text", "text.more", "größe", "x" * 255, "1"])
@pytest.mark.parametrize("value", ["x", 5, True, [1], {"a": {"b": 1}}])
def test_a_key_that_no_property_has_takes_any_json(key: str, value: Any, harness: PropertyHarness) -> None:
    assert harness.create({key: value}).body["custom_fields"] == {key: value}


def test_values_are_checked_as_the_property_is_at_this_moment(harness: PropertyHarness) -> None:
    ada(harness, custom_fields={"later": 1, "plan": "free"})
    made = harness.defined("later", "string")
    assert list(update(harness, {"custom_fields": {"later": 2}}).wrong) == [field("later")]
    assert update(harness, {"first_name": "Ada"}).body["custom_fields"]["later"] == 1, "what is there stays"
    harness.request("DELETE", ONE, made["id"])
    assert update(harness, {"custom_fields": {"later": 2}}).body["custom_fields"]["later"] == 2
    harness.request("PUT", ONE, made["id"], body={"archived": False})
    assert list(update(harness, {"custom_fields": {"later": 3}}).wrong) == [field("later")]
    plan = next(one for one in harness.listed() if one["name"] == "plan")
    harness.request("PUT", ONE, plan["id"], body={"options": ["pro", "max"]})
    assert (
        update(harness, {"custom_fields": {"plan": "free"}}).wrong[field("plan")] == "must be one of pro, max"
    )
    assert update(harness, {"custom_fields": {"plan": "max"}}).status == 200


def test_what_comes_back_from_the_trash_is_checked_like_a_change(harness: PropertyHarness) -> None:
    ada(harness, custom_fields={"size": 1})
    harness.request("DELETE", CONTACT, EMAIL)
    body = {"email": EMAIL, "custom_fields": {"size": "2", "text": "x"}}
    assert list(harness.request("POST", CONTACTS, body=body).wrong) == [field("size")]
    reply = harness.request("POST", CONTACTS, body=body, query={"on_invalid": "skip"})
    assert (reply.status, skipped(reply)) == (201, [field("size")])
    assert reply.body["custom_fields"] == {"size": 1, "text": "x"}


# Skipping


def test_with_skip_only_the_wrong_keys_are_left_out(harness: PropertyHarness) -> None:
    fields = {**WRONG, "text": "right", "free": 1, "nul": "\0"}
    body = {"email": EMAIL, "phone": "12", "first_name": "Ada", "nickname": "A.", "custom_fields": fields}
    expected = ["phone", "nickname", *(field(name) for name in ("nul", *list(WRONG)[1:]))]
    made = harness.request("POST", CONTACTS, body=body, query={"on_invalid": "skip"})
    assert (made.status, skipped(made)) == (201, expected)
    assert made.body["custom_fields"] == {"text": "right", "free": 1}
    assert (made.body["first_name"], made.body["phone"]) == ("Ada", None)
    changed = update(
        harness, {"phone": "12", "custom_fields": {**WRONG, "more": 1}}, query={"on_invalid": "skip"}
    )
    assert (changed.status, skipped(changed)) == (200, ["phone", *map(field, WRONG)])
    assert changed.body["custom_fields"] == {"text": "right", "free": 1, "more": 1}
    stored = harness.request("GET", CONTACT, EMAIL).body
    assert stored == {name: value for name, value in changed.body.items() if name != "skipped"}


def test_nothing_skipped_is_an_empty_list(harness: PropertyHarness) -> None:
    reply = harness.create(RIGHT, on_invalid="skip")
    assert (reply.status, reply.body["skipped"]) == (201, [])
    assert "skipped" not in harness.create(RIGHT).body


def test_where_all_custom_fields_are_skipped_nothing_is_asked_of_them(harness: PropertyHarness) -> None:
    before = ada(harness, custom_fields={"size": 1})
    reply = update(harness, {"custom_fields": {"size": "x"}}, query={"on_invalid": "skip"})
    assert (reply.body["version"], reply.body["custom_fields"]) == (before["version"], {"size": 1})
    made = harness.create({"size": "x"}, on_invalid="skip")
    assert (made.status, made.body["custom_fields"]) == (201, {})


IMPOSSIBLE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a wrong email alone": ({"email": "x"}, {"email": "is not an email", "external_id": "needs an email or"}),
    "a wrong email and null": (
        {"email": "x", "external_id": None},
        {"email": "is not an email", "external_id": "needs an email or"},
    ),
    "both wrong, and more": (
        {"email": "x", "external_id": 5, "phone": "1", "custom_fields": {"size": "x"}},
        {"email": "is not an email", "external_id": "a string", "phone": "E.164", field("size"): "a number"},
    ),
    "neither": (
        {"first_name": "Ada"},
        {"email": "needs an email or", "external_id": "needs an email or"},
    ),
}


@pytest.mark.parametrize(("body", "says"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
@pytest.mark.parametrize("on_conflict", ["reject", "update"])
def test_what_makes_a_contact_impossible_is_no_thing_to_skip(
    on_conflict: str, body: dict[str, Any], says: dict[str, str], harness: PropertyHarness
) -> None:
    before = harness.moto.items()
    query = {"on_invalid": "skip", "on_conflict": on_conflict}
    wrong = harness.request("POST", CONTACTS, body=body, query=query).wrong
    assert wrong.keys() == says.keys()
    assert all(part in wrong[name] for name, part in says.items())
    assert harness.moto.items() == before


def test_a_wrong_email_is_skipped_where_an_external_id_is_left(harness: PropertyHarness) -> None:
    body = {"email": "x", "external_id": "7"}
    reply = harness.request("POST", CONTACTS, body=body, query={"on_invalid": "skip"})
    assert (reply.status, skipped(reply), reply.body["external_id"]) == (201, ["email"], "7")


def test_too_many_tags_together_are_skipped_too(harness: PropertyHarness) -> None:
    tags = [f"tag {number}" for number in range(100)]
    body = {"email": EMAIL, "tags": tags, "add_tags": ["one more"], "first_name": "Ada"}
    for reply in (
        harness.request("POST", CONTACTS, body=body, query={"on_invalid": "skip"}),
        upsert(harness, {"email": EMAIL, "add_tags": ["one more"]}, on_invalid="skip"),
    ):
        assert (skipped(reply), reply.body["tags"], reply.body["first_name"]) == (["add_tags"], tags, "Ada")


@pytest.mark.parametrize("taken", ["email", "external_id"])
def test_a_contact_that_exists_is_a_conflict_also_with_skip(taken: str, harness: PropertyHarness) -> None:
    """Left out, its external_id would make a second contact of the same person."""
    made = ada(harness)
    before = harness.moto.items()
    body = {"email": "other@example.com", "external_id": "8", taken: made[taken], "phone": "1"}
    reply = harness.request("POST", CONTACTS, body=body, query={"on_invalid": "skip"})
    assert (reply.status, reply.body["code"], reply.body["existing_id"]) == (
        409,
        "duplicate_contact",
        made["id"],
    )
    assert reply.body["field"] == taken
    assert harness.moto.items() == before


def test_an_upsert_skips_the_external_id_of_another_contact_as_an_update_does(
    harness: PropertyHarness,
) -> None:
    made = ada(harness)
    other = harness.request("POST", CONTACTS, body={"external_id": "8"}).body
    body = {"email": EMAIL, "external_id": "8", "last_name": "King"}
    assert upsert(harness, body).body["existing_id"] == other["id"]
    reply = upsert(harness, body, on_invalid="skip")
    assert (reply.status, skipped(reply), reply.body["id"]) == (200, ["external_id"], made["id"])
    assert (reply.body["external_id"], reply.body["last_name"]) == ("7", "King")


@pytest.mark.parametrize("on_invalid", ["reject", "skip"])
def test_more_than_an_answer_names_is_refused(on_invalid: str, harness: PropertyHarness) -> None:
    many = range(MAX_ERRORS_SHOWN + 1)
    for number in many:
        harness.defined(f"n{number}", "boolean")
    before = harness.moto.items()
    reply = harness.create({f"n{number}": number for number in many}, on_invalid=on_invalid)
    assert len(reply.wrong) == MAX_ERRORS_SHOWN
    harness.client.calls.clear()
    body = {"email": EMAIL, "custom_fields": {"size": "x"}, **{f"n{number}": 1 for number in many}}
    reply = harness.request("POST", CONTACTS, body=body, query={"on_invalid": on_invalid})
    assert len(reply.wrong) == MAX_ERRORS_SHOWN
    assert harness.client.calls == []
    assert harness.moto.items() == before


@pytest.mark.parametrize("on_invalid", ["ignore", ""])
def test_on_invalid_is_reject_or_skip(on_invalid: str, harness: PropertyHarness) -> None:
    assert list(harness.create({}, on_invalid=on_invalid).wrong) == ["on_invalid"]


# Requests that come twice


def stricter(harness: PropertyHarness) -> None:
    """From now on `free`, and `plan`, take no more what they took."""
    harness.defined("free", "boolean")
    plan = next(one for one in harness.listed() if one["name"] == "plan")
    harness.request("PUT", ONE, plan["id"], body={"options": ["max"]})


def test_a_request_that_would_be_refused_by_now_replays_its_first_answer(harness: PropertyHarness) -> None:
    fields = {"plan": "pro", "free": "x"}
    body = {"email": EMAIL, "custom_fields": fields}
    made = harness.request("POST", CONTACTS, body=body, key="create")
    changed = update(harness, {"custom_fields": {"plan": "free"}}, key="update")
    stricter(harness)
    before = harness.moto.items()
    for first, again in (
        (made, harness.request("POST", CONTACTS, body=body, key="create")),
        (changed, update(harness, {"custom_fields": {"plan": "free"}}, key="update")),
    ):
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
    assert harness.moto.items() == before
    assert update(harness, {"custom_fields": {"plan": "free"}}, key="another").status == 400
    other = update(harness, {"custom_fields": {"plan": "pro"}}, key="update")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


def test_what_was_skipped_is_replayed(harness: PropertyHarness) -> None:
    body = {"email": EMAIL, "phone": "1", "custom_fields": {"free": "x", "size": "x"}}
    query = {"on_invalid": "skip"}
    made = harness.request("POST", CONTACTS, body=body, query=query, key="k")
    stricter(harness)
    again = harness.request("POST", CONTACTS, body=body, query=query, key="k")
    assert (again.status, again.body) == (201, made.body)
    assert skipped(again) == ["phone", field("size")]


# What it costs


def calls(harness: PropertyHarness) -> list[str]:
    return [method for method, _ in harness.client.calls]


def test_a_write_without_custom_fields_reads_no_property(harness: PropertyHarness) -> None:
    for body in (
        {"first_name": "Ada"},
        {"custom_fields": {}},
        {"custom_fields": None},
        {"metadata": {"size": "x"}},
    ):
        harness.client.calls.clear()
        reply = harness.request("POST", CONTACTS, body={"external_id": str(body), **body})
        assert reply.status == 201
        assert calls(harness) == ["transact_write_items"]
    ada(harness)
    harness.client.calls.clear()
    update(harness, {"custom_fields": {"size": None, "no name": 5}, "first_name": "Ada"})
    assert calls(harness) == ["get_item", "update_item"], "the claim, and the change"


def test_a_write_reads_the_names_it_sends_strongly_and_in_one_call(harness: PropertyHarness) -> None:
    harness.client.calls.clear()
    fields = {"size": 1, "free": 1, "text": None, "no name": 1}
    assert harness.create(fields).status == 201
    assert calls(harness) == ["batch_get_item", "get_item", "transact_write_items"], (
        "rules, opt-out, the write"
    )
    ((_, asked), *_) = harness.client.calls
    (request,) = asked["RequestItems"].values()
    assert request["ConsistentRead"] is True
    wanted = [keys.property_name(ACCOUNT_ID, name).PK for name in ("size", "free")]
    assert [key["PK"]["S"] for key in request["Keys"]] == wanted


@pytest.mark.parametrize(("count", "call"), [(MAX_LOOKED_UP, "batch_get_item"), (MAX_LOOKED_UP + 1, "query")])
def test_very_many_names_cost_no_more_than_all_properties(
    count: int, call: str, harness: PropertyHarness
) -> None:
    for number in (3, 99):
        harness.defined(f"n{number}", "boolean")
    harness.request("DELETE", ONE, harness.listed()[-1]["id"])
    fields: dict[str, Any] = {f"n{number}": number for number in range(count - 1)} | {"size": "x"}
    harness.client.calls.clear()
    reply = harness.create(fields)
    assert set(reply.wrong) == {field("n3"), field("size")}
    assert calls(harness) == [call]
    ((_, request),) = harness.client.calls
    assert request.get("ConsistentRead", call == "batch_get_item")
    assert harness.create({**fields, "size": 1, "n3": True}).status == 201


def test_where_properties_cannot_be_read_nothing_is_written(
    harness: PropertyHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = harness.moto.items()
    call = harness.moto.client().__class__._call

    def throttled(client: Any, method: str, **request: Any) -> Any:
        if method == "batch_get_item":
            error = {"Error": {"Code": "ThrottlingException", "Message": ""}, "ResponseMetadata": {}}
            raise ClientError(error, method)
        return call(client, method, **request)

    monkeypatch.setattr(harness.moto.client().__class__, "_call", throttled)
    reply = harness.create(RIGHT)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert harness.moto.items() == before


# Test keys


def test_a_test_key_is_answered_as_a_live_one_would_be(harness: PropertyHarness) -> None:
    before = harness.moto.items()
    harness.as_test()
    assert list(harness.create({**RIGHT, "size": "x"}).wrong) == [field("size")]
    reply = harness.create({**RIGHT, "size": "x"}, on_invalid="skip")
    assert (reply.status, reply.body["test_mode"], skipped(reply)) == (201, True, [field("size")])
    assert harness.create(RIGHT).body["custom_fields"] == RIGHT
    assert harness.moto.items() == before


# The same, whichever way rules are read


class Written:
    """Rules on paper."""

    def __init__(self, rules: dict[str, ValueRule]) -> None:
        self.written = rules

    def rules(self, names: Any) -> dict[str, ValueRule]:
        return {name: self.written[name] for name in names if name in self.written}


VALUES = (
    some.none()
    | some.booleans()
    | some.integers(-5, 5)
    | some.sampled_from(["pro", "2026-01-15", "", [], {}])
)


@settings(max_examples=examples(40))
@given(
    kinds=some.dictionaries(some.sampled_from("abcdef"), some.sampled_from(TYPES), max_size=4),
    fields=some.dictionaries(some.sampled_from([*"abcdef", "no name"]), VALUES),
    more=some.sampled_from([0, 120]),
)
def test_what_is_wrong_is_what_the_rules_say(
    kinds: dict[str, str], fields: dict[str, Any], more: int
) -> None:
    harness = PropertyHarness()
    for name, kind in kinds.items():
        harness.defined(name, kind, **({"options": ["pro"]} if kind == "enum" else {}))
    rules = {
        name: ValueRule(PropertyType(kind), ("pro",) if kind == "enum" else ())
        for name, kind in kinds.items()
    }
    sent = fields | {f"x{number}": 1 for number in range(more)}
    given = ContactInput({"custom_fields": sent})
    validated = TypedFields(ValueRules(harness.table, ACCOUNT_ID)).validate(given)
    assert validated == TypedFields(Written(rules)).validate(given)
    wrong = validated.errors
    assert harness.create(sent).status == (400 if wrong else 201)
