"""`python -m local.load` against a server on loopback that plays the API and the bucket."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.load import free_name, main

ID = "019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01"
PEOPLE = "Email,Company\nада@example.com,Кава\nno address,Чай\n".encode()
ERRORS = b"Email,Company,import_line,import_field,import_reason\nno address,\xd0,3,email,is no address\n"
NO_ROWS = dict.fromkeys(("rows", "created", "updated", "unchanged", "skipped", "protected", "failed"), 0)
ALL_WELL = {**NO_ROWS, "rows": 2, "created": 2}
ONE_FAILED = {**NO_ROWS, "rows": 2, "created": 1, "failed": 1}
LIMITED = {"detail": "The account has used up its requests of this hour.", "code": "rate_limited"}


class Server(ThreadingHTTPServer):
    """The API and the bucket. `states`: of the import, one after the other. It leaves `awaiting_upload` with the file,
    `ready` with the start, and others when somebody looks; the last stays."""

    daemon_threads = True

    def __init__(self, *states: str, counts: dict[str, int] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.states = list(states)
        self.counts = counts or ALL_WELL
        self.problem: dict[str, str] | None = None
        self.asked: list[tuple[str, Any]] = []
        self.uploaded: list[bytes] = []
        self.may_send = True
        self.refusals: dict[str, list[tuple[int, Any]]] = {}
        """By method and path: what it answers first, one after the other."""
        self.files = {"/bucket/errors.csv": ERRORS, "/bucket/all.ndjson": b'{"email": "a@example.com"}\n'}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def moves_on(self, does: bool) -> None:
        if does and len(self.states) > 1:
            self.states.pop(0)

    def job(self, *, is_look: bool = True) -> dict[str, Any]:
        state = self.states[0]
        if is_look:
            self.moves_on(state not in ("awaiting_upload", "ready"))
        shown: dict[str, Any] = {
            "id": ID,
            "state": state,
            "counts": NO_ROWS if state in ("awaiting_upload", "reading") else self.counts,
            "file": {"name": "people.csv", "size": len(PEOPLE), "format": "csv", "encoding": "utf-8"},
            "mapping": {"Email": "email", "Company": "custom_fields.company"},
            "progress": 0.5,
            "problem": self.problem,
        }
        if state == "awaiting_upload" and self.may_send:
            shown["upload"] = {
                "method": "PUT",
                "url": f"{self.url}/bucket/upload",
                "headers": {"X-Signed": "1"},
            }
        if state == "ready":
            shown["preview"] = {
                "contacts": [{"email": "ада@example.com"}],
                "errors": [{"line": 3, "field": "email", "reason": "is no address"}],
            }
        if state == "undone":
            shown |= {"undo": {"state": "completed", "trashed": 1, "restored": 2, "kept": 3}}
        return shown


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, status: int, content: Any, **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_all(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        what = f"{self.command} {self.path}"
        self.server.asked.append((what, json.loads(body) if body and self.command == "POST" else None))
        if refusals := self.server.refusals.get(what):
            status, content = refusals.pop(0)
            self.answer(status, content, Retry_After="0")
            return
        own = f"/v1/imports/{ID}"
        match what:
            case "POST /v1/imports":
                self.answer(201, self.server.job(is_look=False))
            case "PUT /bucket/upload":
                assert self.headers["X-Signed"] == "1"
                self.server.uploaded.append(body)
                self.server.moves_on(self.server.states[0] == "awaiting_upload")
                self.answer(200, b"")
            case "POST /v1/exports":
                self.answer(202, {"id": ID, "state": "running", "rows": 0})
            case _ if what == f"GET /v1/exports/{ID}":
                url = f"{self.server.url}/bucket/all.ndjson"
                self.answer(200, {"id": ID, "state": "completed", "rows": 1, "bytes": 27, "url": url})
            case _ if what == f"GET {own}/errors":
                self.answer(200, {"url": f"{self.server.url}/bucket/errors.csv?signed=1", "rows": 1})
            case _ if self.path.startswith("/bucket/"):
                self.answer(200, self.server.files[self.path.partition("?")[0]])
            case _ if self.path.startswith(own):
                if self.path.endswith("/start"):
                    self.server.moves_on(self.server.states[0] == "ready")
                self.answer(202, self.server.job(is_look=self.command == "GET"))
            case _:
                self.answer(404, {"detail": "There is no such thing."})

    def do_GET(self) -> None:
        self.handle_all()

    def do_POST(self) -> None:
        self.handle_all()

    def do_PUT(self) -> None:
        self.handle_all()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE)
    return path


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.load.time.sleep", lambda _: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for name in ("API", "KEY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server("awaiting_upload", "completed") as running:
        Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def run(server: Server, *arguments: str | Path) -> int:
    return main([*map(str, arguments), "--url", server.url, "--key", "sk_live_x"])


def test_a_file_is_sent_whole_and_its_rows_are_counted(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states[1:] = ["reading", "running", "completed"]
    assert (
        run(
            server,
            people,
            "--yes",
            "--mode",
            "update",
            "--add-tag",
            "vip",
            "--map",
            "a=b=email",
            "--map",
            "x=",
        )
        == 0
    )
    assert server.uploaded == [PEOPLE]
    assert server.asked[0] == (
        "POST /v1/imports",
        {
            "file_name": "people.csv",
            "size": len(PEOPLE),
            "mode": "update",
            "add_tags": ["vip"],
            "mapping": {"a=b": "email", "x": None},
        },
    )
    said = capsys.readouterr().out
    assert "2  created: new contacts" in said
    assert f"--undo {ID}" in said


def test_rows_that_failed_are_fetched_beside_the_source_and_never_over_a_mended_file(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states[1:] = ["completed_with_errors"]
    server.counts = ONE_FAILED
    assert run(server, people, "--yes") == 1
    assert (people.parent / "people.errors.csv").read_bytes() == ERRORS
    assert (people.parent / "people.errors.csv").stat().st_mode & 0o077 == 0
    server.states = ["awaiting_upload", "completed_with_errors"]
    assert run(server, people.parent / "people.errors.csv", "--yes") == 1
    assert sorted(path.name for path in people.parent.iterdir()) == [
        "people.csv",
        "people.errors-2.csv",
        "people.errors.csv",
    ]
    assert "people.errors-2.csv" in capsys.readouterr().out


def answered(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Answer each question of the command so. Returns what it will have asked."""
    questions: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or answer)
    return questions


@pytest.mark.parametrize(("answer", "starts"), [("y", 1), ("", 0), ("no", 0)])
def test_it_shows_what_would_happen_and_asks(
    server: Server,
    people: Path,
    answer: str,
    starts: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    questions = answered(monkeypatch, answer)
    server.states[1:] = ["reading", "ready", "running", "completed"]
    assert run(server, people) == 0
    assert server.asked[0][1]["dry_run"] is True
    assert len(questions) == 1
    assert [what for what, _ in server.asked].count(f"POST /v1/imports/{ID}/start") == starts
    said = capsys.readouterr().out
    assert "Company  →  custom_fields.company" in said
    assert "line 3: email: is no address" in said
    assert ("Nothing was written" in said) == (not starts)


def test_columns_that_cannot_be_mapped_are_told_with_the_way_on(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states[1:] = ["ready"]
    server.problem = {"code": "mapping_needed", "detail": "No column is an email or an external id."}
    assert run(server, people, "--yes") == 1
    assert f"--resume {ID} --map 'Column=email'" in capsys.readouterr().out
    server.states, server.problem = ["ready", "completed"], None
    assert run(server, "--resume", ID, "--map", "Company=external_id", "--yes") == 0
    assert (f"POST /v1/imports/{ID}/start", {"mapping": {"Company": "external_id"}}) in server.asked


@pytest.mark.parametrize(("answer", "starts"), [("y", 1), ("", 0)])
def test_a_dry_run_that_goes_on_with_another_mapping_asks_first(
    server: Server,
    answer: str,
    starts: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    questions = answered(monkeypatch, answer)
    server.states = ["ready", "completed"]
    assert run(server, "--resume", ID, "--map", "Company=custom_fields.firm") == 0
    assert questions == ["Carry it out with this mapping? 2 rows [y/N] "]
    start = (f"POST /v1/imports/{ID}/start", {"mapping": {"Company": "custom_fields.firm"}})
    assert server.asked.count(start) == starts
    said = capsys.readouterr().out
    assert "Company  →  custom_fields.firm" in said
    assert (f"`--resume {ID} --yes` carries it out" in said) == (not starts)


def test_what_was_written_is_offered_to_be_taken_back_and_nothing_else(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.counts = {**NO_ROWS, "rows": 2, "unchanged": 1, "failed": 1}
    run(server, people, "--yes")
    said = capsys.readouterr().out
    assert "Company  →  custom_fields.company" in said  # Also where it has ended before anybody looked.
    assert "--undo" not in said


def test_a_key_that_may_only_look_sends_no_file(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.may_send = False
    assert run(server, people, "--resume", ID) == 1
    assert "it needs imports:write and contacts:write" in capsys.readouterr().err


def test_it_says_what_it_waits_for(server: Server, people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.refusals["POST /v1/imports"] = [(503, {"detail": "Come again."})] * 2
    assert run(server, people, "--yes") == 0
    assert capsys.readouterr().err.count("Come again.\nTrying again") == 1


def test_what_passes_by_itself_is_waited_for(server: Server, people: Path) -> None:
    server.refusals = {
        "POST /v1/imports": [(429, LIMITED), (503, {"detail": "Busy."})],
        "PUT /bucket/upload": [(503, b"<Error><Code>SlowDown</Code></Error>")],
        f"GET /v1/imports/{ID}": [(502, {"message": "Bad Gateway"}), (500, {}), (429, LIMITED)],
    }
    server.states = ["awaiting_upload", "paused", "completed"]
    assert run(server, people, "--yes") == 0
    assert server.uploaded == [PEOPLE]


@pytest.mark.parametrize(
    ("what", "status", "content", "said"),
    [
        ("POST /v1/imports", 401, {"detail": "This key is unknown."}, ["401: This key is unknown.", "KEY"]),
        (
            "POST /v1/imports",
            403,
            {"detail": "This key lacks the scope imports:write.", "scope": "imports:write"},
            ["lacks the scope imports:write", "POST /v1/api-keys"],
        ),
        (
            "POST /v1/imports",
            400,
            {
                "detail": "mode: is unknown",
                "errors": [
                    {"field": "mode", "message": "is unknown"},
                    {"field": "add_tags", "message": "is too long"},
                ],
            },
            ["mode: is unknown", "add_tags: is too long"],
        ),
        ("POST /v1/imports", 413, {"message": "Request Entity Too Large"}, ["413: Request Entity Too Large"]),
        (
            "PUT /bucket/upload",
            403,
            b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
            ["the upload was refused: AccessDenied: Request has expired", f"--resume {ID}"],
        ),
        ("PUT /bucket/upload", 413, b"<html>too large</html>", ["<html>too large</html> (HTTP 413)"]),
        (
            f"GET /v1/imports/{ID}",
            404,
            {"detail": "There is no import."},
            ["There is no import.", f"--resume {ID}"],
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_helps(
    server: Server,
    people: Path,
    capsys: pytest.CaptureFixture[str],
    what: str,
    status: int,
    content: Any,
    said: list[str],
) -> None:
    server.refusals = {what: [(status, content)]}
    assert run(server, people, "--yes") == 1
    error = capsys.readouterr().err
    assert all(one in error for one in said), error
    assert "sk_live_x" not in error


def test_ctrl_c_says_how_to_go_on(
    server: Server, people: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.load.time.sleep", interrupted)
    server.states[1:] = ["running"]
    assert run(server, people, "--yes") == 130
    assert f"--resume {ID}` looks at it again, `--cancel {ID}` ends it" in capsys.readouterr().err
    assert not any(what.endswith("/cancel") for what, _ in server.asked)


def test_a_file_that_has_changed_is_not_sent(
    server: Server, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states = ["awaiting_upload"]
    people.write_bytes(PEOPLE + b"one@example.com,\n")
    assert run(server, "--resume", ID, "--yes") == 1
    assert "its file was not sent" in capsys.readouterr().err
    assert run(server, people, "--resume", ID, "--yes") == 1
    assert f"{len(PEOPLE)} were announced" in capsys.readouterr().err
    assert server.uploaded == []


def test_an_import_is_taken_back(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.states = ["completed", "undone"]
    assert run(server, "--undo", ID) == 0
    assert (
        "1 contacts are in the trash, 2 rows have their previous values, 3 were kept"
        in capsys.readouterr().out
    )


def test_contacts_are_exported_into_a_file(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "all.ndjson"
    assert run(server, "--export", target, "--filter", "tag=vip", "--fields", "email, tags") == 0
    assert target.read_bytes() == server.files["/bucket/all.ndjson"]
    assert server.asked[0][1] == {
        "format": "ndjson",
        "gzip": False,
        "filter": {"tag": "vip"},
        "fields": ["email", "tags"],
    }
    several = ("--filter", "tag=a", "--filter", "is_active=true", "--filter", "tag=b=c")
    assert run(server, "--export", target.with_name("some.ndjson"), *several) == 0
    assert server.asked[3][1]["filter"] == {"tag": ["a", "b=c"], "is_active": "true"}
    with pytest.raises(SystemExit):
        run(server, "--export", target)


def test_a_key_of_test_mode_sends_nothing(
    server: Server, people: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Server, "job", lambda *_, **__: {"test_mode": True, "state": "awaiting_upload"})
    assert run(server, people, "--yes") == 0
    assert server.uploaded == []
    assert "test mode" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one thing at a time"),
        (["nobody.csv"], "No such file"),
        (["{empty}"], "is empty"),
        (["{folder}"], "directory"),
        (["{people}", "--undo", ID], "one thing at a time"),
        (["{people}", "--map", "email"], "--map email: it is written COLUMN=FIELD"),
        (["{people}"], "there is nobody to ask"),
        (["--resume", ID, "--map", "Company=name"], "there is nobody to ask"),
        (["{people}", "--yes", "--url", "api.example.com"], "api.example.com is no URL"),
        (["--export", "{people}"], "exists; --yes writes over it"),
        (["--export", "all.csv", "--filter", "vip"], "--filter vip: it is written NAME=VALUE"),
    ],
)
def test_a_wrong_command_is_refused_before_anything_is_sent(
    arguments: list[str],
    said: str,
    people: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = people.with_name("empty.csv")
    empty.touch()
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    names = {"{people}": people, "{empty}": empty, "{folder}": people.parent}
    with pytest.raises(SystemExit) as ended:
        main([str(names.get(one, one)) for one in arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_without_a_key_it_says_where_it_looked(
    people: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.load.of_this_machine", dict)
    with pytest.raises(SystemExit):
        main([str(people), "--yes", "--url", "http://127.0.0.1:1"])
    assert "--key, the variable KEY" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "there", "name"),
    [
        ("people.csv", (), "people.errors.csv"),
        ("people.csv.gz", (), "people.errors.csv"),
        ("people.v2.xlsx", (), "people.v2.errors.csv"),
        ("people.errors.csv", ("people.errors.csv",), "people.errors-2.csv"),
        ("people.errors-2.csv", ("people.errors.csv", "people.errors-2.csv"), "people.errors-3.csv"),
        ("люди", (), "люди.errors.csv"),
        (".errors.csv", (), "import.errors.csv"),
    ],
)
def test_the_file_of_failed_rows_has_a_name_of_its_own(
    source: str, there: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    for one in there:
        (tmp_path / one).touch()
    assert free_name(tmp_path / source, ".csv").name == name
