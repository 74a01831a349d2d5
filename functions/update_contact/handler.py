"""PATCH and PUT /v1/contacts/{ref}: change fields; absent keeps, null clears."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.schemas import ContactChange, OnInvalid
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.bootstrap.typed_fields import typed_fields
from contacts.domain.accounts import Scope
from contacts.domain.contact import Change
from contacts.domain.identity import Ref, RefKind

operation = Operation("update_contact", Scope.CONTACTS_WRITE, Scope.USER)


@operation.on("PATCH /v1/contacts/{ref}", "PUT /v1/contacts/{ref}")
def update_contact(
    request: Request,
    ref: str,
    contact: ContactChange,
    by: RefKind | None = None,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> Answer:
    """Change a contact; with on_invalid=skip what cannot be taken is left out and listed in `skipped`."""
    fields, skipped = contact.taken(typed_fields(request.caller), on_invalid)
    change = Change.of(fields)
    return answer(contact_book(request.caller).update(Ref(ref, by), change, request.terms(), skipped))


lambda_handler = lambda_entry(operation)
