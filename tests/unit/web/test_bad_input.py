"""Bad input: each a 4xx that names the culprit, and nothing is written."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from contacts.core.time import Deadline
from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits
from tests.support.counting import calls_made

NUL, LONE_SURROGATE = "\\u0000", "\\ud800"
"""As JSON escapes them."""


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for the whole module, with one contact: nothing here may change either."""
    shared_account.api.created(email="ada@example.com", external_id="7", tags=["a"], metadata={"n": 1})
    return shared_account


@pytest.fixture(scope="module")
def before(account: Account) -> Any:
    """What is in the account, from the first of these tests to the last."""
    return account.items()


@pytest.fixture(autouse=True)
def nothing_is_written(account: Account, before: Any) -> Iterator[None]:
    yield
    assert account.items() == before


# Bodies

NOT_JSON = {
    "nothing": "",
    "white space": "  ",
    "half of it": '{"email": "new@example.com"',
    "a word": "email",
    "a form": "email=new%40example.com&first_name=Ada",
    "XML": "<contact><email>new@example.com</email></contact>",
    "single quotes": "{'email': 'new@example.com'}",
    "a trailing comma": '{"email": "new@example.com",}',
    "a comment": '{"email": "new@example.com"} // new',
    "two documents": '{"email": "new@example.com"}{}',
    "a byte order mark": "\ufeff{}",
    "NaN": '{"email": "new@example.com", "metadata": {"n": NaN}}',
    "Infinity": '{"email": "new@example.com", "metadata": {"n": Infinity}}',
    "-Infinity": '{"email": "new@example.com", "metadata": {"n": -Infinity}}',
    "a leading zero": '{"email": "new@example.com", "metadata": {"n": 007}}',
    "a raw control character": '{"email": "new@example.com", "first_name": "A\x01"}',
    "an array": '[{"email": "new@example.com"}]',
    "text": '"new@example.com"',
    "a number": "7",
    "null": "null",
    "200,000 brackets": "[" * 200_000,
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=list(NOT_JSON))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7")])
def test_a_body_that_is_no_json_object(method: str, path: str, raw: str, account: Account) -> None:
    answer = account.api.send(method, path, raw=raw.encode())
    assert culprits(assert_problem(answer, 400, "invalid_json")) == {"body"}


@pytest.mark.parametrize(
    ("raw", "culprit"),
    [
        ('{"email": "new@example.com", "email": "newer@example.com"}', "email"),
        ('{"email": "new@example.com", "metadata": {"a": [{"b": 1, "b": 2}]}}', "b"),
        (f'{{"metadata": {{"{LONE_SURROGATE}": 1, "{LONE_SURROGATE}": 2}}}}', "\\ud800"),
    ],
    ids=["a field", "deep inside", "no Unicode"],
)
def test_a_name_given_twice(raw: str, culprit: str, account: Account) -> None:
    answer = account.api.send("POST", "/v1/contacts", raw=raw)
    assert culprits(assert_problem(answer, 400, "invalid_json")) == {culprit}


def metadata(literal: str) -> str:
    return f'{{"email": "new@example.com", "metadata": {{"a": {literal}}}}}'


def nested(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


WRONG_IN_FREE_JSON = {
    "1e400": metadata("1e400"),
    "1e126": metadata("1e126"),
    "1e-131": metadata("1e-131"),
    "an exponent of 20 digits": metadata("1e99999999999999999999"),
    "a negative exponent of 20 digits": metadata("-1e-99999999999999999999"),
    "40 digits": metadata("1234567890123456789012345678901234567890"),
    "40 digits with a point": metadata("12345678901234567890.12345678901234567890"),
    "39 digits and zeros": metadata("123456789012345678901234567890123456789000"),
    "5,000 digits": metadata("9" * 5000),
    "NUL": metadata(f'"x{NUL}"'),
    "a lone surrogate": metadata(f'"{LONE_SURROGATE}"'),
    "the other half": metadata('"\\udc00x"'),
}


@pytest.mark.parametrize("raw", WRONG_IN_FREE_JSON.values(), ids=list(WRONG_IN_FREE_JSON))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7")])
def test_a_value_that_cannot_be_kept(method: str, path: str, raw: str, account: Account) -> None:
    answer = account.api.send(method, path, raw=raw)
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {"metadata.a"}


@pytest.mark.parametrize("levels", [20, 100, 900])
def test_nesting_beyond_twenty_levels(levels: int, account: Account) -> None:
    """The map itself is the first level."""
    answer = account.api.send("POST", "/v1/contacts", raw=metadata(nested(levels)))
    (culprit,) = culprits(assert_problem(answer, 400, "invalid_input"))
    assert culprit.startswith("metadata.a.0.0")


@pytest.mark.parametrize(
    "key", ["", "k" * 256, NUL, LONE_SURROGATE], ids=["empty", "256", "NUL", "lone surrogate"]
)
@pytest.mark.parametrize("field", ["custom_fields", "metadata"])
def test_a_key_that_cannot_be_kept(field: str, key: str, account: Account) -> None:
    for inside in (f'{{"{key}": 1}}', f'{{"a": {{"{key}": 1}}}}'):
        answer = account.api.send(
            "POST", "/v1/contacts", raw=f'{{"email": "new@example.com", "{field}": {inside}}}'
        )
        (culprit,) = culprits(assert_problem(answer, 400, "invalid_input"))
        assert culprit.split(".")[0] == field


# Fields

EMAILS = {
    "no dot in the domain": "a@b",
    "letters beyond ASCII before the @": "ünï@exämple.com",
    "300 characters": f"{'a' * 30}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example.com",
    "255 characters": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 3}.example",
    "empty": "",
    "no @": "ada.example.com",
    "two @": "ada@home@example.com",
    "nothing before the @": "@example.com",
    "nothing after it": "ada@",
    "two dots": "a..b@example.com",
    "a dot at the end": "ada.@example.com",
    "a space in front": " new@example.com",
    "a space inside": "ne w@example.com",
    "a line feed": "new@example.com\n",
    "a hyphen before a label": "ada@-example.com",
    "an underscore in the domain": "ada@exam_ple.com",
    "a name around it": "Ada <new@example.com>",
    "a quoted local part": '"a b"@example.com',
    "an address": "ada@[192.0.2.1]",
    "two addresses": "a@example.com,b@example.com",
    "mailto": "mailto:new@example.com",
    "localhost": "ada@localhost",
    "NUL": "new\0@example.com",
    "a lone surrogate": "new\ud800@example.com",
    "right to left override": "new\u202e@example.com",
}


@pytest.mark.parametrize("email", EMAILS.values(), ids=list(EMAILS))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7")])
def test_an_invalid_email_is_refused(method: str, path: str, email: str, account: Account) -> None:
    answer = account.api.send(method, path, {"email": email})
    problem = assert_problem(answer, 400, "invalid_input")
    assert culprits(problem) == {"email"}
    assert problem["detail"].startswith("email: is not an email address: ")


FIELDS = {
    "email as number": ({"email": 5}, "email"),
    "email as list": ({"email": ["new@example.com"]}, "email"),
    "empty external_id": ({"external_id": ""}, "external_id"),
    "long external_id": ({"external_id": "x" * 256}, "external_id"),
    "long external_id of emoji": ({"external_id": "🎉" * 256}, "external_id"),
    "external_id as number": ({"external_id": 4711}, "external_id"),
    "NUL in external_id": ({"external_id": "a\0"}, "external_id"),
    "lone surrogate in external_id": ({"external_id": "\udfff"}, "external_id"),
    "first_name as list": ({"first_name": []}, "first_name"),
    "long first_name": ({"first_name": "x" * 256}, "first_name"),
    "NUL in first_name": ({"first_name": "a\0"}, "first_name"),
    "lone surrogate in last_name": ({"last_name": "\ud800"}, "last_name"),
    "long last_name": ({"last_name": "x" * 256}, "last_name"),
    "name as object": ({"name": {"first": "Ada"}}, "name"),
    "long name": ({"name": "é" * 256}, "name"),
    "phone as number": ({"phone": 493012345}, "phone"),
    "phone with spaces": ({"phone": "+49 30 12345"}, "phone"),
    "national phone": ({"phone": "03012345"}, "phone"),
    "phone of 16 digits": ({"phone": "+1234567890123456"}, "phone"),
    "phone with Arabic digits": ({"phone": "+٤٩٣٠١٢٣٤٥"}, "phone"),
    "phone with a line feed": ({"phone": "+4930123456\n"}, "phone"),
    "tags as text": ({"tags": "vip"}, "tags"),
    "tags as object": ({"tags": {"vip": True}}, "tags"),
    "number among tags": ({"tags": ["vip", 5]}, "tags.1"),
    "null among tags": ({"tags": [None]}, "tags.0"),
    "empty tag": ({"tags": ["", "vip"]}, "tags.0"),
    "long tag": ({"tags": ["x" * 101]}, "tags.0"),
    "NUL in a tag": ({"tags": ["a\0"]}, "tags.0"),
    "101 tags": ({"tags": [f"tag {n}" for n in range(101)]}, "tags"),
    "101 added tags": ({"add_tags": [f"tag {n}" for n in range(101)]}, "add_tags"),
    "lists as text": ({"lists": "newsletter"}, "lists"),
    "list with capitals": ({"lists": ["Newsletter"]}, "lists.0"),
    "list with a space": ({"lists": ["news letter"]}, "lists.0"),
    "list with umlaut": ({"lists": ["früh"]}, "lists.0"),
    "list that begins with a hyphen": ({"lists": ["-news"]}, "lists.0"),
    "list with a line feed": ({"lists": ["news\n"]}, "lists.0"),
    "long list": ({"lists": ["x" * 101]}, "lists.0"),
    "101 lists": ({"lists": [f"list-{n}" for n in range(101)]}, "lists"),
    "custom_fields as list": ({"custom_fields": []}, "custom_fields"),
    "custom_fields as text": ({"custom_fields": "{}"}, "custom_fields"),
    "metadata as number": ({"metadata": 5}, "metadata"),
    "is_active as text": ({"is_active": "true"}, "is_active"),
    "is_active as number": ({"is_active": 1}, "is_active"),
    "is_unsubscribed as text": ({"is_unsubscribed": "no"}, "is_unsubscribed"),
    "misspelt field": ({"emial": "new@example.com"}, "emial"),
    "our id": ({"id": str(uuid4())}, "id"),
    "our version": ({"version": 7}, "version"),
    "our time": ({"created_at": "2026-01-15T10:30:00.000Z"}, "created_at"),
    "our verdict": ({"validation_status": "valid"}, "validation_status"),
    "our bookkeeping": ({"size_bound": 0}, "size_bound"),
    "another account": ({"account_id": "x"}, "account_id"),
    "Python's own": ({"__class__": "x"}, "__class__"),
    "field in other case": ({"Email": "new@example.com"}, "Email"),
    "empty name of a field": ({"": 1}, ""),
}


@pytest.mark.parametrize(("body", "culprit"), FIELDS.values(), ids=list(FIELDS))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PUT", "/v1/contacts/7")])
def test_a_field_that_cannot_be_taken(
    method: str, path: str, body: Any, culprit: str, account: Account
) -> None:
    problem = assert_problem(account.api.send(method, path, body), 400, "invalid_input")
    assert culprits(problem) == {culprit or "body"}
    assert problem["detail"].startswith(f"{culprit or 'body'}: ")


def test_a_field_whose_name_is_no_unicode(account: Account) -> None:
    answer = account.api.send(
        "POST", "/v1/contacts", raw=f'{{"email": "new@example.com", "{LONE_SURROGATE}": 1}}'
    )
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {"body"}


@pytest.mark.parametrize("field", ["remove_tags", "remove_lists"])
def test_a_new_contact_has_nothing_to_remove(field: str, account: Account) -> None:
    problem = assert_problem(account.api.post("/v1/contacts", {"email": "new@example.com", field: []}), 400)
    assert culprits(problem) == {field}


@pytest.mark.parametrize(
    "body",
    [{}, {"first_name": "Ada"}, {"email": None}, {"email": None, "external_id": None}],
    ids=["nothing", "a name only", "null", "both null"],
)
def test_a_contact_without_email_and_external_id(body: Any, account: Account) -> None:
    problem = assert_problem(account.api.post("/v1/contacts", body), 400, "invalid_input")
    assert culprits(problem) == {"email", "external_id"}


def test_more_tags_than_there_may_be_together(account: Account) -> None:
    """The contact has one already."""
    answer = account.api.patch("/v1/contacts/7", {"add_tags": [f"tag {n}" for n in range(100)]})
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {"add_tags"}
    body = {"email": "new@example.com", "tags": ["x"], "add_tags": [f"tag {n}" for n in range(100)]}
    assert culprits(assert_problem(account.api.post("/v1/contacts", body), 400)) == {"add_tags"}


TOO_MUCH = {
    "ASCII": {"text": "x" * 358_400},
    "two bytes each": {"text": "é" * 179_200},
    "numbers": {"numbers": [10**37 + number for number in range(9_900)], "text": "x" * 170_000},
    "keys": {f"key {number:05} {'k' * 40}": True for number in range(8_000)},
}


@pytest.mark.parametrize("given", TOO_MUCH.values(), ids=list(TOO_MUCH))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7")])
def test_a_contact_beyond_350_kilobytes(method: str, path: str, given: Any, account: Account) -> None:
    names = {"email": "new@example.com"} if method == "POST" else {}
    raw = json.dumps({**names, "metadata": given}, ensure_ascii=False).encode()
    problem = assert_problem(account.api.send(method, path, raw=raw), 413, "contact_too_large")
    assert "358,400" in problem["detail"]


NINETY_THOUSAND = ",".join(f'"f{number}":1' for number in range(90_000))
FAR_TOO_MUCH_WRONG = {
    "90,000 unknown fields": f"{{{NINETY_THOUSAND}}}",
    "90,000 fields, one of them twice": f'{{{NINETY_THOUSAND},"f7":1}}',
    "400,000 tags that are numbers": f'{{"email":"new@example.com","tags":[{"1," * 400_000}1]}}',
    "100,000 broken strings": metadata("[" + f'"{NUL}",' * 100_000 + "1]"),
}


@pytest.mark.parametrize("raw", FAR_TOO_MUCH_WRONG.values(), ids=list(FAR_TOO_MUCH_WRONG))
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7")])
def test_a_body_with_very_many_errors_is_refused_briefly(
    method: str, path: str, raw: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of more than 6 MB would not leave Lambda, and one after 20 s would be none of ours."""
    assert len(raw) < 1 << 20
    # The meter is asked when the body has been read. While calls are counted, a busy machine takes long for that.
    monkeypatch.setattr(Deadline, "has_time_left", lambda *_: True)
    answers: list[Any] = []
    calls = calls_made(lambda: answers.append(account.api.send(method, path, raw=raw)))
    assert calls < 4 * len(raw)
    assert_problem(answers[0], 400)
    assert len(answers[0].content) < 20_000


def test_skipping_has_its_limit(account: Account) -> None:
    raw = FAR_TOO_MUCH_WRONG["90,000 unknown fields"]
    answer = account.api.send("PATCH", "/v1/contacts/7?on_invalid=skip", raw=raw)
    assert_problem(answer, 400, "invalid_input")
    assert len(answer.content) < 20_000


# Parameters

PARAMETERS = {
    "unknown": ("GET", "/v1/contacts?colour=red", "colour"),
    "unknown, of a read": ("GET", "/v1/contacts/7?colour=red", "colour"),
    "unknown, of a create": ("POST", "/v1/contacts?colour=red", "colour"),
    "unknown, of an update": ("PATCH", "/v1/contacts/7?colour=red", "colour"),
    "unknown, of a delete": ("DELETE", "/v1/contacts/7?colour=red", "colour"),
    "unknown, of a restore": ("POST", "/v1/contacts/7/restore?colour=red", "colour"),
    "unknown, of an account": ("GET", "/v1/account?colour=red", "colour"),
    "unknown, of keys": ("GET", "/v1/api-keys?limit=5", "limit"),
    "of another operation": ("GET", "/v1/contacts/7?permanent=true", "permanent"),
    "without a value": ("GET", "/v1/contacts?colour", "colour"),
    "in other case": ("GET", "/v1/contacts?Limit=5", "Limit"),
    "limit=0": ("GET", "/v1/contacts?limit=0", "limit"),
    "limit=101": ("GET", "/v1/contacts?limit=101", "limit"),
    "limit=-1": ("GET", "/v1/contacts?limit=-1", "limit"),
    "limit=ten": ("GET", "/v1/contacts?limit=ten", "limit"),
    "limit=1.5": ("GET", "/v1/contacts?limit=1.5", "limit"),
    "limit=1e1": ("GET", "/v1/contacts?limit=1e1", "limit"),
    "limit with Arabic digits": ("GET", "/v1/contacts?limit=%D9%A5", "limit"),
    "limit of 5,000 digits": ("GET", f"/v1/contacts?limit={'9' * 5000}", "limit"),
    "limit empty": ("GET", "/v1/contacts?limit=", "limit"),
    "limit twice": ("GET", "/v1/contacts?limit=5&limit=5", "limit"),
    "sort unknown": ("GET", "/v1/contacts?sort=height", "sort"),
    "sort empty": ("GET", "/v1/contacts?sort=", "sort"),
    "sort twice": ("GET", "/v1/contacts?sort=created_at&sort=-created_at", "sort"),
    "cursor made up": ("GET", "/v1/contacts?cursor=abc", "cursor"),
    "cursor of the right length": ("GET", f"/v1/contacts?cursor={'A' * 32}", "cursor"),
    "cursor of 5,000": ("GET", f"/v1/contacts?cursor={'A' * 5000}", "cursor"),
    "cursor with NUL": ("GET", "/v1/contacts?cursor=%00", "cursor"),
    "cursor empty": ("GET", "/v1/contacts?cursor=", "cursor"),
    "starting_after made up": ("GET", "/v1/contacts?starting_after=abc", "starting_after"),
    "cursor twice": ("GET", f"/v1/contacts?cursor={'A' * 32}&cursor={'A' * 32}", "cursor"),
    "flag as yes": ("GET", "/v1/contacts?is_active=yes", "is_active"),
    "flag as 1": ("GET", "/v1/contacts?is_unsubscribed=1", "is_unsubscribed"),
    "flag in capitals": ("GET", "/v1/contacts?is_active=True", "is_active"),
    "validation_status unknown": ("GET", "/v1/contacts?validation_status=maybe", "validation_status"),
    "created_after yesterday": ("GET", "/v1/contacts?created_after=yesterday", "created_after"),
    "created_after without a zone": ("GET", "/v1/contacts?created_after=2026-01-15T10:30:00", "created_after"),
    "created_after a day that is none": ("GET", "/v1/contacts?created_after=2026-02-30", "created_after"),
    "created_before in month 13": ("GET", "/v1/contacts?created_before=2026-13-01T00:00:00Z", "created_before"),
    "created_before before 1970": ("GET", "/v1/contacts?created_before=1969-12-31T23:59:59Z", "created_before"),
    "created_before a number": ("GET", "/v1/contacts?created_before=1768473000000", "created_before"),
    "on_conflict unknown": ("POST", "/v1/contacts?on_conflict=merge", "on_conflict"),
    "on_conflict twice": ("POST", "/v1/contacts?on_conflict=update&on_conflict=reject", "on_conflict"),
    "on_invalid unknown": ("PATCH", "/v1/contacts/7?on_invalid=ignore", "on_invalid"),
    "on_invalid twice": ("PATCH", "/v1/contacts/7?on_invalid=skip&on_invalid=reject", "on_invalid"),
    "permanent=yes": ("DELETE", "/v1/contacts/7?permanent=yes", "permanent"),
    "permanent twice": ("DELETE", "/v1/contacts/7?permanent=false&permanent=true", "permanent"),
    "by unknown": ("GET", "/v1/contacts/7?by=phone", "by"),
    "by twice": ("DELETE", "/v1/contacts/7?by=external_id&by=id", "by"),
    "by empty": ("PATCH", "/v1/contacts/7?by=", "by"),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "culprit"), PARAMETERS.values(), ids=list(PARAMETERS))
def test_a_parameter_that_cannot_be_taken(method: str, path: str, culprit: str, account: Account) -> None:
    body = ({"email": "new@example.com"},) if method in ("POST", "PATCH") else ()
    problem = assert_problem(account.api.send(method, path, *body), 400, "invalid_input")
    assert culprits(problem) == {culprit}


def test_a_list_takes_one_of_cursor_starting_after_and_offset(account: Account) -> None:
    answer = account.api.get(f"/v1/contacts?cursor={'A' * 32}&starting_after={'B' * 32}")
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {"starting_after"}
