"""The words by which contacts are searched, whatever the case, the accents and the script."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final
from unicodedata import category, combining, normalize

from contacts.book.model import Contact

LONGEST_WORD: Final = 64
"""Characters; of a longer one these are kept."""
MAX_WORDS: Final = 100
"""Of a contact, so that no name of 255 single letters costs 255 writes: the whole words come before the parts."""

_EMAIL_SEPARATORS: Final = re.compile(r"[@.+\-_]+")
_DROPPED: Final = frozenset({"Mn", "Me", "Cf", "Cc", "Cs"})
"""Unicode categories: accents, what encloses, what is invisible, and what no key can hold."""
_SAME: Final = {"\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "ʼ": "'"}
"""What telephones make of an apostrophe; every dash is a hyphen, too."""


def words_of(contact: Contact) -> frozenset[str]:
    """The words a contact is found by: a query finds it if each of the query's words begins one of these.

    The words of its names, the email, the external id; and the parts of names around punctuation, of the email around
    `@ . + - _`, and the email's domain. At most `MAX_WORDS`.
    """
    return frozenset(islice(dict.fromkeys(word[:LONGEST_WORD] for word in _words(contact)), MAX_WORDS))


def query_words(text: str) -> tuple[str, ...]:
    """The words of a query, each once; none if it has nothing but marks and spaces."""
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in normalised(text).split()))


def normalised(text: str) -> str:
    """A text without case, accents and what cannot be seen; compatible forms of characters become one.

    Character by character, whatever stands beside it: so what a text begins with, its normal form begins with.
    """
    if text.isascii() and text.isprintable():
        return text.lower()
    return "".join(map(_normalised_character, text))


def _words(contact: Contact) -> Iterator[str]:
    """The most telling first."""
    email = normalised(contact.email or "")
    names = " ".join(filter(None, (contact.name, contact.first_name, contact.last_name)))
    words = normalised(names).split()
    if email:
        yield email
    yield from words
    yield from normalised(contact.external_id or "").split()
    if email:
        yield email.rpartition("@")[2]
        yield from filter(None, _EMAIL_SEPARATORS.split(email))
    for word in words:
        if not word.isalnum():
            yield from "".join(map(_spaced, word)).split()


@lru_cache(maxsize=4096)
def _normalised_character(character: str) -> str:
    folded = _bare(normalize("NFKD", character)).casefold()
    return "".join(_SAME.get(part, "-" if category(part) == "Pd" else part) for part in _bare(folded))


def _bare(text: str) -> str:
    """A text decomposed, without what is dropped. Marks that would change places are, whatever their category."""
    return "".join(
        character
        for character in normalize("NFKD", text)
        if character.isspace() or not (combining(character) or category(character) in _DROPPED)
    )


@lru_cache(maxsize=1024)
def _spaced(character: str) -> str:
    return " " if category(character)[0] == "P" else character
