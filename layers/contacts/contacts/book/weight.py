"""How many written items a request counts as, by what it sends, whatever comes of it.

A contact counts as one item for each 25 tags and lists begun, and at least as one. Each tag and each list is a posting
and a count, so a contact with a hundred of both causes ten times what a plain one causes.
"""

from typing import Final

from contacts.book.model import EDITS, MAX_LISTS, MAX_TAGS
from contacts.web.request import Request

LABELS_OF_AN_ITEM: Final = 25
_LABELS: Final = ("tags", "lists", *EDITS)


def items_of(contact: object) -> int:
    """The written items of a contact, or of a change of one, in JSON: 1 to 8."""
    if not isinstance(contact, dict):
        return 1
    sent = (contact.get(name) for name in _LABELS)
    labels = sum(len(one) for one in sent if isinstance(one, list))
    return max(1, -(-min(labels, MAX_TAGS + MAX_LISTS) // LABELS_OF_AN_ITEM))


def items_of_contact(request: Request) -> int:
    """The written items of a request whose body is a contact, or a change of one.

    Raises:
        BodyNotJson, BodyNotReadable, BodyTooLarge.
    """
    return items_of(request.json())
