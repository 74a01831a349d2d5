"""Accounts of any size, made to be measured: their contacts, and the items the table holds of them.

A contact is known by its age: how many are newer. Those of the same age are alike in every account, however many older
ones it has; so where a page costs more in a large account, it is its size that costs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Final

from contacts.book.model import Contact, ContactState, ValidationStatus
from contacts.book.store import contact_item
from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.projection.store import UNLISTED, Posting, WordPosting, derived_key
from contacts.search.count_items import CARRIED_BYTES, ROOM_TAKEN, carried_bytes, carried_change
from contacts.search.query import ALL_CONTACTS, PostingList, posting_lists
from contacts.search.words import words_of
from contacts.table import keys
from contacts.table.keys import Key

Item = Mapping[str, object]

NOW_MS: Final = 1_768_478_400_000
"""2026-01-15T12:00Z: when the newest contact came."""
MS_BETWEEN: Final = 10 * 60 * 1000
"""A contact came every ten minutes: 1,000 in a week, 100,000 in two years."""

TENTH: Final = "customer"
"""A tag of one contact in ten."""
MOST: Final = "2026"
"""A tag of seven in ten, whether they are customers or not."""
LIST: Final = "newsletter"
"""A list with one in five."""
RARE_NAME: Final = "Zephyrine"
"""Twenty contacts have it, in every account."""
COMMON_NAME: Final = "Lovelace"
"""One in ten has it."""

_RARE_AMONG: Final = 1000
_GIVEN: Final = (
    *(
        "Ada",
        "Alan",
        "Barbara",
        "Carol",
        "Dennis",
        "Edsger",
        "Frances",
        "Grace",
        "Hedy",
        "Ida",
        "Jean",
        "Karen",
    ),
    *(
        "Margaret",
        "Niklaus",
        "Olga",
        "Peter",
        "Radia",
        "Sophie",
        "Tim",
        "Ursula",
        "Vera",
        "Whitfield",
        "Yukihiro",
    ),
)
_FAMILY: Final = (
    *(
        "Allen",
        "Backus",
        "Conway",
        "Dijkstra",
        "Engelbart",
        "Floyd",
        "Goldberg",
        "Hopper",
        "Iverson",
        "Johnson",
    ),
    *("Kay", "McCarthy", "Naur", "Ousterhout", "Perlman", "Ritchie", "Shaw", "Thompson", "Ullman", "Wirth"),
)
_COMPANIES: Final = ("example.com", "example.org", "example.net", "mail.example")
_CITIES: Final = ("Berlin", "Córdoba", "New York", "東京", "Київ")
_PLANS: Final = ("free", "pro", "enterprise")


def contact_of_age(age: int) -> Contact:
    """The contact that so many newer ones have followed."""
    chance = Random(age)
    created_ms = NOW_MS - age * MS_BETWEEN
    updated_ms = (
        created_ms + int((NOW_MS - created_ms) * chance.random()) if chance.random() < 0.5 else created_ms
    )
    given = RARE_NAME if age < _RARE_AMONG and age % 50 == 7 else chance.choice(_GIVEN)
    family = COMMON_NAME if chance.random() < 0.1 else chance.choice(_FAMILY)
    tags = [tag for tag, share in ((TENTH, 0.1), (MOST, 0.7), ("webinar", 0.3)) if chance.random() < share]
    tags += [f"owner-{chance.randrange(50)}"]
    number = chance.randrange(10**9)
    return Contact(
        id=uuid7(created_ms, chance.randbytes(10)),
        version=1 if updated_ms == created_ms else 2,
        created_at=iso(created_ms),
        updated_at=iso(updated_ms),
        email=f"{given}.{family}.{age}@{chance.choice(_COMPANIES)}".lower(),
        external_id=external_id_of_age(age),
        first_name=given,
        last_name=family,
        phone=f"+1{number:010}",
        tags=tuple(tags),
        lists=(LIST,) if chance.random() < 0.2 else (),
        custom_fields={
            "city": chance.choice(_CITIES),
            "company": f"{chance.choice(_FAMILY)} & {chance.choice(_FAMILY)} Ltd",
            "employees": number % 5000,
            "subscription": {"plan": chance.choice(_PLANS), "seats": number % 40 + 1},
        },
        metadata={"source": "import", "batch": number % 100, "reference": f"{number:x}"},
        is_active=chance.random() < 0.9,
        is_unsubscribed=(unsubscribed := chance.random() < 0.05),
        unsubscribed_at=iso(updated_ms) if unsubscribed else None,
        validation_status=ValidationStatus.VALID if chance.random() < 0.95 else ValidationStatus.INVALID,
    )


def external_id_of_age(age: int) -> str:
    """The external id of a contact."""
    return f"crm-{age:07}"


def days_ago(days: float) -> str:
    """A moment so many days before the newest contact came."""
    return iso(NOW_MS - int(days * DAY * 1000))


def items_of(
    account_id: str, contact: Contact, first_characters: Iterable[str] | None = None
) -> dict[Key, Item]:
    """A contact's item, its postings and its words, as a create and the projection write them.

    `first_characters`: only of words that begin with these; None: of all words. (Each lies in a partition of its own,
    so those that nobody asks for change nothing for the others.)
    """
    wanted = None if first_characters is None else frozenset(first_characters)
    postings = (Posting(one, contact.id) for one in posting_lists(contact))
    words = (
        WordPosting(word, contact.id) for word in words_of(contact) if wanted is None or word[0] in wanted
    )
    change_id = contact.id.replace("-", "")[-18:]
    items: dict[Key, Item] = {keys.contact(account_id, contact.id): contact_item(contact, change_id)}
    items |= {derived_key(account_id, posting): {} for posting in postings}
    items |= {derived_key(account_id, word): {} for word in words}
    return items


def claims_of(account_id: str, contact: Contact) -> dict[Key, Item]:
    """What says whose a contact's names are."""
    claim = {"contact_id": contact.id, "state": ContactState.LIVE}
    return {keys.claim(account_id, name): claim for name in contact.names}


class Tally:
    """What the table holds of all contacts of an account together: counts, first characters."""

    def __init__(self) -> None:
        self._posted: Counter[PostingList] = Counter()
        self._characters: set[str] = set()

    def add(self, contact: Contact) -> None:
        """Count a contact in."""
        self._posted.update(posting_lists(contact))
        self._characters.update(word[0] for word in words_of(contact) if word[0] not in UNLISTED)

    def items(self, account_id: str) -> Iterator[tuple[Key, Item]]:
        """Counts, as if each contact had come alone, and first characters of words.

        The counts of the most common tags and lists are carried by the count of all contacts, as many as fit.
        """
        of_all: dict[str, object] = {}
        taken = 0
        for posting_list, n in self._posted.most_common():
            size = carried_bytes(posting_list)
            if posting_list == ALL_CONTACTS:
                of_all |= {"n": n, "changes": n}
            elif taken + size <= CARRIED_BYTES:
                of_all[keys.carried_name(posting_list)] = n * carried_change(1)
                taken += size
            else:
                yield keys.count(account_id, posting_list), {"n": n, "changes": n}
        yield keys.count(account_id, ALL_CONTACTS), {**of_all, ROOM_TAKEN: taken}
        for character in self._characters:
            yield keys.first_character(account_id, character), {}
