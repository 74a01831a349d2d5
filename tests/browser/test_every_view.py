"""What holds for every view: at any width, in either light, after a reload, and when the API fails."""

from itertools import pairwise

import pytest

from tests.browser.shop import MARKUP, VIEWS, Shop
from tests.support.console import NARROW, WIDE, Consoles

EVERY_VIEW = pytest.mark.parametrize("view", VIEWS)


@EVERY_VIEW
def test_axe_finds_nothing_light_or_dark_wide_or_narrow(view: str, consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, shop.routes()[view])
    console.settled()
    found = []
    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            console.page.emulate_media(color_scheme=scheme)
            console.page.set_viewport_size(size)
            found += [f"{scheme}, {size['width']} px: {finding}" for finding in console.axe()]
            assert console.overflow() == 0, f"{view} is wider than {size['width']} px"
    assert found == []
    assert console.refused == []


@EVERY_VIEW
def test_it_is_the_same_after_a_reload_and_after_back_and_forward(
    view: str, consoles: Consoles, shop: Shop
) -> None:
    console = consoles.open(shop.key, shop.routes()[view])
    console.settled()
    heading, title = console.heading, console.page.title()
    console.page.reload()
    console.settled()
    assert (console.heading, console.page.title()) == (heading, title)
    console.show("/nothing")
    console.page.go_back()
    console.settled()
    assert console.heading == heading
    console.page.go_forward()
    console.settled()
    assert console.heading != heading


@EVERY_VIEW
def test_it_has_one_title_and_its_headings_are_in_order(view: str, consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, shop.routes()[view])
    console.settled()
    levels: list[int] = console.page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, h4')].map((it) => Number(it.localName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert console.page.title().startswith(console.heading)
    # A screen reader begins at the title, or where one types first.
    assert console.focused().startswith(("h1", "input")), console.focused()


@EVERY_VIEW
def test_an_api_that_fails_is_told_and_tried_again(view: str, consoles: Consoles, shop: Shop) -> None:
    console = consoles.open(shop.key, "/nothing")
    console.page.clock.install()
    console.page.route("**/v1/**", lambda route: route.fulfill(status=503, json={"detail": "Busy just now."}))
    console.page.goto(f"{consoles.url}/console#{shop.routes()[view]}")
    if view in ("contacts/new", "imports/new", "webhooks/new"):
        return  # They may need nothing of the API to be shown.
    notice = console.page.get_by_role("alert").filter(has_text="Busy just now.").first
    for _ in range(20):
        console.page.clock.run_for(1_000)
    notice.wait_for()
    console.page.unroute_all()
    console.page.get_by_role("button", name="Try again").first.click()
    console.page.clock.resume()
    console.settled()
    assert MARKUP not in console.page.content()
