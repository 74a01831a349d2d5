"""Which way contacts are found: the fewest candidates."""

import pytest

from contacts.search.planner import (
    Driver,
    Sizes,
    changes_are_worth_looking_for,
    lists_to_count,
    plan,
    words_to_look_for,
)
from contacts.search.query import (
    EVERYBODY,
    NEWEST_FIRST,
    ContactQuery,
    Moments,
    Order,
    PostingKind,
    PostingList,
    SortField,
)

VIP, CUSTOMER = (PostingList(PostingKind.TAG, tag) for tag in ("vip", "customer"))
NEWS = PostingList(PostingKind.LIST, "news")
BY_EMAIL = Order(SortField.EMAIL, descending=False)
BY_CHANGE = Order(SortField.UPDATED_AT)
SINCE = Moments(1_000)


def sizes(
    everybody: int, *, vip: int = 0, customer: int = 0, news: int = 0, known: int | None = None
) -> Sizes:
    return Sizes({EVERYBODY: everybody, VIP: vip, CUSTOMER: customer, NEWS: news}, known)


@pytest.mark.parametrize(
    ("wanted", "order", "found", "driver"),
    [
        (ContactQuery(), NEWEST_FIRST, Sizes(), Driver.CREATION),
        (ContactQuery(is_active=True, created=SINCE), NEWEST_FIRST, Sizes(), Driver.CREATION),
        (ContactQuery(email="a@example.com", tags=("vip",)), BY_EMAIL, Sizes(), Driver.NAME),
        (ContactQuery(external_id="crm-1"), NEWEST_FIRST, Sizes(), Driver.NAME),
        (ContactQuery(tags=("vip",)), NEWEST_FIRST, Sizes(), Driver.POSTINGS),
        (ContactQuery(words=("ada",)), NEWEST_FIRST, Sizes(known=7), Driver.KNOWN),
        (ContactQuery(words=("j",)), NEWEST_FIRST, Sizes(), Driver.CREATION),
        (ContactQuery(words=("ada",), tags=("vip",)), NEWEST_FIRST, sizes(9_000, vip=500, known=7), Driver.KNOWN),
        (ContactQuery(words=("ada",), tags=("vip",)), NEWEST_FIRST, sizes(9_000, vip=5, known=7), Driver.POSTINGS),
        (ContactQuery(), BY_EMAIL, Sizes(), Driver.INDEX),
        (ContactQuery(updated=SINCE), BY_CHANGE, Sizes(), Driver.INDEX),
        # Of 100,000 the walk along the index meets one of 900 every 111: 5,550 for a page of 50.
        (ContactQuery(tags=("vip",)), BY_EMAIL, sizes(100_000, vip=900), Driver.SORTED_POSTINGS),
        # Of 1,000 it meets one of 900 at almost every step.
        (ContactQuery(tags=("vip",)), BY_EMAIL, sizes(1_000, vip=900), Driver.INDEX),
        (ContactQuery(tags=("vip",)), BY_EMAIL, sizes(100_000, vip=1_001), Driver.INDEX),
        (ContactQuery(words=("ada",)), BY_EMAIL, sizes(100_000, known=7), Driver.KNOWN),
        (
            ContactQuery(words=("ada",), tags=("vip",)),
            BY_CHANGE,
            sizes(100_000, vip=3, known=7),
            Driver.SORTED_POSTINGS,
        ),
    ],
)  # fmt: skip
def test_the_driver_has_the_fewest_candidates(
    wanted: ContactQuery, order: Order, found: Sizes, driver: Driver
) -> None:
    assert plan(wanted, order, 50, found).driver is driver


def test_the_shortest_posting_list_drives_and_those_of_its_length_are_held_against_it() -> None:
    wanted = ContactQuery(tags=("vip", "customer"), lists=("news",))
    chosen = plan(wanted, NEWEST_FIRST, 50, sizes(10_000, vip=1_000, customer=4_000, news=4_001))
    assert (chosen.posting_list, chosen.others) == (VIP, [CUSTOMER])
    # Of those that are not read, too: it is the contacts that tell, but how many of them is known.
    assert chosen.share == pytest.approx(0.4 * 0.4001)


def test_a_walk_goes_on_the_way_it_began() -> None:
    few, many = sizes(100_000, vip=900), sizes(1_000, vip=900)
    assert plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, few, was_in_memory=False).driver is Driver.INDEX
    assert (
        plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, many, was_in_memory=True).driver
        is Driver.SORTED_POSTINGS
    )
    grown, overgrown = sizes(100_000, vip=2_000), sizes(100_000, vip=2_001)
    assert plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, grown, was_in_memory=True).is_in_memory
    assert not plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, overgrown, was_in_memory=True).is_in_memory


def test_an_offset_is_skipped_along_keys_if_that_is_all_there_is_to_it() -> None:
    assert plan(ContactQuery(), NEWEST_FIRST, 50, Sizes(), skip=500).posting_list == EVERYBODY
    assert plan(ContactQuery(created=SINCE), NEWEST_FIRST, 50, Sizes(), skip=500).posting_list == EVERYBODY
    assert plan(ContactQuery(), NEWEST_FIRST, 50, Sizes(), skip=50).driver is Driver.CREATION
    assert plan(ContactQuery(is_active=True), NEWEST_FIRST, 50, Sizes(), skip=500).driver is Driver.CREATION


@pytest.mark.parametrize(
    ("wanted", "order", "counted"),
    [
        (ContactQuery(is_active=True), NEWEST_FIRST, []),
        (ContactQuery(tags=("vip",)), NEWEST_FIRST, []),
        (ContactQuery(words=("ada",)), NEWEST_FIRST, []),
        (ContactQuery(tags=("vip",), words=("ada",)), NEWEST_FIRST, [EVERYBODY, VIP]),
        (ContactQuery(tags=("vip", "customer")), NEWEST_FIRST, [EVERYBODY, VIP, CUSTOMER]),
        (ContactQuery(), BY_EMAIL, []),
        (ContactQuery(updated=SINCE), BY_CHANGE, []),
        (ContactQuery(tags=("vip",)), BY_EMAIL, [EVERYBODY, VIP]),
        (ContactQuery(updated=SINCE), BY_EMAIL, [EVERYBODY]),
    ],
)  # fmt: skip
def test_nothing_is_counted_that_decides_nothing(
    wanted: ContactQuery, order: Order, counted: list[PostingList]
) -> None:
    assert lists_to_count(wanted, order) == counted


def test_what_is_worth_looking_for() -> None:
    wanted = ContactQuery(words=("jo", "smith", "a", "ann"), tags=("vip",), updated=SINCE)
    assert words_to_look_for(wanted, sizes(9_000, vip=101)) == ["smith", "ann"]
    assert words_to_look_for(wanted, sizes(9_000, vip=100)) == []
    assert changes_are_worth_looking_for(wanted, BY_EMAIL, sizes(9_000, vip=101))
    assert not changes_are_worth_looking_for(wanted, BY_CHANGE, sizes(9_000, vip=101))
    assert not changes_are_worth_looking_for(wanted, BY_EMAIL, sizes(9_000, vip=100))
