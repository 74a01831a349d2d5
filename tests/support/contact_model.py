"""The contact book as the API's documentation tells it, in dictionaries: what the machine of test_contact_machine
holds the real one against. It shares no code with it.

A name (a kind and a value) has at most one owner, live or in the trash. Whoever else takes a name that belongs
to a contact in the trash becomes its owner; that contact then comes back without it, if it comes back.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

DAYS_IN_TRASH = 30
DAYS_A_KEY_IS_KEPT = 7
DAY_S = 86_400

FIELDS = ("external_id", "email", "first_name", "last_name", "phone", "tags", "lists", "custom_fields")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Name = tuple[str, str]
Json = dict[str, Any]


@dataclass
class Said:
    """An answer: of a refusal's body only what a client acts on, in which `None` is anything."""

    status: int
    body: Json = field(default_factory=dict)
    replayed: bool = False


def refused(status: int, code: str, **told: Any) -> Said:
    return Said(status, {"code": code, **told})


NOT_FOUND = refused(404, "contact_not_found")
STALE = refused(412, "stale_version")


@dataclass
class Contact:
    """What is kept of a contact. `full_name` only where the name was given alone."""

    id: str
    created_at: str
    updated_at: str
    version: int = 1
    email: str | None = None
    external_id: str | None = None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    tags: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    custom_fields: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)
    is_active: bool = True
    is_unsubscribed: bool = False
    unsubscribed_at: str | None = None
    validation_status: str = "pending"
    validation_reason: str | None = None
    gates: list[str] = field(default_factory=list)
    """Channels and identifiers."""
    merged_names: list[Name] = field(default_factory=list)
    """Names of contacts merged into it, their ids among them."""

    def shown(self) -> Json:
        """The contact as the API shows it."""
        hidden = ("full_name", "gates", "merged_names")
        shown = {key: value for key, value in vars(self).items() if key not in hidden}
        parts = [part for part in (self.first_name, self.last_name) if part]
        shown["name"] = (" ".join(parts) or None) if self.full_name is None else self.full_name
        return shown

    def says(self) -> str:
        """All that a change can change: where nothing of it does, the contact stays as it is."""
        return json.dumps(
            [self.shown() | {"version": 0, "updated_at": ""}, sorted(self.names())], sort_keys=True
        )

    def names(self) -> Iterator[Name]:
        yield from self.own_names()
        yield from self.merged_names

    def emails(self) -> set[str]:
        return {value for kind, value in self.names() if kind == "email"}

    def own_names(self) -> Iterator[Name]:
        if self.email is not None:
            yield "email", self.email
        if self.external_id is not None:
            yield "external_id", self.external_id
        yield from (("gate", gate) for gate in self.gates)

    def copy(self, **changes: Any) -> "Contact":
        copied = json.loads(json.dumps(vars(self)))
        copied["merged_names"] = list(self.merged_names)
        return Contact(**{**copied, **changes})


@dataclass(frozen=True)
class Trashed:
    contact: Contact
    until_s: int


@dataclass(frozen=True)
class Record:
    """What an Idempotency-Key stands for."""

    request: str
    said: Said
    until_s: int


class Book:
    """One account's contacts."""

    def __init__(self) -> None:
        self.live: dict[str, Contact] = {}
        self.trash: dict[str, Trashed] = {}
        self.owners: dict[Name, str] = {}
        self.records: dict[str, Record] = {}
        self.gates: dict[Name, Json] = {}
        """What was answered when a gate was made."""
        self.opted_out: set[str] = set()
        """Addresses, whoever has them."""
        self.ids: list[str] = []
        """Of every contact there ever was."""

    def let_time_pass(self, now_s: int) -> None:
        """Forget what is over: contacts in the trash with the names that are still theirs, and records."""
        for contact_id in [key for key, trashed in self.trash.items() if trashed.until_s <= now_s]:
            self._forget(self.trash.pop(contact_id).contact)
        self.records = {key: record for key, record in self.records.items() if record.until_s > now_s}

    # Reading

    def get(self, ref: str, by: str | None) -> Said:
        contact_id = self.resolve(ref, by, self.live)
        return NOT_FOUND if contact_id is None else Said(200, self.live[contact_id].shown())

    def listed(self, newest_first: bool, flags: Mapping[str, Any], after: str, before: str) -> list[Json]:
        """Contacts by creation, from `after` on and until `before`."""
        found = sorted(self.live.values(), key=lambda contact: contact.created_at, reverse=newest_first)
        return [
            contact.shown()
            for contact in found
            if after <= contact.created_at < before
            and all(getattr(contact, flag) == wanted for flag, wanted in flags.items())
        ]

    def resolve(self, ref: str, by: str | None, among: Mapping[str, Any]) -> str | None:
        """The id of the contact that a ref names."""
        return self.found(ref, by, among)[0]

    def found(self, ref: str, by: str | None, among: Mapping[str, Any]) -> tuple[str | None, Name | None]:
        """Likewise, and by which name; None where it is its id."""
        if by in (None, "id") and UUID.fullmatch(ref) and ref in among:
            return ref, None
        kinds: list[Name] = []
        if by in (None, "id"):
            kinds.append(("alias", ref))
        if by == "email" or (by is None and "@" in ref):
            kinds.append(("email", stored_email(ref)))
        if by in (None, "external_id"):
            kinds.append(("external_id", ref))
        for name in kinds:
            if self.owners.get(name) in among:
                return self.owners[name], name
        return None, None

    # What follows

    def counts(self) -> dict[str, int]:
        """How many contacts there are, carry a tag, are on a list; without those that none has."""
        found = Counter("ALL" for _ in self.live)
        for contact in self.live.values():
            found.update(f"TAG#{tag}" for tag in contact.tags)
            found.update(f"LIST#{slug}" for slug in contact.lists)
        return dict(found)

    def waiting_for_a_verdict(self) -> set[str]:
        """The ids of those whose email nobody has judged."""
        live = self.live.values()
        return {who.id for who in live if who.email is not None and who.validation_status == "pending"}

    # Writing. `new_id` is the id that a contact got, if this made one.

    def create(self, body: Json, on_conflict: str, now_ms: int, new_id: str | None) -> Said:
        wrong = invalid_fields(body)
        if wrong:
            return refused(400, "invalid_input")
        given = {key: value for key, value in body.items() if value is not None}
        if "email" not in given and "external_id" not in given:
            return refused(400, "invalid_input")
        names = names_in(given)
        taken = [name for name in names if self.owners.get(name) in self.live]
        if taken and on_conflict == "reject":
            return self._taken(taken)
        if taken:
            contact = self.live[self.owners[taken[0]]]
            others = [name for name in taken if self.owners[name] != contact.id]
            if taken[0] in contact.merged_names and others:
                return self._taken(others)
            renamed = renaming_none(body, contact, taken[0])
            return self._changed(contact, subscribing_nobody(renamed), now_ms)
        for kind, value in names:
            if kind == "email" and self.owners.get((kind, value)) in self.trash:
                said = self._restored(self.owners[kind, value], body, now_ms, (kind, value))
                return Said(201, said.body) if said.status == 200 else said
        assert new_id is not None, "nothing stands in the way, but no contact was made"
        at = iso(now_ms)
        blank = Contact(id=new_id, created_at=at, updated_at=at, version=0)
        contact = patched(blank, given, at)
        self._put(contact, blank)
        self.ids.append(new_id)
        return Said(201, contact.shown())

    def arrive(self, channel: Json, identifier: str, body: Json, now_ms: int, made: Json) -> Said:
        """`made`: the gate's id and the contact's, if this made them."""
        if invalid_fields(body):
            return refused(400, "invalid_input")
        name = "gate", f"{channel['id']}:{identifier}"
        owner = self.owners.get(name)
        if owner in self.trash:
            self._restored(owner, {}, now_ms)
        if owner in self.live:
            return Said(200, self.gates[name] | {"contact_id": owner})
        given = {key: value for key, value in body.items() if value is not None}
        taken = [one for one in names_in(given) if self.owners.get(one) in self.live]
        if taken:
            return self._taken(taken)
        at = iso(now_ms)
        blank = Contact(id=made["contact_id"], created_at=at, updated_at=at, version=0, gates=[name[1]])
        contact = patched(blank, given, at)
        self._put(contact, blank)
        self.ids.append(contact.id)
        shown = {"channel": channel, "identifier": identifier, "contact_id": contact.id, "created_at": at}
        self.gates[name] = {"id": made["id"], **shown}
        return Said(201, self.gates[name])

    def gates_of(self, contact_id: str) -> list[Json]:
        """Those by which it arrived, as one or as another that was merged into it."""
        shown = (self.gates["gate", gate] for gate in self.live[contact_id].gates)
        return [gate | {"contact_id": contact_id} for gate in shown]

    def update(
        self, ref: str, by: str | None, body: Json, if_match: int | None, skip: bool, now_ms: int
    ) -> Said:
        left_out = invalid_fields(body)
        if left_out and not skip:
            return refused(400, "invalid_input")
        body = {key: value for key, value in body.items() if key not in left_out}
        contact_id = self.resolve(ref, by, self.live)
        if contact_id is None:
            return NOT_FOUND
        contact = self.live[contact_id]
        if if_match not in (None, contact.version):
            return STALE
        said = self._changed(contact, body, now_ms)
        while skip and said.status in (400, 409):
            in_the_way = said.body["fields"]
            left_out += in_the_way
            body = {key: value for key, value in body.items() if key not in in_the_way}
            said = self._changed(contact, body, now_ms)
        if skip:
            said = Said(200, {**said.body, "skipped": left_out})
        return said

    def delete(self, ref: str, by: str | None, permanent: bool, if_match: int | None, now_ms: int) -> Said:
        contact_id, name = self.found(ref, by, self.live)
        if contact_id is not None:
            contact = self.live[contact_id]
        else:
            contact_id, name = self.found(ref, by, self.trash) if permanent else (None, None)
            if contact_id is None:
                return NOT_FOUND
            contact = self.trash[contact_id].contact
        if name in contact.merged_names:
            return refused(409, "merged_away", existing_id=contact_id)
        if if_match not in (None, contact.version):
            return STALE
        self.live.pop(contact_id, None)
        if permanent:
            self.trash.pop(contact_id, None)
            self._forget(contact)
        else:
            self.trash[contact_id] = Trashed(contact, now_ms // 1000 + DAYS_IN_TRASH * DAY_S)
        return Said(200, {"deleted": True, "id": contact_id, "permanent": permanent})

    def restore(self, ref: str, by: str | None, if_match: int | None, now_ms: int) -> Said:
        contact_id = self.resolve(ref, by, self.trash)
        if contact_id is None:
            return NOT_FOUND
        if if_match not in (None, self.trash[contact_id].contact.version):
            return STALE
        return self._restored(contact_id, {}, now_ms)

    def merge(
        self, ref: str, by: str | None, source: str, source_by: str | None, if_match: int | None, now_ms: int
    ) -> Said:
        winner_id = self.resolve(ref, by, self.live)
        loser_id = self.resolve(source, source_by, self.live)
        if winner_id is None or loser_id is None:
            return refused(404, "contact_not_found", field=None if winner_id is None else "from")
        winner, loser = self.live[winner_id], self.live.pop(loser_id)
        if if_match not in (None, winner.version):
            self.live[loser_id] = loser
            return STALE
        if winner_id == loser_id:
            self.live[loser_id] = loser
            return refused(409, "same_contact", existing_id=winner_id, field="from")
        self._forget(winner)
        self._forget(loser)
        after = united(winner, loser)
        after.version, after.updated_at = winner.version + 1, iso(now_ms)
        self._put(after, after)
        return Said(200, after.shown())

    def judge(self, contact_id: str, status: str, reason: str | None) -> None:
        """A validation verdict: neither `version` nor `updated_at` tells of it."""
        self.live[contact_id] = self.live[contact_id].copy(validation_status=status, validation_reason=reason)

    # Idempotency-Keys

    def known(self, key: str, request: str) -> Said | None:
        """What a request with this key is answered without being carried out, if it is known."""
        record = self.records.get(key)
        if record is None:
            return None
        if record.request != request:
            return refused(422, "idempotency_key_reused")
        return Said(record.said.status, record.said.body, replayed=True)

    def remember(self, key: str, request: str, said: Said, now_ms: int) -> None:
        if said.status < 300:
            self.records[key] = Record(request, said, now_ms // 1000 + DAYS_A_KEY_IS_KEPT * DAY_S)

    # How

    def _restored(self, contact_id: str, body: Json, now_ms: int, by: Name | None = None) -> Said:
        contact = self.trash[contact_id].contact
        lost = [name for name in contact.names() if self.owners.get(name) != contact_id]
        kept = contact.copy(merged_names=[name for name in contact.merged_names if name not in lost])
        for kind, value in contact.own_names():
            if (kind, value) in lost:
                setattr(kept, kind, None)
        back = patched(kept, subscribing_nobody(renaming_none(body, kept, by)), iso(now_ms))
        if not any(back.own_names()):
            return refused(400, "invalid_input") if names_in(body) else refused(409, "names_taken")
        self._forget(contact)
        del self.trash[contact_id]
        self._put(back, kept)
        return Said(200, back.shown())

    def _changed(self, contact: Contact, body: Json, now_ms: int) -> Said:
        body = {key: value for key, value in body.items() if value is not None or not key.startswith("is_")}
        if not any(not key.startswith(("add_", "remove_")) or value for key, value in body.items()):
            return Said(200, contact.shown())
        after = patched(contact, body, iso(now_ms))
        if not any(after.own_names()):
            fields = [key for key in ("email", "external_id") if key in body]
            return refused(400, "invalid_input", fields=fields)
        if after.says() == contact.says():
            return Said(200, contact.shown())
        taken = [name for name in after.names() if self.owners.get(name, contact.id) in self.live]
        taken = [name for name in taken if self.owners.get(name, contact.id) != contact.id]
        if taken:
            return self._taken(taken)
        self._forget(contact)
        if contact.is_unsubscribed and not after.is_unsubscribed:
            self.opted_out -= contact.emails()
        self._put(after, contact)
        return Said(200, after.shown())

    def _taken(self, taken: list[Name]) -> Said:
        kinds = [kind for kind, _ in taken]
        owner = self.owners[taken[0]]
        return refused(409, "duplicate_contact", existing_id=owner, field=kinds[0], fields=kinds)

    def _put(self, contact: Contact, before: Contact) -> None:
        """`before`: the contact as it was, with the addresses that it had."""
        if not self.opted_out.isdisjoint(contact.emails() - before.emails()):
            contact.is_unsubscribed = True
            contact.unsubscribed_at = contact.unsubscribed_at or contact.updated_at
        if contact.is_unsubscribed:
            self.opted_out |= contact.emails()
        self.live[contact.id] = contact
        for name in contact.names():
            self.owners[name] = contact.id

    def _forget(self, contact: Contact) -> None:
        for name in contact.names():
            if self.owners.get(name) == contact.id:
                del self.owners[name]


def patched(contact: Contact, body: Json, at: str) -> Contact:
    """A contact after a PATCH: absent keeps, null clears."""
    after = contact.copy(version=contact.version + 1, updated_at=at)
    for key in ("email", "external_id", "phone", "first_name", "last_name"):
        if key in body:
            setattr(after, key, body[key])
    if body.get("email") is not None:
        after.email = stored_email(body["email"])
    is_alone = body.get("first_name") is None and body.get("last_name") is None
    if ("first_name" in body or "last_name" in body) and not (body.get("name") is not None and is_alone):
        after.full_name = None
    elif "name" in body:
        after.full_name = body["name"]
        first, _, last = (body["name"] or "").partition(" ")
        after.first_name, after.last_name = first or None, last or None
    for key in ("tags", "lists"):
        values = (body[key] or []) if key in body else getattr(after, key)
        values = [value for value in values if value not in (body.get(f"remove_{key}") or [])]
        setattr(after, key, list(dict.fromkeys(values + (body.get(f"add_{key}") or []))))
    for key in ("custom_fields", "metadata"):
        if key in body:
            kept = {} if body[key] is None else {**getattr(after, key), **body[key]}
            gone = [name for name, value in (body[key] or {}).items() if value is None]
            setattr(after, key, {name: value for name, value in kept.items() if name not in gone})
    if body.get("is_active") is not None:
        after.is_active = body["is_active"]
    if body.get("is_unsubscribed") is not None:
        after.is_unsubscribed = body["is_unsubscribed"]
        after.unsubscribed_at = (after.unsubscribed_at or at) if after.is_unsubscribed else None
    if after.email != contact.email:
        after.validation_status, after.validation_reason = "pending", None
    after.merged_names = [name for name in after.merged_names if name not in after.own_names()]
    return after


def subscribing_nobody(body: Json) -> Json:
    """A create's body for a contact that exists: it subscribes nobody again."""
    return {key: value for key, value in body.items() if (key, value) != ("is_unsubscribed", False)}


def renaming_none(body: Json, contact: Contact, by: Name | None) -> Json:
    """A create's body for a contact that exists: without names that came with a merge, where it has one of its own.

    If it was found by such a name, without any, where it has one of its own.
    """
    return {
        key: value
        for key, value in body.items()
        if key not in ("email", "external_id")
        or getattr(contact, key) is None
        or (
            by not in contact.merged_names
            and (
                value is None
                or (key, stored_email(value) if key == "email" else value) not in contact.merged_names
            )
        )
    }


def united(winner: Contact, loser: Contact) -> Contact:
    """What becomes of two contacts that are merged."""
    after = winner.copy()
    for key in ("email", "external_id", "phone"):
        if getattr(winner, key) is None:
            setattr(after, key, getattr(loser, key))
    if winner.email is None and loser.email is not None:
        after.validation_status, after.validation_reason = loser.validation_status, loser.validation_reason
    named = [winner.first_name, winner.last_name, winner.full_name]
    if named == [None, None, None]:
        after.first_name, after.last_name = loser.first_name, loser.last_name
        after.full_name = loser.full_name
    else:
        for key in ("first_name", "last_name"):
            if getattr(winner, key) is None and getattr(loser, key) is not None:
                setattr(after, key, getattr(loser, key))
                after.full_name = None
    for key in ("tags", "lists"):
        more = [value for value in getattr(loser, key) if value not in getattr(winner, key)]
        setattr(after, key, getattr(winner, key) + more)
    for key in ("custom_fields", "metadata"):
        ours, theirs = getattr(winner, key), getattr(loser, key)
        both = {**theirs, **{name: value for name, value in ours.items() if value is not None}}
        setattr(after, key, {**dict.fromkeys(ours), **both})
    if loser.is_unsubscribed:
        after.is_unsubscribed = True
        since = [at for at in (winner.unsubscribed_at, loser.unsubscribed_at) if at is not None]
        after.unsubscribed_at = min(since)
    after.gates = winner.gates + loser.gates
    names = [*loser.own_names(), ("alias", loser.id), *loser.merged_names]
    after.merged_names += [name for name in names if name not in after.own_names()]
    return after


def invalid_fields(body: Json) -> list[str]:
    """Fields that cannot be taken; the machine sends no others than wrong numbers."""
    phone = body.get("phone")
    return ["phone"] if phone is not None and not re.fullmatch(r"\+[1-9]\d{1,14}", phone) else []


def names_in(body: Json) -> list[Name]:
    """The names a body asks for, an email first."""
    asked = [("email", body.get("email")), ("external_id", body.get("external_id"))]
    return [(kind, stored_email(value) if kind == "email" else value) for kind, value in asked if value]


def stored_email(email: str) -> str:
    """Lower-case, an international domain as `xn--`."""
    local, at, domain = email.lower().rpartition("@")
    return f"{local}{at}{domain.encode('idna').decode()}" if at else email.lower()


def iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
