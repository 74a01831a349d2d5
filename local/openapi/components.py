"""One component for each enumeration and for the JSON objects of anybody's own, wherever the document has them.

A generator of clients makes one class of a component. Of an enumeration inside a parameter or a member it makes a class
for each place, with a name of its own invention (`GetContactBy`, `NewContactMetadataType0`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from contacts.book.model import ValidationStatus
from contacts.book.service import OnConflict
from contacts.core.ids import RefKind
from contacts.events.model import SUBSCRIBABLE, EventType
from contacts.properties.model import OnInvalid
from contacts.search.pages import Sort
from contacts.webhooks.model import DeliveryStatus
from local.openapi.schemas import Schema, of_enum, reference

_ENUMS: Final[tuple[type[StrEnum], ...]] = (
    *(DeliveryStatus, EventType, OnConflict, OnInvalid, RefKind, Sort, ValidationStatus),
)
JSON_OBJECT: Final = "JsonObject"
SUBSCRIBABLE_EVENT: Final = "SubscribableEvent"
_VALUES: Final = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords whose values are no schemas."""


def components() -> dict[str, Schema]:
    """The components that `shared` puts references to, by name."""
    subscribable = of_enum(EventType) | {
        "description": "A type of event, as webhooks receive it and lists show it.",
        "enum": [str(kind) for kind in SUBSCRIBABLE],
    }
    free: Schema = {
        "type": "object",
        "description": "Any JSON object: its members are yours.",
        "additionalProperties": True,
    }
    return {
        **{kind.__name__: of_enum(kind) for kind in _ENUMS},
        SUBSCRIBABLE_EVENT: subscribable,
        JSON_OBJECT: free,
    }


def shared(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with references to components instead of schemas that say the same; those it refers to are added.

    What else a schema says of its place (`description`, `default`) stays beside the reference.
    """
    sharing = _Sharing()
    parts = {key: sharing.of(value) for key, value in document["components"].items() if key != "schemas"}
    made = {**document, "paths": sharing.of(document["paths"]), "webhooks": sharing.of(document["webhooks"])}
    schemas = {
        name: schema if name in sharing.known else sharing.of(schema)
        for name, schema in document["components"]["schemas"].items()
    }
    schemas |= {name: sharing.known[name] for name in sharing.used}
    return made | {"components": {"schemas": dict(sorted(schemas.items())), **parts}}


class _Sharing:
    def __init__(self) -> None:
        self.known = components()
        self.used: set[str] = set()
        self._enums = {tuple(schema["enum"]): name for name, schema in self.known.items() if "enum" in schema}

    def of(self, part: Any) -> Any:
        """A part of the document in which references replace schemas."""
        if isinstance(part, list):
            return [self.of(one) for one in part]
        if not isinstance(part, Mapping):
            return part
        kind, values = part.get("type"), part.get("enum")
        if kind == "string" and isinstance(values, list) and tuple(values) in self._enums:
            return self._refer(self._enums[tuple(values)], part, "type", "enum")
        if part.get("additionalProperties") is True and "properties" not in part:
            refers = self._refer(JSON_OBJECT, part, "type", "additionalProperties")
            if kind == "object":
                return refers
            return {"anyOf": [{"$ref": refers.pop("$ref")}, {"type": "null"}], **refers}
        return {
            key: {name: self.of(one) for name, one in value.items()}
            if key == "properties"
            else value
            if key in _VALUES
            else self.of(value)
            for key, value in part.items()
        }

    def _refer(self, name: str, schema: Mapping[str, Any], *replaced: str) -> Schema:
        self.used.add(name)
        return {**reference(name), **{key: value for key, value in schema.items() if key not in replaced}}
