"""A version that fails is taken back, and no other: the alarm of the template, on what the deployed handlers emit.

CodeDeploy leads a part of the traffic to a new version for five minutes, looks at the alarm, and takes the version back
when it is in ALARM. What is played here is that part: invocations of the new version, minute by minute.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from bench.cloudwatch import Metrics, canaries, is_raised, series
from local.stack import ROOT
from tests.recorded.playing import functions_of_the_account, recorded_scenarios
from tests.support.deployed import DeployedFunctions

Json = dict[str, Any]
Happens = Callable[[], None]

NEW, OLD = "42", "41"
SHIFT_MINUTES = 5
LAG_MINUTES = 1
"""How late metrics are: what happens in the last minute of a shift is not seen."""


def bug() -> None:
    raise KeyError("ada@example.com")


def throttle() -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Too fast"}}, "GetItem")


def silence() -> None:
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def nothing() -> None:
    pass


class Version:
    """One version of a function, on real handlers, and the metrics of its invocations."""

    def __init__(self, functions: DeployedFunctions, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.functions = functions
        self.function = function
        self.name = f"contacts-{function}"
        self.metrics = Metrics()
        self._happens: Happens = nothing
        called = functions._called

        def call(service: str, method: str, **request: Any) -> Any:
            if service == "dynamodb":
                self._happens()
            return called(service, method, **request)

        monkeypatch.setattr(functions, "_called", call)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", self.name)
        self._monkeypatch = monkeypatch

    def invoke(self, ask: Callable[[DeployedFunctions], Any], happens: Happens, *, version: str = NEW) -> Any:
        """What a request or an event is answered; Lambda counts it, and what it raises."""
        self._monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", version)
        at_s = self.functions.at_ms / 1000
        dimensions = {"FunctionName": self.name, "Resource": f"{self.name}:live", "ExecutedVersion": version}
        self.functions.logged.clear()
        self._happens = happens
        answer = None
        try:
            answer = ask(self.functions)
        except Crash:
            self.metrics.add(series("AWS/Lambda", "Errors", dimensions), at_s)
        else:
            self.metrics.add(series("AWS/Lambda", "Errors", dimensions), at_s, 0)
        finally:
            self._happens = nothing
        self.metrics.add(series("AWS/Lambda", "Invocations", dimensions), at_s)
        for line in self.functions.logged:
            self.metrics.add_line(line, at_s)
        return answer

    def counted(self) -> set[str]:
        """The names of the metrics that have values."""
        return {of.name for of in self.metrics.points}

    def is_taken_back(self, logical_id: str, per_minute: int, ask: Callable[[int], Any]) -> bool:
        """Whether the alarm goes off while traffic shifts. `ask`: makes the n-th invocation, of `per_minute`."""
        names = {logical_id: self.name, f"{logical_id}.Version.Version": NEW}
        alarm = canaries(names)[f"{logical_id}Canary"]
        began_ms = self.functions.at_ms
        number = 0
        for minute in range(1, SHIFT_MINUTES + 1):
            for second in range(per_minute):
                self.functions.at_ms = began_ms + (minute - 1) * 60_000 + second * 60_000 // per_minute
                ask(number)
                number += 1
            now_s = began_ms / 1000 + minute * 60
            if minute > LAG_MINUTES and is_raised(alarm, self.metrics, now_s - LAG_MINUTES * 60):
                return True
        return False


class Crash(BaseException):
    """Ends an invocation as a full memory, or an import that fails, does."""


def crash() -> None:
    raise Crash


def every(nth: int, happens: Happens) -> Callable[[int], Happens]:
    return lambda number: happens if number % nth == 0 else nothing


@pytest.fixture
def functions() -> Iterator[DeployedFunctions]:
    with functions_of_the_account("canaries") as made:
        yield made


def a_key() -> str:
    key: str = recorded_scenarios()["read: id"]["steps"][0]["key"]
    return key


def reading(target: str, key: str | None = None) -> Callable[[DeployedFunctions], Any]:
    return lambda functions: functions.request("GET", target, key=key or a_key())


PRESENT = "/v1/contacts/crm-31337"


@pytest.mark.parametrize(
    ("what", "per_minute", "happens", "taken_back"),
    [
        ("fails every third request", 12, every(3, bug), True),
        ("cannot start, or runs out of time, every third time", 12, every(3, crash), True),
        ("waits in vain for the table every third time", 12, every(3, silence), True),
        ("fails one time in sixteen", 24, every(16, bug), True),
        ("fails three times in a row at its beginning", 12, lambda n: bug if n < 3 else nothing, True),
        ("is well", 12, every(1, nothing), False),
        ("fails one time in thirty", 24, every(30, bug), False),
        ("meets a table that throttles", 12, every(3, throttle), False),
        # Low traffic: what is not met three times cannot be told from chance.
        ("fails every third of eight requests", 2, every(4, bug), False),
        ("has no traffic", 0, every(1, bug), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_version_that_callers_meet(
    functions: DeployedFunctions,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    per_minute: int,
    happens: Callable[[int], Happens],
    taken_back: bool,
) -> None:
    version = Version(functions, "get_contact", monkeypatch)
    ask = lambda number: version.invoke(reading(PRESENT), happens(number))  # noqa: E731
    assert version.is_taken_back("GetContact", per_minute, ask) is taken_back, what


def test_what_a_caller_does_wrong_counts_against_nobody(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Version(functions, "get_contact", monkeypatch)
    wrong = [
        reading("/v1/contacts/nobody"),
        reading(PRESENT, key="sk_live_unknown"),
        reading(f"{PRESENT}?by=shoe_size"),
    ]
    answered = set()

    def ask(number: int) -> None:
        answered.add(version.invoke(wrong[number % len(wrong)], nothing)["statusCode"])

    assert not version.is_taken_back("GetContact", 12, ask)
    assert answered == {400, 401, 404}
    assert "VersionFailures" not in version.counted()


def test_what_an_operator_switched_off_counts_against_nobody(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.invoke("set_switches", {"writes": "off"})
    functions.at_ms += 60_000
    version = Version(functions, "create_contact", monkeypatch)
    write = lambda functions: functions.request("POST", "/v1/contacts", {}, key=a_key())  # noqa: E731
    answered = set()

    def ask(number: int) -> None:
        answered.add(version.invoke(write, nothing)["statusCode"])

    assert not version.is_taken_back("CreateContact", 12, ask)
    assert answered == {503}
    assert version.counted() & {"VersionFailures", "ServerErrors"} == set()


def test_what_the_old_version_does_counts_against_it_alone(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine requests in ten still reach it."""
    version = Version(functions, "get_contact", monkeypatch)

    def ask(number: int) -> None:
        if number % 10 == 0:
            version.invoke(reading(PRESENT), nothing)
        else:
            version.invoke(reading(PRESENT), bug, version=OLD)

    assert not version.is_taken_back("GetContact", 12, ask)


@pytest.mark.parametrize(
    ("happens", "taken_back"), [(bug, True), (crash, True), (silence, False), (throttle, False)]
)
def test_a_version_that_follows_changes(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch, happens: Happens, taken_back: bool
) -> None:
    """It sets aside a record that it cannot handle, and reports no failure. What is busy comes again."""
    version = Version(functions, "dispatch_webhooks", monkeypatch)
    event = recorded_scenarios()["dispatch_webhooks: INSERT of a custom event"]["steps"][0]["event"]
    deliver = lambda functions: functions.invoke("dispatch_webhooks", event)  # noqa: E731
    ask = lambda number: version.invoke(deliver, every(3, happens)(number))  # noqa: E731
    assert version.is_taken_back("DispatchWebhooks", 12, ask) is taken_back


def test_the_latest_code_has_no_metric_of_its_own(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions without an alias run it. Each would cost as much as a metric that somebody looks at."""
    version = Version(functions, "get_contact", monkeypatch)
    version.invoke(reading(PRESENT), bug, version="$LATEST")
    assert "VersionFailures" not in version.counted()


def test_the_line_of_a_failure_tells_nothing_of_the_person(
    functions: DeployedFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Version(functions, "get_contact", monkeypatch)
    version.invoke(reading("/v1/contacts/olena.kovalenko%40example.com"), bug)
    (line,) = [line for line in functions.logged if "VersionFailures" in line]
    assert line["version"] == NEW
    assert line["VersionFailures"] == 1  # A list would be `VersionFailures.0` to Logs Insights.
    assert "@" not in json.dumps(functions.logged)


CANARIES = canaries()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CANARIES)
def test_a_canary_leads_to_its_page_and_tells_when_it_begins_and_when_it_is_over(name: str) -> None:
    assert CANARIES[name]["AlarmDescription"].endswith("; docs/runbook.md#a-version-is-taken-back")
    assert "`…Canary`" in RUNBOOK.partition("\n## A version is taken back\n")[2]
    assert CANARIES[name]["AlarmActions"] == CANARIES[name]["OKActions"] == ["Alarms"]
