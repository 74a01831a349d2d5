"""Channels: the ways by which an account's contacts arrive and are reached."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from contacts.domain.errors import FieldError
from contacts.domain.violations import never_changes

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
    """How often it was written, so that of two writers at the same moment one looks again."""

    def changed(self, given: Mapping[str, Any], at: str) -> "Channel":
        """The channel after a change that `objections` has nothing against: absent keeps."""
        after = replace(self, **{key: value for key, value in given.items() if key != "type"})
        return replace(after, updated_at=self.updated_at if after == self else at, version=self.version + 1)

    def objections(self, given: Mapping[str, Any]) -> list[FieldError]:
        """What of a change this channel cannot take: another type."""
        if given.get("type", self.type) == self.type:
            return []
        return [FieldError("type", never_changes(self.type))]


def described_channel(one: Channel) -> dict[str, object]:
    """A channel as callers see it."""
    return {
        "id": one.id,
        "type": str(one.type),
        "name": one.name,
        "state": one.state,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
