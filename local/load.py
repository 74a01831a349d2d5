"""`python -m local.load FILE`: what `make load FILE=people.csv` runs, against `make run` or any deployed stage.

It sends a file of contacts, shows how its columns are read and what would come of its rows, asks, and stays until all
rows are carried out. Rows that failed are fetched into a file beside the source, to be mended and sent again. The other
way, `--export FILE` fetches contacts into a file. docs/imports.md tells what an import does.

The import goes on without this command: after Ctrl-C, or when the connection is gone, `--resume ID` looks at it again.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from local.smoke import Answer, Api, Failed
from local.transfer import BrokeOff, FileChanged, FileRefused, fetch_file, send_file

Json = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parent.parent
IMPORTS: Final = "/v1/imports"
EXPORTS: Final = "/v1/exports"
MAX_BYTES: Final = 5 * 1024**3
GIVES_UP_AFTER_S: Final = 300
"""How long the API, or the bucket, may be out of reach."""
PAUSES_S: Final = (0.3, 5.0)
"""Between two looks, the first and the longest."""
ENDED: Final = ("completed", "completed_with_errors", "failed", "cancelled", "expired")
COUNTED: Final = ("created", "updated", "unchanged", "skipped", "protected", "failed")
TOLD: Final = {
    "created": "new contacts",
    "updated": "contacts changed",
    "unchanged": "already as the row says",
    "skipped": "not of this mode, or in the trash",
    "protected": "opted out, and stay so: applied without the subscription",
    "failed": "refused",
}
SHOWN_ERRORS: Final = 10
STATUS_HELP: Final = {
    401: "Is this a key of that API? It is read from --key, or from the variable KEY.",
    403: "A key with that scope can be made with POST /v1/api-keys, by a key that has keys:write.",
}


class Bar(Protocol):
    """A progress bar, as `tqdm` has it."""

    def update(self, n: float) -> object:
        """So much more is done."""

    def set_postfix_str(self, s: str) -> object:
        """What stands behind the bar."""


class NoBar:
    """Shows nothing."""

    def update(self, n: float) -> None:
        """Nothing to do."""

    def set_postfix_str(self, s: str) -> None:
        """Nothing to do."""


Bars = Callable[[str, int | None], AbstractContextManager[Bar]]
"""Makes a bar: what it is about, and how many bytes there are in all; None: it goes from 0 to 1."""


@contextmanager
def shown_bar(title: str, size: int | None) -> Iterator[Bar]:
    """A bar on standard error; none where nobody sees it, or where there is no tqdm."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        print(f"{title} …", file=sys.stderr)
        yield NoBar()
        return
    style: dict[str, Any] = {"total": size, "unit": "B", "unit_scale": True, "unit_divisor": 1024}
    if size is None:
        style = {"total": 1.0, "bar_format": "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"}
    with tqdm(desc=title, disable=None, dynamic_ncols=True, leave=False, file=sys.stderr, **style) as bar:
        yield bar


@dataclass
class Client:
    """The API as this command asks it: it waits where it is told to, and through what passes by itself."""

    api: Api
    wait: Callable[[float], None] = lambda seconds: time.sleep(seconds)  # noqa: PLW0108 - looked up when it is called
    complain: Callable[[str], None] = lambda text: print(text, file=sys.stderr)
    """Is told why it waits, the first time that a request has to."""

    def ask(self, method: str, path: str, body: Json | None = None, **headers: str) -> Json:
        """The body of an answer that is a success.

        Raises:
            Failed: it is none. The message says what the API says, and what helps.
        """
        waited, pause, has_complained = 0.0, 1.0, False
        # Where nobody knows whether it was done, a GET may be sent again, and what has an Idempotency-Key.
        may_repeat = method == "GET" or "Idempotency_Key" in headers
        while True:
            seconds = pause
            try:
                answer = self.api.ask(method, path, body, **headers)
            except Failed as failed:
                refusal, is_passing = failed, may_repeat
            else:
                if answer.status < 300:
                    return answer.body
                refusal = Failed(told(method, path, answer))
                # 429 and 503 say that nothing was done.
                is_passing = answer.status in (429, 503) or (may_repeat and answer.status >= 500)
                seconds = float(answer.headers.get("retry-after") or pause)
            if not is_passing or waited + seconds > GIVES_UP_AFTER_S:
                raise refusal
            if not has_complained:
                has_complained = True
                self.complain(f"{refusal}\nTrying again, for {GIVES_UP_AFTER_S // 60} minutes at most …")
            self.wait(seconds)
            waited, pause = waited + seconds, min(2 * pause, 30.0)


def told(method: str, path: str, answer: Answer) -> str:
    """An answer that is no success, for a person: what is wrong, each field by its name, and what helps."""
    problem = answer.body
    said = problem.get("detail") or problem.get("message") or problem.get("code") or "no reason given"
    lines = [f"{method} {path.partition('?')[0]} answers {answer.status}: {said}"]
    wrong = problem.get("errors") or []
    if len(wrong) > 1:
        lines += [f"  {one['field']}: {one['message']}" for one in wrong]
    if answer.status in STATUS_HELP:
        lines.append(f"  {STATUS_HELP[answer.status]}")
    if request_id := problem.get("request_id"):
        lines.append(f"  (request {request_id})")
    return "\n".join(lines)


@dataclass
class Loader:
    """One run of the command. `ask_user` gets a question and returns whether the answer is yes."""

    client: Client
    ask_user: Callable[[str], bool]
    say: Callable[[str], None] = print
    bars: Bars = shown_bar
    hint: str = ""
    """How to go on, for whoever interrupts it."""

    # Imports

    def load(self, path: Path, options: Json, *, is_asked: bool) -> int:
        """Import a file. `is_asked`: show what would happen first, and ask. Returns the exit code."""
        size = path.stat().st_size
        body = {**options, "file_name": path.name, "size": size}
        if is_asked:
            body["dry_run"] = True
        # Sent again without an answer it would be a second import.
        key = os.urandom(16).hex()
        job = self.client.ask("POST", IMPORTS, body, Idempotency_Key=key)
        if job.get("test_mode"):
            self.say("The key is one of test mode: the options are valid, and nothing was sent or kept.")
            return 0
        self.say(f"import {job['id']}")
        self.upload(job, path, size)
        return self.follow(job["id"], path, is_asked=is_asked)

    def resume(
        self, import_id: str, path: Path | None, mapping: Mapping[str, str | None], *, yes: bool
    ) -> int:
        """Go on with an import, wherever it is. Returns the exit code."""
        job = self.job(import_id)
        if job["state"] == "awaiting_upload":
            if path is None:
                raise Failed(f"its file was not sent: name it as well: `{job['file']['name']}`")
            self.upload(job, path, job["file"]["size"])
        elif job["state"] == "ready" and (mapping or yes):
            if not yes:
                # What is shown of a dry run was found with the mapping as it was.
                self.show_mapping({**job, "mapping": {**(job.get("mapping") or {}), **mapping}})
                if not self.may_start(job, "with this mapping"):
                    return 0
            self.start(import_id, mapping)
        return self.follow(import_id, path, is_asked=not yes)

    def cancel(self, import_id: str) -> int:
        """Cancel an import. What it has written stays."""
        self.show(self.client.ask("POST", f"{IMPORTS}/{import_id}/cancel"), None)
        self.say(f"Cancelled. What it had written stays: `--undo {import_id}` takes it back.")
        return 0

    def undo(self, import_id: str) -> int:
        """Take an import back. Returns the exit code."""
        if not self.job(import_id).get("undo"):
            self.client.ask("POST", f"{IMPORTS}/{import_id}/undo")
        job = self.watch(
            import_id, "taking back", lambda one: (one.get("undo") or {}).get("state") == "completed"
        )
        undo = job["undo"]
        self.say(
            f"Taken back: {undo['trashed']:,} contacts are in the trash, {undo['restored']:,} rows have their previous "
            f"values, {undo['kept']:,} were kept, since somebody has changed them in the meantime."
        )
        return 0

    def upload(self, job: Json, path: Path, size: int) -> None:
        """Send the file.

        Raises:
            Failed: it is refused, or cannot be sent.
        """
        self.hint = f"Its file is not sent. `--resume {job['id']} {path}` sends it."
        waited, pause = 0.0, 1.0
        while True:
            if "upload" not in job:
                if job["state"] == "awaiting_upload":
                    raise Failed("the key may not send its file: it needs imports:write and contacts:write")
                # It came, and its answer was lost.
                return
            upload = job["upload"]
            try:
                with self.bars("sending", size) as bar:
                    send_file(upload["url"], upload.get("headers", {}), path, size, bar.update)
                return
            except FileRefused as refused:
                raise Failed(f"the upload was refused: {refused}") from refused
            except FileChanged as changed:
                raise Failed(f"{changed}. Begin again: the import expects the file as it was") from changed
            except BrokeOff as broken:
                if waited > GIVES_UP_AFTER_S:
                    raise Failed(f"the upload broke off: {broken}") from broken
                self.client.wait(pause)
                waited, pause = waited + pause, min(2 * pause, 30.0)
            job = self.job(job["id"])

    def follow(self, import_id: str, path: Path | None, *, is_asked: bool) -> int:
        """Stay until an import has ended, or rests and is not to go on. Returns the exit code."""
        self.hint = (
            f"The import goes on without this command. `--resume {import_id}` looks at it again, "
            f"`--cancel {import_id}` ends it."
        )
        job = self.watch(import_id, "reading", lambda one: one["state"] not in ("awaiting_upload", "reading"))
        if job["state"] == "ready":
            self.show(job, "would be")
            if problem := job.get("problem"):
                self.say(
                    f"It cannot go on: {problem['detail']}\n"
                    f"Say which column is what, and go on: --resume {import_id} --map 'Column=email'"
                )
                return 1
            if not is_asked:
                self.say_how_to_start(job)
                return 0
            if not self.may_start(job):
                return 0
            self.start(import_id, {})
        else:
            self.show_mapping(job)
        job = self.watch(import_id, "writing", lambda one: one["state"] in ENDED)
        self.hint = f"`--resume {import_id}` shows what came of it, and fetches the rows that failed."
        return self.end(job, path)

    def may_start(self, job: Json, how: str = "") -> bool:
        """Ask whether an import that rests is to be carried out."""
        rows = f"{job['counts']['rows']:,} rows"
        is_wanted = self.ask_user(f"Carry it out{how and f' {how}'}? {rows} [y/N] ")
        if not is_wanted:
            self.say_how_to_start(job)
        return is_wanted

    def say_how_to_start(self, job: Json) -> None:
        """Say that an import rests, and what carries it out."""
        self.say(f"Nothing was written. `--resume {job['id']} --yes` carries it out.")

    def start(self, import_id: str, mapping: Mapping[str, str | None]) -> None:
        """Let an import that rests be carried out."""
        body = {"mapping": dict(mapping)} if mapping else {}
        self.client.ask("POST", f"{IMPORTS}/{import_id}/start", body)

    def end(self, job: Json, path: Path | None) -> int:
        """Say what came of an import, and fetch what failed. Returns the exit code."""
        self.show(job, None)
        if problem := job.get("problem"):
            self.say(f"{problem['code']}: {problem['detail']}")
        if job["counts"].get("failed"):
            self.fetch_errors(job, path)
        may_undo = job["state"] in ("completed", "completed_with_errors")
        if may_undo and any(job["counts"].get(one) for one in ("created", "updated", "protected")):
            self.say(f"`--undo {job['id']}` takes it back, within 7 days.")
        return 0 if job["state"] == "completed" and not job["counts"].get("failed") else 1

    def fetch_errors(self, job: Json, path: Path | None) -> None:
        """Fetch the rows that failed into a file beside the source."""
        answer = self.client.ask("GET", f"{IMPORTS}/{job['id']}/errors")
        if not answer.get("url"):
            return
        suffix = Path(urlsplit(answer["url"]).path).suffix or ".csv"
        target = free_name(path or Path(job["file"]["name"]), suffix)
        self.fetch(answer["url"], target, "fetching the rows that failed", lambda: self.errors_url(job["id"]))
        self.say(
            f"The rows that failed, with the reasons: {target}\nMended, they can be sent again as they are there."
        )

    def errors_url(self, import_id: str) -> str:
        """A fresh URL of the rows that failed."""
        return str(self.client.ask("GET", f"{IMPORTS}/{import_id}/errors")["url"])

    def job(self, import_id: str) -> Json:
        """An import as it is."""
        return self.client.ask("GET", f"{IMPORTS}/{import_id}")

    def watch(self, import_id: str, doing: str, is_over: Callable[[Json], bool]) -> Json:
        """Show how an import gets on until something is over; returns it as it is then."""
        return self._watch(lambda: self.job(import_id), doing, is_over)

    def _watch(self, look: Callable[[], Json], doing: str, is_over: Callable[[Json], bool]) -> Json:
        shown, pause = 0.0, PAUSES_S[0]
        job = look()
        if is_over(job):
            return job
        with self.bars(doing, None) as bar:
            while True:
                bar.set_postfix_str(behind_bar(job))
                # It may be estimated anew, and the bar goes forward only.
                progress = min(1.0, max(shown, job.get("progress") or 0.0))
                bar.update(progress - shown)
                shown = progress
                if is_over(job):
                    return job
                self.client.wait(pause)
                pause = min(1.3 * pause, PAUSES_S[1])
                job = look()

    # Exports

    def export(self, path: Path, filters: Iterable[str], fields: str | None) -> int:
        """Fetch contacts into a file. Returns the exit code."""
        body: Json = {"format": "csv" if ".csv" in path.suffixes else "ndjson", "gzip": path.suffix == ".gz"}
        chosen: dict[str, list[str]] = {}
        for name, value in (one.split("=", 1) for one in filters):
            chosen.setdefault(name, []).append(value)
        if chosen:
            body["filter"] = {
                name: values[0] if len(values) == 1 else values for name, values in chosen.items()
            }
        if fields:
            body["fields"] = [name.strip() for name in fields.split(",")]
        job = self.client.ask("POST", EXPORTS, body, Idempotency_Key=os.urandom(16).hex())
        if job.get("test_mode"):
            self.say("The key is one of test mode: the request is valid, and there is nothing to fetch.")
            return 0
        return self.resume_export(job["id"], path)

    def resume_export(self, export_id: str, path: Path) -> int:
        """Wait for an export, and fetch it. Returns the exit code."""

        def look() -> Json:
            return self.client.ask("GET", f"{EXPORTS}/{export_id}")

        self.hint = (
            f"The export goes on without this command. `--resume {export_id} --export {path}` fetches it."
        )
        job = self._watch(look, "writing", lambda one: one["state"] != "running")
        if job["state"] != "completed":
            raise Failed(f"the export {export_id} is {job['state']}")
        self.fetch(job["url"], path, "fetching", lambda: str(look()["url"]), job.get("bytes") or 0)
        self.say(f"{job['rows']:,} contacts are in {path}")
        return 0

    def fetch(self, url: str, path: Path, doing: str, again: Callable[[], str], total: int = 0) -> None:
        """Fetch a file; `again`: gives a fresh URL where the connection broke off.

        Raises:
            Failed: it cannot be fetched.
        """
        for tries_left in (3, 2, 1, 0):
            try:
                with self.bars(doing, total) as bar:
                    fetch_file(url, path, bar.update)
                return
            except (BrokeOff, FileRefused) as error:
                if not tries_left:
                    raise Failed(f"{path} could not be fetched: {error}") from error
            self.client.wait(1.0)
            url = again()

    # What is shown

    def show(self, job: Json, would: str | None) -> None:
        """The mapping and the counts; of a dry run what would come of the rows, and the first errors."""
        if would:
            self.show_mapping(job)
        counts = job.get("counts") or {}
        if counts.get("rows"):
            is_checked = would and any(counts.get(one) for one in COUNTED)
            self.say(f"\n{counts['rows']:>10,}  rows{f', of which {would}' if is_checked else ''}")
            self.say(
                "\n".join(f"{counts[one]:>10,}  {one}: {TOLD[one]}" for one in COUNTED if counts.get(one))
            )
        errors = (job.get("preview") or {}).get("errors") or []
        for error in errors[:SHOWN_ERRORS] if would else ():
            where = f"{error['field']}: " if error.get("field") else ""
            self.say(f"  line {error['line']}: {where}{error['reason']}")
        if would and len(errors) > SHOWN_ERRORS:
            self.say("  …")
        if would and (contacts := (job.get("preview") or {}).get("contacts")):
            self.say(f"\nThe first contact as it would be:\n{_indented(contacts[0])}\n")

    def show_mapping(self, job: Json) -> None:
        """Which column is read as what."""
        mapping, file = job.get("mapping") or {}, job.get("file") or {}
        if not mapping:
            return
        known = (file.get("format"), file.get("encoding"), file.get("delimiter"))
        self.say(f"\n{file.get('name')} ({', '.join(repr(one)[1:-1] for one in known if one)})")
        width = min(40, max(map(len, mapping)))
        self.say(
            "\n".join(
                f"  {column:<{width}}  →  {target or '(ignored)'}" for column, target in mapping.items()
            )
        )


def behind_bar(job: Json) -> str:
    """What stands behind the bar of an import or an export."""
    said = [] if job["state"] in ("reading", "running") else [job["state"]]
    if job["state"] == "paused":
        said = ["paused: it goes on by itself, at the latest with the next hour"]
    counts = job.get("counts")
    if counts is None:
        return f"{job.get('rows', 0):,} contacts"
    said += [f"{counts[one]:,} {one}" for one in COUNTED if counts.get(one)]
    if job.get("rows_per_second"):
        said.append(f"{job['rows_per_second']:,.0f} rows/s")
    return ", ".join(said)


def _indented(contact: Json) -> str:
    said = {name: value for name, value in contact.items() if value not in (None, [], {})}
    return "\n".join(f"  {line}" for line in json.dumps(said, ensure_ascii=False, indent=1).splitlines())


def free_name(source: Path, suffix: str) -> Path:
    """`people.errors.csv` beside `people.csv.gz`; `people.errors-2.csv` where that exists: it may be mended by now."""
    stem = source.name
    while (last := Path(stem).suffix.lower()) in (
        ".gz",
        ".csv",
        ".tsv",
        ".txt",
        ".xlsx",
        ".json",
        ".ndjson",
        ".jsonl",
    ):
        stem = stem[: -len(last)]
    stem = stem.partition(".errors")[0] or "import"
    names = (
        source.with_name(f"{stem}.errors{number}{suffix}")
        for number in ("", *(f"-{n}" for n in range(2, 1000)))
    )
    return next(name for name in names if not name.exists())


def mapping_of(given: Iterable[str]) -> dict[str, str | None]:
    """`Column=field` and `Column=` (ignored) as the API takes them.

    Raises:
        ValueError: there is no `=`.
    """
    mapping: dict[str, str | None] = {}
    for one in given:
        # A column may have a = in its name, a field has none.
        column, separator, target = one.rpartition("=")
        if not separator or not column:
            raise ValueError(one)
        mapping[column] = target.strip() or None
    return mapping


def of_this_machine() -> Json:
    """What `make run` has written about the local stack: `url` and `keys`; nothing where there is none."""
    file = ROOT / ".local" / "stack.json"
    try:
        described: Json = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return described


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.load",
        usage="%(prog)s [options] FILE (--help lists the options)",
        description="Import a file of contacts (CSV, TSV, NDJSON, JSON, each also gzipped, or XLSX), or export one.",
    )
    parser.add_argument("file", nargs="?", type=Path, help="the file to import")
    parser.add_argument(
        "--url", help="where the API answers; default: $API, then the local stack of `make run`"
    )
    parser.add_argument(
        "--key", help="an API key; default: $KEY (which no list of processes shows), then the local stack's"
    )
    what = parser.add_argument_group("what a row may do")
    what.add_argument("--mode", choices=("upsert", "create", "update"))
    what.add_argument("--restore-trashed", action="store_true", help="bring contacts back from the trash")
    what.add_argument("--blanks", choices=("keep", "clear"), help="what an empty cell does to a field")
    what.add_argument(
        "--add-tag", action="append", default=[], help="a tag for every contact; may be repeated"
    )
    what.add_argument(
        "--add-list", action="append", default=[], help="a list for every contact; may be repeated"
    )
    what.add_argument(
        "--events", choices=("summary", "each"), help="one webhook when it ends, or one for each contact"
    )
    what.add_argument(
        "--on-invalid",
        choices=("reject", "skip"),
        help="a field that is refused: refuse its row, or leave it out",
    )
    how = parser.add_argument_group("how the file is read")
    how.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help="`Firma=custom_fields.company`; `Notes=` ignores the column; may be repeated",
    )
    how.add_argument("--default-country", help="of phone numbers that have none: DE")
    how.add_argument("--encoding", help="where it is guessed wrongly: cp1252, utf-16, …")
    how.add_argument("--delimiter", help="where it is guessed wrongly")
    then = parser.add_argument_group("what happens")
    then.add_argument("--dry-run", action="store_true", help="only show what would happen")
    then.add_argument("--yes", action="store_true", help="ask nothing")
    then.add_argument(
        "--resume",
        metavar="ID",
        help="go on with an import (or, with --export, an export); it asks before it writes",
    )
    then.add_argument("--cancel", metavar="ID", help="cancel an import; what it has written stays")
    then.add_argument("--undo", metavar="ID", help="take an import back, within 7 days")
    out = parser.add_argument_group("export")
    out.add_argument(
        "--export", type=Path, metavar="FILE", help="people.csv, people.ndjson, each also with .gz"
    )
    out.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="as GET /v1/contacts: tag=vip; may be repeated",
    )
    out.add_argument("--fields", help="some fields alone: email,first_name")
    return parser


def options_of(given: argparse.Namespace) -> Json:
    """What the body of a new import says, beside the file: only what was given."""
    chosen: Json = {
        "mode": given.mode,
        "blanks": given.blanks,
        "events": given.events,
        "on_invalid": given.on_invalid,
        "default_country": given.default_country,
        "encoding": given.encoding,
        "delimiter": {"\\t": "\t"}.get(given.delimiter, given.delimiter),
        "restore_trashed": given.restore_trashed or None,
        "dry_run": given.dry_run or None,
        "add_tags": given.add_tag or None,
        "add_lists": given.add_list or None,
        "mapping": mapping_of(given.map) or None,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _checked(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is sent; ends the process with 2."""
    asked = [given.cancel, given.undo, given.resume or given.export or given.file]
    if sum(map(bool, asked)) != 1:
        parser.error("one thing at a time: a FILE to import, --resume, --cancel, --undo or --export")
    try:
        mapping_of(given.map)
    except ValueError as error:
        parser.error(f"--map {error}: it is written COLUMN=FIELD")
    for one in given.filter:
        if "=" not in one:
            parser.error(f"--filter {one}: it is written NAME=VALUE")
    if given.file is not None:
        _check_file(parser, given.file)
    if given.export is not None and given.export.exists() and not given.yes:
        parser.error(f"{given.export} exists; --yes writes over it")
    begins = given.file is not None and not (given.dry_run or given.resume)
    goes_on = given.resume is not None and given.export is None and bool(given.map)
    if (begins or goes_on) and not given.yes and not sys.stdin.isatty():
        parser.error("there is nobody to ask: --yes carries it out, --dry-run shows what would happen")


def _check_file(parser: argparse.ArgumentParser, path: Path) -> None:
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        parser.error(f"{path}: {error.strerror}")
    if not path.is_file():
        parser.error(f"{path} is no file; a stream has no length that could be announced")
    if not size:
        parser.error(f"{path} is empty")
    if size > MAX_BYTES:
        parser.error(
            f"{path} has {size:,} bytes; an import takes {MAX_BYTES:,} at most: split it, or gzip it"
        )


def run(given: argparse.Namespace, loader: Loader) -> int:
    """Do what the command line says. Returns the exit code.

    Raises:
        Failed: the API, or the bucket, refused.
    """
    if given.export and given.resume:
        return loader.resume_export(given.resume, given.export)
    if given.export:
        return loader.export(given.export, given.filter, given.fields)
    if given.cancel:
        return loader.cancel(given.cancel)
    if given.undo:
        return loader.undo(given.undo)
    if given.resume:
        return loader.resume(given.resume, given.file, mapping_of(given.map), yes=given.yes)
    return loader.load(given.file, options_of(given), is_asked=not given.yes and not given.dry_run)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 1 where rows failed or nothing was done, 2 for a wrong command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    _checked(parser, given)
    local = of_this_machine()
    url = given.url or os.environ.get("API") or local.get("url")
    key = given.key or os.environ.get("KEY") or (local.get("keys") or {}).get("native")
    if not url or not url.startswith(("http://", "https://")):
        parser.error(f"{url or 'nothing'} is no URL of the API: --url, the variable API, or `make run`")
    if not key:
        parser.error("an API key is needed: --key, the variable KEY, or `make run`")
    loader = Loader(Client(Api(url, key)), _yes_at_the_terminal)
    try:
        return run(given, loader)
    except Failed as failed:
        print(f"error: {failed}", *filter(None, [loader.hint]), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("", loader.hint, sep="\n", file=sys.stderr)
        return 130


def _yes_at_the_terminal(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main())
