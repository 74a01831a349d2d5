"""Tables of figures: printed, and kept in bench/results/ with what they were measured on."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
VERSIONS_OF = ("aws-lambda-powertools", "awslambdaric", "boto3", "botocore", "pydantic")

Cell = str | int | float | None


@dataclass
class Results:
    """What one benchmark found."""

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Budgets that were not met, a sentence each."""

    def as_markdown(self) -> str:
        """A page with the table, aligned so that it reads well in a terminal, too."""
        lines = [list(self.columns), *([_shown(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rows = [_row(line, widths) for line in lines]
        rule = "|-" + "-|-".join(
            "-" * (width - 1) + (":" if position else "-") for position, width in enumerate(widths)
        )
        table = "\n".join([rows[0], f"{rule}-|".replace(":-", "-:"), *rows[1:]])
        over = f"Over budget: {'; '.join(self.failures)}."
        measured = ", ".join(f"{key} {value}" for key, value in circumstances().items())
        verdict = over if self.failures else "Every budget is met."
        return "\n\n".join([f"# {self.title}", table, *self.notes, verdict, f"Measured: {measured}."]) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "title": self.title,
            "measured_with": circumstances(),
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "notes": self.notes,
            "failures": self.failures,
        }

    def publish(self) -> int:
        """Print the page, keep it as Markdown and JSON; the exit code: 1 if a budget was not met."""
        FOLDER.mkdir(exist_ok=True)
        page = self.as_markdown()
        (FOLDER / f"{self.name}.md").write_text(page, encoding="utf-8")
        data = json.dumps(self.as_json(), indent=2, ensure_ascii=False)
        (FOLDER / f"{self.name}.json").write_text(data + "\n", encoding="utf-8")
        print(page, flush=True)
        return 1 if self.failures else 0


def circumstances() -> dict[str, str]:
    """What a figure depends on: date, interpreter, kind of machine, versions of the packages measured."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()} with {os.cpu_count()} cores",
        **{package: version(package) for package in VERSIONS_OF},
    }


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first column is a name, the others are figures."""
    figures = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join([cells[0].ljust(widths[0]), *figures])} |"


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case float():
            return f"{cell:.2f}" if abs(cell) < 10 else f"{cell:.0f}"
        case _:
            return str(cell)
