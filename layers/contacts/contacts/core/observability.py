"""Logs and metrics: one structured line for each request, batch and failure.

CloudWatch reads the metrics from the same line (embedded metric format). A line for logs and another for metrics would
have twice the bytes and take twice the time. A line that counts nothing has no metrics. What API Gateway and Lambda
count for nothing is not counted again, and a metric is counted for a group of operations, since each metric of each
group is paid for by the month (docs/decisions/0047).

A request that takes long leaves a line while it is still under way: a function that is ended for its time or its memory
writes nothing any more, and Lambda's own line about it has no other id than `lambda_request_id`.

No line has personal data. Paths, field names and the messages of exceptions may hold an email, so none of them is
logged. A request is identified by its id, its operation, and the ids of its account and key.
"""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from json import dumps
from threading import current_thread, main_thread
from time import perf_counter
from traceback import extract_tb
from typing import Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.metric import SingleMetric

from contacts.core import debugging

# Lambda sets the root logger to the level of the template's LoggingConfig, INFO. At that, botocore tells with each cold
# start where it has found credentials.
logging.getLogger().setLevel(logging.WARNING)

logger = Logger(service="contacts", location=None)
# The template lets DEBUG pass, for the time when an operator switches it on.
logging.getLogger("contacts").setLevel(logging.INFO)
# Without a service: it would be a dimension of each metric, and in each line twice.
metrics = Metrics(namespace="Contacts")

GROUPS: Final = {
    "count": "reads",
    "get": "reads",
    "show": "reads",
    "refuse": "reads",
    "list": "lists",
    "search": "lists",
    "export": "lists",
    "batch": "batches",
}
"""The group of an operation by the verb that its name begins with; any other verb writes.

`monitoring.yaml` has an objective for each group.
"""

LONG_S: Final = 1.0
"""Seconds after which a request is long. Hardly one is, and what fills a function's memory takes longer."""
UNDER_WAY: Final = "still under way"
"""The message of the line that a long request leaves."""


_ids: Callable[[], Mapping[str, object]] = dict
"""What identifies the request that is being served."""


def set_debug(*, is_on: bool) -> None:
    """Whether a line is written for each call of the table (`record_table_call`).

    Past Powertools' own setter, which keeps the level of the template's LoggingConfig.
    """
    debugging.is_on = is_on
    logging.getLogger("contacts").setLevel(logging.DEBUG if is_on else logging.INFO)


def record_table_call(method: str, began: float, failure: str | None = None) -> None:
    """Log a call of the table, for who debugs: its method, duration and error, never what it was about.

    `began`: as `perf_counter` said then.
    """
    duration_ms = round((perf_counter() - began) * 1000, 1)
    logger.debug("call", extra={**_ids(), "method": method, "duration_ms": duration_ms, "failure": failure})


def begin_request(ids: Callable[[], Mapping[str, object]]) -> None:
    """Log `ids()` as soon as the request that begins now is long, unless `record_request` is called before.

    By a timer of the process, so it costs a quick request next to nothing. The line appears between two steps of
    Python, not within a call that is stuck. Signals reach the main thread only; there Lambda calls handlers.
    """
    global _ids
    _ids = ids
    if current_thread() is main_thread():
        signal.signal(signal.SIGALRM, lambda *_: logger.warning(UNDER_WAY, extra=dict(ids())))
        signal.setitimer(signal.ITIMER_REAL, LONG_S)


def note(fields: Mapping[str, str]) -> None:
    """Add fields to the line of the operator's call that is being served."""
    _noted.update(fields)


_noted: dict[str, str] = {}


def group_of(operation: str) -> str:
    """The group of operations that an operation of the API is counted in: reads, writes, lists or batches."""
    return GROUPS.get(operation.partition("_")[0], "writes")


def record_request(operation: str, status: int, duration_ms: float, fields: Mapping[str, object]) -> None:
    """Log a finished request of the API, and count its latency in ms and its kind of error, if it matters.

    `fields`: ids and codes of the request.
    """
    # The timer is the process's: it may be that of another request, which the main thread serves.
    if current_thread() is main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)
    metrics.add_dimension(name="group", value=group_of(operation))
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=round(duration_ms, 1))
    # A metric that is mostly zero is cheaper left out: no alarm or graph tells the difference.
    kind = "ServerErrors" if status >= 500 else _COUNTED.get(status)
    if fields.get("code") == "read_only":
        kind = None  # An operator has switched writing off, and need not be woken for it.
    if kind is not None:
        metrics.add_metric(name=kind, unit=MetricUnit.Count, value=1)
    _write({"operation": operation, "status": status, **fields}, metrics)


_COUNTED: Final = {401: "AuthErrors", 403: "AuthErrors", 429: "RateLimited"}
"""The refusals that may come as a flood. Of all others API Gateway's 4xx is enough."""


def record_operator_call(
    operation: str, status: int, duration_ms: float, fields: Mapping[str, object]
) -> None:
    """Log a call of an operator. Nothing counts it: who called has the answer."""
    _print({"operation": operation, "status": status, "Latency": round(duration_ms, 1), **fields, **_noted})
    _noted.clear()


def record_batch(
    operation: str, records: int, failed: int, duration_ms: float, fields: Mapping[str, object]
) -> None:
    """Log one batch that a function took from the stream, a queue or a topic, and count what failed in it.

    `failed`: how many of its records are to be delivered again; `fields`: ids that belong to it.
    """
    line = {"operation": operation, "Records": records, "Latency": round(duration_ms, 1), **fields}
    if not failed:
        _print(line)
        return
    metrics.add_dimension(name="operation", value=operation)
    metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=failed)
    _write(line, metrics)


def _write(fields: Mapping[str, object], counted: Metrics | SingleMetric) -> None:
    """Print the metrics that were added to `counted`, with `fields` in the same line."""
    document: dict[str, object] = {**counted.serialize_metric_set()}
    # Powertools writes lists of values. Logs Insights would call the only one `Latency.0`.
    only = {name: metric["Value"][0] for name, metric in counted.metric_set.items()}
    counted.clear_metrics()
    _print({**document, **fields, **only})


def _print(document: Mapping[str, object]) -> None:
    print(dumps(document, separators=(",", ":")))


def count_against_version() -> None:
    """Count a failure against the running version of the function: the metric of the alarm that takes a version back.

    Only a published version is counted (behind an alias, docs/decisions/0048); nobody looks at those of `$LATEST`. It
    has a line of its own: with the version in their dimensions all metrics of a request would be new ones, at a price.
    """
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    if version.isdigit():
        # Not `metrics`: threads may fail side by side.
        failures = SingleMetric(namespace="Contacts")
        failures.add_dimension(name="function", value=os.environ["AWS_LAMBDA_FUNCTION_NAME"])
        failures.add_dimension(name="version", value=version)
        failures.add_metric(name="VersionFailures", unit=MetricUnit.Count, value=1)
        _write({}, failures)


def record_failure(error: BaseException, fields: Mapping[str, object]) -> None:
    """Log where an unexpected exception came from: types, places and AWS's error codes, not its messages.

    It counts against the version.
    """
    count_against_version()
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(cause.__traceback__)
        ]
        response = getattr(cause, "response", None)
        # An answer that did not come (botocore's HTTPClientError) is None.
        code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
        kind = f"{type(cause).__module__}.{type(cause).__qualname__} {code}".strip()
        chain.append(f"{kind} at {' < '.join(reversed(frames))}")
        cause = cause.__cause__ or cause.__context__
    logger.error("unexpected failure", extra={**fields, "failure": chain})
