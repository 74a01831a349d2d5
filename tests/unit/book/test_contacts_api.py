"""One contact: how its fields are kept, changed, cleared and merged, its names, its trash and its versions."""

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest
import requests

from tests.support.accounts import Account
from tests.support.api import assert_problem, path_of
from tests.support.steps.contacts import EVERYTHING


def test_a_new_contact_needs_no_more_than_one_name(account: Account) -> None:
    by_email = account.api.created(email="ada@example.com")
    by_external_id = account.api.created(external_id="4711")
    assert (by_email["external_id"], by_email["tags"], by_email["custom_fields"]) == (None, [], {})
    assert (by_external_id["email"], by_external_id["is_active"]) == (None, True)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param("Ada.Lovelace@EXAMPLE.com", "ada.lovelace@example.com", id="lower case"),
        pytest.param("info@bücher.example", "info@xn--bcher-kva.example", id="international domain"),
        pytest.param("o'brien+news@example.com", "o'brien+news@example.com", id="apostrophe and plus"),
    ],
)
def test_an_email_is_kept_in_one_form(given: str, stored: str, account: Account) -> None:
    contact = account.api.created(email=given)
    assert contact["email"] == stored
    for form in (given, stored, given.upper()):
        assert account.api.contact(form)["id"] == contact["id"]
    taken = assert_problem(account.api.post("/v1/contacts", {"email": stored}), 409, "duplicate_contact")
    assert taken["existing_id"] == contact["id"]


@pytest.mark.parametrize(
    ("given", "first", "last", "shown"),
    [
        ({"name": "Ada King Lovelace"}, "Ada", "King Lovelace", "Ada King Lovelace"),
        ({"name": "Πλάτων"}, "Πλάτων", None, "Πλάτων"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada", "Lovelace", "Ada Lovelace"),
        ({"last_name": "Lovelace"}, None, "Lovelace", "Lovelace"),
        ({"name": "The Countess", "first_name": "Ada"}, "Ada", None, "Ada"),
    ],
    ids=["name alone", "one word", "first and last", "last only", "name beside a part"],
)
def test_the_parts_of_a_name(given: Any, first: str, last: str, shown: str, account: Account) -> None:
    contact = account.api.created(external_id="x", **given)
    assert (contact["first_name"], contact["last_name"], contact["name"]) == (first, last, shown)


def test_twenty_levels_of_nesting_are_kept(account: Account) -> None:
    nested: Any = "the end"
    for level in range(19):
        nested = [nested] if level % 2 else {"deeper": nested}
    contact = account.api.created(external_id="deep", custom_fields={"a": nested})
    assert account.api.contact(contact["id"])["custom_fields"] == {"a": nested}


# Duplicates and upserts


def test_a_taken_name_is_refused_with_the_id_of_its_owner(account: Account) -> None:
    first = account.api.created(email="ada@example.com")
    second = account.api.created(external_id="4711")
    before = account.items()
    one = assert_problem(
        account.api.post("/v1/contacts", {"email": "ADA@example.com"}), 409, "duplicate_contact"
    )
    assert (one["field"], one["existing_id"]) == ("email", first["id"])
    both = account.api.post("/v1/contacts", {"email": "ada@example.com", "external_id": "4711"})
    problem = assert_problem(both, 409, "duplicate_contact")
    owners = {error["field"]: error["existing_id"] for error in problem["errors"]}
    assert owners == {"email": first["id"], "external_id": second["id"]}
    assert account.items() == before


def test_an_external_id_is_case_sensitive(account: Account) -> None:
    assert account.api.created(external_id="abc")["id"] != account.api.created(external_id="ABC")["id"]


def test_an_upsert_that_names_two_contacts_is_refused(account: Account) -> None:
    account.api.created(email="ada@example.com")
    other = account.api.created(external_id="7")
    before = account.items()
    answer = account.api.post(
        "/v1/contacts?on_conflict=update", {"email": "ada@example.com", "external_id": "7"}
    )
    problem = assert_problem(answer, 409, "duplicate_contact")
    assert (problem["field"], problem["existing_id"]) == ("external_id", other["id"])
    assert account.items() == before


# Read


def test_every_name_leads_to_the_contact_at_once_after_the_write(account: Account) -> None:
    for n in range(20):
        contact = account.api.created(email=f"reader{n}@example.com", external_id=f"reader-{n}")
        for ref in (contact["id"], contact["id"].upper(), contact["email"], contact["external_id"]):
            assert account.api.contact(ref) == contact
        for by in ("id", "email", "external_id"):
            assert account.api.get(path_of(contact[by], f"?by={by}")).json() == contact


def test_by_says_how_a_ref_is_read(account: Account) -> None:
    """One contact's external_id may be what another's email or id is; unless told, the id and the email win."""
    first = account.api.created(email="ada@example.com")
    mails = account.api.created(external_id="ada@example.com")
    ids = account.api.created(external_id=first["id"])
    assert account.api.contact("ada@example.com")["id"] == first["id"]
    assert account.api.contact(first["id"])["id"] == first["id"]
    assert account.api.get(path_of("ada@example.com", "?by=external_id")).json()["id"] == mails["id"]
    assert account.api.get(path_of(first["id"], "?by=external_id")).json()["id"] == ids["id"]
    for ref, by in (("ada@example.com", "id"), (first["id"], "email"), ("4711", "id"), ("4711", "email")):
        assert_problem(account.api.get(path_of(ref, f"?by={by}")), 404, "contact_not_found")


# Update


@pytest.fixture
def contact(account: Account) -> Any:
    return account.api.created(**EVERYTHING)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("named_by", ["id", "email", "external_id"])
def test_an_update_changes_what_is_given_and_nothing_else(
    method: str, named_by: str, account: Account, contact: Any
) -> None:
    answer = account.api.send(method, path_of(contact[named_by]), {"first_name": "桜", "is_active": True})
    updated = answer.json()
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2-pending"'
    assert updated["updated_at"] > contact["updated_at"]
    assert updated == {
        **contact,
        "first_name": "桜",
        "name": "桜 田中",
        "is_active": True,
        "version": 2,
        "updated_at": updated["updated_at"],
    }
    assert account.api.contact(contact["id"]) == updated


CLEARED = {
    "external_id": None,
    "first_name": None,
    "last_name": None,
    "phone": None,
    "tags": [],
    "lists": [],
    "custom_fields": {},
    "metadata": {},
}


@pytest.mark.parametrize("field", CLEARED)
def test_null_clears_a_field(field: str, account: Account, contact: Any) -> None:
    updated = account.api.patch(path_of(contact["id"]), {field: None}).json()
    changed = {name for name in contact if updated[name] != contact[name]} - {"version", "updated_at"}
    assert updated[field] == CLEARED[field]
    implied = {"first_name": {"name"}, "last_name": {"name"}}
    assert changed == {field} | implied.get(field, set())
    assert account.api.contact(contact["id"]) == updated


@pytest.mark.parametrize("flag", ["is_active", "is_unsubscribed"])
def test_null_keeps_a_flag(flag: str, account: Account, contact: Any) -> None:
    updated = account.api.patch(path_of(contact["id"]), {flag: None, "first_name": "Jo"}).json()
    assert (updated[flag], updated["first_name"]) == (contact[flag], "Jo")


def test_null_clears_an_email_and_frees_it(account: Account, contact: Any) -> None:
    updated = account.api.patch(path_of(contact["id"]), {"email": None}).json()
    assert updated["email"] is None
    assert_problem(account.api.get(path_of(contact["email"])), 404)
    assert account.api.created(email=contact["email"])["id"] != contact["id"]


def test_maps_merge_by_key_and_null_drops_one(account: Account, contact: Any) -> None:
    change = {"custom_fields": {"score": None, "plan": {"name": "Pro"}, "new key": [1, {"deep": None}]}}
    updated = account.api.patch(path_of(contact["id"]), change).json()
    assert updated["custom_fields"] == {
        "company": "Example 株式会社",
        "plan": {"name": "Pro"},
        "langs": ["ja"],
        "new key": [1, {"deep": None}],
    }
    assert updated["metadata"] == contact["metadata"]


def test_more_keys_than_an_expression_holds_merge_as_well(account: Account, contact: Any) -> None:
    many = {f"key {n}": n for n in range(200)}
    updated = account.api.patch(path_of(contact["id"]), {"metadata": many}).json()
    assert updated["metadata"] == contact["metadata"] | many
    assert updated["version"] == 2


def test_unsubscribing_stamps_the_time_once_and_resubscribing_clears_it(account: Account) -> None:
    path = path_of(account.api.created(email="ada@example.com")["id"])
    unsubscribed = account.api.patch(path, {"is_unsubscribed": True}).json()
    assert unsubscribed["unsubscribed_at"] == unsubscribed["updated_at"]
    again = account.api.patch(path, {"is_unsubscribed": True}).json()
    assert again["unsubscribed_at"] == unsubscribed["unsubscribed_at"]
    assert account.api.patch(path, {"is_unsubscribed": False}).json()["unsubscribed_at"] is None


def test_an_empty_update_changes_nothing(account: Account, contact: Any) -> None:
    answer = account.api.patch(path_of(contact["id"]), {})
    assert (answer.status_code, answer.json()) == (200, contact)


def test_a_renamed_contact_is_found_by_its_new_names_only(account: Account, contact: Any) -> None:
    renamed = account.api.patch(
        path_of(contact["email"]), {"email": "S.Tanaka@example.org", "external_id": "new-1"}
    ).json()
    assert (renamed["id"], renamed["email"]) == (contact["id"], "s.tanaka@example.org")
    for gone in (contact["email"], contact["external_id"]):
        assert_problem(account.api.get(path_of(gone)), 404, "contact_not_found")
    for name in ("s.tanaka@example.org", "new-1"):
        assert account.api.contact(name) == renamed
    assert account.api.created(email=contact["email"], external_id=contact["external_id"])


def test_a_rename_to_a_taken_name_is_refused(account: Account, contact: Any) -> None:
    other = account.api.created(email="ada@example.com")
    before = account.items()
    problem = assert_problem(
        account.api.patch(path_of(contact["id"]), {"email": "ada@example.com", "first_name": "x"}), 409
    )
    assert (problem["field"], problem["existing_id"]) == ("email", other["id"])
    assert account.items() == before


def test_a_contact_keeps_at_least_one_name(account: Account, contact: Any) -> None:
    before = account.items()
    problem = assert_problem(
        account.api.patch(path_of(contact["id"]), {"email": None, "external_id": None}), 400, "invalid_input"
    )
    assert {error["field"] for error in problem["errors"]} == {"email", "external_id"}
    assert account.items() == before


def test_on_invalid_skip_leaves_out_invalid_fields(account: Account, contact: Any) -> None:
    account.api.created(email="ada@example.com")
    change = {
        "email": "ada@example.com",
        "phone": "12",
        "first_name": "桜",
        "tags": [f"tag {n}" for n in range(101)],
        "nickname": "Sakura",
        "custom_fields": {"score": 90, "broken": "\0"},
    }
    answer = account.api.patch(path_of(contact["id"], "?on_invalid=skip"), change)
    updated = answer.json()
    assert answer.status_code == 200, answer.text
    skipped = {entry["field"]: entry["reason"] for entry in updated.pop("skipped")}
    assert set(skipped) == {"email", "phone", "tags", "nickname", "custom_fields.broken"}
    assert all(skipped.values())
    assert (updated["first_name"], updated["email"]) == ("桜", contact["email"])
    assert updated["custom_fields"] == {**contact["custom_fields"], "score": 90}
    assert account.api.contact(contact["id"]) == updated


def test_nothing_skipped_is_an_empty_list(account: Account, contact: Any) -> None:
    answer = account.api.patch(path_of(contact["id"], "?on_invalid=skip"), {"first_name": "桜"})
    assert (answer.json()["skipped"], answer.json()["first_name"]) == ([], "桜")


# Delete and restore


@pytest.mark.parametrize("named_by", ["id", "email", "external_id"])
def test_a_deleted_contact_is_gone_and_comes_back_as_it_was(
    named_by: str, account: Account, contact: Any
) -> None:
    deleted = account.api.delete(path_of(contact[named_by]))
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"deleted": True, "id": contact["id"], "permanent": False},
    )
    for name in ("id", "email", "external_id"):
        assert_problem(account.api.get(path_of(contact[name])), 404, "contact_not_found")
        assert_problem(account.api.patch(path_of(contact[name]), {"first_name": "x"}), 404)
        assert_problem(account.api.delete(path_of(contact[name])), 404)
    assert account.api.get("/v1/contacts").json()["data"] == []

    restored = account.api.post(path_of(contact[named_by], "/restore"))
    back = restored.json()
    assert restored.status_code == 200
    assert back == {**contact, "version": 2, "updated_at": back["updated_at"]}
    for name in ("id", "email", "external_id"):
        assert account.api.contact(contact[name]) == back
    assert_problem(account.api.post(path_of(contact["id"], "/restore")), 404, "contact_not_found")


def test_what_is_in_the_trash_can_be_deleted_for_good(account: Account, contact: Any) -> None:
    account.api.delete(path_of(contact["id"]))
    deleted = account.api.delete(path_of(contact["email"], "?permanent=true"))
    assert deleted.json() == {"deleted": True, "id": contact["id"], "permanent": True}
    assert_problem(account.api.post(path_of(contact["id"], "/restore")), 404)


def test_a_name_in_the_trash_can_be_taken(account: Account, contact: Any) -> None:
    account.api.delete(path_of(contact["id"]))
    taker = account.api.created(external_id=contact["external_id"])
    assert taker["id"] != contact["id"]
    back = account.api.post(path_of(contact["id"], "/restore")).json()
    assert (back["email"], back["external_id"]) == (contact["email"], None)
    assert account.api.contact(contact["external_id"])["id"] == taker["id"]


def test_a_contact_that_lost_all_its_names_stays_in_the_trash(account: Account) -> None:
    contact = account.api.created(external_id="only")
    account.api.delete(path_of(contact["id"]))
    account.api.created(external_id="only")
    assert_problem(account.api.post(path_of(contact["id"], "/restore")), 409, "names_taken")


# Where a request is conditional


def _patch(account: Account, contact: Any, if_match: str) -> requests.Response:
    return account.api.patch(path_of(contact["id"]), {"first_name": f"x {if_match}"}, If_Match=if_match)


def _rename(account: Account, contact: Any, if_match: str) -> requests.Response:
    return account.api.patch(path_of(contact["email"]), {"email": "x@example.com"}, If_Match=if_match)


def _delete(account: Account, contact: Any, if_match: str) -> requests.Response:
    return account.api.delete(path_of(contact["id"]), If_Match=if_match)


def _erase(account: Account, contact: Any, if_match: str) -> requests.Response:
    return account.api.delete(path_of(contact["id"], "?permanent=true"), If_Match=if_match)


@pytest.mark.parametrize("change", [_patch, _rename, _delete, _erase])
def test_a_stale_if_match_changes_nothing_and_a_fresh_one_lets_it_through(
    change: Callable[[Account, Any, str], requests.Response], account: Account, contact: Any
) -> None:
    stale = '"1-pending"'
    fresh = account.api.patch(path_of(contact["id"]), {"phone": None}).headers["ETag"]
    before = account.items()
    assert_problem(change(account, contact, stale), 412, "stale_version")
    assert account.items() == before
    # The status of the validation is no part of the comparison: a verdict is no change.
    answer = change(account, contact, fresh.replace("pending", "valid"))
    assert answer.status_code == 200, answer.text


def test_a_stale_if_match_stops_an_upsert(account: Account, contact: Any) -> None:
    before = account.items()
    upsert, body = "/v1/contacts?on_conflict=update", {"email": contact["email"], "first_name": "x"}
    assert_problem(account.api.post(upsert, body, If_Match='"7"'), 412, "stale_version")
    assert account.items() == before
    assert account.api.post(upsert, body, If_Match='"1"').json()["version"] == 2


def test_if_match_takes_several_tags_and_the_star(account: Account, contact: Any) -> None:
    assert _patch(account, contact, '"7-valid", W/"1-pending"').status_code == 200
    assert _patch(account, contact, "*").status_code == 200
    assert _patch(account, contact, '"3"').json()["version"] == 4


# Refs with special characters


SPECIAL = {
    "percent": "100%",
    "percent escape": "a%2Fb%41",
    "escaped percent": "%25",
    "plus": "a+b",
    "space": "two words",
    "hash": "tag#1",
    "ampersand and equals": "a=b&c=d",
    "semicolon": "a;b",
    "comma": "a,b",
    "colon": "urn:x:1",
    "double quotes": '"quoted"',
    "apostrophe": "O'Brien",
    "backslash": "C:\\x",
    "brackets": "[{(<>)}]",
    "pipe and caret": "a|b^c`d",
    "umlaut": "Zoë Müller",
    "decomposed": "Zoe\u0308",
    "Japanese": "東京-001",
    "Arabic": "عميل-٧",
    "emoji": "🎉👩‍👩‍👧",
    "tab and newline": "a\tb\nc",
    "dots": "...",
    "looks like a key": "CONTACT#1#CLAIM",
    "looks like an email": "not@an@email",
    "looks like an id": "8d2b1d34-3c1e-4f7a-9b61-6a2f4c8e0d15",
    "looks like null": "null",
    "longest": "x" * 255,
    "longest in bytes": "🎉" * 255,
}


@pytest.mark.parametrize("external_id", SPECIAL.values(), ids=list(SPECIAL))
def test_an_external_id_may_hold_any_character(external_id: str, account: Account) -> None:
    contact, shown = account.api.created(external_id=external_id), normalize("NFC", external_id)
    assert contact["external_id"] == shown
    assert account.api.contact(external_id) == contact
    assert account.api.get(path_of(external_id, "?by=external_id")).json() == contact
    assert account.api.patch(path_of(external_id), {"first_name": "A"}).json()["id"] == contact["id"]
    assert account.api.delete(path_of(external_id)).json()["id"] == contact["id"]
    assert account.api.post(path_of(external_id, "/restore")).json()["external_id"] == shown


@pytest.mark.parametrize(
    "ref",
    ["x" * 256, "x" * 5000, "🎉" * 600, "a@" + "b" * 3000, "%00", "\0", "nobody@example.com", "-"],
    ids=["256", "5000", "600 emoji", "long email", "escaped NUL", "NUL", "unknown email", "dash"],
)
@pytest.mark.parametrize("by", ["", "?by=id", "?by=email", "?by=external_id"], ids=["", "id", "email", "ext"])
def test_a_ref_that_names_nobody_is_not_found(ref: str, by: str, shared_account: Account) -> None:
    assert_problem(shared_account.api.get(path_of(ref, by)), 404, "contact_not_found")


def test_a_tag_may_hold_a_comma(account: Account) -> None:
    contact = account.api.created(external_id="x", tags=["a,b", "a", "b"])
    assert account.api.contact("x")["tags"] == ["a,b", "a", "b"]
    fewer = account.api.patch(path_of(contact["id"]), {"remove_tags": ["a,b"]}).json()
    assert fewer["tags"] == ["a", "b"]
