"""Texts of the document that no docstring has, and what is known of parameters and fields beyond their JSON type."""

from collections.abc import Mapping
from typing import Any, Final

from contacts.accounts.model import Scope
from contacts.book.model import LONGEST_TAG, SLUG
from contacts.core.ids import MAX_EMAIL, MAX_EXTERNAL_ID, RefKind
from contacts.core.json import MAX_VALUES
from contacts.events.model import (
    EVERYTHING,
    IN_TIMELINE_DAYS,
    MAX_DATA_BYTES,
    MAX_DATA_VALUES,
    SUBSCRIBABLE,
    EventType,
)
from contacts.search.pages import Email, ExternalId, ListFilter, PhoneNumber, Sort, TagFilter, Words
from contacts.webhooks.schemas import MAX_EVENTS

TITLE: Final = "Contacts API"
DESCRIPTION: Final = f"""\
The contact book behind an email-marketing, CRM or messaging product. JSON in and out, timestamps in UTC.

**Keys.** Send yours as `X-API-Key`, or as `Authorization: Bearer`. Each operation names the scope it needs. With a test
key (`sk_test_…`) nothing is kept: a POST answers as it would, with `"test_mode": true`, and there is nothing to read.

A key that may not read contacts (no `contacts:read`, no bundle) is not shown them by its writes either: these answer
with id, version and times alone.

**Safe to repeat.** With an `Idempotency-Key` a request that is sent again within seven days is not carried out again;
it gets the answer it had, with `Idempotent-Replayed: true`. (Keys and secrets are not in it.)

**Limits.** A plan has a number of requests an hour; `RateLimit` and `X-RateLimit-…` in every answer say what is left.
It has a number of written items an hour, too: a POST, PUT, PATCH or DELETE is one, each operation of a batch is one,
and a contact that is sent with more than 25 tags and lists is one for each 25 begun. They count when they are sent,
whatever comes of them; those of a test key do not. `X-RateLimit-Written-…` in the answer to a write says what is left.
Beyond a limit a request is 429 as a whole, with `Retry-After`: `rate_limited`, `written_limited`, or `throttled` for
too many in one second.

A body has at most 1 MB, an answer 5 MB, a contact 350 KB and {MAX_VALUES:,} JSON values in `custom_fields` and
`metadata` together: what a key has, and each element of an array; those inside others are counted.

**Errors** are problem documents (RFC 9457) with a `code` to go by, and name every wrong field at once. Whatever is not
described here is refused: a misspelt field or parameter never goes unnoticed. A path that is not served is 404
`route_not_found`, a method that it lacks 405 `method_not_allowed`. Where there is GET, HEAD answers the same without a
body. A body is UTF-8 and not compressed. An answer of more than 1 KB without an ETag is compressed for a client that
accepts gzip.

**Names.** A `{{ref}}` in a path is a contact's id, email or external_id, URL-encoded. At the end of a path it may hold
slashes (`a%2Fb`). `GET /v1/contacts/search?by=external_id`, without `q`, reads the contact called `search`; whose name
ends in a path under contacts (`a/events`) is found by `GET /v1/contacts?external_id=…` and read by its id.
`/api/v1/contacts…` is another way to `/v1/contacts…`.

New members may be added to answers and events at any time: ignore those you do not know.

The {len(EventType)} types of events that are sent to webhooks are described under `webhooks`.
"""

CONTACT: Final = "Whoever gave you your API key"

TAGS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Contacts": ("One by one, many at once, and how they are found", ("/v1/contacts",)),
    "Timeline": ("What happened to a contact, and what it did", ("/v1/contacts/{ref}/events",)),
    "Channels": (
        "Where contacts come from and can be reached",
        ("/v1/channels", "/v1/contacts/{ref}/gates", "/v1/contacts/{ref}/chat"),
    ),
    "Tags and lists": ("Each with how many contacts have it", ("/v1/tags", "/v1/lists")),
    "Contact properties": ("Custom fields with a type", ("/v1/contact-properties",)),
    "Imports": ("Files of contacts, carried out row by row", ("/v1/imports",)),
    "Webhooks": ("Being told of every change", ("/v1/webhooks", "/v1/contacts/{ref}/deliveries")),
    "Events": ("Every change of the last 30 days, to be fetched", ("/v1/events",)),
    "Exports": (
        "Contacts as a file, and everything of one person",
        ("/v1/exports", "/v1/contacts/{ref}/export"),
    ),
    "Account": ("Plan, limits and keys", ("/v1/account", "/v1/api-keys")),
    "Reference": ("This document", ("/openapi.json", "/docs")),
    "Console": ("A page for people, which does all that it does by this API", ("/console",)),
}
"""By name: its description, and the beginnings of its operations' paths. The longest beginning that fits counts."""

PATH_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ref": {
        "description": "Id, email or external_id of the contact.",
        "schema": {"type": "string", "minLength": 1},
        "example": "ada@example.com",
    },
    "id": {"description": "Its id.", "schema": {"type": "string", "minLength": 1}},
    "delivery_id": {"description": "Id of the delivery.", "schema": {"type": "string", "minLength": 1}},
    "file": {"description": "Name of the file.", "schema": {"type": "string", "minLength": 1}},
}

QUERY_PARAMETERS: Final[Mapping[str, str]] = {
    "all_valid": "With `true` no item is carried out unless all are valid; the 400 names every field that is not.",
    "archived": "Whether those that are archived are listed, too.",
    "by": "How `ref` is to be read. Without it a UUID is tried as id, what has an `@` as email, and all else, "
    "or what is found neither way, as external_id.",
    "created_after": "Created at this moment or later; a day alone is its beginning in UTC.",
    "created_before": "Created earlier than this moment; a day alone is its beginning in UTC.",
    "cursor": "The `next_cursor` of the page before.",
    "dry_run": "With `true` nothing is done: the answer is what would come of it.",
    "email": "With this email.",
    "external_id": "With this external_id.",
    "from": "From this moment on, in whole hours; a day alone is its beginning in UTC.",
    "include_total": "Whether to tell how many there are in all.",
    "is_active": "Only those that are, or are not.",
    "is_unsubscribed": "Only those that are, or are not.",
    "limit": "How many to a page, at most.",
    "list": "On this list; given more than once (also as `list[]` or `list[0]`): on all of them.",
    "offset": "How many to skip, instead of a cursor; past 10,000 a cursor has to be used.",
    "on_conflict": "What happens where a contact has the email or external_id already: `update` makes it an upsert.",
    "on_invalid": "What happens to a field that cannot be taken: with `skip` it is left out and listed in `skipped`.",
    "permanent": "Delete for good, also what is in the trash.",
    "phone": "With this phone, with its country; spaces, brackets and the like do not matter.",
    "q": "Words, each of which begins some word of name, email or external_id, or ends the phone; case, accents"
    " and marks do not matter.",
    "search": "Words, each of which begins some word of name, email or external_id, or ends the phone; case, accents"
    " and marks do not matter.",
    "sort": "By what the contacts are sorted; `-` is descending.",
    "starting_after": "Another name of `cursor`.",
    "status": "Only deliveries of this status.",
    "tag": "With this tag; given more than once (also as `tag[]` or `tag[0]`): with all of them.",
    "to": "Up to this moment, which itself is not included; a day alone is its beginning in UTC.",
    "type": "Only those of this type.",
    "updated_after": "Changed at this moment or later; a day alone is its beginning in UTC.",
    "updated_before": "Changed earlier than this moment; a day alone is its beginning in UTC.",
    "validation_status": "What is known about the email.",
}

KINDS: Final[Mapping[type, Mapping[str, Any]]] = {
    Email: {"type": "string", "format": "email", "maxLength": MAX_EMAIL},
    ExternalId: {"type": "string", "minLength": 1, "maxLength": MAX_EXTERNAL_ID},
    PhoneNumber: {"type": "string", "minLength": 1},
    Words: {"type": "string", "minLength": 1},
    TagFilter: {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
    ListFilter: {"type": "string", "pattern": f"^{SLUG}$"},
    Sort: {"type": "string", "enum": [str(sort) for sort in Sort]},
    RefKind: {"type": "string", "enum": [str(kind) for kind in RefKind]},
}
"""Schemas of query parameters by type; of a parameter that may be repeated, the schema of each value."""

NAMED_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "type": {"type": "string", "enum": [str(kind) for kind in SUBSCRIBABLE]},
}
"""Schemas of parameters that their handlers take as plain text, by name."""

MODELS: Final[Mapping[str, str]] = {
    "ContactChange": "Fields to change: absent keeps, null clears; of `is_active` and `is_unsubscribed` null keeps. "
    "Of the maps only the keys that are sent change. Where nothing changes, version and updated_at stay as they are.",
    "ChannelChange": "Fields to change: absent keeps. The type may be sent as it is.",
    "NewContact": "A contact to be created. It needs an email or an external_id.",
    "PropertyChange": "Fields to change: absent keeps, null clears. Name and type may be sent as they are.",
    "WebhookChange": "Fields to change: absent keeps; only the description can be cleared.",
}
"""Descriptions of bodies whose docstring is written for developers of the API."""

_CONTACT_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "external_id": {"description": "Your own id of the contact, unique among your contacts; case-sensitive."},
    "email": {
        "description": "Unique among your contacts, whatever its case.",
        "format": "email",
        "maxLength": MAX_EMAIL,
    },
    "name": {
        "description": "Given alone (or with nulls as first and last name) it is split into these at its first space."
    },
    "phone": {"description": "E.164.", "pattern": r"^\+[1-9][0-9]{1,14}$"},
    "tags": {"description": "Replaces those there are. At most 100 that differ."},
    "lists": {"description": "Replaces those there are. At most 100 that differ."},
    "add_tags": {"description": "Adds to those there are."},
    "add_lists": {"description": "Adds to those there are."},
    "remove_tags": {"description": "Removes these only."},
    "remove_lists": {"description": "Removes these only."},
    "custom_fields": {
        "description": "Merged by key; null removes a key, and stores nothing in a new contact. "
        "Checked where a contact property gives a type. "
        f"With `metadata` at most {MAX_VALUES:,} values, those inside others counted."
    },
    "metadata": {"description": "Merged by key; null removes a key, and stores nothing in a new contact."},
    "is_unsubscribed": {
        "description": "`true` opts out and stamps `unsubscribed_at`; "
        "`false` subscribes again, in an update alone; null keeps."
    },
}
_EVERYTHING: Final = {"type": "string", "const": EVERYTHING}
_EVENTS: Final = {
    "description": f"Types of events. `{EVERYTHING}` stands for all but `{EventType.VALIDATED}`, also for those that "
    f"will be added; `{EventType.VALIDATED}` may stand beside it.",
    "anyOf": [
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_EVENTS,
            "items": {"anyOf": [{"type": "string", "enum": [*map(str, SUBSCRIBABLE)]}, _EVERYTHING]},
        },
        _EVERYTHING,
    ],
}
_URL: Final = {"description": "https; its host must have public addresses only.", "format": "uri"}
FIELDS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "NewContact": _CONTACT_FIELDS,
    "ContactChange": _CONTACT_FIELDS,
    "NewEvent": {
        "data": {
            "description": f"Whatever belongs to it, at most {MAX_DATA_BYTES // 1024} KB "
            f"and {MAX_DATA_VALUES:,} values, those inside others counted."
        },
        "occurred_at": {
            "description": f"Where it was not now: up to {IN_TIMELINE_DAYS} days back.",
            "format": "date-time",
        },
    },
    "MergeSource": {
        "from": {"description": "Id, email or external_id of the contact that ceases to be one of its own."},
        "by": {"description": "How `from` is to be read."},
    },
    "NewGate": {
        **_CONTACT_FIELDS,
        "identifier": {"description": "What the channel calls the contact; case-sensitive."},
    },
    "ChannelChange": {"type": {"description": "It never changes; it may be sent as it is."}},
    "NewProperty": {
        "name": {
            "description": "The key in `custom_fields`; it never changes.",
            "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        },
        "label": {"description": "The name, if none is given."},
        "options": {"description": "Of an enum, which needs some."},
    },
    "PropertyChange": {
        "archived": {"description": "`false` brings an archived one back."},
        "label": {"description": "Cleared it is the name again."},
    },
    "NewWebhook": {"url": _URL, "events": {**_EVENTS, "default": [EVERYTHING]}},
    "WebhookChange": {"url": _URL, "events": _EVENTS},
    "NewApiKey": {
        "scopes": {
            "description": "Those of the key that makes it, if none are given; no others than it has."
        },
        "mode": {"description": "`test`: nothing it writes is kept."},
    },
}
"""By body and field: its description, and what is known of it beyond its JSON type."""

SCOPES: Final = {
    Scope.API_USER: "list and create contacts, list properties, all of webhooks",
    Scope.USER: "read, change and delete one contact, create and change properties",
}
