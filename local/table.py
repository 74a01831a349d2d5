"""The table without a deployment: built from template.yaml, never from a second definition."""

from typing import Any

from local.template import template

NAME = "contacts"


def create_table(client: Any, name: str = NAME) -> str:
    """Create the template's table with its keys, attributes, indexes and stream; gives back its name."""
    properties = template()["Resources"]["Table"]["Properties"]
    client.create_table(
        TableName=name,
        **{
            key: properties[key]
            for key in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        },
        StreamSpecification={"StreamEnabled": True, **properties["StreamSpecification"]},
    )
    return name
