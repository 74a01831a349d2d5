"""The types of a dialect: a vendor's requests, the native requests that mean the same, and the answers both ways."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from contacts.core.errors import BodyNotJson, FieldError, InvalidInput
from contacts.core.violations import BODY_MISSING, BODY_NOT_OBJECT, REQUIRED, FieldErrorCode, Violation

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRequest:
    """A request in a vendor's wire format, its body parsed."""

    route: str
    """`PUT /v1/contacts/{ref}`; the alias `/api/v1` reads as `/v1`."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The variable parts of the path, decoded."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each parameter with its values."""
    body: Any = None
    """The parsed body; None: no body."""
    spare_id: str = ""
    """A fresh UUID, for operations of a vendor that make one up."""


class Named(NamedTuple):
    """A contact as a vendor's request names it, with all that the vendor lets such a name mean.

    `by` has no default, so no dialect can forget it.
    """

    value: str
    by: tuple[Literal["id", "email", "external_id"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRequest:
    """The native request that means what a vendor's request means."""

    route: str
    ref: Named | None = None
    """The contact for `{ref}`: given if the route has a `{ref}`, and only then."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The other variable parts."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: Any = None
    """The body as JSON; None: no body."""

    def __post_init__(self) -> None:
        """
        Raises:
            TypeError: `ref` does not fit the route, or a contact is named in another way than by `ref`.
        """
        if ("{ref}" in self.route) is (self.ref is None) or "ref" in self.path or "by" in self.query:
            raise TypeError(f"{self.route} needs what {{ref}} stands for as a Named, or has none")


class Reply(NamedTuple):
    """An answer as JSON; `body` None: no body."""

    status: int
    body: Any


class Problem(NamedTuple):
    """A native error."""

    status: int
    body: Fields
    """The problem document (RFC 9457), as the native API shows it."""
    errors: tuple[FieldError, ...] = ()
    """The wrong fields in the document, with their codes, which the document does not show."""


class Translation(NamedTuple):
    """One of a vendor's routes. Both functions are pure and change none of their arguments."""

    to_native: Callable[[VendorRequest], NativeRequest]
    """From the vendor's request to the native one. Raises: InvalidInput, NotFound: no native request means the same."""
    from_native: Callable[[VendorRequest, Reply], Reply]
    """From the native answer (a success) to the vendor's answer."""
    once: tuple[str, ...] = ()
    """The query parameters that may be given once."""
    many: tuple[str, ...] = ()
    """The query parameters that may be repeated."""
    ignores_others: bool = False
    """Whether other parameters are ignored, as vendors do: only where one thing is read. Elsewhere they are refused,
    because a list would show more than the client asked for, and a change might be another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A vendor's wire format."""

    routes: Mapping[str, Translation]
    """By `<method> <path>`, with the native names of variable parts and `/v1` for the alias `/api/v1`."""
    error: Callable[[VendorRequest, Problem], Reply]
    """From a native problem to the vendor's form of an error."""


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
    """The entries of a mapping under new names. `names`: `{old: new}`; entries without a new name are left out."""
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
    """The value of a query parameter that may be given once, or its default."""
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
        InvalidInput: the text is no whole number, or the number is outside its bounds.
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
"""The error codes of vendors whose errors have a code in letters, by status."""


def _theirs(path: str, names: Mapping[str, str]) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest
