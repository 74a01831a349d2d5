"""Stores contacts in the table: `OptOuts`, `ContactStore`, `MergeStore`, and the conditions that they share.

An opt-out is an item for an email address that has opted out. Its key is an HMAC of the address, so the item does not
reveal it. It stays when the contact is erased or takes another address: the next contact with the address has opted
out, too (docs/consent.md).
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from contacts.accounts.model import AccountSecret
from contacts.book.model import (
    KIND,
    MAPS,
    MAX_BYTES,
    TRASH_DAYS,
    Absent,
    Change,
    Claim,
    Contact,
    ContactState,
    Merge,
    NamesNotFree,
    NotInPlace,
    Outcome,
    Quiet,
    Transition,
    VersionDiffers,
    contact_from,
    contact_values,
    tombstone_item,
)
from contacts.core.errors import ContactTooLarge, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Name, NameKind, Randomness
from contacts.core.json import MAX_VALUES, json_values
from contacts.core.text import spellings
from contacts.core.time import DAY, iso
from contacts.table import keys
from contacts.table.client import MAX_STEPS, ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step, entry_size, item_size, to_attribute
from contacts.table.records import RECORD_STEPS, write_recorded

QUIET: Final = "quiet"
"""The attribute of a contact's item whose last write not everybody has to hear of (`Quiet`): the event source mappings
in template.yaml leave out records whose new image has it. Every other write of a contact removes it, in its own
expression.
"""
_KEY_AND_BOOKKEEPING_BYTES: Final = 256
"""Upper bound for PK, SK, kind, size_bound, values_bound, change_id, quiet and the longest verdict on an email with
their names (226 bytes), and for the item's own overhead."""
_OF_THE_VERDICT: Final = {"validation_status": None, "validation_reason": None}
"""Not measured: a verdict comes at any time, and must neither be refused nor make a later change too large."""


def absorbed_value(name: Name) -> str:
    """How a name of a merged contact stands in `absorbed`."""
    return f"{name.kind}:{name.value}"


def contact_item(contact: Contact, change_id: str, before: Contact | None = None) -> dict[str, object]:
    """The attributes of a contact's item, without its key. `before`: the contact before the change; None: it is new.

    Raises:
        ContactTooLarge: it would exceed 350 KB, or 10,000 JSON values.
    """
    values = contact_values(contact)
    return {
        **values,
        "kind": KIND,
        "size_bound": measured(values),
        "values_bound": counted(contact, before),
        "change_id": change_id,
    }


def counted(contact: Contact, before: Contact | None) -> int:
    """How many JSON values a contact has.

    One that has more than it may, since before that was so, can still be changed as long as it gets no more of them.

    Raises:
        ContactTooLarge: it would exceed 10,000; names the map that has most of them.
    """
    # A contact's bytes bound them, so they are counted to their end.
    number = json_values((contact.custom_fields, contact.metadata), MAX_BYTES)
    if number > MAX_VALUES:
        had = 0 if before is None else json_values((before.custom_fields, before.metadata), MAX_BYTES)
        if number > had:
            field = max(MAPS, key=lambda name: json_values((getattr(contact, name),), MAX_BYTES))
            raise ContactTooLarge(number, MAX_VALUES, "JSON values in custom_fields and metadata", field)
    return number


def measured(values: Mapping[str, object]) -> int:
    """An upper bound of the item's bytes.

    Raises:
        ContactTooLarge: it would exceed 350 KB.
    """
    size = item_size({**values, **_OF_THE_VERDICT}) + _KEY_AND_BOOKKEEPING_BYTES
    if size > MAX_BYTES:
        raise ContactTooLarge(size, MAX_BYTES)
    return size


class OptOuts:
    """The email addresses of one account that have opted out."""

    def __init__(self, table: Table, account_id: str, secret: AccountSecret) -> None:
        self._table = table
        self._account = account_id
        self._secret = secret

    def include_any_of(self, emails: Iterable[str]) -> bool:
        """Whether at least one address has opted out. One GetItem for each, strongly consistent."""
        return any(self._table.get(self._key(email)) is not None for email in emails)

    def put_step(self, email: str) -> Step:
        """Returns the step that records an opt-out; it may exist already."""
        return self._table.put_step("opt-out", self._key(email), {})

    def delete_step(self, email: str) -> Step:
        """Returns the step that removes an opt-out."""
        return self._table.delete_step("opt-out", self._key(email))

    def hmac_of(self, email: str) -> str:
        """Returns what stands for an address in keys: an HMAC-SHA256 (hex) under the account's secret."""
        return hmac.digest(self._secret.derived("opt-outs"), email.encode(), "sha256").hex()

    def _key(self, email: str) -> keys.Key:
        return keys.opt_out(self._account, self.hmac_of(email))


UNKNOWN: Final = (
    "The answer of the table was lost and the contact has changed since: read it before trying again."
)
"""The SDK sent a call twice, and the second failed its condition: whether the first succeeded is unknown."""
_CONTACT: Final = "contact"
_TRASH: Final = "trash"
_TOMBSTONE: Final = "tombstone"
_MERGED: Final = "merged"
_STATE_STEPS: Final = frozenset({_CONTACT, _TRASH, _TOMBSTONE, _MERGED})
"""The steps whose conditions say in which state a contact is. A claim's step is none of them."""


class ContactStore:
    """Reads and writes the contacts of one account. Each method states its calls to DynamoDB."""

    def __init__(
        self, table: Table, account_id: str, opt_outs: OptOuts, randomness: Randomness, now_s: int
    ) -> None:
        """`now_s`: time of the request in seconds since the epoch. Items whose ttl is before it count as deleted."""
        self._table = table
        self._account = account_id
        self._opt_outs = opt_outs
        self._randomness = randomness
        self._now_s = now_s

    # Reads

    def by_id(self, contact_id: str) -> Contact | None:
        """Returns the live contact with an id. One GetItem."""
        item = self._table.get(keys.contact(self._account, contact_id))
        return None if item is None else contact_from(item)

    def trashed(self, contact_id: str) -> Contact | None:
        """Returns the contact with an id from the trash. One GetItem."""
        item = self._table.get(keys.trash(self._account, contact_id))
        if item is None or item["ttl"] <= self._now_s:
            return None
        return contact_from(item["snapshot"])

    def deleted_at(self, contact_id: str) -> str | None:
        """When a contact was moved to the trash (ISO 8601); None: it is not there. One GetItem."""
        item = self._table.get(keys.trash(self._account, contact_id))
        return None if item is None or item["ttl"] <= self._now_s else str(item["deleted_at"])

    def claim(self, name: Name) -> Claim | None:
        """Returns the claim on a name, unless it has expired. One GetItem."""
        claim = _claim_from(self._table.get(keys.claim(self._account, name)))
        return None if claim is None or self._has_expired(claim) else claim

    # Writes

    def change_in_place(
        self, contact_id: str, change: Change, at_ms: int, *, named: Name | None, versions: Sequence[int]
    ) -> Contact:
        """Changes a live contact without reading it, and returns it. One UpdateItem.

        A change that alters nothing writes nothing, and returns the contact as it is.

        `named`, `versions`: the contact must have this name, and one of these versions (empty: any). A change of
        `is_unsubscribed` needs a `Transition`, as opt-outs change with it.

        Raises:
            Absent, VersionDiffers: a condition did not hold.
            NotInPlace: the change requires reading the contact first: consent changes, or it may become too large.
            TemporarilyUnavailable: the outcome is unknown.
        """
        at, change_id = iso(at_ms), self._change_id()
        expression = Expression()
        added = _change_fields(expression, change)
        values = json_values(change.maps.values(), MAX_VALUES)
        if added > MAX_BYTES or values > MAX_VALUES:
            raise NotInPlace  # DynamoDB refuses values of more than 400 KB before it checks conditions.
        expression.increase("version", 1)
        expression.set("updated_at", at)
        expression.set("change_id", change_id)
        expression.remove(QUIET)
        expression.require(expression.is_there())
        # The SDK repeats a call whose response was lost. The repetition must not change the contact again.
        expression.require(f"{expression.name('change_id')} <> {expression.value(change_id)}")
        if named is not None:
            expression.require(has_name(expression, named))
        if versions:
            choices = ", ".join(expression.value(version) for version in versions)
            expression.require(f"{expression.name('version')} IN ({choices})")
        if added:
            expression.increase("size_bound", added)
            expression.require(f"{expression.name('size_bound')} <= {expression.value(MAX_BYTES - added)}")
        if values:
            _count_values(expression, values, added)
        try:
            return contact_from(
                self._table.update(_CONTACT, keys.contact(self._account, contact_id), expression)
            )
        except ConditionsFailed as failed:
            existing = failed.items[_CONTACT]
            if existing is not None and existing["change_id"] == change_id:
                return contact_from(existing)
            refusal = _refusal(existing, named, versions)
            same = _as_it_is(existing, refusal, change)
            if same is not None:
                return same
            if failed.is_repetition:
                raise TemporarilyUnavailable(UNKNOWN) from None
            raise refusal from None

    def apply(self, transition: Transition) -> Outcome:
        """Writes a transition; returns its outcome. One transaction, or one plain call if only one item changes.

        Before it, one GetItem for each email that a subscribed contact takes: if that address has opted out, so does
        the contact. And one for an external_id that it takes and that can be spelled in another way (`é`). A subscribed
        contact that takes a name from one in the trash takes its opt-out along: then the transaction fails, and comes
        again after a GetItem of that contact.

        Raises:
            NamesNotFree: other contacts have names that the transition needs.
            ConcurrentModification: the contact has changed since it was read.
            AlreadyRecorded, TemporarilyUnavailable.
        """
        transition = self._with_opt_outs(transition)
        after = transition.after if transition.becomes is ContactState.LIVE else None
        if after is None or after.is_unsubscribed or transition.spares_trashed.issuperset(after.names):
            return self._apply(transition)
        try:
            return self._apply(replace(transition, spares_trashed=frozenset(after.names)))
        except NamesNotFree as taken:
            had = () if transition.before is None else transition.before.without(transition.lost).names
            in_trash = {
                name: claim
                for name, claim in taken.claims.items()
                if claim is not None
                and claim.state is ContactState.DELETED
                and name not in transition.spares_trashed
                and name not in had
            }
            others = {name: claim for name, claim in taken.claims.items() if name not in in_trash}
            if others:
                raise NamesNotFree(others) from None
        owners = [self.trashed(claim.contact_id) for claim in in_trash.values()]
        if any(owner is not None and owner.is_unsubscribed for owner in owners):
            transition = transition.opted_out()
        return self._apply(transition)

    def _apply(self, transition: Transition) -> Outcome:
        """Raises: as `apply`."""
        claims = dict(self._claim_steps(transition))
        self._check_look_alikes(transition, claims)
        steps = [*self._contact_steps(transition), *claims.values()]
        before = None if transition.before is None else transition.before.without(transition.lost)
        live = transition.after if transition.becomes is ContactState.LIVE else None
        steps = with_opt_outs(self._table, steps, opt_out_steps(self._opt_outs, before, live))
        contact = transition.after or transition.before
        about = None if contact is None else contact.id
        try:
            write_recorded(
                self._table,
                steps,
                self._account,
                transition.idempotency_key,
                self._to_record(transition),
                about,
                transition.at_ms,
            )
        except ConditionsFailed as failed:
            if transition.idempotency_key is None and self._is_ours(failed.items.get(_CONTACT), steps):
                return transition.outcome
            if failed.is_repetition:
                raise TemporarilyUnavailable(UNKNOWN) from None
            if not _STATE_STEPS.isdisjoint(failed.items):
                raise ConcurrentModification from None
            raise NamesNotFree(
                {
                    name: _claim_from(failed.items[step.name])
                    for name, step in claims.items()
                    if step.name in failed.items
                }
            ) from None
        return transition.outcome

    def _with_opt_outs(self, transition: Transition) -> Transition:
        """The transition; if it gives an address that has opted out to a subscribed contact, with that one opted out.

        One GetItem for each address that a subscribed contact takes.
        """
        is_subscribed = transition.after is not None and not transition.after.is_unsubscribed
        if is_subscribed and self._opt_outs.include_any_of(transition.taken_emails):
            return transition.opted_out()
        return transition

    def _to_record(self, transition: Transition) -> Outcome:
        """What is recorded under the Idempotency-Key: the outcome, unless a store that has more to remember says so."""
        return transition.outcome

    def _is_ours(self, existing: Item | None, steps: Sequence[Step]) -> bool:
        """Whether a plain update failed only because the SDK repeated it after it had succeeded."""
        if existing is None or len(steps) != 1 or steps[0].kind != "Update":
            return False
        values = steps[0].request["ExpressionAttributeValues"].values()
        return {"S": existing["change_id"]} in values

    def _contact_steps(self, transition: Transition) -> Iterable[Step]:
        before, after, table = transition.before, transition.after, self._table
        contact = before or after
        assert contact is not None, "a transition needs a contact"
        live = keys.contact(self._account, contact.id)
        trash = keys.trash(self._account, contact.id)
        if transition.was is ContactState.LIVE and transition.becomes is ContactState.LIVE:
            assert before is not None
            assert after is not None
            expression = difference(before, after, quiet=transition.quiet)
            expression.set("change_id", self._change_id())
            yield table.update_step(_CONTACT, live, expression)
            return
        if transition.was is ContactState.LIVE:
            assert before is not None
            yield table.delete_step(_CONTACT, live, unchanged(Expression(), before))
        if transition.was is ContactState.DELETED:
            assert before is not None
            expression = Expression()
            version = expression.name("snapshot", "version")
            expression.require(f"{version} = {expression.value(before.version)}")
            yield table.delete_step(_TRASH, trash, expression)
        if transition.becomes is ContactState.LIVE:
            assert after is not None
            expression = Expression()
            expression.require(expression.is_free())
            item = contact_item(after, self._change_id(), before)
            if transition.quiet is not None:
                item[QUIET] = transition.quiet.value
            if transition.quiet is Quiet.ALL and transition.was is None:
                yield from self._gone_steps(contact.id)
            yield table.put_step(_CONTACT, live, item, expression)
        if transition.becomes is ContactState.DELETED:
            assert after is not None
            snapshot = contact_item(after, self._change_id(), before)
            del snapshot["kind"]
            yield table.put_step(
                _TRASH,
                trash,
                {
                    "snapshot": {key: value for key, value in snapshot.items() if value is not None},
                    "deleted_at": iso(transition.at_ms),
                    "ttl": _trash_ends(transition.at_ms),
                    QUIET: None if transition.quiet is None else transition.quiet.value,
                },
            )
        if transition.becomes is None:
            told = None if transition.quiet is Quiet.ALL else contact.version
            yield table.put_step(
                _TOMBSTONE,
                keys.tombstone(self._account, contact.id),
                tombstone_item(told, transition.at_ms, contact.merged_ids),
            )

    def _gone_steps(self, contact_id: str) -> Iterable[Step]:
        """The conditions under which a contact that is in no state may be put under an id that it had before.

        It is not in the trash, was not erased and was not merged into another contact.
        """
        places = {
            _TRASH: keys.trash(self._account, contact_id),
            _TOMBSTONE: keys.tombstone(self._account, contact_id),
            _MERGED: keys.claim(self._account, Name(NameKind.ALIAS, contact_id)),
        }
        for name, key in places.items():
            expression = Expression()
            expression.require(expression.is_free())
            yield self._table.check_step(name, key, expression)

    def _claim_steps(self, transition: Transition) -> Iterable[tuple[Name, Step]]:
        """The steps that write and delete claims, so that they match the contact's names, each with its name."""
        contact = transition.before or transition.after
        assert contact is not None
        had = () if transition.before is None else transition.before.without(transition.lost).names
        has = (
            transition.after.names
            if transition.after is not None and transition.becomes is ContactState.LIVE
            else ()
        )
        for name in has:
            if name in had and transition.was is ContactState.LIVE:
                continue
            if name in had:
                expression = Expression()
                expression.require(is_owned(expression, contact.id, ContactState.DELETED))
            else:
                expression = self._takable(contact.id, spare_trashed=name in transition.spares_trashed)
            live = {"contact_id": contact.id, "state": ContactState.LIVE}
            yield name, self._put_claim(name, live, expression)
        for name in had:
            if name in has:
                continue
            expression = Expression()
            expression.require(is_owned(expression, contact.id, transition.was))
            if transition.becomes is ContactState.DELETED:
                claim = {
                    "contact_id": contact.id,
                    "state": ContactState.DELETED,
                    "ttl": _trash_ends(transition.at_ms),
                }
                yield name, self._put_claim(name, claim, expression)
            else:
                key = keys.claim(self._account, name)
                yield name, self._table.delete_step(claim_step(name), key, expression)

    def _check_look_alikes(self, transition: Transition, claims: Mapping[Name, Step]) -> None:
        """
        Raises:
            NamesNotFree: another live contact has an external_id in another spelling, as an earlier release stored it.
        """
        contact = transition.after
        if contact is None:
            return
        had = () if transition.before is None else transition.before.names
        taken = [name for name in claims if name.kind is NameKind.EXTERNAL_ID and name not in had]
        others = [name._replace(value=one) for name in taken for one in spellings(name.value)[1:]]
        found = {
            name: claim for name in others if (claim := self.claim(name)) and _is_of_other(claim, contact)
        }
        if found:
            owned = {name: self.claim(name) for name in claims}
            rest = {name: claim for name, claim in owned.items() if claim and _is_of_other(claim, contact)}
            if rest.keys().isdisjoint(taken):  # Else the transaction tells who has the very name.
                raise NamesNotFree({**found, **rest})

    def _put_claim(self, name: Name, claim: Mapping[str, object], expression: Expression) -> Step:
        return self._table.put_step(claim_step(name), keys.claim(self._account, name), claim, expression)

    def _takable(self, contact_id: str, *, spare_trashed: bool) -> Expression:
        """The condition under which a contact may take a name that it does not have.

        `spare_trashed`: do not take the name from a contact in the trash.
        """
        expression = Expression()
        state, deleted = expression.name("state"), expression.value(ContactState.DELETED)
        in_trash = f"{state} = {deleted}"
        if spare_trashed:
            in_trash += f" AND {expression.name('ttl')} <= {expression.value(self._now_s)}"
        own = f"{expression.name('contact_id')} = {expression.value(contact_id)}"
        expression.require(f"({expression.is_free()} OR ({in_trash}) OR {own})")
        return expression

    def _has_expired(self, claim: Claim) -> bool:
        return claim.expires_at is not None and claim.expires_at <= self._now_s

    def _change_id(self) -> str:
        return self._randomness(9).hex()


def _refusal(existing: Item | None, named: Name | None, versions: Sequence[int]) -> Exception:
    """Returns the exception for a change in place that failed its condition."""
    if existing is None:
        return Absent()
    contact = contact_from(existing)
    if named is not None and named not in contact.names:
        return Absent()
    if versions and contact.version not in versions:
        return VersionDiffers()
    return NotInPlace()


def _as_it_is(existing: Item | None, refusal: Exception, change: Change) -> Contact | None:
    """Returns the contact if the change was refused because it alters nothing of it, else None."""
    if existing is None or not isinstance(refusal, NotInPlace):
        return None
    contact = contact_from(existing)
    return None if change.alters(contact) else contact


def _trash_ends(at_ms: int) -> int:
    return at_ms // 1000 + TRASH_DAYS * DAY


def claim_step(name: Name) -> str:
    """Returns the name of the transaction step that writes a claim."""
    return f"claim {name.kind} {name.value}"


def _claim_from(item: Item | None) -> Claim | None:
    if item is None:
        return None
    return Claim(item["contact_id"], ContactState(item["state"]), item.get("ttl"))


def _is_of_other(claim: Claim, contact: Contact) -> bool:
    """Whether a name belongs to another contact, and that one is live."""
    return claim.state is ContactState.LIVE and claim.contact_id != contact.id


def is_owned(expression: Expression, contact_id: str, state: ContactState | None) -> str:
    """Returns the condition that a claim belongs to a contact, in this state."""
    owner = expression.equals("contact_id", contact_id)
    return f"{owner} AND {expression.equals('state', state)}"


def has_name(expression: Expression, name: Name) -> str:
    """Returns the condition that a contact has a name, its own or a merged one."""
    merged_names = f"contains({expression.name('absorbed')}, {expression.value(absorbed_value(name))})"
    if name.kind is NameKind.ALIAS:
        return merged_names
    return f"({expression.equals(name.kind, name.value)} OR {merged_names})"


def unchanged(expression: Expression, before: Contact) -> Expression:
    """Requires that neither a caller nor an email validation has changed the contact since it was read."""
    expression.require(expression.equals("version", before.version))
    expression.require(expression.equals("validation_status", before.validation_status))
    expression.require(expression.equals("validation_reason", before.validation_reason))
    return expression


def difference(before: Contact, after: Contact, *, quiet: Quiet | None = None) -> Expression:
    """Returns the update that turns the stored contact `before` into `after`, if it is still `before`.

    The stream's readers hear of it, but for those of `quiet`, whatever they were to hear of the write before it.
    """
    expression = unchanged(Expression(), before)
    expression.assign(QUIET, None if quiet is None else quiet.value)
    old, new = contact_values(before), contact_values(after)
    for attribute, value in new.items():
        # Compared as DynamoDB attributes: in Python, 1 equals True.
        if to_attribute(value) == to_attribute(old[attribute]):
            continue
        expression.assign(attribute, value)
    expression.set("size_bound", measured(new))
    expression.set("values_bound", counted(after, before))
    return expression


def opt_out_steps(opt_outs: OptOuts, before: Contact | None, after: Contact | None) -> list[Step]:
    """Returns the steps that update the opt-outs of a contact's addresses. `after`: None unless it is live then.

    - When a contact opts out, all its addresses do; so do the addresses that it takes later.
    - An address that leaves an opted-out contact stays opted out. (Its item exists already, unless the contact opted
      out before such items were introduced.)
    - When a contact subscribes again, the opt-outs of its addresses are removed.
    """
    had = before.emails if before is not None and before.is_unsubscribed else frozenset()
    if after is not None and before is not None and not after.is_unsubscribed:
        return [opt_outs.delete_step(email) for email in sorted(had)]
    has = after.emails if after is not None and after.is_unsubscribed else frozenset()
    return [opt_outs.put_step(email) for email in sorted(had ^ has)]


def with_opt_outs(table: Table, steps: Sequence[Step], opt_outs: Sequence[Step]) -> list[Step]:
    """Returns the steps of one transaction, with the steps of opt-outs.

    If these are too many for one transaction, the opt-outs are written before it. If the transaction then fails, some
    addresses stay opted out without need, which is the safe side.
    """
    if len(steps) + len(opt_outs) + RECORD_STEPS <= MAX_STEPS:
        return [*steps, *opt_outs]
    table.write(opt_outs)
    return list(steps)


def _count_values(expression: Expression, added: int, added_bytes: int) -> None:
    """Adds JSON values to a contact's count, on condition that the contact certainly stays within the limit.

    An item of an earlier release may lack `values_bound`. As each value takes at least a byte, a small contact has few
    values; its count is then set to the limit.
    """
    bound, size = expression.name("values_bound"), expression.name("size_bound")
    has_room = f"{bound} <= {expression.value(MAX_VALUES - added)}"
    is_small = f"{size} <= {expression.value(MAX_VALUES - added_bytes)}"
    expression.require(f"({has_room} OR {is_small})")
    expression.increase("values_bound", added, otherwise=MAX_VALUES)


def _change_fields(expression: Expression, change: Change) -> int:
    """Adds a change to an update expression, as `Change.applied_to` does it; returns how many bytes it may add.

    The expression requires that something changes. `name` does not count: with the same first and last name, what is
    shown may stay the same where it is set or removed. The caller reads the contact to tell.
    """
    added = 0
    unchanged: list[str] = []
    for attribute, value in change.fields.items():
        if attribute == "is_unsubscribed":
            expression.require(expression.equals(attribute, value))
        else:
            condition = expression.remove(attribute) if value is None else expression.set(attribute, value)
            unchanged += [] if attribute == "name" else [condition]
            added += 0 if value is None else entry_size(attribute, value)
    for attribute, entries in change.maps.items():
        if entries is None:
            unchanged.append(expression.set(attribute, {}))
            continue
        for key, value in entries.items():
            if value is None:
                unchanged.append(expression.remove(attribute, key))
            else:
                unchanged.append(expression.set((attribute, key), value))
                added += entry_size(key, value)
        # As an earlier release may have stored them.
        others = {spelling: None for key in entries for spelling in spellings(key) if spelling not in entries}
        unchanged += [expression.remove(attribute, spelling) for spelling in others]
    # Where the flag alone is given, the contact changes in place only if it does not change.
    expression.require(f"NOT ({' AND '.join(unchanged)})" if unchanged else expression.never())
    return added


_WINNER: Final = "winner"
_LOSER: Final = "loser"


class MergeStore:
    """Writes merges of contacts of one account."""

    def __init__(self, table: Table, account_id: str, opt_outs: OptOuts, randomness: Randomness) -> None:
        self._table = table
        self._account = account_id
        self._opt_outs = opt_outs
        self._randomness = randomness

    def merge(self, merge: Merge) -> None:
        """Writes a merge. One transaction, on condition that both contacts and all claims are as they were read.

        Raises:
            ConcurrentModification: a contact or a claim has changed.
            ContactTooLarge, AlreadyRecorded, TemporarilyUnavailable.
        """
        steps = with_opt_outs(
            self._table, self._steps(merge), opt_out_steps(self._opt_outs, merge.winner, merge.after)
        )
        try:
            write_recorded(
                self._table,
                steps,
                self._account,
                merge.idempotency_key,
                merge.outcome,
                merge.winner.id,
                merge.at_ms,
            )
        except ConditionsFailed:
            raise ConcurrentModification from None

    def check(self, merge: Merge) -> None:
        """Checks that a merge could be written, and writes nothing. No call.

        Raises:
            ContactTooLarge.
        """
        self._steps(merge)

    def _steps(self, merge: Merge) -> list[Step]:
        return [*self._contact_steps(merge), *self._claim_steps(merge)]

    def _contact_steps(self, merge: Merge) -> Iterable[Step]:
        expression = difference(merge.winner, merge.after)
        expression.set("change_id", self._randomness(9).hex())
        yield self._table.update_step(_WINNER, keys.contact(self._account, merge.winner.id), expression)
        loser = keys.contact(self._account, merge.loser.id)
        yield self._table.delete_step(_LOSER, loser, unchanged(Expression(), merge.loser))

    def _claim_steps(self, merge: Merge) -> Iterable[Step]:
        """The steps that lead the loser's names to the winner, and make the loser's id one of its names."""
        for name in merge.loser.names:
            expression = Expression()
            expression.require(is_owned(expression, merge.loser.id, ContactState.LIVE))
            expression.set("contact_id", merge.winner.id)
            yield self._table.update_step(claim_step(name), keys.claim(self._account, name), expression)
        alias, expression = Name(NameKind.ALIAS, merge.loser.id), Expression()
        expression.require(expression.is_free())
        claim = {"contact_id": merge.winner.id, "state": ContactState.LIVE}
        yield self._table.put_step(claim_step(alias), keys.claim(self._account, alias), claim, expression)


_MERGES: Final = 5
"""How often one looks for where a contact went: it is only seen moving if the winner is merged away at this moment."""


class ContactReader:
    """Reads a contact by its id, wherever it is: live, in the trash, or merged into another one."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """One GetItem; where nobody lives there one in the trash, and one more: it may be restored in between. Where
        there is none, the one that it was merged into.
        """
        found: str | None = contact_id
        for _ in range(_MERGES):
            if found is None:
                break
            contact = self._with_id(account_id, found)
            if contact is not None:
                return contact
            before, found = found, self._merged_into(account_id, contact_id)
            if found == before:
                break
        return None

    def _with_id(self, account_id: str, contact_id: str) -> Contact | None:
        return (
            self._live(account_id, contact_id)
            or self._trashed(account_id, contact_id)
            or self._live(account_id, contact_id)
        )

    def _merged_into(self, account_id: str, contact_id: str) -> str | None:
        claim = self._table.get(keys.claim(account_id, Name(NameKind.ALIAS, contact_id)))
        return None if claim is None else claim["contact_id"]

    def _live(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.contact(account_id, contact_id))
        return None if item is None else contact_from(item)

    def _trashed(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.trash(account_id, contact_id))
        return None if item is None else contact_from(item["snapshot"])
