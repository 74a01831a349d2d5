"""Random operations on the API, each answer and the table after each step held against a model of the book.

What the table's stream tells of them is projected now and then: in batches that come twice, in halves, with a record
in between that nobody understands, and with the projection killed in the middle. In the end all of it has been, and
postings, words and counts must be what the contacts say.

Emails, external_ids and Idempotency-Keys come from small pools, so that they meet. Usually some 500 operations are
made, by `make test-thorough` some 2,000;
`CONTACT_MACHINE_OPERATIONS=10000 pytest tests/unit/book/test_contact_machine.py`
makes about that many.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contacts.book.model import Action, Outcome
from contacts.channels.model import Channel, ChannelType
from contacts.channels.store import ChannelStore
from contacts.table import keys as table_keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.app import Reply
from tests.support.contact_model import Book, Json, Said, iso
from tests.support.deterministic import Dice
from tests.support.fakes import FakeClock
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.invariants import counted_in, derived_violations, violations
from tests.support.moto_table import MotoTable, TypedItem
from tests.support.projection_harness import Killed, Mortal, Projection, account_item, differences, reindexer
from tests.support.scenarios import ACCOUNT_ID, BEGAN_MS, DAY_MS
from tests.support.streams import (
    ItemKey,
    Record,
    about_contacts,
    delivered,
    key_of,
    records_between,
    unreadable,
)

OPERATIONS = int(os.environ.get("CONTACT_MACHINE_OPERATIONS", examples(2000)))
STEPS = 50

EMAILS = ["ada@example.com", "Ada@Example.COM", "bea@example.com", "max@bücher.example.com"]
EXTERNAL_IDS = ["crm-1", "CRM-1", "ada@example.com", "0198f3a0-0000-4000-8000-00000000000a", "50%25 a/b?c&d"]
IDENTIFIERS = ["731905284", "crm-1", "a:b#c"]
NOBODY = "0198f3a0-0000-7000-8000-0000000000ff"
VERDICTS = [("valid", None), ("invalid", "no_mx"), ("invalid", "bounced")]
NAMES = ["Ada", "Ada King Lovelace", "Ελένη Παπαδοπούλου", ""]
TAGS, LISTS = ["vip", "beta, or not", "ß"], ["newsletter", "2026-q1", "a_b"]
VALUES: list[Any] = [1, True, 1.5, "", "é", None, [1, None, {}], {"a": {"b": 1e-7}}, 10**37 + 1, -0.1]

# One of each more often than the others, so that they meet.
emails = st.sampled_from([*EMAILS, *EMAILS[:1] * 3])
external_ids = st.sampled_from([*EXTERNAL_IDS, *EXTERNAL_IDS[:1] * 4])
tags = st.lists(st.sampled_from(TAGS), max_size=4)
lists = st.lists(st.sampled_from(LISTS), max_size=3)
objects = st.dictionaries(
    st.sampled_from(["plan", "a.b", "#1", "version"]), st.sampled_from(VALUES), max_size=3
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "email": emails,
    "external_id": external_ids,
    "first_name": st.sampled_from(NAMES),
    "last_name": st.sampled_from(NAMES),
    "name": st.sampled_from(NAMES),
    "phone": st.sampled_from(["+4915112345678", "+12", "+390612345678", "12"]),
    "tags": tags,
    "lists": lists,
    "custom_fields": objects,
    "metadata": objects,
    "is_active": st.booleans(),
    "is_unsubscribed": st.booleans(),
    "add_tags": tags,
    "add_lists": lists,
}
CHANGES = {**FIELDS, "remove_tags": tags, "remove_lists": lists}


def bodies(
    fields: dict[str, st.SearchStrategy[Any]], **always: st.SearchStrategy[Any]
) -> st.SearchStrategy[Json]:
    """Bodies with a few fields, one in five null, and those that are always there."""
    strategies = {name: st.one_of(*[field] * 4, st.none()) for name, field in fields.items()} | always
    few = st.sets(st.sampled_from(sorted(fields)), max_size=3).map(lambda names: sorted({*names, *always}))
    return few.flatmap(lambda names: st.fixed_dictionaries({name: strategies[name] for name in names}))


new_contacts = st.one_of(
    bodies(FIELDS, email=emails),
    bodies(FIELDS, external_id=external_ids),
    bodies(FIELDS, email=emails, external_id=external_ids),
    bodies(FIELDS),
)
changes = st.one_of(
    bodies(CHANGES),
    bodies(CHANGES),
    bodies(CHANGES, email=emails),
    bodies(CHANGES, external_id=external_ids),
)
refs = st.one_of(*[st.integers(0, 5)] * 4, st.integers(-4, -1), emails, external_ids)
"""A number from 0 stands for one of the contacts that are there, a negative one for any there ever was."""
live_refs = st.one_of(*[st.integers(0, 5)] * 10, refs)
kinds = st.sampled_from([*[None] * 9, "id", "email", "external_id"])
mostly_none = st.one_of(*[st.none()] * 8, kinds)
versions = st.sampled_from([*[None] * 6, "current", "older"])
keys = st.sampled_from([*[None] * 8, "k-1", "k-2"])
rarely = st.sampled_from([False, False, False, True])
numbers = st.integers(0, 5)
flags = st.fixed_dictionaries(
    {},
    optional={
        "is_active": st.booleans(),
        "is_unsubscribed": st.booleans(),
        "validation_status": st.sampled_from(["pending", "valid", "invalid"]),
    },
)


def doing(weight: int, name: str, **strategies: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Any]]:
    """A method of the machine with arguments for it, to be chosen with a weight."""
    return [st.tuples(st.just(name), st.fixed_dictionaries(strategies))] * weight


operations = st.sampled_from(
    [
        *doing(5, "create", body=new_contacts, on_conflict=st.sampled_from(["reject", "update"]), key=keys),
        *doing(
            3,
            "arrive",
            number=st.integers(0, 1),
            identifier=st.sampled_from(IDENTIFIERS),
            body=st.one_of(bodies(FIELDS), bodies(FIELDS, email=emails)),
            key=keys,
        ),
        *doing(4, "update", ref=refs, by=kinds, body=changes, skip=st.booleans(), version=versions, key=keys),
        *doing(4, "delete", ref=refs, by=kinds, permanent=rarely, version=versions, key=keys),
        *doing(4, "restore", ref=refs, by=kinds, version=versions, key=keys),
        *doing(
            4,
            "merge",
            ref=live_refs,
            by=mostly_none,
            source=live_refs,
            source_by=mostly_none,
            version=versions,
            key=keys,
        ),
        *doing(1, "repeat"),
        *doing(2, "read", ref=refs, by=kinds),
        *doing(
            1,
            "list_by_creation",
            newest_first=st.booleans(),
            limit=st.integers(1, 4),
            flags=st.one_of(st.just({}), flags),
            bounds=st.one_of(st.none(), st.tuples(numbers, numbers)),
        ),
        *doing(1, "judge", number=numbers, verdict=st.sampled_from(VERDICTS)),
        *doing(1, "wait", days=st.sampled_from([1, 8, 16, 31, 31]), choice=st.randoms(use_true_random=False)),
        *doing(2, "project", seed=st.integers(0, 2**32), dies_after=st.sampled_from([*[None] * 3, 1, 2, 4])),
    ]
).flatmap(lambda chosen: chosen)


@dataclass(frozen=True)
class Ask:
    """A request for a change: what, of whom and on which terms."""

    method: str
    route: str
    ref: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    version: int | None = None
    key: str | None = None

    @property
    def identity(self) -> str:
        """What an Idempotency-Key stands for."""
        return _text([self.method, self.route, self.ref, self.query, self.body])

    def headers(self) -> dict[str, str]:
        headers = {} if self.key is None else {"idempotency-key": self.key}
        return headers if self.version is None else headers | {"if-match": f'"{self.version}-pending"'}


class ContactMachine(RuleBasedStateMachine):
    """The API on a table, and the model."""

    def __init__(self) -> None:
        super().__init__()
        self.table = MotoTable()
        self.clock = FakeClock(BEGAN_MS)
        self.api = InProcessApi(self.table.client(), ACCOUNT_ID, self.clock, Dice("machine"))
        self.book = Book()
        self.keyed: Ask | None = None
        """The latest request that had an Idempotency-Key."""
        self.table.call("put_item", {"TableName": NAME, "Item": account_item(ACCOUNT_ID)})
        self.channels = [self.channel(number) for number in range(2)]
        self.wire = Mortal(self.table.client())
        self.projection = Projection(self.wire)
        self.items: list[TypedItem] = []
        """As of the latest look at the table."""
        self.told: list[Record] = []
        """What the stream tells and is still to be projected."""
        self.gone: set[str] = set()
        """The ids of contacts that were erased, or whose days in the trash ran out."""

    @initialize(bodies=st.lists(new_contacts, min_size=1, max_size=3))
    def begin(self, bodies: list[Json]) -> None:
        for body in bodies:
            self.create(body, "reject", None)

    # All in one rule: of several, Hypothesis leaves out a random half in each run.
    @rule(operation=operations)
    def operate(self, operation: tuple[str, Json]) -> None:
        name, arguments = operation
        getattr(self, name)(**arguments)

    # Writing

    def create(self, body: Json, on_conflict: str, key: str | None) -> None:
        ask = Ask("POST", "/v1/contacts", query={"on_conflict": on_conflict}, body=body, key=key)

        def modelled(reply: Reply) -> Said:
            made = reply.body.get("id") if reply.status == 201 else None
            return self.book.create(body, on_conflict, self.now, made)

        self.write(ask, modelled)

    def arrive(self, number: int, identifier: str, body: Json, key: str | None) -> None:
        channel = self.channels[number]
        sent = {"identifier": identifier, **body}
        ask = Ask("POST", "/v1/channels/{id}/gates", channel["id"], body=sent, key=key)
        self.write(ask, lambda reply: self.book.arrive(channel, identifier, body, self.now, reply.body))

    def update(
        self, ref: str | int, by: str | None, body: Json, skip: bool, version: str | None, key: str | None
    ) -> None:
        name = self.named(ref, self.book.live)
        seen = self.version(version, name, by, self.book.live)
        query = _by(by) | ({"on_invalid": "skip"} if skip else {})
        ask = Ask("PATCH", ONE, name, query, body, seen, key)
        self.write(ask, lambda _: self.book.update(name, by, body, seen, skip, self.now))

    def delete(
        self, ref: str | int, by: str | None, permanent: bool, version: str | None, key: str | None
    ) -> None:
        name = self.named(ref, {**self.book.trash, **self.book.live} if permanent else self.book.live)
        seen = self.version(version, name, by, self.book.live)
        query = _by(by) | ({"permanent": "true"} if permanent else {})
        ask = Ask("DELETE", ONE, name, query, None, seen, key)
        reply = self.write(ask, lambda _: self.book.delete(name, by, permanent, seen, self.now))
        if permanent and reply.status == 200 and "Idempotent-Replayed" not in reply.headers:
            self.gone.add(reply.body["id"])
            tombstone = _typed(table_keys.tombstone(ACCOUNT_ID, reply.body["id"]))
            found = next(item for item in self.table.items() if tombstone.items() <= item.items())
            told = found.keys() - {"merged_ids"}
            assert told == {"PK", "SK", "erased_at", "version", "ttl"}, "no personal data may stay"

    def restore(self, ref: str | int, by: str | None, version: str | None, key: str | None) -> None:
        name = self.named(ref, self.book.trash)
        seen = self.version(version, name, by, self.book.trash)
        ask = Ask("POST", f"{ONE}/restore", name, _by(by), None, seen, key)
        self.write(ask, lambda _: self.book.restore(name, by, seen, self.now))

    def merge(
        self,
        ref: str | int,
        by: str | None,
        source: str | int,
        source_by: str | None,
        version: str | None,
        key: str | None,
    ) -> None:
        winner, loser = self.named(ref, self.book.live), self.named(source, self.book.live)
        seen = self.version(version, winner, by, self.book.live)
        body = {"from": loser} | ({} if source_by is None else {"by": source_by})
        ask = Ask("POST", f"{ONE}/merge", winner, _by(by), body, seen, key)
        self.write(ask, lambda _: self.book.merge(winner, by, loser, source_by, seen, self.now))

    def repeat(self) -> None:
        """Send the latest request with a key again."""
        if self.keyed is not None and self.keyed.key in self.book.records:
            said = self.book.known(self.keyed.key, self.keyed.identity)
            assert said is not None
            self.check(self.send(self.keyed), said)

    # Reading

    def read(self, ref: str | int, by: str | None) -> None:
        name = self.named(ref, self.book.live)
        reply = self.api.request("GET", ONE, name, query=_by(by))
        self.check(reply, self.book.get(name, by))
        if reply.status == 200:
            known = {"if-none-match": reply.headers["ETag"]}
            assert self.api.request("GET", ONE, name, query=_by(by), headers=known).status == 304
            gates = self.api.request("GET", f"{ONE}/gates", reply.body["id"]).body["data"]
            arrived = [gate for gate in gates if gate["channel"]["id"]]
            assert sorted(map(_text, arrived)) == sorted(map(_text, self.book.gates_of(reply.body["id"])))

    def list_by_creation(
        self, newest_first: bool, limit: int, flags: Json, bounds: tuple[int, int] | None
    ) -> None:
        after, before = [self.created(number) for number in bounds] if bounds else ["", "9999"]
        query = {key: json.dumps(value).strip('"') for key, value in flags.items()}
        query |= {"limit": str(limit), "sort": "-created_at" if newest_first else "created_at"}
        query |= {"created_after": after, "created_before": before} if bounds else {}
        pages = list(self.pages(query))
        found = [contact for page in pages for contact in page]
        assert _text(found) == _text(self.book.listed(newest_first, flags, after, before))
        assert all(len(page) <= limit for page in pages)
        assert flags or all(len(page) == limit for page in pages[:-1])

    # What happens meanwhile

    def judge(self, number: int, verdict: tuple[str, str | None]) -> None:
        """Give a verdict on somebody's email."""
        if self.book.live:
            contact_id = self.named(number, self.book.live)
            self.book.judge(contact_id, *verdict)
            self.table.call("update_item", _verdict(contact_id, *verdict))

    def wait(self, days: int, choice: Random) -> None:
        """Let days pass; DynamoDB deletes some of what is over, and the rest late."""
        expired: set[ItemKey] = set()
        self.clock.at_ms += days * DAY_MS
        self.book.let_time_pass(self.now // 1000)
        for item in self.table.items():
            is_over = "ttl" in item and int(item["ttl"]["N"]) <= self.now // 1000
            # The trash sooner than the rest, which then is the projection's to clear.
            if is_over and choice.random() < (0.8 if "snapshot" in item else 0.4):
                self.table.remove(item)
                expired.add(key_of(item))
                if "snapshot" in item:
                    self.gone.add(item["snapshot"]["M"]["id"]["S"])
        self.listen(expired)

    def listen(self, expired: set[ItemKey] | None = None) -> None:
        """Take down what the stream tells of what has just been written."""
        before, self.items = self.items, self.table.items()
        told = records_between(before, self.items, self.now // 1000, expired or ())
        self.told += about_contacts(told)

    def project(self, seed: int, dies_after: int | None) -> None:
        """Project some of what the stream has told, in whatever batches; the rest stays for later."""
        choice = Random(seed)
        ready = self.told[: choice.randint(0, len(self.told))]
        for batch in delivered(ready, choice):
            self.wire.dies_after = dies_after
            if choice.random() < 0.2:
                batch.insert(choice.randint(0, len(batch)), unreadable())
            with suppress(Killed):
                assert self.projection.take(batch) is None
                continue
            self.projection.start_again()
            assert self.projection.take(batch) is None
        self.wire.dies_after = None
        self.told = self.told[len(ready) :]

    def channel(self, number: int) -> Json:
        """A new channel, as gates show it."""
        at = iso(BEGAN_MS)
        channel_id = f"0198f3a0-0000-7000-8000-0000000000c{number}"
        new = Channel(
            id=channel_id, type=ChannelType.TELEGRAM, name=f"bot {number}", created_at=at, updated_at=at
        )
        store = ChannelStore(Table(self.table.client(), NAME), ACCOUNT_ID)
        store.add(new, Outcome(action=Action.CREATED), None, BEGAN_MS)
        return {"id": channel_id, "type": "telegram", "name": new.name}

    # Checking

    @invariant()
    def the_table_is_consistent(self) -> None:
        self.listen()
        # While DynamoDB is at it, a record may be gone before its pointer is.
        found = violations(self.items, ACCOUNT_ID, self.now // 1000)
        assert [wrong for wrong in found if "pointer" not in wrong] == []

    def what_is_derived_is_right(self) -> None:
        """Once everything is projected; so there is nothing that a rebuild would find, either."""
        assert self.projection.take(self.told) is None
        items = self.table.items()
        assert derived_violations(items, ACCOUNT_ID) == []
        report = reindexer(self.table.client()).reindex(ACCOUNT_ID).as_json()
        assert (differences(report), report["contacts"]) == (0, len(self.book.live))
        assert derived_violations(self.table.items(), ACCOUNT_ID) == []
        counted = {
            table_keys.count(ACCOUNT_ID, one).SK: n for one, n in counted_in(items, ACCOUNT_ID).items()
        }
        assert {name: n for name, n in counted.items() if n} == self.book.counts()
        to_validate, to_erase = (
            {body["contact_id"] for body in queue.bodies}
            for queue in (self.projection.to_validate, self.projection.to_erase)
        )
        assert to_validate >= self.book.waiting_for_a_verdict()
        assert to_erase == self.gone
        assert not self.gone & {item["contact_id"]["S"] for item in items if "contact_id" in item}

    def teardown(self) -> None:
        self.what_is_derived_is_right()
        everything = [contact for page in self.pages({"sort": "created_at"}) for contact in page]
        assert _text(everything) == _text(self.book.listed(False, {}, "", "9999"))
        for ref in (*EMAILS, *EXTERNAL_IDS, *self.book.ids):
            self.check(self.api.request("GET", ONE, ref), self.book.get(ref, None))

    def write(self, ask: Ask, modelled: Callable[[Reply], Said]) -> Reply:
        """Send a request for a change, and have the model make it too unless its key is known."""
        self.clock.at_ms += 7
        reply = self.send(ask)
        said = self.book.known(ask.key, ask.identity) if ask.key else None
        if said is None:
            said = modelled(reply)
            if ask.key:
                self.book.remember(ask.key, ask.identity, said, self.now)
                self.keyed = ask
        self.check(reply, said)
        return reply

    def send(self, ask: Ask) -> Reply:
        return self.api.request(
            ask.method, ask.route, ask.ref, query=ask.query, body=ask.body, headers=ask.headers()
        )

    def check(self, reply: Reply, said: Said) -> None:
        assert reply.status == said.status, (reply, said)
        assert (reply.headers.get("Idempotent-Replayed") == "true") is said.replayed
        if said.status >= 400:
            told = {key: value for key, value in said.body.items() if key != "fields"}
            assert {key: reply.body.get(key) for key in told} == told
            return
        body = dict(reply.body)
        if "skipped" in body:
            body["skipped"] = [skipped["field"] for skipped in body["skipped"]]
        assert _text(body) == _text(said.body)
        if "version" in body:
            assert reply.headers["ETag"] == f'"{body["version"]}-{body["validation_status"]}"'

    def pages(self, query: dict[str, str]) -> Iterator[list[Json]]:
        cursor: dict[str, str] = {}
        while True:
            page = self.api.request("GET", query=query | cursor).body
            yield page["data"]
            assert page["has_more"] is (page["next_cursor"] is not None)
            if not page["has_more"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    @property
    def now(self) -> int:
        return self.clock.at_ms

    def named(self, ref: str | int, contacts: Mapping[str, Any]) -> str:
        """The text that stands for a ref."""
        if isinstance(ref, str):
            return ref
        ids = (sorted(contacts) if ref >= 0 else []) or self.book.ids or [NOBODY]
        return ids[ref % len(ids)]

    def version(
        self, version: str | None, name: str, by: str | None, contacts: Mapping[str, Any]
    ) -> int | None:
        """What If-Match asks for."""
        contact_id = self.book.resolve(name, by, contacts)
        if version is None or contact_id is None:
            return None
        found = contacts[contact_id]
        current: int = getattr(found, "contact", found).version
        return current if version == "current" else current - 1

    def created(self, number: int) -> str:
        """When one of the live contacts was made."""
        times = sorted(contact.created_at for contact in self.book.live.values()) or [iso(self.now)]
        return times[number % len(times)]


def _by(by: str | None) -> dict[str, str]:
    return {} if by is None else {"by": by}


def _text(value: Any) -> str:
    """Equal where JSON is: to Python, 1 is True."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _typed(key: table_keys.Key) -> Json:
    return {name: {"S": part} for name, part in key._asdict().items()}


def _verdict(contact_id: str, status: str, reason: str | None) -> Json:
    """The update that a verdict is."""
    update: Json = {
        "TableName": NAME,
        "Key": _typed(table_keys.contact(ACCOUNT_ID, contact_id)),
        "UpdateExpression": "SET validation_status = :s REMOVE validation_reason",
        "ExpressionAttributeValues": {":s": {"S": status}},
    }
    if reason is not None:
        update["UpdateExpression"] = "SET validation_status = :s, validation_reason = :r"
        update["ExpressionAttributeValues"][":r"] = {"S": reason}
    return update


TestContactMachine = ContactMachine.TestCase
TestContactMachine.settings = settings(
    max_examples=max(1, OPERATIONS // STEPS),
    stateful_step_count=STEPS,
    derandomize="CONTACT_MACHINE_OPERATIONS" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
