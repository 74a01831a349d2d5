"""The secret of an account, from which the keys for single purposes are derived."""

import hmac
from dataclasses import dataclass, field
from typing import Final

SECRET_BYTES: Final = 32
"""How long an account's secret is: as long as the keys that are derived from it."""


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """Random bytes that belong to one account for ever. They leave the table for no answer, event or log line."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: the secret is too short or too long.
        """
        if len(self.value) != SECRET_BYTES:
            raise ValueError(f"the secret of an account has {SECRET_BYTES} bytes")

    def derived(self, purpose: str) -> bytes:
        """The key (32 bytes) for a purpose: HMAC-SHA256 of the purpose.

        The keys for two purposes tell nothing of each other.
        """
        return hmac.digest(self.value, purpose.encode(), "sha256")
