"""POST /v1/channels/{id}/gates: a contact arrives through a channel."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.gate_schemas import NewGate
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid
from contacts.runtime import runtime
from contacts.services.gate_desk import GateDesk
from contacts.services.typed_fields import TypedFields

operation = Operation("add_gate", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/channels/{id}/gates")
def add_gate(
    desk: GateDesk,
    typed: TypedFields,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    gate: NewGate,
) -> Answer:
    """Create a contact with its gate; where the channel knows the identifier, answer the gate there is."""
    fields, _ = typed.validate(gate.to_input()).resolve(OnInvalid.REJECT)
    return answer(desk.add(id, gate.identifier, fields, request.receipt()))


lambda_handler = runtime.entrypoint(operation)
