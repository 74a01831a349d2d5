"""What runs in an environment of the Makefile finds its packages there."""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

from local.stack import ROOT

IMPORTED = """
import json, sys
before = set(sys.modules)
import local.__main__
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_make_run_needs_no_package_that_its_environment_lacks() -> None:
    """`make run` runs in .venv/ministack; tests start the local stack from .venv/dev, which has more."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lock = (ROOT / "local" / "locks" / "ministack.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9_.-]+)==", lock, re.MULTILINE))
    distributions = packages_distributions()
    needed = {
        re.sub(r"[-_.]+", "-", distribution).lower()
        for name in json.loads(done.stdout)
        for distribution in distributions.get(name, ())
    }
    assert needed
    assert needed - locked == set()
