"""Which contacts cannot be merged, and what becomes of the names of those that were."""

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits, path_of
from tests.support.steps.merging import ADA, BEA, merged


def test_what_cannot_be_merged_changes_nothing(account: Account) -> None:
    ada, bea = account.api.created(**ADA), account.api.created(**BEA)
    trashed = account.api.created(email="gone@example.com")
    account.api.delete(path_of(trashed["id"]))
    many = account.api.created(external_id="many", tags=[f"t{number}" for number in range(99)])
    before = account.items()
    path = f"/api{path_of(ada['id'], '/merge')}"
    problem = assert_problem(account.api.post(path, {"from": "ada@example.com"}), 409, "same_contact")
    assert problem["existing_id"] == ada["id"]
    for source in (trashed["id"], "gone@example.com", "nobody"):
        problem = assert_problem(account.api.post(path, {"from": source}), 404, "contact_not_found")
        assert culprits(problem) == {"from"}
    assert_problem(account.api.post(path_of("nobody", "/merge"), {"from": ada["id"]}), 404)
    problem = assert_problem(
        account.api.post(path_of("crm-2", "/merge"), {"from": "many"}), 409, "merge_too_large"
    )
    assert culprits(problem) == {"tags"}
    stale = account.api.post(path, {"from": bea["id"]}, If_Match='"7"')
    assert_problem(stale, 412, "stale_version")
    wrong = account.api.post(f"{path}?how=fast", {"by": "name", "into": 1})
    assert culprits(assert_problem(wrong, 400, "invalid_input")) == {"from", "by", "into", "how"}
    assert account.items() == before
    assert many["version"] == 1


def test_merged_names_come_back_out_of_the_trash(account: Account) -> None:
    ada, bea = account.api.created(**ADA), account.api.created(**BEA)
    merged(account, ada["id"], bea["id"])
    account.api.delete(path_of(ada["id"]))
    assert_problem(account.api.get(path_of(bea["id"])), 404)
    back = account.api.post(path_of(bea["id"], "/restore"))
    assert (back.status_code, back.json()["id"]) == (200, ada["id"])
    assert account.api.contact("augusta@example.org") == back.json()


def test_contacts_of_others_cannot_be_merged(account: Account, other_account: Account) -> None:
    mine, theirs = account.api.created(**ADA), other_account.api.created(**BEA)
    before = other_account.items()
    for source in (theirs["id"], theirs["email"], theirs["external_id"]):
        assert_problem(account.api.post(path_of(mine["id"], "/merge"), {"from": source}), 404)
        assert_problem(account.api.post(path_of(source, "/merge"), {"from": mine["id"]}), 404)
    assert other_account.items() == before


def test_a_test_key_merges_nothing(account: Account) -> None:
    ada, bea = account.api.created(**ADA), account.api.created(**BEA)
    test_key = account.key(mode="test")["key"]
    before = account.items()
    with account.api_with(test_key) as api:
        answer = api.post(path_of(ada["id"], "/merge"), {"from": bea["id"]})
        assert_problem(answer, 404, "contact_not_found")
    assert {key: item for key, item in account.items().items() if key in before} == before
