"""The customers of the shop: invented, and the same ones each time.

The n-th person depends on n alone, and on the day from which the dates of orders count back.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from contacts.core.separated import joined
from local.demo_shop.names import LANGUAGES, Language
from local.demo_shop.phones import phone
from local.demo_shop.stories import EMAILS

SEED: Final = "demo shop"
PLANS: Final = ("free", "starter", "business", "enterprise")
SEATS: Final = {"free": (1, 1), "starter": (1, 5), "business": (5, 40), "enterprise": (50, 900)}
SOURCES: Final = ("shop", "web form", "trade fair", "referral", "call centre")
MAIL_DOMAINS: Final = ("example.com", "example.com", "example.org", "example.net")
"""RFC 2606. Companies have a domain of their own under `.example`."""
EVERY_LANGUAGE_WITHIN: Final = 100
"""Among so many people there is somebody of every language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer, as a row of the shop's file says it."""

    external_id: str
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    """As people write it whose family name comes first; the others have a first and a last name."""
    phone: str | None = None
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: str = "shop"
    is_unsubscribed: bool = False
    is_active: bool = True

    @property
    def display_name(self) -> str:
        """As the API shows it."""
        return self.name or f"{self.first_name} {self.last_name}".strip()


COLUMNS: Final = {
    "Customer ID": "external_id",
    "First name": "first_name",
    "Last name": "last_name",
    "Full name": "name",
    "Email": "email",
    "Phone": "phone",
    "Company": "custom_fields.company",
    "City": "custom_fields.city",
    "Country": "custom_fields.country",
    "Plan": "custom_fields.plan",
    "Seats": "custom_fields.seats",
    "Lifetime value": "custom_fields.lifetime_value",
    "Last order": "custom_fields.last_order_at",
    "Partner": "custom_fields.is_partner",
    "Notes": "custom_fields.notes",
    "Tags": "tags",
    "Lists": "lists",
    "Unsubscribed": "is_unsubscribed",
    "Active": "is_active",
    "Source": "metadata.source",
}
"""The columns of the shop's files, and the fields that they are."""


def cells(person: Person) -> dict[str, str]:
    """A person as a row, by column."""
    fields = person.fields
    return {
        "Customer ID": person.external_id,
        "First name": person.first_name,
        "Last name": person.last_name,
        "Full name": person.name,
        "Email": person.email or "",
        "Phone": person.phone or "",
        "Company": fields.get("company", ""),
        "City": fields.get("city", ""),
        "Country": fields.get("country", ""),
        "Plan": fields.get("plan", ""),
        "Seats": str(fields.get("seats", "")),
        "Lifetime value": str(fields.get("lifetime_value", "")),
        "Last order": fields.get("last_order_at", ""),
        "Partner": "yes" if fields.get("is_partner") else "",
        "Notes": fields.get("notes", ""),
        "Tags": joined(person.tags),
        "Lists": joined(person.lists),
        "Unsubscribed": "yes" if person.is_unsubscribed else "",
        "Active": "" if person.is_active else "no",
        "Source": person.source,
    }


def csv_of(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = tuple(COLUMNS)) -> bytes:
    """Rows as a file, as a spreadsheet writes it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, tuple(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def people(count: int, today: date) -> Iterator[Person]:
    """The first `count` customers. The odd ones stand among them, so that no first page is full of them."""
    odd = dict(zip(range(count // 2, count), ODD.values(), strict=False))
    taken = taken_by_others()
    for number in range(count):
        yield odd[number] if number in odd else person(number, today, taken)


def taken_by_others() -> set[str]:
    """The emails that no usual customer gets: those of the odd ones, and of the people in the stories."""
    return {*EMAILS, *(one.email for one in ODD.values() if one.email)}


def person(number: int, today: date, taken: set[str]) -> Person:
    """The n-th person. `taken`: the emails that others have; theirs is added."""
    random = Random(f"{SEED} {number}")
    # The first hundred go through the languages in turn: a small shop has them all, too.
    language = (
        LANGUAGES[number % len(LANGUAGES)]
        if number < EVERY_LANGUAGE_WITHIN
        else random.choices(LANGUAGES, [one.share for one in LANGUAGES])[0]
    )
    given, family = random.choice(language.given), random.choice(language.family)
    company = random.choice(language.companies) if random.random() < 0.45 else None
    domain = random.choice(MAIL_DOMAINS) if company is None else f"{company.latin}.example"
    email = _free_email(f"{given.latin}.{family.latin}", domain, taken)
    fields, tags = _business(random, today)
    fields |= {"city": random.choice(language.cities), "country": language.country}
    if company is not None:
        fields["company"] = company.text
    is_unsubscribed = random.random() < 0.05
    return Person(
        external_id=f"C-{10_001 + number}",
        email=email,
        phone=phone(language.country, random) if random.random() < 0.6 else None,
        tags=tags,
        lists=_lists(random, tags),
        fields=fields,
        source=random.choice(SOURCES),
        is_unsubscribed=is_unsubscribed,
        is_active=random.random() >= 0.03,
        **_named(language, given.text, family.text),
    )


def _named(language: Language, given: str, family: str) -> dict[str, str]:
    if language.whole is None:
        return {"first_name": given, "last_name": family}
    return {"name": f"{family}{language.whole}{given}"}


def _business(random: Random, today: date) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What somebody buys, and the tags that go with it."""
    year = today.year
    tags: list[str] = []
    plan = random.choices(PLANS, (30, 40, 22, 8))[0]
    fields: dict[str, Any] = {"plan": plan, "seats": random.randint(*SEATS[plan])}
    if plan == "free":
        tags.append("trial" if random.random() < 0.6 else "lead")
    else:
        days = int(random.expovariate(1 / 60))
        fields["last_order_at"] = (today - timedelta(days=min(days, 700))).isoformat()
        fields["lifetime_value"] = round(random.lognormvariate(5.2, 0.9) + 12 * fields["seats"], 2)
        tags.append("customer")
        tags += ["vip"] * (fields["lifetime_value"] > 1200)
        tags += ["churn-risk"] * (days > 150)
        tags += ["wholesale"] * (plan == "enterprise" and random.random() < 0.5)
    fields["is_partner"] = random.random() < 0.04
    tags += ["partner"] * fields["is_partner"]
    chances = {
        f"newsletter-{year}": 0.4,
        "webinar": 0.1,
        "beta": 0.06,
        "referral": 0.08,
        "press": 0.01,
        "do-not-call": 0.03,
        "gift card": 0.05,
    }
    return fields, (*tags, *(tag for tag, chance in chances.items() if random.random() < chance))


def _lists(random: Random, tags: tuple[str, ...]) -> tuple[str, ...]:
    chances = {"newsletter": 0.5, "product-updates": 0.3, "events": 0.12}
    found = [name for name, chance in chances.items() if random.random() < chance]
    return (*found, *(["order-news"] * ("customer" in tags)), *(["wholesale-offers"] * ("wholesale" in tags)))


def _free_email(local: str, domain: str, taken: set[str]) -> str:
    number = 1
    while (email := f"{local}{number if number > 1 else ''}@{domain}") in taken:
        number += 1
    taken.add(email)
    return email


LONG_WORD: Final = ("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 4)[
    :255
]
"""As long as a name may be, without a place to break it."""
LARGEST_NOTE: Final = 300 * 1024
"""Bytes. A contact may have 350 KB in all."""

ODD: Final = {
    "markup": Person(
        external_id="ODD-markup",
        email="markup@example.com",
        name="<img src=x onerror=alert(1)>",
        tags=("<b>bold</b>", "customer"),
        fields={"company": '"><script>alert(1)</script>', "city": "&amp;"},
    ),
    "long name": Person(
        external_id="ODD-long-name", email="long-name@example.com", name=LONG_WORD, tags=("customer",)
    ),
    "many names": Person(
        external_id="ODD-many-names",
        email="many.names@example.org",
        first_name="Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios",
        last_name="Cipriano de la Santísima Trinidad Ruiz y Picasso",
        tags=("customer", "vip"),
        lists=("newsletter",),
    ),
    "right to left beside Latin": Person(
        external_id="ODD-both-ways",
        email="both.ways@example.com",
        first_name="Fatima (فاطمة)",
        last_name="الزهراء O'Neill",
        tags=("customer", "عميل مميز"),
        fields={"company": "مكتبة Nile & Sons", "city": "القاهرة / Cairo"},
    ),
    "a hundred tags": Person(
        external_id="ODD-hundred-tags",
        email="hundred.tags@example.com",
        first_name="Tagged",
        last_name="Allover",
        tags=tuple(f"segment-{number:03}" for number in range(1, 101)),
    ),
    "large field": Person(
        external_id="ODD-large-field",
        email="large.field@example.com",
        first_name="Greta",
        last_name="Großnotiz",
        fields={"notes": ("Called, and called again. " * (LARGEST_NOTE // 26 + 1))[:LARGEST_NOTE]},
    ),
    "formula": Person(
        external_id="ODD-formula",
        email="formula@example.com",
        name='=HYPERLINK("https://example.com")',
        tags=("=1+1",),
        fields={"company": "@SUM(A1:A9)"},
    ),
    "emoji": Person(
        external_id="ODD-emoji",
        email="emoji@example.com",
        first_name="Zoë 👩🏽‍🚀",
        last_name="🇺🇦 Z̷̢͝a̴͙͂l̶̰̈g̵̱̊o̸̻͝",
        tags=("🎉",),
    ),
    "no name": Person(external_id="ODD-no-name", email="no.name@example.net", tags=("lead",)),
    "no email": Person(
        external_id="ODD-no-email",
        first_name="Nora",
        last_name="Nomail",
        phone="+442079460018",
        tags=("customer",),
    ),
    "foreign domain": Person(
        external_id="ODD-foreign-domain",
        email="info@bücher.example",
        first_name="Bücher",
        last_name="Bär",
        tags=("wholesale",),
    ),
    "reserved signs": Person(
        external_id="ODD/50%?#&+ id",
        email="o'brien+news@example.com",
        first_name="Sinéad",
        last_name='O’Brien "Percent" \\ Slash',
        tags=("a;b", "50% off", "#1", "c,d"),
        fields={"company": 'Quote " & Comma, Ltd.'},
    ),
}
"""People whose names and values try a page, by what is odd about them."""
