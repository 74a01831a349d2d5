"""POST /v1/contacts/{ref}/merge: make one contact of two."""

from contacts.accounts.model import Scope
from contacts.book.merge import Merger
from contacts.book.model import WrittenContactOut
from contacts.book.schemas import MergeSource
from contacts.core.errors import ContactNotFound, ContactTooLarge, MergeTooLarge, SameContact, StaleVersion
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("merge_contacts", Scope.CONTACTS_WRITE)


@operation.on(
    "POST /v1/contacts/{ref}/merge",
    responds={200: (WrittenContactOut, "The contact that stays, with what it was given.")},
    refuses=(ContactNotFound, SameContact, MergeTooLarge, ContactTooLarge, StaleVersion),
)
def merge_contacts(
    merger: Merger,
    request: Request,
    ref: Ref,
    source: MergeSource,
    dry_run: bool = False,
) -> Answer:
    """Merge the contact that the body names into the one of the path, where all of its names lead from then on.

    With `dry_run` nothing is written, and the answer is the contact as it would be; no Idempotency-Key is used up.
    """
    return answer(merger.merge(ref, source.ref, request.preconditions(), dry_run=dry_run))


lambda_handler = runtime.entrypoint(operation)
