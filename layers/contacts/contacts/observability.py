"""Logs and metrics: one structured line and one metric document a request, with ids and never personal data.

A path can hold an email, a field name can, an exception's message can: none of them is logged. What identifies
a request is its id, its operation, its account and its key's id.
"""

from collections.abc import Mapping
from traceback import extract_tb

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="contacts")
metrics = Metrics(service="contacts", namespace="Contacts")


def record_request(operation: str, status: int, duration_ms: float, fields: Mapping[str, object]) -> None:
    """Log one finished request and count it: latency in ms, client errors, server errors, throttled requests.

    `fields`: ids and codes that belong to it.
    """
    log = logger.error if status >= 500 else logger.info
    log(operation, extra={**fields, "status": status, "duration_ms": round(duration_ms, 1)})
    metrics.add_dimension(name="operation", value=operation)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=duration_ms)
    metrics.add_metric(name="ClientErrors", unit=MetricUnit.Count, value=400 <= status < 500)
    metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=status >= 500)
    metrics.add_metric(name="RateLimited", unit=MetricUnit.Count, value=status == 429)
    metrics.flush_metrics()


def record_failure(error: BaseException, fields: Mapping[str, object]) -> None:
    """Log where an unexpected exception came from: its types and places, not its messages."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(cause.__traceback__)
        ]
        chain.append(f"{type(cause).__module__}.{type(cause).__qualname__} at {' < '.join(reversed(frames))}")
        cause = cause.__cause__ or cause.__context__
    logger.error("unexpected failure", extra={**fields, "failure": chain})
