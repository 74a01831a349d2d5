"""Reads the table that a backup was restored to, and what there is of its contacts now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from botocore.exceptions import ClientError

from contacts.book.model import Claim, Contact, ContactState, contact_from, tombstone_item
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.ids import Name, NameKind
from contacts.core.time import parsed
from contacts.core.violations import FieldErrorCode, Violation
from contacts.restoring.model import Present
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression

AT_ONCE: Final = 50
"""Contacts that are in memory at the same time. Each may have 350 KB."""
_UNREADABLE: Final = ("ResourceNotFoundException", "AccessDeniedException", "ValidationException")
_NO_TABLE: Final = Violation(
    FieldErrorCode.NOT_FOUND, "there is no such table, or its name does not begin with <stack name>-restored-"
)


@contextmanager
def refused_as_named() -> Iterator[None]:
    """Of a call to a table that an operator has named: it is the name that is wrong where DynamoDB refuses it.

    Raises:
        InvalidInput: the table is not there or may not be read (field `table`).
    """
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _UNREADABLE:
            raise InvalidInput([FieldError("table", _NO_TABLE)]) from None
        raise


class RestoredTable:
    """The contacts of one account as a restored table has them."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def contacts(self, after: str | None) -> tuple[list[Contact], str | None]:
        """The next 50 contacts, in the order of their ids, and the id to go on after (None: no more). One Query.

        Raises:
            InvalidInput: the table is not there or may not be read (field `table`).
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.contacts(self._account))
        start = None if after is None else keys.contact(self._account, after)
        with refused_as_named():
            items, further = self._table.query(expression, start=start, limit=AT_ONCE)
        return [contact_from(item) for item in items], None if further is None else keys.contact_id(further)


class PresentStore:
    """What there is now of contacts of one account."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def present(self, contact_ids: Sequence[str], now_s: int) -> dict[str, Present]:
        """What there is of each contact. BatchGetItem of four keys each, a hundred at a time, strongly consistent.

        These reads are no snapshot: whoever writes does so on condition that it still is as it was read.

        Raises:
            TemporarilyUnavailable.
        """
        of_ids = {one: self._places(one) for one in contact_ids}
        found = self._table.get_many(key for places in of_ids.values() for key in places)
        result = {}
        for contact_id, (live, trash, tombstone, alias) in of_ids.items():
            item, trashed = found.get(live), found.get(trash)
            is_over = trashed is not None and trashed["ttl"] <= now_s
            result[contact_id] = Present(
                live=None if item is None else contact_from(item),
                trashed=None if trashed is None or is_over else contact_from(trashed["snapshot"]),
                deleted_at_ms=0 if trashed is None else parsed(trashed["deleted_at"]),
                is_erased=tombstone in found or is_over,
                is_merged=alias in found,
            )
        return result

    def contacts(self, after: str | None) -> tuple[list[Contact], str | None]:
        """The next 50 live contacts and the id to go on after (None: no more). One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        return RestoredTable(self._table, self._account).contacts(after)

    def trashed(self, after: str | None) -> tuple[list[Contact], str | None]:
        """The next 50 contacts in the trash and the id to go on after (None: no more). One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_beginning(keys.trash(self._account, ""))
        start = None if after is None else keys.trash(self._account, after)
        items, further = self._table.query(expression, start=start, limit=AT_ONCE)
        found = [contact_from(item["snapshot"]) for item in items]
        return found, None if further is None else keys.contact_id(further)

    def bury(self, contact_id: str, at_ms: int) -> None:
        """Write a tombstone that the stream's readers do not hear of, unless there is one. One PutItem.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.is_free())
        key = keys.tombstone(self._account, contact_id)
        with suppress(ConditionsFailed):
            self._table.write(
                [self._table.put_step("tombstone", key, tombstone_item(None, at_ms), expression)]
            )

    def opt_out(self, email_hmacs: Iterable[str]) -> None:
        """Write that addresses have opted out. BatchWriteItem, 25 at a time.

        Raises:
            TemporarilyUnavailable: some may be written.
        """
        self._table.write_many({keys.opt_out(self._account, one): {} for one in email_hmacs})

    def opt_out_in_trash(self, contact: Contact, at: str) -> None:
        """Have a contact in the trash opt out, if it is as it was read. One UpdateItem.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        expression = Expression()
        version = expression.name("snapshot", "version")
        expression.require(f"{version} = {expression.value(contact.version)}")
        # Who restores the contact at this moment has read it, and its opt-outs, as they were: that fails then.
        expression.set(("snapshot", "version"), contact.version + 1)
        expression.set(("snapshot", "is_unsubscribed"), value=True)
        expression.set(("snapshot", "unsubscribed_at"), at)
        key = keys.trash(self._account, contact.id)
        with suppress(ConditionsFailed):
            self._table.write([self._table.update_step("trash", key, expression)])

    def _places(self, contact_id: str) -> tuple[keys.Key, keys.Key, keys.Key, keys.Key]:
        return (
            keys.contact(self._account, contact_id),
            keys.trash(self._account, contact_id),
            keys.tombstone(self._account, contact_id),
            keys.claim(self._account, Name(NameKind.ALIAS, contact_id)),
        )

    def claims(self, names: Iterable[Name]) -> Mapping[Name, Claim]:
        """Who has each name; names that nobody has are left out. BatchGetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        of_names = {keys.claim(self._account, name): name for name in names}
        return {
            of_names[key]: Claim(item["contact_id"], ContactState(item["state"]), item.get("ttl"))
            for key, item in self._table.get_many(of_names).items()
        }
