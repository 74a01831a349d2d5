"""Whatever a client sends, right or wrong by the OpenAPI document: no answer that the document does not have, no 5xx.

schemathesis makes the requests of the document and holds the answers against it; it shares no code with ours. The same
requests in every run, so that a failure is of the change that is tried: `FUZZING=2000` makes so many for each operation,
other ones every time.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.documented import document
from tests.e2e.accounts import Account, Accounts

CHOSEN = int(os.environ.get("FUZZING", "0"))
REQUESTS = CHOSEN or 8
"""Right ones and wrong ones, for each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens: no request is to leave this machine."""
SCHEMA = schemathesis.openapi.from_dict(document())
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
ROUTES = [
    pytest.param(path, method, mode, id=f"{operation['operationId']}-{'right' if mode is RIGHT else 'wrong'}")
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
    for mode in (RIGHT, WRONG)
    # Of these nothing can be wrong.
    if mode is RIGHT or operation["tags"] != ["Reference"]
]


@pytest.fixture(scope="module")
def busy_account(accounts: Accounts) -> Iterator[Account]:
    """An account for all of it, whose items must fit together in the end."""
    opened = accounts.open()
    yield opened
    assert opened.contradictions() == []


@pytest.fixture
def names(busy_account: Account, request: pytest.FixtureRequest) -> dict[str, str]:
    """Parameters of the path that lead to something."""
    api, number = busy_account.api, request.node.name
    contact = api.post("/v1/contacts", {"external_id": f"of {number}"}).json()
    if "/webhooks" in request.node.callspec.params["path"]:
        made = api.post("/v1/webhooks", {"url": NOBODY, "is_active": False}).json()
        delivery = api.post(f"/v1/webhooks/{made['id']}/test").json()
        return {"id": made["id"], "delivery_id": delivery["id"]}
    if "/contact-properties" in request.node.callspec.params["path"]:
        name = re.sub("[^a-z]", "", number)[-64:]
        return {"id": api.post("/v1/contact-properties", {"name": name, "type": "string"}).json()["id"]}
    if "/api-keys" in request.node.callspec.params["path"]:
        return {"id": busy_account.key()["id"]}
    return {"ref": contact["id"], "file": "start.js"}


@pytest.mark.parametrize(("path", "method", "mode"), ROUTES)
def test_every_answer_is_one_that_the_document_has(
    path: str, method: str, mode: GenerationMode, busy_account: Account, names: dict[str, str]
) -> None:
    operation = SCHEMA[path][method]
    known = {name: value for name, value in names.items() if f"{{{name}}}" in path}

    @given(st.data())
    @settings(
        max_examples=REQUESTS,
        derandomize=not CHOSEN,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def sent(data: Any) -> None:
        leads_somewhere = data.draw(st.integers(0, 3)) > 0
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if known and leads_somewhere:
            case.path_parameters = dict(known)
        at_home(case)
        response = case.call(
            base_url=busy_account.api.url, session=session, headers={"X-API-Key": busy_account.api.key}
        )
        case.validate_response(response, checks=CHECKS)

    with requests.Session() as session:
        session.trust_env = False
        sent()


def at_home(case: Any) -> None:
    """Have whatever is to be called be nobody."""
    if isinstance(case.body, dict) and str(case.body.get("url", "")).lower().startswith("http"):
        case.body["url"] = NOBODY
