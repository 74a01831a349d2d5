"""DELETE /v1/contacts/{ref}: to the trash for 30 days, or with ?permanent=true for good."""

from contacts.accounts.model import Scope
from contacts.book.model import DeletedContactOut
from contacts.book.service import ContactBook
from contacts.core.errors import ContactNotFound, MergedAway, StaleVersion
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("delete_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on(
    "DELETE /v1/contacts/{ref}",
    responds={200: (DeletedContactOut, "Deleted.")},
    refuses=(ContactNotFound, MergedAway, StaleVersion),
)
def delete_contact(book: ContactBook, request: Request, ref: Ref, permanent: bool = False) -> Answer:
    """Delete a contact; a permanent delete also takes one that is in the trash already."""
    return answer(book.delete(ref, permanent=permanent, preconditions=request.preconditions()))


lambda_handler = runtime.entrypoint(operation)
