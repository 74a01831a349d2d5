"""What a function loads before its first request: nothing that it does not use."""

import json
import os
import subprocess
import sys
from typing import Final

from local.stack import ROOT
from local.template import functions

FILES: Final = ("contacts.imports", "contacts.exports")
"""The rooms that handle files."""
OF_FILES: Final = frozenset(one.name for one in functions() if "import" in one.name or "export" in one.name)
"""The functions of these rooms."""
READERS: Final = frozenset({"plan_import", "carry_out_import", "write_export"})
"""Those that read or write files. The others answer requests."""
ERASER: Final = frozenset({"erase_contact"})
"""Takes away files of both."""
FOR_READERS: Final = (
    *("csv", "phonenumbers", "python_calamine", "contacts.core.separated", "contacts.core.spreadsheets"),
    *(
        "contacts.imports.reading.opening",
        "contacts.imports.mapping.values",
        "contacts.imports.rows",
        "contacts.exports.rows",
    ),
)
LOADS: Final = """
import importlib.metadata, importlib.util, json, sys
from pathlib import Path

known = set(sys.modules)  # Before Python 3.13 importlib.metadata loads csv.
for name, modules in [(name, modules) for names, modules in json.loads(sys.argv[1]) for name in names]:
    spec = importlib.util.spec_from_file_location(f"handler_of_{name}", Path("functions") / name / "handler.py")
    handler = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(handler)
    loaded = set(sys.modules) - known
    found = [one for one in loaded if any(one == each or one.startswith(f"{each}.") for each in modules)]
    if found:
        print(json.dumps([name, found]))
        break
"""


def test_a_cold_start_loads_nothing_of_files_that_the_function_does_not_use() -> None:
    """In one process, which is quicker: first those of other rooms, then those that answer requests about files."""
    others = sorted({one.name for one in functions()} - OF_FILES - ERASER)
    steps = [(others, FILES), (sorted(OF_FILES - READERS), FOR_READERS)]
    variables = {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": "layers/contacts"}
    for function in functions():
        variables |= function.resolved_environment({"Table": "contacts"})
    done = subprocess.run(
        [sys.executable, "-c", LOADS, json.dumps(steps)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("", "")
