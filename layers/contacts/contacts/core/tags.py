"""The ids of tags, for vendors whose tags have one."""

from uuid import NAMESPACE_URL, uuid5


def tag_id(tag: str) -> str:
    """Returns the id of a tag, a UUID version 5. Tags have a name only; the id is derived from it and never changes."""
    return str(uuid5(NAMESPACE_URL, f"urn:contacts:tag:{tag}"))
