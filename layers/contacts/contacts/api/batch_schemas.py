"""The body of a batch, and what each of its items asks for.

The body as a whole is only held to its envelope: an item that cannot be taken is that item's own affair.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field

from contacts.api import contact_requests
from contacts.api.bodies import Body, clean
from contacts.api.request import versions_matching
from contacts.api.schemas import ContactChange, NewContact
from contacts.domain import violations
from contacts.domain.contact_input import ContactInput, OnInvalid, validate
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.identity import Name, NameKind, Ref, named, possible_id, possible_names
from contacts.domain.outcome import Outcome
from contacts.domain.properties import ValueRule
from contacts.domain.violations import FieldErrorCode, InvalidValue, Violation
from contacts.services.batches import MAX_ITEMS, Item
from contacts.services.contact_book import ContactBook, OnConflict
from contacts.services.terms import Terms

_LARGEST_VERSION: Final = 10**15 - 1
_NAMES: Final = (NameKind.EMAIL, NameKind.EXTERNAL_ID)
_NOTHING: Final = ContactInput({})
_MEMBERS: Final = {
    "create": ("contact",),
    "upsert": ("contact",),
    "update": ("ref", "contact"),
    "delete": ("ref",),
}
"""What an operation needs besides its `op`; it takes no other but `if_match`, and `by` where it has a `ref`."""


def _object(given: object) -> object:
    if given is not None and not isinstance(given, dict):
        raise InvalidValue(violations.NOT_OBJECT)
    return given


def _versions(given: object) -> tuple[int, ...]:
    if given is None:
        return ()
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= _LARGEST_VERSION:
        return (given,)
    if not isinstance(given, str):
        raise InvalidValue(Violation(FieldErrorCode.WRONG_TYPE, "must be a version or an ETag"))
    return versions_matching(given)


class Operation(Body):
    """One item: an operation on one contact. (A null says as much as a member that is not there.)"""

    op: Literal["create", "upsert", "update", "delete"]
    ref: Annotated[str, Field(min_length=1), AfterValidator(clean)] | None = None
    by: Literal["id", "email", "external_id"] | None = None
    contact: Annotated[Any, AfterValidator(_object)] = None
    if_match: Annotated[Any, AfterValidator(_versions)] = ()


class Batch(Body):
    """Up to a hundred operations."""

    operations: Annotated[list[Any], Field(min_length=1, max_length=MAX_ITEMS)]

    @classmethod
    def prepare(cls) -> None:
        """Build the validators, its items' too."""
        super().prepare()
        for body in (Operation, NewContact, ContactChange):
            body.prepare()


class Read(NamedTuple):
    """An operation, with what it asks to write of a contact (a delete: nothing)."""

    operation: Operation
    given: ContactInput


def item(
    number: int, read: Read, on_invalid: OnInvalid, book: ContactBook, rules: Mapping[str, ValueRule]
) -> Item:
    """What one of the operations asks of the contact book; `rules`: as `validate` takes them.

    Whether rejected fields refuse it is decided when it is carried out, as for a request of its own.
    """
    operation, given = read
    ref = None if operation.ref is None else named(operation.ref, operation.by)
    return Item(
        number=number,
        names=_names(ref, given),
        versions=operation.if_match,
        ask=_asking(operation.op, ref, validate(given, rules), on_invalid, book),
    )


def read(number: int, given: object) -> Read:
    """One of the operations. What is wrong with its contact stands in its input, and is not raised.

    Raises:
        InvalidInput: names every wrong member, and every wrong field of its contact as if that were a body of its own.
    """
    if not isinstance(given, dict):
        raise InvalidInput([FieldError(f"operations.{number}", violations.NOT_OBJECT)])
    errors: list[FieldError] = []
    operation, contact, op = None, _NOTHING, given.get("op")
    try:
        operation = Operation.checked(given)
    except InvalidInput as error:
        errors += error.errors
    if isinstance(op, str) and op in _MEMBERS:
        errors += _misplaced(op, given)
        try:
            contact = _contact(op, given.get("contact"))
        except InvalidInput as error:
            errors += error.errors
    if errors:
        raise InvalidInput([*errors, *contact.errors])
    assert operation is not None, "what is wrong with it has been named"
    return Read(operation, contact)


def _misplaced(op: str, given: Mapping[str, object]) -> Iterator[FieldError]:
    if "ref" not in _MEMBERS[op] and given.get("by") is not None:
        yield FieldError("by", _not_for(op))
    for member in ("ref", "contact"):
        if member in _MEMBERS[op] and given.get(member) is None:
            yield FieldError(member, Violation(FieldErrorCode.REQUIRED, f"is required for {op}"))
        if member not in _MEMBERS[op] and given.get(member) is not None:
            yield FieldError(member, _not_for(op))


def _not_for(op: str) -> Violation:
    return Violation(FieldErrorCode.MISPLACED, f"is not for {op}")


def _contact(op: str, given: object) -> ContactInput:
    if "contact" not in _MEMBERS[op] or not isinstance(given, dict):
        return _NOTHING
    return (ContactChange if op == "update" else NewContact).draft(given).to_input()


def _names(ref: Ref | None, given: ContactInput) -> frozenset[Hashable]:
    """Whatever an operation names a contact by: its ref in every reading of it, and the names in its body."""
    names: set[Hashable] = set()
    if ref is not None:
        names |= {possible_id(ref), *possible_names(ref)} - {None}
    named_in_body = {Name(kind, given.accepted[kind]) for kind in _NAMES if given.accepted.get(kind)}
    return frozenset(names | named_in_body)


def _asking(
    op: str, ref: Ref | None, given: ContactInput, on_invalid: OnInvalid, book: ContactBook
) -> Callable[[Terms], Outcome]:
    """The same that a request of its own would do."""
    match op, ref:
        case "delete", Ref():
            return lambda terms: book.delete(ref, terms=terms)
        case "update", Ref():
            return partial(contact_requests.update, book, ref, given, on_invalid)
        case "create" | "upsert", None:
            on_conflict = OnConflict.UPDATE if op == "upsert" else OnConflict.REJECT
            return partial(contact_requests.create, book, given, on_conflict, on_invalid)
    raise AssertionError("an operation that lacks something has been refused")
