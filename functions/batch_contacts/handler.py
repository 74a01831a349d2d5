"""POST /v1/contacts/batch: up to a hundred creates, upserts, updates and deletes, each standing alone."""

from contacts.api import Answer, Operation, Request
from contacts.api.batch_schemas import Batch
from contacts.api.batches import batch_answer
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid
from contacts.runtime import runtime
from contacts.services.batches import BatchDesk
from contacts.services.contact_book import ContactBook
from contacts.services.typed_fields import TypedFields

operation = Operation("batch_contacts", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/batch")
def batch_contacts(
    book: ContactBook,
    typed: TypedFields,
    desk: BatchDesk,
    request: Request,
    batch: Batch,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> Answer:
    """Carry out a batch; one result per item, in their order."""
    return batch_answer(request, batch, on_invalid, book, typed, desk)


lambda_handler = runtime.entrypoint(operation)
