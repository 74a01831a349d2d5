"""What is derived of contacts: postings, counts and words in the table.

A posting is always written in one transaction with its count, and on condition that it changes something.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from contacts.adapters import keys
from contacts.adapters.expressions import Expression
from contacts.adapters.keys import Key
from contacts.adapters.table import ConditionsFailed, Step, Table
from contacts.domain.identity import Name
from contacts.domain.postings import PostingList
from contacts.services.ports import Moved, Standing
from contacts.services.projection import AlreadySo, Derived, Posting, WordPosting


class DynamoProjectionStore:
    """`services.projection.ProjectionStore` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def post(self, account_id: str, wanted: Mapping[Derived, bool]) -> None:
        """One transaction."""
        write_derived(self._table, account_id, wanted)

    def list_characters(self, account_id: str, characters: Iterable[str]) -> None:
        """Puts, which change nothing where they are there."""
        self._table.write_many({keys.first_character(account_id, character): {} for character in characters})

    def post_words(self, account_id: str, wanted: Mapping[WordPosting, bool]) -> None:
        """Puts and deletes, 25 at a time."""
        words = {derived_key(account_id, posting): is_wanted for posting, is_wanted in wanted.items()}
        self._table.write_many(
            {key: {} for key, is_wanted in words.items() if is_wanted},
            (key for key, is_wanted in words.items() if not is_wanted),
        )

    def release_claim(self, account_id: str, contact_id: str, name: Name) -> None:
        """One DeleteItem, on condition that the claim is still the contact's and deleted."""
        expression = Expression()
        expression.require(expression.equals("contact_id", contact_id))
        expression.require(expression.equals("state", Standing.DELETED))
        with suppress(ConditionsFailed):
            self._table.write([self._table.delete_step("claim", keys.claim(account_id, name), expression)])


def write_derived(
    table: Table, account_id: str, wanted: Mapping[Derived, bool], checks: Sequence[Step] = ()
) -> None:
    """Write derived items with the counts of their lists, and under further checks, all or nothing.

    Raises:
        AlreadySo, Moved (a check failed), Contention, TemporarilyUnavailable.
    """
    steps = list(checks)
    by_step: dict[str, Derived] = {}
    longer: dict[PostingList, int] = defaultdict(int)
    for number, (derived, is_wanted) in enumerate(wanted.items()):
        name, key, expression = f"{number}", derived_key(account_id, derived), Expression()
        by_step[name] = derived
        if is_wanted:
            expression.require(expression.is_free())
            steps.append(table.put_step(name, key, {}, expression))
        else:
            expression.require(expression.is_there())
            steps.append(table.delete_step(name, key, expression))
        if isinstance(derived, Posting):
            longer[derived.posting_list] += 1 if is_wanted else -1
    for posting_list, by in longer.items():
        expression = Expression()
        expression.add("n", by)
        expression.add("changes", 1)
        steps.append(table.update_step("count", keys.count(account_id, posting_list), expression))
    try:
        table.write(steps)
    except ConditionsFailed as failed:
        already = [by_step[name] for name in failed.items if name in by_step]
        if len(already) < len(failed.items):
            raise Moved from None
        raise AlreadySo(already) from None


def derived_key(account_id: str, derived: Derived) -> Key:
    """Where a derived item lies."""
    if isinstance(derived, Posting):
        return keys.posting(account_id, derived.posting_list, derived.contact_id)
    return keys.word_posting(account_id, derived.word, derived.contact_id)
