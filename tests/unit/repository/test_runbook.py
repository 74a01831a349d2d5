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
    named = re.findall(
        r"\$\((?:physical|arn) (\w+)\)|^(?:look|run|sam remote invoke) (\w+)|`look (\w+)`",
        RUNBOOK,
        re.MULTILINE,
    )
    assert {name for names in named for name in names if name} <= template()["Resources"].keys()


PATIENCE_OF_SAM_S = 60
"""How long `sam remote invoke` waits, as clients of botocore do. Then it invokes it again, beside the first."""


def test_a_function_that_may_take_long_is_not_invoked_by_sam() -> None:
    timeouts = {
        name: resource["Properties"].get("Timeout", 0)
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    by_sam = set(re.findall(r"sam remote invoke (\w+)", RUNBOOK))
    waited_for = set(re.findall(r"^run (\w+)", RUNBOOK, re.MULTILINE))
    assert {name for name in by_sam if timeouts[name] > PATIENCE_OF_SAM_S} == set()
    assert waited_for == {"ReindexAccount", "RestoreAccount", "ReplayJournal"}
