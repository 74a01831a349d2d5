"""Pages of deliveries: what may be asked for, and the answer."""

from typing import Any, Final

from contacts.api.answers import MAX_ANSWER_BYTES, Answer, page
from contacts.api.cursors import fingerprint, from_cursor, to_cursor
from contacts.api.listing import PageSize
from contacts.domain.accounts import Caller
from contacts.domain.json_text import to_json
from contacts.domain.webhooks import DeliveryStatus, described_delivery
from contacts.services.delivery_log import DeliveryLog

_ENVELOPE_BYTES: Final = 200


def delivery_page(
    log: DeliveryLog,
    caller: Caller,
    webhook_id: str,
    status: DeliveryStatus | None,
    cursor: str | None,
    limit: PageSize,
) -> Answer:
    """A page of an endpoint's deliveries, the newest first. One that would exceed 5 MB ends earlier, with a cursor.

    Raises:
        InvalidInput: the cursor is none of this list's.
        WebhookNotFound, TemporarilyUnavailable.
    """
    query = fingerprint(caller.account_id, "deliveries", webhook_id, status and str(status))
    after_id = None if cursor is None else from_cursor(query, cursor)
    deliveries, next_after = log.page(caller, webhook_id, status, after_id, limit)
    shown: list[Any] = []
    room = MAX_ANSWER_BYTES - _ENVELOPE_BYTES
    for delivery in deliveries:
        as_json = described_delivery(delivery)
        room -= len(to_json(as_json).encode()) + 1
        if room < 0:
            next_after = shown[-1]["id"]
            break
        shown.append(as_json)
    return page(shown, None if next_after is None else to_cursor(query, next_after))
