"""Texts that look the same are found as one."""

from unicodedata import is_normalized, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.core.text import composed, look_alikes, spellings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vip", ("vip",)),
        ("", ("",)),
        ("é", ("é", "e\N{COMBINING ACUTE ACCENT}")),
        ("e\N{COMBINING ACUTE ACCENT}", ("e\N{COMBINING ACUTE ACCENT}", "é")),
        ("田中", ("田中",)),
        ("ø", ("ø",)),
        # As a keyboard for Vietnamese writes it: neither composed nor decomposed.
        ("ê\N{COMBINING DOT BELOW}", ("ê\N{COMBINING DOT BELOW}", "ệ", normalize("NFD", "ệ"))),
        ("\N{ANGSTROM SIGN}", ("\N{ANGSTROM SIGN}", "Å", "A\N{COMBINING RING ABOVE}")),
        ("한", ("한", normalize("NFD", "한"))),
    ],
)
def test_a_text_has_up_to_three_spellings(text: str, expected: tuple[str, ...]) -> None:
    assert spellings(text) == expected


@given(some.text())
def test_all_spellings_are_composed_to_one(text: str) -> None:
    assert {composed(one) for one in spellings(text)} == {composed(text)}
    assert text in spellings(text)
    assert is_normalized("NFC", composed(text))


@pytest.mark.parametrize("mark", ["\N{COMBINING ACUTE ACCENT}", "\N{TIBETAN VOWEL SIGN II}"])
def test_a_letter_with_more_marks_than_any_language_has_stays_as_it_is(mark: str) -> None:
    below = "\N{COMBINING GRAVE ACCENT BELOW}"
    some_marks, too_many = f"e{mark * 15}{below * 15}e", f"e{mark * 15}{below * 16}e"
    assert composed(some_marks) == normalize("NFC", some_marks) != some_marks
    assert composed(too_many) == too_many
    assert spellings(too_many) == (too_many,)


def test_look_alikes_are_those_behind_the_first() -> None:
    assert look_alikes(["é", "a", "e\N{COMBINING ACUTE ACCENT}", "E\N{COMBINING ACUTE ACCENT}"]) == [
        "e\N{COMBINING ACUTE ACCENT}"
    ]
