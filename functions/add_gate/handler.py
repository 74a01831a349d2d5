"""POST /v1/channels/{id}/gates: a contact arrives through a channel."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.gate_schemas import NewGate
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.gates import gate_desk
from contacts.bootstrap.typed_fields import typed_fields
from contacts.domain.accounts import Scope
from contacts.domain.contact_input import OnInvalid

operation = Operation("add_gate", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/channels/{id}/gates")
def add_gate(
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    gate: NewGate,
) -> Answer:
    """Create a contact with its gate; where the channel knows the identifier, answer the gate there is."""
    given = typed_fields(request.caller).validate(gate.to_input())
    fields, _ = given.resolve(OnInvalid.REJECT)
    return answer(gate_desk(request.caller).add(id, gate.identifier, fields, request.receipt()))


lambda_handler = lambda_entry(operation)
