"""Bodies of requests about exports."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from contacts.book.model import distinct
from contacts.core.errors import MAX_ERRORS_SHOWN, FieldError
from contacts.core.violations import InvalidValue, not_one_of
from contacts.exports.filters import filter_errors, filter_texts
from contacts.exports.model import FIELDS, ExportFormat
from contacts.exports.service import CreateExport
from contacts.web.bodies import Body, JsonObject

_MAX_FIELDS: Final = 100
"""Names in a request, repetitions included."""


def _field(name: str) -> str:
    if name not in FIELDS:
        raise InvalidValue(not_one_of(FIELDS))
    return name


class NewExport(Body):
    """Contacts to be written to a file; without `filter` all, without `fields` with all their fields."""

    format: Annotated[ExportFormat, Field(strict=False)]
    gzip: bool = False
    filter: JsonObject | None = None
    fields: (
        Annotated[list[Annotated[str, AfterValidator(_field)]], Field(min_length=1, max_length=_MAX_FIELDS)]
        | None
    ) = None

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """What is wrong with the filter."""
        one = given.get("filter")
        return list(islice(filter_errors(one), MAX_ERRORS_SHOWN + 1)) if isinstance(one, dict) else []

    def to_command(self) -> CreateExport:
        """The command for `ExportService.add`."""
        chosen: dict[str, Any] = self.filter or {}
        fields = () if self.fields is None else tuple(one for one in FIELDS if one in distinct(self.fields))
        return CreateExport(
            format=self.format, is_gzipped=self.gzip, filter=filter_texts(chosen), fields=fields
        )
