"""Bodies of requests about imports."""

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from contacts.book.schemas import Lists, Tags
from contacts.core import violations
from contacts.core.errors import FieldError
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.imports.model import (
    MAX_COLUMNS,
    MAX_FILE_BYTES,
    Blanks,
    ImportEvents,
    ImportMode,
    ImportOptions,
)
from contacts.properties.model import OnInvalid
from contacts.web.bodies import COMPOSED, Body, JsonObject, clean

MAX_NAME: Final = 255
"""Characters."""
MAX_TARGET: Final = 300
"""Characters of the field that a column fills: `custom_fields.` and a key of 255."""
DELIMITERS: Final = (",", ";", "\t", "|")
_WIDE: Final = frozenset(
    {"utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"}
)
_NOT_OF_FILES: Final = frozenset({"charmap", "hz", "idna", "raw-unicode-escape", "utf-7"})
"""Python's codecs that no spreadsheet writes."""
_CODES: Final = """
AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER
ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE
IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV
LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP
NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK
SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA
VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_COUNTRIES: Final = frozenset(_CODES.split())
"""The regions of `phonenumbers`, which functions of the API do not have. With another one every phone would fail."""
_NO_NAME: Final = Violation(FieldErrorCode.INVALID_FORMAT, "must end with the name of a file")
_NO_ENCODING: Final = Violation(
    FieldErrorCode.NOT_ALLOWED, "must be the name of a text encoding, such as utf-8, cp1252 or utf-16"
)
_NO_COUNTRY: Final = Violation(
    FieldErrorCode.NOT_ALLOWED,
    "must be a country's code of two letters (ISO 3166), such as DE, or GB for the UK",
)
_NO_TARGET: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be the name of a field, or null")


def _last_part(name: str) -> str:
    """A file's name without the folders before it, which browsers and shells may send."""
    last = re.split(r"[/\\]", name)[-1].strip()
    if not last:
        raise InvalidValue(_NO_NAME)
    return last


def _encoding(name: str) -> str:
    """Python's name of an encoding in which line ends and delimiters can be found."""
    try:
        found = codecs.lookup(name).name
        # Codecs that are no encodings of text (`hex`) raise, too.
        is_known = found in _WIDE or ("\n,;".encode(found) == b"\n,;" and found not in _NOT_OF_FILES)
    except (LookupError, ValueError, AssertionError):
        is_known = False
    if not is_known:
        raise InvalidValue(_NO_ENCODING)
    return found


def _delimiter(text: str) -> str:
    if text not in DELIMITERS:
        raise InvalidValue(violations.not_one_of(("a comma", "a semicolon", "a tab", "|")))
    return text


def _country(code: str) -> str:
    country = code.upper()
    if country not in _COUNTRIES:
        raise InvalidValue(_NO_COUNTRY)
    return country


def _mapping_errors(given: object) -> list[FieldError]:
    """What is wrong with a mapping, whatever columns the file has."""
    if not given or not isinstance(given, dict):
        return []
    # Most imports have none.
    from contacts.imports.mapping.columns import mapping_errors

    if len(given) > MAX_COLUMNS:
        too_many = violations.more_values_than(MAX_COLUMNS, len(given), "read")
        return [FieldError("mapping", too_many)]
    wrong = [column for column, target in given.items() if not _may_be_target(target)]
    texts = {column: target for column, target in given.items() if column not in wrong}
    return [*(FieldError(f"mapping.{column}", _NO_TARGET) for column in wrong), *mapping_errors(texts)]


def _may_be_target(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= MAX_TARGET)


FileName = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(clean), AfterValidator(_last_part), COMPOSED
]
Encoding = Annotated[str, Field(max_length=50), AfterValidator(clean), AfterValidator(_encoding)]
Delimiter = Annotated[str, Field(json_schema_extra={"pattern": r"^[,;\t|]$"}), AfterValidator(_delimiter)]
Country = Annotated[
    str, Field(json_schema_extra={"pattern": "^[A-Za-z]{2}$", "examples": ["DE"]}), AfterValidator(_country)
]


class NewImport(Body):
    """A file to be imported."""

    most_values = MAX_COLUMNS

    file_name: FileName
    size: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)]
    """Bytes. The upload must have exactly so many."""
    mode: Annotated[ImportMode, Field(strict=False)] = ImportMode.UPSERT
    dry_run: bool = False
    mapping: JsonObject = Field(default_factory=dict)
    """By column: a field of contacts, `custom_fields.<name>`, `metadata.<name>`, or null. The rest is guessed."""
    restore_trashed: bool = False
    blanks: Annotated[Blanks, Field(strict=False)] = Blanks.KEEP
    add_tags: Tags = Field(default_factory=list)
    add_lists: Lists = Field(default_factory=list)
    events: Annotated[ImportEvents, Field(strict=False)] = ImportEvents.SUMMARY
    on_invalid: Annotated[OnInvalid, Field(strict=False)] = OnInvalid.REJECT
    default_country: Country | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """What is wrong with the mapping."""
        return _mapping_errors(given.get("mapping"))

    def options(self) -> ImportOptions:
        """What the caller chose."""
        return ImportOptions(
            mode=self.mode,
            dry_run=self.dry_run,
            restore_trashed=self.restore_trashed,
            blanks=self.blanks,
            add_tags=tuple(self.add_tags),
            add_lists=tuple(self.add_lists),
            events=self.events,
            skips_invalid=self.on_invalid is OnInvalid.SKIP,
            default_country=self.default_country,
            encoding=self.encoding,
            delimiter=self.delimiter,
        )


class ImportStart(Body):
    """What may still be said before an import starts."""

    is_required = False
    most_values = MAX_COLUMNS

    mapping: JsonObject = Field(default_factory=dict)
    """By column, as when the import was made; columns that are not named keep what they have."""

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """What is wrong with the mapping."""
        return _mapping_errors(given.get("mapping"))
