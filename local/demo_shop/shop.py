"""Fills a fresh account: what `make demo` does, step by step.

All of it goes through the public API. Only the account itself, and mail that came back, are things that an operator's
functions do.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

from local.demo_shop.endpoints import PUZZLED, receivers
from local.demo_shop.files import File, customers, other_files
from local.demo_shop.people import ODD, PLANS, Person, people
from local.demo_shop.stories import STORIES, Change, Delete, Event, Merge, Step, Story
from local.deployment import Deployment
from local.load import ENDED, Bar, Bars, Client, Loader, NoBar, shown_bar
from local.smoke import Api, Failed
from local.stack import ROOT

Json = dict[str, Any]

ACCOUNT: Final = {"name": "Demo shop", "plan": "enterprise", "hourly_limit": 1_000_000}

PROPERTIES: Final = (
    {"name": "company", "label": "Company", "type": "string"},
    {"name": "city", "label": "City", "type": "string"},
    {"name": "country", "label": "Country", "type": "string"},
    {
        "name": "plan",
        "label": "Plan",
        "type": "enum",
        "options": [*PLANS],
        "description": "What the customer pays for.",
    },
    {"name": "seats", "label": "Seats", "type": "number"},
    {
        "name": "lifetime_value",
        "label": "Lifetime value",
        "type": "number",
        "description": "In euros, all orders.",
    },
    {"name": "last_order_at", "label": "Last order", "type": "date"},
    {"name": "is_partner", "label": "Partner", "type": "boolean"},
    {"name": "shipping_address", "label": "Shipping address", "type": "object"},
    {"name": "fax", "label": "Fax", "type": "string", "description": "Nobody sends faxes any more."},
)
ARCHIVED: Final = "fax"
CHANNELS: Final = (
    {"type": "email", "name": "Newsletter"},
    {"type": "whatsapp", "name": "WhatsApp, support"},
    {"type": "telegram", "name": "Telegram bot"},
    {"type": "viber", "name": "Viber (until last year)", "state": False},
)
KEYS: Final[Mapping[str, Json]] = {
    "contacts_read": {"name": "Dashboard, may only look", "scopes": ["contacts:read"]},
    "test": {"name": "Form on the website, test mode", "mode": "test"},
    "sendmator": {"name": "Old newsletter tool", "dialect": "sendmator"},
    "revoked": {"name": "Former agency", "scopes": ["contacts:read", "exports:write"]},
}
"""By the name that they have in demo.json, besides `native`."""
REVOKED: Final = "revoked"
WEBHOOKS: Final[Mapping[str, Json]] = {
    "crm": {"description": "CRM sync", "events": ["*"]},
    "warehouse": {
        "description": "Warehouse (busy now and then)",
        "events": ["contact.created", "contact.updated", "contact.event"],
    },
    "old-shop": {"description": "Old shop, before the move", "events": ["contact.created"]},
}
"""By the path of their endpoint."""
EXPORTS: Final = (
    {"format": "csv", "gzip": True},
    {
        "format": "ndjson",
        "filter": {"tag": ["vip"], "is_unsubscribed": False},
        "fields": ["email", "name", "phone"],
    },
)
BOUNCED_EVERY: Final = 120
"""Mail to one customer in so many has come back."""
BOUNCES_AT_ONCE: Final = 25
LONGEST_REST_S: Final = 600
"""For which an import or an export may make no progress."""
DELIVERIES_WAIT_S: Final = 60
"""For deliveries that are tried again; what is left then stays pending."""
PAUSES_S: Final = (0.3, 2.0)
ROWS_LIKE_THE_REST: Final = 2500
"""The import of so many customers takes as long as all other steps together."""


@dataclass
class Progress:
    """One bar for all steps, from 0 to 1."""

    bar: Bar
    shown: float = 0.0

    @contextmanager
    def step(self, doing: str, share: float) -> Iterator[Callable[[float], None]]:
        """A step: gives what is told how far it is, from 0 to 1."""
        self.bar.set_postfix_str(doing)
        began = self.shown

        def tell(fraction: float) -> None:
            self._show(began + share * min(1.0, fraction))

        yield tell
        tell(1.0)

    def _show(self, wanted: float) -> None:
        if wanted > self.shown:
            self.bar.update(min(wanted, 1.0) - self.shown)
            self.shown = min(wanted, 1.0)


@dataclass
class Shop:
    """One account that is being filled. `made` is what demo.json says in the end."""

    client: Client
    deployment: Deployment
    account_id: str
    size: int
    endpoints: str
    """The URL of the webhooks' receivers, without a path."""
    progress: Progress
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    made: Json = field(default_factory=dict)
    _customers: Sequence[Person] = ()
    _created: int = 0
    """By imports."""

    def fill(self) -> Json:
        """Take all steps; returns what was made: ids by what they are there for."""
        bulk = self.size / (self.size + ROWS_LIKE_THE_REST)
        rest = 1.0 - bulk
        self._customers = [*people(self.size, self.now.date())]
        with self.progress.step("properties, channels and keys", 0.08 * rest):
            self._define()
        with self.progress.step(f"importing {self.size:,} contacts", bulk) as tell:
            self.made["imports"] = {"customers": self._import(customers(self._customers), tell)}
        with self.progress.step("importing other files", 0.32 * rest) as tell:
            self._import_others(tell)
        with self.progress.step("what happened to a dozen of them", 0.25 * rest) as tell:
            self._add_webhooks()
            self._tell_stories(tell)
        with self.progress.step("exports, and mail that came back", 0.15 * rest):
            self.made["exports"] = self._export_all()
            self._bounce()
            self._find_odd_ones()
        with self.progress.step("deliveries that are tried again", 0.2 * rest) as tell:
            self._await_deliveries(tell)
            self._await_counts()
        return self.made

    # Account

    def _define(self) -> None:
        properties = [self._post("/v1/contact-properties", one) for one in PROPERTIES]
        for one in properties:
            if one["name"] == ARCHIVED:
                self.client.ask("DELETE", f"/v1/contact-properties/{one['id']}")
        channels = [self._post("/v1/channels", one) for one in CHANNELS]
        self.made["channels"] = {one["type"]: one["id"] for one in channels}
        keys = {name: self._post("/v1/api-keys", wanted) for name, wanted in KEYS.items()}
        self.client.ask("DELETE", f"/v1/api-keys/{keys[REVOKED]['id']}")
        self.made["keys"] = {
            "native": self.client.api.key,
            **{name: key["key"] for name, key in keys.items()},
        }

    def _add_webhooks(self) -> None:
        self.made["webhooks"] = {
            path: self._post("/v1/webhooks", {**wanted, "url": f"{self.endpoints}/{path}"})["id"]
            for path, wanted in WEBHOOKS.items()
        }

    # Files

    def _import_others(self, tell: Callable[[float], None]) -> None:
        """All at once: each waits for queues more than it works."""
        files = other_files(self._customers, self.now.date())
        begun = {name: self._send(file) for name, file in files.items()}
        for number, (name, file) in enumerate(files.items()):
            self._await_import(begun[name], file, _part(tell, number, len(files)))
        self.made["imports"] |= begun

    def _import(self, file: File, tell: Callable[[float], None]) -> str:
        import_id = self._send(file)
        self._await_import(import_id, file, tell)
        return import_id

    def _send(self, file: File) -> str:
        """Begin an import and send its file; returns its id."""
        job = self._post("/v1/imports", {**file.options, "file_name": file.name, "size": len(file.content)})
        with TemporaryDirectory(prefix="demo-shop-") as directory:
            path = Path(directory) / file.name
            path.write_bytes(file.content)
            Loader(self.client, lambda _: True, bars=_no_bars).upload(job, path, len(file.content))
        return str(job["id"])

    def _await_import(self, import_id: str, file: File, tell: Callable[[float], None]) -> None:
        """
        Raises:
            Failed: it does not end as it should.
        """
        job = self._watch(f"/v1/imports/{import_id}", (*ENDED, "ready"), tell)
        if job["state"] != file.ends_as:
            problem = (job.get("problem") or {}).get("detail", "")
            raise Failed(f"the import of {file.name} is {job['state']}, not {file.ends_as}. {problem}")
        if job["state"] in ENDED:
            self._created += job["counts"]["created"]

    def _export_all(self) -> list[str]:
        begun = [self._post("/v1/exports", body)["id"] for body in EXPORTS]
        for one in begun:
            job = self._watch(f"/v1/exports/{one}", ("completed", "failed"), lambda _: None)
            if job["state"] != "completed":
                raise Failed(f"the export {one} is {job['state']}")
        return begun

    def _watch(self, path: str, ends: Sequence[str], tell: Callable[[float], None]) -> Json:
        """Look at a job until it is in one of these states."""
        moved_at, pause = time.monotonic(), PAUSES_S[0]
        before: object = None
        while True:
            job = self.client.ask("GET", path)
            progress = job.get("progress") or 0.0
            tell(progress)
            if job["state"] in ends:
                return job
            now = (job["state"], progress, job.get("counts"))
            if now != before:
                moved_at, before = time.monotonic(), now
            elif time.monotonic() > moved_at + LONGEST_REST_S:
                raise Failed(f"{path} is {job['state']}, and has not moved for {LONGEST_REST_S} seconds")
            self.client.wait(pause)
            pause = min(1.3 * pause, PAUSES_S[1])

    # People

    def _tell_stories(self, tell: Callable[[float], None]) -> None:
        found = {}
        for number, story in enumerate(STORIES):
            contact_id = self._begin(story)
            for step in story.steps:
                self._happens(contact_id, step)
            if story.role:
                found[story.role] = contact_id
            tell((number + 1) / len(STORIES))
        self.made["contacts"] = found

    def _begin(self, story: Story) -> str:
        if story.channel is None:
            return str(self._post("/v1/contacts", story.contact)["id"])
        kind, identifier = story.channel
        path = f"/v1/channels/{self.made['channels'][kind]}/gates"
        return str(self._post(path, {**story.contact, "identifier": identifier})["contact_id"])

    def _happens(self, contact_id: str, step: Step) -> None:
        path = f"/v1/contacts/{contact_id}"
        match step:
            case Event():
                at = (self.now - timedelta(days=step.ago)).isoformat(timespec="milliseconds")
                body = {"name": step.name, "data": step.data, "occurred_at": at}
                self._post(f"{path}/events", body)
            case Change():
                self.client.ask("PATCH", path, step.body)
            case Merge():
                other = self._post("/v1/contacts", step.contact)
                self._post(f"{path}/merge", {"from": other["id"], "by": "id"})
            case Delete():
                self.client.ask("DELETE", path)

    def _bounce(self) -> None:
        """Mail to some customers has come back for good: Amazon SES says so."""
        emails = [one.email for one in self._customers if one.external_id.startswith("C-") and one.email]
        bounced = emails[7::BOUNCED_EVERY]
        for start in range(0, len(bounced), BOUNCES_AT_ONCE):
            some = bounced[start : start + BOUNCES_AT_ONCE]
            self.deployment.invoke("RecordBounce", bounce_of(self.account_id, some))
        self.made["bounced"] = len(bounced)

    def _find_odd_ones(self) -> None:
        """The ids of the people whose names try a page."""
        names = {one.external_id for one in self._customers}
        for what, odd in ODD.items():
            if odd.external_id in names:
                page = self.client.ask("GET", f"/v1/contacts?external_id={quote(odd.external_id, safe='')}")
                self.made["contacts"][what] = page["data"][0]["id"]

    # The end

    def _await_deliveries(self, tell: Callable[[float], None]) -> None:
        """Wait until what failed was tried again, so that there are deliveries with several attempts."""
        latest = time.monotonic() + DELIVERIES_WAIT_S
        while not self._are_delivered() and time.monotonic() < latest:
            tell(1.0 - (latest - time.monotonic()) / DELIVERIES_WAIT_S)
            self.client.wait(PAUSES_S[1])

    def _are_delivered(self) -> bool:
        """Whether the last event of the stories is there, and none but that one waits: it fails until it is mended."""
        pages = (
            self.client.ask("GET", f"/v1/webhooks/{one}/deliveries?limit=100")["data"]
            for one in self.made["webhooks"].values()
        )
        deliveries = [delivery for page in pages for delivery in page]
        refused = [one for one in deliveries if _is_refused(one)]
        return bool(refused) and not any(
            one["status"] == "pending" for one in deliveries if one not in refused
        )

    def _await_counts(self) -> None:
        """Wait until every contact is counted: what follows a change follows a few seconds later."""
        deleted = sum(isinstance(step, Delete) for story in STORIES for step in story.steps)
        expected = self._created + len(STORIES) - deleted
        latest = time.monotonic() + DELIVERIES_WAIT_S
        while self._counted() != expected and time.monotonic() < latest:
            self.client.wait(PAUSES_S[1])
        self.made["contacts_in_all"] = expected

    def _counted(self) -> int:
        return int(self.client.ask("GET", "/v1/account")["counts"]["contacts"])

    def _post(self, path: str, body: Json) -> Json:
        """Make something. It is made once, also where the answer is lost and the request is sent again."""
        return self.client.ask("POST", path, body, Idempotency_Key=f"demo-{time.time_ns()}")


def make(stack: Json, size: int, bars: Bars = shown_bar) -> Json:
    """Make an account of `size` customers on a running stack (what stack.json says); returns what demo.json says.

    Raises:
        LocalStackError, Failed: a function or the API refused.
    """
    deployment = Deployment(ROOT, stack["endpoint_url"], Path())
    opened = deployment.invoke("ProvisionAccount", ACCOUNT)
    client = Client(Api(stack["url"], opened["key"]))
    with receivers(0) as endpoints, bars("Demo shop", None) as bar:
        shop = Shop(client, deployment, opened["account_id"], size, endpoints, Progress(bar))
        made = shop.fill()
    about = {"url": stack["url"], "account_id": opened["account_id"], "size": size, "endpoints": endpoints}
    return {**about, "made_at": shop.now.isoformat(timespec="seconds"), **made}


@contextmanager
def _no_bars(_title: str, _size: int | None) -> Iterator[Bar]:
    """Of one file among others there is nothing to be seen."""
    yield NoBar()


def _is_refused(delivery: Json) -> bool:
    return any(attempt["status_code"] == PUZZLED.status for attempt in delivery["attempts"])


def _part(tell: Callable[[float], None], number: int, parts: int) -> Callable[[float], None]:
    """Tells of a step how far one of its equal parts is; `number`: from 0 on."""
    return lambda fraction: tell((number + fraction) / parts)


def bounce_of(account_id: str, emails: Sequence[str]) -> Json:
    """What `record_bounce` is invoked with when Amazon SES has told of mail that came back."""
    message = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": email} for email in emails],
        },
        "mail": {"messageId": "demo", "tags": {"account_id": [account_id]}},
    }
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message)}}]}
