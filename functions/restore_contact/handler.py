"""POST /v1/contacts/{ref}/restore: out of the trash, with the same id."""

from contacts.api import Answer, Operation, Request, answer
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.contact_book import ContactBook

operation = Operation("restore_contact", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/{ref}/restore")
def restore_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Bring a contact back with those of its names that nobody has taken meanwhile."""
    return answer(book.restore(ref, request.terms()))


lambda_handler = runtime.entrypoint(operation)
