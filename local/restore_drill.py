"""`python -m local.restore_drill [--contacts 1000]`: loses contacts of an account on the running local stack, brings
them back, and says how long it took and whether anybody heard of it.

The stack is the one of `make run`. MiniStack restores a table "to a point in time" as the table is at that moment. So
the drill asks for the restored table before anything is lost; on AWS an operator asks for it afterwards, and names the
time.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from contacts.core.time import iso
from contacts.table import keys
from local.deployment import STACK_NAME, Deployment
from local.errors import LocalStackError
from local.invoke import running_stack
from local.stack import ROOT

Json = dict[str, Any]
WAYS: Final = ("erased", "opted out", "overwritten", "deleted", "robbed")
"""What happens to a tenth of the contacts, in equal shares. Of one that is robbed another contact takes the email."""
_LATEST: Final = 600
"""Seconds until what follows a change has come to rest."""
_QUIET: Final = 5
"""Seconds in which nothing may follow the restore."""


class Drill:
    """One account that is lost and restored."""

    def __init__(self, stack: Json, contacts: int) -> None:
        self.deployment = Deployment(ROOT, stack["endpoint_url"], Path())
        self.dynamodb = self.deployment.client("dynamodb")
        self.url, self.table = stack["url"], stack["table"]
        self.restored = f"{STACK_NAME}-restored-drill-{time.time_ns()}"
        self.contacts = contacts
        self.seconds: dict[str, float] = {}
        self.ids: list[str] = []
        self.posted = 0
        opened = self.deployment.invoke(
            "ProvisionAccount", {"name": "Restore drill", "plan": "enterprise", "hourly_limit": 1_000_000}
        )
        self.account, self.key = opened["account_id"], opened["key"]

    def run(self) -> list[str]:
        """Run the drill. Returns what is wrong in the end."""
        with self._receiver() as receiver:
            self._measured("create", self._create)
            self._come_to_rest()
            self._call("POST", "/v1/webhooks", {"url": receiver, "events": ["*"]})
            self._measured("restored table", self._restore_table)
            began_ms = time.time_ns() // 1_000_000
            self._measured("loss", self._lose)
            self._come_to_rest()
            before = self._heard()
            try:
                wrong = self._bring_back(began_ms)
            finally:
                self.dynamodb.delete_table(TableName=self.restored)
            time.sleep(_QUIET)
            after = self._heard()
            return wrong + [f"heard: {before} before and {after} after it"] * (before != after)

    # The account and what it loses

    def _create(self) -> None:
        for start in range(0, self.contacts, 100):
            people = [
                {
                    "email": f"p{one}@example.com",
                    "external_id": f"crm-{one}",
                    "tags": ["vip"],
                    "name": f"P {one}",
                }
                for one in range(start, min(start + 100, self.contacts))
            ]
            self.ids += [
                one["contact"]["id"] for one in self._batch("create", [{"contact": one} for one in people])
            ]

    def _restore_table(self) -> None:
        self.dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.table, TargetTableName=self.restored, UseLatestRestorableTime=True
        )
        self.dynamodb.get_waiter("table_exists").wait(TableName=self.restored)

    def _lose(self) -> None:
        wrong = {"name": "Wrong import", "tags": ["wrong"]}
        self._batch(
            "update", [{"ref": one, "contact": {"is_unsubscribed": True}} for one in self.of("opted out")]
        )
        self._batch("update", [{"ref": one, "contact": wrong} for one in self.of("overwritten")])
        self._batch("delete", [{"ref": one} for one in (*self.of("deleted"), *self.of("robbed"))])
        for contact_id in self.of("erased"):
            self._call("DELETE", f"/v1/contacts/{contact_id}?permanent=true")
        for contact_id in self.of("robbed"):
            made = self._call("POST", "/v1/contacts", {"external_id": f"thief of {contact_id}"})
            email = f"p{self.ids.index(contact_id)}@example.com"
            self._call("PATCH", f"/v1/contacts/{made['id']}", {"email": email})

    def of(self, way: str) -> list[str]:
        """The ids of the contacts to which something happens."""
        share = self.contacts // 10 // len(WAYS)
        start = WAYS.index(way) * share
        return self.ids[start : start + share]

    # The restore

    def _bring_back(self, began_ms: int) -> list[str]:
        until = iso(time.time_ns() // 1_000_000)
        command = {"account_id": self.account, "table": self.restored, "overwrite": True, "until": until}
        said = self._all_of("RestoreAccount", {**command, "dry_run": True})
        done = self._measured(
            "restore", lambda: self._all_of("RestoreAccount", {**command, "dry_run": False})
        )
        self._measured("reindex", lambda: self._all_of("ReindexAccount", {"account_id": self.account}))
        again = self._all_of("ReindexAccount", {"account_id": self.account})
        replay = {
            "since": iso(began_ms),
            "table": self.restored,
            "account_id": self.account,
            "dry_run": False,
        }
        replayed = self._measured("replay", lambda: self._all_of("ReplayJournal", replay))
        found = {item["id"]["S"]: item for item in self._items() if item.get("kind") == {"S": "contact"}}
        expected = {
            "erased": self.of("erased"),
            "overwritten": self.of("overwritten"),
            "deleted": [*self.of("deleted"), *self.of("robbed")],
            "names taken": self.of("robbed"),
            "stay opted out": self.of("opted out"),
        }
        reported = {
            "erased": done["ids"].get("erased", []),
            "overwritten": done["ids"].get("overwritten", []),
            "deleted": done["ids"].get("deleted", []),
            "names taken": [one["contact_id"] for one in done["names_taken"]],
            "stay opted out": done["stay_opted_out"],
        }
        lists = ("ids", "names_taken", "stay_opted_out")
        numbers = {name: number for name, number in done.items() if name not in lists}
        print(json.dumps(numbers | {name: len(done[name]) for name in lists[1:]}))
        differences = [*again["missing"].values(), *again["orphaned"].values(), len(again["miscounted"])]
        right = {
            "the dry run says the same": {**said, "dry_run": False} == done,
            **{f"{name} as reported": sorted(expected[name]) == sorted(reported[name]) for name in expected},
            "nobody erased is back": found.keys().isdisjoint(self.of("erased")),
            "who opted out has opted out": all(
                found[one]["is_unsubscribed"]["BOOL"] for one in self.of("opted out")
            ),
            "the others are back": {*self.ids} - {*self.of("erased")} <= found.keys(),
            "the import is undone": all(
                found[one]["tags"] == {"L": [{"S": "vip"}]} for one in self.of("overwritten")
            ),
            "no names were stolen": all("email" not in found[one] for one in self.of("robbed")),
            "counts are right": not any(differences),
            "the journal has erased them there, too": replayed["erased_again"] == len(self.of("erased")),
            "and opted them out": replayed["opted_out_again"] == len(self.of("opted out")),
        }
        return [name for name, is_so in right.items() if not is_so]

    def _all_of(self, function: str, payload: Json) -> Json:
        """The report of a function, which here is done in one run."""
        report: Json = self.deployment.invoke(function, payload)
        if not report["finished"]:
            raise LocalStackError(f"{function} needs more than one run")
        return report

    # What is heard

    def _heard(self) -> dict[str, int]:
        """How many events, deliveries and requests to the endpoint there have been."""
        rooms = [item["PK"]["S"].removeprefix(keys.account(self.account).PK) for item in self._items()]
        separator = keys.EXPRESSION_NAME
        return {
            "events": sum(room.startswith(f"{separator}EVENTS{separator}") for room in rooms),
            "deliveries": sum(room.startswith(f"{separator}WEBHOOK{separator}") for room in rooms),
            "requests": self.posted,
        }

    def _come_to_rest(self) -> None:
        """Wait until nothing follows any more, and each request to the endpoint is on record."""
        latest, last = time.monotonic() + _LATEST, None
        while time.monotonic() < latest:
            heard = self._heard()
            now = (heard, len(self._items()))
            if now == last and heard["requests"] <= heard["deliveries"]:
                return
            last = now
            time.sleep(_QUIET)
        raise LocalStackError(f"what follows a change did not come to rest within {_LATEST} seconds")

    def _items(self) -> list[Json]:
        """Every item of the account. MiniStack scans in the order of the keys, unlike DynamoDB."""
        prefix = keys.account(self.account).PK
        found: list[Json] = []
        start: Json | None = {"PK": {"S": prefix}, "SK": {"S": " "}}
        while start and start["PK"]["S"].startswith(prefix):
            page = self.dynamodb.scan(TableName=self.table, ExclusiveStartKey=start, ConsistentRead=True)
            found += page["Items"]
            start = page.get("LastEvaluatedKey")
        return [item for item in found if item["PK"]["S"].startswith(prefix)]

    @contextmanager
    def _receiver(self) -> Iterator[str]:
        """An endpoint on loopback that counts what it is sent."""
        drill = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                drill.posted += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()

    # Calls

    def _measured(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        result = work()
        self.seconds[name] = time.monotonic() - began
        return result

    def _batch(self, op: str, operations: list[Json]) -> list[Json]:
        results: list[Json] = []
        for start in range(0, len(operations), 100):
            some = [{"op": op, **one} for one in operations[start : start + 100]]
            results += self._call("POST", "/v1/contacts/batch", {"operations": some})["results"]
        failed = [one for one in results if "problem" in one]
        if failed:
            raise LocalStackError(f"a batch was refused: {failed[0]}")
        return results

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self.url + path, data, headers, method=method), timeout=60) as answer:
                result: Json = json.load(answer)
                return result
        except HTTPError as error:
            raise LocalStackError(f"{method} {path} was answered {error.code}: {error.read()!r}") from None


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local.restore_drill", description="Lose contacts and bring them back."
    )
    parser.add_argument("--contacts", type=int, default=1000, help="at least 50 (default: 1000)")
    arguments = parser.parse_args()
    stack = running_stack()
    if stack is None:
        print("error: no local stack is running: `make run` starts one", file=sys.stderr)
        return 1
    return drill(stack, max(50, arguments.contacts))


def drill(stack: Json, contacts: int) -> int:
    """Run a drill on a stack; returns the exit code."""
    try:
        one = Drill(stack, contacts)
        wrong = one.run()
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, seconds in one.seconds.items():
        print(f"{name:<16}{seconds:8.1f} s")
    for what in wrong:
        print(f"wrong: {what}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
