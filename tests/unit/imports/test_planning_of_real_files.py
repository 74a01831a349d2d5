"""Files as they come, through the planner: whatever they are, and however often reading is interrupted."""

import gzip

import pytest

from contacts.imports import planning
from contacts.imports.model import FileFormat, ImportState
from contacts.imports.reading.opening import open_file
from tests.support import import_harness
from tests.support.import_harness import PlannerHarness
from tests.support.moto_table import MotoTable
from tests.support.workbooks import row, workbook
from tests.unit.imports.test_planning import IMPORT, made

QUOTED = "Email;Notiz\r\n" + "".join(f'p{n}@x.org;"Zeile 1\r\nZeile ""{n}""; ä"\r\n' for n in range(10))
NDJSON = "".join(f'{{"email": "p{n}@x.org", "n": {n}.5}}\n' for n in range(10))
FILES = {
    "CSV in cp1252": (QUOTED.encode("cp1252"), FileFormat.CSV),
    "CSV in UTF-16": (QUOTED.encode("utf-16"), FileFormat.CSV),
    "CSV, gzipped": (gzip.compress(QUOTED.encode()), FileFormat.CSV),
    "TSV": (b"Email\tNotiz\n" + b"".join(b"p%d@x.org\tx\n" % n for n in range(10)), FileFormat.TSV),
    "NDJSON": (NDJSON.encode(), FileFormat.NDJSON),
    "JSON": (b'{"data": [%b]}' % NDJSON.encode().replace(b"\n", b",")[:-1], FileFormat.JSON),
    "XLSX": (
        workbook(row(1, "Email", "n") + "".join(row(n + 2, f"p{n}@x.org", "<c><v>7</v></c>") for n in range(10))),
        FileFormat.XLSX,
    ),
}  # fmt: skip


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> PlannerHarness:
    monkeypatch.setattr(planning, "ROWS_OF_PART", 3)
    monkeypatch.setattr(import_harness, "open_lines", open_file)
    return PlannerHarness(MotoTable().client())


@pytest.mark.parametrize(("content", "file_format"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("parts_at_once", [1, 2, 100])
def test_every_row_is_in_one_part(
    content: bytes, file_format: FileFormat, parts_at_once: int, harness: PlannerHarness
) -> None:
    made(harness, len(content))
    harness.time_left = parts_at_once
    harness.handle(harness.uploaded(IMPORT, content))
    while harness.reading.sent:
        harness.time_left = parts_at_once
        harness.handle(harness.reading.sent.pop(0).body)

    job, rows = harness.job(IMPORT), harness.rows(IMPORT)
    assert (job.state, job.file.format, job.problem) == (ImportState.RUNNING, file_format, None)
    assert "email" in job.mapping.values()
    firsts = [one.cells[0] if isinstance(one.cells, tuple) else one.cells["email"] for one in rows]
    assert firsts == [f"p{n}@x.org" for n in range(10)]
    assert (job.counts.rows, len({one.line for one in rows})) == (10, 10)


def test_a_name_that_cannot_be_stored_fails_a_row_and_not_the_import(harness: PlannerHarness) -> None:
    content = b'{"email": "a@x.org", "\\ud800": 1}\n{"email": "b@x.org"}\n'
    made(harness, len(content))
    harness.handle(harness.uploaded(IMPORT, content))

    assert harness.job(IMPORT).state is ImportState.RUNNING
    assert [one.error is None for one in harness.rows(IMPORT)] == [False, True]
