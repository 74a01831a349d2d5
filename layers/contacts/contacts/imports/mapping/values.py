"""Rows of a file as bodies of contacts: what each cell says.

A body is what `POST /v1/contacts` takes, and is validated as such afterwards. It never has `is_unsubscribed: false`:
a row may opt out, and that it says "subscribed" is told beside the body.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from contacts.book.model import MAPS, SLUG, distinct
from contacts.core import violations
from contacts.core.ids import is_e164
from contacts.core.json import Number, exact_number, is_storable
from contacts.core.separated import separated
from contacts.core.spreadsheets import unescaped
from contacts.core.text import composed
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.imports.mapping.columns import (
    CONSENT,
    MAX_KEY,
    NAMES,
    UNPACKED,
    CellType,
    Target,
    custom_name,
    free_name,
    key_of,
    late_target,
    target_of,
)
from contacts.imports.mapping.words import (
    MEANS_NO,
    MEANS_NOT_SUBSCRIBED,
    MEANS_SUBSCRIBED,
    MEANS_YES,
    NAMES_SUBSCRIPTION,
)
from contacts.imports.model import Blanks, ImportOptions, Row, RowError
from contacts.properties.model import PropertyType, ValueRule, is_property_name, objection

_LISTS: Final = frozenset({"lists", "add_lists"})
_SEQUENCES: Final = frozenset({"tags", "add_tags", *_LISTS})


if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


class ReadRow(NamedTuple):
    """What a row says."""

    body: Mapping[str, Any]
    """A contact as `POST /v1/contacts` takes it; what no cell says is left out. Never `is_unsubscribed: false`."""
    says_subscribed: bool = False
    """Whether the row asks for a subscription (and nothing in it for the opposite, nor is unclear)."""
    errors: tuple[RowError, ...] = ()
    """What could not be read; it is not in the body."""
    is_refused: bool = False
    """Whether the row must fail, even where invalid fields are skipped: it could not be read, or it is not clear
    whether its person has opted out."""
    is_blank: bool = False
    """Whether it says nothing at all, as the last rows of many spreadsheets."""


def typed_names(mapping: Mapping[str, str | None]) -> list[str]:
    """The custom fields whose cells are read by the rule of the account's property, if there is one."""
    found = (target_of(text) for text in mapping.values() if text is not None)
    return [
        target.key
        for target in found
        if target is not None
        and target.field == "custom_fields"
        and target.key is not None
        and target.type is None
        and is_property_name(target.key)
    ]


class RowReader:
    """Reads the rows of a file whose columns are mapped.

    `mapping`: complete, with valid targets. `rules`: of the account's properties, at least of `typed_names(mapping)`.
    """

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapping[str, str | None],
        options: ImportOptions,
        rules: Mapping[str, ValueRule],
    ) -> None:
        self._columns = tuple(columns)
        self._mapping = mapping
        self._options = options
        self._rules = rules
        targets = {column: target_of(text) for column, text in mapping.items() if text is not None}
        self._targets: dict[str, Target | None] = {column: targets.get(column) for column in mapping}
        self._of_cells = [
            (number, column, target)
            for number, column in enumerate(self._columns)
            if (target := self._targets.get(column)) is not None
        ]
        self._paths = frozenset(target.path for target in targets.values() if target is not None)
        self._of_members: dict[str, Target | None] = dict(self._targets)
        self._inside: dict[str, Target | None] = {}

    def read(self, row: Row) -> ReadRow:
        """What a row says. It raises nothing, whatever is in the row."""
        if row.error is not None:
            return ReadRow({}, errors=(row.error,), is_refused=True)
        draft = _Draft(self._options)
        if isinstance(row.cells, Mapping):
            self._read_members(draft, row.cells, self._target_of_member)
        else:
            for number, column, target in self._of_cells:
                if number < len(row.cells):
                    self._read_cell(draft, column, target, row.cells[number])
        return draft.finished()

    def _target_of_member(self, member: str) -> Target | None:
        if member not in self._of_members:
            self._of_members[member] = late_target(member, self._paths)
        return self._of_members[member]

    # Cells

    def _read_cell(self, draft: "_Draft", column: str, target: Target, cell: str) -> None:
        text = unescaped(cell)
        if target.type is not CellType.TEXT:
            text = _trimmed(text)
            if column != self._mapping[column]:
                # Shopify and others put a ' before digits, too, so that spreadsheets take them for a text.
                text = _QUOTE_BEFORE_DIGIT.sub("", text)
        if not text:
            draft.leave_blank(target)
            return
        with draft.noting(target):
            self._put_text(draft, column, target, text)

    def _put_text(self, draft: "_Draft", column: str, target: Target, text: str) -> None:
        field = target.field
        if field in CONSENT:
            draft.hear(_consent(field, text))
        elif field in _SEQUENCES:
            texts = separated(text)
            if texts:
                draft.add(field, map(_slug, texts) if field in _LISTS else texts)
            else:
                draft.leave_blank(target)
        elif target.key is not None:
            draft.put_entry(field, target.key, self._typed(target, text))
        elif field in (*MAPS, UNPACKED):
            value = _json_or_none(text)
            if isinstance(value, dict | list):
                self._put_object(draft, column, target, value)
            else:
                self._put_beside(draft, column, target, text)
        else:
            draft.put(field, self._scalar(field, column, text))

    def _scalar(self, field: str, column: str, text: str) -> object:
        match field:
            case "email":
                return _email(text)
            case "external_id":
                return _external_id(text, may_be_zero=column == field)
            case "phone":
                return _phone(text, self._options.default_country)
            case "is_active":
                return _boolean(text)
            case _:
                return text

    def _typed(self, target: Target, text: str) -> object:
        key = target.key or ""
        if target.type is not None:
            return _BY_TYPE[target.type](text)
        rule = self._rules.get(key) if target.field == "custom_fields" else None
        return text if rule is None or rule.is_archived else by_rule(text, rule)

    def _put_beside(self, draft: "_Draft", column: str, target: Target, value: object) -> None:
        """Put what is no object, though its column's name says so, into a custom field of the column's name.

        Raises:
            InvalidValue: the column has the name of a field that is an object.
        """
        if key_of(column) == key_of(target.field):
            raise InvalidValue(violations.NOT_OBJECT)
        name, _ = custom_name(column)
        draft.put_entry("custom_fields", free_name(name, ())[0], value, is_late=True)

    # Objects

    def _read_members(
        self, draft: "_Draft", members: Mapping[str, Any], target_of_member: Callable[[str], Target | None]
    ) -> None:
        for member, value in members.items():
            target = target_of_member(member)
            if target is not None:
                with draft.noting(target):
                    self._put_json(draft, member, target, value)

    def _put_json(self, draft: "_Draft", column: str, target: Target, value: Any) -> None:
        field = target.field
        if field == UNPACKED or (field in MAPS and target.key is None):
            self._put_object(draft, column, target, value)
        elif value is None:
            draft.leave_blank(target)
        elif target.key is not None:
            draft.put_entry(
                field, target.key, self._typed_json(target, value), is_late=column not in self._targets
            )
        elif field in CONSENT:
            said = _text_of(value, yes="true", no="false")
            draft.hear(_consent(field, "?" if said is None else said))
        elif field in _SEQUENCES:
            self._put_entries(draft, column, target, value)
        elif field in (*NAMES, "phone") and (given := _text_of(value)) is not None:
            text = _trimmed(given)
            if text:
                self._put_text(draft, column, target, text)
            else:
                draft.leave_blank(target)
        elif field == "is_active" and isinstance(value, str):
            draft.put(field, _boolean(_trimmed(value)))
        else:
            draft.put(field, value)

    def _typed_json(self, target: Target, value: Any) -> object:
        """A value as it is, but for a text whose column has a type."""
        if target.type in (None, CellType.TEXT) or not isinstance(value, str):
            return value
        return self._typed(target, _trimmed(value))

    def _put_entries(self, draft: "_Draft", column: str, target: Target, value: Any) -> None:
        if isinstance(value, str):
            if _trimmed(value):
                self._put_text(draft, column, target, _trimmed(value))
            else:
                draft.leave_blank(target)
            return
        if not isinstance(value, list):
            draft.put(target.field, value)
            return
        # Smart Sender and others show a tag as an object with its name.
        entries = [one["name"] if isinstance(one, dict) and "name" in one else one for one in value]
        is_list = target.field in _LISTS
        draft.add(target.field, (_slug(one) if is_list and isinstance(one, str) else one for one in entries))

    def _put_object(self, draft: "_Draft", column: str, target: Target, value: Any) -> None:
        if isinstance(value, str) and isinstance(parsed := _json_or_none(_trimmed(value)), dict | list):
            value = parsed
        entries = _entries_of(value)
        if entries is None:
            if value is not None and value != "":
                self._put_beside(draft, column, target, value)
        elif target.field == UNPACKED:
            self._read_members(draft, entries, self._target_inside)
        else:
            for key, entry in entries.items():
                if entry is not None:
                    draft.put_entry(target.field, composed(key), entry)
                elif self._options.blanks is Blanks.CLEAR:
                    draft.put_entry(target.field, composed(key), None)

    def _target_inside(self, member: str) -> Target | None:
        """Where a member of an unpacked object goes: names that are no field keep their spelling."""
        if member not in self._inside:
            target = late_target(member, self._paths)
            if target is not None and target.field == UNPACKED:
                target = Target("custom_fields")
            elif target is not None and target.field == "custom_fields":
                target = Target("custom_fields", free_name(composed(member)[:MAX_KEY], ())[0] or "column")
            self._inside[member] = target
        return self._inside[member]


class _Draft:
    """The body of a row while its cells are read."""

    def __init__(self, options: ImportOptions) -> None:
        self._options = options
        self._body: dict[str, Any] = {}
        self._errors: list[RowError] = []
        self._heard: set[bool] = set()
        """Whether somebody is subscribed, as columns say it."""
        self._is_refused = False
        self._numbers: dict[str, int] = {}
        """By custom field, the last number that stands behind its name."""

    def noting(self, target: Target) -> "_Noting":
        """Notes what cannot be read as an error of the row."""
        return _Noting(self, target)

    def refuse(self, target: Target, reason: str) -> None:
        """Note that a cell cannot be read."""
        self._errors.append(RowError(target.path, reason))
        self._is_refused = self._is_refused or target.field in CONSENT

    def put(self, field: str, value: object) -> None:
        """Set a field. Where two columns say it, the first counts."""
        if self._body.get(field) is None:
            self._body[field] = value

    def add(self, field: str, texts: Iterable[object]) -> None:
        """Add tags or lists to those of other columns."""
        before = self._body.get(field)
        both = [*(before if isinstance(before, list) else ()), *texts]
        # What is no text is refused later, by its name.
        self._body[field] = list(distinct(both)) if all(isinstance(one, str) for one in both) else both

    def put_entry(self, field: str, key: str, value: object, *, is_late: bool = False) -> None:
        """Set an entry of a map. `is_late`: it is under another name where there is one of the same name."""
        entries = self._body.setdefault(field, {})
        name = key
        if is_late and key in entries:
            # Each search begins where the last one ended: a row may have a hundred thousand names of one kind.
            name, self._numbers[key] = free_name(key, entries, self._numbers.get(key, 1))
        entries[name] = value

    def leave_blank(self, target: Target) -> None:
        """A cell is blank: it says nothing, or that the field is to be cleared.

        A name (email, external id) is never cleared by a blank cell: by it the contact was found, or would be. Nor is a
        map as a whole, nor what only says yes or no.
        """
        if self._options.blanks is not Blanks.CLEAR:
            return
        if target.field in MAPS and target.key is not None:
            self._body.setdefault(target.field, {}).setdefault(target.key, None)
        elif target.field in ("first_name", "last_name", "name", "phone", "tags", "lists"):
            self._body.setdefault(target.field, None)

    def hear(self, is_subscribed: bool | None) -> None:
        """Keep what a column says about the subscription; None: nothing."""
        if is_subscribed is not None:
            self._heard.add(is_subscribed)

    def finished(self) -> ReadRow:
        """What the row says."""
        body = self._body
        has_said = bool(self._heard or self._errors) or any(_says(value) for value in body.values())
        if not has_said:
            return ReadRow({}, is_blank=True)
        if False in self._heard:
            body["is_unsubscribed"] = True
        for field, texts in (("add_tags", self._options.add_tags), ("add_lists", self._options.add_lists)):
            if texts:
                self.add(field, texts)
        says_subscribed = self._heard == {True} and not self._is_refused
        return ReadRow(body, says_subscribed, tuple(self._errors), self._is_refused)


class _Noting:
    """A context in which what cannot be read becomes an error of the row."""

    def __init__(self, draft: _Draft, target: Target) -> None:
        self._draft = draft
        self._target = target

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if not isinstance(error, InvalidValue):
            return False
        self._draft.refuse(self._target, str(error))
        return True


def _says(value: object) -> bool:
    """Whether a field of a body says more than that it is to be cleared."""
    if isinstance(value, dict):
        return any(entry is not None for entry in value.values())
    return value is not None


_QUOTE_BEFORE_DIGIT: Final = re.compile(r"^'(?=[0-9])")
_NOT_TRIMMED_BY_PYTHON: Final = "\ufeff\u200b\u200e\u200f\u2060"
"""Marks that nobody sees: of byte order and direction, and those that join words."""


def _trimmed(text: str) -> str:
    return text.strip().strip(_NOT_TRIMMED_BY_PYTHON).strip()


def _text_of(value: object, yes: str | None = None, no: str | None = None) -> str | None:
    """A text, or a number as a cell would have it: 99999, not 99999.0. None: it is something else.

    `yes`, `no`: what true and false are.
    """
    if isinstance(value, bool):
        return yes if value else no
    if isinstance(value, int | float | Decimal) and is_storable(value):
        return str(int(value)) if value == int(value) else str(value)
    return value if isinstance(value, str) else None


def _entries_of(value: object) -> Mapping[str, Any] | None:
    """The entries of an object, also of one that is written as an array of names and values; None: it is neither."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in value
    ):
        return {one["name"]: one.get("value") for one in value}
    return None


def _error(message: str) -> InvalidValue:
    return InvalidValue(Violation(FieldErrorCode.INVALID_FORMAT, message))


# Names and numbers

_IN_ANGLES: Final = re.compile(r"[^<>]*<([^<>\s]+)>")
_GOOGLES: Final = " ::: "
"""Google Contacts writes it between several addresses or numbers in one cell; the first is the main one."""


def _email(text: str) -> str:
    text = _trimmed(text.partition(_GOOGLES)[0])
    found = _IN_ANGLES.fullmatch(text)
    text = text if found is None else found[1]
    return text[7:] if text[:7].lower() == "mailto:" else text


def _external_id(text: str, *, may_be_zero: bool) -> str:
    """The text, unless it stands for no id: by that, all rows that have it would be one person.

    `may_be_zero`: whether somebody may have the id 0; shops write it for guests.
    """
    if text.lower() in _NO_ID or (text in ("0", "0.0") and not may_be_zero):
        raise _error("stands for no id, and would make one person of all who have it: leave the cell empty")
    return text


def _phone(text: str, country: str | None) -> str:
    """A phone number as E.164."""
    text = _trimmed(text.partition(_GOOGLES)[0]).removeprefix("'")
    if is_e164(text):
        return text
    if text.startswith("00"):
        text = f"+{text[2:]}"
    if not text.startswith(("+", "tel:+")) and country is None:
        raise _error("has no country code: write +49 … or the like, or set default_country")
    # No other function has it in its package, and few rows need it.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
        if not text.startswith(("+", "tel:+")):
            number = _national(text, number, country)
    except phonenumbers.NumberParseException:
        raise _error("is not a phone number") from None
    if number.extension:
        raise _error("has an extension, which no phone number in E.164 has")
    if not phonenumbers.is_possible_number(number):
        raise _error("is not a phone number: it is too short or too long for its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _national(text: str, number: "PhoneNumber", country: str | None) -> "PhoneNumber":
    """The number in a text without a plus, which `number` is within the default country.

    Spreadsheets take the plus away: 4915112345678 is a mobile number of Germany, and to the letter one within it, too.
    """
    import phonenumbers

    readings = [number] if phonenumbers.is_valid_number(number) else []
    if text.lstrip("(").startswith(str(number.country_code)):
        with_plus = phonenumbers.parse(f"+{text}")
        if with_plus.country_code == number.country_code and phonenumbers.is_valid_number(with_plus):
            if phonenumbers.number_type(with_plus) == phonenumbers.PhoneNumberType.MOBILE:
                return with_plus
            readings.append(with_plus)
    if not readings:
        raise _error(f"is not a phone number of {country}; write another country's with + and its code")
    if any(one.national_number != readings[0].national_number for one in readings):
        raise _error("may be two phone numbers: write it with + and the country's code")
    return readings[0]


_IS_SLUG: Final = re.compile(SLUG)


def _slug(text: str) -> str:
    """The name of a list: a slug as it is, another text in lower case, with `-` for what no slug may have."""
    if _IS_SLUG.fullmatch(text):
        return text
    from unicodedata import combining, normalize

    plain = "".join(one for one in normalize("NFKD", text[:255].casefold()) if not combining(one))
    made = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")
    if not _IS_SLUG.fullmatch(made):
        raise InvalidValue(violations.NOT_SLUG)
    return made


# Yes and no

_STATUS_NUMBERS: Final = {"1": True, "0": False, "2": False, "3": False, "4": False}
"""As ActiveCampaign and Mailtrain count: 1 subscribed, 2 unsubscribed, 3 bounced; 0 unconfirmed at the one, 4
complained at the other."""
_NOTHING: Final = frozenset({"null", "\\n", "n/a", "#n/a", "nan", "-", "--", "[]", "{}"})
"""What databases and spreadsheets write in the place of nothing."""
_NEVER: Final = frozenset({"never", "none", "nil"})
_NO_ID: Final = _NOTHING | {"none", "nil", "undefined", "(null)", "<null>"}
"""In the place of an external id."""
_TIME: Final = (
    r"(?:[T\s,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s*[AaPp]\.?[Mm]\.?)?)?"
    r"(?:\s*(?:Z|UTC|GMT|[+\-]\d{2}(?::?\d{2})?))*"
)
"""With its zone; of a day there may be none."""
_NO_MOMENT: Final = re.compile(rf"(?:0000-00-00|0001-01-01){_TIME}")
"""MySQL and .NET write it where there is no moment."""
_DATE_DIGITS: Final = r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})"
_BEGINS_AS_MOMENT: Final = re.compile(_DATE_DIGITS)
_IS_MOMENT: Final = re.compile(_DATE_DIGITS + _TIME)
_IS_PLAIN: Final = re.compile(r"(?!-)[\w\s\-\u2010\u2011.,/'\"()✓✔☑✅]+")
"""Other signs may turn a word's meaning round: `❌ subscribed`, `!active`, `subscribed?`."""


def _yes_or_no(text: str) -> bool | None:
    text = text.removesuffix(".0")
    return True if text in MEANS_YES else False if text in MEANS_NO else None


def _boolean(text: str) -> bool:
    found = _yes_or_no(text)
    if found is None:
        raise _error("must be true or false (or yes or no, 1 or 0)")
    return found


def _consent(field: str, text: str) -> bool | None:
    """Whether somebody is subscribed, as a column says it that is one of `CONSENT`; None: it says nothing.

    Who has not agreed (yet) is not subscribed: nobody may write to them.
    """
    text = _trimmed(text)
    if not text or text.lower() in _NOTHING or _NO_MOMENT.fullmatch(text):
        return None
    is_plain = _IS_PLAIN.fullmatch(composed(text)) is not None
    if field == "unsubscribed_at":
        says_no = text.lower() in _NEVER or text in MEANS_NO
        return None if says_no and is_plain else False
    if field == "is_subscribed" and _IS_MOMENT.fullmatch(text):
        return True  # Some write since when instead of yes.
    found = _SUBSCRIBED_BY[field](text)
    if found is None or (found and not is_plain):
        raise _error("does not say whether the person is subscribed: write subscribed or unsubscribed")
    return found


def _by_is_subscribed(text: str) -> bool | None:
    found = _yes_or_no(text)
    return _by_word(text) if found is None else found


def _by_is_unsubscribed(text: str) -> bool | None:
    """Only no, or a word that names the subscription itself, denies an opt-out: `confirmed` may confirm it."""
    if _BEGINS_AS_MOMENT.match(text):
        return False
    found = _yes_or_no(text)
    if found is not None:
        return not found
    return True if text in NAMES_SUBSCRIPTION else False if text in MEANS_NOT_SUBSCRIBED else None


def _by_status(text: str) -> bool | None:
    if text in _STATUS_NUMBERS:
        return _STATUS_NUMBERS[text]
    found = _by_word(text)
    return _yes_or_no(text) if found is None else found


def _by_word(text: str) -> bool | None:
    if text in MEANS_NOT_SUBSCRIBED:
        return False
    return True if text in MEANS_SUBSCRIBED else None


_SUBSCRIBED_BY: Final[Mapping[str, Callable[[str], bool | None]]] = {
    "is_subscribed": _by_is_subscribed,
    "is_unsubscribed": _by_is_unsubscribed,
    "status": _by_status,
}


# Values of custom fields

_PLAIN_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_GROUPED: Final = re.compile(r"([+-]?)(\d{1,3}(?:([ .,'])\d{3})(?:\3\d{3})*|\d+)(?:([.,])(\d+))?", re.ASCII)
_SPACES: Final = re.compile(r"[\u00a0\u2007\u2009\u202f]")
_HOW_TO_WRITE_NUMBERS: Final = "must be a number such as 1234.5"


def _number(text: str) -> Number:
    """A number with a decimal point or comma, and with spaces, points, commas or apostrophes between thousands.

    `1,234` may be two numbers and is none. `1.234` is what JSON says.
    """
    text = _SPACES.sub(" ", text).replace("\u2212", "-").replace("’", "'")
    if _PLAIN_NUMBER.fullmatch(text):
        return exact_number(_as_json(text))
    found = _GROUPED.fullmatch(text)
    if found is None:
        raise _error(_HOW_TO_WRITE_NUMBERS)
    sign, whole, group, point, decimals = found.groups()
    if group == point and group is not None:
        raise _error(_HOW_TO_WRITE_NUMBERS)
    if group == "," and point is None and whole.count(",") == 1 and not whole.startswith("0"):
        raise _error("may be two numbers: write 1234 or 1.234, without a comma")
    if group == "," and point is None and whole.startswith("0"):
        whole, decimals = whole.split(",", 1)
    digits = re.sub(r"\D", "", whole)
    return exact_number(_as_json(f"{sign}{digits}.{decimals or 0}"))


def _as_json(number: str) -> str:
    """A number as JSON writes it: no plus, no zeros before it, a digit on both sides of the point."""
    mantissa, _, exponent = number.lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, decimals = mantissa.lstrip("+-").partition(".")
    text = f"{sign}{whole.lstrip('0') or '0'}"
    if decimals.strip("0"):
        text += f".{decimals.rstrip('0')}"
    return f"{text}e{exponent}" if exponent else text


_LONGEST_MOMENT: Final = 64
"""Characters."""
_DAY: Final = re.compile(r"(\d{4})([-./])(\d{1,2})\2(\d{1,2})|(\d{1,2})([-./])(\d{1,2})\6(\d{4})", re.ASCII)
_MIDNIGHT: Final = re.compile(r"[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?")


def _day(text: str) -> str:
    """A day: `2026-01-15`, `15.01.2026`, `15/01/2026`. What may be two days is none."""
    found = _DAY.match(text)
    if found is None or not (found.end() == len(text) or _MIDNIGHT.fullmatch(text, found.end())):
        raise _error("must be a day such as 2026-01-15")
    year, _, month, day, first, sign, second, last_year = found.groups()
    if year is not None:
        return _iso_day(year, month, day)
    if sign == "." or int(first) > 12 or first.zfill(2) == second.zfill(2):
        return _iso_day(last_year, second, first)
    if int(second) > 12:
        return _iso_day(last_year, first, second)
    one, other = _iso_day(last_year, second, first), _iso_day(last_year, first, second)
    raise _error(f"may be two days: write {one} or {other}")


def _iso_day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise _error("must be a day that exists, such as 2026-01-15") from None


def _moment(text: str) -> str:
    """A moment with its time zone: `2026-01-15T10:30:00Z`, also with a space for the `T` and `UTC` for the `Z`."""
    # Searches for white space before an end take a time that grows with the square of a text's length.
    iso = re.sub(r"\s*(UTC|GMT)$", "Z", text) if len(text) <= _LONGEST_MOMENT else ""
    if iso[10:11] == " ":
        iso = f"{iso[:10]}T{iso[11:]}"
    iso = re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", iso)
    try:
        has_zone = datetime.fromisoformat(iso).tzinfo is not None
    except ValueError:
        raise _error("must be a moment with its time zone, such as 2026-01-15T10:30:00Z") from None
    if not has_zone:
        raise _error("has no time zone: write 2026-01-15T10:30:00Z or 2026-01-15T10:30:00+02:00")
    return iso


def _option(text: str, options: Sequence[str]) -> str:
    """The option that a text is, in any case if only one is meant; or else the text, which the rule refuses."""
    wanted = composed(text)
    if wanted in map(composed, options):
        return text
    alike = [option for option in options if composed(option).casefold() == wanted.casefold()]
    return alike[0] if len(alike) == 1 else text


def _json_or_none(text: str) -> object:
    """The value of a JSON text; None: it is none, or says something twice, or it is `null`."""
    # Few files have such cells.
    from contacts.imports.reading.json_rows import parsed_json

    try:
        return parsed_json(text)
    except (ValueError, RecursionError):
        return None


def _json(text: str) -> object:
    value = _json_or_none(text)
    if value is None and text != "null":
        raise _error("must be JSON")
    return value


def _array(text: str) -> object:
    value = _json_or_none(text) if text.startswith("[") else None
    return value if isinstance(value, list) else separated(text)


def by_rule(text: str, rule: ValueRule) -> object:
    """The value that a cell has in a column of a property.

    Raises:
        InvalidValue: it has none.
    """
    match rule.type:
        case PropertyType.NUMBER:
            return _number(text)
        case PropertyType.BOOLEAN:
            return _boolean(text)
        case PropertyType.DATE:
            value: object = _day(text)
        case PropertyType.DATETIME:
            value = _moment(text)
        case PropertyType.ENUM:
            value = _option(text, rule.options)
        case PropertyType.ARRAY:
            value = _array(text)
        case PropertyType.OBJECT:
            value = _json(text)
        case PropertyType.STRING:
            value = text
    wrong = objection(value, rule)
    if wrong is not None:
        raise InvalidValue(wrong)
    return value


_BY_TYPE: Final[Mapping[CellType, Callable[[str], object]]] = {
    CellType.TEXT: lambda text: text,
    CellType.NUMBER: _number,
    CellType.BOOLEAN: _boolean,
    CellType.JSON: _json,
}
