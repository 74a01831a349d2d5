"""Whatever route, dialect, name and body: nothing of one account is seen or changed with a key of another."""

import json
import re
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Dialect
from contacts.dialects import smashsend, smashsend_v2
from contacts.dialects.smashsend_shared import id_out
from local.template import functions
from tests.support.accounts import Account, Accounts
from tests.support.api import Api
from tests.support.thorough import times

SECRET = "Zzyzx"
"""In every text that the other account has and nobody else sends."""
PREFIXES = [prefix for api in (smashsend, smashsend_v2) for prefix in (api.CONTACT, api.PROPERTY)]
ROUTES = sorted(
    {f"{method} {path}" for function in functions() for method, path in function.routes if path != "$default"}
)
REQUESTS = times(400, 240)
"""There are some ninety routes."""


class Victim:
    """An account with one of everything, and the names of it all."""

    def __init__(self, account: Account) -> None:
        self.account = account
        api = account.api
        contact = api.created(
            email="ada@example.com",
            external_id="crm-1",
            first_name=SECRET,
            tags=[SECRET],
            lists=[SECRET.lower()],
            custom_fields={"city": SECRET},
        )
        trashed = api.created(email="bea@example.com", first_name=SECRET)
        api.delete(f"/v1/contacts/{trashed['id']}")
        prop = self.made("/v1/contact-properties", {"name": "city", "label": SECRET, "type": "string"})
        webhook = self.made(
            "/v1/webhooks", {"url": "http://127.0.0.1:9/", "events": ["*"], "description": SECRET}
        )
        api.post(f"/v1/contacts/{contact['id']}/events", {"name": SECRET})
        key = account.key(name=SECRET)
        delivery = api.post(f"/v1/webhooks/{webhook['id']}/test").json()
        api.created(email="second@example.com", first_name=SECRET)
        cursor = api.get("/v1/contacts?limit=1").json()["next_cursor"]
        channel = self.made("/v1/channels", {"type": "telegram", "name": SECRET})
        arrived = {"identifier": "731905284", "first_name": SECRET}
        gate = self.made(f"/v1/channels/{channel['id']}/gates", arrived)
        merged = api.created(email="merged@example.com", first_name=SECRET)
        assert api.post(f"/v1/contacts/{contact['id']}/merge", {"from": merged["id"]}).status_code == 200
        known = [contact["id"], contact["email"], contact["external_id"], trashed["id"], trashed["email"]]
        known += [one["id"] for one in (prop, webhook, key, delivery, channel, gate, merged)]
        uuids = [name for name in known if re.fullmatch("[0-9a-f-]{36}", name)]
        self.names = [*known, *(id_out(prefix, name) for name in uuids for prefix in PREFIXES)]
        self.cursor = cursor

    def made(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.account.api.post(path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="module")
def victim(accounts: Accounts) -> Victim:
    return Victim(accounts.open(f"{SECRET} GmbH"))


@pytest.fixture(scope="module")
def intruders(accounts: Accounts) -> list[Api]:
    account = accounts.open("Intruder")
    keys = [account.key(dialect=dialect)["key"] for dialect in Dialect]
    return [accounts.api(key) for key in keys]


def bodies(names: list[str]) -> st.SearchStrategy[Any]:
    """Bodies that name what is not the sender's, in whatever words."""
    name = st.sampled_from(names)
    return st.one_of(
        st.fixed_dictionaries({"email": name, "first_name": st.just("mine")}),
        st.fixed_dictionaries({"from": name}),
        st.fixed_dictionaries({"values": st.fixed_dictionaries({"email": name})}),
        st.fixed_dictionaries({"identifier": name, "firstName": st.just("mine"), "email": name}),
        st.fixed_dictionaries({"name": st.just("mine"), "external_id": name}),
        st.fixed_dictionaries({"operations": st.lists(
            st.fixed_dictionaries({"op": st.sampled_from(["update", "delete"]), "ref": name}), min_size=1, max_size=2
        )}),
        st.just({}),
    )  # fmt: skip


def test_no_request_reaches_another_account(victim: Victim, intruders: list[Api]) -> None:
    before = victim.account.items()
    routes = cycle(ROUTES)
    seen: set[int] = set()

    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(
        names=st.lists(st.sampled_from(victim.names), min_size=3, max_size=3),
        body=bodies(victim.names),
        query=st.sampled_from(
            ["", f"cursor={victim.cursor}", f"starting_after={victim.cursor}", "permanent=true"]
        ),
        by=st.sampled_from(["", "by=id", "by=email", "by=external_id"]),
        intruder=st.sampled_from(intruders),
    )
    def no_answer_tells(names: list[str], body: Any, query: str, by: str, intruder: Api) -> None:
        method, _, path = next(routes).partition(" ")
        for name in names:
            path = re.sub(r"\{\w+\}", quote(name, safe=""), path, count=1)
        asked = "&".join(filter(None, (query, by if "/contacts/" in path else "")))
        sent = {} if method in ("GET", "HEAD", "DELETE") else {"raw": json.dumps(body)}
        answer = intruder.send(method, f"{path}?{asked}" if asked else path, **sent)
        assert answer.status_code < 500, answer.text
        assert SECRET.lower() not in answer.text.lower()
        seen.add(answer.status_code)

    no_answer_tells()
    assert {200, 404} <= seen
    assert victim.account.items() == before
