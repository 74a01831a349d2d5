"""From changes of contacts to what is derived of them: postings, counts, words; and to what else must follow.

Everything may be delivered twice, in other batches, or after a run that was killed half-way: each posting is written
together with its count and only if it is not there yet (or still there), so it counts once; words are put or deleted
whatever is there; messages may come twice. The last change of a contact wins, as the stream keeps their order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from contacts.book.model import ValidationStatus
from contacts.core.errors import Contention
from contacts.core.idempotency import retry_on_conflict, tries
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock
from contacts.events.changes import ChangeKind, StreamChange
from contacts.projection.store import AlreadyApplied, Derived, Posting, ProjectionStore, WordPosting
from contacts.search.query import PostingList, posting_lists
from contacts.search.words import words_of

STEPS_AT_ONCE: Final = 100
"""Postings and counts that DynamoDB writes in one transaction."""
_REMEMBERED: Final = 50_000
"""First characters of words; of how many accounts a process has seen words."""


class Projector:
    """Keeps what is derived of contacts as the contacts are."""

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
        """Accounts with characters that are known to be listed; none ever stops to be."""

    def handle(self, changes: Sequence[StreamChange]) -> None:
        """Project changes, of whatever accounts, and pass on what is to be validated and erased.

        Raises:
            TemporarilyUnavailable: some of it may be done.
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
            before = frozenset() if change.before is None else words_of(change.before)
            after = frozenset() if change.after is None else words_of(change.after)
            for word in before ^ after:
                desired[WordPosting(word, change.contact_id)] = word in after
        characters = {word[0] for (word, _), is_there in desired.items() if is_there}
        new = {character for character in characters if (account_id, character) not in self._listed}
        if new:
            # Before the words: whoever finds one listed may find no word, but no word is ever unlisted.
            self._store.list_characters(account_id, new)
            self._remember(account_id, new)
        if desired:
            self._store.post_words(account_id, desired)

    def _remember(self, account_id: str, characters: Iterable[str]) -> None:
        if len(self._listed) > _REMEMBERED:
            self._listed.clear()
        self._listed.update((account_id, character) for character in characters)

    def _release_claims(self, account_id: str, changes: Iterable[StreamChange]) -> None:
        """Set the names free of those whose days in the trash are over."""
        for change in changes:
            if change.kind is not ChangeKind.EXPIRED or change.before is None:
                continue
            for name in change.before.names:
                release = partial(self._store.release_claim, account_id, change.contact_id, name)
                retry_on_conflict(release, self._clock, self._randomness)


def apply_derived(
    write: Callable[[Mapping[Derived, bool]], None],
    desired: Mapping[Derived, bool],
    clock: Clock,
    randomness: Randomness,
) -> Mapping[Derived, bool]:
    """Write derived items, all or none at a time, and give back those that were not as desired before.

    Raises:
        Contention, and whatever else `write` raises but for AlreadyApplied.
    """
    for _ in tries(clock, randomness):
        try:
            while desired:
                try:
                    write(desired)
                except AlreadyApplied as already:
                    # The count of these was written with them. Fewer are left each time.
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
    """What is desired in groups of so many steps, each list's postings together: its count is one step more."""
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
    """A message for each contact that got an email nobody has judged yet."""
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
    """A message for each contact that is gone for good."""
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
