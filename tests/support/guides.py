"""What the pages of docs/ show, as data."""

import re

from local.stack import ROOT


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """What stands in a page under a heading of the second level."""
    return page(name).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of the tables, without their headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, cells in enumerate(found) if set("".join(cells)) == {"-"}]
    return [cells for number, cells in enumerate(found) if number not in rules and number + 1 not in rules]
