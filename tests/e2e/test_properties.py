"""Typed contact properties, as a form builder uses them: defined once, checked in every write, archived and back."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import ROOT
from tests.e2e.test_readme import commands, run
from tests.support.accounts import Account, Accounts
from tests.support.api import MAX_THREADS, assert_problem, culprits, path_of
from tests.support.steps.properties import FORM, PROPERTIES, defined, listed, of

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
        command = {"label": name, "description": None, **FORM[name]}
        assert one == {**one, **command, "name": name, "archived": False}
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


def test_nothing_of_the_values_is_logged(accounts: Accounts, account: Account) -> None:
    defined(account.api, "motto", type="enum", options=["Kaffee zuerst"])
    account.api.post("/v1/contacts", {"email": "a@example.com", "custom_fields": {"motto": "Geheimnis"}})
    written = "".join(accounts.logged("CreateContact") + accounts.logged("CreateProperty"))
    assert "create_contact" in written
    assert not any(word in written for word in ("Geheimnis", "Kaffee", "motto", "a@example.com"))
