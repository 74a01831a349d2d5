"""PATCH and PUT /v1/contacts/{ref}: change fields; absent keeps, null clears."""

from contacts.api import Answer, Operation, Request, answer, contact_requests
from contacts.api.schemas import ContactChange
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.bootstrap.typed_fields import typed_fields
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid
from contacts.domain.identity import Ref

operation = Operation("update_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on("PATCH /v1/contacts/{ref}", "PUT /v1/contacts/{ref}")
def update_contact(
    request: Request,
    ref: Ref,
    contact: ContactChange,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> Answer:
    """Change a contact; with on_invalid=skip what cannot be taken is left out and listed in `skipped`."""
    book, terms = contact_book(request.caller), request.terms()
    given = typed_fields(request.caller).validate(contact.to_input())
    return answer(contact_requests.update(book, ref, given, on_invalid, terms))


lambda_handler = lambda_entry(operation)
