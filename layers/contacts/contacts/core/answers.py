"""What the members of answers are made of, and the answers that several features share.

Each feature's model describes its answers as TypedDicts whose names end in `Out`. A string below a member describes
the member. The OpenAPI document is written from these types (`local/openapi`), and tests hold every answer against it;
nothing is checked when a function runs.

A member whose answer is text may be annotated with an enum: `Annotated[str, EventType]` is one of its values.
"""

from typing import Annotated, Any, Literal, TypedDict


class JsonSchema:
    """JSON Schema keywords that a member has besides its type: `Annotated[str, JsonSchema(format="uuid")]`."""

    __slots__ = ("keywords",)

    def __init__(self, **keywords: object) -> None:
        self.keywords = keywords


Uuid = Annotated[str, JsonSchema(format="uuid")]
Moment = Annotated[str, JsonSchema(format="date-time")]
"""ISO 8601 in UTC with milliseconds: `2026-01-15T10:30:00.000Z`."""
Count = Annotated[int, JsonSchema(minimum=0)]
Json = dict[str, Any]


class PageOut(TypedDict):
    """A page of a list."""

    has_more: bool
    """Whether there is another page."""
    next_cursor: str | None
    """What to send as `cursor` for the next page; null where this is the last."""


class DeletedOut(TypedDict):
    """What was deleted."""

    deleted: Literal[True]
    id: str
