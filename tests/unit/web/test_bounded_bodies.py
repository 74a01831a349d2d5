"""No body is read further than its bounds, whatever is sent: what is refused costs next to nothing."""

import importlib
import json
import pkgutil
import tracemalloc
from functools import partial
from typing import Annotated, Any

import pytest
from pydantic import Field

import contacts
from contacts.book.batch_schemas import Batch
from contacts.book.schemas import MAX_ENTRIES, ContactChange, NewContact
from contacts.core.errors import MAX_ERRORS_SHOWN, InvalidInput
from contacts.core.json import MAX_VALUES, json_values
from contacts.events.model import MAX_DATA_VALUES
from contacts.events.schemas import NewEvent
from contacts.properties.schemas import NewProperty
from contacts.web.bodies import Body, list_bounds
from tests.support.counting import calls_made
from tests.support.thorough import times
from tests.unit.web.test_requests import request

MEMORY = 8 << 20
"""Bytes that a refusal of a body may take besides the body."""
CALLS = 10 * MAX_VALUES
"""Functions that a refusal of a body may call, however long the body is."""
STEPS = 30
"""Functions that reading one value of a body may call."""


def bodies() -> list[type[Body]]:
    """Every body there is."""
    for module in pkgutil.walk_packages(contacts.__path__, "contacts."):
        importlib.import_module(module.name)
    found, rest = [], [Body]
    while rest:
        below = rest.pop().__subclasses__()
        found += [one for one in below if one.__module__.startswith("contacts.")]
        rest += below
    return found


BOUNDED = [(body, name, most) for body in bodies() for name, most in list_bounds(body).items()]
POISONS: dict[str, Any] = {
    "numbers": 1,
    "large exponents": 1e125,
    "empty arrays": [],
    "empty objects": {},
    "strings": "x",
    "nulls": None,
}


def test_there_are_bodies_and_arrays_to_be_looked_at() -> None:
    assert {NewContact, ContactChange, Batch, NewProperty, NewEvent} <= set(bodies())
    assert {"tags", "lists", "add_tags", "remove_lists", "events", "scopes", "options", "operations"} <= {
        name for _, name, _ in BOUNDED
    }


def test_an_array_without_a_bound_is_a_mistake() -> None:
    class Careless(Body):
        fine: Annotated[list[str], Field(max_length=3)] | None = None
        names: list[str] | None = None

    with pytest.raises(TypeError, match="names"):
        list_bounds(Careless)


def refused(body: type[Body], given: Any) -> dict[str, str]:
    """What is wrong with a body, having cost next to nothing to tell."""
    body.prepare()
    list_bounds(body)
    tracemalloc.start()
    with pytest.raises(InvalidInput) as refusal:
        body.checked(given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY
    assert calls_made(partial(pytest.raises, InvalidInput, body.checked, given)) < CALLS
    return {error.field: error.message for error in refusal.value.errors}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
@pytest.mark.parametrize(("body", "name", "most"), BOUNDED, ids=[f"{b.__name__}.{n}" for b, n, _ in BOUNDED])
def test_an_array_beyond_its_bound_is_not_read(body: type[Body], name: str, most: int, poison: Any) -> None:
    for length in (most + 1, 100_000):
        wrong = refused(body, {name: [poison] * length})
        assert wrong[name] == f"has {length:,} values; at most {most:,} are read"
        assert not [field for field in wrong if field.startswith(f"{name}.")]


@pytest.mark.parametrize(("body", "name", "most"), BOUNDED, ids=[f"{b.__name__}.{n}" for b, n, _ in BOUNDED])
def test_an_array_within_it_is_read(body: type[Body], name: str, most: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        body.checked({name: [object()] * most, "no field at all": 1})
    assert not any(error.message.endswith("are read") for error in refusal.value.errors)


def test_other_errors_are_reported_beside_a_too_long_array() -> None:
    wrong = refused(NewContact, {"tags": [1] * 5000, "email": "nobody", "lists": ["A B"], "add_tags": [""]})
    assert set(wrong) == {"tags", "email", "lists.0", "add_tags.0"}


def test_repeated_tags_count_once() -> None:
    taken = NewContact.checked({"tags": [*map(str, range(100))] * (MAX_ENTRIES // 100)})
    assert taken.tags == [*map(str, range(100))]


@pytest.mark.parametrize("body", bodies(), ids=lambda body: body.__name__)
def test_no_more_unknown_names_are_examined_than_reported(body: type[Body]) -> None:
    wrong = refused(body, {f"unknown {number}": number for number in range(50_000)})
    assert MAX_ERRORS_SHOWN < len(wrong) < MAX_ERRORS_SHOWN + 20


def nested(count: int) -> Any:
    """As many values, one inside the other as far as that goes, then the next."""
    return {f"k{number}": [[[[[1]]]]] for number in range(count // 6)}


@pytest.mark.parametrize(
    "shape",
    [
        lambda count: {f"k{number}": number for number in range(count)},
        lambda count: {"one": [1] * (count - 1)},
        lambda count: {"one": ["\0"] * (count - 1)},
        nested,
        lambda count: {"a": {"b": {"c": [{}] * (count - 3)}}},
    ],
    ids=["keys", "elements", "wrong elements", "nested", "empty objects"],
)
def test_free_json_has_a_bounded_number_of_values(shape: Any) -> None:
    for body, name, most in ((NewContact, "custom_fields", MAX_VALUES), (ContactChange, "metadata", MAX_VALUES),
                             (NewEvent, "data", MAX_DATA_VALUES)):  # fmt: skip
        for count in (most + 6, 200_000):
            wrong = refused(body, {"email": "ada@example.com", name: shape(count)} | _name_of(body))
            wrong.pop("email", None)
            assert wrong == {name: f"has more than {most:,} values, those inside others counted"}


def _name_of(body: type[Body]) -> dict[str, str]:
    return {"name": "order"} if body is NewEvent else {}


@pytest.mark.parametrize("name", ["custom_fields", "metadata"])
def test_as_many_values_as_the_limit_are_accepted(name: str) -> None:
    given = {name: {"one": [1] * (MAX_VALUES - 1)}, "email": "ada@example.com"}
    assert NewContact.draft(given).errors == ()


def test_a_map_with_too_many_values_is_skipped_as_a_whole() -> None:
    draft = NewContact.draft(
        {"email": "ada@example.com", "custom_fields": {"a": [1] * MAX_VALUES}, "metadata": {"b": 1}}
    )
    assert draft.accepted == {"email": "ada@example.com", "metadata": {"b": 1}}
    assert [error.field for error in draft.rejected] == ["custom_fields"]


@pytest.mark.parametrize(
    "unit", ["1", "1e125", "0.1", "-1E-130", "12345678901234567890.5", "[]", "{}", '""', "[[[1]]]"]
)
def test_a_long_body_of_anything_is_read_in_a_few_steps_a_value(unit: str) -> None:
    count = times(1_000_000, 200_000) // (len(unit) + 1)
    body = f'{{"tags":[{",".join([unit] * count)}]}}'
    parsed: Any = request(body).json()
    assert len(parsed["tags"]) == count
    assert calls_made(request(body).json) < STEPS * count + CALLS
    assert list(refused(NewContact, parsed)) == ["email", "external_id", "tags"][2:]


def test_values_are_counted_at_any_depth() -> None:
    assert json_values(({"a": 1, "b": [1, [2, {}]], "c": {"d": None}}, {}, None, 7), 100) == 8
    assert json_values(([[1] * 50] * 50,), 100) > 100
    assert json_values((json.loads("[" * 900 + "]" * 900),), 10_000) == 899
