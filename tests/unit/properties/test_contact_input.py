"""A contact's input: held against the account's properties, then refused or written without what is wrong."""

import pytest

from contacts.core.errors import MAX_ERRORS_SHOWN, FieldError, InvalidInput
from contacts.core.violations import NOT_NUMBER, NOT_STRING, UNKNOWN_FIELD
from contacts.properties.model import ContactInput, OnInvalid, PropertyType, ValueRule, validate

RULES = {"size": ValueRule(PropertyType.NUMBER), "old": ValueRule(PropertyType.NUMBER, is_archived=True)}
WRONG_SIZE = FieldError("custom_fields.size", NOT_NUMBER)


def test_input_without_custom_fields_stays_as_it_is() -> None:
    given = ContactInput({"email": "ada@example.com", "custom_fields": None})
    assert validate(given, RULES) is given


def test_a_value_of_a_wrong_type_is_rejected_and_the_others_are_accepted() -> None:
    given = ContactInput({"name": "Ada", "custom_fields": {"size": "x", "old": "x", "free": "x"}})
    validated = validate(given, RULES)
    assert validated.accepted == {"name": "Ada", "custom_fields": {"old": "x", "free": "x"}}
    assert validated.rejected == validated.errors == (WRONG_SIZE,)
    assert given.accepted["custom_fields"] == {"size": "x", "old": "x", "free": "x"}


def test_a_map_of_which_nothing_is_left_is_not_written() -> None:
    assert validate(ContactInput({"custom_fields": {"size": "x"}}), RULES).accepted == {}


def test_what_was_rejected_before_comes_first() -> None:
    rejected, error = FieldError("tags", NOT_STRING), FieldError("tags.0", NOT_STRING)
    validated = validate(ContactInput({"custom_fields": {"size": "x"}}, (rejected,), (error,)), RULES)
    assert (validated.rejected, validated.errors) == ((rejected, WRONG_SIZE), (error, WRONG_SIZE))


def test_only_names_of_properties_with_a_value_are_looked_up() -> None:
    given = ContactInput({"custom_fields": {"size": 1, "cleared": None, "no name": 1}})
    assert given.typed_names == ["size"]


def test_rejected_fields_refuse_the_write_or_are_left_out_of_it() -> None:
    rejected, error = FieldError("tags", NOT_STRING), FieldError("tags.0", NOT_STRING)
    given = ContactInput({"name": "Ada"}, (rejected,), (error,))
    assert given.resolve(OnInvalid.SKIP) == ({"name": "Ada"}, (rejected,))
    with pytest.raises(InvalidInput) as refused:
        given.resolve(OnInvalid.REJECT)
    assert refused.value.errors == (error,)


def test_where_nothing_is_rejected_everything_is_written() -> None:
    given = ContactInput({"name": "Ada"})
    assert given.resolve(OnInvalid.SKIP) == ({"name": "Ada"}, ())
    assert given.resolve(OnInvalid.REJECT) == ({"name": "Ada"}, None)


def test_more_rejected_fields_than_an_answer_names_are_not_skipped() -> None:
    wrong = tuple(FieldError(f"x{number}", UNKNOWN_FIELD) for number in range(MAX_ERRORS_SHOWN + 1))
    assert ContactInput({}, wrong[1:], wrong[1:]).resolve(OnInvalid.SKIP) == ({}, wrong[1:])
    with pytest.raises(InvalidInput):
        ContactInput({}, wrong, wrong).resolve(OnInvalid.SKIP)
