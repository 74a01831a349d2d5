"""A day with webhooks: what endpoints answer, why something failed, and sending it again."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.accounts import Account
from tests.support.console import NARROW, Console, Consoles, expect
from tests.support.receiver import Receiver, Told, closed_port, redirect, reset
from tests.support.steps.webhooks import webhook
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Route

SCRIPT = b"<script>alert(1)</script><h1 onclick=alert(2)>Down</h1>"
BYTES = bytes(range(256))
TURNED = "خطأ \u202egnp.exe".encode()

ANSWERS: dict[str, tuple[Told, str]] = {
    "nothing to say": (204, "204"),
    "busy": ((503, b"come back later"), "come back later"),
    "moved": (redirect("http://127.0.0.1:1/"), "302, redirect not followed"),
    "hung up": (reset, "connection reset"),
    "markup": ((500, SCRIPT), SCRIPT.decode()),
    "bytes": ((500, BYTES), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "text that turns what follows round": ((500, TURNED), "خطأ \ufffdgnp.exe"),
}
"""What an endpoint answers, and what is read of it."""


def opened(consoles: Consoles, account: Account, webhook_id: str, query: str = "") -> Console:
    """The page of an endpoint."""
    console = consoles.open(account.api.key, f"/webhook/{webhook_id}{query}")
    console.settled()
    return console


def tried_out(account: Account, webhook_id: str) -> None:
    """Have a test sent, and wait until it has ended."""
    test = account.api.post(f"/v1/webhooks/{webhook_id}/test", {}).json()["id"]
    assert until(lambda: _status(account, webhook_id, test) not in ("", "pending"))


def _status(account: Account, webhook_id: str, delivery_id: str) -> str:
    listed = account.api.get(f"/v1/webhooks/{webhook_id}/deliveries").json()["data"]
    return next((one["status"] for one in listed if one["id"] == delivery_id), "")


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_an_endpoint_answers_is_shown_as_text(
    kind: str, consoles: Consoles, account: Account
) -> None:
    answer, read = ANSWERS[kind]
    with Receiver(answer) as receiver:
        made = webhook(account.api, receiver.url)
        tried_out(account, made["id"])
    console = opened(consoles, account, made["id"])
    console.page.set_viewport_size(NARROW)
    row = console.page.locator(".deliveries > li").first
    row.locator("summary").click()
    expect(row.locator(".attempts")).to_contain_text(read)
    assert console.overflow() == 0
    assert console.axe() == []


def test_nobody_listens(consoles: Consoles, account: Account) -> None:
    made = webhook(account.api, f"http://127.0.0.1:{closed_port()}/")
    console = opened(consoles, account, made["id"])
    console.page.get_by_role("button", name="Send a test").click()
    expect(console.page.get_by_text("The test has failed: connection refused.")).to_be_visible()


def test_what_is_wrong_with_an_endpoint_stands_beside_the_field(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/webhooks/new")
    console.settled()
    page = console.page
    page.get_by_label("URL", exact=True).fill("https://ada:secret@example.com/")
    page.get_by_label("Description", exact=True).fill("x" * 501)
    page.get_by_role("button", name="Register").click()
    for label, words in (("URL", "must not carry credentials"), ("Description", "at most 500 characters")):
        expect(page.get_by_label(label, exact=True)).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".wrong").filter(has_text=words)).to_be_visible()
    page.get_by_label(re.compile("^Everything")).uncheck()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("group", name="Events")).to_contain_text("Choose at least one.")
    assert console.axe() == []
    assert account.api.get("/v1/webhooks").json()["data"] == []


def test_an_endpoint_is_changed_rotated_switched_off_and_on(consoles: Consoles, account: Account) -> None:
    with Receiver() as receiver:
        made = webhook(account.api, receiver.url, description="before")
        console = opened(consoles, account, made["id"])
        page = console.page
        console.tab_to("button", "Edit")
        page.keyboard.press("Enter")
        page.get_by_label(re.compile("contact.validated")).check()
        page.get_by_label("Description", exact=True).fill("after")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Saved.")).to_be_visible()
        assert console.focused() == "button Edit"
        now = account.api.get(f"/v1/webhooks/{made['id']}").json()
        assert (now["events"], now["description"]) == (["*", "contact.validated"], "after")
        page.get_by_role("button", name="Rotate the secret").click()
        assert console.axe() == []
        page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
        expect(page.locator(".copy").filter(has_text="whsec_")).to_be_visible()
        assert made["secret"] not in page.content()
        assert console.focused() == "button Rotate the secret"
        page.get_by_role("button", name="Switch off").click()
        page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("switched off by you")).to_be_visible()
        assert account.api.get(f"/v1/webhooks/{made['id']}").json()["is_active"] is False
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_text("Active", exact=True)).to_be_visible()


def test_what_somebody_else_changes_while_a_form_is_open_stays(consoles: Consoles, account: Account) -> None:
    with Receiver() as receiver:
        made = webhook(account.api, receiver.url, description="before")
        console = opened(consoles, account, made["id"])
        page = console.page
        page.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_label(re.compile("contact.validated")).check()
        account.api.patch(f"/v1/webhooks/{made['id']}", {"description": "theirs"})
        page.get_by_role("button", name="Refresh").click()
        expect(page.get_by_text("theirs")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        now = account.api.get(f"/v1/webhooks/{made['id']}").json()
        assert (now["events"], now["description"]) == (["*", "contact.validated"], "theirs")


def opened_with_three_failed(consoles: Consoles, account: Account, receiver: Receiver) -> Console:
    """The page of an endpoint, with the three tests that it refused."""
    made = webhook(account.api, receiver.url)
    for _ in range(3):
        tried_out(account, made["id"])
    return opened(consoles, account, made["id"], "?status=failed")


def test_all_that_failed_is_sent_again_and_the_page_follows(consoles: Consoles, account: Account) -> None:
    with Receiver(500) as receiver:
        console = opened_with_three_failed(consoles, account, receiver)
        page = console.page
        expect(page.locator(".deliveries > li")).to_have_count(3)
        receiver.answer(200)
        page.get_by_role("button", name="Send the 3 failed ones again").click()
        expect(page.get_by_text("3 of 3 are sent again.")).to_be_visible()
        assert console.focused().startswith("span"), "the button is gone, and what it has done is read out"
        page.get_by_label("Status").select_option("")
        expect(page.locator(".deliveries .badge.good").filter(has_text="Delivered")).to_have_count(3)
        page.reload()
        console.settled()
        expect(page.locator(".deliveries > li")).to_have_count(3)


def test_what_is_sent_again_from_a_contact_is_followed_to_its_end(
    consoles: Consoles, account: Account
) -> None:
    with Receiver(500) as receiver:
        made = webhook(account.api, receiver.url)
        ada = account.api.created(email="ada@example.com")
        log = f"/v1/webhooks/{made['id']}/deliveries"
        assert until(lambda: account.api.get(log).json()["data"])
        console = consoles.open(account.api.key, f"/contact/{ada['id']}")
        console.settled()
        row = console.page.locator(".deliveries > li")
        expect(row).to_contain_text("Pending")
        receiver.answer(200)
        row.locator("summary").click()
        row.get_by_role("button", name="Send now").click()
        expect(row.locator(".badge").first).to_have_text("Delivered")


def test_who_leaves_stops_sending_again(consoles: Consoles, account: Account) -> None:
    with Receiver(500) as receiver:
        console = opened_with_three_failed(consoles, account, receiver)
        page = console.page
        held: list[Route] = []

        def hold(route: "Route") -> None:
            held.append(route)

        page.route("**/redeliver", hold)
        page.get_by_role("button", name="Send the 3 failed ones again").click()
        expect(page.get_by_text("Sending 1 of 3 again")).to_be_visible()
        page.get_by_role("link", name="Tags", exact=True).click()
        console.settled()
        held[0].continue_()
        expect(page.get_by_text("1 of 3 are sent again.")).to_be_visible()
        assert len(held) == 1


def test_an_endpoint_that_wants_nothing_more_says_so(consoles: Consoles, account: Account) -> None:
    with Receiver(410) as receiver:
        made = webhook(account.api, receiver.url)
        account.api.created(email="ada@example.com")
        assert until(lambda: not account.api.get(f"/v1/webhooks/{made['id']}").json()["is_active"])
    console = consoles.open(account.api.key, "/webhooks")
    console.settled()
    row = console.page.get_by_role("row").filter(has_text=receiver.url)
    expect(row).to_contain_text("switched off by us: it answered 410")
    expect(row.get_by_role("listitem").filter(has_text="Failed: A contact is new, 410")).to_have_count(1)
    row.get_by_role("link").click()
    console.settled()
    expect(console.page.get_by_role("button", name=re.compile("^Send (again|now|the)"))).to_have_count(0)


def test_one_that_was_deleted_in_another_tab_is_gone(consoles: Consoles, account: Account) -> None:
    made = webhook(account.api, f"http://127.0.0.1:{closed_port()}/")
    console = opened(consoles, account, made["id"])
    account.api.delete(f"/v1/webhooks/{made['id']}")
    console.page.get_by_role("button", name="Send a test").click()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("There is no such endpoint")
    console.page.get_by_role("link", name="All endpoints").click()
    expect(console.page.get_by_text("No endpoint yet.")).to_be_visible()


def test_who_may_only_look_is_offered_nothing_else(consoles: Consoles, account: Account) -> None:
    with Receiver(500) as receiver:
        made = webhook(account.api, receiver.url)
        tried_out(account, made["id"])
    key = account.key(scopes=["account:read", "webhooks:read"])["key"]
    console = consoles.open(key, f"/webhook/{made['id']}")
    console.settled()
    main = console.page.locator("main")
    main.locator("summary").first.click()
    offered = {button.inner_text() for button in main.get_by_role("button").all()}
    assert offered <= {"Refresh", "Copy", ""}
    console.show("/webhooks/new")
    expect(main).to_contain_text("This key may not register an endpoint.")
    assert console.axe() == []


def test_there_is_no_room_for_another_endpoint(consoles: Consoles, account: Account) -> None:
    webhook(account.api, f"http://127.0.0.1:{closed_port()}/")
    console = consoles.open()
    full = re.compile(r'"webhook_limit": ?\d+')

    def as_on_a_small_plan(route) -> None:  # type: ignore[no-untyped-def]
        answer = route.fetch()
        route.fulfill(response=answer, body=full.sub('"webhook_limit": 1', answer.text()))

    console.page.route("**/v1/account", as_on_a_small_plan)
    console.page.get_by_label("API key").fill(account.api.key or "")
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Contacts")
    console.show("/webhooks")
    expect(console.page.get_by_text("1 endpoint, as many as its plan allows")).to_be_visible()
    expect(console.page.get_by_role("link", name="New endpoint")).to_have_count(0)
