"""Pages of contact properties: what may be asked for, and the answer."""

from contacts.api.answers import Answer
from contacts.api.cursors import fingerprint, from_cursor
from contacts.api.listing import PageSize, shown_page
from contacts.domain.property_definitions import described_property
from contacts.services.property_desk import PropertyDesk


def property_page(
    desk: PropertyDesk, account_id: str, archived_too: bool, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of the account's properties, the oldest first. One that would exceed 5 MB ends earlier, with a cursor.

    Raises:
        InvalidInput: the cursor is none of this list's.
        TemporarilyUnavailable.
    """
    query = fingerprint(account_id, "properties", archived_too)
    after_id = None if cursor is None else from_cursor(query, cursor)
    found, next_after = desk.page(after_id, limit, archived_too=archived_too)
    return shown_page(map(described_property, found), next_after, query)
