"""Whole files through what reads, maps and carries out: every row is accounted for, and twice is as once."""

from typing import Any

import pytest

from contacts.book.model import contact_out
from contacts.imports.mapping.columns import complete_mapping
from contacts.imports.model import Counts, FileFormat, Import, ImportOptions, ImportState
from contacts.imports.reading.opening import open_file
from tests.support.carrying_harness import CarryingHarness
from tests.unit.imports.test_import_samples import EXPECTED, SAMPLES, Sample

SHOWN = ("email", "external_id", "first_name", "last_name", "name", "phone", "tags", "lists", "custom_fields")


def carried_out(world: CarryingHarness, content: bytes, name: str, **options: Any) -> Import:
    """The import of a file, in one part, when it has ended."""
    file = open_file(Sample(content), name, ImportOptions(**options))
    rows = list(file.rows())
    has_objects = file.format in (FileFormat.NDJSON, FileFormat.JSON)
    world.mapping = complete_mapping(file.columns, {}, may_have_more=has_objects)
    import_id = world.cut([{} for _ in rows], **options)
    world.files.put_part(world.account_id, import_id, 1, rows)
    world.work()
    job = world.job(import_id)
    assert sum(job.counts[1:]) == job.counts.rows == len(rows)
    return job


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_imported_and_again_changes_nothing(name: str) -> None:
    world = CarryingHarness()
    content = (SAMPLES / name).read_bytes()
    first = carried_out(world, content, name)
    assert (first.state, first.counts) == (ImportState.COMPLETED, Counts(rows=2, created=2))
    contacts = [{**contact_out(one)} for one in world.contacts().values()]
    bodies = {body["email"]: body for body in EXPECTED[name]}
    for contact in contacts:
        body = bodies[contact["email"]]
        assert contact["is_unsubscribed"] is body.get("is_unsubscribed", False)
        assert {field: contact[field] for field in SHOWN if field in body} == {
            field: body[field] for field in SHOWN if field in body
        }
    again = carried_out(world, content, name)
    assert again.counts == Counts(rows=2, unchanged=2)
    assert [{**contact_out(one)} for one in world.contacts().values()] == contacts


@pytest.mark.parametrize("name", EXPECTED)
def test_nobody_is_subscribed_by_a_sample(name: str) -> None:
    world = CarryingHarness()
    for email in ("ada@example.com", "grace@example.com"):
        body = {"email": email, "is_unsubscribed": True}
        assert world.api.request("POST", "/v1/contacts", body=body).status == 201
    job = carried_out(world, (SAMPLES / name).read_bytes(), name)
    asks = sum("(subscribed)" in body for body in EXPECTED[name])
    assert (job.counts.protected, job.counts.failed) == (asks, 0)
    assert [one.is_unsubscribed for one in world.contacts().values()] == [True, True]


def test_each_row_of_a_marketers_file_is_accounted_for() -> None:
    content = (
        "Vorname;E-Mail-Adresse;Status;Schlagwörter;Handy;Geburtstag:text;ID\r\n"
        "Ada;ada@example.com;angemeldet;vip, beta;0151 12345678;01/02/1990;1\r\n"
        "Bea;bea@example.com;abgemeldet;;;\r\n"
        "Cleo;cleo@example.com;Interessent;;;\r\n"  # no status: it fails, skipped or not
        "Dora;dora@example.com;;;keins;\r\n"  # the phone is skipped
        ";;;;;;\r\n"  # no row
        ";;;;;;6\r\n"  # says nothing
        "Ada;ADA@example.com;aktiv;vip;;\r\n"
    ).encode("cp1252")
    world = CarryingHarness()
    job = carried_out(world, content, "leute.csv", skips_invalid=True, default_country="DE")
    assert job.counts == Counts(rows=6, created=3, updated=1, skipped=1, failed=1)
    people = world.by_email()
    assert {email: one.is_unsubscribed for email, one in people.items()} == {
        "ada@example.com": False,
        "bea@example.com": True,
        "dora@example.com": False,
    }
    ada = people["ada@example.com"]
    assert (ada.phone, ada.tags, ada.custom_fields) == (
        "+4915112345678",
        ("vip",),
        {"geburtstag": "01/02/1990"},
    )
