"""POST /v1/contacts/{ref}/restore: out of the trash, with the same id."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("restore_contact", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/{ref}/restore")
def restore_contact(request: Request, ref: Ref) -> Answer:
    """Bring a contact back with those of its names that nobody has taken meanwhile."""
    return answer(contact_book(request.caller).restore(ref, request.terms()))


lambda_handler = lambda_entry(operation)
