"""CloudWatch, as far as the alarms of the template need it: metrics that were put, and what an alarm makes of them.

metrics = Metrics()
metrics.read(line, at_s)                        # a line of a log: embedded metrics
metrics.put("AWS/Lambda", "Errors", {"FunctionName": "f"}, 1, at_s)
breaches(alarm, metrics, at_s, resolved)        # at a moment: whether its state is ALARM
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

Json = Mapping[str, Any]
Identity = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name, dimensions."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
}


class Metrics:
    """Data points of metrics."""

    def __init__(self) -> None:
        self._points: dict[Identity, list[tuple[float, float]]] = defaultdict(list)

    def put(
        self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, at_s: float
    ) -> None:
        """Add a data point."""
        self._points[namespace, name, frozenset(dimensions.items())].append((at_s, value))

    def read(self, line: Json, at_s: float) -> None:
        """Add what a line of a log has embedded, if anything ("Embedded metric format specification")."""
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                dimensions = {name: line[name] for name in names}
                for metric in directive["Metrics"]:
                    values = line[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        self.put(directive["Namespace"], metric["Name"], dimensions, value, at_s)

    def names(self) -> set[str]:
        """The names of all metrics that have data points."""
        return {name for _, name, _ in self._points}

    def total(
        self, namespace: str, name: str, dimensions: Mapping[str, str], since_s: float, until_s: float
    ) -> float | None:
        """The sum of the values within a span of time; None: there are none."""
        points = self._points.get((namespace, name, frozenset(dimensions.items())), [])
        values = [value for at_s, value in points if since_s <= at_s < until_s]
        return sum(values) if values else None


def breaches(alarm: Json, metrics: Metrics, at_s: float, resolved: Callable[[Any], str]) -> bool:
    """Whether an alarm of one period, on a sum or an expression, is in ALARM at a moment.

    CloudWatch looks each minute at the period that ends then ("Evaluating an alarm"). `alarm`: its properties in the
    template; `resolved`: a value of the template as text.
    """
    assert alarm["EvaluationPeriods"] == 1
    values: dict[str, float | None] = {}
    expressions = {}
    for metric in alarm["Metrics"]:
        if "Expression" in metric:
            expressions[metric["Id"]] = metric["Expression"]
            continue
        measured = metric["MetricStat"]
        assert measured["Stat"] == "Sum"
        dimensions = {
            dimension["Name"]: resolved(dimension["Value"]) for dimension in measured["Metric"]["Dimensions"]
        }
        values[metric["Id"]] = metrics.total(
            measured["Metric"]["Namespace"],
            measured["Metric"]["MetricName"],
            dimensions,
            at_s - measured["Period"],
            at_s,
        )
    for name, expression in reversed(
        expressions.items()
    ):  # The template has what is built on before what it builds on.
        values[name] = _evaluated(expression, values)
    (returned,) = [metric["Id"] for metric in alarm["Metrics"] if metric.get("ReturnData", True)]
    value = values[returned]
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    return COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"])


def _evaluated(expression: str, values: Mapping[str, float | None]) -> float | None:
    """The value of metric math; None: something that it computes with has no data ("Using metric math")."""

    def total(series: list[float | None]) -> float | None:
        known = [value for value in series if value is not None]
        return sum(known) if known else None

    known = {"SUM": total, "IF": lambda condition, then, otherwise: then if condition else otherwise}
    try:
        value: float | None = eval(expression, {"__builtins__": {}}, {**known, **values})
    except TypeError:
        return None
    return value
