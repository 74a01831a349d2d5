"""What callers do with the channels of their account: make, list, read, rename, switch on and off."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from contacts.domain.channels import Channel, ChannelType, described_channel
from contacts.domain.errors import ChannelNotFound, FieldError, InvalidInput
from contacts.domain.identity import is_uuid, uuid7
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.timestamps import iso
from contacts.services.once import once
from contacts.services.ports import Clock, Randomness


class Channels(Protocol):
    """The channels of one account, to be read."""

    def by_id(self, channel_id: str) -> Channel | None:
        """The channel with that id."""
        ...

    def all(self) -> list[Channel]:
        """All of them (50 at most), in the order of their making."""
        ...


class ChannelStore(Channels, Protocol):
    """The channels of one account."""

    def add(self, new: Channel, outcome: Outcome, receipt: Receipt | None, at_ms: int) -> None:
        """Write a new one.

        Raises:
            TooManyChannels, AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        ...

    def change(
        self, before: Channel, after: Channel, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> None:
        """Turn one as it was read into another.

        Raises:
            Moved: it is no longer as it was read.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        ...


def existing_channel(channels: Channels, channel_id: str) -> Channel:
    """The channel that a path names.

    Raises:
        ChannelNotFound: the account has none with that id.
    """
    found = channels.by_id(channel_id.lower()) if is_uuid(channel_id) else None
    if found is None:
        raise ChannelNotFound
    return found


class ChannelDesk:
    """The channels of one account, as its callers see them."""

    def __init__(self, store: ChannelStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def channels(self) -> list[dict[str, object]]:
        """All channels, the oldest first.

        Raises:
            TemporarilyUnavailable.
        """
        return list(map(described_channel, self._store.all()))

    def channel(self, channel_id: str) -> dict[str, object]:
        """One channel.

        Raises:
            ChannelNotFound: the account has none with that id.
        """
        return described_channel(existing_channel(self._store, channel_id))

    def add(self, kind: ChannelType, name: str, *, state: bool, receipt: Receipt | None) -> Outcome:
        """Make a channel.

        Raises:
            TooManyChannels: the account has 50 already.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Channel(
            id=uuid7(now, self._randomness(10)),
            type=kind,
            name=name,
            state=state,
            created_at=iso(now),
            updated_at=iso(now),
        )
        outcome = Outcome(did=Did.CREATED, details=described_channel(new))

        def write() -> Outcome:
            self._store.add(new, outcome, receipt, now)
            return outcome

        return once(write, receipt, self._clock, self._randomness)

    def change(
        self,
        channel_id: str,
        given: Mapping[str, Any],
        wrong: Sequence[FieldError],
        receipt: Receipt | None,
    ) -> Outcome:
        """Rename a channel, or switch it on or off; what is absent stays.

        `wrong`: what is wrong with the rest of the request, to be told together with what this channel cannot take.

        Raises:
            ChannelNotFound: the account has none with that id.
            InvalidInput: another type is asked for; or `wrong`.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()

        def write() -> Outcome:
            before = existing_channel(self._store, channel_id)
            errors = [*wrong, *before.objections(given)]
            if errors:
                raise InvalidInput(errors)
            after = before.changed(given, iso(now))
            outcome = Outcome(did=Did.UPDATED, details=described_channel(after))
            self._store.change(before, after, outcome, receipt, now)
            return outcome

        return once(write, receipt, self._clock, self._randomness)
