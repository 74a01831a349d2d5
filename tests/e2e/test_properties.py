"""Typed contact properties, as a form builder uses them: defined once, checked in every write, archived and back."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import ROOT
from tests.e2e.accounts import Account, Accounts
from tests.e2e.api import MAX_THREADS, Api, assert_problem, culprits, path_of
from tests.e2e.test_readme import commands, run

PROPERTIES = "/v1/contact-properties"
NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"
FORM: dict[str, dict[str, Any]] = {
    "company": {"type": "string", "label": "Company"},
    "employees": {"type": "number"},
    "newsletter": {"type": "boolean"},
    "birthday": {"type": "date"},
    "met_at": {"type": "datetime"},
    "plan": {"type": "enum", "options": ["free", "pro"], "description": "What they pay for"},
    "address": {"type": "object"},
    "languages": {"type": "array"},
}
FILLED_IN: dict[str, Any] = {
    "company": "Example 株式会社",
    "employees": 250,
    "newsletter": False,
    "birthday": "1984-02-29",
    "met_at": "2026-01-15T10:30:00+09:00",
    "plan": "pro",
    "address": {"city": "東京"},
    "languages": ["ja", "en"],
}
MISSPELT: dict[str, Any] = {
    "company": 5,
    "employees": "250",
    "newsletter": 1,
    "birthday": "1985-02-29",
    "met_at": "2026-01-15T10:30:00",
    "plan": "PRO",
    "address": "東京",
    "languages": "ja, en",
}


def of(property_id: str) -> str:
    return f"{PROPERTIES}/{property_id}"


def defined(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    """A new property as the API showed it."""
    answer = api.post(PROPERTIES, {"name": name, **fields})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Every property, page after page."""
    found, cursor = [], ""
    while True:
        page = api.get(f"{PROPERTIES}?limit=3{query}{cursor}").json()
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
def form(account: Account) -> dict[str, dict[str, Any]]:
    """A form with a field of each type, by name."""
    return {name: defined(account.api, name, **fields) for name, fields in FORM.items()}


def test_the_guide_shows_what_happens(stack: dict[str, Any], account: Account) -> None:
    page = (ROOT / "docs" / "properties.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    key = account.key()["key"]
    ran = [run(command, stack, key) for command in commands(blocks)]
    assert [status for status, _ in ran] == [201, 201, 400, 201], ran
    (_, plan), (_, birthday), (_, refused), (_, made) = ran
    assert (plan["options"], birthday["label"]) == (["free", "pro"], "birthday")
    for error in refused["errors"]:
        assert f'{{"field": "{error["field"]}", "message": "{error["message"]}"}}' in page
    assert made["custom_fields"] == {"plan": "pro"}
    (skipped,) = made["skipped"]
    assert f'{{"field": "{skipped["field"]}", "reason": "{skipped["reason"]}"}}' in page


def test_a_form_from_its_first_field_to_a_contact(account: Account, form: Any) -> None:
    api = account.api
    assert listed(api) == list(form.values())
    for name, one in form.items():
        wish = {"label": name, "description": None, **FORM[name]}
        assert one == {**one, **wish, "name": name, "archived": False}
        assert ("options" in one) == (name == "plan")
        assert one["created_at"] == one["updated_at"]
        assert api.get(of(one["id"])).json() == one

    filled_in = {"email": "sakura@example.com", "custom_fields": FILLED_IN | {"not on the form": [1]}}
    contact = api.created(**filled_in)
    assert contact["custom_fields"] == filled_in["custom_fields"]

    fields = {f"custom_fields.{name}" for name in MISSPELT}
    wrong = {"custom_fields": MISSPELT, "phone": "12"}
    for answer in (
        api.post("/v1/contacts", {"email": "new@example.com", **wrong}),
        api.post("/v1/contacts?on_conflict=update", {"email": "sakura@example.com", **wrong}),
        api.patch(path_of("sakura@example.com"), wrong),
        api.put(f"/api{path_of(contact['id'])}", wrong),
    ):
        assert culprits(assert_problem(answer, 400, "invalid_input")) == {*fields, "phone"}
    assert api.contact(contact["id"]) == contact
    assert_problem(api.get(path_of("new@example.com")), 404)

    answer = api.patch(path_of(contact["id"], "?on_invalid=skip"), wrong | {"first_name": "桜"})
    skipped = {entry["field"]: entry["reason"] for entry in answer.json()["skipped"]}
    assert (answer.status_code, skipped.keys()) == (200, {*fields, "phone"})
    assert skipped["custom_fields.plan"] == "must be one of free, pro"
    assert api.contact(contact["id"])["custom_fields"] == filled_in["custom_fields"]
    answer = api.post("/v1/contacts?on_invalid=skip", {"email": "new@example.com", **wrong})
    assert (answer.status_code, len(answer.json()["skipped"])) == (201, len(fields) + 1)
    assert answer.json()["custom_fields"] == {}

    cleared = api.patch(path_of(contact["id"]), {"custom_fields": dict.fromkeys(FORM)}).json()
    assert cleared["custom_fields"] == {"not on the form": [1]}


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


def test_of_many_creates_of_a_name_at_once_one_makes_it(account: Account) -> None:
    kinds = ["string", "number"] * (MAX_THREADS // 2)
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(
            clients.map(lambda kind: account.api.post(PROPERTIES, {"name": "size", "type": kind}), kinds)
        )
    (made,) = [answer.json() for answer in answers if answer.status_code == 201]
    others = [
        assert_problem(answer, 409, "duplicate_property") for answer in answers if answer.status_code != 201
    ]
    assert {problem["existing_id"] for problem in others} == {made["id"]}
    assert listed(account.api) == [made]


def test_of_many_changes_at_once_none_is_lost(account: Account) -> None:
    made = defined(account.api, "size", type="enum", options=["s"])
    changes: list[dict[str, Any]] = [
        {"label": "Size"},
        {"options": ["s", "m"]},
        {"description": "Of the shirt"},
    ]
    with ThreadPoolExecutor(3) as clients:
        answers = list(clients.map(lambda change: account.api.put(of(made["id"]), change), changes))
    assert {answer.status_code for answer in answers} == {200}
    shown = account.api.get(of(made["id"])).json()
    assert all(shown.items() >= change.items() for change in changes)


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


def test_nothing_of_the_values_is_logged(accounts: Accounts, account: Account) -> None:
    defined(account.api, "motto", type="enum", options=["Kaffee zuerst"])
    account.api.post("/v1/contacts", {"email": "a@example.com", "custom_fields": {"motto": "Geheimnis"}})
    written = "".join(accounts.logged("CreateContact") + accounts.logged("CreateProperty"))
    assert "create_contact" in written
    assert not any(word in written for word in ("Geheimnis", "Kaffee", "motto", "a@example.com"))
