"""Wiring of the event log, for those who read it."""

from contacts.adapters.event_source import DynamoEventSource, SandboxEventSource
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.event_log import EventLog, EventSource


def event_log(caller: Caller) -> EventLog:
    """The caller's event log; for a test key, one in which nothing happens."""
    source: EventSource = SandboxEventSource()
    if not caller.is_test:
        source = DynamoEventSource(table(), caller.account_id)
    return EventLog(source, clock())
