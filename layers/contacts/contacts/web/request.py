"""A request as API Gateway hands it over, read once and carefully."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from contacts.accounts.authentication import AuthContext
from contacts.accounts.model import Caller
from contacts.book.outcome import Preconditions
from contacts.core import violations
from contacts.core.errors import BodyNotJson, BodyNotReadable, BodyTooLarge, FieldError, InvalidInput
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Ref, RefKind, named
from contacts.core.json import exact_number
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.dialects.wire import Call, Native

MAX_BODY_BYTES: Final = 1 << 20
MAX_IDEMPOTENCY_KEY: Final = 255
MAX_ETAGS: Final = 20
"""In If-Match; a condition of DynamoDB's takes a hundred."""
_TOO_MANY_ETAGS: Final = Violation(FieldErrorCode.TOO_MANY, f"names more than {MAX_ETAGS} ETags", MAX_ETAGS)
_NOT_AN_ETAG: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, 'is not an ETag of this API, such as "3-valid"'
)
_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}".encode()


@dataclass(slots=True)
class Request:
    """One HTTP request as API Gateway hands it over (payload format 2.0)."""

    event: Mapping[str, Any]
    headers: Mapping[str, str]
    """By lower-case name."""
    request_id: str
    auth: AuthContext | None = None
    """Set once the key is known."""
    vendor_request: Call | None = None
    """Set where another vendor's client asks: the request in that vendor's words."""
    native: Native | None = None
    """And what these mean."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return cls(event, headers, event["requestContext"].get("requestId", ""))

    @property
    def authenticated(self) -> AuthContext:
        """How the caller was let in. (Operations that need a key are reached no other way.)"""
        assert self.auth is not None
        return self.auth

    @property
    def caller(self) -> Caller:
        """Whose request it is."""
        return self.authenticated.caller

    @property
    def method(self) -> str:
        """The HTTP method."""
        method: str = self.event["requestContext"]["http"]["method"]
        return method

    @property
    def path(self) -> str:
        """The path as it arrived."""
        path: str = self.event["rawPath"]
        return path

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        return self.headers.get(name)

    @property
    def route_key(self) -> str:
        """The route as the gateway names it, but for what takes the rest of a path: `HEAD /api/v1/contacts/{ref}`."""
        key: str = self.event["routeKey"]
        return key.replace("{proxy+}", "{ref}")

    @property
    def route(self) -> str:
        """The route API Gateway chose: `GET /v1/contacts/{ref}`.

        The alias `/api/v1` reads as `/v1`, and HEAD as GET.
        """
        if self.native is not None:
            return self.native.route
        route = self.route_key.replace(" /api/", " /", 1)
        return f"GET {route.removeprefix('HEAD ')}" if route.startswith("HEAD ") else route

    def path_parameters(self) -> Mapping[str, str]:
        """The variable parts of the path, decoded once.

        API Gateway has decoded them all but for `%25`, so in what it hands over `%2F` cannot be but of a gateway that
        decodes nothing: decoding what is left is right for either.
        """
        if self.native is not None:
            named = {} if self.native.ref is None else {"ref": self.native.ref.value}
            return {**self.native.path, **named}
        given = self.event.get("pathParameters") or {}
        return {"ref" if name == "proxy" else name: unquote(value) for name, value in given.items()}

    def ref(self, value: str, by: RefKind | None) -> Ref:
        """How the path names a contact, by what the path has for it and by `?by=`."""
        if self.native is not None and self.native.ref is not None:
            return Ref(value, tuple(map(RefKind, self.native.ref.by)))
        return named(value, by)

    def query(self) -> Mapping[str, Sequence[str]]:
        """Query parameters; read from the raw string, because the gateway joins repeated ones by commas."""
        if self.native is not None:
            return self.native.query
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.event.get("rawQueryString") or "", keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    def body(self) -> bytes:
        """The body's bytes.

        Raises:
            BodyTooLarge: more than 1 MB (1,048,576 bytes).
        """
        text = self.event.get("body") or ""
        body = b64decode(text) if self.event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"A body has at most {MAX_BODY_BYTES:,} bytes.")
        return body

    def json(self) -> object:
        """The body as JSON, every number with its value.

        Raises:
            BodyNotJson, BodyNotReadable, BodyTooLarge.
        """
        if self.native is not None and self.native.body is not None:
            return self.native.body
        body = self.body()
        if not body:
            raise BodyNotJson([FieldError("body", violations.BODY_MISSING)])
        self._refuse_other_codings(body)
        try:
            return json.loads(
                body.decode(),
                parse_int=exact_number,
                parse_float=exact_number,
                parse_constant=_refuse_constant,
                object_pairs_hook=_once_each,
            )
        except RecursionError:
            raise BodyNotJson([FieldError("body", violations.BODY_TOO_DEEP)]) from None
        except UnicodeDecodeError:
            raise BodyNotJson([FieldError("body", violations.BODY_NOT_UTF8)]) from None
        except json.JSONDecodeError as error:
            where = f"{error.msg} at line {error.lineno}, column {error.colno}"
            raise BodyNotJson([FieldError("body", violations.not_json(where))]) from None

    def _refuse_other_codings(self, body: bytes) -> None:
        """
        Raises:
            BodyNotReadable: its headers say that it is compressed or in another charset than UTF-8.
            BodyNotJson: it is in none.
        """
        coding = (self.header("content-encoding") or "").strip()
        if coding.lower() not in ("", "identity"):
            raise BodyNotReadable(
                "Content-Encoding", "A body is read as it is: send it without Content-Encoding, uncompressed."
            )
        charset = _charset(self.header("content-type") or "")
        if charset is not None and charset not in _CHARSETS:
            raise BodyNotReadable(
                "Content-Type",
                "A body is read as UTF-8: send it so, and say no other charset in Content-Type.",
            )
        # The gateway hands JSON over as text: it has replaced each byte that is no UTF-8, one byte by three.
        length = self.header("content-length") or ""
        is_text = not self.event.get("isBase64Encoded") and length.isdecimal()
        if is_text and _REPLACED in body and int(length) != len(body):
            raise BodyNotJson([FieldError("body", violations.BODY_NOT_UTF8)])

    def idempotency_key(self) -> IdempotencyKey | None:
        """The Idempotency-Key with a hash of what it stands for: method, path, query and body.

        Raises:
            InvalidInput: the key is empty, too long, or not plain ASCII.
        """
        key = self.header("idempotency-key")
        if key is None or self.method not in _WRITING:
            return None
        if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
            message = f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
            raise InvalidInput(
                [FieldError("Idempotency-Key", Violation(FieldErrorCode.INVALID_FORMAT, message))]
            )
        path = self.path.removeprefix("/api")  # the alias is the same request
        asked = f"{self.method} {path}?{self.event.get('rawQueryString') or ''}\n".encode()
        return IdempotencyKey(key, sha256(asked + self.body()).hexdigest())

    def preconditions(self) -> Preconditions:
        """If-Match and Idempotency-Key.

        Raises:
            InvalidInput: one of them is malformed.
        """
        return Preconditions(versions=self._versions(), idempotency_key=self.idempotency_key())

    def _versions(self) -> tuple[int, ...]:
        header = self.header("if-match")
        if header is None:
            return ()
        try:
            return versions_matching(header)
        except InvalidValue as error:
            raise InvalidInput([FieldError("If-Match", error.violation)]) from None


def versions_matching(if_match: str) -> tuple[int, ...]:
    """The versions that ETags, as If-Match takes them, stand for; none for `*`, which matches any.

    Raises:
        InvalidValue: they are none.
    """
    if if_match.strip() == "*":
        return ()
    tags = if_match.split(",")
    if len(tags) > MAX_ETAGS:
        raise InvalidValue(_TOO_MANY_ETAGS)
    versions = []
    for tag in tags:
        version = tag.strip().removeprefix("W/").strip('"').partition("-")[0]
        if not (version.isascii() and version.isdigit() and len(version) <= 15):
            raise InvalidValue(_NOT_AN_ETAG)
        versions.append(int(version))
    return tuple(versions)


def _charset(content_type: str) -> str | None:
    """The charset that a Content-Type names, in lower case (RFC 9110 §8.3); None where it names none."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return None


def _refuse_constant(constant: str) -> object:
    raise BodyNotJson([FieldError("body", violations.not_json(f"{constant} is no JSON number"))])


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        # A name may hold half of a surrogate pair, which no answer could be written with.
        writable = twice.encode("utf-8", "backslashreplace").decode()
        raise BodyNotJson([FieldError(writable, violations.KEY_GIVEN_TWICE)])
    return found
