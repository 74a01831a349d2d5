"""Logs and metrics: one structured line for each request, batch and failure.

CloudWatch reads the metrics from the same line (embedded metric format). A line for logs and another for metrics would
have twice the bytes and take twice the time.

A request that takes long leaves a line while it is still under way: a function that is ended for its time or its memory
writes nothing any more, and Lambda's own line about it has no other id than `lambda_request_id`.

No line has personal data. Paths, field names and the messages of exceptions may hold an email, so none of them is
logged. A request is identified by its id, its operation, and the ids of its account and key.
"""

import logging
import signal
from collections.abc import Callable, Mapping
from threading import current_thread, main_thread
from time import perf_counter
from traceback import extract_tb
from typing import Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# Lambda sets the root logger to the level of the template's LoggingConfig, INFO. At that, botocore tells with each cold
# start where it has found credentials.
logging.getLogger().setLevel(logging.WARNING)

logger = Logger(service="contacts", location=None)
# The template lets DEBUG pass, for the time when an operator switches it on.
logging.getLogger("contacts").setLevel(logging.INFO)
metrics = Metrics(service="contacts", namespace="Contacts")

LONG_S: Final = 1.0
"""Seconds after which a request is long. Hardly one is, and what fills a function's memory takes longer."""
UNDER_WAY: Final = "still under way"
"""The message of the line that a long request leaves."""


_ids: Callable[[], Mapping[str, object]] = dict
"""What identifies the request that is being served."""
_is_debugging = False


def set_debug(*, is_on: bool) -> None:
    """Whether a line is written for each call of the table (`record_call`).

    Past Powertools' own setter, which keeps the level of the template's LoggingConfig.
    """
    global _is_debugging
    _is_debugging = is_on
    logging.getLogger("contacts").setLevel(logging.DEBUG if is_on else logging.INFO)


def is_debugging() -> bool:
    """Whether `record_call` writes lines."""
    return _is_debugging


def record_call(method: str, began: float, failure: str | None = None) -> None:
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
    """Add fields to the line of the request that is being served, which `record_request` writes."""
    for key, value in fields.items():
        metrics.add_metadata(key=key, value=value)


def record_request(operation: str, status: int, duration_ms: float, fields: Mapping[str, object]) -> None:
    """Log a finished request, and emit its latency in ms and its kind of error, if any.

    `fields`: ids and codes of the request.
    """
    # The timer is the process's: it may be that of another request, which the main thread serves.
    if current_thread() is main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)
    metrics.add_dimension(name="operation", value=operation)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=round(duration_ms, 1))
    # A metric that is mostly zero is cheaper left out: no alarm or graph tells the difference.
    if status >= 400:
        kind = "ServerErrors" if status >= 500 else "RateLimited" if status == 429 else "ClientErrors"
        metrics.add_metric(name=kind, unit=MetricUnit.Count, value=1)
    metrics.add_metadata(key="status", value=status)
    for key, value in fields.items():
        metrics.add_metadata(key=key, value=value)
    metrics.flush_metrics()


def record_batch(
    operation: str, records: int, failed: int, duration_ms: float, fields: Mapping[str, object]
) -> None:
    """Log one batch that a function took from the stream, a queue or a topic, and count what was in it.

    `failed`: how many of its records are to be delivered again; `fields`: ids that belong to it.
    """
    metrics.add_dimension(name="operation", value=operation)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=round(duration_ms, 1))
    metrics.add_metric(name="Records", unit=MetricUnit.Count, value=records)
    if failed:
        metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=failed)
    for key, value in fields.items():
        metrics.add_metadata(key=key, value=value)
    metrics.flush_metrics()


def record_failure(error: BaseException, fields: Mapping[str, object]) -> None:
    """Log where an unexpected exception came from: types, places and AWS's error codes, not its messages."""
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
