"""No sequence of requests and messages leads an import elsewhere than where the states allow."""

from typing import Any, ClassVar

from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import booleans, integers, sampled_from

from contacts.accounts.store import AccountStore
from contacts.imports import planning
from contacts.imports.model import ENDED, Import, ImportState, step_from
from tests.support.app import ListedQueue
from tests.support.hypothesis_profiles import examples
from tests.support.import_harness import ImportApp, PlannerHarness
from tests.support.moto_table import MotoTable

S = ImportState
ALLOWED: dict[ImportState, set[ImportState]] = {
    S.AWAITING_UPLOAD: {S.READING, S.FAILED, S.CANCELLED, S.EXPIRED},
    S.READING: {S.READY, S.RUNNING, S.FAILED, S.CANCELLED},
    S.READY: {S.RUNNING, S.CANCELLED},
    S.RUNNING: {S.PAUSED, S.COMPLETED, S.COMPLETED_WITH_ERRORS, S.FAILED, S.CANCELLED},
    S.PAUSED: {S.RUNNING, S.FAILED, S.CANCELLED},
    **{state: set() for state in ENDED},
}
GOOD = b"email,name\n" + b"".join(b"p%d@x.test,n\n" % n for n in range(8))
FILES = {
    "good": GOOD,
    "other": GOOD.replace(b"p0", b"q0"),
    "unmapped": GOOD.replace(b"email", b"where"),
    "broken": GOOD[:-3] + b"\n%\n",
    "long": GOOD + b"x@x.test,n\n",
}


class Imports(RuleBasedStateMachine):
    """One import, its callers, and messages that come in any order, twice, or late."""

    table: ClassVar = MotoTable()
    empty: ClassVar = table.snapshot()

    @initialize(dry_run=booleans(), first=sampled_from(["", *["good"] * 12, *FILES]))
    def make(self, dry_run: bool, first: str) -> None:
        self.table.bring_back(self.empty)
        self.harness = PlannerHarness(self.table.client())
        self.app = ImportApp(self.table.client(), self.harness.bucket)
        self.app.clock = self.harness.clock
        self.app.queues = {"IMPORT_FILE": self.harness.reading, "IMPORT": self.harness.steps}
        AccountStore(self.app.table).open_account(self.app.caller.account, [])
        reply = self.app.create({"file_name": "a.csv", "size": len(GOOD), "dry_run": dry_run})
        self.id = str(reply.body["id"])
        self.seen = self.job
        self.old: list[tuple[str, Any]] = []
        """Messages that came already, and may come again."""
        if first:
            self.upload(first, is_told=True, is_short=dry_run)

    @property
    def job(self) -> Import:
        return self.app.store.existing(self.id).as_of(self.app.clock.now_ms())

    @rule(name=sampled_from(["good"] * 6 + [*FILES]), is_told=booleans(), is_short=booleans())
    def upload(self, name: str, is_told: bool, is_short: bool) -> None:
        message = ("reading", self.harness.uploaded(self.id, FILES[name]))
        self.old.append(message)
        if is_told:
            self.harness.time_left = 2 if is_short else 1_000_000
            self._deliver(*message)
            self.harness.time_left = 1_000_000

    @rule(newest_first=booleans(), times=integers(1, 8))
    def deliver(self, newest_first: bool, times: int) -> None:
        for _ in range(times):
            self._next("reading", self.harness.reading, first=not newest_first)
            self._next("steps", self.harness.steps, first=not newest_first)

    def _next(self, kind: str, queue: ListedQueue, *, first: bool) -> None:
        if queue.sent:
            message = (kind, queue.sent.pop(0 if first else -1).body)
            self.old.append(message)
            self._deliver(*message)

    @precondition(lambda self: self.old)
    @rule(number=integers(0, 1000), is_short=booleans())
    def repeat(self, number: int, is_short: bool) -> None:
        self.harness.time_left = 2 if is_short else 1_000_000
        self._deliver(*self.old[number % len(self.old)])
        self.harness.time_left = 1_000_000

    def _deliver(self, kind: str, body: Any) -> None:
        if kind == "reading":
            self.harness.handle(body)
        else:
            self._carry(body)

    def _carry(self, body: Any) -> None:
        self.app.import_carrier().handle(step_from(body), 1)

    @rule(what=sampled_from(["start", "start", "undo", "undo", "cancel", "pause", "an hour", "a day"]))
    def ask(self, what: str) -> None:
        before = self.job
        if what in ("an hour", "a day"):
            self.app.clock.at_ms += 3_600_000 * (1 if what == "an hour" else 24)
            return
        if what == "pause":
            if before.state is S.RUNNING:
                self.app.store.replace(before, before.changed(state=S.PAUSED))
            return
        reply = self.app.act(what, self.id)
        assert reply.status in (202, 400, 409), reply
        if reply.status != 202:
            assert self.job == before

    @invariant()
    def goes_where_it_may(self) -> None:
        now, before = self.job, self.seen
        self.seen = now
        if now.state is not before.state:
            # A message may do two steps: read a file and begin with it.
            steps = {*ALLOWED[before.state], *(two for one in ALLOWED[before.state] for two in ALLOWED[one])}
            assert now.state in steps, (before.state, now.state)
        assert now.counts.done <= now.counts.rows
        assert now.state is not S.FAILED or (now.problem is not None and not now.counts.done)
        assert (now.finished_at is not None) == (now.has_ended and now.state is not S.EXPIRED)
        if before.state is S.CANCELLED and now.next_part == before.next_part + 1:
            # What the rows had done of the part in which it was cancelled is counted afterwards, once.
            assert now.counts.done >= before.counts.done
        elif before.has_ended and before.undo is None and now.undo is None:
            assert now == before

    @invariant()
    def has_each_row_once(self) -> None:
        if self.job.is_cut and self.job.state in (S.READY, S.RUNNING):
            rows = self.harness.rows(self.id)
            assert [row.line for row in rows] == list(range(2, len(rows) + 2))
            assert self.job.counts.rows == len(rows)
            # All of one file.
            assert rows[0].cells[0] in ("p0@x.test", "q0@x.test")
            assert rows[-1].cells[0] == "p7@x.test"


def test_no_sequence_leaves_the_states(monkeypatch: Any) -> None:
    monkeypatch.setattr(planning, "ROWS_OF_PART", 3)
    monkeypatch.setattr(planning, "PARTS_BETWEEN_SAVES", 1)
    run_state_machine_as_test(
        Imports, settings=settings(max_examples=examples(200), stateful_step_count=15, deadline=None)
    )
