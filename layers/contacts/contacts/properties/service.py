"""What callers do with the properties of their account: define, list, read, change, archive, bring back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.book.model import Action, Outcome
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.time import Clock, iso
from contacts.properties.model import Property, PropertyOut, PropertyType, property_out
from contacts.properties.store import PropertyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProperty:
    """What a new property is to be. Without a label it is called by its name."""

    name: str
    type: PropertyType
    label: str | None = None
    options: Sequence[str] = ()
    description: str | None = None


class PropertyService:
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
        return self._store.page(after_id, limit, only=None if archived_too else {"archived": False})

    def property(self, property_id: str) -> PropertyOut:
        """One property, archived or not.

        Raises:
            PropertyNotFound: the account has none with that id.
        """
        return property_out(self._store.existing(property_id))

    def add(self, command: CreateProperty, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Define a property.

        Raises:
            DuplicateProperty: the account has one of that name, maybe an archived one.
            TooManyProperties: it has 500 already, archived ones included.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Property(
            id=uuid7(now, self._randomness(10)),
            name=command.name,
            label=command.label or command.name,
            type=command.type,
            options=tuple(command.options),
            description=command.description,
            created_at=iso(now),
            updated_at=iso(now),
        )
        outcome = Outcome(action=Action.CREATED, details=property_out(new))

        def write() -> Outcome:
            return self._store.add(new, outcome, idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)

    def change(
        self,
        property_id: str,
        given: Mapping[str, Any],
        wrong: Sequence[FieldError],
        idempotency_key: IdempotencyKey | None,
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
            return Outcome(action=Action.UPDATED, details=property_out(after))

        return self._change(property_id, changed, outcome, idempotency_key)

    def archive(self, property_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Have a property's values checked no longer. They stay, and so does its name; once more changes nothing.

        Raises:
            PropertyNotFound: the account has none with that id.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def archived(before: Property, at: str) -> Property:
            return before.changed({"archived": True}, at)

        def outcome(after: Property) -> Outcome:
            return Outcome(action=Action.DELETED, details={"id": after.id, "archived": True})

        return self._change(property_id, archived, outcome, idempotency_key)

    def _change(
        self,
        property_id: str,
        changed: Callable[[Property, str], Property],
        outcome_of: Callable[[Property], Outcome],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Read a property and write what `changed` makes of it (given the time); after a conflict, again."""
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = self._store.existing(property_id)
            after = changed(before, iso(now))
            return self._store.change(before, after, outcome_of(after), idempotency_key, now)

        return run_idempotent(write, idempotency_key, self._clock, self._randomness)
