"""Bodies of requests about events of contacts."""

from typing import Annotated

from pydantic import AfterValidator, Field

from contacts.core.time import parsed
from contacts.events.model import MAX_DATA_VALUES, MAX_NAME
from contacts.web.bodies import COMPOSED, Body, JsonObject, clean


def _moment(text: str) -> str:
    parsed(text)
    return text


EventName = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(clean), COMPOSED]
Moment = Annotated[str, AfterValidator(clean), AfterValidator(_moment)]


class NewEvent(Body):
    """An event to be recorded."""

    most_values = MAX_DATA_VALUES

    name: EventName
    data: JsonObject | None = None
    occurred_at: Moment | None = None

    @property
    def occurred_ms(self) -> int | None:
        """When it happened, in ms since the epoch; None: the request does not say."""
        return None if self.occurred_at is None else parsed(self.occurred_at)
