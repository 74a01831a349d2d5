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


def test_a_dry_run_shows_what_would_be_and_writes_nothing(account: Account) -> None:
    ada, bea = account.api.created(**ADA), account.api.created(**BEA)
    path, before = path_of("ada@example.com", "/merge"), account.everything()
    previews = [
        account.api.post(f"{path}?dry_run=true", {"from": "crm-2"}, **headers)
        for headers in ({}, {"Idempotency-Key": "m-1"}, {"Idempotency-Key": "m-1"}, {"If-Match": '"1"'})
    ]
    usage = {key for key in account.everything() if key[0].endswith("USAGE")}
    assert {key: item for key, item in account.everything().items() if key not in usage} == {
        key: item for key, item in before.items() if key not in usage
    }
    assert account.api.contact(ada["id"]) == ada
    assert account.api.contact(bea["id"]) == bea
    result = merged(account, "ada@example.com", "crm-2", Idempotency_Key="m-1")
    for preview in previews:
        assert (preview.status_code, preview.headers.get("ETag")) == (200, None)
        assert "Idempotent-Replayed" not in preview.headers
        assert {**preview.json(), "updated_at": None} == {**result, "updated_at": None}
    assert result["tags"] == ["vip", "trial"]


def test_a_dry_run_refuses_what_the_merge_would_refuse(account: Account) -> None:
    ada = account.api.created(**ADA)
    account.api.created(**BEA)
    account.api.created(external_id="many", tags=[f"t{number}" for number in range(99)])
    account.api.created(external_id="large", metadata={"text": "x" * 200_000})
    account.api.created(external_id="larger", metadata={"more": "x" * 200_000})
    before = account.items()
    for ref, source, headers in (
        ("crm-2", "many", {}),
        ("large", "larger", {}),
        ("crm-2", "ada@example.com", {"If-Match": '"7"'}),
        ("crm-2", "crm-2", {}),
        ("crm-2", "nobody", {}),
        ("nobody", ada["id"], {}),
    ):
        path = path_of(ref, "/merge")
        told, real = (
            account.api.post(f"{path}{query}", {"from": source}, **headers) for query in ("?dry_run=true", "")
        )
        assert told.status_code == real.status_code >= 400
        assert {**told.json(), "request_id": ""} == {**real.json(), "request_id": ""}
    assert account.items() == before
    for wrong in ("yes", "1", ""):
        answer = account.api.post(f"{path_of('crm-2', '/merge')}?dry_run={wrong}", {"from": ada["id"]})
        assert culprits(assert_problem(answer, 400, "invalid_input")) == {"dry_run"}
    assert account.items() == before
    answer = account.api.post(f"{path_of('crm-2', '/merge')}?dry_run=false", {"from": ada["id"]})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2-pending"')


def test_a_dry_run_shows_a_writer_no_contact(account: Account) -> None:
    for one in (ADA, BEA):
        account.api.created(**one)
    with account.api_with(account.key(scopes=["contacts:write"])["key"]) as api:
        told = api.post(f"{path_of('ada@example.com', '/merge')}?dry_run=true", {"from": "crm-2"})
    assert told.status_code == 200
    assert told.json().keys() == {"id", "version", "created_at", "updated_at"}
    with account.api_with(account.key(mode="test")["key"]) as api:
        told = api.post(f"{path_of('ada@example.com', '/merge')}?dry_run=true", {"from": "crm-2"})
    assert_problem(told, 404, "contact_not_found")
