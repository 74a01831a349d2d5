"""Exports are written whole: whoever is there all the time is in the file once, wherever an invocation ends."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import HOUR
from contacts.exports.model import MAX_RUNS, ExportFormat, ExportState
from contacts.exports.writing import ENDS_S, LEASE_S, TURN_S
from tests.support.app import ACCOUNT_ID
from tests.support.event_harness import Killed, Life, Mortal
from tests.support.export_harness import ExportHarness
from tests.support.hypothesis_profiles import examples

PEOPLE = 9
EMAILS = [f"person{number}@example.com" for number in range(PEOPLE)]
KINDS = [(kind, is_gzipped) for kind in ExportFormat for is_gzipped in (False, True)]


@pytest.fixture
def harness() -> ExportHarness:
    made = ExportHarness()
    for number in range(PEOPLE):
        made.contact(number, first_name="x" * 40, tags=["even"] if number % 2 == 0 else [])
    return made


def leaves(calls: int) -> Callable[[float], bool]:
    """An invocation whose time ends after it has been asked for so often."""
    asked = iter(range(1_000_000))
    return lambda seconds: seconds < ENDS_S or next(asked) < calls


@pytest.mark.parametrize(("kind", "is_gzipped"), KINDS)
def test_an_export_has_every_contact_once_the_oldest_first(
    kind: ExportFormat, is_gzipped: bool, harness: ExportHarness
) -> None:
    export = harness.run(harness.begin(kind, is_gzipped=is_gzipped))
    assert (export.state, export.rows, export.progress) == (ExportState.COMPLETED, PEOPLE, 1)
    assert harness.emails(export) == EMAILS
    assert export.bytes == len(next(iter(harness.bucket.objects.values())))
    assert (export.cursor, export.etags, export.upload_id, dict(export.filter)) == (None, (), None, {})
    assert harness.announced == [(ACCOUNT_ID, export.id)]
    assert not harness.bucket.uploads


@pytest.mark.parametrize("calls", [0, 1, 2])
@pytest.mark.parametrize(("kind", "is_gzipped"), KINDS)
def test_what_one_invocation_has_no_time_for_the_next_ones_write(
    kind: ExportFormat, is_gzipped: bool, calls: int, harness: ExportHarness
) -> None:
    export = harness.begin(kind, is_gzipped=is_gzipped)
    invocations = 0
    bodies: list[Any] = [{"account_id": ACCOUNT_ID, "export_id": export.id}]
    while bodies:
        harness.queue.sent.clear()
        assert harness.writer(has_time_left=leaves(calls)).handle(bodies[0]) is None
        bodies, invocations = harness.queue.bodies, invocations + 1
    assert invocations > 1
    assert harness.emails(harness.now(export)) == EMAILS
    assert len(harness.bucket.objects) == 1, "what was kept between parts is gone"


@given(kills=st.lists(st.integers(1, 25), max_size=8), is_gzipped=st.booleans())
@settings(max_examples=examples(100))
def test_killed_anywhere_it_goes_on_without_a_doubled_or_missing_row(
    kills: list[int], is_gzipped: bool
) -> None:
    harness = ExportHarness()
    for number in range(PEOPLE):
        harness.contact(number, first_name="x" * 40)
    export = harness.begin(is_gzipped=is_gzipped)
    for calls in kills:
        life = Life(calls)
        writer = harness.writer(Mortal(harness.client, life), Mortal(harness.bucket, life), leaves(2))
        try:
            writer.handle({"account_id": ACCOUNT_ID, "export_id": export.id})
        except Killed:
            harness.clock.at_ms += LEASE_S * 1000
    done = harness.run(export)
    assert (done.state, done.rows) == (ExportState.COMPLETED, PEOPLE)
    assert harness.emails(done) == EMAILS
    assert len(set(harness.announced)) == 1


def test_one_invocation_at_a_time_writes_it(harness: ExportHarness) -> None:
    export = harness.begin()
    life = Life(3)
    with pytest.raises(Killed):
        harness.writer(Mortal(harness.client, life)).handle(
            {"account_id": ACCOUNT_ID, "export_id": export.id}
        )
    wait_s = harness.writer().handle({"account_id": ACCOUNT_ID, "export_id": export.id})
    assert wait_s is not None
    assert 0 < wait_s <= LEASE_S
    assert harness.bucket.objects == {}


def test_a_filter_chooses(harness: ExportHarness) -> None:
    export = harness.run(harness.begin(filter={"email": ("person3@example.com",)}))
    assert harness.emails(export) == ["person3@example.com"]
    export = harness.run(harness.begin(filter={"is_unsubscribed": ("true",)}))
    assert harness.content(export) == b""
    export = harness.run(
        harness.begin(ExportFormat.CSV, fields=("email", "tags"), filter={"is_active": ("false",)})
    )
    assert harness.content(export) == "\N{ZERO WIDTH NO-BREAK SPACE}email,tags\r\n".encode()


def test_contacts_that_come_and_go_meanwhile_move_no_other(harness: ExportHarness) -> None:
    export = harness.begin()
    writer = harness.writer(has_time_left=leaves(1))
    writer.handle({"account_id": ACCOUNT_ID, "export_id": export.id})
    harness.contact(1_000)
    gone = harness.contact(2)
    harness.moto.client().delete_item(
        TableName="contacts", Key={"PK": {"S": f"ACCOUNT#{ACCOUNT_ID}#0"}, "SK": {"S": f"CONTACT#{gone.id}"}}
    )
    found = harness.emails(harness.run(export))
    assert len(found) == len(set(found))
    assert set(EMAILS) - {"person2@example.com"} <= set(found) <= {*EMAILS, "person1000@example.com"}


def test_little_that_took_long_is_kept_before_there_is_enough_for_a_part(harness: ExportHarness) -> None:
    """Of ten million contacts a filter may keep three: an invocation must not begin at the first one each time."""
    export = harness.begin(filter={"is_active": ("true",)}, fields=("email",))
    harness.page = 1
    writer = harness.writer()
    waits = harness.clock.sleep
    read = writer._page_from

    def slowly(page: Any) -> Any:
        waits(TURN_S)
        return read(page)

    writer._page_from = slowly  # type: ignore[method-assign]
    kept: list[str] = []
    put = harness.bucket.put_object

    def noted(**request: Any) -> Any:
        kept.append(request["Key"])
        return put(**request)

    harness.bucket.put_object = noted  # type: ignore[method-assign]
    assert harness.emails(harness.run(export, writer)) == EMAILS
    assert len(kept) > 1
    assert len(harness.bucket.objects) == 1


def test_a_table_that_is_busy_is_waited_for(harness: ExportHarness) -> None:
    class Busy:
        def __init__(self, after: int) -> None:
            self.left = after

        def __getattr__(self, method: str) -> Any:
            def call(**request: Any) -> Any:
                self.left -= 1
                if self.left < 0 and method in ("query", "put_item"):
                    raise TemporarilyUnavailable
                return getattr(harness.client, method)(**request)

            return call

    export = harness.begin()
    body = {"account_id": ACCOUNT_ID, "export_id": export.id}
    assert [harness.writer(Busy(0)).handle(body, times) for times in (1, 2, 9)] == [5, 10, 300]
    assert harness.queue.sent == []
    assert harness.writer(Busy(6)).handle(body) is None
    assert [one.delay_s for one in harness.queue.sent] == [5]
    harness.clock.at_ms += LEASE_S * 1000
    assert harness.emails(harness.run(export)) == EMAILS


def test_one_that_is_not_ready_after_a_day_has_failed(harness: ExportHarness) -> None:
    export = harness.begin()
    harness.writer(has_time_left=leaves(1)).handle({"account_id": ACCOUNT_ID, "export_id": export.id})
    harness.clock.at_ms += 24 * 3_600_000
    assert harness.now(export).state_at(harness.clock.at_ms) is ExportState.FAILED
    failed = harness.run(export)
    assert failed.state is ExportState.FAILED
    assert (harness.bucket.objects, harness.bucket.uploads, harness.announced) == ({}, {}, [])


@pytest.mark.parametrize("body", [{}, {"account_id": "a", "export_id": "b"}, {"account_id": ACCOUNT_ID}])
def test_a_message_that_is_none_is_a_failure(body: dict[str, str], harness: ExportHarness) -> None:
    with pytest.raises((KeyError, ValueError)):
        harness.writer().handle(body)


def test_an_export_that_nobody_knows_is_done(harness: ExportHarness) -> None:
    assert harness.writer().handle({"account_id": ACCOUNT_ID, "export_id": ACCOUNT_ID}) is None


# Erasure


def test_an_erasure_takes_away_a_file_that_may_hold_the_person(harness: ExportHarness) -> None:
    ada = harness.contact(100)
    export = harness.run(harness.begin())
    before = harness.run(harness.begin())
    harness.erase(ada)
    assert [harness.now(one).state for one in (export, before)] == [ExportState.EXPIRED] * 2
    assert harness.bucket.objects == {}
    harness.clock.at_ms += 6_000
    later = harness.run(harness.begin())
    harness.eraser().remove(ACCOUNT_ID, harness.clock.at_ms - 6_000)
    assert harness.now(later).state is ExportState.COMPLETED, "it was read after the person was gone"
    assert harness.emails(later) == EMAILS


@pytest.mark.parametrize("hours", [23, 25, 95])
def test_an_erasure_takes_away_a_file_that_is_not_offered_any_more_but_still_there(
    hours: int, harness: ExportHarness
) -> None:
    """The bucket's rule deletes by days, at midnight: after two to three of them."""
    ada = harness.contact(100)
    export = harness.run(harness.begin())
    harness.clock.at_ms += hours * HOUR * 1000
    harness.erase(ada)
    assert harness.now(export).state is ExportState.EXPIRED
    assert harness.bucket.objects == {}


@pytest.mark.parametrize("calls", range(1, 24))
def test_an_export_that_is_written_begins_again_without_the_person(
    calls: int, harness: ExportHarness
) -> None:
    ada = harness.contact(PEOPLE)
    export = harness.begin()
    life = Life(calls)

    class ErasesAt:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, method: str) -> Any:
            def call(**request: Any) -> Any:
                life.made += 1
                if life.made == life.calls:
                    harness.erase(ada)
                return getattr(self._client, method)(**request)

            return call

    writer = harness.writer(ErasesAt(harness.client), ErasesAt(harness.bucket))
    done = harness.run(export, writer)
    if done.state is ExportState.EXPIRED:
        assert harness.bucket.objects == {}
    elif life.made >= life.calls:
        assert done.state is ExportState.COMPLETED
        assert harness.emails(done) == EMAILS, "the person is not in it"


def test_who_erases_without_end_gets_no_export_rather_than_an_endless_one(harness: ExportHarness) -> None:
    export = harness.begin()
    for number in range(MAX_RUNS):
        harness.writer(has_time_left=leaves(1)).handle({"account_id": ACCOUNT_ID, "export_id": export.id})
        assert harness.now(export).run == number + 1
        harness.eraser().remove(ACCOUNT_ID, harness.clock.at_ms)
    assert harness.now(export).state is ExportState.FAILED
    assert (harness.bucket.objects, harness.bucket.uploads) == ({}, {})


def test_an_erasure_looks_once_where_there_are_no_exports() -> None:
    harness = ExportHarness()
    calls: list[str] = []

    class Counted:
        def __getattr__(self, method: str) -> Any:
            calls.append(method)
            return getattr(ExportHarness().client, method)

    harness.client = Counted()
    harness.bucket = None  # type: ignore[assignment]
    harness.eraser().remove(ACCOUNT_ID, harness.clock.at_ms)
    assert calls == ["query"]
