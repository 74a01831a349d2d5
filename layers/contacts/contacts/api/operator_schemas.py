"""Payloads of functions that operators invoke by name."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from contacts.api.bodies import Body, clean
from contacts.domain.identity import is_uuid


def _account_id(text: str) -> str:
    if not is_uuid(text):
        raise PydanticCustomError("account_id", "must be the id of an account")
    return text.lower()


class Reindexing(Body):
    """A payload of `reindex_account`."""

    account_id: Annotated[str, AfterValidator(_account_id)]
    dry_run: bool = False
    resume: Annotated[str, Field(max_length=255), AfterValidator(clean)] | None = None
