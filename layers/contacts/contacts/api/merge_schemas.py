"""The body of a merge."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contacts.api.bodies import Body, clean
from contacts.domain.identity import Ref, named


class MergeSource(Body):
    """Which contact is to be merged into the one of the path; `by` says how `from` is to be read."""

    from_: Annotated[str, Field(min_length=1, alias="from"), AfterValidator(clean)]
    by: Literal["id", "email", "external_id"] | None = None

    @property
    def ref(self) -> Ref:
        """How the body names the contact."""
        return named(self.from_, self.by)
