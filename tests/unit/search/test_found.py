"""What people type finds whom they mean: the table of `docs/finding.md`, phones, and queries at the bounds."""

import re
from pathlib import Path

import pytest

from tests.support.finding_harness import FindingHarness, Json

PAGE = Path(__file__).parents[3] / "docs" / "finding.md"
SEARCH = "/v1/contacts/search"
MANY = "a b c d e f g h i j k l m n o p q r s t u"


def documented() -> list[tuple[Json, list[str]]]:
    """Each row of the table: the fields of a contact, and what finds it."""
    table = PAGE.read_text().partition("| stored | typed |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = []
    for row in table.splitlines():
        stored, typed = row.strip("| ").split(" | ")
        code = re.findall(r"`([^`]+)`", stored)
        rows.append((dict(zip(code[::2], code[1::2], strict=True)), re.findall(r"`([^`]+)`", typed)))
    return rows


def names(found: list[Json]) -> set[str]:
    return {contact["metadata"]["row"] for contact in found}


def test_what_the_table_says_is_found() -> None:
    harness, rows = FindingHarness(), documented()
    assert len(rows) > 15
    for number, (stored, _) in enumerate(rows):
        given = {"external_id": f"row:{number}"} | stored
        harness.create(**given, metadata={"row": f"{number}"})
    harness.project()
    for number, (stored, typed) in enumerate(rows):
        assert typed, stored
        for query in typed:
            for asked, route in (({"search": query}, "/v1/contacts"), ({"q": query}, SEARCH)):
                found = harness.ask(asked, route).body["data"]
                assert f"{number}" in names(found), (query, stored)
                assert len(found) <= 3, query
    # Nor is anybody found by what is no word.
    for nobody in ("com", "example", "+38050", "lovelaces", "ada@math.example.org"):
        assert harness.ask({"q": nobody}, SEARCH).body["data"] == [], nobody


@pytest.fixture(scope="module")
def with_phones() -> tuple[FindingHarness, dict[str, str]]:
    """Four contacts, and their ids by their names."""
    harness, phones = FindingHarness(), {"a": "+380501234567", "b": "+380501234567", "c": "+1380501234567"}
    ids = {
        name: harness.create(external_id=name, tags=["vip"], phone=phone) for name, phone in phones.items()
    }
    ids["d"] = harness.create(external_id="380501234567", tags=["vip"])
    harness.project()
    return harness, ids


@pytest.mark.parametrize(
    "phone", ["+380501234567", "380501234567", " 380501234567", "00380 50-123-45-67", "+38 (050) 123-45-67"]
)
@pytest.mark.parametrize(
    "more", [{}, {"sort": "external_id"}, {"tag": ["vip"]}, {"search": "a", "include_total": "true"}]
)
def test_contacts_are_listed_by_their_phone(
    phone: str, more: Json, with_phones: tuple[FindingHarness, dict[str, str]]
) -> None:
    harness, ids = with_phones
    page = harness.ask({"phone": phone, **more}).body
    expected = {ids["a"]} if "search" in more else {ids["a"], ids["b"]}
    assert {contact["id"] for contact in page["data"]} == expected
    assert page.get("total", len(expected)) == len(expected)


def test_a_phone_follows_its_contact() -> None:
    harness = FindingHarness()
    ada = harness.create(external_id="a", phone="+380501234567")
    harness.project()
    harness.change(ada, phone="+442079460958")
    harness.project()
    assert harness.ask({"phone": "+380501234567"}).body["data"] == []
    assert [one["id"] for one in harness.ask({"phone": "+44 20 7946 0958"}).body["data"]] == [ada]
    harness.delete(ada)
    harness.project()
    assert harness.ask({"phone": "+442079460958"}).body["data"] == []


def test_the_whole_phone_comes_before_one_that_ends_like_it(
    with_phones: tuple[FindingHarness, dict[str, str]],
) -> None:
    harness, ids = with_phones
    for limit in (1, 2, 100):
        pages = harness.pages({"q": "380501234567", "limit": limit}, SEARCH)
        found = [one["id"] for page in pages for one in page["data"]]
        assert found == [ids[name] for name in "dbac"]


@pytest.mark.parametrize(
    "phone", ["", "0501234567", "050 123", "+", "ada", "+1-800-FLOWERS", "1" * 16, "+1" * 300]
)
def test_a_phone_that_is_none_is_named(
    phone: str, with_phones: tuple[FindingHarness, dict[str, str]]
) -> None:
    reply = with_phones[0].ask({"phone": phone})
    assert (reply.status, reply.body["field"]) == (400, "phone")


@pytest.mark.parametrize(
    "query",
    [
        "---",
        "“”",
        "<>",
        "+",
        "...@",
        "\u0301",
        "ada " * 1000,
        "a b c d e f g h i j k l m n o p q r s t u",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u",
    ],
)
@pytest.mark.parametrize(("parameter", "route"), [("search", "/v1/contacts"), ("q", SEARCH)])
def test_a_query_of_marks_only_or_of_too_many_words_is_named(
    query: str, parameter: str, route: str, with_phones: tuple[FindingHarness, dict[str, str]]
) -> None:
    reply = with_phones[0].ask({parameter: query}, route)
    assert (reply.status, reply.body["field"]) == (400, parameter)
