"""Payloads of functions that operators invoke by name.

They are validated without pydantic, whose import takes a fifth of a cold start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from contacts.core.errors import BodyNotJson, FieldError, InvalidInput
from contacts.core.ids import is_uuid
from contacts.core.violations import (
    BODY_NOT_OBJECT,
    NOT_BOOLEAN,
    NOT_STRING,
    REQUIRED,
    UNKNOWN_FIELD,
    FieldErrorCode,
    Violation,
    longer_than,
    wrong_length,
)

MAX_RESUME: Final = 255
"""Characters."""
MAX_REASON: Final = 255
"""Characters."""
_NOT_AN_ACCOUNT_ID: Final = Violation(FieldErrorCode.INVALID_FORMAT, "must be the id of an account")
_NOT_WITHOUT_SUSPENDING: Final = Violation(FieldErrorCode.MISPLACED, "goes with suspended: true")


@dataclass(frozen=True, slots=True)
class Reindexing:
    """A payload of `reindex_account`: `{"account_id", "dry_run"?, "resume"?}`."""

    account_id: str
    dry_run: bool = False
    resume: str | None = None

    @classmethod
    def checked(cls, given: object) -> Self:
        """Validate a payload.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: the payload is no object.
        """
        fields = _validated(given, cls.__slots__, _wrong_reindexing)
        return cls(fields["account_id"].lower(), fields.get("dry_run", False), fields.get("resume"))


@dataclass(frozen=True, slots=True)
class Suspension:
    """A payload of `suspend_account`: `{"account_id", "suspended", "reason"?}`."""

    account_id: str
    suspended: bool
    reason: str | None = None

    @classmethod
    def checked(cls, given: object) -> Self:
        """Validate a payload.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: the payload is no object.
        """
        fields = _validated(given, cls.__slots__, _wrong_suspension)
        return cls(fields["account_id"].lower(), fields["suspended"], fields.get("reason"))


def _validated(
    given: object, known: Sequence[str], wrong: Callable[[Mapping[str, Any]], Mapping[str, Violation | None]]
) -> Mapping[str, Any]:
    """The fields of a payload, validated. `wrong`: returns what is wrong with each known field, or None.

    Raises: as `checked`.
    """
    if not isinstance(given, Mapping):
        raise BodyNotJson([FieldError("body", BODY_NOT_OBJECT)])
    found = {name: UNKNOWN_FIELD for name in given if name not in known} | {
        name: why for name, why in wrong(given).items() if why is not None
    }
    if found:
        raise InvalidInput([FieldError(str(name), why) for name, why in found.items()])
    return given


def _wrong_reindexing(given: Mapping[str, Any]) -> dict[str, Violation | None]:
    """What is wrong with each field of a `Reindexing`, or None."""
    return {
        "account_id": _wrong_id(given.get("account_id")) if "account_id" in given else REQUIRED,
        "dry_run": None if isinstance(given.get("dry_run", False), bool) else NOT_BOOLEAN,
        "resume": _wrong_resume(given.get("resume")),
    }


def _wrong_suspension(given: Mapping[str, Any]) -> dict[str, Violation | None]:
    """What is wrong with each field of a `Suspension`, or None."""
    suspended, reason = given.get("suspended"), given.get("reason")
    return {
        "account_id": _wrong_id(given.get("account_id")) if "account_id" in given else REQUIRED,
        "suspended": None if isinstance(suspended, bool) else NOT_BOOLEAN,
        "reason": _wrong_reason(reason, is_allowed=suspended is not False),
    }


def _wrong_reason(reason: object, *, is_allowed: bool) -> Violation | None:
    if reason is None:
        return None
    if not is_allowed:
        return _NOT_WITHOUT_SUSPENDING
    if not isinstance(reason, str):
        return NOT_STRING
    return None if 0 < len(reason) <= MAX_REASON else wrong_length(reason, MAX_REASON)


def _wrong_id(account_id: object) -> Violation | None:
    if not isinstance(account_id, str):
        return NOT_STRING
    return None if is_uuid(account_id) else _NOT_AN_ACCOUNT_ID


def _wrong_resume(resume: object) -> Violation | None:
    if resume is None:
        return None
    if not isinstance(resume, str):
        return NOT_STRING
    return None if len(resume) <= MAX_RESUME else longer_than(MAX_RESUME)
