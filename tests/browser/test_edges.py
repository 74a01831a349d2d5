"""What the console says at its edges: the key's own end, lost answers, an old page, limits, a narrow screen."""

from typing import TYPE_CHECKING

import pytest

from tests.browser.shop import Shop
from tests.support.accounts import Account
from tests.support.console import NARROW, Consoles, expect

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_who_revokes_the_own_key_is_told_and_signed_out(consoles: Consoles, account: Account) -> None:
    account.api.post("/v1/api-keys", {"name": "Another that may do all"})
    made = account.key(name="Mine")
    with_it = account.api_with(made["key"])
    child = with_it.post("/v1/api-keys", {"name": "Made with mine", "scopes": ["contacts:read"]}).json()
    console = consoles.open(made["key"], "/keys")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Revoke: Mine").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You will be signed out")
    expect(dialog).to_contain_text("Made with mine")
    dialog.get_by_role("textbox").fill("nonsense")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("not what is asked for")
    dialog.get_by_role("textbox").fill(made["key"][-4:])
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("You have revoked the key")
    assert console.axe() == []
    left = {one["id"] for one in account.api.get("/v1/api-keys").json()["data"]}
    assert not {made["id"], child["id"]} & left


def test_a_key_whose_answer_was_lost_is_not_passed_off_as_shown(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/keys?new=1")
    console.settled()
    lost: list[int] = []

    def lose_the_first(route: "Route") -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.fulfill(status=503, json={"detail": "busy"})
        else:
            route.continue_()

    console.page.route("**/v1/api-keys", lose_the_first)
    console.page.get_by_label("Name", exact=True).fill("Lost")
    console.page.keyboard.press("Enter")
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Revoke it, and create another one")
    assert lost == [201]
    assert "sk_live_" not in dialog.inner_text()


@pytest.mark.parametrize("way", ["back", "link"])
def test_nobody_leaves_before_a_new_secret_is_shown(consoles: Consoles, account: Account, way: str) -> None:
    console = consoles.open(account.api.key, "/webhooks")
    page = console.page
    page.get_by_role("link", name="New endpoint").first.click()
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route) if route.request.method == "POST" else route.continue_()

    page.route("**/v1/webhooks", hold)
    page.get_by_label("URL").fill("http://127.0.0.1:9/hook")
    with page.expect_request("**/v1/webhooks"):
        page.keyboard.press("Enter")
    for _ in range(2):
        if way == "back":
            page.go_back(wait_until="commit")
        else:
            page.get_by_role("link", name="Tags", exact=True).click()
    expect(page.get_by_label("URL")).to_be_visible()
    assert page.url.endswith("#/webhooks/new")
    held[0].continue_()
    expect(page.locator(".copy").filter(has_text="whsec_")).to_be_visible()
    page.get_by_role("link", name="Tags", exact=True).click()
    expect(page.get_by_role("heading", name="Tags", level=1)).to_be_visible()


def test_a_dialog_that_waits_says_for_what(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, f"{shop.routes()['contact with 100 tags']}")
    console.settled()
    page = console.page
    page.route(
        "**/v1/contacts/*",
        lambda route: route.fulfill(status=503, json={"detail": "later"}, headers={"Retry-After": "20"}),
    )
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Move to the trash").click()
    expect(dialog.get_by_text("The API is busy. Trying again")).to_be_visible()
    for name in ("Cancel", "Move to the trash"):
        button = dialog.get_by_role("button", name=name)
        assert float(button.evaluate("(it) => getComputedStyle(it).opacity")) < 1, name
    assert console.axe() == []
    # It is seen wherever one has scrolled to.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#console > .waiting")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("route", "scope"),
    [("/keys", "keys:write"), ("/properties", "properties:read"), ("/webhooks", "webhooks:read")],
)
def test_a_place_beyond_the_key_says_which_scope_it_needs(
    route: str, scope: str, consoles: Consoles, shop: Shop
) -> None:
    console = consoles.open(shop.narrow["key"], route)
    console.settled()
    expect(console.page.locator("main")).to_contain_text(scope)
    assert console.refused == []
    assert console.axe() == []


def test_a_page_that_is_looked_at_again_says_from_when_it_is(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/tags")
    console.settled()
    page = console.page
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 9 * 3600e3; }")
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(page.get_by_text("What you see was loaded 9 hours ago")).to_be_visible()
    assert console.axe() == []
    asked = len(console.requested)
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_text("What you see was loaded")).to_have_count(0)
    console.settled()
    assert "GET /v1/tags" in console.requested[asked:]


def test_what_is_near_its_limit_stands_out(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/tags")
    console.settled()

    def used(route: "Route") -> None:
        answer = route.fetch()
        limits = {"hourly_limit": 1_000, "hourly_written_limit": 2_000}
        route.fulfill(
            response=answer,
            json={**answer.json(), **limits, "used_this_hour": 870, "written_this_hour": 2_000},
        )

    console.page.route("**/v1/account", used)
    console.show("/usage")
    requests, written, endpoints = console.page.locator(".meters > *").all_inner_texts()
    assert "near the limit" in requests
    assert "130 left" in requests
    assert "used up" in written
    assert "changes are refused" in written
    assert "limit" not in endpoints
    assert console.axe() == []


def test_on_a_telephone_the_places_are_behind_a_button(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/tags", viewport=NARROW)
    console.settled()
    page = console.page
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_role("button", name="Menu").click()
    assert console.axe() == []
    page.get_by_role("navigation").get_by_role("link", name="API keys").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API keys")
    expect(page.get_by_role("navigation")).to_have_count(0)
    console.settled()
    assert console.overflow() == 0


def test_a_property_is_archived_and_used_again_by_keys_alone(consoles: Consoles, account: Account) -> None:
    account.api.post("/v1/contact-properties", {"name": "plan", "type": "enum", "options": ["free", "pro"]})
    console = consoles.open(account.api.key, "/properties")
    console.settled()
    page = console.page
    console.tab_to("button Archive: plan")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("values that contacts have stay")
    page.get_by_role("dialog").get_by_role("button", name="Archive").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("archived", exact=True)).to_be_visible()
    page.get_by_role("button", name="Use again: plan").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("archived", exact=True)).to_have_count(0)
    (kept,) = account.api.get("/v1/contact-properties").json()["data"]
    assert kept["archived"] is False


def test_a_page_whose_modules_are_not_there_says_what_to_do(consoles: Consoles, shop: Shop) -> None:
    """So may be who comes in the seconds of a deployment: the page is of one version, the files are of another."""
    console = consoles.open(shop.key)
    lead = console.page.get_by_role("link", name="load it anew")
    expect(lead).to_have_count(0)
    console.page.route("**/console/main.*.js", lambda route: route.fulfill(status=404, json={}))
    console.page.reload()
    expect(lead).to_be_visible()
    console.page.unroute("**/console/main.*.js")
    lead.click()
    console.settled()
    assert console.heading == "Contacts"
    expect(lead).to_have_count(0)
