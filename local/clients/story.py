"""A day with the client that openapi-python-client makes: all of a contact's life, and what can go wrong in it.

`API` and `KEY` in the environment say where. Exits with an AssertionError where something is not as it should be.
"""

import os
from datetime import UTC, datetime, timedelta

from contacts_api_client import AuthenticatedClient
from contacts_api_client.api.account import get_account
from contacts_api_client.api.contacts import (
    batch_contacts,
    create_contact,
    delete_contact,
    get_contact,
    list_contacts,
    update_contact,
)
from contacts_api_client.api.timeline import record_event
from contacts_api_client.models import (
    Account,
    Batch,
    BatchCreate,
    BatchDelete,
    BatchResults,
    Contact,
    ContactChange,
    ContactPage,
    DeletedContact,
    JsonObject,
    NewContact,
    NewEvent,
    Problem,
    ProblemCode,
    RecordedEvent,
    RefKind,
    Sort,
    ValidationStatus,
    WrittenContact,
)

URL, KEY = os.environ["API"], os.environ["KEY"]
TAG = "python-story"
client = AuthenticatedClient(base_url=URL, token=KEY)


def a_life() -> None:
    """Create, read, change, and delete."""
    new = NewContact(
        email="Grace@Example.com",
        external_id="py/1",
        phone="+4915112345678",
        tags=[TAG],
        custom_fields=JsonObject.from_dict({"city": "Київ", "seats": 12}),
    )
    began = datetime.now(UTC) - timedelta(minutes=5)
    made = create_contact.sync(client=client, body=new, idempotency_key=f"{TAG}-1")
    assert isinstance(made, WrittenContact), made
    assert made.email == "grace@example.com"
    assert made.created_at > began
    assert made.custom_fields["city"] == "Київ"
    assert made.unsubscribed_at is None

    again = create_contact.sync_detailed(client=client, body=new, idempotency_key=f"{TAG}-1")
    assert isinstance(again.parsed, WrittenContact)
    assert again.parsed.id == made.id
    assert again.headers["Idempotent-Replayed"] == "true"

    for ref, by in (
        (str(made.id), RefKind.ID),
        ("grace@example.com", RefKind.EMAIL),
        ("py/1", RefKind.EXTERNAL_ID),
    ):
        read = get_contact.sync(ref, client=client, by=by)
        assert isinstance(read, Contact), read
        assert read.id == made.id
        assert read.validation_status in set(ValidationStatus)

    change = ContactChange(
        first_name="Grace", phone=None, add_tags=["navy"], custom_fields=JsonObject.from_dict({"seats": None})
    )
    changed = update_contact.sync("py/1", client=client, body=change, if_match=f'"{made.version}"')
    assert isinstance(changed, WrittenContact), changed
    assert (changed.first_name, changed.phone, changed.tags) == ("Grace", None, [TAG, "navy"])
    assert changed.custom_fields.to_dict() == {"city": "Київ"}
    assert changed.version == made.version + 1

    order = NewEvent(name="order placed", data=JsonObject.from_dict({"total": 42.5}))
    recorded = record_event.sync(str(made.id), client=client, body=order)
    assert isinstance(recorded, RecordedEvent), recorded
    assert recorded.name == "order placed"

    gone = delete_contact.sync("py/1", client=client)
    assert isinstance(gone, DeletedContact), gone
    assert (gone.id, gone.permanent) == (made.id, False)
    is_a_problem(get_contact.sync("py/1", client=client), 404, ProblemCode.CONTACT_NOT_FOUND)


def many() -> None:
    """A batch, and pages of a list."""
    items = [
        BatchCreate(op="create", contact=NewContact(email=f"py-{n}@example.com", tags=[TAG]))
        for n in range(5)
    ]
    done = batch_contacts.sync(
        client=client, body=Batch(operations=[*items, BatchDelete(op="delete", ref="nobody@example.com")])
    )
    assert isinstance(done, BatchResults), done
    assert [one.status for one in done.results] == [201] * 5 + [404]
    assert all(isinstance(one.contact, WrittenContact) for one in done.results[:5])
    refused = done.results[5].problem
    assert isinstance(refused, Problem)
    assert refused.code is ProblemCode.CONTACT_NOT_FOUND

    day = datetime.now(UTC).date() - timedelta(days=1)
    moment = datetime.now(UTC) + timedelta(minutes=5)
    page = list_contacts.sync(
        client=client, limit=2, created_after=day, created_before=moment, sort=Sort.OLDEST_FIRST, search="py"
    )
    assert isinstance(page, ContactPage), page
    emails = [contact.email for contact in page.data]
    while page.next_cursor:
        page = list_contacts.sync(
            client=client,
            limit=2,
            created_after=day,
            created_before=moment,
            sort=Sort.OLDEST_FIRST,
            search="py",
            cursor=page.next_cursor,
        )
        assert isinstance(page, ContactPage), page
        emails += [contact.email for contact in page.data]
    # The words of a contact may follow a moment later.
    assert set(emails) <= {f"py-{n}@example.com" for n in range(5)}
    assert len(set(emails)) == len(emails)


def problems() -> None:
    """Every kind of refusal is a Problem, with a code of an enumeration."""
    existing = create_contact.sync(client=client, body=NewContact(email="py-problems@example.com"))
    assert isinstance(existing, WrittenContact), existing
    duplicate = is_a_problem(
        create_contact.sync(client=client, body=NewContact(email="PY-problems@example.com")),
        409,
        ProblemCode.DUPLICATE_CONTACT,
    )
    assert duplicate.existing_id == str(existing.id)

    invalid = is_a_problem(
        create_contact.sync(client=client, body=NewContact(email="nobody", phone="12")),
        400,
        ProblemCode.INVALID_INPUT,
    )
    assert isinstance(invalid.errors, list)
    assert {error.field for error in invalid.errors} == {"email", "phone"}
    is_a_problem(create_contact.sync(client=client, body=NewContact()), 400, ProblemCode.INVALID_INPUT)

    stale = update_contact.sync(
        "py-problems@example.com", client=client, body=ContactChange(name="X"), if_match='"99"'
    )
    is_a_problem(stale, 412, ProblemCode.STALE_VERSION)

    reused = create_contact.sync(
        client=client, body=NewContact(email="other@example.com"), idempotency_key=f"{TAG}-1"
    )
    is_a_problem(reused, 422, ProblemCode.IDEMPOTENCY_KEY_REUSED)

    nobody = AuthenticatedClient(base_url=URL, token="sk_live_nobody")
    is_a_problem(get_account.sync(client=nobody), 401, ProblemCode.NOT_AUTHENTICATED)
    by_header = AuthenticatedClient(base_url=URL, token=KEY, prefix="", auth_header_name="X-API-Key")
    assert isinstance(get_account.sync(client=by_header), Account)


def is_a_problem(answer: object, status: int, code: ProblemCode) -> Problem:
    """The answer, which must be a problem of that status and code."""
    assert isinstance(answer, Problem), answer
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.detail
    assert answer.request_id
    return answer


a_life()
many()
problems()
print("created, read, listed, changed, deleted; 400, 401, 404, 409, 412 and 422 are typed problems")
