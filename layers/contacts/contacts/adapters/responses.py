"""How botocore reads DynamoDB's answers: attributes are taken as they are on the wire.

Its parser walks every attribute of every item, at 7 µs each, to build what it was given: typed JSON. Of a page of
contacts with many small values that is most of the CPU, and half of the memory. (Only binary attributes look different
on the wire, and we have none.)
"""

from typing import Any, Final

from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory

_ATTRIBUTE: Final = "AttributeValue"


class _AsOnTheWire(JSONParser):
    def _handle_structure(self, shape: Any, value: Any) -> Any:
        if shape.name == _ATTRIBUTE:
            return value
        return super()._handle_structure(shape, value)  # type: ignore[misc]

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == _ATTRIBUTE:
            return value
        return super()._handle_map(shape, value)  # type: ignore[misc]


class ResponseParsers(ResponseParserFactory):
    """The parsers of a session's clients; for `session.register_component("response_parser_factory", …)`."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """The parser of a protocol. DynamoDB speaks `json`."""
        if protocol_name == "json":
            return _AsOnTheWire()
        return super().create_parser(protocol_name)
