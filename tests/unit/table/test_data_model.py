"""docs/data-model.md says what table/keys.py does, and only that file makes keys."""

import ast
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contacts.book.model import gate_name
from contacts.core.ids import Name, NameKind
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.search.words import phone_word
from contacts.table import keys
from contacts.table.records import key_digest
from local.stack import ROOT

PACKAGE = ROOT / "layers" / "contacts" / "contacts"
A = "01941f29-0000-7000-8000-00000000000a"
C = "01941f29-7c00-7aaa-8000-000000000001"
MERGED = "01941f29-7c00-7aaa-8000-000000000002"
ORDER_77 = key_digest("order-77")
EVENT = "01941f29-7c00-7bbb-8000-000000000003"
DELIVERY = "01941f29-7c00-7ccc-8000-000000000004"
PROPERTY = "01941f29-7c00-7ddd-8000-000000000005"
CHANNEL = "01941f29-7c00-7eee-8000-000000000006"
MADE: dict[str, keys.Key] = {
    "account": keys.account(A),
    "API key": keys.api_key("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"),
    "API key, listed": keys.listed_api_key(A, "key_01941f29000a1b2c3d4"),
    "usage of an hour": keys.usage(A, "2026-01-15T10"),
    "contact": keys.contact(A, C),
    "claim of an email": keys.claim(A, Name(NameKind.EMAIL, "ada@example.com")),
    "claim of an external id": keys.claim(A, Name(NameKind.EXTERNAL_ID, "crm-4711")),
    "claim of a merged id": keys.claim(A, Name(NameKind.ALIAS, MERGED)),
    "claim of a gate": keys.claim(A, gate_name(CHANNEL, "731905284")),
    "opt-out of an address": keys.opt_out(
        A, "4fb2c5a9d1e07c3858f6b2e49a70d13c6e8f25b1a94d7003c2e86b5fd19a4e77"
    ),
    "trash": keys.trash(A, C),
    "tombstone": keys.tombstone(A, C),
    "idempotency record": keys.idempotency(A, ORDER_77),
    "its pointer": keys.idempotency_pointer(A, C, ORDER_77),
    "timeline entry": keys.timeline_entry(A, C, EVENT),
    "event": keys.event(A, "2026-01-15T10:30:00.250Z", EVENT),
    "position in the log": keys.log_position(A, 0, "2026-01-15T10:30:00.250Z", str(UUID(int=0))),
    "event of an earlier release": keys.earlier_event(A, "2026-01-15T10:30:00.250Z", EVENT),
    "posting of all": keys.posting(A, ALL_CONTACTS, C),
    "posting of a tag": keys.posting(A, PostingList(PostingKind.TAG, "vip"), C),
    "posting of a list": keys.posting(A, PostingList(PostingKind.LIST, "newsletter"), C),
    "count of all": keys.count(A, ALL_CONTACTS),
    "count of a tag": keys.count(A, PostingList(PostingKind.TAG, "vip")),
    "count of a list": keys.count(A, PostingList(PostingKind.LIST, "newsletter")),
    "part of the count of all": keys.count_shard(A, 2),
    "word posting": keys.word_posting(A, "lovelace", C),
    "word posting of a phone": keys.word_posting(A, phone_word("+442079460958"), C),
    "first character": keys.first_character(A, "l"),
    "page bookmark": keys.bookmark(A, "d6f1a2b3c4e59687", 150),
    "property": keys.property_(A, PROPERTY),
    "property, by name": keys.property_name(A, "birthday"),
    "number of properties": keys.property_count(A),
    "channel": keys.channel(A, CHANNEL),
    "number of channels": keys.channel_count(A),
    "import": keys.import_(A, "01941f29-7c00-7bbb-8000-000000000007"),
    "export": keys.export(A, "01941f29-7c00-7bbb-8000-000000000008"),
    "webhook": keys.webhook(A, "wh_01941f29000a1b2c3d4"),
    "delivery": keys.delivery(A, "wh_01941f29000a1b2c3d4", DELIVERY),
    "deliveries in flight": keys.deliveries_in_flight(A),
    "delivery that waits for its account": keys.waiting_delivery(A, None, DELIVERY),
    "delivery that waits for its endpoint": keys.waiting_delivery(A, "wh_01941f29000a1b2c3d4", DELIVERY),
    "switches": keys.switches(),
    "verdict on a domain": keys.domain_verdict(sha256(b"example.com").hexdigest()),
}


def documented() -> dict[str, tuple[str, str, str]]:
    """The rows of the page's first table: item → maker, PK, SK."""
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    table = page.split("## Items")[1].split("What is in them")[0]
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| `([^`]+)` \| `([^`]+)` \|$", table, re.MULTILINE)
    return {item: (maker, pk, sk) for item, maker, pk, sk in rows}


@pytest.mark.parametrize("item", MADE)
def test_a_documented_key_is_the_key_that_is_made(item: str) -> None:
    _, pk, sk = documented()[item]
    assert keys.Key(pk, sk) == MADE[item]


def test_every_key_that_is_made_is_documented() -> None:
    def makes_keys(value: Any) -> bool:
        return isinstance(value, Callable) and getattr(value, "__annotations__", {}).get("return") is keys.Key

    makers = {name for name, value in vars(keys).items() if makes_keys(value)}
    assert makers == {maker for maker, _, _ in documented().values()}
    assert documented().keys() == MADE.keys()


@pytest.mark.parametrize(
    "module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_one_module_has_the_separator_in_a_string(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    # A spreadsheet's `#N/A` is no key.
    has_separator = any("#" in string.lower().replace("#n/a", "") for string in strings)
    assert has_separator == (module.name == "keys.py")
