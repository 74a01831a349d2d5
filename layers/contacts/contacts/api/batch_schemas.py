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
from contacts.api.schemas import ContactChange, ContactFields, NewContact, OnInvalid
from contacts.domain import violations
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.identity import Name, NameKind, Ref, named, possible_id, possible_names
from contacts.domain.outcome import Outcome
from contacts.domain.violations import FieldErrorCode, InvalidValue, Violation
from contacts.services.batches import MAX_ITEMS, Item
from contacts.services.contact_book import ContactBook, OnConflict
from contacts.services.terms import Terms
from contacts.services.typed_fields import TypedFields

_LARGEST_VERSION: Final = 10**15 - 1
_NAMES: Final = (NameKind.EMAIL, NameKind.EXTERNAL_ID)
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
    """An operation, with the contact that all but a delete have."""

    operation: Operation
    contact: ContactFields | None

    @property
    def custom_fields(self) -> Mapping[str, object]:
        """Those that it sets or clears."""
        return (self.contact and self.contact.custom_fields) or {}


def item(number: int, read: Read, on_invalid: OnInvalid, book: ContactBook, typed: TypedFields) -> Item:
    """What one of the operations asks of the contact book. (A contact that cannot be taken is refused in asking, with
    whatever its properties do not take.)
    """
    operation, contact = read
    ref = None if operation.ref is None else named(operation.ref, operation.by)
    return Item(
        number=number,
        names=_names(ref, contact),
        versions=operation.if_match,
        ask=_asking(read, ref, on_invalid, book, typed),
    )


def read(number: int, given: object) -> Read:
    """One of the operations. What is wrong with its contact, the contact knows.

    Raises:
        InvalidInput: names every wrong member, and every wrong field of its contact as if that were a body of its own.
    """
    if not isinstance(given, dict):
        raise InvalidInput([FieldError(f"operations.{number}", violations.NOT_OBJECT)])
    errors: list[FieldError] = []
    operation, contact, op = None, None, given.get("op")
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
        raise InvalidInput([*errors, *(contact.wrong if contact else ())])
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


def _contact(op: str, given: object) -> ContactFields | None:
    if "contact" not in _MEMBERS[op] or not isinstance(given, dict):
        return None
    return (ContactChange if op == "update" else NewContact).draft(given)


def _names(ref: Ref | None, contact: ContactFields | None) -> frozenset[Hashable]:
    """Whatever an operation names a contact by: its ref in every reading of it, and the names in its body."""
    names: set[Hashable] = set()
    if ref is not None:
        names |= {possible_id(ref), *possible_names(ref)} - {None}
    given = {} if contact is None else contact.takeable()
    return frozenset(names | {Name(kind, given[kind]) for kind in _NAMES if given.get(kind)})


def _asking(
    read: Read, ref: Ref | None, on_invalid: OnInvalid, book: ContactBook, typed: TypedFields
) -> Callable[[Terms], Outcome]:
    """The same that a request of its own would do."""
    operation, contact = read
    match contact, ref:
        case None, Ref():
            return lambda terms: book.delete(ref, terms=terms)
        case ContactChange(), Ref():
            return partial(contact_requests.update, book, typed, ref, contact, on_invalid)
        case NewContact(), None:
            on_conflict = OnConflict.UPDATE if operation.op == "upsert" else OnConflict.REJECT
            return partial(contact_requests.create, book, typed, contact, on_conflict, on_invalid)
    raise AssertionError("an operation that lacks something has been refused")
