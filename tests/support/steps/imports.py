"""Imports and exports, through the API and the bucket."""

from typing import Any

import requests

from tests.support.api import Api
from tests.support.waiting import until

PATIENCE = 120.0
"""Seconds: far more than it takes, so that a busy machine fails no test."""
RESTING = ("ready", "completed", "completed_with_errors", "failed", "cancelled", "expired")


def begun(api: Api, name: str, data: bytes, **options: Any) -> dict[str, Any]:
    """A new import whose file is sent, as it was answered."""
    answer = api.post("/v1/imports", {"file_name": name, "size": len(data), **options})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    upload = job["upload"]
    sent = requests.request(upload["method"], upload["url"], data=data, headers=upload["headers"], timeout=60)
    assert sent.status_code == 200, sent.text
    return job


def at_rest(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    """The import once it goes on no more."""
    found: dict[str, Any] = {}

    def rests() -> bool:
        found.update(api.get(f"/v1/imports/{job['id']}").json())
        return found["state"] in RESTING

    assert until(rests, PATIENCE), found
    return found


def imported(api: Api, name: str, data: bytes, **options: Any) -> dict[str, Any]:
    """An import from its beginning to its end; every row is in one of the counts."""
    job = at_rest(api, begun(api, name, data, **options))
    counts = dict(job["counts"])
    assert counts.pop("rows") == sum(counts.values()), job
    return job


def failed_rows(api: Api, job: dict[str, Any]) -> bytes:
    """The file of the rows that failed."""
    answer = api.get(f"/v1/imports/{job['id']}/errors")
    assert answer.status_code == 200, answer.text
    return requests.get(answer.json()["url"], timeout=60).content


def exported(api: Api, **options: Any) -> bytes:
    """The file of an export."""
    answer = api.post("/v1/exports", options)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()

    def is_over() -> bool:
        job.update(api.get(f"/v1/exports/{job['id']}").json())
        return bool(job["state"] != "running")

    assert until(is_over, PATIENCE), job
    assert job["state"] == "completed", job
    data = requests.get(job["url"], timeout=60).content
    assert len(data) == job["bytes"]
    return data
