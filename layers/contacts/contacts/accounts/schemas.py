"""Bodies of requests about accounts and their keys."""

from typing import Annotated

from pydantic import AfterValidator, Field

from contacts.accounts.model import LARGEST_LIMIT, LEAST_WRITTEN_LIMIT, Dialect, Mode, Plan, Scope
from contacts.accounts.service import CreateApiKey
from contacts.web.bodies import COMPOSED, Body, clean

GivenScope = Annotated[Scope, Field(strict=False)]


class NewApiKey(Body):
    """An API key to be made. Without scopes it gets those of the key that makes it."""

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(clean), COMPOSED]
    scopes: Annotated[list[GivenScope], Field(min_length=1, max_length=len(Scope))] | None = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.LIVE
    dialect: Annotated[Dialect, Field(strict=False)] = Dialect.NATIVE

    def to_command(self) -> CreateApiKey:
        """The command for `ApiKeyService.add`."""
        return CreateApiKey(name=self.name, scopes=self.scopes, mode=self.mode, dialect=self.dialect)


class NewAccount(Body):
    """An account to be opened. Only an enterprise account has limits of its own.

    With another vendor's dialect its `key` speaks that, and a `native_key` does what the vendor has no words for.
    """

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(clean), COMPOSED]
    plan: Annotated[Plan, Field(strict=False)]
    hourly_limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT)] | None = None
    hourly_written_limit: Annotated[int, Field(ge=LEAST_WRITTEN_LIMIT, le=LARGEST_LIMIT)] | None = None
    dialect: Annotated[Dialect, Field(strict=False)] = Dialect.NATIVE
