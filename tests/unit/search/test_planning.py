"""The planner of lists and searches: it chooses the driver with the fewest candidates."""

from math import comb

import pytest

from contacts.search.planner import (
    CandidateCounts,
    Driver,
    lists_to_count,
    plan,
    should_probe_updates,
    words_to_probe,
)
from contacts.search.query import (
    ALL_CONTACTS,
    NEWEST_FIRST,
    ContactQuery,
    Order,
    PostingKind,
    PostingList,
    SortField,
    TimeRange,
)
from contacts.search.service import POSTING_MATCH_FRACTION, _Part
from contacts.search.sources import KnownCandidates

VIP, CUSTOMER = (PostingList(PostingKind.TAG, tag) for tag in ("vip", "customer"))
NEWS = PostingList(PostingKind.LIST, "news")
BY_EMAIL = Order(SortField.EMAIL, descending=False)
BY_CHANGE = Order(SortField.UPDATED_AT)
SINCE = TimeRange(1_000)


def counts_of(
    all_contacts: int, *, vip: int = 0, customer: int = 0, news: int = 0, known: int | None = None
) -> CandidateCounts:
    return CandidateCounts({ALL_CONTACTS: all_contacts, VIP: vip, CUSTOMER: customer, NEWS: news}, known)


@pytest.mark.parametrize(
    ("query", "order", "counts", "driver"),
    [
        (ContactQuery(), NEWEST_FIRST, CandidateCounts(), Driver.CREATION),
        (ContactQuery(is_active=True, created=SINCE), NEWEST_FIRST, CandidateCounts(), Driver.CREATION),
        (ContactQuery(email="a@example.com", tags=("vip",)), BY_EMAIL, CandidateCounts(), Driver.NAME),
        (ContactQuery(external_id="crm-1"), NEWEST_FIRST, CandidateCounts(), Driver.NAME),
        (ContactQuery(tags=("vip",)), NEWEST_FIRST, CandidateCounts(), Driver.POSTINGS),
        (ContactQuery(words=("ada",)), NEWEST_FIRST, CandidateCounts(known=7), Driver.KNOWN),
        (ContactQuery(words=("j",)), NEWEST_FIRST, CandidateCounts(), Driver.CREATION),
        (ContactQuery(words=("ada",), tags=("vip",)), NEWEST_FIRST, counts_of(9_000, vip=500, known=7), Driver.KNOWN),
        (ContactQuery(words=("ada",), tags=("vip",)), NEWEST_FIRST, counts_of(9_000, vip=5, known=7), Driver.POSTINGS),
        (ContactQuery(), BY_EMAIL, CandidateCounts(), Driver.INDEX),
        (ContactQuery(updated=SINCE), BY_CHANGE, CandidateCounts(), Driver.INDEX),
        # Of 100,000 the walk along the index meets one of 900 every 111: 5,550 for a page of 50.
        (ContactQuery(tags=("vip",)), BY_EMAIL, counts_of(100_000, vip=900), Driver.SORTED_POSTINGS),
        # Of 1,000 it meets one of 900 at almost every step.
        (ContactQuery(tags=("vip",)), BY_EMAIL, counts_of(1_000, vip=900), Driver.INDEX),
        (ContactQuery(tags=("vip",)), BY_EMAIL, counts_of(100_000, vip=1_001), Driver.INDEX),
        (ContactQuery(words=("ada",)), BY_EMAIL, counts_of(100_000, known=7), Driver.KNOWN),
        (
            ContactQuery(words=("ada",), tags=("vip",)),
            BY_CHANGE,
            counts_of(100_000, vip=3, known=7),
            Driver.SORTED_POSTINGS,
        ),
    ],
)  # fmt: skip
def test_the_driver_has_the_fewest_candidates(
    query: ContactQuery, order: Order, counts: CandidateCounts, driver: Driver
) -> None:
    assert plan(query, order, 50, counts).driver is driver


def test_the_shortest_posting_list_drives_and_lists_of_similar_length_are_intersected() -> None:
    query = ContactQuery(tags=("vip", "customer"), lists=("news",))
    chosen = plan(query, NEWEST_FIRST, 50, counts_of(10_000, vip=1_000, customer=4_000, news=4_001))
    assert (chosen.posting_list, chosen.intersected) == (VIP, [CUSTOMER])
    # The fraction includes the list that is not intersected: its length is known, too.
    assert chosen.match_fraction == pytest.approx(0.4 * 0.4001)


def test_later_pages_are_sorted_the_way_the_first_page_was() -> None:
    few, many = counts_of(100_000, vip=900), counts_of(1_000, vip=900)
    assert plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, few, began_in_memory=False).driver is Driver.INDEX
    assert (
        plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, many, began_in_memory=True).driver
        is Driver.SORTED_POSTINGS
    )
    grown, overgrown = counts_of(100_000, vip=2_000), counts_of(100_000, vip=2_001)
    assert plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, grown, began_in_memory=True).is_in_memory
    assert not plan(ContactQuery(tags=("vip",)), BY_EMAIL, 50, overgrown, began_in_memory=True).is_in_memory


def test_an_offset_without_filters_is_skipped_by_keys_alone() -> None:
    assert plan(ContactQuery(), NEWEST_FIRST, 50, CandidateCounts(), skip=500).posting_list == ALL_CONTACTS
    assert (
        plan(ContactQuery(created=SINCE), NEWEST_FIRST, 50, CandidateCounts(), skip=500).posting_list
        == ALL_CONTACTS
    )
    assert plan(ContactQuery(), NEWEST_FIRST, 50, CandidateCounts(), skip=50).driver is Driver.CREATION
    assert (
        plan(ContactQuery(is_active=True), NEWEST_FIRST, 50, CandidateCounts(), skip=500).driver
        is Driver.CREATION
    )


@pytest.mark.parametrize(
    ("query", "order", "counted"),
    [
        (ContactQuery(is_active=True), NEWEST_FIRST, []),
        (ContactQuery(tags=("vip",)), NEWEST_FIRST, []),
        (ContactQuery(words=("ada",)), NEWEST_FIRST, []),
        (ContactQuery(tags=("vip",), words=("ada",)), NEWEST_FIRST, [ALL_CONTACTS, VIP]),
        (ContactQuery(tags=("vip", "customer")), NEWEST_FIRST, [ALL_CONTACTS, VIP, CUSTOMER]),
        (ContactQuery(), BY_EMAIL, []),
        (ContactQuery(updated=SINCE), BY_CHANGE, []),
        (ContactQuery(tags=("vip",)), BY_EMAIL, [ALL_CONTACTS, VIP]),
        (ContactQuery(updated=SINCE), BY_EMAIL, [ALL_CONTACTS]),
    ],
)  # fmt: skip
def test_only_counts_that_affect_the_plan_are_read(
    query: ContactQuery, order: Order, counted: list[PostingList]
) -> None:
    assert lists_to_count(query, order) == counted


def test_a_probe_is_skipped_where_a_posting_list_is_short() -> None:
    query = ContactQuery(words=("jo", "smith", "a", "ann"), tags=("vip",), updated=SINCE)
    assert words_to_probe(query, counts_of(9_000, vip=101)) == ["smith", "ann"]
    assert words_to_probe(query, counts_of(9_000, vip=100)) == []
    assert should_probe_updates(query, BY_EMAIL, counts_of(9_000, vip=101))
    assert not should_probe_updates(query, BY_CHANGE, counts_of(9_000, vip=101))
    assert not should_probe_updates(query, BY_EMAIL, counts_of(9_000, vip=100))


def test_a_batch_of_postings_is_too_small_on_about_one_page_in_seven() -> None:
    """`POSTING_MATCH_FRACTION` for a page of 100, and one to look ahead, of candidates that match half the time."""
    half = 0.5
    part = _Part(
        KnownCandidates((), NEWEST_FIRST), lambda _, __: True, match_fraction=half * POSTING_MATCH_FRACTION
    )
    batch_size, matches_needed = part.batch_size(101, 0, 0), 101
    too_few = sum(comb(batch_size, matches) for matches in range(matches_needed)) * half**batch_size
    assert too_few == pytest.approx(1 / 7, abs=0.03)
