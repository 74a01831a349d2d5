"""What a dialect is: for each of a vendor's routes, how its requests read natively, and the native answers to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from contacts.core.errors import BodyNotJson, FieldError, InvalidInput
from contacts.core.violations import BODY_MISSING, BODY_NOT_OBJECT, REQUIRED, FieldErrorCode, Violation

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRequest:
    """A vendor's request as JSON."""

    route: str
    """`PUT /v1/contacts/{ref}`; the alias `/api/v1` reads as `/v1`."""
    path: Mapping[str, str] = field(default_factory=dict)
    """What stands in the path's variable parts, decoded."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each parameter with its values."""
    body: Any = None
    """None: there is none."""
    spare_id: str = ""
    """A fresh UUID, should the vendor's operation make one up."""


class Named(NamedTuple):
    """A contact as a vendor's request names it, with all that the vendor lets such a name mean.

    `by` has no default, so no dialect can forget it.
    """

    value: str
    by: tuple[Literal["id", "email", "external_id"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRequest:
    """The native request that a vendor's stands for."""

    route: str
    ref: Named | None = None
    """What stands for `{ref}`: there where the route has it, and nowhere else."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The other variable parts."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: Any = None
    """None: there is none."""

    def __post_init__(self) -> None:
        """
        Raises:
            TypeError: a contact is named without saying what the name means.
        """
        if ("{ref}" in self.route) is (self.ref is None) or "ref" in self.path or "by" in self.query:
            raise TypeError(f"{self.route} needs what {{ref}} stands for as a Named, or has none")


class Reply(NamedTuple):
    """An answer as JSON; a body of None is none."""

    status: int
    body: Any


class Problem(NamedTuple):
    """A native error."""

    status: int
    body: Fields
    """The problem document (RFC 9457), as the native API shows it."""
    errors: tuple[FieldError, ...] = ()
    """The wrong fields that it lists, with their codes, which it does not show."""


class Translation(NamedTuple):
    """One of a vendor's routes. Both ways are pure functions; neither changes what it is given."""

    to_native: Callable[[VendorRequest], NativeRequest]
    """The vendor's request, natively. Raises: InvalidInput, NotFound: it is none that could be asked."""
    from_native: Callable[[VendorRequest, Reply], Reply]
    """The native answer (a success) to the vendor's request, as the vendor answers."""
    once: tuple[str, ...] = ()
    """The query parameters that it takes."""
    many: tuple[str, ...] = ()
    """Those that may be given more than once."""
    ignores_others: bool = False
    """Whether any other is ignored, as vendors do; for reading one thing alone. Else it is refused: a list would show
    more than was asked for, and a change might be another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A vendor's wire format."""

    routes: Mapping[str, Translation]
    """By `<method> <path>`, with the native names of variable parts and `/v1` for the alias `/api/v1`."""
    error: Callable[[VendorRequest, Problem], Reply]
    """A native problem that the vendor's request met, as the vendor tells of errors."""


def with_body(call: VendorRequest, body: object) -> VendorRequest:
    """The same request with its body."""
    return replace(call, body=body)


def fields_of(call: VendorRequest) -> Fields:
    """The body of a vendor's request.

    Raises:
        BodyNotJson: it is missing, or no object.
    """
    if call.body is None:
        raise BodyNotJson([FieldError("body", BODY_MISSING)])
    if not isinstance(call.body, dict):
        raise BodyNotJson([FieldError("body", BODY_NOT_OBJECT)])
    return call.body


def renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> Fields:
    """What a mapping has under certain names, under others: `{old: new}`. The rest is left out."""
    return {new: given[old] for old, new in names.items() if old in given}


def required(given: Mapping[str, Any], *names: str) -> None:
    """
    Raises:
        InvalidInput: a field is missing or null; names every one that is.
    """
    missing = [FieldError(name, REQUIRED) for name in names if given.get(name) is None]
    if missing:
        raise InvalidInput(missing)


def whole_seconds(moment: str) -> str:
    """A native timestamp without its milliseconds: `2026-01-15T10:30:00Z`."""
    return f"{moment[:19]}Z"


def one_of(call: VendorRequest, name: str, default: str) -> str:
    """A parameter of the query that is given once, if at all."""
    values = call.query.get(name)
    return values[0] if values else default


class Whole(NamedTuple):
    """The bounds of a parameter that is a whole number; `most` None: there is no upper bound."""

    default: int
    least: int
    most: int | None


LARGEST_OFFSET: Final = 2_000_000_000
"""The native API's."""


def whole_number(call: VendorRequest, name: str, bounds: Whole) -> int:
    """A whole number in the query.

    Raises:
        InvalidInput: it is none, or outside its bounds.
    """
    text = one_of(call, name, str(bounds.default))
    most = LARGEST_OFFSET if bounds.most is None else bounds.most
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not bounds.least <= number <= most:
        upper = f" and at most {most}" if bounds.most is not None else ""
        message = f"must be a whole number, at least {bounds.least}{upper}"
        raise InvalidInput([FieldError(name, Violation(FieldErrorCode.OUT_OF_RANGE, message))])
    return number


def field_errors(problem: Problem, names: Mapping[str, str]) -> list[FieldError]:
    """The wrong fields of a problem; `names`: the vendor's name of each native field that it calls otherwise."""
    return [error._replace(field=_theirs(error.field, names)) for error in problem.errors]


def in_words(
    problem: Problem, names: Mapping[str, str], phrases: Mapping[FieldErrorCode, str] | None = None
) -> str:
    """A problem in one line: every wrong field with what is wrong with it, or else what happened.

    `names`: as above. `phrases`: what the vendor says in place of the native message, with `{field}` and `{limit}`.
    """
    if not problem.errors:
        return str(problem.body["detail"]).removesuffix(".")
    return "; ".join(_phrase(error, phrases or {}) for error in field_errors(problem, names))


def _phrase(error: FieldError, phrases: Mapping[FieldErrorCode, str]) -> str:
    phrase = phrases.get(error.code)
    if phrase is None:
        return f"{error.field} {error.message}"
    return phrase.format(field=error.field, limit=error.violation.limit)


CODES: Final[Mapping[int, str]] = {
    400: "validation_error",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "idempotency_key_reused",
    429: "rate_limited",
    500: "internal_error",
    503: "service_unavailable",
}
"""What errors are called by vendors that have a code of letters, by status."""


def _theirs(path: str, names: Mapping[str, str]) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest
