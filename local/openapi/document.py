"""The whole document, put together."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from contacts.book.model import Contact, WithheldContactOut, contact_out
from contacts.events.model import EventOut, event_out
from contacts.properties.model import property_out
from contacts.web.response import ProblemOut
from contacts.webhooks.model import webhook_out
from local import sample_account
from local.openapi import components, notifications, responses, texts
from local.openapi.bodies import body_of, body_schemas
from local.openapi.operations import Served, served
from local.openapi.parameters import HEADERS, parameters_of
from local.openapi.schemas import of_answers, reference
from local.stack import ROOT

FILE: Final = ROOT / "functions" / "show_docs" / "openapi.json"
_SHARED_FROM: Final = 4
"""A response that at least so many routes give is put among the components."""

Json = dict[str, Any]


def document(routes: Iterable[Served] | None = None) -> Json:
    """The document of some routes; of all, if none are given.

    Raises:
        NotDocumented: a handler does not say what its operation answers.
        NotDescribed: nobody has written down what a type of event tells.
    """
    every = served() if routes is None else list(routes)
    paths: dict[str, Json] = {}
    for route in every:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    made = {
        "openapi": "3.1.1",
        "info": {
            "title": texts.TITLE,
            "version": _version(),
            "description": texts.DESCRIPTION,
            "contact": {"name": texts.CONTACT},
        },
        "servers": [{"url": "/", "description": "Where this document comes from"}],
        "security": [{"ApiKey": []}, {"Bearer": []}],
        "tags": _tags(paths),
        "paths": paths,
        "webhooks": notifications.webhooks(),
        "components": {
            "schemas": _schemas(every),
            "parameters": dict(HEADERS),
            "headers": responses.headers(),
            "responses": _shared(paths),
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }
    return components.shared(made)


def as_text(made: Json) -> str:
    """The text of a document's file."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def write(path: Path = FILE) -> None:
    """Write the document.

    Raises: as `document`.
    """
    path.write_text(as_text(document()), encoding="utf-8")


def _operation(route: Served) -> Json:
    made: Json = {
        "operationId": route.id,
        "tags": [_tag(route.path)],
        "summary": route.summary,
        "description": "\n\n".join(filter(None, (route.description, _scopes(route)))),
    }
    if not route.operation.needs_key:
        made["security"] = []
    parameters = parameters_of(route)
    if parameters:
        made["parameters"] = parameters
    if route.body is not None:
        made["requestBody"] = body_of(route)
    return made | {"responses": responses.responses_of(route)}


def _scopes(route: Served) -> str:
    scopes, bundle = route.operation.scopes_of(route.binding.route), route.operation.bundle
    if not scopes:
        return "No key is needed."
    needed = " and ".join(f"`{scope}`" for scope in scopes)
    return f"Scope{'s' * (len(scopes) > 1)}: {needed}" + (f", or the bundle `{bundle}`." if bundle else ".")


def _tag(path: str) -> str:
    fitting = [
        (len(beginning), name)
        for name, (_, beginnings) in texts.TAGS.items()
        for beginning in beginnings
        if path == beginning or path.startswith(f"{beginning}/")
    ]
    assert fitting, f"{path} has no tag: name its beginning in TAGS (local/openapi/texts.py)"
    return max(fitting)[1]


def _tags(paths: Iterable[str]) -> list[Json]:
    used = {_tag(path) for path in paths}
    return [{"name": name, "description": about} for name, (about, _) in texts.TAGS.items() if name in used]


def _schemas(routes: list[Served]) -> Json:
    told = [
        answer
        for route in routes
        for answer, _ in route.responds.values()
        if isinstance(answer, type) and answer is not dict
    ]
    answers = (*told, WithheldContactOut, ProblemOut, EventOut, *notifications.data_types())
    models = {route.body.__name__: route.body for route in routes if route.body is not None}
    found = body_schemas(list(models.values())) | of_answers(answers)
    found["ProblemCode"] = responses.problem_code(routes)
    for name in ("Problem", "ShortProblem"):
        if name in found:
            found[name]["properties"]["code"] = reference("ProblemCode")
    for name, example in _examples().items():
        if name in found:
            found[name]["examples"] = [example]
    return dict(sorted(found.items()))


def _examples() -> Json:
    """Examples by name of their schema, of the sample account."""
    live: Contact = sample_account.LIVE
    return {
        "Contact": contact_out(live),
        "WrittenContact": contact_out(live),
        "Property": property_out(sample_account.PROPERTY),
        "Webhook": webhook_out(sample_account.WEBHOOK),
        "Event": event_out(sample_account.UPDATED),
        "Problem": {
            "type": "urn:contacts:problem:duplicate_contact",
            "title": "Conflict",
            "status": 409,
            "code": "duplicate_contact",
            "detail": "Another contact already has this email.",
            "request_id": "JKJaXmPLvHcE07A=",
            "field": "email",
            "errors": [
                {"field": "email", "message": "belongs to another contact", "existing_id": live.id},
            ],
            "existing_id": live.id,
        },
    }


def _shared(paths: Json) -> Json:
    """The responses that many routes give, which then refer to them.

    Those of routes without a key are others (they tell no limits), and few.
    """
    every = [operation for methods in paths.values() for operation in methods.values()]
    operations = [operation for operation in every if operation.get("security") != []]
    counted = Counter(
        json.dumps(response) for operation in operations for response in operation["responses"].values()
    )
    shared: Json = {}
    for operation in operations:
        for status, response in operation["responses"].items():
            if int(status) >= 400 and counted[json.dumps(response)] >= _SHARED_FROM:
                name = _named(response)
                assert shared.setdefault(name, response) == response, f"two responses are called {name}"
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _named(response: Json) -> str:
    """The name of an error response among the components: its codes, put together."""
    ((_, content),) = response["content"].items()
    codes = content["schema"]["allOf"][0]["properties"]["code"]["enum"]
    return "".join(word.capitalize() for code in codes for word in code.split("_"))


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version: str = project["version"]
    return version
