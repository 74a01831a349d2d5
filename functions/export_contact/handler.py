"""GET /v1/contacts/{ref}/export: everything that is kept of one person."""

from contacts.accounts.model import Scope
from contacts.book.service import ContactBook
from contacts.core.errors import ContactNotFound
from contacts.core.ids import Ref
from contacts.events.pages import timeline_cursor
from contacts.exports.person import PersonExporter, PersonOut
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import contact_answer

operation = Operation("export_contact", Scope.EXPORTS_READ, besides=[Scope.CONTACTS_READ])


@operation.on(
    "GET /v1/contacts/{ref}/export",
    responds={200: (PersonOut, "Everything that is kept of the person.")},
    refuses=(ContactNotFound,),
)
def export_contact(persons: PersonExporter, request: Request, ref: Ref) -> Answer:
    """Read everything that is kept of one person, who may be in the trash: what the GDPR, Art. 15 and 20, asks for."""
    person, next_after = persons.person(ref)
    if next_after is not None:
        contact_id = person["contact"]["id"]
        person["timeline_cursor"] = timeline_cursor(request.caller.account_id, contact_id, next_after)
    return Answer(200, person)


@operation.on_contact("GET", Scope.CONTACTS_READ)
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/export`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
