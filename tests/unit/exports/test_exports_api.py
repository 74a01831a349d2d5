"""Exports as callers ask for them: made, looked at, fetched, listed; and what is wrong is named before anything is."""

from typing import Any

import pytest

from contacts.accounts.model import Mode, Scope
from contacts.core.time import iso
from contacts.events.model import EventType
from contacts.exports.model import MAX_UNDER_WAY
from tests.support.app import ACCOUNT_ID, App, Reply, caller_of
from tests.support.export_harness import ExportBucket
from tests.support.moto_table import MotoTable

ROUTE = "/v1/exports"
NOBODY = "019bbc0e-1c40-7a3e-8f21-5d3c8b6e4aff"
HOUR_MS = 3_600_000


@pytest.fixture
def app() -> App:
    made = App(MotoTable().client())
    made.bucket = ExportBucket()
    for number in range(3):
        made.ask(
            "create_contact",
            "POST",
            "/v1/contacts",
            body={"email": f"p{number}@example.com", "custom_fields": {"n": number}},
        )
    return made


def create(app: App, **more: Any) -> Reply:
    return app.ask("create_export", "POST", ROUTE, **more)


def look(app: App, export_id: str) -> Any:
    return app.ask("get_export", "GET", f"{ROUTE}/{{id}}", {"id": export_id})


def work(app: App) -> None:
    """Handle every message of the export queue."""
    queue = app.queue("EXPORT")
    while queue.sent:
        body = queue.sent.pop(0).body
        assert app.export_writer().handle(body) is None


def test_an_export_is_made_watched_and_fetched(app: App) -> None:
    made = create(app, body={"format": "csv"})
    assert made.status == 202
    export_id = made.body["id"]
    assert made.body == {
        "id": export_id,
        "state": "running",
        "format": "csv",
        "gzip": False,
        "rows": 0,
        "bytes": 0,
        "progress": None,
        "created_at": iso(app.clock.now_ms()),
        "finished_at": None,
        "expires_at": None,
    }
    assert look(app, export_id).body == made.body
    assert app.queue("EXPORT").bodies == [{"account_id": ACCOUNT_ID, "export_id": export_id}]
    work(app)
    done = look(app, export_id).body
    assert (done["state"], done["rows"], done["progress"]) == ("completed", 3, 1)
    assert done["expires_at"] == iso(app.clock.now_ms() + 24 * HOUR_MS)
    assert done["url"].startswith(f"https://files.test/exports/{ACCOUNT_ID}/{export_id}.csv?")
    assert done["url_expires_at"] == iso(app.clock.now_ms() + 300_000)
    content = app.bucket.objects[f"exports/{ACCOUNT_ID}/{export_id}.csv"]
    assert (len(content), content.count(b"\r\n")) == (done["bytes"], 4)


def test_a_completed_export_is_told(app: App) -> None:
    export_id = create(app, body={"format": "ndjson"}).body["id"]
    work(app)
    entries = [
        item
        for item in app.table.all_of(_partition(f"ACCOUNT#{ACCOUNT_ID}#CONTACT#{export_id}"))
        if item["type"] == EventType.EXPORT_COMPLETED
    ]
    assert [item["data"]["job"]["rows"] for item in entries] == [3]


def _partition(name: str) -> Any:
    from contacts.table.expressions import Expression

    return Expression.of_partition(name)


def test_a_file_goes_after_a_day(app: App) -> None:
    export_id = create(app, body={"format": "ndjson", "gzip": True}).body["id"]
    work(app)
    app.clock.at_ms += 24 * HOUR_MS  # type: ignore[attr-defined]
    shown = look(app, export_id).body
    assert shown["state"] == "expired"
    assert "url" not in shown


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"format"}),
        ({"format": "xlsx"}, {"format"}),
        ({"format": "csv", "gzip": "yes"}, {"gzip"}),
        ({"format": "csv", "fields": []}, {"fields"}),
        ({"format": "csv", "fields": ["email", "emial"]}, {"fields.1"}),
        ({"format": "csv", "filter": []}, {"filter"}),
        ({"format": "csv", "filter": {"limit": "5"}}, {"filter.limit"}),
        ({"format": "csv", "filter": {"cursor": "a", "sort": "email"}}, {"filter.cursor", "filter.sort"}),
        ({"format": "csv", "filter": {"tag": []}}, {"filter.tag"}),
        ({"format": "csv", "filter": {"tag": [1]}}, {"filter.tag"}),
        ({"format": "csv", "filter": {"is_active": "yes"}}, {"filter.is_active"}),
        ({"format": "csv", "filter": {"email": None}}, {"filter.email"}),
        ({"format": "csv", "filter": {"created_after": "yesterday"}}, {"filter.created_after"}),
        ({"format": "csv", "filter": {"email": ["a@example.com", "b@example.com"]}}, {"filter.email"}),
        ({"format": "csv", "filter": {"search": "  "}, "gzip": 1}, {"filter.search", "gzip"}),
        ({"format": "csv", "filters": {}}, {"filters"}),
    ],
)
def test_bad_input_is_named_before_anything_is_written(
    body: dict[str, Any], wrong: set[str], app: App
) -> None:
    assert set(create(app, body=body).wrong) == wrong
    assert app.queue("EXPORT").sent == []
    assert app.ask("list_exports", "GET", ROUTE).body["data"] == []


@pytest.mark.parametrize(
    ("chosen", "rows"),
    [
        ({"email": "P1@example.com"}, 1),
        ({"is_active": True}, 3),
        ({"is_active": "false"}, 0),
        ({"is_unsubscribed": False, "created_after": "2026-01-01"}, 3),
        ({"created_before": "2020-01-01"}, 0),
    ],
)
def test_a_filter_is_what_the_list_of_contacts_takes(chosen: dict[str, Any], rows: int, app: App) -> None:
    export_id = create(app, body={"format": "ndjson", "filter": chosen, "fields": ["email"]}).body["id"]
    work(app)
    assert look(app, export_id).body["rows"] == rows


def test_a_repeated_request_makes_one_export_and_asks_again_for_it(app: App) -> None:
    """Where the queue did not take the message, the request failed; sent again, it leaves no export unwritten."""
    headers = {"idempotency-key": "k"}
    app.queue("EXPORT").fails = True
    assert create(app, body={"format": "csv"}, headers=headers).status == 503
    app.queue("EXPORT").fails = False
    again = create(app, body={"format": "csv"}, headers=headers)
    assert again.status == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    listed = app.ask("list_exports", "GET", ROUTE).body["data"]
    assert [one["id"] for one in listed] == [again.body["id"]]
    assert app.queue("EXPORT").bodies == [{"account_id": ACCOUNT_ID, "export_id": again.body["id"]}]
    assert create(app, body={"format": "ndjson"}, headers=headers).status == 422


def test_five_may_be_under_way(app: App) -> None:
    for _ in range(MAX_UNDER_WAY):
        assert create(app, body={"format": "csv"}).status == 202
    refused = create(app, body={"format": "csv"})
    assert (refused.status, refused.body["code"]) == (409, "too_many_exports")
    work(app)
    assert create(app, body={"format": "csv"}).status == 202


def test_exports_are_listed_the_newest_first_in_pages(app: App) -> None:
    ids = []
    for _ in range(5):
        ids.append(create(app, body={"format": "csv"}).body["id"])
        app.clock.at_ms += 1000  # type: ignore[attr-defined]
    found: list[str] = []
    query: dict[str, str | list[str]] = {"limit": "2"}
    while True:
        page = app.ask("list_exports", "GET", ROUTE, query=query).body
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert found == ids[::-1]
    assert "cursor" in app.ask("list_exports", "GET", ROUTE, query={"cursor": "x"}).wrong


def test_an_export_is_its_accounts_own(app: App) -> None:
    export_id = create(app, body={"format": "csv"}).body["id"]
    app.caller = caller_of("01941f29-0000-7000-8000-00000000000b")
    assert look(app, export_id).status == 404
    assert app.ask("list_exports", "GET", ROUTE).body["data"] == []
    assert look(app, "x").body["code"] == "export_not_found"
    assert look(app, NOBODY).status == 404


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        ((Scope.EXPORTS_WRITE, Scope.CONTACTS_READ), 202),
        ((Scope.EXPORTS_WRITE,), 403),
        ((Scope.CONTACTS_READ, Scope.EXPORTS_READ), 403),
        ((Scope.API_USER, Scope.USER), 403),
    ],
)
def test_who_exports_may_read_contacts(scopes: tuple[Scope, ...], status: int, app: App) -> None:
    app.with_key(scopes=scopes)
    assert create(app, body={"format": "csv"}).status == status


def test_a_test_key_gets_the_answer_and_nothing_is_kept(app: App) -> None:
    app.with_key(mode=Mode.TEST)
    made = create(app, body={"format": "csv"})
    assert (made.status, made.body["test_mode"]) == (202, True)
    assert set(create(app, body={"format": "x"}).wrong) == {"format"}
    app.with_key(mode=Mode.LIVE)
    assert app.ask("list_exports", "GET", ROUTE).body["data"] == []
    assert app.queue("EXPORT").sent == []
