"""The events in events/ are what API Gateway sends: one for each function, complete and free of contradictions."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

import pytest

from contacts.services.gatekeeper import _KEY as A_KEY
from local import sample_account
from local.template import functions
from tests import sample_events

FUNCTIONS = {function.name: function for function in functions()}
REQUESTS = [name for name in sample_events.names() if name != "provision_account"]

MEMBERS = {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"}
MAY_BE_ABSENT = {"queryStringParameters", "body", "pathParameters"}
ADDED_BY_THE_GATEWAY = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
OF_THE_CONTEXT = {
    *("accountId", "apiId", "domainName", "domainPrefix", "http"),
    *("requestId", "routeKey", "stage", "time", "timeEpoch"),
}


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    assert set(sample_events.names()) == set(FUNCTIONS)


@pytest.fixture(params=REQUESTS)
def event(request: pytest.FixtureRequest) -> Any:
    return sample_events.event(request.param)


@pytest.mark.parametrize("operation", REQUESTS)
def test_it_takes_a_route_of_its_function(operation: str) -> None:
    method, _, path = sample_events.event(operation)["routeKey"].rpartition(" ")
    assert (method or "ANY", path) in FUNCTIONS[operation].routes


def test_it_has_the_members_of_payload_format_2(event: Any) -> None:
    assert event["version"] == "2.0"
    assert event["requestContext"]["stage"] == "$default"
    assert set(event) - MAY_BE_ABSENT == MEMBERS
    assert set(event["requestContext"]) == OF_THE_CONTEXT
    assert set(event["requestContext"]["http"]) == {"method", "path", "protocol", "sourceIp", "userAgent"}
    assert all(name == name.lower() for name in event["headers"])
    assert set(event["headers"]) > ADDED_BY_THE_GATEWAY


def test_its_members_do_not_contradict_each_other(event: Any) -> None:
    context, headers = event["requestContext"], event["headers"]
    assert context["routeKey"] == event["routeKey"]
    assert context["http"]["path"] == event["rawPath"]
    assert (context["domainName"], context["http"]["userAgent"]) == (headers["host"], headers["user-agent"])
    assert event.get("queryStringParameters", {}) == dict(parse_qsl(event["rawQueryString"]))
    assert headers.get("content-length", "0") == str(len(event.get("body", "").encode()))
    if event["routeKey"] != "$default":
        method, path = event["routeKey"].split(" ")
        assert context["http"]["method"] == method
        assert path.format_map(event.get("pathParameters", {})) == event["rawPath"]


def test_its_key_has_the_form_of_one_and_its_addresses_are_nobodys(event: Any) -> None:
    """RFC 2606 keeps example.com and its like, RFC 5737 keeps 192.0.2.0/24 for documentation."""
    assert event["headers"]["x-api-key"] == sample_account.KEY
    assert A_KEY.fullmatch(sample_account.KEY)
    hosts = re.findall(r"@([a-z0-9.-]+)", json.dumps(event))
    assert set(hosts) <= {"example.com", "example.org", "example.net"}
    assert event["requestContext"]["http"]["sourceIp"].startswith("192.0.2.")
