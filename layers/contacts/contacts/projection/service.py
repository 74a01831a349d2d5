"""The projection: writes what is derived from contacts (postings, counts, words) after each change, and sends messages.

The stream may deliver a change again, in another batch, or after a run that ended half-way. Each posting is written
together with its count, on condition that it changes something, so it counts once. Postings of a new contact may be
written first, uncounted. The transaction that adds the contact to `ALL_CONTACTS`, if it is not there yet, then counts
them. Words are put or deleted without a condition. Messages may come twice. The stream keeps the order of a contact's
changes, so the last change wins.

Each account has a lane: its changes are projected in their order, and those of other accounts beside them. So a count
that is held up, or a partition that throttles, holds up nobody else in the batch.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from contacts.book.model import Contact, ValidationStatus
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import retry_on_conflict, tries
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.threads import side_by_side
from contacts.core.time import Clock
from contacts.erasure.model import OptOutNotice
from contacts.events.changes import ChangeKind, PartlyHandled, StreamChange
from contacts.projection.store import (
    UNLISTED,
    AlreadyApplied,
    Derived,
    OwnWord,
    Posting,
    ProjectionStore,
    WordPosting,
)
from contacts.search.earlier_words import earlier_words_of
from contacts.search.query import ALL_CONTACTS, PostingList, posting_lists
from contacts.search.words import words_of

AT_ONCE: Final = 8
"""Threads at a time, each with one call under way. With 512 MB the function has less than a third of a processor: more
threads would wait for that."""
STEPS_AT_ONCE: Final = 100
"""Postings and counts that DynamoDB writes in one transaction."""
WORDS_AT_ONCE: Final = 25
"""What DynamoDB writes in one call without conditions."""
_REMEMBERED: Final = 50_000
"""Pairs of an account and a first character, and ids of records, that a process remembers at most."""


class _MayBeUncounted(Exception):
    """Raised where new contacts have postings that another process may have put and not counted."""


class Projector:
    """Updates what is derived from contacts, and requests validations and erasures."""

    def __init__(
        self,
        store: ProjectionStore,
        to_validate: MessageQueue,
        to_erase: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        *,
        is_lean: bool = False,
    ) -> None:
        """`is_lean`: whether the postings of new contacts are put without conditions (decision 45)."""
        self._store = store
        self._is_lean = is_lean
        self._to_validate = to_validate
        self._to_erase = to_erase
        self._clock = clock
        self._randomness = randomness
        self._listed: set[tuple[str, str]] = set()
        """Accounts with first characters of words that are known to be listed. None is ever unlisted."""
        self._posted: set[str] = set()
        """Ids of records whose postings this process has written, although the records have to come again."""
        self._ahead: set[str] = set()
        """Ids of records that this process has handled, and that come again: an earlier one in their batch was not."""
        self._was_busy = False
        """Whether something was not handled of the last batch. Then words are written in their order: what is written
        behind words that are not is written again."""

    def handle(self, changes: Sequence[StreamChange]) -> None:
        """Project changes of any accounts, and send the messages for validation and erasure.

        Raises:
            PartlyHandled: the table or a queue was busy, or the time was over.
        """
        if not changes:
            return
        self._forget_what_is_overtaken(changes)
        lanes: dict[str, list[int]] = defaultdict(list)
        for number, change in enumerate(changes):
            lanes[change.account_id].append(number)
        threads = 1 if self._was_busy else max(1, AT_ONCE // len(lanes))

        def handled(numbers: Sequence[int]) -> Sequence[int]:
            ahead = [number for number in numbers if changes[number].record_id in self._ahead]
            others = [number for number in numbers if number not in ahead]
            return ahead + others[: self._handled([changes[number] for number in others], threads)]

        done = sorted(
            number for lane in side_by_side(handled, list(lanes.values()), AT_ONCE) for number in lane
        )
        first_undone = next((number for number, one in enumerate(done) if number != one), len(done))
        self._was_busy = first_undone < len(changes)
        self._finish([changes[number] for number in done], first_undone)
        if first_undone < len(changes):
            raise PartlyHandled(first_undone)

    def _forget_what_is_overtaken(self, changes: Iterable[StreamChange]) -> None:
        """Forget what was done for changes that come behind an earlier change of their contact that is done again."""
        again = set()
        for change in changes:
            is_known = change.record_id in self._ahead or change.record_id in self._posted
            if not is_known or change.contact_id in again:
                again.add(change.contact_id)
                self._ahead.discard(change.record_id)
                self._posted.discard(change.record_id)

    def _finish(self, done: Sequence[StreamChange], first_undone: int) -> None:
        """Send the messages of changes that are projected.

        `first_undone`: the number of the first change of the batch that is not projected. It comes again, and so do all
        behind it.

        Raises:
            PartlyHandled: a queue was busy. All have to come again.
        """
        to_tell = [change for change in done if change.record_id not in self._ahead]
        try:
            _send(self._to_validate, _validations(to_tell))
            _send(self._to_erase, (*_erasures(to_tell), *_opt_outs(to_tell)))
        except TemporarilyUnavailable:
            raise PartlyHandled(0) from None
        if len(self._ahead) > _REMEMBERED:
            self._ahead.clear()
        self._ahead.difference_update(change.record_id for change in done[:first_undone])
        self._ahead.update(change.record_id for change in done[first_undone:])
        self._posted.difference_update(change.record_id for change in done)

    def _handled(self, changes: Sequence[StreamChange], threads: int) -> int:
        """Project the changes of one account. Returns how many are projected, counted from the first.

        Where others hold items again and again, fewer changes at a time are tried. `threads`: for words.
        """
        done = 0
        waiting = list(self._slices(changes))[::-1]
        while waiting:
            together = waiting.pop()
            try:
                projected = self._project(together, threads)
            except Contention:
                if len(together) == 1:
                    break
                half = len(together) // 2
                waiting += [together[half:], together[:half]]
                continue
            except TemporarilyUnavailable:
                break
            done += projected
            if projected < len(together):
                break
        return done

    def _slices(self, changes: Sequence[StreamChange]) -> Iterator[list[StreamChange]]:
        """Changes in their order, as many together as `slices` says.

        If the projection is lean, a new contact's first change stands in no slice with another one of this contact:
        what is put and not counted is what this change says, in whatever batch it comes again. And the first slice is
        short, so that a table that takes only a few calls takes it whole.
        """
        if not self._is_lean:
            yield from slices(changes)
            return
        together: list[StreamChange] = []
        seen: dict[str, bool] = {}
        postings, is_first = 0, True
        for change in changes:
            postings += len(_moved(change))
            apart = change.contact_id in seen and (_is_new(change) or seen[change.contact_id])
            if together and (apart or (is_first and postings > WORDS_AT_ONCE)):
                yield from slices(together)
                together, is_first = [], False
                seen.clear()
            together.append(change)
            seen[change.contact_id] = seen.get(change.contact_id, False) or _is_new(change)
        yield from slices(together)

    def _project(self, changes: Sequence[StreamChange], threads: int) -> int:
        """Project one slice. Returns how many of its changes are projected, counted from the first.

        Raises:
            TemporarilyUnavailable: none is; of some the postings may be written.
        """
        self._post(changes)
        words = [_changed_words(change) for change in changes]
        self._list_characters(changes, words)
        return self._release_claims(changes[: self._post_words(changes, words, threads)])

    def _post(self, changes: Sequence[StreamChange]) -> None:
        """Write the postings of changes, for each account in one transaction where they fit.

        What this process wrote for a change that comes again is not tried again: a failed condition costs as much as a
        write.
        """
        of_accounts: dict[str, list[StreamChange]] = defaultdict(list)
        for change in changes:
            if change.record_id not in self._posted:
                of_accounts[change.account_id].append(change)
        for account_id, own in of_accounts.items():
            desired: dict[Posting, bool] = {}
            for change in own:
                after = _posting_lists_after(change)
                for posting_list in _moved(change):
                    desired[Posting(posting_list, change.contact_id)] = posting_list in after
            new = {change.contact_id for change in own if _is_new(change)}
            looks_first = bool(new) and (self._is_lean or _has_to_look_first(new, desired))
            for _ in tries(self._clock, self._randomness):
                try:
                    self._post_together(account_id, desired, new, looks_first=looks_first)
                    break
                except _MayBeUncounted:
                    looks_first = True
            if len(self._posted) > _REMEMBERED:
                self._posted.clear()
            self._posted.update(change.record_id for change in own)

    def _post_together(
        self, account_id: str, desired: Mapping[Posting, bool], new: Collection[str], *, looks_first: bool
    ) -> None:
        """Write postings of an account. `new`: contacts that were created. `looks_first`: at how these are posted.

        Raises:
            _MayBeUncounted: new contacts have postings, and it did not look, or they were put since. Of these contacts
                nothing is counted.
            Contention, TemporarilyUnavailable.
        """
        by_condition: Mapping[Derived, bool] = dict(desired.items())
        uncounted = frozenset[Posting]()
        if looks_first:
            by_condition, uncounted = self._post_new(account_id, desired, new)

        def write(some: Mapping[Derived, bool]) -> None:
            with_them = [one for one in uncounted if _among_all(one) in some]
            try:
                self._store.post(account_id, some, with_them)
            except AlreadyApplied as already:
                if _have_postings(some, already.derived, new):
                    raise _MayBeUncounted from None
                raise

        for transaction in transactions(by_condition):
            apply_derived(write, transaction, self._clock, self._randomness)

    def _post_new(
        self, account_id: str, desired: Mapping[Posting, bool], new: Collection[str]
    ) -> tuple[Mapping[Derived, bool], frozenset[Posting]]:
        """Look which new contacts are posted among all. Of the others nothing is counted yet, whatever was put.

        If the projection is lean, put their postings. Returns the postings that are left to be written on a condition,
        and those that are to be counted then.
        """
        of_contacts: dict[str, dict[Posting, bool]] = {contact_id: {} for contact_id in new}
        for posting, should_exist in desired.items():
            if posting.contact_id in new:
                of_contacts[posting.contact_id][posting] = should_exist
        among_all = {Posting(ALL_CONTACTS, contact_id) for contact_id in new}
        posted = self._store.there(account_id, among_all)
        plainly: dict[Posting, bool] = {}
        to_look_at: dict[Posting, bool] = {}
        by_condition: dict[Derived, bool] = {
            one: should_exist for one, should_exist in desired.items() if not (should_exist and one in posted)
        }
        for one in among_all - posted:
            own = of_contacts[one.contact_id]
            del own[one]
            # With more counts than one transaction takes, a contact is posted on conditions.
            is_plain = self._is_lean and _steps(own) + 2 <= STEPS_AT_ONCE
            (plainly if is_plain else to_look_at).update(own)
        if to_look_at:
            put = self._store.there(account_id, to_look_at)
            plainly |= {one: to_look_at[one] for one in put}
        for one in plainly:
            del by_condition[one]
        if plainly:
            self._store.post_uncounted(account_id, plainly)
        return by_condition, frozenset(one for one, should_exist in plainly.items() if should_exist)

    def _list_characters(self, changes: Iterable[StreamChange], words: Iterable[Mapping[str, bool]]) -> None:
        """List the first characters of new words, so that no word exists under a character that is not listed.

        Most words begin with one that need not be.
        """
        new = {
            (change.account_id, word[0])
            for change, changed in zip(changes, words, strict=True)
            for word, is_there in changed.items()
            if is_there and word[0] not in UNLISTED
        } - self._listed
        if not new:
            return
        self._store.list_characters(new)
        if len(self._listed) > _REMEMBERED:
            self._listed.clear()
        self._listed.update(new)

    def _post_words(
        self, changes: Sequence[StreamChange], words: Iterable[Mapping[str, bool]], threads: int
    ) -> int:
        """Write the words of changes. Returns how many changes, counted from the first, have all their words.

        Where one contact changes twice, its words are written once, as they are in the end.
        """
        desired: dict[OwnWord, bool] = {}
        changed_by: dict[OwnWord, int] = {}
        for number, (change, changed) in enumerate(zip(changes, words, strict=True)):
            for word, is_there in changed.items():
                own = (change.account_id, WordPosting(word, change.contact_id))
                desired[own] = is_there
                changed_by.setdefault(own, number)
        in_order = list(desired)
        chunks = [in_order[start : start + WORDS_AT_ONCE] for start in range(0, len(in_order), WORDS_AT_ONCE)]

        def write_chunk(chunk: Sequence[OwnWord]) -> bool:
            """Write some words. Returns whether they are written."""
            try:
                self._store.post_words({own: desired[own] for own in chunk})
            except TemporarilyUnavailable:
                return False
            return True

        # The first ones alone: if the table takes no more than these, the first changes have all their words.
        for some in (chunks[:1], chunks[1:]) if threads > 1 else ([chunk] for chunk in chunks):
            for chunk, written in zip(some, side_by_side(write_chunk, some, threads), strict=True):
                if not written:
                    return changed_by[chunk[0]]
        return len(changes)

    def _release_claims(self, changes: Sequence[StreamChange]) -> int:
        """Release the names of contacts whose days in the trash are over. Returns how many changes are handled."""
        for number, change in enumerate(changes):
            if change.kind is not ChangeKind.EXPIRED or change.before is None:
                continue
            for name in change.before.names:
                release = partial(self._store.release_claim, change.account_id, change.contact_id, name)
                try:
                    retry_on_conflict(release, self._clock, self._randomness)
                except TemporarilyUnavailable:
                    return number
        return len(changes)


def slices(changes: Iterable[StreamChange], steps: int = STEPS_AT_ONCE) -> Iterator[list[StreamChange]]:
    """Changes in their order, as many together as have, for each account, postings for one transaction of `steps`.

    A change with more than that is alone.
    """
    together: list[StreamChange] = []
    of_accounts: dict[str, set[PostingList | Posting]] = defaultdict(set)
    for change in changes:
        moved = _moved(change)
        own: set[PostingList | Posting] = {*moved}
        own.update(Posting(posting_list, change.contact_id) for posting_list in moved)
        if together and len(of_accounts[change.account_id] | own) > steps:
            yield together
            together = []
            of_accounts.clear()
        together.append(change)
        of_accounts[change.account_id] |= own
    if together:
        yield together


def _is_new(change: StreamChange) -> bool:
    """Whether a contact was created: no record of it comes before this one. (One that is restored was there before.)"""
    return change.kind is ChangeKind.CHANGED and change.before is None and change.version == 1


def _among_all(posting: Posting) -> Posting:
    """The posting of the same contact among all."""
    return Posting(ALL_CONTACTS, posting.contact_id)


def _has_to_look_first(new: Collection[str], desired: Mapping[Posting, bool]) -> bool:
    """Whether a new contact loses a posting, or the postings and their counts exceed one transaction."""
    return _steps(desired) > STEPS_AT_ONCE or any(
        not should_exist for one, should_exist in desired.items() if one.contact_id in new
    )


def _have_postings(
    desired: Mapping[Derived, bool], already: Collection[Derived], new: Collection[str]
) -> bool:
    """Whether a new contact that is not posted among all has a posting. `already`: items that are as desired."""
    return any(
        desired[one] and one.contact_id in new and _among_all(one) in desired.keys() - already
        for one in already
        if isinstance(one, Posting)
    )


def _steps(postings: Collection[Posting]) -> int:
    """How many steps postings take with the counts of their lists, if each count has an item of its own."""
    return len(postings) + len({posting.posting_list for posting in postings})


def _posting_lists_after(change: StreamChange) -> frozenset[PostingList]:
    return posting_lists(change.after) if change.kind is ChangeKind.CHANGED else frozenset()


def _moved(change: StreamChange) -> frozenset[PostingList]:
    """The posting lists that a change puts its contact on or takes it off."""
    if change.kind is not ChangeKind.CHANGED:
        return frozenset()
    return posting_lists(change.before) ^ posting_lists(change.after)


def _changed_words(change: StreamChange) -> dict[str, bool]:
    """The words that a change gives to its contact (true) or takes from it.

    A contact that has not been reindexed since may be posted under words of earlier releases.
    """
    if change.kind is not ChangeKind.CHANGED:
        return {}
    before, earlier_before = _words(change.before)
    after, earlier_after = _words(change.after)
    gone = (before | earlier_before - earlier_after) - after
    return {word: word in after for word in gone | after - before}


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

    The postings of one list stay together as far as possible: the list's count takes one step a group. A contact is
    posted among all first, and taken from there last: only meanwhile its other postings count.
    """
    group: dict[Derived, bool] = {}
    lists: set[PostingList] = set()
    for one in sorted(desired, key=lambda one: (_turn(one, should_exist=desired[one]), one)):
        of_list = {one.posting_list} if isinstance(one, Posting) else set()
        if len(group) + 1 + len(lists | of_list) > steps:
            yield group
            group, lists = {}, set()
        group[one] = desired[one]
        lists |= of_list
    if group:
        yield group


def _turn(derived: Derived, *, should_exist: bool) -> int:
    if isinstance(derived, WordPosting):
        return 3
    return 1 if derived.posting_list != ALL_CONTACTS else 0 if should_exist else 2


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


def _opt_outs(changes: Iterable[StreamChange]) -> Iterator[Outgoing]:
    """A message for each account with its addresses that have opted out, for the journal: at most those of a batch."""
    of_accounts: dict[str, dict[str, None]] = defaultdict(dict)
    for change in changes:
        if change.kind is ChangeKind.OPTED_OUT:
            of_accounts[change.account_id][change.contact_id] = None
    for account_id, hmacs in of_accounts.items():
        notice = OptOutNotice(account_id=account_id, email_hmacs=tuple(hmacs))
        yield Outgoing(body=notice.message(), group=account_id)


def _send(queue: MessageQueue, messages: Iterable[Outgoing]) -> None:
    to_send = list(messages)
    if to_send:
        queue.send(to_send)
