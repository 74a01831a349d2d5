"""Bodies of requests about channels."""

from typing import Annotated

from pydantic import AfterValidator, Field

from contacts.api.bodies import Body, Draft, clean
from contacts.domain.channels import MAX_NAME, ChannelType

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(clean)]
Type = Annotated[ChannelType, Field(strict=False)]


class NewChannel(Body):
    """A channel to be made; it is on unless it says otherwise."""

    type: Type
    name: Name
    state: bool = True


class ChannelChange(Draft):
    """Fields to change: absent keeps. The type may be sent as it is.

    What the channel itself cannot take is told together with what is wrong here. (The defaults are never looked at.)
    """

    type: Type = ChannelType.OTHER
    name: Name = ""
    state: bool = True
