"""A day with contacts: find somebody, mend a field, see what two people did at once, merge, delete, erase."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.shop import ARABIC, LONG_NAME, MARKUP, TAGS, Shop
from tests.support.accounts import Account
from tests.support.api import path_of
from tests.support.console import Console, Consoles, expect
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Route


def said(console: Console, words: str) -> None:
    """What has been done is said, to screen readers as well."""
    expect(console.page.get_by_role("status").filter(has_text=words).first).to_be_visible()


def test_somebody_is_found_and_mended_without_a_mouse(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com", first_name="Ada", last_name="Byron")
    account.api.created(email="grace@example.com", first_name="Grace", last_name="Hopper")
    assert until(lambda: account.api.get("/v1/contacts/search?q=byron").json()["data"])
    console = consoles.open(account.api.key)
    console.settled()
    keyboard = console.page.keyboard
    keyboard.type("byr")  # The focus is in the search.
    expect(console.page.locator("tbody tr")).to_have_count(1)
    keyboard.press("Enter")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Ada Byron")
    console.settled()
    console.tab_to("button", "Edit Last name")
    keyboard.press("Enter")
    expect(console.page.get_by_label("Last name", exact=True)).to_be_focused()
    keyboard.type("Lovelace")  # What was there is selected.
    keyboard.press("Enter")
    said(console, "Saved: Last name.")
    assert account.api.contact(ada["id"])["last_name"] == "Lovelace"
    # The focus is where it was.
    expect(console.page.get_by_role("button", name="Edit Last name")).to_be_focused()
    keyboard.press("/")
    assert "/contact/" in console.page.url, "the slash is a letter where there is no search"


def test_what_is_wrong_with_a_field_stands_beside_it(consoles: Consoles, account: Account) -> None:
    account.api.created(email="taken@example.com")
    console = consoles.open(account.api.key, "/contacts/new")
    console.settled()
    page = console.page
    page.get_by_label("Email", exact=True).fill("no address")
    page.get_by_label("Phone", exact=True).fill("12")
    page.get_by_role("button", name="Create the contact").click()
    for label in ("Email", "Phone"):
        field = page.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        assert "-wrong" in (field.get_attribute("aria-describedby") or "")
    assert console.axe() == []
    page.get_by_label("Phone", exact=True).fill("")
    page.get_by_label("Email", exact=True).fill("taken@example.com")
    page.get_by_role("button", name="Create the contact").click()
    expect(page.get_by_text("belongs to another contact").first).to_be_visible()
    page.get_by_label("Email", exact=True).fill("new@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("new@example.com")
    assert account.api.contact("new@example.com")["email"] == "new@example.com"


def test_two_people_do_not_overwrite_each_other(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com", first_name="Ada")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    account.api.patch(path_of(ada["id"]), {"first_name": "Augusta", "custom_fields": {"city": "London"}})
    page = console.page
    page.get_by_role("button", name="Edit Last name").click()
    page.get_by_label("Last name", exact=True).fill("Lovelace")
    page.get_by_role("button", name="Save", exact=True).click()
    notice = page.get_by_role("alert").filter(has_text="Somebody has changed this contact meanwhile")
    expect(notice).to_contain_text("Augusta")
    expect(notice).to_contain_text("London")
    assert console.axe() == []
    page.get_by_role("button", name="Save over it").click()
    said(console, "Saved: Last name.")
    now = account.api.contact(ada["id"])
    assert (now["first_name"], now["last_name"], now["custom_fields"]) == (
        "Augusta",
        "Lovelace",
        {"city": "London"},
    )
    expect(page.get_by_text("Augusta").first).to_be_visible()


def test_an_open_field_overwrites_nothing_that_the_page_learns_meanwhile(
    consoles: Consoles, account: Account
) -> None:
    ada = account.api.created(email="ada@example.com", first_name="Ada")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Edit First name").click()
    page.get_by_label("First name", exact=True).fill("Ada Augusta")
    account.api.patch(path_of(ada["id"]), {"first_name": "Augusta"})
    # A tag goes by no version: with it the page gets what somebody else has done.
    page.get_by_label("Add a tag", exact=True).fill("vip")
    page.keyboard.press("Enter")
    said(console, "Added the tag vip.")
    expect(page.get_by_role("alert")).to_contain_text("Augusta")
    expect(page.get_by_label("First name", exact=True)).to_have_value("Ada Augusta")
    page.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_role("button", name="Edit First name")).to_contain_text("Augusta")
    assert account.api.contact(ada["id"])["first_name"] == "Augusta"


def test_several_get_a_tag_and_the_view_has_an_address(consoles: Consoles, account: Account) -> None:
    for name in ("ada", "grace", "joan"):
        account.api.created(email=f"{name}@example.com", tags=["women"])
    account.api.created(email="other@example.com")
    assert until(lambda: len(account.api.get("/v1/contacts?tag=women").json()["data"]) == 3)
    console = consoles.open(account.api.key, "/contacts?tag=women")
    console.settled()
    page = console.page
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Select ada@example.com").check()
    page.get_by_label("Select joan@example.com").check()
    page.get_by_role("button", name="Add a tag").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").or_(dialog.get_by_role("textbox")).first.fill("2026")
    page.keyboard.press("Enter")
    assert console.axe() == []
    dialog.get_by_role("button", name=re.compile("^(Add|Do|Go|Choose|Change)")).last.click()
    said(console, "2 contacts")
    assert until(lambda: len(account.api.get("/v1/contacts?tag=2026").json()["data"]) == 2)
    page.reload()
    console.settled()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_two_become_one_after_a_look_at_the_result(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com", name="Ada Lovelace", tags=["poet"])
    other = account.api.created(
        email="countess@example.com", name="Ada Lovelace", tags=["vip"], phone="+442079460958"
    )
    assert until(lambda: len(account.api.get("/v1/contacts/search?q=lovelace").json()["data"]) == 2)
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Merge", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="countess@example.com").click()
    expect(dialog.get_by_role("table")).to_contain_text("+442079460958")
    assert account.api.contact(other["id"])["id"] == other["id"], "a look changes nothing"
    assert console.axe() == []
    dialog.get_by_role("button", name="Merge", exact=True).click()
    said(console, "Merged.")
    merged = account.api.contact("countess@example.com")
    assert (merged["id"], set(merged["tags"]), merged["phone"]) == (
        ada["id"],
        {"poet", "vip"},
        "+442079460958",
    )
    expect(page.get_by_text("+442079460958").first).to_be_visible()


def test_a_page_without_rows_that_is_not_the_last_is_no_end(consoles: Consoles, account: Account) -> None:
    ada, bob = (account.api.created(email=f"{name}@example.com") for name in ("ada", "bob"))

    def answer(route: "Route") -> None:
        is_last = "cursor=" in route.request.url
        rows = [bob] if is_last and "/search" in route.request.url else []
        route.fulfill(json={"data": rows, "has_more": not is_last, "next_cursor": None if is_last else "c"})

    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    for path in ("search", "*/events", "*/deliveries"):
        page.route(f"**/v1/contacts/{path}?*", answer)
    page.reload()
    expect(page.get_by_text("None among the newest.")).to_have_count(2)
    page.get_by_role("button", name="Merge").click()
    page.get_by_label("Search for the other one").fill("bob")
    expect(page.get_by_text("Nothing found so far.")).to_be_visible()
    page.get_by_role("button", name="Go on looking").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="bob@example.com")).to_be_focused()


def test_deleted_restored_and_erased_behind_a_typed_word(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com", name="Ada")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Delete", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # The focus comes back.
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada is in the trash")
    assert account.api.get(path_of(ada["id"])).status_code == 404
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada")
    assert account.api.contact(ada["id"])["email"] == "ada@example.com"
    page.get_by_role("button", name="Erase for good").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog.get_by_text("This is not what is asked for.")).to_be_visible()
    dialog.get_by_role("textbox").fill("ada@example.com")
    # What is under way is not hidden by Escape or Cancel.
    held = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route("**/v1/contacts/*", hold)
    dialog.get_by_role("button", name="Erase for good").click()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_disabled()
    held[0].continue_()
    said(console, "Erased.")
    assert account.api.post(path_of(ada["id"], "/restore")).status_code == 404


def test_what_is_hard_to_show_is_shown_as_text(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key)
    console.settled()
    for name in (MARKUP, ARABIC, LONG_NAME[:40]):
        expect(console.page.get_by_role("link", name=name).first).to_be_visible()
    for view in (
        "contact with markup",
        "contact with 100 tags",
        "contact in Arabic",
        "contact of 340 KB",
        "tags",
    ):
        console.show(shop.routes()[view])
        assert console.page.locator("img, script:not([src]):not([type=importmap]), iframe").count() == 0
        if view == "contact with 100 tags":
            assert all(tag in console.text for tag in TAGS)
        if view in ("contact with markup", "tags"):
            assert MARKUP in console.text
    arabic = console.page
    console.show(shop.routes()["contact in Arabic"])
    heading = arabic.get_by_role("heading", level=1)
    assert heading.evaluate("(it) => getComputedStyle(it).direction") == "rtl"


def test_an_answer_that_comes_late_hides_no_later_change(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    held = []

    def hold(route: "Route") -> None:
        if "add_tags" in (route.request.post_data or ""):
            held.append((route, route.fetch()))
        else:
            route.fallback()

    page.route("**/v1/contacts/*", hold)
    page.get_by_label("Add a tag", exact=True).fill("vip")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add: Add a tag")).to_have_attribute("aria-disabled", "true")
    page.get_by_label("Add a list", exact=True).fill("news")
    page.keyboard.press("Enter")
    said(console, "Added the list news.")
    ((route, answer),) = held
    route.fulfill(response=answer)
    said(console, "Added the tag vip.")
    for name in ("vip", "news"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_a_contact_that_was_merged_away_meanwhile_is_saved_where_it_went(
    consoles: Consoles, account: Account
) -> None:
    ada = account.api.created(email="ada@example.com")
    for city in ("London", "Paris"):
        account.api.patch(path_of(ada["id"]), {"custom_fields": {"city": city}})
    other = account.api.created(email="countess@example.com", name="Countess")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Edit Last name").click()
    page.get_by_label("Last name", exact=True).fill("Lovelace")
    merged = account.api.post(path_of(other["id"], "/merge"), {"from": ada["id"], "by": "id"})
    assert merged.status_code == 200, merged.text
    page.get_by_role("button", name="Save", exact=True).click()
    said(console, "Somebody has merged this contact into the one that you see now.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Countess")
    expect(page.get_by_label("Last name", exact=True)).to_have_value("Lovelace")
    page.get_by_role("button", name="Save over it").click()
    said(console, "Saved: Last name.")
    now = account.api.contact(other["id"])
    assert (now["id"], now["email"], now["last_name"]) == (other["id"], "countess@example.com", "Lovelace")
    page.reload()
    console.settled()
    assert other["id"] in page.url


def test_tags_go_one_after_another_as_fast_as_they_are_clicked(consoles: Consoles, account: Account) -> None:
    ada = account.api.created(email="ada@example.com", tags=["a", "b", "c", "stays"])
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    held: list[Route] = []

    def hold_the_first(route: "Route") -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/contacts/*", hold_the_first)
    for tag in "abc":
        page.get_by_role("button", name=f"Remove the tag {tag}", exact=True).click()
    held[0].continue_()
    said(console, "Removed the tag c.")
    assert account.api.contact(ada["id"])["tags"] == ["stays"]


def test_who_leaves_before_an_answer_stays_away_and_learns_of_it(
    consoles: Consoles, account: Account
) -> None:
    ada = account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, f"/contact/{ada['id']}")
    console.settled()
    page = console.page
    held: list[Route] = []

    def hold(route: "Route") -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/contacts**", hold)
    page.get_by_role("button", name="Edit Last name").click()
    page.get_by_label("Last name", exact=True).fill("Lovelace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Last name", exact=True)).to_have_value("Lovelace")
    page.get_by_role("link", name="Tags", exact=True).click()
    console.settled()
    held.pop().fulfill(status=413, json={"detail": "It is too large."})
    said(console, "Not done: It is too large.")
    page.goto(f"{console.url}/console#/contacts/new")
    console.settled()
    page.get_by_label("Email", exact=True).fill("new@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Create the contact")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("link", name="Tags", exact=True).click()
    console.settled()
    held.pop().continue_()
    said(console, "Created.")
    assert page.url.endswith("#/tags")


@pytest.mark.parametrize(
    ("route", "words"),
    [("/constructor", "Nothing here"), ("/__proto__", "Nothing here"), ("/usage?of=constructor", "Usage")],
)
def test_a_name_that_every_object_has_is_an_address_like_any_other(
    route: str, words: str, consoles: Consoles, shop: Shop
) -> None:
    console = consoles.open(shop.key, route)
    console.settled()
    expect(console.page.get_by_role("heading", level=1)).to_have_text(words)
    expect(console.page.get_by_role("alert")).to_have_count(0)


def test_an_address_of_nobody_says_so(consoles: Consoles, shop: Shop) -> None:
    for route in ("/contact/nobody@example.com", "/contact/..%2Faccount", "/contact/%E0%A4%A", "/contact/"):
        console = consoles.open(shop.key, route)
        console.settled()
        expect(console.page.get_by_role("heading", level=1)).to_contain_text("no")
