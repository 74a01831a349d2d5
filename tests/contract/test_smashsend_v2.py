"""SMASHSEND's newer API: what its Node SDK sends, row by row, and what the SDK's types say of the answers."""

import re
from typing import Any

import pytest
import requests

from tests.contract.conftest import Connect
from tests.contract.vendors import MILLISECONDS, assert_like
from tests.support.accounts import Account
from tests.support.api import Api

WORKSPACE = re.compile("wrk_[0-9A-Za-z]{22}")
SENT: dict[str, Any] = {
    "email": "Ada@Example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "phone": "+441234567890",
    "status": "SUBSCRIBED",
    "countryCode": "GB",
    "birthday": "1815-12-10T00:00:00.000Z",
    "plan": "pro",
    "tags": ["vip", "beta"],
}
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("avatarUrl", "birthday", "city", "countryCode", "language")),
    **dict.fromkeys(("email", "firstName", "lastName", "phone")),
    "tags": [],
    "status": "SUBSCRIBED",
}
PROPERTIES = NOTHING | SENT | {"email": "ada@example.com"}
CONTACT: dict[str, Any] = {
    "id": re.compile("ctc_[0-9A-Za-z]{22}"),
    "createdAt": MILLISECONDS,
    "updatedAt": None,
    "workspaceId": WORKSPACE,
    "properties": PROPERTIES,
}
INDUSTRY = {
    "displayName": "Industry",
    "type": "SELECT",
    "description": "The sector",
    "typeConfig": {"multiple": False, "options": ["Technology", "Other"]},
}
PROPERTY: dict[str, Any] = {
    "id": re.compile("cpd_[0-9A-Za-z]{22}"),
    "apiSlug": "industry",
    "displayName": "Industry",
    "description": "The sector",
    "type": "SELECT",
    "typeConfig": {
        "multiple": False,
        "options": [
            {"id": option, "value": option, "displayName": option, "color": ""}
            for option in ("Technology", "Other")
        ],
    },
    "isInternal": False,
    "createdAt": MILLISECONDS,
    "updatedAt": None,
    "workspaceId": WORKSPACE,
}
NO_CONTACT = (404, "not_found", "Contact not found")


@pytest.fixture
def api(connect: Connect) -> Api:
    return connect("smashsend_v2")


def assert_error(answer: requests.Response, status: int, code: str, message: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(answer.json(), {"message": str, "code": code})
    told: str = answer.json()["message"]
    assert message is None or told == message
    return told


def created(api: Api, **properties: Any) -> dict[str, Any]:
    answer = api.post("/contacts", {"properties": SENT | properties})
    assert answer.status_code == 201, answer.text
    contact: dict[str, Any] = answer.json()["contact"]
    return contact


# Contacts


def test_create(api: Api) -> None:
    answer = api.post("/contacts", {"properties": SENT})
    assert answer.status_code == 201
    assert_like(answer.json(), {"contact": CONTACT})


def test_create_of_a_known_email_changes_what_is_sent(api: Api) -> None:
    """`upsert` sends the same; so does an SDK that did not get the answer and tries again."""
    first = created(api)
    answer = api.post("/contacts", {"properties": {"email": "ada@example.com", "plan": None, "seats": 5}})
    assert answer.status_code == 200
    after = CONTACT | {"id": first["id"], "updatedAt": MILLISECONDS}
    after["properties"] = {name: value for name, value in PROPERTIES.items() if name != "plan"} | {"seats": 5}
    assert_like(answer.json(), {"contact": after})
    assert api.get("/contacts?includeCount=true").json()["contacts"]["totalCount"] == 1


def test_get_search_and_update(api: Api) -> None:
    contact = created(api)
    assert api.get(f"/contacts/{contact['id']}").json() == {"contact": contact}
    assert api.get("/contacts/search?email=ADA%40example.com").json() == {"contact": contact}
    nobody = api.get("/contacts/search?email=nobody%40example.com")
    assert (nobody.status_code, nobody.json()) == (200, {"contact": None})
    assert api.get("/contacts/search?email=no-email").json() == {"contact": None}
    assert_error(api.get("/contacts/search"), 400, "validation_error", "email is required")
    change = {"lastName": "King", "plan": "free", "tags": {"add": ["new"], "remove": ["beta"]}}
    answer = api.put(f"/contacts/{contact['id']}", {"properties": change})
    assert answer.status_code == 200, answer.text
    after = contact["properties"] | {"lastName": "King", "plan": "free", "tags": ["vip", "new"]}
    assert answer.json()["contact"]["properties"] == after


def test_an_update_by_id_may_change_the_email(api: Api) -> None:
    contact = created(api)
    created(api, email="grace@example.com")
    path = f"/contacts/{contact['id']}"
    taken = "A contact with this email already exists"
    assert_error(api.put(path, {"properties": {"email": "grace@example.com"}}), 409, "conflict", taken)
    renamed = api.put(path, {"properties": {"email": "countess@example.com"}})
    assert renamed.json()["contact"]["properties"]["email"] == "countess@example.com"


def test_only_an_update_subscribes_again(api: Api) -> None:
    contact = created(api, status="UNSUBSCRIBED")
    path, subscribed = f"/contacts/{contact['id']}", {"properties": {"status": "SUBSCRIBED"}}

    def status(answer: requests.Response) -> Any:
        return answer.json()["contact"]["properties"]["status"]

    assert status(api.post("/contacts", {"properties": SENT})) == "UNSUBSCRIBED"
    batch = api.post("/contacts/batch", {"contacts": [{"properties": SENT}]})
    assert batch.json()["contacts"][0]["properties"]["status"] == "UNSUBSCRIBED"
    assert status(api.put(path, subscribed)) == "SUBSCRIBED"
    assert api.put(path, {"properties": {"status": "UNSUBSCRIBED"}}).status_code == 200
    assert api.delete(path).status_code == 200
    again = created(api)
    assert (again["id"] != contact["id"], again["properties"]["status"]) == (True, "UNSUBSCRIBED")


@pytest.mark.parametrize("by_email", [True, False])
def test_delete_is_permanent(api: Api, account: Account, *, by_email: bool) -> None:
    contact = created(api, email="a+b/c@example.com")
    path = "/contacts/by-email/A%2Bb%2Fc%40example.com" if by_email else f"/contacts/{contact['id']}"
    answer = api.delete(path)
    assert answer.status_code == 200
    email = "A+b/c@example.com" if by_email else None
    shown = {"id": contact["id"], "createdAt": None, "updatedAt": None, "workspaceId": WORKSPACE}
    assert_like(
        answer.json(),
        {
            "isDeleted": True,
            "contact": shown | {"properties": NOTHING | {"email": email, "status": None}},
        },
    )
    assert_error(api.delete(path), *NO_CONTACT)
    assert_error(api.get(f"/contacts/{contact['id']}"), *NO_CONTACT)
    assert account.api.post("/v1/contacts/a%2Bb%2Fc%40example.com/restore").status_code == 404


def test_a_list_is_walked_by_its_cursor(api: Api) -> None:
    made = [created(api, email=f"c{number}@example.com")["id"] for number in range(5)]
    walked, cursor = [], ""
    while True:
        page = api.get(f"/contacts?limit=2&sort=createdAt.asc{cursor}").json()["contacts"]
        assert list(page) == ["items", "cursor", "hasMore"]
        walked += [contact["id"] for contact in page["items"]]
        assert (page["cursor"] is not None) is page["hasMore"]
        if not page["hasMore"]:
            break
        cursor = f"&cursor={page['cursor']}"
    assert walked == made
    newest_first = api.get("/contacts?includeCount=true").json()["contacts"]
    assert [contact["id"] for contact in newest_first["items"]] == made[::-1]
    assert newest_first["totalCount"] == 5


def test_a_list_is_narrowed(api: Api) -> None:
    created(api)
    created(api, email="grace@example.com", firstName="Grace", lastName="Hopper", status="UNSUBSCRIBED")

    def found(query: str) -> list[str]:
        items = api.get(f"/contacts?{query}").json()["contacts"]["items"]
        return [contact["properties"]["firstName"] for contact in items]

    assert found("search=hop") == ["Grace"]
    assert found("status=UNSUBSCRIBED") == ["Grace"]
    assert found("status=SUBSCRIBED&sort=createdAt.desc") == ["Ada"]
    assert found("search=hopper&status=SUBSCRIBED") == []


@pytest.mark.parametrize(("query", "culprits"), [
    ("filter=%5Bobject+Object%5D", ["filter"]),  # What the SDK makes of an object.
    ("status=ARCHIVED&sort=email&includeCount=1", ["includeCount", "sort", "status"]),
    ("limit=101", ["limit"]),
    ("offset=10", ["offset"]),
    ("cursor=x", ["cursor"]),
])  # fmt: skip
def test_a_list_that_cannot_be_narrowed_so(api: Api, query: str, culprits: list[str]) -> None:
    told = assert_error(api.get(f"/contacts?{query}"), 400, "validation_error")
    assert sorted(one.partition(" ")[0] for one in told.split("; ")) == culprits


# Batches


def test_a_batch_in_part(api: Api) -> None:
    created(api)
    sent = [
        {"email": "john@example.com", "firstName": "John"},
        {"email": "invalid-email", "firstName": "X"},
        {"email": "ada@example.com", "city": "Paris"},
        {"email": "banned@example.com", "status": "BANNED"},
        {"firstName": "Nobody", "phone": "12"},
        {"email": "phone@example.com", "phone": "12"},
    ]
    answer = api.post(
        "/contacts/batch?allowPartialSuccess=true&includeFailedContacts=true",
        {"contacts": [{"properties": one} for one in sent]},
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["requestId", "contacts", "summary", "errors", "failedContacts"]
    assert [contact["properties"]["email"] for contact in body["contacts"]] == [
        "john@example.com", "ada@example.com",
    ]  # fmt: skip
    assert body["summary"].pop("processingTime") > 0  # milliseconds
    assert body["summary"] == {"created": 1, "updated": 1, "failed": 4, "total": 6}
    assert [(one["index"], one["email"]) for one in body["errors"]] == [
        (1, "invalid-email"), (3, "banned@example.com"), (4, None), (5, "phone@example.com"),
    ]  # fmt: skip
    assert [one["contact"] for one in body["failedContacts"]] == [sent[1], *sent[3:]]
    for one in body["errors"]:
        for error in one["errors"]:
            assert_like(error, {"code": "validation_error", "message": str, "retryable": False})
    assert body["errors"][2]["errors"][0]["message"] == "properties.email is required"
    assert body["requestId"] == answer.headers["X-Request-Id"]


def test_a_batch_as_a_whole(api: Api, account: Account) -> None:
    """Which is what the SDK asks for by default."""
    good, before = {"properties": {"email": "fine@example.com"}}, account.items()
    refused = api.post("/contacts/batch", {"contacts": [good, {"properties": {"email": "no"}}]})
    told = assert_error(refused, 400, "validation_error")
    assert told.startswith("contacts.1.properties.email is not an email address")
    refused = api.post("/contacts/batch", {"contacts": [good, {"properties": {"status": "BANNED"}}, {}]})
    told = assert_error(refused, 400, "validation_error")
    assert [one.partition(" ")[0] for one in told.split("; ")] == [
        "contacts.1.properties.status", "contacts.1.properties.email", "contacts.2.properties",
    ]  # fmt: skip
    assert account.items() == before
    answers = [api.post("/contacts/batch", {"contacts": [good, good]}) for _ in range(2)]
    assert [answer.json()["summary"]["created"] for answer in answers] == [1, 0]
    assert [answer.json()["summary"]["updated"] for answer in answers] == [1, 2]


@pytest.mark.parametrize(("query", "body", "message"), [
    ("", {}, "contacts is required"),
    ("", {"contacts": {}}, "contacts must be an array"),
    ("", {"contacts": []}, "contacts must have at least 1 entry"),
    ("", {"contacts": [{"properties": {"email": f"n{n}@example.com"}} for n in range(101)]},
     "contacts has 101 values; at most 100 are read"),
    ("", {"operations": []}, "operations is no field of this request"),
    ("?overrideCreatedAt=true", {"contacts": []}, "overrideCreatedAt is not served here"),
    ("?allowPartialSuccess=1", {"contacts": []}, "allowPartialSuccess must be one of true, false"),
    ("?on_invalid=skip", {"contacts": []}, None),
])  # fmt: skip
def test_a_batch_that_is_none(api: Api, query: str, body: Any, message: str | None) -> None:
    assert_error(api.post(f"/contacts/batch{query}", body), 400, "validation_error", message)


# Properties


def test_a_propertys_life(api: Api) -> None:
    answer = api.post("/contact-properties", INDUSTRY)
    assert answer.status_code == 201, answer.text
    assert_like(answer.json(), {"property": PROPERTY})
    made = answer.json()["property"]
    taken = "A contact property with this name already exists"
    assert_error(api.post("/contact-properties", INDUSTRY), 409, "conflict", taken)
    path = f"/contact-properties/{made['id']}"
    assert api.get(path).json() == {"property": made}
    changed = api.put(path, {"displayName": "Branch", "typeConfig": {"options": ["Technology", "Law"]}})
    assert_like(changed.json()["property"]["updatedAt"], MILLISECONDS)
    assert [one["value"] for one in changed.json()["property"]["typeConfig"]["options"]] == [
        "Technology",
        "Law",
    ]
    for listed in ("/contacts/properties?type=CUSTOM&limit=50", "/contact-properties"):
        assert api.get(listed).json() == {
            "properties": {"items": [changed.json()["property"]], "hasMore": False}
        }
    wrong = api.post("/contacts", {"properties": SENT | {"industry": "Retail"}})
    assert_error(wrong, 400, "validation_error", "properties.industry must be one of Technology, Law")
    assert api.delete(path).json() == {"isDeleted": True, "property": {"id": made["id"]}}
    assert api.get("/contacts/properties").json() == {"properties": {"items": [], "hasMore": False}}
    assert_error(api.get("/contact-properties/cpd_x"), 404, "not_found", "Contact property not found")


def test_properties_beyond_a_page_are_told(api: Api, account: Account) -> None:
    assert account.api.created(external_id="properties")  # no contact of such a name is in the way
    for name in ("One", "Two", "Three"):
        assert api.post("/contact-properties", {"displayName": name, "type": "STRING"}).status_code == 201
    page = api.get("/contacts/properties?type=CUSTOM&limit=2").json()["properties"]
    assert ([one["apiSlug"] for one in page["items"]], page["hasMore"]) == (["one", "two"], True)


# Keys


def test_a_key_is_checked(api: Api, connect: Connect) -> None:
    answer = api.get("/api-keys/check")
    assert_like(answer.json(), {"status": "SUCCEED", "displayName": str, "role": "EDITOR"})
    unknown = connect("smashsend_v2", "sk_live_" + "x" * 43)
    assert_error(unknown.get("/api-keys/check"), 401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/emails"), ("POST", "/emails/send"), ("POST", "/events"), ("POST", "/events/batch"),
    ("GET", "/webhooks"), ("POST", "/webhooks"), ("GET", "/webhooks/x"), ("POST", "/webhooks/x"),
    ("DELETE", "/webhooks/x"), ("GET", "/identities"), ("GET", "/transactional"), ("GET", "/api-keys/current"),
    ("GET", "/workspaces/wrk_x/api-keys"), ("POST", "/workspaces/wrk_x/api-keys"),
    ("GET", "/account"), ("GET", "/tags"),
])  # fmt: skip
def test_what_is_not_served_says_so(api: Api, method: str, path: str) -> None:
    answer = api.send(method, path, **({"body": {}} if method == "POST" else {}))
    told = assert_error(answer, 404, "not_found")
    assert told.startswith("Of SMASHSEND's API this path is not served here")


def test_scopes_are_the_native_ones(connect: Connect, api: Api) -> None:
    created(api)
    reader = connect("smashsend_v2", scopes=["contacts:read", "properties:read", "account:read"])
    for path in (
        "/contacts",
        "/contacts/search?email=x@example.com",
        "/contacts/properties",
        "/api-keys/check",
    ):
        assert reader.get(path).status_code == 200
    for answer in (
        reader.post("/contacts", {"properties": SENT}),
        reader.post("/contacts/batch", {"contacts": [{"properties": SENT}]}),
        reader.delete("/contacts/by-email/ada@example.com"),
    ):
        assert_error(answer, 403, "forbidden", "This key lacks the scope contacts:write")
    writer = connect("smashsend_v2", scopes=["contacts:write"])
    assert_error(writer.get("/contacts/search?email=ada@example.com"), 403, "forbidden")
    whole = {"contacts": [{"properties": {"email": "ada@example.com"}}]}
    for properties in (
        writer.post("/contacts", {"properties": SENT}).json()["contact"]["properties"],
        writer.post("/contacts/batch", whole).json()["contacts"][0]["properties"],
    ):
        assert properties == NOTHING | {"status": None}


def test_test_mode_keeps_nothing(connect: Connect, api: Api) -> None:
    test = connect("smashsend_v2", mode="test")
    assert_like(test.post("/contacts", {"properties": SENT}).json(), {"contact": CONTACT, "test_mode": True})
    batch = test.post("/contacts/batch", {"contacts": [{"properties": SENT}]}).json()
    assert (batch["summary"]["created"], batch["test_mode"]) == (1, True)
    assert test.post("/contact-properties", INDUSTRY).json()["test_mode"] is True
    for key in (test, api):
        assert key.get("/contacts/search?email=ada@example.com").json() == {"contact": None}
        assert key.get("/contacts").json() == {"contacts": {"items": [], "cursor": None, "hasMore": False}}


def test_two_pins_share_one_book(connect: Connect, api: Api) -> None:
    """And each is told where a body is the other's."""
    older = connect("smashsend")
    made = older.post("/contacts", {"email": "ada@example.com", "name": "Ada", "tags": ["vip"]}).json()[
        "contact"
    ]
    found = api.get(f"/contacts/{made['id'].replace('cont_', 'ctc_')}").json()["contact"]
    assert (found["properties"]["email"], found["properties"]["tags"]) == ("ada@example.com", ["vip"])
    told = assert_error(older.post("/contacts", {"properties": SENT}), 400, "validation_error")
    assert "needs one pinned smashsend_v2" in told
    for method, path, status in (
        ("GET", "/contacts/search?email=x@example.com", 404),
        ("GET", "/contacts/properties?type=CUSTOM&limit=50", 404),
        ("DELETE", "/contacts/by-email/ada@example.com", 404),
        ("POST", "/contacts/batch", 405),
        ("GET", "/api-keys/check", 404),
    ):
        answer = older.send(method, path, **({"body": {}} if method == "POST" else {}))
        assert answer.status_code == status
        assert answer.json()["message"].endswith("this key is pinned smashsend, it needs smashsend_v2")
    told = assert_error(api.post("/contacts", {"email": "x@example.com"}), 400, "validation_error")
    assert told.startswith("email is of another version")
    assert "needs one pinned smashsend" in told
