"""`sam build && sam local invoke` as the docs have it, in a copy of the repository, with the stack that runs beside it.

`make test-docker` runs this: it takes Docker, AWS's image of Python 3.13 or the one that stands in for it, and minutes.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from local.emulator.containers import HOST as HOST_OF_CONTAINERS
from local.environment import foreign_removed
from local.lambda_image import image_tag
from local.sample_account import KEY, LIVE
from local.stack import ROOT, VARIABLES_FILE, LocalStack, free_port
from tests.support import sample_events
from tests.support.accounts import switch_validation
from tests.support.api import Api
from tests.support.steps.imports import at_rest, begun
from tests.support.waiting import until
from tests.support.workbooks import row, workbook

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".local", ".aws-sam", ".hypothesis", ".*_cache", "__pycache__"
)
SECONDS = 600
NO_KEYS = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
KEYS_OF_ANOTHER_CLOUD = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12",
    "AWS_SECRET_ACCESS_KEY": "somebody's secret",
    "AWS_SESSION_TOKEN": "somebody's token",
}


def missing() -> str | None:
    """What this machine lacks, for a person to read."""
    if not os.environ.get("CONTACTS_DOCKER"):
        return "needs Docker and minutes: `make test-docker` runs it"
    if shutil.which("docker") is None or not succeeds("docker", "info"):
        return "Docker does not answer"
    if not succeeds("docker", "image", "inspect", image_tag()):
        return f"there is no {image_tag()}: `docker pull`, or `make lambda-image`"
    if not succeeds("make", "-s", "-C", str(ROOT / "layers"), "python"):
        return "needs Python 3.13"
    return None


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if reason := missing():
    pytest.skip(reason, allow_module_level=True)


@dataclass(frozen=True)
class Clone:
    """A copy of the repository, its functions built, and the stack of `make run` in it."""

    root: Path
    stack: LocalStack

    def sam(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**foreign_removed(os.environ), **NO_KEYS, "SAM_CLI_TELEMETRY": "0"}
        done = subprocess.run(
            [str(ROOT / ".venv" / "sam" / "bin" / "sam"), *arguments],
            cwd=self.root,
            env=environment | {"SAM_SKIP_PULL_IMAGE": "1"} | variables,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def invoke(self, function: str, event: str, *more: str, **variables: str) -> tuple[Any, str]:
        """What a function in a container answers, and its log."""
        done = self.sam("local", "invoke", function, "-e", event, *more, **variables)
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What the sample account is answered by the stack's API."""
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.stack.url}{path}", content, headers, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def timeline(self) -> dict[str, str]:
        """The sample contact's entries: by their ids, what they tell."""
        listed = self.api("GET", f"/v1/contacts/{LIVE.id}/events?limit=100")["data"]
        return {entry["id"]: entry["type"] for entry in listed}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    root = tmp_path_factory.mktemp("clone") / "contacts"
    shutil.copytree(ROOT, root, ignore=NOT_COPIED)
    (root / ".venv").symlink_to(ROOT / ".venv")
    (root / ".local").mkdir()
    with LocalStack(root / ".local", free_port(), persistent=False, root=root) as stack:
        switch_validation(stack.deployment, on=False)
        cloned = Clone(root, stack)
        cloned.sam("build")
        yield cloned


def body_of(answer: Mapping[str, Any]) -> Any:
    return json.loads(answer["body"])


@pytest.mark.parametrize("keys", [NO_KEYS, KEYS_OF_ANOTHER_CLOUD], ids=["no keys", "keys of another cloud"])
def test_a_contact_is_read(clone: Clone, keys: dict[str, str]) -> None:
    answer, _ = clone.invoke("GetContact", "events/get_contact.json", **keys)
    assert answer["statusCode"] == 200
    assert body_of(answer) == sample_events.LIVE_SHOWN


def test_a_contact_is_created(clone: Clone) -> None:
    answer, _ = clone.invoke("CreateContact", "events/create_contact.json")
    assert answer["statusCode"] == 201
    assert clone.api("GET", "/v1/contacts/sakura.tanaka@example.com") == body_of(answer)


def test_changes_are_told(clone: Clone) -> None:
    before = clone.timeline()
    answer, _ = clone.invoke("DispatchWebhooks", "events/dispatch_webhooks.json")
    assert answer == {"batchItemFailures": []}
    told = {clone.timeline()[new] for new in clone.timeline().keys() - before.keys()}
    assert {"contact.created", "contact.unsubscribed"} <= told


def test_an_email_is_judged(clone: Clone) -> None:
    contact = clone.api("POST", "/v1/contacts", {"email": "somebody@mailinator.com"})
    assert contact["validation_status"] == "pending"
    event = json.dumps(sample_events.event("validate_contact")).replace(LIVE.id, contact["id"])
    (clone.root / "event.json").write_text(event)
    answer, _ = clone.invoke("ValidateContact", "event.json")
    assert answer == {"batchItemFailures": []}
    judged = clone.api("GET", f"/v1/contacts/{contact['id']}")
    assert (judged["validation_status"], judged["validation_reason"]) == ("invalid", "disposable")


def test_a_spreadsheet_is_read(clone: Clone) -> None:
    """`plan_import` reads XLSX in a second process: in Lambda's image that has Python and the layers, nothing else."""
    deployment = clone.stack.deployment
    stack, queues = deployment.resources(), deployment.client("sqs")
    deployment.client("lambda").update_event_source_mapping(UUID=stack["PlanImportSource"], Enabled=False)
    rows = row(1, "Email", "First name") + row(2, "ida@example.com", "Ida") + row(3, "no address", "Jo")
    with Api(clone.stack.url, KEY) as api:
        job = begun(api, "people.xlsx", workbook(rows))

        def uploads() -> list[dict[str, Any]]:
            received = queues.receive_message(QueueUrl=stack["ImportFileQueue"], WaitTimeSeconds=1)
            return [one for one in received.get("Messages", ()) if job["id"] in one["Body"]]

        found = until(uploads)
        assert found, "the bucket has told nothing of the upload"
        event = sample_events.event("plan_import")
        event["Records"][0]["body"] = found[0]["Body"]
        (clone.root / "event.json").write_text(json.dumps(event))
        answer, log = clone.invoke("PlanImport", "event.json")
        assert answer == {"batchItemFailures": []}, log
        done = at_rest(api, job)
        assert (done["counts"]["created"], done["counts"]["failed"]) == (1, 1), done
        assert api.get("/v1/contacts/ida@example.com").json()["first_name"] == "Ida"


def test_where_no_stack_runs_it_says_so(clone: Clone) -> None:
    nowhere = f"http://{HOST_OF_CONTAINERS}:{free_port()}"
    variables = json.loads((clone.stack.directory / VARIABLES_FILE).read_text())
    variables["GetContact"]["SERVICES_ENDPOINT"] = nowhere
    (clone.root / "nowhere.json").write_text(json.dumps(variables))
    answer, log = clone.invoke("GetContact", "events/get_contact.json", "--env-vars", "nowhere.json")
    assert answer["statusCode"] == 503
    assert body_of(answer)["detail"].startswith(f"Nothing listens at {nowhere}.")
    assert f"Nothing listens at {nowhere}." in log
