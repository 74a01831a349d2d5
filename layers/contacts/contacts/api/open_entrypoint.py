"""The way of a request to an operation that is for everybody: no key is looked at, nothing is counted or read."""

from base64 import b64encode
from typing import Any

from contacts.api.answers import Answer, common_headers
from contacts.api.files import FileAnswer
from contacts.api.frame import Frame
from contacts.api.operation import no_services
from contacts.api.request import Request


class OpenEntrypoint(Frame):
    """The Lambda handler around an operation without a key. It needs no services, so no runtime makes it."""

    def reply(self, request: Request) -> Answer:
        """Serve the request.

        Raises:
            ContactsError: it is refused.
        """
        return self.operation.serve(request, no_services)

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """The answer, whose body may be a file."""
        return _response(reply, request)


def _response(reply: Answer, request: Request) -> dict[str, Any]:
    headers = common_headers(reply, request.request_id) | reply.headers
    if not isinstance(reply, FileAnswer):
        headers["Content-Type"] = reply.content_type
        shown = "" if request.method == "HEAD" else reply.encoded()
        return {"statusCode": reply.status, "headers": headers, "body": shown}
    if reply.content:
        headers["Content-Type"] = reply.content_type
    is_binary = "Content-Encoding" in headers
    content = b"" if request.method == "HEAD" else reply.content
    body = b64encode(content).decode() if is_binary else content.decode()
    return {"statusCode": reply.status, "headers": headers, "body": body, "isBase64Encoded": is_binary}
