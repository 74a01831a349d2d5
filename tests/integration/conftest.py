"""A DynamoDB for the integration tests: MiniStack without anything deployed to it."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack, free_port


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
