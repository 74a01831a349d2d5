"""Files go with the person: exports, error files and previews that were written before; no other account's."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.imports.erasing import ImportEraser
from contacts.imports.model import (
    ENDS_WITHIN_DAYS,
    KEPT_DAYS,
    Import,
    ImportFile,
    ImportOptions,
    ImportState,
)
from contacts.imports.store import ImportStore
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from local.template import template
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID, App
from tests.support.bucket import FakeBucket
from tests.support.event_harness import ErasureDesk
from tests.support.export_harness import ExportBucket
from tests.support.fakes import FakeClock
from tests.support.moto_table import MotoTable

ADA = "01941f29-7c00-7aaa-8000-000000000001"
ERASE = {"account_id": ACCOUNT_ID, "contact_id": ADA, "version": 3}
FILES = (
    "errors/{}/i-1/errors.csv",
    "errors/{}/i-1/parts/000001",
    "previews/{}/i-1.json",
)
KEPT = ("uploads/{}/i-1", "parts/{}/i-1/000001")


class DatedBucket(FakeBucket):
    """A bucket that says when each object was written: at one moment, but for those that a test names."""

    def __init__(self, at_ms: int) -> None:
        super().__init__(page=2)
        self.at_ms = at_ms
        self.later: dict[str, int] = {}
        """Milliseconds, by key."""

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        page = super().list_objects_v2(**request)
        for one in page.get("Contents", ()):
            after_ms = self.later.get(one["Key"], 0)
            one["LastModified"] = datetime.fromtimestamp((self.at_ms + after_ms) // 1000, UTC)
        return page


def imported(client: Any, clock: FakeClock, age_days: int = 0) -> None:
    """An import of the account."""
    at_ms = clock.now_ms() - age_days * DAY * 1000
    job = Import(
        id=uuid7(at_ms, bytes(10)),
        state=ImportState.COMPLETED,
        options=ImportOptions(),
        file=ImportFile(name="a.csv", size=1),
        created_at=iso(at_ms),
    )
    store = ImportStore(Table(client, NAME), ACCOUNT_ID)
    item = {name: value for name, value in store._spec.to_item(job).items() if value is not None}
    Table(client, NAME).write_many({keys.import_(ACCOUNT_ID, job.id): item})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client() -> Any:
    return MotoTable().client()


@pytest.fixture
def bucket(clock: FakeClock) -> DatedBucket:
    made = DatedBucket(clock.now_ms())
    for account_id in (ACCOUNT_ID, OTHER_ACCOUNT_ID):
        made.objects |= {name.format(account_id): b"Ada" for name in (*FILES, *KEPT)}
    return made


def left(bucket: FakeBucket, account_id: str = ACCOUNT_ID) -> set[str]:
    return {key for key in bucket.objects if account_id in key}


def all_of(account_id: str, names: tuple[str, ...] = (*FILES, *KEPT)) -> set[str]:
    return {name.format(account_id) for name in names}


def eraser(client: Any, bucket: Any, clock: FakeClock) -> ImportEraser:
    return ImportEraser(Table(client, NAME), lambda: bucket, "files", clock)


def test_error_files_and_previews_of_the_account_go(
    client: Any, bucket: DatedBucket, clock: FakeClock
) -> None:
    imported(client, clock)
    eraser(client, bucket, clock).remove(ACCOUNT_ID, clock.now_ms())
    assert left(bucket) == all_of(ACCOUNT_ID, KEPT), "uploads and parts go with their import"
    assert left(bucket, OTHER_ACCOUNT_ID) == all_of(OTHER_ACCOUNT_ID)


def test_what_was_written_later_stays(client: Any, bucket: DatedBucket, clock: FakeClock) -> None:
    imported(client, clock, age_days=29)
    # The first may have been put together of what was there before.
    bucket.later = {FILES[0].format(ACCOUNT_ID): 120_000, FILES[1].format(ACCOUNT_ID): 130_000}
    eraser(client, bucket, clock).remove(ACCOUNT_ID, clock.now_ms())
    assert left(bucket) == all_of(ACCOUNT_ID, (*KEPT, FILES[1]))


@pytest.mark.parametrize("age_days", [0, 29, 36])
def test_the_error_file_of_an_import_that_took_weeks_goes(
    age_days: int, client: Any, bucket: DatedBucket, clock: FakeClock
) -> None:
    """It may end after 29 days, and its error file stays for seven more: so long its item tells of it."""
    imported(client, clock, age_days)
    eraser(client, bucket, clock).remove(ACCOUNT_ID, clock.now_ms())
    assert left(bucket) == all_of(ACCOUNT_ID, KEPT)
    rules = template()["Resources"]["Files"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (days,) = (rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "errors/")
    assert ENDS_WITHIN_DAYS + days + 1 <= KEPT_DAYS


@pytest.mark.parametrize("age_days", [None, 40])
def test_the_bucket_is_left_alone_where_nothing_was_imported(
    age_days: int | None, client: Any, clock: FakeClock
) -> None:
    if age_days is not None:
        imported(client, clock, age_days)
    eraser(client, None, clock).remove(ACCOUNT_ID, clock.now_ms())


def test_what_s3_does_not_delete_is_tried_again(client: Any, bucket: DatedBucket, clock: FakeClock) -> None:
    imported(client, clock)
    bucket.delete_objects = lambda **request: {"Errors": [{"Code": "InternalError"}]}  # type: ignore[method-assign]
    with pytest.raises(TemporarilyUnavailable):
        eraser(client, bucket, clock).remove(ACCOUNT_ID, clock.now_ms())


# The eraser takes them away in both passes


@pytest.fixture
def app(client: Any, clock: FakeClock) -> App:
    made = App(client, clock=clock)
    made.bucket = ExportBucket()
    made.ask("create_contact", "POST", "/v1/contacts", body={"email": "ada@example.com"})
    return made


def export(app: App) -> str:
    """An export that is ready."""
    export_id: str = app.ask("create_export", "POST", "/v1/exports", body={"format": "csv"}).body["id"]
    app.export_writer().handle({"account_id": ACCOUNT_ID, "export_id": export_id})
    return export_id


def state(app: App, export_id: str) -> Any:
    return app.ask("get_export", "GET", "/v1/exports/{id}", {"id": export_id}).body["state"]


def test_an_erasure_is_not_done_before_the_files_are_gone(app: App) -> None:
    export_id = export(app)
    bucket, app.bucket = app.bucket, Refusing()
    desk = ErasureDesk(app)
    desk.handle(ERASE)  # It writes the tombstone, whose record asks again.
    with pytest.raises(TemporarilyUnavailable):
        desk.handle(ERASE)
    assert desk.second.messages == []
    app.bucket = bucket
    desk = ErasureDesk(app)
    desk.handle(ERASE)
    assert len(desk.second.messages) == 1
    assert state(app, export_id) == "expired"
    assert bucket.objects == {}
    app.clock.at_ms += 6_000  # type: ignore[attr-defined]
    later = export(app)
    app.clock.at_ms += 180_000  # type: ignore[attr-defined]
    desk.second_passes()
    assert state(app, later) == "completed", "it was read without the person"


class Refusing:
    """A bucket that is busy."""

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            raise TemporarilyUnavailable

        return call
