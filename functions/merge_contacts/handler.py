"""POST /v1/contacts/{ref}/merge: make one contact of two."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.merge_schemas import MergeSource
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.merging import Merger

operation = Operation("merge_contacts", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/{ref}/merge")
def merge_contacts(merger: Merger, request: Request, ref: Ref, source: MergeSource) -> Answer:
    """Merge the contact that the body names into the one of the path, where all of its names lead from then on."""
    return answer(merger.merge(ref, source.ref, request.terms()))


lambda_handler = runtime.entrypoint(operation)
