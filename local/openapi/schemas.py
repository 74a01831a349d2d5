"""JSON Schemas of our types, as pydantic derives them, made plain: without titles, nulls as a type among types."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

Schema = dict[str, Any]

REF: Final = "#/components/schemas/"
_SIMPLE: Final = ("string", "integer", "number", "boolean", "array", "object")


def reference(name: str) -> Schema:
    """A reference to a schema of the components."""
    return {"$ref": f"{REF}{name}"}


def of_types(types: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of types and of all they are made of, by name."""
    found: dict[str, Schema] = {}
    for kind in types:
        adapter = TypeAdapter(kind)
        schema = adapter.json_schema(ref_template=f"{REF}{{model}}", mode="validation")
        defined = schema.pop("$defs", {})
        # One that refers to itself stands among its own definitions.
        if "$ref" not in schema:
            found[_name(kind)] = schema
        found |= defined
    return {name: plain(schema) for name, schema in found.items()}


def plain(schema: Any) -> Any:
    """The same schema as a person would write it."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: plain(one) for name, one in value.items()}
        elif key not in ("title", "default") or (key == "default" and value is not None):
            made[key] = plain(value) if key not in ("enum", "const", "examples", "default") else value
    return _with_null_among_types(made)


def _with_null_among_types(schema: Schema) -> Schema:
    choices = schema.get("anyOf", [])
    others = [choice for choice in choices if choice != {"type": "null"}]
    if len(choices) != 2 or len(others) != 1 or others[0].get("type") not in _SIMPLE or "enum" in others[0]:
        return schema
    (other,) = others
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {"type": [other["type"], "null"], **{k: v for k, v in other.items() if k != "type"}, **rest}


def _name(kind: Any) -> str:
    name: str = kind.__name__
    return name
