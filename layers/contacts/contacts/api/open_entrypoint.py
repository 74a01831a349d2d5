"""The way of a request to an operation that is for everybody: no key is looked at, nothing is counted or read."""

from base64 import b64encode
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from contacts import observability
from contacts.api.answers import Answer, common_headers
from contacts.api.files import FileAnswer
from contacts.api.operation import Operation, no_services
from contacts.api.problems import internal_problem, problem
from contacts.api.request import Request
from contacts.domain.errors import ContactsError


class OpenEntrypoint:
    """The Lambda handler around an operation without a key. It needs no services, so no runtime makes it."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway."""
        began = perf_counter()
        request = Request.of(event)
        fields: dict[str, object] = {
            "request_id": request.request_id,
            "lambda_request_id": context.aws_request_id,
            "route": request.route_key,
        }
        try:
            reply = self.operation.serve(request, no_services)
        except ContactsError as error:
            fields["code"] = error.code
            reply = problem(error, request.request_id)
        except Exception as error:  # noqa: BLE001 (the last resort: logged, and answered as 500)
            observability.record_failure(error, fields)
            reply = internal_problem(request.request_id)
        response = _response(reply, request)
        duration_ms = (perf_counter() - began) * 1000
        observability.record_request(self.operation.name, reply.status, duration_ms, fields)
        return response


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
