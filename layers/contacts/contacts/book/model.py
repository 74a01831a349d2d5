"""The contact, its changes, the transitions between its states, and the outcomes that are recorded for replays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
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
from contacts.core.time import DAY, iso
from contacts.core.violations import UNREACHABLE, contact_with_more_than


class Gate(NamedTuple):
    """One contact's address on one channel; a name of the contact, as an email is.

    Its id is a UUID version 7 of the moment at which it was made.
    """

    id: str
    channel_id: str
    identifier: str
    """What the channel calls the contact: a chat id, a number; case-sensitive."""

    @property
    def name(self) -> Name:
        """The gate as a name: unique on its channel, and so in its account."""
        return gate_name(self.channel_id, self.identifier)

    @property
    def created_at(self) -> str:
        """When it was made."""
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
    """Set only where the name was given alone; see `display_name`."""
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
    """Names of contacts merged into this one; not their gates, which are its own from then on."""
    gates: tuple[Gate, ...] = ()
    """Its addresses on channels."""

    @property
    def display_name(self) -> str | None:
        """The name as given, or else composed of first and last name."""
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
        """Its email and those of the contacts merged into it: the addresses that opt out with it."""
        merged_names = (name.value for name in self.merged_names if name.kind is NameKind.EMAIL)
        return frozenset(merged_names if self.email is None else (self.email, *merged_names))

    def opted_out(self, at: str) -> "Contact":
        """The contact unsubscribed, since `at` where it was not before."""
        return replace(self, is_unsubscribed=True, unsubscribed_at=self.unsubscribed_at or at)

    @property
    def merged_ids(self) -> tuple[str, ...]:
        """The ids of the contacts merged into this one: things are kept under these, too."""
        return tuple(name.value for name in self.merged_names if name.kind is NameKind.ALIAS)

    @property
    def is_reachable(self) -> bool:
        """Whether the contact has at least one of email, external_id and a gate."""
        return self.email is not None or self.external_id is not None or bool(self.gates)

    def owning_its_names(self) -> "Contact":
        """The contact without the merged names that equal its own email or external_id: each name is listed once."""
        own = {Name(NameKind.EMAIL, self.email or ""), Name(NameKind.EXTERNAL_ID, self.external_id or "")}
        if own.isdisjoint(self.merged_names):
            return self
        return replace(self, merged_names=tuple(name for name in self.merged_names if name not in own))

    def without(self, lost: Iterable[Name]) -> "Contact":
        """The contact without those of its names that now belong to others."""
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
"""Of the same name in the item."""
STORED_FIELDS: Final = (*_FIELDS, "absorbed")
"""The attributes of a contact in its item; `merged_names` is stored as `absorbed`."""
_SEQUENCES: Final = frozenset({"tags", "lists"})


def contact_values(contact: Contact) -> dict[str, object]:
    """The attributes of a contact's item."""
    values: dict[str, object] = {key: getattr(contact, key) for key in _FIELDS}
    values["absorbed"] = [f"{name.kind}:{name.value}" for name in contact.merged_names] or None
    values["gates"] = [":".join(gate) for gate in contact.gates] or None
    return values


def contact_from(item: Mapping[str, Any]) -> Contact:
    """The contact an item holds."""
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
"""Gates of a contact. A contact is created with one gate at most; merging adds more."""
LONGEST_IDENTIFIER: Final = 255
"""Characters."""
MAX_IDENTIFIER_BYTES: Final = 1000
"""In UTF-8: it stands in a sort key, which has at most 1,024 bytes."""


def gate_name(channel_id: str, identifier: str) -> Name:
    """The name that stands for an identifier on a channel."""
    return Name(NameKind.GATE, f"{channel_id}:{identifier}")


MAX_TAGS: Final = 100
MAX_LISTS: Final = 100
LONGEST_TAG: Final = 100
"""Characters."""
SLUG: Final = "[a-z0-9][a-z0-9_-]{0,99}"
"""The pattern of a list's name."""
MAX_BYTES: Final = 350 * 1024
"""A contact's size as DynamoDB counts it. Its items may have 400 KB; the trash wraps the contact once more."""
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
MAPS: Final = ("custom_fields", "metadata")
FLAGS: Final = ("is_active", "is_unsubscribed")
"""Null keeps the values of these fields."""
DEFAULTS: Final[Mapping[str, object]] = {"tags": (), "lists": ()}
"""What null in an update sets these fields to. Null clears every other field but the flags."""


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """The values in their order, each once."""
    return tuple(dict.fromkeys(values))


def named_alone(name: str | None) -> dict[str, object]:
    """The fields that a `name` given alone sets: the name, and its two parts, split at the first space."""
    if name is None:
        return {"name": None, "first_name": None, "last_name": None}
    first, _, last = name.strip().partition(" ")
    return {"name": name, "first_name": first or None, "last_name": last.strip() or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a caller asks to change: absent keeps, None clears (but keeps a flag), maps merge by key."""

    fields: Mapping[str, object] = field(default_factory=dict)
    """Scalars and sequences by field name; None clears. A flag is never None."""
    maps: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    """`custom_fields` and `metadata`: a None value drops its key, None for the map empties it."""
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    add_lists: tuple[str, ...] = ()
    remove_lists: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> "Change":
        """The change that the validated body of an update asks for."""
        fields = {key: given[key] for key in (*SCALARS, *SEQUENCES) if key in given}
        fields = {key: value for key, value in fields.items() if value is not None or key not in FLAGS}
        if "first_name" in fields or "last_name" in fields:
            fields["name"] = None
        elif "name" in fields:
            fields |= named_alone(fields["name"])  # type: ignore[arg-type]
        for key, default in DEFAULTS.items():
            if key in fields and fields[key] is None:
                fields[key] = default
        fields |= {key: distinct(fields[key]) for key in SEQUENCES if key in fields}  # type: ignore[arg-type]
        maps = {key: given[key] for key in MAPS if key in given}
        steps = {key: distinct(given[key]) for key in EDITS if given.get(key)}  # type: ignore[arg-type]
        return cls(fields=fields, maps=maps, **steps)  # type: ignore[arg-type]

    @classmethod
    def of_create(cls, given: Mapping[str, object]) -> "Change":
        """The change that the validated body of a create stands for where the contact exists, live or in the trash.

        A create may unsubscribe a contact. It never subscribes one again: its sender may not know the contact, and
        many send `false` because it is a default.
        """
        change = cls.of(given)
        return change.without("is_unsubscribed") if change.fields.get("is_unsubscribed") is False else change

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is asked for."""
        return not (self.fields or self.maps or self.edits_sequences)

    @property
    def edits_sequences(self) -> bool:
        """Whether single tags or lists are added or removed, which needs the ones that are there."""
        return bool(self.add_tags or self.remove_tags or self.add_lists or self.remove_lists)

    @property
    def touches_names(self) -> bool:
        """Whether the email or the external_id may change."""
        return "email" in self.fields or "external_id" in self.fields

    @property
    def map_keys(self) -> int:
        """How many keys of maps the change sets or drops."""
        return sum(len(entries) for entries in self.maps.values() if entries is not None)

    def without(self, *names: str) -> "Change":
        """The change without some of its fields."""
        steps = {key: () for key in EDITS if key in names}
        kept = {key: value for key, value in self.fields.items() if key not in names}
        maps = {key: value for key, value in self.maps.items() if key not in names}
        return replace(self, fields=kept, maps=maps, **steps)

    def applied_to(self, contact: Contact, at: str) -> Contact:
        """The contact after this change, one version on.

        Raises:
            InvalidInput: a field would break a rule together with what the contact already has.
        """
        values = dict(self.fields)
        errors: list[FieldError] = []
        for key, limit in (("tags", MAX_TAGS), ("lists", MAX_LISTS)):
            added, removed = getattr(self, f"add_{key}"), set(getattr(self, f"remove_{key}"))
            if not added and not removed:
                continue
            before: Iterable[str] = values.get(key, getattr(contact, key))  # type: ignore[assignment]
            after = distinct((*(value for value in before if value not in removed), *added))
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
    """The errors of a contact that has no email, no external_id and no gate."""
    return [FieldError(field, UNREACHABLE) for field in ("email", "external_id")]


def merged(existing: Mapping[str, object], entries: Mapping[str, object]) -> dict[str, object]:
    """A map with the entries of another laid over it; None drops a key (RFC 7396, one level deep)."""
    result = {key: value for key, value in existing.items() if key not in entries or entries[key] is not None}
    result.update({key: value for key, value in entries.items() if value is not None})
    return result


def new_contact(
    contact_id: str, given: Mapping[str, object], at: str, gates: tuple[Gate, ...] = ()
) -> Contact:
    """The contact that a validated request body creates, with the gates it arrives through.

    Raises:
        InvalidInput: it has neither an email nor an external_id nor a gate.
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
        custom_fields=dict(change.maps.get("custom_fields") or {}),
        metadata=dict(change.maps.get("metadata") or {}),
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
    """One more with every change that a caller makes; a verdict on the email changes it not."""
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
    """A contact as the API shows it."""
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


SHOWN_TO_WRITERS: Final = ("id", "version", "created_at", "updated_at")
"""The members of a contact that a key which may not read contacts is shown: no data of the person."""
HIDDEN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(ContactOut.__annotations__),
    "tags": [],
    "lists": [],
    "custom_fields": {},
    "metadata": {},
}
"""A contact of which nothing is shown, for dialects whose answers need every field."""


class Action(StrEnum):
    """What was done."""

    CREATED = "created"
    UPDATED = "updated"
    RESTORED = "restored"
    RECREATED = "recreated"
    """A create found its email in the trash and brought that contact back."""
    DELETED = "deleted"
    FOUND = "found"
    """What was to be made was there already; nothing changed."""
    MERGED = "merged"
    QUEUED = "queued"
    """It will be done in a moment, by another function."""
    RECORDED = "recorded"
    """An event of a contact is in its timeline; it goes out in a moment."""
    BEGUN = "begun"
    """A batch was begun; each of its items has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an operation on one thing.

    `contact` is the contact as it then was; `details` what else the answer says (for things that are no
    contact: all of it, without secrets).
    """

    action: Action
    contact: Contact | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_replay: bool = False
    secrets: Mapping[str, object] = field(default_factory=dict)
    """Shown once in the first answer, never recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two live contacts as they were read, and what becomes of the one that stays."""

    winner: Contact
    loser: Contact
    after: Contact
    at_ms: int
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Preconditions:
    """If-Match and Idempotency-Key of a request.

    `versions`: the versions a change may be applied to (empty: any); `receipt`: carry it out once.
    """

    versions: Sequence[int] = ()
    idempotency_key: IdempotencyKey | None = None


UNCONDITIONAL: Final = Preconditions()


class ContactState(StrEnum):
    """Where a contact stands."""

    LIVE = "live"
    DELETED = "deleted"
    """In the trash; comes back with restore, or leaves when its days are over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a name. `expires_at` (seconds since the epoch) only where the contact is in the trash."""

    contact_id: str
    state: ContactState
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A contact going from one state to another together with everything that must change with it.

    `before` None: there was none; `after` None: it is erased.
    """

    before: Contact | None
    was: ContactState | None
    after: Contact | None
    becomes: ContactState | None
    at_ms: int
    lost: frozenset[Name] = frozenset()
    """Names of a contact in the trash that other contacts have taken since."""
    spares_trashed: frozenset[Name] = frozenset()
    """Names that are not to be taken from a contact in the trash."""
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None

    @property
    def taken_emails(self) -> frozenset[str]:
        """The addresses that the contact did not have before."""
        had = frozenset[str]() if self.before is None else self.before.without(self.lost).emails
        return frozenset() if self.after is None else self.after.emails - had

    def opted_out(self) -> "Transition":
        """The move with a contact that has opted out afterwards."""
        assert self.after is not None, "only a contact can opt out"
        after = self.after.opted_out(iso(self.at_ms))
        outcome = self.outcome if self.outcome.contact is None else replace(self.outcome, contact=after)
        return replace(self, after=after, outcome=outcome)


class NamesNotFree(Exception):
    """Raised by a store when claims stand in the way of a move; nothing was written."""

    def __init__(self, claims: Mapping[Name, Claim | None]) -> None:
        super().__init__("names not free")
        self.claims = dict(claims)

    def live_owners(self) -> list[tuple[str, str]]:
        """Each kind of name that a live contact has, with the contact's id."""
        return sorted(
            (str(name.kind), claim.contact_id)
            for name, claim in self.claims.items()
            if claim is not None and claim.state is ContactState.LIVE
        )


class VersionDiffers(Exception):
    """Raised by a store when the contact has another version than the caller asked for; nothing was written."""


class Absent(Exception):
    """Raised by a store when no live contact has that id (or no longer that name); nothing was written."""


class NotInPlace(Exception):
    """Raised by a store when a change cannot be made without reading first; nothing was written."""


KIND: Final = "contact"
"""The attribute `kind` of a contact's item, by which readers of the stream tell it from other items."""


def tombstone_item(version: int, at_ms: int, merged_ids: Sequence[str] = ()) -> dict[str, object]:
    """What is left of a contact that was erased, but for its key: when, its last version, and the ids of those that
    were merged into it, by which erasure finds what was kept about them.
    """
    item: dict[str, object] = {"erased_at": iso(at_ms), "version": version, "ttl": at_ms // 1000 + DAY}
    return item | {"merged_ids": list(merged_ids)} if merged_ids else item


def merged_tombstone_item(winner_id: str, at_ms: int) -> dict[str, object]:
    """The tombstone of a contact that was merged into one that was erased; it tells of no erasure of its own."""
    return {"erased_at": iso(at_ms), "merged_into": winner_id, "ttl": at_ms // 1000 + DAY}
