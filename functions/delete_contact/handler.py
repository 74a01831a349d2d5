"""DELETE /v1/contacts/{ref}: to the trash for 30 days, or with ?permanent=true for good."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("delete_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on("DELETE /v1/contacts/{ref}")
def delete_contact(request: Request, ref: Ref, permanent: bool = False) -> Answer:
    """Delete a contact; a permanent delete also takes one that is in the trash already."""
    book = contact_book(request.caller)
    return answer(book.delete(ref, permanent=permanent, terms=request.terms()))


lambda_handler = lambda_entry(operation)
