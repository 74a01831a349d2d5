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

from contacts.core.time import Deadline, SystemClock

if TYPE_CHECKING:
    from contacts.accounts.authentication import Authenticator
    from contacts.accounts.model import Caller
    from contacts.accounts.service import AccountService, ApiKeyService, SuspensionService
    from contacts.accounts.store import AccountStore
    from contacts.accounts.switch_service import SwitchService
    from contacts.accounts.switches import SwitchBoard
    from contacts.accounts.usage import UsageHistory
    from contacts.book.batch import BatchService
    from contacts.book.merge import Merger
    from contacts.book.service import ContactBook
    from contacts.book.store import ContactStore, OptOuts
    from contacts.channels.service import ChannelService, ContactPointService, GateService
    from contacts.channels.store import ChannelStore
    from contacts.core.ids import Randomness
    from contacts.core.time import Clock
    from contacts.email_validation.service import BounceRecorder, EmailValidator, Resolver
    from contacts.erasure.journal import Journal
    from contacts.erasure.model import Erasure
    from contacts.erasure.service import Eraser
    from contacts.events.service import EventLog, Timeline
    from contacts.exports.erasing import ExportEraser
    from contacts.exports.files import ExportFiles
    from contacts.exports.model import Export
    from contacts.exports.person import PersonExporter
    from contacts.exports.service import ExportDirectory, ExportService
    from contacts.exports.store import ExportStore
    from contacts.exports.writing import ExportWriter
    from contacts.imports.carrying import ImportCarrier
    from contacts.imports.control import ImportControl
    from contacts.imports.erasing import ImportEraser
    from contacts.imports.files import ImportFiles
    from contacts.imports.planning import Planner
    from contacts.imports.service import ImportList, ImportService
    from contacts.imports.store import ImportStore
    from contacts.projection.reindex import Reindexer
    from contacts.projection.service import Projector
    from contacts.properties.service import PropertyService
    from contacts.properties.typed_fields import TypedFields
    from contacts.restoring.replaying import Replayer
    from contacts.restoring.service import Restorer
    from contacts.search.index import CountStore
    from contacts.search.service import Finder
    from contacts.search.tags import ContactTags, TagDirectory
    from contacts.table.client import Table
    from contacts.table.expressions import Step
    from contacts.table.records import RecordStore
    from contacts.web.entrypoint import LambdaHandler
    from contacts.web.routing import Operation
    from contacts.webhooks.contact_deliveries import ContactDeliveries
    from contacts.webhooks.delivery import DeliveryWorker, Schedule, Sender
    from contacts.webhooks.delivery_log import DeliveryLog, DeliveryService
    from contacts.webhooks.dispatch import Dispatcher
    from contacts.webhooks.sender import EndpointAddresses
    from contacts.webhooks.service import WebhookService
    from contacts.workers.queue import NotificationEntrypoint, QueueEntrypoint, SqsQueue
    from contacts.workers.stream import StreamEntrypoint

Entry = TypeVar("Entry")

_RESTORING_ENDS_S: Final = 60
"""Seconds in which the restorer reads and writes 50 contacts, however often others are faster."""
_REINDEXING_ENDS_S: Final = 60
"""Seconds in which the reindexer reads a page and repairs what differs, with a wait between the two."""


class Settings:
    """The environment variables that the template gives a function. Each is read on access: a function has only those
    that it uses.

    Raises:
        KeyError: the function has no such variable.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    @property
    def is_in_lambda(self) -> bool:
        """Whether this process is a Lambda function's."""
        return "AWS_LAMBDA_RUNTIME_API" in self._variables

    @property
    def table_name(self) -> str:
        """The name of the table."""
        return self._variables["TABLE_NAME"]

    @property
    def services_endpoint(self) -> str | None:
        """The URL that stands in for AWS; None on AWS."""
        return self._variables.get("SERVICES_ENDPOINT") or None

    @property
    def is_local(self) -> bool:
        """Whether something on this machine stands in for AWS."""
        return bool(self.services_endpoint or self._variables.get("AWS_ENDPOINT_URL"))

    @property
    def journal_bucket(self) -> str:
        """The bucket in which it is written down who was erased and which addresses have opted out."""
        return self._variables["JOURNAL_BUCKET"]

    @property
    def files_bucket(self) -> str:
        """The bucket of the files of imports and exports."""
        return self._variables["FILES_BUCKET"]

    def queue_url(self, queue: str) -> str:
        """The URL of a queue, by the beginning of its variable: `DELIVERY` of `DELIVERY_QUEUE_URL`."""
        return self._variables[f"{queue}_QUEUE_URL"]

    @property
    def delivery_queue_arn(self) -> str:
        """The ARN of the delivery queue, to which schedules send."""
        return self._variables["DELIVERY_QUEUE_ARN"]

    @property
    def delivery_dead_letters_arn(self) -> str:
        """The ARN of the queue for messages that could not be handled, or that a schedule could not send."""
        return self._variables["DELIVERY_DEAD_LETTERS_ARN"]

    @property
    def enterprise_deliveries(self) -> int:
        """How many deliveries an enterprise account may have in flight at once."""
        return int(self._variables["ENTERPRISE_DELIVERIES"])

    @property
    def schedule_group(self) -> str:
        """The group of EventBridge Scheduler that the schedules of deliveries are in."""
        return self._variables["SCHEDULE_GROUP"]

    @property
    def scheduler_role_arn(self) -> str:
        """The ARN of the role with which schedules send."""
        return self._variables["SCHEDULER_ROLE_ARN"]

    @property
    def looks_up_domains(self) -> bool:
        """Whether the DNS is asked about the domains of email addresses."""
        return self._variables["EMAIL_DNS"] == "on"

    @property
    def marks_verdicts(self) -> bool:
        """Whether a verdict that nobody asked for is marked, so that the stream's readers do not hear of it."""
        return self._variables.get("QUIET_VERDICTS") == "on"

    @property
    def projects_leanly(self) -> bool:
        """Whether what is derived from new contacts is written in a way that earlier releases could not go on with."""
        return self._variables.get("LEAN_PROJECTION") == "on"

    @property
    def allows_private_endpoints(self) -> bool:
        """Whether webhooks may lead into private networks."""
        return self._variables.get("WEBHOOK_PRIVATE_ADDRESSES") == "allowed"


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

        from contacts.core.errors import TemporarilyUnavailable
        from contacts.web.entrypoint import Entrypoint

        entry = Entrypoint(operation, self.authenticator, self.records, self.deadline.begin, self.service)
        self.records(_nobody())
        for service in operation.services:
            self.service(service, _nobody())
        if self.settings.is_in_lambda:
            # Loads the certificates, shakes hands and runs the SDK's code once: 30 ms here, 200 in the first request.
            with suppress(TemporarilyUnavailable, BotoCoreError, ClientError):
                self.switch_board.refresh()
        return self._started(entry)

    def direct_entrypoint(self, function: Callable[..., dict[str, object]]) -> LambdaHandler:
        """The Lambda handler of a function that operators invoke by its name: it takes the payload, then services."""
        from contacts.web.entrypoint import DirectEntrypoint

        served = self._with_services(function)
        return self._started(DirectEntrypoint(function.__name__, served, self.deadline.begin))

    def stream_entrypoint(self, function: Callable[..., None]) -> StreamEntrypoint:
        """The Lambda handler of a function that reads the table's stream: it takes changes, then services."""
        from contacts.workers.stream import StreamEntrypoint, identified, stream_change

        set_aside = self.queue("UNREADABLE")
        handle = self._with_services(function)
        return self._started(
            StreamEntrypoint(
                function.__name__, stream_change, identified, handle, set_aside, self.deadline.begin
            )
        )

    def queue_entrypoint(
        self, function: Callable[..., None], queue: str | None = None, at_once: int = 1
    ) -> QueueEntrypoint:
        """The Lambda handler of a function that reads a queue: it takes a message, then services.

        `queue`: the one that it reads (`DELIVERY`), where it may raise `RetryLater`. `at_once`: how many messages are
        handled at once; then threads share the services.
        """
        from contacts.workers.queue import QueueEntrypoint

        own = None if queue is None else self.queue(queue)
        handle = self._with_services(function)
        return self._started(QueueEntrypoint(function.__name__, handle, self.deadline.begin, own, at_once))

    def notification_entrypoint(self, function: Callable[..., None]) -> NotificationEntrypoint:
        """The Lambda handler of a function that SNS notifies: it takes the text of a notification, then services."""
        from contacts.workers.queue import NotificationEntrypoint

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
        from contacts.table.aws import new_client

        if service not in self._clients:
            self._clients[service] = new_client(
                service, self.settings.services_endpoint, is_local=self.settings.is_local
            )
        return self._clients[service]

    def file_client(self) -> Any:
        """The client of S3 for parts of files, whose calls may take longer."""
        from contacts.table.aws import FILE_CALLS, new_client

        if "files" not in self._clients:
            endpoint, is_local = self.settings.services_endpoint, self.settings.is_local
            self._clients["files"] = new_client("s3", endpoint, is_local=is_local, calls=FILE_CALLS)
        return self._clients["files"]

    def presigning_client(self) -> Any:
        """The client of S3 that signs URLs."""
        from contacts.table.aws import presigning_client

        if "presigning" not in self._clients:
            self._clients["presigning"] = presigning_client(
                self.settings.services_endpoint, is_local=self.settings.is_local
            )
        return self._clients["presigning"]

    @cached_property
    def table(self) -> Table:
        """The table."""
        from contacts.table.client import Table

        return self._table or Table(self.client("dynamodb"), self.settings.table_name, self.deadline)

    def brief_table(self) -> Table:
        """The table, for whoever has to know soon that a call failed (`table.aws.BRIEF_CALLS`)."""
        from contacts.table.aws import BRIEF_CALLS, new_client
        from contacts.table.client import Table

        if self._table is not None:
            return self._table
        endpoint, is_local = self.settings.services_endpoint, self.settings.is_local
        client = new_client("dynamodb", endpoint, is_local=is_local, calls=BRIEF_CALLS)
        return Table(client, self.settings.table_name, self.deadline)

    def table_of(self, caller: Caller) -> Table:
        """The table on which a caller's requests are carried out: a test key's keeps nothing."""
        from contacts.table.dry_run import DryRunTable

        return DryRunTable() if caller.is_test else self.table

    def queue(self, name: str) -> SqsQueue:
        """A queue, by the beginning of the variable that has its URL: `DELIVERY`."""
        from contacts.workers.queue import SqsQueue

        return SqsQueue(self.client("sqs"), self.settings.queue_url(name))

    # Callers, their keys and accounts

    @cached_property
    def account_store(self) -> AccountStore:
        """Accounts, keys and usage."""
        from contacts.accounts.store import AccountStore

        return AccountStore(self.table)

    @cached_property
    def authenticator(self) -> Authenticator:
        """The key check and the meter. It remembers keys, so a process has one."""
        from contacts.accounts.authentication import Authenticator

        return Authenticator(self.account_store, self.clock, self.switch_board)

    @cached_property
    def switch_board(self) -> SwitchBoard:
        """What operators have switched off, as this process knows it."""
        from contacts.accounts.switches import SwitchBoard

        return SwitchBoard(self.account_store, self.clock)

    def records(self, caller: Caller) -> RecordStore:
        """What the Idempotency-Keys of the account stand for."""
        from contacts.table.records import RecordStore

        return RecordStore(self.table_of(caller), caller.account_id, self._now_s())

    def api_key_service(self, caller: Caller) -> ApiKeyService:
        """The API keys of the account."""
        from contacts.accounts.service import ApiKeyService
        from contacts.accounts.store import AccountStore

        return ApiKeyService(AccountStore(self.table_of(caller)), self.clock, self.randomness)

    def usage_history(self, caller: Caller) -> UsageHistory:
        """What the account has used, hour by hour; a test key's requests count there, too."""
        from contacts.accounts.usage import UsageHistory

        return UsageHistory(self.account_store, self.clock)

    def account_service(self) -> AccountService:
        """Opens accounts."""
        from contacts.accounts.service import AccountService

        return AccountService(self.account_store, self.clock, self.randomness)

    def suspension_service(self) -> SuspensionService:
        """Suspends accounts and resumes them."""
        from contacts.accounts.service import SuspensionService

        return SuspensionService(self.account_store, self.clock)

    def switch_service(self) -> SwitchService:
        """Flips switches."""
        from contacts.accounts.switch_service import SwitchService, SwitchStore

        return SwitchService(SwitchStore(self.table), self.account_store, self.clock)

    # Contacts

    def contact_store(self, caller: Caller) -> ContactStore:
        """The contacts of the account."""
        from contacts.book.store import ContactStore

        now_s = self._now_s()
        table, opt_outs = self.table_of(caller), self.opt_outs(caller)
        return ContactStore(table, caller.account_id, opt_outs, self.randomness, now_s)

    def opt_outs(self, caller: Caller) -> OptOuts:
        """The addresses of the account that have opted out."""
        from contacts.book.store import OptOuts

        return OptOuts(self.table_of(caller), caller.account_id, caller.account.secret)

    def contact_book(self, caller: Caller) -> ContactBook:
        """Creates, reads and changes contacts, one at a time."""
        from contacts.book.service import ContactBook

        return ContactBook(self.contact_store(caller), self.clock, self.randomness)

    def typed_fields(self, caller: Caller) -> TypedFields:
        """Checks custom fields; a test key's, too, by the properties of the account."""
        from contacts.properties.typed_fields import TypedFields, ValueRules

        return TypedFields(ValueRules(self.table, caller.account_id))

    def batch_service(self, caller: Caller) -> BatchService:
        """Carries out batches."""
        from contacts.book.batch import BatchService

        return BatchService(self.records(caller), self.clock)

    def merger(self, caller: Caller) -> Merger:
        """Merges contacts."""
        from contacts.book.merge import Merger
        from contacts.book.store import MergeStore

        store = MergeStore(self.table_of(caller), caller.account_id, self.opt_outs(caller), self.randomness)
        return Merger(self.contact_book(caller), store, self.clock, self.randomness)

    def timeline(self, caller: Caller) -> Timeline:
        """What happened to contacts, and what they did."""
        from contacts.events.service import Timeline
        from contacts.events.store import TimelineStore

        entries = TimelineStore(self.table_of(caller), caller.account_id)
        return Timeline(self.contact_book(caller), entries, self.clock, self.randomness)

    # Lists, searches and counts

    def finder(self, caller: Caller) -> Finder:
        """Lists and searches contacts."""
        from contacts.search.index import Bookmarks, ContactIndex
        from contacts.search.service import Finder

        table, account_id = self.table_of(caller), caller.account_id
        return Finder(ContactIndex(table, account_id), Bookmarks(table, account_id, self.clock))

    def count_store(self, caller: Caller) -> CountStore:
        """How many contacts there are, and how many have a tag or are on a list."""
        from contacts.search.index import CountStore

        return CountStore(self.table_of(caller), caller.account_id)

    def tag_directory(self, caller: Caller) -> TagDirectory:
        """The tags of the account by id, and by a part of their names."""
        from contacts.search.tags import TagDirectory

        return TagDirectory(self.count_store(caller))

    def contact_tags(self, caller: Caller) -> ContactTags:
        """Adds and removes tags of contacts by id."""
        from contacts.search.tags import ContactTags

        return ContactTags(self.contact_book(caller), self.tag_directory(caller))

    # Properties

    def property_service(self, caller: Caller) -> PropertyService:
        """The contact properties of the account."""
        from contacts.properties.service import PropertyService
        from contacts.properties.store import PropertyStore

        store = PropertyStore(self.table_of(caller), caller.account_id)
        return PropertyService(store, self.clock, self.randomness)

    # Channels

    def channel_store(self, caller: Caller) -> ChannelStore:
        """The channels that the caller sees."""
        from contacts.channels.store import ChannelStore

        return ChannelStore(self.table_of(caller), caller.account_id)

    def channel_service(self, caller: Caller) -> ChannelService:
        """The channels of the account."""
        from contacts.channels.service import ChannelService

        return ChannelService(self.channel_store(caller), self.clock, self.randomness)

    def gate_service(self, caller: Caller) -> GateService:
        """Where contacts arrive; a test key's, too, through the account's own channels."""
        from contacts.channels.service import GateService
        from contacts.channels.store import ChannelStore

        channels = ChannelStore(self.table, caller.account_id)
        contacts, book = self.contact_store(caller), self.contact_book(caller)
        return GateService(channels, contacts, book, self.clock, self.randomness)

    def contact_points(self, caller: Caller) -> ContactPointService:
        """How contacts are reached."""
        from contacts.channels.service import ContactPointService

        return ContactPointService(self.contact_book(caller), self.channel_store(caller))

    # Events, webhooks and deliveries

    def event_log(self, caller: Caller) -> EventLog:
        """The event log of the account."""
        from contacts.events.service import EventLog
        from contacts.events.store import EventSource

        return EventLog(EventSource(self.table_of(caller), caller.account_id), self.clock)

    def webhook_service(self, caller: Caller) -> WebhookService:
        """The webhooks of the account."""
        from contacts.webhooks.service import WebhookService
        from contacts.webhooks.store import WebhookStore

        store = WebhookStore(self.table_of(caller))
        return WebhookService(store, self.endpoint_addresses(), self.clock, self.randomness)

    def endpoint_addresses(self) -> EndpointAddresses:
        """The addresses of endpoints; those of private networks only where the settings allow them."""
        from contacts.webhooks.sender import EndpointAddresses

        return EndpointAddresses(self.settings.allows_private_endpoints)

    def delivery_log(self, caller: Caller) -> DeliveryLog:
        """Lists what was sent to the endpoints of the account."""
        from contacts.webhooks.delivery_log import DeliveryLog
        from contacts.webhooks.store import DeliveryStore, WebhookStore

        table = self.table_of(caller)
        return DeliveryLog(WebhookStore(table), DeliveryStore(table), self.clock)

    def contact_deliveries(self, caller: Caller) -> ContactDeliveries:
        """Lists what the endpoints of the account were sent about a contact."""
        from contacts.events.store import TimelineStore
        from contacts.webhooks.contact_deliveries import ContactDeliveries
        from contacts.webhooks.store import DeliveryStore, WebhookStore

        table, account_id = self.table_of(caller), caller.account_id
        stores = TimelineStore(table, account_id), WebhookStore(table), DeliveryStore(table)
        return ContactDeliveries(self.contact_book(caller), *stores, account_id, self.clock)

    def delivery_service(self, caller: Caller) -> DeliveryService:
        """Sends deliveries of the account again, and test events."""
        from contacts.events.store import EventStore
        from contacts.webhooks.delivery_log import DeliveryService
        from contacts.webhooks.store import DeliveryStore, WebhookStore

        table = self.table_of(caller)
        stores = WebhookStore(table), EventStore(table), DeliveryStore(table)
        return DeliveryService(*stores, self.queue("DELIVERY"), self.clock, self.randomness)

    def dispatcher(self) -> Dispatcher:
        """Makes events of changes and asks for their deliveries."""
        from contacts.book.store import ContactReader
        from contacts.events.store import EventStore
        from contacts.webhooks.dispatch import Dispatcher
        from contacts.webhooks.store import WebhookStore

        table = self.brief_table()
        return Dispatcher(
            WebhookStore(table),
            ContactReader(table),
            EventStore(table),
            self.queue("DELIVERY"),
            self.clock,
            self.randomness,
        )

    def delivery_worker(self) -> DeliveryWorker:
        """Sends events to endpoints. It remembers accounts and their plans, so a process has one."""
        from contacts.accounts.service import DeliveryTerms
        from contacts.events.store import EventStore
        from contacts.webhooks.delivery import DeliveryWorker
        from contacts.webhooks.in_flight import SlotStore, WaitingStore
        from contacts.webhooks.store import DeliveryStore, WebhookStore

        accounts = DeliveryTerms(self.switch_board, self.clock, self.settings.enterprise_deliveries)
        return DeliveryWorker(
            WebhookStore(self.table),
            EventStore(self.table),
            DeliveryStore(self.table),
            SlotStore(self.table),
            WaitingStore(self.table),
            self.webhook_sender(),
            self.delivery_schedule(),
            self.queue("FAILED_DELIVERIES"),
            self.clock,
            self.randomness,
            self.deadline.has_time_left,
            accounts.is_suspended,
            accounts.are_stopped,
            accounts.deliveries_at_once,
        )

    def webhook_sender(self) -> Sender:
        """Posts events."""
        from contacts.webhooks.sender import WebhookSender, tls_context

        return WebhookSender(self.endpoint_addresses(), tls_context())

    def delivery_schedule(self) -> Schedule:
        """When deliveries are attempted again: by the queue for minutes, by EventBridge Scheduler for longer."""
        from contacts.webhooks.store import DeliverySchedule

        return DeliverySchedule(
            self.queue("DELIVERY"),
            self.client("scheduler"),
            self.settings.schedule_group,
            self.settings.delivery_queue_arn,
            self.settings.delivery_dead_letters_arn,
            self.settings.scheduler_role_arn,
            self.clock,
        )

    # What follows a change of a contact

    def projector(self) -> Projector:
        """Keeps postings, words and counts as the contacts are."""
        from contacts.projection.service import Projector
        from contacts.projection.store import ProjectionStore

        store = ProjectionStore(self.table, self.randomness)
        to_validate, to_erase = self.queue("VALIDATION"), self.queue("ERASURE")
        is_lean = self.settings.projects_leanly
        return Projector(store, to_validate, to_erase, self.clock, self.randomness, is_lean=is_lean)

    def reindexer(self) -> Reindexer:
        """Rebuilds the postings, words and counts of an account."""
        from contacts.projection.reindex import Reindexer
        from contacts.projection.store import ReindexStore

        has_time = partial(self.deadline.has_time_left, _REINDEXING_ENDS_S)
        store = ReindexStore(self.table, self.randomness)
        return Reindexer(store, self.account_store, self.clock, self.randomness, has_time)

    def eraser(self) -> Eraser:
        """Erases what is kept about contacts that are gone for good."""
        from contacts.erasure.service import Eraser
        from contacts.erasure.store import TraceStore

        return Eraser(
            TraceStore(self.table),
            self.journal(),
            self.queue("ERASURE"),
            self.queue("SECOND_ERASURE"),
            self.clock,
            self.randomness,
            self.deadline.has_time_left,
            _log_long_erasure,
            files=[self.export_eraser(), self.import_eraser()],
        )

    def journal(self) -> Journal:
        """Who was erased and which addresses have opted out, outside the table."""
        from contacts.erasure.journal import Journal

        return Journal(partial(self.client, "s3"), self.settings.journal_bucket)

    def email_validator(self) -> EmailValidator:
        """Validates the email addresses of contacts."""
        from contacts.email_validation.dns import is_disposable
        from contacts.email_validation.service import EmailValidator
        from contacts.email_validation.store import VerdictStore

        return EmailValidator(
            VerdictStore(self.table),
            is_disposable,
            self.resolver(),
            self.clock,
            self.randomness,
            is_quiet=self._quiet_verdicts(),
            invocation=self._invocation,
            asks_dns=self._dns_is_on,
        )

    def _dns_is_on(self) -> bool:
        self.switch_board.refresh()
        return self.switch_board.switches.dns

    def resolver(self) -> Resolver | None:
        """Asks the DNS; None where it is not to be asked."""
        if not self.settings.looks_up_domains:
            return None
        from contacts.email_validation.dns import DnsResolver

        return DnsResolver()

    def bounce_recorder(self) -> BounceRecorder:
        """Marks addresses that bounced."""
        from contacts.email_validation.service import BounceRecorder
        from contacts.email_validation.store import VerdictStore

        store, is_quiet = VerdictStore(self.table), self._quiet_verdicts()
        return BounceRecorder(store, self.clock, self.randomness, _log_bounce_of_nobody, is_quiet)

    # Imports

    def import_files(self) -> ImportFiles:
        """Uploads, parts, error files and previews."""
        from contacts.imports.files import ImportFiles

        bucket, clock = self.settings.files_bucket, self.clock
        return ImportFiles(self.file_client, bucket, self.presigning_client, clock)

    def import_store(self, caller: Caller) -> ImportStore:
        """The imports of the account, as items."""
        from contacts.imports.store import ImportStore

        return ImportStore(self.table_of(caller), caller.account_id)

    def import_list(self, caller: Caller) -> ImportList:
        """Lists imports."""
        from contacts.imports.service import ImportList

        return ImportList(self.import_store(caller), self.clock)

    def import_service(self, caller: Caller) -> ImportService:
        """Makes imports and reads them."""
        from contacts.imports.service import ImportService

        return ImportService(self.import_store(caller), self.import_files(), self.clock, self.randomness)

    def import_control(self, caller: Caller) -> ImportControl:
        """Starts, cancels and undoes imports."""
        from contacts.imports.control import ImportControl

        queues = self.queue("IMPORT_FILE"), self.queue("IMPORT")
        store, account_id = self.import_store(caller), caller.account_id
        return ImportControl(
            store, account_id, *queues, self._names_of_properties, self.clock, self.randomness
        )

    def planner(self) -> Planner:
        """Cuts uploads into parts."""
        from contacts.imports.planning import Planner
        from contacts.imports.reading.opening import open_file

        return Planner(
            self.table,
            self.import_files(),
            open_file,
            self.queue("IMPORT_FILE"),
            self.queue("IMPORT"),
            self._names_of_properties,
            self.clock,
            self.randomness,
            self.deadline.has_time_left,
        )

    def _names_of_properties(self, account_id: str) -> list[str]:
        from contacts.properties.store import PropertyStore

        return [one.name for one in PropertyStore(self.table, account_id).all()]

    def import_carrier(self) -> ImportCarrier:
        """Checks the rows of imports, writes them, and takes them back."""
        from contacts.imports.carrying import ImportCarrier
        from contacts.imports.steps import CarrierServices

        services = CarrierServices(
            table=self.table,
            board=self.switch_board,
            accounts=self.account_store,
            files=self.import_files(),
            queue=self.queue("IMPORT"),
            reading=self.queue("IMPORT_FILE"),
            clock=self.clock,
            randomness=self.randomness,
            has_time_left=self.deadline.has_time_left,
        )
        return ImportCarrier(services)

    def import_eraser(self) -> ImportEraser:
        """Takes away files of imports that may hold a person who is erased."""
        from contacts.imports.erasing import ImportEraser

        bucket = self.settings.files_bucket
        return ImportEraser(self.table, partial(self.client, "s3"), bucket, self.clock)

    # Exports

    def export_store(self, caller: Caller) -> ExportStore:
        """The exports of the account in the table."""
        from contacts.exports.store import ExportStore

        return ExportStore(self.table_of(caller), caller.account_id)

    def export_files(self) -> ExportFiles:
        """The files of exports."""
        from contacts.exports.files import ExportFiles

        return ExportFiles(self.file_client, self.settings.files_bucket, self.presigning_client)

    def export_service(self, caller: Caller) -> ExportService:
        """Takes requests for exports."""
        from contacts.exports.service import ExportService

        return ExportService(self.export_store(caller), self.queue("EXPORT"), self.clock, self.randomness)

    def export_directory(self, caller: Caller) -> ExportDirectory:
        """The exports of the account, with the URLs of their files."""
        from contacts.exports.service import ExportDirectory

        store = self.export_store(caller)
        return ExportDirectory(store, self.export_files, caller.account_id, self.clock)

    def export_writer(self) -> ExportWriter:
        """Writes exports."""
        from contacts.events.jobs import announcement_step, ended_export
        from contacts.exports.store import ExportStore
        from contacts.exports.writing import ExportWriter, Sources
        from contacts.properties.store import PropertyStore
        from contacts.search.index import Bookmarks, ContactIndex
        from contacts.search.service import Finder

        def sources(account_id: str) -> Sources:
            index = ContactIndex(self.table, account_id)
            return Sources(
                ExportStore(self.table, account_id),
                Finder(index, Bookmarks(self.table, account_id, self.clock)),
                PropertyStore(self.table, account_id),
            )

        def announce(account_id: str, export: Export, at_ms: int) -> list[Step]:
            told = ended_export(export)
            return [announcement_step(self.table, account_id, export.id, *told, at_ms, self.randomness)]

        return ExportWriter(
            sources,
            self.export_files(),
            self.queue("EXPORT"),
            self.clock,
            self.randomness,
            self.deadline.has_time_left,
            announce,
        )

    def export_eraser(self) -> ExportEraser:
        """Takes away files of exports that may hold a person who is erased."""
        from contacts.exports.erasing import ExportEraser
        from contacts.exports.store import ExportStore

        return ExportEraser(partial(ExportStore, self.table), self.export_files(), self.clock)

    def person_exporter(self, caller: Caller) -> PersonExporter:
        """Exports single persons."""
        from contacts.channels.store import ChannelStore
        from contacts.events.store import EventStore, TimelineStore
        from contacts.exports.person import PersonExporter
        from contacts.webhooks.store import DeliveryStore

        table, account_id = self.table_of(caller), caller.account_id
        return PersonExporter(
            self.contact_book(caller),
            self.contact_store(caller),
            self.opt_outs(caller),
            TimelineStore(table, account_id),
            EventStore(table),
            DeliveryStore(table),
            ChannelStore(table, account_id),
            account_id,
            self.clock,
        )

    # After a loss

    def restored_table(self, name: str) -> Table:
        """A table that a backup was restored to, by its name.

        Raises:
            InvalidInput: it is the table in use.
        """
        from contacts.core.errors import FieldError, InvalidInput
        from contacts.core.violations import FieldErrorCode, Violation
        from contacts.table.client import Table

        if name == self.settings.table_name:
            in_use = Violation(FieldErrorCode.NOT_FOUND, "is the table in use; a restored one is needed")
            raise InvalidInput([FieldError("table", in_use)])
        return Table(self.client("dynamodb"), name, self.deadline)

    def restorer(self) -> Restorer:
        """Brings contacts back from a restored table."""
        from contacts.restoring.service import Restorer

        has_time = partial(self.deadline.has_time_left, _RESTORING_ENDS_S)
        return Restorer(
            self.table,
            self.restored_table,
            self.account_store,
            self.journal(),
            self.clock,
            self.randomness,
            has_time,
        )

    def replayer(self) -> Replayer:
        """Does again on a restored table what the journal has noted since."""
        from contacts.restoring.replaying import Replayer

        has_time = partial(self.deadline.has_time_left, _RESTORING_ENDS_S)
        return Replayer(
            self.table,
            self.restored_table,
            self.journal(),
            self.queue("ERASURE"),
            self.clock,
            self.randomness,
            has_time,
        )

    def _quiet_verdicts(self) -> Callable[[str], bool]:
        """Whether nobody is told of an account's verdicts, by the account's id.

        The webhooks are read once for each account and invocation, strongly. An invocation begins after its messages
        were sent. So a webhook that was there before a contact was created is told of the verdict on it.
        """
        from contacts.email_validation.service import OncePerInvocation, never_quiet

        if not self.settings.marks_verdicts:
            return never_quiet
        from contacts.events.model import EventType
        from contacts.webhooks.model import is_told
        from contacts.webhooks.store import WebhookStore

        webhooks = WebhookStore(self.table)
        return OncePerInvocation(
            lambda account_id: not is_told(webhooks.webhooks(account_id), EventType.VALIDATED),
            self._invocation,
        )

    def _invocation(self) -> int:
        return self.deadline.begun

    def _now_s(self) -> int:
        return self.clock.now_ms() // 1000


def _nobody() -> Caller:
    """The caller for whom services are made while a function starts."""
    from contacts.accounts.model import (
        SECRET_BYTES,
        Account,
        AccountSecret,
        ApiKey,
        Caller,
        Dialect,
        Mode,
        Plan,
    )

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


def _log_long_erasure(erasure: Erasure, seconds: int) -> None:
    from contacts.core.observability import logger

    ids = {"account_id": erasure.account_id, "contact_id": erasure.contact_id}
    logger.info("erasure goes on", extra={**ids, "seconds": seconds})


def _log_bounce_of_nobody(ses_message_id: str) -> None:
    from contacts.core.observability import logger

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
