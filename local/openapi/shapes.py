"""What answers and events look like, member by member: the schemas of the document.

Written down here once, beside the code that makes them, because a handler builds its answer without a model: that would
cost every function the import of pydantic. Tests hold every answer they get against these shapes, both ways: a member
that is missing here fails them, too.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from contacts.accounts.model import Dialect, Mode, Plan, Scope
from contacts.book.model import ValidationStatus
from contacts.channels.model import ChannelType
from contacts.email_validation.model import Reason
from contacts.events.model import EventType
from contacts.properties.model import PropertyType
from contacts.webhooks.model import DeliveryStatus, DisabledReason

ABSENT: Final[Any] = None
"""The default of a member that not every answer has."""

Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601 in UTC with milliseconds: `2026-01-15T10:30:00.000Z`."""
Count = Annotated[int, Field(ge=0)]
Status = Annotated[int, Field(ge=100, le=599)]
Json = dict[str, Any]


class Shape(BaseModel):
    """Members are described by the strings below them."""

    model_config = ConfigDict(use_attribute_docstrings=True)


# Contacts


class Contact(Shape):
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
    validation_reason: Reason | None
    """Why the email is invalid."""
    version: int
    """One more with every change that a caller makes; a verdict on the email changes it not."""
    created_at: Moment
    updated_at: Moment


class Skipped(Shape):
    """A field that `on_invalid=skip` has left out."""

    field: str
    reason: str


class WrittenContact(Contact):
    """A contact as a write has left it."""

    skipped: list[Skipped] = ABSENT
    """Only with `on_invalid=skip`."""
    test_mode: Literal[True] = ABSENT
    """Only of a test key: nothing was kept."""


class WithheldContact(Shape):
    """What a write tells of a contact to a key that may not read contacts."""

    id: Uuid
    version: int
    created_at: Moment
    updated_at: Moment
    skipped: list[Skipped] = ABSENT
    """Only with `on_invalid=skip`."""
    test_mode: Literal[True] = ABSENT
    """Only of a test key: nothing was kept."""


class DeletedContact(Shape):
    """What has become of a contact."""

    deleted: Literal[True]
    id: Uuid
    permanent: bool
    """Whether it is gone for good; else it can be restored for 30 days."""


class ShortContact(Shape):
    """What is told of a contact whose batch has no room for more."""

    id: Uuid
    version: int = ABSENT
    deleted: Literal[True] = ABSENT
    permanent: bool = ABSENT


class ShortProblem(Shape):
    """What is told of a refusal whose batch has no room for more."""

    type: str
    title: str
    status: Status
    code: str
    request_id: str
    existing_id: str = ABSENT


class FieldProblem(Shape):
    """What is wrong with one field, parameter or header."""

    field: str
    """Its path: `custom_fields.size`."""
    message: str
    existing_id: str = ABSENT
    """Of the contact that has this name."""


class Problem(Shape):
    """Why a request was refused (RFC 9457). Nothing was changed, and a `code` never changes its meaning."""

    type: str
    """`urn:contacts:problem:` and the code."""
    title: str
    status: Status
    code: str
    detail: str
    """For people."""
    request_id: str
    """To be quoted when you ask us."""
    field: str = ABSENT
    """The first field that is wrong or in the way."""
    errors: list[FieldProblem] = ABSENT
    """Every field that is wrong or in the way, up to a hundred."""
    existing_id: str = ABSENT
    """Of what is in the way."""
    scope: str = ABSENT
    """The scope that the key lacks."""


class Result(Shape):
    """What came of one item of a batch: the answer that a request of its own would have had."""

    index: Count
    status: Status
    contact: WrittenContact | WithheldContact | DeletedContact | ShortContact = ABSENT
    """Where it was carried out; id and version only where the answer would exceed 5 MB."""
    problem: Problem | ShortProblem = ABSENT
    """Where it was refused."""


class BatchResults(Shape):
    """One result per item, in their order."""

    results: list[Result]
    test_mode: Literal[True] = ABSENT


class Page(Shape):
    """A page of a list."""

    has_more: bool
    """Whether there is another page."""
    next_cursor: str | None
    """What to send as `cursor` for the next page; null where this is the last."""


class ContactPage(Page):
    """A page of contacts. It may be shorter than `limit` although there are more."""

    data: list[Contact]
    total: Count | None = ABSENT
    """Only with `include_total`: how many contacts match, null where there are too many to count."""


class TagCount(Shape):
    """A tag, and how many contacts carry it."""

    tag: str
    count: Count


class TagPage(Page):
    """A page of tags, by name."""

    data: list[TagCount]


class ListCount(Shape):
    """A list, and how many contacts are on it."""

    list: str
    count: Count


class ListPage(Page):
    """A page of lists, by name."""

    data: list[ListCount]


# Timeline


class TimelineEntry(Shape):
    """Something that happened to a contact, or that it did."""

    id: Uuid
    type: EventType
    timestamp: Moment
    name: str = ABSENT
    """Of a custom event."""
    data: Json = ABSENT
    """Of a custom event."""
    changed: list[str] = ABSENT
    """Names of the fields that an update changed."""
    merged_id: Uuid = ABSENT
    """Of a merge: the contact that is none of its own any more."""


class RecordedEvent(TimelineEntry):
    """A custom event as it stands in the timeline."""

    test_mode: Literal[True] = ABSENT


class TimelinePage(Page):
    """A page of a timeline, newest first."""

    data: list[TimelineEntry]


# Channels


class Channel(Shape):
    """A way by which contacts arrive and are reached."""

    id: Uuid
    type: ChannelType
    """It never changes."""
    name: str
    state: bool
    """On, or off: then nobody arrives through it, and nobody counts as reached by it."""
    created_at: Moment
    updated_at: Moment
    test_mode: Literal[True] = ABSENT


class ChannelPage(Page):
    """A page of channels, oldest first."""

    data: list[Channel]
    total: Count = ABSENT
    """Only with `include_total`."""


class ChannelOfGate(Shape):
    """The channel on which a contact is found."""

    id: Uuid | None
    """Null where it is an email or a phone, and the account has made no channel for them."""
    type: ChannelType
    name: str


class Gate(Shape):
    """One contact's address on one channel."""

    id: Uuid
    channel: ChannelOfGate
    identifier: str
    """What the channel calls the contact."""
    contact_id: Uuid
    created_at: Moment
    test_mode: Literal[True] = ABSENT


class GatePage(Page):
    """How a contact can be reached now."""

    data: list[Gate]
    total: Count = ABSENT
    """Only with `include_total`."""


class Chat(Shape):
    """The one conversation that there is with a contact."""

    id: Uuid
    """Derived from the contact's: always the same."""
    name: str | None
    image: Any
    """The contact's `metadata.photo`, whatever that is, or null."""
    contact: Contact
    gates: list[Gate]
    created_at: Moment
    updated_at: Moment


# Contact properties


class Property(Shape):
    """A typed custom field."""

    id: Uuid
    name: str
    """Its key in `custom_fields`; it never changes."""
    label: str
    type: PropertyType
    options: list[str] = ABSENT
    """Of an enum only."""
    description: str | None
    archived: bool
    """Whether its values are no longer checked."""
    created_at: Moment
    updated_at: Moment
    test_mode: Literal[True] = ABSENT


class ArchivedProperty(Shape):
    """A property that is checked no longer; its values stay."""

    deleted: Literal[True]
    id: Uuid
    archived: Literal[True]


class PropertyPage(Page):
    """A page of properties, oldest first."""

    data: list[Property]


# Webhooks and events


class Webhook(Shape):
    """An endpoint that is told of events."""

    id: str
    url: str
    events: list[str]
    """Types of events, or `*` alone for all of them."""
    description: str | None
    is_active: bool
    disabled_reason: DisabledReason | None
    """Why we switched it off."""
    created_at: Moment


class WebhookWithSecret(Webhook):
    """An endpoint with its secret, which is shown in this answer only (and not where a request is repeated)."""

    secret: str = ABSENT
    """`whsec_…`: what verifies signatures (Standard Webhooks)."""
    test_mode: Literal[True] = ABSENT


class WebhookPage(Page):
    """All webhooks, oldest first."""

    data: list[Webhook]


class Deleted(Shape):
    """What was deleted."""

    deleted: Literal[True]
    id: str


class Attempt(Shape):
    """One attempt at delivering."""

    at: Moment
    status_code: int | None
    """What the endpoint answered; null where it did not."""
    error: str | None
    """Why there was no answer."""
    duration_ms: Count
    response: str | None
    """The first KB of the answer."""


class Delivery(Shape):
    """One event on its way to one endpoint."""

    id: Uuid
    webhook_id: str
    event_id: Uuid
    event_type: EventType
    status: DeliveryStatus
    created_at: Moment
    """When the event happened."""
    next_attempt_at: Moment | None
    attempts: list[Attempt]


class QueuedDelivery(Delivery):
    """A delivery that is attempted in a moment."""

    test_mode: Literal[True] = ABSENT


class DeliveryPage(Page):
    """A page of deliveries, newest first."""

    data: list[Delivery]


class EventData(Shape):
    """What an event tells."""

    contact: Contact


class ChangedData(EventData):
    """What an update changed."""

    changed: list[str]
    """Names of the fields that changed."""
    previous: Json = ABSENT
    """Their old values; absent where both would be too large together (380 KB)."""


class ErasedContact(Shape):
    """All that is left of a contact that was erased."""

    id: Uuid
    version: int


class MergedData(EventData):
    """Which contact was merged into this one."""

    merged_id: Uuid
    """What it was known by; it leads to this contact now."""


class DeletedData(Shape):
    """What was deleted, and whether it can come back."""

    contact: Contact | ErasedContact
    permanent: bool


class CustomData(Shape):
    """What a caller recorded."""

    contact: Contact = ABSENT
    """As it was when the event went out, unless it had been deleted."""
    name: str
    data: Json
    occurred_at: Moment = ABSENT
    """Where that was said."""


class NoData(Shape):
    """Of a test: nothing about anybody."""


class Event(Shape):
    """Something that happened. `data` depends on the type: see the webhooks of this document."""

    id: Uuid
    type: EventType
    timestamp: Moment
    account_id: Uuid
    data: Json


class ErasedEvent(Shape):
    """An event about a person who has been erased since."""

    id: Uuid
    type: EventType
    erased: Literal[True]


class EventPage(Shape):
    """A page of events, oldest first."""

    data: list[Event | ErasedEvent]
    has_more: bool
    """Whether more can be fetched at once."""
    next_cursor: str
    """What to go on with, now or later: there always is one."""


# The account and its keys


class Counts(Shape):
    """How many of a kind there are."""

    contacts: Count


class Account(Shape):
    """The account that a key belongs to."""

    id: Uuid
    name: str
    plan: Plan
    hourly_limit: int
    used_this_hour: int
    resets_at: Moment
    """When the next hour begins."""
    counts: Counts


class ApiKey(Shape):
    """An API key, without the key itself."""

    id: str
    name: str
    scopes: list[Scope]
    mode: Mode
    dialect: Dialect
    last_four: str
    created_at: Moment
    made_by: str | None
    """The id of the key that made it, with which it is revoked; null where there is none."""
    last_used_hour: str = ABSENT
    """`2026-01-15T10`; absent where it was not used in the last 31 days."""


class MadeApiKey(ApiKey):
    """A key with itself, which is shown in this answer only (and not where a request is repeated)."""

    key: str = ABSENT
    test_mode: Literal[True] = ABSENT


class RevokedApiKey(Shape):
    """The key that was revoked, and those that it had made."""

    deleted: Literal[True]
    id: str
    also_revoked: list[str]
    """The ids of all keys that the revoked one made, and that these made. (Not the key that asked for it.)"""


class ApiKeyPage(Page):
    """All keys, oldest first."""

    data: list[ApiKey]
