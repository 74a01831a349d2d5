"""Wiring of what works on channels."""

import secrets

from contacts.adapters.channel_store import DynamoChannelStore, SandboxChannelStore
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.channel_desk import ChannelDesk, ChannelStore


def channel_store(caller: Caller) -> ChannelStore:
    """The caller's channels; for a test key, none that stay."""
    return SandboxChannelStore() if caller.is_test else account_channels(caller)


def account_channels(caller: Caller) -> DynamoChannelStore:
    """The channels of the caller's account, whatever its key."""
    return DynamoChannelStore(table(), caller.account_id)


def channel_desk(caller: Caller) -> ChannelDesk:
    """Where the caller's channels are made and changed."""
    return ChannelDesk(channel_store(caller), clock(), secrets.token_bytes)
