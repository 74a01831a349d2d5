"""What holds for every test: unit tests have no sockets, the others have loopback only.

`--shuffle=SEED` runs the tests in a random order, the same for the same seed.
"""

import gc
import sys
from functools import cache, cached_property
from pathlib import Path
from random import Random

import botocore.session
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from contacts.core import observability, time
from tests.support import hypothesis_profiles

# Compiled modules are kept for the next run, but not in the folders of the functions: `sam deploy` packs these as they
# are.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")

pytest_plugins = ["tests.support.running_stack"]

LOOPBACK = ["127.0.0.1", "::1"]
FOLDERS_WITH_LOOPBACK = ("integration", "e2e", "browser")
MARKED_FOLDERS = ("contract", *FOLDERS_WITH_LOOPBACK)
FIRST = {"e2e": 0, "integration": 1}
ON_A_STACK = "tests/e2e/"
BY_FILE = "tests/integration/"
HANDFUL = 8
"""Tests that a process takes at once: few, so that both end at the same time."""

hypothesis_profiles.register()

# botocore reads the description of a service anew for each client, which takes 0.1 s. One loader keeps it.
botocore.session.create_loader = cache(botocore.session.create_loader)

# However slow this machine is, no request in this process is long: its line would be one too many for tests that count.
vars(observability)["LONG_S"] = 3600.0
# Nor does a request run out of time: it would get 503 where this machine was busy with something else for seconds.
vars(time)["monotonic"] = lambda: 0.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--shuffle`."""
    parser.addoption("--shuffle", metavar="SEED", help="run the tests in a random order, of this seed")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says what repeats the order of this run."""
    seed = config.getoption("--shuffle")
    return None if seed is None else f"--shuffle={seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests by their folder, and shuffles them if asked to; for several processes the slowest come first."""
    for item in items:
        folder = _folder(item.path)
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)
        if folder in FOLDERS_WITH_LOOPBACK:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: FIRST.get(_folder(item.path), len(FIRST)))
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


class OneStack(LoadScopeScheduling):
    """Of several processes one runs all end-to-end tests, in their order, on one running stack. Another one begins with
    the integration tests, file by file, as each file has something that takes long to make. Whoever is done takes a few
    of the other tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ON_A_STACK):
            return ON_A_STACK
        return nodeid.partition("::")[0] if nodeid.startswith(BY_FILE) else self._handfuls[nodeid]

    @cached_property
    def _handfuls(self) -> dict[str, str]:
        """The tests in their order, few by few: when a test ends, xdist goes through all that it has given out."""
        collected = next(iter(self.registered_collections.values()))
        return {nodeid: f"handful {place // HANDFUL}" for place, nodeid in enumerate(collected)}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Decides which process runs which test (`make test` has two)."""
    config.option.loadscopereorder = False
    return OneStack(config, log)
