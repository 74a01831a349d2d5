"""What the README shows is what happens."""

import json
import re
import shlex
import subprocess
from typing import Any

from local.stack import ROOT
from tests.support.accounts import Account
from tests.support.waiting import until


def shell_blocks(title: str) -> list[str]:
    """The shell blocks of a section of the README."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def commands(blocks: list[str]) -> list[str]:
    """Their curl lines, each whole."""
    lines = "\n\n".join(blocks)
    return [
        line.strip() for line in re.findall(r"^curl .*?(?=\ncurl |\n\n|\Z)", lines, re.DOTALL | re.MULTILINE)
    ]


def run(command: str, stack: dict[str, Any], key: str) -> tuple[int, Any]:
    """The status and the body of a curl line, run by a shell as it stands there."""
    variables = f"API={shlex.quote(stack['url'])} KEY={shlex.quote(key)}"
    script = f"{variables}\n{command.partition(' #')[0]} -w '\\n%{{http_code}}'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_first_requests_answer_what_the_readme_says(stack: dict[str, Any], account: Account) -> None:
    key = account.key()["key"]
    ran = [(command, *run(command, stack, key)) for command in commands(shell_blocks("A first request"))]
    statuses = [status for _, status, _ in ran]
    assert statuses == [201, *[200] * 8, 409], ran
    created, by_email, by_external_id, patched, listed, deleted, restored, filtered, ranked, refused = [
        body for *_, body in ran
    ]
    assert by_email == by_external_id == created
    assert patched["custom_fields"] == {"city": "London"}
    assert patched["tags"] == ["vip", "beta"]
    assert listed["data"] == [patched]
    assert deleted == {"deleted": True, "id": created["id"], "permanent": False}
    assert restored["id"] == created["id"]
    # The projection may be a moment behind.
    assert filtered["data"] in ([restored], [])
    assert ranked["data"] in ([restored], [])
    assert refused["existing_id"] == created["id"]
    assert refused["code"] == "duplicate_contact"


def test_many_at_once_are_answered_as_the_readme_says(stack: dict[str, Any], account: Account) -> None:
    key = account.key()["key"]
    account.api.created(email="ada@example.com", tags=["vip"])
    batch, tags = commands(shell_blocks("Many at once"))
    status, done = run(batch, stack, key)
    assert status == 207, done
    assert [result["status"] for result in done["results"]] == [200, 201, 404]
    assert done["results"][0]["contact"]["tags"] == ["vip", "2026"]
    assert until(lambda: [tag["tag"] for tag in run(tags, stack, key)[1]["data"]] == ["2026", "vip"])


def test_two_become_one_as_the_readme_says(stack: dict[str, Any], account: Account) -> None:
    key = account.key()["key"]
    ada = account.api.created(email="ada@example.com", tags=["vip"])
    (made, _), (done, merged), (read, found) = [
        run(command, stack, key) for command in commands(shell_blocks("Two that are one"))
    ]
    assert (made, done, read) == (201, 200, 200)
    assert found == merged
    assert (merged["id"], merged["tags"]) == (ada["id"], ["vip", "poet"])


def test_one_can_be_told_of_changes_as_the_readme_says(stack: dict[str, Any], account: Account) -> None:
    key = account.key()["key"]
    (made, webhook), (read, events) = [
        run(command, stack, key) for command in commands(shell_blocks("Being told of changes"))
    ]
    assert (made, read) == (201, 200)
    assert webhook["secret"].startswith("whsec_")
    assert webhook["events"] == ["*"]
    assert events["data"] == []
