"""What a test key is answered by every operation: as an account without contacts would be, and nothing is kept."""

import json
from typing import Any

import pytest

from contacts.accounts.model import Mode
from contacts.table import dry_run
from contacts.table.client import ConditionsFailed
from contacts.table.expressions import Expression
from contacts.table.keys import Key
from local.sample_account import ACCOUNT, DUPLICATE, FIRST_SCOPES, LIVE
from tests.support import sample_events
from tests.unit.web.test_handlers import (
    KEY_NEEDED,
    context,
    give_key,
    handler,
    settings,
    stored_but_usage,
    table,
)

__all__ = ["settings", "table"]

MADE = {
    *("add_gate", "batch_contacts", "create_api_key", "create_channel", "create_contact"),
    *("create_export", "create_import", "create_property", "create_webhook"),
}
"""The operations that make something of what the sample event sends."""
LISTED = {
    *("list_api_keys", "list_channels", "list_contacts", "list_events", "list_exports"),
    *("list_imports", "list_lists", "list_properties"),
    *("list_tags", "list_webhooks", "search_contacts"),
}
"""The operations that answer a page, which is empty."""
ABSENT = {
    "cancel_import": "import_not_found",
    "delete_contact": "contact_not_found",
    "delete_property": "property_not_found",
    "delete_webhook": "webhook_not_found",
    "get_channel": "channel_not_found",
    "get_chat": "contact_not_found",
    "export_contact": "contact_not_found",
    "get_contact": "contact_not_found",
    "get_export": "export_not_found",
    "get_import": "import_not_found",
    "get_import_errors": "import_not_found",
    "get_property": "property_not_found",
    "get_webhook": "webhook_not_found",
    "list_contact_events": "contact_not_found",
    "list_deliveries": "webhook_not_found",
    "list_gates": "contact_not_found",
    "merge_contacts": "contact_not_found",
    "record_event": "contact_not_found",
    "redeliver_delivery": "webhook_not_found",
    "restore_contact": "contact_not_found",
    "revoke_api_key": "api_key_not_found",
    "rotate_webhook_secret": "webhook_not_found",
    "start_import": "import_not_found",
    "test_webhook": "webhook_not_found",
    "undo_import": "import_not_found",
    "update_channel": "channel_not_found",
    "update_contact": "contact_not_found",
    "update_property": "property_not_found",
    "update_webhook": "webhook_not_found",
}
"""The operations that look for something that a live key finds: the code of their 404."""


@pytest.fixture
def key(table: Any) -> str:
    return give_key(FIRST_SCOPES, mode=Mode.TEST)


def asked(operation: str, key: str, body: Any = None, query: str | None = None, **headers: str) -> Any:
    """The answer to an operation's sample event, or to one with another body or query."""
    event = sample_events.event(operation)
    event["headers"] |= {"x-api-key": key, **headers}
    event["body"] = event.get("body") if body is None else json.dumps(body)
    event["rawQueryString"] = event["rawQueryString"] if query is None else query
    answer = handler(operation)(event, context(operation))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_every_operation_with_a_key_is_listed_here() -> None:
    assert MADE | LISTED | set(ABSENT) | {"get_account", "get_account_usage"} == KEY_NEEDED


@pytest.mark.parametrize("operation", sorted(KEY_NEEDED))
def test_a_test_key_gets_answers_and_writes_nothing(operation: str, table: Any, key: str) -> None:
    before = stored_but_usage()
    status, body, headers = asked(operation, key, **{"idempotency-key": "once"})
    again, _, _ = asked(operation, key, **{"idempotency-key": "once"})
    assert stored_but_usage() == before
    assert again == status
    if operation in MADE and operation != "batch_contacts":
        expected = sample_events.EXPECTED[operation]
        wanted = expected.body | {"test_mode": True}
        if operation == "create_api_key":
            wanted["made_by"] = body["made_by"]
        wanted.pop("upload", None)  # Nothing is kept, so there is nowhere to put a file.
        assert (status, body) == (expected.status, wanted)
    elif operation in LISTED:
        assert (status, body["data"], body["has_more"]) == (200, [], False)
    elif operation in ABSENT:
        assert (status, body["code"]) == (404, ABSENT[operation])
    assert headers["X-RateLimit-Remaining"] == "9999"  # counted in the account's hour, as any other request


def test_a_test_keys_batch_is_carried_out_item_by_item(key: str) -> None:
    create = {"op": "create", "contact": {"email": "kofi.mensah@example.com"}}
    update = {"op": "update", "ref": "kofi.mensah@example.com", "contact": {"first_name": "Kofi"}}
    for _ in range(2):
        status, body, _ = asked(
            "batch_contacts", key, {"operations": [create, create, update]}, **{"idempotency-key": "once"}
        )
        assert (status, [result["status"] for result in body["results"]]) == (207, [201, 201, 404])


def test_a_test_key_has_an_account_without_contacts(key: str) -> None:
    status, body, _ = asked("get_account", key)
    assert (status, body["id"], body["counts"]) == (200, ACCOUNT.id, {"contacts": 0})


def test_a_test_key_reads_no_contact_and_no_opt_out(key: str) -> None:
    for email in (LIVE.email, DUPLICATE.email):
        status, body, _ = asked("create_contact", key, {"email": email})
        assert (status, body["is_unsubscribed"]) == (201, False)


def test_a_test_keys_contacts_are_measured_and_checked(key: str) -> None:
    large = {"email": "a@example.com", "metadata": {f"key {n}": "x" * 3000 for n in range(130)}}
    for query in ("", "on_conflict=update"):
        status, body, _ = asked("create_contact", key, large, query)
        assert (status, body["code"]) == (413, "contact_too_large")
    status, body, _ = asked("update_contact", key, {"metadata": large["metadata"]})
    assert (status, body["code"]) == (404, "contact_not_found")
    # By the properties that the account really has.
    wrong = {"email": "a@example.com", "custom_fields": {"newsletter_frequency": "never"}}
    status, body, _ = asked("create_contact", key, wrong)
    assert (status, body["errors"][0]["field"]) == (400, "custom_fields.newsletter_frequency")


def test_a_test_keys_contacts_arrive_through_the_accounts_channels(key: str) -> None:
    status, body, _ = asked("add_gate", key, {"identifier": "731905284"})
    assert (status, body["channel"]["name"]) == (201, "Support bot")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (lambda one: one.require(one.is_free()), True),
        (lambda one: one.require(f"({one.is_free()} OR {one.equals('a', 1)})"), True),
        (lambda one: one.count_up("n", 5), True),
        (lambda one: one.set("a", 1), True),
        (lambda one: one.require(one.is_there()), False),
        (lambda one: one.require(one.equals("version", 1)), False),
    ],
)
def test_a_dry_run_takes_what_an_empty_table_would(condition: Any, holds: bool) -> None:
    empty, key, expression = dry_run.DryRunTable(), Key("a", "b"), Expression()
    condition(expression)
    steps = [empty.put_step("other", key, {}), empty.update_step("one", key, expression)]
    if holds:
        empty.write(steps)
        empty.update("one", key, expression)
        assert empty.get(key) is None
        return
    with pytest.raises(ConditionsFailed) as failed:
        empty.write(steps)
    assert failed.value.items == {"one": None}
    with pytest.raises(ConditionsFailed):
        empty.update("one", key, expression)


def test_a_dry_run_finds_nothing() -> None:
    empty, query = dry_run.DryRunTable(), Expression.of_partition("a")
    assert empty.query(query) == ([], None)
    assert empty.query_index("email", query, limit=1) == ([], True)
    assert list(empty.all_of(query)) == []
    assert empty.newest_of(query, None, at_most=1, evaluate=10, are_few=True) == ([], None)
    assert (empty.how_many(query), empty.how_many_of(query, 10)) == (0, 0)
    empty.write_many({Key("a", "b"): {}}, [Key("a", "c")])
    assert empty.get_many([Key("a", "b")]) == {}
    assert [turn.items for turn in empty.get_in_turns([Key("a", "b")])] == [{}]
