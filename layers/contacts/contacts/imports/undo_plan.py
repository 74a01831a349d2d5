"""What taking a row back does to its contact: a pure decision on the row's receipt and the contact as it is now.

What somebody has changed since in a field that the row had written stays as it is, and so does every opt-out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from contacts.book.model import MAPS, SCALARS, SEQUENCES, Change, Contact, ContactState, distinct
from contacts.core.errors import InvalidInput
from contacts.core.ids import NameKind
from contacts.imports.rows import digest, print_of

_CONSENT: Final = "is_unsubscribed"
_NAMES: Final = (NameKind.EMAIL, NameKind.EXTERNAL_ID)


class UndoResult(StrEnum):
    """What came of taking a row back: the names of the counts of `Undo`."""

    TRASHED = "trashed"
    RESTORED = "restored"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What is to be done with a contact. `after` None: nothing is to be written."""

    result: UndoResult
    after: Contact | None = None
    becomes: ContactState = ContactState.LIVE


_KEPT: Final = UndoPlan(UndoResult.KEPT)


def undo_plan(
    receipt: Mapping[str, Any], contact: Contact | None, at: str, spared: frozenset[str] = frozenset()
) -> UndoPlan:
    """What taking a row back does. `contact`: the live one with the receipt's id; None: it is gone.

    `at`: now, ISO. `spared`: names that cannot be put back, because other contacts have them.
    """
    if contact is None:
        return _KEPT
    was, now = receipt.get("was"), receipt.get("now")
    if "print" in receipt:
        if print_of(contact) != receipt["print"]:
            return _KEPT
        if was and now and NameKind.EMAIL in was:
            # The row brought it back under another address. In the trash that would lead a newcomer to it: a create
            # brings back who has its address there. So it gets its old names and values, and stays.
            change, _ = _change_back(was, now, contact, spared)
            return UndoPlan(UndoResult.KEPT, _applied(change, contact, at))
        return UndoPlan(UndoResult.TRASHED, _as_it_was(contact, was, now, at), ContactState.DELETED)
    if was is None or now is None:
        return _KEPT  # The receipt had no room for the old values.
    change, is_whole = _change_back(was, now, contact, spared)
    after = _applied(change, contact, at)
    if after is None:
        after = _applied(change.without(*_NAMES), contact, at)
        is_whole = False
    if after is None:
        return _KEPT
    return UndoPlan(UndoResult.RESTORED if is_whole else UndoResult.KEPT, after)


def _as_it_was(
    contact: Contact, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, at: str
) -> Contact:
    """A contact that goes back to the trash, with the values that it had there. Its external_id stays as it is."""
    if was is None or now is None:
        return contact
    change, _ = _change_back(was, now, contact, frozenset(_NAMES))
    return _applied(change, contact, at) or contact


def _applied(change: Change, contact: Contact, at: str) -> Contact | None:
    """The contact after a change; None: it would not change, or nothing would lead to it."""
    try:
        return change.applied_to(contact, at) if change.alters(contact) else None
    except InvalidInput:
        return None


def _change_back(
    was: Mapping[str, Any], now: Mapping[str, Any], contact: Contact, spared: frozenset[str]
) -> tuple[Change, bool]:
    """The change that puts old values back, and whether it puts back all of them."""
    fields: dict[str, object] = {}
    maps: dict[str, dict[str, object]] = {}
    is_whole = True
    for name, old in was.items():
        if name in SCALARS:
            is_theirs = (
                digest(getattr(contact, name)) == now[name] and name not in spared and name != _CONSENT
            )
            if is_theirs:
                fields[name] = old
            is_whole &= is_theirs
        elif name in SEQUENCES:
            fields[name] = _sequence_back(getattr(contact, name), old, now[name])
        elif name in MAPS:
            entries = getattr(contact, name)
            theirs = {key: value for key, value in old.items() if digest(entries.get(key)) == now[name][key]}
            maps[name] = theirs
            is_whole &= len(theirs) == len(old)
    return Change(fields=fields, maps={name: entries for name, entries in maps.items() if entries}), is_whole


def _sequence_back(current: tuple[str, ...], old: list[str], new: list[str]) -> tuple[str, ...]:
    """Tags or lists without those that the row has added, and with those that it has taken away."""
    if list(current) == new:
        return tuple(old)
    added = set(new) - set(old)
    return distinct((*(one for one in current if one not in added), *(one for one in old if one not in new)))
