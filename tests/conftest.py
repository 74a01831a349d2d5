"""What holds for every test: unit tests have no sockets, the others have loopback only.

`--shuffle=SEED` runs the tests in a random order, the same for the same seed.
"""

import gc
import sys
from functools import cache
from pathlib import Path
from random import Random

import botocore.session
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from contacts.core import observability
from tests.support import hypothesis_profiles

# Compiled modules are kept for the next run, but not in the folders of the functions: `sam deploy` packs these as they
# are.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")

pytest_plugins = ["tests.support.running_stack"]

LOOPBACK = ["127.0.0.1", "::1"]
FOLDERS_WITH_LOOPBACK = ("integration", "e2e")
MARKED_FOLDERS = ("contract", *FOLDERS_WITH_LOOPBACK)
ON_A_STACK = "tests/e2e/"

hypothesis_profiles.register()

# botocore reads the description of a service anew for each client, which takes 0.1 s. One loader keeps it.
botocore.session.create_loader = cache(botocore.session.create_loader)

# However slow this machine is, no request in this process is long: its line would be one too many for tests that count.
vars(observability)["LONG_S"] = 3600.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--shuffle`."""
    parser.addoption("--shuffle", metavar="SEED", help="run the tests in a random order, of this seed")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says what repeats the order of this run."""
    seed = config.getoption("--shuffle")
    return None if seed is None else f"--shuffle={seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by their folder, and shuffles them if asked to."""
    for item in items:
        folder = _folder(item.path)
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)
        if folder in FOLDERS_WITH_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
    seed = config.getoption("--shuffle")
    if seed is not None:
        Random(seed).shuffle(items)


@cache
def _folder(path: Path) -> str:
    """The folder of tests/ that a file is in."""
    return path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_finish() -> None:
    """Has the garbage collector look no more at what stays until the end: modules, and thousands of tests."""
    gc.freeze()


class EndToEndOnOneStack(LoadScopeScheduling):
    """Of several processes one runs all end-to-end tests, in their order, on one running stack; and whoever is done, or
    has none of them, takes the others one by one.
    """

    def _split_scope(self, nodeid: str) -> str:
        return ON_A_STACK if nodeid.startswith(ON_A_STACK) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Decides which process runs which test (`make test` has two)."""
    return EndToEndOnOneStack(config, log)
