"""Channels, and contacts that arrive through them: as a chat bot and those who answer it use them."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import ROOT
from tests.e2e.test_readme import commands, run
from tests.support.accounts import Account, Accounts
from tests.support.api import MAX_THREADS, Api, assert_problem, path_of
from tests.support.steps.channels import ADA, CHANNELS, arrive, arrived, made, of
from tests.support.waiting import until


def gates(api: Api, ref: str, query: str = "") -> Any:
    return api.get(path_of(ref, f"/gates{query}")).json()


@pytest.fixture
def bot(account: Account) -> str:
    return made(account.api)


def test_the_guide_shows_what_happens(stack: dict[str, Any], account: Account) -> None:
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    first, arriving, looking = (
        commands([block]) for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    )
    key = account.key()["key"]
    (_, channel), *_ = [run(command, stack, key) for command in first]
    ran = [run(command.replace("$CHANNEL", channel["id"]), stack, key) for command in arriving]
    assert [status for status, _ in ran] == [201, 200]
    (_, gate), (_, again) = ran
    assert again == gate
    shown = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert shown
    assert all(f'"{field}":' in shown[1] for field in (*gate, *gate["channel"]))
    ran = [run(command.replace("$CONTACT", gate["contact_id"]), stack, key) for command in looking]
    (_, listed), (_, chat) = ran
    assert (listed["total"], listed["data"]) == (2, chat["gates"])
    assert list(chat) == ["id", "name", "image", "contact", "gates", "created_at", "updated_at"]


def test_a_person_from_the_first_message_to_erasure(account: Account, bot: str) -> None:
    api = account.api
    gate = arrived(api, bot, "731905284", **ADA, email="ada@example.com")
    assert gate["channel"] == {"id": bot, "type": "telegram", "name": "Bot"}
    contact = api.contact(gate["contact_id"])
    assert contact == {**contact, **ADA, "name": "Ada Lovelace", "version": 1}
    again = arrive(api, bot, "731905284", first_name="Eve")
    assert (again.status_code, again.json()) == (200, gate)

    letters = made(api, "email", "Letters")
    page = gates(api, "ada@example.com", "?include_total=true&offset=0&limit=2")
    rest = gates(api, "ada@example.com", f"?limit=2&cursor={page['next_cursor']}")
    assert (page["total"], page["has_more"], rest["has_more"]) == (3, True, False)
    reached = {one["channel"]["id"]: one["identifier"] for one in page["data"] + rest["data"]}
    assert reached == {bot: "731905284", letters: "ada@example.com", None: "+442079460958"}
    chat = api.get(f"/api{path_of(contact['id'], '/chat')}").json()
    assert (chat["name"], chat["image"]) == ("Ada Lovelace", ADA["metadata"]["photo"])
    assert (chat["contact"], chat["gates"]) == (contact, page["data"] + rest["data"])

    assert api.put(of(bot), {"state": False}).json()["state"] is False
    assert_problem(arrive(api, bot, "731905284"), 409, "channel_off")
    assert bot not in [one["channel"]["id"] for one in gates(api, contact["id"])["data"]]
    assert api.put(of(bot), {"state": True}).json()["state"] is True

    assert api.patch(path_of(contact["id"]), {"email": None}).json()["email"] is None
    assert api.delete(path_of(contact["id"])).status_code == 200
    assert_problem(api.get(path_of(contact["id"], "/gates")), 404)
    back = arrive(api, bot, "731905284")
    assert (back.status_code, back.json()) == (200, gate)
    assert api.contact(contact["id"])["version"] == 3

    assert api.delete(path_of(contact["id"], "?permanent=true")).status_code == 200

    def traces() -> list[str]:
        return [str(key) for key, item in account.everything().items() if "731905284" in str((key, item))]

    assert until(lambda: not traces())
    assert arrived(api, bot, "731905284")["contact_id"] != contact["id"]


def test_of_many_first_messages_at_once_one_makes_the_contact(account: Account, bot: str) -> None:
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(
            clients.map(lambda number: arrive(account.api, bot, "1", first_name=f"Ada {number}"), range(50))
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.text for answer in answers}) == 1
    everybody = account.api.get("/v1/contacts").json()["data"]
    assert [one["id"] for one in everybody] == [answers[0].json()["contact_id"]]


def test_nothing_of_the_person_is_logged(accounts: Accounts, account: Account) -> None:
    bot = made(account.api, name="Geheimer Kanal")
    gate = arrived(account.api, bot, "731905284", first_name="Zuzanna", email="zuzanna@example.com")
    gates(account.api, gate["contact_id"])
    written = "".join(
        line for name in ("AddGate", "ListGates", "CreateChannel") for line in accounts.logged(name)
    )
    assert "add_gate" in written
    assert not any(word in written for word in ("731905284", "uzanna", "Geheimer"))


def test_the_demo_account_has_three_channels(stack: dict[str, Any]) -> None:
    with Api(stack["url"], stack["keys"]["native"]) as api:
        types = {one["type"] for one in api.get(CHANNELS).json()["data"]}
    assert types >= {"email", "whatsapp", "telegram"}
