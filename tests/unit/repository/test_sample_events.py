"""The events in events/ are what AWS sends: one for each function, complete and free of contradictions."""

import json
import re
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl

import pytest

from contacts.accounts.authentication import _KEY as A_KEY
from contacts.workers.stream import stream_change
from local import sample_account
from local.template import functions, named_rest
from tests.support import sample_events

FUNCTIONS = {function.name: function for function in functions()}
REQUESTS = sorted(sample_events.REQUESTS)

MEMBERS = {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"}
MAY_BE_ABSENT = {"queryStringParameters", "body", "pathParameters"}
ADDED_BY_THE_GATEWAY = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
OF_THE_CONTEXT = {
    *("accountId", "apiId", "domainName", "domainPrefix", "http"),
    *("requestId", "routeKey", "stage", "time", "timeEpoch"),
}


OF_A_STREAM = ["dispatch_webhooks", "project_changes"]
OF_A_QUEUE = ["deliver_webhook", "erase_contact", "validate_contact"]


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    assert set(sample_events.names()) == set(FUNCTIONS)


@pytest.fixture(params=REQUESTS)
def event(request: pytest.FixtureRequest) -> Any:
    return sample_events.event(request.param)


@pytest.mark.parametrize("operation", REQUESTS)
def test_it_takes_a_route_of_its_function(operation: str) -> None:
    method, _, path = sample_events.event(operation)["routeKey"].rpartition(" ")
    assert (method or "ANY", named_rest(path)) in FUNCTIONS[operation].routes


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
        assert path.replace("+}", "}").format_map(event.get("pathParameters", {})) == event["rawPath"]


def test_its_key_has_the_form_of_one_and_its_addresses_are_nobodys(event: Any) -> None:
    """RFC 2606 keeps example.com and its like, RFC 5737 keeps 192.0.2.0/24 for documentation."""
    is_keyless = event["routeKey"] in ("GET /openapi.json", "GET /console")
    assert event["headers"].get("x-api-key") == (None if is_keyless else sample_account.KEY)
    assert A_KEY.fullmatch(sample_account.KEY)
    hosts = re.findall(r"@([a-z0-9.-]+)", json.dumps(event))
    assert set(hosts) <= {"example.com", "example.org", "example.net"}
    assert event["requestContext"]["http"]["sourceIp"].startswith("192.0.2.")


@pytest.mark.parametrize("operation", OF_A_STREAM)
def test_a_batch_of_the_stream_is_one_of_ours(operation: str) -> None:
    records = sample_events.event(operation)["Records"]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))
    assert len({record["eventID"] for record in records}) == len(records)
    for record in records:
        change = stream_change(record)
        assert change is not None
        assert change.account_id == sample_account.ACCOUNT.id
        images = {"INSERT": {"NewImage"}, "MODIFY": {"OldImage", "NewImage"}, "REMOVE": {"OldImage"}}
        assert record["dynamodb"].keys() & {"OldImage", "NewImage"} == images[record["eventName"]]


@pytest.mark.parametrize("operation", OF_A_QUEUE)
def test_a_batch_of_a_queue_is_one_of_ours(operation: str) -> None:
    for record in sample_events.event(operation)["Records"]:
        assert record["eventSource"] == "aws:sqs"
        assert record["md5OfBody"] == md5(record["body"].encode()).hexdigest()
        assert json.loads(record["body"])["account_id"] == sample_account.ACCOUNT.id


def test_addresses_in_events_are_nobodys() -> None:
    hosts = {
        host
        for name in sample_events.names()
        for host in re.findall(r"@([a-z0-9.-]+)", json.dumps(sample_events.event(name)))
    }
    assert hosts <= {"example.com", "example.org", "example.net"}
