"""What reads less on the local stack answers the same: a Query from its place on, a projection read once.

It runs in the emulator's own environment.
"""

from collections.abc import Callable

BOTH_WAYS = """
import itertools, json, random
from local.emulator import queries

dynamodb = queries.dynamodb
names = {"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}
dynamodb._create_table({
    "TableName": "people", "KeySchema": list(names), "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
})
chance = random.Random(1)
for n in chance.sample(range(1_000), 100):
    item = {"PK": {"S": "p"}, "SK": {"S": f"{'ab'[n % 2]}{n:03}"}, "n": {"N": str(n)}, "text": {"S": "x" * 27_000}}
    dynamodb._put_item({"TableName": "people", "Item": item})

plain = dynamodb._query
queries.LARGE_PARTITION = 10
queries.begin_queries_at_their_place()
compared = 0
for condition, order, limit, kept in itertools.product(
    ("#0 = :0", "#0 = :0 AND begins_with(#1, :1)", "#0 = :0 AND #1 BETWEEN :1 AND :2"),
    (True, False), (None, 1, 7, 99, 100, 101, 5_000), (None, "#2 > :3"),
):
    values = {":0": {"S": "p"}, ":1": {"S": "a1"}, ":2": {"S": "b3"}, ":3": {"N": "400"}}
    request = {"TableName": "people", "KeyConditionExpression": condition, "ScanIndexForward": order}
    request |= {"FilterExpression": kept} if kept else {}
    request |= {"Limit": limit} if limit else {}
    text = condition + (kept or "")
    request["ExpressionAttributeValues"] = {name: one for name, one in values.items() if name in text}
    attributes = {"#0": "PK", "#1": "SK", "#2": "n"}
    request["ExpressionAttributeNames"] = {name: one for name, one in attributes.items() if name in text}
    while True:
        answers = [json.loads(way(dict(request))[2]) for way in (plain, dynamodb._query)]
        assert "Items" in answers[0], answers[0]
        assert answers[0] == answers[1], (request, [len(answer.get("Items", ())) for answer in answers])
        compared += 1
        if not answers[0].get("LastEvaluatedKey"):
            break
        request["ExclusiveStartKey"] = answers[0]["LastEvaluatedKey"]
assert compared > 500, compared
assert len(dynamodb._tables["people"]["items"]["p"]) == 100
"""


def test_a_query_answers_the_same_wherever_it_begins(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(BOTH_WAYS)


PROJECTIONS = """
from local.emulator import queries

plain = queries.dynamodb._project_item
queries.read_projections_once()
item = {"PK": {"S": "p"}, "size": {"N": "1"}, "of": {"M": {"a": {"L": [{"S": "x"}, {"S": "y"}]}}}}
names = {"#0": "PK", "#1": "of", "#2": "missing", "#3": "PK", "size": "PK", "#a.b": "of"}
plain_names = "#0", "#0, #1,#2", "#1, #0", "", None
for expression in (*plain_names, "#1.a[1], #0", "of, #0", "#0, #0", "#0, #3", "size", "#a.b", "#9"):
    answers = []
    for way in (plain, queries.dynamodb._project_item):
        try:
            answers.append(way(item, expression, names))
        except ValueError as error:
            answers.append(str(error))
    assert answers[0] == answers[1], (expression, answers)
    assert not isinstance(answers[0], dict) or list(answers[0]) == list(answers[1])
"""


def test_a_projection_gives_the_same_however_often_it_is_read(run_in_emulator: Callable[[str], None]) -> None:
    run_in_emulator(PROJECTIONS)
