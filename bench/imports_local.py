"""`python -m bench.imports --local`: 100,000 rows on the local stack, with IAM enforced.

1. A neighbour sends a create now and then, and receives webhooks, undisturbed.
2. An import of invented people goes through `local.load`, the neighbour beside it. Every row is accounted for, what
   follows comes to rest, counts are those of the contacts, and a reindex finds nothing to repair.
3. The same rows go through `POST /batch`, from one client.
4. An import whose function is killed (SIGKILL) again and again. No row is lost or written twice. A contact that was
   edited by hand meanwhile keeps the edit, and one that was erased stays erased.

CONTACTS_STACK=.local uses a stack that runs; else one is started, and ended. Emails are not judged meanwhile: nobody
answers for example.com here. `--kills` alone (`--rows 0`) leaves out all but the last step.
"""

import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import urlsplit

from bench.results import Results
from contacts.imports.model import ImportStep, ImportTask
from contacts.table import keys
from local.load import Client, Loader
from local.sample_people import BROKEN_EVERY, REPEATS_EVERY, contact, row, write
from local.smoke import Api, Failed
from local.stack import ROOT, LocalStack, free_port
from tests.support.accounts import Account, Accounts, switch_validation
from tests.support.receiver import Receiver

Json = dict[str, Any]

UNDISTURBED_S: Final = 120
"""Seconds in which the neighbour is alone: long enough for a 95th percentile of some 200 creates."""
NEIGHBOUR_EVERY_S: Final = 0.5
WORSE: Final = 2.0
"""The neighbour's p95 may be so many times what it is undisturbed."""
BATCHED: Final = 5_000
"""Rows that are sent by batches, at most."""
KILLED_ROWS: Final = 10_000
RESTS_S: Final = 1_800
"""How long what follows may take."""
CARRIES_OUT: Final = "CarryOutImport"
"""In the name that the stack gave the function."""


@contextmanager
def running_stack() -> Iterator[Json]:
    """What stack.json says of a running stack."""
    if running := os.environ.get("CONTACTS_STACK"):
        yield json.loads((ROOT / running / "stack.json").read_text(encoding="utf-8"))
        return
    with (
        tempfile.TemporaryDirectory(prefix="contacts-imports-") as directory,
        LocalStack(Path(directory), free_port(), persistent=False) as stack,
    ):
        yield stack.description


# ==== the neighbour ===================================================================================================


@dataclass
class Neighbour:
    """An account that creates a contact now and then; a thread of its own while it is entered."""

    account: Account
    receiver: Receiver
    creates: list[float] = field(default_factory=list)
    """Seconds that each took."""
    sent: dict[str, float] = field(default_factory=dict)
    """When each contact was there, by its id."""
    _ends: Event = field(default_factory=Event)

    def __enter__(self) -> "Neighbour":
        self.creates, self.sent = [], {}
        self._ends.clear()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        until(lambda: len(self.lags()) == len(self.sent), RESTS_S)

    def _run(self) -> None:
        while not self._ends.wait(NEIGHBOUR_EVERY_S):
            began = time.time()
            made = self.account.api.created(email=f"n{time.time_ns()}@example.com")
            self.creates.append(time.time() - began)
            self.sent[made["id"]] = time.time()

    def lags(self) -> list[float]:
        """Seconds from a create to its webhook."""
        arrived: dict[str, float] = {}
        for request in list(self.receiver.requests):
            event = request.json()
            if event["type"] == "contact.created":
                arrived.setdefault(event["data"]["contact"]["id"], request.at)
        return [arrived[one] - at for one, at in self.sent.items() if one in arrived]

    def p95(self) -> tuple[float, float]:
        """Of creates and of webhooks, in seconds."""
        return _p95(self.creates), _p95(self.lags())


def _p95(found: list[float]) -> float:
    return quantiles(found, n=20)[-1] if len(found) > 1 else float("nan")


def until(look: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in time."""
    latest = time.monotonic() + seconds
    while not look():
        if time.monotonic() > latest:
            return False
        time.sleep(0.5)
    return True


# ==== steps ===========================================================================================================


@dataclass
class Bench:
    """One run."""

    accounts: Accounts
    table: Results
    directory: Path

    def say(self, what: str, figure: str | float) -> None:
        """A row of the table, shown at once."""
        print(f"{what}: {figure}", flush=True)
        self.table.rows.append((what, figure))

    def hold(self, is_so: bool, otherwise: str) -> None:
        """A budget, or an invariant."""
        if not is_so:
            print(f"NOT MET: {otherwise}", flush=True)
            self.table.failures.append(otherwise)

    def file(self, rows: int) -> Path:
        """So many people in a file."""
        path = self.directory / f"people-{rows}.csv"
        if not path.exists():
            write(rows, path)
        return path

    def imported(self, account: Account, rows: int) -> Json:
        """Import that many people through the command; the import as it is in the end."""
        loader = Loader(Client(Api(account.api.url, account.api.key or "")), lambda _: False, print)
        loader.load(self.file(rows), {}, is_asked=False)
        (job,) = account.api.get("/v1/imports?limit=1").json()["data"]
        found: Json = account.api.get(f"/v1/imports/{job['id']}").json()
        return found

    def accounted_for(self, job: Json, rows: int) -> None:
        """Every row is in one of the counts."""
        counts = dict(job["counts"])
        self.hold(job["state"] == "completed_with_errors", f"the import is {job['state']}")
        self.hold(counts.pop("rows") == rows == sum(counts.values()), f"rows are missing: {job['counts']}")
        self.hold(counts["failed"] == rows // BROKEN_EVERY, f"{counts['failed']} rows failed")

    def at_rest(self, account: Account, contacts: int, name: str) -> None:
        """What follows is done: the count of all contacts, and a reindex that finds nothing."""
        began = time.monotonic()
        of_all = keys.counted(keys.Key("", "ALL"))
        assert of_all is not None
        count = keys.count(account.id, of_all)
        table: Any = account._table

        def counted() -> int:
            key = {part: {"S": value} for part, value in count._asdict().items()}
            item = table._client.get_item(TableName=table._name, Key=key).get("Item", {})
            return int(item.get("n", {"N": "0"})["N"])

        self.hold(
            until(lambda: counted() == contacts, RESTS_S),
            f"{name}: {counted()} contacts are counted, not {contacts}",
        )
        self.say(f"{name}: seconds until what follows has come to rest", round(time.monotonic() - began, 1))
        report: Json = {"finished": False}
        looked_at = 0
        while not report["finished"]:
            resume = {"resume": report["resume"]} if "resume" in report else {}
            report = self.accounts.invoke(
                "ReindexAccount", {"account_id": account.id, "dry_run": True, **resume}
            )
            failure = report.get("errorMessage", "")
            self.hold(not failure, f"{name}: a reindex has failed: {failure}")
            if failure:
                return
            differences = {
                what: report[what] for what in ("missing", "orphaned") if any(report.get(what, {}).values())
            } | {what: report[what] for what in ("miscounted", "uncounted") if report[what]}
            self.hold(not differences, f"{name}: a reindex finds {differences}")
            looked_at += report["contacts"]
        self.hold(
            looked_at == contacts, f"{name}: a reindex has looked at {looked_at} contacts, not {contacts}"
        )
        self.say(f"{name}: contacts that a reindex has looked at", looked_at)

    # What is measured

    def beside_a_neighbour(self, rows: int) -> None:
        """An import and its neighbour."""
        account, other = self.accounts.open("Imports"), self.accounts.open("Neighbour")
        with Receiver() as receiver:
            assert (
                other.api.post(
                    "/v1/webhooks", {"url": receiver.url, "events": ["contact.created"]}
                ).status_code
                == 201
            )
            neighbour = Neighbour(other, receiver)
            with neighbour:
                time.sleep(UNDISTURBED_S)
            alone = neighbour.p95()
            with neighbour:
                began = time.monotonic()
                job = self.imported(account, rows)
                seconds = time.monotonic() - began
            beside = neighbour.p95()
        self.accounted_for(job, rows)
        self.say(
            f"import of {rows:,} rows: rows a second, the upload and the reading included",
            round(rows / seconds),
        )
        for name, one, two in zip(("create", "webhook"), alone, beside, strict=True):
            self.say(
                f"the neighbour's {name}, p95 alone and beside it",
                f"{one * 1000:.0f} and {two * 1000:.0f} ms",
            )
            self.hold(two <= WORSE * one, f"the neighbour's {name} takes {two / one:.1f} times as long")
        self.at_rest(account, job["counts"]["created"], "import")
        self.by_batches(min(rows, BATCHED), rows / seconds)

    def by_batches(self, rows: int, pace: float) -> None:
        """The same rows from one client."""
        account = self.accounts.open("Batches")
        began = time.monotonic()
        for start in range(0, rows, 100):
            operations = [
                {"op": "upsert", "contact": contact(n)} for n in range(start, min(start + 100, rows))
            ]
            assert account.api.post("/v1/contacts/batch", {"operations": operations}).status_code == 207
        batched = rows / (time.monotonic() - began)
        self.say("batches of one client: rows a second", round(batched))
        self.say("import beside batches", round(pace / batched, 2))

    def killed(self, rows: int, kills: int) -> None:
        """An import whose function is killed at random."""
        account = self.accounts.open("Killed")
        port = urlsplit(account.api.url).port or 0
        chance, done, ends = random.Random(1), [0], Event()
        queue = Queue(self.accounts, account)

        def kill() -> None:
            while done[0] < kills and not ends.wait(chance.uniform(0.2, 2.0)):
                killed = kill_functions(CARRIES_OUT, port)
                done[0] += killed
                if killed:
                    queue.comes_again()

        killer = Thread(target=kill, daemon=True)
        edited, erased = Touched(account, 5), Touched(account, 17)
        killer.start()
        try:
            by_hand = [Thread(target=act, daemon=True) for act in (edited.edit, erased.erase)]
            for thread in by_hand:
                thread.start()
            job = self.imported(account, rows)
            for thread in by_hand:
                thread.join()
        finally:
            ends.set()
            killer.join()
        self.say(f"import of {rows:,} rows: functions killed", done[0])
        self.hold(done[0] >= min(kills, 10), f"only {done[0]} functions were killed")
        self.accounted_for(job, rows)
        repeated = sum(n % REPEATS_EVERY == REPEATS_EVERY - 1 for n in range(rows))
        people = rows - repeated - job["counts"]["failed"]
        # Erasing takes a row's receipt along: if its part is done again, the row counts as updated.
        created, updated = job["counts"]["created"], job["counts"]["updated"]
        self.hold(
            created + updated == people and updated <= 1, f"created {created}, updated {updated} contacts"
        )
        self.hold(edited.name() == "by hand", f"the hand edit is gone: {edited.name()}")
        self.hold(erased.name() is None, "the erased person is back")
        self.at_rest(account, people - 1, "killed")


@dataclass
class Touched:
    """A contact of the file that somebody changes while the import is under way, after its own row."""

    account: Account
    number: int

    def path(self) -> str:
        """The contact's path."""
        return f"/v1/contacts/{row(self.number)['Customer ID']}"

    def _there(self) -> None:
        until(lambda: self.account.api.get(self.path()).status_code == 200, RESTS_S)

    def edit(self) -> None:
        """Change its name."""
        self._there()
        assert self.account.api.patch(self.path(), {"first_name": "by hand"}).status_code == 200

    def erase(self) -> None:
        """Delete it for good."""
        self._there()
        assert self.account.api.delete(f"{self.path()}?permanent=true").status_code == 200

    def name(self) -> str | None:
        """Its name in the end."""
        answer = self.account.api.get(self.path())
        return answer.json()["first_name"] if answer.status_code == 200 else None


class Queue:
    """The queue of parts."""

    def __init__(self, accounts: Accounts, account: Account) -> None:
        self._client = accounts.deployment.client("sqs")
        self._url = accounts.deployment.resources()["ImportQueue"]
        self._account = account

    def comes_again(self) -> None:
        """Send the message of the part that is under way once more. (Its own comes again after four minutes.)"""
        (job,) = self._account.api.get("/v1/imports?limit=1").json()["data"]
        table: Any = self._account._table
        key = {
            part: {"S": value} for part, value in keys.import_(self._account.id, job["id"])._asdict().items()
        }
        item = table._client.get_item(TableName=table._name, Key=key)["Item"]
        step = ImportStep(self._account.id, job["id"], ImportTask.WRITE, int(item["next_part"]["N"]), tries=1)
        group = self._account.id
        self._client.send_message(
            QueueUrl=self._url, MessageBody=json.dumps(step.message()), MessageGroupId=group
        )


def kill_functions(name: str, port: int) -> int:
    """SIGKILL the processes in which the stack on a port runs a function. Returns how many there were."""
    stack = re.compile(rb"(AWS|SERVICES)_ENDPOINT(_URL)?=http://[^/]*:%d/?" % port)
    killed = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        is_function = any(
            one.startswith(b"AWS_LAMBDA_FUNCTION_NAME=") and name.encode() in one for one in variables
        )
        if is_function and any(map(stack.fullmatch, variables)):
            try:
                os.kill(int(process.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
    return killed


def run(rows: int, kills: int) -> int:
    """Do all of it. Returns the exit code."""
    table = Results("imports_local", "Imports on the local stack", ("", "figure"))
    table.notes.append((__doc__ or "").partition("\n\n")[2].strip())
    with (
        running_stack() as description,
        ExitStack() as until_the_end,
        tempfile.TemporaryDirectory() as directory,
    ):
        accounts = Accounts(description, until_the_end)
        switch_validation(accounts.deployment, on=False)
        bench = Bench(accounts, table, Path(directory))
        try:
            if rows:
                bench.beside_a_neighbour(rows)
            if kills:
                bench.killed(min(rows or KILLED_ROWS, KILLED_ROWS), kills)
        except Failed as failed:
            table.failures.append(str(failed))
    return table.publish()


if __name__ == "__main__":
    sys.exit(run(100_000, 50))
