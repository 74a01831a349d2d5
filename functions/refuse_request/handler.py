"""The API's $default route: what no other route serves is refused here, as a problem document."""

from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.routing import page_without_slash, refusal

operation = Operation("refuse_request")


@operation.on("$default")
def refuse_request(request: Request) -> Answer:
    """Answer 405 with the methods a path has, 404 where nothing is served, or where a page is that ends in no slash."""
    redirect = page_without_slash(request.method, request.path)
    if redirect is None:
        raise refusal(request.method, request.path)
    return redirect


lambda_handler = runtime.entrypoint(operation)
