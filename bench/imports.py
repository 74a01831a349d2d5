"""An import beside the same rows by `POST /v1/contacts/batch`, and the memory of reading: `python -m bench.imports`.

The deployed functions in one process (`bench.service`): units and calls are exact, seconds are the CPU they took at
their memory's share of a processor and 10 ms a call. Both ways send the same people, one request or one part after
the other, so rows a second are of one account with one client. Memory is the most that a fresh process had while it
read a file that is made as it is read.

`--local` runs 100,000 rows on the local stack instead (`bench.imports_local`).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from bench.bill import PRICES, bill_of
from bench.quick_table import QuickTable
from bench.results import FOLDER, Cell, Results
from bench.service import ENDPOINT, Account, Message, Service, Use, deployed, sources
from local.sample_people import contact, header, lines
from local.stack import ROOT

Json = dict[str, Any]

ROWS: Final = 3_000
SIZES_MB: Final = (10, 100, 1000)
KINDS: Final = ("csv", "ndjson", "csv.gz")
UNPACKS_TO: Final = 8
"""Times its size: so that a file of either kind has fewer rows than an import takes."""
FLAT: Final = 1.15
"""The largest file may take so many times the memory of the smallest."""
SLOWER: Final = 0.9
"""The least that an import's pace may be of the pace of one client's requests."""
MILLION: Final = 1_000_000
PAGE: Final = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- made by bench.imports -->", "<!-- end -->"


# ==== both ways =======================================================================================================


@dataclass(frozen=True)
class Way:
    """A way of writing rows, and what it used, by function."""

    name: str
    rows: int
    used: Mapping[str, Use]
    writes_rows: str
    """The function that does: its seconds are the pace."""
    requested: tuple[str, ...]
    """Functions that API Gateway invoked."""

    @property
    def rows_per_second(self) -> float:
        """Of one after the other."""
        return self.rows / self.used[self.writes_rows].billed_s

    def of_writing(self, figure: str) -> float:
        """A figure of the function that writes, a row."""
        found = getattr(self.used[self.writes_rows], figure)
        return float(sum(found.values()) if figure == "calls" else found) / self.rows

    @property
    def writing_usd(self) -> float:
        """US dollars for a million rows, without what follows a contact's change."""
        own = (self.writes_rows, "plan_import", *self.requested)
        return self._usd(name for name in dict.fromkeys(own) if name in self.used)

    @property
    def usd(self) -> float:
        """US dollars for a million rows, with all that follows."""
        return self._usd(self.used)

    def _usd(self, functions: Iterable[str]) -> float:
        found = 0.0
        for name in functions:
            use = self.used[name]
            found += bill_of(name, use, is_requested=name in self.requested).usd
            for method, price in PRICES["s3_per_million"].items():
                found += use.calls["s3", method] * price["usd"] / MILLION
        return found * MILLION / self.rows


def by_batches(service: Service, account: Account, name: str, op: str, bodies: Sequence[Json]) -> Way:
    """Send bodies by a hundred, each request under a key, so that it may be repeated, as an import is."""
    with service.recorded() as used:
        for start in range(0, len(bodies), 100):
            operations = [{"op": op, "contact": body} for body in bodies[start : start + 100]]
            key = {"idempotency-key": f"{name} {start}"}
            answer = service.request(account, "POST", "/v1/contacts/batch", {"operations": operations}, key)
            assert answer.status == 207, answer.body
        requested = tuple(used)
        service.follow()
    return Way(name, len(bodies), used, "batch_contacts", requested)


def by_import(service: Service, account: Account, name: str, data: bytes, rows: int, **options: Any) -> Way:
    """Import a file.

    Raises:
        AssertionError: it does not end well, or a row is not accounted for.
    """
    with service.recorded() as used:
        import_id = upload(service, account, data, **options)
        requested = tuple(used)
        service.follow()
    job = service.request(account, "GET", f"/v1/imports/{import_id}").body
    counts = dict(job["counts"])
    assert job["state"] in ("completed", "completed_with_errors"), job
    assert counts.pop("rows") == rows == sum(counts.values()), job
    return Way(name, rows, used, "carry_out_import", requested)


def upload(service: Service, account: Account, data: bytes, **options: Any) -> str:
    """Make an import and put its file where it belongs, of which S3 sends a message. Returns the import's id."""
    body = {"file_name": "people.csv", "size": len(data), **options}
    created = service.request(account, "POST", "/v1/imports", body)
    assert created.status == 201, created.body
    key = f"uploads/{account.id}/{created.body['id']}"
    service.buckets.objects[key] = data
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "files"}, "object": {"key": quote(key), "size": len(data)}},
    }
    (queue,) = [source.queue for source in sources()[1] if source.function == "plan_import"]
    service.queues[queue].append(Message(json.dumps({"Records": [record]}), None, service.now, 1))
    return str(created.body["id"])


def csv_of(numbers: Iterable[int]) -> bytes:
    """The rows as a file."""
    return (header("csv") + "".join(lines(numbers, "csv"))).encode()


def ways(rows: int) -> list[Way]:
    """Both ways, for new contacts, for the same once more, and for the same with a change."""
    numbers = range(rows)
    bodies = [contact(number) for number in numbers]
    data = csv_of(numbers)
    changed = data.replace(b"New York", b"York").replace("Córdoba".encode(), b"Cordoba")
    found = []
    with deployed(QuickTable()) as service:
        batched, imported = service.open_account(), service.open_account()
        for account in (batched, imported):
            body = {"url": ENDPOINT, "events": ["*"]}
            assert service.request(account, "POST", "/v1/webhooks", body).status == 201
            # What a process builds once is built before.
            by_batches(service, account, "", "upsert", [{"external_id": "first"}])
        found.append(by_batches(service, batched, "batches: new", "upsert", bodies))
        found.append(by_import(service, imported, "import: new", data, rows))
        found.append(by_batches(service, batched, "batches: unchanged", "upsert", bodies))
        found.append(by_import(service, imported, "import: unchanged", data, rows))
        found.append(by_import(service, imported, "import: two in seven changed", changed, rows))
        each = service.open_account()
        assert service.request(each, "POST", "/v1/webhooks", body).status == 201
        found.append(by_import(service, each, "import: new, an event each", data, rows, events="each"))
    return found


# ==== memory ==========================================================================================================


@cache
def read(kind: str, megabytes: int, *, maps: bool = False) -> Json:
    """What reading a file in a process of its own took."""
    task = {
        "kind": kind,
        "bytes": megabytes * 1_000_000 // (UNPACKS_TO if kind.endswith(".gz") else 1),
        "map": maps,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.imports_worker"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    assert found["rows"] == found["expected"], found
    return found


def memory(sizes: Sequence[int], table: Results) -> list[Sequence[Cell]]:
    """A row for each kind and size; fails where a larger file takes more."""
    rows: list[Sequence[Cell]] = []
    for kind in KINDS:
        peaks = []
        for megabytes in sizes:
            _show(f"{kind}, {megabytes} MB")
            found = read(kind, megabytes)
            peaks.append(found["memory_mb"])
            per_million = found["cpu_s"] * MILLION / found["rows"]
            rows.append(
                (kind, f"{found['bytes'] / 1e6:,.0f} MB", found["rows"], found["memory_mb"], per_million)
            )
        if peaks[-1] > FLAT * peaks[0]:
            table.failures.append(
                f"reading {kind}: {peaks[-1]:.0f} MB for the largest, {peaks[0]:.0f} MB for the smallest file"
            )
    return rows


# ==== telling =========================================================================================================


def results(rows: int = ROWS, sizes: Sequence[int] = SIZES_MB) -> Results:
    """Measure both."""
    columns = (
        "",
        "rows a second",
        "beside",
        "CPU ms a row",
        "write units",
        "read units",
        "calls",
        "$ a million",
        "in all",
    )
    table = Results("imports", "Imports beside batches", columns)
    _show("both ways")
    found = ways(rows)
    batches = {way.name.partition(": ")[2]: way for way in found if way.name.startswith("batches")}
    for way in found:
        other = batches.get(way.name.partition(": ")[2], batches["new"])
        ratio = way.rows_per_second / other.rows_per_second
        table.rows.append(
            (
                way.name,
                round(way.rows_per_second),
                None if way is other else ratio,
                way.of_writing("cpu_s") * 1000,
                way.of_writing("writes"),
                way.of_writing("reads"),
                way.of_writing("calls"),
                way.writing_usd,
                way.usd,
            )
        )
        if way is not other and ratio < SLOWER:
            table.failures.append(f"{way.name}: {ratio:.2f} of the rows a second of batches")
    table.notes = [
        f"{rows:,} rows with twelve columns, of people in several scripts, one in fifty of them twice; a webhook for "
        "every event. *Rows a second*: of the function that writes them, one invocation after the other, without the "
        "gateway and the queue between them; *beside*: as a part of the batches' pace. Units and calls are a row's, "
        "of the function that writes it. *$ a million*: rows, with reading the file, S3 and SQS; *in all*: with what "
        "follows each change as well (projection, validation, events, deliveries).",
        "## Reading",
        _markdown(("file", "size", "rows", "MB at most", "CPU s a million rows"), memory(sizes, table)),
        f"Each in a process of its own, the interpreter included. The largest file may take {FLAT:g} times the memory "
        "of the smallest.",
        (__doc__ or "").partition("\n\n")[2].strip(),
    ]
    _show("")
    return table


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    shown = [[_shown(cell) for cell in row] for row in rows]
    rule = "|---|" + "---:|" * (len(columns) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, *shown]).replace("\n", f"\n{rule}\n", 1)


def _shown(cell: Cell) -> str:
    return f"{cell:,.1f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else str(cell)


def section() -> str:
    """What docs/cost.md says of imports, from the figures that are kept; empty where none are."""
    file = FOLDER / "imports.json"
    if not file.exists():
        return ""
    kept = json.loads(file.read_text(encoding="utf-8"))
    rows = [
        [row[""], f"{row['write units']:.2f}", f"{row['$ a million']:.2f}", f"**{row['in all']:.2f}**"]
        for row in kept["rows"]
    ]
    return "\n\n".join(
        [
            f"## A million rows of a file\n\n{BEGIN}",
            f"Measured by `python -m bench.imports` ({kept['measured_with']['date']}; "
            "[all figures](../bench/results/imports.md)), beside the same rows in batches of 100. Reading the file, S3 "
            "and SQS are in them.",
            _markdown(("", "write units a row", "$ a million rows", "with all that follows"), rows),
            END,
        ]
    )


def write_section() -> None:
    """Put it into docs/cost.md, in the place of the one before."""
    page, text = PAGE.read_text(encoding="utf-8"), section()
    if BEGIN in page:
        start, end = page.index("## A million rows of a file"), page.index(END, page.index(BEGIN)) + len(END)
    else:
        start = end = page.index("## Units, counted twice")
        text += "\n\n"
    PAGE.write_text(page[:start] + text + page[end:], encoding="utf-8")


def _show(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Print and keep the tables; the exit code is 1 if a budget was not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, help=f"default {ROWS:,}; with --local 100,000")
    parser.add_argument(
        "--local", action="store_true", help="on the local stack, with IAM enforced; takes minutes"
    )
    parser.add_argument(
        "--kills", type=int, default=50, help="with --local: functions that are killed meanwhile"
    )
    given = parser.parse_args(arguments)
    if given.local:
        from bench import imports_local

        run: Callable[..., int] = imports_local.run
        return run(100_000 if given.rows is None else given.rows, given.kills)
    code = results(given.rows or ROWS).publish()
    write_section()
    return code


if __name__ == "__main__":
    sys.exit(main())
