"""A key that may write contacts but not read them is shown nothing that it did not send.

What is stored holds a mark in every field; no answer to such a key may have the mark anywhere.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.accounts.model import Dialect, Scope
from contacts.book.model import HIDDEN, Action, Contact, Outcome, contact_out
from contacts.dialects import wire
from contacts.web.response import answer, shown_to
from tests.support.app import Reply
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE, OPERATIONS, InProcessApi, caller_of
from tests.support.moto_table import MotoTable
from tests.support.native_contacts import native_contacts

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
WRITER = (Scope.CONTACTS_WRITE,)
EMAIL, EXTERNAL_ID = "ada@example.com", "crm-1"
"""The names, which a writer may know."""
MARK, PHONE = "zqzq", "+380509998877"
STORED = {
    "email": EMAIL,
    "external_id": EXTERNAL_ID,
    "first_name": f"{MARK} first",
    "last_name": f"{MARK} last",
    "name": f"{MARK} name",
    "phone": PHONE,
    "tags": [f"{MARK} tag"],
    "lists": [f"{MARK}-list"],
    "custom_fields": {f"{MARK}-key": f"{MARK} value", "plan": f"{MARK} plan"},
    "metadata": {f"{MARK}-meta": {"deep": [f"{MARK} deep"]}},
    "is_unsubscribed": True,
}
SHOWN = {"id", "version", "created_at", "updated_at"}


class Harness:
    """One account with a contact, seen by a key that may read and by one that may only write."""

    def __init__(self, dialect: Dialect = Dialect.NATIVE, scopes: tuple[Scope, ...] = WRITER) -> None:
        client, clock, randomness = MotoTable().client(), FakeClock(), CountingBytes()
        self.reader = InProcessApi(client, ACCOUNT, clock, randomness)
        self.writer = InProcessApi(client, ACCOUNT, clock, randomness, dialect, scopes)
        made = self.reader.request("POST", body=STORED)
        assert made.status == 201, made.body
        self.id: str = made.body["id"]

    def trash(self) -> None:
        assert self.reader.request("DELETE", ONE, self.id).status == 200

    def duplicate(self) -> str:
        body = {"external_id": "crm-2", "first_name": f"{MARK} twin", "tags": [f"{MARK} other"]}
        found: str = self.reader.request("POST", body=body).body["id"]
        return found

    def channel(self) -> str:
        made = self.reader.request("POST", "/v1/channels", body={"type": "telegram", "name": "Bot"})
        found: str = made.body["id"]
        return found


def assert_nothing_leaks(reply: Reply) -> None:
    text = f"{reply.body} {reply.headers}"
    assert MARK not in text
    assert PHONE not in text
    assert "pending" not in reply.headers.get("ETag", "")


UPSERT = {"on_conflict": "update"}
WRITES: dict[str, list[Callable[[Harness], Reply]]] = {
    "POST /v1/contacts": [
        lambda harness: harness.writer.request("POST", body={"email": EMAIL}, query=UPSERT),
        lambda harness: harness.writer.request("POST", body={"external_id": EXTERNAL_ID}, query=UPSERT),
        lambda harness: harness.writer.request("POST", body={"email": "new@example.com"}),
        # Brought back from the trash.
        lambda harness: (harness.trash(), harness.writer.request("POST", body={"email": EMAIL}))[1],
        lambda harness: harness.writer.request(
            "POST",
            body={"email": EMAIL, "tags": [None], "phone": 7},
            query={**UPSERT, "on_invalid": "skip"},
        ),
    ],
    "PATCH /v1/contacts/{ref}": [
        lambda harness: harness.writer.request("PATCH", ONE, harness.id, body={}),
        lambda harness: harness.writer.request("PATCH", ONE, EMAIL, body={"first_name": "Jo"}),
        lambda harness: harness.writer.request("PATCH", ONE, EXTERNAL_ID, body={"add_tags": ["x"]}),
        lambda harness: harness.writer.request("PATCH", ONE, harness.id, body={"custom_fields": {"plan": 1}}),
        lambda harness: harness.writer.request("PATCH", ONE, harness.id, body={"external_id": "crm-9"}),
        lambda harness: harness.writer.request("PUT", ONE, harness.id, body={}),
        lambda harness: harness.writer.request(
            "PUT", ONE, EMAIL, body={}, headers={"if-match": '"1-pending"'}
        ),
        # Of a request that somebody else has made before, the replay.
        lambda harness: (
            harness.reader.request("PATCH", ONE, EMAIL, body={}, headers={"idempotency-key": "k"}),
            harness.writer.request("PATCH", ONE, EMAIL, body={}, headers={"idempotency-key": "k"}),
        )[1],
    ],
    "POST /v1/contacts/{ref}/restore": [
        lambda harness: (harness.trash(), harness.writer.request("POST", f"{ONE}/restore", harness.id))[1]
    ],
    "POST /v1/contacts/{ref}/merge": [
        lambda harness: harness.writer.request(
            "POST", f"{ONE}/merge", harness.id, body={"from": harness.duplicate()}
        ),
        lambda harness: harness.writer.request(
            "POST", f"{ONE}/merge", harness.duplicate(), body={"from": harness.id}
        ),
    ],
    "DELETE /v1/contacts/{ref}": [lambda harness: harness.writer.request("DELETE", ONE, harness.id)],
    "POST /v1/contacts/{ref}/events": [
        lambda harness: harness.writer.request("POST", f"{ONE}/events", harness.id, body={"name": "seen"})
    ],
    "POST /v1/channels": [
        lambda harness: harness.writer.request("POST", "/v1/channels", body={"type": "sms", "name": "x"})
    ],
    "PUT /v1/channels/{id}": [
        lambda harness: harness.writer.request(
            "PUT", "/v1/channels/{id}", harness.channel(), body={"state": False}
        )
    ],
    "POST /v1/channels/{id}/gates": [
        lambda harness: harness.writer.request(
            "POST", "/v1/channels/{id}/gates", harness.channel(), body={"identifier": "7", "first_name": "Jo"}
        )
    ],
}
"""Each route that writes, with requests of a writer. All are carried out."""


def test_every_route_that_writes_contacts_is_in_the_table() -> None:
    writer = Harness().writer
    scopes = {route: writer.handler(name).operation.scopes for route, name in OPERATIONS.items()}
    writing = {route for route in OPERATIONS if Scope.CONTACTS_WRITE in scopes[route]}
    assert writing == set(WRITES)


@pytest.mark.parametrize(
    ("route", "number"),
    [(route, number) for route, writes in WRITES.items() for number in range(len(writes))],
)
def test_a_write_only_key_sees_only_what_it_sent(route: str, number: int) -> None:
    harness = Harness()
    reply = WRITES[route][number](harness)
    assert reply.status < 300, reply.body
    assert_nothing_leaks(reply)
    if reply.headers.get("ETag"):
        assert set(reply.body) - {"skipped"} == SHOWN


def test_a_write_only_key_gets_the_id_and_version_for_its_next_request() -> None:
    harness = Harness()
    made = harness.writer.request("POST", body={"email": "new@example.com"})
    assert (made.status, made.headers["Location"]) == (201, f"/v1/contacts/{made.body['id']}")
    again = harness.writer.request(
        "PATCH", ONE, made.body["id"], body={"first_name": "Jo"}, headers={"if-match": made.headers["ETag"]}
    )
    assert (again.status, again.body["version"]) == (200, 2)
    assert harness.reader.request("GET", ONE, made.body["id"]).body["first_name"] == "Jo"


@pytest.mark.parametrize("scope", [Scope.CONTACTS_READ, Scope.API_USER, Scope.USER])
def test_a_key_that_may_read_sees_the_contact_in_responses_to_writes(scope: Scope) -> None:
    harness = Harness(scopes=(Scope.CONTACTS_WRITE, scope))
    reply = harness.writer.request("PATCH", ONE, harness.id, body={})
    assert (reply.body["first_name"], reply.headers["ETag"]) == (STORED["first_name"], '"1-pending"')


@pytest.mark.parametrize(
    ("dialect", "method", "ref", "body"),
    [
        (Dialect.SENDMATOR, "PUT", EXTERNAL_ID, {}),
        (Dialect.SENDMATOR, "PUT", EXTERNAL_ID, {"first_name": "Jo"}),
        (Dialect.SENDMATOR, "PATCH", EXTERNAL_ID, {"first_name": "Jo"}),
        (Dialect.SENDMATOR, "POST", None, {"email": "new@example.com"}),
        (Dialect.SMASHSEND, "POST", None, {"email": "new@example.com"}),
        (Dialect.SMASHSEND_V2, "POST", None, {"properties": {"email": "new@example.com"}}),
        (Dialect.SMASHSEND_V2, "POST", None, {"properties": {"email": EMAIL}}),
        (Dialect.ARTAMAIL, "POST", None, {"email": EMAIL}),
        (Dialect.ARTAMAIL, "PATCH", EMAIL, {}),
        (Dialect.ARTAMAIL, "PATCH", EMAIL, {"name": "Jo"}),
    ],
)
def test_a_write_only_key_of_a_dialect_sees_an_empty_contact(
    dialect: Dialect, method: str, ref: str | None, body: Any
) -> None:
    """It gets a contact in its shape, with nothing in it."""
    harness, whole = Harness(dialect), Harness(dialect, scopes=(*WRITER, Scope.CONTACTS_READ))
    route = "/v1/contacts" if ref is None else ONE
    reply = harness.writer.request(method, route, ref, body=body)
    assert_nothing_leaks(reply)
    readers = whole.writer.request(method, route, ref, body=body)
    # What is shown only where there is something to show would tell of it.
    assert (reply.status, set(reply.body)) == (readers.status, set(readers.body) - {"phone"})
    assert reply.status < 300


@pytest.mark.parametrize("dialect", [dialect for dialect in Dialect if dialect is not Dialect.NATIVE])
@settings(max_examples=examples(30))
@given(native=native_contacts)
def test_every_writing_route_of_a_dialect_answers_without_the_contact(dialect: Dialect, native: Any) -> None:
    routes: wire.Dialect = import_module(f"contacts.dialects.{dialect}").DIALECT
    told = shown_to(
        caller_of(ACCOUNT, dialect, WRITER),
        answer(Outcome(action=Action.UPDATED, contact=_marked(native))),
    )
    assert set(told.body) == set(HIDDEN)
    for route, translation in routes.routes.items():
        # Answers about what is no contact have other members, and are not withheld.
        if route.startswith("GET") or "propert" in route or "channels" in route or "DELETE" in route:
            continue
        call, reply = wire.VendorRequest(route=route), wire.Reply(200, told.body)
        results = {"results": [{"index": 0, "status": 201, "contact": told.body}]}
        if route.endswith("/batch"):
            call = wire.with_body(call, {"contacts": [{"properties": {"email": EMAIL}}]})
            reply = wire.Reply(207, results)
        if route.endswith("/bulk"):
            call, reply = wire.with_body(call, {"contacts": [{}]}), wire.Reply(207, results)
        shown = translation.from_native(call, reply)
        assert MARK not in str(shown.body)


def _marked(native: Any) -> Contact:
    return Contact(
        id=native["id"],
        version=1,
        created_at=native["created_at"],
        updated_at=native["updated_at"],
        email=f"{MARK}@example.com",
        first_name=f"{MARK}{native['first_name']}",
        tags=(MARK, *native["tags"]),
        custom_fields={MARK: native["custom_fields"]},
    )


@given(
    scopes=some.sets(some.sampled_from(list(Scope))),
    dialect=some.sampled_from(list(Dialect)),
    action=some.sampled_from([action for action in Action if action is not Action.DELETED]),
    native=native_contacts,
    is_replay=some.booleans(),
)
def test_no_outcome_of_any_operation_shows_a_contact_to_a_write_only_key(
    scopes: set[Scope], dialect: Dialect, action: Action, native: Any, is_replay: bool
) -> None:
    contact = _marked(native)
    caller = caller_of(ACCOUNT, dialect, tuple(scopes))
    whole = answer(Outcome(action=action, contact=contact, is_replay=is_replay))
    told = shown_to(caller, whole)
    may_read = bool(scopes & {Scope.CONTACTS_READ, Scope.API_USER, Scope.USER})
    assert (told is whole) is may_read
    assert (MARK in f"{told}") is may_read
    assert (told.status, told.headers.get("Location")) == (whole.status, whole.headers.get("Location"))
    assert told.headers.get("Idempotent-Replayed") == whole.headers.get("Idempotent-Replayed")


def test_the_hidden_contact_has_every_field() -> None:
    contact = Contact(id=ACCOUNT, version=1, created_at="", updated_at="")
    assert set(HIDDEN) == set(contact_out(contact))
    assert replace(contact, first_name=None) == contact
    assert not any(HIDDEN.values())
