"""If-Match on a create: a contact that is not there has no version, so only an upsert can satisfy it."""

from tests.support.accounts import Account


def test_a_create_with_if_match_creates_nothing(account: Account) -> None:
    for path in ("/v1/contacts", "/v1/contacts?on_conflict=update"):
        refused = account.api.post(path, {"email": "ada@example.com"}, If_Match='"1"')
        assert (refused.status_code, refused.json()["code"]) == (412, "stale_version")
    assert account.api.get("/v1/contacts").json()["data"] == []


def test_an_upsert_with_if_match_updates_that_version_only(account: Account) -> None:
    body = {"email": "ada@example.com", "first_name": "Ada"}
    assert account.api.post("/v1/contacts", body).status_code == 201
    path = "/v1/contacts?on_conflict=update"
    assert account.api.post(path, body | {"first_name": "A."}, If_Match='"1"').json()["version"] == 2
    assert account.api.post(path, body, If_Match='"1"').status_code == 412
    assert account.api.post("/v1/contacts", body, If_Match='"2"').status_code == 409
