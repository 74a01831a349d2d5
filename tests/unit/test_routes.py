"""The routes that `refuse_request` knows are the template's and the handlers'."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace

import pytest

import contacts.dialects
from contacts.api.routes import ALIASED, ROUTES, refusal
from contacts.domain.errors import MethodNotAllowed, RouteNotFound
from local.template import functions, template

NO_DIALECT = SimpleNamespace(routes={})
"""Of a module that is none."""


def in_template() -> set[tuple[str, str]]:
    return {route for function in functions() for route in function.routes if route[1] != "$default"}


def natively() -> set[tuple[str, str]]:
    return {(method, path) for path, methods in ROUTES.items() for method in methods}


def vendors_own() -> set[tuple[str, str]]:
    """The routes that only a vendor has."""
    routes = {
        route
        for module in iter_modules(contacts.dialects.__path__, "contacts.dialects.")
        for route in getattr(import_module(module.name), "DIALECT", NO_DIALECT).routes
    }
    return {(method, path) for method, _, path in (route.partition(" ") for route in routes)} - natively()


def test_the_template_serves_just_the_known_routes_their_aliases_and_those_of_vendors() -> None:
    known = natively()
    aliases = {(method, f"/api{path}") for method, path in known if path.startswith(ALIASED)}
    assert in_template() == known | aliases | vendors_own()


def test_each_route_is_served_by_the_function_it_leads_to() -> None:
    for function in functions():
        source = (function.folder / "handler.py").read_text(encoding="utf-8")
        for method, path in set(function.routes) - vendors_own():
            route = "$default" if path == "$default" else f"{method} {path.removeprefix('/api')}"
            assert f'"{route}"' in source, f"{function.name} does not serve {route}"


def test_every_folder_of_functions_is_a_function_of_the_template() -> None:
    folders = {
        folder.name
        for folder in (Path(functions()[0].folder).parent).iterdir()
        if (folder / "handler.py").exists()
    }
    assert folders == {function.name for function in functions()}


def test_functions_do_not_import_each_other() -> None:
    for function in functions():
        source = (function.folder / "handler.py").read_text(encoding="utf-8")
        imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
        assert all("contacts" in line or "typing" in line or "collections" in line for line in imports)
        assert 5 <= len(source.splitlines()) <= 40, f"{function.name} is more than one screen, or nothing"


def test_the_template_stays_far_from_cloudformations_limit() -> None:
    # A role comes with each function and a permission with each route; a topic's subscriber brings three more.
    resources = template()["Resources"].values()
    routes = sum(len(function.routes) for function in functions())
    subscribers = sum("EventInvokeConfig" in resource.get("Properties", {}) for resource in resources)
    assert len(resources) + len(functions()) + routes + 3 * subscribers < 450


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("PUT", "/v1/contacts", ("GET", "POST")),
    ("POST", "/v1/contacts/ada@example.com", ("DELETE", "GET", "PATCH", "PUT")),
    ("POST", "/api/v1/contacts/x", ("DELETE", "GET", "PATCH", "PUT")),
    ("GET", "/v1/contacts/x/restore", ("POST",)),
    ("GET", "/api/v1/contacts/x/merge", ("POST",)),
    ("DELETE", "/api/v1/contacts/x/events", ("GET", "POST")),
    ("HEAD", "/v1/contacts/batch", ("DELETE", "GET", "PATCH", "POST", "PUT")),
    ("POST", "/v1/tags", ("GET",)),
])  # fmt: skip
def test_a_method_a_path_lacks_is_405_with_those_it_has(
    method: str, path: str, allowed: tuple[str, ...]
) -> None:
    refused = refusal(method, path)
    assert isinstance(refused, MethodNotAllowed)
    assert refused.allowed == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/contacts/", "/v2/contacts", "/api/v1/account", "/v1/contacts/a/b"]
)
def test_a_path_without_a_route_is_404(path: str) -> None:
    assert isinstance(refusal("GET", path), RouteNotFound)
