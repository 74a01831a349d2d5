"""Pages of a contact's timeline: what may be asked for, and the answer."""

from contacts.api.answers import Answer
from contacts.api.cursors import fingerprint, from_cursor
from contacts.api.event_types import logged_type
from contacts.api.listing import PageSize, shown_page
from contacts.domain.identity import Ref
from contacts.domain.timeline import TimelineEntry
from contacts.services.timeline import Timeline


def timeline_page(
    timeline: Timeline, account_id: str, ref: Ref, kind: str | None, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of a contact's timeline, the newest first. One that would exceed 5 MB ends earlier, with a cursor.

    `kind`: only entries of this type. A cursor belongs to the contact, whatever it is called by.

    Raises:
        InvalidInput: there is no such type, or the cursor is none of this timeline's.
        ContactNotFound, TemporarilyUnavailable.
    """
    only = logged_type(kind)
    contact = timeline.contact(ref)
    query = fingerprint(account_id, "timeline", contact.id, kind)
    after_id = None if cursor is None else from_cursor(query, cursor)
    entries, next_after = timeline.page(contact, only, after_id, limit)
    return shown_page(map(TimelineEntry.shown, entries), next_after, query)
