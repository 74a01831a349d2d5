"""The projection: writes what is derived from contacts (postings, counts, words) after each change, and sends messages.

The stream may deliver a change again, in another batch, or after a run that ended half-way. Each posting is written
together with its count, on condition that it changes something, so it counts once. Words are put or deleted without a
condition. Messages may come twice. The stream keeps the order of a contact's changes, so the last change wins.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from contacts.book.model import Contact, ValidationStatus
from contacts.core.errors import Contention
from contacts.core.idempotency import retry_on_conflict, tries
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock
from contacts.events.changes import ChangeKind, StreamChange
from contacts.projection.store import AlreadyApplied, Derived, Posting, ProjectionStore, WordPosting
from contacts.search.earlier_words import earlier_words_of
from contacts.search.query import PostingList, posting_lists
from contacts.search.words import words_of

STEPS_AT_ONCE: Final = 100
"""Postings and counts that DynamoDB writes in one transaction."""
_REMEMBERED: Final = 50_000
"""Pairs of an account and a first character that a process remembers at most."""


class Projector:
    """Updates what is derived from contacts, and requests validations and erasures."""

    def __init__(
        self,
        store: ProjectionStore,
        to_validate: MessageQueue,
        to_erase: MessageQueue,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._to_validate = to_validate
        self._to_erase = to_erase
        self._clock = clock
        self._randomness = randomness
        self._listed: set[tuple[str, str]] = set()
        """Accounts with first characters of words that are known to be listed. None is ever unlisted."""

    def handle(self, changes: Sequence[StreamChange]) -> None:
        """Project changes of any accounts, and send the messages for validation and erasure.

        Raises:
            Contention, TemporarilyUnavailable: some changes may be handled; all have to come again.
        """
        of_accounts: dict[str, list[StreamChange]] = defaultdict(list)
        for change in changes:
            of_accounts[change.account_id].append(change)
        for account_id, own in of_accounts.items():
            self._post(account_id, own)
            self._post_words(account_id, own)
            self._release_claims(account_id, own)
        _send(self._to_validate, _validations(changes))
        _send(self._to_erase, _erasures(changes))

    def _post(self, account_id: str, changes: Iterable[StreamChange]) -> None:
        desired: dict[Derived, bool] = {}
        for change in changes:
            if change.kind is not ChangeKind.CHANGED:
                continue
            before, after = posting_lists(change.before), posting_lists(change.after)
            for posting_list in before ^ after:
                desired[Posting(posting_list, change.contact_id)] = posting_list in after
        for transaction in transactions(desired):
            apply_derived(partial(self._store.post, account_id), transaction, self._clock, self._randomness)

    def _post_words(self, account_id: str, changes: Iterable[StreamChange]) -> None:
        desired: dict[WordPosting, bool] = {}
        for change in changes:
            if change.kind is not ChangeKind.CHANGED:
                continue
            before, earlier_before = _words(change.before)
            after, earlier_after = _words(change.after)
            # A contact that has not been reindexed since may be posted under words of earlier releases.
            gone = (before | earlier_before - earlier_after) - after
            for word in gone | after - before:
                desired[WordPosting(word, change.contact_id)] = word in after
        characters = {word[0] for (word, _), is_there in desired.items() if is_there}
        new = {character for character in characters if (account_id, character) not in self._listed}
        if new:
            # First, so that no word exists under a character that is not listed.
            self._store.list_characters(account_id, new)
            self._remember(account_id, new)
        if desired:
            self._store.post_words(account_id, desired)

    def _remember(self, account_id: str, characters: Iterable[str]) -> None:
        if len(self._listed) > _REMEMBERED:
            self._listed.clear()
        self._listed.update((account_id, character) for character in characters)

    def _release_claims(self, account_id: str, changes: Iterable[StreamChange]) -> None:
        """Release the names of contacts whose days in the trash are over."""
        for change in changes:
            if change.kind is not ChangeKind.EXPIRED or change.before is None:
                continue
            for name in change.before.names:
                release = partial(self._store.release_claim, account_id, change.contact_id, name)
                retry_on_conflict(release, self._clock, self._randomness)


def _words(contact: Contact | None) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a contact, and its words of earlier releases; None: there is no such contact."""
    if contact is None:
        return frozenset(), frozenset()
    return words_of(contact), earlier_words_of(contact)


def apply_derived(
    write: Callable[[Mapping[Derived, bool]], None],
    desired: Mapping[Derived, bool],
    clock: Clock,
    randomness: Randomness,
) -> Mapping[Derived, bool]:
    """Write derived items in one transaction. Returns those that were not as desired before.

    `write`: writes all or none, and raises AlreadyApplied for items that are as desired; then it is called without
    these. `desired`: whether each item has to exist.

    Raises:
        Contention, and whatever else `write` raises except AlreadyApplied.
    """
    for _ in tries(clock, randomness):
        try:
            while desired:
                try:
                    write(desired)
                except AlreadyApplied as already:
                    # The counts of these are right: they were written together. So the loop ends.
                    desired = {key: value for key, value in desired.items() if key not in already.derived}
                else:
                    break
            return desired
        except Contention:
            continue
    raise Contention


def transactions(
    desired: Mapping[Derived, bool], steps: int = STEPS_AT_ONCE
) -> Iterator[Mapping[Derived, bool]]:
    """Groups of derived items, each for a transaction of at most `steps` steps.

    The postings of one list stay together as far as possible: the list's count takes one step a group.
    """
    group: dict[Derived, bool] = {}
    lists: set[PostingList] = set()
    for one in sorted(desired, key=lambda one: (isinstance(one, WordPosting), one)):
        of_list = {one.posting_list} if isinstance(one, Posting) else set()
        if len(group) + 1 + len(lists | of_list) > steps:
            yield group
            group, lists = {}, set()
        group[one] = desired[one]
        lists |= of_list
    if group:
        yield group


def _validations(changes: Iterable[StreamChange]) -> Iterator[Outgoing]:
    """A message for each contact that got an email whose validation is pending."""
    contacts = {
        (change.account_id, change.contact_id): None
        for change in changes
        if change.kind is ChangeKind.CHANGED and _is_to_be_validated(change)
    }
    for account_id, contact_id in contacts:
        yield Outgoing(body={"account_id": account_id, "contact_id": contact_id}, group=account_id)


def _is_to_be_validated(change: StreamChange) -> bool:
    after = change.after
    if after is None or after.email is None or after.validation_status is not ValidationStatus.PENDING:
        return False
    return change.before is None or change.before.email != after.email


def _erasures(changes: Iterable[StreamChange]) -> Iterator[Outgoing]:
    """A message for each contact that was erased, or whose days in the trash are over."""
    gone = {
        (change.account_id, change.contact_id): change
        for change in changes
        if change.kind in (ChangeKind.ERASED, ChangeKind.EXPIRED)
    }
    for (account_id, contact_id), change in gone.items():
        body = {"account_id": account_id, "contact_id": contact_id, "version": change.version}
        if change.merged_ids:
            body["merged_ids"] = list(change.merged_ids)
        yield Outgoing(body=body, group=account_id)


def _send(queue: MessageQueue, messages: Iterable[Outgoing]) -> None:
    to_send = list(messages)
    if to_send:
        queue.send(to_send)
