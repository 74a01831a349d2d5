"""The reindexer: compares what is derived from an account's contacts with the contacts, and repairs the differences.

Four passes, in this order: every contact has its postings and words; every posting has its contact; every word has its
contact; every count is the length of its list. The projection goes on meanwhile and may only be late. So a difference
is repaired after five seconds, in a transaction that checks the contact's version. It counts as a difference only if
that transaction succeeds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import Final, Self

from contacts.accounts.store import AccountStore
from contacts.book.model import Contact
from contacts.core.errors import Contention, FieldError, InvalidInput, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Randomness, is_uuid
from contacts.core.time import Clock
from contacts.core.violations import NO_ACCOUNT, FieldErrorCode, Violation
from contacts.projection.service import STEPS_AT_ONCE, apply_derived, transactions
from contacts.projection.store import Derived, Directory, Posting, ReindexStore, WordPosting
from contacts.search.count_items import Count
from contacts.search.query import PostingList, posting_lists
from contacts.search.words import words_of

SETTLING_S: Final = 5
"""Seconds that the projection has to catch up before a difference is repaired."""
_ENOUGH: Final = 200
"""Differences after which reading stops and repairing begins."""
_CONTACTS_AT_ONCE: Final = 50
"""Contacts that are in memory at the same time. Each may have 350 KB."""
_GUARDED_STEPS: Final = STEPS_AT_ONCE - 1
"""The steps of a repair that are left beside the check of the contact."""
_RECOUNTS: Final = 5
"""How often a list is counted again that changes meanwhile."""


class Pass(StrEnum):
    """The passes, in their order."""

    CONTACTS = "contacts"
    POSTINGS = "postings"
    WORDS = "words"
    COUNTS = "counts"


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where an unfinished run goes on: after `after`, in a partition of a pass.

    As text it is `pass.partition.after`. It holds digests instead of words and tags, which may be personal data.
    """

    within: Pass
    partition: str = ""
    """The digest of a posting list or of a first character. Partitions are read in the order of their digests."""
    after: str = ""
    """A contact's id; in the pass over words, the digest of a word posting."""

    def __str__(self) -> str:
        return f"{self.within}.{self.partition}.{self.after}"

    @classmethod
    def parsed(cls, text: str) -> Self:
        """The resume point of a text.

        Raises:
            InvalidInput: the text is none (field `resume`).
        """
        within, _, rest = text.partition(".")
        partition, _, after = rest.partition(".")
        point = None
        if within in list(Pass):
            point = cls(Pass(within), partition, after)
        if point is None or not point._is_possible():
            message = "must be what a report before said under `resume`"
            raise InvalidInput([FieldError("resume", Violation(FieldErrorCode.INVALID_CURSOR, message))])
        return point

    def _is_possible(self) -> bool:
        """Whether a run can have ended here."""
        if self.partition and not _is_digest(self.partition):
            return False
        if self.within is Pass.WORDS:
            return not self.after or (bool(self.partition) and _is_digest(self.after))
        has_place_inside = self.within is Pass.CONTACTS or (self.within is Pass.POSTINGS and self.partition)
        return not self.after or (bool(has_place_inside) and is_uuid(self.after))


@dataclass(frozen=True, slots=True)
class Difference:
    """The derived items of a contact that seem to be wrong."""

    contact_id: str
    version: int | None
    """The contact's version when it was read; None: there was no such contact."""
    desired: Mapping[Derived, bool]
    """True: the item seems to be missing; False: it seems to be orphaned."""


@dataclass(slots=True)
class Report:
    """What a run found and, unless it was a dry run, repaired. Numbers only: tags and words may be personal data."""

    account_id: str
    contacts: int = 0
    """Contacts that were read."""
    missing: Counter[str] = field(default_factory=Counter)
    orphaned: Counter[str] = field(default_factory=Counter)
    miscounted: list[str] = field(default_factory=list)
    """The kind of each list whose count was wrong."""
    uncounted: int = 0
    """Lists that could not be counted, because they changed each time meanwhile."""
    resume: ResumePoint | None = None
    """Where to go on; None: the run is finished."""

    def as_json(self) -> dict[str, object]:
        """The report as JSON."""
        of_missing = ("postings", "words", "counts", "first_characters")
        report: dict[str, object] = {
            "account_id": self.account_id,
            "contacts": self.contacts,
            "missing": {kind: self.missing[kind] for kind in of_missing},
            "orphaned": {kind: self.orphaned[kind] for kind in ("postings", "words")},
            "miscounted": self.miscounted,
            "uncounted": self.uncounted,
            "finished": self.resume is None,
        }
        return report if self.resume is None else report | {"resume": str(self.resume)}


class Reindexer:
    """Compares and repairs what is derived from contacts."""

    def __init__(
        self,
        store: ReindexStore,
        accounts: AccountStore,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[], bool],
    ) -> None:
        """`has_time_left`: whether the invocation has the time (a minute) to finish one more round."""
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left

    def reindex(self, account_id: str, *, dry_run: bool = False, resume: str | None = None) -> Report:
        """Reindex an account, as far as the time allows. The report says where to go on.

        `dry_run`: change nothing. `resume`: of the report of an unfinished run.

        Raises:
            InvalidInput: there is no such account, or `resume` is of no report.
            TemporarilyUnavailable: before anything was done.
        """
        point = ResumePoint(Pass.CONTACTS) if resume is None else ResumePoint.parsed(resume)
        if self._accounts.account(account_id) is None:
            raise InvalidInput([FieldError("account_id", NO_ACCOUNT)])
        run = _Run(
            self._store, account_id, self._clock, self._randomness, self._has_time_left, is_dry=dry_run
        )
        return run.through(point)


class _Run:
    """One invocation for one account."""

    def __init__(
        self,
        store: ReindexStore,
        account_id: str,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[], bool],
        *,
        is_dry: bool,
    ) -> None:
        self._store = store
        self._account = account_id
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._is_dry = is_dry
        self._report = Report(account_id)
        self._uncounted_lists: set[PostingList] = set()
        """Lists without a count, which a dry run does not begin."""
        self._characters: set[str] = set()
        """First characters that are known to be listed, or that a dry run would list."""

    def through(self, point: ResumePoint | None) -> Report:
        """Run from a point to the end, or until the time is over or the table does not answer."""
        while point is not None:
            self._report.resume = point
            if not self._has_time_left():
                return self._report
            try:
                point = self._round(point)
            except TemporarilyUnavailable:
                return self._report
        self._report.resume = None
        return self._report

    def _round(self, point: ResumePoint) -> ResumePoint | None:
        """Read pages until there are enough differences, and repair these. Returns where to go on; None: at the end."""
        found: list[Difference] = []
        reached: ResumePoint | None = point
        for differences, reached in self._pages(point):
            found += differences
            is_before_counts = reached is not None and reached.within is Pass.COUNTS
            if len(found) >= _ENOUGH or (found and is_before_counts) or not self._has_time_left():
                break
        if found:
            self._clock.sleep(SETTLING_S)
            self._repair(found)
        return reached

    # Reading. Each generator yields the differences of a page, and where to go on after it.

    def _pages(self, point: ResumePoint) -> Iterator[tuple[list[Difference], ResumePoint | None]]:
        yield from {
            Pass.CONTACTS: self._read_contacts,
            Pass.POSTINGS: self._read_postings,
            Pass.WORDS: self._read_words,
            Pass.COUNTS: self._read_counts,
        }[point.within](point)
        following = list(Pass)[list(Pass).index(point.within) + 1 :]
        if following:
            yield from self._pages(ResumePoint(following[0]))

    def _read_contacts(self, point: ResumePoint) -> Iterator[tuple[list[Difference], ResumePoint]]:
        known = set(self._directory().posting_lists)
        after: str | None = point.after or None
        while True:
            contacts, after = self._store.contacts(self._account, after)
            expected = [(contact, _derived(contact)) for contact in contacts]
            there = self._store.there(self._account, (one for _, own in expected for one in own))
            self._list(there, known)
            self._report.contacts += len(contacts)
            missing = [(contact, own - there) for contact, own in expected if own - there]
            differences = [
                Difference(contact.id, contact.version, dict.fromkeys(own, True)) for contact, own in missing
            ]
            yield (
                differences,
                ResumePoint(Pass.POSTINGS) if after is None else ResumePoint(Pass.CONTACTS, "", after),
            )
            if after is None:
                return

    def _read_postings(self, point: ResumePoint) -> Iterator[tuple[list[Difference], ResumePoint]]:
        lists = {_digest(*posting_list): posting_list for posting_list in self._directory().posting_lists}
        for digest in sorted(digest for digest in lists if digest >= point.partition):
            after: str | None = point.after if digest == point.partition else None
            while True:
                page, after = self._store.postings(self._account, lists[digest], after or None)
                reached = (
                    _after_partition(Pass.POSTINGS, digest)
                    if after is None
                    else ResumePoint(Pass.POSTINGS, digest, after)
                )
                yield self._orphaned(page), reached
                if after is None:
                    break
        yield [], ResumePoint(Pass.WORDS)

    def _read_words(self, point: ResumePoint) -> Iterator[tuple[list[Difference], ResumePoint]]:
        characters = {_digest(character): character for character in self._directory().characters}
        for digest in sorted(digest for digest in characters if digest >= point.partition):
            passed = point.after if digest == point.partition else ""
            for page in self._pages_of_words(characters[digest], passed):
                yield self._orphaned(page), ResumePoint(Pass.WORDS, digest, _digest(*page[-1]))
            yield [], _after_partition(Pass.WORDS, digest)
        yield [], ResumePoint(Pass.COUNTS)

    def _pages_of_words(self, character: str, passed: str) -> Iterator[list[WordPosting]]:
        """Pages of the words behind the one with the digest `passed`; if that one is gone, of all words."""
        after: WordPosting | None = None
        while True:
            page, after = self._store.words(self._account, character, after)
            if passed:
                position = next((at for at, word in enumerate(page) if _digest(*word) == passed), None)
                page = [] if position is None else page[position + 1 :]
                passed = passed if position is None else ""
            if page:
                yield page
            if after is None:
                break
        if passed:
            yield from self._pages_of_words(character, "")

    def _read_counts(self, point: ResumePoint) -> Iterator[tuple[list[Difference], ResumePoint | None]]:
        lists = {_digest(*posting_list): posting_list for posting_list in self._directory().posting_lists}
        for digest in sorted(digest for digest in lists if digest >= point.partition):
            self._recount(lists[digest])
            yield [], _after_partition(Pass.COUNTS, digest)
        yield [], None

    def _orphaned(self, derived: Iterable[Derived]) -> list[Difference]:
        """The differences of derived items that their contacts do not, or no longer, have."""
        of_contacts: dict[str, set[Derived]] = {}
        for one in derived:
            of_contacts.setdefault(one.contact_id, set()).add(one)
        differences = []
        ids = list(of_contacts)
        for start in range(0, len(ids), _CONTACTS_AT_ONCE):
            chunk = ids[start : start + _CONTACTS_AT_ONCE]
            contacts = self._store.contacts_by_id(self._account, chunk)
            for contact_id in chunk:
                contact = contacts.get(contact_id)
                orphaned = of_contacts[contact_id] - (frozenset() if contact is None else _derived(contact))
                if orphaned:
                    version = None if contact is None else contact.version
                    differences.append(Difference(contact_id, version, dict.fromkeys(orphaned, False)))
        return differences

    def _directory(self) -> Directory:
        found = self._store.directory(self._account)
        self._characters |= found.characters
        return Directory(found.posting_lists | self._uncounted_lists, frozenset(self._characters))

    def _list(self, there: Iterable[Derived], known: set[PostingList]) -> None:
        """List the posting lists and first characters of derived items that exist. `known`: lists that have a count."""
        lists = {one.posting_list for one in there if isinstance(one, Posting)} - known
        for posting_list in lists:
            if self._store.list_posting_list(self._account, posting_list, dry_run=self._is_dry):
                self._report.missing["counts"] += 1
                self._uncounted_lists.add(posting_list)
        known |= lists
        for character in _first_characters(there) - self._characters:
            if self._store.list_character(self._account, character, dry_run=self._is_dry):
                self._report.missing["first_characters"] += 1
            self._characters.add(character)

    # Repairing

    def _repair(self, differences: list[Difference]) -> None:
        """Repair the differences that still exist (in a dry run: look for them), and count them in the report."""
        if self._is_dry:
            confirmed = self._still_different(differences)
        else:
            confirmed = (one for difference in differences for one in self._repaired(difference))
        for derived, should_exist in confirmed:
            kind = "postings" if isinstance(derived, Posting) else "words"
            (self._report.missing if should_exist else self._report.orphaned)[kind] += 1

    def _still_different(self, differences: Iterable[Difference]) -> Iterator[tuple[Derived, bool]]:
        for difference in differences:
            contact_id = difference.contact_id
            contact = self._store.contacts_by_id(self._account, [contact_id], latest=True).get(contact_id)
            if (None if contact is None else contact.version) != difference.version:
                continue
            there = self._store.there(self._account, difference.desired, latest=True)
            yield from (one for one in difference.desired.items() if (one[0] in there) is not one[1])

    def _repaired(self, difference: Difference) -> Iterator[tuple[Derived, bool]]:
        """Repair a difference. Yields the items that had to be written.

        Stops where the contact has changed since: then the projection writes what follows.
        """
        missing = {one for one, should_exist in difference.desired.items() if should_exist}
        for character in _first_characters(missing) - self._characters:
            self._store.list_character(self._account, character, dry_run=False)
            self._characters.add(character)
        try:
            for transaction in transactions(difference.desired, _GUARDED_STEPS):
                yield from self._repaired_at_once(difference, transaction).items()
        except ConcurrentModification:
            return

    def _repaired_at_once(
        self, difference: Difference, desired: Mapping[Derived, bool]
    ) -> Mapping[Derived, bool]:
        """
        Raises:
            ConcurrentModification: the contact has changed.
            Contention, TemporarilyUnavailable.
        """
        repair = partial(self._store.repair, self._account, difference.contact_id, difference.version)
        return apply_derived(repair, desired, self._clock, self._randomness)

    def _recount(self, posting_list: PostingList) -> None:
        """Correct the count of a list. The list has not changed meanwhile if its count has not."""
        for _ in range(_RECOUNTS):
            seen = self._store.count(self._account, posting_list)
            length = self._store.length(self._account, posting_list)
            is_right = length == (0 if seen is None else seen.n)
            try:
                if is_right:
                    self._drop_if_empty(posting_list, seen)
                elif self._is_dry:
                    if self._store.count(self._account, posting_list) != seen:
                        continue
                else:
                    self._store.set_count(self._account, posting_list, seen, length)
            except (ConcurrentModification, Contention):
                continue
            if not is_right:
                self._report.miscounted.append(str(posting_list.kind))
            return
        self._report.uncounted += 1

    def _drop_if_empty(self, posting_list: PostingList, seen: Count | None) -> None:
        if seen is not None and seen.n == 0 and not self._is_dry:
            self._store.drop_count(self._account, posting_list, seen)


def _derived(contact: Contact) -> frozenset[Derived]:
    """The postings and words that a live contact should have."""
    postings = (Posting(posting_list, contact.id) for posting_list in posting_lists(contact))
    return frozenset((*postings, *(WordPosting(word, contact.id) for word in words_of(contact))))


def _first_characters(derived: Iterable[Derived]) -> set[str]:
    """The first characters of the words among derived items."""
    return {one.word[0] for one in derived if isinstance(one, WordPosting)}


def _digest(*parts: str) -> str:
    """What a resume point holds instead of a list, a character or a word: 32 hexadecimal digits."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def _is_digest(text: str) -> bool:
    return len(text) == 32 and not text.strip("0123456789abcdef")


def _after_partition(within: Pass, digest: str) -> ResumePoint:
    """The resume point behind a whole partition."""
    return ResumePoint(within, f"{int(digest, 16) + 1:032x}")
