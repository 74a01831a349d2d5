"""Every alarm of the template leads to a page of the runbook that speaks of it; the dashboard shows what there is."""

import json
import re
from itertools import pairwise

import pytest

from local.stack import ROOT
from local.template import template

ALARMS = {
    name: resource["Properties"]
    for name, resource in template()["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages of the runbook by their anchors, as GitHub makes them of headings."""
    headings = [*re.finditer(r"^## (.+)$", RUNBOOK, re.MULTILINE)]
    ends = [heading.start() for heading in headings] + [len(RUNBOOK)]
    return {
        heading[1].lower().replace(" ", "-"): RUNBOOK[start:end]
        for heading, (start, end) in zip(headings, pairwise(ends), strict=True)
    }


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_has_a_page_that_names_it(alarm: str) -> None:
    leads_to = re.fullmatch(r".+; docs/runbook\.md#([a-z-]+)", ALARMS[alarm]["AlarmDescription"])
    assert leads_to
    page = pages()[leads_to[1]]
    named = any(f"`…{ending}`" in page and alarm.endswith(ending) for ending in ("ErrorsAlarm", "Canary"))
    assert named or f"`{alarm}`" in page


@pytest.mark.parametrize("alarm", ALARMS)
def test_somebody_is_told_when_it_begins_and_when_it_is_over(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmActions"] == ALARMS[alarm]["OKActions"] == [{"Ref": "Alarms"}]


def test_links_within_the_runbook_lead_somewhere() -> None:
    assert set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK)) <= pages().keys()


def test_the_dashboard_shows_what_exists() -> None:
    body: str = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == len(widgets)
    named = {name.partition(".")[0] for name in re.findall(r"\$\{([^}]+)\}", body)} - {"AWS::Region"}
    assert named <= template()["Resources"].keys()


def test_it_names_no_queue_or_function_that_does_not_exist() -> None:
    named = re.findall(r"\$\((?:physical|arn) (\w+)\)|^look (\w+)|`look (\w+)`", RUNBOOK, re.MULTILINE)
    assert {name for names in named for name in names if name} <= template()["Resources"].keys()
