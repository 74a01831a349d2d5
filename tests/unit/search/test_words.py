"""Search words: any case, accent and script; whatever begins a word of a contact finds it."""

import sys
from dataclasses import replace
from typing import Any
from unicodedata import category, combining, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import Contact
from contacts.search.earlier_words import earlier_words_of
from contacts.search.words import (
    FEWEST_PHONE_DIGITS,
    LONGEST_WORD,
    MAX_WORDS,
    dialled,
    normalised,
    query_words,
    term,
    words_of,
)
from tests.support.counting import calls_made
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
    phone=st.none() | st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True),
)


def finds(query: str, who: Contact) -> bool:
    """What a search comes to."""
    asked, words = query_words(query), words_of(who)
    return bool(asked) and all(term(one).matches(words) for one in asked)


# What the words are


def test_the_words_of_an_ordinary_contact() -> None:
    ada = contact(
        email="ada@example.com",
        external_id="crm-4711",
        first_name="Ada",
        last_name="Lovelace",
        phone="+442079460958",
    )
    assert words_of(ada) == {
        *("ada", "lovelace", "crm-4711", "ada@example.com", "example.com"),
        "+859064970244",
    }


def test_of_an_email_there_are_the_words_of_its_local_part_and_its_whole_domain() -> None:
    found = words_of(contact(email="jean-luc.o_brien+news@mail.example.co.uk"))
    assert found == {
        *("jean-luc.o_brien+news@mail.example.co.uk", "mail.example.co.uk"),
        *("jean", "luc", "o", "brien", "news"),
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Müller-Lüdenscheidt", {"muller", "ludenscheidt", "mullerludenscheidt"}),
        ("O’Brien", {"obrien", "o", "brien"}),
        ("O'Brien", {"obrien", "o", "brien"}),
        ("Oʼbrien", {"obrien", "o", "brien"}),
        ("O´Brien", {"obrien", "o", "brien"}),
        ("Jean‑Luc", {"jean", "luc", "jeanluc"}),
        ("J.R.R. Tolkien (Sr.)", {"jrr", "j", "r", "tolkien", "sr"}),
        ("Lovelace,Ada", {"lovelace", "ada"}),
        ("Robert “Bob” Smith", {"robert", "bob", "smith"}),
        ("STRASSE straße", {"strasse"}),
        ("Łukasz ŽIŽEK", {"lukasz", "zizek"}),
        (
            "Sørensen Đặng Æsa Œuvre Þór Ðura Ħamrun Ŧ Ɓala",
            {"sorensen", "dang", "aesa", "oeuvre", "thor", "dura", "hamrun", "t", "bala"},
        ),
        ("Işık IŞIK İstanbul", {"isik", "istanbul"}),
        ("Əliyev ŋ", {"eliyev", "n"}),
        ("Ὀδυσσεύς", {"οδυσσευσ"}),
        ("Олена Їжак Ґалаґан Қанат", {"олена", "іжак", "галаган", "канат"}),
        ("محـــمد علی", {"محمد", "علي"}),
        ("ﬁne ½", {"fine", "1", "2", "12"}),
        ("١٢٣ ４５", {"123", "45", "12345"}),
        ("👩‍🚀 zoe ✨Ada✨", {"👩", "🚀", "zoe", "✨", "ada"}),
        ("zero\u200bwidth soft\u00adhyphen", {"zerowidth", "softhyphen"}),
        ("bell\u0007 tab\ttab \u2028line", {"bell", "tab", "line"}),
        ("Ada <ada@math.example>", {"ada", "ada@math.example", "math.example"}),
        ("--- ' .", set()),
        ("\u0301 \u200b", set()),
        ("", set()),
    ],
)
def test_the_words_of_a_name(name: str, words: set[str]) -> None:
    assert words_of(contact(external_id="", name=name)) == words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "田中太郎"}, {"田中太郎", "中太郎", "太郎", "郎"}),
        ({"last_name": "田中", "first_name": "太郎"}, {"田中", "中", "太郎", "郎", "田中太郎"}),
        (
            {"name": "田中 太郎", "first_name": "田中", "last_name": "太郎"},
            {"田中", "中", "太郎", "郎", "田中太郎"},
        ),
        ({"name": "さくら"}, {"さくら", "くら", "ら"}),
        ({"name": "ジョンソン"}, {"ションソン", "ソン"}),
        ({"name": "สมชาย"}, {"สมชาย", "มชาย", "ชาย"}),
        ({"name": "แสงดาว"}, {"แสงดาว", "งดาว", "ดาว"}),
        ({"name": "iPhone太郎x"}, {"iphone太郎x", "太郎x", "郎x", "x"}),
        (
            {"name": "マーク・トウェイン"},
            {"マーク", "ク", "トウェイン", "ウェイン", "イン", "マークトウェイン"},
        ),
    ],
)
def test_a_script_without_spaces_has_words_that_begin_inside(given: dict[str, str], words: set[str]) -> None:
    assert words_of(contact(**given)) == words


@pytest.mark.parametrize("domain", ["xn--mnchen-3ya.example", "XN--MNCHEN-3YA.example"])
def test_an_international_domain_is_kept_as_people_write_it(domain: str) -> None:
    assert words_of(contact(email=f"k@{domain}".lower())) == {"k", "k@munchen.example", "munchen.example"}


@pytest.mark.parametrize("label", ["xn--", "xn--a-", "xn--\x80", "xn--99999999", "xn--mnchen"])
def test_a_label_that_means_nothing_is_kept(label: str) -> None:
    who = contact(external_id=f"k@{label}.example")
    assert all(finds(text, who) for text in (f"k@{label}.example", "k@"))


def test_hangul_is_found_syllable_by_syllable_and_letter_by_letter() -> None:
    kim = contact(name="김민준")
    assert finds("김", kim)
    assert finds("김ㅁ", kim) is finds("김" + normalize("NFKD", "ㅁ"), kim)
    assert finds("김미", kim)
    assert finds("민준", kim)
    assert finds("준", kim)
    assert not finds("ㅣㄴ", kim)
    assert len(words_of(kim)) == 3


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


@pytest.mark.parametrize(
    ("external_id", "words"),
    [
        ("crm-4711", {"crm-4711"}),
        ("2024-0001", {"2024-0001"}),
        ("5F7C8EC7-C33C-4C00", {"5f7c8ec7-c33c-4c00"}),
        ("auth0|5f7c8e", {"auth0|5f7c8e"}),
        ("urn:user:17", {"urn:user:17"}),
        ("a,b (c)", {"a", "b", "c"}),
        ("ada@math.example", {"ada@math.example"}),
    ],
)
def test_an_external_id_keeps_its_marks(external_id: str, words: set[str]) -> None:
    who = contact(external_id=external_id)
    assert words_of(who) == words
    assert finds(external_id, who)
    assert finds(f'"{external_id.upper()}"', who)


# What a query is


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("  Ada   LOVE ", ("ada", "love")),
        ("ada Ada ÁDA", ("ada",)),
        ("Lovelace, Ada; <ada@math.example>", ("lovelace", "ada", "ada@math.example")),
        ("mailto:Ada@Math.Example", ("ada@math.example",)),
        ("+38 (050) 123-45-67", ("380501234567",)),
        ("+44 (0)20 7946 0958", ("442079460958",)),
        ("+38 (0)50 123 45 67", ("380501234567",)),
        ("12 34", ("12", "34")),
        ("12345678 90", ("12345678", "90")),
        ("--- ' . <> +", ()),
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


@pytest.mark.parametrize(
    ("token", "ranges"),
    [
        ("ada", ("ada",)),
        ("ada@math.example", ("ada@math.example",)),
        ("math.ex", ("math",)),
        ("crm-4711", ("4711", "crm-4711")),
        ("jean-luc", ("jean",)),
        ("1815", ("1815", "+5181")),
        ("0501234567", ("0501234567", "+765432105")),
        ("2024-17", ("2024-17", "202417", "+714202")),
        ("17", ("17",)),
        ("1234567890123456", ("1234567890123456",)),
    ],
)
def test_postings_that_begin_with_one_of_a_terms_ranges_include_every_match(
    token: str, ranges: tuple[str, ...]
) -> None:
    assert term(token).ranges == ranges


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("+380501234567", "+380501234567"),
        ("380501234567", "+380501234567"),
        (" 380501234567", "+380501234567"),
        ("00380 50 123 45 67", "+380501234567"),
        ("+38 (050) 123-45-67", "+380501234567"),
        ("＋３８０５０１２３４５６７", "+380501234567"),
        ("+44\u00a0(0)20.7946/0958", "+442079460958"),
        ("0044 (0)20 7946 0958", "+442079460958"),
        (" 44 (0)20 7946 0958", "+442079460958"),
        ("(00)44 20 7946 0958", "+442079460958"),
        ("38 (050) 123-45-67", "+380501234567"),
        ("0501234567", None),
        ("050 123", None),
        ("+", None),
        ("()", None),
        ("+1-800-FLOWERS", None),
        ("+1415555267112345678", None),
        ("ada", None),
        ("", None),
    ],
)
def test_a_phone_is_read_however_it_is_written_but_needs_its_country(typed: str, phone: str | None) -> None:
    assert dialled(typed) == phone


def test_the_words_of_a_contact_are_made_once_however_often_a_search_looks_at_them() -> None:
    who = contact(first_name="Ada", email="ada@b.example", phone="+442079460958")
    assert words_of(who) is words_of(replace(who, version=2))
    assert calls_made(lambda: words_of(who)) < 10


def test_a_phone_is_posted_whatever_else_there_is() -> None:
    names = " ".join(f"{one}{other}" for one in "abcdefghij" for other in "abcdefghij")
    assert finds(
        "0044 (0)20 7946 0958", contact(first_name=names, email="a@b.example", phone="+442079460958")
    )


@given(
    digits=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    marks=st.lists(st.sampled_from(["", " ", "-", ".", "/", " - ", "\u2011", "\u00a0"]), min_size=15),
    kept=st.integers(FEWEST_PHONE_DIGITS, 15),
)
def test_a_phone_is_found_by_whatever_it_ends_with(digits: str, marks: list[str], kept: int) -> None:
    who = contact(phone=digits)
    assert finds(digits, who)
    assert finds(digits[1:], who)
    assert finds(f"00{digits[1:]}", who)
    end = digits[1:][-kept:]
    assert finds(end, who)
    assert finds(f"0{end}", who) or end[0] == "0"
    assert dialled("+" + "".join(map("".join, zip(digits[1:], marks, strict=False)))) == digits
    # Typed in groups; from eight digits on these are surely one number.
    groups = [digits[1:3], digits[3:6], digits[6:]]
    assert finds("-".join(groups), who)
    assert finds("+" + " ".join(groups), who)


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
def test_every_prefix_of_a_word_of_the_local_part_finds_the_contact(
    who: Contact, data: st.DataObject
) -> None:
    if who.email is not None and len(words_of(who)) < MAX_WORDS:
        local = who.email.partition("@")[0]
        at = data.draw(st.sampled_from([i for i, c in enumerate(f"@{local}") if c in "@.+-_"]))
        part = local[at:].lstrip("@.+-_")
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


# The names that people have, and what they type


LETTERS = st.sampled_from(
    "abcłøđßæıİŞşçñžÅÉüÿŋħþàẵαβγςσΣΏивйїґёқЖЯאבגשםابتةهيکकखगमािกขคชเแายກຂຄកខគကခဂ田中太郎龘さくらンーっ김철수"
)
NAME_WORDS = st.lists(LETTERS, min_size=1, max_size=6).map("".join).filter(query_words)
INNER = st.sampled_from(["", "'", "’", "-", "‐", ".", "·"])
NAMES = st.lists(
    st.one_of(NAME_WORDS, st.tuples(NAME_WORDS, INNER, NAME_WORDS).map("".join)), min_size=1, max_size=4
)
BETWEEN = st.sampled_from(
    [" ", "  ", ", ", ",", " - ", "-", "–", ".", "_", "/", ";", " | ", "+", "&", "・", "\u00a0", "\t"]
)
AROUND = st.sampled_from(
    ["", '"', "'", "“", "(", ")", "<", ">", "*", "…", "«", "!", "¿", " ", "`", "~", "#", "、"]
)
CASES = st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold])


def unaccented(text: str) -> str:
    return "".join(character for character in normalize("NFD", text) if not combining(character))


ACCENTS = st.sampled_from(
    [
        str,
        unaccented,
        lambda text: normalize("NFD", text),
        lambda text: normalize("NFKC", text),
        lambda text: "".join(f"{character}\u0301" for character in text),
    ]
)


@given(words=NAMES, split=st.integers(0, 4), data=st.data())
@settings(max_examples=examples(300))
def test_a_name_is_found_however_it_is_written(words: list[str], split: int, data: st.DataObject) -> None:
    """Other case, other accents, marks around its words and between them, another order."""
    if split:
        who = contact(first_name=" ".join(words[:split]), last_name=" ".join(words[split:]) or None)
    else:
        who = contact(name=" ".join(words))
    typed = ""
    for number, word in enumerate(data.draw(st.permutations(words))):
        written = data.draw(CASES)(data.draw(ACCENTS)(word))
        typed += (data.draw(BETWEEN) if number else "") + data.draw(AROUND) + written + data.draw(AROUND)
    assert finds(typed, who), (typed, query_words(typed), sorted(words_of(who)))


@given(who=contacts, others=contacts, data=st.data())
@settings(max_examples=examples(200))
def test_ranges_of_a_term_include_a_word_of_every_match(
    who: Contact, others: Contact, data: st.DataObject
) -> None:
    """So the postings that begin with them are all the candidates that a search needs."""
    texts_ = [
        who.name,
        who.first_name,
        who.external_id,
        who.email,
        who.phone,
        others.name,
        others.external_id,
    ]
    raw = data.draw(st.sampled_from([text for text in texts_ if text] or [""]))
    for token in query_words(raw[data.draw(st.integers(0, 3)) : data.draw(st.integers(4, 40))]):
        asked, words = term(token), words_of(who)
        assert not any(
            one != another and one.startswith(another) for one in asked.ranges for another in asked.ranges
        )
        if asked.matches(words):
            assert asked.in_order(words)
        if asked.is_whole_in(words):
            assert asked.matches(words)
            assert not words.isdisjoint(asked.whole_words)


def test_words_of_earlier_releases_are_known() -> None:
    """They are in tables until they are reindexed, and the projection takes them away with what they came from."""
    ada = contact(
        email="a.da@example.com", external_id="crm-4711", name="Łady O’Lace (Sr.)", phone="+4420794609"
    )
    assert earlier_words_of(ada) == {
        *("a.da@example.com", "example.com", "a", "da", "example", "com", "crm-4711"),
        *("łady", "o'lace", "o", "lace", "(sr.)", "sr"),
    }
