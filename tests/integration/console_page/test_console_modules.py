"""The console's modules without a browser: its client of the API, and how lists and changes are loaded.

They are run by Node.js, with a stand-in for preact's hooks (preact.js) and for what a browser has (page.mjs).
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from local.console.tools import PAGE

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_console_module(test: Path, tmp_path: Path) -> None:
    shutil.copytree(PAGE, tmp_path / "page")
    shutil.copy(HERE / "preact.js", tmp_path / "page" / "vendor")
    for file in HERE.glob("*.mjs"):
        shutil.copy(file, tmp_path)
    # Else Node.js would take the page's modules for those of another kind.
    (tmp_path / "page" / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        ("node", "--test", str(tmp_path / test.name)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
