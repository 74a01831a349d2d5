"""What an administrator does: keys, properties, channels, endpoints, and what an empty account is told."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.shop import ROUTES, Shop
from tests.support.accounts import Account
from tests.support.api import Api
from tests.support.console import Consoles, expect
from tests.support.receiver import Receiver
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Route


@pytest.mark.parametrize("view", [view for view in ROUTES if not view.endswith("/new")])
def test_an_empty_account_is_told_what_to_do_first(view: str, consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, ROUTES[view])
    console.settled()
    main = console.page.locator("main")
    assert len(main.inner_text()) > len(console.heading) + 20
    if view not in ("keys", "usage"):
        expect(main.locator(".empty").first).to_be_visible()
    if view in ("contacts", "imports", "exports", "webhooks", "properties", "channels", "keys"):
        assert main.get_by_role("link").count() + main.get_by_role("button").count() > 0
    assert console.axe() == []
    assert console.refused == []


def test_names_that_do_not_come_are_not_asked_for_without_end(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/tags")
    console.settled()
    page = console.page
    asked: list[str] = []

    def refuse(route: "Route") -> None:
        asked.append(route.request.url)
        route.fulfill(status=429, headers={"Retry-After": "600"}, json={"detail": "Used up."})

    # More than a person waits for: the page says so at once.
    page.route("**/v1/tags?*cursor=*", refuse)
    page.get_by_label("Order").select_option("Most contacts first")
    expect(page.get_by_role("alert")).to_contain_text("Used up.")
    page.get_by_label("Find a tag").fill("vip")
    expect(page.locator("tbody tr")).to_have_count(0)
    assert len(asked) <= 2
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_key_is_made_shown_once_and_revoked(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/keys")
    console.settled()
    page = console.page
    page.get_by_role("link", name="New key").click()
    dialog = page.get_by_role("dialog")
    assert console.axe() == []
    dialog.get_by_label("Name", exact=True).fill("CRM sync")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("sk_live_")
    (key,) = re.findall(r"sk_live_\w+", dialog.inner_text())
    with Api(account.api.url, key) as with_it:
        assert with_it.get("/v1/account").status_code == 200
        assert with_it.post("/v1/contacts", {"email": "a@example.com"}).status_code == 403, "it may look only"
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog).to_contain_text(key)
    dialog.get_by_role("button").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert key not in page.content()
    page.get_by_role("button", name="Revoke: CRM sync").click()
    page.get_by_role("dialog").get_by_role("textbox").fill(key[-4:])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Revoke: CRM sync")).to_have_count(0)
    assert all(one["name"] != "CRM sync" for one in account.api.get("/v1/api-keys").json()["data"])


def test_a_property_is_defined_and_holds_contacts_to_its_type(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/properties")
    console.settled()
    page = console.page
    page.get_by_role("link", name="New property").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("birthday")
    dialog.get_by_label("Takes").select_option("date")
    dialog.get_by_role("button", name="Define").click()
    expect(page.get_by_role("row").filter(has_text="birthday")).to_be_visible()
    refused = account.api.post(
        "/v1/contacts", {"email": "a@example.com", "custom_fields": {"birthday": "soon"}}
    )
    assert refused.status_code == 400


def test_an_endpoint_is_registered_tried_out_and_asked_again(consoles: Consoles, account: Account) -> None:
    with Receiver(500, 200) as receiver:
        console = consoles.open(account.api.key, "/webhooks/new")
        console.settled()
        page = console.page
        page.get_by_label("URL").fill("nonsense")
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("URL").fill(receiver.url)
        page.keyboard.press("Enter")
        expect(page.get_by_text("whsec_")).to_be_visible()
        assert console.axe() == []
        page.get_by_role("link", name="Open the endpoint").click()
        console.settled()
        page.get_by_role("button", name="Send a test").click()
        assert until(lambda: receiver.requests)
        row = page.locator(".deliveries li").first
        row.locator("summary").click()
        expect(row).to_contain_text("500")
        assert console.axe() == []
        row.get_by_role("button", name=re.compile("Send (again|now)")).click()
        assert until(lambda: len(receiver.requests) > 1)
        expect(row).to_contain_text("Delivered")
        assert account.api.get("/v1/webhooks").json()["data"][0]["url"] == receiver.url
        page.get_by_role("button", name="Delete the endpoint").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(receiver.url.partition("://")[2].partition("/")[0])
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
        assert account.api.get("/v1/webhooks").json()["data"] == []


def test_the_usage_counts_what_was_asked(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/usage")
    console.settled()
    assert "Requests this hour" in console.text
    console.page.get_by_label("Of the last").select_option("week")
    console.settled()
    assert "of=week" in console.page.url
    assert console.axe() == []
