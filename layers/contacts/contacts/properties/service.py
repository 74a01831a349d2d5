"""What callers do with the properties of their account: define, list, read, change, archive, bring back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.book.model import Action, Outcome
from contacts.core.errors import FieldError, InvalidInput, PropertyNotFound
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, is_uuid, uuid7
from contacts.core.time import Clock, iso
from contacts.properties.model import (
    ContactInput,
    Property,
    PropertyType,
    ValueRule,
    described_property,
    validate,
)
from contacts.properties.store import PropertyStore, ValueRules


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
        return self._store.in_order(after_id, archived_too=archived_too, at_most=limit)

    def property(self, property_id: str) -> dict[str, object]:
        """One property, archived or not.

        Raises:
            PropertyNotFound: the account has none with that id.
        """
        return described_property(self._existing(property_id))

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
        outcome = Outcome(action=Action.CREATED, details=described_property(new))

        def write() -> Outcome:
            self._store.add(new, outcome, idempotency_key, now)
            return outcome

        return self._once(write, idempotency_key)

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
            return Outcome(action=Action.UPDATED, details=described_property(after))

        return self._move(property_id, changed, outcome, idempotency_key)

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

        return self._move(property_id, archived, outcome, idempotency_key)

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
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Read a property and write what becomes of it, again as long as another writer comes in between."""
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = self._existing(property_id)
            after = moved(before, iso(now))
            outcome = outcome_of(after)
            self._store.change(before, after, outcome, idempotency_key, now)
            return outcome

        return self._once(write, idempotency_key)

    def _once(self, write: Callable[[], Outcome], idempotency_key: IdempotencyKey | None) -> Outcome:
        return run_idempotent(write, idempotency_key, self._clock, self._randomness)


class TypedFields:
    """The custom fields of one account's contacts."""

    def __init__(self, rules: ValueRules) -> None:
        self._rules = rules

    def rules_for(self, inputs: Iterable[ContactInput]) -> Mapping[str, ValueRule]:
        """What the custom fields of one contact or many are validated by; read at once, for all of them.

        Where no value can be wrong, nothing is read. A property that changes in this very moment may count as it was
        or as it becomes.

        Raises:
            TemporarilyUnavailable.
        """
        names = dict.fromkeys(name for given in inputs for name in given.typed_names)
        return self._rules.rules(list(names)) if names else {}

    def validate(self, given: ContactInput) -> ContactInput:
        """One contact's input, validated.

        Raises:
            TemporarilyUnavailable.
        """
        return validate(given, self.rules_for([given]))
