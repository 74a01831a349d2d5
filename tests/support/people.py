"""Realistic contacts, as many as wanted and the same each time."""

from itertools import product
from typing import Any

GIVEN = (
    *("Ada", "José", "Zoë", "Łukasz", "Nguyễn", "Олена", "Дмитро", "Αθηνά"),
    *("さくら", "健", "小明", "민준", "अदिति", "فاطمة", "נועה"),
)
FAMILY = (
    *("O'Brien", "Müller-Lüdenscheidt", "Núñez", "Thị Minh", "Коваленко", "Παππάς"),
    *("田中", "王", "김", "शर्मा", "الزهراء", "כהן"),
)
CITIES = ("Córdoba", "Київ", "東京", "Θεσσαλονίκη", "القاهرة", "New York")
TAGS = ("vip", "beta, second wave", "展示会 2026", "Frühbucher", "🎉 party", "trial")
LISTS = ("newsletter", "product-updates", "events_2026")


def person(number: int) -> dict[str, Any]:
    """The fields of the `number`th contact, ready to be posted; one in eight is known by one name only."""
    given, family = list(product(GIVEN, FAMILY))[number % (len(GIVEN) * len(FAMILY))]
    contact: dict[str, Any] = {
        "external_id": f"crm-{number:05}",
        "email": f"person.{number}@example.com",
        "first_name": given,
        "last_name": family,
        "tags": [tag for position, tag in enumerate(TAGS) if number % (position + 2) == 0],
        "lists": [LISTS[number % len(LISTS)]],
        "custom_fields": {
            "city": CITIES[number % len(CITIES)],
            "employees": number * 7 % 5000,
            "score": number / 8,
            "subscription": {"plan": ("free", "pro")[number % 2], "seats": number % 40 + 1},
            "languages": [("en", "uk", "ja", "ar")[number % 4]],
        },
        "metadata": {"source": "import", "batch": number // 100},
        "is_unsubscribed": number % 10 == 0,
    }
    if number % 7 == 0:
        contact["phone"] = f"+4930{number:07}"
    if number % 13 == 5:
        del contact["email"]
    if number % 17 == 3 and "email" in contact:
        del contact["external_id"]
    return contact
