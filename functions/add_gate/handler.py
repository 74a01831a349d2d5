"""POST /v1/channels/{id}/gates: a contact arrives through a channel."""

from contacts.accounts.model import Scope
from contacts.book.model import CREATE_ERRORS
from contacts.book.weight import items_of_contact
from contacts.channels.model import GateOut
from contacts.channels.schemas import NewGate
from contacts.channels.service import GateService
from contacts.core.errors import ChannelNotFound, ChannelOff
from contacts.properties.model import OnInvalid
from contacts.properties.typed_fields import TypedFields
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("add_gate", Scope.CONTACTS_WRITE)


@operation.on(
    "POST /v1/channels/{id}/gates",
    responds={
        201: (GateOut, "The contact was created, with this gate."),
        200: (GateOut, "The channel knew the identifier: the gate that there is."),
    },
    refuses=(ChannelNotFound, ChannelOff, *CREATE_ERRORS),
    written=items_of_contact,
)
def add_gate(
    gates: GateService,
    typed: TypedFields,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    gate: NewGate,
) -> Answer:
    """Create a contact with its gate; where the channel knows the identifier, answer the gate there is."""
    fields, _ = typed.validate(gate.to_input()).resolve(OnInvalid.REJECT)
    return answer(gates.add(id, gate.identifier, fields, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
