"""Batches: order, repetition, what is refused, and whose contacts they change."""

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits
from tests.support.steps.batches import BATCH, batch, people, results_of


def test_items_about_one_contact_happen_in_order(account: Account) -> None:
    results = batch(
        account.api,
        {"op": "create", "contact": {"email": "ada@example.com", "external_id": "1"}},
        *({"op": "update", "ref": "1", "contact": {"custom_fields": {f"k{n}": n}}} for n in range(20)),
        {"op": "update", "ref": "ada@example.com", "contact": {"email": "countess@example.com"}},
        {"op": "update", "ref": "ada@example.com", "contact": {"first_name": "nobody"}},
        {"op": "delete", "ref": "countess@example.com"},
        {"op": "upsert", "contact": {"email": "countess@example.com", "first_name": "Ada"}},
    )
    assert [result["status"] for result in results] == [201, *[200] * 21, 404, 200, 201]
    assert [result["contact"]["version"] for result in results[:22]] == list(range(1, 23))
    last = results[-1]["contact"]
    assert (last["id"], last["first_name"]) == (results[0]["contact"]["id"], "Ada")
    assert len(last["custom_fields"]) == 20


def test_a_batch_that_is_sent_again_is_done_once(account: Account) -> None:
    operations = [
        *people(20),
        {"op": "update", "ref": "person-3", "contact": {"add_tags": ["x"]}},
        {"op": "delete", "ref": "person+4@example.com"},
        {"op": "delete", "ref": "late"},
    ]
    first = account.api.post(BATCH, {"operations": operations}, Idempotency_Key="import-1")
    assert "Idempotent-Replayed" not in first.headers
    left = account.items()
    again = account.api.post(BATCH, {"operations": operations}, Idempotency_Key="import-1")
    assert again.headers["Idempotent-Replayed"] == "true"
    done, repeated = results_of(first), results_of(again)
    assert done[:-1] == repeated[:-1]
    assert [done[-1]["status"], repeated[-1]["status"]] == [404, 404]
    assert account.items() == left
    # What was refused is tried again, and only that.
    account.api.created(external_id="late")
    assert batch(account.api, *operations, Idempotency_Key="import-1")[-1]["status"] == 200
    # By its alias it is the same request.
    aliased = account.api.post(f"/api{BATCH}", {"operations": operations}, Idempotency_Key="import-1")
    assert results_of(aliased)[:-1] == done[:-1]
    before = account.items()
    other = account.api.post(BATCH, {"operations": operations[:-1]}, Idempotency_Key="import-1")
    assert_problem(other, 422, "idempotency_key_reused")
    single = account.api.post("/v1/contacts", {"external_id": "x"}, Idempotency_Key="import-1")
    assert_problem(single, 422, "idempotency_key_reused")
    assert account.items() == before


def test_a_wrong_envelope_writes_nothing(account: Account) -> None:
    api, good, before = account.api, people(1), account.items()
    for body, culprit in (
        ({}, "operations"),
        ({"operations": []}, "operations"),
        ({"operations": people(101)}, "operations"),
        ({"operations": good, "atomic": True}, "atomic"),
        (good, "body"),
    ):
        assert culprits(assert_problem(api.post(BATCH, body, Idempotency_Key="k"), 400)) == {culprit}
    assert_problem(api.send("POST", BATCH, raw="{"), 400, "invalid_json")
    assert culprits(assert_problem(api.post(f"{BATCH}?on_conflict=update", {"operations": good}), 400)) == {
        "on_conflict"
    }
    assert account.items() == before


def test_one_accounts_batch_does_nothing_to_another(account: Account, other_account: Account) -> None:
    theirs = other_account.api.created(email="ada@example.com", external_id="1")
    before = other_account.items()
    results = batch(
        account.api,
        {"op": "update", "ref": theirs["id"], "contact": {"first_name": "mine"}},
        {"op": "delete", "ref": "1"},
        {"op": "create", "contact": {"email": "ada@example.com"}},
        Idempotency_Key="k",
    )
    assert [result["status"] for result in results] == [404, 404, 201]
    assert other_account.items() == before


def test_a_test_key_changes_nothing(account: Account) -> None:
    with account.api_with(account.key(mode="test")["key"]) as api:
        before = account.items()
        answer = api.post(
            BATCH, {"operations": [*people(3), {"op": "delete", "ref": "x"}]}, Idempotency_Key="k"
        )
        assert [result["status"] for result in results_of(answer)] == [201, 201, 201, 404]
        assert answer.json()["test_mode"] is True
        assert account.items() == before


def test_all_valid_carries_out_nothing_where_an_item_is_invalid(account: Account) -> None:
    """It names every invalid field of every item by its path in the body."""
    api = account.api
    assert api.post("/v1/contact-properties", {"name": "size", "type": "number"}).status_code == 201
    before = account.items()
    operations = [
        {"op": "create", "contact": {"email": "fine@example.com"}},
        {"op": "upsert", "contact": {"email": "nonsense", "custom_fields": {"size": "L"}}},
        {"op": "upsert", "contact": {"first_name": "Nobody"}},
        {"op": "rename", "ref": "x"},
        {"op": "update", "contact": {"tags": "vip"}},
        5,
    ]
    refused = api.post(f"{BATCH}?all_valid=true", {"operations": operations})
    assert culprits(refused.json()) == {
        "operations.1.contact.custom_fields.size",
        "operations.1.contact.email",
        "operations.2.contact.email",
        "operations.2.contact.external_id",
        "operations.3.op",
        "operations.4.contact.tags",
        "operations.4.ref",
        "operations.5",
    }
    assert account.items() == before
    skipping = api.post(f"{BATCH}?all_valid=true&on_invalid=skip", {"operations": operations[:2]})
    assert culprits(skipping.json()) == {"operations.1.contact.email", "operations.1.contact.external_id"}


def test_all_valid_lets_an_item_fail_by_what_is_stored(account: Account) -> None:
    account.api.created(email="ada@example.com")
    operations = [
        {"op": "create", "contact": {"email": "ada@example.com"}},
        {"op": "create", "contact": {"email": "grace@example.com"}},
    ]
    results = results_of(account.api.post(f"{BATCH}?all_valid=true", {"operations": operations}))
    assert [result["status"] for result in results] == [409, 201]


def test_all_valid_sent_again_has_the_results_it_had_although_a_property_refuses_them_now(
    account: Account,
) -> None:
    api, target = account.api, f"{BATCH}?all_valid=true"
    body = {"operations": [{"op": "create", "contact": {"external_id": "1", "custom_fields": {"n": "one"}}}]}
    first = api.post(target, body, Idempotency_Key="import-1")
    api.post("/v1/contact-properties", {"name": "n", "label": "n", "type": "number"})
    again = api.post(target, body, Idempotency_Key="import-1")
    assert results_of(again) == results_of(first)
    assert_problem(api.post(target, body, Idempotency_Key="import-2"), 400, "invalid_input")
    other = {"operations": [*body["operations"], *body["operations"]]}
    assert_problem(api.post(target, other, Idempotency_Key="import-1"), 422, "idempotency_key_reused")
