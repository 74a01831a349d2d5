"""Typed contact properties: changed, archived and back, what is refused, and whose they are."""

from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits, path_of
from tests.support.steps.properties import FORM, PROPERTIES, defined, listed, of

NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"


@pytest.fixture
def form(account: Account) -> dict[str, dict[str, Any]]:
    """A form with a field of each type, by name."""
    return {name: defined(account.api, name, **fields) for name, fields in FORM.items()}


def test_a_field_of_a_form_is_changed_archived_and_brought_back(account: Account, form: Any) -> None:
    api, plan = account.api, form["plan"]
    contact = path_of(api.created(email="ada@example.com", custom_fields={"plan": "free"})["id"])
    changed = api.put(of(plan["id"]), {"label": "Tarif", "options": ["pro", "max"], "description": None})
    assert changed.status_code == 200, changed.text
    assert changed.json() == {
        **plan,
        "label": "Tarif",
        "options": ["pro", "max"],
        "description": None,
        "updated_at": changed.json()["updated_at"],
    }
    assert_problem(api.patch(contact, {"custom_fields": {"plan": "free"}}), 400)
    assert api.patch(contact, {"custom_fields": {"company": "x"}}).json()["custom_fields"]["plan"] == "free"

    deleted = api.delete(of(plan["id"]))
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"deleted": True, "id": plan["id"], "archived": True},
    )
    assert [one["name"] for one in listed(api)] == [name for name in FORM if name != "plan"]
    assert [one["name"] for one in listed(api, "&archived=true")] == list(FORM)
    assert api.get(of(plan["id"])).json()["archived"] is True
    assert api.patch(contact, {"custom_fields": {"plan": "anything"}}).status_code == 200
    taken = assert_problem(
        api.post(PROPERTIES, {"name": "plan", "type": "string"}), 409, "duplicate_property"
    )
    assert taken["existing_id"] == plan["id"]

    assert api.put(of(plan["id"]), {"archived": False}).json()["archived"] is False
    assert_problem(api.patch(contact, {"custom_fields": {"plan": "anything"}}), 400)
    assert api.patch(contact, {"custom_fields": {"plan": "max"}}).status_code == 200


REFUSED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a core field": ({"name": "email", "type": "string"}, {"name"}),
    "a core field that is only shown": ({"name": "validation_status", "type": "string"}, {"name"}),
    "no name for a key": ({"name": "job title", "type": "string"}, {"name"}),
    "an unknown type": ({"name": "x", "type": "text"}, {"type"}),
    "an enum without options": ({"name": "x", "type": "enum"}, {"options"}),
    "an enum with an option twice": ({"name": "x", "type": "enum", "options": ["a", "a"]}, {"options"}),
    "options on a string": ({"name": "x", "type": "string", "options": ["a"]}, {"options"}),
    "all of it": ({"name": "id", "type": "date", "options": [], "required": True}, {"name", "options", "required"}),
    "nothing": ({}, {"name", "type"}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "fields"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_a_property_is_refused_by_name(
    body: dict[str, Any], fields: set[str], account: Account
) -> None:
    before = account.items()
    assert culprits(assert_problem(account.api.post(PROPERTIES, body), 400, "invalid_input")) == fields
    assert account.items() == before


def test_name_and_type_never_change(account: Account) -> None:
    made = defined(account.api, "size", type="number")
    before = account.items()
    problem = assert_problem(
        account.api.put(of(made["id"]), {"name": "height", "type": "string", "options": ["a"], "label": 5}),
        400,
    )
    says = {error["field"]: error["message"] for error in problem["errors"]}
    assert says.keys() == {"name", "type", "options", "label"}
    assert (says["name"], says["type"]) == ("never changes: it is size", "never changes: it is number")
    assert account.items() == before


@pytest.mark.parametrize("property_id", [NOBODYS, "size", "x" * 2000])
def test_what_is_not_there_is_not_found(property_id: str, account: Account) -> None:
    defined(account.api, "size", type="number")
    for answer in (
        account.api.get(of(property_id)),
        account.api.put(of(property_id), {"label": "x"}),
        account.api.delete(of(property_id)),
    ):
        assert_problem(answer, 404, "property_not_found")
    assert_problem(account.api.post(of(property_id), {}), 405, "method_not_allowed")


def test_a_request_that_comes_twice_is_carried_out_once(account: Account) -> None:
    api, body = account.api, {"name": "size", "type": "number"}
    first = api.post(PROPERTIES, body, Idempotency_Key="define")
    fields = {"email": "ada@example.com", "custom_fields": {"size": 5, "later": 1}}
    contact = api.post("/v1/contacts", fields, Idempotency_Key="contact")
    api.put(of(first.json()["id"]), {"label": "Size"}, Idempotency_Key="label")
    defined(api, "later", type="string")  # What was sent before would be refused now.
    before = account.items()
    for answer, again in (
        (first, api.post(PROPERTIES, body, Idempotency_Key="define")),
        (contact, api.post("/v1/contacts", fields, Idempotency_Key="contact")),
    ):
        assert (again.status_code, again.json()) == (201, answer.json())
        assert again.headers["Idempotent-Replayed"] == "true"
    assert_problem(api.post(PROPERTIES, {**body, "type": "date"}, Idempotency_Key="define"), 422)
    assert account.items() == before


def test_every_account_has_properties_of_its_own(account: Account, other_account: Account) -> None:
    theirs = defined(other_account.api, "size", type="number")
    before = other_account.items()
    for answer in (
        account.api.get(of(theirs["id"])),
        account.api.put(of(theirs["id"]), {"archived": True}),
        account.api.delete(of(theirs["id"])),
    ):
        assert_problem(answer, 404, "property_not_found")
    assert listed(account.api, "&archived=true") == []
    assert account.api.created(email="ada@example.com", custom_fields={"size": "any"})
    mine = defined(account.api, "size", type="string")
    assert mine["id"] != theirs["id"]
    assert other_account.items() == before
    assert_problem(
        other_account.api.post("/v1/contacts", {"email": "e@example.com", "custom_fields": {"size": "x"}}),
        400,
    )


def test_who_may_do_what(account: Account) -> None:
    one = of(defined(account.api, "size", type="number")["id"])
    body = {"name": "more", "type": "string"}
    allowed = {
        "properties:read": {"list", "get"},
        "properties:write": {"create", "update", "delete"},
        "api_user": {"list"},
        "user": {"create", "update"},
        "contacts:write": set(),
    }
    for scope, operations in allowed.items():
        api = account.api_with(account.key(scopes=[scope])["key"])
        with api:
            answers = {
                "list": api.get(PROPERTIES),
                "get": api.get(one),
                "create": api.post(PROPERTIES, {**body, "name": f"of-{scope.replace(':', '-')}"}),
                "update": api.put(one, {"label": scope}),
                "delete": api.delete(one),
            }
        refused = {name: answer for name, answer in answers.items() if name not in operations}
        assert all(answers[name].ok for name in operations), scope
        for name, answer in refused.items():
            problem = assert_problem(answer, 403, "scope_missing")
            assert problem["scope"] == f"properties:{'read' if name in ('list', 'get') else 'write'}"


def test_a_test_key_defines_nothing_and_is_checked_all_the_same(account: Account) -> None:
    made = defined(account.api, "size", type="number")
    key = account.key(mode="test")["key"]
    before = account.items()
    with account.api_with(key) as api:
        shown = defined(api, "size", type="string")
        assert (shown["test_mode"], shown["type"]) == (True, "string")
        assert listed(api) == []
        for property_id in (made["id"], shown["id"]):
            assert_problem(api.get(of(property_id)), 404)
            assert_problem(api.put(of(property_id), {"label": "x"}), 404)
            assert_problem(api.delete(of(property_id)), 404)
        problem = assert_problem(
            api.post("/v1/contacts", {"email": "a@example.com", "custom_fields": {"size": "x"}}), 400
        )
        assert culprits(problem) == {"custom_fields.size"}
    assert account.items() == before


def test_many_fields_at_once_are_checked_all_the_same(account: Account) -> None:
    """More than one call can look up: then all properties are read instead."""
    defined(account.api, "n50", type="boolean")
    fields = {f"n{number}": number for number in range(300)}
    problem = assert_problem(
        account.api.post("/v1/contacts", {"external_id": "7", "custom_fields": fields}), 400
    )
    assert culprits(problem) == {"custom_fields.n50"}
    contact = account.api.created(external_id="7", custom_fields={**fields, "n50": True})
    assert len(contact["custom_fields"]) == 300
