"""PATCH and PUT /v1/contacts/{ref}: change fields; absent keeps, null clears."""

from typing import TYPE_CHECKING

from contacts.accounts.model import Scope
from contacts.book.model import WrittenContactOut
from contacts.book.schemas import ContactChange
from contacts.book.service import ContactBook
from contacts.book.weight import items_of_contact
from contacts.core.errors import ContactNotFound, ContactTooLarge, DuplicateContact, StaleVersion
from contacts.core.ids import Ref
from contacts.properties.model import OnInvalid
from contacts.properties.typed_fields import TypedFields
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

if TYPE_CHECKING:
    from contacts.search.tags import ContactTags

operation = Operation("update_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on_dialect("POST /v1/contacts/{ref}/tags/{tag}", "DELETE /v1/contacts/{ref}/tags/{tag}")
def change_tag(tags: "ContactTags", request: Request, ref: Ref, tag: str) -> Answer:
    """Add a tag to a contact by the id of the tag, or remove it."""
    return answer(tags.change(ref, tag, request.preconditions(), add=request.method == "POST"))


@operation.on(
    "PATCH /v1/contacts/{ref}",
    "PUT /v1/contacts/{ref}",
    responds={200: (WrittenContactOut, "Changed.")},
    refuses=(DuplicateContact, StaleVersion, ContactTooLarge, ContactNotFound),
    written=items_of_contact,
)
def update_contact(
    book: ContactBook,
    typed: TypedFields,
    request: Request,
    ref: Ref,
    contact: ContactChange,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> Answer:
    """Change a contact; with on_invalid=skip what cannot be taken is left out and listed in `skipped`."""
    given = typed.validate(contact.to_input())
    return answer(book.update_from(ref, given, on_invalid, request.preconditions()))


@operation.on_contact("DELETE")
def delete_contact(book: ContactBook, request: Request, ref: Ref, permanent: bool = False) -> Answer:
    """Delete a contact whose name is a path that a vendor has here: `a/tags`."""
    return answer(book.delete(ref, permanent=permanent, preconditions=request.preconditions()))


lambda_handler = runtime.entrypoint(operation)
