"""Wiring of what works on channels."""

import secrets

from contacts.adapters.channel_store import DynamoChannelStore
from contacts.bootstrap import clock, table, table_of
from contacts.domain.accounts import Caller
from contacts.services.channel_desk import ChannelDesk


def channel_store(caller: Caller) -> DynamoChannelStore:
    """The caller's channels."""
    return DynamoChannelStore(table_of(caller), caller.account_id)


def account_channels(caller: Caller) -> DynamoChannelStore:
    """The channels of the caller's account, whatever its key."""
    return DynamoChannelStore(table(), caller.account_id)


def channel_desk(caller: Caller) -> ChannelDesk:
    """Where the caller's channels are made and changed."""
    return ChannelDesk(channel_store(caller), clock(), secrets.token_bytes)
