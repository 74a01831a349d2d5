"""PATCH and PUT /v1/contacts/{ref}: change fields; absent keeps, null clears."""

from contacts.api import Answer, Operation, Request, answer, contact_requests
from contacts.api.schemas import ContactChange
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.contact_book import ContactBook
from contacts.services.typed_fields import TypedFields

operation = Operation("update_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on("PATCH /v1/contacts/{ref}", "PUT /v1/contacts/{ref}")
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
    return answer(contact_requests.update(book, ref, given, on_invalid, request.terms()))


lambda_handler = runtime.entrypoint(operation)
