"""Bodies of requests about contact properties."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from contacts.core.errors import FieldError
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.properties.model import (
    MAX_DESCRIPTION,
    MAX_LABEL,
    MAX_NAME,
    MAX_OPTION,
    MAX_OPTIONS,
    PropertyType,
    is_property_name,
    name_objection,
    wrong_options,
)
from contacts.properties.service import CreateProperty
from contacts.web.bodies import COMPOSED, Body, Draft, clean

_NOT_A_NAME: Final = Violation(
    FieldErrorCode.INVALID_FORMAT,
    f"must be 1 to {MAX_NAME} ASCII letters, digits, - and _, beginning with a letter",
)


def _name(name: str) -> str:
    wrong = name_objection(name) if is_property_name(name) else _NOT_A_NAME
    if wrong:
        raise InvalidValue(wrong)
    return name


def _distinct(options: list[str]) -> list[str]:
    twice = next((option for number, option in enumerate(options) if option in options[:number]), None)
    if twice is not None:
        raise InvalidValue(Violation(FieldErrorCode.DUPLICATE, f"has {twice} twice"))
    return options


Name = Annotated[str, AfterValidator(_name)]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL), AfterValidator(clean), COMPOSED]
Type = Annotated[PropertyType, Field(strict=False)]
Option = Annotated[str, Field(min_length=1, max_length=MAX_OPTION), AfterValidator(clean), COMPOSED]
Options = Annotated[list[Option], Field(max_length=MAX_OPTIONS), AfterValidator(_distinct)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), AfterValidator(clean), COMPOSED]


class NewProperty(Body):
    """A property to be defined. Only an enum has options, and needs some; the label is the name if none is given."""

    name: Name
    type: Type
    label: Label | None = None
    options: Options | None = None
    description: Description | None = None

    @classmethod
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """Options that the type does not have, or lacks."""
        kind, options = given.get("type"), given.get("options")
        if not isinstance(kind, str) or kind not in set(PropertyType):
            return []
        if options is not None and not isinstance(options, list):
            return []
        wrong = wrong_options(PropertyType(kind), options)
        return [] if wrong is None else [FieldError("options", wrong)]

    def to_command(self) -> CreateProperty:
        """The command for `PropertyService.add`."""
        return CreateProperty(
            name=self.name,
            type=self.type,
            label=self.label,
            options=self.options or (),
            description=self.description,
        )


class PropertyChange(Draft):
    """Fields to change: absent keeps, null clears. Name and type may be sent as they are.

    What the property itself cannot take is told together with what is wrong here. (The defaults are never looked at.)
    """

    name: str = ""
    type: Type = PropertyType.STRING
    label: Label | None = None
    options: Options | None = None
    description: Description | None = None
    archived: bool = False
