"""Every key of the table: the only file with a `#` in a string.

Account and contact ids are UUIDs and hold no `#`; a name stands last in its key, so it may hold anything. A word
may too, and its contact stands behind it: such keys are read from the right.
`docs/data-model.md` shows each key with a literal example; a test holds the examples against this file.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from contacts.core.ids import Name, NameKind

EXPRESSION_NAME = "#"
"""What a placeholder for an attribute name begins with in an expression."""

_CONTACT = "CONTACT#"
_DELIVERY = "DELIVERY#"
_ERASED = "ERASED#"
_EVENT = "EVENT#"
_GATE = "GATE#"
_IDEMPOTENCY = "IDEMPOTENCY#"
_POSTED = frozenset({"ALL", "TAG", "LIST"})
"""Kinds of posting lists."""
_SHARD = "SHARD#"
_WORD = "WORD#"
LOG_SHARDS = 4
"""Shards of an account's event log. A partition key takes 1,000 write units a second: these take 4,000, which is more
than the events of all changes that an account's contacts (one partition key, at least one unit a change) can take. A
request for events reads every shard, which costs a read unit each. A power of two, at most 16."""


class Key(NamedTuple):
    """The primary key of one item."""

    PK: str
    SK: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Key":
        """The key of an item that was read."""
        return cls(item["PK"], item["SK"])


def account(account_id: str) -> Key:
    """`ACCOUNT#<a>` / `ACCOUNT`: an account."""
    return Key(f"ACCOUNT#{account_id}", "ACCOUNT")


def api_key(key_hash: str) -> Key:
    """`KEY#<sha256>` / `KEY`: an API key, found by the hash of what the caller sent."""
    return Key(f"KEY#{key_hash}", "KEY")


def listed_api_key(account_id: str, key_id: str) -> Key:
    """`ACCOUNT#<a>#KEYS` / `<key id>`: the same key in its account's listing."""
    return Key(f"ACCOUNT#{account_id}#KEYS", key_id)


def usage(account_id: str, hour: str) -> Key:
    """`ACCOUNT#<a>#USAGE` / `2026-01-15T10`: the requests of one hour."""
    return Key(f"ACCOUNT#{account_id}#USAGE", hour)


def contacts(account_id: str) -> str:
    """`ACCOUNT#<a>#0`: the partition of an account's contacts."""
    return f"ACCOUNT#{account_id}#0"


def contact(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#0` / `CONTACT#<c>`: a contact."""
    return Key(contacts(account_id), f"{_CONTACT}{contact_id}")


def contact_id(key: Key) -> str:
    """The id of the contact a key belongs to."""
    return key.SK.removeprefix(_CONTACT)


def claim(account_id: str, name: Name) -> Key:
    """`ACCOUNT#<a>#EMAIL#<email>`, `…#EXTERNAL_ID#<id>`, `…#ALIAS#<merged id>` / `CLAIM`: who has a name.

    Of a gate: `ACCOUNT#<a>#CHANNEL#<channel id>` / `GATE#<identifier>`.
    """
    if name.kind is NameKind.GATE:
        channel_id, _, identifier = name.value.partition(":")
        return Key(f"ACCOUNT#{account_id}#CHANNEL#{channel_id}", f"{_GATE}{identifier}")
    return Key(f"ACCOUNT#{account_id}#{name.kind.upper()}#{name.value}", "CLAIM")


def opt_out(account_id: str, email_hmac: str) -> Key:
    """`ACCOUNT#<a>#OPT_OUT#<HMAC of an email>` / `OPT_OUT`: the address has opted out."""
    return Key(f"ACCOUNT#{account_id}#OPT_OUT#{email_hmac}", "OPT_OUT")


def opted_out_address(key: Key) -> tuple[str, str] | None:
    """The account, and the HMAC of the address, in an opt-out's key; None where the key is another item's."""
    if key.SK != "OPT_OUT":
        return None
    account_id, _, email_hmac = key.PK.removeprefix("ACCOUNT#").partition("#OPT_OUT#")
    return account_id, email_hmac


def trash(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#TRASH` / `CONTACT#<c>`: a deleted contact that can come back."""
    return Key(f"ACCOUNT#{account_id}#TRASH", f"{_CONTACT}{contact_id}")


def tombstone(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#TRASH` / `ERASED#<c>`: a contact was erased; no personal data."""
    return Key(f"ACCOUNT#{account_id}#TRASH", f"{_ERASED}{contact_id}")


def idempotency(account_id: str, key_digest: str) -> Key:
    """`ACCOUNT#<a>#IDEMPOTENCY#<sha256 of the key>` / `REQUEST`: what a request with this Idempotency-Key did."""
    return Key(f"ACCOUNT#{account_id}#IDEMPOTENCY#{key_digest}", "REQUEST")


def about_contact(account_id: str, contact_id: str) -> str:
    """The partition of everything about a contact that goes when the contact is erased."""
    return f"ACCOUNT#{account_id}#{_CONTACT}{contact_id}"


def idempotency_pointer(account_id: str, contact_id: str, key_digest: str) -> Key:
    """`ACCOUNT#<a>#CONTACT#<c>` / `IDEMPOTENCY#<sha256 of the key>`: leads erasure to the records of a contact."""
    return Key(about_contact(account_id, contact_id), f"{_IDEMPOTENCY}{key_digest}")


def pointed_digest(key: Key) -> str | None:
    """The digest in an idempotency pointer's key; None where the key is another item's."""
    return key.SK.removeprefix(_IDEMPOTENCY) if key.SK.startswith(_IDEMPOTENCY) else None


def timeline_entry(account_id: str, contact_id: str, event_id: str) -> Key:
    """`ACCOUNT#<a>#CONTACT#<c>` / `EVENT#<event id>`: an event in its contact's timeline."""
    return Key(about_contact(account_id, contact_id), f"{_EVENT}{event_id}")


def timeline_event_id(key: Key) -> str | None:
    """The event's id in a timeline entry's key; None where the key is another item's."""
    return key.SK.removeprefix(_EVENT) if key.SK.startswith(_EVENT) else None


def event(account_id: str, appended_at: str, event_id: str) -> Key:
    """`ACCOUNT#<a>#EVENTS#<shard>` / `<append time>#<event id>`: an event in the account's log.

    The append time is an ISO timestamp. The event's id says the shard: one hexadecimal digit.
    """
    return log_position(account_id, int(event_id[-1], 16) % LOG_SHARDS, appended_at, event_id)


def log_position(account_id: str, shard: int, appended_at: str, event_id: str) -> Key:
    """`ACCOUNT#<a>#EVENTS#<shard>` / `<append time>#<event id>`: a position in one shard of an account's log.

    There need not be an event: reading begins and ends at positions.
    """
    return Key(f"ACCOUNT#{account_id}#EVENTS#{shard:x}", f"{appended_at}#{event_id}")


def earlier_event(account_id: str, appended_at: str, event_id: str) -> Key:
    """`ACCOUNT#<a>#EVENTS#<day>` / `<append time>#<event id>`: an event that a release before the shards has appended.

    The day is the first ten characters of the append time.
    """
    return Key(f"ACCOUNT#{account_id}#EVENTS#{appended_at[:10]}", f"{appended_at}#{event_id}")


def event_position(key: Key) -> tuple[str, str]:
    """The append time and the id of the event a key of the log belongs to."""
    appended_at, _, event_id = key.SK.partition("#")
    return appended_at, event_id


def posting(account_id: str, posting_list: tuple[str, str], contact_id: str) -> Key:
    """`ACCOUNT#<a>#ALL`, `…#TAG#<tag>`, `…#LIST#<slug>` / `CONTACT#<c>`: a contact is on a posting list."""
    return Key(f"ACCOUNT#{account_id}#{_of(posting_list)}", f"{_CONTACT}{contact_id}")


def count(account_id: str, posting_list: tuple[str, str]) -> Key:
    """`ACCOUNT#<a>#COUNTS` / `ALL`, `TAG#<tag>`, `LIST#<slug>`: how long a posting list is."""
    return Key(counts(account_id), _of(posting_list))


def counts(account_id: str) -> str:
    """The partition of an account's counts."""
    return f"ACCOUNT#{account_id}#COUNTS"


def counted(key: Key) -> tuple[str, str] | None:
    """The posting list whose count a key is; None where the key is another item's."""
    kind, _, value = key.SK.partition("#")
    if is_count_shard(key):
        return "all", ""
    return (kind.lower(), value) if kind in _POSTED else None


def count_shard(account_id: str, shard: int) -> Key:
    """`ACCOUNT#<a>#COUNTS` / `SHARD#<1 to 3>`: a part of the count of all contacts, and of the counts it carries.

    The part with the number 0 is `ALL`.
    """
    return Key(counts(account_id), f"{_SHARD}{shard}") if shard else count(account_id, ("all", ""))


def is_count_shard(key: Key) -> bool:
    """Whether it is the key of a part but the first of the count of all contacts."""
    return key.SK.startswith(_SHARD)


def carried_name(posting_list: tuple[str, str]) -> str:
    """`TAG#<tag>`, `LIST#<slug>`: the attribute that holds a list's count in the item of the count of all contacts."""
    return _of(posting_list)


def carried(attribute: str) -> tuple[str, str] | None:
    """The posting list whose count an attribute holds; None where it holds something else."""
    kind, has_value, value = attribute.partition("#")
    return (kind.lower(), value) if has_value and kind in _POSTED else None


def word_posting(account_id: str, word: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#WORD#<first character>` / `<word>#<c>`: a contact can be found by a word."""
    return Key(word_partition(account_id, word[0]), f"{word}#{contact_id}")


def word_partition(account_id: str, character: str) -> str:
    """The partition of the words that begin with a character."""
    return f"ACCOUNT#{account_id}#WORD#{character}"


def posted_word(key: Key) -> tuple[str, str]:
    """The word and the contact's id in a word posting's key."""
    word, _, contact_id = key.SK.rpartition("#")
    return word, contact_id


def first_character(account_id: str, character: str) -> Key:
    """`ACCOUNT#<a>#COUNTS` / `WORD#<first character>`: there are, or were, words that begin with it.

    Leads `reindex_account` to every partition of words.
    """
    return Key(counts(account_id), f"{_WORD}{character}")


def listed_character(key: Key) -> str | None:
    """The first character that a key lists; None where the key is another item's."""
    return key.SK.removeprefix(_WORD) if key.SK.startswith(_WORD) else None


def bookmark(account_id: str, query: str, offset: int) -> Key:
    """`ACCOUNT#<a>#PAGES` / `<query hash>#<offset>`: where a walk stands after so many contacts.

    The offset has ten digits, so that keys are in its order.
    """
    return Key(f"ACCOUNT#{account_id}#PAGES", f"{query}#{offset:010}")


def bookmark_offset(key: Key) -> int:
    """The offset in a bookmark's key."""
    return int(key.SK.rpartition("#")[2])


def webhook(account_id: str, webhook_id: str) -> Key:
    """`ACCOUNT#<a>#WEBHOOKS` / `<webhook id>`: an endpoint that is told of changes."""
    return Key(f"ACCOUNT#{account_id}#WEBHOOKS", webhook_id)


def delivery(account_id: str, webhook_id: str, delivery_id: str) -> Key:
    """`ACCOUNT#<a>#WEBHOOK#<w>` / `DELIVERY#<delivery id>`: one event on its way to one endpoint."""
    return Key(f"ACCOUNT#{account_id}#WEBHOOK#{webhook_id}", f"{_DELIVERY}{delivery_id}")


def delivery_id(key: Key) -> str:
    """The id in a delivery's key."""
    return key.SK.removeprefix(_DELIVERY)


def deliveries_in_flight(account_id: str) -> Key:
    """`ACCOUNT#<a>#DELIVERIES` / `IN_FLIGHT`: which deliveries of an account are being attempted."""
    return Key(f"ACCOUNT#{account_id}#DELIVERIES", "IN_FLIGHT")


def waiting_delivery(account_id: str, webhook_id: str | None, delivery_id: str) -> Key:
    """`ACCOUNT#<a>#WAITING` / `DELIVERY#<delivery id>`: a delivery that waits until its account has fewer in flight.

    `ACCOUNT#<a>#WAITING#<w>`: one that waits until its endpoint answers again. Ids of deliveries begin with the time of
    the event, so keys are in its order.
    """
    room = "WAITING" if webhook_id is None else f"WAITING#{webhook_id}"
    return Key(f"ACCOUNT#{account_id}#{room}", f"{_DELIVERY}{delivery_id}")


def domain_verdict(domain_digest: str) -> Key:
    """`DOMAIN#<sha256 of the domain>` / `VERDICT`: what the DNS says of a domain; it belongs to no account."""
    return Key(f"DOMAIN#{domain_digest}", "VERDICT")


def switches() -> Key:
    """`SWITCHES` / `SWITCHES`: what operators have switched off for all accounts."""
    return Key("SWITCHES", "SWITCHES")


def property_(account_id: str, property_id: str) -> Key:
    """`ACCOUNT#<a>#PROPERTIES` / `<property id>`: a typed custom field. (`property` is Python's.)"""
    return Key(f"ACCOUNT#{account_id}#PROPERTIES", property_id)


def property_name(account_id: str, name: str) -> Key:
    """`ACCOUNT#<a>#PROPERTY#<name>` / `PROPERTY`: who has the name, and what values are checked by."""
    return Key(f"ACCOUNT#{account_id}#PROPERTY#{name}", "PROPERTY")


def property_count(account_id: str) -> Key:
    """`ACCOUNT#<a>` / `PROPERTIES`: how many properties there are, which bounds them."""
    return Key(f"ACCOUNT#{account_id}", "PROPERTIES")


def channel(account_id: str, channel_id: str) -> Key:
    """`ACCOUNT#<a>#CHANNELS` / `<channel id>`: a way by which contacts arrive."""
    return Key(f"ACCOUNT#{account_id}#CHANNELS", channel_id)


def channel_count(account_id: str) -> Key:
    """`ACCOUNT#<a>` / `CHANNELS`: how many channels there are, which bounds them."""
    return Key(f"ACCOUNT#{account_id}", "CHANNELS")


def import_(account_id: str, import_id: str) -> Key:
    """`ACCOUNT#<a>#IMPORTS` / `<import id>`: a file of contacts that is, or was, imported. (`import` is Python's.)"""
    return Key(f"ACCOUNT#{account_id}#IMPORTS", import_id)


def export(account_id: str, export_id: str) -> Key:
    """`ACCOUNT#<a>#EXPORTS` / `<export id>`: contacts that are, or were, written to a file."""
    return Key(f"ACCOUNT#{account_id}#EXPORTS", export_id)


def _of(posting_list: tuple[str, str]) -> str:
    kind, value = posting_list
    return f"{kind.upper()}#{value}" if value else kind.upper()


def owner(key: Key) -> tuple[str, str]:
    """The account and the contact that the key of a contact, of its trash, tombstone or timeline entry belongs to.

    Raises:
        ValueError: it is the key of something else.
    """
    account_id, _, room = key.PK.removeprefix("ACCOUNT#").partition("#")
    if room.startswith(_CONTACT) and timeline_event_id(key):
        return account_id, room.removeprefix(_CONTACT)
    prefix, _, contact_id = key.SK.partition("#")
    if not contact_id or (room, f"{prefix}#") not in (
        ("0", _CONTACT),
        ("TRASH", _CONTACT),
        ("TRASH", _ERASED),
    ):
        raise ValueError("no key of a contact, its trash, tombstone or timeline")
    return account_id, contact_id
