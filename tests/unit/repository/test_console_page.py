"""docs/console.md speaks of what is there: its links lead somewhere, and its scopes are scopes."""

import re

import pytest

from contacts.accounts.model import Scope
from local.stack import ROOT

PAGE = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", PAGE))))
def test_a_link_leads_somewhere(path: str) -> None:
    assert (ROOT / "docs" / path).exists()


def test_a_scope_is_one() -> None:
    named = set(re.findall(r"`([a-z]+:(?:read|write))`", PAGE))
    assert len(named) > 10
    assert named <= set(Scope)


def test_each_part_of_the_page_is_in_the_table() -> None:
    main = (ROOT / "functions" / "show_console" / "page" / "main.js").read_text(encoding="utf-8")
    for words in re.findall(r'words: "([^"]+)"', main):
        assert re.search(rf"^\|.*\b{words}\b", PAGE, re.MULTILINE), words
