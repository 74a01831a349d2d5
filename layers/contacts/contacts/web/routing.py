"""Every route of the API, the operations behind the routes, and the arguments of their functions.

A test holds the table of routes against template.yaml.

A path names a contact by any text, so what follows `/v1/contacts/` may hold slashes and words that are a path of
their own: `a/b@example.com`, `search`, `a/events`. API Gateway decodes `%2F` before it routes, so it cannot tell
these names from paths. `located` can, because it knows the routes of the API that the caller speaks.
"""

import inspect
import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, ClassVar, Final, NamedTuple, Union, get_args, get_origin

from contacts.accounts.model import Caller, Dialect, Scope
from contacts.core import violations
from contacts.core.errors import (
    BodyNotJson,
    ContactsError,
    FieldError,
    InvalidInput,
    MethodNotAllowed,
    RouteNotFound,
    ScopeMissing,
)
from contacts.core.ids import Ref, RefKind
from contacts.core.time import parsed
from contacts.core.violations import REQUIRED, FieldErrorCode, InvalidValue, Violation
from contacts.web.request import Request
from contacts.web.response import Answer

CONSOLE_FILE: Final = "/console/{file}"
ROUTES: Final = {
    "/v1/contacts": ("GET", "POST"),
    "/v1/contacts/batch": ("POST",),
    "/v1/contacts/search": ("GET",),
    "/v1/contacts/{ref}": ("DELETE", "GET", "PATCH", "PUT"),
    "/v1/contacts/{ref}/restore": ("POST",),
    "/v1/contacts/{ref}/merge": ("POST",),
    "/v1/contacts/{ref}/events": ("GET", "POST"),
    "/v1/contacts/{ref}/deliveries": ("GET",),
    "/v1/contacts/{ref}/gates": ("GET",),
    "/v1/contacts/{ref}/chat": ("GET",),
    "/v1/contacts/{ref}/export": ("GET",),
    "/v1/channels": ("GET", "POST"),
    "/v1/channels/{id}": ("GET", "PUT"),
    "/v1/channels/{id}/gates": ("POST",),
    "/v1/webhooks": ("GET", "POST"),
    "/v1/webhooks/{id}": ("DELETE", "GET", "PATCH"),
    "/v1/webhooks/{id}/test": ("POST",),
    "/v1/webhooks/{id}/rotate-secret": ("POST",),
    "/v1/webhooks/{id}/deliveries": ("GET",),
    "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver": ("POST",),
    "/v1/contact-properties": ("GET", "POST"),
    "/v1/contact-properties/{id}": ("DELETE", "GET", "PUT"),
    "/v1/imports": ("GET", "POST"),
    "/v1/imports/{id}": ("GET",),
    "/v1/imports/{id}/start": ("POST",),
    "/v1/imports/{id}/cancel": ("POST",),
    "/v1/imports/{id}/undo": ("POST",),
    "/v1/imports/{id}/errors": ("GET",),
    "/v1/events": ("GET",),
    "/v1/tags": ("GET",),
    "/v1/lists": ("GET",),
    "/v1/exports": ("GET", "POST"),
    "/v1/exports/{id}": ("GET",),
    "/v1/account": ("GET",),
    "/v1/account/usage": ("GET",),
    "/v1/api-keys": ("GET", "POST"),
    "/v1/api-keys/{id}": ("DELETE",),
    "/openapi.json": ("GET",),
    "/docs": ("GET",),
    "/docs/{file}": ("GET",),
    "/console": ("GET",),
    CONSOLE_FILE: ("GET",),
}
PAGES: Final = ("/console", "/docs")
"""What is shown to people."""
ALIASED: Final = "/v1/contacts"
"""What begins with this is also served under `/api`."""
CONTACT: Final = "/v1/contacts/{ref}"
"""A contact; `{ref}` takes all the rest of the path.

In template.yaml it is `{proxy+}` (docs/decisions/0023); `Request.of` and `local.template.named_rest` know that name.
"""
OF_ONE_VENDOR: Final = {
    "POST /v1/contacts/{ref}/tags/{tag}": Dialect.SMARTSENDER,
    "DELETE /v1/contacts/{ref}/tags/{tag}": Dialect.SMARTSENDER,
    "GET /v1/me": Dialect.SMARTSENDER,
    "GET /v1/contacts/{ref}/info": Dialect.SMARTSENDER,
    "POST /v1/contacts/{ref}/fire": Dialect.SMARTSENDER,
    "POST /v1/contacts/{ref}/merge/{target}": Dialect.SMARTSENDER,
    "GET /v1/contacts/properties": Dialect.SMASHSEND_V2,
    "GET /v1/api-keys/check": Dialect.SMASHSEND_V2,
    "POST /v1/contacts/bulk": Dialect.SENDMATOR,
    "POST /v1/contacts/{ref}/tags": Dialect.SENDMATOR,
    "DELETE /v1/contacts/{ref}/tags": Dialect.SENDMATOR,
    "POST /v1/contacts/{ref}/unsubscribe": Dialect.SENDMATOR,
    "DELETE /v1/contacts/{ref}/preferences": Dialect.SENDMATOR,
}
"""Routes that a single dialect has, and the native API has not."""


Located = tuple[str, Mapping[str, str]]
"""A route, with the variable parts of the path."""


def located(route: str, parameters: Mapping[str, str], routes: Collection[str]) -> Located | None:
    """The route of one API that a request takes, with the variable parts of its path; None: none of them fits.

    `route`, `parameters`: what the gateway has matched, by the routes of all dialects together. `routes`: those of the
    API that the caller speaks. Where that API lacks the gateway's route, all that follows `/v1/contacts/` is the name
    of a contact.
    """
    if route in routes:
        is_whole = all(parameters.get(name) for name in _VARIABLE.findall(route))
        return (route, parameters) if is_whole else None
    method, _, path = route.partition(" ")
    beginning, named = CONTACT.removesuffix("{ref}"), f"{method} {CONTACT}"
    if named in routes and path.startswith(beginning):
        return named, {"ref": path.removeprefix(beginning).format_map(parameters)}
    return None


def refusal(method: str, path: str, routes: Mapping[str, Sequence[str]] = ROUTES) -> ContactsError:
    """The error for a request that no route serves: MethodNotAllowed where the path has other methods."""
    # A path may be more than one's: `batch` is also the external_id of some contact.
    served_with = _methods(path, routes)
    if served_with and method not in served_with:
        return MethodNotAllowed(sorted(served_with))
    without = path.rstrip("/")
    if without != path and _methods(without, routes):
        return RouteNotFound("Nothing is served at this path; without the slash at its end, there is.")
    return RouteNotFound("Nothing is served at this path.")


def refused_name(
    method: str, path: str, routes: Mapping[str, Sequence[str]] = ROUTES
) -> ContactsError | None:
    """The error for a path that names no contact, where ContactNotFound would hide the cause; else None.

    The client may have meant what is under a contact, with a wrong method (`PUT …/a/events`), or ended the path in
    a slash too many.
    """
    if "/" not in path.partition(f"{ALIASED}/")[2]:
        return None
    own = {pattern: methods for pattern, methods in routes.items() if pattern != CONTACT}
    refused = refusal(method, path, own)
    if isinstance(refused, MethodNotAllowed):
        return refused
    return refusal(method, path, routes) if path.endswith("/") else None


def page_without_slash(method: str, path: str) -> Answer | None:
    """A redirect to a page whose address was sent with a slash at its end; None: it was not. People type addresses."""
    is_page = method in ("GET", "HEAD") and path.endswith("/") and path[:-1] in PAGES
    return Answer(308, headers={"Location": f"..{path[:-1]}"}) if is_page else None


_SMART_SENDERS: Final = re.compile(
    r"/v1/((chats|funnels|gates|operators|variables)(/.*)?"
    r"|contacts/[^/]+/(checkout|funnels|messages|send|tags/[^/]+)(/.*)?)"
)

_SMART_SENDERS_AGENTS: Final = ("M-Soft Integration", "Mufik Soft")
"""How the User-Agent of Smart Sender's public scripts begins."""


def is_smart_senders(path: str, agent: str) -> bool:
    """Whether a request is of a client of Smart Sender, by its path, which may be one that nothing serves, or its
    User-Agent.

    Those clients take an error of any other shape for success.
    """
    return _SMART_SENDERS.fullmatch(path) is not None or agent.startswith(_SMART_SENDERS_AGENTS)


_VARIABLE: Final = re.compile(r"{(\w+)}")


def _methods(path: str, routes: Mapping[str, Sequence[str]]) -> set[str]:
    """The methods of all routes that fit a path. A path with GET has HEAD, too."""
    served = path.removeprefix("/api") if path.startswith(f"/api{ALIASED}") else path
    found = {one for pattern, methods in routes.items() if _matches(pattern, served) for one in methods}
    return found | {"HEAD"} if "GET" in found else found


def _matches(pattern: str, path: str) -> bool:
    expected = pattern.split("/")
    # The name of a file of the console has slashes in it.
    given = path.split("/", len(expected) - 1) if pattern == CONSOLE_FILE else path.split("/")
    return len(expected) == len(given) and all(
        segment == part or (segment.startswith("{") and part)
        for segment, part in zip(expected, given, strict=True)
    )


DEFAULT: Final = "$default"
"""The route of whatever no other route serves."""
Responds = Mapping[int, tuple[type | str | None, str]]
"""By status: what the answer is, and what it means.

It is a TypedDict, `dict` for any JSON object, None for no body, or the content type of a body that is no JSON.
"""
Refuses = tuple[type[ContactsError], ...]
NOTHING: Final[Responds] = {}
Written = Callable[[Request], int]
"""Tells the items of a request, before the body is validated. It may raise what reading the body raises."""
ServiceFor = Callable[[str, Caller], object]
"""Makes the service whose class has a name, for a caller."""


def no_services(name: str, caller: Caller) -> object:
    """A `ServiceFor` for operations whose functions take no services."""
    raise AssertionError(f"no {name} is made here")


class Operation:
    """One operation: its name, who may call it, and the function behind each of its routes."""

    def __init__(
        self,
        name: str,
        scope: Scope | None = None,
        bundle: Scope | None = None,
        *,
        besides: Sequence[Scope] = (),
    ) -> None:
        """`scope`, `besides`: the scopes that a key needs, all of them. `bundle`: the bundle of scopes that contains
        this operation; a key with the bundle needs no scope. Without a scope no key is needed.
        """
        self.name = name
        self.scopes = () if scope is None else (scope, *besides)
        self.bundle = bundle
        self.needs_key = bool(self.scopes)
        """Whether only callers with a key are served."""
        self._routes: dict[str, Binding] = {}
        self._contacts: dict[str, Binding] = {}
        self._contact_scopes: dict[str, tuple[Scope, ...]] = {}
        self._of_dialects: dict[str, Binding] = {}
        self._written: dict[str, Written] = {}
        self._besides: dict[str, tuple[Scope, ...]] = {}
        self.responds: dict[str, Responds] = {}
        """What each route answers where it carries out what is asked for."""
        self.refuses: dict[str, Refuses] = {}
        """The errors of each route that not every operation has (keys, limits, malformed input)."""

    def on(
        self,
        *routes: str,
        responds: Responds = NOTHING,
        refuses: Refuses = (),
        written: Written | None = None,
        besides: Sequence[Scope] = (),
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Serve routes (`GET /v1/contacts/{ref}`) with a function.

        `responds` and `refuses` are what the OpenAPI document says of them; the function answers what it answers. An
        operation that refuses `StaleVersion` takes If-Match, and one that responds 304 takes If-None-Match.

        `written`: how many items a request writes, by what it sends; None: a GET none, any other one.
        `besides`: scopes that a key needs for these routes besides those of the operation, or its bundle.
        """

        def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
            for route in routes:
                self._routes[route] = Binding(function, route)
                self.responds[route], self.refuses[route] = responds, refuses
                if written is not None:
                    self._written[route] = written
                self._besides[route] = tuple(besides)
            return function

        return register

    def on_contact(
        self, method: str, scope: Scope | None = None
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Serve a contact's own path with a function, although that path belongs to another operation.

        The gateway sends the request for a contact here whose name reads like a path of this operation (`search`,
        `a/events`). The key needs this scope (None: the operation's own), or the bundle `user`, as for reading a
        contact.
        """

        def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
            route = f"{method} {CONTACT}"
            self._contacts[route] = Binding(function, route)
            self._contact_scopes[route] = self.scopes if scope is None else (scope,)
            return function

        return register

    def on_dialect(self, *routes: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Serve routes to which the translations of dialects lead, and no request of the native API.

        For what a vendor's operation asks, and the native API has no words for. The OpenAPI document lacks them.
        """

        def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
            self._of_dialects |= {route: Binding(function, route) for route in routes}
            return function

        return register

    def authorize(self, caller: Caller, route: str | None) -> None:
        """Check the scopes of a caller's key.

        `route`: the request's route in the API that the caller speaks; None: that API has no such route.

        Raises:
            ScopeMissing: the key has neither every scope of the operation nor the bundle that contains it.
        """
        scopes, bundle = self.scopes_of(route), self.bundle
        if route in self._contacts:
            scopes, bundle = self._contact_scopes[route], Scope.USER
        missing = caller.lacking(scopes, bundle)
        if missing is not None:
            raise ScopeMissing(missing)

    def scopes_of(self, route: str | None) -> tuple[Scope, ...]:
        """The scopes that a key needs for a route, unless it has the bundle."""
        return (*self.scopes, *self._besides.get(route or "", ()))

    @property
    def routes(self) -> Mapping[str, Callable[..., Answer]]:
        """The function behind each route."""
        return {route: binding.function for route, binding in self._routes.items()}

    @property
    def bindings(self) -> Mapping[str, "Binding"]:
        """What the function behind each route takes."""
        return self._routes

    @property
    def services(self) -> frozenset[str]:
        """The class names of the services that its functions take, but for those loaded on demand."""
        bindings = (*self._routes.values(), *self._contacts.values())
        return frozenset(name for binding in bindings for name in binding.loaded_services)

    def written(self, request: Request, found: Located | None) -> int:
        """How many items a native request writes, for the meter. `found`: what `located` gives for it."""
        if found is None or found[0] == DEFAULT or found[0].startswith("GET "):
            return 0
        count = self._written.get(found[0])
        try:
            return 1 if count is None else max(1, count(request))
        except ContactsError:  # A body that is no JSON. Whoever validates the request will say so.
            return 1

    def serve(self, request: Request, found: Located | None, service_for: ServiceFor) -> Answer:
        """Call the function behind a route. `found`: what `located` gives for the request.

        Raises:
            RouteNotFound, MethodNotAllowed: `found` is None, so no route of the native API fits.
            ContactsError: the function or a malformed argument raises it.
        """
        if found is None:
            raise refusal(request.method, request.path)
        route, path = found
        binding = self._routes.get(route) or self._contacts.get(route) or self._of_dialects[route]
        arguments = binding.arguments(request, path)
        if binding.services:
            caller = request.caller
            for parameter, service in binding.services.items():
                arguments[parameter] = service_for(service, caller)
        return binding.function(**arguments)

    def located(self, request: Request) -> Located | None:
        """The route of this operation that a native request takes, with the variable parts of its path, or None.

        A request with `?by=` names a contact where the operation does not take `by`: `GET /v1/contacts/search?by=…`.
        """
        route, own = request.route, self._routes.get(request.route)
        routes = {**self._routes, **self._contacts}
        if request.adapter is not None:
            routes |= self._of_dialects
        if own is not None and self._contacts and "by" not in own.query and "by" in request.query:
            routes.pop(route)
        return located(route, request.path_parameters, routes)


class Moment(int):
    """A timestamp, in ms since the epoch."""


class Bounded(int):
    """A whole number within bounds, both inclusive."""

    minimum: ClassVar[int]
    maximum: ClassVar[int]


class Repeated(tuple[str, ...]):
    """The distinct texts of a parameter that may be repeated."""

    __slots__ = ()

    most: ClassVar[int]

    @classmethod
    def checked(cls, text: str) -> str:
        """One of the texts, normalised.

        Raises:
            InvalidValue: the text is not allowed.
        """
        return text


_IN_BRACKETS: Final = re.compile(r"(\w+)\[[0-9]*\]", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def by_name(given: Mapping[str, Sequence[str]], repeatable: Container[str]) -> dict[str, list[str]]:
    """A query by parameter name. `repeatable`: the parameters for which `tag[]` and `tag[0]` read as `tag`.

    axios and PHP send lists so. Any other parameter keeps the name with brackets, which no operation takes.
    """
    found: dict[str, list[str]] = {}
    for sent, values in given.items():
        bracketed = _IN_BRACKETS.fullmatch(sent)
        name = bracketed[1] if bracketed and bracketed[1] in repeatable else sent
        found.setdefault(name, []).extend(values)
    return found


def no_parameter(taken: Sequence[str]) -> Violation:
    """The violation of a parameter that an operation does not take. `taken`: those that it takes."""
    message = f"is no parameter of this operation (it takes: {', '.join(taken) or 'none'})"
    return Violation(FieldErrorCode.UNKNOWN, message)


def converted(values: Sequence[str], kind: Any) -> object:
    """The value of a query parameter. `values`: the texts that were sent for it; `kind`: the type it is to have.

    Raises:
        InvalidValue: the text has another form, or a parameter that may not be repeated was.
    """
    if issubclass(kind, Repeated):
        found = kind(dict.fromkeys(kind.checked(_text(value, kind)) for value in values))
        if len(found) > kind.most:
            message = f"must be given at most {kind.most} times"
            raise InvalidValue(Violation(FieldErrorCode.TOO_MANY, message, kind.most))
        return found
    if len(values) > 1:
        raise InvalidValue(violations.GIVEN_TWICE)
    convert = next(_CONVERTERS[base] for base in kind.__mro__ if base in _CONVERTERS)
    value = convert(values[0], kind)
    return kind.checked(value) if hasattr(kind, "checked") else value


def is_query_kind(kind: Any) -> bool:
    """Whether a query parameter can be converted to this."""
    return isinstance(kind, type) and issubclass(kind, (Repeated, *_CONVERTERS))


def _text(text: str, kind: Any) -> str:
    if "\0" in text:
        raise InvalidValue(violations.HAS_NUL)
    return text


def _boolean(text: str, kind: Any) -> bool:
    if text not in ("true", "false"):
        raise InvalidValue(violations.NOT_BOOLEAN)
    return text == "true"


def _moment(text: str, kind: Any) -> Moment:
    # A day stands for its beginning. (In a query a plus means a space, and `+02:00` is often sent as it is.)
    moment = f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text.replace(" ", "+")
    return Moment(parsed(moment))


def _bounded(text: str, kind: type[Bounded]) -> Bounded:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 10):
        raise InvalidValue(violations.NOT_WHOLE_NUMBER)
    if not kind.minimum <= int(text) <= kind.maximum:
        message = f"must be between {kind.minimum} and {kind.maximum}"
        raise InvalidValue(Violation(FieldErrorCode.OUT_OF_RANGE, message))
    return kind(text)


def _choice(text: str, kind: type[StrEnum]) -> StrEnum:
    text = text.strip()  # `+created_at` arrives with a space for its plus.
    if text not in set(kind):
        raise InvalidValue(violations.not_one_of(kind))
    return kind(text)


_CONVERTERS: Final[Mapping[type, Callable[[str, Any], object]]] = {
    Moment: _moment,
    Bounded: _bounded,
    StrEnum: _choice,
    bool: _boolean,
    str: _text,
}


class QueryParameter(NamedTuple):
    """The type of a query parameter, and its default."""

    kind: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether a request must give it."""
        return self.default is inspect.Parameter.empty


class Binding:
    """A function and the sources of its arguments, as its signature tells them.

    A parameter that is a dataclass stands for the query parameters that are its fields. A query parameter whose name
    is a word of Python's has an underscore behind it: `from_` is `from`.
    """

    def __init__(self, function: Callable[..., Answer], route: str) -> None:
        self.function = function
        self.route = route
        self.path: list[str] = []
        """Parameters in the path."""
        self.query: dict[str, QueryParameter] = {}
        self.bodies: dict[str, Any] = {}
        """By parameter, the model of the body: one at most."""
        self.services: dict[str, str] = {}
        """By parameter, the name of a service's class."""
        self.loaded_services: list[str] = []
        """The services to load while the function starts: all whose annotation is no text in quotes."""
        self._takes_request: list[str] = []
        self._refs: list[str] = []
        self._renamed: dict[str, str] = {}
        """By name in the query, the parameter of the function."""
        self._groups: dict[str, tuple[Callable[..., object], tuple[str, ...]]] = {}
        for parameter in inspect.signature(function).parameters.values():
            kind = _without_none(parameter.annotation)
            if isinstance(kind, type) and is_dataclass(kind) and kind is not Request:
                grouped = inspect.signature(kind).parameters.values()
                self.query |= {member.name: _query_parameter(member) for member in grouped}
                self._groups[parameter.name] = (kind, tuple(member.name for member in grouped))
            elif kind is Request:
                self._takes_request.append(parameter.name)
            elif kind is Ref:
                self.path.append(parameter.name)
                self.query["by"] = QueryParameter(RefKind, None)
                self._refs.append(parameter.name)
            elif f"{{{parameter.name}}}" in route:
                self.path.append(parameter.name)
            elif hasattr(kind, "from_request"):
                kind.prepare()
                self.bodies[parameter.name] = kind
            elif is_query_kind(kind):
                name = parameter.name.rstrip("_")
                self.query[name] = _query_parameter(parameter)
                if name != parameter.name:
                    self._renamed[name] = parameter.name
            elif isinstance(kind, str):
                self.services[parameter.name] = kind
            else:
                self.services[parameter.name] = kind.__name__
                self.loaded_services.append(kind.__name__)
        self._repeatable = {name for name, one in self.query.items() if issubclass(one.kind, Repeated)}

    def arguments(self, request: Request, path: Mapping[str, str]) -> dict[str, object]:
        """The function's arguments but for the services. `path`: the variable parts of the path.

        Raises:
            InvalidInput: names everything that is wrong in query and body together.
            BodyNotJson, BodyNotReadable, BodyTooLarge.
        """
        arguments: dict[str, object] = dict.fromkeys(self._takes_request, request)
        if self.route == DEFAULT:
            return arguments  # The route of unknown paths takes no parameters.
        arguments |= {name: path[name] for name in self.path}
        errors = self._read_query(request, arguments)
        for name, body in self.bodies.items():
            try:
                arguments[name] = body.from_request(request)
            except BodyNotJson:
                raise
            except InvalidInput as error:
                errors.extend(error.errors)
        if errors:
            for name in self.bodies:
                # A draft (`bodies.Draft`) keeps its errors and has raised none.
                errors.extend(getattr(arguments.get(name), "errors", ()))
            raise InvalidInput(errors)
        if self._refs:
            by: Any = arguments.pop("by", None)
            arguments |= {name: request.ref(path[name], by) for name in self._refs}
        arguments |= {own: arguments.pop(name) for name, own in self._renamed.items() if name in arguments}
        for argument, (group, names) in self._groups.items():
            arguments[argument] = group(**{name: arguments.pop(name) for name in names if name in arguments})
        return arguments

    def _read_query(self, request: Request, arguments: dict[str, object]) -> list[FieldError]:
        """Add the query's values to `arguments`; returns what is wrong with the others."""
        errors: list[FieldError] = []
        given = by_name(request.query, self._repeatable)
        for name, values in given.items():
            if name not in self.query:
                errors.append(FieldError(name, no_parameter(tuple(self.query))))
                continue
            try:
                arguments[name] = converted(values, self.query[name].kind)
            except InvalidValue as error:
                errors.append(FieldError(name, error.violation))
        errors += [
            FieldError(name, REQUIRED)
            for name, parameter in self.query.items()
            if parameter.is_required and name not in given
        ]
        return errors


def _query_parameter(parameter: inspect.Parameter) -> QueryParameter:
    return QueryParameter(_without_none(parameter.annotation), parameter.default)


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation
