"""What holds for every test: unit tests have no sockets, the others have loopback only."""

import sys
from pathlib import Path

import pytest

# `sam deploy` packs the folders of the functions as they are.
sys.dont_write_bytecode = True

LOOPBACK = ["127.0.0.1", "::1"]
FOLDERS_WITH_LOOPBACK = ("integration", "contract", "e2e")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder."""
    tests = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(tests).parts[0]
        if folder in FOLDERS_WITH_LOOPBACK:
            item.add_marker(folder)
            # One process runs them all: they share a running stack, and go from file to file in order.
            item.add_marker(pytest.mark.xdist_group("e2e" if folder == "e2e" else item.path.stem))
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
