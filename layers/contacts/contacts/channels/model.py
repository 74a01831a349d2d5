"""Channels: the ways by which an account's contacts arrive and are reached."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from contacts.book.model import Contact, ContactOut, Gate, ValidationStatus, contact_out
from contacts.core.answers import Count, Moment, PageOut, Uuid
from contacts.core.errors import FieldError
from contacts.core.ids import derived_id
from contacts.core.violations import never_changes

MAX_CHANNELS: Final = 50
"""Of an account. Exact, whoever creates at the same moment."""
MAX_NAME: Final = 255
"""Characters."""


class ChannelType(StrEnum):
    """What kind of channel it is."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    VIBER = "viber"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    WEB = "web"
    """A chat on a website, or in an app."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to contacts. Its type never changes. Its id is a UUID version 7 of the moment it was made."""

    id: str
    type: ChannelType
    name: str
    state: bool = True
    """On, or off: then nobody arrives through it, and nobody counts as reached by it."""
    created_at: str
    updated_at: str
    version: int = 1
    """How often it was written: of two writers at the same moment, one reads again."""

    def changed(self, given: Mapping[str, Any], at: str) -> "Channel":
        """The channel after a change that has no `objections`; an absent member keeps its value."""
        after = replace(self, **{key: value for key, value in given.items() if key != "type"})
        return replace(after, updated_at=self.updated_at if after == self else at, version=self.version + 1)

    def objections(self, given: Mapping[str, Any]) -> list[FieldError]:
        """The errors of a change that this channel does not allow: another type."""
        if given.get("type", self.type) == self.type:
            return []
        return [FieldError("type", never_changes(self.type))]


class ChannelOut(TypedDict):
    """A way by which contacts arrive and are reached."""

    id: Uuid
    type: Annotated[str, ChannelType]
    """It never changes."""
    name: str
    state: bool
    """On, or off: then nobody arrives through it, and nobody counts as reached by it."""
    created_at: Moment
    updated_at: Moment
    test_mode: NotRequired[Literal[True]]


class ChannelPageOut(PageOut):
    """A page of channels, oldest first."""

    data: list[ChannelOut]
    total: NotRequired[Count]
    """Only with `include_total`."""


def channel_out(one: Channel) -> ChannelOut:
    """A channel as callers see it."""
    return {
        "id": one.id,
        "type": str(one.type),
        "name": one.name,
        "state": one.state,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


_NAMES: Final = {ChannelType.EMAIL: "Email", ChannelType.SMS: "SMS"}
"""Of the channels that every account has without making them."""


class ChannelOfGateOut(TypedDict):
    """The channel on which a contact is found."""

    id: Uuid | None
    """Null where it is an email or a phone, and the account has made no channel for them."""
    type: Annotated[str, ChannelType]
    name: str


class GateOut(TypedDict):
    """One contact's address on one channel."""

    id: Uuid
    channel: ChannelOfGateOut
    identifier: str
    """What the channel calls the contact."""
    contact_id: Uuid
    created_at: Moment
    test_mode: NotRequired[Literal[True]]


class GatePageOut(PageOut):
    """How a contact can be reached now."""

    data: list[GateOut]
    total: NotRequired[Count]
    """Only with `include_total`."""


class ChatOut(TypedDict):
    """The one conversation that there is with a contact."""

    id: Uuid
    """Derived from the contact's: always the same."""
    name: str | None
    image: Any
    """The contact's `metadata.photo`, whatever that is, or null."""
    contact: ContactOut
    gates: list[GateOut]
    created_at: Moment
    updated_at: Moment


def gate_out(gate: Gate, channel: Channel, contact_id: str) -> GateOut:
    """A gate as callers see it."""
    return {
        "id": gate.id,
        "channel": _channel_of_gate(channel),
        "identifier": gate.identifier,
        "contact_id": contact_id,
        "created_at": gate.created_at,
    }


def open_gates(contact: Contact, channels: Sequence[Channel]) -> list[GateOut]:
    """The gates by which a contact can be reached now, in the order of their ids.

    Its gates on channels that are on; its email, unless the contact is unsubscribed or the email is known to be
    invalid; its phone.

    `channels`: those of the account, the oldest first.
    """
    by_id = {channel.id: channel for channel in channels if channel.state}
    shown = [
        gate_out(gate, by_id[gate.channel_id], contact.id)
        for gate in contact.gates
        if gate.channel_id in by_id
    ]
    # An address that is also a gate of the contact is listed once.
    there = {(one["channel"]["id"], one["identifier"]) for one in shown}
    addresses = _addresses(contact, channels)
    shown += [one for one in addresses if (one["channel"]["id"], one["identifier"]) not in there]
    return sorted(shown, key=lambda one: one["id"])


def chat_out(contact: Contact, gates: Sequence[GateOut]) -> ChatOut:
    """The one conversation with a contact. Its id is derived from the contact's id, so it is always the same."""
    return {
        "id": derived_id(contact.id, "chat"),
        "name": contact.display_name,
        "image": contact.metadata.get("photo"),
        "contact": contact_out(contact),
        "gates": list(gates),
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }


def _addresses(contact: Contact, channels: Sequence[Channel]) -> Iterator[GateOut]:
    """The email and the phone as gates of their own; their ids are derived from the address: always the same."""
    may_be_mailed = not contact.is_unsubscribed and contact.validation_status is not ValidationStatus.INVALID
    email = contact.email if may_be_mailed else None
    for kind, address in ((ChannelType.EMAIL, email), (ChannelType.SMS, contact.phone)):
        channel = _channel_for(kind, channels)
        if address is not None and channel is not None:
            yield {
                "id": derived_id(contact.id, f"{kind} {address}"),
                "channel": channel,
                "identifier": address,
                "contact_id": contact.id,
                "created_at": contact.created_at,
            }


def _channel_for(kind: ChannelType, channels: Sequence[Channel]) -> ChannelOfGateOut | None:
    """The account's oldest channel of a type that is on; one without an id where it has none of the type.

    None where all it has are off: it does not want to reach anybody that way.
    """
    of_kind = [channel for channel in channels if channel.type is kind]
    if not of_kind:
        return {"id": None, "type": str(kind), "name": _NAMES[kind]}
    return next((_channel_of_gate(channel) for channel in of_kind if channel.state), None)


def _channel_of_gate(channel: Channel) -> ChannelOfGateOut:
    return {"id": channel.id, "type": str(channel.type), "name": channel.name}
