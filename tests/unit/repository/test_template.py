"""template.yaml: what a change of it must not lose, and how it is laid out."""

import re

import pytest

from contacts.events.model import LONGEST_DISPATCH
from local.stack import ROOT
from local.template import functions, template

TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
MAX_LINES = 1750

FEATURES = [
    "shared",
    "book",
    "search",
    "webhooks",
    "accounts",
    "events",
    "channels",
    "properties",
    "email validation",
    "projection",
    "erasure",
    "docs",
    "alarms",
    "dashboard",
]

FUNCTION_LOGS = {f"{function.logical_id}Logs" for function in functions()}
# Logical ids by type. CloudFormation replaces a resource whose logical id changes: the new one is empty.
KEEPS_DATA = {
    "AWS::DynamoDB::Table": {"Table"},
    "AWS::SQS::Queue": {
        "DeliveryQueue",
        "DeliveryDeadLetters",
        "FailedDeliveries",
        "DispatchFailures",
        "ValidationQueue",
        "ValidationDeadLetters",
        "BounceFailures",
        "UnreadableRecords",
        "ProjectionFailures",
        "ErasureQueue",
        "ErasureDeadLetters",
    },
    "AWS::SNS::Topic": {"Alarms", "Bounces"},
    "AWS::Scheduler::ScheduleGroup": {"RetrySchedules"},
    "AWS::Serverless::HttpApi": {"Api"},
    "AWS::Logs::LogGroup": {"ApiLogs"} | FUNCTION_LOGS,
}

# DeletionPolicy (the stack is deleted) and UpdateReplacePolicy (a resource is replaced): whether the data stays.
POLICIES = {
    "AWS::DynamoDB::Table": ("RetainExceptOnCreate", "Retain"),
    "AWS::SQS::Queue": ("Delete", "Delete"),
    "AWS::SNS::Topic": (None, None),
    "AWS::Scheduler::ScheduleGroup": (None, None),
    "AWS::Serverless::HttpApi": (None, None),
    "AWS::Logs::LogGroup": ("Delete", "Delete"),
}


@pytest.mark.parametrize("kind", KEEPS_DATA)
def test_what_keeps_data_keeps_its_logical_id_and_its_policies(kind: str) -> None:
    found = {
        name: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }
    assert found == dict.fromkeys(KEEPS_DATA[kind], POLICIES[kind])


def test_nothing_that_keeps_data_has_a_physical_name_of_its_own() -> None:
    """CloudFormation makes its names of the logical ids, so a second stack fits into the same account."""
    names = {"TableName", "QueueName", "TopicName", "LogGroupName", "Name"}
    for resource in template()["Resources"].values():
        if resource["Type"] in KEEPS_DATA:
            assert not names & resource.get("Properties", {}).keys()


def test_its_parts_stand_in_the_order_of_the_features() -> None:
    assert re.findall(r"^  # ==== ([a-z ]+): ", TEXT, re.MULTILINE) == FEATURES


def test_the_functions_that_have_a_log_group_are_named_in_their_order() -> None:
    logs = [
        name.removesuffix("Logs")
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    assert logs == ["Api", *(function.logical_id for function in functions())]


def test_the_dispatcher_lives_as_long_as_others_wait_for_it() -> None:
    assert template()["Resources"]["DispatchWebhooks"]["Properties"]["Timeout"] == LONGEST_DISPATCH


def test_who_reads_events_is_replaced_before_who_writes_them() -> None:
    """Old code looks for an event where an earlier release has put it."""
    readers = {"ListEvents", "DeliverWebhook", "RedeliverDelivery", "EraseContact"}
    assert readers <= set(template()["Resources"]["DispatchWebhooks"]["DependsOn"])


def test_it_stays_short_enough_to_read() -> None:
    assert len(TEXT.splitlines()) <= MAX_LINES
