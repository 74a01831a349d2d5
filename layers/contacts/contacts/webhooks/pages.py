"""Pages of deliveries, to an endpoint or about a contact: their cursors, their answers."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from contacts.accounts.model import Caller
from contacts.core.ids import Ref
from contacts.web.pagination import (
    PageSize,
    fingerprint,
    fitting,
    from_cursor,
    not_ours,
    place_from_cursor,
    shown_page,
    to_cursor,
)
from contacts.web.response import Answer, page
from contacts.webhooks.delivery_log import DeliveryLog
from contacts.webhooks.model import DeliveryStatus, Place, delivery_out

if TYPE_CHECKING:
    from contacts.webhooks.contact_deliveries import ContactDeliveries

_ID_BYTES: Final = 16


def endpoint_page(
    log: DeliveryLog,
    caller: Caller,
    webhook_id: str,
    status: DeliveryStatus | None,
    cursor: str | None,
    limit: PageSize,
) -> Answer:
    """A page of the deliveries to an endpoint, the newest first. One that would exceed 5 MB ends earlier.

    `status`: only those with this status.

    Raises:
        InvalidInput: the cursor is of another list.
        WebhookNotFound, TemporarilyUnavailable.
    """
    query = fingerprint(caller.account_id, "deliveries", webhook_id, status and str(status))
    after_id = None if cursor is None else from_cursor(query, cursor)
    deliveries, next_after = log.page(caller, webhook_id, status, after_id, limit)
    return shown_page(map(delivery_out, deliveries), next_after, query)


def about_page(deliveries: "ContactDeliveries", ref: Ref, cursor: str | None, limit: PageSize) -> Answer:
    """A page of the deliveries about a contact, the newest first. One that would exceed 5 MB ends earlier.

    A cursor belongs to the contact, whichever of its names the request uses.

    Raises:
        InvalidInput: the cursor is of another list.
        ContactNotFound, TemporarilyUnavailable.
    """
    contact = deliveries.contact(ref)
    query = fingerprint(deliveries.account_id, "deliveries about", contact.id)
    after = None if cursor is None else _from_cursor(query, cursor)
    found, further = deliveries.page(contact, after, limit)
    shown, is_cut = fitting(map(delivery_out, found))
    if is_cut:
        further = found[len(shown) - 1].ref.place
    return page(shown, None if further is None else _to_cursor(query, further))


def _to_cursor(query: bytes, place: Place) -> str:
    return to_cursor(query, place.event_id, UUID(place.delivery_id).bytes)


def _from_cursor(query: bytes, cursor: str) -> Place:
    event_id, rest = place_from_cursor(query, cursor)
    if len(rest) != _ID_BYTES:
        raise not_ours()
    return Place(event_id, str(UUID(bytes=rest)))
