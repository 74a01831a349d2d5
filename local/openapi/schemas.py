"""JSON Schemas of our types: of bodies as pydantic derives them, of answers as their TypedDicts declare them.

Both are made plain: without titles, nulls as a type among types. The schema of an answer `ContactOut` is `Contact`.
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from textwrap import dedent
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import TypeAdapter

from contacts.core.answers import JsonSchema

Schema = dict[str, Any]

REF: Final = "#/components/schemas/"
_SIMPLE: Final = ("string", "integer", "number", "boolean", "array", "object")
_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


def reference(name: str) -> Schema:
    """A reference to a schema of the components."""
    return {"$ref": f"{REF}{name}"}


def name_of(answer: type) -> str:
    """The name of an answer's schema: that of its TypedDict without `Out`."""
    return answer.__name__.removesuffix("Out")


def of_models(models: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of pydantic models and of all they are made of, by name."""
    found: dict[str, Schema] = {}
    for model in models:
        schema = TypeAdapter(model).json_schema(ref_template=f"{REF}{{model}}", mode="validation")
        defined = schema.pop("$defs", {})
        # One that refers to itself stands among its own definitions.
        if "$ref" not in schema:
            found[model.__name__] = schema
        found |= defined
    return {name: plain(schema) for name, schema in found.items()}


def of_answers(answers: Iterable[type]) -> dict[str, Schema]:
    """The schemas of TypedDicts and of all they are made of, by name.

    Raises:
        TypeError: a member has a type that answers do not have.
    """
    found: dict[type, Schema] = {}
    for answer in answers:
        _add(answer, found)
    schemas = {name_of(kind): plain(_in_order(schema)) for kind, schema in found.items()}
    assert len(schemas) == len(found), "two types of answers have the same name"
    return schemas


def _add(kind: type, found: dict[type, Schema]) -> Schema:
    """A reference to the schema of a TypedDict or an enum, which is added to those found."""
    if kind not in found:
        found[kind] = {}  # It may refer to itself.
        found[kind] = _object(kind, found) if is_typeddict(kind) else of_enum(kind)
    return reference(name_of(kind))


def _object(kind: Any, found: dict[type, Schema]) -> Schema:
    texts = _member_texts(kind)
    properties = {}
    for member, hint in get_type_hints(kind, include_extras=True).items():
        annotation = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
        described = {"description": texts[member]} if member in texts else {}
        properties[member] = _schema(annotation, found) | described
    schema = {"type": "object", "description": inspect.getdoc(kind), "properties": properties}
    required = [member for member in properties if member in kind.__required_keys__]
    return schema | ({"required": required} if required else {})


def of_enum(kind: type[Enum]) -> Schema:
    """The schema of an enumeration of texts.

    Generators of clients name its members after their texts. Where these differ in punctuation alone
    (`email`, `-email`), the schema names them (`x-enum-varnames`).
    """
    schema: Schema = {
        "type": "string",
        "description": inspect.getdoc(kind),
        "enum": [one.value for one in kind],
    }
    words = {re.sub(r"\W+", " ", one.value).strip() for one in kind}
    return schema if len(words) == len(kind) else schema | {"x-enum-varnames": [one.name for one in kind]}


def _schema(annotation: Any, found: dict[type, Schema]) -> Schema:
    """The schema of a member's type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        known = annotation.__metadata__[0]
        if isinstance(known, JsonSchema):
            return _schema(arguments[0], found) | known.keywords
        return _add(known, found)
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(one, found) for one in arguments]}
    if origin is Literal and arguments == (True,):
        return {"type": "boolean", "const": True}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], found)}
    if origin is dict:
        return {"type": "object", "additionalProperties": True}
    if annotation is Any:
        return {}
    if annotation in _TYPES:
        return {"type": _TYPES[annotation]}
    if is_typeddict(annotation) or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return _add(annotation, found)
    raise TypeError(f"local/openapi/schemas.py does not know the type {annotation!r} of an answer")


def _member_texts(kind: Any) -> dict[str, str]:
    """The strings below the members of a TypedDict and of those it extends, by member.

    Read from the source: neither those strings nor its bases are left at run time.
    """
    (node,) = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(node, ast.ClassDef)
    texts: dict[str, str] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id != "TypedDict":
            texts |= _member_texts(getattr(sys.modules[kind.__module__], base.id))
    for member, text in zip(node.body, node.body[1:], strict=False):
        match member, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                texts[name] = inspect.cleandoc(said)
    return texts


def _in_order(schema: Any, *, are_members: bool = False) -> Any:
    """A schema with its keywords in alphabetical order, as pydantic has them; members stay in theirs."""
    if isinstance(schema, list):
        return [_in_order(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    keys: Callable[[Mapping[str, Any]], Iterable[str]] = list if are_members else sorted
    return {
        key: _in_order(schema[key], are_members=key == "properties" and not are_members)
        for key in keys(schema)
    }


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
