"""The operations on channels, gates and contacts in this process: the handlers as they are, on a table in memory."""

from typing import Any, ClassVar

from contacts.accounts.model import Caller
from contacts.channels.store import ChannelStore
from tests.support.app import App, Reply
from tests.support.event_harness import ErasureDesk
from tests.support.property_harness import CONTACT, CONTACTS, OPERATIONS, PropertyApp, PropertyHarness

CHANNELS, CHANNEL = "/v1/channels", "/v1/channels/{id}"
ARRIVE, GATES, CHAT = f"{CHANNEL}/gates", f"{CONTACT}/gates", f"{CONTACT}/chat"
RESTORE, MERGE = f"{CONTACT}/restore", f"{CONTACT}/merge"


class ChannelHarness(PropertyHarness):
    """A table, a clock, and the operations on them. Made anew by each test."""

    operations: ClassVar = {
        **OPERATIONS,
        f"GET {CHANNELS}": "list_channels",
        f"POST {CHANNELS}": "create_channel",
        f"GET {CHANNEL}": "get_channel",
        f"PUT {CHANNEL}": "update_channel",
        f"POST {ARRIVE}": "add_gate",
        f"GET {GATES}": "list_gates",
        f"GET {CHAT}": "get_chat",
        f"POST {RESTORE}": "restore_contact",
        f"POST {MERGE}": "merge_contacts",
    }

    channel_store: ChannelStore | None = None
    """Instead of the caller's own."""

    def made(self, kind: str = "telegram", name: str = "Bot", **more: Any) -> Any:
        """A new channel as the API showed it."""
        reply = self.request("POST", CHANNELS, body={"type": kind, "name": name, **more})
        assert reply.status == 201, reply
        return reply.body

    def switched(self, channel_id: str, *, on: bool) -> None:
        """Switch a channel on or off."""
        assert self.request("PUT", CHANNEL, channel_id, body={"state": on}).status == 200

    def arrive(self, channel_id: str, identifier: str, *, key: str | None = None, **fields: Any) -> Reply:
        """Have a contact arrive; a moment later."""
        self.clock.at_ms += 1000
        return self.request("POST", ARRIVE, channel_id, body={"identifier": identifier, **fields}, key=key)

    def arrived(self, channel_id: str, identifier: str, **fields: Any) -> Any:
        """The gate by which a contact arrived that had not before."""
        reply = self.arrive(channel_id, identifier, **fields)
        assert reply.status == 201, reply
        return reply.body

    def created(self, **fields: Any) -> str:
        """The id of a new contact."""
        reply = self.request("POST", CONTACTS, body=fields)
        assert reply.status == 201, reply
        contact_id: str = reply.body["id"]
        return contact_id

    def contact(self, ref: str) -> Any:
        """A contact as the API shows it."""
        return self.request("GET", CONTACT, ref).body

    def gates(self, ref: str, **query: str) -> list[Any]:
        """A contact's gates, as the first page shows them."""
        found: list[Any] = self.request("GET", GATES, ref, query=query).body["data"]
        return found

    def erase(self, account_id: str, contact_id: str) -> None:
        """Erase what is kept about a contact that is gone for good."""
        desk = ErasureDesk(self.app)
        desk.handle({"account_id": account_id, "contact_id": contact_id})
        desk.second_passes()

    def new_app(self) -> App:
        """The functions of this harness."""
        return ChannelApp(self)


class ChannelApp(PropertyApp):
    """The functions on the table of a harness."""

    def __init__(self, harness: ChannelHarness) -> None:
        super().__init__(harness)
        self._channels_of = harness

    def channel_store(self, caller: Caller) -> Any:
        return self._channels_of.channel_store or super().channel_store(caller)
