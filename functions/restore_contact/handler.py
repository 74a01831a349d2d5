"""POST /v1/contacts/{ref}/restore: out of the trash, with the same id."""

from contacts.accounts.model import Scope
from contacts.book.model import WrittenContactOut
from contacts.book.service import ContactBook
from contacts.core.errors import ContactNotFound, NamesTaken, StaleVersion
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("restore_contact", Scope.CONTACTS_WRITE)


@operation.on(
    "POST /v1/contacts/{ref}/restore",
    responds={200: (WrittenContactOut, "Restored, with the same id.")},
    refuses=(ContactNotFound, NamesTaken, StaleVersion),
)
def restore_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Bring a contact back with those of its names that nobody has taken meanwhile."""
    return answer(book.restore(ref, request.preconditions()))


lambda_handler = runtime.entrypoint(operation)
