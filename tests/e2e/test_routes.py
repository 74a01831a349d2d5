"""Where the API answers, and how it refuses what it does not serve."""

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.api import Api, assert_problem, path_of


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/contacts", "GET, HEAD, POST"),
        ("DELETE", "/v1/contacts", "GET, HEAD, POST"),
        ("POST", "/v1/contacts/ada@example.com", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/v1/contacts/ada@example.com/restore", "POST"),
        ("DELETE", "/v1/contacts/ada@example.com/events", "GET, HEAD, POST"),
        ("POST", "/v1/account", "GET, HEAD"),
        ("PATCH", "/v1/api-keys", "GET, HEAD, POST"),
        ("GET", "/v1/api-keys/key_1", "DELETE"),
        ("PUT", "/api/v1/contacts", "GET, HEAD, POST"),
        ("POST", "/api/v1/contacts/ada@example.com", "DELETE, GET, HEAD, PATCH, PUT"),
    ],
)
def test_a_method_a_path_lacks_is_405_and_names_those_it_has(
    method: str, path: str, allowed: str, shared_account: Account
) -> None:
    """OPTIONS is not among them: AWS hands it to $default like any other, MiniStack answers it unasked."""
    answer = shared_account.api.send(method, path)
    problem = assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed
    assert allowed in problem["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/contacts?limit=1", 200),
        ("/api/v1/contacts", 200),
        ("/v1/contacts/search?q=nobody", 200),
        ("/v1/contacts/nobody@example.com", 404),
        ("/v1/contacts/batch", 404),
        ("/v1/webhooks/x/test", 405),
        ("/v1/nowhere?x=1", 404),
        ("/openapi.json", 200),
        ("/docs", 200),
    ],
)
def test_head_is_get_without_a_body(path: str, status: int, shared_account: Account) -> None:
    head, get = shared_account.api.send("HEAD", path), shared_account.api.get(path)
    assert (head.status_code, get.status_code, head.content) == (status, status, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/v1",
            "/v1/",
            "/v2/contacts",
            "/v1/contact",
            "/v1/contacts/",
            "/v1/contacts/?limit=10",
            "/v1/nope?x=1&x=2",
            "/contacts",
        ),
        *("/v1/webhooks/a/b", "/api/v1/account", "/api/v1/api-keys", "/api/contacts", "/v1/Contacts"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_is_not_served_is_404(method: str, path: str, shared_account: Account) -> None:
    assert_problem(shared_account.api.send(method, path), 404, "route_not_found")


def test_the_refusal_needs_no_key_but_takes_no_wrong_one(accounts: Accounts) -> None:
    with Api(accounts.url, None) as nobody, Api(accounts.url, "sk_live_wrong") as stranger:
        assert_problem(nobody.get("/v1/nowhere"), 404, "route_not_found")
        assert_problem(nobody.put("/v1/contacts", {}), 405, "method_not_allowed")
        assert_problem(stranger.get("/v1/nowhere"), 401, "not_authenticated")


def test_the_alias_serves_all_that_is_done_with_contacts(account: Account) -> None:
    api = account.api
    contact = api.post("/api/v1/contacts", {"email": "ada@example.com"}).json()
    alias = f"/api{path_of('ada@example.com')}"
    assert api.get(alias).json() == contact == api.contact(contact["id"])
    assert api.get("/api/v1/contacts").json()["data"] == [contact]
    assert api.patch(alias, {"first_name": "Ada"}).json()["version"] == 2
    assert api.put(alias, {"last_name": "Lovelace"}).json()["name"] == "Ada Lovelace"
    assert api.delete(alias).json()["id"] == contact["id"]
    assert api.post(f"{alias}/restore").json()["id"] == contact["id"]


def test_no_answer_without_an_etag_is_kept_and_each_names_its_request(account: Account) -> None:
    answers = [account.api.get("/v1/account"), account.api.get("/v1/nowhere"), account.api.get(path_of("x"))]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 3


@pytest.mark.parametrize(
    "name", ["a/b@x", "search", "batch", "x/restore", "a//b", "a/", "50% off/x", "%2F", "é?#&+"]
)
def test_a_name_may_be_any_text(name: str, account: Account) -> None:
    api, path = account.api, path_of(name)
    made = api.created(external_id=name)
    assert api.get(f"{path}?by=external_id").json() == made
    assert api.patch(f"{path}?by=external_id", {"first_name": "x"}).json()["id"] == made["id"]
    assert api.delete(path).json()["id"] == made["id"]


@pytest.mark.parametrize("name", ["a/events", "a/gates", "a/chat"])
def test_a_name_that_ends_like_a_path_is_found_and_read_by_its_id(name: str, account: Account) -> None:
    api = account.api
    made = api.created(external_id=name)
    (found,) = api.get(f"/v1/contacts?external_id={name}").json()["data"]
    assert api.get(f"/v1/contacts/{found['id']}").json() == made
    assert api.patch(path_of(name), {"first_name": "x"}).json()["id"] == made["id"]
    assert_problem(api.get(path_of(name)), 404, "contact_not_found")
    assert api.delete(path_of(name)).json()["id"] == made["id"]


def test_a_body_in_another_coding_is_415(shared_account: Account) -> None:
    api, body = shared_account.api, '{"external_id": "x", "name": "José"}'
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=ISO-8859-1"}):
        raw = body.encode("latin-1")
        answer = api.send("POST", "/v1/contacts", raw=raw, headers=headers)
        problem = assert_problem(answer, 415, "unsupported_media_type")
        assert problem["field"] in headers
    # Not declared it is noticed as well, though the gateway hands it over as text.
    refused = assert_problem(
        api.send("POST", "/v1/contacts", raw=body.encode("latin-1")), 400, "invalid_json"
    )
    assert refused["errors"] == [{"field": "body", "message": "is not UTF-8"}]
