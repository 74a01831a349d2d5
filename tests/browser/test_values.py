"""What a contact has is shown and saved as it is: numbers with all their digits, keys of any name, JSON, long texts."""

import pytest

from tests.browser.test_people import said
from tests.support.accounts import Account
from tests.support.api import path_of
from tests.support.console import Console, Consoles, expect
from tests.support.steps import properties

LONG_NUMBER = "9007199254740993"
"""The first whole number that JavaScript's own numbers do not hold."""
ODD_KEYS = ("__proto__", "constructor", "a.b", "with space", "ключ", "<b>")


def opened(consoles: Consoles, account: Account, **fields: object) -> tuple[Console, str]:
    """The page of a new contact, and its path in the API."""
    made = account.api.created(email="ada@example.com", **fields)
    console = consoles.open(account.api.key, f"/contact/{made['id']}")
    console.settled()
    return console, path_of(made["id"])


def edited(console: Console, label: str, text: str) -> None:
    """Type a value and save it."""
    page = console.page
    page.get_by_role("button", name=f"Edit {label}").click()
    page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save", exact=True).click()


def test_a_long_number_keeps_its_digits(consoles: Consoles, account: Account) -> None:
    fields = {"serial": int(LONG_NUMBER), "in": {"side": [int(LONG_NUMBER)]}, "short": 1.5}
    console, path = opened(consoles, account, custom_fields=fields)
    page = console.page
    expect(page.get_by_role("button", name="Edit serial:")).to_contain_text(LONG_NUMBER)
    page.get_by_role("button", name="Edit in", exact=True).click()
    control = page.get_by_label("in", exact=True)
    assert LONG_NUMBER in control.input_value()
    control.fill(control.input_value().replace('"side"', '"inside"'))
    page.get_by_role("button", name="Save", exact=True).click()
    said(console, "Saved: in.")
    assert account.api.contact(path.rpartition("/")[2])["custom_fields"]["in"] == {
        "inside": [int(LONG_NUMBER)]
    }
    edited(console, "serial", "123456789012345678901234567890.5")
    said(console, "Saved: serial.")
    assert "123456789012345678901234567890.5" in account.api.get(path).text
    edited(console, "serial", "1234567890123.45678")
    expect(page.get_by_role("button", name="Edit serial:")).to_contain_text("1234567890123.45678")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_may_be_any_text(key: str, consoles: Consoles, account: Account) -> None:
    console, path = opened(consoles, account, custom_fields={key: "before", "other": "stays"})
    edited(console, key, "after")
    said(console, "Saved")
    assert account.api.get(path).json()["custom_fields"] == {key: "after", "other": "stays"}


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("number", "12,5", "must be a number such as 12.5"),
        ("object", '{"a": }', "is no JSON"),
        ("datetime", "tomorrow", "ISO 8601"),
    ],
)
def test_what_is_none_of_its_kind_is_said_beside_the_field(
    kind: str, text: str, why: str, consoles: Consoles, account: Account
) -> None:
    properties.defined(account.api, "value", type=kind, label="Value")
    console, path = opened(consoles, account)
    edited(console, "Value", text)
    field = console.page.get_by_label("Value", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(text)
    expect(console.page.locator(".wrong")).to_contain_text(why)
    console.page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    assert account.api.get(path).json()["custom_fields"] == {}


def test_a_day_that_is_typed_by_half_erases_and_leaves_out_nothing(
    consoles: Consoles, account: Account
) -> None:
    properties.defined(account.api, "birthday", type="date", label="Birthday")
    console, path = opened(consoles, account, custom_fields={"birthday": "1990-02-15"})
    page = console.page
    page.get_by_role("button", name="Edit Birthday").click()
    field = page.get_by_label("Birthday", exact=True)
    expect(field).to_be_focused()
    page.keyboard.press("Backspace")  # Of its three parts the first one.
    expect(field).to_have_value("")
    page.get_by_role("button", name="Save", exact=True).click()
    wrong = page.locator(".wrong")
    expect(wrong).to_contain_text("This is no day.")
    expect(field).to_be_focused()
    assert account.api.get(path).json()["custom_fields"] == {"birthday": "1990-02-15"}
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Backspace")
    expect(wrong).to_have_count(0)
    page.get_by_role("button", name="Save", exact=True).click()
    said(console, "Saved: Birthday.")
    assert account.api.get(path).json()["custom_fields"] == {}
    console.show("/contacts/new")
    page.get_by_label("Email").fill("bob@example.com")
    field.focus()
    page.keyboard.type("1")
    page.get_by_role("button", name="Create the contact").click()
    expect(wrong).to_contain_text("This is no day.")
    assert "POST /v1/contacts" not in console.requested


def test_a_filter_stays_while_its_day_is_typed(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/contacts?created_after=2026-01-15")
    console.settled()
    page = console.page
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("textbox", name="Created from").focus()
    page.keyboard.press("Backspace")
    page.get_by_label("Search contacts").focus()
    expect(page.locator(".wrong")).to_contain_text("This is no day.")
    expect(page.get_by_text("Created from: 2026-01-15")).to_be_visible()


def test_a_long_text_is_shown_in_part_until_somebody_wants_it(consoles: Consoles, account: Account) -> None:
    console, path = opened(consoles, account, custom_fields={"essay": "word " * 60_000})
    page = console.page
    assert len(console.text) < 5_000
    page.get_by_role("button", name="Show all").click()
    assert len(page.get_by_label("essay", exact=True).input_value()) == 300_000
    page.get_by_role("button", name="Show less").click()
    edited(console, "essay", "short")
    said(console, "Saved: essay.")
    assert account.api.get(path).json()["custom_fields"] == {"essay": "short"}


def test_all_that_is_known_of_a_person_is_a_file(consoles: Consoles, account: Account) -> None:
    console, _ = opened(consoles, account, custom_fields={"n": int(LONG_NUMBER)})
    with console.page.expect_download() as download:
        console.page.get_by_role("button", name="Download all data").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert LONG_NUMBER in text
    assert "ada@example.com" in text


def test_thousands_of_fields_are_shown_in_part(consoles: Consoles, account: Account) -> None:
    console, _ = opened(consoles, account, custom_fields={f"field {n:04}": n for n in range(5_000)})
    page = console.page
    expect(page.get_by_text("field 0199", exact=True)).to_be_visible()
    assert "field 0200" not in console.text
    page.get_by_role("button", name="Show all 5,000").click()
    expect(page.get_by_text("field 4999", exact=True)).to_be_visible()
