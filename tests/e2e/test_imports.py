"""Files of contacts: in with what failed told, out, and in again; and what docs/imports.md shows."""

import csv
import gzip
import io
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from local import load
from tests.support.accounts import Account
from tests.support.api import assert_problem, path_of
from tests.support.guides import blocks, section
from tests.support.receiver import Receiver
from tests.support.steps.imports import PATIENCE, at_rest, exported, failed_rows, imported
from tests.support.steps.webhooks import webhook
from tests.support.waiting import until

GUIDE = "imports.md"
HEADER = "E-Mail;Kundennummer;Vorname;Firma;Newsletter\r\n"
PEOPLE = HEADER + (
    "ada@example.com;0001;Ada;Acme;ja\r\n"
    "zoe@example.com;0002;Zoë;Café;ja\r\n"
    "grace at example.com;0003;Grace;Acme;ja\r\n"
    "joan@example.com;0004;Joan;\"Acme; Söhne\";ja\r\n"
)  # fmt: skip
MAPPING = {"Newsletter": "is_subscribed"}


def test_a_file_goes_in_what_failed_is_mended_and_all_is_taken_back(account: Account) -> None:
    api = account.api
    with Receiver() as receiver:
        webhook(api, receiver.url)
        joan = api.created(email="joan@example.com", first_name="J.", is_unsubscribed=True)
        assert until(lambda: receiver.requests), "Joan's own event comes before those of the import"
        job = imported(api, "Leute.csv", PEOPLE.encode("cp1252"), mapping=MAPPING)
        assert job["state"] == "completed_with_errors"
        counts = {
            "rows": 4,
            "created": 2,
            "updated": 0,
            "unchanged": 0,
            "skipped": 0,
            "protected": 1,
            "failed": 1,
        }
        assert job["counts"] == counts
        assert job["mapping"]["Kundennummer"] == "external_id"
        assert (job["file"]["delimiter"], job["file"]["encoding"]) == (";", "cp1252")

        # Who has opted out stays so; the rest of the row is applied.
        after = api.contact(joan["id"])
        assert (after["is_unsubscribed"], after["first_name"], after["external_id"]) == (True, "Joan", "0004")
        assert after["custom_fields"] == {"firma": "Acme; Söhne"}

        # One webhook tells of the end, and none of the contacts.
        types = lambda: [one.json()["type"] for one in receiver.requests]  # noqa: E731
        assert until(lambda: len(types()) > 1), types()
        assert types() == ["contact.created", "import.completed"]

    # The row that failed comes as it was, with the reason; mended, that very file is sent again.
    (row,) = csv.DictReader(io.StringIO(failed_rows(api, job).decode("utf-8-sig")))
    assert (row["Kundennummer"], row["import_line"], row["import_field"]) == ("0003", "4", "email")
    mended = io.StringIO()
    writer = csv.DictWriter(mended, list(row))
    writer.writeheader()
    writer.writerow({**row, "E-Mail": "grace@example.com"})
    again = imported(api, "Leute.errors.csv", mended.getvalue().encode(), mapping=MAPPING)
    assert (again["state"], again["counts"]["created"]) == ("completed", 1)
    assert api.contact("0003")["email"] == "grace@example.com"

    # It was the wrong file. What somebody has changed since is kept.
    api.patch(path_of(joan["id"]), {"custom_fields": {"firma": "Kept"}})
    assert api.post(f"/v1/imports/{job['id']}/undo").status_code == 202
    undone = lambda: api.get(f"/v1/imports/{job['id']}").json().get("undo") or {}  # noqa: E731
    assert until(lambda: undone().get("state") == "completed", PATIENCE), undone()
    assert api.get(path_of("0001")).status_code == 404
    after = api.contact(joan["id"])
    assert (after["is_unsubscribed"], after["first_name"], after["custom_fields"]) == (
        True,
        "J.",
        {"firma": "Kept"},
    )
    assert until(lambda: account.derived_contradictions() == []), account.derived_contradictions()


def test_what_goes_out_goes_into_another_account_as_it_is(
    account: Account, other_account: Account, tmp_path: Path
) -> None:
    people: list[dict[str, Any]] = [
        {
            "email": "ada@example.com",
            "external_id": "007",
            "tags": ["a;b", "展示会"],
            "custom_fields": {"formula": "=1+1", "n": 1.5, "of": [{"a": None}], "text": "1.5", "empty": ""},
        },
        {"external_id": "'=x", "first_name": "a\r\nb", "metadata": {"k": "v"}, "is_unsubscribed": True},
        {"email": "zoe@example.com", "lists": ["news"], "is_active": False, "phone": "+493012345678"},
    ]
    for person in people:
        account.api.created(**person)
    settable = ("email", "external_id", "first_name", "phone", "tags", "lists", "custom_fields", "metadata")

    def told(one: Account) -> list[dict[str, Any]]:
        found = one.api.get("/v1/contacts?sort=created_at").json()["data"]
        chosen = (*settable, "is_active", "is_unsubscribed")
        return sorted(({name: c[name] for name in chosen} for c in found), key=json.dumps)

    lines = gzip.decompress(exported(account.api, format="ndjson", gzip=True)).splitlines()
    assert [json.loads(line)["id"] for line in lines] != []
    # By the command, as a user does it.
    path = tmp_path / "all.csv"
    for one, arguments in ((account, ["--export", str(path)]), (other_account, [str(path), "--yes"])):
        assert load.main([*arguments, "--url", one.api.url, "--key", one.api.key or ""]) == 0
    assert told(other_account) == told(account)
    # Once more nothing changes.
    assert imported(other_account.api, "all.csv", path.read_bytes())["counts"]["unchanged"] == len(people)


def test_a_key_without_the_scope_is_refused(account: Account) -> None:
    with account.api_with(account.key(scopes=["contacts:read", "contacts:write"])["key"]) as api:
        body = {"file_name": "people.csv", "size": 10}
        assert assert_problem(api.post("/v1/imports", body), 403, "scope_missing")["scope"] == "imports:write"
        assert_problem(api.post("/v1/exports", {"format": "csv"}), 403, "scope_missing")


def run(command: str, folder: Path, **variables: str) -> tuple[int, Any]:
    """The status and the body of a line of the guide, run by a shell as it stands there."""
    assigned = "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    script = f"{assigned}\n{command}" + (" -w '\\n%{http_code}'" if command.startswith("curl") else "")
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60, cwd=folder
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), json.loads(body) if body else None


def lines_of(heading: str) -> list[str]:
    """The lines of a section of the guide."""
    text = "\n".join(blocks(section(GUIDE, heading), "sh")).replace("\\\n", " ")
    return [line for line in text.splitlines() if line]


def test_the_guide_is_what_happens(stack: dict[str, Any], account: Account, tmp_path: Path) -> None:
    variables = {"API": stack["url"], "KEY": account.key()["key"]}
    api = account.api
    make, announce, send, look, errors = lines_of("A first import")
    run(make, tmp_path)

    def begun(line: str) -> dict[str, Any]:
        status, job = run(line, tmp_path, **variables)
        assert status == 201, job
        variables.update(IMPORT=job["id"], UPLOAD=job["upload"]["url"])
        assert run(send, tmp_path, **variables)[0] == 200
        return at_rest(api, job)

    begun(announce)
    status, job = run(look, tmp_path, **variables)
    (shown,) = blocks(section(GUIDE, "A first import"), "json")
    for name, value in json.loads(shown.replace(", …}", "}")).items():
        assert job[name] == value
    status, answer = run(errors, tmp_path, **variables)
    assert (status, answer["rows"]) == (200, 1)

    dry_run, start = lines_of("A dry run")
    job = begun(dry_run)
    assert (job["state"], job["counts"]["unchanged"], job["counts"]["failed"]) == ("ready", 1, 1)
    status, job = run(start, tmp_path, **variables)
    assert status == 202, job
    assert at_rest(api, job)["counts"]["updated"] == 1
    assert api.contact("ada@example.com")["custom_fields"] == {"company": "Acme", "employer": "Acme"}

    cancel, undo = lines_of("Cancel and undo")
    status, problem = run(cancel, tmp_path, **variables)
    assert status == 409, problem
    status, job = run(undo, tmp_path, **variables)
    assert status == 202, job
    assert until(lambda: api.contact("ada@example.com")["custom_fields"] == {"company": "Acme"}, PATIENCE)

    (sync,) = lines_of("A nightly sync")
    row = json.loads(blocks(section(GUIDE, "A nightly sync"), "json")[0])
    (tmp_path / "crm.ndjson.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    (tmp_path / "people.csv").write_bytes((tmp_path / "crm.ndjson.gz").read_bytes())
    assert begun(sync)["counts"]["updated"] == 1
    assert api.contact("crm-1")["custom_fields"]["age"] == 36
