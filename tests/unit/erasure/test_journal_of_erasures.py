"""The journal: who was erased and which addresses have opted out is outside the table before anybody is told so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.core.errors import TemporarilyUnavailable
from contacts.erasure.journal import Journal
from contacts.table import keys
from tests.support.event_harness import ACCOUNT_ID, ErasureDesk, EventHarness
from tests.support.restore_harness import RestoreHarness

OTHER_ID = "01941f29-0000-7000-8000-00000000000b"
PERSON, MERGED = "01941f29-7c00-7aaa-8000-000000000001", "01941f29-7c00-7aaa-8000-000000000002"
HMAC = "4fb2c5a9d1e07c3858f6b2e49a70d13c6e8f25b1a94d7003c2e86b5fd19a4e77"


class Bucket:
    """A bucket of S3, which lists two keys in a page."""

    def __init__(self) -> None:
        self.objects: dict[str, datetime] = {}
        self.error: str | None = None
        self.at = datetime(2026, 1, 15, tzinfo=UTC)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        if self.error:
            error: Any = {"Error": {"Code": self.error}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(error, "PutObject")
        assert (Bucket, Body) == ("journal", b"")
        self.objects[Key] = self.at
        return {}

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, Delimiter: str = "", ContinuationToken: str = ""
    ) -> dict[str, Any]:
        found = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > ContinuationToken]
        page = {
            "IsTruncated": len(found) > 2,
            "NextContinuationToken": found[min(1, len(found) - 1)] if found else "",
        }
        if Delimiter:
            prefixes = {Prefix + key.removeprefix(Prefix).split("/")[0] + "/" for key in found[:2]}
            return {**page, "CommonPrefixes": [{"Prefix": prefix} for prefix in sorted(prefixes)]}
        return {**page, "Contents": [{"Key": key, "LastModified": self.objects[key]} for key in found[:2]]}


def test_entries_are_ids_and_hmacs_of_one_account() -> None:
    bucket = Bucket()
    journal = Journal(lambda: bucket, "journal")
    journal.note_erased(ACCOUNT_ID, [PERSON, MERGED])
    bucket.at = datetime(2026, 1, 16, tzinfo=UTC)
    journal.note_erased(ACCOUNT_ID, [PERSON, OTHER_ID])
    journal.note_opted_out(OTHER_ID, [HMAC])
    since = int(bucket.at.timestamp() * 1000)
    assert journal.erased(ACCOUNT_ID) == {PERSON, MERGED, OTHER_ID}
    assert journal.erased(OTHER_ID) == frozenset()
    assert journal.erased_since(ACCOUNT_ID, since) == [OTHER_ID, PERSON]
    # S3 tells the second of a moment: what lies within the second may have come after the moment.
    for moment in (since, since + 999):
        assert journal.opted_out_since(OTHER_ID, moment) == {HMAC: since + 999}
    assert journal.opted_out_since(OTHER_ID, since + 1000) == {}
    assert journal.accounts() == sorted([ACCOUNT_ID, OTHER_ID])
    assert set(bucket.objects) == {
        *(f"erased/{ACCOUNT_ID}/{one}" for one in (PERSON, MERGED, OTHER_ID)),
        f"opted-out/{OTHER_ID}/{HMAC}",
    }


def test_a_bucket_that_is_busy_passes_and_one_that_refuses_is_a_failure() -> None:
    bucket = Bucket()
    bucket.error = "ThrottlingException"
    with pytest.raises(TemporarilyUnavailable):
        Journal(lambda: bucket, "journal").note_erased(ACCOUNT_ID, [PERSON])
    bucket.error = "AccessDenied"
    with pytest.raises(ClientError):
        Journal(lambda: bucket, "journal").note_erased(ACCOUNT_ID, [PERSON])


# The eraser


class Erasing:
    """A contact that was erased, and what erases its traces."""

    def __init__(self) -> None:
        self.world = EventHarness()
        self.person = self.world.create(email="ada@example.com")
        self.world.dispatch(*self.world.records())
        self.world.request("DELETE", "/v1/contacts/{ref}", self.person, query={"permanent": "true"})
        self.app = self.world._mortal()
        self.desk = ErasureDesk(self.app)
        self.journal = self.app.listed_journal
        self.body = {"account_id": ACCOUNT_ID, "contact_id": self.person, "merged_ids": [MERGED]}

    def traces(self) -> list[keys.Key]:
        room = keys.about_contact(ACCOUNT_ID, self.person)
        return [key for key in self.world.items() if room == key.PK]


def test_an_erasure_is_noted_with_what_had_been_merged() -> None:
    erasing = Erasing()
    erasing.desk.handle(erasing.body)
    assert set(erasing.journal.erasures) == {(ACCOUNT_ID, erasing.person), (ACCOUNT_ID, MERGED)}
    erasing.journal.erasures.clear()
    erasing.desk.second_passes()
    assert erasing.journal.erasures == {}


def test_an_erasure_is_not_done_before_it_is_noted_but_it_removes_what_it_can() -> None:
    erasing = Erasing()
    erasing.world.clock.at_ms += 3_600_000  # Then nothing has to stay for the second pass.
    erasing.journal.fails = True
    assert erasing.desk.eraser.handle(erasing.body) is not None
    assert erasing.traces() == []
    assert erasing.desk.second.messages == []
    erasing.journal.fails = False
    assert erasing.desk.eraser.handle(erasing.body, 2) is None
    assert (ACCOUNT_ID, erasing.person) in erasing.journal.erasures
    assert len(erasing.desk.second.messages) == 1


def test_a_journal_that_refuses_keeps_no_trace_from_being_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy of the bucket that somebody has changed, for example."""

    def refuse(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "PutObject")

    erasing = Erasing()
    erasing.world.clock.at_ms += 3_600_000
    monkeypatch.setattr(erasing.journal, "note_erased", refuse)
    with pytest.raises(ClientError):
        erasing.desk.eraser.handle(erasing.body)
    assert erasing.traces() == []
    assert erasing.desk.second.messages == []


def test_opt_outs_are_noted_and_wait_while_the_journal_does_not_answer() -> None:
    erasing = Erasing()
    body = {"account_id": ACCOUNT_ID, "opted_out": [HMAC]}
    erasing.journal.fails = True
    assert [erasing.desk.eraser.handle(body, times) for times in (1, 2)] == [5, 10]
    erasing.journal.fails = False
    assert erasing.desk.eraser.handle(body) is None
    assert set(erasing.journal.opt_outs) == {(ACCOUNT_ID, HMAC)}


@pytest.mark.parametrize(
    "body",
    [
        {"account_id": "a", "opted_out": [HMAC]},
        {"account_id": ACCOUNT_ID, "opted_out": ["ada@example.com"]},
        {"opted_out": [HMAC]},
    ],
)
def test_a_message_that_names_no_addresses_is_refused(body: Any) -> None:
    with pytest.raises((KeyError, ValueError)):
        Erasing().desk.eraser.handle(body)


# The projection


def test_the_projection_asks_for_opt_outs_to_be_noted_once_for_each_account_and_batch() -> None:
    world = RestoreHarness()
    ids = [world.create(email=f"p{one}@example.com") for one in range(2)]
    world.change(ids[0], is_unsubscribed=True)
    world.change(ids[0], is_unsubscribed=False)
    world.change(ids[1], is_unsubscribed=True)
    bodies = world.projection.to_erase.bodies
    assert len(bodies) == 2
    noted = [one for body in bodies for one in body["opted_out"]]  # type: ignore[attr-defined]
    assert {keys.opt_out(world.api.caller.account_id, noted[1])} == {
        key for key in world.items() if keys.opted_out_address(key)
    }
