"""Bodies of requests about webhooks."""

from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.events.model import EVERYTHING, ONLY_BY_NAME, SUBSCRIBABLE
from contacts.web.bodies import COMPOSED, Body, clean
from contacts.webhooks.endpoints import endpoint_of
from contacts.webhooks.model import MAX_URL
from contacts.webhooks.service import CreateWebhook

MAX_DESCRIPTION: Final = 500
"""Characters."""
MAX_EVENTS: Final = 100
"""Event types in a request, duplicates included."""


def _url(text: str) -> str:
    """A URL in its stored form. `WebhookService` checks whether it may be called from here, and its addresses."""
    return endpoint_of(text, private_allowed=True).url


def _event(name: str) -> str:
    if name != EVERYTHING and name not in SUBSCRIBABLE:
        known = ", ".join(SUBSCRIBABLE)
        message = f"is no event; there are {known}, and * for all but {', '.join(sorted(ONLY_BY_NAME))}"
        raise InvalidValue(Violation(FieldErrorCode.NOT_ALLOWED, message))
    return name


def _listed(given: object) -> object:
    """`*` alone stands for a list of it."""
    return [EVERYTHING] if given == EVERYTHING else given


def _once_each(names: list[str]) -> list[str]:
    """The types without duplicates; where `*` is among them only `*`, and the types that it does not include."""
    once = list(dict.fromkeys(names))
    if EVERYTHING not in once:
        return once
    return [EVERYTHING, *(name for name in once if name in ONLY_BY_NAME)]


Url = Annotated[str, Field(max_length=MAX_URL), AfterValidator(clean), AfterValidator(_url)]
EventName = Annotated[str, AfterValidator(_event)]
Events = Annotated[
    list[EventName],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MAX_EVENTS),
    AfterValidator(_once_each),
]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(clean), COMPOSED]


class NewWebhook(Body):
    """A webhook to be made. Without `events` it is told of all that `*` includes."""

    url: Url
    events: Events = Field(default_factory=lambda: [EVERYTHING])
    description: Description | None = None
    is_active: bool = True

    def to_command(self) -> CreateWebhook:
        """The command for `WebhookService.add`."""
        return CreateWebhook(
            url=self.url, events=self.events, description=self.description, is_active=self.is_active
        )


class WebhookChange(Body):
    """Fields to change: absent keeps; only the description can be cleared. (The defaults are never looked at.)"""

    url: Url = ""
    events: Events = Field(default_factory=list)
    description: Description | None = None
    is_active: bool = True
