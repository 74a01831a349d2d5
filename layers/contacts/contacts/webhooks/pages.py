"""Pages of deliveries."""

from contacts.accounts.model import Caller
from contacts.web.pagination import PageSize, fingerprint, from_cursor, shown_page
from contacts.web.response import Answer
from contacts.webhooks.delivery_log import DeliveryLog
from contacts.webhooks.model import DeliveryStatus, delivery_out


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
        InvalidInput: the cursor is of another list.
        WebhookNotFound, TemporarilyUnavailable.
    """
    query = fingerprint(caller.account_id, "deliveries", webhook_id, status and str(status))
    after_id = None if cursor is None else from_cursor(query, cursor)
    deliveries, next_after = log.page(caller, webhook_id, status, after_id, limit)
    return shown_page(map(delivery_out, deliveries), next_after, query)
