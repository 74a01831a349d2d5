"""Wiring of what carries out batches."""

from contacts.adapters.records import DynamoRecordStore
from contacts.adapters.sandbox import SandboxRecordStore
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.batches import BatchDesk, BatchRecords


def batch_desk(caller: Caller) -> BatchDesk:
    """What carries out the caller's batches; for a test key, one that remembers none."""
    records: BatchRecords = SandboxRecordStore()
    if not caller.is_test:
        records = DynamoRecordStore(table(), caller.account_id, clock().now_ms() // 1000)
    return BatchDesk(records, clock())
