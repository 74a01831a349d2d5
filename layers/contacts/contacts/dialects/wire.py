"""The types of a dialect, and helpers that dialects share.

A `Dialect` has a `Translation` for each route of the vendor: from the vendor's request to the native request, and from
the native response to the vendor's response.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final, Literal, NamedTuple

from contacts.core.errors import BodyNotJson, FieldError, InvalidInput
from contacts.core.violations import BODY_MISSING, BODY_NOT_OBJECT, REQUIRED, FieldErrorCode, Violation

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRequest:
    """A vendor's request."""

    route: str
    """`PUT /v1/contacts/{ref}`; the alias `/api/v1` reads as `/v1`."""
    url_path: str = ""
    """The path as it arrived; known to `Dialect.error` only."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The path parameters by name, decoded."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The query parameters by name, each with its values."""
    body: Any = None
    """The decoded JSON; None: the request has no body."""
    spare_id: str = ""
    """A new UUID, for vendors whose operations invent an id."""
    account_id: str = ""
    """The id of the caller's account, for vendors that show it. Empty where no key was accepted."""
    request_id: str = ""
    """For vendors that show it in a body."""
    began_s: float = field(default_factory=monotonic, compare=False)
    """When it was taken, by `time.monotonic`, for vendors that show how long an answer took."""


class Named(NamedTuple):
    """A contact as a vendor's request names it. `by`: the kinds of name that the vendor accepts there.

    `by` has no default, so that no dialect forgets it.
    """

    value: str
    by: tuple[Literal["id", "email", "external_id"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRequest:
    """The native request that a vendor's request is translated to."""

    route: str
    ref: Named | None = None
    """The contact in the place of `{ref}`; present exactly if the route has `{ref}`."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The other path parameters."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: Any = None
    """None: the request has no body."""

    def __post_init__(self) -> None:
        """
        Raises:
            TypeError: `ref` does not fit the route, or a parameter sets it in another way.
        """
        if ("{ref}" in self.route) is (self.ref is None) or "ref" in self.path or "by" in self.query:
            raise TypeError(f"{self.route} needs what {{ref}} stands for as a Named, or has none")


class Reply(NamedTuple):
    """A response; a body of None means that there is none."""

    status: int
    body: Any


class Problem(NamedTuple):
    """A native error."""

    status: int
    body: Fields
    """The problem document (RFC 9457), as the native API shows it."""
    errors: tuple[FieldError, ...] = ()
    """The invalid fields, with their codes, which the body does not show."""


class Translation(NamedTuple):
    """The translation of one route of a vendor. Both functions are pure and do not change their arguments."""

    to_native: Callable[[VendorRequest], NativeRequest]
    """Translates a request. Raises InvalidInput, or NotFound where an id of the vendor's form cannot exist."""
    from_native: Callable[[VendorRequest, Reply], Reply]
    """Translates a successful native response; it also receives the vendor's request."""
    once: tuple[str, ...] = ()
    """The query parameters that the route accepts."""
    many: tuple[str, ...] = ()
    """The query parameters that may be repeated."""
    ignores_others: bool = False
    """Whether unknown query parameters are ignored, as vendors do. Only for routes that read one thing; elsewhere they
    are refused, as a list might return more than the caller wants, and a write might do something else."""
    has_body: bool = False
    """Whether the body of a DELETE is read. (That of a POST, PUT or PATCH always is.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A vendor's wire format."""

    routes: Mapping[str, Translation]
    """By `<method> <path>`, with the native names of path parameters, and `/v1` also for the alias `/api/v1`."""
    error: Callable[[VendorRequest, Problem], Reply]
    """Translates a native problem into the vendor's error response."""
    refused_headers: Mapping[str, Violation] = field(default_factory=dict)
    """Request headers that mean something at the vendor and nothing here. A request that has one is refused."""


def with_body(call: VendorRequest, body: object) -> VendorRequest:
    """Returns the request with another body."""
    return replace(call, body=body)


def fields_of(call: VendorRequest) -> Fields:
    """Returns the body of a vendor's request.

    Raises:
        BodyNotJson: the body is missing, or is not an object.
    """
    if call.body is None:
        raise BodyNotJson([FieldError("body", BODY_MISSING)])
    if not isinstance(call.body, dict):
        raise BodyNotJson([FieldError("body", BODY_NOT_OBJECT)])
    return call.body


def renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> Fields:
    """Returns the entries of `given` that `names` (`{old: new}`) lists, under their new names."""
    return {new: given[old] for old, new in names.items() if old in given}


def required(given: Mapping[str, Any], *names: str) -> None:
    """
    Raises:
        InvalidInput: a field is missing or null; the error names every such field.
    """
    missing = [FieldError(name, REQUIRED) for name in names if given.get(name) is None]
    if missing:
        raise InvalidInput(missing)


def whole_seconds(moment: str) -> str:
    """Returns a native timestamp without milliseconds: `2026-01-15T10:30:00Z`."""
    return f"{moment[:19]}Z"


def one_of(call: VendorRequest, name: str, default: str) -> str:
    """Returns the value of a query parameter, or the default."""
    values = call.query.get(name)
    return values[0] if values else default


class Whole(NamedTuple):
    """The default and the bounds of an integer parameter. `most` None: the vendor documents no upper bound."""

    default: int
    least: int
    most: int | None


LARGEST_OFFSET: Final = 2_000_000_000
"""The largest `offset` of the native API."""


def whole_number(call: VendorRequest, name: str, bounds: Whole) -> int:
    """Returns an integer query parameter.

    Raises:
        InvalidInput: the value is no integer, or outside its bounds.
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
    """Returns the invalid fields of a problem under the vendor's names.

    `names`: `{native: vendor's}`, where they differ.
    """
    return [error._replace(field=_vendor_name(error.field, names)) for error in problem.errors]


def in_words(
    problem: Problem, names: Mapping[str, str], phrases: Mapping[FieldErrorCode, str] | None = None
) -> str:
    """Returns a problem as one line of text: the invalid fields with their messages, or else the detail of the problem.

    `names`: as for `field_errors`. `phrases`: the vendor's text for a code, in place of the native message; it may
    contain `{field}` and `{limit}`.
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
"""The error codes by status, for vendors whose errors have a code of letters."""


def _vendor_name(path: str, names: Mapping[str, str]) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest
