"""POST /v1/contacts/batch: up to a hundred creates, upserts, updates and deletes, each standing alone."""

from contacts.api import Answer, Operation, Request
from contacts.api.batch_schemas import Batch
from contacts.api.batches import batch_answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.batches import batch_desk
from contacts.bootstrap.contacts import contact_book
from contacts.bootstrap.typed_fields import typed_fields
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid

operation = Operation("batch_contacts", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/batch")
def batch_contacts(request: Request, batch: Batch, on_invalid: OnInvalid = OnInvalid.REJECT) -> Answer:
    """Carry out a batch; one result per item, in their order."""
    book, typed = contact_book(request.caller), typed_fields(request.caller)
    return batch_answer(request, batch, on_invalid, book, typed, batch_desk(request.caller))


lambda_handler = lambda_entry(operation)
