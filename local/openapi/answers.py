"""What each operation answers: its successes, and what it refuses beyond what all operations do.

A new operation has to be written down here, under the name of the function that serves it; a test says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contacts.core import errors
from local.openapi import shapes
from local.openapi.operations import Served


@dataclass(frozen=True, slots=True)
class Success:
    """An answer that is no problem. `shape`: of its JSON; None where it has no body or no JSON."""

    status: int
    description: str
    shape: Any = None
    content_type: str | None = None
    """Of a body that is no JSON."""


@dataclass(frozen=True, slots=True)
class Documented:
    """What an operation answers."""

    successes: tuple[Success, ...]
    refusals: tuple[type[errors.ContactsError], ...] = ()
    """Of its own. (One that may find a version stale takes If-Match.)"""


class NotDocumented(LookupError):
    """Raised when nobody has written down what an operation answers."""


def documented(route: Served) -> Documented:
    """What a route answers.

    Raises:
        NotDocumented
    """
    name = route.binding.function.__name__
    if name not in _ANSWERS:
        raise NotDocumented(
            f"{route.method} {route.path}: write down what {name} answers in local/openapi/answers.py (_ANSWERS), "
            "with the shape of its answer in local/openapi/shapes.py; then run `make openapi`"
        )
    return _ANSWERS[name]


def refusals(route: Served) -> tuple[type[errors.ContactsError], ...]:
    """Every way in which a route says no: those of all routes of its kind, and its own."""
    found: list[type[errors.ContactsError]] = [errors.InvalidInput]
    if route.operation.needs_key:
        found += [errors.NotAuthenticated, errors.KeyRevoked, errors.AccountSuspended]
        found += [errors.ScopeMissing, errors.LimitReached]
        found += [errors.TemporarilyUnavailable, errors.Contention]
    if route.body is not None:
        found += [errors.BodyNotJson, errors.BodyTooLarge, errors.BodyNotReadable]
    if route.is_write:
        found.append(errors.IdempotencyKeyReused)
    return (*found, *documented(route).refusals)


def _ok(shape: Any, description: str = "As asked for.") -> Success:
    return Success(200, description, shape)


def _page(shape: Any) -> Documented:
    return Documented((_ok(shape, "A page."),))


_CHANGED: Final = "Changed."
_NOBODY: Final = (errors.ContactNotFound, errors.RouteNotFound, errors.MethodNotAllowed)
"""Of a path that takes whatever follows: it may have been meant for another one."""
_OF_NAMES: Final = (errors.DuplicateContact, errors.StaleVersion, errors.ContactTooLarge)

_ANSWERS: Final[Mapping[str, Documented]] = {
    # Contacts
    "create_contact": Documented(
        (
            Success(201, "Created; or brought back from the trash, with the same id.", shapes.WrittenContact),
            _ok(
                shapes.WrittenContact,
                "With `on_conflict=update`: the contact was there and has been changed.",
            ),
        ),
        # A repetition may be about a contact that has been erased since.
        (*_OF_NAMES, errors.ContactNotFound),
    ),
    "list_contacts": _page(shapes.ContactPage),
    "search_contacts": _page(shapes.ContactPage),
    "batch_contacts": Documented(
        (Success(207, "Carried out, item by item; each has a status of its own.", shapes.BatchResults),)
    ),
    "get_contact": Documented(
        (
            _ok(shapes.Contact, "The contact as of the latest write."),
            Success(304, "The contact is still as the ETag in `If-None-Match` says."),
        ),
        _NOBODY,
    ),
    "update_contact": Documented((_ok(shapes.WrittenContact, _CHANGED),), (*_OF_NAMES, *_NOBODY)),
    "delete_contact": Documented(
        (_ok(shapes.DeletedContact, "Deleted."),),
        (*_NOBODY, errors.MergedAway, errors.StaleVersion),
    ),
    "restore_contact": Documented(
        (_ok(shapes.WrittenContact, "Restored, with the same id."),),
        (errors.ContactNotFound, errors.NamesTaken, errors.StaleVersion),
    ),
    "merge_contacts": Documented(
        (_ok(shapes.WrittenContact, "The contact that stays, with what it was given."),),
        (
            errors.ContactNotFound,
            errors.SameContact,
            errors.MergeTooLarge,
            errors.ContactTooLarge,
            errors.StaleVersion,
        ),
    ),
    "list_tags": _page(shapes.TagPage),
    "list_lists": _page(shapes.ListPage),
    # Timeline
    "record_event": Documented(
        (Success(202, "Recorded; in a moment it goes out.", shapes.RecordedEvent),),
        (errors.ContactNotFound, errors.EventTooLarge),
    ),
    "list_contact_events": Documented((_ok(shapes.TimelinePage, "A page."),), (errors.ContactNotFound,)),
    # Channels
    "create_channel": Documented((Success(201, "Made.", shapes.Channel),), (errors.TooManyChannels,)),
    "list_channels": _page(shapes.ChannelPage),
    "get_channel": Documented((_ok(shapes.Channel),), (errors.ChannelNotFound,)),
    "update_channel": Documented((_ok(shapes.Channel, _CHANGED),), (errors.ChannelNotFound,)),
    "add_gate": Documented(
        (
            Success(201, "The contact was created, with this gate.", shapes.Gate),
            _ok(shapes.Gate, "The channel knew the identifier: the gate that there is."),
        ),
        (
            errors.ChannelNotFound,
            errors.ChannelOff,
            errors.ContactNotFound,
            errors.DuplicateContact,
            errors.ContactTooLarge,
        ),
    ),
    "list_gates": Documented((_ok(shapes.GatePage, "A page."),), (errors.ContactNotFound,)),
    "get_chat": Documented((_ok(shapes.Chat),), (errors.ContactNotFound,)),
    # Contact properties
    "create_property": Documented(
        (Success(201, "Defined.", shapes.Property),), (errors.DuplicateProperty, errors.TooManyProperties)
    ),
    "list_properties": _page(shapes.PropertyPage),
    "get_property": Documented((_ok(shapes.Property),), (errors.PropertyNotFound,)),
    "update_property": Documented((_ok(shapes.Property, _CHANGED),), (errors.PropertyNotFound,)),
    "delete_property": Documented((_ok(shapes.ArchivedProperty, "Archived."),), (errors.PropertyNotFound,)),
    # Webhooks
    "create_webhook": Documented(
        (Success(201, "Registered; the secret is shown now and never again.", shapes.WebhookWithSecret),),
        (errors.TooManyWebhooks,),
    ),
    "list_webhooks": _page(shapes.WebhookPage),
    "get_webhook": Documented((_ok(shapes.Webhook),), (errors.WebhookNotFound,)),
    "update_webhook": Documented((_ok(shapes.Webhook, _CHANGED),), (errors.WebhookNotFound,)),
    "delete_webhook": Documented((_ok(shapes.Deleted, "Deleted."),), (errors.WebhookNotFound,)),
    "rotate_webhook_secret": Documented(
        (_ok(shapes.WebhookWithSecret, "The new secret is shown now and never again."),),
        (errors.WebhookNotFound,),
    ),
    "test_webhook": Documented(
        (Success(202, "Will be sent in a moment.", shapes.QueuedDelivery),), (errors.WebhookNotFound,)
    ),
    "list_deliveries": Documented((_ok(shapes.DeliveryPage, "A page."),), (errors.WebhookNotFound,)),
    "redeliver_delivery": Documented(
        (Success(202, "Will be sent in a moment.", shapes.QueuedDelivery),),
        (errors.WebhookNotFound, errors.DeliveryNotFound, errors.NotDeliverable),
    ),
    "list_events": _page(shapes.EventPage),
    # The account
    "get_account": Documented((_ok(shapes.Account),)),
    "create_api_key": Documented(
        (Success(201, "Made; the key is shown now and never again.", shapes.MadeApiKey),),
        (errors.TooManyApiKeys,),
    ),
    "list_api_keys": _page(shapes.ApiKeyPage),
    "revoke_api_key": Documented(
        (_ok(shapes.RevokedApiKey, "Revoked: within 60 seconds it opens nothing."),),
        (errors.ApiKeyNotFound, errors.LastFullKey),
    ),
    # This document
    "openapi_document": Documented(
        (
            Success(200, "The document.", shapes.Json),
            Success(304, "It is still as the ETag in `If-None-Match` says."),
        )
    ),
    "docs_page": Documented(
        (
            Success(200, "The page.", content_type="text/html"),
            Success(304, "It is still as the ETag in `If-None-Match` says."),
        )
    ),
    "docs_file": Documented(
        (
            Success(200, "The file.", content_type="text/*"),
            Success(304, "It is still as the ETag in `If-None-Match` says."),
        ),
        (errors.RouteNotFound,),
    ),
}
