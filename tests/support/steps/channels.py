"""Channels and the contacts that arrive through them, through the API."""

from typing import Any

import requests

from tests.support.api import Api

CHANNELS = "/v1/channels"


ADA = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+442079460958",
    "tags": ["bot"],
    "metadata": {"photo": "https://example.com/ada.jpg"},
}


def of(channel_id: str, *more: str) -> str:
    return "/".join((CHANNELS, channel_id, *more))


def made(api: Api, kind: str = "telegram", name: str = "Bot") -> str:
    """The id of a new channel."""
    answer = api.post(CHANNELS, {"type": kind, "name": name})
    assert answer.status_code == 201, answer.text
    channel_id: str = answer.json()["id"]
    return channel_id


def arrive(api: Api, channel_id: str, identifier: str, /, **fields: Any) -> requests.Response:
    return api.post(of(channel_id, "gates"), {"identifier": identifier, **fields})


def arrived(api: Api, channel_id: str, identifier: str, /, **fields: Any) -> Any:
    """The gate of somebody new."""
    answer = arrive(api, channel_id, identifier, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()
