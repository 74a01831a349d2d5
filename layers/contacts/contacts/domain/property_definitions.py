"""Contact properties: the custom fields that an account has given a type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from contacts.domain.contact import EDITS, Contact
from contacts.domain.errors import FieldError
from contacts.domain.native import ContactOut
from contacts.domain.properties import PropertyType, ValueRule
from contacts.domain.violations import FieldErrorCode, Violation, never_changes

MAX_PROPERTIES: Final = 500
"""Of an account, archived ones included: their names stay taken. Exact, whoever creates at the same moment."""
MAX_LABEL: Final = 255
"""Characters."""
MAX_DESCRIPTION: Final = 500
"""Characters."""
MAX_OPTIONS: Final = 250
"""Of an enum: as many as there are countries."""
MAX_OPTION: Final = 100
"""Characters. All options of a property together stay far below an item's 400 KB."""

CORE_FIELDS: Final = frozenset(
    {*(field.name for field in fields(Contact)), *ContactOut.__annotations__, *EDITS}
)
"""What a contact has of its own, shown, kept or sent: no property is named so, in whatever case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A typed custom field. Name and type never change. Its id is a UUID version 7 of the moment it was made."""

    id: str
    name: str
    """Its key in a contact's `custom_fields`."""
    label: str
    type: PropertyType
    options: tuple[str, ...] = ()
    """Of an enum, in the order in which they are offered."""
    description: str | None = None
    archived: bool = False
    created_at: str
    updated_at: str
    version: int = 1
    """How often it was written, so that of two writers at the same moment one looks again."""

    @property
    def rule(self) -> ValueRule:
        """What its values are checked by."""
        return ValueRule(self.type, self.options, self.archived)

    def changed(self, given: Mapping[str, Any], at: str) -> "Property":
        """The property after a change that `objections` has nothing against: absent keeps, None clears.

        A label that is cleared is the name again.
        """
        changes = {key: value for key, value in given.items() if key not in ("name", "type")}
        if "label" in changes:
            changes["label"] = changes["label"] or self.name
        if "options" in changes:
            changes["options"] = tuple(changes["options"] or ())
        after = replace(self, **changes)
        return replace(after, updated_at=self.updated_at if after == self else at, version=self.version + 1)

    def objections(self, given: Mapping[str, Any]) -> list[FieldError]:
        """What of a change this property cannot take: another name or type, options that its type does not have."""
        errors = [
            FieldError(field, never_changes(getattr(self, field)))
            for field in ("name", "type")
            if field in given and given[field] != getattr(self, field)
        ]
        wrong = wrong_options(self.type, given["options"]) if "options" in given else None
        return errors if wrong is None else [*errors, FieldError("options", wrong)]


def name_objection(name: str) -> Violation | None:
    """Why a property cannot have a well-formed name, if it cannot."""
    if name.lower() not in CORE_FIELDS:
        return None
    return Violation(FieldErrorCode.RESERVED, f"cannot be {name}: every contact has a field of that name")


def wrong_options(kind: PropertyType, options: Sequence[str] | None) -> Violation | None:
    """What is wrong with options, or the lack of them, for a type, if anything is."""
    if kind is PropertyType.ENUM:
        if options:
            return None
        return Violation(FieldErrorCode.REQUIRED, "an enum needs at least one option")
    if options is None:
        return None
    message = f"only an enum has options, and this is a property of type {kind}"
    return Violation(FieldErrorCode.MISPLACED, message)


def described_property(one: Property) -> dict[str, object]:
    """A property as callers see it; only an enum has `options`."""
    return {
        "id": one.id,
        "name": one.name,
        "label": one.label,
        "type": str(one.type),
        **({"options": list(one.options)} if one.type is PropertyType.ENUM else {}),
        "description": one.description,
        "archived": one.archived,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
