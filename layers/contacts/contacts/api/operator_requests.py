"""Payloads of functions that operators invoke by name.

Three fields need no pydantic, whose import takes a fifth of a cold start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from contacts.domain.errors import BodyNotJson, FieldError, InvalidInput
from contacts.domain.identity import is_uuid

MAX_RESUME: Final = 255
"""Characters."""
_NOT_KNOWN: Final = "is no field of this request"


@dataclass(frozen=True, slots=True)
class Reindexing:
    """A payload of `reindex_account`: `{"account_id", "dry_run"?, "resume"?}`."""

    account_id: str
    dry_run: bool = False
    resume: str | None = None

    @classmethod
    def checked(cls, given: object) -> Self:
        """A payload as it was sent.

        Raises:
            InvalidInput: names every wrong field.
            BodyNotJson: it is no object.
        """
        if not isinstance(given, Mapping):
            raise BodyNotJson([FieldError("body", "must be a JSON object")])
        wrong = {name: _NOT_KNOWN for name in given if name not in cls.__slots__} | {
            name: why for name, why in _wrong(given).items() if why is not None
        }
        if wrong:
            raise InvalidInput([FieldError(str(name), why) for name, why in wrong.items()])
        return cls(given["account_id"].lower(), given.get("dry_run", False), given.get("resume"))


def _wrong(given: Mapping[str, Any]) -> dict[str, str | None]:
    """What is wrong with each field, if anything is."""
    return {
        "account_id": _wrong_id(given.get("account_id")) if "account_id" in given else "is required",
        "dry_run": None if isinstance(given.get("dry_run", False), bool) else "must be true or false",
        "resume": _wrong_resume(given.get("resume")),
    }


def _wrong_id(account_id: object) -> str | None:
    if not isinstance(account_id, str):
        return "must be a string"
    return None if is_uuid(account_id) else "must be the id of an account"


def _wrong_resume(resume: object) -> str | None:
    if resume is None:
        return None
    if not isinstance(resume, str):
        return "must be a string"
    return None if len(resume) <= MAX_RESUME else f"must have at most {MAX_RESUME} characters"
