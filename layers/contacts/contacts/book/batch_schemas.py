"""The body of a batch, and what each of its items asks for.

The body as a whole is only held to its envelope: an item that cannot be taken is that item's own affair.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from pydantic import AfterValidator, Field

from contacts.book.batch import MAX_ITEMS, BatchService, Item
from contacts.book.model import (
    DeletedContactOut,
    Outcome,
    Preconditions,
    WithheldContactOut,
    WrittenContactOut,
)
from contacts.book.schemas import ContactChange, NewContact
from contacts.book.service import ContactBook, OnConflict
from contacts.core import observability, violations
from contacts.core.answers import Count, Uuid
from contacts.core.errors import ContactsError, FieldError, InvalidInput
from contacts.core.ids import Name, NameKind, Ref, named, possible_id, possible_names
from contacts.core.json import to_json
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.properties.model import ContactInput, OnInvalid, ValueRule, validate
from contacts.properties.typed_fields import TypedFields
from contacts.web.bodies import Body, clean
from contacts.web.request import Request, versions_matching
from contacts.web.response import (
    MAX_ANSWER_BYTES,
    Answer,
    ProblemOut,
    Status,
    answer,
    internal_problem,
    problem,
    shown_to,
)

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
) -> Callable[[Preconditions], Outcome]:
    """The same that a request of its own would do."""
    match op, ref:
        case "delete", Ref():
            return lambda preconditions: book.delete(ref, preconditions=preconditions)
        case "update", Ref():
            return partial(book.update_from, ref, given, on_invalid)
        case "create" | "upsert", None:
            on_conflict = OnConflict.UPDATE if op == "upsert" else OnConflict.REJECT
            return partial(book.create_from, given, on_conflict, on_invalid)
    raise AssertionError("an operation that lacks something has been refused")


class ShortContactOut(TypedDict):
    """What is told of a contact whose batch has no room for more."""

    id: Uuid
    version: NotRequired[int]
    deleted: NotRequired[Literal[True]]
    permanent: NotRequired[bool]


class ShortProblemOut(TypedDict):
    """What is told of a refusal whose batch has no room for more."""

    type: str
    title: str
    status: Status
    code: str
    request_id: str
    existing_id: NotRequired[str]


class ResultOut(TypedDict):
    """What came of one item of a batch: the answer that a request of its own would have had."""

    index: Count
    status: Status
    contact: NotRequired[WrittenContactOut | WithheldContactOut | DeletedContactOut | ShortContactOut]
    """Where it was carried out; id and version only where the answer would exceed 5 MB."""
    problem: NotRequired[ProblemOut | ShortProblemOut]
    """Where it was refused."""


class BatchResultsOut(TypedDict):
    """One result per item, in their order."""

    results: list[ResultOut]
    test_mode: NotRequired[Literal[True]]


_MULTI_STATUS: Final = 207
_SHORT_BYTES: Final = 1000
"""A result that is cut short has fewer."""
_IN_SHORT: Final = tuple(ShortContactOut.__annotations__)
_PROBLEM_IN_SHORT: Final = ("type", "title", "status", "code", "existing_id", "request_id")


@dataclass(slots=True)
class BatchAnswer(Answer):
    """207 with a result for each item, in their order."""

    results: list[str] = field(default_factory=list)
    """As JSON texts: a hundred contacts of 350 KB could not be kept as anything larger."""

    def encoded(self) -> str:
        """The body as JSON text."""
        results = f'"results":[{",".join(self.results)}]'
        others = to_json(self.body).strip("{}")
        return f"{{{results},{others}}}" if others else f"{{{results}}}"


def batch_answer(
    request: Request,
    batch: Batch,
    on_invalid: OnInvalid,
    book: ContactBook,
    typed: TypedFields,
    desk: BatchService,
) -> Answer:
    """Carry out a batch, and tell of each of its items what a request of its own would be answered.

    Raises:
        InvalidInput: the Idempotency-Key is malformed.
        IdempotencyKeyReused, TemporarilyUnavailable: nothing of it was done.
    """
    idempotency_key = request.idempotency_key()
    results = _Results(request, len(batch.operations))
    operations = {}
    for number, given in enumerate(batch.operations):
        try:
            operations[number] = read(number, given)
        except InvalidInput as error:
            results.tell(number, error)
    rules = typed.rules_for(one.given for one in operations.values())
    items = [item(number, one, on_invalid, book, rules) for number, one in operations.items()]
    desk.carry_out(items, idempotency_key, results.tell)
    return results.answer()


class _Results:
    """What became of each item, as text: whole up to 5 MB, from the first that does not fit on in short."""

    def __init__(self, request: Request, count: int) -> None:
        self._request_id = request.request_id
        self._caller = request.caller
        self._count = count
        self._lock = Lock()
        self._whole: dict[int, str] = {}
        self._in_short: dict[int, str] = {}
        self._room = MAX_ANSWER_BYTES - MAX_ITEMS * _SHORT_BYTES
        """Bytes that are left."""
        self._cut = count
        """From this number on results are told in short."""
        self._failed = 0
        self._is_replay = False

    def tell(self, number: int, result: Outcome | Exception) -> None:
        """Take what an item did, or why it did not."""
        if isinstance(result, Outcome):
            told, members = "contact", shown_to(self._caller, answer(result))
            in_short = _in_short(members.body, _IN_SHORT) if result.contact else members.body
        else:
            told, members = "problem", self._problem(result)
            in_short = _in_short(members.body, _PROBLEM_IN_SHORT)
        head = {"index": number, "status": members.status}
        whole = to_json({**head, told: members.body})
        with self._lock:
            self._failed += members.status >= 400
            self._is_replay |= isinstance(result, Outcome) and result.is_replay
            self._in_short[number] = to_json({**head, told: in_short})
            self._keep(number, whole)

    def answer(self) -> Answer:
        """The answer, once every item is told of."""
        return BatchAnswer(
            _MULTI_STATUS,
            {},
            {"Idempotent-Replayed": "true"} if self._is_replay else {},
            log_fields={"items": self._count, "failed": self._failed},
            results=[self._whole.get(number, self._in_short[number]) for number in range(self._count)],
        )

    def _keep(self, number: int, whole: str) -> None:
        """Keep a result whole, unless it or one before it does not fit; those behind it make room.

        So the same results are cut short in whatever order the items are done.
        """
        if number >= self._cut:
            return
        self._whole[number] = whole
        self._room -= _bytes(whole)
        while self._room < 0:
            self._cut = max(self._whole)
            self._room += _bytes(self._whole.pop(self._cut))

    def _problem(self, error: Exception) -> Answer:
        if isinstance(error, ContactsError):
            return problem(error, self._request_id)
        observability.record_failure(error, {"request_id": self._request_id})
        return internal_problem(self._request_id)


def _bytes(text: str) -> int:
    return len(text.encode()) + len(",")


def _in_short(body: Mapping[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    return {member: body[member] for member in members if member in body}
