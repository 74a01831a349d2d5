"""What things cost: quantities of what AWS charges for, times the list prices of prices.json."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from bench.service import Use, function_named
from local.template import template

PRICES: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).resolve().parent / "prices.json").read_text(encoding="utf-8")
)
LINES: Final = {
    "write_units": "DynamoDB writes",
    "read_units": "DynamoDB reads",
    "api_requests": "API Gateway",
    "invocations": "Lambda requests",
    "gb_seconds": "Lambda time",
    "sqs_requests": "SQS",
    "schedules": "Scheduler",
    "log_bytes": "logs",
    "traces": "traces",
    "bytes_out": "data out",
}
"""What is charged for, with its name in tables."""
GIGA: Final = 1_000_000_000

# Lambda's own lines, in the plain format: START, END, REPORT; XRAY where the function is traced.
_PLATFORM_LINES: Final = len(
    "START RequestId: 6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00 Version: $LATEST\n"
    "END RequestId: 6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00\n"
    "REPORT RequestId: 6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00\tDuration: 21.34 ms\tBilled Duration: 22 ms\t"
    "Memory Size: 256 MB\tMax Memory Used: 89 MB\t\n"
)
_XRAY_LINE: Final = len(
    "XRAY TraceId: 1-69670000-0123456789abcdef01234567\tSegmentId: 0123456789abcdef\tSampled: true\t\n"
)
_FILLED_IN: Final = 60
"""Bytes that the values of an access log's line have beyond the names that stand for them."""


@dataclass
class Bill:
    """Quantities of what is charged for."""

    of: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LINES, 0.0))

    def add(self, other: "Bill", times: float = 1.0) -> "Bill":
        """Add another one, so many times."""
        for line, quantity in other.of.items():
            self.of[line] += quantity * times
        return self

    def costs(self) -> dict[str, float]:
        """US dollars by line."""
        return {line: quantity * price(line) for line, quantity in self.of.items()}

    @property
    def usd(self) -> float:
        """US dollars in all."""
        return sum(self.costs().values())


def price(line: str) -> float:
    """US dollars of one."""
    if line in PRICES["per_gb"]:
        return float(PRICES["per_gb"][line]["usd"]) / GIGA
    return float(PRICES["per_million"][line]["usd"]) / 1_000_000


def total(bills: Iterable[Bill]) -> Bill:
    """All of them together."""
    whole = Bill()
    for bill in bills:
        whole.add(bill)
    return whole


def bill_of(function: str, use: Use, *, is_requested: bool) -> Bill:
    """The bill of what a function used. `is_requested`: whether API Gateway invoked it."""
    deployed = function_named(function)
    # A duration is rounded up to a millisecond: half of one on the average.
    seconds = use.billed_s + use.invocations * 0.0005
    queue_calls = sum(n for (service, _), n in use.calls.items() if service == "sqs")
    sends = sum(
        n for (service, method), n in use.calls.items() if service == "sqs" and method.startswith("send")
    )
    logged = use.logged + use.invocations * platform_line_bytes(function)
    if is_requested:
        logged += use.invocations * access_line_bytes()
    return Bill(
        {
            "write_units": use.writes,
            "read_units": use.reads,
            "api_requests": use.invocations if is_requested else 0,
            "invocations": use.invocations,
            "gb_seconds": seconds * deployed.memory / 1024,
            "sqs_requests": queue_calls - sends + use.message_chunks,
            "schedules": use.schedules,
            "log_bytes": logged,
            "traces": use.invocations * PRICES["sampled_traces"] * is_traced(function),
            "bytes_out": use.bytes_out,
        }
    )


# ==== what the template says of logs and traces =======================================================================


def platform_line_bytes(function: str) -> int:
    """The bytes of the lines that Lambda itself writes of each invocation."""
    logging = _property(function, "LoggingConfig")
    if logging.get("LogFormat") == "JSON" and chosen(logging.get("SystemLogLevel")) == "WARN":
        return 0
    return _PLATFORM_LINES + (_XRAY_LINE if is_traced(function) else 0)


def is_traced(function: str) -> bool:
    """Whether X-Ray samples a function."""
    return bool(_property(function, "Tracing") == "Active")


@cache
def access_line_bytes() -> int:
    """The bytes of the line that API Gateway writes of each request."""
    settings = chosen(template()["Resources"]["Api"]["Properties"].get("AccessLogSettings"))
    return len(settings["Format"]) + _FILLED_IN if isinstance(settings, dict) and "Format" in settings else 0


@cache
def _property(function: str, name: str) -> Any:
    """A property of a function, with the one of Globals below it."""
    shared = template()["Globals"]["Function"].get(name)
    logical_id = function_named(function).logical_id
    own = template()["Resources"][logical_id]["Properties"].get(name)
    if isinstance(shared, dict) or isinstance(own, dict):
        both = {} if shared is None or set(shared) == {"Ref"} else dict(shared)
        if own is not None or both:
            return both | (own or {})
    return chosen(shared if own is None else own)


def chosen(value: Any) -> Any:
    """A value of the template with parameters at their defaults and `Fn::If` decided."""
    match value:
        case {"Ref": name}:
            return template()["Parameters"].get(name, {}).get("Default")
        case {"Fn::If": [condition, then, otherwise]}:
            return chosen(then if _holds(template()["Conditions"][condition]) else otherwise)
        case _:
            return value


def _holds(condition: Any) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner)
        case {"Fn::Equals": [left, right]}:
            return bool(chosen(left) == chosen(right))
        case {"Condition": name}:
            return _holds(template()["Conditions"][name])
        case _:
            return False
