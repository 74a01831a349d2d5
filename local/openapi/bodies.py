"""Bodies of requests: the schemas of their models, and the sample events as examples."""

import json
from typing import Any

from contacts.book.batch import MAX_ITEMS
from contacts.book.batch_schemas import Batch
from contacts.core.ids import RefKind
from local.openapi import texts
from local.openapi.operations import Served
from local.openapi.schemas import Schema, of_models, reference
from local.stack import ROOT


def body_of(route: Served) -> dict[str, Any]:
    """The body that a route takes."""
    content: dict[str, Any] = {"schema": reference(route.body.__name__)}
    example = sample(route)
    if example is not None:
        content["examples"] = {"sample": {"value": example}}
    return {"required": route.body.is_required, "content": {"application/json": content}}


def sample(route: Served) -> Any:
    """The body of the sample event of a route's operation."""
    event = json.loads((ROOT / "events" / f"{route.operation.name}.json").read_text(encoding="utf-8"))
    return json.loads(event["body"]) if event.get("body") else None


def body_schemas(models: list[Any]) -> dict[str, Schema]:
    """The schemas of bodies and of what they are made of, by name."""
    found = of_models(models)
    for name, schema in found.items():
        if name in texts.MODELS:
            schema["description"] = texts.MODELS[name]
        if name.endswith("Change"):  # Absent keeps: what the model has there instead is never looked at.
            for field in schema["properties"].values():
                field.pop("default", None)
        for field, known in texts.FIELDS.get(name, {}).items():
            if field in schema["properties"]:
                schema["properties"][field] = _known_better(schema["properties"][field], known)
    if "NewContact" in found:
        # Not an `anyOf`: generators of clients would make two types of it, or none.
        found["NewContact"] |= {"if": {"not": _with("email")}, "then": _with("external_id")}
    if "NewGate" in found:  # The model takes bodies without it, to tell what else is wrong.
        found["NewGate"]["required"] = ["identifier"]
        found["NewGate"]["properties"]["identifier"].pop("default", None)
    if Batch in models:
        found |= _of_batch()
    return found


def _known_better(schema: Schema, known: Any) -> Schema:
    return dict(known) if "anyOf" in known else schema | known


def _with(member: str) -> Schema:
    return {"properties": {member: {}}, "required": [member]}


def _of_batch() -> dict[str, Schema]:
    """A batch and its items. Its model takes anything for an item: each item is validated and refused on its own."""
    ref = {"type": "string", "minLength": 1, "description": "Id, email or external_id of the contact."}
    by = {
        "type": "string",
        "enum": [str(kind) for kind in RefKind],
        "description": "How `ref` is to be read; without it, as in a path.",
    }
    if_match = {
        "description": "A version, or ETags as `If-Match` takes them; a contact of another version is left as it is.",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}],
    }
    new, change = reference("NewContact"), reference("ContactChange")
    items = {
        "BatchCreate": _item("create", "Create a contact.", contact=new),
        "BatchUpsert": _item("upsert", "Create a contact, or change the one that is there.", contact=new),
        "BatchUpdate": _item("update", "Change a contact.", ref=ref, contact=change),
        "BatchDelete": _item("delete", "Move a contact to the trash.", ref=ref),
    }
    for item in items.values():
        item["properties"]["if_match"] = if_match
        if "ref" in item["properties"]:
            item["properties"]["by"] = by
    batch = {
        "description": f"Up to {MAX_ITEMS} operations, each standing alone; those on one contact go in their order.",
        "type": "object",
        "additionalProperties": False,
        "required": ["operations"],
        "properties": {
            "operations": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_ITEMS,
                "items": {
                    "oneOf": [reference(name) for name in items],
                    "discriminator": {
                        "propertyName": "op",
                        "mapping": {
                            name.removeprefix("Batch").lower(): reference(name)["$ref"] for name in items
                        },
                    },
                },
            }
        },
    }
    return {"Batch": batch, **items}


def _item(op: str, description: str, **members: Schema) -> Schema:
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "required": ["op", *members],
        "properties": {"op": {"const": op}, **members},
    }
