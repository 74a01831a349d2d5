"""Who opens the console: with which key, what is kept of it, and what ends it."""

import pytest

from tests.browser.shop import Shop
from tests.support.accounts import Account, Accounts
from tests.support.console import Console, Consoles, expect


def enter(console: Console, key: str) -> None:
    """Type a key and press Enter."""
    console.page.get_by_label("API key").fill(key)
    console.page.keyboard.press("Enter")


def kept(console: Console) -> dict[str, object]:
    """What the browser keeps of the page."""
    shown: dict[str, object] = console.page.evaluate(
        """() => ({session: Object.values(sessionStorage), local: Object.values(localStorage),
        cookies: document.cookie})"""
    )
    return shown


def test_a_key_opens_the_view_that_the_address_names(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(None, "/tags")
    assert console.focused() == "input API key"
    assert console.requested[-1] != "GET /v1/account", "nothing is asked before there is a key"
    enter(console, shop.key)
    expect(console.page.get_by_role("navigation")).to_be_visible()
    console.settled()
    assert console.page.get_by_role("navigation").get_by_text("Tags").get_attribute("aria-current") == "page"
    assert kept(console) == {"session": [shop.key], "local": [], "cookies": ""}
    assert shop.key not in console.page.url


def test_the_key_stays_in_its_tab_until_it_is_left(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(None)
    enter(console, shop.key)
    expect(console.page.get_by_role("navigation")).to_be_visible()
    console.page.reload()
    expect(console.page.get_by_role("navigation")).to_be_visible()
    console.page.get_by_role("button", name="Leave").click()
    expect(console.page.get_by_label("API key")).to_be_visible()
    assert kept(console)["session"] == []
    console.page.reload()
    expect(console.page.get_by_label("API key")).to_have_value("")


def test_nothing_typed_and_nonsense_are_told_apart(consoles: Consoles) -> None:
    console = consoles.open(None)
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_text("Enter a key.")).to_be_visible()
    # What no header can hold is refused in words, too, not by an error of the browser.
    for nonsense in ("sk_live_nonsense", "schlüssel→\U0001f511", "whsec_0123456789abcdef"):
        enter(console, nonsense)
        expect(console.page.get_by_text("This is no API key")).to_be_visible()
        assert console.focused() == "input API key"
    assert console.requested[-1] != "GET /v1/account", "nothing is asked with what is no key"
    enter(console, f"sk_live_{'x' * 43}")
    expect(console.page.get_by_role("alert")).to_contain_text("unknown")
    assert kept(console)["session"] == []


def test_a_key_is_found_in_what_was_pasted(consoles: Consoles, shop: Shop) -> None:
    for pasted in (f"Bearer {shop.key}", f'  KEY="{shop.key}"\n', f"{shop.key[:30]} {shop.key[30:]}"):
        console = consoles.open(None)
        enter(console, pasted)
        expect(console.page.get_by_role("navigation")).to_be_visible()
        assert kept(console)["session"] == [shop.key]


@pytest.mark.parametrize("dialect", ["sendmator", "smashsend", "smashsend_v2", "smartsender", "artamail"])
def test_another_vendors_key_is_told_what_is_wrong(
    dialect: str, consoles: Consoles, accounts: Accounts
) -> None:
    key = accounts.open().key(dialect=dialect)["key"]
    console = consoles.open(None)
    enter(console, key)
    expect(console.page.get_by_role("alert")).to_contain_text("native")
    assert kept(console)["session"] == []


def test_a_key_that_may_not_read_the_account_is_told_which_scope(consoles: Consoles, shop: Shop) -> None:
    key = shop.account.key(scopes=["contacts:read"])["key"]
    console = consoles.open(None)
    enter(console, key)
    expect(console.page.get_by_role("alert")).to_contain_text("account:read")


def test_a_test_key_says_that_nothing_is_kept(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.account.key(mode="test")["key"])
    console.settled()
    expect(console.page.get_by_text("Test mode")).to_be_visible()
    assert console.axe() == []
    console.show("/channels?new=1")
    console.page.get_by_label("Name").fill("Support bot")
    console.page.get_by_role("button", name="Create", exact=True).click()
    expect(console.page.get_by_text("With a test key nothing is kept.")).to_be_visible()
    assert console.refused == []


def test_a_narrow_key_is_offered_only_what_it_may(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.narrow["key"])
    console.settled()
    links = console.page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert "Contacts" in links
    assert not {"Webhooks", "Imports", "Exports", "API keys", "Properties"} & set(links)
    for route in ("/contacts", f"/contact/{shop.ids['ada']}", "/tags", "/lists", "/channels", "/usage"):
        console.show(route)
    assert [status for status, _, _ in console.refused if status != 404] == []
    for words in ("Delete", "Edit", "New contact", "Merge"):
        assert console.page.get_by_role("button", name=words).count() == 0


def test_a_key_that_is_revoked_meanwhile_ends_the_session(consoles: Consoles, account: Account) -> None:
    key = account.key()
    console = consoles.open(key["key"])
    console.settled()
    # A warm function knows a revoked key for up to a minute: the answer that follows is given at once.
    refused = {"status": 401, "code": "unauthorized", "detail": "The API key was revoked."}
    console.page.route("**/v1/**", lambda route: route.fulfill(status=401, json=refused))
    console.page.get_by_role("link", name="Tags", exact=True).click()
    expect(console.page.get_by_role("alert")).to_contain_text("revoked")
    expect(console.page.get_by_label("API key")).to_be_visible()
    assert kept(console)["session"] == ["yes"]


def test_a_session_left_over_night_goes_on_in_its_tab(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/tags")
    console.settled()
    console.page.clock.install()
    console.page.clock.fast_forward("14:00:00")
    console.page.get_by_role("link", name="Lists", exact=True).click()
    console.settled()
    assert console.refused == []


def test_the_page_says_that_the_api_is_away_and_goes_on_by_itself(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(None)
    console.page.clock.install()
    answers = iter([429, 503])

    def busy(route: object) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()  # type: ignore[attr-defined]
        else:
            route.fulfill(status=status, json={"detail": "later"}, headers={"Retry-After": "2"})  # type: ignore[attr-defined]

    console.page.route("**/v1/account", busy)
    enter(console, shop.key)
    expect(console.page.get_by_text("Trying again in 2 s")).to_be_visible()
    for _ in range(5):
        console.page.clock.run_for(1_000)
    expect(console.page.get_by_role("navigation")).to_be_visible()
    expect(console.page.get_by_text("Trying again")).to_have_count(0)


def test_an_api_that_says_nothing_is_told_in_words(consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(None)
    # Twenty seconds of patience, a hundred times as fast.
    console.page.evaluate(
        """() => { const patience = AbortSignal.timeout;
        AbortSignal.timeout = (ms) => patience.call(AbortSignal, ms / 100); }"""
    )
    console.page.clock.install()
    console.page.route("**/v1/account", lambda _: None)
    enter(console, shop.key)
    expect(console.page.get_by_text("The API does not answer.")).to_be_visible()
    notice = console.page.get_by_role("alert")
    for _ in range(60):
        console.page.clock.run_for(1_000)
        if notice.count():
            break
        console.page.wait_for_timeout(0)
    expect(notice).to_contain_text("did not answer")
