"""The account that the events in events/ are requests of: one API key, a contact that is there, one in the trash.

The local stack has it, so that every event works there; tests and benchmarks put it into tables of their own.
"""

import secrets
import time
from hashlib import sha256
from typing import Any

from contacts.adapters.account_store import DynamoAccountStore
from contacts.adapters.contact_store import DynamoContactStore
from contacts.adapters.table import Table
from contacts.domain.accounts import Account, ApiKey, Dialect, Mode, Plan, Scope
from contacts.domain.contact import Contact, ValidationStatus
from contacts.domain.outcome import Did, Outcome
from contacts.services.ports import Move, Standing

KEY = "sk_live_ExampleExampleExampleExampleExampleExample1"
FIRST_SCOPES = tuple(scope for scope in Scope if scope not in (Scope.API_USER, Scope.USER))

ACCOUNT = Account(
    id="019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61",
    name="Example Söhne GmbH",
    plan=Plan.PRO,
    hourly_limit=10_000,
    created_at="2026-01-13T10:30:00.000Z",
)
API_KEY = ApiKey(
    id="key_19bb6e7c0407e1d4a90",
    account_id=ACCOUNT.id,
    key_hash=sha256(KEY.encode()).hexdigest(),
    name="first key",
    scopes=FIRST_SCOPES,
    mode=Mode.LIVE,
    dialect=Dialect.NATIVE,
    last_four=KEY[-4:],
    created_at="2026-01-13T10:30:00.000Z",
)
SPARE_KEY = ApiKey(
    id="key_19bbc0e1c405f2c9d1e",
    account_id=ACCOUNT.id,
    key_hash=sha256(b"a key that nobody sends").hexdigest(),
    name="former intern",
    scopes=(Scope.CONTACTS_READ,),
    mode=Mode.LIVE,
    dialect=Dialect.NATIVE,
    last_four="wxyz",
    created_at="2026-01-14T10:30:00.000Z",
)
LIVE = Contact(
    id="019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01",
    version=3,
    created_at="2026-01-14T10:30:00.000Z",
    updated_at="2026-01-14T11:00:00.000Z",
    email="olena.kovalenko@example.com",
    external_id="crm-31337",
    first_name="Olena",
    last_name="Коваленко",
    phone="+380501234567",
    tags=("vip", "beta, second wave"),
    lists=("newsletter",),
    custom_fields={"city": "Львів", "newsletter_frequency": "weekly", "employees": 12},
    metadata={"source": "import"},
    validation_status=ValidationStatus.VALID,
)
TRASHED = Contact(
    id="019bb6e7-c040-7c51-9b07-2e9f6a1d8c02",
    version=2,
    created_at="2026-01-13T10:30:00.000Z",
    updated_at="2026-01-13T11:00:00.000Z",
    email="mehmet.oz@example.org",
    external_id="crm-27182",
    name="Mehmet Öz",
    first_name="Mehmet",
    last_name="Öz",
    tags=("trial",),
    is_unsubscribed=True,
    unsubscribed_at="2026-01-13T11:00:00.000Z",
)


def fill(client: Any, table_name: str) -> None:
    """Put into an empty table what the events expect to find."""
    now_ms = time.time_ns() // 1_000_000
    table = Table(client, table_name)
    accounts = DynamoAccountStore(table)
    accounts.open_account(ACCOUNT, API_KEY)
    accounts.add_api_key(SPARE_KEY, Outcome(did=Did.CREATED), None, now_ms)
    contacts = DynamoContactStore(table, ACCOUNT.id, secrets.token_bytes, now_ms // 1000)
    for contact in (LIVE, TRASHED):
        created = Outcome(did=Did.CREATED, contact=contact)
        contacts.move(
            Move(before=None, was=None, after=contact, becomes=Standing.LIVE, at_ms=now_ms, outcome=created)
        )
    contacts.move(
        Move(
            before=TRASHED,
            was=Standing.LIVE,
            after=TRASHED,
            becomes=Standing.DELETED,
            at_ms=now_ms,
            outcome=Outcome(did=Did.DELETED),
        )
    )
