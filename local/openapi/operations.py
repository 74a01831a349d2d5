"""The operations as their handlers declare them; no service is made."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from contacts import runtime
from contacts.core import errors
from contacts.web.routing import CONTACT, ROUTES, Binding, Operation, Refuses, Responds
from local.stack import ROOT
from local.template import functions

_OF_EVERY_OPERATION: Final[Refuses] = (errors.InvalidInput,)
_OF_KEYS: Final[Refuses] = (
    errors.NotAuthenticated,
    errors.KeyRevoked,
    errors.AccountSuspended,
    errors.ScopeMissing,
    errors.LimitReached,
    errors.MeterThrottled,
    errors.TemporarilyUnavailable,
    errors.Contention,
)
_OF_BODIES: Final[Refuses] = (errors.BodyNotJson, errors.BodyTooLarge, errors.BodyNotReadable)
_OF_WRITES: Final[Refuses] = (errors.IdempotencyKeyReused, errors.WrittenLimitReached, errors.ReadOnly)
_OF_CONTACTS: Final[Refuses] = (errors.RouteNotFound, errors.MethodNotAllowed)
"""A contact's path takes whatever follows, so it may have been meant for another route."""


class NotDocumented(LookupError):
    """Raised when a handler does not say what an operation answers."""


@dataclass(frozen=True, slots=True)
class Served:
    """One route, with the operation and the function that serve it."""

    method: str
    path: str
    operation: Operation
    binding: Binding
    id: str
    """Its operationId: the name of its function; for a further route of the same function, followed by the method."""
    summary: str
    description: str

    @property
    def body(self) -> Any:
        """The model of its body, if it takes one."""
        return next(iter(self.binding.bodies.values()), None)

    @property
    def is_write(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method != "GET"

    @property
    def responds(self) -> Responds:
        """What it answers where it carries out what is asked for, by status.

        Raises:
            NotDocumented: its handler does not say.
        """
        found = self.operation.responds.get(self.binding.route)
        if not found:
            raise NotDocumented(
                f"{self.binding.route}: say what it answers in functions/{self.operation.name}/handler.py: "
                '@operation.on(…, responds={200: (SomethingOut, "What that means.")}, refuses=(SomeError,)), with '
                "SomethingOut, a TypedDict, in the model of its feature; then run `make openapi`"
            )
        return found

    @property
    def refuses(self) -> Refuses:
        """Every error it may answer: those of all operations of its kind, and its own."""
        return (
            *_OF_EVERY_OPERATION,
            *(_OF_KEYS if self.operation.needs_key else ()),
            *(_OF_BODIES if self.body is not None else ()),
            *(_OF_WRITES if self.is_write else ()),
            *self.operation.refuses[self.binding.route],
            *(_OF_CONTACTS if self.path == CONTACT else ()),
        )


def served() -> list[Served]:
    """Every route of the API, in the order of `web/routing.py`."""
    found = {(one.method, one.path): one for one in _declared()}
    return [found[method, path] for path, methods in ROUTES.items() for method in methods]


def _declared() -> Iterator[Served]:
    for function in functions():
        if not function.routes:
            continue
        handler = loaded(function.name)
        operation: Operation = handler.operation
        seen: set[str] = set()
        for route, binding in operation.bindings.items():
            method, _, path = route.partition(" ")
            name = binding.function.__name__
            summary, description = _texts(handler, operation, binding)
            yield Served(
                method=method,
                path=path,
                operation=operation,
                binding=binding,
                id=f"{name}_{method.lower()}" if name in seen else name,
                summary=summary,
                description=description,
            )
            seen.add(name)


def loaded(name: str) -> Any:
    """The module of a handler, without any wiring."""
    spec = spec_from_file_location(f"documented_{name}", ROOT / "functions" / name / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = module_from_spec(spec)
    with patch.object(runtime, "runtime"):
        spec.loader.exec_module(module)
    return module


def _texts(handler: ModuleType, operation: Operation, binding: Binding) -> tuple[str, str]:
    """A line that says what a route does, and a text that says more: of its function's docstring and its handler's."""
    of_function = (inspect.getdoc(binding.function) or "").partition("\n\nRaises:")[0]
    summary = re.split(r"[;:.](?:\s|$)", of_function, maxsplit=1)[0].replace("`", "")
    if len({id(one.function) for one in operation.bindings.values()}) > 1:
        return summary, of_function
    of_handler = (inspect.getdoc(handler) or "").partition("\n")[0].partition(": ")[2]
    return summary, f"{of_handler[:1].upper()}{of_handler[1:]}\n\n{of_function}"
