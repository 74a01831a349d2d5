"""Which field of a contact each column of a file is: guessed by the names of columns, or as the caller says.

A target is the text that the mapping of an import has for a column. It is a field of contacts, one entry of
`custom_fields` or `metadata` (`custom_fields.age`, and with the type of its cells `custom_fields.age:number`), or `*`.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple
from unicodedata import combining, normalize

from contacts.book.model import MAPS
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.text import composed
from contacts.core.violations import FieldErrorCode, Violation, text_violation
from contacts.imports.mapping.column_names import ENGLISH, OTHER_LANGUAGES, SECOND_CHOICE
from contacts.imports.model import ERROR_COLUMNS, ERROR_TEXT
from contacts.properties.model import CORE_FIELDS

MAX_MAPPING_BYTES: Final = 250_000
"""Of columns and targets together. The item of an import has 400 KB, and the columns once more (`planning`)."""
MAX_KEY: Final = 255
"""Characters of a key of `custom_fields` or `metadata`."""

NAMES: Final = ("email", "external_id")
"""Fields by which a row finds its contact."""
UNPACKED: Final = "*"
"""An object whose members are read as if they were columns of their own."""
CONSENT: Final = ("is_unsubscribed", "is_subscribed", "status", "unsubscribed_at")
"""Targets that say whether somebody has opted out; of `unsubscribed_at`, any moment says it."""
SEVERAL: Final = frozenset({"tags", "lists", "add_tags", "add_lists", UNPACKED, *CONSENT})
"""Targets of which a file may have several columns. Their texts add up; one that says opted out wins."""
FIELDS: Final = (
    *(
        "email",
        "external_id",
        "first_name",
        "last_name",
        "name",
        "phone",
        "tags",
        "lists",
        "add_tags",
        "add_lists",
    ),
    *("is_active", *CONSENT, *MAPS, UNPACKED),
)
"""The targets that are no entry of a map."""


class CellType(StrEnum):
    """How the cells of a column are read, as the column's header or the mapping says."""

    TEXT = "text"
    """As they are, white space included."""
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"


class Target(NamedTuple):
    """Where the cells of a column go."""

    field: str
    """One of `FIELDS`."""
    key: str | None = None
    """Of a map: the entry; None: the cells are whole objects."""
    type: CellType | None = None
    """None: the cells are read by the rule of the account's property, and are texts without one."""

    @property
    def path(self) -> str:
        """The field as errors name it: `custom_fields.age`."""
        return self.field if self.key is None else f"{self.field}.{self.key}"

    def __str__(self) -> str:
        return self.path if self.type is None else f"{self.path}:{self.type}"


def target_of(text: str) -> Target | None:
    """The target that a text names; None: it names none."""
    if text in FIELDS:
        return Target(text)
    field, dot, rest = text.partition(".")
    if field not in MAPS or not dot:
        return None
    key, kind = _typed(rest)
    if not 0 < len(key) <= MAX_KEY or text_violation(key) is not None:
        return None
    return Target(field, composed(key), kind)


def _typed(name: str) -> tuple[str, CellType | None]:
    """A name and the type behind its last colon."""
    before, colon, kind = name.rpartition(":")
    return (before, CellType(kind)) if colon and kind in CellType.__members__.values() else (name, None)


_READ_ONLY: Final = (
    *("id", "uuid", "version", "created_at", "updated_at", "validation_status", "validation_reason"),
    *("gates", "merged_names", "skipped", "test_mode", "workspaceId"),
)
"""What exports and answers have besides: no file changes it."""
_LETTERS: Final = str.maketrans("ıłøđ", "ilod")
"""Letters that are no letter with an accent, to Unicode."""


def key_of(name: str) -> str:
    """What counts of a name when names are compared: not the case, nor accents, nor what is no letter or digit."""
    form = normalize("NFKD", name[:MAX_KEY].casefold()).translate(_LETTERS)
    return "".join(one for one in form if one.isalnum() and not combining(one))


class _Guess(NamedTuple):
    target: str | None
    """None: the column is ignored."""
    choice: int
    """0: the field's own name; 1: a usual name for it; 2: one for want of a better."""


@cache
def _guesses() -> Mapping[str, _Guess]:
    """What a column is, by the key of its name."""
    found = {key_of(name): _Guess(name, 0) for name in FIELDS if name != UNPACKED}
    found |= {key_of(name): _Guess(None, 0) for name in (*_READ_ONLY, *ERROR_COLUMNS)}
    found[key_of(ERROR_TEXT)] = _Guess(UNPACKED, 0)
    for names in (ENGLISH, *OTHER_LANGUAGES):
        for target, text in names.items():
            for name in text.split(","):
                found.setdefault(key_of(name), _Guess(target, 1))
    for target, text in SECOND_CHOICE.items():
        for name in text.split(","):
            found.setdefault(key_of(name), _Guess(target, 2))
    return found


def _guess(column: str, properties: Mapping[str, str]) -> _Guess | None:
    named = target_of(column.strip())
    if named is not None and named.key is not None:
        return _Guess(str(named), 0)
    key = key_of(column)
    found = _guesses().get(key)
    if found is None and key in properties:
        return _Guess(f"custom_fields.{properties[key]}", 0)
    return found


def custom_name(column: str) -> tuple[str, CellType | None]:
    """The custom field that a column becomes, and the type in its name: `Shoe size:number` becomes `shoe_size`."""
    name, kind = _typed(column.strip())
    text = "".join(one if one.isalnum() else "_" for one in composed(name).lower()[:MAX_KEY])
    return "_".join(part for part in text.split("_") if part) or "column", kind


def free_name(name: str, taken: Collection[str], number: int = 1) -> tuple[str, int]:
    """The name, with a number behind it where it is taken or means a field of every contact; and the number.

    `number`: the last one that was tried; 1: none.
    """
    free = name if number == 1 else f"{name[: MAX_KEY - 8]}_{number}"
    while free in taken or free in CORE_FIELDS:
        number += 1
        free = f"{name[: MAX_KEY - 8]}_{number}"
    return free, number


def late_target(member: str, taken: Collection[str]) -> Target | None:
    """Where a member of an object goes that is none of the file's columns; None: it is ignored.

    It is a field that no column is, or else a custom field. `taken`: the paths of the columns' targets.
    """
    guess = _guess(member, {})
    if guess is not None and guess.target is None:
        return None
    target = None if guess is None else target_of(guess.target or "")
    if target is not None and (target.field in SEVERAL or target.path not in taken):
        return target
    name, kind = custom_name(member)
    return Target("custom_fields", free_name(name, ())[0], kind)


def guessed_mapping(columns: Iterable[str], properties: Iterable[str] = ()) -> dict[str, str | None]:
    """What each column is, by its name: a field of contacts, None (it is ignored), or else a custom field.

    Case, accents, spaces and signs do not count. Of two columns that would be one field, the first is it, and the other
    becomes a custom field of its own name. `properties`: names of the account's properties, whose spelling counts.
    """
    return _completed(tuple(columns), {}, properties)


def complete_mapping(
    columns: Iterable[str],
    given: Mapping[str, str | None],
    properties: Iterable[str] = (),
    *,
    may_have_more: bool = False,
) -> dict[str, str | None]:
    """What each column is, as the caller says it; what the caller leaves out is guessed.

    `given`: also with a column's name in another spelling of Unicode, or with other white space, than the file's.
    `may_have_more`: rows are objects, and members that the first ones lack may be mapped, too.

    Raises:
        InvalidInput: names each column that is wrong as `mapping.<column>`: the file has no such column, the target is
            no field, or another column has the same one. As `mapping`: it is too long.
    """
    columns = tuple(columns)
    given = as_in_file(columns, given)
    errors = [*mapping_errors(given)]
    if not may_have_more:
        errors += [
            FieldError(f"mapping.{column}", Violation(FieldErrorCode.NOT_FOUND, "is no column of the file"))
            for column in given
            if column not in columns
        ]
    if errors:
        raise InvalidInput(errors)
    complete = _completed(columns, given, properties)
    if _size(complete) > MAX_MAPPING_BYTES:
        raise InvalidInput([FieldError("mapping", _TOO_LONG)])
    return complete


def corrected_mapping(
    columns: Iterable[str],
    before: Mapping[str, str | None],
    given: Mapping[str, str | None],
    properties: Iterable[str] = (),
    *,
    may_have_more: bool = False,
) -> dict[str, str | None]:
    """A complete mapping, `before`, with what the caller says now.

    A column that was before what another is now is guessed anew: it becomes a custom field, as a rule.

    Raises: as `complete_mapping`.
    """
    columns = tuple(columns)
    given = as_in_file(columns, given)
    if errors := mapping_errors(given):
        raise InvalidInput(errors)
    taken = {path for path in _paths(given.values()) if path not in SEVERAL}
    kept = {column: text for column, text in before.items() if _paths([text]).isdisjoint(taken)}
    return complete_mapping(columns, {**kept, **given}, properties, may_have_more=may_have_more)


def as_in_file(columns: Iterable[str], given: Mapping[str, str | None]) -> dict[str, str | None]:
    """A mapping with the names of columns as the file spells them; a name that it does not have stays.

    Files from a Mac write `ö` as two characters, which looks like the one of a keyboard.
    """
    exact = frozenset(columns)
    by_look = {_look(column): column for column in exact}
    spelled = {column: column if column in exact else by_look.get(_look(column), column) for column in given}
    # Where a name is given twice, the one that is spelled as in the file counts.
    found = {spelled[column]: text for column, text in given.items() if column not in exact}
    return {name: given.get(name, found.get(name)) for name in dict.fromkeys(spelled.values())}


def _look(column: str) -> str:
    return " ".join(composed(column).split())


def mapping_errors(given: Mapping[str, str | None]) -> list[FieldError]:
    """What is wrong with a mapping, whatever the file's columns are: a target that is none, or is given twice."""
    if _size(given) > MAX_MAPPING_BYTES:
        return [FieldError("mapping", _TOO_LONG)]
    errors: list[FieldError] = []
    columns_of: dict[str, str] = {}
    for column, text in given.items():
        if text is None:
            continue
        target = target_of(text)
        if target is None:
            errors.append(FieldError(f"mapping.{column}", _NO_TARGET))
        elif target.field not in SEVERAL and columns_of.setdefault(target.path, column) != column:
            message = f"is {target.path}, and so is the column {columns_of[target.path]}"
            errors.append(FieldError(f"mapping.{column}", Violation(FieldErrorCode.DUPLICATE, message)))
    return errors


def _size(mapping: Mapping[str, str | None]) -> int:
    return sum(
        len(text.encode("utf-8", "surrogatepass")) for pair in mapping.items() for text in pair if text
    )


_TOO_LONG: Final = Violation(
    FieldErrorCode.TOO_LONG, f"has columns and fields of more than {MAX_MAPPING_BYTES:,} bytes together"
)
_NO_TARGET: Final = Violation(
    FieldErrorCode.NOT_ALLOWED,
    f"must be null, {', '.join(FIELDS[:-1])}, custom_fields.<name> or metadata.<name>, "
    "the last two also with :number, :boolean, :json or :text behind them",
)


def is_mappable(mapping: Mapping[str, str | None]) -> bool:
    """Whether rows can find or make a contact: some column is an email or an external id, or may contain one."""
    return any(text in (*NAMES, UNPACKED) for text in mapping.values())


def _paths(targets: Iterable[str | None]) -> set[str]:
    found = (target_of(text) for text in targets if text is not None)
    return {target.path for target in found if target is not None}


def _completed(
    columns: tuple[str, ...], given: Mapping[str, str | None], properties: Iterable[str]
) -> dict[str, str | None]:
    names = {key_of(name): name for name in properties}
    guesses = {column: _guess(column, names) for column in columns if column not in given}
    chosen = _chosen(guesses, _paths(given.values()))
    taken = _paths((*given.values(), *chosen.values()))
    used = {path.removeprefix("custom_fields.") for path in taken if path.startswith("custom_fields.")}
    numbers: dict[str, int] = {}
    for column, guess in guesses.items():
        if column in chosen or (guess is not None and guess.target is None):
            continue
        name, kind = custom_name(column)
        free, numbers[name] = free_name(name, used, numbers.get(name, 1))
        chosen[column] = str(Target("custom_fields", free, kind))
        used.add(free)
    found = {column: given.get(column, chosen.get(column)) for column in columns}
    return {**found, **given}


def _chosen(guesses: Mapping[str, _Guess | None], taken: Collection[str]) -> dict[str, str | None]:
    """The columns that are fields: the first choices first, and of equal ones the first in the file."""
    chosen: dict[str, str | None] = {}
    used = set(taken)
    for choice in range(3):
        for column, guess in guesses.items():
            if guess is None or guess.target is None or guess.choice != choice:
                continue
            target = target_of(guess.target)
            if target is not None and (target.field in SEVERAL or target.path not in used):
                chosen[column] = guess.target
                used.add(target.path)
    return _with_names(chosen, taken)


_GIVEN_NAME_OR_WHOLE: Final = frozenset(
    {"first", "nom", "nombre", "nombres", "nome", "naam", "ad", "adi", "isim", "imie", "имя"}
)
"""Words for a given name (or in French, a family name) where there is another column, else for the whole name."""
_BESIDE_A_FAMILY_NAME: Final = frozenset({"vorname", "voornaam", "prenom"})
"""Words for a given name in languages whose "name" beside it is the family name."""


def _with_names(chosen: dict[str, str | None], taken: Collection[str]) -> dict[str, str | None]:
    """The columns with what "name" means beside the others: a contact's `name` counts only without its parts."""
    columns = {text: column for column, text in chosen.items()}
    has = {name: name in columns or name in taken for name in ("first_name", "last_name", "name")}
    if not has["name"]:
        one = columns.get("first_name" if has["first_name"] else "last_name")
        alone = has["first_name"] != has["last_name"]
        if alone and one is not None and key_of(one) in _GIVEN_NAME_OR_WHOLE:
            chosen[one] = "name"
    elif "name" in columns and has["last_name"] and not has["first_name"]:
        chosen[columns["name"]] = "first_name"
    elif (
        "name" in columns
        and not has["last_name"]
        and key_of(columns.get("first_name", "")) in _BESIDE_A_FAMILY_NAME
    ):
        chosen[columns["name"]] = "last_name"
    return chosen
