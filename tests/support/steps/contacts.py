"""A contact with every field that a caller sets."""

EVERYTHING = {
    "external_id": "crm-48213",
    "email": "sakura.tanaka@example.com",
    "first_name": "さくら",
    "last_name": "田中",
    "phone": "+819012345678",
    "tags": ["vip", "展示会 2026"],
    "lists": ["newsletter", "product-updates"],
    "custom_fields": {"company": "Example 株式会社", "score": 87.5, "plan": {"seats": 12}, "langs": ["ja"]},
    "metadata": {"source": "landing page"},
    "is_active": False,
    "is_unsubscribed": True,
}
