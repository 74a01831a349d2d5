"""POST /v1/contacts/{ref}/events: record what a contact did."""

from contacts.accounts.model import Scope
from contacts.core.errors import ContactNotFound, EventTooLarge
from contacts.core.ids import Ref
from contacts.events.model import RecordedEventOut
from contacts.events.schemas import NewEvent
from contacts.events.service import Timeline
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("record_event", Scope.CONTACTS_WRITE)


@operation.on(
    "POST /v1/contacts/{ref}/events",
    responds={202: (RecordedEventOut, "Recorded; in a moment it goes out.")},
    refuses=(ContactNotFound, EventTooLarge),
)
def record_event(timeline: Timeline, request: Request, ref: Ref, event: NewEvent) -> Answer:
    """Record an event in a contact's timeline; in a moment it goes out to webhooks and into the event log."""
    given = (event.name, event.data or {}, event.occurred_ms)
    return answer(timeline.record(ref, *given, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
