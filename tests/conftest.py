"""What holds for every test: unit tests have no sockets, the others have loopback only."""

import sys
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Compiled modules are kept for the next run, but not in the folders of the functions: `sam deploy` packs these as they
# are.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")

pytest_plugins = ["tests.running_stack"]

LOOPBACK = ["127.0.0.1", "::1"]
FOLDERS_WITH_LOOPBACK = ("integration", "e2e")
MARKED_FOLDERS = ("contract", *FOLDERS_WITH_LOOPBACK)
ON_A_STACK = "tests/e2e/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder."""
    tests = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(tests).parts[0]
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)
        if folder in FOLDERS_WITH_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


class EndToEndOnOneStack(LoadScopeScheduling):
    """Of several processes one runs all end-to-end tests, in their order, on one running stack; and whoever is done, or
    has none of them, takes the others one by one.
    """

    def _split_scope(self, nodeid: str) -> str:
        return ON_A_STACK if nodeid.startswith(ON_A_STACK) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Decides which process runs which test (`make test` has two)."""
    return EndToEndOnOneStack(config, log)
