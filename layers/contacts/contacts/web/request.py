"""The HTTP request: one event of API Gateway, read once into plain fields."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from contacts.accounts.authentication import AuthContext
from contacts.accounts.model import Caller
from contacts.book.model import Preconditions
from contacts.core import violations
from contacts.core.errors import BodyNotJson, BodyNotReadable, BodyTooLarge, FieldError, InvalidInput
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Ref, RefKind, named
from contacts.core.json import canonical, exact_number
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation

if TYPE_CHECKING:
    from contacts.web.dialect_adapter import DialectAdapter

MAX_BODY_BYTES: Final = 1 << 20
MAX_IDEMPOTENCY_KEY: Final = 255
MAX_ETAGS: Final = 20
"""In If-Match. (An `IN` condition of DynamoDB takes a hundred values.)"""
_TOO_MANY_ETAGS: Final = Violation(FieldErrorCode.TOO_MANY, f"names more than {MAX_ETAGS} ETags", MAX_ETAGS)
_NOT_AN_ETAG: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, 'is not an ETag of this API, such as "3-valid"'
)
_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}".encode()


@dataclass(slots=True, kw_only=True)
class Request:
    """One HTTP request, read once, in plain fields.

    A request is first what the client sent. A dialect adapter makes a second value of it: the native request that
    means the same, with another route, path parameters, query and body. Its method, path, headers and raw body stay
    those of the client, because the hash behind an Idempotency-Key covers them.
    """

    method: str
    path: str
    """The path as it arrived."""
    route_key: str
    """The route as the gateway names it, with `{ref}` or `{file}` for the rest of a path: `HEAD /v1/contacts/{ref}`."""
    route: str
    """The route as this API names it: `GET /v1/contacts/{ref}`. The alias `/api/v1` reads as `/v1`, HEAD as GET."""
    path_parameters: Mapping[str, str]
    """The variable parts of the path, decoded."""
    raw_query: str
    query: Mapping[str, Sequence[str]]
    """Each query parameter with its values."""
    headers: Mapping[str, str]
    """By lower-case name."""
    request_id: str
    raw_body: str = ""
    is_base64: bool = False
    """Whether `raw_body` is base64."""
    identified: Caller | None = None
    """The entrypoint sets it once, when it knows the key."""
    auth: AuthContext | None = None
    """The entrypoint sets it when it has counted the request, or refuses it uncounted."""
    adapter: "DialectAdapter | None" = None
    """The entrypoint sets it once, where another vendor's client asks."""
    ref_kinds: tuple[RefKind, ...] | None = None
    """Where a dialect says it: the kinds of name that the contact in the path may have."""
    dialect_body: object = None
    """The JSON that a dialect has made of the body; None: the body as it arrived counts."""
    sent: object = None
    """The JSON of the body as it arrived, once it has been read."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event of API Gateway (payload format 2.0).

        The query is read from its raw text, because the gateway joins the values of a repeated parameter by commas.
        The gateway decodes path parameters, but for `%25`: its `%2F` comes only from a gateway that decodes nothing.
        So one more decoding is right for both kinds of gateways.
        """
        http = event["requestContext"]["http"]
        # Below the console the rest of a path is a file, below the contacts the name of one.
        rest = "file" if "/console/" in event["routeKey"] else "ref"
        route_key = event["routeKey"].replace("{proxy+}", f"{{{rest}}}")
        route = route_key.replace(" /api/", " /", 1)
        if route.startswith("HEAD "):
            route = f"GET {route.removeprefix('HEAD ')}"
        given = event.get("pathParameters") or {}
        raw_query = event.get("rawQueryString") or ""
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw_query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return cls(
            method=http["method"],
            path=event["rawPath"],
            route_key=route_key,
            route=route,
            path_parameters={
                rest if name == "proxy" else name: unquote(value) for name, value in given.items()
            },
            raw_query=raw_query,
            query=query,
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            request_id=event["requestContext"].get("requestId", ""),
            raw_body=event.get("body") or "",
            is_base64=bool(event.get("isBase64Encoded")),
        )

    @property
    def authenticated(self) -> AuthContext:
        """The caller with the state of its rate limit. (Handlers of operations without a key do not ask.)"""
        assert self.auth is not None
        return self.auth

    @property
    def caller(self) -> Caller:
        """Who sent the request. (Handlers of operations without a key do not ask.)"""
        assert self.identified is not None
        return self.identified

    @property
    def is_write(self) -> bool:
        """Whether its method may change something."""
        return self.method in _WRITING

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        return self.headers.get(name)

    def ref(self, value: str, by: RefKind | None) -> Ref:
        """The contact that the path names by `value`; `by`: what `?by=` says about the kind of name."""
        return named(value, by) if self.ref_kinds is None else Ref(value, self.ref_kinds)

    def body(self) -> bytes:
        """The body's bytes.

        Raises:
            BodyTooLarge: more than 1 MB (1,048,576 bytes).
        """
        text = self.raw_body
        body = b64decode(text) if self.is_base64 else text.encode("utf-8", "surrogatepass")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"A body has at most {MAX_BODY_BYTES:,} bytes.")
        return body

    def json(self) -> object:
        """The body as JSON, every number with its value.

        Raises:
            BodyNotJson, BodyNotReadable, BodyTooLarge.
        """
        return self._sent_json() if self.dialect_body is None else self.dialect_body

    def _sent_json(self) -> object:
        """The body as it arrived as JSON.

        Raises: as `json`.
        """
        if self.sent is None:
            self.sent = self._parsed()
        return self.sent

    def _parsed(self) -> object:
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
            BodyNotReadable: the headers say that the body is compressed or in another charset than UTF-8.
            BodyNotJson: bytes that are no UTF-8 were replaced on the way.
        """
        coding = self.headers.get("content-encoding", "").strip()
        if coding.lower() not in ("", "identity"):
            raise BodyNotReadable(
                "Content-Encoding", "A body is read as it is: send it without Content-Encoding, uncompressed."
            )
        charset = _charset(self.headers.get("content-type", ""))
        if charset is not None and charset not in _CHARSETS:
            raise BodyNotReadable(
                "Content-Type",
                "A body is read as UTF-8: send it so, and say no other charset in Content-Type.",
            )
        # The gateway hands JSON over as text: it has replaced each byte that is no UTF-8, one byte by three.
        length = self.headers.get("content-length", "")
        is_text = not self.is_base64 and length.isdecimal()
        if is_text and _REPLACED in body and int(length) != len(body):
            raise BodyNotJson([FieldError("body", violations.BODY_NOT_UTF8)])

    def idempotency_key(self) -> IdempotencyKey | None:
        """The Idempotency-Key with what it stands for: method, path, query and body. None: no header, or a GET.

        It stands for what the body says, however that is spelled; so does the query, in any order of its names.

        Raises:
            InvalidInput: the key is empty, longer than 255 characters, or not printable ASCII.
            BodyTooLarge.
        """
        key = self.headers.get("idempotency-key")
        if key is None or not self.is_write:
            return None
        if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
            message = f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
            raise InvalidInput(
                [FieldError("Idempotency-Key", Violation(FieldErrorCode.INVALID_FORMAT, message))]
            )
        path = self.path.removeprefix("/api")  # the alias is the same request
        asked = f"{self.method} {path}?{self.raw_query}\n".encode()
        return IdempotencyKey(key, sha256(asked + self.body()).hexdigest(), self._meaning_hash(path))

    def _meaning_hash(self, path: str) -> str | None:
        query = sorted(parse_qsl(self.raw_query, keep_blank_values=True), key=lambda pair: pair[0])
        try:
            body = canonical(self._sent_json()) if self.raw_body else ""
            asked = f"{self.method} {path}\n{canonical(query)}\n{body}"
        except (BodyNotJson, BodyNotReadable, RecursionError):
            return None
        return sha256(asked.encode()).hexdigest()[:32]  # A record stays small: most take one write unit.

    def preconditions(self) -> Preconditions:
        """If-Match and Idempotency-Key.

        Raises:
            InvalidInput: one of them is malformed.
        """
        return Preconditions(versions=self._versions(), idempotency_key=self.idempotency_key())

    def _versions(self) -> tuple[int, ...]:
        header = self.headers.get("if-match")
        if header is None:
            return ()
        try:
            return versions_matching(header)
        except InvalidValue as error:
            raise InvalidInput([FieldError("If-Match", error.violation)]) from None


def versions_matching(if_match: str) -> tuple[int, ...]:
    """The versions in the ETags of an If-Match header; empty for `*`, which matches any version.

    Raises:
        InvalidValue: the header holds more than 20 ETags, or one that is not of this API.
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
