"""Gives the HTTP API of a deployed stack its routes.

Why this exists: the template has the routes in the OpenAPI document of the API (`Body`), which CloudFormation hands to
API Gateway. MiniStack creates the API but ignores the document. So the document is read back from the processed
template, and its routes are created through the API Gateway API. Everything in it is the template's: nothing here
knows an operation.
"""

from typing import Any

HTTP_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"


def create_routes(gateway: Any, cloudformation: Any, stack_name: str) -> dict[str, str]:
    """Replaces the routes of every HTTP API of the stack by those of its OpenAPI document.

    Args:
        gateway: a boto3 client of apigatewayv2.
        cloudformation: a boto3 client of cloudformation.

    Returns:
        The physical id of each HTTP API, by its logical id.
    """
    template = cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    physical_ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    apis = {}
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            apis[logical_id] = physical_ids[logical_id]
            replace_routes(gateway, physical_ids[logical_id], resource["Properties"]["Body"], physical_ids)
    return apis


def replace_routes(gateway: Any, api_id: str, document: dict[str, Any], physical_ids: dict[str, str]) -> None:
    """Removes the routes of one API and creates those of its OpenAPI document."""
    for route in gateway.get_routes(ApiId=api_id, MaxResults="1000")["Items"]:
        gateway.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api_id, MaxResults="1000")["Items"]:
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])

    integration_ids: dict[str, str] = {}
    for route_key, integration in routes_of(document):
        function_name = physical_ids[function_of(integration)]
        if function_name not in integration_ids:
            created = gateway.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationUri=function_name,
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            integration_ids[function_name] = created["IntegrationId"]
        gateway.create_route(
            ApiId=api_id, RouteKey=route_key, Target=f"integrations/{integration_ids[function_name]}"
        )


def routes_of(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each route key of an OpenAPI document (`GET /v1/contacts`, `$default`) with its integration."""
    routes = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == ANY_METHOD:
                routes.append(("$default" if path == "$default" else f"ANY {path}", operation[INTEGRATION]))
            elif method in HTTP_METHODS:
                routes.append((f"{method.upper()} {path}", operation[INTEGRATION]))
    return routes


def function_of(integration: dict[str, Any]) -> str:
    """The logical id of the function or the alias that an integration leads to.

    `!GetAtt GetChat.Arn` is one, `!Ref GetContactAliaslive` the other: the physical id of an alias is its ARN.
    """
    uri: dict[str, Any] = integration["uri"]
    return str(uri["Ref"] if "Ref" in uri else uri["Fn::GetAtt"][0])
