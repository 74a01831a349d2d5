"""A process that reads one workbook by calamine: XLSX on standard input, rows as lines of JSON on standard output.

Calamine aborts its process where it gets no memory. Here that ends this process, which has a limit of memory and of
time, and not the one that reads files for all accounts. `imports.reading.spreadsheets` starts it and reads its lines:

    {"number": 0, "name": "Sheet 1", "left": 0}    the first visible sheet; or {"refused": "is damaged"}, without rows
    ["email", "first name"]                        the cells of each row; [] if all are blank, null if it is too long
    {}                                             the end: all rows were given
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Final

# Nothing of ours, so that it begins soon.

END: Final = b"{}\n"
NO_MEMORY: Final = 3
"""How the process exits where Python gets no memory. (Calamine aborts.)"""

_Value = int | float | str | bool | time | date | datetime | timedelta


def lines_of(workbook: bytes, longest: int) -> Iterator[object]:
    """What the process writes about a workbook, line by line. `longest`: bytes that the texts of a row may have."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        opened = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
        visible = (
            number
            for number, sheet in enumerate(opened.sheets_metadata)
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        )
        number = next(visible, None)
        if number is None:
            yield {"refused": "has no sheet that is visible"}
            return
        sheet = opened.get_sheet_by_index(number)
    except CalamineError:
        yield {"refused": "is damaged"}
        return
    except BaseException as error:
        # What its authors did not foresee: a panic of Rust, which is no Exception.
        if type(error).__name__ == "PanicException":
            yield {"refused": "is damaged"}
            return
        raise
    yield {"number": number, "name": sheet.name, "left": sheet.start[1] if sheet.start else 0}
    for values in sheet.iter_rows():
        yield _cells(values, longest)


def _cells(values: list[_Value], longest: int) -> list[str] | None:
    cells = [_text(value) for value in values]
    if not any(cell.strip() for cell in cells):
        return []
    length = sum(len(cell) if cell.isascii() else len(cell.encode()) for cell in cells)
    return cells if length <= longest else None


def _text(value: _Value) -> str:
    """A cell as a text: whole numbers without `.0`, moments as ISO 8601, booleans as in JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            if value.is_integer() and abs(value) < 1e15:
                return str(int(value))
            return repr(value)
        case datetime():
            is_day = not (value.hour or value.minute or value.second or value.microsecond)
            return value.date().isoformat() if is_day else value.isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def main(memory: int, seconds: int, longest: int) -> None:
    """Read the workbook on standard input, in so many bytes of address space and seconds of CPU."""
    for limit, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        # Not every system has both.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
    try:
        for line in lines_of(sys.stdin.buffer.read(), longest):
            sys.stdout.write(f"{json.dumps(line, separators=(',', ':'))}\n")
        sys.stdout.write(END.decode())
        sys.stdout.flush()
    except MemoryError:
        sys.exit(NO_MEMORY)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
