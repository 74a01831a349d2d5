"""A dozen customers, and what happened to each: created, changed, recorded, from the first to the last step.

`ago` of an event is in days: its `occurred_at` lies so far in the past, less than 90 days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from local.demo_shop.endpoints import UNKNOWN_TO_WAREHOUSE

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a customer did."""

    name: str
    data: Json
    ago: float


@dataclass(frozen=True, slots=True)
class Change:
    """A PATCH of the contact."""

    body: Json


@dataclass(frozen=True, slots=True)
class Merge:
    """A contact that is made for it is merged into this one."""

    contact: Json


@dataclass(frozen=True, slots=True)
class Delete:
    """The contact goes to the trash."""


Step = Event | Change | Merge | Delete


@dataclass(frozen=True, slots=True)
class Story:
    """A customer. `channel`: the type of the channel through which they came, with what it calls them."""

    contact: Json
    steps: tuple[Step, ...] = ()
    channel: tuple[str, str] | None = None
    role: str | None = None
    """What tests and pictures find the contact by."""


def _order(number: int, total: float, ago: float, *items: str) -> Event:
    data = {
        "order": f"R-{number}",
        "total": total,
        "currency": "EUR",
        "items": [{"title": one} for one in items],
    }
    return Event("order_placed", data, ago)


def _opened(campaign: str, subject: str, ago: float) -> Event:
    return Event("email_opened", {"campaign": campaign, "subject": subject, "client": "Apple Mail"}, ago)


def _closed(ticket: int, subject: str, minutes: int, ago: float) -> Event:
    return Event(
        "ticket_closed", {"ticket": ticket, "subject": subject, "minutes": minutes, "rating": 5}, ago
    )


def _business(company: str, city: str, country: str, plan: str, seats: int, value: float) -> Json:
    of_company = {"company": company, "city": city, "country": country}
    return {**of_company, "plan": plan, "seats": seats, "lifetime_value": value, "is_partner": False}


STORIES: Final = (
    Story(
        {
            "email": "rosalind@example.net",
            "external_id": "S-205",
            "first_name": "Rosalind",
            "last_name": "Whitfield",
            "tags": ["trial"],
        },
        (Change({"is_active": False}), Delete()),
        role="in the trash",
    ),
    Story(
        {
            "email": "minjun@hanbit.example",
            "external_id": "S-206",
            "name": "김민준",
            "tags": ["customer", "churn-risk"],
            "lists": ["newsletter", "order-news"],
            "custom_fields": _business("한빛서점", "서울", "South Korea", "starter", 3, 289.0),
        },
        (
            _order(4410, 89.0, 89, "수채화 물감"),
            Event("payment_failed", {"order": "R-4766", "reason": "card expired"}, 84),
            Change({"is_unsubscribed": True}),
            Event("email_bounced", {"campaign": "spring", "kind": "soft"}, 60),
        ),
        role="unsubscribed",
    ),
    Story(
        {
            "email": "sakura@kissaminato.example",
            "external_id": "S-208",
            "name": "田中 さくら",
            "tags": ["customer", "vip"],
            "lists": ["newsletter"],
            "custom_fields": _business("喫茶みなと", "京都", "Japan", "business", 12, 1980.0),
        },
        (
            _order(5011, 640.0, 33, "抹茶碗", "茶筅"),
            _order(5390, 1340.0, 6, "南部鉄器"),
            Event("review_written", {"product": "南部鉄器", "stars": 5, "text": "とても美しいです。"}, 1),
        ),
        channel=("telegram", "731905284"),
        role="reached by Telegram",
    ),
    Story(
        {
            "email": "kasia.wojcik@example.org",
            "first_name": "Kasia",
            "last_name": "Wojcik",
            "tags": ["lead", "webinar"],
            "lists": ["events"],
            "custom_fields": {"city": "Krakow", "plan": "free"},
            "metadata": {"source": "web form"},
        },
        (Event("form_submitted", {"form": "webinar", "page": "/autumn-webinar"}, 9),),
        role="merge: goes",
    ),
    Story(
        {
            "email": "k.wojcik@example.com",
            "external_id": "S-201",
            "first_name": "Katarzyna",
            "last_name": "Wójcik",
            "tags": ["customer", "gift card"],
            "lists": ["newsletter", "order-news"],
            "custom_fields": _business("Księgarnia Żółw", "Kraków", "Poland", "business", 8, 1240.5),
        },
        (_order(5102, 310.0, 41, "Atlas ptaków"), _opened("autumn", "Nowości na jesień", 12)),
        role="merge: stays",
    ),
    Story(
        {
            "email": "ahmed.hassan@example.com",
            "external_id": "S-204",
            "first_name": "Ahmed",
            "last_name": "Hassan",
            "tags": ["customer"],
            "is_unsubscribed": True,
            "custom_fields": {"company": "Nile Books", "city": "Cairo", "plan": "starter"},
        },
        role="second merge: goes",
    ),
    Story(
        {
            "email": "ahmed@nilebooks.example",
            "external_id": "S-203",
            "first_name": "أحمد",
            "last_name": "حسن",
            "tags": ["customer", "wholesale"],
            "custom_fields": _business("مكتبة النيل", "القاهرة", "Egypt", "enterprise", 120, 8450.0),
        },
        (_order(4870, 2150.0, 66, "كتب أطفال", "خرائط"),),
        role="second merge: stays",
    ),
    Story(
        {
            "first_name": "Theodora",
            "last_name": "Adeyemi",
            "phone": "+442079460142",
            "tags": ["lead"],
            "custom_fields": {"city": "London", "country": "United Kingdom"},
        },
        (
            Event("message_received", {"channel": "whatsapp", "text": "Do you ship to Lagos?"}, 2),
            Change({"email": "theodora@example.com", "add_tags": ["wholesale"]}),
        ),
        channel=("whatsapp", "442079460142"),
        role="reached by WhatsApp",
    ),
    Story(
        {
            "email": "juergen@zurpost.example",
            "external_id": "S-209",
            "first_name": "Jürgen",
            "last_name": "Müller-Lüdenscheidt",
            "phone": "+493023125042",
            "tags": ["customer", "wholesale"],
            "lists": ["order-news", "wholesale-offers"],
            "custom_fields": _business(
                'Kaffeehaus "Zur Post"', "Berlin", "Germany", "enterprise", 75, 6120.4
            ),
        },
        (
            _order(5240, 1890.0, 20, "Bohnen, 60 kg", "Filter"),
            Event("ticket_opened", {"ticket": 802, "subject": "Rechnung fehlt"}, 18),
            _closed(802, "Rechnung fehlt", 95, 17),
            Change({"custom_fields": {"seats": 90}, "add_tags": ["vip"]}),
        ),
    ),
    Story(
        {
            "email": "amelie@dupre.example",
            "external_id": "S-210",
            "first_name": "Amélie",
            "last_name": "Lefèvre",
            "phone": "+33199004217",
            "tags": ["trial", "webinar"],
            "lists": ["newsletter", "events"],
            "custom_fields": _business("Éditions du Pré", "Lyon", "France", "free", 1, 0),
        },
        (
            _opened("welcome", "Bienvenue !", 13),
            Event("cart_abandoned", {"value": 54.9, "items": ["Papier à lettres"]}, 8),
            _order(5366, 54.9, 7, "Papier à lettres"),
            Change(
                {
                    "custom_fields": {"plan": "starter", "seats": 4},
                    "add_tags": ["customer"],
                    "remove_tags": ["trial"],
                }
            ),
            Change({"is_unsubscribed": True}),
            Change({"is_unsubscribed": False}),
        ),
        role="a change of mind",
    ),
    Story(
        {
            "email": "olena@svitlo.example",
            "external_id": "S-211",
            "first_name": "Олена",
            "last_name": "Коваленко",
            "tags": ["customer", "beta"],
            "lists": ["newsletter", "product-updates"],
            "custom_fields": _business("ТОВ «Світло»", "Львів", "Ukraine", "business", 24, 2310.75),
        },
        (
            Merge(
                {
                    "email": "o.kovalenko@example.net",
                    "last_name": "Коваленко",
                    "tags": ["webinar"],
                    "custom_fields": {"city": "Kyiv"},
                }
            ),
            _order(5302, 415.25, 15, "Лампа «Світанок»"),
            _opened("november", "Новини листопада", 4),
            _closed(844, "Не працює вхід", 22, 3),
            Change({"custom_fields": {"seats": 30}, "add_tags": ["vip"]}),
        ),
        role="merged already",
    ),
    Story(
        {
            "email": "ada@kettlelane.example",
            "external_id": "S-212",
            "first_name": "Ada",
            "last_name": "Fletcher",
            "phone": "+442079460018",
            "tags": ["customer", "vip"],
            "lists": ["newsletter", "product-updates", "order-news"],
            "custom_fields": {
                **_business("Kettle Lane Books", "London", "United Kingdom", "business", 18, 3120.9),
                "shipping_address": {"street": "14 Kettle Lane", "city": "London", "postcode": "EC1A 1BB"},
            },
            "metadata": {"source": "shop", "crm_owner": "Tariq"},
        },
        (
            _order(4702, 220.0, 88, "Letterpress cards"),
            _opened("september", "New paper for autumn", 62),
            _order(5120, 480.0, 39, "Bookmarks, 1,000", "Gift boxes"),
            Event("ticket_opened", {"ticket": 861, "subject": "One box arrived wet"}, 36),
            _closed(861, "One box arrived wet", 47, 35),
            Change({"custom_fields": {"seats": 22, "lifetime_value": 3600.9}}),
            _opened("november", "Before the holidays", 5),
            Event("link_clicked", {"campaign": "november", "url": "https://shop.example/gifts"}, 5),
            _order(5411, 960.0, 2, "Gift boxes", "Ribbon", "Cards"),
            Change(
                {"add_tags": ["referral"], "custom_fields": {"plan": "enterprise", "lifetime_value": 4560.9}}
            ),
            Event(UNKNOWN_TO_WAREHOUSE, {"order": "R-5411", "ribbon": "blue"}, 0.01),
        ),
        role="rich history",
    ),
)
"""In the order in which they happen; the last one stands first in a list of contacts, as it is sorted by itself."""


def _bodies() -> Iterator[Json]:
    for story in STORIES:
        yield story.contact
        for step in story.steps:
            if isinstance(step, Change):
                yield step.body
            elif isinstance(step, Merge):
                yield step.contact


EMAILS: Final = frozenset(str(body["email"]) for body in _bodies() if "email" in body)
"""The emails of these people."""
