"""Wiring of the event log, for those who read it."""

from contacts.adapters.event_source import DynamoEventSource
from contacts.bootstrap import clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.event_log import EventLog


def event_log(caller: Caller) -> EventLog:
    """The caller's event log."""
    return EventLog(DynamoEventSource(table_of(caller), caller.account_id), clock())
