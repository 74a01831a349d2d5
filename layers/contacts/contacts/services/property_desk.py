"""What callers do with the properties of their account: define, list, read, change, archive, bring back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contacts.domain.errors import FieldError, InvalidInput, PropertyNotFound
from contacts.domain.identity import is_uuid, uuid7
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.properties import PropertyType
from contacts.domain.property_definitions import Property, described_property
from contacts.domain.timestamps import iso
from contacts.services.once import once
from contacts.services.ports import Clock, Randomness


class PropertyStore(Protocol):
    """The properties of one account."""

    def by_id(self, property_id: str) -> Property | None:
        """The property with that id."""
        ...

    def in_order(
        self, after_id: str | None, *, archived_too: bool, at_most: int
    ) -> tuple[list[Property], str | None]:
        """Up to `at_most` properties in the order of their making, and the id to go on after (None: that was all)."""
        ...

    def add(self, new: Property, outcome: Outcome, receipt: Receipt | None, at_ms: int) -> None:
        """Write a new one.

        Raises:
            DuplicateProperty, TooManyProperties, AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        ...

    def change(
        self, before: Property, after: Property, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> None:
        """Turn one as it was read into another.

        Raises:
            Moved: it is no longer as it was read.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyWish:
    """What a new property is to be. Without a label it is called by its name."""

    name: str
    type: PropertyType
    label: str | None = None
    options: Sequence[str] = ()
    description: str | None = None


class PropertyDesk:
    """The properties of one account, as its callers see them."""

    def __init__(self, store: PropertyStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def page(
        self, after_id: str | None, limit: int, *, archived_too: bool
    ) -> tuple[list[Property], str | None]:
        """The next up to `limit` properties, the oldest first, and the id to go on after.

        Raises:
            TemporarilyUnavailable.
        """
        return self._store.in_order(after_id, archived_too=archived_too, at_most=limit)

    def property(self, property_id: str) -> dict[str, object]:
        """One property, archived or not.

        Raises:
            PropertyNotFound: the account has none with that id.
        """
        return described_property(self._existing(property_id))

    def add(self, wish: PropertyWish, receipt: Receipt | None) -> Outcome:
        """Define a property.

        Raises:
            DuplicateProperty: the account has one of that name, maybe an archived one.
            TooManyProperties: it has 500 already, archived ones included.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Property(
            id=uuid7(now, self._randomness(10)),
            name=wish.name,
            label=wish.label or wish.name,
            type=wish.type,
            options=tuple(wish.options),
            description=wish.description,
            created_at=iso(now),
            updated_at=iso(now),
        )
        outcome = Outcome(did=Did.CREATED, details=described_property(new))

        def write() -> Outcome:
            self._store.add(new, outcome, receipt, now)
            return outcome

        return self._once(write, receipt)

    def change(
        self,
        property_id: str,
        given: Mapping[str, Any],
        wrong: Sequence[FieldError],
        receipt: Receipt | None,
    ) -> Outcome:
        """Change label, description, the options of an enum, or whether it is archived; absent keeps, None clears.

        `wrong`: what is wrong with the rest of the request, to be told together with what this property cannot take.

        Raises:
            PropertyNotFound: the account has none with that id.
            InvalidInput: another name or type is asked for, or options that its type does not have; or `wrong`.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def changed(before: Property, at: str) -> Property:
            errors = [*wrong, *before.objections(given)]
            if errors:
                raise InvalidInput(errors)
            return before.changed(given, at)

        def outcome(after: Property) -> Outcome:
            return Outcome(did=Did.UPDATED, details=described_property(after))

        return self._move(property_id, changed, outcome, receipt)

    def archive(self, property_id: str, receipt: Receipt | None) -> Outcome:
        """Have a property's values checked no longer. They stay, and so does its name; once more changes nothing.

        Raises:
            PropertyNotFound: the account has none with that id.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def archived(before: Property, at: str) -> Property:
            return before.changed({"archived": True}, at)

        def outcome(after: Property) -> Outcome:
            return Outcome(did=Did.DELETED, details={"id": after.id, "archived": True})

        return self._move(property_id, archived, outcome, receipt)

    def _existing(self, property_id: str) -> Property:
        found = self._store.by_id(property_id.lower()) if is_uuid(property_id) else None
        if found is None:
            raise PropertyNotFound
        return found

    def _move(
        self,
        property_id: str,
        moved: Callable[[Property, str], Property],
        outcome_of: Callable[[Property], Outcome],
        receipt: Receipt | None,
    ) -> Outcome:
        """Read a property and write what becomes of it, again as long as another writer comes in between."""
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = self._existing(property_id)
            after = moved(before, iso(now))
            outcome = outcome_of(after)
            self._store.change(before, after, outcome, receipt, now)
            return outcome

        return self._once(write, receipt)

    def _once(self, write: Callable[[], Outcome], receipt: Receipt | None) -> Outcome:
        return once(write, receipt, self._clock, self._randomness)
