"""What operators may ask for by name, and what they are told otherwise."""

from typing import Any

import pytest

from contacts.accounts.operator_requests import Reindexing
from contacts.core.errors import BodyNotJson, InvalidInput

ID = "0198f3a0-0000-7000-8000-0000000000aa"


def test_a_payload_is_taken_with_what_it_leaves_out() -> None:
    assert Reindexing.checked({"account_id": ID.upper()}) == Reindexing(ID, dry_run=False, resume=None)
    whole = {"account_id": ID, "dry_run": True, "resume": "contacts.."}
    assert Reindexing.checked(whole) == Reindexing(ID, dry_run=True, resume="contacts..")
    assert Reindexing.checked({"account_id": ID, "resume": None}) == Reindexing(ID)


@pytest.mark.parametrize(
    ("payload", "culprits"),
    [
        ({}, {"account_id"}),
        ({"account_id": None}, {"account_id"}),
        ({"account_id": 7}, {"account_id"}),
        ({"account_id": "Ada"}, {"account_id"}),
        ({"account_id": ID, "dry_run": 1}, {"dry_run"}),
        ({"account_id": ID, "dry_run": None}, {"dry_run"}),
        ({"account_id": ID, "resume": 7}, {"resume"}),
        ({"account_id": ID, "resume": "x" * 256}, {"resume"}),
        ({"acount_id": ID, "dry": True}, {"account_id", "acount_id", "dry"}),
    ],
)
def test_every_wrong_field_is_named(payload: Any, culprits: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Reindexing.checked(payload)
    assert {error.field for error in refused.value.errors} == culprits


@pytest.mark.parametrize("payload", [None, [], "account", 7])
def test_what_is_no_object_is_refused(payload: Any) -> None:
    with pytest.raises(BodyNotJson):
        Reindexing.checked(payload)
