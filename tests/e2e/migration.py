"""The guides of docs/migrate/, executed: each curl line with the answer that is shown below it.

A line ends with the status it is answered with (`# 201`). In the JSON that may follow, `…` stands for any text or part
of one, and a text such as `$ID` for any that the lines after it may use as a variable.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

ANYTHING: Final = "…"
_VARIABLE: Final = re.compile(r"\$([A-Z_]+)")
_BLOCK: Final = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)
_LINE: Final = re.compile(r"^(curl .*?)\s+# (\d{3})$", re.DOTALL | re.MULTILINE)


@dataclass
class Sample:
    """A curl line, the status and the JSON it is answered with (None: none is shown)."""

    command: str
    status: int
    shown: Any = None


def samples(guide: str) -> Iterator[Sample]:
    """Those of a guide in their order; a block of JSON belongs to the last line before it."""
    last: Sample | None = None
    for language, text in _BLOCK.findall(guide):
        if language == "json":
            assert last is not None
            assert last.shown is None
            last.shown = json.loads(text)
            continue
        lines = _LINE.findall(text)
        assert len(lines) == text.count("curl "), f"a line does not tell its status:\n{text}"
        for command, status in lines:
            if last is not None:
                yield last
            last = Sample(command, int(status))
    assert last is not None
    yield last


def run(command: str, variables: Mapping[str, str]) -> tuple[int, Any]:
    """The status and the body of a curl line, run by a shell as it stands there."""
    assigned = "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    script = f"{assigned}\n{command} -w '\\n%{{http_code}}'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def differences(shown: Any, actual: Any, variables: dict[str, str], at: str = "answer") -> Iterator[str]:
    """Where an answer is not what is shown; learns the variables."""
    match shown, actual:
        case dict(), dict():
            if shown.keys() != actual.keys():
                yield f"{at} has {list(actual)}, shown are {list(shown)}"
            for name in shown.keys() & actual.keys():
                yield from differences(shown[name], actual[name], variables, f"{at}.{name}")
        case list(), list():
            if len(shown) != len(actual):
                yield f"{at} has {len(actual)} entries, shown are {len(shown)}"
            for number, (one, other) in enumerate(zip(shown, actual, strict=False)):
                yield from differences(one, other, variables, f"{at}[{number}]")
        case str(), int() if shown == ANYTHING and not isinstance(actual, bool):
            pass
        case str(), str():
            variable = _VARIABLE.fullmatch(shown)
            if variable:
                variables[variable[1]] = actual
            elif not re.fullmatch(".+".join(map(re.escape, shown.split(ANYTHING))), actual, re.DOTALL):
                yield f"{at} is {actual!r}, shown is {shown!r}"
        case _:
            if (shown, type(shown)) != (actual, type(actual)):
                yield f"{at} is {actual!r}, shown is {shown!r}"
