"""docs/console.md speaks of what is there: its links lead somewhere, and its scopes are scopes."""

import re

import pytest

from contacts.accounts.model import Scope
from contacts.exports.model import FIELDS
from contacts.properties.model import MAX_PROPERTIES
from local.stack import ROOT

SOURCES = ROOT / "functions" / "show_console" / "page"
PAGE = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", PAGE))))
def test_a_link_leads_somewhere(path: str) -> None:
    assert (ROOT / "docs" / path).exists()


def test_a_scope_is_one() -> None:
    named = set(re.findall(r"`([a-z]+:(?:read|write))`", PAGE))
    assert len(named) > 10
    assert named <= set(Scope)


def test_each_part_of_the_page_is_in_the_table() -> None:
    main = (SOURCES / "main.js").read_text(encoding="utf-8")
    for words in re.findall(r'words: "([^"]+)"', main):
        assert re.search(rf"^\|.*\b{words}\b", PAGE, re.MULTILINE), words


def test_what_an_export_can_write_can_be_chosen() -> None:
    (names,) = re.findall(
        r'FIELDS =\s+"([a-z_ ]+)"', (SOURCES / "views" / "exports.js").read_text(encoding="utf-8")
    )
    assert sorted(names.split()) == sorted(FIELDS)


def test_all_properties_of_an_account_are_asked_for() -> None:
    for file in SOURCES.rglob("views/**/*.js"):
        asked = re.findall(r'"contact-properties"[^)]*?limit: (\d+)', file.read_text(encoding="utf-8"))
        assert set(asked) <= {str(MAX_PROPERTIES)}, file.name
