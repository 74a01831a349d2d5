"""The channels of one account in the table.

No attribute is called `updated_at`: an index uses that name, for contacts.
"""

from typing import Final

from contacts.channels.model import MAX_CHANNELS, Channel, ChannelType
from contacts.core.errors import ChannelNotFound, TooManyChannels
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.collection import Collection, CollectionSpec, Limit
from contacts.table.expressions import Item


class ChannelStore(Collection[Channel]):
    """The channels of one account: 50 at most, so all of them fit one page of a query."""

    def __init__(self, table: Table, account_id: str) -> None:
        super().__init__(table, account_id, _SPEC)


def _to_item(channel: Channel) -> dict[str, object]:
    return {
        "type": channel.type,
        "name": channel.name,
        "state": channel.state,
        "created_at": channel.created_at,
        "changed_at": channel.updated_at,
        "version": channel.version,
    }


def _from_item(_account_id: str, item: Item) -> Channel:
    return Channel(
        id=item["SK"],
        type=ChannelType(item["type"]),
        name=item["name"],
        state=item["state"],
        created_at=item["created_at"],
        updated_at=item["changed_at"],
        version=item["version"],
    )


_SPEC: Final = CollectionSpec(
    name="channel",
    key=keys.channel,
    to_item=_to_item,
    from_item=_from_item,
    not_found=ChannelNotFound,
    limit=Limit(
        key=keys.channel_count,
        maximum=MAX_CHANNELS,
        exceeded=lambda: TooManyChannels(f"An account has at most {MAX_CHANNELS} channels."),
    ),
)
