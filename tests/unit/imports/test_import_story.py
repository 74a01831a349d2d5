"""An import from its first request to its end, with every function that has a part in it, in this process."""

import csv
import gzip
import io
from typing import Any

import pytest

from contacts.accounts.store import AccountStore
from contacts.imports.model import step_from
from tests.support.import_harness import ImportApp, notification
from tests.support.moto_table import MotoTable


@pytest.fixture
def app() -> ImportApp:
    made = ImportApp(MotoTable().client())
    AccountStore(made.table).open_account(made.caller.account, [])
    return made


def imported(app: ImportApp, name: str, file: bytes, **more: Any) -> Any:
    """The import, when nothing is left to be done."""
    import_id = app.create({"file_name": name, "size": len(file), **more}).body["id"]
    key = f"uploads/{app.caller.account_id}/{import_id}"
    app.bucket.objects[key] = file
    planner = app.planner()
    app.deadline.begin(900)
    planner.handle(notification(key), 1)
    return worked_off(app, import_id)


def worked_off(app: ImportApp, import_id: str) -> Any:
    queue = app.queue("IMPORT").sent
    app.deadline.begin(120)
    while queue:
        app.import_carrier().handle(step_from(queue.pop(0).body), 1)
    return app.get(import_id).body


def errors_of(app: ImportApp, import_id: str) -> bytes:
    assert app.get(import_id, "/errors").body["url"]
    return app.bucket.objects[f"errors/{app.caller.account_id}/{import_id}/errors.csv"]


FILE = b"email,first_name,city\nada@x.test,Ada,London\nnope,No,\ngrace@x.test,Grace,Arlington\n"


def test_what_failed_is_mended_and_sent_again(app: ImportApp) -> None:
    shown = imported(app, "people.csv", FILE)
    counts = {key: count for key, count in shown["counts"].items() if count}
    assert (shown["state"], counts) == ("completed_with_errors", {"rows": 3, "created": 2, "failed": 1})
    failed = errors_of(app, shown["id"])
    (row,) = csv.DictReader(io.StringIO(failed.decode("utf-8-sig")))
    assert row["import_reason"].startswith("is not an email address")
    assert [row[name] for name in ("import_line", "import_field", "email", "city")] == [
        "3",
        "email",
        "nope",
        "",
    ]
    shown = imported(app, "mended.csv", failed.replace(b"nope", b"noor@x.test"))
    assert (shown["state"], shown["counts"]["created"]) == ("completed", 1)
    assert {column for column, target in shown["mapping"].items() if target is None} == {
        "import_line",
        "import_field",
        "import_reason",
    }
    # What is left is the error file alone.
    assert [key.split("/")[0] for key in app.bucket.objects] == ["errors"]


def test_a_dry_run_is_looked_at_started_and_undone(app: ImportApp) -> None:
    shown = imported(app, "people.csv.gz", gzip.compress(FILE, mtime=0), dry_run=True)
    assert (shown["state"], shown["counts"]["created"], shown["progress"]) == ("ready", 2, 1)
    assert [one["email"] for one in shown["preview"]["contacts"]] == ["ada@x.test", "grace@x.test"]
    assert shown["preview"]["errors"][0]["line"] == 3
    contact = app.ask("get_contact", "GET", "/v1/contacts/{ref}", {"ref": "ada@x.test"})
    assert contact.status == 404
    assert app.act("start", shown["id"]).status == 202
    shown = worked_off(app, shown["id"])
    assert (shown["state"], shown["counts"]["created"]) == ("completed_with_errors", 2)
    contact = app.ask("get_contact", "GET", "/v1/contacts/{ref}", {"ref": "ada@x.test"})
    assert contact.body["custom_fields"] == {"city": "London"}
    assert app.act("undo", shown["id"]).status == 202
    undo = worked_off(app, shown["id"])["undo"]
    assert (undo["state"], undo["trashed"]) == ("completed", 2)
    assert app.ask("get_contact", "GET", "/v1/contacts/{ref}", {"ref": "ada@x.test"}).status == 404


def test_a_file_whose_columns_nobody_knows_is_told_what_they_are(app: ImportApp) -> None:
    shown = imported(app, "people.csv", FILE.replace(b"email", b"Kontakt 1"))
    assert (shown["state"], shown["problem"]["code"]) == ("ready", "mapping_needed")
    assert app.act("start", shown["id"], {"mapping": {"Kontakt 1": "email"}}).status == 202
    assert worked_off(app, shown["id"])["counts"]["created"] == 2


def test_nobody_is_subscribed_again(app: ImportApp) -> None:
    imported(app, "out.csv", b"email,is_unsubscribed\nada@x.test,yes\n")
    shown = imported(app, "in.csv", b"email,is_subscribed,city\nada@x.test,yes,Paris\n")
    assert shown["counts"]["protected"] == 1
    contact = app.ask("get_contact", "GET", "/v1/contacts/{ref}", {"ref": "ada@x.test"}).body
    assert (contact["is_unsubscribed"], contact["custom_fields"]) == (True, {"city": "Paris"})
