"""The smoke test against the local stack, as the Makefile runs it."""

import os
import subprocess
import sys
from typing import Any

from local.stack import ROOT


def test_it_is_green_against_the_local_stack(stack: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.smoke", stack["url"]],
        cwd=ROOT,
        env={**os.environ, "KEY": stack["keys"]["native"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
