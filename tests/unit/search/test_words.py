"""Search words: any case, accent and script; whatever begins a word of a contact finds it."""

import sys
from typing import Any
from unicodedata import category, combining, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import Contact
from contacts.search.words import LONGEST_WORD, MAX_WORDS, normalised, query_words, words_of
from tests.support.hypothesis_profiles import examples
from tests.support.people import person

AT = "2026-01-15T10:30:00.000Z"

texts = st.text(max_size=80)
names = st.one_of(
    texts,
    st.text(alphabet="aÀéßÅıİςΣ 'ʼ’-‐.(,\u0301\u0328\u00ad\u200d\ufe0f한がﷺﬁ½ा्", max_size=40),
)
emails = st.from_regex(
    r"[a-z0-9_+-]{1,8}(\.[a-z0-9_+-]{1,8}){0,2}@[a-z0-9-]{1,6}(\.[a-z]{2,4}){1,2}", fullmatch=True
)
external_ids = st.one_of(texts.filter(bool), st.from_regex(r"[a-z]{2,4}-[0-9]{1,6}", fullmatch=True))


def contact(**given: Any) -> Contact:
    return Contact(id="c", version=1, created_at=AT, updated_at=AT, **given)


contacts = st.builds(
    contact,
    name=st.none() | names,
    first_name=st.none() | names,
    last_name=st.none() | names,
    email=st.none() | emails,
    external_id=st.none() | external_ids,
)


def finds(query: str, who: Contact) -> bool:
    """What a search comes to."""
    words = query_words(query)
    return bool(words) and all(any(word.startswith(asked) for word in words_of(who)) for asked in words)


# What the words are


def test_the_words_of_an_ordinary_contact() -> None:
    ada = contact(email="ada@example.com", external_id="crm-4711", first_name="Ada", last_name="Lovelace")
    assert words_of(ada) == {
        *("ada", "lovelace", "crm-4711"),
        *("ada@example.com", "example.com", "example", "com"),
    }


def test_an_email_is_found_by_its_parts() -> None:
    found = words_of(contact(email="jean-luc.o_brien+news@mail.example.co.uk"))
    assert found == {
        *("jean-luc.o_brien+news@mail.example.co.uk", "mail.example.co.uk"),
        *("jean", "luc", "o", "brien", "news", "mail", "example", "co", "uk"),
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Müller-Lüdenscheidt", {"muller-ludenscheidt", "muller", "ludenscheidt"}),
        ("O’Brien", {"o'brien", "o", "brien"}),
        ("O'Brien", {"o'brien", "o", "brien"}),
        ("Jean‑Luc", {"jean-luc", "jean", "luc"}),
        ("J.R.R. Tolkien (Sr.)", {"j.r.r.", "j", "r", "tolkien", "(sr.)", "sr"}),
        ("STRASSE straße", {"strasse"}),
        ("Łukasz ŽIŽEK", {"łukasz", "zizek"}),
        ("Ὀδυσσεύς", {"οδυσσευσ"}),
        ("İstanbul", {"istanbul"}),
        ("Олена Їжак", {"олена", "іжак"}),
        ("さくら 田中", {"さくら", "田中"}),
        ("ﬁne ½", {"fine", "1⁄2"}),
        ("👩‍🚀 zoe", {"👩🚀", "zoe"}),
        ("zero\u200bwidth soft\u00adhyphen", {"zerowidth", "softhyphen"}),
        ("bell\u0007 tab\ttab \u2028line", {"bell", "tab", "line"}),
        ("--- ' .", {"---", "'", "."}),
        ("\u0301 \u200b", set()),
        ("", set()),
    ],
)
def test_the_words_of_a_name(name: str, words: set[str]) -> None:
    assert words_of(contact(external_id="", name=name)) == words


def test_hangul_is_found_syllable_by_syllable_and_letter_by_letter() -> None:
    kim = contact(name="김민준")
    assert finds("김", kim)
    assert finds("김ㅁ", kim) is finds("김" + normalize("NFKD", "ㅁ"), kim)
    assert finds("김미", kim)
    assert not finds("민", kim)


def test_a_long_word_is_cut_and_still_found_whole() -> None:
    who = contact(external_id="x" * 255)
    assert words_of(who) == {"x" * LONGEST_WORD}
    assert finds("x" * 255, who)
    assert not finds("x" * 60 + "y", who)


def test_no_contact_has_too_many_words_and_the_whole_ones_come_first() -> None:
    letters = [chr(code) for code in range(ord("一"), ord("一") + 384)]
    given = {
        "name": " ".join(letters[:128]),
        "first_name": " ".join(letters[128:256]),
        "last_name": " ".join(letters[256:]),
        "email": "a.b.c@example.com",
    }
    found = words_of(contact(**given))
    assert len(found) == MAX_WORDS
    assert "a.b.c@example.com" in found
    assert set(letters[: MAX_WORDS - 1]) <= found
    assert found == words_of(contact(**given))


# What a query is


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("  Ada   LOVE ", ("ada", "love")),
        ("ada Ada ÁDA", ("ada",)),
        ("\u0301", ()),
        ("", ()),
        ("\u0000", ()),
        ("\ud800 x", ("x",)),
        ("🎉", ("🎉",)),
        ("y" * 100, ("y" * LONGEST_WORD,)),
    ],
)
def test_the_words_of_a_query(query: str, words: tuple[str, ...]) -> None:
    assert query_words(query) == words


# What must hold of all


def test_every_character_is_normalised_once_and_for_all() -> None:
    """Character by character is enough: no character's form depends on what stands beside it."""
    wrong = []
    for code in (*range(0x40000), *range(0xE0000, 0xE1000), sys.maxunicode):  # nothing is assigned between
        once = normalised(chr(code))
        if normalised(once) != once or any(category(part) in ("Mn", "Me", "Cs") for part in once):
            wrong.append(hex(code))
    assert wrong == []


@given(one=names, another=names)
def test_a_text_is_normalised_piece_by_piece(one: str, another: str) -> None:
    assert normalised(one + another) == normalised(one) + normalised(another)
    assert normalised(normalised(one)) == normalised(one)


@given(text=names)
def test_neither_case_nor_accents_nor_composition_matter(text: str) -> None:
    words = query_words(text)
    assert query_words(normalize("NFD", text)) == words
    assert query_words(normalize("NFC", text)) == words
    assert query_words(text.casefold()) == words
    bare = "".join(character for character in normalize("NFD", text) if not combining(character))
    assert query_words(bare) == words


@given(who=contacts)
@settings(max_examples=examples(300))
def test_words_can_be_keys(who: Contact) -> None:
    for word in words_of(who):
        assert 0 < len(word) <= LONGEST_WORD
        assert word.split() == [word]
        assert not {category(character) for character in word} & {"Cc", "Cs"}
        assert normalised(word) == word
    assert len(words_of(who)) <= MAX_WORDS


@given(who=contacts, data=st.data())
@settings(max_examples=examples(300))
def test_every_prefix_of_a_word_finds_the_contact(who: Contact, data: st.DataObject) -> None:
    raw = " ".join(filter(None, (who.name, who.first_name, who.last_name, who.email, who.external_id)))
    if len(words_of(who)) == MAX_WORDS:
        return
    chosen = data.draw(st.lists(st.sampled_from([*raw.split(), ""]), max_size=3))
    query = " ".join(word[: data.draw(st.integers(1, 70))] for word in chosen)
    if query_words(query):
        assert finds(query, who)


@given(who=contacts, data=st.data())
def test_every_prefix_of_a_part_of_a_word_finds_the_contact(who: Contact, data: st.DataObject) -> None:
    if who.email is not None and len(words_of(who)) < MAX_WORDS:
        at = data.draw(st.sampled_from([i for i, c in enumerate(f"@{who.email}") if c in "@.+-_"]))
        part = who.email[at:].lstrip("@.+-_")
        for separator in "@.+-_":
            part = part.partition(separator)[0]
        if part:
            assert finds(part[: data.draw(st.integers(1, len(part)))], who)


def test_searches_in_many_scripts() -> None:
    for number in range(200):
        given = person(number)
        who = contact(**{key: given.get(key) for key in ("email", "external_id", "first_name", "last_name")})
        assert finds(given["first_name"], who)
        assert finds(given["last_name"].upper(), who)
        assert finds(f"{given['last_name'][:2]} {given['first_name'][:1]}", who)
        assert not finds(given["first_name"] + "x", who)
