"""What must hold of an account's contacts in the table after every operation, whatever happened to it; and of what is
derived of them, once the projection is through.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.book.model import KIND, MAPS, MAX_BYTES, MAX_LISTS, MAX_TAGS, Action, contact_from, gate_name
from contacts.core.ids import Name, NameKind, is_uuid
from contacts.core.json import MAX_VALUES, json_values
from contacts.projection.store import UNLISTED
from contacts.search.count_items import counts_of
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList, posting_lists
from contacts.search.words import words_of
from contacts.table import keys
from contacts.table.expressions import Item, from_attribute, from_item, item_size

TypedItem = Mapping[str, dict[str, Any]]

INDEXED = ("email", "external_id", "updated_at")
"""Attributes that are keys of an index: DynamoDB refuses them as NULL or empty."""


def violations(items: Iterable[TypedItem], account_id: str, now_s: int) -> list[str]:
    """Every rule that items (in typed JSON) break; `now_s`: seconds since the epoch."""
    book = _sorted_into_rooms(items, account_id)
    return [
        *_contact_violations(book),
        *_trash_violations(book),
        *_live_name_violations(book),
        *_claim_violations(book, now_s),
        *_whereabouts_violations(book),
        *_record_violations(book),
        *_property_violations(book),
        *_channel_violations(book),
    ]


def derived_violations(items: Iterable[TypedItem], account_id: str) -> list[str]:
    """Where postings, words and counts (in typed JSON) are not what the contacts say."""
    found = {keys.Key(item["PK"]["S"], item["SK"]["S"]): item for item in items}
    book = _sorted_into_rooms(found.values(), account_id)
    contacts = [contact_from(from_item(item)) for item in book.contacts.values()]
    lists = [(one, contact) for contact in contacts for one in posting_lists(contact)]
    words = [(word, contact) for contact in contacts for word in words_of(contact)]
    expected = {
        *(keys.posting(account_id, one, contact.id) for one, contact in lists),
        *(keys.word_posting(account_id, word, contact.id) for word, contact in words),
    }
    derived = {key for key in found if _is_derived(key, account_id)}
    characters = {keys.first_character(account_id, word[0]) for word, _ in words if word[0] not in UNLISTED}
    return [
        *(f"missing: {key}" for key in sorted(expected - derived)),
        *(f"in vain: {key}" for key in sorted(derived - expected)),
        *(f"not listed: {key}" for key in sorted(characters - found.keys())),
        *_count_violations(found, account_id, Counter(one for one, _ in lists)),
    ]


def _is_derived(key: keys.Key, account_id: str) -> bool:
    """Whether it is the key of a posting or a word."""
    rooms = (
        keys.posting(account_id, PostingList(kind), "").PK for kind in (PostingKind.TAG, PostingKind.LIST)
    )
    named = (*rooms, keys.word_partition(account_id, ""))
    return key.PK == keys.posting(account_id, ALL_CONTACTS, "").PK or key.PK.startswith(named)


def _count_violations(
    found: Mapping[keys.Key, TypedItem], account_id: str, lengths: Mapping[PostingList, int]
) -> Iterator[str]:
    """A list with somebody on it has a count, and a count is how many are on its list."""
    counted = counted_in(found.values(), account_id)
    for posting_list in sorted(lengths.keys() | counted.keys()):
        length, n = lengths.get(posting_list, 0), counted.get(posting_list, 0)
        if n != length:
            yield f"the count of {posting_list} is {n}, but {length} are on it"


def counted_in(items: Iterable[TypedItem], account_id: str) -> dict[PostingList, int]:
    """What an account's counts say (in typed JSON), wherever they lie; -1 where an item does not say it."""
    of_account = (item for item in items if item["PK"]["S"] == keys.counts(account_id))
    counts = counts_of(map(from_item, of_account))
    return {posting_list: -1 if count.n is None else count.n for posting_list, count in counts.items()}


@dataclass
class _Book:
    """The items of one account by what they are."""

    account_id: str
    contacts: dict[str, TypedItem] = field(default_factory=dict)
    trash: dict[str, TypedItem] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    claims: dict[Name, Item] = field(default_factory=dict)
    records: dict[str, Item] = field(default_factory=dict)
    pointers: list[tuple[str, str]] = field(default_factory=list)
    """Contact id and Idempotency-Key."""
    properties: dict[str, Item] = field(default_factory=dict)
    named_properties: dict[str, Item] = field(default_factory=dict)
    property_count: int = 0
    channels: dict[str, Item] = field(default_factory=dict)
    channel_count: int = 0
    jobs: set[str] = field(default_factory=set)
    """Imports and exports."""


def _sorted_into_rooms(items: Iterable[TypedItem], account_id: str) -> _Book:
    book = _Book(account_id)
    claims = {kind: keys.claim(account_id, Name(kind, "")) for kind in NameKind}
    contact, trash = keys.contact(account_id, ""), keys.trash(account_id, "")
    tombstone, record = keys.tombstone(account_id, ""), keys.idempotency(account_id, "")
    pointer = keys.idempotency_pointer(account_id, "", "")
    jobs = {keys.import_(account_id, "").PK, keys.export(account_id, "").PK}
    channel, gate = keys.channel(account_id, ""), keys.claim(account_id, gate_name("", ""))
    property_, property_name = keys.property_(account_id, ""), keys.property_name(account_id, "")
    for item in items:
        key = keys.Key(item["PK"]["S"], item["SK"]["S"])
        if contact == (key.PK, key.SK[: len(contact.SK)]):
            book.contacts[key.SK.removeprefix(contact.SK)] = item
        elif trash == (key.PK, key.SK[: len(trash.SK)]):
            book.trash[key.SK.removeprefix(trash.SK)] = item
        elif tombstone == (key.PK, key.SK[: len(tombstone.SK)]):
            book.erased.add(key.SK.removeprefix(tombstone.SK))
        elif record == (key.PK[: len(record.PK)], key.SK):
            book.records[key.PK.removeprefix(record.PK)] = from_item(item)
        elif pointer == (key.PK[: len(pointer.PK)], key.SK[: len(pointer.SK)]):
            book.pointers.append((key.PK.removeprefix(pointer.PK), key.SK.removeprefix(pointer.SK)))
        elif key.PK == property_.PK:
            book.properties[key.SK] = from_item(item)
        elif property_name == (key.PK[: len(property_name.PK)], key.SK):
            book.named_properties[key.PK.removeprefix(property_name.PK)] = from_item(item)
        elif key == keys.property_count(account_id):
            book.property_count = from_item(item)["n"]
        elif key.PK in jobs:
            book.jobs.add(key.SK)
        elif key.PK == channel.PK:
            book.channels[key.SK] = from_item(item)
        elif key == keys.channel_count(account_id):
            book.channel_count = from_item(item)["n"]
        elif gate == (key.PK[: len(gate.PK)], key.SK[: len(gate.SK)]):
            name = gate_name(key.PK.removeprefix(gate.PK), key.SK.removeprefix(gate.SK))
            book.claims[name] = from_item(item)
        else:
            for kind, claim in claims.items():
                if claim == (key.PK[: len(claim.PK)], key.SK):
                    book.claims[Name(kind, key.PK.removeprefix(claim.PK))] = from_item(item)
    return book


def _contact_violations(book: _Book) -> Iterator[str]:
    for contact_id, item in book.contacts.items():
        wrong = [*_state_violations(contact_id, item), *_size_violations(item)]
        if item.get("kind") != {"S": KIND}:
            wrong.append("has another kind")
        if not _names(item):
            wrong.append("has no name that leads to it")
        yield from (f"contact {contact_id}: {why}" for why in wrong)


def _state_violations(contact_id: str, item: TypedItem) -> Iterator[str]:
    """What is wrong with a contact's attributes, live or in the trash."""
    if item.get("id") != {"S": contact_id}:
        yield "lies under the key of another id"
    for attribute, value in item.items():
        if "NULL" in value:
            yield f"{attribute} is NULL"
    for attribute in INDEXED:
        if attribute in item and not item[attribute].get("S"):
            yield f"{attribute} cannot be in its index"
    for attribute in ("created_at", "updated_at", "validation_status", "change_id"):
        if not item.get(attribute, {}).get("S"):
            yield f"{attribute} is no text"
    for attribute in ("custom_fields", "metadata"):
        if "M" not in item.get(attribute, {}):
            yield f"{attribute} is no map"
    for attribute, limit in (("tags", MAX_TAGS), ("lists", MAX_LISTS)):
        values = [entry.get("S") for entry in item.get(attribute, {}).get("L", [{}])]
        if not all(values) or len(set(values)) < len(values) or len(values) > limit:
            yield f"{attribute} are not up to {limit} different texts"
    version = item.get("version", {}).get("N", "0")
    if not version.isdigit() or int(version) < 1:
        yield f"version is {version}"
    for attribute in ("is_active", "is_unsubscribed"):
        if "BOOL" not in item.get(attribute, {}):
            yield f"{attribute} is neither true nor false"
    if item.get("is_unsubscribed", {}).get("BOOL") is not ("unsubscribed_at" in item):
        yield "is_unsubscribed and unsubscribed_at contradict each other"


def _size_violations(item: TypedItem) -> Iterator[str]:
    size, bound = item_size(from_item(item)), int(item.get("size_bound", {}).get("N", "0"))
    if not size <= bound <= MAX_BYTES:
        yield f"size_bound is {bound} for {size} bytes"
    maps = [from_attribute(item[name]) for name in MAPS if name in item]
    values, bound = json_values(maps, MAX_BYTES), int(item.get("values_bound", {}).get("N", "0"))
    if not values <= min(bound, MAX_VALUES):
        yield f"values_bound is {bound} for {values} values"


def _trash_violations(book: _Book) -> Iterator[str]:
    for contact_id, item in book.trash.items():
        wrong = list(_state_violations(contact_id, item["snapshot"]["M"]))
        if item.keys() - {"quiet"} != {"PK", "SK", "snapshot", "deleted_at", "ttl"}:
            wrong.append(f"has the attributes {sorted(item)}, so an index may see it")
        yield from (f"trash {contact_id}: {why}" for why in wrong)


def _live_name_violations(book: _Book) -> Iterator[str]:
    """A live contact has all of its names, for good."""
    for contact_id, item in book.contacts.items():
        for name in _names(item):
            if book.claims.get(name) != _claim(book, name, contact_id):
                yield f"contact {contact_id} has no claim on its {name.kind} {name.value}"


def _claim(book: _Book, name: Name, contact_id: str) -> Item:
    key = keys.claim(book.account_id, name)
    return {"PK": key.PK, "SK": key.SK, "contact_id": contact_id, "state": "live"}


def _claim_violations(book: _Book, now_s: int) -> Iterator[str]:
    """A claim leads to a contact with that name: live, or until its days are over in the trash."""
    for name, claim in book.claims.items():
        owner = claim["contact_id"]
        if claim["state"] == "live":
            if name not in _names(book.contacts.get(owner, {})):
                yield f"claim on {name.kind} {name.value} is live, but {owner} has no such name"
        elif claim["state"] != "deleted" or "ttl" not in claim:
            yield f"claim on {name.kind} {name.value} is neither live nor deleted"
        elif claim["ttl"] > now_s:
            trashed = book.trash.get(owner)
            if trashed is None or name not in _names(trashed["snapshot"]["M"]):
                yield f"claim on {name.kind} {name.value} is deleted, but {owner} is not in the trash with it"
            elif from_attribute(trashed["ttl"]) != claim["ttl"]:
                yield f"claim on {name.kind} {name.value} ends at another time than the trash of {owner}"


def _whereabouts_violations(book: _Book) -> Iterator[str]:
    """A contact is live, in the trash, or erased, and no two of these."""
    places = {"live": set(book.contacts), "in the trash": set(book.trash), "erased": book.erased}
    for one, another in (("live", "in the trash"), ("live", "erased"), ("in the trash", "erased")):
        for contact_id in places[one] & places[another]:
            yield f"contact {contact_id} is {one} and {another}"


def _record_violations(book: _Book) -> Iterator[str]:
    """A record of a request about a contact is found from that contact, and none is pointed to in vain."""
    for key, record in book.records.items():
        if record.get("erased") or record.get("did") in (Action.QUEUED, Action.BEGUN):
            continue
        if record.get("did") == Action.RECORDED:
            if key not in {pointed for _, pointed in book.pointers} and not book.erased:
                yield f"no pointer leads to the record of {key}, which holds what somebody did"
            continue
        told = record.get("contact") or record["details"]
        about = told.get("contact_id") or told.get("id")
        # A request about an API key, a property, a channel or an import has no contact to be found from; that of an
        # erasure nothing to be found for.
        found_from = is_uuid(about) and about not in {*book.properties, *book.channels, *book.jobs}
        if found_from and about not in book.erased and (about, key) not in book.pointers:
            yield f"no pointer under contact {about} leads to the record of {key}"
    for contact_id, key in book.pointers:
        if key not in book.records:
            yield f"the pointer under contact {contact_id} to {key} leads nowhere"


def _property_violations(book: _Book) -> Iterator[str]:
    """Each property has its name, which says the same of it; they are as many as are counted."""
    rule = ("type", "options", "archived")
    said = {
        item["name"]: {"property_id": property_id} | {name: item[name] for name in rule if name in item}
        for property_id, item in book.properties.items()
    }
    under_names = {
        name: {key: value for key, value in item.items() if key not in ("PK", "SK")}
        for name, item in book.named_properties.items()
    }
    if said != under_names:
        yield f"properties are {said}, under their names are {under_names}"
    if book.property_count != len(book.properties):
        yield f"{book.property_count} properties are counted, there are {len(book.properties)}"


def _channel_violations(book: _Book) -> Iterator[str]:
    """Channels are as many as are counted."""
    if book.channel_count != len(book.channels):
        yield f"{book.channel_count} channels are counted, there are {len(book.channels)}"


def _names(item: TypedItem) -> set[Name]:
    own = {kind: item.get(kind, {}).get("S") for kind in (NameKind.EMAIL, NameKind.EXTERNAL_ID)}
    names = {Name(kind, value) for kind, value in own.items() if value}
    for entry in item.get("absorbed", {}).get("L", []):
        kind, _, value = entry["S"].partition(":")
        names.add(Name(NameKind(kind), value))
    for entry in item.get("gates", {}).get("L", []):
        _, channel_id, identifier = entry["S"].split(":", 2)
        names.add(gate_name(channel_id, identifier))
    return names
