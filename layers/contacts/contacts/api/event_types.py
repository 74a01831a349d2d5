"""Types of events in queries."""

from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.events import SUBSCRIBABLE, EventType
from contacts.domain.violations import not_one_of


def logged_type(kind: str | None) -> EventType | None:
    """The type of event that is asked for; None: any.

    Raises:
        InvalidInput: there is none of that name in logs and timelines.
    """
    if kind is None:
        return None
    if kind not in SUBSCRIBABLE:
        raise InvalidInput([FieldError("type", not_one_of(SUBSCRIBABLE))])
    return EventType(kind)
