"""Any contact, as the native API shows it."""

from typing import Any

from hypothesis import strategies as some

Json = dict[str, Any]

texts = some.text(some.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
_moments = some.datetimes().map(
    lambda moment: f"{moment:%Y}".rjust(4, "0") + f"{moment:-%m-%dT%H:%M:%S}.123Z"
)
json_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
_maps = some.dictionaries(texts.filter(bool), json_values.filter(lambda value: value is not None), max_size=3)
_slugs = some.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)

native_contacts: some.SearchStrategy[Json] = some.fixed_dictionaries(
    {
        "id": some.uuids().map(str),
        "external_id": some.none() | texts.filter(bool),
        "email": some.emails().map(str.lower),
        "first_name": some.none() | texts,
        "last_name": some.none() | texts,
        "name": some.none() | texts,
        "phone": some.none() | some.just("+4915112345678"),
        "tags": some.lists(texts.filter(bool), unique=True, max_size=3),
        "lists": some.lists(_slugs, unique=True, max_size=3),
        "custom_fields": _maps,
        "metadata": _maps,
        "is_active": some.booleans(),
        "is_unsubscribed": some.booleans(),
        "unsubscribed_at": some.none() | _moments,
        "validation_status": some.sampled_from(["pending", "valid", "invalid"]),
        "validation_reason": some.none() | some.just("no_mx"),
        "version": some.integers(1, 10**6),
        "created_at": _moments,
        "updated_at": _moments,
    }
)
"""With an email, as all have that a vendor's clients make."""
