"""The terms on which a change is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contacts.domain.outcome import Receipt


@dataclass(frozen=True, slots=True)
class Terms:
    """If-Match and Idempotency-Key of a request.

    `versions`: the versions a change may be applied to (empty: any); `receipt`: carry it out once.
    """

    versions: Sequence[int] = ()
    receipt: Receipt | None = None


UNCONDITIONAL: Final = Terms()
