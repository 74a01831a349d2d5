"""POST /v1/contacts/batch: up to a hundred creates, upserts, updates and deletes, each standing alone."""

from contacts.accounts.model import Scope
from contacts.book.batch import BatchService
from contacts.book.batch_schemas import Batch, BatchResultsOut, batch_answer, items_of_batch
from contacts.book.service import ContactBook
from contacts.properties.model import OnInvalid
from contacts.properties.typed_fields import TypedFields
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request

operation = Operation("batch_contacts", Scope.CONTACTS_WRITE)


@operation.on(
    "POST /v1/contacts/batch",
    responds={207: (BatchResultsOut, "Carried out, item by item; each has a status of its own.")},
    written=items_of_batch,
)
def batch_contacts(
    book: ContactBook,
    typed: TypedFields,
    batches: BatchService,
    request: Request,
    batch: Batch,
    on_invalid: OnInvalid = OnInvalid.REJECT,
    all_valid: bool = False,
) -> Answer:
    """Carry out a batch; one result per item, in their order. With `all_valid`, no item unless all are valid."""
    return batch_answer(request, batch, on_invalid, book, typed, batches, all_valid=all_valid)


lambda_handler = runtime.entrypoint(operation)
