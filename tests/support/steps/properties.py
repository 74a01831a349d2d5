"""Contact properties, defined and listed through the API."""

from typing import Any

from tests.support.api import Api

PROPERTIES = "/v1/contact-properties"


FORM: dict[str, dict[str, Any]] = {
    "company": {"type": "string", "label": "Company"},
    "employees": {"type": "number"},
    "newsletter": {"type": "boolean"},
    "birthday": {"type": "date"},
    "met_at": {"type": "datetime"},
    "plan": {"type": "enum", "options": ["free", "pro"], "description": "What they pay for"},
    "address": {"type": "object"},
    "languages": {"type": "array"},
}


def of(property_id: str) -> str:
    return f"{PROPERTIES}/{property_id}"


def defined(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    """A new property as the API showed it."""
    answer = api.post(PROPERTIES, {"name": name, **fields})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Every property, page after page."""
    found, cursor = [], ""
    while True:
        page = api.get(f"{PROPERTIES}?limit=3{query}{cursor}").json()
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"
