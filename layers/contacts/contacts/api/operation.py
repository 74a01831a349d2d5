"""Operations: what a handler is, and how a request becomes its arguments.

API Gateway has matched the route already (`routeKey`), so it is not matched again here: that is also the only
reading of a path that lets an external_id be any text. A handler's signature is its contract: path parameters
and query parameters by name and type, a body by its model; what it does not name is refused.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from contacts.api.answers import Answer
from contacts.api.parameters import converted
from contacts.api.request import Request
from contacts.api.routes import refusal
from contacts.domain.accounts import Scope
from contacts.domain.errors import BodyNotJson, FieldError, InvalidInput


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
        """`scope`: what a key needs; `besides`: the scopes it needs as well; `bundle`: the bundle of scopes that
        contains this operation, and stands for all of them.

        Without a scope no key is needed.
        """
        self.name = name
        self.scopes = () if scope is None else (scope, *besides)
        self.bundle = bundle
        self._routes: dict[str, Binding] = {}

    def on(self, *routes: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Serve routes (`GET /v1/contacts/{ref}`) with a function."""

        def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
            for route in routes:
                self._routes[route] = Binding(function, route)
            return function

        return register

    @property
    def needs_key(self) -> bool:
        """Whether only callers with a key are served."""
        return bool(self.scopes)

    @property
    def routes(self) -> Mapping[str, Callable[..., Answer]]:
        """The function behind each route."""
        return {route: binding.function for route, binding in self._routes.items()}

    @property
    def bindings(self) -> Mapping[str, "Binding"]:
        """What the function behind each route takes."""
        return self._routes

    def serve(self, request: Request) -> Answer:
        """Call the function behind the request's route.

        Raises:
            ContactsError: whatever the function or a malformed argument raises.
        """
        binding = self._routes.get(request.route)
        if binding is None:  # it is another vendor's
            raise refusal(request.method, request.path)
        return binding.function(**binding.arguments(request))


class QueryParameter(NamedTuple):
    """What a query parameter is converted to, and what it is where it is not given."""

    kind: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty


class Binding:
    """A function with what its signature says about where its arguments come from.

    A dataclass stands for a group of query parameters that several operations take.
    """

    def __init__(self, function: Callable[..., Answer], route: str) -> None:
        self.function = function
        self.path: list[str] = []
        """Parameters in the path."""
        self.query: dict[str, QueryParameter] = {}
        self.bodies: dict[str, Any] = {}
        """Models of the body, of which there is one at most."""
        self._takes_request: list[str] = []
        self._groups: dict[str, tuple[Callable[..., object], tuple[str, ...]]] = {}
        for parameter in inspect.signature(function).parameters.values():
            kind = _without_none(parameter.annotation)
            if isinstance(kind, type) and is_dataclass(kind) and kind is not Request:
                grouped = inspect.signature(kind).parameters.values()
                self.query |= {member.name: _query_parameter(member) for member in grouped}
                self._groups[parameter.name] = (kind, tuple(member.name for member in grouped))
            elif kind is Request:
                self._takes_request.append(parameter.name)
            elif f"{{{parameter.name}}}" in route:
                self.path.append(parameter.name)
            elif hasattr(kind, "from_request"):
                kind.prepare()
                self.bodies[parameter.name] = kind
            else:
                self.query[parameter.name] = _query_parameter(parameter)

    def arguments(self, request: Request) -> dict[str, object]:
        """The function's arguments, of a request.

        Raises:
            InvalidInput: names everything that is wrong.
            BodyTooLarge.
        """
        arguments: dict[str, object] = dict.fromkeys(self._takes_request, request)
        given_path = request.path_parameters()
        arguments |= {name: given_path[name] for name in self.path}
        errors: list[FieldError] = []
        given = request.query()
        for name, values in given.items():
            if name not in self.query:
                known = ", ".join(self.query) or "none"
                errors.append(FieldError(name, f"is no parameter of this operation (it takes: {known})"))
                continue
            try:
                arguments[name] = converted(values, self.query[name].kind)
            except ValueError as error:
                errors.append(FieldError(name, str(error)))
        errors += [
            FieldError(name, "is required")
            for name, parameter in self.query.items()
            if parameter.is_required and name not in given
        ]
        for name, body in self.bodies.items():
            try:
                arguments[name] = body.from_request(request)
            except BodyNotJson:
                raise
            except InvalidInput as error:
                errors.extend(error.errors)
        if errors:
            for name in self.bodies:
                # Of a draft (`bodies.Draft`) nothing has been refused yet.
                errors.extend(getattr(arguments.get(name), "wrong", ()))
            raise InvalidInput(errors)
        for argument, (group, names) in self._groups.items():
            arguments[argument] = group(**{name: arguments.pop(name) for name in names if name in arguments})
        return arguments


def _query_parameter(parameter: inspect.Parameter) -> QueryParameter:
    return QueryParameter(_without_none(parameter.annotation), parameter.default)


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation
