"""Every way in which the service can say no.

ContactsError
├── InvalidInput
│   └── BodyNotJson
├── NotAuthenticated
│   └── KeyRevoked
├── AccountSuspended
├── ScopeMissing
├── LimitReached
│   ├── WrittenLimitReached
│   └── MeterThrottled
├── NotFound
│   ├── ContactNotFound
│   ├── ApiKeyNotFound
│   ├── WebhookNotFound
│   ├── DeliveryNotFound
│   ├── PropertyNotFound
│   ├── ChannelNotFound
│   ├── ImportNotFound
│   ├── ExportNotFound
│   └── RouteNotFound
├── MethodNotAllowed
├── Conflict
│   ├── DuplicateContact
│   ├── NamesTaken
│   ├── TooManyApiKeys
│   ├── LastFullKey
│   ├── TooManyWebhooks
│   ├── DuplicateProperty
│   ├── TooManyProperties
│   ├── TooManyChannels
│   ├── ChannelOff
│   ├── TooManyImports
│   ├── ImportNotReady
│   ├── ImportEnded
│   ├── ImportNotFinished
│   ├── ImportNotUndoable
│   ├── TooManyExports
│   ├── SameContact
│   ├── MergeTooLarge
│   ├── MergedAway
│   └── NotDeliverable
├── StaleVersion
├── IdempotencyKeyReused
├── BodyTooLarge
├── BodyNotReadable
├── ContactTooLarge
├── EventTooLarge
└── TemporarilyUnavailable
    ├── Contention
    └── ReadOnly

An error carries what a client needs to act on it, in domain terms; `web/response.py` gives it a status.
Messages name fields and limits, and repeat a value only to the caller who sent it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

from contacts.core.violations import TAKEN, FieldErrorCode, Violation

MAX_ERRORS_SHOWN: Final = 100
"""A body of 1 MB can be wrong in 400,000 places: an answer that names them all would be too long to be sent."""


class FieldError(NamedTuple):
    """One wrong field: its path in the request (`custom_fields.size`) and what is wrong with it."""

    field: str
    violation: Violation

    @property
    def code(self) -> FieldErrorCode:
        """What is wrong, for programs."""
        return self.violation.code

    @property
    def message(self) -> str:
        """What is wrong, for people; it goes on after the field's name."""
        return self.violation.message

    @property
    def members(self) -> dict[str, object]:
        """The error as problem documents show it."""
        return {"field": self.field, "message": self.message}


class ContactsError(Exception):
    """The root of the hierarchy. `code` is part of the API and never changes."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field

    @property
    def field_errors(self) -> tuple[FieldError, ...]:
        """Every wrong field; none where no field is to blame."""
        return ()

    @property
    def extras(self) -> Mapping[str, object]:
        """Members the problem document carries besides the standard ones."""
        return {} if self.field is None else {"field": self.field}


class InvalidInput(ContactsError):
    """Raised when fields, parameters or the body are malformed; lists every wrong field at once."""

    code = "invalid_input"

    def __init__(self, errors: Sequence[FieldError], detail: str | None = None) -> None:
        first = errors[0]
        super().__init__(detail or f"{first.field}: {first.message}", field=first.field)
        self.errors = tuple(errors)

    @property
    def field_errors(self) -> tuple[FieldError, ...]:
        """Every wrong field."""
        return self.errors

    @property
    def extras(self) -> Mapping[str, object]:
        """The first wrong field, and all of them up to a hundred."""
        return {**super().extras, "errors": [error.members for error in self.errors[:MAX_ERRORS_SHOWN]]}


class BodyNotJson(InvalidInput):
    """Raised when a body is not a JSON document, or not one that means one thing."""

    code = "invalid_json"


class NotAuthenticated(ContactsError):
    """Raised when the request carries no key, one in the wrong place, or one that is unknown or revoked."""

    code = "not_authenticated"


class KeyRevoked(NotAuthenticated):
    """Raised when the request carries a key that was revoked."""

    code = "key_revoked"

    def __init__(self, dialect: str) -> None:
        """`dialect`: the one the key spoke, in which its client expects to be told."""
        super().__init__("This API key was revoked.")
        self.dialect = dialect


class AccountSuspended(ContactsError):
    """Raised when the key's account was suspended by the operator of the service."""

    code = "account_suspended"

    def __init__(self, dialect: str) -> None:
        """`dialect`: the one the key speaks, in which its client expects to be told."""
        super().__init__(
            "This account is suspended; whoever operates the service can tell why, and resume it."
        )
        self.dialect = dialect


class ScopeMissing(ContactsError):
    """Raised when a valid key lacks the scope an operation needs."""

    code = "scope_missing"

    def __init__(self, scope: str, detail: str | None = None) -> None:
        super().__init__(detail or f"This key lacks the scope {scope}.")
        self.scope = scope

    @property
    def extras(self) -> Mapping[str, object]:
        """The scope that is missing."""
        return {"scope": self.scope}


class LimitReached(ContactsError):
    """Raised when the account has used all requests its plan allows in this hour."""

    code = "rate_limited"

    def __init__(self, detail: str, retry_after: int) -> None:
        """`retry_after`: seconds until the same request may be let in."""
        super().__init__(detail)
        self.retry_after = retry_after


class WrittenLimitReached(LimitReached):
    """Raised when a request has more items than the account's plan lets it write in the rest of this hour."""

    code = "written_limited"


class MeterThrottled(LimitReached):
    """Raised when an account sends more requests at once than its meter counts; nothing was done."""

    code = "throttled"

    def __init__(self) -> None:
        super().__init__(
            "More requests at once than can be counted; nothing was done. Try again in a second.", 1
        )


class NotFound(ContactsError):
    """Raised when the thing named in the path does not exist in the caller's account."""

    code = "not_found"


class ContactNotFound(NotFound):
    """Raised when no live contact of the account (for restore: none in the trash) answers to a name."""

    code = "contact_not_found"

    def __init__(self, detail: str = "Contact not found.", *, field: str | None = None) -> None:
        """`field`: what of the request names it, where that is not the path."""
        super().__init__(detail, field=field)


class ApiKeyNotFound(NotFound):
    """Raised when the account has no API key with that id."""

    code = "api_key_not_found"


class WebhookNotFound(NotFound):
    """Raised when the account has no webhook with that id."""

    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("Webhook not found.")


class ImportNotFound(NotFound):
    """Raised when the account has no import with that id, or no longer: they are kept for 30 days."""

    code = "import_not_found"

    def __init__(self) -> None:
        super().__init__("Import not found.")


class ExportNotFound(NotFound):
    """Raised when the account has no export with that id, or no longer."""

    code = "export_not_found"

    def __init__(self) -> None:
        super().__init__("Export not found.")


class DeliveryNotFound(NotFound):
    """Raised when the webhook has no delivery with that id, or no longer: they are kept for 30 days."""

    code = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("Delivery not found.")


class PropertyNotFound(NotFound):
    """Raised when the account has no contact property with that id."""

    code = "property_not_found"

    def __init__(self) -> None:
        super().__init__("Contact property not found.")


class ChannelNotFound(NotFound):
    """Raised when the account has no channel with that id."""

    code = "channel_not_found"

    def __init__(self) -> None:
        super().__init__("Channel not found.")


class RouteNotFound(NotFound):
    """Raised when nothing is served at a path."""

    code = "route_not_found"


class MethodNotAllowed(ContactsError):
    """Raised when a path is served, but not with that method."""

    code = "method_not_allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path takes {', '.join(allowed)}.")
        self.allowed = tuple(allowed)


class Conflict(ContactsError):
    """Raised when the request is well formed but something that exists stands in its way."""

    code = "conflict"

    def __init__(self, detail: str, *, field: str | None = None, existing_id: str | None = None) -> None:
        """`existing_id`: the id of what exists, where the caller may know it."""
        super().__init__(detail, field=field)
        self.existing_id = existing_id

    @property
    def extras(self) -> Mapping[str, object]:
        """The field in the way, and the id of what exists."""
        existing = {} if self.existing_id is None else {"existing_id": self.existing_id}
        return {**super().extras, **existing}


class DuplicateContact(Conflict):
    """Raised when an email or external_id belongs to another live contact of the account."""

    code = "duplicate_contact"

    def __init__(self, taken: Sequence[tuple[str, str]]) -> None:
        """`taken`: each field in the way with the id of the contact that has its value."""
        field, existing_id = taken[0]
        super().__init__(f"Another contact already has this {field}.", field=field, existing_id=existing_id)
        self.taken = tuple(taken)

    @property
    def field_errors(self) -> tuple[FieldError, ...]:
        """Every field in the way."""
        return tuple(FieldError(field, TAKEN) for field, _ in self.taken)

    @property
    def extras(self) -> Mapping[str, object]:
        """The first field in the way with its owner's id, and every such field."""
        return {
            **super().extras,
            "errors": [
                {**FieldError(field, TAKEN).members, "existing_id": owner} for field, owner in self.taken
            ],
        }


class NamesTaken(Conflict):
    """Raised when a contact in the trash has lost every name it had, so nothing could lead to it."""

    code = "names_taken"

    def __init__(self) -> None:
        super().__init__("Other contacts have taken every email and external_id this contact had.")


class TooManyApiKeys(Conflict):
    """Raised when an account already has as many API keys as it may have."""

    code = "too_many_api_keys"


class LastFullKey(Conflict):
    """Raised when an account would be left without a key that may do all that its keys may do, and make others."""

    code = "last_full_key"

    def __init__(self) -> None:
        super().__init__(
            "The account would be left without a key that may do all that its keys may do. "
            "Make another one first, and revoke this one with that."
        )


class TooManyWebhooks(Conflict):
    """Raised when an account already has as many webhooks as it may have."""

    code = "too_many_webhooks"


class DuplicateProperty(Conflict):
    """Raised when the account already has a contact property of that name, archived or not."""

    code = "duplicate_property"

    def __init__(self, existing_id: str, *, is_archived: bool) -> None:
        hint = " It is archived; a PUT with archived: false brings it back." if is_archived else ""
        super().__init__(
            f"Another contact property already has this name.{hint}", field="name", existing_id=existing_id
        )


class TooManyProperties(Conflict):
    """Raised when an account already has as many contact properties as it may have."""

    code = "too_many_properties"


class TooManyChannels(Conflict):
    """Raised when an account already has as many channels as it may have."""

    code = "too_many_channels"


class TooManyExports(Conflict):
    """Raised when as many exports of the account are under way as may be."""

    code = "too_many_exports"


class ChannelOff(Conflict):
    """Raised when a contact is to arrive through a channel that is switched off; nothing was written."""

    code = "channel_off"

    def __init__(self) -> None:
        super().__init__("This channel is off. A PUT with state: true switches it on.")


class TooManyImports(Conflict):
    """Raised when as many imports of the account are under way as may be."""

    code = "too_many_imports"


class ImportNotReady(Conflict):
    """Raised when an import is to be started that does not wait for that."""

    code = "import_not_ready"


class ImportEnded(Conflict):
    """Raised when an import is to be cancelled that has ended."""

    code = "import_ended"


class ImportNotFinished(Conflict):
    """Raised when the failed rows of an import are asked for that is under way."""

    code = "import_not_finished"


class ImportNotUndoable(Conflict):
    """Raised when an import is to be taken back that is under way, has written nothing, is too old, or was before."""

    code = "import_not_undoable"


class SameContact(Conflict):
    """Raised when a contact is to be merged with itself: both names lead to it, maybe since an earlier merge."""

    code = "same_contact"

    def __init__(self, existing_id: str) -> None:
        super().__init__("Both names lead to the same contact.", field="from", existing_id=existing_id)


class MergeTooLarge(Conflict):
    """Raised when two contacts have more than one may have; lists every limit that stands in the way."""

    code = "merge_too_large"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.message}", field=first.field)
        self.errors = tuple(errors)

    @property
    def field_errors(self) -> tuple[FieldError, ...]:
        """Every limit that stands in the way."""
        return self.errors

    @property
    def extras(self) -> Mapping[str, object]:
        """The first limit, and every one."""
        return {**super().extras, "errors": [error.members for error in self.errors]}


class MergedAway(Conflict):
    """Raised when a contact is to be deleted by the name of one that was merged into it."""

    code = "merged_away"

    def __init__(self, existing_id: str) -> None:
        super().__init__(
            "The contact of this name was merged into another, which has to be deleted by its own.",
            existing_id=existing_id,
        )


class NotDeliverable(Conflict):
    """Raised when a delivery cannot be sent again: webhook inactive, event erased, or tried too often."""

    code = "not_deliverable"


class StaleVersion(ContactsError):
    """Raised when If-Match names another version than the contact's; nothing was changed."""

    code = "stale_version"

    def __init__(self) -> None:
        super().__init__("The contact has changed since the version named in If-Match.")


class IdempotencyKeyReused(ContactsError):
    """Raised when an Idempotency-Key comes again with another method, path or body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.", field="Idempotency-Key")


class BodyTooLarge(ContactsError):
    """Raised when a request body exceeds 1 MB (1,048,576 bytes)."""

    code = "body_too_large"


class BodyNotReadable(ContactsError):
    """Raised when a request body is compressed, or in another charset than UTF-8."""

    code = "unsupported_media_type"

    def __init__(self, header: str, detail: str) -> None:
        """`header`: the one that says so."""
        super().__init__(detail, field=header)


class ContactTooLarge(ContactsError):
    """Raised when a contact would exceed 350 KB as DynamoDB counts it, or 10,000 JSON values; nothing was written."""

    code = "contact_too_large"

    def __init__(self, size: int, limit: int, unit: str = "bytes", field: str | None = None) -> None:
        super().__init__(
            f"The contact would have {size:,} {unit}; at most {limit:,} are stored.", field=field
        )


class EventTooLarge(ContactsError):
    """Raised when the `data` of a custom event would exceed 32 KB as DynamoDB counts it; nothing was written."""

    code = "event_too_large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"data would take {size:,} bytes; at most {limit:,} are stored.", field="data")


class TemporarilyUnavailable(ContactsError):
    """Raised when the table throttles or does not answer within the request's time; safe to try again."""

    code = "temporarily_unavailable"
    retry_after: ClassVar[int] = 1

    def __init__(
        self,
        detail: str = "The service is busy; nothing was half written. Try again.",
        *,
        is_throttled: bool = False,
    ) -> None:
        """`is_throttled`: the table refused a call because there were too many at once."""
        super().__init__(detail)
        self.is_throttled = is_throttled


class Contention(TemporarilyUnavailable):
    """Raised when other writers of the same contact won every one of the tries."""

    code = "contention"


class ReadOnly(TemporarilyUnavailable):
    """Raised when a request may write while an operator has switched writing off; nothing was written or counted."""

    code = "read_only"
    retry_after: ClassVar[int] = 60

    def __init__(self) -> None:
        super().__init__(
            "The service is read-only for a while; nothing was written. Reads are answered. Try again in a minute."
        )
