"""What the erasure queues carry: which contact is to be erased, and how far its erasure is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from contacts.core.ids import is_uuid
from contacts.events.model import LONGEST_DISPATCH

SECOND_PASS_AFTER: Final = LONGEST_DISPATCH + 60
"""Seconds from the first pass to the second: a minute more than a dispatcher may run, for clocks that differ."""
_SECOND: Final = 2
_HMAC: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutNotice:
    """Addresses that have opted out, for the journal. It travels on the erasure queue, whose function writes that."""

    account_id: str
    email_hmacs: tuple[str, ...]

    @classmethod
    def of_message(cls, body: Mapping[str, Any]) -> Self | None:
        """The notice in a message; None: it asks for an erasure.

        Raises:
            KeyError, TypeError, ValueError: the message does not name an account and addresses.
        """
        if "opted_out" not in body:
            return None
        if not is_uuid(body["account_id"]) or not all(map(_HMAC.fullmatch, body["opted_out"])):
            raise ValueError("no account with addresses that have opted out")
        return cls(account_id=body["account_id"], email_hmacs=tuple(body["opted_out"]))

    def message(self) -> dict[str, object]:
        """The message."""
        return {"account_id": self.account_id, "opted_out": list(self.email_hmacs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The erasure of a contact that is gone for good."""

    account_id: str
    contact_id: str
    version: int = 0
    """The contact's last version, for its tombstone, which is missing where its days in the trash ran out."""
    merged_ids: tuple[str, ...] = ()
    """The contacts that had been merged into it. What was stored about them before is erased as well."""
    is_buried: bool = False
    """Whether an earlier run has seen to the tombstones."""
    is_second: bool = False
    """Whether this is the second pass."""
    began_at_ms: int | None = None
    """When the first run began, in ms since the epoch; None: none has."""

    @classmethod
    def of_message(cls, body: Mapping[str, Any]) -> Self:
        """The erasure that a message asks for. Earlier releases, and operators, send the ids alone.

        Raises:
            KeyError, TypeError, ValueError: the message does not name an account and contacts.
        """
        if not all(map(is_uuid, (body["account_id"], body["contact_id"], *body.get("merged_ids", ())))):
            raise ValueError("no ids of an account and its contacts")
        return cls(
            account_id=body["account_id"],
            contact_id=body["contact_id"],
            version=body.get("version", 0),
            merged_ids=tuple(body.get("merged_ids", ())),
            is_buried=body.get("buried", False),
            is_second=body.get("pass") == _SECOND,
            began_at_ms=body.get("began_at_ms"),
        )

    def message(self) -> dict[str, object]:
        """The message that asks for it. Earlier releases ignore what they do not know, and erase from the beginning."""
        body: dict[str, object] = {
            "account_id": self.account_id,
            "contact_id": self.contact_id,
            "version": self.version,
            "merged_ids": list(self.merged_ids) or None,
            "buried": self.is_buried or None,
            "pass": _SECOND if self.is_second else None,
            "began_at_ms": self.began_at_ms,
        }
        return {name: value for name, value in body.items() if value is not None}

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of the contact and those of the contacts that had been merged into it, each once."""
        return tuple(dict.fromkeys((self.contact_id, *self.merged_ids)))
