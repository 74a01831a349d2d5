"""What `make test` leaves to `make test-thorough` (CONTACTS_THOROUGH=1): more of the same, at the same limits."""

import os
from typing import Final

import pytest

THOROUGH: Final = os.environ.get("CONTACTS_THOROUGH") == "1"

thorough: Final = pytest.mark.skipif(not THOROUGH, reason="`make test-thorough` runs it")
"""Marks a test, or a case of one, that `make test` leaves out."""


def times(all_of_them: int, some: int) -> int:
    """How often something is done: `some` times by `make test`."""
    return all_of_them if THOROUGH else some
