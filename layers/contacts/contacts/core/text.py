"""How texts are spelled: one letter may be written with one character or with several, and looks the same."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_MOST_MARKS: Final = 30
"""On one letter. No language has more (Unicode's UAX #15, "Stream-Safe Text Format")."""


def composed(text: str) -> str:
    """A text in Unicode's composed form (NFC), in which `é` is one character and not `e` with an accent.

    A text with more than 30 marks on one letter stays as it is: they are sorted in a time that grows with their square.
    """
    return text if text.isascii() else _in_form("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """A text as it is, composed (NFC) and decomposed (NFD), each once: one for ASCII, two for `é`.

    Names were stored as they were sent before they were composed. These are the spellings under which they are found.
    """
    if text.isascii():
        return (text,)
    return tuple(dict.fromkeys((text, _in_form("NFC", text), _in_form("NFD", text))))


def look_alikes(texts: Iterable[str]) -> list[str]:
    """The texts that are composed as one before them is."""
    seen: set[str] = set()
    found = []
    for text in texts:
        if (form := composed(text)) in seen:
            found.append(text)
        seen.add(form)
    return found


def _in_form(form: str, text: str) -> str:
    # Most functions never meet a text that needs it.
    from unicodedata import normalize

    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        if marks > _MOST_MARKS:
            return text
    return normalize(form, text)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _is_mark(character: str) -> bool:
    """Whether it belongs to the letter before it, once it is decomposed."""
    from unicodedata import combining, normalize

    return combining(normalize("NFD", character)[0]) != 0
