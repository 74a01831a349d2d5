"""What docs/webhooks.md shows is what happens."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch

from local.stack import free_port
from tests.support.accounts import Account
from tests.support.api import path_of
from tests.support.guide_receiver import guide_receiver
from tests.support.guides import blocks, page, section
from tests.support.waiting import until

GUIDE = "webhooks.md"
SHOWN_ADDRESS = "http://127.0.0.1:9000/"


def commands() -> list[str]:
    """The guide's curl lines, each whole, in their order."""
    lines = "\n".join(blocks(page(GUIDE), "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def run(command: str, **variables: str) -> tuple[int, Any]:
    """The status and the body of a curl line, run by a shell as it stands there."""
    assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    script = f"{assigned}\n{command} -w '\\n%{{http_code}}'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_from_the_first_webhook_to_the_last_command(
    stack: dict[str, Any], account: Account, tmp_path: Path
) -> None:
    variables = {"API": stack["url"], "KEY": account.key()["key"]}
    port = free_port()
    register, create, switch_on, verdicts_too, record, timeline, *of_deliveries = commands()
    rotate, log, about_contact, redeliver, test = of_deliveries
    status, webhook = run(register.replace(SHOWN_ADDRESS, f"http://127.0.0.1:{port}/"), **variables)
    assert (status, webhook["events"], webhook["description"]) == (201, ["*"], "my first")
    variables["WEBHOOK"] = webhook["id"]
    with guide_receiver(webhook["secret"], tmp_path, port) as receiver:
        status, contact = run(create, **variables)
        assert (status, contact["email"]) == (201, "grace@example.com")
        (line,) = until(receiver.lines)
        assert line[1] == "contact.created"
        assert run(switch_on, **variables)[0] == 200
        status, asking = run(verdicts_too, **variables)
        assert (status, asking["events"]) == (200, ["*", "contact.validated"])

        status, recorded = run(record, **variables)
        assert (status, recorded["name"]) == (202, "order placed")
        assert until(lambda: receiver.lines()[1:]) == [[recorded["id"], "contact.event"]]
        status, listed = run(timeline, **variables)
        assert (status, [entry["type"] for entry in listed["data"]]) == (
            200,
            ["contact.event", "contact.created"],
        )

        status, rotated = run(rotate, **variables)
        assert (status, rotated["secret"][:6]) == (200, "whsec_")
        account.api.patch(path_of(contact["id"]), {"first_name": "Grace"})
        assert until(lambda: [line[1] for line in receiver.lines()][2:]) == ["contact.updated"]

        def delivered() -> list[Any]:
            status, listed = run(log, **variables)
            assert status == 200
            return [found for found in listed["data"] if found["status"] == "delivered"]

        until(lambda: len(delivered()) == 3)
        newest, _, oldest = delivered()
        assert (newest["event_type"], oldest["event_type"]) == ("contact.updated", "contact.created")
        assert oldest["event_id"] == line[0]
        assert [attempt["status_code"] for attempt in oldest["attempts"]] == [204]
        status, about = run(about_contact, **variables)
        assert (status, [found["id"] for found in about["data"]]) == (
            200,
            [found["id"] for found in delivered()],
        )

        status, sent = run(redeliver, **variables, DELIVERY=oldest["id"])
        assert (status, sent["status"]) == (202, "pending")
        assert until(lambda: receiver.lines()[3:]) == [line]
        status, sent = run(test, **variables)
        assert (status, sent["event_type"]) == (202, "webhook.test")
        assert until(lambda: [line[1] for line in receiver.lines()[4:]]) == ["webhook.test"]


def test_catching_up_gives_every_event_once(stack: dict[str, Any], account: Account) -> None:
    (code,) = blocks(section(GUIDE, "Catching up"), "python")
    names: dict[str, Any] = {}
    exec(code, names)
    seen: list[Any] = []
    with patch.dict("os.environ", {"API": stack["url"], "KEY": account.key()["key"]}):
        cursor = names["catch_up"](seen.append)
        assert seen == []
        made = [account.api.created(email=f"grace+{number}@example.com")["id"] for number in range(3)]

        def caught_up() -> bool:
            nonlocal cursor
            cursor = names["catch_up"](seen.append, cursor)
            return len(seen) >= len(made)

        until(caught_up, 60)
        assert [event["data"]["contact"]["id"] for event in seen] == made
        again: list[Any] = []
        names["catch_up"](again.append)
        assert again == seen
        names["catch_up"](again.append, cursor)
        assert again == seen
