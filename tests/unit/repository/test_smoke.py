"""The smoke test: green on the deployed handlers, red where one of them fails, and it always cleans up."""

import json
import urllib.request
from collections.abc import Iterator
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from local.smoke import Answer, Api, Failed, SmokeTest, main
from tests.recorded.playing import functions_of_the_account, recorded_scenarios
from tests.support.deployed import DeployedFunctions
from tests.support.streams import Tape, about_contacts, stream_event
from tests.support.thorough import times

KEY = recorded_scenarios()["read: id"]["steps"][0]["key"]


class InProcess(Api):
    """The API on functions in this process. What `broken` names answers 500 from then on, but for deletes."""

    def __init__(self, functions: DeployedFunctions, key: str = KEY) -> None:
        super().__init__("http://api", key)
        self.functions = functions
        self.asked: list[str] = []
        self.tape = Tape(functions.table)
        self.broken: int | None = None
        self.loses_answer = False

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        is_broken = len(self.asked) == self.broken
        if is_broken and not self.loses_answer:
            return Answer(500, {}, {"code": "internal_error"})
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.functions.request(
            method, path, body, key=self.key if key is None else key, headers=sent
        )
        self.follow()
        if is_broken:
            raise Failed("no answer")
        found = {name.lower(): value for name, value in answer["headers"].items()}
        return Answer(answer["statusCode"], found, json.loads(answer["body"] or "{}"))

    def follow(self) -> None:
        """Bring the stream's records to their readers."""
        self.functions.at_ms += 1
        records = about_contacts(self.tape.taken(self.functions.at_ms / 1000))
        if records:
            for function in ("project_changes", "dispatch_webhooks"):
                self.functions.invoke(function, stream_event(records))


class Run:
    """A run on the recorded account, where what follows a change follows at once."""

    def __init__(self, functions: DeployedFunctions, key: str = KEY) -> None:
        self.functions = functions
        self.api = InProcess(functions, key)
        self.said: list[str] = []
        self.test = SmokeTest(self.api, self.said.append, self.wait, "smoke-0123456789abcdef")

    def wait(self, seconds: float) -> None:
        """Let the time pass."""
        self.functions.at_ms += round(seconds * 1000)


@pytest.fixture
def run() -> Iterator[Run]:
    with functions_of_the_account("smoke") as functions:
        yield Run(functions)


def test_it_is_green_where_all_is_well_and_says_a_line_for_each_step(run: Run) -> None:
    assert run.test.run(), run.said
    assert len(run.said) == len([*run.test.steps(), *run.test.last_steps()])
    assert all(line.startswith("ok ") for line in run.said)


@pytest.mark.parametrize("loses_answer", [False, True])
def test_it_is_red_where_any_request_fails_and_cleans_up(run: Run, loses_answer: bool) -> None:
    assert run.test.run()
    asked = run.api.asked.copy()
    steps = [number for number, name in enumerate(asked, 1) if not name.startswith("DELETE")]
    of_the_last_steps = 3
    for broken in steps[:-of_the_last_steps][:: times(1, 5)]:
        with functions_of_the_account("smoke") as functions:
            again = Run(functions)
            again.api.broken, again.api.loses_answer = broken, loses_answer
            assert not again.test.run(), asked[broken - 1]
            assert again.said[-1].startswith("ok      it is deleted for good"), again.said
            assert sum(line.startswith("FAILED") for line in again.said) == 1
            assert functions.request("GET", f"/v1/contacts/{again.test.name}", key=KEY)["statusCode"] == 404


def test_it_leaves_no_opt_out_behind(run: Run) -> None:
    """The next contact with an address that was opted out would be opted out, too; here nothing is left of it."""
    assert run.test.run()
    key = {"email": run.test.email}
    answer = run.functions.request("POST", "/v1/contacts", key, key=KEY)
    assert json.loads(answer["body"])["is_unsubscribed"] is False


def test_a_key_of_test_mode_would_show_nothing() -> None:
    keys = {step.get("key") for scenario in recorded_scenarios().values() for step in scenario["steps"]}
    key = next(key for key in keys if key and key.startswith("sk_test_"))
    with functions_of_the_account("smoke") as functions:
        run = Run(functions, key)
        assert not run.test.run()
        assert any("test mode" in line for line in run.said), run.said


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (URLError("Connection refused"), "has no answer"),
        (TimeoutError("timed out"), "has no answer"),
        (
            HTTPError("http://api", 403, "Forbidden", Message(), BytesIO(b"<html>")),
            "is this the address of the API?",
        ),
        (
            HTTPError("http://api", 403, "Forbidden", Message(), BytesIO(b'{"message": "Forbidden"}')),
            "(Forbidden)",
        ),
    ],
)
def test_whatever_answers_there_it_says_what_came(
    answers: Exception, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def urlopen(*_: object, **__: object) -> None:
        raise answers

    monkeypatch.setattr("local.smoke.urlopen", urlopen)
    assert main(["https://api.example.com", "sk_live_x"]) == 1
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["api.example.com", "sk_live_x"], "begins with https://"), (["https://api.example.com"], "KEY")],
)
def test_what_it_lacks_it_asks_for(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KEY", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_key_stands_in_no_list_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def urlopen(request: urllib.request.Request, **_: object) -> None:
        sent.append(request.get_header("X-api-key"))
        raise URLError("down")

    monkeypatch.setattr("local.smoke.urlopen", urlopen)
    monkeypatch.setenv("KEY", "sk_live_of_the_environment")
    assert main(["https://api.example.com/"]) == 1
    assert sent[-1] == "sk_live_of_the_environment"
