"""GET /v1/contacts/{contact_id}, by the book."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from models import Contact
from table import count_request, table

logger = Logger()
metrics = Metrics()
app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/contacts/<contact_id>")
def get_contact(contact_id: str) -> Contact:
    """One contact of the caller's account."""
    account = count_request(app.current_event.headers)
    logger.append_keys(account_id=account)
    key = {"PK": f"ACCOUNT#{account}#0", "SK": f"CONTACT#{contact_id}"}
    item = table.get_item(Key=key, ConsistentRead=True).get("Item")
    if item is None:
        raise NotFoundError("There is no such contact.")
    metrics.add_metric(name="ContactRead", unit=MetricUnit.Count, value=1)
    logger.info("contact read")
    return Contact.model_validate(item)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return app.resolve(event, context)
