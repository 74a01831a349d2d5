"""The wiring: the one place where services get their stores, clocks and queues.

A handler names the services it needs in its signature. While its function starts, the runtime makes each of them once,
for nobody, so that all their modules are loaded and the first request loads none: Lambda gives a starting function a
whole processor, a 256 MB one that answers about a seventh. Every import is inside the method that needs it, so a
function loads nothing that its one operation does not use.
"""

# Annotations stay text: the classes they name are imported by the methods that make them.
from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from contacts.adapters.clock import SystemClock
from contacts.adapters.deadline import Deadline
from contacts.settings import Settings

if TYPE_CHECKING:
    from contacts.adapters.account_store import DynamoAccountStore
    from contacts.adapters.channel_store import DynamoChannelStore
    from contacts.adapters.contact_store import DynamoContactStore
    from contacts.adapters.endpoint_addresses import EndpointAddresses
    from contacts.adapters.opt_outs import OptOuts
    from contacts.adapters.queues import SqsQueue
    from contacts.adapters.records import DynamoRecordStore
    from contacts.adapters.table import Table
    from contacts.api.entrypoint import LambdaHandler
    from contacts.api.operation import Operation
    from contacts.consumers.entrypoints import NotificationEntrypoint, QueueEntrypoint, StreamEntrypoint
    from contacts.domain.accounts import Caller
    from contacts.services.batches import BatchDesk
    from contacts.services.bounces import BounceRecorder
    from contacts.services.channel_desk import ChannelDesk
    from contacts.services.contact_book import ContactBook
    from contacts.services.counts import CountStore
    from contacts.services.delivery_log import DeliveryDesk, DeliveryLog
    from contacts.services.email_validation import EmailValidator, Resolver
    from contacts.services.erasure import Eraser
    from contacts.services.event_log import EventLog
    from contacts.services.finding import Finder
    from contacts.services.gate_desk import GateDesk
    from contacts.services.gatekeeper import Gatekeeper
    from contacts.services.key_ring import KeyRing, Registrar
    from contacts.services.merging import Merger
    from contacts.services.ports import Clock, Randomness
    from contacts.services.projection import Projector
    from contacts.services.property_desk import PropertyDesk
    from contacts.services.reach import Reach
    from contacts.services.reindexing import Reindexer
    from contacts.services.suspension import Suspender
    from contacts.services.timeline import Timeline
    from contacts.services.typed_fields import TypedFields
    from contacts.services.webhook_delivery import Courier, Schedule, Sender
    from contacts.services.webhook_desk import WebhookDesk
    from contacts.services.webhook_dispatch import Dispatcher

Entry = TypeVar("Entry")

_REINDEXING_ENDS_S: Final = 60
"""Seconds in which the reindexer reads a page and repairs what differs, with a wait between the two."""


class Runtime:
    """What a process has: its settings, a clock, randomness, clients of AWS, and the services made of them.

    A method that takes a caller makes a service of the caller's account; the table of a test key keeps nothing.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        randomness: Randomness,
        table: Table | None = None,
    ) -> None:
        """`table`: the one that the settings name, if None."""
        self.settings = settings
        self.clock = clock
        self.randomness = randomness
        self.deadline = Deadline()
        self._table = table
        self._clients: dict[str, Any] = {}

    # Lambda handlers

    def entrypoint(self, operation: Operation) -> LambdaHandler:
        """The Lambda handler of an operation of the API."""
        from botocore.exceptions import BotoCoreError, ClientError

        from contacts.api.entrypoint import Entrypoint
        from contacts.domain.errors import TemporarilyUnavailable

        entry = Entrypoint(operation, self.gatekeeper, self.records, self.deadline.begin, self.service)
        self.records(_nobody())
        for service in operation.services:
            self.service(service, _nobody())
        if self.settings.is_in_lambda:
            # Loads the certificates, shakes hands and runs the SDK's code once: 30 ms here, 200 in the first request.
            with suppress(TemporarilyUnavailable, BotoCoreError, ClientError):
                self.account_store.api_key("warm-up")
        return self._started(entry)

    def direct_entrypoint(self, function: Callable[..., dict[str, object]]) -> LambdaHandler:
        """The Lambda handler of a function that operators invoke by its name: it takes the payload, then services."""
        from contacts.api.entrypoint import DirectEntrypoint

        served = self._with_services(function)
        return self._started(DirectEntrypoint(function.__name__, served, self.deadline.begin))

    def stream_entrypoint(self, function: Callable[..., None]) -> StreamEntrypoint:
        """The Lambda handler of a function that reads the table's stream: it takes changes, then services."""
        from contacts.adapters.stream_records import identified, streamed_change
        from contacts.consumers.entrypoints import StreamEntrypoint

        set_aside = self.queue("UNREADABLE")
        handle = self._with_services(function)
        return self._started(
            StreamEntrypoint(
                function.__name__, streamed_change, identified, handle, set_aside, self.deadline.begin
            )
        )

    def queue_entrypoint(self, function: Callable[..., None], queue: str | None = None) -> QueueEntrypoint:
        """The Lambda handler of a function that reads a queue: it takes a message, then services.

        `queue`: the one that it reads (`DELIVERY`), where it may raise `RetryLater`.
        """
        from contacts.consumers.entrypoints import QueueEntrypoint

        own = None if queue is None else self.queue(queue)
        handle = self._with_services(function)
        return self._started(QueueEntrypoint(function.__name__, handle, self.deadline.begin, own))

    def notification_entrypoint(self, function: Callable[..., None]) -> NotificationEntrypoint:
        """The Lambda handler of a function that SNS notifies: it takes the text of a notification, then services."""
        from contacts.consumers.entrypoints import NotificationEntrypoint

        handle = self._with_services(function)
        return self._started(NotificationEntrypoint(function.__name__, handle, self.deadline.begin))

    def service(self, name: str, caller: Caller | None = None) -> Any:
        """The service whose class has a name, for a caller if it is of one account.

        Raises:
            KeyError: the runtime makes no such service.
        """
        method = getattr(self, _MAKERS[name])
        return method() if caller is None else method(caller)

    def _with_services(self, function: Callable[..., Any]) -> Callable[[Any], Any]:
        """A function of one argument: the services that a function names after its first parameter are given."""
        _, *services = inspect.signature(function).parameters.values()
        return partial(function, **{one.name: self.service(one.annotation.__name__) for one in services})

    def _started(self, entry: Entry) -> Entry:
        """Take what was made while the function started for permanent; the collector never looks at it again."""
        if self.settings.is_in_lambda:
            gc.freeze()
            gc.enable()
        return entry

    # AWS

    def client(self, service: str) -> Any:
        """The low-level client of a service of AWS (`dynamodb`)."""
        from contacts.adapters.aws_clients import new_client

        if service not in self._clients:
            self._clients[service] = new_client(service, self.settings)
        return self._clients[service]

    @cached_property
    def table(self) -> Table:
        """The table."""
        from contacts.adapters.table import Table

        return self._table or Table(self.client("dynamodb"), self.settings.table_name, self.deadline)

    def table_of(self, caller: Caller) -> Table:
        """The table on which a caller's requests are carried out: a test key's keeps nothing."""
        from contacts.adapters.dry_run import DryRunTable

        return DryRunTable() if caller.is_test else self.table

    def queue(self, name: str) -> SqsQueue:
        """A queue, by the beginning of the variable that has its URL: `DELIVERY`."""
        from contacts.adapters.queues import SqsQueue

        return SqsQueue(self.client("sqs"), self.settings.queue_url(name))

    # Callers, their keys and accounts

    @cached_property
    def account_store(self) -> DynamoAccountStore:
        """Accounts, keys and usage."""
        from contacts.adapters.account_store import DynamoAccountStore

        return DynamoAccountStore(self.table)

    @cached_property
    def gatekeeper(self) -> Gatekeeper:
        """The key check and the meter. It remembers keys, so a process has one."""
        from contacts.services.gatekeeper import Gatekeeper

        return Gatekeeper(self.account_store, self.clock)

    def records(self, caller: Caller) -> DynamoRecordStore:
        """What the Idempotency-Keys of the account stand for."""
        from contacts.adapters.records import DynamoRecordStore

        return DynamoRecordStore(self.table_of(caller), caller.account_id, self._now_s())

    def key_ring(self, caller: Caller) -> KeyRing:
        """The API keys of the account."""
        from contacts.adapters.account_store import DynamoAccountStore
        from contacts.services.key_ring import KeyRing

        return KeyRing(DynamoAccountStore(self.table_of(caller)), self.clock, self.randomness)

    def registrar(self) -> Registrar:
        """Opens accounts."""
        from contacts.services.key_ring import Registrar

        return Registrar(self.account_store, self.clock, self.randomness)

    def suspender(self) -> Suspender:
        """Suspends accounts and resumes them."""
        from contacts.services.suspension import Suspender

        return Suspender(self.account_store, self.clock)

    # Contacts

    def contact_store(self, caller: Caller) -> DynamoContactStore:
        """The contacts of the account."""
        from contacts.adapters.contact_store import DynamoContactStore

        return DynamoContactStore(
            *(self.table_of(caller), caller.account_id, self.opt_outs(caller)), self.randomness, self._now_s()
        )

    def opt_outs(self, caller: Caller) -> OptOuts:
        """The addresses of the account that have opted out."""
        from contacts.adapters.opt_outs import OptOuts

        return OptOuts(self.table_of(caller), caller.account_id, caller.account.secret)

    def contact_book(self, caller: Caller) -> ContactBook:
        """Creates, reads and changes contacts, one at a time."""
        from contacts.services.contact_book import ContactBook

        return ContactBook(self.contact_store(caller), self.clock, self.randomness)

    def typed_fields(self, caller: Caller) -> TypedFields:
        """Checks custom fields; a test key's, too, by the properties of the account."""
        from contacts.adapters.value_rules import DynamoValueRules
        from contacts.services.typed_fields import TypedFields

        return TypedFields(DynamoValueRules(self.table, caller.account_id))

    def batch_desk(self, caller: Caller) -> BatchDesk:
        """Carries out batches."""
        from contacts.services.batches import BatchDesk

        return BatchDesk(self.records(caller), self.clock)

    def merger(self, caller: Caller) -> Merger:
        """Merges contacts."""
        from contacts.adapters.merge_store import DynamoMergeStore
        from contacts.services.merging import Merger

        store = DynamoMergeStore(
            self.table_of(caller), caller.account_id, self.opt_outs(caller), self.randomness
        )
        return Merger(self.contact_book(caller), store, self.clock, self.randomness)

    def timeline(self, caller: Caller) -> Timeline:
        """What happened to contacts, and what they did."""
        from contacts.adapters.timeline_store import DynamoTimelineStore
        from contacts.services.timeline import Timeline

        entries = DynamoTimelineStore(self.table_of(caller), caller.account_id)
        return Timeline(self.contact_book(caller), entries, self.clock, self.randomness)

    # Lists, searches and counts

    def finder(self, caller: Caller) -> Finder:
        """Lists and searches contacts."""
        from contacts.adapters.contact_index import DynamoBookmarks, DynamoContactIndex
        from contacts.services.finding import Finder

        table, account_id = self.table_of(caller), caller.account_id
        return Finder(DynamoContactIndex(table, account_id), DynamoBookmarks(table, account_id, self.clock))

    def count_store(self, caller: Caller) -> CountStore:
        """How many contacts there are, and how many have a tag or are on a list."""
        from contacts.adapters.count_store import DynamoCountStore

        return DynamoCountStore(self.table_of(caller), caller.account_id)

    # Properties

    def property_desk(self, caller: Caller) -> PropertyDesk:
        """The contact properties of the account."""
        from contacts.adapters.property_store import DynamoPropertyStore
        from contacts.services.property_desk import PropertyDesk

        store = DynamoPropertyStore(self.table_of(caller), caller.account_id)
        return PropertyDesk(store, self.clock, self.randomness)

    # Channels

    def channel_store(self, caller: Caller) -> DynamoChannelStore:
        """The channels that the caller sees."""
        from contacts.adapters.channel_store import DynamoChannelStore

        return DynamoChannelStore(self.table_of(caller), caller.account_id)

    def channel_desk(self, caller: Caller) -> ChannelDesk:
        """The channels of the account."""
        from contacts.services.channel_desk import ChannelDesk

        return ChannelDesk(self.channel_store(caller), self.clock, self.randomness)

    def gate_desk(self, caller: Caller) -> GateDesk:
        """Where contacts arrive; a test key's, too, through the account's own channels."""
        from contacts.adapters.channel_store import DynamoChannelStore
        from contacts.services.gate_desk import GateDesk

        channels = DynamoChannelStore(self.table, caller.account_id)
        contacts, book = self.contact_store(caller), self.contact_book(caller)
        return GateDesk(channels, contacts, book, self.clock, self.randomness)

    def reach(self, caller: Caller) -> Reach:
        """How contacts are reached."""
        from contacts.services.reach import Reach

        return Reach(self.contact_book(caller), self.channel_store(caller))

    # Events, webhooks and deliveries

    def event_log(self, caller: Caller) -> EventLog:
        """The event log of the account."""
        from contacts.adapters.event_source import DynamoEventSource
        from contacts.services.event_log import EventLog

        return EventLog(DynamoEventSource(self.table_of(caller), caller.account_id), self.clock)

    def webhook_desk(self, caller: Caller) -> WebhookDesk:
        """The webhooks of the account."""
        from contacts.adapters.webhook_store import DynamoWebhookStore
        from contacts.services.webhook_desk import WebhookDesk

        store = DynamoWebhookStore(self.table_of(caller))
        return WebhookDesk(store, self.endpoint_addresses(), self.clock, self.randomness)

    def endpoint_addresses(self) -> EndpointAddresses:
        """The addresses of endpoints; those of private networks only where the settings allow them."""
        from contacts.adapters.endpoint_addresses import EndpointAddresses

        return EndpointAddresses(self.settings.allows_private_endpoints)

    def delivery_log(self, caller: Caller) -> DeliveryLog:
        """Lists what was sent to the endpoints of the account."""
        from contacts.adapters.delivery_store import DynamoDeliveryStore
        from contacts.adapters.webhook_store import DynamoWebhookStore
        from contacts.services.delivery_log import DeliveryLog

        table = self.table_of(caller)
        return DeliveryLog(DynamoWebhookStore(table), DynamoDeliveryStore(table), self.clock)

    def delivery_desk(self, caller: Caller) -> DeliveryDesk:
        """Sends deliveries of the account again, and test events."""
        from contacts.adapters.delivery_store import DynamoDeliveryStore
        from contacts.adapters.event_store import DynamoEventStore
        from contacts.adapters.webhook_store import DynamoWebhookStore
        from contacts.services.delivery_log import DeliveryDesk

        table = self.table_of(caller)
        stores = DynamoWebhookStore(table), DynamoEventStore(table), DynamoDeliveryStore(table)
        return DeliveryDesk(*stores, self.queue("DELIVERY"), self.clock, self.randomness)

    def dispatcher(self) -> Dispatcher:
        """Makes events of changes and asks for their deliveries."""
        from contacts.adapters.contact_reader import DynamoContactReader
        from contacts.adapters.event_store import DynamoEventStore
        from contacts.adapters.webhook_store import DynamoWebhookStore
        from contacts.services.webhook_dispatch import Dispatcher

        return Dispatcher(
            DynamoWebhookStore(self.table),
            DynamoContactReader(self.table),
            DynamoEventStore(self.table),
            self.queue("DELIVERY"),
            self.clock,
            self.randomness,
        )

    def courier(self) -> Courier:
        """Sends events to endpoints. It remembers which accounts are suspended, so a process has one."""
        from contacts.adapters.delivery_store import DynamoDeliveryStore
        from contacts.adapters.event_store import DynamoEventStore
        from contacts.adapters.webhook_store import DynamoWebhookStore
        from contacts.services.suspension import Suspensions
        from contacts.services.webhook_delivery import Courier

        return Courier(
            DynamoWebhookStore(self.table),
            DynamoEventStore(self.table),
            DynamoDeliveryStore(self.table),
            self.webhook_sender(),
            self.delivery_schedule(),
            self.queue("FAILED_DELIVERIES"),
            self.clock,
            self.randomness,
            self.deadline.leaves,
            Suspensions(self.account_store, self.clock).is_suspended,
        )

    def webhook_sender(self) -> Sender:
        """Posts events."""
        from contacts.adapters.webhook_sender import WebhookSender, tls_context

        return WebhookSender(self.endpoint_addresses(), tls_context())

    def delivery_schedule(self) -> Schedule:
        """When deliveries are attempted again: by the queue for minutes, by EventBridge Scheduler for longer."""
        from contacts.adapters.delivery_schedule import DeliverySchedule

        return DeliverySchedule(
            self.queue("DELIVERY"),
            self.client("scheduler"),
            self.settings.schedule_group,
            self.settings.delivery_queue_arn,
            self.settings.scheduler_role_arn,
            self.clock,
        )

    # What follows a change of a contact

    def projector(self) -> Projector:
        """Keeps postings, words and counts as the contacts are."""
        from contacts.adapters.projection_store import DynamoProjectionStore
        from contacts.services.projection import Projector

        store = DynamoProjectionStore(self.table)
        to_validate, to_erase = self.queue("VALIDATION"), self.queue("ERASURE")
        return Projector(store, to_validate, to_erase, self.clock, self.randomness)

    def reindexer(self) -> Reindexer:
        """Rebuilds the postings, words and counts of an account."""
        from contacts.adapters.reindex_store import DynamoReindexStore
        from contacts.services.reindexing import Reindexer

        has_time = partial(self.deadline.leaves, _REINDEXING_ENDS_S)
        store = DynamoReindexStore(self.table)
        return Reindexer(store, self.account_store, self.clock, self.randomness, has_time)

    def eraser(self) -> Eraser:
        """Erases what is kept about contacts that are gone for good."""
        from contacts.adapters.erasure_store import DynamoTraceStore
        from contacts.services.erasure import Eraser

        return Eraser(DynamoTraceStore(self.table), self.clock, self.randomness)

    def email_validator(self) -> EmailValidator:
        """Validates the email addresses of contacts."""
        from contacts.adapters.disposable_domains import is_disposable
        from contacts.adapters.verdict_store import DynamoVerdictStore
        from contacts.services.email_validation import EmailValidator

        store = DynamoVerdictStore(self.table)
        return EmailValidator(store, is_disposable, self.resolver(), self.clock, self.randomness)

    def resolver(self) -> Resolver | None:
        """Asks the DNS; None where it is not to be asked."""
        if not self.settings.looks_up_domains:
            return None
        from contacts.adapters.dns_resolver import DnsResolver

        return DnsResolver()

    def bounce_recorder(self) -> BounceRecorder:
        """Marks addresses that bounced."""
        from contacts.adapters.verdict_store import DynamoVerdictStore
        from contacts.services.bounces import BounceRecorder

        store = DynamoVerdictStore(self.table)
        return BounceRecorder(store, self.clock, self.randomness, _log_bounce_of_nobody)

    def _now_s(self) -> int:
        return self.clock.now_ms() // 1000


def _nobody() -> Caller:
    """The caller for whom services are made while a function starts."""
    from contacts.domain.account_secret import SECRET_BYTES, AccountSecret
    from contacts.domain.accounts import Account, ApiKey, Caller, Dialect, Mode, Plan

    account = Account(
        id="",
        name="",
        plan=Plan.FREE,
        hourly_limit=0,
        created_at="",
        secret=AccountSecret(bytes(SECRET_BYTES)),
    )
    key = ApiKey(
        id="",
        account_id="",
        key_hash="",
        name="",
        scopes=(),
        mode=Mode.LIVE,
        dialect=Dialect.NATIVE,
        last_four="",
        created_at="",
    )
    return Caller(account, key)


def _log_bounce_of_nobody(ses_message_id: str) -> None:
    from contacts.observability import logger

    logger.warning("bounce of no account", extra={"ses_message_id": ses_message_id})


_MAKERS: Final[Mapping[str, str]] = {
    member.__annotations__["return"]: name
    for name, member in vars(Runtime).items()
    if not name.startswith("_") and inspect.isfunction(member)
}
"""By the name of a class, the method that makes it."""


def of_environment() -> Runtime:
    """A runtime that has what the environment names, and nothing yet of what is made once."""
    return Runtime(Settings(os.environ), SystemClock(), os.urandom)


runtime = of_environment()
"""This process's: the one that the handlers in `functions` start with."""
