"""Several texts in one cell."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.core.separated import joined, separated
from contacts.core.spreadsheets import escaped, unescaped


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ("vip", ["vip"]),
        ("vip;beta", ["vip", "beta"]),
        (" vip ; beta;; ", ["vip", "beta"]),
        ("vip, beta", ["vip", "beta"]),
        ("Doe, Jane; vip", ["Doe, Jane", "vip"]),
        ("a\\;b;c\\\\", ["a;b", "c\\"]),
        ("a\\,b", ["a,b"]),
        ('"Influencer","VIP, gold"', ["Influencer", "VIP, gold"]),
        ('"vip"', ["vip"]),
        ('["a;b", "c,d", 3]', ["a;b", "c,d", "3"]),
        ("[not json]", ["[not json]"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("* My Contacts ::: University ::: School", ["My Contacts", "University", "School"]),
        ("a\\b;C:\\temp", ["a\\b", "C:\\temp"]),
        ("trailing\\", ["trailing\\"]),
        ('5" nails; 3" nails', ['5" nails', '3" nails']),
        ('a "b, c', ['a "b', "c"]),
        (";", []),
        ("", []),
    ],
)
def test_what_people_and_products_write_is_read(cell: str, texts: list[str]) -> None:
    assert separated(cell) == texts


TEXTS = st.text(
    st.sampled_from('ab\\;,"[]: \t*\u00a0é') | st.characters(exclude_categories=["Cs"]), min_size=1
)


@example(["* a"])
@example(["a\t"])
@example(["\ufeffa ", "b"])
@example(["a", "b\u200b"])
@example(["::: a ::: b"])
@example(['"a"', "'=1"])
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_what_is_joined_comes_back(texts: list[str]) -> None:
    cell = joined(texts)
    assert separated(cell) == texts
    assert separated(unescaped(escaped(cell)).strip().strip("\ufeff\u200b").strip()) == texts


@given(st.text(alphabet='ab\\;,"[]: *\n') | st.text())
def test_any_cell_is_read(cell: str) -> None:
    assert all(isinstance(text, str) and text for text in separated(cell))
