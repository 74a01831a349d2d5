"""What tests of the projection share."""

from collections.abc import Iterator

import pytest

from tests.support.projection_harness import Projection


@pytest.fixture(scope="module", params=[False, True], ids=["as ever", "lean"])
def is_lean(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether projections are lean. Tests that have this run in both ways."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Projection, "is_lean", request.param)
        yield request.param
