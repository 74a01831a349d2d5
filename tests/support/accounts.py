"""Accounts on a running stack: opened as an operator does, and looked at in the table."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from contacts.core.time import HOUR
from contacts.table import keys
from local.deployment import Deployment
from local.stack import ROOT
from local.template import template
from tests.support.api import Api
from tests.support.invariants import derived_violations, violations

PLENTY = 1_000_000
LONGEST_RUN_S = 900
"""What Lambda gives a function at most."""
SEPARATOR = keys.EXPRESSION_NAME
BACKGROUND = frozenset({"USAGE", "ALL", "TAG", "LIST", "WORD", "COUNTS", "EVENTS", "CONTACT", "WEBHOOK"})
"""The rooms of an account in the table that are written to by the way or a moment later."""


class Account:
    """An account, with the API as its first key sees it."""

    def __init__(self, id_: str, api: Api, table: "_Table") -> None:
        self.id = id_
        self.api = api
        self._table = table

    def everything(self) -> dict[tuple[str, str], Any]:
        """Every item of the account by its key."""
        found = self._table.items_below(keys.account(self.id).PK)
        return {(item["PK"]["S"], item["SK"]["S"]): item for item in found}

    def items(self) -> dict[tuple[str, str], Any]:
        """What requests write and nobody else comes back to, but for the usage, which every one of them changes."""
        return {
            # What a tombstone knows of its event is written a moment later.
            key: {name: value for name, value in item.items() if name != "event"}
            for key, item in self.everything().items()
            if not self._is_derived(key)
        }

    def derived(self) -> dict[tuple[str, str], Any]:
        """What is written, or removed, a moment after them by the functions that follow the stream."""
        return {key: item for key, item in self.everything().items() if self._is_derived(key)}

    def _is_derived(self, key: tuple[str, str]) -> bool:
        room = key[0].removeprefix(keys.account(self.id).PK).lstrip(SEPARATOR).partition(SEPARATOR)[0]
        return room in BACKGROUND

    def put_item(self, key: keys.Key, attributes: Mapping[str, Any]) -> None:
        """Write to the table what no function would."""
        self._table.put(key, attributes)

    def remove_item(self, key: keys.Key) -> None:
        """Take from the table what no function would."""
        self._table.remove(key)

    def contradictions(self) -> list[str]:
        """What does not fit together among the account's items."""
        return violations(self.everything().values(), self.id, int(time.time()))

    def derived_contradictions(self) -> list[str]:
        """Where postings, words and counts are not what the contacts say; the projection needs a moment."""
        return derived_violations(self.everything().values(), self.id)

    def key(self, **command: Any) -> dict[str, Any]:
        """A further API key of the account, as the API showed it."""
        answer = self.api.post("/v1/api-keys", {"name": "further key", **command})
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def api_with(self, key: str | None) -> Api:
        """The same API as another key sees it; it needs closing."""
        return Api(self.api.url, key)


class Accounts:
    """All accounts of a stack."""

    def __init__(self, stack: Mapping[str, Any], until_the_end: ExitStack) -> None:
        self.url: str = stack["url"]
        self.began_ms = int(time.time() * 1000)
        self._until_the_end = until_the_end
        # Nothing is built or deployed with it, so nothing is written to a log.
        self.deployment = Deployment(ROOT, stack["endpoint_url"], Path())
        self._table = _Table(self.deployment.client("dynamodb"), stack["table"])
        self._functions = self.deployment.client("lambda", LONGEST_RUN_S)
        self._resources = self.deployment.resources()

    def open(self, name: str = "Example GmbH", **preconditions: Any) -> Account:
        """A new account; without terms (`plan`, `hourly_limit`) one that no test exhausts."""
        command = {"name": name, **(preconditions or {"plan": "enterprise", "hourly_limit": PLENTY})}
        opened = self.provision(command)
        return Account(opened["account_id"], self.api(opened["key"]), self._table)

    def api(self, key: str | None) -> Api:
        """The API with a key, until the end of the tests."""
        return self._until_the_end.enter_context(Api(self.url, key))

    def provision(self, payload: Any) -> dict[str, Any]:
        """What the function that opens accounts answers."""
        return self.invoke("ProvisionAccount", payload)

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Have emails judged meanwhile, and those that wait for it."""
        switch_validation(self.deployment, on=True)
        yield
        switch_validation(self.deployment, on=False)

    def publish_bounce(self, notification: Mapping[str, Any]) -> None:
        """Tell the stack of a bounce, as SES does."""
        topic = self._resources["Bounces"]
        self.deployment.client("sns").publish(TopicArn=topic, Message=json.dumps(notification))

    def invoke(self, function: str, payload: Any) -> dict[str, Any]:
        """What a function (by its name in the template) answers; an error of its own has an `errorMessage`."""
        answer = self._functions.invoke(
            FunctionName=self._resources[function], Payload=json.dumps(payload).encode()
        )
        result: dict[str, Any] = json.load(answer["Payload"])
        assert ("FunctionError" in answer) == ("errorMessage" in result)
        return result

    def logged(self, function: str) -> list[str]:
        """What a function (by its name in the template) has logged since these accounts began.

        Functions of imports and exports share a log group: theirs are all lines of the group.
        """
        pages = (
            self.deployment.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=self._resources[log_group_of(function)], startTime=self.began_ms)
        )
        return [event["message"] for page in pages for event in page["events"]]


def log_group_of(function: str) -> str:
    """The log group of a function, both by their names in the template."""
    group: str = template()["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    return group


class _Table:
    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def items_below(self, prefix: str) -> list[dict[str, Any]]:
        """Every item whose partition key begins with a prefix.

        The emulator scans in the order of the keys, unlike DynamoDB: so the scan begins where they do and ends behind
        them, which spares each test what all the others have left.
        """
        found: list[dict[str, Any]] = []
        start = {"PK": {"S": prefix}, "SK": {"S": " "}}
        while start and start["PK"]["S"].startswith(prefix):
            page = self._client.scan(TableName=self._name, ExclusiveStartKey=start, ConsistentRead=True)
            found += page["Items"]
            start = page.get("LastEvaluatedKey")
        return [item for item in found if item["PK"]["S"].startswith(prefix)]

    def put(self, key: keys.Key, attributes: Mapping[str, Any]) -> None:
        """Write an item."""
        self._client.put_item(TableName=self._name, Item={**_typed(key), **attributes})

    def remove(self, key: keys.Key) -> None:
        """Delete an item."""
        self._client.delete_item(TableName=self._name, Key=_typed(key))


def _typed(key: keys.Key) -> dict[str, Any]:
    return {name: {"S": value} for name, value in key._asdict().items()}


def switch_validation(deployment: Deployment, *, on: bool) -> None:
    """Have the stack judge emails, or leave them waiting in their queue."""
    functions = deployment.client("lambda")
    functions.update_event_source_mapping(UUID=deployment.resources()["ValidateContactSource"], Enabled=on)


def wait_for_a_fresh_hour_if_this_one_ends_within(seconds: int) -> None:
    """Sleep over the turn of the hour, at which every count of requests begins anew."""
    left = HOUR - time.time() % HOUR
    if left < seconds:
        time.sleep(left + 0.1)
