"""What the files of other products become: each row a contact that a create takes as it is."""

from pathlib import Path
from typing import Any, Final

import pytest

from contacts.book.schemas import NewContact
from contacts.imports.mapping.columns import guessed_mapping, is_mappable
from contacts.imports.mapping.values import RowReader
from contacts.imports.model import ImportOptions
from contacts.imports.reading.opening import open_file

SAMPLES: Final = Path(__file__).parents[2] / "imports_samples"
ADA, GRACE = "ada@example.com", "grace@example.com"
EXPECTED: Final[dict[str, list[dict[str, Any]]]] = {
    "sendmator.json": [
        {
            "external_id": "CRM-001",
            "email": ADA,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "tags": ["customer", "vip"],
            "is_active": True,
            "custom_fields": {"plan": "premium", "seats": 5},
            "metadata": {"source": "website"},
            "(subscribed)": True,
        },
        {
            "external_id": "0190f3a2-7c1e-7a10-8a3b-0000000000aa",
            "email": GRACE,
            "phone": "+14155552671",
            "tags": [],
            "is_active": False,
            "is_unsubscribed": True,
        },
    ],
    "smashsend.json": [
        {
            "email": ADA,
            "name": "Ada Lovelace",
            "tags": ["customer"],
            "custom_fields": {"plan": "pro", "companyName": "Analytical Engines", "seats": 5},
        },
        {"email": GRACE, "tags": []},
    ],
    "smashsend_v2.json": [
        {
            "email": ADA,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "phone": "+442071234567",
            "tags": ["customer"],
            "custom_fields": {
                "birthday": "1815-12-10",
                "city": "London",
                "countryCode": "GB",
                "companyName": "Analytical Engines",
            },
            "(subscribed)": True,
        },
        {"email": GRACE, "tags": [], "is_unsubscribed": True},
    ],
    "smartsender.json": [
        {
            "first_name": "Ада",
            "last_name": "Лавлейс",
            "name": "Ада Лавлейс",
            "email": ADA,
            "phone": "+380441234567",
            "metadata": {"photo": "https://example.com/ada.png"},
            "tags": ["клієнт", "vip"],
            "custom_fields": {"plan": "pro", "seats": 5},
        },
        {"first_name": "Grace", "name": "Grace", "email": GRACE, "tags": []},
    ],
    "artamail.ndjson": [
        {
            "email": ADA,
            "name": "Ada Lovelace",
            "custom_fields": {"plan": "pro", "seats": 5},
            "lists": ["newsletter"],
            "(subscribed)": True,
        },
        {"email": GRACE, "lists": [], "is_unsubscribed": True},
    ],
    "mailchimp.csv": [
        {
            "email": ADA,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "tags": ["Influencer", "Blog, daily"],
            "is_unsubscribed": True,
            "custom_fields": {
                "unsub_reason": "no longer interested",
                "member_rating": "2",
                "optin_time": "2023-01-02 03:04:05",
                "optin_ip": "192.0.2.1",
                "last_changed": "2024-06-01 08:00:00",
                "leid": "101",
                "euid": "a1b2c3d4e5",
            },
        },
        {
            "email": GRACE,
            "first_name": "Grace",
            "phone": "+14155552671",
            "is_unsubscribed": True,
            "custom_fields": {
                "member_rating": "4",
                "last_changed": "2024-06-02 09:00:00",
                "leid": "102",
                "euid": "b2c3d4e5f6",
            },
        },
    ],
    "shopify.csv": [
        {
            "external_id": "6543210987654",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": ADA,
            "phone": "+442071234567",
            "tags": ["vip", "wholesale"],
            "custom_fields": {
                "default_address_company": "Analytical Engines",
                "default_address_city": "London",
                "default_address_zip": "01234",
                "accepts_sms_marketing": "no",
                "total_spent": "120.50",
                "total_orders": "3",
                "tax_exempt": "no",
            },
            "(subscribed)": True,
        },
        {
            "external_id": "6543210987655",
            "first_name": "Grace",
            "email": GRACE,
            "is_unsubscribed": True,
            "custom_fields": {
                "accepts_sms_marketing": "no",
                "total_spent": "0.00",
                "total_orders": "0",
                "tax_exempt": "no",
            },
        },
    ],
    "google_contacts.csv": [
        {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": ADA,
            "phone": "+442071234567",
            "tags": ["myContacts", "Friends"],
            "custom_fields": {
                "organization_name": "Analytical Engines",
                "birthday": "1815-12-10",
                "e_mail_1_label": "* Work",
                "phone_1_label": "Mobile",
            },
        },
        {
            "first_name": "Grace",
            "email": GRACE,
            "tags": ["myContacts"],
            "custom_fields": {"e_mail_2_label": "Home", "e_mail_2_value": "grace@home.example"},
        },
    ],
}
"""By file, the body of each row; `(subscribed)`: the row asks for a subscription, which no body does."""


class Sample:
    """A file as `imports.reading.opening` reads it."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    def read(self, offset: int, length: int) -> bytes:
        """Some of its bytes."""
        return self._content[offset : offset + length]


@pytest.mark.parametrize("name", EXPECTED)
def test_each_row_becomes_a_contact(name: str) -> None:
    file = open_file(Sample((SAMPLES / name).read_bytes()), name, ImportOptions())
    mapping = guessed_mapping(file.columns)
    assert is_mappable(mapping)
    reader = RowReader(file.columns, mapping, ImportOptions(), {})
    found = [reader.read(row) for row in file.rows()]
    assert [not row.errors and not row.is_refused for row in found] == [True] * len(found)
    shown = [{**row.body, **({"(subscribed)": True} if row.says_subscribed else {})} for row in found]
    assert shown == EXPECTED[name]
    for row in found:
        assert NewContact.draft(dict(row.body)).errors == ()


def test_every_sample_is_tested_and_named() -> None:
    files = {path.name for path in SAMPLES.iterdir()} - {"README.md"}
    assert files == set(EXPECTED)
    named = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in named for name in files)
