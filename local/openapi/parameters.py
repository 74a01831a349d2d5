"""Parameters of routes: in the path, in the query, in headers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from contacts.core.errors import StaleVersion
from contacts.web.request import MAX_IDEMPOTENCY_KEY
from contacts.web.routing import Bounded, Moment, QueryParameter, Repeated
from local.openapi import texts
from local.openapi.operations import Served

Parameter = dict[str, Any]

HEADERS: Final[Mapping[str, Parameter]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a request safe to repeat: sent again with the same key it is answered, not carried out. "
        "It stands for what the body says, in any spelling of the same JSON; with another body it is 422.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_IDEMPOTENCY_KEY,
            "pattern": "^[ -~]+$",
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'ETags such as `"3-valid"`, one of which must be of the version that the contact has; '
        "else the answer is 412, and nothing changes.",
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": 'ETags such as `"3-valid"` of what you have already; if one is still right the answer is 304.',
        "schema": {"type": "string"},
    },
}
"""By their names among the components."""


def parameters_of(route: Served) -> list[Parameter]:
    """The parameters of a route, as references where several routes take the same header."""
    found = [_in_path(name) for name in route.binding.path]
    found += [_in_query(name, one) for name, one in route.binding.query.items()]
    headers = []
    if route.is_write:
        headers.append("IdempotencyKey")
    if StaleVersion in route.refuses:
        headers.append("IfMatch")
    if 304 in route.responds:
        headers.append("IfNoneMatch")
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in headers]


def _in_path(name: str) -> Parameter:
    if name not in texts.PATH_PARAMETERS:
        raise ValueError(f"{{{name}}}: PATH_PARAMETERS in local/openapi/texts.py does not say what it is")
    return {"name": name, "in": "path", "required": True, **texts.PATH_PARAMETERS[name]}


def _in_query(name: str, parameter: QueryParameter) -> Parameter:
    schema = _schema(name, parameter.kind)
    if not parameter.is_required and parameter.default is not None:
        schema["default"] = _plain(parameter.default)
    found: Parameter = {"name": name, "in": "query", "description": texts.QUERY_PARAMETERS[name]}
    if parameter.is_required:
        found["required"] = True
    if schema.get("type") == "array":
        found |= {"style": "form", "explode": True}
    return found | {"schema": schema}


def _schema(name: str, kind: Any) -> dict[str, Any]:
    known = texts.NAMED_PARAMETERS.get(name) if kind is str else texts.KINDS.get(kind)
    if issubclass(kind, Repeated):
        assert known is not None, f"{kind.__name__} is missing in texts.KINDS"
        return {"type": "array", "maxItems": kind.most, "items": dict(known)}
    if known is not None:
        return dict(known)
    if issubclass(kind, Bounded):
        return {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    if issubclass(kind, StrEnum):
        return {"type": "string", "enum": [str(value) for value in kind]}
    if issubclass(kind, Moment):
        return {"anyOf": [{"type": "string", "format": name} for name in ("date-time", "date")]}
    if issubclass(kind, bool):
        return {"type": "boolean"}
    assert kind is str, f"{kind.__name__} is missing in texts.KINDS"
    return {"type": "string"}


def _plain(default: Any) -> Any:
    if isinstance(default, bool):
        return default
    return int(default) if isinstance(default, int) else str(default)
