"""Nobody is subscribed again but by an explicit word on a known contact, whatever way an address takes.

The property goes through every way of writing to a contact, in the native API and in all four dialects, with explicit
flags, nulls and defaults, through the trash, erasures and merges. It holds what is stored against a set of addresses.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from contacts.accounts.model import Dialect
from contacts.core.time import DAY
from contacts.imports.model import Import
from contacts.table import keys
from contacts.table.expressions import Item, from_item
from local.template import functions
from tests.support import dialects
from tests.support.app import Reply
from tests.support.batch_harness import BatchHarness
from tests.support.carrying_harness import CarryingHarness
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable

ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000a"
OTHER_ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000b"
LIST = "/v1/contacts"
EMAILS = [f"{name}@example.com" for name in ("ada", "bea")]
EXTERNAL_IDS = ["crm-1", "crm-2"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A contact as it is stored, live or in the trash."""

    id: str
    emails: frozenset[str]
    is_unsubscribed: bool


class World:
    """One account, seen through every dialect."""

    def __init__(self, account_id: str = ACCOUNT_ID, table: MotoTable | None = None) -> None:
        self.table = table or MotoTable()
        self.account_id = account_id
        self.clock = FakeClock()
        randomness = CountingBytes()
        self.apis = {
            dialect: InProcessApi(self.table.client(), account_id, self.clock, randomness, dialect)
            for dialect in Dialect
        }
        self.native = self.apis[Dialect.NATIVE]
        self.batches = BatchHarness(table=self.table, account_id=account_id, drawn=10**6)
        self.batches.clock = self.clock
        reply = self.native.request("POST", "/v1/channels", body={"type": "telegram", "name": "Bot"})
        self.channel_id: str = reply.body["id"]
        self.imports = CarryingHarness(self.table, account_id)
        self.imports.clock = self.clock
        self.imports.mapping = {name: name for name in ("email", "external_id", "is_unsubscribed", "status")}
        self._beginning = self.table.snapshot(), self.clock.at_ms

    def begun_again(self) -> "World":
        """The account as it was opened. (Loading all handlers anew takes a while.)"""
        snapshot, self.clock.at_ms = self._beginning
        self.table.bring_back(snapshot)
        return self

    def items(self) -> Iterator[Item]:
        prefix = f"ACCOUNT{keys.EXPRESSION_NAME}{self.account_id}"
        return (item for item in map(from_item, self.table.items()) if item["PK"].startswith(prefix))

    def live(self) -> dict[str, Person]:
        return {item["id"]: person(item) for item in self.items() if item.get("kind") == "contact"}

    def trashed(self) -> dict[str, Person]:
        snapshots = (item["snapshot"] for item in self.items() if "snapshot" in item)
        return {snapshot["id"]: person(snapshot) for snapshot in snapshots}

    def contact(self, ref: str) -> Json:
        reply = self.native.request("GET", ONE, ref)
        assert reply.status == 200, reply
        found: Json = reply.body
        return found

    def created(self, **body: Any) -> Json:
        reply = self.native.request("POST", LIST, body=body)
        assert reply.status == 201, reply
        found: Json = reply.body
        return found

    def let_days_pass(self, days: int) -> None:
        """Time goes by, and DynamoDB removes what is over."""
        self.clock.at_ms += days * DAY * 1000
        for item in self.table.items():
            if int(item.get("ttl", {}).get("N", 10**12)) <= self.clock.at_ms // 1000:
                self.table.remove(item)


def person(item: Item) -> Person:
    merged_names = [name.partition(":")[2] for name in item.get("absorbed", ()) if name.startswith("email:")]
    own = [item["email"]] if "email" in item else []
    return Person(item["id"], frozenset(own + merged_names), item["is_unsubscribed"])


the_world = cache(World)


@pytest.fixture
def world() -> World:
    return the_world().begun_again()


# The property


@dataclass(frozen=True)
class Step:
    """One request, and what it may do to consent by its own words."""

    name: str
    send: Callable[[World], Reply | None]
    lifts: bool = False
    """It says `false`, or whatever the dialect says for it, of a contact that it names."""
    opts_out: bool = False
    """It says `true`, or unites two contacts, one of which may have opted out."""
    then: "Step | None" = None
    """What follows at once."""

    def __repr__(self) -> str:
        return self.name


refs = some.sampled_from([*EMAILS, *EXTERNAL_IDS])
emails = some.sampled_from(EMAILS)
flags = some.sampled_from(
    [{}, {"is_unsubscribed": None}, {"is_unsubscribed": False}, {"is_unsubscribed": True}]
)
subscriptions = some.sampled_from([{}, {"subscribed": None}, {"subscribed": True}, {"subscribed": False}])
OPTED_OUT = {"SUBSCRIBED": False, "UNSUBSCRIBED": True}
statuses = some.sampled_from([{}, *({"status": status} for status in (None, *OPTED_OUT))])
names = some.fixed_dictionaries(
    {"email": emails}, optional={"external_id": some.sampled_from(EXTERNAL_IDS), "tags": some.just(["t"])}
)
changes = some.fixed_dictionaries(
    {}, optional={"email": emails, "external_id": some.sampled_from(EXTERNAL_IDS), "is_active": some.none()}
)


def id_of(world: World, ref: str) -> str:
    """The id that a vendor's client has of a contact."""
    reply = world.native.request("GET", ONE, ref)
    found: str = reply.body["id"] if reply.status == 200 else "01941f29-7c00-7aaa-8000-00000000dead"
    return found


def sent(
    dialect: Dialect, method: str, route: str, body: Any = None, ref: str | None = None, **query: str
) -> Any:
    def send(world: World) -> Reply:
        theirs = ref
        if theirs is not None and dialect not in (Dialect.NATIVE, Dialect.ARTAMAIL):
            theirs = dialects.contact_id(dialect, id_of(world, theirs))
        return world.apis[dialect].request(method, route, theirs, body=body, query=query)

    return send


def native_create(body: Json, flag: Json, on_conflict: str) -> Step:
    whole = body | flag
    send = sent(Dialect.NATIVE, "POST", LIST, whole, on_conflict=on_conflict)
    return Step(f"POST {whole} {on_conflict}", send, opts_out=flag.get("is_unsubscribed") is True)


def change(dialect: Dialect, method: str, ref: str, body: Json, flag: Json) -> Step:
    whole, said = body | flag, flag.get("is_unsubscribed")
    if dialect is Dialect.ARTAMAIL:
        whole = {"name": "x"} | flag
        said = {True: False, False: True}.get(flag.get("subscribed"))
    if dialect is Dialect.SMASHSEND_V2:
        whole, said = {"properties": body | flag}, OPTED_OUT.get(flag.get("status"))
    send = sent(dialect, method, ONE, whole, ref)
    name = f"{dialect} {method} {ref} {whole}"
    return Step(name, send, lifts=said is False, opts_out=said is True)


def vendor_create(dialect: Dialect, body: Json) -> Step:
    said = body.get("is_unsubscribed") is True or body.get("subscribed") is False
    said = said or body.get("properties", {}).get("status") == "UNSUBSCRIBED"
    return Step(f"{dialect} POST {body}", sent(dialect, "POST", LIST, body), opts_out=said)


def batch(op: str, ref: str, body: Json, flag: Json) -> Step:
    whole, said = body | flag, flag.get("is_unsubscribed")
    item = {"op": op, "contact": whole} | ({"ref": ref} if op == "update" else {})

    def send(world: World) -> Reply:
        reply = world.batches.batch(item)
        (result,) = reply.body["results"]
        return Reply(result["status"], result.get("contact"), {})

    return Step(f"batch {item}", send, lifts=op == "update" and said is False, opts_out=said is True)


def imported(body: Json, flag: Json, status: Json, restores: bool, undone: bool) -> Step:
    """A file with one row, which may be taken back at once."""
    row = body | flag | status
    said = flag.get("is_unsubscribed") is True or status.get("status") == "UNSUBSCRIBED"

    jobs: list[Import] = []

    def send(world: World) -> Reply:
        jobs.append(world.imports.run([row], restore_trashed=restores))
        return Reply(202, {}, {})

    def undo(world: World) -> Reply:
        if jobs[-1].counts.failed == 0:
            world.imports.undo(jobs[-1].id)
        return Reply(202, {}, {})

    back = Step("takes it back", undo) if undone else None
    return Step(f"imports {row} {restores} {undone}", send, opts_out=said, then=back)


def bulk(body: Json) -> Step:
    """Sendmator's SDK creates many at once."""

    def send(world: World) -> Reply:
        return world.apis[Dialect.SENDMATOR].send("POST", "/api/v1/contacts/bulk", {"contacts": [body]})

    return Step(f"sendmator bulk {body}", send, opts_out=body.get("is_unsubscribed") is True)


def of_sdk(method: str, last: str, ref: str, body: Json | None) -> Step:
    """What Sendmator's SDK sends below a contact."""

    def send(world: World) -> Reply:
        path = f"/api/v1/contacts/{id_of(world, ref)}/{last}"
        return world.apis[Dialect.SENDMATOR].send(method, path, body)

    opts_out = last in ("unsubscribe", "preferences") and method != "GET"
    return Step(f"sendmator {method} {ref}/{last} {body}", send, opts_out=opts_out)


def arrival(identifier: str, body: Json, dialect: Dialect) -> Step:
    fields = {"email": body["email"]}
    whole = {
        "identifier": identifier,
        **({"firstName": "A"} if dialect is Dialect.SMARTSENDER else {}),
        **fields,
    }

    def send(world: World) -> Reply:
        return world.apis[dialect].request("POST", "/v1/channels/{id}/gates", world.channel_id, body=whole)

    return Step(f"{dialect} arrives {whole}", send)


def renaming(ref: str, email: str) -> Step:
    send = sent(Dialect.SMARTSENDER, "PUT", ONE, {"values": {"email": email, "firstName": "A"}}, ref)
    return Step(f"smartsender PUT {ref} {email}", send)


def merge(ref: str, source: str) -> Step:
    send = sent(Dialect.NATIVE, "POST", f"{ONE}/merge", {"from": source}, ref)
    return Step(f"merge {source} into {ref}", send, opts_out=True)


def removal(dialect: Dialect, ref: str, permanent: str) -> Step:
    query = {"permanent": permanent} if dialect is Dialect.NATIVE else {}
    return Step(f"{dialect} DELETE {ref} {permanent}", sent(dialect, "DELETE", ONE, None, ref, **query))


def restoring(ref: str) -> Step:
    return Step(f"restore {ref}", sent(Dialect.NATIVE, "POST", f"{ONE}/restore", None, ref))


def passing(days: int) -> Step:
    return Step(f"{days} days pass", lambda world: world.let_days_pass(days))


of_sendmator = some.builds(lambda body, flag: body | flag, names, flags)
of_artamail = some.builds(lambda email, flag: {"email": email} | flag, emails, subscriptions)
of_smashsend_v2 = some.builds(lambda email, flag: {"properties": {"email": email} | flag}, emails, statuses)
of_smashsend = some.builds(lambda email: {"email": email}, emails)
steps = some.one_of(
    some.builds(native_create, names, flags, some.sampled_from(["reject", "update", "update"])),
    some.builds(
        change,
        some.sampled_from([Dialect.NATIVE, Dialect.NATIVE, Dialect.SENDMATOR]),
        some.just("PUT"),
        refs,
        changes,
        flags,
    ),
    some.builds(
        change,
        some.sampled_from([Dialect.NATIVE, Dialect.SENDMATOR]),
        some.just("PATCH"),
        refs,
        changes,
        flags,
    ),
    some.builds(bulk, of_sendmator),
    some.builds(
        lambda call, ref: of_sdk(call[0], call[1], ref, call[2]),
        some.sampled_from(
            [
                ("POST", "unsubscribe", None),
                ("POST", "unsubscribe", {"is_unsubscribed": False}),
                ("DELETE", "preferences", None),
                ("POST", "tags", {"tags": ["t"], "is_unsubscribed": False}),
                ("DELETE", "tags", {"tags": ["t"], "is_unsubscribed": False}),
                ("POST", "preferences/subscribe-all", {}),
                ("PATCH", "preferences", {"is_unsubscribed": False}),
            ]
        ),
        refs,
    ),
    some.builds(
        change, some.just(Dialect.ARTAMAIL), some.just("PATCH"), emails, some.just({}), subscriptions
    ),
    some.builds(
        change,
        some.just(Dialect.SMASHSEND_V2),
        some.just("PUT"),
        refs,
        some.sampled_from([{}, {"firstName": "A"}, {"email": EMAILS[1]}]),
        statuses,
    ),
    some.builds(vendor_create, some.just(Dialect.SENDMATOR), of_sendmator),
    some.builds(vendor_create, some.just(Dialect.SMASHSEND_V2), of_smashsend_v2),
    some.builds(vendor_create, some.just(Dialect.ARTAMAIL), of_artamail),
    some.builds(vendor_create, some.just(Dialect.SMASHSEND), of_smashsend),
    some.builds(batch, some.sampled_from(["create", "upsert", "update"]), refs, names, flags),
    some.builds(imported, names, flags, statuses, some.booleans(), some.booleans()),
    some.builds(
        arrival, some.sampled_from("12"), names, some.sampled_from([Dialect.NATIVE, Dialect.SMARTSENDER])
    ),
    some.builds(renaming, refs, emails),
    some.builds(merge, refs, refs),
    some.builds(removal, some.sampled_from(Dialect), refs, some.sampled_from(["true", "false"])),
    some.builds(restoring, refs),
    some.builds(passing, some.sampled_from([1, 31])),
)


@settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
@given(some.lists(steps, min_size=15, max_size=30))
def test_only_an_explicit_false_on_a_known_contact_subscribes_again(taken: list[Step]) -> None:
    world, opted_out = the_world().begun_again(), set[str]()
    beginning = [
        native_create({"email": EMAILS[0]}, {"is_unsubscribed": True}, "reject"),
        native_create({"external_id": EXTERNAL_IDS[0]}, {}, "reject"),
    ]
    for step in (one for begun in (*beginning, *taken) for one in (begun, begun.then) if one is not None):
        before, in_trash = world.live(), world.trashed()
        reply = step.send(world)
        assert reply is None or reply.status < 500, (step, reply)
        world.clock.at_ms += 1000
        after = world.live()
        had = {**in_trash, **before}
        for contact_id, now in after.items():
            then = had.get(contact_id)
            if then is not None and then.is_unsubscribed and not now.is_unsubscribed:
                assert step.lifts, (step, then, now)
                assert contact_id in before, "a word on a contact in the trash is no word on a known contact"
                opted_out -= then.emails
            if now.is_unsubscribed and not (then is not None and then.is_unsubscribed):
                taken_over = now.emails - (then.emails if then else frozenset())
                assert step.opts_out or not taken_over.isdisjoint(opted_out), (step, then, now)
        for contact_id, now in {**after, **world.trashed()}.items():
            then = had.get(contact_id)
            if now.is_unsubscribed:
                # One in the trash keeps its flag when a word on another contact gives its address back.
                opted_out |= now.emails - (then.emails if then and then.is_unsubscribed else frozenset())
        for now in after.values():
            assert now.is_unsubscribed or now.emails.isdisjoint(opted_out), (step, now, opted_out)
        assert violations(world.table.items(), ACCOUNT_ID, world.clock.at_ms // 1000) == []


def test_an_address_that_a_file_opted_out_stays_so_when_the_import_is_taken_back() -> None:
    world = the_world().begun_again()
    world.created(external_id="crm-1")
    row = {"external_id": "crm-1", "email": "bea@example.com", "status": "UNSUBSCRIBED"}
    world.imports.undo(world.imports.run([row]).id)
    (known,) = world.live().values()
    assert known.emails == frozenset()
    made = world.native.request("POST", LIST, body={"email": "bea@example.com"})
    assert made.body["is_unsubscribed"] is True


def test_the_property_covers_every_function_that_writes_contacts() -> None:
    """A new function that takes a contact's fields, or brings one back, must be added to the property."""
    covered = {
        *("create_contact", "update_contact", "delete_contact", "restore_contact", "merge_contacts"),
        *("batch_contacts", "add_gate"),
    }
    writing = {
        function.name
        for function in functions()
        for method, path in function.routes
        if method not in ("GET", "HEAD") and ("/contacts" in path or path.endswith("/gates"))
    }
    assert writing - {"record_event"} == covered


# The rows of the table


def _upserted(world: World, email: str) -> Reply:
    world.created(external_id="x")
    body = {"external_id": "x", "email": email}
    return world.native.request("POST", LIST, body=body, query={"on_conflict": "update"})


WAYS_TO_TAKE: Mapping[str, Callable[[World, str], Reply]] = {
    "a create": lambda world, email: world.native.request("POST", LIST, body={"email": email}),
    "a create that says false": lambda world, email: world.native.request(
        "POST", LIST, body={"email": email, "is_unsubscribed": False}
    ),
    "an upsert by another name": _upserted,
    "a rename": lambda world, email: world.native.request(
        "PATCH", ONE, world.created(external_id="x")["id"], body={"email": email}
    ),
    "a rename that says false": lambda world, email: world.native.request(
        "PATCH", ONE, world.created(external_id="x")["id"], body={"email": email, "is_unsubscribed": False}
    ),
    "an arrival": lambda world, email: world.native.request(
        "POST", "/v1/channels/{id}/gates", world.channel_id, body={"identifier": "7", "email": email}
    ),
    "a batch": lambda world, email: world.batches.batch({"op": "upsert", "contact": {"email": email}}),
    "an import": lambda world, email: (
        imported(
            {"email": email},
            {"is_unsubscribed": False},
            {"status": "subscribed"},
            restores=False,
            undone=False,
        ).send(world)
        or Reply(500, {}, {})
    ),
    "Sendmator": lambda world, email: world.apis[Dialect.SENDMATOR].request(
        "POST", LIST, body={"email": email, "is_unsubscribed": False}
    ),
    "SMASHSEND": lambda world, email: world.apis[Dialect.SMASHSEND].request(
        "POST", LIST, body={"email": email}
    ),
    "Artamail": lambda world, email: world.apis[Dialect.ARTAMAIL].request(
        "POST", LIST, body={"email": email, "subscribed": True}
    ),
    "Smart Sender": lambda world, email: world.apis[Dialect.SMARTSENDER].request(
        "POST",
        "/v1/channels/{id}/gates",
        world.channel_id,
        body={"identifier": "7", "firstName": "A", "email": email},
    ),
}


def _erased(world: World, contact_id: str) -> None:
    assert world.native.request("DELETE", ONE, contact_id, query={"permanent": "true"}).status == 200


def _trash_ran_out(world: World, contact_id: str) -> None:
    assert world.native.request("DELETE", ONE, contact_id).status == 200
    world.let_days_pass(31)


def _renamed(world: World, contact_id: str) -> None:
    assert world.native.request("PATCH", ONE, contact_id, body={"email": "new@example.com"}).status == 200


WAYS_TO_LEAVE = {"erased": _erased, "the trash ran out": _trash_ran_out, "renamed": _renamed}


@pytest.mark.parametrize("taken", WAYS_TO_TAKE)
@pytest.mark.parametrize("left", WAYS_TO_LEAVE)
def test_a_contact_that_takes_an_address_takes_its_opt_out(left: str, taken: str, world: World) -> None:
    gone = world.created(email="t@example.com", is_unsubscribed=True)
    WAYS_TO_LEAVE[left](world, gone["id"])
    reply = WAYS_TO_TAKE[taken](world, "t@example.com")
    assert reply.status < 300, reply
    now = world.contact("t@example.com")
    assert now["id"] != gone["id"]
    assert now["is_unsubscribed"]
    assert now["unsubscribed_at"] is not None


@pytest.mark.parametrize("taken", [way for way in WAYS_TO_TAKE if "rename" in way or "upsert" in way])
def test_a_contact_that_takes_an_address_from_the_trash_takes_its_opt_out(taken: str, world: World) -> None:
    gone = world.created(email="t@example.com", is_unsubscribed=True)
    assert world.native.request("DELETE", ONE, gone["id"]).status == 200
    assert WAYS_TO_TAKE[taken](world, "t@example.com").status < 300
    assert world.contact("t@example.com")["is_unsubscribed"]


WAYS_TO_TAKE_AN_EXTERNAL_ID: Mapping[str, Callable[[World], Reply]] = {
    "a create": lambda world: world.native.request("POST", LIST, body={"external_id": "crm-7"}),
    "a create that says false": lambda world: world.native.request(
        "POST", LIST, body={"external_id": "crm-7", "email": "new@example.com", "is_unsubscribed": False}
    ),
    "an upsert": lambda world: world.native.request(
        "POST", LIST, body={"external_id": "crm-7"}, query={"on_conflict": "update"}
    ),
    "a rename": lambda world: world.native.request(
        "PATCH", ONE, world.created(email="new@example.com")["id"], body={"external_id": "crm-7"}
    ),
    "a PUT": lambda world: world.native.request(
        "PUT", ONE, world.created(email="new@example.com")["id"], body={"external_id": "crm-7"}
    ),
    "a batch": lambda world: world.batches.batch({"op": "upsert", "contact": {"external_id": "crm-7"}}),
    "an arrival": lambda world: world.native.request(
        "POST", "/v1/channels/{id}/gates", world.channel_id, body={"identifier": "7", "external_id": "crm-7"}
    ),
    "Sendmator": lambda world: world.apis[Dialect.SENDMATOR].request(
        "POST", LIST, body={"email": "new@example.com", "external_id": "crm-7"}
    ),
}


@pytest.mark.parametrize("opted_out", [True, False])
@pytest.mark.parametrize("taken", WAYS_TO_TAKE_AN_EXTERNAL_ID)
def test_a_contact_that_takes_an_external_id_from_the_trash_takes_its_opt_out(
    taken: str, opted_out: bool, world: World
) -> None:
    """It has no opt-out of its own, as an address has: so the one of the contact in the trash goes along."""
    gone = world.created(external_id="crm-7", is_unsubscribed=opted_out)
    assert world.native.request("DELETE", ONE, gone["id"]).status == 200
    reply = WAYS_TO_TAKE_AN_EXTERNAL_ID[taken](world)
    assert reply.status < 300, reply
    now = world.contact("crm-7")
    assert now["id"] != gone["id"]
    assert (now["is_unsubscribed"], now["unsubscribed_at"] is not None) == (opted_out, opted_out)
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


def test_a_dry_run_says_that_an_opt_out_goes_along(world: World) -> None:
    gone = world.created(external_id="crm-7", is_unsubscribed=True)
    assert world.native.request("DELETE", ONE, gone["id"]).status == 200
    world.created(email="new@example.com")
    row = {"email": "new@example.com", "external_id": "crm-7", "first_name": "A"}
    checked = world.imports.check([row])
    preview = world.imports.files.preview(world.account_id, checked.id)
    assert preview is not None
    (shown,) = preview["contacts"]
    done = world.imports.run([row])
    assert (checked.counts.updated, done.counts.updated) == (1, 1)
    assert shown["is_unsubscribed"] is world.contact("new@example.com")["is_unsubscribed"] is True


@pytest.mark.parametrize("field", ["is_unsubscribed", "is_active"])
@pytest.mark.parametrize("way", ["PATCH", "PUT", "upsert", "batch", "batch upsert", "sendmator"])
def test_null_keeps_a_flag(way: str, field: str, world: World) -> None:
    ada = world.created(email="ada@example.com", is_unsubscribed=True, is_active=False)
    body = {"first_name": "Jo", field: None}
    match way:
        case "PATCH" | "PUT":
            reply = world.native.request(way, ONE, ada["id"], body=body)
        case "upsert":
            upsert = body | {"email": "ada@example.com"}
            reply = world.native.request("POST", LIST, body=upsert, query={"on_conflict": "update"})
        case "batch":
            reply = world.batches.batch({"op": "update", "ref": ada["id"], "contact": body})
        case "batch upsert":
            reply = world.batches.batch({"op": "upsert", "contact": body | {"email": "ada@example.com"}})
        case _:
            reply = world.apis[Dialect.SENDMATOR].request("PUT", ONE, ada["id"], body=body)
    assert reply.status < 300, reply
    now = world.contact(ada["id"])
    assert (now["first_name"], now["is_unsubscribed"], now["is_active"]) == ("Jo", True, False)
    assert now["unsubscribed_at"] == ada["unsubscribed_at"]


EXPLICIT: Mapping[str, Callable[[World, str], Reply]] = {
    "PATCH": lambda world, ref: world.native.request("PATCH", ONE, ref, body={"is_unsubscribed": False}),
    "PUT": lambda world, ref: world.native.request("PUT", ONE, ref, body={"is_unsubscribed": False}),
    "batch": lambda world, ref: world.batches.batch(
        {"op": "update", "ref": ref, "contact": {"is_unsubscribed": False}}
    ),
    "Sendmator": lambda world, ref: world.apis[Dialect.SENDMATOR].request(
        "PUT", ONE, id_of(world, ref), body={"is_unsubscribed": False}
    ),
    "Artamail": lambda world, ref: world.apis[Dialect.ARTAMAIL].request(
        "PATCH", ONE, ref, body={"subscribed": True}
    ),
}


@pytest.mark.parametrize("way", EXPLICIT)
def test_an_explicit_subscription_removes_the_opt_out_of_the_address(way: str, world: World) -> None:
    ada = world.created(email="ada@example.com", is_unsubscribed=True)
    assert EXPLICIT[way](world, "ada@example.com").status < 300
    assert world.contact(ada["id"])["is_unsubscribed"] is False
    _erased(world, ada["id"])
    assert world.created(email="ada@example.com")["is_unsubscribed"] is False


def test_the_addresses_of_merged_contacts_opt_out_and_are_subscribed_together(world: World) -> None:
    ada, bea = world.created(email="ada@example.com"), world.created(email="bea@example.com")
    assert world.native.request("POST", f"{ONE}/merge", ada["id"], body={"from": bea["id"]}).status == 200
    assert EXPLICIT["PATCH"](world, ada["id"]).status == 200
    world.native.request("PATCH", ONE, "bea@example.com", body={"is_unsubscribed": True})
    _erased(world, ada["id"])
    again = world.created(email="bea@example.com")
    assert again["is_unsubscribed"]
    assert world.created(email="ada@example.com")["is_unsubscribed"]
    EXPLICIT["PATCH"](world, again["id"])
    assert world.contact("ada@example.com")["is_unsubscribed"], "another contact was not spoken of"


def opt_outs_in(world: World) -> int:
    return sum(item["SK"] == "OPT_OUT" for item in world.items())


def test_an_address_opts_out_at_the_moment_its_contact_does(world: World) -> None:
    """Not only when it leaves the contact: a create that has looked at the address would not see it any more."""
    ada, bea = world.created(email="ada@example.com"), world.created(email="bea@example.com")
    world.native.request("PATCH", ONE, ada["id"], body={"is_unsubscribed": True})
    assert opt_outs_in(world) == 1
    world.native.request("POST", f"{ONE}/merge", bea["id"], body={"from": ada["id"]})
    assert opt_outs_in(world) == 2
    world.native.request("PATCH", ONE, bea["id"], body={"email": "new@example.com"})
    assert opt_outs_in(world) == 3
    EXPLICIT["PATCH"](world, bea["id"])
    assert opt_outs_in(world) == 1, "the address that was left stays opted out"


def test_a_contact_restored_without_an_address_does_not_opt_that_address_out(world: World) -> None:
    gone = world.created(email="t@example.com", external_id="crm-1", is_unsubscribed=True)
    world.native.request("DELETE", ONE, gone["id"])
    assert _upserted(world, "t@example.com").status == 200
    EXPLICIT["PATCH"](world, "t@example.com")
    assert world.native.request("POST", f"{ONE}/restore", "crm-1").status == 200
    _erased(world, world.contact("t@example.com")["id"])
    assert world.created(email="t@example.com")["is_unsubscribed"] is False


def test_a_create_in_each_dialect_with_such_a_field_can_opt_out(world: World) -> None:
    theirs = {
        Dialect.NATIVE: {"email": "n@example.com", "is_unsubscribed": True},
        Dialect.SENDMATOR: {"email": "s@example.com", "is_unsubscribed": True, "phone": "+14155552671"},
        Dialect.ARTAMAIL: {"email": "a@example.com", "subscribed": False},
    }
    for dialect, body in theirs.items():
        assert world.apis[dialect].request("POST", LIST, body=body).status == 201
        assert world.contact(body["email"])["is_unsubscribed"]
    assert world.contact("s@example.com")["phone"] == "+14155552671"


def test_an_opt_out_applies_in_its_account_only(world: World) -> None:
    gone = world.created(email="t@example.com", is_unsubscribed=True)
    _erased(world, gone["id"])
    elsewhere = World(OTHER_ACCOUNT_ID, world.table)
    assert elsewhere.created(email="t@example.com")["is_unsubscribed"] is False


def test_no_item_reveals_an_erased_address(world: World) -> None:
    gone = world.created(email="t@example.com", first_name="Tess", is_unsubscribed=True)
    _erased(world, gone["id"])
    assert "t@example.com" not in json.dumps(world.table.items())
    left = [item for item in world.items() if item["SK"] == "OPT_OUT"]
    assert [item.keys() for item in left] == [{"PK", "SK"}]


def test_an_address_that_opted_out_without_an_item_gets_one_when_it_leaves(world: World) -> None:
    """An older version of this service wrote the contact's flag and nothing else."""
    for left in WAYS_TO_LEAVE.values():
        gone = world.created(email="t@example.com", is_unsubscribed=True)
        for item in world.table.items():
            if item["SK"]["S"] == "OPT_OUT":
                world.table.remove(item)
        left(world, gone["id"])
        taken = world.created(email="t@example.com")
        assert taken["is_unsubscribed"], left
        EXPLICIT["PATCH"](world, taken["id"])
        _erased(world, taken["id"])


def test_a_flag_that_stays_as_it_is_costs_no_read(world: World) -> None:
    ada = world.created(email="ada@example.com")
    reply = world.native.request("PUT", ONE, ada["id"], body={"first_name": "A", "is_unsubscribed": False})
    assert (reply.status, reply.body["version"]) == (200, 2)
    assert [item for item in world.items() if item["SK"] == "OPT_OUT"] == []
