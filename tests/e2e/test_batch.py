"""Batches: up to a hundred requests about contacts in one, each standing alone."""

from concurrent.futures import ThreadPoolExecutor

from contacts.table import keys
from tests.support.accounts import Account, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import culprits, path_of
from tests.support.steps.batches import BATCH, batch, people, results_of
from tests.support.waiting import until


def test_all_four_operations_and_what_each_is_answered(account: Account) -> None:
    api = account.api
    ada = api.created(email="ada@example.com", external_id="1", tags=["vip"])
    bea = api.created(email="bea@example.com")
    created, upserted, updated, deleted, refused, missing, taken = batch(
        api,
        {"op": "create", "contact": {"email": "carl@example.com", "name": "Carl C."}},
        {
            "op": "upsert",
            "contact": {"email": "ada@example.com", "add_tags": ["beta"], "add_lists": ["news"]},
        },
        {"op": "update", "ref": "ada@example.com", "contact": {"metadata": {"n": 0.1}}, "if_match": 2},
        {"op": "delete", "ref": bea["id"], "if_match": '"1-pending"'},
        {"op": "create", "contact": {"email": "carl", "phone": "1", "nope": 1}},
        {"op": "update", "ref": "nobody", "contact": {"first_name": "N"}},
        {"op": "create", "contact": {"external_id": "1"}},
    )
    assert (created["status"], created["contact"]) == (201, api.contact("carl@example.com"))
    assert (upserted["status"], upserted["contact"]["tags"]) == (200, ["vip", "beta"])
    assert (updated["status"], updated["contact"]) == (200, api.contact(ada["id"]))
    assert (updated["contact"]["version"], updated["contact"]["lists"]) == (3, ["news"])
    assert deleted["contact"] == {"deleted": True, "id": bea["id"], "permanent": False}
    assert (refused["status"], refused["problem"]["code"]) == (400, "invalid_input")
    assert culprits(refused["problem"]) == {"email", "phone", "nope"}
    assert (missing["status"], missing["problem"]["code"]) == (404, "contact_not_found")
    assert (taken["status"], taken["problem"]["existing_id"]) == (409, ada["id"])
    assert api.post(path_of(bea["id"], "/restore")).status_code == 200


def test_a_hundred_contacts_in_one_request_of_the_plan(account: Account) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(30)
    before = account.api.get("/v1/account").json()["used_this_hour"]
    results = batch(account.api, *people(100))
    assert {result["status"] for result in results} == {201}
    assert account.api.get("/v1/account").json()["used_this_hour"] == before + 2
    assert [result["contact"]["external_id"] for result in results] == [f"person-{n}" for n in range(100)]
    listed = account.api.get("/v1/contacts?limit=100").json()
    assert (len(listed["data"]), listed["has_more"]) == (100, False)
    # And each is projected like any other.
    counted = keys.count(account.id, keys.counted(keys.Key("", "ALL")))
    assert until(lambda: account.derived().get(tuple(counted), {}).get("n") == {"N": "100"})
    assert until(lambda: account.derived_contradictions() == []), account.derived_contradictions()


def test_the_same_batch_ten_times_at_once(account: Account) -> None:
    operations = [*people(10), {"op": "delete", "ref": "person-0"}]
    with ThreadPoolExecutor(10) as clients:
        answers = list(
            clients.map(
                lambda _: account.api.post(BATCH, {"operations": operations}, Idempotency_Key="k"), range(10)
            )
        )
    said = [[(result["status"], result.get("contact")) for result in results_of(one)] for one in answers]
    assert all(one == said[0] for one in said)
    assert [status for status, _ in said[0]] == [*[201] * 10, 200]
    assert len(account.api.get("/v1/contacts").json()["data"]) == 9


def test_large_contacts_are_told_in_short_where_the_answer_would_be_too_long(account: Account) -> None:
    text = "é" * 140_000  # 280 KB
    for number in range(20):
        account.api.created(external_id=f"{number}", metadata={"text": text})
    answer = account.api.post(
        BATCH,
        {"operations": [{"op": "update", "ref": f"{n}", "contact": {"first_name": "A"}} for n in range(20)]},
    )
    results = results_of(answer)
    assert {result["status"] for result in results} == {200}
    assert len(answer.content) <= 5_000_000
    whole = [result for result in results if "metadata" in result["contact"]]
    assert results[: len(whole)] == whole != []
    assert all(set(result["contact"]) == {"id", "version"} for result in results[len(whole) :])
    assert len(whole) < 20
