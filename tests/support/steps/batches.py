"""Batches, sent and read through the API."""

from typing import Any

import requests

from tests.support.api import Api

BATCH = "/v1/contacts/batch"


def results_of(answer: requests.Response) -> list[Any]:
    """The results of a batch that was carried out."""
    assert answer.status_code == 207, answer.text
    results: list[Any] = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    assert all(("contact" in result) != ("problem" in result) for result in results)
    return results


def batch(api: Api, *operations: Any, **headers: str) -> list[Any]:
    return results_of(api.post(BATCH, {"operations": operations}, **headers))


def people(count: int, label: str = "person") -> list[Any]:
    return [
        {
            "op": "create",
            "contact": {"email": f"{label}+{n}@example.com", "external_id": f"{label}-{n}", "tags": ["new"]},
        }
        for n in range(count)
    ]
