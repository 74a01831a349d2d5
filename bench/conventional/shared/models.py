"""What goes over the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, EmailStr, Field


def json_numbers(value: Any) -> Any:
    """A value as boto3 reads it from the table, with its Decimals as the ints and floats they were."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {key: json_numbers(entry) for key, entry in value.items()}
        case list():
            return [json_numbers(entry) for entry in value]
        case _:
            return value


JsonObject = Annotated[dict[str, Any], BeforeValidator(json_numbers)]
Text = Annotated[str, Field(max_length=255)]
Tag = Annotated[str, Field(min_length=1, max_length=100)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


class ContactFields(BaseModel):
    """The fields a caller may write."""

    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    email: EmailStr | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    name: Text | None = None
    phone: Phone | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] = []
    lists: Annotated[list[Slug], Field(max_length=100)] = []
    custom_fields: JsonObject = {}
    metadata: JsonObject = {}
    is_active: bool = True
    is_unsubscribed: bool = False


class NewContact(ContactFields):
    """The body of a create."""

    model_config = ConfigDict(extra="forbid")


class Contact(ContactFields):
    """A stored contact."""

    id: str
    unsubscribed_at: datetime | None = None
    validation_status: str
    validation_reason: str | None = None
    version: int
    created_at: datetime
    updated_at: datetime
