"""The contacts of a test key: whatever is written is taken and nothing is kept."""

from collections.abc import Iterable, Sequence

from contacts.adapters.contact_items import contact_values, measured
from contacts.domain.contact import Change, Contact
from contacts.domain.identity import Name
from contacts.domain.outcome import Outcome, Receipt, RecordedRequest
from contacts.services.ports import Absent, Claim, Move


class SandboxContactStore:
    """`services.ports.ContactStore` that is always empty."""

    def by_id(self, contact_id: str) -> Contact | None:
        """Nothing."""
        return None

    def trashed(self, contact_id: str) -> Contact | None:
        """Nothing."""
        return None

    def claim(self, name: Name) -> Claim | None:
        """Nobody."""
        return None

    def move(self, move: Move) -> Outcome:
        """Take it, if the table would.

        Raises:
            ContactTooLarge: the contact would exceed 350 KB.
        """
        if move.after is not None:
            measured(contact_values(move.after))
        return move.outcome

    def change_in_place(
        self, contact_id: str, change: Change, at_ms: int, *, named: Name | None, versions: Sequence[int]
    ) -> Contact:
        """There is never such a contact."""
        raise Absent


class SandboxRecordStore:
    """`services.ports.RecordStore` and `services.batches.BatchRecords` that remember nothing."""

    def recorded(self, idempotency_key: str) -> RecordedRequest | None:
        """Nothing."""
        return None

    def begin(self, receipt: Receipt, at_ms: int) -> None:
        """Let it begin."""

    def recorded_under(self, idempotency_keys: Iterable[str]) -> dict[str, RecordedRequest]:
        """Nothing."""
        return {}
