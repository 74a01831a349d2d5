"""An export with a filter has what the list of contacts has with it, whichever way the contacts are found."""

import json
from math import inf
from typing import Any

import pytest

from contacts.exports.model import ExportFormat, ExportState
from tests.support.app import App, caller_of
from tests.support.export_harness import ExportBucket
from tests.support.fakes import CountingBytes
from tests.support.finding_harness import ACCOUNT, FindingHarness

BYTES = CountingBytes()
FILTERS: list[dict[str, Any]] = [
    {},
    {"tag": "vip"},
    {"tag": ["vip", "beta"]},
    {"list": "newsletter", "is_active": True},
    {"search": "jo"},
    {"search": "jo", "tag": "vip"},
    {"is_unsubscribed": True},
    {"created_after": "2026-01-15T10:30:10Z", "created_before": "2026-01-15T10:30:20Z"},
    {"updated_after": "2026-01-15T10:30:15Z"},
    {"phone": "+4915112345678"},
    {"external_id": "crm-7"},
    {"created_after": "2026-01-16", "created_before": "2026-01-15"},
]


@pytest.fixture(scope="module")
def harness() -> FindingHarness:
    made = FindingHarness()
    for number in range(30):
        made.create(
            external_id=f"crm-{number}",
            name="Jo Ann" if number % 3 else "Ada",
            tags=[tag for tag, every in (("vip", 2), ("beta", 5)) if number % every == 0],
            lists=["newsletter"] if number % 4 == 0 else [],
            is_active=number % 8 != 0,
            is_unsubscribed=number % 7 == 0,
            phone="+4915112345678" if number in (3, 9) else None,
        )
        made.clock.at_ms += 1000
    made.project()
    return made


@pytest.mark.parametrize("chosen", FILTERS, ids=str)
@pytest.mark.parametrize("page", [1, 7, 1000])
def test_it_has_what_the_list_has(page: int, chosen: dict[str, Any], harness: FindingHarness) -> None:
    app = App(harness.table.client(), caller_of(ACCOUNT), clock=harness.clock, randomness=BYTES)
    app.bucket = ExportBucket()
    body = {"format": ExportFormat.NDJSON, "filter": chosen, "fields": ["id"]}
    export_id = app.ask("create_export", "POST", "/v1/exports", body=body).body["id"]
    writer = app.export_writer()
    writer._page = page
    app.deadline.begin(inf)
    assert writer.handle({"account_id": ACCOUNT, "export_id": export_id}) is None
    shown = app.ask("get_export", "GET", "/v1/exports/{id}", {"id": export_id}).body
    assert shown["state"] == ExportState.COMPLETED
    (content,) = app.bucket.objects.values()
    found = [json.loads(line)["id"] for line in content.decode().splitlines()]
    query = {name: str(one).lower() if isinstance(one, bool) else one for name, one in chosen.items()}
    listed = [
        one["id"]
        for answer in harness.pages({**query, "sort": "created_at", "limit": "100"})
        for one in answer["data"]
    ]
    assert found == listed
    assert shown["rows"] == len(listed)
