"""Payloads of functions that operators invoke by name.

They are validated without pydantic, whose import takes a fifth of a cold start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from contacts.accounts.model import LOG_LEVELS
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
    not_one_of,
    wrong_length,
)

MAX_RESUME: Final = 255
"""Characters."""
MAX_REASON: Final = 255
"""Characters."""
_NOT_AN_ACCOUNT_ID: Final = Violation(FieldErrorCode.INVALID_FORMAT, "must be the id of an account")
_NOT_WITHOUT_SUSPENDING: Final = Violation(FieldErrorCode.MISPLACED, "goes with suspended: true")
_NOT_WITHOUT_FLIPPING: Final = Violation(FieldErrorCode.MISPLACED, "goes with a switch that is flipped")
_ONLY_OF_ALL: Final = Violation(FieldErrorCode.MISPLACED, "is flipped for all accounts only")
_ON_OFF: Final = ("on", "off")
_SWITCHES: Final = {"deliveries": _ON_OFF, "writes": _ON_OFF, "dns": _ON_OFF, "log_level": LOG_LEVELS}


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


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """A payload of `set_switches`: `{"deliveries"?, "writes"?, "dns"?, "log_level"?, "account_id"?, "reason"?}`."""

    deliveries: str | None = None
    writes: str | None = None
    dns: str | None = None
    log_level: str | None = None
    account_id: str | None = None
    """The one account whose deliveries are meant."""
    reason: str | None = None

    @classmethod
    def checked(cls, given: object) -> Self:
        """Validate a payload.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: the payload is no object.
        """
        fields = dict(_validated(given, cls.__slots__, _wrong_switches))
        if fields.get("account_id") is not None:
            fields["account_id"] = fields["account_id"].lower()
        return cls(**fields)

    @property
    def flips(self) -> dict[str, str]:
        """The switches that it names."""
        named = {name: getattr(self, name) for name in _SWITCHES}
        return {name: value for name, value in named.items() if value is not None}


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
        "reason": _wrong_reason(reason, _NOT_WITHOUT_SUSPENDING, is_allowed=suspended is not False),
    }


def _wrong_switches(given: Mapping[str, Any]) -> dict[str, Violation | None]:
    """What is wrong with each field of a `SwitchChange`, or None."""
    account_id = given.get("account_id")
    wrong = {name: _wrong_switch(given, name, is_of_account=account_id is not None) for name in _SWITCHES}
    says = any(given.get(name) is not None for name in _SWITCHES)
    reason = _wrong_reason(given.get("reason"), _NOT_WITHOUT_FLIPPING, is_allowed=says)
    return {
        **wrong,
        "account_id": None if account_id is None else _wrong_id(account_id),
        "reason": reason,
    }


def _wrong_switch(given: Mapping[str, Any], name: str, *, is_of_account: bool) -> Violation | None:
    value = given.get(name)
    if value is None:
        return None
    if is_of_account and name != "deliveries":
        return _ONLY_OF_ALL
    return None if value in _SWITCHES[name] else not_one_of(_SWITCHES[name])


def _wrong_reason(reason: object, misplaced: Violation, *, is_allowed: bool) -> Violation | None:
    if reason is None:
        return None
    if not is_allowed:
        return misplaced
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
