"""The journal: who was erased and which addresses have opted out, kept outside the table, in a bucket of S3.

A table that is restored from a backup knows nothing of what happened since. The journal does: it is read before a
contact is brought back, and replayed onto a restored table. An entry is an object without content. Its key has ids, or
an HMAC of an address, so writing it twice is writing it once.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from contacts.core.threads import side_by_side
from contacts.table.aws import called

_ERASED: Final = "erased"
_OPTED_OUT: Final = "opted-out"
_WITHIN_SECOND_MS: Final = 999
_AT_ONCE: Final = 10
"""Objects that are written at a time."""


class Journal:
    """The journal in a bucket. It lists entries in the order of their ids, a thousand in a call."""

    def __init__(self, client: Callable[[], Any], bucket: str) -> None:
        """`client`: returns botocore's S3 client, which is made when it is first needed."""
        self._client = client
        self._bucket = bucket

    def note_erased(self, account_id: str, contact_ids: Iterable[str]) -> None:
        """Write that contacts were erased. One PutObject each.

        Raises:
            TemporarilyUnavailable: some may be written.
        """
        self._note([_key(_ERASED, account_id, contact_id) for contact_id in contact_ids])

    def note_opted_out(self, account_id: str, email_hmacs: Iterable[str]) -> None:
        """Write that addresses have opted out. One PutObject each.

        Raises:
            TemporarilyUnavailable: some may be written.
        """
        self._note([_key(_OPTED_OUT, account_id, email_hmac) for email_hmac in email_hmacs])

    def erased(self, account_id: str) -> frozenset[str]:
        """The ids of all contacts of an account that were erased, as long as the journal goes back.

        Raises:
            TemporarilyUnavailable.
        """
        return frozenset(contact_id for contact_id, _ in self._entries(_ERASED, account_id))

    def erased_since(self, account_id: str, since_ms: int) -> list[str]:
        """The ids of the contacts of an account that were erased since a moment (ms since the epoch).

        Raises:
            TemporarilyUnavailable.
        """
        return list(self._since(_ERASED, account_id, since_ms))

    def opted_out_since(self, account_id: str, since_ms: int) -> dict[str, int]:
        """The addresses of an account that have opted out since a moment: when (ms since the epoch), by their HMACs.

        Raises:
            TemporarilyUnavailable.
        """
        return self._since(_OPTED_OUT, account_id, since_ms)

    def accounts(self) -> list[str]:
        """The ids of the accounts that the journal has entries of.

        Raises:
            TemporarilyUnavailable.
        """
        found: set[str] = set()
        for kind in (_ERASED, _OPTED_OUT):
            for page in self._pages(Prefix=f"{kind}/", Delimiter="/"):
                found.update(one["Prefix"].split("/")[1] for one in page.get("CommonPrefixes", ()))
        return sorted(found)

    def _since(self, kind: str, account_id: str, since_ms: int) -> dict[str, int]:
        """Entries that were written since a moment, and when. S3 says the second; what lies within it has its end."""
        entries = ((one, at_ms + _WITHIN_SECOND_MS) for one, at_ms in self._entries(kind, account_id))
        return {one: at_ms for one, at_ms in entries if at_ms >= since_ms}

    def _entries(self, kind: str, account_id: str) -> Iterator[tuple[str, int]]:
        """The last part of each entry's key, and when it was written last (ms since the epoch)."""
        prefix = _key(kind, account_id, "")
        for page in self._pages(Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(prefix), int(entry["LastModified"].timestamp() * 1000)

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self._call("list_objects_v2", **request)
            yield page
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _note(self, keys: list[str]) -> None:
        self._client()  # Made here, where there is one thread.
        side_by_side(lambda key: self._call("put_object", Key=key, Body=b""), keys, _AT_ONCE)

    def _call(self, method: str, **request: Any) -> dict[str, Any]:
        return called(self._client(), method, Bucket=self._bucket, **request)


def _key(kind: str, account_id: str, entry: str) -> str:
    return f"{kind}/{account_id}/{entry}"
