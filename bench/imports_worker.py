"""One process of `bench.imports`: `python -m bench.imports_worker`, a task as JSON on standard input.

It reads a file that nobody has on a disk: a block of rows, as often as it takes. What is measured is the reader alone.
"""

import gzip
import json
import sys
import time
from typing import Any

from bench.limits_worker import most_resident_kb
from local.sample_people import header, lines

ROWS_OF_BLOCK = 5_000


class Repeated:
    """`imports.reading.opening.ByteSource`: a beginning, and then a block again and again."""

    def __init__(self, beginning: bytes, block: bytes, size: int) -> None:
        self._beginning = beginning
        self._block = block
        times = max(1, -(-(size - len(beginning)) // len(block)))
        self.size = len(beginning) + times * len(block)
        self.rows = times * ROWS_OF_BLOCK

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        end = min(offset + length, self.size)
        pieces, at = [], offset
        if at < len(self._beginning):
            pieces.append(self._beginning[at:end])
            at += len(pieces[0])
        while at < end:
            start = (at - len(self._beginning)) % len(self._block)
            piece = self._block[start : start + end - at]
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)


def source_of(kind: str, size: int) -> Repeated:
    """A file of so many bytes at least. `kind`: `csv`, `ndjson`, `csv.gz`, …"""
    plain = kind.removesuffix(".gz")
    beginning, block = header(plain).encode(), "".join(lines(range(ROWS_OF_BLOCK), plain)).encode()
    if plain != kind:
        # Members of gzip, one behind the other, are one file.
        beginning, block = gzip.compress(beginning) if beginning else b"", gzip.compress(block)
    return Repeated(beginning, block, size)


def task(task: dict[str, Any]) -> dict[str, Any]:
    """What came of {"kind", "bytes"}: reading alone, or with `map` also making each row a body."""
    from contacts.imports.model import ImportOptions
    from contacts.imports.reading.opening import open_file

    source = source_of(task["kind"], task["bytes"])
    before = most_resident_kb()
    began = time.process_time()
    opened = open_file(source, f"people.{task['kind']}", ImportOptions())
    rows = failed = 0
    if task.get("map"):
        from contacts.imports.mapping.columns import complete_mapping
        from contacts.imports.mapping.values import RowReader

        reader = RowReader(opened.columns, complete_mapping(opened.columns, {}), ImportOptions(), {})
        for row in opened.rows():
            rows += 1
            failed += bool(reader.read(row).errors)
    else:
        for row in opened.rows():
            rows += 1
            failed += row.error is not None
    return {
        "rows": rows,
        "failed": failed,
        "expected": source.rows,
        "bytes": source.size,
        "cpu_s": time.process_time() - began,
        "before_mb": before / 1024,
        "memory_mb": most_resident_kb() / 1024,
    }


if __name__ == "__main__":
    json.dump(task(json.load(sys.stdin)), sys.stdout)
