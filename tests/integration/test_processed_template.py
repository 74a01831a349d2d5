"""The template as CloudFormation deploys it: how large it gets, where the aliases are, when a version is published."""

import json
from typing import Any

import pytest

from bench.cloudwatch import MONITORING
from local import new_operation, processed_template
from local.errors import LocalStackError
from local.processed_template import MOST_RESOURCES
from local.routes import INTEGRATION, function_of
from local.stack import ROOT
from local.template import template

Json = dict[str, Any]

TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
HOT = {
    "CreateContact",
    "GetContact",
    "UpdateContact",
    "DeleteContact",
    "BatchContacts",
    "ListContacts",
    "SearchContacts",
    "RecordEvent",
    "DispatchWebhooks",
    "DeliverWebhook",
    "ValidateContact",
    "ProjectChanges",
}
READ_BY_NOBODY_ELSE = {"DispatchWebhooks", "DeliverWebhook", "ValidateContact", "ProjectChanges"}
"""Those that no caller reaches."""

DEPLOYED: dict[str, tuple[str, dict[str, str]]] = {
    "as it is": (TEXT, {}),
    "with all there is": (
        TEXT,
        {
            "DomainName": "api.example.com",
            "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
            "HostedZoneId": "Z1",
            "ExecuteApi": "off",
            "AlarmEmail": "ops@example.com",
            "AccessLog": "on",
            "TicketEmail": "dev@example.com",
            "TopTenants": "on",
            "BackupDays": "365",
            "BackupCopyVault": "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies",
        },
    ),
    "with a restored table": (TEXT, {"RestoredTable": "contacts-restored-1", "RestoredStreamLabel": "label"}),
    "traced": (TEXT, {"Tracing": "Active"}),
    "without canaries": (
        TEXT,
        {"Canaries": "false", "Stage": "local", "PrivateWebhooks": "allowed", "Monitoring": "off"},
    ),
    "with another layer": (
        TEXT.replace(
            "!Ref RestoredTable]]\n      ContentUri: layers", "!Ref RestoredTable]]\n      ContentUri: others"
        ),
        {},
    ),
    "with another handler and parameter": (
        TEXT.replace("functions/get_contact", "functions/get_other_contact"),
        {"ReservedForDeliveries": "60"},
    ),
}


@pytest.fixture(scope="module")
def processed() -> dict[str, Json]:
    """By what is deployed: the processed template and what a rule has against it."""
    asked = [{"template": text, "parameters": parameters} for text, parameters in DEPLOYED.values()]
    return dict(zip(DEPLOYED, processed_template.processed(asked), strict=True))


def resources_of(processed: dict[str, Json], deployed: str = "as it is") -> Json:
    """The resources of one of them."""
    found: Json = processed[deployed]["template"]["Resources"]
    return found


def version_of(resources: Json, function: str) -> str:
    """The logical id of the version that an alias leads to."""
    version: str = resources[f"{function}Aliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
    assert resources[version]["Type"] == "AWS::Lambda::Version"
    return version


@pytest.mark.parametrize("deployed", DEPLOYED)
def test_it_is_no_larger_than_what_cloudformation_takes(processed: dict[str, Json], deployed: str) -> None:
    """Resources under a condition count, whether it is met or not."""
    assert len(resources_of(processed, deployed)) <= MOST_RESOURCES


def test_the_stack_of_the_alarms_does_too() -> None:
    assert len(template(MONITORING)["Resources"]) <= MOST_RESOURCES


def test_the_page_says_how_many_roles_and_policies_a_stack_has(processed: dict[str, Json]) -> None:
    kinds = [resource["Type"] for resource in resources_of(processed, "with all there is").values()]
    said = f"{kinds.count('AWS::IAM::Role')} and {kinds.count('AWS::IAM::ManagedPolicy')} a stack"
    assert said in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_there_is_room_for_operations(processed: dict[str, Json]) -> None:
    """An operation has four resources: a function, its role, its log group, the gateway's permission."""
    assert len(resources_of(processed, "with all there is")) + 10 * 4 <= MOST_RESOURCES


def test_functions_with_traffic_are_called_by_their_alias_alone(processed: dict[str, Json]) -> None:
    resources = resources_of(processed)
    assert {name.removesuffix("Aliaslive") for name in resources if name.endswith("Aliaslive")} == HOT
    called: dict[str, set[str]] = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            called.setdefault(resource["Properties"]["FunctionName"]["Ref"], set()).add(name)
    for methods in resources["Api"]["Properties"]["Body"]["paths"].values():
        for operation in methods.values():
            called.setdefault(function_of(operation[INTEGRATION]), set()).add("Api")
    assert called.keys() & HOT == set()
    assert {f"{function}Aliaslive" for function in HOT} <= called.keys()


def test_the_gateway_may_invoke_an_alias_before_the_api_leads_to_it(processed: dict[str, Json]) -> None:
    """Else every first deployment of an alias would answer 500 for some seconds."""
    resources = resources_of(processed)
    before = resources["Api"]["DependsOn"]
    assert {resources[name]["Properties"]["FunctionName"]["Ref"] for name in before} == {
        f"{function}Aliaslive" for function in HOT - READ_BY_NOBODY_ELSE
    }


@pytest.mark.parametrize("function", sorted(HOT))
def test_a_bad_version_is_taken_back_by_its_own_alarm(processed: dict[str, Json], function: str) -> None:
    resources = resources_of(processed)
    group = resources[f"{function}DeploymentGroup"]["Properties"]
    watched = {"Enabled": True, "Alarms": [{"Name": {"Ref": f"{function}Canary"}}]}
    assert group["AlarmConfiguration"] == {"Fn::If": ["HasCanaries", watched, {}]}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"][
        "DeploymentGroupName"
    ] == {"Ref": f"{function}DeploymentGroup"}
    versions = {
        json.dumps(dimension["Value"])
        for metric in resources[f"{function}Canary"]["Properties"]["Metrics"]
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ())
        if dimension["Name"] in ("version", "ExecutedVersion")
    }
    assert versions == {json.dumps({"Fn::GetAtt": [version_of(resources, function), "Version"]})}


@pytest.mark.parametrize(
    ("change", "published"),
    [
        # All code but the handlers is in layers: SAM alone would not publish a version for it.
        ("with another layer", HOT),
        # Nor for a parameter.
        ("with another handler and parameter", {"GetContact", "DeliverWebhook"}),
        ("with all there is", set()),
        # Globals set these.
        ("with a restored table", HOT),
        ("traced", HOT),
    ],
)
def test_a_version_is_published_when_anything_of_a_function_changes(
    processed: dict[str, Json], change: str, published: set[str]
) -> None:
    before, after = resources_of(processed), resources_of(processed, change)
    assert {
        function for function in HOT if version_of(before, function) != version_of(after, function)
    } == published


def test_the_reserved_concurrency_changes_something_that_lambda_publishes(processed: dict[str, Json]) -> None:
    """Lambda refuses to publish a version where nothing that belongs to one has changed."""
    variables = [
        resources_of(processed, deployed)["DeliverWebhook"]["Properties"]["Environment"]["Variables"]
        for deployed in ("as it is", "with another handler and parameter")
    ]
    assert [one["RESERVED_FOR_DELIVERIES"] for one in variables] == ["0", "60"]


def test_without_canaries_there_is_nothing_of_codedeploy(processed: dict[str, Json]) -> None:
    """MiniStack has none; and an alias is updated at once."""
    resources = resources_of(processed, "without canaries")
    assert not any(resource["Type"].startswith("AWS::CodeDeploy::") for resource in resources.values())
    assert not any("UpdatePolicy" in resource for resource in resources.values())
    conditions = {
        resource.get("Condition") for name, resource in resources.items() if name.endswith("Canary")
    }
    assert conditions == {"HasCanaries"}


def test_parameters_that_would_do_harm_are_refused() -> None:
    """What a rule of the template says, by parameters. A stack of before has none of these."""
    local = {"Stage": "local", "PrivateWebhooks": "allowed"}
    whole = DEPLOYED["with all there is"][1]
    said: list[tuple[dict[str, str], str | None]] = [
        ({}, None),
        (local, None),
        (whole, None),
        ({**local, "Stage": "dev"}, "PrivateWebhooks=allowed"),
        ({"PrivateWebhooks": "allowed"}, "PrivateWebhooks=allowed"),
        ({"DomainName": "api.example.com"}, "CertificateArn"),
        ({"ExecuteApi": "off"}, "ExecuteApi=off"),
    ]
    asked: list[Json] = [{"template": TEXT, "parameters": parameters} for parameters, _ in said]
    for (parameters, culprit), answer in zip(said, processed_template.processed(asked, "rules"), strict=True):
        refused = answer["refused"]
        assert (refused is None) if culprit is None else (culprit in refused), parameters


def test_the_domain_speaks_tls_1_2_and_can_be_the_only_address() -> None:
    resources = template()["Resources"]
    (configuration,) = resources["Domain"]["Properties"]["DomainNameConfigurations"]
    assert configuration["SecurityPolicy"] == "TLS_1_2"
    assert resources["Api"]["Properties"]["DisableExecuteApiEndpoint"] == {
        "Fn::If": ["IsAtItsDomainOnly", True, False]
    }


def test_an_operation_that_does_not_fit_is_refused(
    processed: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(resources_of(processed))
    monkeypatch.setattr(new_operation, "MOST_RESOURCES", count)
    new_operation.refuse_what_does_not_fit(TEXT)
    monkeypatch.setattr(new_operation, "MOST_RESOURCES", count - 1)
    with pytest.raises(LocalStackError, match=f"would have {count} resources"):
        new_operation.refuse_what_does_not_fit(TEXT)
