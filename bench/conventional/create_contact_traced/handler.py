"""POST /v1/contacts, by the book and with X-Ray traces."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from models import Contact, NewContact
from table import count_request, table

logger = Logger()
metrics = Metrics()
tracer = Tracer()
app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/contacts")
@tracer.capture_method
def create_contact(new: NewContact) -> tuple[Contact, int]:
    """Create a contact in the caller's account, its names claimed in the same transaction."""
    account = count_request(app.current_event.headers)
    logger.append_keys(account_id=account)
    now = datetime.now(UTC)
    contact = Contact(
        **new.model_dump(),
        id=str(uuid4()),
        validation_status="pending",
        version=1,
        created_at=now,
        updated_at=now,
    )
    item = json.loads(contact.model_dump_json(exclude_none=True), parse_float=Decimal)
    writes = [_put({"PK": f"ACCOUNT#{account}#0", "SK": f"CONTACT#{contact.id}", "kind": "contact", **item})]
    names = {"EMAIL": contact.email, "EXTERNAL_ID": contact.external_id}
    writes += [
        _put(
            {
                "PK": f"ACCOUNT#{account}#{kind}#{name}",
                "SK": "CLAIM",
                "contact_id": contact.id,
                "state": "live",
            }
        )
        for kind, name in names.items()
        if name
    ]
    try:
        table.meta.client.transact_write_items(TransactItems=writes)
    except ClientError as error:
        if error.response["Error"]["Code"] == "TransactionCanceledException":
            raise ServiceError(409, "Another contact has this email or external_id.") from error
        raise
    metrics.add_metric(name="ContactCreated", unit=MetricUnit.Count, value=1)
    logger.info("contact created", contact_id=contact.id)
    return contact, 201


def _put(item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(PK)"}}


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return app.resolve(event, context)
