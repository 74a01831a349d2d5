"""A contact, and the rules that it keeps. No input or output.

In this order: gates, `Contact`, its attributes in the table, its limits, `Change` (what an update changes), new
contacts, and `ContactOut` (a contact as the API shows it).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from contacts.core.answers import Json, Moment, Uuid
from contacts.core.errors import (
    ContactNotFound,
    ContactTooLarge,
    DuplicateContact,
    FieldError,
    InvalidInput,
)
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Name, NameKind, made_at_ms
from contacts.core.json import same_json
from contacts.core.text import composed, spellings
from contacts.core.time import DAY, iso
from contacts.core.violations import UNREACHABLE, contact_with_more_than


class Gate(NamedTuple):
    """A contact's address on a channel, such as a chat id. Like an email, a gate is a name of its contact.

    Its id is a UUID version 7, which contains the time of creation.
    """

    id: str
    channel_id: str
    identifier: str
    """What the channel calls the contact: a chat id or a number; case-sensitive."""

    @property
    def name(self) -> Name:
        """The gate as a name: unique on its channel, and so in its account."""
        return gate_name(self.channel_id, self.identifier)

    @property
    def created_at(self) -> str:
        """When the gate was created (ISO 8601)."""
        return iso(made_at_ms(self.id))


class ValidationStatus(StrEnum):
    """What is known about an email address."""

    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"


class Reason(StrEnum):
    """Why an address is invalid."""

    SYNTAX = "syntax"
    """It is no email address."""
    DISPOSABLE = "disposable"
    """Its domain hands out addresses that are thrown away after use."""
    NO_MX = "no_mx"
    """Its domain does not exist, or has neither a mail exchanger nor an address (RFC 5321 §5.1)."""
    NULL_MX = "null_mx"
    """Its domain says that it takes no mail (RFC 7505)."""
    BOUNCED = "bounced"
    """Mail to it came back for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One person in one account. Timestamps are ISO 8601 in UTC with milliseconds and `Z`."""

    id: str
    version: int
    created_at: str
    updated_at: str
    email: str | None = None
    external_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    """Set only if the caller gave `name` without first and last name; see `display_name`."""
    phone: str | None = None
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    custom_fields: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    is_active: bool = True
    is_unsubscribed: bool = False
    unsubscribed_at: str | None = None
    validation_status: ValidationStatus = ValidationStatus.PENDING
    validation_reason: str | None = None
    merged_names: tuple[Name, ...] = ()
    """Names that came with merges: of contacts merged into this one. Their gates are in `gates` instead."""
    gates: tuple[Gate, ...] = ()
    """The contact's addresses on channels."""

    @property
    def display_name(self) -> str | None:
        """The name as the caller gave it, or else first and last name."""
        if self.name is not None:
            return self.name
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None

    @property
    def names(self) -> tuple[Name, ...]:
        """Every name that leads to this contact."""
        own = []
        if self.email is not None:
            own.append(Name(NameKind.EMAIL, self.email))
        if self.external_id is not None:
            own.append(Name(NameKind.EXTERNAL_ID, self.external_id))
        return (*own, *(gate.name for gate in self.gates), *self.merged_names)

    @property
    def emails(self) -> frozenset[str]:
        """The contact's email and the emails that came with merges. They all opt out when the contact does."""
        merged_names = (name.value for name in self.merged_names if name.kind is NameKind.EMAIL)
        return frozenset(merged_names if self.email is None else (self.email, *merged_names))

    def opted_out(self, at: str) -> "Contact":
        """Returns the contact unsubscribed: since `at`, or since earlier if it already was."""
        return replace(self, is_unsubscribed=True, unsubscribed_at=self.unsubscribed_at or at)

    @property
    def merged_ids(self) -> tuple[str, ...]:
        """The ids of the contacts merged into this one. Their events and the like are stored under these ids."""
        return tuple(name.value for name in self.merged_names if name.kind is NameKind.ALIAS)

    @property
    def is_reachable(self) -> bool:
        """Whether the contact has at least one of email, external_id and a gate."""
        return self.email is not None or self.external_id is not None or bool(self.gates)

    def owning_its_names(self) -> "Contact":
        """Returns the contact without merged names that are now its own email or external_id."""
        own = {Name(NameKind.EMAIL, self.email or ""), Name(NameKind.EXTERNAL_ID, self.external_id or "")}
        if own.isdisjoint(self.merged_names):
            return self
        return replace(self, merged_names=tuple(name for name in self.merged_names if name not in own))

    def without(self, lost: Iterable[Name]) -> "Contact":
        """Returns the contact without `lost`: names that other contacts have taken."""
        gone = set(lost)
        if not gone:
            return self
        return replace(
            self,
            email=None if Name(NameKind.EMAIL, self.email or "") in gone else self.email,
            external_id=None
            if Name(NameKind.EXTERNAL_ID, self.external_id or "") in gone
            else self.external_id,
            merged_names=tuple(name for name in self.merged_names if name not in gone),
            gates=tuple(gate for gate in self.gates if gate.name not in gone),
        )


_FIELDS: Final = tuple(entry.name for entry in fields(Contact) if entry.name != "merged_names")
"""The fields whose attribute in the item has the same name."""
STORED_FIELDS: Final = (*_FIELDS, "absorbed")
"""The attributes of a contact in its item; `merged_names` is stored as `absorbed`."""
_SEQUENCES: Final = frozenset({"tags", "lists"})


def contact_values(contact: Contact) -> dict[str, object]:
    """Returns the attributes of a contact's item, by name."""
    values: dict[str, object] = {key: getattr(contact, key) for key in _FIELDS}
    values["absorbed"] = [f"{name.kind}:{name.value}" for name in contact.merged_names] or None
    values["gates"] = [":".join(gate) for gate in contact.gates] or None
    return values


def contact_from(item: Mapping[str, Any]) -> Contact:
    """Returns the contact that an item stores."""
    values: dict[str, Any] = {key: item[key] for key in _FIELDS if key in item}
    for key in _SEQUENCES:
        values[key] = tuple(values.get(key, ()))
    values["validation_status"] = ValidationStatus(values["validation_status"])
    merged_names = tuple(
        Name(NameKind(kind), value)
        for kind, _, value in (entry.partition(":") for entry in item.get("absorbed", ()))
    )
    values["gates"] = tuple(Gate(*entry.split(":", 2)) for entry in values.get("gates", ()))
    return Contact(**values, merged_names=merged_names)


MAX_GATES: Final = 50
"""Gates of one contact. A contact is created with at most one; more come by merging."""
LONGEST_IDENTIFIER: Final = 255
"""Characters."""
MAX_IDENTIFIER_BYTES: Final = 1000
"""In UTF-8. The identifier is part of a sort key, which DynamoDB limits to 1,024 bytes."""


def gate_name(channel_id: str, identifier: str) -> Name:
    """Returns the name of the contact with an identifier on a channel."""
    return Name(NameKind.GATE, f"{channel_id}:{identifier}")


MAX_TAGS: Final = 100
MAX_LISTS: Final = 100
LONGEST_TAG: Final = 100
"""Characters."""
SLUG: Final = "[a-z0-9][a-z0-9_-]{0,99}"
"""The pattern of a list's name."""
MAX_BYTES: Final = 350 * 1024
"""Limit of a contact's size as DynamoDB counts it.

An item may have 400 KB; the item in the trash adds a few attributes.
"""
TRASH_DAYS: Final = 30


SCALARS: Final = (
    "email",
    "external_id",
    "first_name",
    "last_name",
    "name",
    "phone",
    "is_active",
    "is_unsubscribed",
)
SEQUENCES: Final = ("tags", "lists")
EDITS: Final = ("add_tags", "remove_tags", "add_lists", "remove_lists")
PARTS_OF_NAME: Final = ("first_name", "last_name")
MAPS: Final = ("custom_fields", "metadata")
FLAGS: Final = ("is_active", "is_unsubscribed")
"""Fields that a null leaves as they are."""
DEFAULTS: Final[Mapping[str, object]] = {"tags": (), "lists": ()}
"""The values that a null in an update sets. Any other field becomes absent, except the flags."""


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Returns the values without repetitions, in the order of their first occurrence."""
    return tuple(dict.fromkeys(values))


def named_alone(name: str | None) -> dict[str, object]:
    """Returns the fields that a `name` given alone sets: `name`, and first and last name, split at the first space."""
    if name is None:
        return {"name": None, "first_name": None, "last_name": None}
    first, _, last = name.strip().partition(" ")
    return {"name": name, "first_name": first or None, "last_name": last.strip() or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The fields that a caller asks to change. Absent keeps, None clears (but keeps a flag), maps merge by key."""

    fields: Mapping[str, object] = field(default_factory=dict)
    """New values of scalars and sequences, by field; None clears. A flag is never None."""
    maps: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    """Entries to set in `custom_fields` and `metadata`. A value None drops its key; None for a map empties it."""
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    add_lists: tuple[str, ...] = ()
    remove_lists: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> "Change":
        """Returns the change that the validated body of an update asks for."""
        fields = {key: given[key] for key in (*SCALARS, *SEQUENCES) if key in given}
        fields = {key: value for key, value in fields.items() if value is not None or key not in FLAGS}
        if fields.get("name") is not None and all(fields.get(part) is None for part in PARTS_OF_NAME):
            fields |= named_alone(fields["name"])  # type: ignore[arg-type]
        elif not fields.keys().isdisjoint(PARTS_OF_NAME):
            fields["name"] = None
        elif "name" in fields:
            fields |= named_alone(None)
        for key, default in DEFAULTS.items():
            if key in fields and fields[key] is None:
                fields[key] = default
        fields |= {key: distinct(fields[key]) for key in SEQUENCES if key in fields}  # type: ignore[arg-type]
        maps = {key: given[key] for key in MAPS if key in given}
        steps = {key: distinct(given[key]) for key in EDITS if given.get(key)}  # type: ignore[arg-type]
        return cls(fields=fields, maps=maps, **steps)  # type: ignore[arg-type]

    @classmethod
    def of_create(cls, given: Mapping[str, object]) -> "Change":
        """Returns the change that a create makes to a contact that exists already, live or in the trash.

        A create may unsubscribe the contact but never subscribes it again: many callers send `false` as a default,
        without knowing the contact.
        """
        change = cls.of(given)
        return change.without("is_unsubscribed") if change.fields.get("is_unsubscribed") is False else change

    @property
    def is_empty(self) -> bool:
        """Whether the change contains nothing."""
        return not (self.fields or self.maps or self.edits_sequences)

    @property
    def edits_sequences(self) -> bool:
        """Whether it adds or removes single tags or lists, which requires reading the present ones."""
        return bool(self.add_tags or self.remove_tags or self.add_lists or self.remove_lists)

    @property
    def touches_names(self) -> bool:
        """Whether it sets or clears the email or the external_id."""
        return "email" in self.fields or "external_id" in self.fields

    @property
    def names(self) -> frozenset[Name]:
        """The email and the external_id that it sets."""
        values = {kind: self.fields.get(kind) for kind in (NameKind.EMAIL, NameKind.EXTERNAL_ID)}
        return frozenset(Name(kind, str(value)) for kind, value in values.items() if value is not None)

    @property
    def map_keys(self) -> int:
        """Number of keys of maps that the change sets or drops."""
        return sum(len(entries) for entries in self.maps.values() if entries is not None)

    def without(self, *names: str) -> "Change":
        """Returns the change without the named fields."""
        steps = {key: () for key in EDITS if key in names}
        kept = {key: value for key, value in self.fields.items() if key not in names}
        maps = {key: value for key, value in self.maps.items() if key not in names}
        return replace(self, fields=kept, maps=maps, **steps)

    def alters(self, contact: Contact) -> bool:
        """Whether the contact differs after this change.

        Raises: as `applied_to`.
        """
        return not is_same(contact, self.applied_to(contact, contact.updated_at))

    def applied_to(self, contact: Contact, at: str) -> Contact:
        """Returns the contact after this change, with the next version, updated at `at`; see `is_same`.

        Raises:
            InvalidInput: the contact would have too many tags or lists, or neither an email, an external_id nor a gate.
        """
        values = dict(self.fields)
        errors: list[FieldError] = []
        for key, limit in (("tags", MAX_TAGS), ("lists", MAX_LISTS)):
            added, removed = getattr(self, f"add_{key}"), set(map(composed, getattr(self, f"remove_{key}")))
            if not added and not removed:
                continue
            before: Iterable[str] = values.get(key, getattr(contact, key))  # type: ignore[assignment]
            kept = (value for value in map(composed, before) if value not in removed)
            after = distinct((*kept, *added))
            if len(after) > limit:
                errors.append(FieldError(f"add_{key}", contact_with_more_than(limit, key)))
            values[key] = after
        for key, entries in self.maps.items():
            values[key] = {} if entries is None else merged(getattr(contact, key), entries)
        if "is_unsubscribed" in values:
            values["unsubscribed_at"] = (contact.unsubscribed_at or at) if values["is_unsubscribed"] else None
        if "email" in values and values["email"] != contact.email:
            values["validation_status"] = ValidationStatus.PENDING
            values["validation_reason"] = None
        after_change = replace(contact, **values, version=contact.version + 1, updated_at=at)  # type: ignore[arg-type]
        if self.touches_names:
            after_change = after_change.owning_its_names()
        if not after_change.is_reachable:
            errors.extend(error for error in unreachable() if error.field in self.fields)
        if errors:
            raise InvalidInput(errors)
        return after_change


def unreachable() -> list[FieldError]:
    """Returns the errors of a contact that has neither an email nor an external_id."""
    return [FieldError(field, UNREACHABLE) for field in ("email", "external_id")]


def merged(existing: Mapping[str, object], entries: Mapping[str, object]) -> dict[str, object]:
    """Returns `existing` updated by `entries`; None drops a key (RFC 7396, one level deep).

    A key of `existing` that is an entry's in another spelling is dropped: an earlier release has stored it so.
    """
    old = {spelling for key in entries for spelling in spellings(key)}
    result = {key: value for key, value in existing.items() if key not in old or entries.get(key) is not None}
    result.update({key: value for key, value in entries.items() if value is not None})
    return result


def new_contact(
    contact_id: str, given: Mapping[str, object], at: str, gates: tuple[Gate, ...] = ()
) -> Contact:
    """Returns the contact that a validated body creates. `gates`: the gates that it is created through.

    Raises:
        InvalidInput: it has neither an email, an external_id nor a gate, or too many tags or lists.
    """
    change = Change.of({key: value for key, value in given.items() if value is not None})
    values = dict(change.fields)
    for key in SEQUENCES:
        values[key] = distinct((*values.get(key, ()), *(given.get(f"add_{key}") or ())))  # type: ignore[misc]
    if values.get("is_unsubscribed"):
        values["unsubscribed_at"] = at
    contact = Contact(
        id=contact_id,
        version=1,
        created_at=at,
        updated_at=at,
        custom_fields=merged({}, change.maps.get("custom_fields") or {}),
        metadata=merged({}, change.maps.get("metadata") or {}),
        gates=gates,
        **values,  # type: ignore[arg-type]
    )
    if not contact.is_reachable:
        raise InvalidInput(unreachable())
    errors = [
        FieldError(f"add_{key}", contact_with_more_than(limit, key))
        for key, limit in (("tags", MAX_TAGS), ("lists", MAX_LISTS))
        if len(getattr(contact, key)) > limit
    ]
    if errors:
        raise InvalidInput(errors)
    return contact


class ContactOut(TypedDict):
    """One person in one account."""

    id: Uuid
    """Ours, and for ever."""
    external_id: str | None
    """The caller's own id of the contact; unique in the account, case-sensitive."""
    email: str | None
    """Lower-case, an international domain as `xn--`; unique in the account."""
    first_name: str | None
    last_name: str | None
    name: str | None
    """As given, or else composed of first and last name."""
    phone: str | None
    """E.164."""
    tags: list[str]
    lists: list[str]
    custom_fields: Json
    """Any JSON; typed where a contact property defines it."""
    metadata: Json
    is_active: bool
    is_unsubscribed: bool
    unsubscribed_at: Moment | None
    validation_status: ValidationStatus
    validation_reason: Annotated[str, Reason] | None
    """Why the email is invalid."""
    version: int
    """One more with every change that a caller makes. A write that changes nothing does not move it, nor does a verdict
    on the email."""
    created_at: Moment
    updated_at: Moment


class SkippedOut(TypedDict):
    """A field that `on_invalid=skip` has left out."""

    field: str
    reason: str


class WrittenContactOut(ContactOut):
    """A contact as a write has left it."""

    skipped: NotRequired[list[SkippedOut]]
    """Only with `on_invalid=skip`."""
    test_mode: NotRequired[Literal[True]]
    """Only of a test key: nothing was kept."""


class WithheldContactOut(TypedDict):
    """What a write tells of a contact to a key that may not read contacts."""

    id: Uuid
    version: int
    created_at: Moment
    updated_at: Moment
    skipped: NotRequired[list[SkippedOut]]
    """Only with `on_invalid=skip`."""
    test_mode: NotRequired[Literal[True]]
    """Only of a test key: nothing was kept."""


CREATE_ERRORS: Final = (DuplicateContact, ContactTooLarge, ContactNotFound)
"""Errors of operations that create contacts. ContactNotFound: a repetition is about a contact that has been erased."""


class DeletedContactOut(TypedDict):
    """What has become of a contact."""

    deleted: Literal[True]
    id: Uuid
    permanent: bool
    """Whether it is gone for good; else it can be restored for 30 days."""


def contact_out(contact: Contact) -> ContactOut:
    """Returns a contact as the API shows it."""
    return {
        "id": contact.id,
        "external_id": contact.external_id,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "name": contact.display_name,
        "phone": contact.phone,
        "tags": list(contact.tags),
        "lists": list(contact.lists),
        "custom_fields": dict(contact.custom_fields),
        "metadata": dict(contact.metadata),
        "is_active": contact.is_active,
        "is_unsubscribed": contact.is_unsubscribed,
        "unsubscribed_at": contact.unsubscribed_at,
        "validation_status": contact.validation_status,
        "validation_reason": contact.validation_reason,
        "version": contact.version,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }


_OF_EVERY_CHANGE: Final = ("version", "updated_at")


def is_same(one: Contact, another: Contact) -> bool:
    """Compares two states of a contact without `version` and `updated_at`. Returns whether they are equal."""
    shown = (
        {key: value for key, value in contact_out(state).items() if key not in _OF_EVERY_CHANGE}
        for state in (one, another)
    )
    return set(one.names) == set(another.names) and same_json(*shown)


SHOWN_TO_WRITERS: Final = ("id", "version", "created_at", "updated_at")
"""The fields of a contact shown to a key that may write contacts but not read them."""
HIDDEN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(ContactOut.__annotations__),
    "tags": [],
    "lists": [],
    "custom_fields": {},
    "metadata": {},
}
"""A contact with every field empty, for dialects whose responses need every field."""


class Action(StrEnum):
    """What an operation did. Idempotency records store the values."""

    CREATED = "created"
    UPDATED = "updated"
    RESTORED = "restored"
    RECREATED = "recreated"
    """A create found its email in the trash and brought that contact back."""
    DELETED = "deleted"
    FOUND = "found"
    """The thing to create existed already; nothing changed."""
    MERGED = "merged"
    PREVIEWED = "previewed"
    """Nothing was done: the contact is as it would be. Never recorded."""
    QUEUED = "queued"
    """Another function does it in a moment."""
    RECORDED = "recorded"
    """A custom event is in the contact's timeline; webhooks receive it in a moment."""
    BEGUN = "begun"
    """A batch has begun. Each of its items has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an operation.

    `contact`: the contact as it was after the operation. `details`: the other members of the response; if the operation
    is not about a contact, all of them, without secrets.
    """

    action: Action
    contact: Contact | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_replay: bool = False
    secrets: Mapping[str, object] = field(default_factory=dict)
    """Shown in the first response only, and never recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge to be written: both contacts as they were read, and `after`, the winner after the merge."""

    winner: Contact
    loser: Contact
    after: Contact
    at_ms: int
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Preconditions:
    """If-Match and Idempotency-Key of a request.

    `versions`: the contact's version must be one of these (empty: any). `idempotency_key`: the operation runs once for
    it.
    """

    versions: Sequence[int] = ()
    idempotency_key: IdempotencyKey | None = None


UNCONDITIONAL: Final = Preconditions()


class ContactState(StrEnum):
    """The state of a contact. Claims store the values."""

    LIVE = "live"
    DELETED = "deleted"
    """In the trash: it can be restored for 30 days."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The contact that a name belongs to. `expires_at` (seconds since the epoch): only while it is in the trash."""

    contact_id: str
    state: ContactState
    expires_at: int | None = None


class Quiet(Enum):
    """Who does not hear of a write. The values are stored with what is written."""

    ALL = True
    """Neither the projection nor the dispatcher of events: a restore from a backup."""
    EVENTS = "events"
    """The dispatcher alone: a row of an import that has one event when it ends. Postings and counts follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A contact that goes from one state to another, with everything that must be written in the same transaction.

    `before` None: the contact is created. `after` None: it is erased. `was` and `becomes` are the states.
    """

    before: Contact | None
    was: ContactState | None
    after: Contact | None
    becomes: ContactState | None
    at_ms: int
    lost: frozenset[Name] = frozenset()
    """Names that other contacts have taken while this contact was in the trash."""
    spares_trashed: frozenset[Name] = frozenset()
    """Names that the contact may not take from a contact in the trash."""
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None
    quiet: Quiet | None = None
    """Who does not hear of it; None: everybody does."""

    @property
    def taken_emails(self) -> frozenset[str]:
        """The emails that the contact did not have before."""
        had = frozenset[str]() if self.before is None else self.before.without(self.lost).emails
        return frozenset() if self.after is None else self.after.emails - had

    def opted_out(self) -> "Transition":
        """Returns the transition with the contact unsubscribed after it."""
        assert self.after is not None, "only a contact can opt out"
        after = self.after.opted_out(iso(self.at_ms))
        outcome = self.outcome if self.outcome.contact is None else replace(self.outcome, contact=after)
        return replace(self, after=after, outcome=outcome)


class NamesNotFree(Exception):
    """Raised by a store when other contacts have names that a transition needs; nothing was written."""

    def __init__(self, claims: Mapping[Name, Claim | None]) -> None:
        super().__init__("names not free")
        self.claims = dict(claims)

    def has_live_owner(self, names: Iterable[Name]) -> bool:
        """Whether one of the names is among these and belongs to a live contact."""
        claims = (self.claims.get(name) for name in names)
        return any(claim is not None and claim.state is ContactState.LIVE for claim in claims)

    def live_owners(self) -> list[tuple[str, str]]:
        """Returns the kind of each name that a live contact has, with that contact's id."""
        return sorted(
            (str(name.kind), claim.contact_id)
            for name, claim in self.claims.items()
            if claim is not None and claim.state is ContactState.LIVE
        )


class VersionDiffers(Exception):
    """Raised by a store when the contact has none of the versions that the caller asked for; nothing was written."""


class Absent(Exception):
    """Raised by a store when no live contact has the id, or that contact lacks the name; nothing was written."""


class NotInPlace(Exception):
    """Raised by a store when a change requires reading the contact first; nothing was written."""


KIND: Final = "contact"
"""The attribute `kind` of a contact's item, by which readers of the stream tell it from other items."""


TOMBSTONE_DAYS: Final = 40
"""Days that a tombstone is kept: longer than an event in the log (30), so that no event of an erased contact that is
appended late outlives what would have kept it out."""


def tombstone_item(version: int | None, at_ms: int, merged_ids: Sequence[str] = ()) -> dict[str, object]:
    """The attributes of an erased contact's tombstone, without its key.

    `version`: the contact's last version; None: the stream's readers do not hear of the tombstone, as their filters ask
    for a version. `merged_ids`: the ids of the contacts that were merged into it; erasure looks
    for items under these ids, too.
    """
    item: dict[str, object] = {"erased_at": iso(at_ms), "version": version, "ttl": _tombstone_ttl(at_ms)}
    return item | {"merged_ids": list(merged_ids)} if merged_ids else item


def merged_tombstone_item(winner_id: str, at_ms: int) -> dict[str, object]:
    """The tombstone of a contact that was merged into one that was erased; it tells of no erasure of its own."""
    return {"erased_at": iso(at_ms), "merged_into": winner_id, "ttl": _tombstone_ttl(at_ms)}


def _tombstone_ttl(at_ms: int) -> int:
    return at_ms // 1000 + TOMBSTONE_DAYS * DAY
