"""Where AWS is played by something on this machine (SERVICES_ENDPOINT, AWS_ENDPOINT_URL), it may not be running.

On AWS a connection that cannot be made passes by itself, and is answered like a busy table. Here somebody has to start
what is to listen, so the answer and the log say where nothing does. Never loaded on AWS.
"""

from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable


def say_that_nothing_listens(client: Any) -> None:
    """Have a client of botocore raise and log, instead of its own error, that it could not connect, and where to."""
    client.meta.events.register("after-call-error", _refuse)


def _refuse(exception: Exception, **_: object) -> None:
    """
    Raises:
        TemporarilyUnavailable: no connection could be made.
    """
    if isinstance(exception, EndpointConnectionError | ConnectTimeoutError):
        url = urlsplit(str(exception.kwargs.get("endpoint_url")))
        detail = f"Nothing listens at {url.scheme}://{url.netloc}. Is the local stack running (`make run`)?"
        observability.logger.error(detail)
        raise TemporarilyUnavailable(detail) from exception
