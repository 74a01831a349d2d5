"""Pages of contact properties: what may be asked for, and the answer."""

from typing import Final

from contacts.properties.model import MAX_PROPERTIES, property_out
from contacts.properties.service import PropertyService
from contacts.web.pagination import fingerprint, from_cursor, shown_page
from contacts.web.response import Answer
from contacts.web.routing import Bounded


class PropertyPageSize(Bounded):
    """How many properties a page has at most: all of them, if the caller likes."""

    minimum = 1
    maximum = MAX_PROPERTIES


DEFAULT_PAGE_SIZE: Final = PropertyPageSize(50)


def property_page(
    desk: PropertyService, account_id: str, archived_too: bool, cursor: str | None, limit: PropertyPageSize
) -> Answer:
    """A page of the account's properties, the oldest first. One that would exceed 5 MB ends earlier, with a cursor.

    Raises:
        InvalidInput: the cursor is none of this list's.
        TemporarilyUnavailable.
    """
    query = fingerprint(account_id, "properties", archived_too)
    after_id = None if cursor is None else from_cursor(query, cursor)
    found, next_after = desk.page(after_id, limit, archived_too=archived_too)
    return shown_page(map(property_out, found), next_after, query)
