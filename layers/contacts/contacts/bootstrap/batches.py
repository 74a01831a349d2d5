"""Wiring of what carries out batches."""

from contacts.adapters.records import DynamoRecordStore
from contacts.bootstrap import clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.batches import BatchDesk


def batch_desk(caller: Caller) -> BatchDesk:
    """What carries out the caller's batches."""
    records = DynamoRecordStore(table_of(caller), caller.account_id, clock().now_ms() // 1000)
    return BatchDesk(records, clock())
