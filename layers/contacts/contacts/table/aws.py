"""Clients of AWS's services, and which of their failures pass by themselves."""

from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory
from botocore.serialize import SERIALIZERS, JSONSerializer

from contacts.core.errors import TemporarilyUnavailable

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
        "ServiceQuotaExceededException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
"""Error codes after which the same call may well succeed a little later."""
THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
    }
)
"""Those of them that say: too many calls at once."""
NO_ANSWER: Final = (ConnectionError, HTTPClientError)
"""What botocore raises where there was none."""


def is_busy(error: ClientError) -> bool:
    """Whether the same call may well succeed a little later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"]["Code"] in BUSY or status >= 500


def called(client: Any, method: str, **request: Any) -> dict[str, Any]:
    """What a method of a client of botocore answers.

    Raises:
        TemporarilyUnavailable: the service is busy, or gave no answer.
        ClientError: it refused the call.
    """
    try:
        answer: dict[str, Any] = getattr(client, method)(**request)
        return answer
    except ClientError as error:
        if is_busy(error):
            raise TemporarilyUnavailable from None
        raise
    except NO_ANSWER as error:
        raise TemporarilyUnavailable from error


_ATTRIBUTE: Final = "AttributeValue"


class _AsOnTheWire(JSONParser):
    def _handle_structure(self, shape: Any, value: Any) -> Any:
        if shape.name == _ATTRIBUTE:
            return value
        return super()._handle_structure(shape, value)  # type: ignore[misc]

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == _ATTRIBUTE:
            return value
        return super()._handle_map(shape, value)  # type: ignore[misc]


class ResponseParsers(ResponseParserFactory):
    """The parsers of a session's clients; for `session.register_component("response_parser_factory", …)`."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """The parser of a protocol. DynamoDB speaks `json`."""
        if protocol_name == "json":
            return _AsOnTheWire()
        return super().create_parser(protocol_name)


class AsGiven(JSONSerializer):
    """Sends typed JSON as it is. botocore would copy it value by value, to encode bytes; of these we have none."""

    def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: Any) -> None:
        if shape.name == _ATTRIBUTE:
            serialized[key] = value
        else:
            super()._serialize_type_structure(serialized, value, shape, key)  # type: ignore[misc]

    def _serialize_type_map(self, serialized: Any, value: Any, shape: Any, key: Any) -> None:
        if shape.value.name == _ATTRIBUTE:
            serialized[key] = value
        else:
            super()._serialize_type_map(serialized, value, shape, key)  # type: ignore[misc]


CONNECTIONS: Final = 100
"""Connections that a client keeps open, for as many calls at once. It opens one when it first needs it."""
CALLS: Final = Config(
    max_pool_connections=CONNECTIONS,
    # Without a text of ours the SDK puts one together twice a call: an eighth of a call's CPU.
    user_agent="contacts",
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    tcp_keepalive=True,
)
"""Seconds. Three attempts take at most 9 s with their pauses (`table.client.LONGEST_CALL`)."""
BRIEF_CALLS: Final = CALLS.merge(
    Config(connect_timeout=0.5, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
)
"""Seconds. Two attempts take at most 4 s with their pause (`table.client.LONGEST_BRIEF_CALL`)."""

FILE_CALLS: Final = CALLS.merge(Config(connect_timeout=2, read_timeout=30))
"""Seconds. For parts of files: S3 answers once it has stored megabytes, or put a file together."""


def new_client(service: str, endpoint: str | None, *, is_local: bool, calls: Config = CALLS) -> Any:
    """A low-level client of a service (`dynamodb`).

    `endpoint`: the URL that stands in for AWS, if any. `is_local`: whether something on this machine does; then an
    error says where nothing listens.
    """
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", ResponseParsers())
    SERIALIZERS["json"] = AsGiven  # type: ignore[assignment]
    made = session.create_client(service, endpoint_url=endpoint, config=calls)
    if is_local:
        made.meta.events.register("after-call-error", _refuse_unconnected)
    return made


def presigning_client(endpoint: str | None, *, is_local: bool) -> Any:
    """A client of S3 that signs URLs for callers. Signing is computation alone, with the credentials of this process.

    On AWS the URLs have the bucket's region in their host (`<bucket>.s3.<region>.amazonaws.com`): without it, requests
    are redirected while a bucket is new. What stands in for AWS has one host, so there the bucket is in the path.
    `endpoint`, `is_local`: as of `new_client`.
    """
    signing = Config(
        signature_version="s3v4",
        # Without it botocore signs a checksum of a body that it does not have.
        request_checksum_calculation="when_required",
        s3={
            "addressing_style": "path" if is_local else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
    )
    return new_client("s3", endpoint, is_local=is_local, calls=CALLS.merge(signing))


def _refuse_unconnected(exception: Exception, **_: object) -> None:
    """Log and tell where nothing listens. On AWS a failed connection passes by itself; here somebody forgot a start.

    Raises:
        TemporarilyUnavailable: no connection could be made.
    """
    if not isinstance(exception, EndpointConnectionError | ConnectTimeoutError):
        return
    from contacts.core import observability

    url = urlsplit(str(exception.kwargs.get("endpoint_url")))
    detail = f"Nothing listens at {url.scheme}://{url.netloc}. Is the local stack running (`make run`)?"
    observability.logger.error(detail)
    raise TemporarilyUnavailable(detail) from exception
