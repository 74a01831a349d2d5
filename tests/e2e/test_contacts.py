"""One contact through the gateway: written, read, changed, deleted, restored; sizes, numbers, headers and paths."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, path_of
from tests.support.steps.contacts import EVERYTHING

# Create


def test_a_new_contact_has_what_was_given_and_what_the_service_adds(account: Account) -> None:
    answer = account.api.post("/v1/contacts", EVERYTHING)
    contact = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/contacts/{contact['id']}"
    assert answer.headers["ETag"] == '"1-pending"'
    assert answer.headers["Content-Type"] == "application/json"
    assert contact == {
        **EVERYTHING,
        "id": contact["id"],
        "name": "さくら 田中",
        "unsubscribed_at": contact["created_at"],
        "validation_status": "pending",
        "validation_reason": None,
        "version": 1,
        "created_at": contact["created_at"],
        "updated_at": contact["created_at"],
    }
    assert account.api.contact(contact["id"]) == contact


def test_numbers_keep_their_value(account: Account) -> None:
    """Written by hand, because Python's own floats would lose the digits on the way out."""
    literals = {
        "small": "0.1",
        "most digits": "12345678901234567890123456789012345678",
        "fraction": "0.1234567890123456789012345678901234567",
        "largest": "9.9999999999999999999999999999999999999E+125",
        "negative": "-1e-130",
        "zero": "-0.0",
        "whole": "1.50e2",
    }
    body = ",".join(f'"{name}":{literal}' for name, literal in literals.items())
    answer = account.api.send("POST", "/v1/contacts", raw=f'{{"external_id":"n","metadata":{{{body}}}}}')
    assert answer.status_code == 201, answer.text
    for text in (answer.text, account.api.get(path_of("n")).text):
        shown = json.loads(text, parse_float=Decimal, parse_int=Decimal)["metadata"]
        assert shown == {name: Decimal(literal) for name, literal in literals.items()}


def test_as_much_as_may_be_is_kept(account: Account) -> None:
    most = {
        "external_id": "🎉" * 255,
        "first_name": "é" * 255,
        "tags": [f"{n:03}{'t' * 97}" for n in range(100)],
        "lists": [f"{n:03}{'l' * 97}" for n in range(100)],
        "metadata": {"k" * 255: "v" * 300_000},
    }
    contact = account.api.created(**most)
    assert {field: contact[field] for field in most} == most
    assert account.api.contact(contact["id"]) == contact


def test_an_upsert_creates_then_updates(account: Account) -> None:
    upsert = "/v1/contacts?on_conflict=update"
    created = account.api.post(upsert, {"email": "ada@example.com", "tags": ["a"], "metadata": {"x": 1}})
    assert created.status_code == 201
    updated = account.api.post(
        upsert,
        {"email": "Ada@example.com", "external_id": "7", "add_tags": ["b"], "metadata": {"y": 2}},
    )
    contact = updated.json()
    assert updated.status_code == 200
    assert contact["id"] == created.json()["id"]
    assert (contact["tags"], contact["metadata"]) == (["a", "b"], {"x": 1, "y": 2})
    assert (contact["external_id"], contact["version"]) == ("7", 2)
    by_external_id = account.api.post(upsert, {"external_id": "7", "add_lists": ["news"]})
    assert (by_external_id.status_code, by_external_id.json()["lists"]) == (200, ["news"])


def test_a_reader_who_has_it_already_gets_304(account: Account) -> None:
    contact = account.api.created(email="ada@example.com")
    etag = account.api.get(path_of(contact["id"])).headers["ETag"]
    for known in (etag, f'"0-valid", {etag}', f"W/{etag}", "*"):
        answer = account.api.get(path_of("ada@example.com"), If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    account.api.patch(path_of(contact["id"]), {"first_name": "Ada"})
    assert account.api.get(path_of(contact["id"]), If_None_Match=etag).status_code == 200


# Update


@pytest.fixture
def contact(account: Account) -> Any:
    return account.api.created(**EVERYTHING)


def test_tags_and_lists_are_replaced_added_and_removed(account: Account, contact: Any) -> None:
    path = path_of(contact["id"])
    added = account.api.patch(path, {"add_tags": ["new", "vip"], "remove_tags": ["展示会 2026", "absent"]})
    assert added.json()["tags"] == ["vip", "new"]
    moved = account.api.patch(path, {"add_lists": ["beta"], "remove_lists": ["newsletter"]})
    assert moved.json()["lists"] == ["product-updates", "beta"]
    replaced = account.api.patch(path, {"tags": ["b", "a", "b"], "lists": []})
    assert (replaced.json()["tags"], replaced.json()["lists"]) == (["b", "a"], [])
    assert replaced.json()["version"] == 4


def test_a_permanent_delete_leaves_nothing_personal(account: Account, contact: Any) -> None:
    deleted = account.api.delete(path_of(contact["id"], "?permanent=true"))
    assert deleted.json() == {"deleted": True, "id": contact["id"], "permanent": True}
    left = repr(account.items())
    assert contact["id"] in left
    assert not [text for text in ("tanaka", "さくら", "田中", "48213", "+8190") if text in left]
    assert_problem(account.api.get(path_of(contact["id"])), 404)
    assert_problem(account.api.post(path_of(contact["id"], "/restore")), 404)
    assert account.api.created(email=contact["email"])["id"] != contact["id"]


def test_creating_an_email_in_the_trash_brings_its_contact_back(account: Account, contact: Any) -> None:
    account.api.delete(path_of(contact["id"]))
    answer = account.api.post(
        "/v1/contacts",
        {"email": contact["email"].upper(), "phone": "+4930123456", "custom_fields": {"score": 99}},
    )
    back = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/contacts/{contact['id']}"
    assert back == {
        **contact,
        "phone": "+4930123456",
        "custom_fields": contact["custom_fields"] | {"score": 99},
        "version": 2,
        "updated_at": back["updated_at"],
    }
    assert account.api.contact(contact["external_id"]) == back


def test_a_stale_if_match_keeps_a_contact_in_the_trash(account: Account, contact: Any) -> None:
    account.api.delete(path_of(contact["id"]))
    before = account.items()
    restore = path_of(contact["id"], "/restore")
    assert_problem(account.api.post(restore, If_Match='"7"'), 412, "stale_version")
    assert account.items() == before
    assert account.api.post(restore, If_Match='"1"').status_code == 200


def test_unlike_spellings_are_unlike_external_ids(account: Account) -> None:
    """The escapes of URLs do not make two names one. Unicode's forms do."""
    names = ["Zo\u00eb", "Zoe", "a b", "a+b", "a%20b", "a%2Bb", "%2525", "%25", "%"]
    ids = [account.api.created(external_id=name)["id"] for name in names]
    assert [account.api.contact(name)["id"] for name in names] == ids
    assert account.api.contact("Zoe\u0308")["id"] == ids[0]


@pytest.mark.parametrize("safe", ["", "@+'"], ids=["escaped", "as it is"])
def test_an_email_with_plus_and_apostrophe_may_stand_in_a_path(safe: str, account: Account) -> None:
    contact = account.api.created(email="o'brien+news@example.com")
    answer = account.api.get(f"/v1/contacts/{quote(contact['email'], safe=safe)}")
    assert answer.json() == contact
