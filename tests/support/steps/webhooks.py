"""Webhooks, made through the API."""

from typing import Any

from tests.support.api import Api


def webhook(api: Api, url: str, **command: Any) -> dict[str, Any]:
    """A new endpoint, as the API showed it."""
    answer = api.post("/v1/webhooks", {"url": url, **command})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown
