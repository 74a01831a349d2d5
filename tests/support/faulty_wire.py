"""Between the SDK and a table: a wire on which things go wrong.

The SDK is the real one, with the service's own settings: its retries are a part of what is tested.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest.mock import patch

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from contacts.table.aws import CALLS
from tests.support.moto_table import MotoTable, http_response, over_http

URL = "https://dynamodb.us-east-1.amazonaws.com"

Send = Callable[[], AWSResponse]
"""Carries out what a request asks for, and gives back the answer."""


@dataclass(frozen=True)
class Fault:
    """What happens to an attempt. `strikes`: whether it can happen to a method (`get_item`)."""

    name: str
    happen: Callable[[AWSPreparedRequest, Send], AWSResponse]
    strikes: Callable[[str], bool] = lambda method: True
    retried_by: Literal["the SDK", "the service", "the client"] = "the SDK"
    is_late: bool = False
    """Whether DynamoDB has done what was asked for by then."""

    def __str__(self) -> str:
        return self.name


def is_write(method: str) -> bool:
    return method not in ("get_item", "query")


def is_transaction(method: str) -> bool:
    return method == "transact_write_items"


def is_single_write(method: str) -> bool:
    return is_write(method) and not is_transaction(method)


def refusing(code: str, status: int = 400) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    document = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "a fault"}}'
    return lambda request, _: http_response(request, status, document.encode())


def answering(status: int, body: bytes) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    return lambda request, _: http_response(request, status, body)


def breaking(error: Exception) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    def happen(_: AWSPreparedRequest, __: Send) -> AWSResponse:
        raise error

    return happen


def losing_the_answer(error: Exception) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    def happen(_: AWSPreparedRequest, send: Send) -> AWSResponse:
        send()
        raise error

    return happen


def failing_afterwards(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    send()
    return refusing("InternalServerError", 500)(request, send)


def cancelling(code: str) -> Callable[[AWSPreparedRequest, Send], AWSResponse]:
    reasons = f'[{{"Code": "None"}}, {{"Code": "{code}", "Message": "a fault"}}]'
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    document = f'{{"__type": "{kind}", "Message": "cancelled", "CancellationReasons": {reasons}}}'
    return lambda request, _: http_response(request, 400, document.encode())


LOST_ANSWER = Fault(
    "answer lost", losing_the_answer(ReadTimeoutError(endpoint_url=URL)), is_write, is_late=True
)
FAULTS = (
    Fault("throughput exceeded", refusing("ProvisionedThroughputExceededException")),
    Fault("throttled", refusing("ThrottlingException")),
    Fault("request limit", refusing("RequestLimitExceeded")),
    Fault("internal error", refusing("InternalServerError", 500)),
    Fault("a gateway's page", answering(503, b"<html>Service Unavailable</html>")),
    Fault("no connection", breaking(EndpointConnectionError(endpoint_url=URL))),
    Fault("connect timeout", breaking(ConnectTimeoutError(endpoint_url=URL))),
    Fault("read timeout", breaking(ReadTimeoutError(endpoint_url=URL))),
    LOST_ANSWER,
    Fault(
        "connection closed",
        losing_the_answer(ConnectionClosedError(endpoint_url=URL)),
        is_write,
        is_late=True,
    ),
    Fault("error after the write", failing_afterwards, is_write, is_late=True),
    Fault("conflict", refusing("TransactionConflictException"), is_single_write, retried_by="the service"),
    Fault(
        "conflicting transaction", cancelling("TransactionConflict"), is_transaction, retried_by="the service"
    ),
    Fault("throttled transaction", cancelling("ThrottlingError"), is_transaction, retried_by="the client"),
    Fault("transaction in progress", refusing("TransactionInProgressException"), is_transaction),
)


@dataclass
class Wire:
    """What botocore sends its requests over. From the n-th call on, a fault strikes so many times."""

    table: MotoTable
    fault: Fault | None = None
    at_call: int = 0
    times: int = 0
    meanwhile: Callable[[], object] = lambda: None
    """What else happens when a fault has struck."""
    methods: list[str] = field(default_factory=list)
    """Of the calls so far."""
    _latest: str = ""

    def strike(self, fault: Fault, at_call: int, times: int) -> None:
        self.fault, self.at_call, self.times = fault, at_call, times

    def be_sound(self) -> None:
        self.fault, self.meanwhile = None, lambda: None
        self.methods.clear()

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        method = xform_name(event_name.rpartition(".")[2])
        call = request.headers["amz-sdk-invocation-id"]
        if call != self._latest:
            self._latest = call
            self.methods.append(method)

        def send() -> AWSResponse:
            return over_http(self.table, request, method)

        is_reached = len(self.methods) >= self.at_call and self.times
        if self.fault is None or not is_reached or not self.fault.strikes(method):
            return send()
        self.times -= 1
        try:
            return self.fault.happen(request, send)
        finally:
            self.meanwhile()

    def client(self) -> Any:
        """The SDK's client, set as the service sets it, on this wire."""
        with patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}):
            client = botocore.session.get_session().create_client(
                "dynamodb", region_name="us-east-1", config=CALLS
            )
        client.meta.events.register("before-send.dynamodb", self)
        return client
