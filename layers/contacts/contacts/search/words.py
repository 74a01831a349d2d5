"""The words by which contacts are searched, whatever the case, the accents, the marks and the script.

One function, `tokens`, folds and splits what is stored and what is typed. From a contact's tokens come the words that
it is posted under (`words_of`), from a query's tokens its terms (`query_words`, `term`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter
from string import punctuation
from typing import Final, NamedTuple
from unicodedata import category, combining, decimal, lookup, name, normalize

from contacts.book.model import Contact

LONGEST_WORD: Final = 64
"""Characters; of a longer one these are kept."""
MAX_WORDS: Final = 100
"""Of a contact, so that no name of 255 single letters costs 255 writes: the whole words come before the parts."""
PHONE: Final = "+"
"""What the word of a phone begins with. No other word does: a mark at the beginning of a word is left out."""
FEWEST_PHONE_DIGITS: Final = 4
"""Digits of a query that are looked up at the end of phones."""
_MOST_PHONE_DIGITS: Final = 15
"""Digits of an E.164 number."""
_SPACED_PHONE_DIGITS: Final = range(7, 18)
"""Digits, in groups with spaces between them, that are one phone and not several numbers (17: `00` and 15)."""
_FIRST_GROUP_DIGITS: Final = 5
"""Most digits of the first group of such a phone: a country code, or an area code with its 0."""

_DROPPED: Final = frozenset({"Mn", "Me", "Cf", "Cc", "Cs"})
"""Unicode categories: accents, what encloses, what is invisible, and what no key can hold."""
_FOLDED: Final = {
    **dict.fromkeys("´ʹʻʼʽʾʿˈ‘’‛ꞌ", "'"),  # What keyboards make of an apostrophe; some count as letters.
    "ـ": "",  # ARABIC TATWEEL only makes a word longer.
    "ı": "i",
    "ĸ": "k",
    "ð": "d",
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "ŋ": "n",
    "ə": "e",
    "ǝ": "e",
    "ɛ": "e",
    "ɔ": "o",
    "ɵ": "o",
    "ʉ": "u",
    "ɑ": "a",
    "ɡ": "g",
    "ɩ": "i",
    "ȷ": "j",
    "ی": "ي",
    "ى": "ي",
    "ک": "ك",
}
"""What stands for a character that Unicode does not decompose. Letters `WITH STROKE` and the like need no entry."""
_WITH_A_BASE: Final = ("LATIN SMALL LETTER ", "CYRILLIC SMALL LETTER ")
_ASCII_MARKS: Final = punctuation.replace("$", "")
_ASCII_MARK: Final = re.compile(f"[{re.escape(_ASCII_MARKS)}]+")
_BETWEEN_WORDS: Final = re.compile(r'[\s,;<>()\[\]{}"“”„«»、。，；（）「」『』《》・]+')
"""What stands between words only; other marks may stand in an address, a domain or an external id."""
_TRUNK: Final = re.compile(r"((?:\+|(?<![0-9])00)\s*(?!38\D)[0-9]{1,3}[\s.-]*)\(0\)")
"""The 0 of `+44 (0)20 …`, which is dialled only within the country. In `+38 (0)50 …` it is a digit of 380."""
_CODED_LABEL: Final = "xn--"


# Words of a contact


def words_of(contact: Contact) -> frozenset[str]:
    """Returns the words that a contact is posted under, at most `MAX_WORDS`.

    - Of each name: its words around marks, and a word with marks inside once more without them. Scripts without spaces:
      also what begins later in a word, and the names together, the last name first.
    - Of the email: all of it, the words of its local part, its domain. Not the labels of the domain, which would fill
      one partition with nearly every contact.
    - The external id, which keeps the marks inside.
    - The phone: `PHONE`, and the digits from the last to the first. So whatever the number ends with begins the word.
    """
    return _words_of_texts(_Texts(*_texts_of(contact)))


class _Texts(NamedTuple):
    """What the words of a contact are made of: its fields of the same names."""

    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    external_id: str | None
    phone: str | None


_texts_of = attrgetter(*_Texts._fields)


@lru_cache(maxsize=16)
def _words_of_texts(texts: _Texts) -> frozenset[str]:
    """The words of the last few contacts are kept: a search looks at those of one contact several times in a row."""
    return frozenset(islice(dict.fromkeys(word[:LONGEST_WORD] for word in _words(texts)), MAX_WORDS))


def _words(contact: _Texts) -> Iterator[str]:
    """The phone, on which a filter relies too; then the most telling first."""
    if contact.phone:
        yield phone_word(contact.phone)
    given = [list(tokens(text or "")) for text in (contact.name, contact.first_name, contact.last_name)]
    in_names = [token for own in given for token in own]
    parts = [part for token in in_names if "@" not in token for part in _parts(token)]
    addresses = [token for token in in_names if "@" in token]
    if contact.email:
        addresses.insert(0, _decoded(_trimmed(normalised(contact.email))))
    yield from addresses
    yield from parts
    of_id = list(tokens(contact.external_id or ""))
    yield from of_id
    for address in addresses:
        local, _, domain = address.rpartition("@")
        yield domain
        yield from _parts(local)
    yield from (_unmarked(token) for token in in_names if "@" not in token)
    name_, first, last = given
    yield from _joined_numbers(name_ or first + last)
    yield from _joined_numbers(of_id)
    yield from _names_without_a_space(name_ or last + first)
    for part in parts:
        yield from _later_beginnings(part)


def _names_without_a_space(own: list[str]) -> Iterator[str]:
    """Names whose script has no spaces, in one word: `田中 太郎` is typed `田中太郎` as well."""
    if len(own) > 1 and all(_is_unspaced(token[0]) for token in own):
        yield "".join(map(_unmarked, own))


def _later_beginnings(part: str) -> Iterator[str]:
    """What begins inside a word whose script has no spaces: `郎` and `太郎` of `田中太郎`, `ชาย` of `สมชาย`.

    A query finds the beginnings of words. With all of these, it finds whatever stands in the word, in any length, with
    one lookup and nothing else. Pairs of characters would be as many, and would find what does not stand there.
    """
    if part.isascii():
        return
    for at in range(1, len(part)):
        before, character = part[at - 1], part[at]
        if not _is_unspaced(character):
            if _is_unspaced(before):
                yield part[at:]
        elif not _is_unspaced(before) or _may_begin(character, before, len(part) - at):
            yield part[at:]


# Terms of a query


class Term(NamedTuple):
    """What a token of a query asks of a contact: one of `beginnings` begins a word, or each of `parts` does."""

    beginnings: tuple[str, ...]
    parts: tuple[str, ...]
    """Of a token with marks inside, which may be several words or one; else empty."""
    ranges: tuple[str, ...]
    """The postings that begin with one of these include every contact that matches. None begins another."""

    @property
    def whole_words(self) -> tuple[str, ...]:
        """Words of which a contact has at least one where this term is whole."""
        return (*self.beginnings, _most_telling(self.parts)) if self.parts else self.beginnings

    @property
    def is_one_word(self) -> bool:
        """Whether it cannot be several words. Then a posting within `ranges` tells that its contact matches."""
        return not self.parts

    def matches(self, words: frozenset[str]) -> bool:
        """Whether a contact with these words matches."""
        return any(word.startswith(self.beginnings) for word in words) or (
            bool(self.parts) and all(any(word.startswith(part) for word in words) for part in self.parts)
        )

    def is_whole_in(self, words: frozenset[str]) -> bool:
        """Whether it is a whole word, or several whole words, of a contact with these words."""
        return not words.isdisjoint(self.beginnings) or (bool(self.parts) and words.issuperset(self.parts))

    def in_order(self, words: Iterable[str]) -> list[str]:
        """Returns the words that a walk through `ranges` comes to, in its order."""
        found = sorted(words)
        return [word for one in self.ranges for word in found if word.startswith(one)]


@lru_cache(maxsize=1024)
def term(token: str) -> Term:
    """Returns what a token of `query_words` asks of contacts."""
    if "@" in token:
        return Term((token,), (), (token,))
    parts = tuple(dict.fromkeys(_parts(token)))
    digits = _unmarked(token)
    if digits.isascii() and digits.isdigit():
        # A number: of a phone, or with or without its marks in a name or an external id. Its parts are not tried: the
        # `2024` of `2024-17` may begin the external id of everybody. A 0 or 00 dialled before it is no part of a phone.
        number = dialled_part if len(dialled_part := digits.lstrip("0")) >= FEWEST_PHONE_DIGITS else digits
        is_phone = FEWEST_PHONE_DIGITS <= len(number) <= _MOST_PHONE_DIGITS
        phone = (PHONE + number[::-1],) if is_phone else ()
        beginnings = tuple(dict.fromkeys((token, digits, *phone)))
        return Term(beginnings, (), _disjoint(beginnings))
    if parts == (token,):
        return Term((token,), (), (token,))
    return Term((token,), parts, _disjoint((_most_telling(parts), token)))


def query_words(text: str) -> tuple[str, ...]:
    """Returns the tokens of a query, each once; none if it has nothing but marks and spaces."""
    found: list[str] = []
    of_query = tokens(_TRUNK.sub(r"\1", text))
    for is_number, own in groupby(of_query, _is_number):
        numbers = list(own)
        found += _phone_of(numbers) if is_number else numbers
    return tuple(dict.fromkeys(filter(None, (_trimmed(token[:LONGEST_WORD]) for token in found))))


def driving(query: Sequence[str]) -> list[str]:
    """Returns the tokens of a query, first those that the fewest postings begin with: the longest ones."""
    return sorted(query, key=lambda token: (-min(map(len, term(token).ranges)), token))


def word_count(query: Iterable[str]) -> int:
    """Returns the number of words in the tokens of a query: one with marks inside has several."""
    return sum(len(term(token).parts) or 1 for token in query)


def phone_word(phone: str) -> str:
    """Returns the word that a contact with an E.164 number is posted under."""
    return PHONE + phone[:0:-1]


def dialled(text: str) -> str | None:
    """Returns the E.164 form of a number however it is written, if it has its country; else None.

    It may have spaces, brackets, `-`, `.` and `/`, and `+`, `00` or nothing before the country. A `+` in a URL that was
    not encoded arrives as a space.
    """
    typed = normalised(text).strip()
    if not re.fullmatch(r"\+?[0-9\s()./-]+", typed):
        return None
    has_plus = typed.startswith("+")
    from_country = typed if has_plus or typed.startswith("00") else f"+{typed}"
    digits = re.sub(r"\D", "", _TRUNK.sub(r"\1", from_country))
    if not has_plus:
        digits = digits.removeprefix("00")
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{1,14}", digits) else None


def _phone_of(numbers: list[str]) -> list[str]:
    """The numbers that stand side by side in a query, as one if they look like a phone: `38`, `050`, `123-45-67`."""
    digits = "".join(map(_unmarked, numbers))
    is_phone = (
        len(numbers) > 1
        and len(digits) in _SPACED_PHONE_DIGITS
        and len(_unmarked(numbers[0])) <= _FIRST_GROUP_DIGITS
    )
    return [digits] if is_phone else numbers


def _joined_numbers(own: list[str]) -> Iterator[str]:
    """The numbers that stand side by side in a name, as one: a query may ask for them so."""
    for is_number, side_by_side in groupby(own, _is_number):
        numbers = list(side_by_side)
        if is_number and len(numbers) > 1:
            yield "".join(map(_unmarked, numbers))


def _most_telling(parts: tuple[str, ...]) -> str:
    """A part with a digit, or else the longest one: the `crm` of `crm-4711` may begin the external id of everybody."""
    return max(parts, key=lambda part: (any(map(str.isdigit, part)), len(part), part))


def _disjoint(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that begin with another one: its range includes theirs."""
    return tuple(
        one for one in prefixes if not any(one != other and one.startswith(other) for other in prefixes)
    )


# What both are made of


def tokens(text: str) -> Iterator[str]:
    """Folds a text and splits it: at spaces, commas, quotes and brackets, and around each sign such as an emoji.

    No token has a mark at its ends.

    A token may have marks inside: `jean-luc`, `crm-4711`, `math.example`. An address is one token, without what stands
    around it, and with its domain as people write it: `<K@xn--mnchen-3ya.example>` is `k@munchen.example`.
    """
    folded = normalised(text)
    if not folded.isascii():
        folded = "".join(map(_sign_apart, folded))
    for piece in _BETWEEN_WORDS.split(folded):
        found = _trimmed(piece)
        if "@" in found:
            found = found.removeprefix("mailto:")
        if found:
            yield _decoded(found)


def normalised(text: str) -> str:
    """Returns a text without case, accents and what cannot be seen; compatible forms of characters become one.

    Character by character, whatever stands beside it: so what a text begins with, its normal form begins with.
    """
    if text.isascii() and text.isprintable():
        return text.lower()
    return "".join(map(_normalised_character, text))


@lru_cache(maxsize=4096)
def _normalised_character(character: str) -> str:
    if character in _FOLDED:
        return _FOLDED[character]
    folded = _bare(normalize("NFKD", character)).casefold()
    return "".join(map(_base, _bare(folded)))


def _bare(text: str) -> str:
    """A text decomposed, without what is dropped. Marks that would change places are, whatever their category."""
    return "".join(
        character
        for character in normalize("NFKD", text)
        if character.isspace() or not (combining(character) or category(character) in _DROPPED)
    )


def _base(character: str) -> str:
    """What stands for a character that is folded and decomposed as far as Unicode goes.

    `ł`, LATIN SMALL LETTER L WITH STROKE, is an `l`; a digit of any script is an ASCII digit; any dash is a hyphen.
    """
    if character.isascii():
        return character
    if character in _FOLDED:
        return _FOLDED[character]
    kind = category(character)
    if kind == "Pd":
        return "-"
    if kind == "Nd":
        return str(decimal(character))
    base, has_more, _ = name(character, "").partition(" WITH ")
    if not has_more or not base.startswith(_WITH_A_BASE):
        return character
    try:
        return normalised(lookup(base))
    except KeyError:
        return character


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    """Whether it stands around words or between them: punctuation, and signs of mathematics such as `<` and `+`."""
    kind = category(character)
    return kind[0] == "P" or kind in ("Sm", "Sk")


@lru_cache(maxsize=4096)
def _sign_apart(character: str) -> str:
    return f" {character} " if category(character) == "So" else character


def _trimmed(token: str) -> str:
    """Without the marks at its ends."""
    if token.isascii():
        return token.strip(_ASCII_MARKS)
    begin, end = 0, len(token)
    while begin < end and _is_mark(token[begin]):
        begin += 1
    while begin < end and _is_mark(token[end - 1]):
        end -= 1
    return token[begin:end]


def _parts(token: str) -> list[str]:
    """The words of a token around the marks in it."""
    if token.isascii():
        return _ASCII_MARK.sub(" ", token).split()
    return "".join(" " if _is_mark(character) else character for character in token).split()


def _unmarked(token: str) -> str:
    return "".join(_parts(token))


def _is_number(token: str) -> bool:
    return token.isascii() and _unmarked(token).isdigit()


def _decoded(address: str) -> str:
    """An address, or a domain, with each label `xn--…` as the letters that it stands for (RFC 3492), folded."""
    if _CODED_LABEL not in address:
        return address
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{'.'.join(map(_decoded_label, domain.split('.')))}"


def _decoded_label(label: str) -> str:
    if not label.startswith(_CODED_LABEL):
        return label
    try:
        letters = label.removeprefix(_CODED_LABEL).encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label
    found = normalised(letters)
    return found if found.split() == [found] and "@" not in found else label


# Scripts that are written without spaces

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul, decomposed
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3100, 0x312F),  # Bopomofo
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAA60, 0xAA7F),
    (0xD7B0, 0xD7FF),
    (0x20000, 0x3FFFF),
)
_NEVER_FIRST: Final = frozenset("ぁぃぅぇぉっゃゅょゎんゝァィゥェォッャュョヮンヽーヵヶ々")
"""No Japanese word begins with these."""


@lru_cache(maxsize=4096)
def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _UNSPACED)


def _may_begin(character: str, before: str, left: int) -> bool:
    """Whether a word may begin with a character of a script without spaces, inside of which it stands.

    `left`: how many characters there are from it on. Where vowels are letters, a word has two or more.
    """
    code = ord(character)
    if 0x0E00 <= code <= 0x0EFF:
        of_vowel, sign = ord(before) & 0x7F, code & 0x7F
        return left > 1 and (sign <= 0x2E or 0x40 <= sign <= 0x44) and not 0x40 <= of_vowel <= 0x44
    if 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF or 0xAA60 <= code <= 0xAA7F:
        return left > 1 and category(character) == "Lo"
    if 0x1100 <= code <= 0x11FF or 0xA960 <= code <= 0xD7FF:
        return code <= 0x115F or code in range(0xA960, 0xA97D)
    return character not in _NEVER_FIRST
