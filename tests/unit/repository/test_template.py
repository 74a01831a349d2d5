"""template.yaml: what a change of it must not lose, and how it is laid out."""

import re
from typing import Any

import pytest

from contacts.events.model import LONGEST_DISPATCH
from contacts.imports.service import MAX_UNDER_WAY
from local.routes import ANY_METHOD, HTTP_METHODS, INTEGRATION
from local.stack import ROOT
from local.template import functions, routes_by_function, template
from tests.support.permissions import statements_of

TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
LINES_A_FUNCTION = 36

FEATURES = [
    "shared",
    "api",
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
    "imports",
    "exports",
    "restore",
    "docs",
    "alarms",
]

SHARED_LOGS = {"imports": "Import", "exports": "Export", "docs": "ShowDocs"}
"""The parts whose functions have one log group together: CloudFormation takes 500 resources (docs/decisions/0058)."""
GUESTS = {"GetAccountUsage": "GetAccount"}
"""Functions that write into the log group of a function like them, for the same reason."""


def log_groups() -> list[str]:
    """The log group of each function, in the order of the functions; each once."""
    groups = (
        template()["Resources"][function.logical_id]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        for function in functions()
    )
    return list(dict.fromkeys(groups))


FUNCTION_LOGS = set(log_groups())
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
        "SecondErasureQueue",
        "ErasureDeadLetters",
        "ImportFileQueue",
        "ImportQueue",
        "ImportDeadLetters",
        "ExportQueue",
        "ExportDeadLetters",
    },
    "AWS::S3::Bucket": {"Files", "Journal"},
    "AWS::Backup::BackupVault": {"Backups"},
    "AWS::SNS::Topic": {"Alarms", "Tickets", "Bounces"},
    "AWS::Scheduler::ScheduleGroup": {"RetrySchedules"},
    "AWS::Serverless::HttpApi": {"Api"},
    "AWS::Logs::LogGroup": {"ApiLogs"} | FUNCTION_LOGS,
}

# DeletionPolicy (the stack is deleted) and UpdateReplacePolicy (a resource is replaced): whether the data stays.
POLICIES = {
    "AWS::DynamoDB::Table": ("RetainExceptOnCreate", "Retain"),
    "AWS::SQS::Queue": ("Delete", "Delete"),
    "AWS::S3::Bucket": ("RetainExceptOnCreate", "Retain"),
    "AWS::Backup::BackupVault": ("Retain", "Retain"),
    "AWS::SNS::Topic": (None, None),
    "AWS::Scheduler::ScheduleGroup": (None, None),
    "AWS::Serverless::HttpApi": (None, None),
    "AWS::Logs::LogGroup": ("Delete", "Delete"),
}


def properties_of(kind: str) -> dict[str, Any]:
    """The properties of all resources of a type, by logical id."""
    resources = template()["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == kind}


def parameter(name: str) -> Any:
    """The default of a parameter."""
    return template()["Parameters"][name]["Default"]


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
    names = {"TableName", "QueueName", "TopicName", "LogGroupName", "BucketName", "Name"}
    named = {
        logical_id
        for logical_id, resource in template()["Resources"].items()
        if resource["Type"] in KEEPS_DATA and names & resource.get("Properties", {}).keys()
    }
    assert named == {"ApiLogs"}  # Its prefix matters, and the stack's name is in it.


def test_its_parts_stand_in_the_order_of_the_features() -> None:
    assert re.findall(r"^  # ==== ([a-z ]+): ", TEXT, re.MULTILINE) == FEATURES


def test_the_functions_that_have_a_log_group_are_named_in_their_order() -> None:
    logs = [
        name
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    assert logs == [*log_groups(), "ApiLogs"]


def definition() -> dict[str, Any]:
    """The paths of the API, each with its operations by their methods."""
    paths: dict[str, Any] = properties_of("AWS::Serverless::HttpApi")["Api"]["DefinitionBody"]["paths"]
    return paths


def test_each_route_has_the_form_that_sam_would_write() -> None:
    """API Gateway passes over some mistakes with a warning, and then the route is dead."""
    own = properties_of("AWS::Serverless::Function")
    for path, operations in definition().items():
        for method, operation in operations.items():
            assert method in ({ANY_METHOD} if path == "$default" else HTTP_METHODS), path
            integration = dict(operation[INTEGRATION])
            ((kind, named),) = integration.pop("uri").items()
            function, _, attribute = named.rpartition(".")
            has_alias = "AutoPublishAlias" in own[function]
            assert (kind, attribute) == (("Ref", "Alias") if has_alias else ("Fn::GetAtt", "Arn")), named
            assert integration == {"type": "aws_proxy", "httpMethod": "POST", "payloadFormatVersion": "2.0"}
            others = {name: value for name, value in operation.items() if name != INTEGRATION}
            assert others == ({"isDefaultRoute": True} if path == "$default" else {}), path


def test_head_and_the_prefix_of_vendors_lead_where_the_plain_route_leads() -> None:
    paths = definition()
    for path, operations in paths.items():
        assert operations.get("head") == operations.get("get"), path
        if path.startswith("/api/"):
            plain = paths[path.removeprefix("/api")]
            assert operations == {method: plain[method] for method in operations}, path


def test_the_gateway_may_invoke_each_function_that_it_leads_to() -> None:
    """By one permission each, in the order of the functions; those with an alias first."""
    resources = template()["Resources"]
    led_to = routes_by_function(resources)
    named = [function.logical_id for function in functions() if function.logical_id in led_to]
    permitted = [name for name in resources if resources[name]["Type"] == "AWS::Lambda::Permission"]
    with_alias = [name for name in named if "AutoPublishAlias" in resources[name]["Properties"]]
    assert permitted == [
        f"{name}Gateway" for name in [*with_alias, *(one for one in named if one not in with_alias)]
    ]
    for name in permitted:
        function = name.removesuffix("Gateway")
        is_before_the_api = function in with_alias
        source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
        assert resources[name]["Properties"] == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": f"{function}.Alias" if is_before_the_api else function},
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {"Fn::Sub": source + ("*" if is_before_the_api else "${Api}/*")},
        }


def placed_paths(text: str) -> dict[str, bool]:
    """Each path of the API in a template's text: whether it stands under the part of a function that it leads to."""
    parts = dict(re.findall(r"^  # ==== ([a-z ]+): .*?\n(.*?)(?=^  # ==== )", text, re.MULTILINE | re.DOTALL))
    paths = re.split(r"^ {0,8}(?=\S)", parts["api"].partition("        paths:\n")[2], flags=re.MULTILINE)[0]
    found, part = {}, "api"
    for block in re.split(r"^ {10}(?=\S)", paths, flags=re.MULTILINE)[1:]:
        if block.startswith("# "):
            assert FEATURES.index(block[2:].strip()) > FEATURES.index(part), block
            part = block[2:].strip()
            continue
        led_to = re.findall(r"uri: !(?:GetAtt|Ref) (\w+)\.", block)
        found[block.partition(":")[0]] = any(f"\n  {function}:\n" in parts[part] for function in led_to)
    return found


def test_a_path_stands_under_the_part_of_a_function_that_it_leads_to() -> None:
    found = placed_paths(TEXT)
    assert found == dict.fromkeys(definition(), True)


def test_a_function_shares_no_log_group_unless_its_whole_part_does() -> None:
    parts = dict(re.findall(r"^  # ==== ([a-z ]+): .*?\n(.*?)(?=^  # ==== )", TEXT, re.MULTILINE | re.DOTALL))
    shared = {
        f"{group}Logs": set(
            re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", parts[part], re.MULTILINE)
        )
        for part, group in SHARED_LOGS.items()
    }
    users: dict[str, set[str]] = {}
    for name, properties in properties_of("AWS::Serverless::Function").items():
        users.setdefault(properties["LoggingConfig"]["LogGroup"]["Ref"], set()).add(name)
    for guest, host in GUESTS.items():
        users[f"{host}Logs"].remove(guest)
    assert {group: names for group, names in users.items() if len(names) > 1} == shared
    assert all(names == {group.removesuffix("Logs")} for group, names in users.items() if group not in shared)


def test_every_function_logs_as_the_globals_say() -> None:
    """Lambda's own lines only where an invocation dies; ours always: requests' have no level (then Lambda takes INFO),
    and those at DEBUG are written only while an operator has switched them on (`observability.set_debug`)."""
    defaults = template()["Globals"]["Function"]
    assert defaults["LoggingConfig"] == {
        "LogFormat": "JSON",
        "SystemLogLevel": {"Ref": "SystemLogLevel"},
        "ApplicationLogLevel": "DEBUG",
    }
    assert (parameter("SystemLogLevel"), parameter("Tracing"), parameter("AccessLog")) == (
        "WARN",
        "Disabled",
        "off",
    )
    for properties in properties_of("AWS::Serverless::Function").values():
        assert properties["LoggingConfig"].keys() == {"LogGroup"}
        assert "Tracing" not in properties


def test_costly_routes_are_throttled_below_the_others() -> None:
    """A setting for a route that does not exist would fail the deployment."""
    properties = properties_of("AWS::Serverless::HttpApi")["Api"]
    rate, burst = parameter("RequestsPerSecond"), parameter("RequestBurst")
    routes = {
        f"{method} {path}"
        for led in routes_by_function(template()["Resources"]).values()
        for method, path in led
    }
    settings = properties["RouteSettings"]
    assert settings.keys() <= routes
    for route, limits in settings.items():
        assert limits["ThrottlingRateLimit"] < rate, route
        assert limits["ThrottlingBurstLimit"] < burst, route
    costly = {"batch_contacts", "merge_contacts", "list_contacts", "search_contacts", "list_events"}
    costly |= {"create_webhook", "update_webhook", "create_import", "create_export", "export_contact"}
    expected = {
        f"{method} {path}"
        for function in functions()
        if function.name in costly
        for method, path in function.routes
    } | {
        f"{method} {prefix}/v1/contacts/{{ref}}/deliveries"  # those of one endpoint are one query
        for method in ("GET", "HEAD")
        for prefix in ("", "/api")
    }
    assert settings.keys() == expected


def test_a_function_may_run_in_a_loop_of_messages_only_where_something_else_ends_it() -> None:
    """Lambda drops a message whose chain has invoked a function 16 times. It follows queues, not tables or schedules.

    What is in such a loop without `Allow` loses messages one day; what has `Allow` needs an end of its own
    (docs/decisions/0042-*.md).
    """
    readers = {
        mapping["EventSourceArn"]["Fn::GetAtt"].removesuffix(".Arn"): mapping["FunctionName"][
            "Ref"
        ].removesuffix(".Alias")
        for mapping in properties_of("AWS::Lambda::EventSourceMapping").values()
    }
    invoked_by = {
        function: {
            readers[queue]
            for statement in statements_of(function)
            if "sqs:SendMessage" in statement.actions
            for queue in statement.resources
            if queue in readers
        }
        for function in properties_of("AWS::Serverless::Function")
    }
    looping = {function for function in invoked_by if function in _reachable(invoked_by, function)}
    assert template()["Globals"]["Function"]["RecursiveLoop"] == "Terminate"
    allowed = {
        function
        for function, properties in properties_of("AWS::Serverless::Function").items()
        if properties.get("RecursiveLoop") == "Allow"
    }
    assert allowed == looping
    assert looping == {"DeliverWebhook", "EraseContact", "PlanImport", "CarryOutImport", "WriteExport"}


def _reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = set(edges[start])
    while ahead:
        found |= ahead
        ahead = {further for function in ahead for further in edges[function]} - found
    return found


def test_the_dispatcher_lives_as_long_as_others_wait_for_it() -> None:
    assert template()["Resources"]["DispatchWebhooks"]["Properties"]["Timeout"] == LONGEST_DISPATCH


def test_every_parameter_that_globals_use_makes_new_versions() -> None:
    """By the layer that every function has; what stands in Globals itself is no change to SAM."""
    used = set(re.findall(r"!Ref (\w+)", TEXT[TEXT.index("\nGlobals:") : TEXT.index("\nMappings:")]))
    used &= template()["Parameters"].keys()
    (_, named), *_ = properties_of("AWS::Serverless::LayerVersion")["ContactsLayer"]["Description"].values()
    assert {one["Ref"] for one in named if isinstance(one, dict)} == used


def test_who_reads_events_is_replaced_before_who_writes_them() -> None:
    """Old code looks for an event where an earlier release has put it."""
    readers = {"ListEvents", "DeliverWebhookAliaslive", "RedeliverDelivery", "EraseContact"}
    assert readers <= set(template()["Resources"]["DispatchWebhooks"]["DependsOn"])


def test_who_reads_counts_is_replaced_before_who_writes_them() -> None:
    """Old code looks for a count in the list's own item alone."""
    readers = {"GetAccount", "ListContactsAliaslive", "ListLists", "ListTags", "ReindexAccount"}
    assert readers | {"SearchContactsAliaslive"} <= set(
        template()["Resources"]["ProjectChanges"]["DependsOn"]
    )


def test_somebody_listens_before_a_job_ends() -> None:
    """The mapping that had no filter for the events of jobs would leave them out, for good (decision 59)."""
    for mapping in ("PlanImportSource", "CarryOutImportSource", "WriteExportSource"):
        assert template()["Resources"][mapping]["DependsOn"] == "DispatchWebhooksSource"


def test_what_uses_the_table_uses_a_restored_one_where_there_is_one() -> None:
    lines = TEXT.splitlines()
    uses = [
        number for number, line in enumerate(lines) if re.search(r"!Ref Table\b|\bTable\.(Stream)?Arn", line)
    ]
    assert len(uses) > 5
    for number in uses:
        assert any("TableIsRestored" in line for line in lines[number - 4 : number + 1]), lines[number]


def test_the_journal_outlives_every_backup() -> None:
    """Point-in-time recovery reaches 35 days back."""
    retention = template()["Mappings"]["BackupRetention"]
    assert list(retention) == template()["Parameters"]["BackupDays"]["AllowedValues"]
    for days in retention.values():
        assert days["Journal"] >= max(days["Backup"], 35) + 60


def test_it_stays_short_enough_to_read() -> None:
    assert len(TEXT.splitlines()) <= LINES_A_FUNCTION * len(functions())


def test_no_account_can_have_all_carriers_of_imports() -> None:
    source = template()["Resources"]["CarryOutImportSource"]["Properties"]
    assert source["ScalingConfig"]["MaximumConcurrency"] > MAX_UNDER_WAY
