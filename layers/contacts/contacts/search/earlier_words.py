"""The words that contacts were posted under by releases before the words of `search.words`.

The projection deletes an earlier word when what the word came from goes, and posts none. `reindex_account` replaces
them all. Once every account was reindexed, this module can go.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final
from unicodedata import category, combining, normalize

from contacts.book.model import Contact

_LONGEST_WORD: Final = 64
_MAX_WORDS: Final = 100
_EMAIL_SEPARATORS: Final = re.compile(r"[@.+\-_]+")
_DROPPED: Final = frozenset({"Mn", "Me", "Cf", "Cc", "Cs"})
_SAME: Final = {"\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "ʼ": "'"}


def earlier_words_of(contact: Contact) -> frozenset[str]:
    """Returns the words that earlier releases posted a contact under, at most 100."""
    return frozenset(islice(dict.fromkeys(word[:_LONGEST_WORD] for word in _words(contact)), _MAX_WORDS))


def _words(contact: Contact) -> Iterator[str]:
    email = _normalised(contact.email or "")
    names = " ".join(filter(None, (contact.name, contact.first_name, contact.last_name)))
    words = _normalised(names).split()
    if email:
        yield email
    yield from words
    yield from _normalised(contact.external_id or "").split()
    if email:
        yield email.rpartition("@")[2]
        yield from filter(None, _EMAIL_SEPARATORS.split(email))
    for word in words:
        if not word.isalnum():
            yield from "".join(map(_spaced, word)).split()


def _normalised(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.lower()
    return "".join(map(_normalised_character, text))


@lru_cache(maxsize=1024)
def _normalised_character(character: str) -> str:
    folded = _bare(normalize("NFKD", character)).casefold()
    return "".join(_SAME.get(part, "-" if category(part) == "Pd" else part) for part in _bare(folded))


def _bare(text: str) -> str:
    return "".join(
        character
        for character in normalize("NFKD", text)
        if character.isspace() or not (combining(character) or category(character) in _DROPPED)
    )


@lru_cache(maxsize=1024)
def _spaced(character: str) -> str:
    return " " if category(character)[0] == "P" else character
