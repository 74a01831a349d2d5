"""The runbook leads somewhere, and speaks of what there is. (tests/unit/repository/test_alarms.py: of every alarm.)"""

import re
from itertools import pairwise

from local.stack import ROOT
from local.template import template

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages of the runbook by their anchors, as GitHub makes them of headings."""
    headings = [*re.finditer(r"^## (.+)$", RUNBOOK, re.MULTILINE)]
    ends = [heading.start() for heading in headings] + [len(RUNBOOK)]
    return {
        heading[1].lower().replace(" ", "-"): RUNBOOK[start:end]
        for heading, (start, end) in zip(headings, pairwise(ends), strict=True)
    }


def test_links_within_the_runbook_lead_somewhere() -> None:
    assert set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK)) <= pages().keys()


def test_it_names_no_queue_or_function_that_does_not_exist() -> None:
    named = re.findall(r"\$\((?:physical|arn) (\w+)\)|^look (\w+)|`look (\w+)`", RUNBOOK, re.MULTILINE)
    assert {name for names in named for name in names if name} <= template()["Resources"].keys()
