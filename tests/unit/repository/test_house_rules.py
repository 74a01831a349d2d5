"""The rules of local/lint_rules find what they are there to find."""

import copy
from functools import cache
from typing import Any

import pytest
from cfnlint.decode import decode
from cfnlint.template import Template

from local.lint_rules import house_rules
from local.stack import ROOT
from local.template import template

RULES = [
    house_rules.FailuresAreKept(),
    house_rules.FunctionLimits(),
    house_rules.FunctionLogs(),
    house_rules.QueueHasAlarm(),
    house_rules.QueueHasDeadLetters(),
]

GOOD: dict[str, Any] = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        },
    },
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {"RetentionInDays": 30},
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "handler.lambda_handler",
            "Code": {"ZipFile": "def lambda_handler(event, context): pass"},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 10,
            "MemorySize": 256,
            "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
        },
    },
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00",
            "StartingPosition": "LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["LostBatches", "Arn"]}}},
        },
    },
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "ScheduleExpression": "rate(1 hour)",
            "Targets": [{"Id": "Function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
        },
    },
    "Calls": {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Qualifier": "$LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["LostBatches", "Arn"]}}},
        },
    },
    "SamFunction": {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "handler.lambda_handler",
            "CodeUri": "functions/some",
            "Timeout": 10,
            "MemorySize": 256,
            "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
            "EventInvokeConfig": {
                "DestinationConfig": {
                    "OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["LostBatches", "Arn"]}}
                }
            },
            "Events": {
                "Told": {"Type": "SNS", "Properties": {"Topic": "arn:aws:sns:us-east-1:123456789012:t"}},
                "Read": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Work", "Arn"]}}},
            },
        },
    },
    "Work": {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "RedrivePolicy": {
                "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                "maxReceiveCount": 5,
            }
        },
    },
    "DeadLetters": {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    },
    "LostBatches": {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    },
    "SetAside": {
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    },
} | {
    f"{queue}Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        },
    }
    for queue in ("Work", "DeadLetters", "LostBatches", "SetAside")
}

# What is taken away from GOOD -> the one rule that must notice, and where.
DEFECTS = [
    pytest.param(["Function", "LoggingConfig"], "E9101", "Function", id="no log group"),
    pytest.param(["Logs", "RetentionInDays"], "E9101", "Function", id="no retention"),
    pytest.param(["Function", "Timeout"], "E9102", "Function", id="no timeout"),
    pytest.param(["Function", "MemorySize"], "E9102", "Function", id="no memory"),
    pytest.param(["SamFunction", "LoggingConfig"], "E9101", "SamFunction", id="SAM: no log group"),
    pytest.param(["SamFunction", "Timeout"], "E9102", "SamFunction", id="SAM: no timeout"),
    pytest.param(["SamFunction", "EventInvokeConfig"], "E9103", "SamFunction", id="SAM: without on-failure"),
    pytest.param(["Mapping", "DestinationConfig"], "E9103", "Mapping", id="stream without on-failure"),
    pytest.param(["Calls", "DestinationConfig"], "E9103", "Function", id="call without on-failure"),
    pytest.param(["Work", "RedrivePolicy"], "E9104", "Work", id="no dead-letter queue"),
    pytest.param(["DeadLettersAlarm", "Dimensions"], "E9105", "DeadLetters", id="no alarm"),
]


def complaints(resources: dict[str, Any]) -> set[tuple[str, str]]:
    """The house rules broken, each with the resource."""
    whole = Template("template.yaml", {"Resources": resources}, ["us-east-1"])
    return {(rule.id, match.path[1]) for rule in RULES for match in rule.match(whole)}


@cache
def resources_as_linted(file: str = "template.yaml") -> dict[str, Any]:
    """A template's resources as the rules get them from cfn-lint: Fn::ForEach expanded, SAM's Globals applied."""
    decoded, _ = decode(str(ROOT / file))
    whole = Template(file, decoded, ["us-east-1"])
    assert whole.transform() == []
    resources: dict[str, Any] = whole.template["Resources"]
    return resources


def test_a_template_that_keeps_them_passes() -> None:
    assert complaints(GOOD) == set()


@pytest.mark.parametrize(("taken_away", "rule", "resource"), DEFECTS)
def test_a_template_that_breaks_one_is_refused(taken_away: list[str], rule: str, resource: str) -> None:
    broken = copy.deepcopy(GOOD)
    owner, name = taken_away
    del broken[owner]["Properties"][name]
    found = complaints(broken)
    assert (rule, resource) in found
    assert {id_ for id_, _ in found} == {rule}


@pytest.mark.parametrize(("resource", "name", "rule"), [
    ("GetContact", "LoggingConfig", "E9101"),
    ("ProjectChangesSource", "DestinationConfig", "E9103"),
    ("RecordBounce", "EventInvokeConfig", "E9103"),
    ("DeliveryQueue", "RedrivePolicy", "E9104"),
    ("Watch", "Parameters", "E9105"),
])  # fmt: skip
def test_they_see_what_stands_in_the_template(resource: str, name: str, rule: str) -> None:
    broken = copy.deepcopy(resources_as_linted())
    assert complaints(broken) == set()
    del broken[resource]["Properties"][name]
    assert {id_ for id_, _ in complaints(broken)} == {rule}


@pytest.mark.parametrize("file", ["template.yaml", "monitoring.yaml"])
def test_local_template_expands_a_loop_as_cfn_lint_does(file: str) -> None:
    made_in_loops = ("AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "AWS::SQS::Queue")
    linted, ours = resources_as_linted(file), template(ROOT / file)["Resources"]
    assert linted.keys() == ours.keys()
    for name, resource in ours.items():
        if resource["Type"] in made_in_loops:
            assert with_long_attributes(linted[name]) == with_long_attributes(resource), name


def with_long_attributes(value: Any) -> Any:
    """`value` with `!GetAtt A.B` written as `!GetAtt [A, B]`: cfn-lint reads both as the latter."""
    match value:
        case {"Fn::GetAtt": str(name)}:
            return {"Fn::GetAtt": name.split(".", 1)}
        case dict():
            return {key: with_long_attributes(inner) for key, inner in value.items()}
        case list():
            return [with_long_attributes(inner) for inner in value]
    return value
