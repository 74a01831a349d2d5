"""Payloads of functions that operators invoke by name.

They are validated without pydantic, whose import takes a fifth of a cold start.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from contacts.accounts.model import LOG_LEVELS
from contacts.core.errors import BodyNotJson, FieldError, InvalidInput
from contacts.core.ids import is_uuid
from contacts.core.time import parsed
from contacts.core.violations import (
    BODY_NOT_OBJECT,
    NOT_BOOLEAN,
    NOT_STRING,
    REQUIRED,
    UNKNOWN_FIELD,
    FieldErrorCode,
    InvalidValue,
    Violation,
    longer_than,
    not_one_of,
    text_violation,
    wrong_length,
)

MAX_RESUME: Final = 255
"""Characters."""
MAX_REASON: Final = 255
"""Characters."""
_TABLE_NAME: Final = re.compile("[a-zA-Z0-9_.-]{3,255}")
_NOT_A_TABLE: Final = Violation(FieldErrorCode.INVALID_FORMAT, "must be the name of a table of DynamoDB")
_UNTIL_NEEDED: Final = Violation(
    FieldErrorCode.REQUIRED, "is required with overwrite: the moment until which changes are undone"
)
_PLACE: Final = re.compile("[0-9a-f-]{36}(:(erased|opted_out|live|trashed):([0-9a-f-]{36}|[0-9a-f]{64})?)?")
_NOT_A_PLACE: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, "must be `resume` of a report, or the id of an account"
)
_NOT_AN_ACCOUNT_ID: Final = Violation(FieldErrorCode.INVALID_FORMAT, "must be the id of an account")
_NOT_WITHOUT_SUSPENDING: Final = Violation(FieldErrorCode.MISPLACED, "goes with suspended: true")
_NOT_WITHOUT_FLIPPING: Final = Violation(FieldErrorCode.MISPLACED, "goes with a switch that is flipped")
_ONLY_OF_ALL: Final = Violation(FieldErrorCode.MISPLACED, "is flipped for all accounts only")
_ON_OFF: Final = ("on", "off")
_SWITCHES: Final = {
    "deliveries": _ON_OFF,
    "writes": _ON_OFF,
    "dns": _ON_OFF,
    "imports": _ON_OFF,
    "log_level": LOG_LEVELS,
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """A payload of `restore_account`."""

    account_id: str
    table: str
    """The name of the restored table."""
    dry_run: bool
    overwrite: bool = False
    """Whether contacts that have changed since take the values of the restored table again."""
    until_ms: int | None = None
    """What was changed or deleted after this moment (ms since the epoch) stays as it is; None: no such moment."""
    resume: str | None = None
    """The id of the contact to go on after."""

    def covers(self, at_ms: int) -> bool:
        """Whether a change at a moment may be undone."""
        return self.until_ms is None or at_ms <= self.until_ms

    @classmethod
    def checked(cls, given: object) -> Self:
        """Validate a payload: `{"account_id", "table", "dry_run", "overwrite"?, "until"?, "resume"?}`.

        `dry_run` has no default. `overwrite` goes with `until`.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: the payload is no object.
        """
        known = ("account_id", "table", "dry_run", "overwrite", "until", "resume")
        fields = _validated(given, known, _wrong_restoring)
        return cls(
            account_id=fields["account_id"].lower(),
            table=fields["table"],
            dry_run=fields["dry_run"],
            overwrite=fields.get("overwrite", False),
            until_ms=None if fields.get("until") is None else parsed(fields["until"]),
            resume=_in_lower_case(fields.get("resume")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """A payload of `replay_journal`: which part of the journal is done again, and on which table."""

    since_ms: int
    """What was noted since this moment (ms since the epoch): that of the backup, or earlier."""
    dry_run: bool
    table: str | None = None
    """The name of a restored table that is not in use yet; None: the stack's own."""
    account_id: str | None = None
    """None: all accounts."""
    resume: str | None = None
    """Where to go on, as a report has said, or the id of the account to begin with."""

    @classmethod
    def checked(cls, given: object) -> Self:
        """Validate a payload: `{"since", "dry_run", "table"?, "account_id"?, "resume"?}`. `dry_run` has no default.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: the payload is no object.
        """
        known = ("since", "dry_run", "table", "account_id", "resume")
        fields = _validated(given, known, _wrong_replaying)
        return cls(
            since_ms=parsed(fields["since"]),
            dry_run=fields["dry_run"],
            table=fields.get("table"),
            account_id=_in_lower_case(fields.get("account_id")),
            resume=_in_lower_case(fields.get("resume")),
        )


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """A payload of `set_switches`: each switch that is flipped, `account_id` and `reason`, all optional."""

    deliveries: str | None = None
    writes: str | None = None
    dns: str | None = None
    imports: str | None = None
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
        fields = _validated(given, cls.__slots__, _wrong_switches)
        return cls(**{**fields, "account_id": _in_lower_case(fields.get("account_id"))})

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


def _in_lower_case(an_id: str | None) -> str | None:
    """An id as it is stored, since an operator may write it otherwise."""
    return None if an_id is None else an_id.lower()


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
    wrong = {name: _wrong_switch(given, name, is_of_account="account_id" in given) for name in _SWITCHES}
    says = any(given.get(name) is not None for name in _SWITCHES)
    reason = _wrong_reason(given.get("reason"), _NOT_WITHOUT_FLIPPING, is_allowed=says)
    return {
        **wrong,
        # A null, as a script makes of a variable that is empty, must not stop the deliveries of all accounts.
        "account_id": _wrong_id(account_id) if "account_id" in given else None,
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
    return text_violation(reason) if 0 < len(reason) <= MAX_REASON else wrong_length(reason, MAX_REASON)


def _wrong_id(account_id: object) -> Violation | None:
    if not isinstance(account_id, str):
        return NOT_STRING
    return None if is_uuid(account_id) else _NOT_AN_ACCOUNT_ID


def _wrong_resume(resume: object) -> Violation | None:
    if resume is None:
        return None
    if not isinstance(resume, str):
        return NOT_STRING
    return text_violation(resume) if len(resume) <= MAX_RESUME else longer_than(MAX_RESUME)


def _wrong_restoring(given: Mapping[str, Any]) -> dict[str, Violation | None]:
    """What is wrong with each field of a `Restoring`, or None."""
    overwrite, until = given.get("overwrite", False), given.get("until")
    return {
        "account_id": _wrong_id(given.get("account_id")) if "account_id" in given else REQUIRED,
        "table": _wrong_table(given.get("table")) if "table" in given else REQUIRED,
        "dry_run": _wrong_flag(given.get("dry_run")) if "dry_run" in given else REQUIRED,
        "overwrite": _wrong_flag(overwrite),
        "until": _UNTIL_NEEDED if overwrite is True and until is None else _wrong_moment(until),
        "resume": _wrong_optional_id(given.get("resume")),
    }


def _wrong_replaying(given: Mapping[str, Any]) -> dict[str, Violation | None]:
    """What is wrong with each field of a `Replaying`, or None."""
    table = given.get("table")
    return {
        "since": _wrong_moment(given.get("since")) if given.get("since") is not None else REQUIRED,
        "dry_run": _wrong_flag(given.get("dry_run")) if "dry_run" in given else REQUIRED,
        "table": None if table is None else _wrong_table(table),
        "account_id": _wrong_optional_id(given.get("account_id")),
        "resume": _wrong_place(given.get("resume")),
    }


def _wrong_flag(flag: object) -> Violation | None:
    return None if isinstance(flag, bool) else NOT_BOOLEAN


def _wrong_optional_id(an_id: object) -> Violation | None:
    return None if an_id is None else _wrong_id(an_id)


def _wrong_place(resume: object) -> Violation | None:
    """What is wrong with a `resume` of `replay_journal`: `<account>`, or `<account>:<stage>:<id or HMAC>`."""
    if resume is None:
        return None
    if not isinstance(resume, str):
        return NOT_STRING
    return None if _PLACE.fullmatch(resume.lower()) else _NOT_A_PLACE


def _wrong_table(name: object) -> Violation | None:
    if not isinstance(name, str):
        return NOT_STRING
    return None if _TABLE_NAME.fullmatch(name) else _NOT_A_TABLE


def _wrong_moment(moment: object) -> Violation | None:
    if moment is None:
        return None
    if not isinstance(moment, str):
        return NOT_STRING
    try:
        parsed(moment)
    except InvalidValue as error:
        return error.violation
    return None
