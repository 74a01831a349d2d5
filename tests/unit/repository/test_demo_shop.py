"""The customers of the demo shop: nobody's address, nobody's number, the same ones each time, and every script."""

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from contacts.accounts.schemas import NewApiKey
from contacts.book.model import LONGEST_TAG, MAX_TAGS
from contacts.book.schemas import ContactChange, NewContact
from contacts.channels.schemas import NewChannel, NewGate
from contacts.core.ids import is_e164, stored_email
from contacts.events.schemas import NewEvent
from contacts.exports.schemas import NewExport
from contacts.imports.mapping.values import RowReader
from contacts.imports.model import ImportOptions, Row
from contacts.imports.schemas import NewImport
from contacts.properties.model import ValueRule
from contacts.properties.schemas import NewProperty
from contacts.webhooks.schemas import NewWebhook
from local.demo_shop import __main__ as command
from local.demo_shop import shop
from local.demo_shop.endpoints import (
    BROKEN,
    BUSY,
    FAILS_EVERY,
    FAILS_TWICE,
    GIVES_UP_AFTER,
    GONE,
    OK,
    PUZZLED,
    SLOW,
    UNKNOWN_TO_WAREHOUSE,
    Endpoints,
)
from local.demo_shop.files import LEADS, WRONG_EVERY, customers, other_files
from local.demo_shop.names import LANGUAGES
from local.demo_shop.people import COLUMNS, EVERY_LANGUAGE_WITHIN, LARGEST_NOTE, ODD, Person, cells, people
from local.demo_shop.phones import RESERVED, is_reserved
from local.demo_shop.stories import EMAILS, STORIES, Change, Event, Merge
from local.errors import LocalStackError
from local.smoke import Answer, Api, Failed

TODAY = date(2026, 11, 29)
RESERVED_DOMAIN = re.compile(r"@(example\.(com|org|net)|[a-z0-9-]+\.example)")
SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARABIC",
    "HEBREW",
    "DEVANAGARI",
    "HIRAGANA",
    "CJK",
    "HANGUL",
    "THAI",
)


@pytest.fixture(scope="module")
def found() -> list[Person]:
    return [*people(5_000, TODAY)]


def bodies_of_stories() -> list[dict[str, Any]]:
    merged = [step.contact for story in STORIES for step in story.steps if isinstance(step, Merge)]
    return [*(story.contact for story in STORIES), *merged]


def test_they_are_the_same_each_time_and_the_first_ones_are_those_of_a_small_shop(
    found: list[Person],
) -> None:
    assert [*people(5_000, TODAY)] == found
    small = [*people(200, TODAY)]
    assert small[:100] == found[:100]
    for odd in ODD.values():
        assert odd in small
        assert odd in found


def test_the_dates_of_orders_count_back_from_the_day(found: list[Person]) -> None:
    later = TODAY + timedelta(days=40)
    for one, other in zip(found[:200], people(400, later), strict=False):
        if one.fields.get("last_order_at"):
            assert date.fromisoformat(other.fields["last_order_at"]) - date.fromisoformat(
                one.fields["last_order_at"]
            ) == (timedelta(days=40))
    assert max(one.fields.get("last_order_at", "") for one in found) <= TODAY.isoformat()


def test_no_address_and_no_number_is_anybodys(found: list[Person]) -> None:
    emails = [*(one.email for one in found if one.email), *EMAILS]
    phones = [one.phone for one in found if one.phone]
    for body in bodies_of_stories():
        phones += [body["phone"]] if "phone" in body else []
    for email in emails:
        assert RESERVED_DOMAIN.search(stored_email(email)), email
    assert len(set(emails)) == len(emails)
    assert len(phones) > 1_000
    for phone in phones:
        assert is_e164(phone)
        assert is_reserved(phone), phone
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone)), phone


def test_the_reserved_ranges_are_valid_from_their_first_to_their_last_number() -> None:
    for country, ranges in RESERVED.items():
        for first, size in ranges:
            for number in (first, first + size // 2, first + size - 1):
                parsed = phonenumbers.parse(f"+{number}")
                assert phonenumbers.is_valid_number(parsed), (country, number)
            assert not is_reserved(f"+{first - 1}")
            assert not is_reserved(f"+{first + size}")


def test_every_script_is_there_also_in_a_small_shop() -> None:
    small = [one for one in people(EVERY_LANGUAGE_WITHIN * 2, TODAY) if one.external_id.startswith("C-")]
    letters = "".join(one.display_name for one in small[:EVERY_LANGUAGE_WITHIN])
    letters += "".join(story.contact.get("name", "") for story in STORIES)
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters}
    assert names >= set(SCRIPTS)
    assert {one.fields["country"] for one in small} == {language.country for language in LANGUAGES}
    assert any(unicodedata.combining(mark) for mark in unicodedata.normalize("NFD", letters))


def test_tags_and_flags_are_spread_as_in_a_shop(found: list[Person]) -> None:
    tags = Counter(tag for one in found for tag in one.tags if not tag.startswith("segment-"))
    usual = [tag for tag, count in tags.items() if count > 1]
    assert 10 <= len(usual) <= 15
    assert tags["customer"] > tags["newsletter-2026"] > tags["vip"] > tags["press"] > 0
    assert 0.03 < sum(one.is_unsubscribed for one in found) / len(found) < 0.07
    assert 0.01 < sum(not one.is_active for one in found) / len(found) < 0.05
    assert all(
        one.fields["plan"] != "free" for one in found if "customer" in one.tags and one.fields.get("plan")
    )


def test_the_odd_ones_are_what_they_are_called() -> None:
    assert ODD["markup"].display_name == "<img src=x onerror=alert(1)>"
    assert len(ODD["long name"].display_name) == 255
    assert not re.search(r"\s", ODD["long name"].display_name)
    assert len(ODD["a hundred tags"].tags) == MAX_TAGS
    assert all(len(tag) <= LONGEST_TAG for odd in ODD.values() for tag in odd.tags)
    both = {unicodedata.bidirectional(sign) for sign in ODD["right to left beside Latin"].display_name}
    assert both >= {"L", "AL"}


def rules() -> dict[str, ValueRule]:
    """Of the shop's properties."""
    made = [NewProperty.checked(one).to_command() for one in shop.PROPERTIES]
    return {one.name: ValueRule(one.type, tuple(one.options), one.name == shop.ARCHIVED) for one in made}


def rows_of(content: bytes) -> list[dict[str, str]]:
    csv.field_size_limit(LARGEST_NOTE)
    return [*csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)]


def refused(row: dict[str, str], mapping: Mapping[str, str | None]) -> set[str]:
    """The fields for which an import refuses a row, whatever contacts there are."""
    read = RowReader(tuple(row), mapping, ImportOptions(), rules()).read(Row(2, tuple(row.values())))
    given = NewContact.draft(read.body).to_input()
    nameless = {"names"} if not {"email", "external_id"} & read.body.keys() and not read.errors else set()
    return {error.field or "" for error in (*read.errors, *given.rejected)} | nameless


def test_the_file_of_customers_is_read_as_them(found: list[Person]) -> None:
    some = [*found[:300], *ODD.values()]
    file = customers(some)
    assert NewImport.checked({**file.options, "file_name": file.name, "size": len(file.content)})
    reader = RowReader(tuple(COLUMNS), COLUMNS, ImportOptions(), rules())
    for number, (person, row) in enumerate(zip(some, rows_of(file.content), strict=True)):
        read = reader.read(Row(number + 2, tuple(row.values())))
        assert not read.errors, (person.external_id, read.errors)
        assert read.body.get("email") == person.email
        assert tuple(read.body.get("tags", ())) == person.tags
        assert read.body.get("name") == (person.name or None)
        assert read.body.get("custom_fields", {}) == {
            name: value for name, value in person.fields.items() if value is not False
        }
        assert bool(read.body.get("is_unsubscribed")) == person.is_unsubscribed
        assert not NewContact.draft(read.body).to_input().rejected


def test_a_third_of_the_leads_is_wrong_each_in_another_way(found: list[Person]) -> None:
    rows = rows_of(other_files(found, TODAY)["half wrong"].content)
    assert len(rows) == LEADS
    mapping = {**COLUMNS, "Status": "status"}
    wrong = [refused(row, mapping) for row in rows[WRONG_EVERY - 1 :: WRONG_EVERY]]
    assert len(wrong) == LEADS // WRONG_EVERY
    reasons = Counter(field for fields in wrong for field in fields)
    of_properties = {"custom_fields.plan", "custom_fields.seats", "custom_fields.last_order_at"}
    assert reasons.keys() == {"email", "names", "external_id", "phone", "status", *of_properties}
    # These name two customers at once, which only the contacts tell.
    assert wrong.count(set()) == 9
    usual = [row for number, row in enumerate(rows) if number % WRONG_EVERY != WRONG_EVERY - 1]
    assert not any(refused(row, mapping) for row in usual)
    assert all(RESERVED_DOMAIN.search(row["Email"]) for row in usual)


@pytest.mark.parametrize("size", [100, 137, 5_000])
def test_files_are_as_the_api_takes_them_for_a_shop_of_any_size(size: int) -> None:
    for file in other_files([*people(size, TODAY)], TODAY).values():
        body = {**file.options, "file_name": file.name, "size": len(file.content)}
        assert NewImport.checked(body)


def test_what_is_asked_of_the_api_is_valid() -> None:
    for body in bodies_of_stories():
        assert not NewContact.draft(body).to_input().rejected, body
    for story in STORIES:
        if story.channel:
            assert NewGate.checked({**story.contact, "identifier": story.channel[1]})
        for step in story.steps:
            if isinstance(step, Change):
                assert not ContactChange.draft(step.body).to_input().rejected
            elif isinstance(step, Event):
                assert NewEvent.checked({"name": step.name, "data": step.data})
                assert 0 < step.ago < 90
    for path, webhook in shop.WEBHOOKS.items():
        assert NewWebhook.checked({**webhook, "url": f"http://127.0.0.1:9000/{path}"})
    assert all(NewChannel.checked(one) for one in shop.CHANNELS)
    assert all(NewExport.checked(one) for one in shop.EXPORTS)
    assert all(NewApiKey.checked(one) for one in shop.KEYS.values())


def test_roles_of_contacts_are_told_once() -> None:
    roles = [story.role for story in STORIES if story.role]
    assert len({*roles, *ODD}) == len(roles) + len(ODD)
    assert STORIES[-1].role == "rich history"


# Endpoints


def test_the_warehouse_fails_now_and_then_and_takes_it_in_the_end() -> None:
    endpoints = Endpoints()
    first = [endpoints.answer("/warehouse", f"e{number}") for number in range(12)]
    failed = {number for number, told in enumerate(first) if told == BUSY}
    assert failed == {1, FAILS_TWICE, FAILS_EVERY + 1}
    assert first[SLOW].after_s > 0
    again = {number: endpoints.answer("/warehouse", f"e{number}") for number in failed}
    assert [number for number, told in again.items() if told != OK] == [FAILS_TWICE]
    assert endpoints.answer("/warehouse", f"e{FAILS_TWICE}") == OK


def test_one_event_is_refused_until_the_warehouse_is_mended() -> None:
    endpoints = Endpoints()
    assert {endpoints.answer("/warehouse", "e", UNKNOWN_TO_WAREHOUSE) for _ in range(5)} == {PUZZLED}
    assert Endpoints(is_mended=True).answer("/warehouse", "e", UNKNOWN_TO_WAREHOUSE) == OK
    assert endpoints.answer("/crm", "e", UNKNOWN_TO_WAREHOUSE) == OK


def test_the_old_shop_fails_and_then_says_that_it_is_gone() -> None:
    endpoints = Endpoints()
    told = [endpoints.answer("/old-shop", f"e{number}") for number in range(GIVES_UP_AFTER + 2)]
    assert told == [BROKEN] * GIVES_UP_AFTER + [GONE] * 2


# The command


@pytest.mark.parametrize("size", ["99", "100001", "-5", "many", "5_0.0", ""])
def test_a_size_that_is_none_is_refused_by_name(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([f"--size={size}"])
    assert ended.value.code == 2
    assert "is no number from 100 to 100,000" in capsys.readouterr().err


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--directory", str(tmp_path)]) == 1
    assert "`make run` starts one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"keys": {"native": "sk_live_x"}, "account_id": "a"}']
)
def test_a_note_that_says_nothing_is_no_account(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Api, "ask", lambda *_: Answer(401, {}, {}))
    file = tmp_path / "demo.json"
    assert command.known(file, {"url": "http://127.0.0.1:9"}) is None
    file.write_text(text)
    assert command.known(file, {"url": "http://127.0.0.1:9"}) is None


def test_run_twice_it_makes_nothing_and_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {
        "url": "http://127.0.0.1:9",
        "account_id": "a",
        "size": 100,
        "made_at": "2026-11-29T10:00:00+00:00",
    }
    made |= {"keys": {"native": "sk_live_n", "test": "sk_test_t"}}
    command.write(tmp_path / "demo.json", made)
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    stack = {"url": "http://127.0.0.1:4566", "endpoint_url": "http://localhost:4566"}
    monkeypatch.setattr(command, "running_stack", lambda _: stack)
    monkeypatch.setattr(command, "make", lambda *_: pytest.fail("it was made again"))
    monkeypatch.setattr(Api, "ask", lambda *_: Answer(200, {}, {"id": "a"}))
    assert command.main(["--directory", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "nothing was made" in said
    assert "http://127.0.0.1:4566/console" in said
    assert "sk_live_n" in said


@pytest.mark.parametrize(
    ("fails", "code"), [(KeyboardInterrupt(), 130), (LocalStackError("no"), 1), (Failed("no"), 1)]
)
def test_what_is_half_done_is_not_noted(
    fails: BaseException,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def make(*_: object) -> None:
        raise fails

    monkeypatch.setattr(command, "running_stack", lambda _: {"url": "http://127.0.0.1:9"})
    monkeypatch.setattr(command, "make", make)
    assert command.main(["--directory", str(tmp_path)]) == code
    assert "Run it again" in capsys.readouterr().err
    assert not (tmp_path / "demo.json").exists()


def test_there_is_nothing_to_listen_for_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "running_stack", lambda _: {"url": "http://127.0.0.1:9"})
    assert command.main(["--directory", str(tmp_path), "--listen"]) == 1
    assert "`make demo` makes it" in capsys.readouterr().err


def test_where_the_api_does_not_say_nothing_is_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.write(tmp_path / "demo.json", {"keys": {"native": "sk_live_n"}, "account_id": "a"})
    monkeypatch.setattr(command, "running_stack", lambda _: {"url": "http://127.0.0.1:9"})
    monkeypatch.setattr(command, "make", lambda *_: pytest.fail("it was made again"))
    monkeypatch.setattr(Api, "ask", lambda *_: Answer(503, {}, {"detail": "later"}))
    assert command.main(["--directory", str(tmp_path)]) == 1
    assert "answers 503: later" in capsys.readouterr().err


def test_demo_json_keeps_letters_of_any_script(tmp_path: Path) -> None:
    command.write(tmp_path / "demo.json", {"a": "Ж"})
    assert "Ж" in (tmp_path / "demo.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "demo.json").read_text(encoding="utf-8")) == {"a": "Ж"}


def test_cells_are_texts(found: list[Person]) -> None:
    assert all(isinstance(value, str) for one in found[:50] for value in cells(one).values())
