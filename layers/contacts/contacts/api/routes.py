"""Every route of the API, and where a path leads. A test holds the table against template.yaml.

A path names a contact by any text, so what follows `/v1/contacts/` may hold slashes and words that are a path of
their own: `a/b@example.com`, `search`, `a/events`. API Gateway decodes `%2F` before it routes, so it cannot tell
these from paths; whoever knows which paths the caller has, can.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from contacts.domain.accounts import Dialect
from contacts.domain.errors import ContactsError, MethodNotAllowed, RouteNotFound

ROUTES: Final = {
    "/v1/contacts": ("GET", "POST"),
    "/v1/contacts/batch": ("POST",),
    "/v1/contacts/search": ("GET",),
    "/v1/contacts/{ref}": ("DELETE", "GET", "PATCH", "PUT"),
    "/v1/contacts/{ref}/restore": ("POST",),
    "/v1/contacts/{ref}/merge": ("POST",),
    "/v1/contacts/{ref}/events": ("GET", "POST"),
    "/v1/contacts/{ref}/gates": ("GET",),
    "/v1/contacts/{ref}/chat": ("GET",),
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
    "/v1/events": ("GET",),
    "/v1/tags": ("GET",),
    "/v1/lists": ("GET",),
    "/v1/account": ("GET",),
    "/v1/api-keys": ("GET", "POST"),
    "/v1/api-keys/{id}": ("DELETE",),
    "/openapi.json": ("GET",),
    "/docs": ("GET",),
    "/docs/{file}": ("GET",),
}
ALIASED: Final = "/v1/contacts"
"""What begins with this is also served under `/api`."""
CONTACT: Final = "/v1/contacts/{ref}"
"""A contact; `{ref}` takes all the rest of the path.

In template.yaml it is `{proxy+}`: for another name of such a variable SAM makes a permission that does not fit.
"""
OF_ONE_VENDOR: Final = {
    "GET /v1/contacts/{ref}/info": Dialect.SMARTSENDER,
    "POST /v1/contacts/{ref}/fire": Dialect.SMARTSENDER,
    "POST /v1/contacts/{ref}/merge/{target}": Dialect.SMARTSENDER,
}
"""Routes that a single dialect has, and the native API has not."""


def located(
    route: str, parameters: Mapping[str, str], routes: Collection[str]
) -> tuple[str, Mapping[str, str]] | None:
    """Where a request leads among the routes of whoever it speaks to, with the variable parts of its path.

    `route`, `parameters`: as the gateway has matched them, by everybody's routes. Where these routes lack the one it
    took, a path under a contact's is the contact's name as a whole. None: it leads nowhere.
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
    """Why a request that none of the routes serves is refused."""
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
    """Why a path that names no contact is refused, where there is more to say than that.

    It may be meant for what is under a contact (`PUT …/a/events`), or end in a slash too many.
    """
    if "/" not in path.partition(f"{ALIASED}/")[2]:
        return None
    own = {pattern: methods for pattern, methods in routes.items() if pattern != CONTACT}
    refused = refusal(method, path, own)
    if isinstance(refused, MethodNotAllowed):
        return refused
    return refusal(method, path, routes) if path.endswith("/") else None


_VARIABLE: Final = re.compile(r"{(\w+)}")


def _methods(path: str, routes: Mapping[str, Sequence[str]]) -> set[str]:
    """The methods of all routes that a path may be; where there is GET there is HEAD."""
    served = path.removeprefix("/api") if path.startswith(f"/api{ALIASED}") else path
    found = {one for pattern, methods in routes.items() if _matches(pattern, served) for one in methods}
    return found | {"HEAD"} if "GET" in found else found


def _matches(pattern: str, path: str) -> bool:
    expected, given = pattern.split("/"), path.split("/")
    return len(expected) == len(given) and all(
        segment == part or (segment.startswith("{") and part)
        for segment, part in zip(expected, given, strict=True)
    )
