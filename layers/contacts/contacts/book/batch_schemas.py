"""The body of a batch: it is read into items (`read`, `item`), and their results become the response (`batch_answer`).

Only the envelope can be invalid for the whole batch. An invalid item fails alone.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
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
    unreachable,
)
from contacts.book.schemas import ContactChange, NewContact
from contacts.book.service import ContactBook, OnConflict
from contacts.book.weight import items_of
from contacts.core import observability, violations
from contacts.core.answers import Count, Uuid
from contacts.core.errors import ContactsError, FieldError, InvalidInput
from contacts.core.ids import Name, NameKind, Ref, named, possible_id, possible_names
from contacts.core.json import from_json, to_json
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
"""The members that an operation requires besides `op`. It may also have `if_match`, and `by` if it has a `ref`."""


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


class ReadOperation(NamedTuple):
    """An operation, with the fields of its contact (none for a delete), before the account's properties apply."""

    operation: Operation
    given: ContactInput


def item(
    number: int, read: ReadOperation, on_invalid: OnInvalid, book: ContactBook, rules: Mapping[str, ValueRule]
) -> Item:
    """Returns the batch item that carries out an operation. `rules`: as `validate` takes them.

    If fields are rejected, the item fails or skips them when it runs, as a single request does.
    """
    operation, given = read
    ref = None if operation.ref is None else named(operation.ref, operation.by)
    return Item(
        number=number,
        names=_names(ref, given),
        versions=operation.if_match,
        run=_runner(operation.op, ref, validate(given, rules), on_invalid, book),
    )


def read(number: int, given: object) -> ReadOperation:
    """Reads one of the operations. If only fields of its contact are invalid, they are listed in `ReadOperation.given`.

    Raises:
        InvalidInput: the operation is invalid. It names every invalid member, and every invalid field of the contact as
            in a single request.
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
    assert operation is not None, "an invalid operation has errors"
    return ReadOperation(operation, contact)


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
    """Returns every name in an operation: its `ref`, as every kind of name it can be, and the names in its body."""
    names: set[Hashable] = set()
    if ref is not None:
        names |= {possible_id(ref), *possible_names(ref)} - {None}
    named_in_body = {Name(kind, given.accepted[kind]) for kind in _NAMES if given.accepted.get(kind)}
    return frozenset(names | named_in_body)


def _runner(
    op: str, ref: Ref | None, given: ContactInput, on_invalid: OnInvalid, book: ContactBook
) -> Callable[[Preconditions], Outcome]:
    """Returns the function that does what a single request would do."""
    match op, ref:
        case "delete", Ref():
            return lambda preconditions: book.delete(ref, preconditions=preconditions)
        case "update", Ref():
            return partial(book.update_from, ref, given, on_invalid)
        case "create" | "upsert", None:
            on_conflict = OnConflict.UPDATE if op == "upsert" else OnConflict.REJECT
            return partial(book.create_from, given, on_conflict, on_invalid)
    raise AssertionError("an operation without a required member is refused before")


def items_of_batch(request: Request) -> int:
    """The written items of a batch: those of its operations; 1 where the batch is refused as a whole.

    Raises:
        BodyNotJson, BodyNotReadable, BodyTooLarge.
    """
    body = request.json()
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not 0 < len(operations) <= MAX_ITEMS:
        return 1
    return sum(items_of(one.get("contact")) if isinstance(one, dict) else 1 for one in operations)


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
"""Upper bound of a shortened result in bytes."""
_SHORT_CONTACT: Final = tuple(ShortContactOut.__annotations__)
_SHORT_PROBLEM: Final = ("type", "title", "status", "code", "existing_id", "request_id")


@dataclass(slots=True)
class BatchAnswer(Answer):
    """207 with a result for each item, in the order of the batch."""

    results: list[str] = field(default_factory=list)
    """JSON texts. A hundred contacts of 350 KB would not fit into memory as objects."""

    def encoded(self) -> str:
        """Returns the body as JSON text."""
        results = f'"results":[{",".join(self.results)}]'
        others = to_json(self.body).strip("{}")
        return f"{{{results},{others}}}" if others else f"{{{results}}}"

    def decoded(self) -> dict[str, Any]:
        """Returns the body as objects. The texts are at most 5 MB."""
        return {"results": [from_json(one) for one in self.results], **self.body}


def batch_answer(
    request: Request,
    batch: Batch,
    on_invalid: OnInvalid,
    book: ContactBook,
    typed: TypedFields,
    batches: BatchService,
    *,
    all_valid: bool = False,
) -> Answer:
    """Carries out a batch. The result of each item is what a single request would return.

    `all_valid`: carry out no item unless all are valid.

    Raises:
        InvalidInput: the Idempotency-Key is malformed; or `all_valid`, and it names every invalid field of every item.
        IdempotencyKeyReused, TemporarilyUnavailable: no item was carried out.
    """
    idempotency_key = request.idempotency_key()
    results = _Results(request, len(batch.operations))
    operations = {}
    for number, given in enumerate(batch.operations):
        try:
            operations[number] = read(number, given)
        except InvalidInput as error:
            results.add(number, error)
    rules = typed.rules_for(one.given for one in operations.values())
    if all_valid:
        try:
            _refuse_invalid(batch.operations, operations, rules, on_invalid)
        except InvalidInput:
            # Valid when it was begun, by the properties of that time: its results are repeated.
            if idempotency_key is None or not batches.has_begun(idempotency_key):
                raise
    items = [item(number, one, on_invalid, book, rules) for number, one in operations.items()]
    batches.carry_out(items, idempotency_key, results.add)
    return results.answer()


def _refuse_invalid(
    sent: Sequence[object],
    operations: Mapping[int, ReadOperation],
    rules: Mapping[str, ValueRule],
    on_invalid: OnInvalid,
) -> None:
    """
    Raises:
        InvalidInput: an item is invalid. It names every invalid field: `operations.3.contact.email`.
    """
    wrong: list[FieldError] = []
    for number, given in enumerate(sent):
        try:
            one = operations.get(number) or read(number, given)
            accepted, _ = validate(one.given, rules).resolve(on_invalid)
            if one.operation.op in ("create", "upsert") and not any(accepted.get(kind) for kind in _NAMES):
                raise InvalidInput(unreachable())
        except InvalidInput as error:
            wrong += [error._replace(field=_path(number, error.field)) for error in error.errors]
    if wrong:
        raise InvalidInput(wrong)


def _path(number: int, field: str) -> str:
    """Returns the path of an item's field in the body. Errors of an item name a field of its contact by itself."""
    if field.startswith("operations."):
        return field
    is_member = field.partition(".")[0] in Operation.model_fields
    return f"operations.{number}.{field}" if is_member else f"operations.{number}.contact.{field}"


class _Results:
    """The results of a batch as JSON texts: complete up to 5 MB, shortened from the first that does not fit."""

    def __init__(self, request: Request, count: int) -> None:
        self._request_id = request.request_id
        self._caller = request.caller
        self._count = count
        self._lock = Lock()
        self._complete: dict[int, str] = {}
        self._shortened: dict[int, str] = {}
        self._bytes_left = MAX_ANSWER_BYTES - MAX_ITEMS * _SHORT_BYTES
        """Bytes that complete results may still take."""
        self._first_shortened = count
        """Results from this number on are shortened."""
        self._failed = 0
        self._is_replay = False

    def add(self, number: int, result: Outcome | Exception) -> None:
        """Adds the outcome or the error of an item. Several threads may call it."""
        if isinstance(result, Outcome):
            member, response = "contact", shown_to(self._caller, answer(result))
            shortened = _shorten(response.body, _SHORT_CONTACT) if result.contact else response.body
        else:
            member, response = "problem", self._problem(result)
            shortened = _shorten(response.body, _SHORT_PROBLEM)
        head = {"index": number, "status": response.status}
        complete = to_json({**head, member: response.body})
        with self._lock:
            self._failed += response.status >= 400
            self._is_replay |= isinstance(result, Outcome) and result.is_replay
            self._shortened[number] = to_json({**head, member: shortened})
            self._keep(number, complete)

    def answer(self) -> Answer:
        """Returns the response, after every item has a result."""
        return BatchAnswer(
            _MULTI_STATUS,
            {},
            {"Idempotent-Replayed": "true"} if self._is_replay else {},
            log_fields={"items": self._count, "failed": self._failed},
            results=[self._complete.get(number, self._shortened[number]) for number in range(self._count)],
        )

    def _keep(self, number: int, complete: str) -> None:
        """Keeps a complete result if it fits; results with higher numbers are shortened to make room for it.

        So the same results are shortened in whatever order the items finish.
        """
        if number >= self._first_shortened:
            return
        self._complete[number] = complete
        self._bytes_left -= _bytes(complete)
        while self._bytes_left < 0:
            self._first_shortened = max(self._complete)
            self._bytes_left += _bytes(self._complete.pop(self._first_shortened))

    def _problem(self, error: Exception) -> Answer:
        if isinstance(error, ContactsError):
            return problem(error, self._request_id)
        observability.record_failure(error, {"request_id": self._request_id})
        return internal_problem(self._request_id)


def _bytes(text: str) -> int:
    return len(text.encode()) + len(",")


def _shorten(body: Mapping[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    return {member: body[member] for member in members if member in body}
