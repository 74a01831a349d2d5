"""Whatever a client sends, right or wrong by the OpenAPI document: no answer that the document does not have, no 5xx.

schemathesis makes the requests of the document and holds the answers against it; it shares no code with ours. They are
the same in every run, so that a failure is of the change that is tried; with `FUZZING=2000` there are as many for each
operation, other ones every time.
"""

import os
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contacts.webhooks.model import MAX_URL
from tests.support.accounts import Account, Accounts
from tests.support.documented import document
from tests.support.in_process_stack import InProcessStack

CHOSEN = int(os.environ.get("FUZZING", "0"))
RIGHT_ONES, WRONG_ONES = (CHOSEN, CHOSEN) if CHOSEN else (6, 4)
"""Requests to each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BATCH = "/v1/contacts/batch"
NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens: no request is to leave this machine."""
# Without the keys, of which it would make up second ones that contradict the first. A copy: the requests that are made
# of it, and changed before they are sent, share its examples.
SCHEMA = schemathesis.openapi.from_dict({**deepcopy(document()), "security": []})


def can_be_wrong(operation: Any) -> bool:
    """Whether an operation takes anything but names in its path and ETags, which are any text."""
    return "requestBody" in operation or any(
        parameter.get("in") == "query" or parameter.get("$ref", "").endswith("IdempotencyKey")
        for parameter in operation.get("parameters", ())
    )


RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
ROUTES = [
    pytest.param(path, method, mode, id=f"{operation['operationId']}-{'right' if mode is RIGHT else 'wrong'}")
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
    for mode in (RIGHT, WRONG)
    if mode is RIGHT or can_be_wrong(operation)
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
    api, path = busy_account.api, request.node.callspec.params["path"]
    if "{ref}" in path:
        return {"ref": api.created(external_id=f"of {request.node.name}")["id"]}
    if path.startswith("/v1/webhooks/"):
        made = api.post("/v1/webhooks", {"url": NOBODY, "is_active": False}).json()
        delivery = api.post(f"/v1/webhooks/{made['id']}/test").json()
        return {"id": made["id"], "delivery_id": delivery["id"]}
    if path.startswith("/v1/contact-properties/"):
        name = re.sub("[^a-z]", "", request.node.name)[-64:]
        return {"id": api.post("/v1/contact-properties", {"name": name, "type": "string"}).json()["id"]}
    if path.startswith("/v1/api-keys/"):
        others = api.get("/v1/api-keys").json()["data"][1:]
        return {"id": (others[-1] if others else busy_account.key())["id"]}
    return {"file": "start.js"}


@pytest.mark.parametrize(("path", "method", "mode"), ROUTES)
def test_every_answer_is_one_that_the_document_has(
    path: str,
    method: str,
    mode: GenerationMode,
    busy_account: Account,
    names: dict[str, str],
    in_process_stack: InProcessStack,
) -> None:
    operation = SCHEMA[path][method]
    known = {name: value for name, value in names.items() if f"{{{name}}}" in path}

    @given(st.data())
    @settings(
        max_examples=RIGHT_ONES if mode is RIGHT else WRONG_ONES,
        derandomize=not CHOSEN,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def sent(data: Any) -> None:
        leads_somewhere = data.draw(st.integers(0, 3)) > 0
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if known and leads_somewhere and case.meta.components[ParameterLocation.PATH].mode is RIGHT:
            case.path_parameters = dict(known)
        at_home(case)
        response = case.call(
            base_url=busy_account.api.url, session=session, headers={"X-API-Key": busy_account.api.key}
        )
        # An item of a batch stands alone, and a field can be skipped: what is wrong there is told of in a success.
        refuses = path != BATCH and (case.query or {}).get("on_invalid") != "skip"
        case.validate_response(response, checks=[*CHECKS, negative_data_rejection] if refuses else CHECKS)

    with requests.Session() as session:
        session.trust_env = False
        session.mount(busy_account.api.url, in_process_stack)
        sent()


def at_home(case: Any) -> None:
    """Have whatever is to be called be nobody."""
    url = str(case.body.get("url", "")) if isinstance(case.body, dict) else ""
    if url.lower().startswith("http") and len(url) <= MAX_URL:
        case.body["url"] = NOBODY
