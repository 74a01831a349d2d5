"""Clients of AWS: botocore's own, since boto3's resources would cost 60 ms of a cold start."""

from typing import Any, Final

import botocore.session
from botocore.config import Config

from contacts.adapters.responses import ResponseParsers
from contacts.settings import Settings

CALLS: Final = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    tcp_keepalive=True,
)
"""Seconds. Three attempts take at most 9 s with their pauses (`adapters.table.LONGEST_CALL`)."""


def new_client(service: str, settings: Settings) -> Any:
    """A low-level client of a service (`dynamodb`)."""
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", ResponseParsers())
    made = session.create_client(service, endpoint_url=settings.services_endpoint, config=CALLS)
    if settings.is_local:
        from contacts.adapters.local_endpoint import say_that_nothing_listens

        say_that_nothing_listens(made)
    return made
