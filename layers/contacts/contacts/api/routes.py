"""Every route of the API: what `refuse_request` knows of the others. A test holds it against template.yaml."""

from collections.abc import Mapping, Sequence
from typing import Final

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


def refusal(method: str, path: str, routes: Mapping[str, Sequence[str]] = ROUTES) -> ContactsError:
    """Why a request that matched none of the routes is refused."""
    served = path.removeprefix("/api") if path.startswith(f"/api{ALIASED}") else path
    # A path may be more than one's: `batch` is also the external_id of some contact.
    served_with = {one for pattern, methods in routes.items() if _matches(pattern, served) for one in methods}
    if served_with and method not in served_with:
        return MethodNotAllowed(sorted(served_with))
    return RouteNotFound("Nothing is served at this path.")


def _matches(pattern: str, path: str) -> bool:
    expected, given = pattern.split("/"), path.split("/")
    return len(expected) == len(given) and all(
        segment == part or (segment.startswith("{") and part)
        for segment, part in zip(expected, given, strict=True)
    )
