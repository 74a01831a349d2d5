"""The routes that `refuse_request` knows are the template's and the handlers'."""

from importlib import import_module
from pathlib import Path

import pytest

from contacts.accounts.model import Dialect
from contacts.core.errors import MethodNotAllowed, RouteNotFound
from contacts.dialects import wire
from contacts.web.routing import ALIASED, OF_ONE_VENDOR, ROUTES, refusal, refused_name
from local.template import functions

VENDORS = [dialect for dialect in Dialect if dialect is not Dialect.NATIVE]


def dialect_of(vendor: Dialect) -> wire.Dialect:
    found: wire.Dialect = import_module(f"contacts.dialects.{vendor}").DIALECT
    return found


def in_template() -> set[tuple[str, str]]:
    """But for HEAD, which is where GET is."""
    routes = {route for function in functions() for route in function.routes if route[1] != "$default"}
    heads = {path for method, path in routes if method == "HEAD"}
    assert heads == {path for method, path in routes if method == "GET"}
    return {(method, path) for method, path in routes if method != "HEAD"}


def natively() -> set[tuple[str, str]]:
    return {(method, path) for path, methods in ROUTES.items() for method in methods}


def vendors_own() -> set[tuple[str, str]]:
    """The routes that only a vendor has."""
    routes = {route for vendor in VENDORS for route in dialect_of(vendor).routes}
    return {(method, path) for method, _, path in (route.partition(" ") for route in routes)} - natively()


def is_aliased(method: str, path: str) -> bool:
    """Whether the clients of a vendor that has this route send it under `/api/v1`."""
    vendors = (Dialect.SENDMATOR, Dialect.ARTAMAIL)
    return any(f"{method} {path}" in dialect_of(vendor).routes for vendor in vendors)


def test_the_template_serves_just_the_known_routes_their_aliases_and_those_of_vendors() -> None:
    known = natively()
    aliases = {(method, f"/api{path}") for method, path in known if path.startswith(ALIASED)}
    own = vendors_own()
    aliases |= {(method, f"/api{path}") for method, path in own if is_aliased(method, path)}
    assert in_template() == known | aliases | own


def test_the_routes_of_a_single_vendor_are_known() -> None:
    """An unknown key is answered there in that vendor's words."""
    found = {
        f"{method} {path}": [one for one in VENDORS if f"{method} {path}" in dialect_of(one).routes]
        for method, path in vendors_own()
    }
    assert {route: vendors[0] for route, vendors in found.items() if len(vendors) == 1} == OF_ONE_VENDOR


def test_each_route_is_served_by_the_function_it_leads_to() -> None:
    for function in functions():
        source = (function.folder / "handler.py").read_text(encoding="utf-8")
        for method, path in set(function.routes):
            if ("GET" if method == "HEAD" else method, path.removeprefix("/api")) in vendors_own():
                continue
            known = "GET" if method == "HEAD" else method
            route = "$default" if path == "$default" else f"{known} {path.removeprefix('/api')}"
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
        assert 5 <= len(source.splitlines()) <= 55, f"{function.name} is more than one screen, or nothing"


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("PUT", "/v1/contacts", ("GET", "HEAD", "POST")),
    ("POST", "/v1/contacts/ada@example.com", ("DELETE", "GET", "HEAD", "PATCH", "PUT")),
    ("POST", "/api/v1/contacts/x", ("DELETE", "GET", "HEAD", "PATCH", "PUT")),
    ("HEAD", "/v1/webhooks/x/test", ("POST",)),
    ("POST", "/v1/tags", ("GET", "HEAD")),
    ("POST", "/console/views/contacts.js", ("GET", "HEAD")),
])  # fmt: skip
def test_a_method_a_path_lacks_is_405_with_those_it_has(
    method: str, path: str, allowed: tuple[str, ...]
) -> None:
    refused = refusal(method, path)
    assert isinstance(refused, MethodNotAllowed)
    assert refused.allowed == allowed


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "/v1/contacts/x/restore", ("POST",)),
    ("GET", "/api/v1/contacts/x/merge", ("POST",)),
    ("DELETE", "/api/v1/contacts/x/events", ("GET", "HEAD", "POST")),
    ("PUT", "/v1/contacts/x/chat", ("GET", "HEAD")),
])  # fmt: skip
def test_a_known_path_under_an_unknown_contact_is_405_for_other_methods(
    method: str, path: str, allowed: tuple[str, ...]
) -> None:
    refused = refused_name(method, path)
    assert isinstance(refused, MethodNotAllowed)
    assert refused.allowed == allowed


@pytest.mark.parametrize(
    "path", ["/v1/contacts/x", "/v1/contacts/batch", "/v1/contacts/a/b", "/v1/webhooks/x"]
)
def test_any_other_unknown_name_is_404(path: str) -> None:
    assert refused_name("GET", path) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/v1/contacts/"), ("POST", "/api/v1/contacts/"), ("GET", "/v1/webhooks/x/")),
        *(("GET", "/v1/tags/"), ("GET", "/docs/")),
    ],
)
def test_an_empty_segment_in_a_path_is_reported(method: str, path: str) -> None:
    refused = refusal(method, path)
    assert isinstance(refused, RouteNotFound)
    assert "without the slash" in str(refused)


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/contacts/", "/v2/contacts", "/api/v1/account", "/v1/webhooks/a/b", "/v1/contacts/a/b"],
)
def test_a_path_without_a_route_is_404(path: str) -> None:
    assert isinstance(refusal("GET", path), RouteNotFound)
