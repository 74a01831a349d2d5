"""POST /v1/contacts/{ref}/merge: make one contact of two."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.merge_schemas import MergeSource
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.merging import merger
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("merge_contacts", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/contacts/{ref}/merge")
def merge_contacts(request: Request, ref: Ref, source: MergeSource) -> Answer:
    """Merge the contact that the body names into the one of the path, where all of its names lead from then on."""
    return answer(merger(request.caller).merge(ref, source.ref, request.terms()))


lambda_handler = lambda_entry(operation)
