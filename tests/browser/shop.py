"""An account with something of everything: what each view has to show, and what is hard to show."""

from contextlib import ExitStack
from datetime import UTC, datetime

from tests.support.accounts import Account
from tests.support.api import Api, path_of
from tests.support.receiver import Receiver
from tests.support.steps import channels, properties
from tests.support.steps.imports import at_rest, begun, exported, imported
from tests.support.steps.webhooks import webhook
from tests.support.waiting import until

MARKUP = "<img src=x onerror=alert(1)>"
ARABIC = "ليلى حسن"
LONG_NAME = ("Wolfeschlegelsteinhausenbergerdorff" * 8)[:255]
TAGS = [f"tag-{number:03}" for number in range(100)]
BIG = "0123456789abcdef " * 1000
"""A value of 17 KB; a contact holds twenty of them."""

PEOPLE = (
    {"email": "ada@example.com", "name": "Ada Lovelace", "external_id": "crm-1", "tags": ["vip", "customer"]},
    {"email": "grace@example.com", "name": "Grace Hopper", "phone": "+442079460958", "lists": ["newsletter"]},
    {"email": "markup@example.com", "name": MARKUP, "tags": [MARKUP], "custom_fields": {"note": MARKUP}},
    {"email": "leila@example.com", "name": ARABIC, "custom_fields": {"city": "القاهرة Cairo"}},
    {"email": "long@example.com", "name": LONG_NAME},
    {"email": "tagged@example.com", "name": "Tagged", "tags": TAGS},
    {"email": "big@example.com", "name": "Big", "metadata": {f"m{n}": BIG for n in range(20)}},
    {"email": "gone@example.com", "name": "Opted Out", "is_unsubscribed": True},
)
HALF_WRONG = "Email,First name\nnina@example.com,Nina\nno address,Nobody\nomar@example.com,Omar\n"


class Shop:
    """The account, its keys, and the address of every view of it."""

    def __init__(self, account: Account, until_the_end: ExitStack) -> None:
        self.account = account
        self.api: Api = account.api
        self.key: str = account.api.key or ""
        properties.defined(self.api, "city", type="string", label="City")
        properties.defined(self.api, "plan", type="enum", options=["free", "pro"])
        receiver = until_the_end.enter_context(Receiver(503, 200))
        self.webhook_id: str = webhook(self.api, receiver.url, description="The shop's till")["id"]
        self.ids = {one["email"].partition("@")[0]: self.api.created(**one)["id"] for one in PEOPLE}
        self.api.patch(path_of(self.ids["ada"]), {"custom_fields": {"city": "London"}, "add_tags": ["beta"]})
        event = {"type": "order_placed", "data": {"total": 42}, "occurred_at": datetime.now(UTC).isoformat()}
        self.event = self.api.post(path_of(self.ids["ada"], "/events"), event)
        self.channel_id = channels.made(self.api)
        channels.arrived(self.api, self.channel_id, "chat-1", **channels.ADA)
        self.import_id: str = imported(self.api, "people.csv", HALF_WRONG.encode())["id"]
        dry = begun(self.api, "later.csv", b"Email\nlater@example.com\n", dry_run=True)
        self.dry_run_id: str = at_rest(self.api, dry)["id"]
        exported(self.api, format="csv")
        self.export_id: str = self.api.get("/v1/exports").json()["data"][0]["id"]
        self.narrow = account.key(name="Reads only", scopes=["contacts:read", "account:read"])
        assert until(lambda: receiver.requests)

    def routes(self) -> dict[str, str]:
        """Every view, by a name for tests."""
        return ROUTES | {
            "contact": f"/contact/{self.ids['ada']}",
            "contact with markup": f"/contact/{self.ids['markup']}",
            "contact with 100 tags": f"/contact/{self.ids['tagged']}",
            "contact with a long name": f"/contact/{self.ids['long']}",
            "contact in Arabic": f"/contact/{self.ids['leila']}",
            "contact of 340 KB": f"/contact/{self.ids['big']}",
            "import": f"/import/{self.import_id}",
            "import that waits": f"/import/{self.dry_run_id}",
            "export": f"/export/{self.export_id}",
            "webhook": f"/webhook/{self.webhook_id}",
        }


ROUTES: dict[str, str] = {
    name: f"/{name}"
    for name in (
        *("contacts", "contacts/new", "imports", "imports/new", "exports", "webhooks", "webhooks/new"),
        *("tags", "lists", "properties", "channels", "keys", "usage"),
    )
}
OF_ONE = (
    *(
        "contact",
        "contact with markup",
        "contact with 100 tags",
        "contact with a long name",
        "contact in Arabic",
    ),
    *("contact of 340 KB", "import", "import that waits", "export", "webhook"),
)
VIEWS: tuple[str, ...] = (*ROUTES, *OF_ONE)
"""The names of `Shop.routes`."""
