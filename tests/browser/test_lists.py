"""The list of contacts: a search while one types, filters in the address, and what is done to several at once."""

from typing import TYPE_CHECKING

from tests.browser.test_people import said
from tests.support.accounts import Account
from tests.support.console import Consoles, expect
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_a_view_is_the_same_by_its_address_and_back_leads_to_the_one_before(
    consoles: Consoles, account: Account
) -> None:
    account.api.created(email="ada@example.com", tags=["vip"], name="Ada")
    account.api.created(email="bob@example.com", tags=["vip"], name="Bob", is_unsubscribed=True)
    account.api.created(email="eve@example.com", name="Eve")
    assert until(lambda: len(account.api.get("/v1/contacts?tag=vip&search=b").json()["data"]) == 1)
    console = consoles.open(account.api.key, "/contacts?tag=vip&sort=email")
    console.settled()
    page = console.page
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 contacts")).to_be_visible()
    expect(page.get_by_label("Order")).to_have_value("email")
    page.keyboard.insert_text("bo")  # At once: each search is an address of its own.
    expect(rows).to_have_count(1)
    page.get_by_text("Filters").click()
    page.get_by_label("Subscription").select_option("Subscribed")
    expect(page.get_by_text("Nobody is found")).to_be_visible()
    page.get_by_role("button", name="Remove the filter Subscription: Subscribed").click()
    expect(rows).to_have_count(1)
    page.reload()
    console.settled()
    expect(page.get_by_label("Search contacts")).to_have_value("bo")
    expect(rows).to_have_count(1)
    page.go_back()
    page.go_back()
    page.go_back()
    expect(rows).to_have_count(2)
    expect(page.get_by_label("Search contacts")).to_have_value("")


def test_what_the_api_refuses_is_named(consoles: Consoles, account: Account) -> None:
    account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, "/contacts?tagg=vip")
    expect(console.page.get_by_role("alert")).to_contain_text("tagg")
    expect(console.page.locator("tbody tr")).to_have_count(0)
    console.page.get_by_role("button", name="Remove the filter tagg: vip").click()
    expect(console.page.locator("tbody tr")).to_have_count(1)
    console.page.get_by_label("Search contacts").fill("***")
    expect(console.page.locator(".wrong")).to_contain_text("no letter")


def test_who_could_not_be_changed_stays_selected(consoles: Consoles, account: Account) -> None:
    account.api.created(email="full@example.com", tags=[f"tag-{number}" for number in range(100)])
    account.api.created(email="free@example.com")
    console = consoles.open(account.api.key)
    console.settled()
    page = console.page
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Add a tag").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Add a tag", exact=True).fill("new")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Add a tag", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("full@example.com")
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_text("1 contact selected")).to_be_visible()
    assert account.api.contact("free@example.com")["tags"] == ["new"]


def test_who_stops_what_is_done_to_many_stops_it(consoles: Consoles, account: Account) -> None:
    for first in (0, 100):
        made = [
            {"op": "create", "contact": {"email": f"p{number}@example.com"}}
            for number in range(first, first + 60)
        ]
        account.api.post("/v1/contacts/batch", {"operations": made})
    console = consoles.open(account.api.key)
    console.settled()
    page = console.page
    for rows in (100, 120):
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("tbody tr")).to_have_count(rows)
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route("**/v1/contacts/batch", hold)
    dialog = page.get_by_role("dialog")
    with page.expect_request("**/v1/contacts/batch"):
        dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Stop").click()
    expect(dialog).to_have_count(0)
    assert len(held) == 1
    held[0].continue_()
    said(console, "Done: delete, 100 contacts.")
    expect(page.locator("tbody tr")).to_have_count(20)
    expect(page.get_by_text("20 contacts selected")).to_be_visible()
    assert len(held) == 1, "the second hundred was not begun"


def test_what_was_to_be_done_in_one_view_is_not_done_in_another(consoles: Consoles, account: Account) -> None:
    account.api.created(email="ada@example.com", tags=["vip"])
    console = consoles.open(account.api.key)
    console.settled()
    page = console.page
    page.get_by_role("link", name="vip").click()
    expect(page.get_by_text("Tag: vip")).to_be_visible()
    console.settled()
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("selected", exact=False)).to_have_count(0)
    assert account.api.contact("ada@example.com")["tags"] == ["vip"]


def test_a_word_that_is_being_composed_is_no_tag_yet(consoles: Consoles, account: Account) -> None:
    made = account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, f"/contact/{made['id']}")
    console.settled()
    field = console.page.get_by_label("Add a tag", exact=True)
    field.fill("とうきょう")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    field.fill("東京")
    field.press("Enter")
    said(console, "Added the tag 東京.")
    assert account.api.contact(made["id"])["tags"] == ["東京"]


def test_several_go_to_the_trash_and_one_comes_back(consoles: Consoles, account: Account) -> None:
    made = [account.api.created(email=f"{name}@example.com") for name in ("ada", "bob")]
    console = consoles.open(account.api.key)
    console.settled()
    page = console.page
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    said(console, "Done: delete, 2 contacts.")
    expect(page.get_by_text("No contacts yet")).to_be_visible()
    console.show(f"/contact/{made[0]['id']}")
    page.get_by_role("button", name="Restore it, if it is in the trash").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ada@example.com")


def test_only_the_persons_word_subscribes_again(consoles: Consoles, account: Account) -> None:
    made = account.api.created(email="ada@example.com", is_unsubscribed=True)
    console = consoles.open(account.api.key, f"/contact/{made['id']}")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Subscribe again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("they have asked for it")
    assert console.axe() == []
    dialog.get_by_role("button", name="Subscribe again").click()
    expect(page.get_by_text("subscribed", exact=True)).to_be_visible()
    assert account.api.contact("ada@example.com")["is_unsubscribed"] is False


def test_what_was_done_in_a_dialog_is_said_when_it_has_closed(consoles: Consoles, account: Account) -> None:
    made = account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, f"/contact/{made['id']}")
    console.settled()
    page = console.page
    page.evaluate(
        """() => { window.heard = [];
        new MutationObserver(() => document.querySelector("dialog") ||
          heard.push(document.querySelector(".announcements").innerText)
        ).observe(document.querySelector(".announcements"), {childList: true, subtree: true}); }"""
    )
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("dialog").get_by_role("button", name="Unsubscribe").click()
    said(console, "Unsubscribed.")
    assert "Unsubscribed." in page.evaluate("() => heard")


def test_a_key_that_may_only_read_is_offered_nothing_else(consoles: Consoles, account: Account) -> None:
    made = account.api.created(email="ada@example.com", tags=["vip"])
    key = account.key(scopes=["contacts:read", "account:read"])["key"]
    console = consoles.open(key)
    console.settled()
    page = console.page
    expect(page.get_by_role("button", name="Export these")).to_have_count(0)
    expect(page.get_by_role("link", name="New contact")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    console.show(f"/contact/{made['id']}")
    assert [
        words for words in page.get_by_role("button").all_inner_texts() if words not in ("Leave", "Copy")
    ] == []
    assert console.refused == []


def test_the_focus_is_not_lost_with_what_had_it(consoles: Consoles, account: Account) -> None:
    made = account.api.created(email="ada@example.com", tags=["vip", "poet"])
    console = consoles.open(account.api.key, "/contacts?is_active=true")
    console.settled()
    page = console.page
    console.tab_to("button", "Remove the filter")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search contacts")).to_be_focused()
    page.get_by_label("Select ada@example.com").check()
    page.get_by_role("button", name="Select none").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Select all that are shown")).to_be_focused()
    console.show(f"/contact/{made['id']}")
    console.tab_to("button", "Remove the tag vip")
    page.keyboard.press("Enter")
    said(console, "Removed the tag vip.")
    expect(page.get_by_label("Add a tag", exact=True)).to_be_focused()
    console.tab_to("button", "Add a field")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Field", exact=True)).to_be_focused()
    console.tab_to("button", "Cancel", most=9)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add a field").first).to_be_focused()


def test_further_rows_come_without_losing_the_focus(consoles: Consoles, account: Account) -> None:
    made = [{"op": "create", "contact": {"email": f"p{number}@example.com"}} for number in range(60)]
    account.api.post("/v1/contacts/batch", {"operations": made})
    console = consoles.open(account.api.key)
    console.settled()
    page = console.page
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route("**/v1/contacts?*cursor=*", hold)
    more = page.get_by_role("button", name="Show more")
    more.focus()
    with page.expect_request("**/v1/contacts?*cursor=*"):
        page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-disabled", "true")
    expect(more).to_be_focused()
    assert until(lambda: bool(held))
    held[0].continue_()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(60)
    expect(rows.nth(50)).to_be_focused()
    # As Safari does it: what is clicked gets no focus. Nobody is moved to the top by it.
    page.evaluate("document.activeElement.blur(), document.querySelectorAll('tbody input')[55].click()")
    expect(page.get_by_text("1 contact selected")).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")
