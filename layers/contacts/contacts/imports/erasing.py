"""What an erasure does with imports: no error file and no preview that may hold the person is left.

Uploads and parts are deleted when their import ends. Rows that an import has not carried out yet are the account's: a
person who is erased meanwhile is made anew by such a row (docs/consent.md).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from contacts.core.ids import uuid7
from contacts.core.time import DAY, Clock
from contacts.imports.model import KEPT_DAYS
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression
from contacts.table.objects import Bucket

_FOLDERS: Final = ("errors", "previews")
_LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_WRITTEN_WITHIN_MS: Final = 125_000
"""Milliseconds after which no function writes any more what it had read before: it runs for 120 s at most
(`CarryOutImport` in template.yaml), and its clock may differ from the bucket's. The second pass of an erasure comes
later than that (`erasure.model.SECOND_PASS_AFTER`), so it finds an error file that was being put together. (The planner
may take 15 minutes for a large one; but once the first pass has deleted its parts, it begins again without them.)"""


class ImportEraser:
    """`erasure.service.AccountFiles` for imports."""

    def __init__(self, table: Table, client: Callable[[], Any], bucket: str, clock: Clock) -> None:
        """`client`: returns botocore's S3 client, which is made when it is first needed."""
        self._table = table
        self._bucket = Bucket(client, bucket)
        self._clock = clock

    def remove(self, account_id: str, erased_at_ms: int) -> None:
        """Delete each error file and preview that may hold what was read before a moment (ms since the epoch).

        That is what was written until two minutes after it.

        One Query where the account has imported nothing of which a file may be left.

        Raises:
            TemporarilyUnavailable: some may be left.
        """
        if not self._has_imported(account_id):
            return
        written_until = datetime.fromtimestamp((erased_at_ms + _WRITTEN_WITHIN_MS) / 1000, UTC)
        for folder in _FOLDERS:
            written = self._bucket.under(f"{folder}/{account_id}/")
            self._bucket.delete(one["Key"] for one in written if one["LastModified"] <= written_until)

    def _has_imported(self, account_id: str) -> bool:
        since = uuid7(self._clock.now_ms() - (KEPT_DAYS + 1) * DAY * 1000, bytes(10))
        ends = (keys.import_(account_id, one) for one in (since, _LAST_ID))
        items, _ = self._table.query(Expression.of_span(*ends), limit=1, forward=False)
        return bool(items)
