"""What goes with a key that is revoked, who may revoke it, and what happens when that meets other requests."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.accounts import service as api_key_service
from contacts.accounts.authentication import Authenticator
from contacts.accounts.model import ApiKey, Caller, Dialect, Mode, Plan, Scope, full_keys
from contacts.accounts.service import AccountService, ApiKeyService, CreateApiKey
from contacts.accounts.store import AccountStore
from contacts.book.model import Outcome
from contacts.core.errors import ApiKeyNotFound, Contention, KeyRevoked, LastFullKey, ScopeMissing
from contacts.core.idempotency import IdempotencyKey
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression
from contacts.table.records import RecordStore
from contacts.web.entrypoint import replay_or_raise
from local.table import NAME
from tests.support.fakes import CountingBytes, FakeClock, let_in
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable

MANAGER = (Scope.KEYS_WRITE, Scope.CONTACTS_READ)
READER = (Scope.CONTACTS_READ,)


class Family:
    """An account in a table, with its first key A, and keys by the names that tests give them."""

    def __init__(self) -> None:
        self.clock, randomness = FakeClock(), CountingBytes()
        self.table = Table(MotoTable().client(), NAME)
        self.store = AccountStore(self.table, randomness)
        self.ring = ApiKeyService(self.store, self.clock, randomness)
        self.account, shown = AccountService(self.store, self.clock, randomness).open_account(
            "Acme", Plan.PRO, None
        )
        self.shown = {"A": shown[Dialect.NATIVE]}
        (first,) = self.store.api_keys(self.account.id)
        self.ids = {"A": first.id}

    def caller(self, name: str) -> Caller:
        """Whoever has the key, as a function remembers it."""
        found = let_in(Authenticator(self.store, self.clock), self.shown[name]).caller
        return Caller(self.account, found.key)

    def make(
        self, maker: str | Caller, name: str, scopes: tuple[Scope, ...] | None = None, **more: object
    ) -> Outcome:
        caller = self.caller(maker) if isinstance(maker, str) else maker
        self.clock.at_ms += 1
        made = self.ring.add(caller, CreateApiKey(name=name, scopes=scopes, **more), None)  # type: ignore[arg-type]
        self.shown[name], self.ids[name] = str(made.secrets["key"]), str(made.details["id"])
        return made

    def revoke(self, caller: str, name: str, idempotency_key: IdempotencyKey | None = None) -> set[str]:
        """The names of the keys that went with it."""
        outcome = self.ring.revoke(self.caller(caller), self.ids[name], idempotency_key)
        assert outcome.details["id"] == self.ids[name]
        also = outcome.details["also_revoked"]
        assert isinstance(also, list)
        return {self.name_of(key_id) for key_id in also}

    def name_of(self, key_id: str) -> str:
        return next(name for name, known in self.ids.items() if known == key_id)

    @property
    def live(self) -> set[str]:
        """The names of the keys that open something; the listing has just these."""
        listed = {self.name_of(key.id) for key in self.store.api_keys(self.account.id)}
        opening = set()
        for name in self.shown:
            try:
                self.caller(name)
            except KeyRevoked:
                continue
            opening.add(name)
        assert listed == opening
        return listed


@pytest.fixture
def family() -> Family:
    """A made B and C, B made D, D made E; all but A may manage keys and read contacts."""
    family = Family()
    for maker, name in (("A", "B"), ("A", "C"), ("B", "D"), ("D", "E")):
        family.make(maker, name, MANAGER)
    return family


def test_a_key_knows_who_made_it(family: Family) -> None:
    listed = {self["name"]: self["made_by"] for self in family.ring.keys(family.caller("A"))}
    assert listed == {
        "first key": None,
        **{name: family.ids[maker] for name, maker in ("BA", "CA", "DB", "ED")},
    }
    assert family.caller("E").key.made_by == family.ids["D"]


@pytest.mark.parametrize(
    ("caller", "name", "also"),
    [
        ("A", "B", "DE"),
        ("A", "D", "E"),
        ("A", "E", ""),
        ("C", "B", "DE"),
        ("E", "C", ""),
        # Who names itself goes, too.
        ("B", "B", "DE"),
        # Who asks stays, with what it made.
        ("D", "B", ""),
        ("E", "B", "D"),
    ],
)
def test_revoking_a_key_revokes_what_it_made(caller: str, name: str, also: str, family: Family) -> None:
    before = family.live
    assert family.revoke(caller, name) == set(also)
    assert family.live == before - {name, *also}


def test_a_key_that_stays_counts_as_made_by_its_makers_maker(family: Family) -> None:
    family.revoke("D", "B")
    assert family.caller("D").key.made_by == family.ids["A"]
    family.revoke("E", "D")
    assert family.caller("E").key.made_by == family.ids["A"]
    # Another full key takes the place of the first, and with it go E and C.
    family.make("A", "F")
    assert family.revoke("F", "A") == {"C", "E"}
    assert family.live == {"F"}
    assert family.caller("F").key.made_by is None


def test_the_last_full_key_is_revoked_by_nobody(family: Family) -> None:
    for caller in "ABE":
        with pytest.raises(LastFullKey):
            family.revoke(caller, "A")
    assert family.live == set("ABCDE")
    family.make("A", "F")
    # F was made by A, and went with it; only F itself can take A's place.
    with pytest.raises(LastFullKey):
        family.revoke("B", "A")
    with pytest.raises(LastFullKey):
        family.revoke("A", "A")
    assert family.revoke("F", "A") == set("BCDE")


def test_a_narrower_key_revokes_a_full_one_while_another_is_left(family: Family) -> None:
    family.make("A", "F")
    family.revoke("B", "F")
    with pytest.raises(ScopeMissing):
        family.make("B", "G", (Scope.CONTACTS_WRITE,))


@pytest.mark.parametrize(
    ("scopes", "more"),
    [
        ((Scope.CONTACTS_READ,), {}),
        (None, {"mode": Mode.TEST}),
        (None, {"dialect": Dialect.ARTAMAIL}),
        (None, {"dialect": Dialect.SENDMATOR}),
        (tuple(scope for scope in Scope if scope not in (Scope.KEYS_WRITE, Scope.API_USER, Scope.USER)), {}),
        (
            tuple(scope for scope in Scope if scope not in (Scope.ACCOUNT_READ, Scope.API_USER, Scope.USER)),
            {},
        ),
    ],
    ids=["narrow", "test", "artamail", "sendmator", "no keys:write", "all but one"],
)
def test_what_takes_the_place_of_no_full_key(
    scopes: tuple[Scope, ...] | None, more: dict[str, object]
) -> None:
    family = Family()
    family.make("A", "F", scopes, **more)
    assert full_keys(family.store.api_keys(family.account.id)) == [
        family.store.api_keys(family.account.id)[0]
    ]
    with pytest.raises(LastFullKey):
        family.revoke("A", "A")


def test_an_account_whose_only_key_is_narrow_keeps_it_and_replaces_it() -> None:
    family = Family()
    family.make("A", "M", MANAGER)
    # As one of before: the first key is no longer there.
    first = family.store.api_keys(family.account.id)[0]
    expression = Expression()
    expression.set("revoked_at", "2026-01-01T00:00:00.000Z")
    family.table.write(
        [
            family.table.update_step("key", keys.api_key(first.key_hash), expression),
            family.table.delete_step("listed", keys.listed_api_key(family.account.id, first.id)),
        ]
    )
    with pytest.raises(LastFullKey):
        family.revoke("M", "M")
    family.make("M", "N", MANAGER)
    family.revoke("N", "M")
    assert family.live == {"N"}


def test_a_request_that_is_repeated_tells_the_same(family: Family) -> None:
    idempotency_key = IdempotencyKey("k", "0" * 64)
    assert family.revoke("A", "B", idempotency_key) == {"D", "E"}
    with pytest.raises(ApiKeyNotFound) as refused:
        family.revoke("A", "B", idempotency_key)
    records = RecordStore(family.table, family.account.id, family.clock.at_ms // 1000)
    again = replay_or_raise(refused.value, idempotency_key, records)
    also = again.details["also_revoked"]
    assert (again.is_replay, also) == (True, sorted([family.ids["D"], family.ids["E"]]))


def test_a_key_of_nobody_known_is_revoked_alone() -> None:
    """As those that were made before it was kept who made them."""
    family = Family()
    family.make("A", "B", MANAGER)
    key = family.caller("B").key
    for place in (keys.api_key(key.key_hash), keys.listed_api_key(family.account.id, key.id)):
        expression = Expression()
        expression.remove("made_by")
        family.table.update("key", place, expression)
    family.make("A", "F")
    assert family.revoke("F", "A") == set()
    assert family.live == {"B", "F"}


# At the same moment


def meanwhile(family: Family, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen between the next look at the listing and what is done with it."""
    look = family.store.api_keys

    def looked(account_id: str) -> list[ApiKey]:
        monkeypatch.setattr(family.store, "api_keys", look)
        found = look(account_id)
        act()
        return found

    monkeypatch.setattr(family.store, "api_keys", looked)


@pytest.mark.parametrize("maker", ["B", "D", "E"])
def test_a_key_that_is_made_while_its_makers_are_revoked_goes_with_them(
    maker: str, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(family, monkeypatch, lambda: family.make(maker, "X", READER))
    assert family.revoke("A", "B") == {"D", "E", "X"}
    assert family.live == {"A", "C"}


@pytest.mark.parametrize("maker", ["B", "D", "E"])
def test_a_key_that_was_revoked_a_moment_ago_makes_none(
    maker: str, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = family.caller(maker)
    meanwhile(family, monkeypatch, lambda: family.revoke("A", "B"))
    with pytest.raises(KeyRevoked):
        family.make(remembered, "X", READER)
    assert family.live == {"A", "C"}


def test_a_key_that_was_revoked_a_moment_ago_revokes_none(family: Family) -> None:
    remembered = family.caller("D")
    family.revoke("A", "B")
    with pytest.raises(KeyRevoked):
        family.ring.revoke(remembered, family.ids["C"], None)
    with pytest.raises(KeyRevoked):
        family.ring.revoke(remembered, family.ids["D"], None)
    assert family.live == {"A", "C"}


def test_of_two_full_keys_that_revoke_each_other_one_stays(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    family.make("A", "F")
    family.make("A", "G")
    family.revoke("F", "A")
    family.make("F", "H")
    h = family.caller("H")
    meanwhile(family, monkeypatch, lambda: family.ring.revoke(h, family.ids["F"], None))
    with pytest.raises(KeyRevoked):
        family.revoke("F", "H")
    assert family.live == {"H"}


def test_a_key_that_is_always_moved_is_given_up(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    look = family.store.api_keys

    def stale(account_id: str) -> list[ApiKey]:
        return [replace(key, keys_made=key.keys_made + 1) for key in look(account_id)]

    monkeypatch.setattr(family.store, "api_keys", stale)
    with pytest.raises(Contention):
        family.revoke("A", "B")
    monkeypatch.undo()
    assert family.live == set("ABCDE")


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_more_keys_than_fit_one_transaction_go_in_parts_that_can_be_repeated(
    fails_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = Family()
    monkeypatch.setattr(api_key_service, "MOST_AT_ONCE", 3)
    family.make("A", "B", MANAGER)
    for number in range(8):
        family.make("B" if number < 4 else f"key {number - 4}", f"key {number}", MANAGER)
    write, calls = family.store.revoke_api_keys, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == fails_at:
            raise Contention
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(family.store, "revoke_api_keys", failing)
    monkeypatch.setattr(api_key_service, "run_idempotent", lambda attempt, *_: attempt())
    with pytest.raises(Contention):
        family.revoke("A", "B")
    assert "B" in family.live
    family.revoke("A", "B")
    assert family.live == {"A"}


def test_forty_keys_fit_one_transaction() -> None:
    family = Family()
    family.make("A", "B", MANAGER)
    maker = family.caller("B")
    for number in range(api_key_service.MOST_AT_ONCE - 1):
        # More than an account may have: those made at the same moment.
        command = CreateApiKey(name=str(number), scopes=READER)
        key, family.shown[str(number)] = api_key_service.make_key(
            family.account.id, command, family.clock.at_ms + number, CountingBytes(number * 10)
        )
        family.ids[str(number)] = key.id
        family.store.add_api_key(
            replace(key, made_by=maker.key.id),
            Outcome(action=api_key_service.Action.CREATED),
            None,
            family.clock.at_ms,
        )
    assert len(family.revoke("A", "B", IdempotencyKey("k", "0" * 64))) == api_key_service.MOST_AT_ONCE - 1
    assert family.live == {"A"}


# Whatever is made and revoked

SCOPES = [MANAGER, None, READER, (Scope.KEYS_WRITE, Scope.CONTACTS_WRITE), (Scope.KEYS_WRITE, Scope.API_USER)]


@settings(max_examples=examples(60))
@given(data=some.data())
def test_what_a_revoked_key_made_opens_nothing_and_a_full_key_is_always_left(data: some.DataObject) -> None:
    family = Family()
    made_by: dict[str, str | None] = {"A": None}
    for number in range(data.draw(some.integers(1, 9))):
        live = sorted(family.live)
        caller = data.draw(some.sampled_from(live))
        if Scope.KEYS_WRITE not in family.caller(caller).key.scopes:
            continue  # It comes to neither operation.
        if data.draw(some.booleans()):
            name = f"key {number}"
            try:
                family.make(caller, name, data.draw(some.sampled_from(SCOPES)))
            except ScopeMissing:
                continue
            made_by[name] = caller
            continue
        named = data.draw(some.sampled_from(live))
        full = full_keys(family.store.api_keys(family.account.id))
        try:
            family.revoke(caller, named)
        except LastFullKey:
            assert family.live == set(live)
            continue
        assert full_keys(family.store.api_keys(family.account.id)) or not full
        for name in live:
            above = name
            while above not in (named, caller) and (maker := made_by[above]) is not None:
                above = maker
            # Below the caller everything stays, unless it named itself.
            assert (name in family.live) is not (above == named)
        if caller in family.live and made_by[caller] not in (None, *family.live):
            made_by[caller] = made_by[named]
