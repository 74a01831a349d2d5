"""Answers held against the OpenAPI document: nothing that is not in it, nothing of it missing.

Stricter than a client should be: a member that the document does not name fails, too. So nothing can be added to an
answer without being declared (the TypedDicts of its feature, `responds` and `refuses` of its handler).
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from local.openapi.document import FILE
from local.template import named_rest

SECRET = re.compile(r'"(sk_|am_|whsec_)')
"""How secrets begin that are shown once."""
MISSING = (
    "declare it (`…Out` of its feature, `responds` and `refuses` of its handler), and run `make openapi`"
)


@cache
def document() -> Any:
    """The document as it is served."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def assert_answer(event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Hold what a function answered to an event of API Gateway against the document."""
    assert_safe(answer["headers"], answer["body"])
    is_json = "json" in answer["headers"].get("Content-Type", "json") and not answer.get("isBase64Encoded")
    body = json.loads(answer["body"]) if is_json and answer["body"] else None
    route = named_rest(event["routeKey"])
    assert_documented(route, answer["statusCode"], answer["headers"], body, is_json=is_json)


def assert_documented(
    route: str, status: int, headers: Mapping[str, str], body: Any, *, is_json: bool = True
) -> None:
    """Hold an answer against what the document says of its route (`GET /v1/contacts/{ref}`).

    `body`: as parsed JSON; None where there is none, or where it is no JSON.
    """
    method, _, path = route.replace(" /api/", " /", 1).partition(" ")
    responses = document()["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{route} answered {status}: {MISSING}"
    response = _resolved(responses[str(status)])
    given = {name.lower(): value for name, value in headers.items()}
    for name, header in response["headers"].items():
        if name.lower() in given:
            assert_fits(header, given[name.lower()], f"header {name} of {route}", of="headers")
        else:
            assert not _resolved(header)["required"], f"{route} answered {status} without {name}"
    content = response.get("content", {})
    if not content:
        assert not body, f"{route} answered {status} with a body: {MISSING}"
        return
    ((content_type, media),) = content.items()
    kind, _, subtype = content_type.partition("/")
    assert given["content-type"].startswith(kind if subtype == "*" else content_type), route
    if is_json:
        assert_fits(media["schema"], body, f"{route}, {status}")


KEPT = ("private, no-cache", "no-cache", "public, max-age=300", "public, max-age=31536000, immutable")
"""What `Cache-Control` may say of an answer with an ETag. (The last one is of files whose name has their hash.)"""


def assert_safe(headers: Mapping[str, str], body: str | bytes | None) -> None:
    """Hold an answer against what holds for every answer, whoever asked and however it is refused.

    Only what has an ETag, by which it is asked for again, may be kept by a client; a secret never.
    """
    given = {name.lower(): value for name, value in headers.items()}
    assert given["x-content-type-options"] == "nosniff"
    assert given["strict-transport-security"] == "max-age=31536000"
    kept = given["cache-control"]
    assert kept == "no-store" or ("etag" in given and kept in KEPT)
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    assert kept == "no-store" or not SECRET.search(text)


def assert_event(payload: Any) -> None:
    """Hold an event against what the document says of its type."""
    sent = document()["webhooks"][payload["type"]]["post"]
    assert_fits(sent["requestBody"]["content"]["application/json"]["schema"], payload, payload["type"])


def assert_fits(schema: Any, value: Any, what: str, *, of: str = "schemas") -> None:
    """Hold a value against a schema of the document, or a header's text against the schema of its header."""
    if of == "headers":
        schema = _resolved(schema)["schema"]
        value = int(value) if schema["type"] == "integer" else value
    errors = [
        f"{'.'.join(map(str, error.instance_path)) or 'body'}: {error.message[:300]}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]
    assert not errors, f"{what}: {errors[:3]}; {MISSING}"


def _resolved(thing: Any) -> Any:
    if "$ref" not in thing:
        return thing
    found = document()
    for part in thing["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


@cache
def _validator(schema: str) -> Any:
    whole = {**json.loads(schema), "components": {"schemas": _closed()}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@cache
def _closed() -> Any:
    """The document's schemas, of which none takes a member that it does not name."""
    schemas = document()["components"]["schemas"]
    return {
        name: {"additionalProperties": False, **schema} if schema.get("type") == "object" else schema
        for name, schema in schemas.items()
    }
