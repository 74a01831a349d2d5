"""The records of requests with an Idempotency-Key. A record commits together with the change that it remembers.

A record holds the outcome, not bytes of an answer, so that it reads the same in every dialect. Contacts have
at most 350 KB, so a record always fits an item. A pointer under the contact lets erasure find the records
that hold personal data. The keys of items hold the SHA-256 of an Idempotency-Key, because callers may make the
Idempotency-Key from an email.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from contacts.book.model import Action, Outcome, contact_from, contact_values
from contacts.core.idempotency import AlreadyRecorded, IdempotencyKey, IdempotencyRecord
from contacts.core.time import DAY
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step

RECORD: Final = "idempotency record"
"""The name of the record's step."""
RECORD_STEPS: Final = 2
"""How many steps of a transaction a record takes at most: itself and its pointer."""
KEPT_DAYS: Final = 7


def write_recorded(
    table: Table,
    steps: Sequence[Step],
    account_id: str,
    idempotency_key: IdempotencyKey | None,
    outcome: Outcome,
    contact_id: str | None,
    at_ms: int,
) -> None:
    """Write steps, and with them the record of the request where it has an Idempotency-Key.

    `contact_id`: the contact that the request is about, if any.

    Raises:
        AlreadyRecorded: the key has a record already; nothing was written.
        ConditionsFailed, Contention, TemporarilyUnavailable.
    """
    record = (
        ()
        if idempotency_key is None
        else _record_steps(table, account_id, idempotency_key, outcome, contact_id, at_ms)
    )
    try:
        table.write([*steps, *record])
    except ConditionsFailed as failed:
        if RECORD in failed.items:
            raise _already_recorded(failed.items[RECORD]) from None
        raise


def _record_steps(
    table: Table,
    account_id: str,
    idempotency_key: IdempotencyKey,
    outcome: Outcome,
    contact_id: str | None,
    at_ms: int,
) -> Iterable[Step]:
    """The steps that leave a record, and its pointer where the request was about a contact."""
    now_s = at_ms // 1000
    ttl = now_s + KEPT_DAYS * DAY
    expression = Expression()
    expression.require(f"({expression.is_free()} OR {expression.name('ttl')} <= {expression.value(now_s)})")
    item: dict[str, object] = {
        "request_hash": idempotency_key.request_hash,
        "meaning_hash": idempotency_key.meaning_hash,
        "did": outcome.action,
        "details": outcome.details,
        "ttl": ttl,
    }
    if outcome.contact is not None:
        values = contact_values(outcome.contact)
        item["contact"] = {key: value for key, value in values.items() if value is not None}
    digest = key_digest(idempotency_key.key)
    yield table.put_step(RECORD, keys.idempotency(account_id, digest), item, expression)
    if contact_id is not None:
        pointer = keys.idempotency_pointer(account_id, contact_id, digest)
        yield table.put_step("idempotency pointer", pointer, {"ttl": ttl})


def key_digest(idempotency_key: str) -> str:
    """The SHA-256 (hex) of an Idempotency-Key, as the keys of items hold it."""
    return sha256(idempotency_key.encode()).hexdigest()


def recorded_request(item: Item) -> IdempotencyRecord[Outcome]:
    """The record in an item. Where erasure has emptied it, its outcome is None."""
    request_hash, meaning_hash = item["request_hash"], item.get("meaning_hash")
    if item.get("erased"):
        return IdempotencyRecord(request_hash, None, meaning_hash)
    contact = contact_from(item["contact"]) if "contact" in item else None
    outcome = Outcome(action=Action(item["did"]), contact=contact, details=item["details"], is_replay=True)
    return IdempotencyRecord(request_hash, outcome, meaning_hash)


def _already_recorded(item: Item | None) -> AlreadyRecorded:
    """The exception where the record's condition failed. `item`: the record that exists."""
    assert item is not None, "a record's condition fails only where there is one"
    return AlreadyRecorded(recorded_request(item))


class RecordStore:
    """The records of one account's requests that had an Idempotency-Key. A record counts for 7 days."""

    def __init__(self, table: Table, account_id: str, now_s: int) -> None:
        self._table = table
        self._account = account_id
        self._now_s = now_s

    def recorded(self, idempotency_key: str) -> IdempotencyRecord[Outcome] | None:
        """The record under an Idempotency-Key, or None. One GetItem."""
        item = self._table.get(self._key(idempotency_key))
        if item is None or item["ttl"] <= self._now_s:
            return None
        return recorded_request(item)

    def begin(self, idempotency_key: IdempotencyKey, at_ms: int) -> None:
        """Record that a batch has begun. One PutItem, on condition that the key has no record.

        Raises:
            AlreadyRecorded: the key has a record.
            TemporarilyUnavailable.
        """
        write_recorded(
            self._table, (), self._account, idempotency_key, Outcome(action=Action.BEGUN), None, at_ms
        )

    def recorded_under(self, idempotency_keys: Iterable[str]) -> dict[str, IdempotencyRecord[Outcome]]:
        """The records under many Idempotency-Keys, by key; keys without one are left out. One call for each hundred."""
        by_key = {self._key(idempotency_key): idempotency_key for idempotency_key in idempotency_keys}
        found = self._table.get_many(by_key)
        return {
            by_key[key]: recorded_request(item) for key, item in found.items() if item["ttl"] > self._now_s
        }

    def _key(self, idempotency_key: str) -> keys.Key:
        return keys.idempotency(self._account, key_digest(idempotency_key))
