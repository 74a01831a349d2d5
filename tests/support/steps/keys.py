"""The scopes of an account's first key."""

FIRST_SCOPES = [
    *("contacts:read", "contacts:write", "properties:read", "properties:write"),
    *("webhooks:read", "webhooks:write", "imports:read", "imports:write", "exports:read", "exports:write"),
    *("keys:write", "account:read"),
]
