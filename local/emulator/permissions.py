"""What a function may do, as IAM on AWS decides it.

- MiniStack knows nothing of the partition keys that IAM conditions name (`dynamodb:LeadingKeys`), and what it does not
  know it takes for met.
- It holds each schedule's permission against the group `default`, and asks for permissions that IAM does not know for
  batches of messages.
- It parses all policies of a caller two or three times a request. Here a policy's text is parsed once.
"""

import functools
import json
import re

from ministack.core import iam_actions, iam_evaluator

LEADING_KEYS = "dynamodb:LeadingKeys"


class StepOfTransaction(str):  # noqa: SLOT000 - it has an attribute
    """An IAM action, with the partition key that one step of a transaction has."""

    leading_keys: list[str]


def know_leading_keys() -> None:
    """Hold conditions on partition keys: of a call all its keys, of a transaction the key of each step."""
    context_of, checks_of = iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks
    enforce, compiled = iam_evaluator.enforce, iam_evaluator._fnmatch_compile

    def with_keys(body):
        return {**context_of(body), LEADING_KEYS: leading_keys_of(json.loads(body or b"{}"))}

    def with_key_of_step(iam_action, body, *rest):
        checks = checks_of(iam_action, body, *rest)
        steps = (
            [part for step in json.loads(body)["TransactItems"] for part in step.values()] if checks else ()
        )
        for (action, arn), part in zip(checks, steps, strict=True):
            step = StepOfTransaction(action)
            step.leading_keys = leading_keys_of(part)
            yield step, arn

    def enforced(key, action, *rest, service_context=None, **more):
        if isinstance(action, StepOfTransaction):
            service_context = {**service_context, LEADING_KEYS: action.leading_keys}
        return enforce(key, action, *rest, service_context=service_context, **more)

    def of_several_lines(pattern, ignore_case):
        found = compiled(pattern, ignore_case)
        return re.compile(found.pattern, found.flags | re.DOTALL)

    iam_actions.dynamodb_service_context = with_keys
    iam_actions.dynamodb_transaction_checks = lambda *request: list(with_key_of_step(*request))
    iam_evaluator.enforce = enforced
    # A key may hold any text.
    iam_evaluator._fnmatch_compile = functools.cache(of_several_lines)


def leading_keys_of(request: dict) -> list[str]:
    """The partition keys that a call to DynamoDB, or a step of a transaction, names."""
    if "RequestItems" in request:
        of_tables = request["RequestItems"].values()
        parts = [{"Key": key} for table in of_tables if isinstance(table, dict) for key in table["Keys"]]
        parts += [
            part for table in of_tables if isinstance(table, list) for step in table for part in step.values()
        ]
        return sorted({key for part in parts for key in leading_keys_of(part)})
    if "KeyConditionExpression" in request:
        names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
        equalities = re.findall(r"([#\w]+) = (:\w+)", request["KeyConditionExpression"])
        return [values[value]["S"] for name, value in equalities if names.get(name, name) == "PK"]
    item = request.get("Key") or request.get("Item") or {}
    return [item["PK"]["S"]] if isinstance(item.get("PK"), dict) else []


def parse_policies_once() -> None:
    """Keep each parsed policy by its text. A changed policy has another text, and is parsed."""
    parse = iam_evaluator.parse_policy_document
    of_text = functools.lru_cache(maxsize=1_000)(parse)
    iam_evaluator.parse_policy_document = lambda document: (
        of_text(document) if isinstance(document, str) else parse(document)
    )


def know_batches_of_messages() -> None:
    """Let a batch take the permission that a single message takes."""
    action_of = iam_actions.extract_iam_action

    def of_single(service, *rest, **more):
        action = action_of(service, *rest, **more)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = of_single


def know_schedule_groups() -> None:
    """Hold the permission to make a schedule against the group that the request names."""
    resource_of = iam_actions.extract_resource_arn

    def with_group(service, method, path, headers, body, *rest, **more):
        arn = resource_of(service, method, path, headers, body, *rest, **more)
        if service == "scheduler" and ":schedule/default/" in arn and body:
            group = json.loads(body).get("GroupName", "default")
            return arn.replace(":schedule/default/", f":schedule/{group}/")
        return arn

    iam_actions.extract_resource_arn = with_group
