"""Rules of this house for template.yaml, run by cfn-lint beside its own (`make check`).

Each keeps something that is only missed on a bad day: a log that grows for ever, an event that vanishes.
cfn-lint applies SAM's Globals and translates nothing else, so the rules know SAM's form of a function beside
CloudFormation's own, and the events that SAM writes into it.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")
LOG_GROUP = "AWS::Logs::LogGroup"
QUEUE = "AWS::SQS::Queue"
ALARM = "AWS::CloudWatch::Alarm"
NESTED = "AWS::CloudFormation::Stack"
EVENT_SOURCE = "AWS::Lambda::EventSourceMapping"
ASYNCHRONOUS_CALL = "AWS::Lambda::EventInvokeConfig"
ASYNCHRONOUS_CALLERS = ("AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::Scheduler::Schedule")
# Types of a SAM function's own events.
ASYNCHRONOUS_EVENTS = frozenset(
    {"CloudWatchEvent", "EventBridgeRule", "IoTRule", "S3", "SNS", "Schedule", "ScheduleV2"}
)
STREAM_EVENTS = frozenset({"DynamoDB", "Kinesis"})
QUEUE_EVENT = "SQS"


class FunctionLogs(CloudFormationLintRule):
    """Every function writes to a log group of this template that forgets."""

    id = "E9101"
    shortdesc = "Function without log retention"
    description = "Every function names a log group of this template with RetentionInDays"
    source_url = ""
    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """What cfn-lint calls."""
        groups = properties(cfn, LOG_GROUP)
        return [
            complaint(name, "needs LoggingConfig.LogGroup: a log group of this template with RetentionInDays")
            for name, function in properties(cfn, *FUNCTIONS).items()
            if not any(
                "RetentionInDays" in groups.get(group, {})
                for group in references(function.get("LoggingConfig", {}).get("LogGroup"))
            )
        ]


class FunctionLimits(CloudFormationLintRule):
    """Every function says how long it may take and how much memory it needs."""

    id = "E9102"
    shortdesc = "Function without timeout or memory"
    description = "Every function has Timeout and MemorySize, its own or from Globals"
    source_url = ""
    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """What cfn-lint calls."""
        return [
            complaint(name, f"needs {limit}")
            for name, function in properties(cfn, *FUNCTIONS).items()
            for limit in ("Timeout", "MemorySize")
            if limit not in function
        ]


class FailuresAreKept(CloudFormationLintRule):
    """What a function could not process is kept: a stream's batch, an asynchronous call."""

    id = "E9103"
    shortdesc = "Asynchronous function without on-failure destination"
    description = "Streams and asynchronous callers of functions have an on-failure destination"
    source_url = ""
    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """What cfn-lint calls."""
        streams = [
            complaint(name, "needs DestinationConfig.OnFailure: a batch given up would be lost")
            for name, mapping in mappings(cfn)
            # Only a stream has a position to start from; a queue has its own dead-letter queue.
            if "StartingPosition" in mapping and not on_failure(mapping)
        ]
        functions = properties(cfn, *FUNCTIONS)
        kept = {
            name
            for configuration in properties(cfn, ASYNCHRONOUS_CALL).values()
            if on_failure(configuration)
            for name in references(configuration.get("FunctionName"))
        } | {name for name, function in functions.items() if on_failure(invoke_config(function))}
        called = {
            name
            for caller in ASYNCHRONOUS_CALLERS
            for event in properties(cfn, caller).values()
            for name in references(event)
            if name in functions
        } | {
            name
            for name, function in functions.items()
            if any(event["Type"] in ASYNCHRONOUS_EVENTS for event in events(function))
        }
        return streams + [
            complaint(
                name, "is called asynchronously and needs EventInvokeConfig.DestinationConfig.OnFailure"
            )
            for name in sorted(called - kept)
        ]


class QueueHasDeadLetters(CloudFormationLintRule):
    """A message that fails again and again ends in a queue somebody looks at."""

    id = "E9104"
    shortdesc = "Queue without dead-letter queue"
    description = (
        "Every queue that a function reads has a RedrivePolicy, unless it takes the dead letters of others"
    )
    source_url = ""
    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """What cfn-lint calls."""
        queues = properties(cfn, QUEUE)
        functions = properties(cfn, *FUNCTIONS).values()
        ends = [queue.get("RedrivePolicy") for queue in queues.values()]
        ends += [on_failure(mapping) for _, mapping in mappings(cfn)]
        ends += [on_failure(configuration) for configuration in properties(cfn, ASYNCHRONOUS_CALL).values()]
        ends += [on_failure(invoke_config(function)) for function in functions]
        last_resorts = set(references(ends))
        read = {name for _, mapping in mappings(cfn) for name in references(mapping.get("EventSourceArn"))}
        return [
            complaint(name, "needs a RedrivePolicy")
            for name, queue in queues.items()
            if "RedrivePolicy" not in queue and name in read - last_resorts
        ]


class QueueHasAlarm(CloudFormationLintRule):
    """Every queue is watched: its age, or with dead letters its length."""

    id = "E9105"
    shortdesc = "Queue without alarm"
    description = "Every queue is a dimension of an alarm, here or in the stack that gets its name"
    source_url = ""
    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """What cfn-lint calls."""
        # tests/unit/repository/test_alarms.py holds that monitoring.yaml has an alarm for each name that it gets.
        watchers = properties(cfn, ALARM, NESTED).values()
        watched = {name for watcher in watchers for name in references(watcher)}
        return [complaint(name, "needs an alarm") for name in properties(cfn, QUEUE) if name not in watched]


def properties(cfn: Template, *resource_types: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of some types, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in cfn.get_resources(list(resource_types)).items()
    }


def events(function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events that SAM's form of a function has of its own."""
    yield from function.get("Events", {}).values()


def invoke_config(function: dict[str, Any]) -> dict[str, Any]:
    """How SAM's form of a function is called asynchronously."""
    configured: dict[str, Any] = function.get("EventInvokeConfig", {})
    return configured


def mappings(cfn: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every event source mapping with where it stands, those among a function's events, too."""
    yield from properties(cfn, EVENT_SOURCE).items()
    for name, function in properties(cfn, *FUNCTIONS).items():
        for event in events(function):
            if event["Type"] in STREAM_EVENTS:
                yield name, {"EventSourceArn": event["Properties"]["Stream"], **event["Properties"]}
            elif event["Type"] == QUEUE_EVENT:
                yield name, {"EventSourceArn": event["Properties"]["Queue"], **event["Properties"]}


def complaint(logical_id: str, what: str) -> RuleMatch:
    """A complaint about one resource."""
    return RuleMatch(["Resources", logical_id], f"{logical_id} {what}")


def on_failure(properties_: dict[str, Any]) -> dict[str, Any]:
    """The on-failure destination, or nothing."""
    destination: dict[str, Any] = properties_.get("DestinationConfig", {}).get("OnFailure", {})
    return destination


def references(value: Any) -> Iterator[str]:
    """Every logical id that `value` refers to, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else str(inner).split(".")[0]
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                yield from (part.split("}")[0].split(".")[0] for part in text.split("${")[1:])
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
