"""CloudWatch on paper: metrics of log lines, statistics, metric math, the states of the templates' alarms.

As the CloudWatch user guide has it ("Statistics definitions", "Using math expressions", "Evaluating an alarm"), as far
as monitoring.yaml and the alarms of template.yaml that take versions back use it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import loads
from math import ceil
from pathlib import Path
from typing import Any, Final

from local.stack import ROOT
from local.template import template

MONITORING: Final = ROOT / "monitoring.yaml"
TEMPLATE: Final = ROOT / "template.yaml"

Value = float | None
"""Of a metric or an expression; None where there is no data."""


@dataclass(frozen=True, slots=True)
class Series:
    """What a metric is known by."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def series(namespace: str, name: str, dimensions: Mapping[str, str]) -> Series:
    """The series of these dimensions."""
    return Series(namespace, name, frozenset(dimensions.items()))


@dataclass
class Metrics:
    """What was counted, by series: moments in seconds, and values."""

    points: dict[Series, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, of: Series, at: float, value: float = 1.0) -> None:
        """Add a value that was measured at a moment."""
        self.points[of].append((at, value))

    def add_lines(self, text: str, at: float) -> None:
        """Add what log lines count (embedded metric format), all at one moment."""
        for line in text.splitlines():
            if line.startswith("{"):
                self.add_line(loads(line), at)

    def add_line(self, line: Mapping[str, Any], at: float) -> None:
        """Add what a log line counts, if anything ("Embedded metric format specification")."""
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                dimensions = {name: line[name] for name in names}
                for metric in directive["Metrics"]:
                    of = series(directive["Namespace"], metric["Name"], dimensions)
                    self.add(of, at, line[metric["Name"]])

    def statistic(self, of: Series, statistic: str, begin: float, end: float) -> Value:
        """A statistic of the values from `begin` until before `end`."""
        values = sorted(value for at, value in self.points.get(of, ()) if begin <= at < end)
        if not values:
            return None
        if statistic.startswith("PR(:"):
            most = float(statistic[4:-1])
            return 100 * sum(value <= most for value in values) / len(values)
        if statistic.startswith("p"):
            return values[max(0, ceil(float(statistic[1:]) / 100 * len(values)) - 1)]
        return {
            "Sum": sum(values),
            "SampleCount": float(len(values)),
            "Average": sum(values) / len(values),
            "Maximum": values[-1],
            "Minimum": values[0],
        }[statistic]


# ==== metric math =====================================================================================================


@dataclass(frozen=True)
class _Known:
    """What an expression may name: metrics with their values, and other expressions."""

    values: Mapping[str, Value]
    expressions: Mapping[str, str]

    def value(self, name: str) -> Value:
        if name in self.values:
            return self.values[name]
        return evaluated(self.expressions[name], self.values, self.expressions)


def evaluated(
    expression: str, values: Mapping[str, Value], expressions: Mapping[str, str] | None = None
) -> Value:
    """What a math expression makes of the values of metrics in one period. Without a value it needs, it has none.

    `expressions`: others that it may name, by their ids.
    """
    text = re.sub(r"\bAND\b", "and", re.sub(r"\bOR\b", "or", expression))
    return _number(ast.parse(text, mode="eval").body, _Known(values, expressions or {}))


def _of(node: ast.expr, known: _Known) -> Value | list[Value]:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return known.value(name)
        case ast.List(elts=elements):
            return [_number(element, known) for element in elements]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, known)
    parts: dict[type, Sequence[ast.expr]] = {
        ast.BinOp: [getattr(node, "left", node), getattr(node, "right", node)],
        ast.Compare: [getattr(node, "left", node), *getattr(node, "comparators", ())],
        ast.BoolOp: getattr(node, "values", ()),
    }
    found = [_number(part, known) for part in parts[type(node)]]
    if any(one is None for one in found):
        return None
    return _operated(node, [one for one in found if one is not None])


def _operated(node: ast.expr, numbers: Sequence[float]) -> Value:
    match node:
        case ast.BoolOp(op=ast.And()):
            return float(all(numbers))
        case ast.BoolOp(op=ast.Or()):
            return float(any(numbers))
        case ast.Compare(ops=[operator]) | ast.BinOp(op=operator):
            left, right = numbers
            match operator:
                case ast.GtE():
                    return float(left >= right)
                case ast.Gt():
                    return float(left > right)
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div():
                    return left / right if right else None
    raise NotImplementedError(ast.dump(node))


def _number(node: ast.expr, known: _Known) -> Value:
    found = _of(node, known)
    assert not isinstance(found, list)
    return found


def _call(name: str, arguments: Sequence[ast.expr], known: _Known) -> Value | list[Value]:
    match name, arguments:
        case "METRICS", []:
            return list(known.values.values())
        case "IF", [condition, then, otherwise]:
            holds = _number(condition, known)
            return None if holds is None else _number(then if holds else otherwise, known)
        case "FILL", [what, filling]:
            found, filled = _of(what, known), _number(filling, known)
            if isinstance(found, list):
                return [filled if one is None else one for one in found]
            return filled if found is None else found
        case "SUM", [what]:
            summed = _of(what, known)
            assert isinstance(summed, list)
            there = [one for one in summed if one is not None]
            return sum(there) if there else None
    raise NotImplementedError(name)


# ==== alarms ==========================================================================================================


def named(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with names for references; what has no other is called as in the template."""
    match value:
        case {"Ref": str(name)}:
            return names.get(name, name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}!]+)\}", lambda found: names.get(found[1], found[1]), text)
        case {"Fn::Sub": [text, variables]}:
            known = {name: str(one) for name, one in named(variables, names).items()}
            return named({"Fn::Sub": text}, {**names, **known})
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return names.get(f"{name}.{attribute}", f"{name}.{attribute}")
        case {"Fn::Join": [separator, parts]}:
            return separator.join(named(parts, names))
        case dict():
            return {key: named(inner, names) for key, inner in value.items()}
        case list():
            return [named(inner, names) for inner in value]
    return value


def watched(
    kind: str, names: Mapping[str, str] | None = None, path: Path = MONITORING
) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type of a template, by logical id, with names for references.

    A parameter that has a default in template.yaml has that.
    """
    defaults = {
        name: str(parameter["Default"])
        for name, parameter in template()["Parameters"].items()
        if "Default" in parameter
    }
    return {
        name: named(resource["Properties"], {**defaults, **(names or {})})
        for name, resource in template(path)["Resources"].items()
        if resource["Type"] == kind
    }


def alarms() -> dict[str, dict[str, Any]]:
    """The alarms on metrics."""
    return watched("AWS::CloudWatch::Alarm")


def canaries(names: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The alarms of template.yaml that take versions back. `names`: of functions and, as `<function>.Version.Version`,
    of their versions."""
    return watched("AWS::CloudWatch::Alarm", names, TEMPLATE)


def composites() -> dict[str, dict[str, Any]]:
    """The alarms on alarms."""
    return watched("AWS::CloudWatch::CompositeAlarm")


def metric_of(metric: Mapping[str, Any]) -> Series:
    """The series of an alarm's metric, or of one of a `MetricStat`."""
    dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
    return series(metric["Namespace"], metric["MetricName"], dimensions)


def metrics_of(alarm: Mapping[str, Any]) -> list[Series]:
    """All series that an alarm looks at."""
    if "Metrics" not in alarm:
        return [metric_of(alarm)]
    return [metric_of(one["MetricStat"]["Metric"]) for one in alarm["Metrics"] if "MetricStat" in one]


def is_raised(alarm: Mapping[str, Any], metrics: Metrics, now: float) -> bool:
    """Whether an alarm on metrics is in the state ALARM at a moment: so many of its last periods breach."""
    assert alarm["TreatMissingData"] == "notBreaching"
    period = _period(alarm)
    breaching = 0
    for number in range(int(alarm["EvaluationPeriods"])):
        value = _value(alarm, metrics, now - (number + 1) * period, now - number * period)
        threshold = float(alarm["Threshold"])
        is_equal = alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold" and value == threshold
        breaching += value is not None and (value > threshold or is_equal)
    return breaching >= int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]))


def _period(alarm: Mapping[str, Any]) -> int:
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    (period,) = {int(one["MetricStat"]["Period"]) for one in alarm["Metrics"] if "MetricStat" in one}
    return period


def _value(alarm: Mapping[str, Any], metrics: Metrics, begin: float, end: float) -> Value:
    if "Metrics" not in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return metrics.statistic(metric_of(alarm), statistic, begin, end)
    values = {
        one["Id"]: metrics.statistic(metric_of(stat["Metric"]), stat["Stat"], begin, end)
        for one in alarm["Metrics"]
        if (stat := one.get("MetricStat"))
    }
    expressions = {one["Id"]: one["Expression"] for one in alarm["Metrics"] if "Expression" in one}
    (returned,) = (one["Id"] for one in alarm["Metrics"] if one.get("ReturnData", True))
    return evaluated(expressions[returned], values, expressions)


def raised(metrics: Metrics, now: float) -> set[str]:
    """The names of the alarms that have an action and are in the state ALARM at a moment."""
    simple = alarms()
    states = {name: is_raised(alarm, metrics, now) for name, alarm in simple.items()}
    found = {name for name, state in states.items() if state and simple[name].get("AlarmActions")}
    for name, composite in composites().items():
        parts: Iterable[str] = re.findall(r'ALARM\("(\w+)"\)', composite["AlarmRule"])
        assert composite["AlarmRule"] == " AND ".join(f'ALARM("{part}")' for part in parts)
        if all(states[part] for part in parts):
            found.add(name)
    return found


# ==== dashboard =======================================================================================================


@dataclass(frozen=True)
class Drawn:
    """One line of a widget: a metric with its statistic, or an expression over the others by their ids."""

    id: str
    label: str
    of: Series | None
    statistic: str
    expression: str
    is_visible: bool


def widgets(names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The widgets of the dashboard, with names for references."""
    (dashboard,) = watched("AWS::CloudWatch::Dashboard", names).values()
    body: dict[str, Any] = loads(dashboard["DashboardBody"])
    found: list[dict[str, Any]] = body["widgets"]
    return found


def drawn_in(widget: Mapping[str, Any]) -> list[Drawn]:
    """The lines of a widget, its abbreviations written out ("Dashboard body structure and syntax", API reference).

    Raises:
        ValueError: an abbreviation stands behind an expression.
    """
    properties = widget["properties"]
    found: list[Drawn] = []
    before: list[str] = []
    for number, row in enumerate(properties["metrics"]):
        options = row[-1] if isinstance(row[-1], dict) else {}
        texts = [text for text in row if isinstance(text, str)]
        if texts and not before and {".", "..."} & set(texts):
            raise ValueError(f"{row} abbreviates nothing")
        if texts[:1] == ["..."]:
            texts = before[: len(before) - len(texts) + 1] + texts[1:]
        texts = [before[place] if text == "." else text for place, text in enumerate(texts)]
        of = series(texts[0], texts[1], dict(zip(texts[2::2], texts[3::2], strict=True))) if texts else None
        found.append(
            Drawn(
                id=options.get("id", f"line{number}"),
                label=options.get("label", texts[1] if texts else ""),
                of=of,
                statistic=options.get("stat", properties.get("stat", "Average")),
                expression=options.get("expression", ""),
                is_visible=options.get("visible", True),
            )
        )
        before = texts
    return found


def metrics_of_widget(widget: Mapping[str, Any]) -> list[Series]:
    """All series that a widget shows."""
    return [one.of for one in drawn_in(widget) if one.of is not None]


def values_of(
    widget: Mapping[str, Any], metrics: Metrics, begin: float, end: float
) -> dict[str, list[Value]]:
    """The values of each visible line, by its label, one for each period from `begin` to `end`."""
    lines, period = drawn_in(widget), widget["properties"]["period"]
    found: dict[str, list[Value]] = {one.label: [] for one in lines if one.is_visible}
    start = begin
    while start < end:
        of_period = {
            one.id: metrics.statistic(one.of, one.statistic, start, start + period)
            for one in lines
            if one.of is not None
        }
        for one in lines:
            if one.is_visible:
                value = evaluated(one.expression, of_period) if one.expression else of_period[one.id]
                found[one.label].append(value)
        start += period
    return found
