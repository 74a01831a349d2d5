"""The demo account: what `make run` prints keys for, and what .local/stack.json holds."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.deployment import Deployment
from local.errors import LocalStackError

DEMO_ACCOUNT = {"name": "Demo", "plan": "enterprise", "hourly_limit": 1_000_000}

# Name in stack.json -> what is asked of POST /v1/api-keys. "native" comes with the account itself.
FURTHER_KEYS: dict[str, dict[str, Any]] = {
    "native_test": {"name": "Demo, test mode", "mode": "test", "dialect": "native"},
    "sendmator": {"name": "Demo, Sendmator", "dialect": "sendmator"},
    "smashsend": {"name": "Demo, SMASHSEND", "dialect": "smashsend"},
    "smashsend_v2": {"name": "Demo, SMASHSEND's Node SDK", "dialect": "smashsend_v2"},
    "smartsender": {"name": "Demo, Smart Sender", "dialect": "smartsender"},
    "artamail": {"name": "Demo, Artamail", "dialect": "artamail"},
    "artamail_test": {"name": "Demo, Artamail, test mode", "mode": "test", "dialect": "artamail"},
}


CHANNELS: tuple[dict[str, Any], ...] = (
    {"type": "email", "name": "Newsletter"},
    {"type": "whatsapp", "name": "WhatsApp"},
    {"type": "telegram", "name": "Telegram bot"},
)
"""What is asked of POST /v1/channels."""


def create_demo_account(deployment: Deployment, url: str) -> dict[str, Any]:
    """A new account with channels and a key for each entry of FURTHER_KEYS: `{"account_id": …, "keys": {name: key}}`.

    Raises:
        LocalStackError: a function or the API refused.
    """
    account = deployment.invoke("ProvisionAccount", DEMO_ACCOUNT)
    for channel in CHANNELS:
        _post(url, "/v1/channels", account["key"], channel)
    return {"account_id": account["account_id"], "keys": with_all_keys(url, {"native": account["key"]})}


def with_all_keys(url: str, keys: dict[str, str]) -> dict[str, str]:
    """The demo account's keys, and those of FURTHER_KEYS it lacks (an older version made it), which are created.

    Raises:
        LocalStackError: the API refused.
    """
    return keys | {
        name: create_key(url, keys["native"], wanted)
        for name, wanted in FURTHER_KEYS.items()
        if name not in keys
    }


def create_key(url: str, key: str, wanted: dict[str, Any]) -> str:
    """A further key of the account that `key` belongs to."""
    return str(_post(url, "/v1/api-keys", key, wanted)["key"])


def _post(url: str, path: str, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Make something in the account that `key` belongs to.

    Raises:
        LocalStackError: the API refused.
    """
    request = Request(
        f"{url}{path}",
        data=json.dumps(wanted).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urlopen(request, timeout=30) as answer:
            made: dict[str, Any] = json.load(answer)
            return made
    except HTTPError as error:
        detail = error.read().decode(errors="replace")
        raise LocalStackError(f"the API refused POST {path} ({error.code}): {detail}") from error
