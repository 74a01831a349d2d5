"""Something else that happens between two calls."""

from collections.abc import Callable
from functools import partial
from typing import Any


class Interrupted:
    """A client of which something else follows the n-th call."""

    def __init__(self, client: Any, after: int, then: Callable[[], object]) -> None:
        self._client = client
        self._after = after
        self._then = then
        self.calls = 0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        try:
            return getattr(self._client, method)(**request)
        finally:
            self.calls += 1
            if self.calls == self._after:
                self._then()
