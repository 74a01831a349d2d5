"""A DynamoDB for the integration tests: MiniStack without anything deployed to it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import ROOT, LocalStack, free_port


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A running emulator, empty: `endpoint_url` is where it answers, `deployment.client` makes clients of it."""
    started = LocalStack(tmp_path_factory.mktemp("emulator"), free_port(), persistent=False)
    started.refuse_missing_tools()
    try:
        started.start_emulator()
        yield started
    finally:
        started.stop()


@pytest.fixture
def run_in_emulator(tmp_path: Path) -> Callable[[str], None]:
    """Runs a script in the environment of the local stack's emulator. Its asserts are the test."""

    def run(script: str) -> None:
        file = tmp_path / "script.py"
        file.write_text(script)
        done = subprocess.run(
            [ROOT / ".venv" / "ministack" / "bin" / "python", file],
            env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run
