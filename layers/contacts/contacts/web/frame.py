"""What is the same for every request to the API, with a key or without: its time, its last resort, its log line."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from contacts.core import observability
from contacts.core.errors import ContactsError
from contacts.web.request import Request
from contacts.web.response import Answer, internal_problem, problem
from contacts.web.routing import Operation


class Frame:
    """The Lambda handler around one operation, without what its kind of entrypoint adds."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of API Gateway."""
        began = perf_counter()
        self.begin(context)
        request = Request.of(event)
        fields: dict[str, object] = {
            "request_id": request.request_id,
            "lambda_request_id": context.aws_request_id,
            "route": request.route_key,
        }
        try:
            reply = self.reply(request)
        except ContactsError as error:
            fields["code"] = error.code
            reply = self.refusal(request, problem(error, request.request_id), error)
        except Exception as error:  # noqa: BLE001 (the last resort: logged, and answered as 500)
            observability.record_failure(error, fields)
            reply = self.refusal(request, internal_problem(request.request_id))
        fields |= self.caller_fields(request)
        response = self.response(reply, request)
        fields |= reply.log_fields
        duration_ms = (perf_counter() - began) * 1000
        observability.record_request(self.operation.name, reply.status, duration_ms, fields)
        return response

    def begin(self, context: Any) -> None:
        """A request begins; `context`: what Lambda passes beside the event."""

    def reply(self, request: Request) -> Answer:
        """Serve the request.

        Raises:
            ContactsError: it is refused.
        """
        raise NotImplementedError

    def refusal(self, request: Request, native: Answer, error: ContactsError | None = None) -> Answer:
        """A problem as whoever asks is told of it; `error` None: it is unexpected."""
        return native

    def caller_fields(self, request: Request) -> Mapping[str, object]:
        """What the log line says of the caller."""
        return {}

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """An answer as API Gateway takes it."""
        raise NotImplementedError
