"""The operations of imports: what a caller sends, and what it gets in each state."""

from typing import Any

import phonenumbers
import pytest

from contacts.accounts.model import Mode, Scope
from contacts.core.json import to_json
from contacts.imports import schemas
from contacts.imports.model import (
    Counts,
    FileFormat,
    Import,
    ImportFile,
    ImportProblem,
    ImportState,
    Row,
    RowError,
    Undo,
    UndoState,
)
from contacts.imports.service import MAX_UNDER_WAY
from contacts.web.response import MAX_ANSWER_BYTES
from tests.support.app import OTHER_ACCOUNT_ID, Reply, caller_of
from tests.support.import_harness import ImportApp
from tests.support.moto_table import MotoTable
from tests.support.property_harness import COLLECTION as PROPERTIES

IMPORTS, IMPORT = "/v1/imports", "/v1/imports/{id}"
NOBODYS = "01941f29-7c00-7aaa-8000-00000000ffff"
FILE = {"file_name": "people.csv", "size": 2048}
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def app() -> ImportApp:
    return ImportApp(MotoTable().client())


def made(app: ImportApp, **more: Any) -> Any:
    reply = app.create({**FILE, **more})
    assert reply.status == 201, reply
    return reply.body


def test_an_import_is_made_and_says_where_its_file_goes(app: ImportApp) -> None:
    shown = made(
        app,
        file_name="C:\\fakepath\\Käufer 2026.csv",
        mode="update",
        mapping={"Mail": "email", "Notiz": None, "Größe": "custom_fields.size:number"},
        add_tags=["2026", "2026"],
        add_lists=["news"],
        default_country="de",
        encoding="latin1",
        delimiter=";",
        on_invalid="skip",
        blanks="clear",
        events="each",
        dry_run=True,
    )
    assert (shown["state"], shown["mode"], shown["progress"]) == ("awaiting_upload", "update", 0)
    assert shown["file"] == {
        "name": "Käufer 2026.csv",
        "size": 2048,
        "format": None,
        "is_gzipped": False,
        "encoding": None,
        "delimiter": None,
        "columns": [],
    }
    assert shown["options"] == {
        "dry_run": True,
        "restore_trashed": False,
        "blanks": "clear",
        "add_tags": ["2026"],
        "add_lists": ["news"],
        "events": "each",
        "on_invalid": "skip",
        "default_country": "DE",
        "encoding": "iso8859-1",
        "delimiter": ";",
    }
    assert shown["mapping"] == {"Mail": "email", "Notiz": None, "Größe": "custom_fields.size:number"}
    assert shown["upload"]["method"] == "PUT"
    assert shown["upload"]["headers"] == {"Content-Length": "2048"}
    assert shown["upload"]["url"].endswith(f"uploads/{app.caller.account_id}/{shown['id']}?put_object=3600")
    assert shown["upload"]["expires_at"] > shown["created_at"]
    again = app.get(shown["id"]).body
    assert again == shown


WRONG: dict[str, tuple[Any, str]] = {
    "no name": ({"size": 1}, "file_name"),
    "an empty name": ({**FILE, "file_name": ""}, "file_name"),
    "a folder": ({**FILE, "file_name": "people/"}, "file_name"),
    "a long name": ({**FILE, "file_name": "x" * 256}, "file_name"),
    "no size": ({"file_name": "a.csv"}, "size"),
    "an empty file": ({**FILE, "size": 0}, "size"),
    "more than S3 takes": ({**FILE, "size": 5 * 1024**3 + 1}, "size"),
    "half a byte": ({**FILE, "size": 1.5}, "size"),
    "size as text": ({**FILE, "size": "1"}, "size"),
    "a wrong mode": ({**FILE, "mode": "replace"}, "mode"),
    "resubscribe": ({**FILE, "resubscribe": True}, "resubscribe"),
    "a wrong encoding": ({**FILE, "encoding": "klingon"}, "encoding"),
    "a codec": ({**FILE, "encoding": "hex"}, "encoding"),
    "an encoding of mainframes": ({**FILE, "encoding": "cp037"}, "encoding"),
    "a slow encoding": ({**FILE, "encoding": "idna"}, "encoding"),
    "NUL in an encoding": ({**FILE, "encoding": "utf-8\0"}, "encoding"),
    "a wrong delimiter": ({**FILE, "delimiter": ":"}, "delimiter"),
    "a long delimiter": ({**FILE, "delimiter": ";;"}, "delimiter"),
    "a wrong country": ({**FILE, "default_country": "D1"}, "default_country"),
    "two letters that are no country's": ({**FILE, "default_country": "UK"}, "default_country"),
    "a country's name": ({**FILE, "default_country": "Germany"}, "default_country"),
    "a wrong list": ({**FILE, "add_lists": ["A b"]}, "add_lists.0"),
    "a mapping of numbers": ({**FILE, "mapping": {"a": 1}}, "mapping.a"),
    "a field that is none": ({**FILE, "mapping": {"a": "mail"}}, "mapping.a"),
    "two emails": ({**FILE, "mapping": {"a": "email", "b": "email"}}, "mapping.b"),
    "a mapping as list": ({**FILE, "mapping": []}, "mapping"),
    "a wide mapping": ({**FILE, "mapping": {str(n): None for n in range(1001)}}, "mapping"),
    "a mapping of long names": (
        {**FILE, "mapping": {f"{n:0250}": f"custom_fields.{n:0100}" for n in range(1000)}},
        "mapping",
    ),
    "a wrong on_invalid": ({**FILE, "on_invalid": "ignore"}, "on_invalid"),
}


@pytest.mark.parametrize(("body", "culprit"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_wish_is_refused_by_name(body: Any, culprit: str, app: ImportApp) -> None:
    assert list(app.create(body).wrong) == [culprit]


def test_every_country_whose_phone_numbers_can_be_read_is_taken() -> None:
    assert phonenumbers.SUPPORTED_REGIONS == schemas._COUNTRIES


def test_a_repetition_is_the_same_import_with_a_place_for_its_file(app: ImportApp) -> None:
    headers = {"Idempotency-Key": "nightly"}
    first = app.create(FILE, headers=headers)
    second = app.create(FILE, headers=headers)
    assert (second.status, second.headers["Idempotent-Replayed"]) == (201, "true")
    assert second.body == first.body
    assert "uploads/" in second.body["upload"]["url"]
    assert app.create({**FILE, "size": 1}, headers=headers).status == 422
    assert len(app.list().body["data"]) == 1


def test_a_test_key_leaves_nothing(app: ImportApp) -> None:
    app.with_key(mode=Mode.TEST)
    reply = app.create(FILE)
    assert (reply.status, reply.body["test_mode"]) == (201, True)
    assert "upload" not in reply.body
    assert app.list().body["data"] == []
    assert app.get(reply.body["id"]).status == 404


def test_no_more_than_twenty_are_under_way(app: ImportApp) -> None:
    ids = [made(app)["id"] for _ in range(MAX_UNDER_WAY)]
    refused = app.create(FILE)
    assert (refused.status, refused.body["code"]) == (409, "too_many_imports")
    assert app.act("cancel", ids[0]).status == 202
    ids.append(made(app)["id"])
    assert app.create(FILE).status == 409
    app.clock.at_ms += DAY_MS  # They expire.
    made(app)


def test_imports_are_listed_newest_first(app: ImportApp) -> None:
    ids = []
    for _ in range(5):
        ids.append(made(app)["id"])
        app.clock.at_ms += 1000
    page = app.list(limit="2").body
    assert [one["id"] for one in page["data"]] == [ids[4], ids[3]]
    assert not any("upload" in one or "preview" in one for one in page["data"])
    page = app.list(limit="3", cursor=page["next_cursor"]).body
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([ids[2], ids[1], ids[0]], False)


def test_without_a_file_it_expires(app: ImportApp) -> None:
    import_id = made(app)["id"]
    app.clock.at_ms += DAY_MS - 1
    assert app.get(import_id).body["state"] == "awaiting_upload"
    app.clock.at_ms += 1
    shown = app.get(import_id).body
    assert shown["state"] == "expired"
    assert "upload" not in shown
    assert app.list().body["data"][0]["state"] == "expired"
    assert_refused(app.act("cancel", import_id), "import_ended")


def test_every_account_has_imports_of_its_own(app: ImportApp) -> None:
    import_id = made(app)["id"]
    app.caller = caller_of(OTHER_ACCOUNT_ID)
    assert app.list().body["data"] == []
    for reply in (
        app.get(import_id),
        app.get(import_id, "/errors"),
        *(app.act(one, import_id) for one in ("start", "cancel", "undo")),
    ):
        assert (reply.status, reply.body["code"]) == (404, "import_not_found")


@pytest.mark.parametrize("import_id", [NOBODYS, "x", "../x"])
def test_an_import_that_is_none_is_not_found(import_id: str, app: ImportApp) -> None:
    for reply in (app.get(import_id), app.get(import_id, "/errors"), app.act("start", import_id)):
        assert (reply.status, reply.body["code"]) == (404, "import_not_found")


@pytest.mark.parametrize(
    ("scopes", "lacking"),
    [
        (["imports:read"], "imports:write"),
        (["imports:write"], "contacts:write"),
        (["contacts:write", "api_user", "user"], "imports:write"),
    ],
)
def test_who_may_do_what(scopes: list[str], lacking: str, app: ImportApp) -> None:
    import_id = made(app)["id"]
    app.with_key(scopes=tuple(map(Scope, scopes)))
    for reply in (app.create(FILE), *(app.act(one, import_id) for one in ("start", "cancel", "undo"))):
        assert (reply.status, reply.body["scope"]) == (403, lacking)
    assert app.get(import_id).status == (200 if "imports:read" in scopes else 403)


@pytest.mark.parametrize(
    ("scopes", "mode", "is_shown"),
    [
        (("imports:read",), Mode.LIVE, False),
        (("imports:read", "imports:write"), Mode.LIVE, False),
        (("imports:read", "contacts:write"), Mode.LIVE, False),
        (("imports:read", "imports:write", "contacts:write"), Mode.LIVE, True),
        (("imports:read", "imports:write", "contacts:write"), Mode.TEST, False),
    ],
)
def test_who_may_not_write_by_a_file_is_given_no_place_for_it(
    scopes: tuple[str, ...], mode: Mode, is_shown: bool, app: ImportApp
) -> None:
    import_id = made(app)["id"]
    app.with_key(scopes=tuple(map(Scope, scopes)), mode=mode)
    assert ("upload" in app.get(import_id).body) is is_shown


def assert_refused(reply: Reply, code: str) -> None:
    assert (reply.status, reply.body["code"]) == (409, code), reply


STATES: dict[ImportState, set[str]] = {
    ImportState.AWAITING_UPLOAD: {"cancel"},
    ImportState.READING: {"cancel"},
    ImportState.READY: {"start", "cancel"},
    ImportState.RUNNING: {"cancel"},
    ImportState.PAUSED: {"cancel"},
    ImportState.COMPLETED: {"undo", "errors"},
    ImportState.COMPLETED_WITH_ERRORS: {"undo", "errors"},
    ImportState.CANCELLED: {"undo", "errors"},
    ImportState.FAILED: {"errors"},
    ImportState.EXPIRED: {"errors"},
}
REFUSALS = {
    "start": "import_not_ready",
    "cancel": "import_ended",
    "undo": "import_not_undoable",
    "errors": "import_not_finished",
}


def put(app: ImportApp, state: ImportState, **changes: Any) -> Import:
    """An import in a state, of 2,500 rows; as far as the state is."""
    job = app.store.existing(made(app)["id"])
    file = ImportFile(name="people.csv", size=2048, format=FileFormat.CSV, columns=("email", "name"))
    fields: dict[str, Any] = {"file": file, "mapping": {"email": "email", "name": "name"}}
    if state is not ImportState.AWAITING_UPLOAD:
        fields |= {"parts": 3, "counts": Counts(rows=2500)}
    has_run = {ImportState.COMPLETED, ImportState.COMPLETED_WITH_ERRORS, ImportState.CANCELLED}
    if state in has_run | {ImportState.RUNNING, ImportState.PAUSED}:
        fields |= {"started_at": job.created_at, "next_part": 3, "counts": Counts(2500, 1990, 0, 0, 0, 0, 10)}
    if state in has_run:
        fields |= {"finished_at": job.created_at}
    after = job.changed(**{**fields, "state": state, **changes})
    app.store.replace(job, after)
    return after


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("asked", REFUSALS)
def test_what_may_be_asked_in_which_state(state: ImportState, asked: str, app: ImportApp) -> None:
    before = put(app, state)
    reply = app.get(before.id, "/errors") if asked == "errors" else app.act(asked, before.id)
    if asked in STATES[state]:
        assert reply.status == (200 if asked == "errors" else 202)
    else:
        assert_refused(reply, REFUSALS[asked])
        assert app.store.existing(before.id) == before
        assert not app.queue("IMPORT").sent
        assert not app.queue("IMPORT_FILE").sent


def test_a_start_begins_from_the_first_part(app: ImportApp) -> None:
    checked = Counts(2500, 2000, 300, 100, 50, 25, 25)
    problem = ImportProblem("mapping_needed", "…")
    job = put(app, ImportState.READY, counts=checked, next_part=4, problem=problem)
    shown = app.act("start", job.id).body
    assert (shown["state"], shown["started_at"]) == ("running", shown["created_at"])
    assert shown["counts"] == {**dict.fromkeys(shown["counts"], 0), "rows": 2500}
    assert "problem" not in shown
    assert app.store.existing(job.id).next_part == 1
    step = {"account_id": app.caller.account_id, "import_id": job.id, "task": "write", "part": 1}
    # The first message is for the case that the function ends before the second one.
    assert [(one.body, one.delay_s) for one in app.queue("IMPORT").sent] == [(step, 30), (step, 0)]
    assert {one.group for one in app.queue("IMPORT").sent} == {app.caller.account_id}


@pytest.mark.parametrize(
    ("mapping", "culprit"),
    [
        ({"who": "email"}, "mapping.who"),
        ({"name": "mail"}, "mapping.name"),
        ({"name": "email", "email": "email"}, "mapping.email"),
        ({"email": None}, "mapping"),
        ({"email": "first_name"}, "mapping"),
        ({"email": 5}, "mapping.email"),
    ],
)
def test_a_wrong_mapping_starts_nothing(mapping: Any, culprit: str, app: ImportApp) -> None:
    job = put(app, ImportState.READY)
    assert list(app.act("start", job.id, {"mapping": mapping}).wrong) == [culprit]
    assert app.store.existing(job.id) == job


def test_a_start_may_say_how_columns_are_read(app: ImportApp) -> None:
    job = put(app, ImportState.READY, mapping={"email": None, "name": None})
    shown = app.act("start", job.id, {"mapping": {"email": "external_id"}}).body
    assert shown["mapping"] == {"email": "external_id", "name": None}
    assert app.act("start", job.id, {"mapping": {}}).body["code"] == "import_not_ready"


def test_a_start_guesses_anew_with_the_properties_of_the_account(app: ImportApp) -> None:
    app.ask("create_property", "POST", PROPERTIES, body={"name": "shoeSize", "type": "number"})
    file = ImportFile(
        name="people.csv", size=2048, format=FileFormat.CSV, columns=("Email", "Shoe size", "Size")
    )
    wrong = {"Email": "email", "Shoe size": "external_id", "Size": None}
    job = put(app, ImportState.READY, file=file, mapping=wrong)
    shown = app.act("start", job.id, {"mapping": {"Size": "external_id"}}).body
    assert shown["mapping"] == {**wrong, "Shoe size": "custom_fields.shoeSize", "Size": "external_id"}


def test_the_longest_mapping_is_kept_and_a_longer_one_refused(app: ImportApp) -> None:
    columns = tuple(f"{n:090}ö" for n in range(1000))
    longest = {column: f"custom_fields.{n:0142}" for n, column in enumerate(columns)}
    assert app.create({**FILE, "mapping": longest}, {"Idempotency-Key": "a"}).status == 201
    file = ImportFile(name="people.csv", size=2048, format=FileFormat.CSV, columns=columns)
    job = put(app, ImportState.READY, file=file, mapping=longest)
    longer = {column: f"metadata.{n:0250}" for n, column in enumerate(columns)}
    assert list(app.act("start", job.id, {"mapping": longer}).wrong) == ["mapping"]
    started = app.act("start", job.id, {"mapping": {columns[0]: "external_id"}})
    assert (started.status, len(started.body["mapping"])) == (202, 1000)


def test_a_start_of_an_unknown_member_is_refused(app: ImportApp) -> None:
    job = put(app, ImportState.READY)
    assert list(app.act("start", job.id, {"mode": "create"}).wrong) == ["mode"]


def test_a_cancelled_import_keeps_its_counts(app: ImportApp) -> None:
    job = put(app, ImportState.RUNNING)
    shown = app.act("cancel", job.id).body
    assert (shown["state"], shown["counts"]["created"]) == ("cancelled", 1990)
    assert shown["finished_at"] is not None
    assert app.queue("IMPORT_FILE").bodies[-1] == {
        "account_id": app.caller.account_id,
        "import_id": job.id,
    }


def test_a_dry_run_that_is_cancelled_has_done_nothing(app: ImportApp) -> None:
    job = put(app, ImportState.READY, counts=Counts(2500, 1990, 0, 0, 0, 0, 510))
    counts = app.act("cancel", job.id).body["counts"]
    assert {name: count for name, count in counts.items() if count} == {"rows": 2500}
    assert app.get(job.id, "/errors").body["rows"] == 0


@pytest.mark.parametrize(
    ("state", "next_part", "first"),
    [
        (ImportState.COMPLETED, 4, 3),
        (ImportState.COMPLETED_WITH_ERRORS, 4, 3),
        (ImportState.CANCELLED, 2, 2),
        (ImportState.CANCELLED, 1, 1),
    ],
)
def test_an_undo_begins_with_the_last_part(
    state: ImportState, next_part: int, first: int, app: ImportApp
) -> None:
    job = put(app, state, next_part=next_part)
    shown = app.act("undo", job.id).body
    assert shown["undo"] == {
        "state": "running",
        "trashed": 0,
        "restored": 0,
        "kept": 0,
        "started_at": shown["created_at"],
        "finished_at": None,
    }
    assert app.queue("IMPORT").bodies[-1] == {
        "account_id": app.caller.account_id,
        "import_id": job.id,
        "task": "undo",
        "part": first,
    }
    assert_refused(app.act("undo", job.id), "import_not_undoable")


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": Counts(2500, 0, 0, 2400, 0, 0, 100)},
        {"started_at": None},
        {"started_at": "2026-01-08T10:30:00.000Z"},
        {"undo": Undo(state=UndoState.COMPLETED, next_part=0, started_at="2026-01-15T10:30:00.000Z")},
    ],
)
def test_what_cannot_be_undone(changes: dict[str, Any], app: ImportApp) -> None:
    job = put(app, ImportState.COMPLETED, **changes)
    refused = app.act("undo", job.id)
    assert_refused(refused, "import_not_undoable")
    assert refused.body["detail"].endswith(".")


def test_the_rows_that_failed_are_a_file_of_their_own(app: ImportApp) -> None:
    job = put(app, ImportState.COMPLETED_WITH_ERRORS)
    where = (app.caller.account_id, job.id)
    assert app.get(job.id, "/errors").body == {"url": None, "expires_at": None, "rows": 10}
    rows = [(Row(2, ("x",)), [RowError("email", "no")])]
    app.files.put_errors(*where, 1, rows, ("email",), FileFormat.CSV)
    app.files.join_errors(*where, ("email",), FileFormat.CSV)
    shown = app.get(job.id, "/errors").body
    assert (shown["url"][-15:], shown["rows"]) == ("?get_object=300", 10)


def test_a_preview_is_shown_to_who_may_read_contacts(app: ImportApp) -> None:
    job = put(app, ImportState.READY)
    assert "preview" not in app.get(job.id).body
    errors = [{"line": 3, "field": "email", "reason": "is no email"}]
    preview = {"contacts": [{"email": "ada@example.com", "id": NOBODYS}], "errors": errors}
    app.files.put_preview(app.caller.account_id, job.id, preview)
    assert app.get(job.id).body["preview"] == preview
    app.with_key(scopes=(Scope.IMPORTS_READ,))
    assert app.get(job.id).body["preview"] == {"contacts": [], "errors": errors}


def test_a_preview_of_large_contacts_is_shown_as_far_as_it_fits_an_answer(app: ImportApp) -> None:
    job = put(app, ImportState.READY)
    errors = [{"line": 3, "field": "email", "reason": "is no email"}]
    contacts = [{"email": f"p{number}@example.com", "metadata": {"x": "é" * 170_000}} for number in range(20)]
    app.files.put_preview(app.caller.account_id, job.id, {"contacts": contacts, "errors": errors})
    body = app.get(job.id).body
    assert body["preview"]["errors"] == errors
    shown = body["preview"]["contacts"]
    assert shown == contacts[: len(shown)]
    assert 10 < len(shown) < 20
    assert len(to_json(body).encode()) < MAX_ANSWER_BYTES


def test_progress_tells_how_far_it_is(app: ImportApp) -> None:
    reading = put(app, ImportState.READING, read_bytes=1024, checkpoint=(1,), parts=1)
    assert app.get(reading.id).body["progress"] == 0.05
    running = put(app, ImportState.RUNNING)
    app.clock.at_ms += 10_000
    shown = app.get(running.id).body
    assert (shown["progress"], shown["rows_per_second"]) == (0.82, 200)
    assert shown["expected_end"] == "2026-01-15T10:30:12.500Z"
    completed = put(
        app,
        ImportState.COMPLETED,
        finished_at="2026-01-15T10:30:40.000Z",
        started_at="2026-01-15T10:30:20.000Z",
    )
    shown = app.get(completed.id).body
    assert (shown["progress"], shown["rows_per_second"], shown["expected_end"]) == (1, 100, None)


def test_a_conflict_with_the_engine_is_tried_again(app: ImportApp) -> None:
    job = put(app, ImportState.RUNNING)
    existing = app.store.existing

    def overtaken(import_id: str) -> Import:
        found = existing(import_id)
        if found.version < job.version + 3:
            app.store.replace(found, found.changed(next_part=found.next_part + 1))
        return found

    store = app.import_store(app.caller)
    store.existing = overtaken  # type: ignore[method-assign]
    app.import_store = lambda _: store  # type: ignore[method-assign]
    assert app.act("cancel", job.id).body["state"] == "cancelled"
    assert app.store.existing(job.id).next_part == job.next_part + 3
