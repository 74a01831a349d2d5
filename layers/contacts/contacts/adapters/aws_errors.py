"""Which failures of AWS's services pass by themselves."""

from typing import Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

BUSY: Final = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
"""Error codes after which the same call may well succeed a little later."""
NO_ANSWER: Final = (ConnectionError, HTTPClientError)
"""What botocore raises where there was none."""


def is_busy(error: ClientError) -> bool:
    """Whether the same call may well succeed a little later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"]["Code"] in BUSY or status >= 500
