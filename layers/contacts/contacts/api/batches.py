"""A batch: its items carried out, and the answer that tells of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from contacts import observability
from contacts.api.answers import MAX_ANSWER_BYTES, Answer, answer, shown_to
from contacts.api.batch_schemas import Batch, item, read
from contacts.api.problems import internal_problem, problem
from contacts.api.request import Request
from contacts.domain.contact_input import OnInvalid
from contacts.domain.errors import ContactsError, InvalidInput
from contacts.domain.json_text import to_json
from contacts.domain.outcome import Outcome
from contacts.services.batches import MAX_ITEMS, BatchDesk
from contacts.services.contact_book import ContactBook
from contacts.services.typed_fields import TypedFields

_MULTI_STATUS: Final = 207
_SHORT_BYTES: Final = 1000
"""A result that is cut short has fewer."""
_IN_SHORT: Final = ("id", "version", "deleted", "permanent")
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
    desk: BatchDesk,
) -> Answer:
    """Carry out a batch, and tell of each of its items what a request of its own would be answered.

    Raises:
        InvalidInput: the Idempotency-Key is malformed.
        IdempotencyKeyReused, TemporarilyUnavailable: nothing of it was done.
    """
    receipt = request.receipt()
    results = _Results(request, len(batch.operations))
    operations = {}
    for number, given in enumerate(batch.operations):
        try:
            operations[number] = read(number, given)
        except InvalidInput as error:
            results.tell(number, error)
    rules = typed.rules_for(one.given for one in operations.values())
    items = [item(number, one, on_invalid, book, rules) for number, one in operations.items()]
    desk.carry_out(items, receipt, results.tell)
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
            noted={"items": self._count, "failed": self._failed},
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
