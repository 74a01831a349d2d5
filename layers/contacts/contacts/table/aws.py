"""Which failures of AWS's services pass by themselves."""

from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory

from contacts.core.settings import Settings

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


CALLS: Final = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    tcp_keepalive=True,
)
"""Seconds. Three attempts take at most 9 s with their pauses (`table.client.LONGEST_CALL`)."""


def new_client(service: str, settings: Settings) -> Any:
    """A low-level client of a service (`dynamodb`)."""
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", ResponseParsers())
    made = session.create_client(service, endpoint_url=settings.services_endpoint, config=CALLS)
    if settings.is_local:
        from contacts.table.local_endpoint import say_that_nothing_listens

        say_that_nothing_listens(made)
    return made
