"""Bodies: every wrong field is named at once, in words that do not speak of Python."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from contacts.accounts.schemas import NewAccount, NewApiKey
from contacts.book.schemas import ContactChange, ContactFields, NewContact
from contacts.core.errors import MAX_ERRORS_SHOWN, BodyNotJson, InvalidInput
from contacts.properties.model import OnInvalid, ValueRule
from contacts.properties.typed_fields import TypedFields
from tests.unit.web.test_requests import request


def wrong(body: type[Any], given: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        body.checked(given)
    return {error.field: error.message for error in refused.value.errors}


@pytest.mark.parametrize(("given", "field", "says"), [
    ({"email": "a@b"}, "email", "is not an email address"),
    ({"email": "ünï@exämple.com"}, "email", "is not an email address"),
    ({"email": f"{'a' * 300}@example.com"}, "email", "is not an email address"),
    ({"email": "a\0@example.com"}, "email", "is not an email address"),
    ({"email": 5}, "email", "must be a string"),
    ({"email": ["a@example.com"]}, "email", "must be a string"),
    ({"external_id": ""}, "external_id", "at least 1 character"),
    ({"external_id": "x" * 256}, "external_id", "at most 255 characters"),
    ({"external_id": "a\0b"}, "external_id", "NUL"),
    ({"first_name": "\ud800"}, "first_name", "valid Unicode"),
    ({"last_name": "x" * 256}, "last_name", "at most 255 characters"),
    ({"phone": "0151 123"}, "phone", "E.164"),
    ({"tags": "vip"}, "tags", "must be an array"),
    ({"tags": [""]}, "tags.0", "at least 1 character"),
    ({"tags": ["ok", "x" * 101]}, "tags.1", "at most 100 characters"),
    ({"tags": [str(n) for n in range(101)]}, "tags", "at most 100"),
    ({"lists": ["News Letter"]}, "lists.0", "slug"),
    ({"lists": ["newsletter\n"]}, "lists.0", "slug"),
    ({"is_active": "true"}, "is_active", "must be true or false"),
    ({"is_active": 1}, "is_active", "must be true or false"),
    ({"custom_fields": []}, "custom_fields", "must be an object"),
    ({"metadata": "x"}, "metadata", "must be an object"),
    ({"custom_fields": {"a": {"b": "\0"}}}, "custom_fields.a.b", "NUL"),
    ({"nickname": "x"}, "nickname", "is no field"),
    ({"id": "x"}, "id", "is no field"),
    ({"version": 3}, "version", "is no field"),
])  # fmt: skip
def test_a_wrong_field_is_named(given: dict[str, Any], field: str, says: str) -> None:
    for body in (NewContact, ContactChange):
        found = wrong(body, given)
        assert list(found) == [field]
        assert says in found[field]


def test_all_wrong_fields_are_named_at_once() -> None:
    given = {"email": "x", "first_name": 1, "tags": [2], "metadata": {"n": float("inf")}, "what": None}
    assert set(wrong(NewContact, given)) == {"email", "first_name", "tags.0", "metadata.n", "what"}


@pytest.mark.parametrize("given", [None, [], "x", 5, True])
def test_a_body_is_an_object(given: Any) -> None:
    with pytest.raises(BodyNotJson, match="object"):
        NewContact.checked(given)


def test_tags_are_kept_in_order_and_once() -> None:
    many = [*map(str, range(100)), "0"]
    assert NewContact.checked({"tags": ["b", "a", "b"]}).given() == {"tags": ["b", "a"]}
    assert len(NewContact.checked({"tags": many}).given()["tags"]) == 100


def test_null_is_different_from_absent() -> None:
    assert ContactChange.checked({"phone": None}).given() == {"phone": None}
    assert ContactChange.checked({}).given() == {}


class AnyJson:
    """No property has a type."""

    def rules(self, names: Collection[str]) -> dict[str, ValueRule]:
        return {}


def taken(body: str, on_invalid: str, model: type[ContactFields] = ContactChange) -> Any:
    """What of a request is taken, and what is left out."""
    draft = model.from_request(request(body, query=f"on_invalid={on_invalid}"))
    return TypedFields(AnyJson()).validate(draft.to_input()).resolve(OnInvalid(on_invalid))


def test_skip_leaves_out_invalid_fields_and_lists_them() -> None:
    body = (
        '{"phone": "x", "first_name": "Ada", "custom_fields": {"a": "\\u0000"}, "tags": ["ok", 5], "a.b": 1}'
    )
    for model in (NewContact, ContactChange):
        fields, skipped = taken(body, "skip", model)
        assert fields == {"first_name": "Ada"}
        assert [error.field for error in skipped] == ["phone", "tags", "a.b", "custom_fields.a"]
        with pytest.raises(InvalidInput):
            taken(body, "reject", model)
        with pytest.raises(InvalidInput):
            model.from_request(request(body)).given()
        with pytest.raises(BodyNotJson):
            model.from_request(request("[]", query="on_invalid=skip"))


def test_skip_leaves_out_only_the_invalid_keys_of_a_map() -> None:
    given = {
        "custom_fields": {"good": 1, "bad": {"deep": ["\0"]}, "x" * 256: 1, "a.b": "\0", "b": None},
        "metadata": {"bad": "\0", "good": [1]},
        "metadata.good": 1,
    }
    fields, skipped = taken(json.dumps(given), "skip")
    assert fields == {"custom_fields": {"good": 1, "b": None}, "metadata": {"good": [1]}}
    assert [error.field for error in skipped] == [
        *("metadata.good", "custom_fields.bad", "custom_fields", "custom_fields.a.b", "metadata.bad")
    ]
    with pytest.raises(InvalidInput) as refused:
        taken(json.dumps(given), "reject")
    assert [error.field for error in refused.value.errors] == [
        *("metadata.good", "custom_fields.bad.deep.0", "custom_fields", "custom_fields.a.b", "metadata.bad")
    ]


@pytest.mark.parametrize("wrong", [[], "x", 5])
def test_skip_leaves_out_a_map_that_is_no_object(wrong: Any) -> None:
    fields, skipped = taken(json.dumps({"custom_fields": wrong, "first_name": "Ada"}), "skip")
    assert fields == {"first_name": "Ada"}
    assert [(error.field, error.message) for error in skipped] == [("custom_fields", "must be an object")]


def test_rejected_is_empty_with_skip_and_none_without() -> None:
    assert taken('{"first_name": "Ada"}', "skip") == ({"first_name": "Ada"}, ())
    assert taken('{"first_name": "Ada"}', "reject") == ({"first_name": "Ada"}, None)


def test_of_very_many_invalid_fields_a_hundred_are_shown() -> None:
    many = json.dumps({f"unknown {number}": 1 for number in range(20_000)})
    keys = json.dumps({"custom_fields": {f"key {number}": "\0" for number in range(101)}})
    for body in (many, keys):
        for on_invalid in ("reject", "skip"):
            with pytest.raises(InvalidInput) as refused:
                taken(body, on_invalid)
            assert len(refused.value.extras["errors"]) == MAX_ERRORS_SHOWN


def test_a_name_that_is_no_unicode_is_an_error_of_the_body() -> None:
    assert list(wrong(NewContact, {"email": "a@example.com", "\ud800": 1})) == ["body"]


@pytest.mark.parametrize(("given", "field"), [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "k", "scopes": ["root"]}, "scopes.0"),
    ({"name": "k", "scopes": []}, "scopes"), ({"name": "k", "mode": "prod"}, "mode"),
    ({"name": "k", "dialect": "klingon"}, "dialect"),
])  # fmt: skip
def test_a_wrong_key_is_refused(given: dict[str, Any], field: str) -> None:
    assert list(wrong(NewApiKey, given)) == [field]


@pytest.mark.parametrize(("given", "field"), [
    ({"plan": "free"}, "name"), ({"name": "A", "plan": "gold"}, "plan"),
    ({"name": "A", "plan": "enterprise", "hourly_limit": 0}, "hourly_limit"),
    ({"name": "A", "plan": "enterprise", "hourly_limit": "5"}, "hourly_limit"),
])  # fmt: skip
def test_a_wrong_account_is_refused(given: dict[str, Any], field: str) -> None:
    assert list(wrong(NewAccount, given)) == [field]
