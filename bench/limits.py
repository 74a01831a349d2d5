"""What each documented limit costs: `python -m bench.limits`.

Every operation is sent the most that it takes, or finds the most that there may be, in a fresh process with the
function's own memory; and its CPU is counted against what the function's share of a processor does in its timeout.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from bench.limits_table import FullTable, FullTableServer
from bench.results import Results
from bench.subjects import sample_event, table_contents
from contacts.book.model import MAX_GATES, MAX_LISTS, MAX_TAGS, Contact, Gate
from contacts.book.store import contact_item
from contacts.core.ids import Name, NameKind, uuid7
from contacts.core.json import MAX_VALUES
from contacts.core.time import iso
from contacts.events.model import MAX_DATA_VALUES
from contacts.properties.model import MAX_OPTION, MAX_OPTIONS
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.table import keys
from contacts.table.expressions import to_item
from contacts.webhooks.model import MAX_ATTEMPTS_EVER, RESPONSE_KEPT
from local import sample_account
from local.layers import built_layers
from local.rie import PYTHON, function_environment
from local.stack import ROOT
from local.table import NAME
from local.template import Function, functions

MB_OF_A_PROCESSOR = 1769
"""With so much memory a function has one whole processor ("Memory and computing power", Lambda's developer guide)."""
PART_OF_CPU = 0.5
"""Of the CPU that a function has in its timeout, so much may be used here: Lambda's processors are not this one."""
ENDS_IN_TIME = frozenset({"batch_contacts"})
"""What cannot begin in time is told so, item by item: these may use all the CPU there is."""
PART_OF_MEMORY = 0.9
"""The runtime itself needs some."""
METHOD = """\
Each in a fresh process with the function's memory as its limit (RLIMIT_DATA), against a table on loopback that costs it
nothing. Memory is the most that was resident, with the interpreter and all packages. CPU is that of the invoke; a
function has its memory's share of a processor (1,769 MB are one) for its timeout, and half of that is the budget (of a
batch, which ends in time by itself, all of it)."""

ACCOUNT = sample_account.ACCOUNT.id
CHANNEL = sample_account.CHANNEL.id
BEGAN_MS = 1_768_386_600_000
FAR = 4_000_000_000
"""Seconds since the epoch: nothing expires."""
KINDS: dict[str, dict[str, Any]] = {
    "one long text": {"text": "x" * 340_000},
    "many texts": {f"k{number:04}": "x" * 26 for number in range(MAX_VALUES)},
    "many numbers": {"of": [*range(100, 100 + MAX_VALUES - 1)]},
    "many fractions": {"of": [number + 0.1234567890123 for number in range(MAX_VALUES - 1)]},
    "many objects": {"of": [{}] * (MAX_VALUES - 1)},
}
"""The largest `custom_fields` there may be."""
WORDS = [f"w{number:02}" for number in range(20)]


@dataclass(frozen=True)
class Case:
    """One limit, and the request that meets it."""

    limit: str
    operation: str
    event: Any
    kind: str = "one long text"
    """What the contacts in the table are like."""
    status: int = 200


def biggest(kind: str, number: int = 0, **more: Any) -> Contact:
    """A contact as large as there may be."""
    at = iso(BEGAN_MS + number)
    return replace(
        Contact(
            id=uuid7(BEGAN_MS + number, number.to_bytes(10)),
            version=1,
            created_at=at,
            updated_at=at,
            email=f"p{number}@example.com",
            external_id=f"crm-{number}",
            first_name=" ".join(WORDS),
            tags=("vip",),
            custom_fields=KINDS[kind],
        ),
        **more,
    )


@cache
def contents(kind: str, count: int = 1000) -> FullTable:
    """A table whose contacts are all as large as there may be."""
    items = table_contents()["items"]
    for number in range(count):
        contact = biggest(kind, number)
        if number == 0:
            gates = tuple(
                Gate(uuid7(BEGAN_MS, one.to_bytes(10)), CHANNEL, f"{one}") for one in range(MAX_GATES)
            )
            whole = to_item(contact_item(contact, "c"))
            contact = replace(contact, gates=gates)
            items.append(_put(keys.contact(ACCOUNT, contact.id), contact_item(contact, "c")))
        else:
            key = to_item(keys.contact(ACCOUNT, contact.id)._asdict())
            names = {
                name: {"S": getattr(contact, name)} for name in ("id", "email", "external_id", "updated_at")
            }
            items.append({**whole, **key, **names})
        for name in (
            Name(NameKind.EMAIL, contact.email or ""),
            Name(NameKind.EXTERNAL_ID, contact.external_id or ""),
        ):
            items.append(_put(keys.claim(ACCOUNT, name), {"contact_id": contact.id, "state": "live"}))
        items += [_put(keys.posting(ACCOUNT, one, contact.id), {}) for one in (ALL_CONTACTS, *_lists())]
        items += [_put(keys.word_posting(ACCOUNT, word, contact.id), {}) for word in WORDS]
    items += [_put(keys.count(ACCOUNT, one), {"n": count, "changes": 1}) for one in (ALL_CONTACTS, *_lists())]
    return FullTable([*items, *_events(kind), *_timeline(), *_properties(), *_deliveries()])


def _lists() -> list[PostingList]:
    return [PostingList(PostingKind.TAG, "vip")]


def _put(key: keys.Key, item: dict[str, object]) -> Any:
    return to_item({**key._asdict(), **item})


def _now_ms() -> int:
    import time

    return int(time.time() * 1000)


def _events(kind: str) -> Iterator[Any]:
    """Events that hold a contact twice, as it is and as it was."""
    from contacts.book.model import contact_out

    now = _now_ms() - 3_600_000
    shown: Any = contact_out(biggest(kind))
    data: dict[str, Any] = {"contact": shown, "changed": ["custom_fields"]}
    if kind != "one long text":
        data["previous"] = {"custom_fields": shown["custom_fields"]} if kind != "many texts" else {}
    typed = to_item({"data": data})
    for number in range(100):
        at, event_id = iso(now + number), uuid7(now + number, number.to_bytes(10))
        key = to_item(keys.event(ACCOUNT, at, event_id)._asdict())
        plain = to_item(
            {
                "id": event_id,
                "type": "contact.updated",
                "timestamp": at,
                "contact_id": shown["id"],
                "ttl": FAR,
            }
        )
        yield {**key, **plain, **typed}


def _timeline() -> Iterator[Any]:
    contact_id = biggest("one long text").id
    data = {"of": [*range(100, 98 + MAX_DATA_VALUES)], "text": "x" * 10_000}
    for number in range(200):
        at = BEGAN_MS + number
        key = keys.timeline_entry(ACCOUNT, contact_id, uuid7(at, number.to_bytes(10)))
        yield _put(
            key, {"type": "contact.event", "timestamp": iso(at), "name": "n", "data": data, "ttl": FAR}
        )


def _properties() -> Iterator[Any]:
    options = [f"{number:03}{'x' * (MAX_OPTION - 3)}" for number in range(MAX_OPTIONS)]
    for number in range(500):
        property_id = uuid7(BEGAN_MS + number, number.to_bytes(10))
        item = {
            "id": property_id,
            "name": f"p{number}",
            "label": "x" * 100,
            "type": "enum",
            "options": options,
            "archived": False,
            "created_at": iso(BEGAN_MS),
            "changed_at": iso(BEGAN_MS),
            "version": 1,
        }
        yield _put(keys.property_(ACCOUNT, property_id), item)


def _deliveries() -> Iterator[Any]:
    """Deliveries of which each has used up all of its attempts, and was answered at length each time."""
    attempt = {
        "at": iso(BEGAN_MS),
        "status_code": 500,
        "duration_ms": 15_000,
        "response": "x" * RESPONSE_KEPT,
    }
    attempts = [attempt] * MAX_ATTEMPTS_EVER
    for number in range(100):
        key = keys.delivery(ACCOUNT, sample_account.WEBHOOK.id, uuid7(BEGAN_MS + number, number.to_bytes(10)))
        item = {
            "event_id": sample_account.RECORDED.id,
            "event_type": "contact.updated",
            "appended_at": iso(BEGAN_MS),
            "status": "failed",
            "begun": MAX_ATTEMPTS_EVER,
            "done": MAX_ATTEMPTS_EVER,
            "attempts": attempts,
            "ttl": FAR,
        }
        yield _put(key, item)


def asked(
    operation: str, path: str | None = None, *, query: str = "", body: Any = None, key: str | None = None
) -> Any:
    """The sample event of an operation with something else in it."""
    event = sample_event(operation)
    event["rawQueryString"] = query
    if path is not None:
        event["rawPath"] = path
    for name in event.get("pathParameters") or {}:
        others = sample_account.WEBHOOK.id if operation == "list_deliveries" else CHANNEL
        event["pathParameters"][name] = biggest("one long text").id if name in ("ref", "proxy") else others
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["isBase64Encoded"] = False
    event["headers"].pop("idempotency-key", None)
    event["headers"].pop("if-match", None)
    if key is not None:
        event["headers"]["idempotency-key"] = key
    return event


def streamed(operation: str, kind: str) -> Any:
    """As many changes of the largest contacts as one invocation is given: 6 MB."""
    event = sample_event(operation)
    first = event["Records"][0]
    records: list[Any] = []
    size = 0
    while True:
        number = len(records)
        contact = biggest(kind, number)
        new, old = (
            _put(
                keys.contact(ACCOUNT, contact.id),
                contact_item(replace(contact, version=version, tags=tags), "c"),
            )
            for version, tags in ((2, ("vip", "new")), (1, ("vip",)))
        )
        change = {
            **first["dynamodb"],
            "Keys": {name: new[name] for name in ("PK", "SK")},
            "NewImage": new,
            "OldImage": old,
            "SequenceNumber": f"{number:024}",
        }
        record = {**first, "eventID": f"e{number}", "eventName": "MODIFY", "dynamodb": change}
        size += len(json.dumps(record))
        if size > 6_000_000 or number == 100:
            return {"Records": records}
        records.append(record)


def cases() -> Iterator[Case]:
    """Every limit."""
    ref = biggest("one long text").id
    one = f"/v1/contacts/{ref}"
    million = 1_000_000
    new = {"email": "new@example.com"}
    listed: dict[str, Callable[[], Any]] = {
        "page of 100": lambda: asked("list_contacts", query="limit=100"),
        "page of 100 by email": lambda: asked("list_contacts", query="limit=100&sort=email"),
        "1,000 sorted in memory": lambda: asked(
            "list_contacts", query="limit=100&sort=email&tag=vip&include_total=true"
        ),
        "10,000 skipped, with a total": lambda: asked(
            "list_contacts", query="limit=100&offset=900&tag=vip&is_active=true&include_total=true"
        ),
    }
    for kind, fields in KINDS.items():
        yield Case(f"contact of {kind}", "get_contact", asked("get_contact", one), kind)
        yield Case(
            f"create, {kind}",
            "create_contact",
            asked("create_contact", body={**new, "custom_fields": fields}, key="k"),
            kind,
            201,
        )
        yield Case(
            f"change, {kind}",
            "update_contact",
            asked(
                "update_contact",
                one,
                body={"custom_fields": fields, "add_tags": ["a"]},
                key="k",
            ),
            kind,
        )
        yield Case(f"merge, {kind}", "merge_contacts", asked("merge_contacts", one, body={"from": biggest(kind, 1).id}),
                   kind)  # fmt: skip
        for name, event in listed.items():
            yield Case(f"{name}, {kind}", "list_contacts", event(), kind)
        yield Case(
            f"20 words, {kind}",
            "search_contacts",
            asked("search_contacts", query=f"limit=100&include_total=true&q={quote(' '.join(WORDS))}"),
            kind,
        )
        yield Case(f"page of events, {kind}", "list_events", asked("list_events", query="limit=100"), kind)
        yield Case(f"6 MB of changes, {kind}", "project_changes", streamed("project_changes", kind), kind)
        yield Case(f"6 MB of changes, {kind}", "dispatch_webhooks", streamed("dispatch_webhooks", kind), kind)
        updates = [
            {"op": "update", "ref": biggest(kind, number).id, "contact": {"add_tags": ["a"]}}
            for number in range(100)
        ]
        yield Case(f"100 changes, {kind}", "batch_contacts", asked("batch_contacts", body={"operations": updates}),
                   kind, 207)  # fmt: skip
        yield Case(
            f"100 changes once, {kind}",
            "batch_contacts",
            asked("batch_contacts", body={"operations": updates}, key="a key"),
            kind,
            207,
        )
    for unit in ("1", "0.12345678901234", "1e125", '"a"', "{}", "[]"):
        many = ",".join([unit] * (million // (len(unit) + 1)))
        for operation, status in (("create_contact", 400), ("update_contact", 400)):
            path = None if operation == "create_contact" else one
            for name, body in (
                ("tags", f'{{"tags":[{many}]}}'),
                ("metadata", f'{{"metadata":{{"of":[{many}]}}}}'),
            ):
                yield Case(
                    f"1 MB of {unit} in {name}", operation, asked(operation, path, body=body), status=status
                )
        yield Case(f"1 MB of {unit} as operations", "batch_contacts",
                   asked("batch_contacts", body=f'{{"operations":[{many}]}}'), status=400)  # fmt: skip
    creates = [{"op": "create", "contact": {"external_id": f"n{number}", "custom_fields": {"of": [1.5] * 2000}}}
               for number in range(100)]  # fmt: skip
    yield Case("100 creates in 1 MB", "batch_contacts", asked("batch_contacts", body={"operations": creates}),
               status=207)  # fmt: skip
    full = {
        **new,
        "tags": [f"{number:03}{'ü' * 97}" for number in range(MAX_TAGS)],
        "lists": [f"{number:03}{'x' * 97}" for number in range(MAX_LISTS)],
    }
    yield Case("100 tags and 100 lists", "create_contact", asked("create_contact", body=full), status=201)
    filters = "&".join(
        [*(f"tag={quote(tag)}" for tag in full["tags"]), *(f"list={slug}" for slug in full["lists"])]
    )
    yield Case("100 tags and 100 lists to filter by", "list_contacts",
               asked("list_contacts", query=f"limit=100&sort=email&{filters}"))  # fmt: skip
    deep: Any = 1
    for _ in range(19):
        deep = {"k": deep}
    yield Case(
        "20 levels",
        "create_contact",
        asked("create_contact", body={**new, "metadata": {"k": deep}}),
        status=201,
    )
    yield Case("50 gates", "list_gates", asked("list_gates", f"{one}/gates", query="limit=50"))
    yield Case("500 properties", "list_properties", asked("list_properties", query="limit=500"))
    yield Case(
        "page of a timeline",
        "list_contact_events",
        asked("list_contact_events", f"{one}/events", query="limit=100"),
    )
    log = f"/v1/webhooks/{sample_account.WEBHOOK.id}/deliveries"
    yield Case("page of deliveries", "list_deliveries", asked("list_deliveries", log, query="limit=100"))
    data = {"name": "n", "data": {"of": [*range(100, 98 + MAX_DATA_VALUES)], "text": "x" * 10_000}}
    yield Case(
        "data of an event",
        "record_event",
        asked("record_event", f"{one}/events", body=data, key="k"),
        status=202,
    )


@dataclass(frozen=True)
class Cost:
    """What a case took, and may take."""

    case: Case
    memory: float
    """MB, resident at most."""
    cpu_s: float
    function: Function
    answer: Any

    @property
    def memory_budget(self) -> float:
        """MB."""
        return self.function.memory * PART_OF_MEMORY

    @property
    def cpu_budget(self) -> float:
        """Seconds."""
        share = self.function.memory / MB_OF_A_PROCESSOR
        part = 1 if self.function.name in ENDS_IN_TIME else PART_OF_CPU
        return self.function.timeout * min(share, 1) * part

    @property
    def wrong(self) -> str | None:
        """Why this is not as it has to be, if it is not."""
        name = f"{self.case.operation}, {self.case.limit}"
        if self.answer["status"] != self.case.status or self.answer["failed"]:
            return f"{name} answered {self.answer}"
        if self.memory > self.memory_budget:
            return f"{name} took {self.memory:.0f} MB of {self.function.memory}"
        if self.cpu_s > self.cpu_budget:
            return f"{name} took {self.cpu_s:.2f} s of CPU (budget {self.cpu_budget:.2f})"
        return None


def cost_of(case: Case, url: str) -> Cost:
    """Run a case in a process of its own."""
    function = next(one for one in functions() if one.name == case.operation)
    nowhere = "127.0.0.1:9"
    environment = {
        **function.resolved_environment({"Table": NAME, "EmailDns": "on"}),
        "AWS_LAMBDA_RUNTIME_API": nowhere,
        "SERVICES_ENDPOINT": url,
        "AWS_ENDPOINT_URL": url,
    }
    variables = function_environment(function.folder, environment, built_layers(function.layers))
    variables["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    task = {
        "handler": function.handler,
        "event": case.event,
        "memory": function.memory,
        "timeout": max(function.timeout, 120),
    }
    done = subprocess.run(
        [str(PYTHON), "-S", "-m", "bench.limits_worker"],
        cwd=function.folder,
        env=variables,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        failed = {"status": 0, "failed": [], "stderr": done.stderr[-1500:]}
        return Cost(case, function.memory, 0, function, failed)
    report = json.loads(done.stdout)
    return Cost(case, report["memory_mb"], report["cpu_s"], function, report)


def costs(wanted: Sequence[Case]) -> Iterator[Cost]:
    """Cases, run."""
    for kind in KINDS:
        of_kind = [case for case in wanted if case.kind == kind]
        if of_kind:
            with FullTableServer(contents(kind)) as server:
                yield from (cost_of(case, server.url) for case in of_kind)


def run(chosen: str = "") -> Results:
    """Measure every case whose operation or limit has a text in it."""
    table = Results(
        "limits",
        "Memory and CPU at each limit",
        ("limit", "function", "memory MB", "of MB", "CPU s", "budget s", "answer KB"),
    )
    for cost in costs([case for case in cases() if chosen in f"{case.operation}, {case.limit}"]):
        table.rows.append(
            (
                cost.case.limit,
                cost.case.operation,
                round(cost.memory),
                cost.function.memory,
                float(cost.cpu_s),
                float(cost.cpu_budget),
                cost.answer.get("bytes", 0) // 1024,
            )
        )
        if cost.wrong:
            table.failures.append(cost.wrong)
        print(f"\r{len(table.rows)} limits", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    table.notes = [METHOD]
    return table


def main() -> int:
    """Run the command line; the exit code is 1 if a budget was not met."""
    return run(sys.argv[1] if len(sys.argv) > 1 else "").publish()


if __name__ == "__main__":
    sys.exit(main())
