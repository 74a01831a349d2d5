"""Wiring of what checks custom fields."""

from contacts.adapters.value_rules import DynamoValueRules
from contacts.bootstrap import table
from contacts.domain.accounts import Caller
from contacts.services.typed_fields import TypedFields


def typed_fields(caller: Caller) -> TypedFields:
    """The custom fields of the caller's account. A test key's values are checked by the account's own properties."""
    return TypedFields(DynamoValueRules(table(), caller.account_id))
