"""monitoring.yaml: each alarm looks at what is counted, leads to a section of the runbook, and knows a bad day."""

import json
import os
import re
from collections.abc import Callable
from functools import cache
from html import escape
from unittest.mock import patch
from xml.etree import ElementTree as ET

import pytest

from bench import cloudwatch, dashboard
from bench.cloudwatch import Metrics, Series, alarms, composites, metrics_of, raised, series
from contacts.core import observability
from local.stack import ROOT
from local.table import NAME
from local.template import template
from tests.recorded.playing import functions_of_the_account, recorded_scenarios
from tests.support import sample_events
from tests.support.deployed import DeployedFunctions
from tests.support.moto_table import MotoTable, Refusal

SCENARIOS = recorded_scenarios()
KEY = SCENARIOS["key: of old"]["steps"][0]["key"]
REQUESTS = {
    "reads": ("GET", "/v1/contacts/crm-1", None),
    "writes": ("POST", "/v1/contacts", {"email": "new@example.com"}),
    "lists": ("GET", "/v1/tags", None),
    "batches": ("POST", "/v1/contacts/batch", {"operations": [{"op": "delete", "ref": "crm-1"}]}),
}
CONSUMERS = [
    *(
        "project_changes: INSERT of a contact",
        "dispatch_webhooks: INSERT of a contact",
        "deliver_webhook: OK",
    ),
    *("validate_contact: OK", "erase_contact: OK", "record_bounce: Permanent"),
]

OF_A_VERSION = ("ExecutedVersion", "FunctionName", "Resource")
SQS_PAGE = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
    "sqs-available-cloudwatch-metrics.html"
)
OF_AWS = {
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html": {
        ("AWS/ApiGateway", name, ("ApiId",)) for name in ("4xx", "5xx", "Count", "Latency")
    },
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html": {
        *(("AWS/Lambda", name, ("FunctionName",)) for name in ("Errors", "Invocations", "IteratorAge")),
        *(("AWS/Lambda", name, OF_A_VERSION) for name in ("Errors", "Invocations")),
        # Without dimensions: of all functions of the region.
        *(("AWS/Lambda", name, ()) for name in ("Throttles", "ClaimedAccountConcurrency")),
    },
    SQS_PAGE: {
        ("AWS/SQS", name, ("QueueName",))
        for name in (
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfMessagesSent",
        )
    },
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html": {
        ("AWS/DynamoDB", f"{kind}{cause}ThrottleEvents", dimensions)
        for kind in ("Read", "Write")
        for cause in ("", "KeyRangeThroughput", "AccountLimit", "MaxOnDemandThroughput")
        for dimensions in (("TableName",), ("GlobalSecondaryIndexName", "TableName"))
    }
    | {("AWS/DynamoDB", f"Consumed{kind}CapacityUnits", ("TableName",)) for kind in ("Read", "Write")},
}
"""What AWS counts for nothing: namespace, name and dimensions, by the page that says so."""


# ==== what is counted =================================================================================================


class Unavailable(MotoTable):
    """A table that answers nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def call(self, *_: object) -> dict[str, object]:
        raise self._error


THROTTLED = Unavailable(Refusal("ProvisionedThroughputExceededException", {"message": "slow down"}))


def lines(act: Callable[[DeployedFunctions], object]) -> str:
    """What real handlers log while `act` calls them."""
    with functions_of_the_account() as functions:
        act(functions)
        return "".join(f"{json.dumps(line)}\n" for line in functions.logged)


def requested(
    method: str, target: str, body: object = None, key: str | None = KEY
) -> Callable[[DeployedFunctions], object]:
    return lambda functions: functions.request(method, target, body, key=key)


def asked(group: str, key: str | None = KEY) -> Callable[[DeployedFunctions], object]:
    return requested(*REQUESTS[group], key)


def failing(act: Callable[[DeployedFunctions], object]) -> Callable[[DeployedFunctions], object]:
    def without_a_table(functions: DeployedFunctions) -> None:
        functions.table = THROTTLED
        act(functions)

    return without_a_table


def over_the_limit(act: Callable[[DeployedFunctions], object]) -> Callable[[DeployedFunctions], object]:
    (usage,) = [put["put"] for put in SCENARIOS["key: of old"]["writes"] if put["key"][0].endswith("#USAGE")]

    def with_nothing_left(functions: DeployedFunctions) -> None:
        functions.table.call("put_item", {"TableName": NAME, "Item": usage | {"used": {"N": "100"}}})
        act(functions)

    return with_nothing_left


def consumed(scenario: str) -> Callable[[DeployedFunctions], object]:
    step = SCENARIOS[scenario]["steps"][0]

    def consume(functions: DeployedFunctions) -> None:
        try:
            functions.invoke(step["function"], step["event"])
        except Exception as error:  # noqa: BLE001 (a function that is notified lets its error out)
            assert step["function"] == "record_bounce", error  # noqa: PT017

    return consume


def handed(function: str) -> Callable[[DeployedFunctions], object]:
    """Hands a function its sample event, with a table that answers as none does. (One that is busy, some wait for.)"""

    def hand(functions: DeployedFunctions) -> None:
        functions.table = Unavailable(RuntimeError())
        functions.invoke(function, sample_events.event(function))

    return hand


CONTACT = "/v1/contacts/crm-1"
VERSION = "42"
VERSIONED: dict[str, Callable[[DeployedFunctions], object]] = {
    "CreateContact": requested("POST", "/v1/contacts", {"email": "new@example.com"}),
    "GetContact": requested("GET", CONTACT),
    "UpdateContact": requested("PATCH", CONTACT, {"name": "Ada"}),
    "DeleteContact": requested("DELETE", CONTACT),
    "BatchContacts": asked("batches"),
    "ListContacts": requested("GET", "/v1/contacts"),
    "SearchContacts": requested("GET", "/v1/contacts/search?q=ada"),
    "RecordEvent": requested("POST", f"{CONTACT}/events", {"name": "paid"}),
    "ProjectChanges": consumed("project_changes: INSERT of a contact"),
    "DispatchWebhooks": consumed("dispatch_webhooks: INSERT of a contact"),
    "DeliverWebhook": consumed("deliver_webhook: OK"),
    "ValidateContact": consumed("validate_contact: OK"),
}
"""What fails in each function that has versions, when the table does what nobody expects."""


@pytest.fixture(scope="module")
def emitted() -> set[Series]:
    """Every series that real handlers count, on good days and bad ones."""
    return gathered()


def gathered() -> set[Series]:
    counted = Metrics()
    with functions_of_the_account() as functions:
        functions.table = Unavailable(RuntimeError())
        for function, act in VERSIONED.items():
            with patch.dict(
                os.environ,
                {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_VERSION": VERSION},
            ):
                act(functions)
        for line in functions.logged:
            if "VersionFailures" in line:
                counted.add_line(line, 0)
    for group in REQUESTS:
        for act in (asked(group), asked(group, None), failing(asked(group)), over_the_limit(asked(group))):
            counted.add_lines(lines(act), 0)
    for scenario in CONSUMERS:
        counted.add_lines(lines(failing(consumed(scenario))), 0)
    for function in ("plan_import", "carry_out_import", "write_export"):
        counted.add_lines(lines(handed(function)), 0)
    return set(counted.points)


def not_counted(looked_at: set[Series], emitted: set[Series]) -> set[Series]:
    """Those that nobody emits: our own that no handler counted, AWS's that no page has."""
    known = set().union(*OF_AWS.values())
    return {
        one
        for one in looked_at
        if one not in emitted and (one.namespace, one.name, tuple(sorted(dict(one.dimensions)))) not in known
    }


def on_alarms() -> set[Series]:
    """What alarms look at, those of template.yaml as well."""
    versions = {f"{function}.Version.Version": VERSION for function in VERSIONED}
    looking = [*alarms().values(), *cloudwatch.canaries(versions).values()]
    return {one for alarm in looking for one in metrics_of(alarm)}


def on_the_dashboard() -> set[Series]:
    shown = cloudwatch.widgets()
    return {one for widget in shown for one in cloudwatch.metrics_of_widget(widget)}


def test_the_dashboard_has_a_place_for_each_widget() -> None:
    shown = cloudwatch.widgets()
    fields = [(x, y) for one in shown for x in range(one["x"], one["x"] + one["width"]) for y in [one["y"]]]
    assert len(set(fields)) == len(fields) == 24 * len({one["y"] for one in shown})
    assert len({one["properties"]["title"] for one in shown}) == len(shown)


def test_every_alarm_looks_at_what_is_counted(emitted: set[Series]) -> None:
    assert not_counted(on_alarms(), emitted) == set()


def test_the_dashboard_looks_at_what_is_counted(emitted: set[Series]) -> None:
    assert not_counted(on_the_dashboard(), emitted) == set()


def test_nothing_is_paid_for_that_nobody_looks_at(emitted: set[Series]) -> None:
    assert emitted - on_alarms() - on_the_dashboard() == set()


@pytest.mark.parametrize(
    ("named", "otherwise"),
    [("AuthErrors", "Unauthorized"), ("VersionFailures", "Bugs"), ("group", "family")],
)
def test_a_metric_that_is_renamed_in_code_is_missed(
    named: str, otherwise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = observability._print

    def renamed(document: object) -> None:
        write(json.loads(json.dumps(document).replace(f'"{named}"', f'"{otherwise}"')))

    monkeypatch.setattr(observability, "_print", renamed)
    assert {one for one in not_counted(on_alarms(), gathered()) if named in repr(one)}


# ==== whom they tell, and what that leads to ==========================================================================

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
TELLING = {name: alarm for name, alarm in (alarms() | composites()).items() if "AlarmActions" in alarm}
SECTIONS = {
    section.partition("\n")[0].lower().replace(" ", "-"): section
    for section in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]
}


@pytest.mark.parametrize("name", TELLING)
def test_an_alarm_leads_to_a_section_that_names_it_and_says_how_to_try_it(name: str) -> None:
    leads_to = re.fullmatch(r".+; docs/runbook\.md#([a-z0-9-]+)", TELLING[name]["AlarmDescription"])
    assert leads_to
    section = SECTIONS[leads_to[1]]
    assert f"`{name}`" in section
    assert "\nTry it: " in section


def test_the_runbook_names_alarms_that_exist() -> None:
    assert set(re.findall(r"`(\w+Alarm)`", RUNBOOK)) == TELLING.keys()


@pytest.mark.parametrize("name", TELLING)
def test_the_same_are_told_when_it_begins_and_when_it_is_over(name: str) -> None:
    assert TELLING[name]["AlarmActions"] == TELLING[name]["OKActions"]
    assert TELLING[name]["AlarmActions"] in (["Pages"], ["Tickets"])


def test_somebody_is_woken_only_for_what_callers_feel() -> None:
    pages = {name for name, alarm in TELLING.items() if alarm["AlarmActions"] == ["Pages"]}
    groups = ("Any", "Reads", "Writes", "Lists", "Batches")
    assert pages == {
        *(f"{group}{judged}FastAlarm" for group in groups for judged in ("Errors", "Latency")),
        *("DeliveryAgeAlarm", "ProjectChangesHoursBehindAlarm", "DispatchWebhooksHoursBehindAlarm"),
    }


def test_an_alarm_that_tells_nobody_is_part_of_one_that_does() -> None:
    parts = {part for one in composites().values() for part in re.findall(r'"(\w+)"', one["AlarmRule"])}
    assert parts == alarms().keys() - TELLING.keys()


def test_the_stack_gets_the_name_of_everything_that_it_looks_at() -> None:
    given = template()["Resources"]["Watch"]["Properties"]["Parameters"]
    assert given.keys() == template(cloudwatch.MONITORING)["Parameters"].keys()
    for name, value in given.items():
        match value:
            case {"Ref": "Alarms" | "AWS::StackName"} | {"Fn::If": _}:
                assert name in ("Pages", "Service", "Tickets")
            case {"Ref": other}:
                assert other == name
            case {"Fn::GetAtt": attribute}:
                assert attribute == f"{name}.QueueName"


def test_every_queue_has_an_alarm() -> None:
    """E9105 of the house rules sees only that monitoring.yaml gets a queue's name."""
    resources = template()["Resources"].items()
    queues = {name for name, resource in resources if resource["Type"] == "AWS::SQS::Queue"}
    on_queues = {dict(one.dimensions)["QueueName"] for one in on_alarms() if one.namespace == "AWS/SQS"}
    assert on_queues == queues


def test_it_knows_the_indexes_of_the_table() -> None:
    indexes = template()["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    looked_at = {dict(one.dimensions).get("GlobalSecondaryIndexName") for one in on_alarms()} - {None}
    assert looked_at == {index["IndexName"] for index in indexes}


def test_no_alarm_asks_for_more_than_cloudwatch_takes() -> None:
    """Ten metrics at most, one period, ids that begin with a small letter, and no more than a day or a week at once."""
    for name, alarm in alarms().items():
        stats = [one["MetricStat"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
        assert len(stats) <= 10
        periods = {int(stat["Period"]) for stat in stats} or {int(alarm["Period"])}
        assert len(periods) == 1, name
        (period,) = periods
        assert period % 60 == 0
        assert period * alarm["EvaluationPeriods"] <= (86_400 if period < 3600 else 604_800)
        assert all(re.fullmatch(r"[a-z]\w*", one["Id"]) for one in alarm.get("Metrics", ()))


# ==== bad days and good ones ==========================================================================================


@cache
def answered(group: str) -> str:
    """The line of a request that a real handler answers."""
    return lines(asked(group))


@cache
def failed(group: str) -> str:
    """The line of a request that a real handler cannot answer."""
    return lines(failing(asked(group)))


def minutes_of(minutes: int, *texts: str, begin: int = 0) -> Metrics:
    """Minutes in which the requests of `texts` come again and again, at the gateway as at the functions."""
    counted = Metrics()
    add_minutes(counted, range(begin, begin + minutes), *texts)
    return counted


def add_minutes(counted: Metrics, minutes: range, *texts: str) -> None:
    for minute in minutes:
        for number, text in enumerate(texts):
            at = 60 * (minute + number / len(texts))
            counted.add_lines(text, at)
            counted.add(series("AWS/ApiGateway", "Count", {"ApiId": "Api"}), at)
            counted.add(series("AWS/ApiGateway", "Latency", {"ApiId": "Api"}), at, 20.0)
            if '"status": 503' in text:
                counted.add(series("AWS/ApiGateway", "5xx", {"ApiId": "Api"}), at)


def test_a_version_that_fails_every_third_request_wakes_somebody_within_minutes() -> None:
    """An hour of good requests is behind it. The group and the whole API tell; others do not."""
    counted = minutes_of(60, *[answered("reads")] * 3, *[answered("writes")] * 3)
    assert raised(counted, 3600) == set()
    add_minutes(counted, range(60, 66), *[answered("reads")] * 3, *[answered("writes")] * 2, failed("writes"))
    assert raised(counted, 3660) == set()
    assert raised(counted, 3960) == {"AnyErrorsFastAlarm", "WritesErrorsFastAlarm"}


def test_it_is_over_five_minutes_after_the_last_failure() -> None:
    counted = minutes_of(60, *[answered("writes")] * 2, failed("writes"))
    assert "WritesErrorsFastAlarm" in raised(counted, 3600)
    add_minutes(counted, range(60, 66), *[answered("writes")] * 3)
    assert "WritesErrorsFastAlarm" not in raised(counted, 3960)


@pytest.mark.parametrize("errors", [1, 4])
def test_too_little_traffic_wakes_nobody(errors: int) -> None:
    """One error in three requests at night; four in five."""
    counted = minutes_of(1, *[failed("reads")] * errors, answered("reads"), answered("reads"))
    assert raised(counted, 60) == set()


def test_little_traffic_of_which_all_fails_wakes_somebody() -> None:
    """Twelve requests an hour."""
    counted = Metrics()
    for minute in range(0, 60, 5):
        add_minutes(counted, range(minute, minute + 1), failed("reads"))
    assert raised(counted, 3600) == {"AnyErrorsFastAlarm", "ReadsErrorsFastAlarm"}


def test_a_little_that_fails_for_hours_is_a_ticket() -> None:
    """One in a hundred, six hours long."""
    counted = Metrics()
    for minute in range(0, 360, 2):
        good = [answered("lists")] * 19
        add_minutes(
            counted, range(minute, minute + 1), *good, failed("lists") if minute % 10 == 0 else good[0]
        )
    assert raised(counted, 21_600) == {"AnyErrorsSlowAlarm", "ListsErrorsSlowAlarm"}


def test_what_callers_did_wrong_raises_nothing() -> None:
    assert raised(minutes_of(60, *[lines(asked("reads", None))] * 5), 3600) == set()


def slow(group: str, milliseconds: float) -> str:
    line = json.loads(answered(group))
    return json.dumps(line | {"Latency": milliseconds})


@pytest.mark.parametrize(
    ("group", "within", "alarm"),
    [
        ("reads", 500, "Reads"),
        ("writes", 1000, "Writes"),
        ("lists", 2000, "Lists"),
        ("batches", 8000, "Batches"),
    ],
)
def test_a_group_that_is_slower_than_its_objective_wakes_somebody(
    group: str, within: int, alarm: str
) -> None:
    good = [slow(group, within)] * 4
    assert raised(minutes_of(60, *good), 3600) == set()
    assert raised(minutes_of(60, *good, slow(group, within + 1)), 3600) == {f"{alarm}LatencyFastAlarm"} | (
        {f"{alarm}LatencySlowAlarm"}
    )


def test_a_flood_of_unknown_keys_is_a_ticket() -> None:
    counted = minutes_of(10, *[lines(asked("reads", None))] * 30)
    assert raised(counted, 600) == set()
    counted = minutes_of(10, *[lines(asked("reads", None))] * 250)
    assert raised(counted, 600) == {"AuthErrorsFloodAlarm"}


def test_what_the_gateway_refuses_by_itself_is_noticed() -> None:
    counted = minutes_of(15, *[answered("writes")] * 3)
    count = series("AWS/ApiGateway", "Count", {"ApiId": "Api"})
    for second in range(900):
        counted.add(count, second, 1.0)
    assert raised(counted, 900) == set()
    for second in range(900):
        counted.add(count, second, 1.0)
    assert raised(counted, 900) == {"UnansweredAlarm"}


def test_a_hot_key_of_an_index_is_told_by_its_cause() -> None:
    counted = Metrics()
    name, dimensions = "WriteKeyRangeThroughputThrottleEvents", {"GlobalSecondaryIndexName": "email"}
    for minute in (0, 2, 4):
        counted.add(series("AWS/DynamoDB", name, {"TableName": "Table", **dimensions}), 60 * minute)
    assert raised(counted, 300) == {"KeyRangeThroughputThrottlesAlarm"}


# ==== the picture =====================================================================================================


def test_the_dashboard_is_drawn_with_every_widget_and_line() -> None:
    counted = minutes_of(5, answered("reads"), failed("writes"), lines(asked("lists", None)))
    for number in range(5):
        counted.add(series("AWS/Lambda", "ClaimedAccountConcurrency", {}), 60 * number, 7.0)
    picture = dashboard.drawn(counted)
    ET.fromstring(picture)
    for widget in cloudwatch.widgets():
        assert escape(widget["properties"]["title"]) in picture
        for one in cloudwatch.drawn_in(widget):
            assert not one.is_visible or f">{one.label}<" in picture


def test_the_picture_in_the_runbook_is_of_this_dashboard() -> None:
    """Whoever changes the dashboard draws it anew: `python -m bench.dashboard`."""
    picture = dashboard.CHART.read_text(encoding="utf-8")
    for widget in cloudwatch.widgets():
        assert f">{escape(widget['properties']['title'])}<" in picture
        for one in cloudwatch.drawn_in(widget):
            assert not one.is_visible or f">{one.label}<" in picture
