"""The queues without a deployment: those of template.yaml, never of a second definition."""

from typing import Any

from local.template import template


def create_queues(client: Any) -> dict[str, str]:
    """Create the template's queues; gives back their URLs and ARNs as `Function.resolved_environment` takes them."""
    ids = {}
    for logical_id, resource in template()["Resources"].items():
        if resource["Type"] != "AWS::SQS::Queue":
            continue
        numbers = {name: str(value) for name, value in resource["Properties"].items() if type(value) is int}
        ids[logical_id] = client.create_queue(QueueName=logical_id, Attributes=numbers)["QueueUrl"]
        answer = client.get_queue_attributes(QueueUrl=ids[logical_id], AttributeNames=["QueueArn"])
        ids[f"{logical_id}.Arn"] = answer["Attributes"]["QueueArn"]
    return ids
