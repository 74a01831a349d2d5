"""Who made which key, and what goes with a key that is revoked."""

from collections.abc import Collection, Sequence

from contacts.domain.accounts import BUNDLES, ApiKey, Dialect, Mode, Scope


def revoked_with(keys: Sequence[ApiKey], key_id: str, spared_id: str) -> list[ApiKey]:
    """A key, and those that it has made, those that these have made and so on; whoever made others stands before them.

    `spared_id`: the key that asks for it. Unless it names itself, it stays with all that it has made: so a key can be
    replaced by one that it has made itself.
    """
    made_by: dict[str | None, list[ApiKey]] = {}
    for key in keys:
        if key.id != spared_id:
            made_by.setdefault(key.made_by, []).append(key)
    found = [key for key in keys if key.id == key_id]
    # A loop over what grows: each key is found once, by whoever made it, because a maker is older.
    for key in found:
        found += [made for made in made_by.get(key.id, ()) if made not in found]
    return found


def full_keys(keys: Collection[ApiKey]) -> list[ApiKey]:
    """The keys that may do all that any key of the account may do, and make others that may.

    They are native and live: in other dialects keys cannot be made, and test keys make none that work.
    """
    live = [key for key in keys if key.mode is Mode.LIVE]
    every = frozenset[Scope]().union(*map(_reach, live))
    return [
        key
        for key in live
        if key.dialect is Dialect.NATIVE and Scope.KEYS_WRITE in key.scopes and every <= _reach(key)
    ]


def _reach(key: ApiKey) -> frozenset[Scope]:
    """The scopes of a key, with those that its bundles stand for instead of them."""
    return frozenset[Scope]().union(*(BUNDLES.get(scope, {scope}) for scope in key.scopes))
